//! Carries out a run: orders what is due, destroys its keys, and records how many it were.
//!
//! What is due follows from the run's own event and the log, and each order is a command of its own: a run that was interrupted
//! goes on where it was left. What it destroyed is counted from the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    future,
};

use chassis::{Ledger, Platform, Storable as _, event, execute, reactions::caused_by};
use contracts::{
    intake::v1::{DestructionEnded, PersonalDataErased},
    ledger::v1::Event as Stored,
};
use futures::future::try_join_all;
use jiff::Timestamp;
use projection::Projection;
use tonic::Status;
use uuid::Uuid;
use vocabulary::Municipality;

use super::kept;
use crate::{
    desk::unreadable,
    domain::{
        Belonging, ByRule, Counts, Dossier, ErasureCommand, Ground, RuleInForce, RunCommand,
        RunEvent, RunId, Runs, Scope, due,
    },
    erasing::{Erasures, is_held},
    streams, wire,
};

/// How many dossiers are read at once.
const PAGE: u32 = 200;
/// How many are destroyed at once.
const AT_ONCE: usize = 8;

/// The runs of one municipality.
pub(crate) struct Destructions {
    ledger: Ledger,
    kept: Projection,
    pub(crate) erasures: Erasures,
    actor: String,
}

/// A run that began.
struct Run<'a> {
    began: &'a Stored,
    id: RunId,
    rules: Vec<RuleInForce>,
    as_of: Timestamp,
}

impl Destructions {
    pub(crate) fn new(
        platform: &Platform,
        municipality: &Municipality,
        kept: Projection,
        erasures: Erasures,
    ) -> Self {
        Self {
            ledger: platform.ledger(municipality),
            kept,
            erasures,
            actor: platform.system(municipality).actor,
        }
    }

    pub(crate) async fn carry_out(&self, began: &Stored) -> Result<(), Status> {
        let decoded = Runs::decode(began).map_err(|it| unreadable(it.into()))?;
        let Some(RunEvent::DestructionBegan { run: id, rules }) = decoded else {
            return Ok(());
        };
        let run = Run {
            began,
            id,
            rules,
            as_of: event::occurred_at(began),
        };
        if self.has_ended(&run).await? {
            return Ok(());
        }
        self.kept.at_least(self.ledger.head().await?).await?;
        let (mut held, mut after) = (0, Some(String::new()));
        while let Some(from) = after {
            let page = kept::page(self.kept.pool(), &from, PAGE).await;
            let (dossiers, next) = page.map_err(|error| {
                tracing::error!(error = format!("{error:#}"), "what is kept cannot be read");
                Status::unavailable("what is kept cannot be read")
            })?;
            held += self.destroy_all(&run, &dossiers).await?;
            after = next;
        }
        let counts = self.counted(&run, held).await?;
        self.end(&run, counts).await
    }

    async fn has_ended(&self, run: &Run<'_>) -> Result<bool, Status> {
        let history = self.ledger.history(&run.id.subject()).await?;
        Ok(history.iter().any(event::is::<DestructionEnded>))
    }

    /// Destroys what is due of these; gives how many things are on hold.
    async fn destroy_all(&self, run: &Run<'_>, dossiers: &[Dossier]) -> Result<u64, Status> {
        let mut held = 0;
        for some in dossiers.chunks(AT_ONCE) {
            let destroyed = some.iter().map(|it| self.destroy(run, it));
            held += try_join_all(destroyed).await?.into_iter().sum::<u64>();
        }
        Ok(held)
    }

    /// Destroys what is due of a dossier, rule by rule.
    async fn destroy(&self, run: &Run<'_>, dossier: &Dossier) -> Result<u64, Status> {
        let mut held = 0;
        let mut groups: BTreeMap<(Scope, u64), BTreeSet<Belonging>> = BTreeMap::new();
        for it in due(dossier, &run.rules, run.as_of) {
            if it.held {
                held += 1;
            } else {
                let group = groups.entry((it.scope, it.version)).or_default();
                group.insert(it.what);
            }
        }
        for ((scope, version), found) in groups {
            let (number, names) = (found.len(), names(&found));
            let command_id = Uuid::new_v5(&run.id.uuid(), names.as_bytes());
            // What it is follows from its id.
            let fingerprint = event::fingerprint(&PersonalDataErased {
                of: names,
                ..PersonalDataErased::default()
            });
            let command = caused_by(run.began, command_id, fingerprint, self.actor.clone());
            let order = ErasureCommand::Order {
                found,
                ground: Ground::RetentionOver,
                hard: None,
                by: Some(ByRule {
                    run: run.id,
                    scope,
                    version,
                }),
            };
            match self.erasures.execute(&dossier.whose, &command, order).await {
                Ok(_) => {}
                // Placed since it was looked up.
                Err(status) if is_held(&status) => held += number as u64,
                Err(status) => return Err(status),
            }
        }
        self.finish(run, dossier).await?;
        Ok(held)
    }

    /// Carries out the orders of this run.
    async fn finish(&self, run: &Run<'_>, dossier: &Dossier) -> Result<(), Status> {
        for order in self.ledger.read_stream(&dossier.whose.stream()).await? {
            let ordered = wire::ordered(&order).map_err(|it| unreadable(it.into()))?;
            let by = ordered.and_then(|it| it.by);
            if by.is_some_and(|it| it.run == run.id) {
                self.erasures.carry_out(&order).await?;
            }
        }
        Ok(())
    }

    /// What the log says that this run destroyed.
    async fn counted(&self, run: &Run<'_>, held: u64) -> Result<Counts, Status> {
        let mut counts = Counts {
            held,
            ..Counts::default()
        };
        let history = self.ledger.history(&run.id.subject()).await?;
        for erased in history
            .iter()
            .filter(|it| event::is::<PersonalDataErased>(it))
        {
            wire::belongings(erased)
                .iter()
                .for_each(|it| counts.add(it));
        }
        Ok(counts)
    }

    async fn end(&self, run: &Run<'_>, counts: Counts) -> Result<(), Status> {
        let command_id = Uuid::new_v5(&run.id.uuid(), b"end");
        let fingerprint = event::fingerprint(&DestructionEnded {
            run: run.id.uuid().to_string(),
            ..DestructionEnded::default()
        });
        let command = caused_by(run.began, command_id, fingerprint, self.actor.clone());
        let now = self.erasures.now();
        let id = event::id(command_id, 0);
        let encode =
            move |events: &[RunEvent]| future::ready(Ok(super::run_events(id, events, now)));
        let decision = RunCommand::End {
            run: run.id,
            counts,
        };
        execute::<Runs>(&self.ledger, streams::RUNS, &command, 0, decision, encode)
            .await
            .map_err(|error| error.into_status(super::no_rule))?;
        tracing::info!(
            persons = counts.persons,
            contacts = counts.contacts,
            requests = counts.requests,
            held = counts.held,
            "a run of the retention rules has ended",
        );
        Ok(())
    }
}

fn names(of: &BTreeSet<Belonging>) -> String {
    let names: Vec<String> = of.iter().map(|it| it.subject().to_string()).collect();
    names.join(" ")
}
