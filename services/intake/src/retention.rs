//! Keeps personal data for as long as the rules say: sets the rules, tells what is due, and begins the runs that destroy it.

mod kept;
mod run;
mod timer;

use std::future;

use chassis::{Caller, Command, Ledger, event, execute, refuse};
use contracts::{
    intake::v1::{
        BeginDestructionReply, DestructionBegan, PreviewDestructionReply, SetRetentionRuleReply,
    },
    ledger::v1::NewEvent,
};
use jiff::Timestamp;
use tonic::{Code, Status};
use uuid::Uuid;

pub(crate) use kept::Kept;
pub(crate) use run::Destructions;
pub(crate) use timer::keep_time;

use crate::{
    desk::{Desk, unreadable},
    domain::{
        RuleCommand, RuleEvent, RuleInForce, RunCommand, RunEvent, RunRejection, Runs, Standing,
        due,
    },
    streams,
    wire::{self, PreviewAsked, RuleAsked},
};

/// The rules in force, each with when it was recorded.
async fn rules(ledger: &Ledger) -> Result<Vec<(RuleInForce, Timestamp)>, Status> {
    let history = ledger.history(wire::RULES).await?;
    wire::rules(&history).map_err(|it| unreadable(it.into()))
}

/// Begins a run of the rules in force; gives the one that was begun by this command, or that is under way.
async fn begin(
    ledger: &Ledger,
    command: &Command,
    now: Timestamp,
) -> Result<BeginDestructionReply, Status> {
    let run = Uuid::new_v5(&command.id, b"run").into();
    let rules = rules(ledger).await?.into_iter().map(|(rule, _)| rule);
    let decision = RunCommand::Begin {
        run,
        rules: rules.collect(),
    };
    let id = event::id(command.id, 0);
    let encode = move |events: &[RunEvent]| future::ready(Ok(run_events(id, events, now)));
    execute::<Runs>(ledger, streams::RUNS, command, 0, decision, encode)
        .await
        .map_err(|error| error.into_status(no_rule))?;
    let stream = ledger.read_stream(streams::RUNS).await?;
    let mut newest = None;
    for stored in stream.iter().filter(|it| event::is::<DestructionBegan>(it)) {
        let message: DestructionBegan =
            event::decode(stored).map_err(|it| unreadable(it.into()))?;
        let began = BeginDestructionReply {
            run: message.run,
            position: stored.position,
        };
        if stored.command_id == command.id.as_bytes() {
            return Ok(began);
        }
        newest = Some(began);
    }
    newest.ok_or_else(|| Status::aborted("no run has begun; try again"))
}

/// What a decision on the runs recorded: one event at most.
fn run_events(id: Uuid, events: &[RunEvent], now: Timestamp) -> Vec<NewEvent> {
    let events = events.iter();
    events.map(|it| wire::run_event(id, it, now)).collect()
}

fn no_rule(rejection: RunRejection) -> Status {
    match rejection {
        RunRejection::NoRule => refuse(
            Code::FailedPrecondition,
            "rules",
            "are none: nothing is destroyed without a rule",
        ),
    }
}

impl Desk {
    /// Sets, changes or removes a rule.
    pub(crate) async fn set_rule(
        &self,
        caller: &Caller,
        asked: RuleAsked,
        now: Timestamp,
    ) -> Result<SetRetentionRuleReply, Status> {
        if let (Some(topic), RuleCommand::Set(_)) = (&asked.scope, &asked.command) {
            self.questions(topic, caller.at_least).await?;
        }
        let command = Command {
            id: asked.command_id,
            fingerprint: asked.fingerprint,
            correlation_id: asked.command_id,
            causation_id: None,
            actor: caller.actor.clone(),
        };
        let (stream, scope) = (streams::of_rule(&asked.scope), asked.scope);
        let id = event::id(command.id, 0);
        let encode = move |events: &[RuleEvent]| {
            let events = events.iter();
            let encoded = events.map(|it| wire::rule_event(id, &scope, it, now));
            future::ready(Ok(encoded.collect()))
        };
        let done = execute::<Standing>(&self.ledger, &stream, &command, 0, asked.command, encode)
            .await
            .map_err(|error| error.into_status(|never| match never {}))?;
        Ok(SetRetentionRuleReply {
            position: done.position,
            rule: stream,
            rule_version: done.version,
        })
    }

    /// What a run would destroy now.
    pub(crate) async fn preview(
        &self,
        asked: PreviewAsked,
        now: Timestamp,
    ) -> Result<PreviewDestructionReply, Status> {
        let rules: Vec<RuleInForce> = rules(&self.ledger)
            .await?
            .into_iter()
            .map(|it| it.0)
            .collect();
        self.kept.at_least(self.ledger.head().await?).await?;
        let page = kept::page(self.kept.pool(), &asked.after, asked.limit).await;
        let (dossiers, next) = page.map_err(|error| {
            tracing::error!(error = format!("{error:#}"), "what is kept cannot be read");
            Status::unavailable("what is kept cannot be read")
        })?;
        let due = dossiers.iter().flat_map(|dossier| {
            let due = due(dossier, &rules, now).into_iter();
            due.map(|it| wire::due(&dossier.whose, &it))
        });
        Ok(PreviewDestructionReply {
            due: due.collect(),
            rules: rules.iter().map(wire::in_force).collect(),
            next: next.unwrap_or_default(),
        })
    }

    /// Begins a run, or tells of the one under way.
    pub(crate) async fn begin_destruction(
        &self,
        caller: &Caller,
        (id, fingerprint): (Uuid, [u8; 32]),
        now: Timestamp,
    ) -> Result<BeginDestructionReply, Status> {
        let command = Command {
            id,
            fingerprint,
            correlation_id: id,
            causation_id: None,
            actor: caller.actor.clone(),
        };
        begin(&self.ledger, &command, now).await
    }
}
