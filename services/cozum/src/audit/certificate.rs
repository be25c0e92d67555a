//! The certificate of an erasure: whose keys were destroyed, on which ground and when, each with the receipt of the event that
//! says so. Whoever holds the log's public key can check it without the centre.

use std::collections::BTreeSet;

use anyhow::Context as _;
use auditor::{Asked, Finding, Report, is_receipt, receipt_event, verify_receipt};
use chassis::event;
use contracts::{
    intake::v1::{ErasePersonReply, ErasureGround, ErasureOrdered, PersonalDataErased},
    ledger::v1::{Event, ReadRequest},
};
use serde::{Deserialize, Serialize};

use super::receipt;
use crate::{
    client::{Client, in_words},
    erase::ground_code,
};

/// What a certificate says it is.
const KIND: &str = "cozum/erasure-certificate/v1";

/// Named by every erasure besides what was erased.
const ERASURES: &str = "erasures";

/// How the subject of a run begins.
pub(super) const RUN: &str = "destruction:";

#[derive(Serialize, Deserialize)]
struct Certificate {
    certificate: String,
    /// "person:<uuid>" or "request:<number>".
    of: String,
    erasures: Vec<Erasure>,
}

#[derive(Serialize, Deserialize)]
struct Erasure {
    ground: String,
    /// Whose keys are gone.
    subjects: BTreeSet<String>,
    /// Where a run of the retention rules erased it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by_rule: Option<ByRule>,
    ordered: Moment,
    /// The tlog-proof of the order; certificates of old have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_receipt: Option<String>,
    erased: Moment,
    /// The tlog-proof of the event that records it.
    receipt: String,
}

/// Which run of which rule.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ByRule {
    pub(super) run: String,
    rule: String,
    version: u64,
}

impl ByRule {
    pub(super) fn of(message: &PersonalDataErased) -> Option<Self> {
        let by = message.by_rule.as_ref()?;
        Some(Self {
            run: by.run.clone(),
            rule: by.rule.clone(),
            version: by.rule_version,
        })
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moment {
    pub(super) position: u64,
    pub(super) at: String,
}

impl Moment {
    pub(super) fn new(position: u64, micros: u64) -> anyhow::Result<Self> {
        let at = event::timestamp(i64::try_from(micros)?).to_string();
        Ok(Self { position, at })
    }
}

/// Makes the certificate of what was erased.
pub(crate) async fn certificate(
    client: &Client,
    reply: &ErasePersonReply,
) -> anyhow::Result<String> {
    let mut erasures = Vec::with_capacity(reply.erasures.len());
    for it in &reply.erasures {
        anyhow::ensure!(
            it.erased_position > 0,
            "the keys of order {} are not destroyed yet: ask again in a moment",
            it.ordered_position
        );
        let record = recorded(client, it.erased_position).await?;
        let order = recorded(client, it.ordered_position).await?;
        erasures.push(Erasure {
            ground: ground_code(it.ground()).to_owned(),
            subjects: it.subjects.iter().cloned().collect(),
            by_rule: ByRule::of(&event::decode(&record)?),
            ordered: Moment::new(it.ordered_position, it.ordered_at)?,
            order_receipt: Some(receipt::of_event(client, &order).await?),
            erased: Moment::new(it.erased_position, it.erased_at)?,
            receipt: receipt::of_event(client, &record).await?,
        });
    }
    let certificate = Certificate {
        certificate: KIND.to_owned(),
        of: reply.of.clone(),
        erasures,
    };
    Ok(serde_json::to_string_pretty(&certificate)? + "\n")
}

pub(super) async fn recorded(client: &Client, position: u64) -> anyhow::Result<Event> {
    let request = ReadRequest {
        after_position: position.saturating_sub(1),
        limit: 1,
    };
    let page = client.ledger().read(request).await;
    let page = page
        .map_err(|it| anyhow::anyhow!(in_words(&it)))?
        .into_inner();
    let event = page.events.into_iter().next();
    event
        .filter(|it| it.position == position)
        .with_context(|| format!("the log does not show position {position}"))
}

/// Whether a text says that it is a certificate.
pub(super) fn is_certificate(text: &str) -> bool {
    text.trim_start().starts_with('{') && text.contains(KIND)
}

/// Checks each receipt, and that its event says what the certificate says.
pub(super) fn verify(text: &str, asked: &Asked) -> Report {
    let mut all = Report::default();
    let certificate = match serde_json::from_str::<Certificate>(text) {
        Ok(it) if it.certificate == KIND && !it.erasures.is_empty() => it,
        Ok(_) | Err(_) => return wrong(all, 1, "is not a certificate"),
    };
    for erasure in &certificate.erasures {
        let position = erasure.erased.position;
        if !is_receipt(&erasure.receipt) {
            return wrong(all, position, "the certificate has no receipt");
        }
        if !receipt_holds(&mut all, &erasure.receipt, asked) {
            return all;
        }
        let says =
            receipt_event(&erasure.receipt).is_some_and(|it| erasure.agrees(&certificate.of, &it));
        if !says {
            return wrong(
                all,
                position,
                "its event does not say what the certificate says",
            );
        }
        match &erasure.order_receipt {
            None if all.unclaimed.iter().any(|it| it == NO_ORDER) => {}
            None => all.unclaimed.push(NO_ORDER.to_owned()),
            Some(order) => {
                let position = erasure.ordered.position;
                if !is_receipt(order) {
                    return wrong(all, position, "the order has no receipt");
                }
                if !receipt_holds(&mut all, order, asked) {
                    return all;
                }
                let record = receipt_event(&erasure.receipt).unwrap_or_default();
                if !receipt_event(order).is_some_and(|it| erasure.was_ordered_by(&it, &record)) {
                    let problem = "the order is not what the certificate says";
                    return wrong(all, position, problem);
                }
            }
        }
        all.holds.push(format!(
            "the keys of {} subjects of {} were destroyed by {}",
            erasure.subjects.len(),
            certificate.of,
            erasure.erased.at
        ));
    }
    all.unclaimed.push(NO_BACKUP.to_owned());
    all
}

/// What a certificate without the order's receipt cannot claim.
const NO_ORDER: &str = "when it was ordered: the certificate has no receipt of the order";

/// What no certificate can claim.
pub(super) const NO_BACKUP: &str =
    "that no copy of a key is left in a backup: that is for whoever keeps the backups";

/// Whether a receipt holds; adds what it says to what is said.
pub(super) fn receipt_holds(all: &mut Report, receipt: &str, asked: &Asked) -> bool {
    let report = verify_receipt(receipt, asked);
    all.holds.extend(report.holds);
    for it in report.unclaimed {
        if !all.unclaimed.contains(&it) {
            all.unclaimed.push(it);
        }
    }
    all.finding = report.finding;
    all.finding.is_none()
}

pub(super) fn wrong(mut report: Report, position: u64, problem: &str) -> Report {
    report.finding = Some(Finding {
        position,
        problem: problem.to_owned(),
    });
    report
}

/// Whose keys an event says are gone.
pub(super) fn erased_in(event: &Event) -> BTreeSet<String> {
    let subjects = event.subjects.iter();
    let has_key = |it: &&String| *it != ERASURES && !it.starts_with(RUN);
    subjects.filter(has_key).cloned().collect()
}

impl Erasure {
    fn agrees(&self, of: &str, event: &Event) -> bool {
        let Ok(message) = event::decode::<PersonalDataErased>(event) else {
            return false;
        };
        let subjects = erased_in(event);
        let at = Moment::new(event.position, event.recorded_at);
        event::is::<PersonalDataErased>(event)
            && message.of == of
            && message.ground() != ErasureGround::Unspecified
            && ground_code(message.ground()) == self.ground
            && subjects == self.subjects
            && ByRule::of(&message) == self.by_rule
            && at.is_ok_and(|it| it.position == self.erased.position && it.at == self.erased.at)
    }
}

impl Erasure {
    /// Whether an event is the order that the record of the erasure answers, recorded when the certificate says.
    fn was_ordered_by(&self, order: &Event, record: &Event) -> bool {
        let at = Moment::new(order.position, order.recorded_at);
        event::is::<ErasureOrdered>(order)
            && record.causation_id == order.event_id
            && at.is_ok_and(|it| it == self.ordered)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn erased() -> Event {
        let message = PersonalDataErased {
            of: "person:a".to_owned(),
            ground: ErasureGround::CourtOrder.into(),
            by_rule: Some(contracts::intake::v1::ByRule {
                run: "r".to_owned(),
                rule: "retention-default".to_owned(),
                rule_version: 2,
            }),
            hard: None,
        };
        let subjects = ["person:a", "request:b", "destruction:r", ERASURES].map(str::to_owned);
        let new = event::record(Uuid::from_u128(1), &message, event::timestamp(0), subjects);
        Event {
            position: 7,
            recorded_at: 1_000_000,
            r#type: new.r#type,
            schema_version: new.schema_version,
            subjects: new.subjects,
            facts: new.facts,
            ..Event::default()
        }
    }

    fn certified() -> Erasure {
        Erasure {
            ground: "court-order".to_owned(),
            subjects: ["person:a", "request:b"].map(str::to_owned).into(),
            by_rule: ByRule::of(&event::decode(&erased()).unwrap()),
            ordered: Moment::new(6, 900_000).unwrap(),
            order_receipt: None,
            erased: Moment::new(7, 1_000_000).unwrap(),
            receipt: String::new(),
        }
    }

    #[test]
    fn a_certificate_says_what_its_event_says_and_nothing_else() {
        assert!(certified().agrees("person:a", &erased()));
        assert!(!certified().agrees("person:c", &erased()));
        let changes: [fn(&mut Erasure); 6] = [
            |it| it.by_rule = None,
            |it| it.by_rule.as_mut().unwrap().version = 3,
            |it| "other".clone_into(&mut it.ground),
            |it| it.subjects.extend(["request:c".to_owned()]),
            |it| it.erased.position = 8,
            |it| "2026-11-22T00:00:00Z".clone_into(&mut it.erased.at),
        ];
        for change in changes {
            let mut changed = certified();
            change(&mut changed);
            assert!(!changed.agrees("person:a", &erased()));
        }
        let mut ordered = erased();
        "intake.ErasureOrdered".clone_into(&mut ordered.r#type);
        assert!(!certified().agrees("person:a", &ordered));
    }

    #[test]
    fn an_order_is_the_one_that_the_record_answers_at_the_time_that_is_said() {
        let order = Event {
            position: 6,
            recorded_at: 900_000,
            event_id: vec![6; 16],
            r#type: "intake.ErasureOrdered".to_owned(),
            ..Event::default()
        };
        let record = Event {
            causation_id: vec![6; 16],
            ..erased()
        };
        assert!(certified().was_ordered_by(&order, &record));
        let later = Event {
            recorded_at: 900_001,
            ..order.clone()
        };
        assert!(!certified().was_ordered_by(&later, &record));
        assert!(!certified().was_ordered_by(&order, &erased()));
        assert!(!certified().was_ordered_by(&record, &record));
    }

    #[test]
    fn what_is_no_certificate_is_told() {
        let report = verify(
            &format!("{{\"certificate\":\"{KIND}\"}}"),
            &Asked::default(),
        );
        assert!(!report.is_sound());
    }
}
