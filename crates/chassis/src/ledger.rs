use std::{future::Future, time::Duration};

use contracts::ledger::v1::{
    AcquireLeaseReply, AcquireLeaseRequest, AppendReply, AppendRequest, CutOffReply, CutOffRequest,
    ErasePersonalPartsRequest, Event, FollowReply, FollowRequest, HeadRequest, HistoryRequest,
    LatestCheckpointReply, LatestCheckpointRequest, ProveConsistencyRequest, ReadRequest,
    ReadStreamReply, ReadStreamRequest, ReleaseLeaseRequest, SaveCheckpointRequest, StreamWrite,
    WatchHeadReply, WatchHeadRequest, ledger_client::LedgerClient,
};
use futures::future::BoxFuture;
use tonic::{Code, Status, Streaming, transport::Channel};
use uuid::Uuid;
use vocabulary::Municipality;

use crate::{AsOf, Caller, telemetry, violations};

/// How long a call waits for a ledger that is away, restarting or busy.
const PATIENCE: Duration = Duration::from_secs(15);
/// Batches of events are larger than gRPC's usual limit.
const MESSAGE: usize = 64 << 20;
/// Events per page.
const PAGE: u32 = 1_000;

/// The log of one municipality.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: LedgerClient<Channel>,
    caller: Caller,
}

/// What makes an append one command: the same id gives the same answer.
#[derive(Debug, Clone)]
pub struct Command {
    /// The idempotency key.
    pub id: Uuid,
    /// SHA-256 of what was asked.
    pub fingerprint: [u8; 32],
    /// The id of the command that all this began with.
    pub correlation_id: Uuid,
    /// The event that led to this command.
    pub causation_id: Option<Uuid>,
    /// Who.
    pub actor: String,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else wrote to a stream first.
    #[error("a stream is not at its expected version")]
    Stale,
    /// The command id was used for something else.
    #[error("command_id: was used before with other content")]
    CommandReused,
    /// Anything else, with the ledger's own words.
    #[error("the ledger refused or is away")]
    Failed(#[source] Status),
}

impl From<AppendError> for Status {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Stale => crate::refuse(
                Code::Aborted,
                "expected_version",
                "somebody else wrote in between",
            ),
            AppendError::CommandReused => crate::refuse(
                Code::AlreadyExists,
                "command_id",
                "was used before with other content",
            ),
            AppendError::Failed(status) => status,
        }
    }
}

impl From<Status> for AppendError {
    fn from(status: Status) -> Self {
        if status.code() == Code::Aborted {
            Self::Stale
        } else if status.code() == Code::AlreadyExists {
            Self::CommandReused
        } else {
            Self::Failed(status)
        }
    }
}

impl Ledger {
    pub(crate) fn new(channel: Channel, caller: Caller) -> Self {
        let client = LedgerClient::new(channel)
            .max_decoding_message_size(MESSAGE)
            .max_encoding_message_size(MESSAGE);
        Self { client, caller }
    }

    /// Whose log this is.
    #[must_use]
    pub fn municipality(&self) -> &Municipality {
        &self.caller.municipality
    }

    /// Appends what a command decided; returns after it is durable. A ledger that is away is waited for, with the same id.
    pub fn append<'a>(
        &'a self,
        command: &'a Command,
        writes: Vec<StreamWrite>,
    ) -> BoxFuture<'a, Result<AppendReply, AppendError>> {
        Box::pin(async move {
            let request = AppendRequest {
                command_id: command.id.as_bytes().to_vec(),
                fingerprint: command.fingerprint.to_vec(),
                writes,
                correlation_id: command.correlation_id.as_bytes().to_vec(),
                causation_id: command
                    .causation_id
                    .map(|it| it.as_bytes().to_vec())
                    .unwrap_or_default(),
                actor: command.actor.clone(),
                traceparent: telemetry::current_traceparent(),
            };
            let reply = patiently(|| {
                let (mut client, request) =
                    (self.client.clone(), self.caller.request(request.clone()));
                async move { client.append(request).await }
            });
            Ok(reply.await?.into_inner())
        })
    }

    /// All events of a stream.
    pub fn read_stream<'a>(&'a self, stream: &'a str) -> BoxFuture<'a, Result<Vec<Event>, Status>> {
        Box::pin(async move {
            let request = ReadStreamRequest {
                stream: stream.to_owned(),
                ..ReadStreamRequest::default()
            };
            Ok(self.read_stream_request(request).await?.events)
        })
    }

    /// All events of a stream, and what a command recorded if it is known already.
    pub fn read_stream_for<'a>(
        &'a self,
        stream: &'a str,
        command: &'a Command,
    ) -> BoxFuture<'a, Result<ReadStreamReply, Status>> {
        Box::pin(async move {
            let request = ReadStreamRequest {
                stream: stream.to_owned(),
                command_id: command.id.as_bytes().to_vec(),
                fingerprint: command.fingerprint.to_vec(),
            };
            self.read_stream_request(request).await
        })
    }

    async fn read_stream_request(
        &self,
        request: ReadStreamRequest,
    ) -> Result<ReadStreamReply, Status> {
        let reply = patiently(|| {
            let (mut client, request) = (self.client.clone(), self.caller.request(request.clone()));
            async move { client.read_stream(request).await }
        });
        Ok(reply.await?.into_inner())
    }

    /// Everything every service recorded about a subject, in order.
    pub fn history<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<Vec<Event>, Status>> {
        Box::pin(async move {
            let mut events: Vec<Event> = vec![];
            loop {
                let request = HistoryRequest {
                    subject: subject.to_owned(),
                    after_position: events.last().map_or(0, |it| it.position),
                    limit: PAGE,
                };
                let page = patiently(|| {
                    let (mut client, request) =
                        (self.client.clone(), self.caller.request(request.clone()));
                    async move { client.history(request).await }
                });
                let page = page.await?.into_inner().events;
                let last = page.len() < PAGE as usize;
                events.extend(page);
                if last {
                    return Ok(events);
                }
            }
        })
    }

    /// The same of what was recorded up to a position.
    pub fn history_until<'a>(
        &'a self,
        subject: &'a str,
        position: u64,
    ) -> BoxFuture<'a, Result<Vec<Event>, Status>> {
        Box::pin(async move {
            let mut events = self.history(subject).await?;
            events.truncate(events.partition_point(|it| it.position <= position));
            Ok(events)
        })
    }

    /// Has the ledger take personal parts out of the log: rising positions, at most 10,000. Gives the position of the order.
    pub fn erase_personal_parts(
        &self,
        request: ErasePersonalPartsRequest,
    ) -> BoxFuture<'_, Result<u64, Status>> {
        Box::pin(async move {
            let reply = patiently(|| {
                let (mut client, request) =
                    (self.client.clone(), self.caller.request(request.clone()));
                async move { client.erase_personal_parts(request).await }
            });
            Ok(reply.await?.into_inner().position)
        })
    }

    /// The events after a position, at most `limit`, at most 1,000.
    pub fn read(&self, after: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Event>, Status>> {
        Box::pin(async move {
            let request = ReadRequest {
                after_position: after,
                limit,
            };
            let reply = patiently(|| {
                let (mut client, request) = (self.client.clone(), self.caller.request(request));
                async move { client.read(request).await }
            });
            Ok(reply.await?.into_inner().events)
        })
    }

    /// The position of the newest event.
    pub fn head(&self) -> BoxFuture<'_, Result<u64, Status>> {
        Box::pin(async move {
            let request = self.caller.request(HeadRequest {});
            Ok(self
                .client
                .clone()
                .head(request)
                .await?
                .into_inner()
                .position)
        })
    }

    /// The newest signed checkpoint; NOT_FOUND where nothing is signed yet.
    pub fn latest_checkpoint(&self) -> BoxFuture<'_, Result<LatestCheckpointReply, Status>> {
        Box::pin(async move {
            let request = self.caller.request(LatestCheckpointRequest::default());
            let reply = self.client.clone().latest_checkpoint(request).await?;
            Ok(reply.into_inner())
        })
    }

    /// What proves that the log of one size is the beginning of the log of another.
    pub fn prove_consistency(
        &self,
        old_size: u64,
        new_size: u64,
    ) -> BoxFuture<'_, Result<Vec<Vec<u8>>, Status>> {
        Box::pin(async move {
            let request = self
                .caller
                .request(ProveConsistencyRequest { old_size, new_size });
            let reply = self.client.clone().prove_consistency(request).await?;
            Ok(reply.into_inner().hashes)
        })
    }

    /// The newest event of the log as it stood at that moment; a moment that has not come is refused, in the name of `field`.
    pub fn cut_off<'a>(
        &'a self,
        field: &'a str,
        as_of: AsOf,
    ) -> BoxFuture<'a, Result<CutOffReply, Status>> {
        Box::pin(async move {
            let request = CutOffRequest {
                as_of: Some(as_of.asked()),
            };
            let reply = patiently(|| {
                let (mut client, request) = (self.client.clone(), self.caller.request(request));
                async move { client.cut_off(request).await }
            });
            match reply.await {
                Ok(reply) => Ok(reply.into_inner()),
                Err(status) => Err(match violations(&status).first() {
                    Some((_, problem)) => crate::Invalid::at(field, problem).into(),
                    None => status,
                }),
            }
        })
    }

    /// The same at once, and again and again as it rises, at least once a second.
    pub(crate) fn watch_head(&self) -> BoxFuture<'_, Result<Streaming<WatchHeadReply>, Status>> {
        Box::pin(async move {
            let request = self.caller.request(WatchHeadRequest {});
            Ok(self.client.clone().watch_head(request).await?.into_inner())
        })
    }

    /// The events after a position, and then each new one.
    pub fn follow(&self, after: u64) -> BoxFuture<'_, Result<Streaming<FollowReply>, Status>> {
        Box::pin(async move {
            let request = self.caller.request(FollowRequest {
                after_position: after,
            });
            Ok(self.client.clone().follow(request).await?.into_inner())
        })
    }

    pub(crate) fn acquire_lease<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
    ) -> BoxFuture<'a, Result<AcquireLeaseReply, Status>> {
        Box::pin(async move {
            let request = AcquireLeaseRequest {
                name: name.to_owned(),
                holder: holder.to_owned(),
            };
            Ok(self
                .client
                .clone()
                .acquire_lease(self.caller.request(request))
                .await?
                .into_inner())
        })
    }

    pub(crate) fn release_lease<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(async move {
            let request = ReleaseLeaseRequest {
                name: name.to_owned(),
                holder: holder.to_owned(),
            };
            self.client
                .clone()
                .release_lease(self.caller.request(request))
                .await
                .map(|_| ())
        })
    }

    pub(crate) fn save_checkpoint<'a>(
        &'a self,
        name: &'a str,
        epoch: u64,
        position: u64,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(async move {
            let request = SaveCheckpointRequest {
                name: name.to_owned(),
                epoch,
                position,
            };
            self.client
                .clone()
                .save_checkpoint(self.caller.request(request))
                .await
                .map(|_| ())
        })
    }
}

/// Calls again, a little later each time, while the other side is away or busy. The call must be safe to repeat.
pub async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>>,
{
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(20);
    loop {
        match call().await {
            Err(status)
                if is_passing(&status) && tokio::time::Instant::now() + pause < deadline =>
            {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            outcome => return outcome,
        }
    }
}

/// Whether a failure may be gone at the next try: the other side is away, busy, or died in the middle of the call.
fn is_passing(status: &Status) -> bool {
    // A status that the other side sent has no source; a connection that broke has.
    let broken = std::error::Error::source(status).is_some();
    broken
        || matches!(status.code(), Code::Unavailable | Code::ResourceExhausted)
            && violations(status).is_empty()
}
