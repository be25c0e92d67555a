use contracts::ledger::v1::{Event, NewEvent, StreamWrite};
use decider::Decider;
use tonic::{Code, Status};

use crate::{
    AppendError, Command, Ledger,
    event::{Undecodable, readable},
    refuse,
};

/// How often a decision is made anew because somebody else wrote to the stream.
const ATTEMPTS: usize = 8;

/// A decider whose events can be read back from the log.
pub trait Storable: Decider {
    /// The decider's event; `None` for a name it does not know, which it ignores.
    fn decode(event: &Event) -> Result<Option<Self::Event>, Undecodable>;

    /// Whether somebody who has not seen the event might decide otherwise. What does not matter makes nobody's version
    /// old.
    fn matters(_event: &Self::Event) -> bool {
        true
    }
}

/// What a command came to.
#[derive(Debug)]
pub struct Executed {
    /// Position of its last event; 0 where nothing was new.
    pub position: u64,
    /// Version of the stream afterwards.
    pub version: u64,
    /// The command was known already, and this is what it recorded then.
    pub replayed: bool,
}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R> {
    /// Understood and refused.
    #[error("refused")]
    Rejected(R),
    /// The caller decided on an older version.
    #[error("the stream is at version {actual}, not {expected}")]
    Stale {
        /// What the caller saw.
        expected: u64,
        /// What is.
        actual: u64,
    },
    /// Lost the race too often.
    #[error("others kept writing to the stream")]
    Contended,
    /// The history cannot be read by this build.
    #[error("the history cannot be read")]
    Undecodable(#[from] Undecodable),
    /// The ledger, or what the encoding needs, said no or is away.
    #[error("the ledger refused or is away")]
    Failed(Status),
}

impl<R> ExecuteError<R> {
    /// The answer to the caller; `rejected` words a rejection.
    pub fn into_status(self, rejected: impl FnOnce(R) -> Status) -> Status {
        match self {
            Self::Rejected(rejection) => rejected(rejection),
            Self::Stale { expected, actual } => refuse(
                Code::Aborted,
                "expected_version",
                &format!("is {expected}, but the request is at version {actual}: look again"),
            ),
            Self::Contended => Status::aborted("others kept writing to the same stream; try again"),
            Self::Undecodable(problem) => {
                tracing::error!(error = %problem, "a stream cannot be read");
                Status::internal(problem.to_string())
            }
            Self::Failed(status) => status,
        }
    }
}

/// Reads a stream, decides, appends; if somebody else wrote meanwhile, decides again on what they wrote.
///
/// `expected_version` is the version a person saw, 0 for none. `encode` turns what was decided into stored events, with
/// ids derived from the command.
pub async fn execute<D: Storable>(
    ledger: &Ledger,
    stream: &str,
    command: &Command,
    expected_version: u64,
    decision: D::Command,
    encode: impl AsyncFn(&[D::Event]) -> Result<Vec<NewEvent>, Status>,
) -> Result<Executed, ExecuteError<D::Rejection>>
where
    D::Command: Clone,
{
    for _ in 0..ATTEMPTS {
        let reply = ledger
            .read_stream_for(stream, command)
            .await
            .map_err(ExecuteError::Failed)?;
        let version = reply.events.last().map_or(0, |it| it.version);
        if let Some(recorded) = reply.recorded {
            return Ok(Executed {
                position: recorded.last_position,
                version: version_in(&recorded.events, stream).unwrap_or(version),
                replayed: true,
            });
        }
        let mut stale = expected_version > version;
        let mut history = Vec::with_capacity(reply.events.len());
        for event in &reply.events {
            readable(event)?;
            let decoded = D::decode(event)?;
            let unseen = expected_version != 0 && event.version > expected_version;
            stale |= unseen && decoded.as_ref().is_none_or(D::matters);
            history.extend(decoded);
        }
        if stale {
            return Err(ExecuteError::Stale {
                expected: expected_version,
                actual: version,
            });
        }
        let events = D::replay(history)
            .decide(decision.clone())
            .map_err(ExecuteError::Rejected)?;
        if events.is_empty() {
            return Ok(Executed {
                position: 0,
                version,
                replayed: false,
            });
        }
        if let Some(done) = append(ledger, stream, command, version, &events, &encode).await? {
            return Ok(done);
        }
    }
    Err(ExecuteError::Contended)
}

/// The same for a stream that is most likely new: nothing is read, unless it turns out to be there already.
pub async fn execute_new<D: Storable>(
    ledger: &Ledger,
    stream: &str,
    command: &Command,
    decision: D::Command,
    encode: impl AsyncFn(&[D::Event]) -> Result<Vec<NewEvent>, Status>,
) -> Result<Executed, ExecuteError<D::Rejection>>
where
    D::Command: Clone,
{
    if let Ok(events) = D::replay([]).decide(decision.clone())
        && !events.is_empty()
        && let Some(done) = append(ledger, stream, command, 0, &events, &encode).await?
    {
        return Ok(done);
    }
    execute::<D>(ledger, stream, command, 0, decision, encode).await
}

/// Appends what was decided on a version; `None` where somebody else wrote to the stream since.
async fn append<E, R>(
    ledger: &Ledger,
    stream: &str,
    command: &Command,
    version: u64,
    events: &[E],
    encode: &impl AsyncFn(&[E]) -> Result<Vec<NewEvent>, Status>,
) -> Result<Option<Executed>, ExecuteError<R>> {
    let events = encode(events).await.map_err(ExecuteError::Failed)?;
    let added = events.len() as u64;
    let write = StreamWrite {
        stream: stream.to_owned(),
        expected_version: version,
        events,
    };
    match ledger.append(command, vec![write]).await {
        Ok(reply) => Ok(Some(Executed {
            position: reply.last_position,
            version: version_in(&reply.events, stream).unwrap_or(version + added),
            replayed: reply.replayed,
        })),
        Err(AppendError::Stale) => Ok(None),
        Err(error @ (AppendError::CommandReused | AppendError::Failed(_))) => {
            Err(ExecuteError::Failed(error.into()))
        }
    }
}

/// The version of a stream after a command's own events: a retry answers what the first try answered.
fn version_in(events: &[Event], stream: &str) -> Option<u64> {
    events
        .iter()
        .rfind(|it| it.stream == stream)
        .map(|it| it.version)
}
