//! Sends what is due, in one replica at a time.
//!
//! A message in hand is a task of its own: it finishes, and is recorded, when the process stops or the lease is lost.

use std::{
    collections::BTreeSet,
    future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use chassis::{
    Clock, Command as Cause, ExecuteError, Executed, Ledger, Platform, Tasks, event, execute,
    telemetry,
};
use contracts::notification::v1::NotificationAttempted;
use projection::Projection;
use tokio::sync::Notify;
use tonic::Code;
use tracing::Instrument as _;
use uuid::Uuid;
use vocabulary::Municipality;

use crate::{
    domain::{Command, MAX_ATTEMPTS, Notification, Rejection, SkipReason},
    notifications::{self, Due},
    post::{CONNECTIONS, Post, Refusal},
    sender::delivery::{Delivery, Outcome},
    wire::{self, Encoding},
};

mod delivery;

/// The lease of the sender.
pub(crate) const NAME: &str = "notification.sender";

/// Messages in hand at once.
const IN_HAND: usize = CONNECTIONS as usize;
/// How often the model is asked for what has become due.
const LOOK: Duration = Duration::from_secs(1);
/// How long to leave a notification alone that could not be worked on.
const PAUSE: Duration = Duration::from_secs(1);
/// An attempt without an outcome is taken up by another only when the first can no longer be sending; clocks differ a bit.
const OVERLAP: Duration = Duration::from_secs(5);
/// How long a message in hand may take once the process stops.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The sender of one municipality.
#[derive(Clone)]
pub(crate) struct Sender {
    ledger: Ledger,
    clock: Clock,
    tasks: Tasks,
    model: Projection,
    delivery: Option<Delivery>,
    actor: String,
    in_hand: Arc<InHand>,
    /// How long an attempt may take.
    limit: Duration,
}

/// The notifications in hand; they outlive the loss of a lease.
#[derive(Default)]
struct InHand {
    ids: Mutex<BTreeSet<Uuid>>,
    freed: Notify,
}

/// A notification in hand, until dropped.
struct Held {
    id: Uuid,
    in_hand: Arc<InHand>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.in_hand
            .ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
        self.in_hand.freed.notify_one();
    }
}

impl Sender {
    pub(crate) fn new(
        platform: &Platform,
        municipality: &Municipality,
        model: Projection,
        post: Option<Arc<Post>>,
        limit: Duration,
    ) -> Self {
        Self {
            ledger: platform.ledger(municipality),
            clock: platform.clock.clone(),
            tasks: platform.tasks.clone(),
            delivery: post.map(|post| Delivery::new(platform, municipality, model.clone(), post)),
            model,
            actor: platform.system(municipality).actor,
            in_hand: Arc::default(),
            limit,
        }
    }

    /// Takes in hand what is due, for ever.
    pub(crate) async fn run(&self) -> anyhow::Result<()> {
        let mut changes = self.model.changes();
        loop {
            changes.borrow_and_update();
            for due in self.due().await? {
                if let Some(held) = self.take(due.id) {
                    self.start(due, held);
                }
            }
            tokio::select! {
                changed = changes.changed() => changed.context("the read model stopped")?,
                () = self.in_hand.freed.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn due(&self) -> anyhow::Result<Vec<Due>> {
        let retake = i64::try_from((self.limit + OVERLAP).as_micros())?;
        notifications::due(self.model.pool(), self.clock.micros(), retake, 2 * IN_HAND).await
    }

    /// Takes a notification in hand, unless it is already or hands are full.
    fn take(&self, id: Uuid) -> Option<Held> {
        let mut ids = self
            .in_hand
            .ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let taken = ids.len() < IN_HAND && ids.insert(id);
        taken.then(|| Held {
            id,
            in_hand: Arc::clone(&self.in_hand),
        })
    }

    fn start(&self, due: Due, held: Held) {
        let span = tracing::info_span!("notification.send", notification = %due.id, attempt = due.attempts + 1);
        telemetry::continue_trace(&span, &due.traceparent);
        let sender = self.clone();
        let work = async move {
            let _held = held;
            let too_late = async {
                sender.tasks.stopping().await;
                tokio::time::sleep(LAST_WORDS).await;
            };
            tokio::select! {
                () = sender.see_to(&due) => {}
                () = too_late => {}
            }
            Ok(())
        };
        self.tasks
            .spawn_to_end("notification.send", work.instrument(span));
    }

    async fn see_to(&self, due: &Due) {
        let recorded = match &self.delivery {
            None => {
                self.record_surely(
                    due,
                    "skip",
                    Command::Skip {
                        reason: SkipReason::NoProvider,
                    },
                )
                .await
            }
            Some(_) if due.attempts >= MAX_ATTEMPTS => {
                let interrupted = Command::RecordFailure {
                    attempt: due.attempts,
                    lasting: true,
                    provider_code: "interrupted".to_owned(),
                };
                self.record_surely(due, "fail", interrupted).await
            }
            Some(delivery) => self.attempt(due, delivery).await,
        };
        match recorded {
            // The model must know of it before this notification is looked at again; should it stop, so do we.
            Some(position) => drop(self.model.changes().wait_for(|it| *it >= position).await),
            None => tokio::time::sleep(PAUSE).await,
        }
    }

    /// Tries once; the answer is the position of the outcome.
    async fn attempt(&self, due: &Due, delivery: &Delivery) -> Option<u64> {
        let attempt = due.attempts + 1;
        let message_id = match due.message_id.as_str() {
            "" => delivery.message_id(due.id),
            earlier => earlier.to_owned(),
        };
        let step = format!("attempt/{attempt}");
        match self
            .record(
                due,
                &step,
                &message_id,
                due.version,
                Command::Attempt { attempt },
            )
            .await
        {
            Ok(Executed {
                position: 1..,
                replayed: false,
                ..
            }) => {}
            // Another sender recorded this attempt, or we did and lost the answer: whoever it was may be sending.
            Ok(_) | Err(ExecuteError::Stale { .. }) => return None,
            Err(error) => {
                tracing::warn!(error = %error, "an attempt could not be recorded: nothing is sent");
                return None;
            }
        }
        let delivering = delivery.deliver(due, &message_id, self.clock.now());
        let outcome = tokio::time::timeout(self.limit, delivering)
            .await
            .unwrap_or_else(|_| Outcome::Failed(Refusal::for_now("timeout")));
        match outcome {
            Outcome::Delivered { provider_code } => {
                let step = format!("deliver/{attempt}");
                self.record_surely(
                    due,
                    &step,
                    Command::RecordDelivery {
                        attempt,
                        provider_code,
                    },
                )
                .await
            }
            Outcome::Failed(refusal) => {
                tracing::info!(
                    code = refusal.code,
                    lasting = refusal.lasting,
                    "a notification was not delivered"
                );
                let failure = Command::RecordFailure {
                    attempt,
                    lasting: refusal.lasting,
                    provider_code: refusal.code,
                };
                self.record_surely(due, &format!("fail/{attempt}"), failure)
                    .await
            }
            Outcome::Erased => {
                self.record_surely(
                    due,
                    "skip",
                    Command::Skip {
                        reason: SkipReason::Erased,
                    },
                )
                .await
            }
        }
    }

    /// Records what happened, however long the ledger is away: it cannot be found out again.
    async fn record_surely(&self, due: &Due, step: &str, command: Command) -> Option<u64> {
        loop {
            match self
                .record(due, step, &due.message_id, 0, command.clone())
                .await
            {
                Ok(executed) => return Some(executed.position),
                // The same step ended otherwise in another process, and that is recorded.
                Err(ExecuteError::Failed(status)) if status.code() == Code::AlreadyExists => {
                    return None;
                }
                Err(ExecuteError::Failed(status)) => {
                    tracing::warn!(error = %status, "the outcome of a notification is not recorded yet");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::error!(error = %error, "the outcome of a notification cannot be recorded");
                    return None;
                }
            }
        }
    }

    async fn record(
        &self,
        due: &Due,
        step: &str,
        message_id: &str,
        expected_version: u64,
        command: Command,
    ) -> Result<Executed, ExecuteError<Rejection>> {
        let command_id = wire::command_id(due.id, step);
        let number = due.requested.number.clone();
        let encoding = Encoding {
            notification: due.id,
            command_id,
            number,
            at: self.clock.now(),
            message_id: message_id.to_owned(),
            requested: None,
        };
        let cause = Cause {
            id: command_id,
            fingerprint: fingerprint(due, step, &command),
            correlation_id: due.correlation,
            causation_id: Some(due.newest_event),
            actor: self.actor.clone(),
        };
        let stream = wire::stream(due.id);
        let encode = move |events: &[_]| future::ready(Ok(encoding.encode(events)));
        execute::<Notification>(
            &self.ledger,
            &stream,
            &cause,
            expected_version,
            command,
            encode,
        )
        .await
    }
}

/// What a step asks; the same for two senders that take the same step.
fn fingerprint(due: &Due, step: &str, command: &Command) -> [u8; 32] {
    let (attempt, code) = match command {
        Command::Request { .. } | Command::Skip { .. } => (0, ""),
        Command::Attempt { attempt } => (*attempt, ""),
        Command::RecordDelivery {
            attempt,
            provider_code,
        } => (*attempt, provider_code.as_str()),
        Command::RecordFailure {
            attempt,
            provider_code,
            ..
        } => (*attempt, provider_code.as_str()),
    };
    let notification = format!("{} {step} {code}", due.id);
    event::fingerprint(&NotificationAttempted {
        notification,
        attempt,
        ..NotificationAttempted::default()
    })
}
