//! What stands around a decision, for one municipality: who it is about, what the log and the directory say of it, the
//! sealing of its text, and the answer of a retry.

mod definitions;

use std::time::Duration;

use chassis::{Caller, Command, Ledger, Storable, event::Undecodable, execute};
use contracts::ledger::v1::Event as Recorded;
use jiff::Timestamp;
use projection::Projection;
use tokio::time::Instant;
use tonic::{Code, Status};
use tracing::Instrument as _;
use uuid::Uuid;
use vocabulary::RequestNumber;

use crate::{
    domain::{
        self, Act, Event, Handling, Import, Original, Rejection, When, Work, handling_stream,
    },
    sealing::{Encoding, Sealing},
    wire::{self, AskedConclusion, AskedImport, Registered, Target, Text},
};

/// How long a registered request may take to be routed before a caller is told how things stand.
const PATIENCE: Duration = Duration::from_secs(2);

/// One municipality's handlings and directory.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) ledger: Ledger,
    pub(crate) directory: Projection,
    pub(crate) sealing: Sealing,
}

/// Position and version after a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) position: u64,
    pub(crate) version: u64,
}

/// What is known of a number.
enum Found {
    /// No request has it.
    Unknown,
    /// Registered, and nothing more.
    Registered {
        registered: Registered,
        correlation_id: Uuid,
    },
    /// In the hands of a unit.
    Handled { correlation_id: Uuid },
    /// This very command was carried out before.
    Done(Done),
}

impl Desk {
    /// Carries out what a person asks.
    pub(crate) async fn act(
        &self,
        caller: &Caller,
        mut target: Target,
        fingerprint: [u8; 32],
        act: Act,
        text: Text,
    ) -> Result<Done, Status> {
        let mut command = ordered(caller, target.command_id, fingerprint);
        if act.is_remark() {
            target.expected_version = 0;
        }
        match self.find(&target.number, &command).await? {
            Found::Unknown => return Err(unknown("target.number")),
            Found::Done(done) => return Ok(done),
            Found::Handled { correlation_id } => command.correlation_id = correlation_id,
            Found::Registered {
                registered,
                correlation_id,
            } => {
                command.correlation_id = correlation_id;
                target.when = not_before(target.when, registered.occurred_at)?;
            }
        }
        let decision = domain::Command::Act {
            when: target.when,
            act,
        };
        self.decide(
            caller,
            &target.number,
            command,
            target.expected_version,
            decision,
            text,
        )
        .await
    }

    /// Records what another system did with an imported request.
    pub(crate) async fn import(
        &self,
        caller: &Caller,
        asked: AskedImport,
        fingerprint: [u8; 32],
        text: Text,
    ) -> Result<Done, Status> {
        let Some((registered, correlation_id)) = self.registration(&asked.number).await? else {
            return Err(unknown("number"));
        };
        let import = Import {
            imported: registered.imported,
            unit_known: self.knows(&asked.unit).await?,
            unit: asked.unit,
            topic: asked.topic,
            reached: asked.reached,
            registered_at: asked.registered_at,
            since: asked.since,
        };
        let command = Command {
            correlation_id,
            ..ordered(caller, asked.command_id, fingerprint)
        };
        self.decide(
            caller,
            &asked.number,
            command,
            0,
            domain::Command::ImportHandling(import),
            text,
        )
        .await
    }

    async fn decide(
        &self,
        caller: &Caller,
        number: &RequestNumber,
        command: Command,
        expected_version: u64,
        decision: domain::Command,
        text: Text,
    ) -> Result<Done, Status> {
        let span = tracing::info_span!("routing.decide", request.number = %number);
        let encoding = Encoding {
            sealing: self.sealing.clone(),
            caller: caller.clone(),
            number: number.clone(),
            command_id: command.id,
            text,
        };
        let encode = move |events: &[Event]| encoding.clone().encode(events.to_vec());
        let stream = handling_stream(number);
        let executed = execute::<Handling>(
            &self.ledger,
            &stream,
            &command,
            expected_version,
            decision,
            encode,
        )
        .instrument(span)
        .await
        .map_err(|error| error.into_status(wire::refused))?;
        Ok(Done {
            position: executed.position,
            version: executed.version,
        })
    }

    /// Where a request stands, and the version that says so.
    pub(crate) async fn standing_of(&self, number: &RequestNumber) -> Result<(u64, Work), Status> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(20);
        let mut expected = false;
        loop {
            let events = self.ledger.read_stream(&handling_stream(number)).await?;
            if let Handling::Known(work) = replay::<Handling>(&events)? {
                return Ok((events.last().map_or(0, |it| it.version), work));
            }
            expected = expected
                || self
                    .registration(number)
                    .await?
                    .is_some_and(|(it, _)| !it.imported);
            if !expected || started.elapsed() >= PATIENCE {
                return Err(unknown("number"));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// What is known of a number. Routing hears of a new request within milliseconds, so one that was just registered is
    /// waited for.
    async fn find(&self, number: &RequestNumber, command: &Command) -> Result<Found, Status> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(20);
        let mut registration = None;
        loop {
            let reply = self
                .ledger
                .read_stream_for(&handling_stream(number), command)
                .await?;
            if let Some(recorded) = reply.recorded {
                let version = recorded
                    .events
                    .last()
                    .or(reply.events.last())
                    .map_or(0, |it| it.version);
                return Ok(Found::Done(Done {
                    position: recorded.last_position,
                    version,
                }));
            }
            if let Some(first) = reply.events.first() {
                return Ok(Found::Handled {
                    correlation_id: correlation(&first.correlation_id),
                });
            }
            if registration.is_none() {
                registration = self.registration(number).await?;
            }
            match &registration {
                None => return Ok(Found::Unknown),
                Some((it, correlation_id)) if it.imported || started.elapsed() >= PATIENCE => {
                    return Ok(Found::Registered {
                        registered: it.clone(),
                        correlation_id: *correlation_id,
                    });
                }
                Some(_) => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// How a request was registered, and the command that all began with.
    async fn registration(
        &self,
        number: &RequestNumber,
    ) -> Result<Option<(Registered, Uuid)>, Status> {
        // Intake documents its stream's name in `events.proto`.
        for event in self
            .ledger
            .read_stream(&format!("request-{number}"))
            .await?
        {
            if let Some(registered) = wire::registered(&event).map_err(unreadable)? {
                return Ok(Some((registered, correlation(&event.correlation_id))));
            }
        }
        Ok(None)
    }

    /// What a conclusion says of its original, checked against the log.
    pub(crate) async fn conclusion(
        &self,
        request: &RequestNumber,
        asked: AskedConclusion,
        answered: bool,
    ) -> Result<domain::Conclusion, Status> {
        let original = match asked.original {
            None => None,
            Some(number) => {
                let itself = number == *request;
                let known = itself || self.registration(&number).await?.is_some();
                Some(Original {
                    number,
                    known,
                    itself,
                })
            }
        };
        Ok(domain::Conclusion {
            sub_result: asked.sub_result,
            answered,
            original,
            visited_at: asked.visited_at,
        })
    }
}

/// A command that begins something of its own.
pub(crate) fn ordered(caller: &Caller, id: Uuid, fingerprint: [u8; 32]) -> Command {
    Command {
        id,
        fingerprint,
        correlation_id: id,
        causation_id: None,
        actor: caller.actor.clone(),
    }
}

/// Nothing happens to a request before it was registered.
fn not_before(when: When, registered_at: Timestamp) -> Result<When, Status> {
    if when.stated && when.at < registered_at {
        return Err(wire::refused(Rejection::BeforeLastEvent));
    }
    Ok(When {
        at: when.at.max(registered_at),
        ..when
    })
}

fn unknown(field: &str) -> Status {
    chassis::refuse(
        Code::NotFound,
        field,
        "routing knows no request of this number",
    )
}

fn correlation(bytes: &[u8]) -> Uuid {
    Uuid::from_slice(bytes).unwrap_or_default()
}

fn replay<D: Storable>(events: &[Recorded]) -> Result<D, Status> {
    let mut history = Vec::with_capacity(events.len());
    for event in events {
        history.extend(D::decode(event).map_err(unreadable)?);
    }
    Ok(D::replay(history))
}

fn unreadable(problem: Undecodable) -> Status {
    tracing::error!(error = %problem, "a stream cannot be read");
    Status::internal(problem.to_string())
}
