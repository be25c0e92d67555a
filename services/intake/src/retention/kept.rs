//! What there is to be kept or destroyed, as a read model: who has which requests and contacts, and since when their time runs.
//! It holds pseudonyms and times, no texts.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use chassis::event;
use contracts::{
    intake::v1::{
        ContactRegistered, ErasureOrdered, HoldPlaced, HoldReleased, PersonRecorded,
        RequestRegistered,
    },
    ledger::v1::Event,
    routing::v1::{RequestConcluded, RequestReopened},
};
use jiff::Timestamp;
use projection::ReadModel;
use sqlx::{SqliteConnection, SqlitePool};

use crate::domain::{Belonging, Dossier, KeptContact, KeptRequest, Whose};

/// The read model.
pub(crate) struct Kept;

impl ReadModel for Kept {
    const NAME: &'static str = "kept";
    const VERSION: u32 = 1;
    const HEARS: &'static [&'static str] = &[
        "intake.PersonRecorded",
        "intake.ContactRegistered",
        "intake.RequestRegistered",
        "intake.ErasureOrdered",
        "intake.Hold",
        "routing.RequestConcluded",
        "routing.RequestReopened",
    ];
    const SCHEMA: &'static str = include_str!("schema.sql");
    const MAY_LAG: bool = true;

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        if event::is::<RequestRegistered>(event) {
            registered(tx, &event::decode(event)?).await
        } else if event::is::<ContactRegistered>(event) {
            let it: ContactRegistered = event::decode(event)?;
            let contact = format!("contact:{}", it.contact);
            let whose = person_or(&it.person, &contact);
            let named = !it.person.is_empty();
            insert(tx, &contact, &whose, named, Some(event.occurred_at)).await
        } else if event::is::<PersonRecorded>(event) {
            let it: PersonRecorded = event::decode(event)?;
            let person = format!("person:{}", it.person);
            insert(tx, &person, &person, true, None).await
        } else if event::is::<RequestConcluded>(event) {
            let it: RequestConcluded = event::decode(event)?;
            runs_since(tx, &it.number, Some(event.occurred_at)).await
        } else if event::is::<RequestReopened>(event) {
            let it: RequestReopened = event::decode(event)?;
            runs_since(tx, &it.number, None).await
        } else if event::is::<ErasureOrdered>(event) {
            for subject in event
                .subjects
                .iter()
                .filter(|it| Belonging::of(it).is_some())
            {
                sqlx::query("update kept set ordered = true where subject = ?1")
                    .bind(subject)
                    .execute(&mut *tx)
                    .await?;
            }
            Ok(())
        } else if event::is::<HoldPlaced>(event) {
            let it: HoldPlaced = event::decode(event)?;
            sqlx::query("insert into hold values (?1, ?2) on conflict do nothing")
                .bind(it.hold)
                .bind(it.of)
                .execute(tx)
                .await?;
            Ok(())
        } else if event::is::<HoldReleased>(event) {
            let it: HoldReleased = event::decode(event)?;
            sqlx::query("delete from hold where hold = ?1")
                .bind(it.hold)
                .execute(tx)
                .await?;
            Ok(())
        } else {
            Ok(())
        }
    }
}

fn person_or(person: &str, other: &str) -> String {
    if person.is_empty() {
        other.to_owned()
    } else {
        format!("person:{person}")
    }
}

async fn insert(
    tx: &mut SqliteConnection,
    subject: &str,
    whose: &str,
    named: bool,
    since: Option<i64>,
) -> anyhow::Result<()> {
    sqlx::query("insert into kept values (?1, ?2, '', '', ?3, ?4, false) on conflict do nothing")
        .bind(subject)
        .bind(whose)
        .bind(since)
        .bind(named)
        .execute(tx)
        .await?;
    Ok(())
}

/// The note of a contact that nobody is known of goes with its request; with those of several it goes by itself.
async fn registered(tx: &mut SqliteConnection, it: &RequestRegistered) -> anyhow::Result<()> {
    let request = format!("request:{}", it.number);
    let contact = format!("contact:{}", it.contact);
    let whose = person_or(&it.person, &request);
    sqlx::query(
        "update kept set whose = case
             when exists (select 1 from kept other where other.contact = ?1 and other.whose <> ?2) then ?1
             else ?2
         end
         where subject = ?1 and not named",
    )
    .bind(&contact)
    .bind(&whose)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "insert into kept values (?1, ?2, ?3, ?4, null, false, false) on conflict do nothing",
    )
    .bind(request)
    .bind(whose)
    .bind(contact)
    .bind(&it.topic)
    .execute(tx)
    .await?;
    Ok(())
}

async fn runs_since(
    tx: &mut SqliteConnection,
    number: &str,
    since: Option<i64>,
) -> anyhow::Result<()> {
    sqlx::query("update kept set since = ?2 where subject = ?1")
        .bind(format!("request:{number}"))
        .bind(since)
        .execute(tx)
        .await?;
    Ok(())
}

/// One row; `contact` and `topic` are a request's.
#[derive(sqlx::FromRow)]
struct Row {
    subject: String,
    whose: String,
    contact: String,
    topic: String,
    since: Option<i64>,
    ordered: bool,
}

/// Some dossiers in which something is left, in the order of their names, and the last name that was looked at; `None` where there
/// are no more.
pub(crate) async fn page(
    pool: &SqlitePool,
    after: &str,
    limit: u32,
) -> anyhow::Result<(Vec<Dossier>, Option<String>)> {
    let names: Vec<String> = sqlx::query_scalar(
        "select distinct whose from kept where not ordered and whose > ?1 order by whose limit ?2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    let Some(last) = names.last().cloned() else {
        return Ok((vec![], None));
    };
    let rows: Vec<Row> = sqlx::query_as(
        "select subject, kept.whose as whose, contact, topic, since, ordered
         from json_each(?1) name join kept on kept.whose = name.value",
    )
    .bind(serde_json::to_string(&names)?)
    .fetch_all(pool)
    .await?;
    let contacts = rows.iter().filter(|it| it.subject.starts_with("contact:"));
    let contacts: Vec<&str> = contacts.map(|it| it.subject.as_str()).collect();
    let came: Vec<Row> = sqlx::query_as(
        "select subject, whose, kept.contact as contact, topic, since, ordered
         from json_each(?1) name join kept on kept.contact = name.value and kept.contact <> ''",
    )
    .bind(serde_json::to_string(&contacts)?)
    .fetch_all(pool)
    .await?;
    let holds: Vec<String> = sqlx::query_scalar("select subject from hold")
        .fetch_all(pool)
        .await?;
    let dossiers = gathered(&rows, &came, &holds.into_iter().collect())?;
    let more = names.len() == usize::try_from(limit)?;
    Ok((dossiers, more.then_some(last)))
}

fn gathered(rows: &[Row], came: &[Row], holds: &BTreeSet<String>) -> anyhow::Result<Vec<Dossier>> {
    let mut dossiers: BTreeMap<&str, Dossier> = BTreeMap::new();
    for row in rows {
        let broken = || format!("the row of {}", row.subject);
        let dossier = match dossiers.entry(&row.whose) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => new.insert(Dossier {
                whose: Whose::of(&row.whose).with_context(broken)?,
                held: row.whose.starts_with("person:") && holds.contains(&row.whose),
                person: None,
                requests: vec![],
                contacts: vec![],
            }),
        };
        match Belonging::of(&row.subject).with_context(broken)? {
            Belonging::Person(person) => dossier.person = (!row.ordered).then_some(person),
            Belonging::Request(_) => dossier.requests.push(request(row, holds)?),
            Belonging::Contact(contact) => {
                let came = came.iter().filter(|it| it.contact == row.subject);
                let requests: anyhow::Result<_> = came.map(|it| request(it, holds)).collect();
                dossier.contacts.push(KeptContact {
                    contact,
                    took_place: moment(row.since).with_context(broken)?,
                    ordered: row.ordered,
                    requests: requests?,
                });
            }
        }
    }
    Ok(dossiers.into_values().collect())
}

fn request(row: &Row, holds: &BTreeSet<String>) -> anyhow::Result<KeptRequest> {
    let number = row.subject.trim_start_matches("request:");
    Ok(KeptRequest {
        number: number.parse()?,
        topic: row.topic.parse()?,
        concluded: moment(row.since),
        ordered: row.ordered,
        held: holds.contains(&row.subject) || holds.contains(&row.whose),
    })
}

fn moment(micros: Option<i64>) -> Option<Timestamp> {
    Some(event::timestamp(micros?))
}
