//! One notification: whether the citizen is told, how often it is tried, and how it ended.
//!
//! An attempt without an outcome means that the sender stopped in between, after the mail went out or before. It is tried
//! again as the next attempt.

use decider::Decider;
use jiff::{SignedDuration, Timestamp};

/// How often the mail server is asked; after that nothing more is tried.
pub(crate) const MAX_ATTEMPTS: u32 = 8;

/// What was recorded this long after it happened is written up, not news: nobody is told.
const RECORDED_LATE: SignedDuration = SignedDuration::from_hours(48);

/// What was recorded this long ago is no news either, should notification come to hear of it only now.
const HEARD_LATE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A notification, as far as it matters for what may happen next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Notification {
    #[default]
    Unknown,
    Requested,
    /// The mail server is being asked; or was, by a sender that stopped before it could say how it ended.
    Attempted {
        attempt: u32,
    },
    /// An attempt failed, and there will be another one.
    Deferred {
        attempt: u32,
    },
    Delivered,
    Failed,
    Skipped,
}

/// What may be asked of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// The citizen should be told of something.
    Request { times: Times, has_provider: bool },
    /// The mail server is about to be touched.
    Attempt { attempt: u32 },
    /// The mail server took the message.
    RecordDelivery { attempt: u32, provider_code: String },
    /// It did not; `lasting` if it never will.
    RecordFailure {
        attempt: u32,
        lasting: bool,
        provider_code: String,
    },
    /// Nobody is to be told any more.
    Skip { reason: SkipReason },
}

/// When the thing to tell happened, was recorded, and is heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) occurred: Timestamp,
    pub(crate) recorded: Timestamp,
    pub(crate) heard: Timestamp,
}

/// Why nobody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SkipReason {
    NoProvider,
    Erased,
    TooOld,
}

/// What can have happened to a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    NotificationRequested,
    NotificationSkipped {
        reason: SkipReason,
    },
    NotificationAttempted {
        attempt: u32,
    },
    NotificationDelivered {
        attempt: u32,
        provider_code: String,
    },
    NotificationFailed {
        attempt: u32,
        lasting: bool,
        provider_code: String,
    },
}

/// Why a notification says no; each is a mistake of the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("nobody asked for this notification")]
    NotRequested,
    #[error("this is not the next attempt")]
    OutOfTurn,
    #[error("there were enough attempts")]
    Exhausted,
}

type Decision = Result<Vec<Event>, Rejection>;

impl Decider for Notification {
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Decision {
        match command {
            Command::Request {
                times,
                has_provider,
            } => Ok(self.request(times, has_provider)),
            Command::Attempt { attempt } => self.attempt(attempt),
            Command::RecordDelivery {
                attempt,
                provider_code,
            } => self.record_delivery(attempt, provider_code),
            Command::RecordFailure {
                attempt,
                lasting,
                provider_code,
            } => self.record_failure(attempt, lasting, provider_code),
            Command::Skip { reason } => self.skip(reason),
        }
    }

    fn evolve(self, event: Event) -> Self {
        match event {
            Event::NotificationRequested => Self::Requested,
            Event::NotificationSkipped { .. } => Self::Skipped,
            Event::NotificationAttempted { attempt } => Self::Attempted { attempt },
            Event::NotificationDelivered { .. } => Self::Delivered,
            Event::NotificationFailed { lasting: true, .. } => Self::Failed,
            Event::NotificationFailed {
                attempt,
                lasting: false,
                ..
            } => Self::Deferred { attempt },
        }
    }
}

impl Notification {
    fn request(self, times: Times, has_provider: bool) -> Vec<Event> {
        match self {
            Self::Unknown => match reason_not_to_tell(times, has_provider) {
                Some(reason) => vec![
                    Event::NotificationRequested,
                    Event::NotificationSkipped { reason },
                ],
                None => vec![Event::NotificationRequested],
            },
            Self::Requested
            | Self::Attempted { .. }
            | Self::Deferred { .. }
            | Self::Delivered
            | Self::Failed
            | Self::Skipped => vec![],
        }
    }

    fn attempt(self, attempt: u32) -> Decision {
        let before = match self {
            Self::Unknown => return Err(Rejection::NotRequested),
            Self::Requested => 0,
            Self::Attempted { attempt } | Self::Deferred { attempt } => attempt,
            Self::Delivered | Self::Failed | Self::Skipped => return Ok(vec![]),
        };
        if attempt <= before {
            Ok(vec![])
        } else if attempt > before + 1 {
            Err(Rejection::OutOfTurn)
        } else if attempt > MAX_ATTEMPTS {
            Err(Rejection::Exhausted)
        } else {
            Ok(vec![Event::NotificationAttempted { attempt }])
        }
    }

    /// A delivery counts whichever attempt it came from: the citizen has the message.
    fn record_delivery(self, attempt: u32, provider_code: String) -> Decision {
        match self {
            Self::Unknown => Err(Rejection::NotRequested),
            Self::Attempted { attempt: newest } | Self::Deferred { attempt: newest }
                if attempt <= newest =>
            {
                Ok(vec![Event::NotificationDelivered {
                    attempt,
                    provider_code,
                }])
            }
            Self::Requested | Self::Attempted { .. } | Self::Deferred { .. } => {
                Err(Rejection::OutOfTurn)
            }
            Self::Delivered | Self::Failed | Self::Skipped => Ok(vec![]),
        }
    }

    /// A failure counts for the newest attempt only: an older one says nothing about the one that followed.
    fn record_failure(self, attempt: u32, lasting: bool, provider_code: String) -> Decision {
        match self {
            Self::Unknown => Err(Rejection::NotRequested),
            Self::Attempted { attempt: newest } if attempt == newest => {
                let lasting = lasting || attempt >= MAX_ATTEMPTS;
                Ok(vec![Event::NotificationFailed {
                    attempt,
                    lasting,
                    provider_code,
                }])
            }
            Self::Attempted { attempt: newest } | Self::Deferred { attempt: newest }
                if attempt <= newest =>
            {
                Ok(vec![])
            }
            Self::Requested | Self::Attempted { .. } | Self::Deferred { .. } => {
                Err(Rejection::OutOfTurn)
            }
            Self::Delivered | Self::Failed | Self::Skipped => Ok(vec![]),
        }
    }

    fn skip(self, reason: SkipReason) -> Decision {
        match self {
            Self::Unknown => Err(Rejection::NotRequested),
            Self::Requested | Self::Attempted { .. } | Self::Deferred { .. } => {
                Ok(vec![Event::NotificationSkipped { reason }])
            }
            Self::Delivered | Self::Failed | Self::Skipped => Ok(vec![]),
        }
    }
}

/// Being too old comes first: it stays true when a mail server is configured later.
fn reason_not_to_tell(times: Times, has_provider: bool) -> Option<SkipReason> {
    let recorded_late = times.recorded.duration_since(times.occurred) > RECORDED_LATE;
    let heard_late = times.heard.duration_since(times.recorded) > HEARD_LATE;
    if recorded_late || heard_late {
        Some(SkipReason::TooOld)
    } else if !has_provider {
        Some(SkipReason::NoProvider)
    } else {
        None
    }
}

/// How long to wait before an attempt, after the one before it failed.
pub(crate) fn pause_before(attempt: u32) -> SignedDuration {
    match attempt {
        0 | 1 => SignedDuration::ZERO,
        2 => SignedDuration::from_secs(5),
        3 => SignedDuration::from_secs(30),
        4 => SignedDuration::from_mins(2),
        5 => SignedDuration::from_mins(10),
        6 => SignedDuration::from_hours(1),
        7 => SignedDuration::from_hours(4),
        8.. => SignedDuration::from_hours(12),
    }
}

#[cfg(test)]
mod tests;
