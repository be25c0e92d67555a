//! The certificate of a run of the retention rules: by which rules it went, each erasure it recorded and what it counted, each
//! with the receipt of the event that says so.

use std::collections::BTreeSet;

use anyhow::Context as _;
use auditor::{Asked, Report, is_receipt, receipt_event};
use chassis::event;
use contracts::{
    intake::v1::{DestructionBegan, DestructionEnded, ErasureGround, PersonalDataErased},
    ledger::v1::Event,
};
use serde::{Deserialize, Serialize};

use super::{
    certificate::{ByRule, Moment, NO_BACKUP, RUN, erased_in, receipt_holds, wrong},
    receipt,
};
use crate::{client::Client, history::read_all, retention::spelt};

/// What a certificate says it is.
const KIND: &str = "cozum/destruction-certificate/v1";

#[derive(Serialize, Deserialize)]
struct Certificate {
    certificate: String,
    run: String,
    rules: Vec<Rule>,
    began: Proved,
    erased: Vec<Erased>,
    ended: Ended,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rule {
    rule: String,
    version: u64,
    keep: String,
}

/// When something was recorded, and the receipt of that.
#[derive(Serialize, Deserialize)]
struct Proved {
    #[serde(flatten)]
    at: Moment,
    receipt: String,
}

#[derive(Serialize, Deserialize)]
struct Erased {
    of: String,
    subjects: BTreeSet<String>,
    by_rule: ByRule,
    #[serde(flatten)]
    proved: Proved,
}

#[derive(Serialize, Deserialize)]
struct Ended {
    #[serde(flatten)]
    counts: Counts,
    #[serde(flatten)]
    proved: Proved,
}

/// How many keys each kind lost, and how many things were due and on hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    persons: u64,
    contacts: u64,
    requests: u64,
    held: u64,
}

impl Counts {
    fn of(message: &DestructionEnded) -> Self {
        Self {
            persons: message.persons,
            contacts: message.contacts,
            requests: message.requests,
            held: message.held,
        }
    }

    /// What these erasures add up to; what was on hold is in none of them.
    fn adding_up(erased: &[Erased], held: u64) -> Self {
        let all = || erased.iter().flat_map(|it| &it.subjects);
        let many = |kind: &str| all().filter(|it| it.starts_with(kind)).count() as u64;
        Self {
            persons: many("person:"),
            contacts: many("contact:"),
            requests: many("request:"),
            held,
        }
    }
}

fn rules(message: &DestructionBegan) -> Vec<Rule> {
    let rule = |it: &contracts::intake::v1::RuleInForce| Rule {
        rule: it.rule.clone(),
        version: it.rule_version,
        keep: spelt(&it.keep.unwrap_or_default()),
    };
    message.rules.iter().map(rule).collect()
}

/// Makes the certificate of a run that has ended.
pub(crate) async fn certificate(client: &Client, run: &str) -> anyhow::Result<String> {
    let (mut began, mut ended, mut erased) = (None, None, Vec::new());
    for it in read_all(client, &format!("{RUN}{run}")).await? {
        let at = Moment::new(it.position, it.recorded_at)?;
        if event::is::<DestructionBegan>(&it) {
            let rules = rules(&event::decode(&it)?);
            began = Some((rules, proved(client, at, it).await?));
        } else if event::is::<DestructionEnded>(&it) {
            let counts = Counts::of(&event::decode(&it)?);
            let proved = proved(client, at, it).await?;
            ended = Some(Ended { counts, proved });
        } else if event::is::<PersonalDataErased>(&it) {
            let message: PersonalDataErased = event::decode(&it)?;
            erased.push(Erased {
                subjects: erased_in(&it),
                by_rule: ByRule::of(&message).context("an erasure by no rule")?,
                of: message.of,
                proved: proved(client, at, it).await?,
            });
        }
    }
    let (rules, began) = began.with_context(|| format!("--run: there is no run {run} here"))?;
    let certificate = Certificate {
        certificate: KIND.to_owned(),
        run: run.to_owned(),
        rules,
        began,
        erased,
        ended: ended.context("the run has not ended yet: ask again in a moment")?,
    };
    Ok(serde_json::to_string_pretty(&certificate)? + "\n")
}

async fn proved(client: &Client, at: Moment, event: Event) -> anyhow::Result<Proved> {
    let receipt = receipt::of_event(client, &event).await?;
    Ok(Proved { at, receipt })
}

/// Whether a text says that it is such a certificate.
pub(super) fn is_certificate(text: &str) -> bool {
    text.trim_start().starts_with('{') && text.contains(KIND)
}

/// Checks each receipt, that its event says what the certificate says, and that the erasures add up to what was counted.
pub(super) fn verify(text: &str, asked: &Asked) -> Report {
    let mut all = Report::default();
    let certificate = match serde_json::from_str::<Certificate>(text) {
        Ok(it) if it.certificate == KIND => it,
        Ok(_) | Err(_) => return wrong(all, 1, "is not a certificate"),
    };
    let Certificate { began, ended, .. } = &certificate;
    let erased = certificate.erased.iter().map(|it| &it.proved);
    for proved in [began, &ended.proved].into_iter().chain(erased) {
        if !is_receipt(&proved.receipt) {
            return wrong(all, proved.at.position, "the certificate has no receipt");
        }
        if !receipt_holds(&mut all, &proved.receipt, asked) {
            return all;
        }
        let event = receipt_event(&proved.receipt);
        let is_there = event.is_some_and(|it| {
            let at = Moment::new(it.position, it.recorded_at);
            at.is_ok_and(|at| at == proved.at)
        });
        if !is_there {
            return wrong(all, proved.at.position, "its event was recorded elsewhere");
        }
    }
    // One erasure counted twice would make up for one that was left out.
    let positions = certificate.erased.iter().map(|it| it.proved.at.position);
    if !positions.is_sorted_by(|a, b| a < b) {
        let problem = "an erasure is named twice, or not in its order";
        return wrong(all, ended.proved.at.position, problem);
    }
    if let Some(position) = certificate.disagrees() {
        let problem = "its event does not say what the certificate says";
        return wrong(all, position, problem);
    }
    let counts = ended.counts;
    if Counts::adding_up(&certificate.erased, counts.held) != counts {
        let problem = "the erasures do not add up to what was counted";
        return wrong(all, ended.proved.at.position, problem);
    }
    all.holds.push(format!(
        "run {} destroyed the keys of {} persons, {} contacts and {} requests by {}",
        certificate.run, counts.persons, counts.contacts, counts.requests, ended.proved.at.at
    ));
    all.unclaimed.push(NO_BACKUP.to_owned());
    all
}

impl Certificate {
    /// The first position whose event says something else.
    fn disagrees(&self) -> Option<u64> {
        let event = |it: &Proved| receipt_event(&it.receipt).unwrap_or_default();
        let began = self.began_so(&event(&self.began));
        if !began {
            return Some(self.began.at.position);
        }
        let wrong = |it: &&Erased| !it.agrees(&self.run, &event(&it.proved));
        if let Some(it) = self.erased.iter().find(wrong) {
            return Some(it.proved.at.position);
        }
        let ended = self.ended_so(&event(&self.ended.proved));
        (!ended).then_some(self.ended.proved.at.position)
    }

    fn began_so(&self, event: &Event) -> bool {
        event::is::<DestructionBegan>(event)
            && event::decode::<DestructionBegan>(event)
                .is_ok_and(|it| it.run == self.run && rules(&it) == self.rules)
    }

    fn ended_so(&self, event: &Event) -> bool {
        event::is::<DestructionEnded>(event)
            && event::decode::<DestructionEnded>(event)
                .is_ok_and(|it| it.run == self.run && Counts::of(&it) == self.ended.counts)
    }
}

impl Erased {
    fn agrees(&self, run: &str, event: &Event) -> bool {
        event::is::<PersonalDataErased>(event)
            && event::decode::<PersonalDataErased>(event).is_ok_and(|it| {
                it.of == self.of
                    && it.ground() == ErasureGround::RetentionOver
                    && self.by_rule.run == run
                    && ByRule::of(&it).as_ref() == Some(&self.by_rule)
                    && erased_in(event) == self.subjects
            })
    }
}

#[cfg(test)]
mod tests {
    use contracts::intake::v1;
    use uuid::Uuid;

    use super::*;

    fn event() -> Event {
        let message = PersonalDataErased {
            of: "person:a".to_owned(),
            ground: ErasureGround::RetentionOver.into(),
            by_rule: Some(v1::ByRule {
                run: "r".to_owned(),
                rule: "retention-default".to_owned(),
                rule_version: 2,
            }),
            hard: None,
        };
        let subjects = ["person:a", "request:b", "destruction:r", "erasures"].map(str::to_owned);
        let new = event::record(Uuid::from_u128(1), &message, event::timestamp(0), subjects);
        Event {
            position: 7,
            r#type: new.r#type,
            schema_version: new.schema_version,
            subjects: new.subjects,
            facts: new.facts,
            ..Event::default()
        }
    }

    fn erased() -> Erased {
        Erased {
            of: "person:a".to_owned(),
            subjects: ["person:a", "request:b"].map(str::to_owned).into(),
            by_rule: ByRule::of(&event::decode(&event()).unwrap()).unwrap(),
            proved: Proved {
                at: Moment::new(7, 0).unwrap(),
                receipt: String::new(),
            },
        }
    }

    #[test]
    fn an_erasure_of_a_run_is_what_its_event_says_and_nothing_else() {
        assert!(erased().agrees("r", &event()));
        assert!(!erased().agrees("s", &event()));
        let changes: [fn(&mut Erased); 3] = [
            |it| "person:c".clone_into(&mut it.of),
            |it| it.subjects.extend(["request:c".to_owned()]),
            |it| "s".clone_into(&mut it.by_rule.run),
        ];
        for change in changes {
            let mut changed = erased();
            change(&mut changed);
            assert!(!changed.agrees("r", &event()));
        }
    }

    #[test]
    fn the_counts_are_those_of_the_erasures() {
        let counts = Counts::adding_up(&[erased()], 5);
        let expected = Counts {
            persons: 1,
            contacts: 0,
            requests: 1,
            held: 5,
        };
        assert_eq!(counts, expected);
        assert!(
            !verify(
                &format!("{{\"certificate\":\"{KIND}\"}}"),
                &Asked::default()
            )
            .is_sound()
        );
    }
}
