//! Folds a batch of events into the index: all texts are opened at once, and each table is written by one statement.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::atomic::Ordering,
    time::Duration,
};

use chassis::event;
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::{Event, PersonalPartsErased},
};
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use uuid::Uuid;
use vault::{Opened, Plain, Sealed, VaultError};

use super::{
    Index, erase,
    heard::{self, Heard, Moved, SealedTexts, hear},
    query::{Reach, email_reach, phone_reach},
    words::Lexicon,
};
use crate::wire::vault_sealed;

/// How long the key store is given before it is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// The opened texts of one event, by field.
type Texts = HashMap<&'static str, Plain>;

/// What a batch changes.
#[derive(Default)]
struct Changes {
    /// The words of the batch.
    lexicon: Lexicon,
    /// All topics' words, and the codes of those that are new.
    topics: BTreeMap<String, String>,
    new_topics: BTreeSet<String>,
    /// Id and words of the name, by pseudonym, and the pseudonyms of those that are new.
    persons: BTreeMap<String, (i64, String)>,
    new_persons: BTreeSet<String>,
    /// Blinded ways to reach a person, by the person's id.
    reach: BTreeSet<(i64, i64)>,
    docs: BTreeMap<String, Doc>,
    messages: Vec<(i64, String, String, String)>,
    /// By number: unit (empty where it stays) and state.
    moves: BTreeMap<String, (String, i32)>,
}

struct Doc {
    id: i64,
    person: i64,
    at: i64,
    unit: String,
    state: i32,
    words: String,
    stems: String,
    place: String,
    name: String,
}

impl Index {
    pub(super) async fn fold(
        &self,
        tx: &mut SqliteConnection,
        events: &[Event],
    ) -> anyhow::Result<()> {
        let mut heard = Vec::new();
        for event in events {
            if let Some((what, sealed)) = hear(event)? {
                heard.push((event, what, sealed));
            }
        }
        if heard.is_empty() {
            return self.forget(tx, events).await;
        }
        let sealed: Vec<_> = heard
            .iter_mut()
            .map(|(event, _, sealed)| (heard::event_id(event), std::mem::take(sealed)))
            .collect();
        let opened = self.open(sealed).await?;
        let mut changes = known(tx, heard.iter().map(|(_, what, _)| what)).await?;
        for ((event, what, _), texts) in heard.into_iter().zip(opened) {
            self.note(&mut changes, event, what, &texts);
        }
        changes.write(tx).await?;
        // Behind all that they name.
        self.forget(tx, events).await
    }

    /// Takes out what events said whose personal parts left the log.
    async fn forget(&self, tx: &mut SqliteConnection, events: &[Event]) -> anyhow::Result<()> {
        for event in events
            .iter()
            .filter(|it| event::is::<PersonalPartsErased>(it))
        {
            let order: PersonalPartsErased = event::decode(event)?;
            let had_any = erase::events(tx, &order.positions).await?;
            self.unflushed.fetch_or(had_any, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Opens everything that is not erased, with one question to the key store. While it is away nothing can be folded.
    async fn open(&self, sealed: Vec<(Uuid, SealedTexts)>) -> anyhow::Result<Vec<Texts>> {
        let mut texts: Vec<Texts> = sealed.iter().map(|_| Texts::new()).collect();
        let mut values: Vec<(usize, Uuid, &'static str, Sealed)> = Vec::new();
        for (at, (event, fields)) in sealed.into_iter().enumerate() {
            for (field, value) in fields {
                if let Some(value) = vault_sealed(value) {
                    values.push((at, event, field, value));
                }
            }
        }
        let places: Vec<_> = values
            .iter()
            .map(|(_, event, field, it)| (*event, *field, it))
            .collect();
        match self.patiently(&places).await {
            Ok(opened) => {
                for ((at, _, field, _), opened) in values.iter().zip(opened) {
                    if let Opened::Text(text) = opened {
                        texts[*at].insert(field, text);
                    }
                }
            }
            // One of them does not open: that must not hide the others.
            Err(_) => {
                for ((at, _, field, _), place) in values.iter().zip(&places) {
                    match self.patiently(std::slice::from_ref(place)).await.as_deref() {
                        Ok([Opened::Text(text)]) => drop(texts[*at].insert(field, text.clone())),
                        Ok(_) => {}
                        Err(error) => {
                            tracing::error!(error = %error, "a text does not open: it cannot be found by search");
                        }
                    }
                }
            }
        }
        Ok(texts)
    }

    async fn patiently(&self, places: &[(Uuid, &str, &Sealed)]) -> Result<Vec<Opened>, VaultError> {
        loop {
            match self.vault.open_all(&self.municipality, places).await {
                Err(VaultError::Unavailable(_)) => tokio::time::sleep(PAUSE).await,
                outcome => return outcome,
            }
        }
    }

    fn note(&self, changes: &mut Changes, event: &Event, what: Heard, texts: &Texts) {
        let text = |field: &str| texts.get(field).map_or("", |it| it.reveal());
        let id = heard::id(event);
        match what {
            Heard::Topic { code, text } => {
                let (words, stems) = changes.lexicon.kept(&text);
                changes
                    .topics
                    .insert(code.clone(), format!("{words} {stems}"));
                changes.new_topics.insert(code);
            }
            Heard::Person(person) => {
                let name = format!(
                    "{} {} {}",
                    text("name"),
                    text("given_name"),
                    text("family_name")
                );
                let mut reaches = Vec::new();
                if texts.contains_key("phone") {
                    reaches.extend(phone_reach(text("phone")));
                }
                if texts.contains_key("email") {
                    reaches.push(email_reach(text("email")));
                }
                let known = changes.persons.get(&person.person).map(|it| it.0);
                let id = known.unwrap_or(id);
                let blinded = |it: &Reach| self.blind.of(&self.municipality, it.kind, &it.text);
                changes
                    .reach
                    .extend(reaches.iter().map(|it| (blinded(it), id)));
                changes.new_persons.insert(person.person.clone());
                let words = changes.lexicon.kept(&name).0;
                changes.persons.insert(person.person, (id, words));
            }
            Heard::Registered(request) => {
                let doc = changes.doc(
                    id,
                    event.occurred_at,
                    &request,
                    text("description"),
                    text("address"),
                );
                changes.docs.insert(request.number, doc);
            }
            Heard::Said { number, moved } => {
                let said = texts.values().map(Plain::reveal).collect::<String>();
                let (words, stems) = changes.lexicon.kept(&said);
                changes.messages.push((id, number, words, stems));
                if let Some(moved) = moved {
                    changes.moved(moved);
                }
            }
            Heard::Moved(moved) => changes.moved(moved),
        }
    }
}

impl Changes {
    fn doc(
        &mut self,
        id: i64,
        at: i64,
        request: &RequestRegistered,
        description: &str,
        address: &str,
    ) -> Doc {
        let (words, stems) = self.lexicon.kept(&format!("{description}\n{address}"));
        let place = request.place.clone().unwrap_or_default();
        let source = request.imported.as_ref().map_or("", |it| &it.source_id);
        let (mut facts, fact_stems) = self.lexicon.kept(&format!(
            "{}\n{}\n{source}",
            place.district, place.neighbourhood
        ));
        let topic = self.topics.get(&request.topic).map_or("", String::as_str);
        facts = format!("{facts} {topic} {fact_stems}");
        let person = self.persons.get(&request.person);
        Doc {
            id,
            person: person.map_or(0, |it| it.0),
            at,
            unit: String::new(),
            state: contracts::vocabulary::v1::RequestState::Registered.into(),
            words,
            stems,
            place: facts,
            name: person.map(|it| it.1.clone()).unwrap_or_default(),
        }
    }

    fn moved(
        &mut self,
        Moved {
            number,
            unit,
            state,
        }: Moved,
    ) {
        let state = state.into();
        if let Some(doc) = self.docs.get_mut(&number) {
            if !unit.is_empty() {
                doc.unit = unit;
            }
            doc.state = state;
            return;
        }
        let entry = self.moves.entry(number).or_default();
        if !unit.is_empty() {
            entry.0 = unit;
        }
        entry.1 = state;
    }

    async fn write(self, tx: &mut SqliteConnection) -> anyhow::Result<()> {
        self.write_words(tx).await?;
        let topics = self
            .new_topics
            .iter()
            .map(|code| json!([code, self.topics[code]]));
        all(
            tx,
            topics,
            "insert or replace into topic select value ->> 0, value ->> 1 from json_each(?1)",
        )
        .await?;
        let persons = self.new_persons.iter().map(|pseudonym| {
            let (id, words) = &self.persons[pseudonym];
            json!([id, pseudonym, words])
        });
        all(tx, persons,
            "insert into person select value ->> 0, value ->> 1, value ->> 2 from json_each(?1) where true
             on conflict (id) do update set words = excluded.words").await?;
        let reach = self
            .reach
            .iter()
            .map(|(hash, person)| json!([hash, person]));
        all(
            tx,
            reach,
            "insert or ignore into reach select value ->> 0, value ->> 1 from json_each(?1)",
        )
        .await?;
        let docs = self.docs.iter().map(|(number, it)| {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            let tail = digits.get(4..).unwrap_or_default();
            let backwards: String = digits.chars().rev().collect();
            json!([
                it.id, number, digits, tail, backwards, it.person, it.at, it.unit, it.state
            ])
        });
        all(tx, docs,
            "insert into doc select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                value ->> 6, value ->> 7, value ->> 8 from json_each(?1) where true on conflict do nothing").await?;
        let mut rows: Vec<&Doc> = self.docs.values().collect();
        rows.sort_by_key(|it| it.id);
        let texts = rows
            .iter()
            .map(|it| json!([it.id, it.words, it.stems, it.place, it.name]));
        all(tx, texts,
            "insert into texts (rowid, words, stems, place, name)
             select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from json_each(?1)").await?;
        let messages = self
            .messages
            .iter()
            .map(|(id, number, words, stems)| json!([id, number, words, stems]));
        all(tx, messages.clone(),
            "insert into message select value ->> 0, doc.id from json_each(?1) join doc on doc.number = value ->> 1").await?;
        all(tx, messages,
            "insert into texts (rowid, words, stems, place, name)
             select value ->> 0, value ->> 2, value ->> 3, '', '' from json_each(?1) join message on message.id = value ->> 0").await?;
        let moves = self
            .moves
            .iter()
            .map(|(number, (unit, state))| json!([number, unit, state]));
        all(tx, moves,
            "update doc set unit = coalesce(nullif(moved.value ->> 1, ''), unit), state = moved.value ->> 2
             from json_each(?1) as moved where doc.number = moved.value ->> 0").await
    }

    async fn write_words(&self, tx: &mut SqliteConnection) -> anyhow::Result<()> {
        let docs = self
            .docs
            .values()
            .flat_map(|it| [&it.words, &it.place, &it.name]);
        let messages = self.messages.iter().map(|(_, _, words, _)| words);
        let words: BTreeSet<&str> = docs
            .chain(messages)
            .flat_map(|it| it.split(' '))
            .filter(|it| !it.is_empty())
            .collect();
        all(
            tx,
            words.into_iter().map(Value::from),
            "insert or ignore into word select value from json_each(?1)",
        )
        .await
    }
}

/// What the batch needs of what was folded before: topics, and the persons it names.
async fn known(
    tx: &mut SqliteConnection,
    heard: impl Iterator<Item = &Heard>,
) -> anyhow::Result<Changes> {
    let (mut pseudonyms, mut registered) = (BTreeSet::new(), false);
    for what in heard {
        match what {
            Heard::Person(it) => drop(pseudonyms.insert(it.person.as_str())),
            Heard::Registered(it) => {
                registered = true;
                pseudonyms.insert(it.person.as_str());
            }
            Heard::Topic { .. } | Heard::Said { .. } | Heard::Moved(_) => {}
        }
    }
    let mut changes = Changes::default();
    if registered {
        let rows: Vec<(String, String)> = sqlx::query_as("select code, words from topic")
            .fetch_all(&mut *tx)
            .await?;
        changes.topics = rows.into_iter().collect();
    }
    if !pseudonyms.is_empty() {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "select person.id, pseudonym, words from json_each(?1) join person on pseudonym = value",
        )
        .bind(serde_json::to_string(&pseudonyms)?)
        .fetch_all(&mut *tx)
        .await?;
        let read = |(id, pseudonym, words)| (pseudonym, (id, words));
        changes.persons = rows.into_iter().map(read).collect();
    }
    Ok(changes)
}

/// Runs a statement over a list of rows as JSON; not at all where there are none.
async fn all(
    tx: &mut SqliteConnection,
    rows: impl Iterator<Item = Value>,
    statement: &'static str,
) -> anyhow::Result<()> {
    let rows: Vec<Value> = rows.collect();
    if !rows.is_empty() {
        sqlx::query(statement)
            .bind(serde_json::to_string(&rows)?)
            .execute(tx)
            .await?;
    }
    Ok(())
}
