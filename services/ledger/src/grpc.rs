//! The log over gRPC. Whose log is meant stands in the call's metadata.

use std::{collections::BTreeMap, pin::Pin, sync::Arc, time::Duration};

use chassis::{Caller, Platform, SERVICE, refuse, telemetry};
use contracts::ledger::v1::{
    AcquireLeaseReply, AcquireLeaseRequest, AddCheckpointReply, AddCheckpointRequest, AppendReply,
    AppendRequest, Checkpoint, CutOffReply, CutOffRequest, ErasePersonalPartsReply,
    ErasePersonalPartsRequest, FollowReply, FollowRequest, GetEntriesReply, GetEntriesRequest,
    GetTileReply, GetTileRequest, HeadReply, HeadRequest, HistoryReply, HistoryRequest,
    LatestCheckpointReply, LatestCheckpointRequest, ListCheckpointsReply, ListCheckpointsRequest,
    ProveConsistencyReply, ProveConsistencyRequest, ProveInclusionReply, ProveInclusionRequest,
    ReadReply, ReadRequest, ReadStreamReply, ReadStreamRequest, ReleaseLeaseReply,
    ReleaseLeaseRequest, RetryReactionReply, RetryReactionRequest, SaveCheckpointReply,
    SaveCheckpointRequest, WatchHeadReply, WatchHeadRequest, WitnessedCheckpointReply,
    WitnessedCheckpointRequest, WriteReceiptReply, WriteReceiptRequest, cut_off_request::AsOf,
    ledger_server::Ledger,
};
use futures::{Stream, StreamExt as _, stream};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tonic::{Code, Request, Response, Status, metadata::MetadataMap};
use vocabulary::Municipality;

use crate::{
    erasing,
    log::{Log, LogError},
    receipt,
    request::{self, Unfit},
    retry,
    tail::Follower,
    tree::{SigningSeed, TreeError},
    witness::{self, Witness},
};

/// The gRPC service over the logs of a deployment.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) platform: Platform,
    pub(crate) logs: Arc<BTreeMap<Municipality, Log>>,
    pub(crate) witnesses: Arc<BTreeMap<Municipality, Witness>>,
    pub(crate) seed: SigningSeed,
}

impl From<LogError> for Status {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unfit(Unfit::Invalid(invalid)) => invalid.into(),
            LogError::Unfit(Unfit::Foreign {
                service,
                event_type,
            }) => refuse(
                Code::PermissionDenied,
                "type",
                &format!("{service} may not append {event_type}"),
            ),
            LogError::Stale {
                expected, actual, ..
            } => refuse(
                Code::Aborted,
                "writes.expected_version",
                &format!("the stream is at version {actual}, not {expected}"),
            ),
            LogError::Reused => refuse(
                Code::AlreadyExists,
                "command_id",
                "was used before with another fingerprint",
            ),
            LogError::LeaseLost => refuse(
                Code::FailedPrecondition,
                "epoch",
                "the lease was taken over",
            ),
            LogError::Full => Status::resource_exhausted(
                "too many appends wait: try again with the same command id",
            ),
            LogError::Away => {
                Status::unavailable("the log's store is away: try again with the same command id")
            }
            LogError::Refused => Status::internal("the log's store refused; see the ledger's log"),
            // It names a field, so nobody waits in vain for the next try.
            LogError::NotWhole { .. } => refuse(Code::Unavailable, "log", &error.to_string()),
            LogError::Torn { .. } => Status::data_loss(format!("{error}: somebody must look")),
        }
    }
}

impl From<TreeError> for Status {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Unsigned(field) => {
                refuse(Code::NotFound, field, "is not within what was signed")
            }
            TreeError::Invalid(invalid) => invalid.into(),
            TreeError::Log(error) => error.into(),
        }
    }
}

impl Service {
    fn log<T>(&self, request: &Request<T>) -> Result<&Log, Status> {
        let caller = Caller::of(&self.platform, request)?;
        let log = self.logs.get(&caller.municipality);
        let log = log.ok_or_else(|| refuse(Code::NotFound, "municipality", "has no log here"))?;
        log.served()?;
        Ok(log)
    }

    fn witness<T>(&self, request: &Request<T>) -> Result<&Witness, Status> {
        let municipality = self.log(request)?.municipality();
        let witness = self.witnesses.get(municipality);
        witness.ok_or_else(|| refuse(Code::NotFound, "municipality", "is no witness here"))
    }
}

/// The service that calls: without its name nobody could say which events are its own.
fn calling(metadata: &MetadataMap) -> Result<&str, Status> {
    let service = metadata.get(SERVICE).and_then(|it| it.to_str().ok());
    service
        .filter(|it| !it.is_empty())
        .ok_or_else(|| refuse(Code::PermissionDenied, SERVICE, "names no service"))
}

#[tonic::async_trait]
impl Ledger for Service {
    async fn append(
        &self,
        request: Request<AppendRequest>,
    ) -> Result<Response<AppendReply>, Status> {
        let log = self.log(&request)?;
        let service = calling(request.metadata())?.to_owned();
        let traceparent = telemetry::traceparent_of(request.metadata());
        let mut append = request.into_inner();
        if append.traceparent.is_empty() {
            append.traceparent = traceparent;
        }
        Ok(Response::new(log.append(append, Some(&service)).await?))
    }

    async fn read_stream(
        &self,
        request: Request<ReadStreamRequest>,
    ) -> Result<Response<ReadStreamReply>, Status> {
        let log = self.log(&request)?;
        let ReadStreamRequest {
            stream,
            command_id,
            fingerprint,
        } = request.get_ref();
        let command = match (command_id.as_slice(), fingerprint.as_slice()) {
            ([], []) => None,
            (id, fingerprint) => Some((request::id("command_id", id)?, fingerprint)),
        };
        Ok(Response::new(log.read_stream(stream, command).await?))
    }

    async fn history(
        &self,
        request: Request<HistoryRequest>,
    ) -> Result<Response<HistoryReply>, Status> {
        let log = self.log(&request)?;
        let HistoryRequest {
            subject,
            after_position,
            limit,
        } = request.get_ref();
        let events = log.history(subject, *after_position, *limit).await?;
        Ok(Response::new(HistoryReply { events }))
    }

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<ReadReply>, Status> {
        let log = self.log(&request)?;
        let ReadRequest {
            after_position,
            limit,
        } = *request.get_ref();
        Ok(Response::new(ReadReply {
            events: log.read(after_position, limit).await?,
        }))
    }

    type FollowStream = Pin<Box<dyn Stream<Item = Result<FollowReply, Status>> + Send>>;

    async fn follow(
        &self,
        request: Request<FollowRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let log = self.log(&request)?;
        let after = request.get_ref().after_position;
        if after > log.head().await?.position {
            return Err(refuse(
                Code::OutOfRange,
                "after_position",
                "is beyond the newest event",
            ));
        }
        let following = Following {
            log: log.clone(),
            follower: log.follow(after),
            platform: self.platform.clone(),
            greeted: false,
        };
        let replies = stream::try_unfold(following, Following::next);
        Ok(Response::new(Box::pin(replies)))
    }

    async fn head(&self, request: Request<HeadRequest>) -> Result<Response<HeadReply>, Status> {
        let head = self.log(&request)?.head().await?;
        Ok(Response::new(HeadReply {
            position: head.position,
        }))
    }

    type WatchHeadStream = Pin<Box<dyn Stream<Item = Result<WatchHeadReply, Status>> + Send>>;

    async fn watch_head(
        &self,
        request: Request<WatchHeadRequest>,
    ) -> Result<Response<Self::WatchHeadStream>, Status> {
        let watching = Watching {
            head: self.log(&request)?.watch_head(),
            platform: self.platform.clone(),
            greeted: false,
        };
        let replies = stream::unfold(watching, Watching::next).map(Ok);
        Ok(Response::new(Box::pin(replies)))
    }

    async fn cut_off(
        &self,
        request: Request<CutOffRequest>,
    ) -> Result<Response<CutOffReply>, Status> {
        let log = self.log(&request)?;
        let head = match request.get_ref().as_of {
            Some(AsOf::Position(position)) => log.cut_off_at(position).await?,
            Some(AsOf::Time(time)) => log.cut_off_by(time).await?,
            None => return Err(chassis::Invalid::at("as_of", "is missing").into()),
        };
        Ok(Response::new(CutOffReply {
            position: head.position,
            recorded_at: head.recorded_at,
        }))
    }

    async fn acquire_lease(
        &self,
        request: Request<AcquireLeaseRequest>,
    ) -> Result<Response<AcquireLeaseReply>, Status> {
        let log = self.log(&request)?;
        let AcquireLeaseRequest { name, holder } = request.get_ref();
        let lease = log.acquire_lease(name, holder).await?;
        let reply = AcquireLeaseReply {
            granted: lease.granted,
            epoch: lease.epoch,
            checkpoint: lease.checkpoint,
        };
        Ok(Response::new(reply))
    }

    async fn release_lease(
        &self,
        request: Request<ReleaseLeaseRequest>,
    ) -> Result<Response<ReleaseLeaseReply>, Status> {
        let log = self.log(&request)?;
        let ReleaseLeaseRequest { name, holder } = request.get_ref();
        log.release_lease(name, holder).await?;
        Ok(Response::new(ReleaseLeaseReply {}))
    }

    async fn save_checkpoint(
        &self,
        request: Request<SaveCheckpointRequest>,
    ) -> Result<Response<SaveCheckpointReply>, Status> {
        let log = self.log(&request)?;
        let SaveCheckpointRequest {
            name,
            epoch,
            position,
        } = request.get_ref();
        log.save_checkpoint(name, *epoch, *position).await?;
        Ok(Response::new(SaveCheckpointReply {}))
    }

    async fn retry_reaction(
        &self,
        request: Request<RetryReactionRequest>,
    ) -> Result<Response<RetryReactionReply>, Status> {
        let log = self.log(&request)?;
        let caller = Caller::of(&self.platform, &request)?;
        let traceparent = telemetry::traceparent_of(request.metadata());
        let asked = request.get_ref();
        let position = retry::retry(log, &caller, &self.platform.clock, asked, traceparent).await?;
        Ok(Response::new(RetryReactionReply { position }))
    }

    async fn erase_personal_parts(
        &self,
        request: Request<ErasePersonalPartsRequest>,
    ) -> Result<Response<ErasePersonalPartsReply>, Status> {
        let log = self.log(&request)?;
        let service = calling(request.metadata())?;
        if service != erasing::WHO {
            let problem = format!("{service} may not erase");
            return Err(refuse(Code::PermissionDenied, SERVICE, &problem));
        }
        let traceparent = telemetry::traceparent_of(request.metadata());
        let asked = request.get_ref();
        let position = erasing::order(log, &self.platform.clock, asked, &traceparent).await?;
        Ok(Response::new(ErasePersonalPartsReply { position }))
    }

    async fn latest_checkpoint(
        &self,
        request: Request<LatestCheckpointRequest>,
    ) -> Result<Response<LatestCheckpointReply>, Status> {
        let log = self.log(&request)?;
        let latest = if request.get_ref().cosigned {
            log.cosigned_checkpoint().await
        } else {
            log.latest_checkpoint().await
        };
        let note = latest?.note;
        let witness = self.witnesses.get(log.municipality());
        Ok(Response::new(LatestCheckpointReply {
            verifier_key: receipt::verifier_key(&self.seed, &note)?,
            witness_key: witness.and_then(Witness::verifier_key).unwrap_or_default(),
            note,
        }))
    }

    async fn list_checkpoints(
        &self,
        request: Request<ListCheckpointsRequest>,
    ) -> Result<Response<ListCheckpointsReply>, Status> {
        let log = self.log(&request)?;
        let ListCheckpointsRequest { after_size, limit } = *request.get_ref();
        let checkpoints = log.checkpoints(after_size, limit).await?.into_iter();
        let checkpoints = checkpoints.map(|it| Checkpoint {
            size: it.size,
            note: it.note,
        });
        Ok(Response::new(ListCheckpointsReply {
            checkpoints: checkpoints.collect(),
        }))
    }

    async fn get_tile(
        &self,
        request: Request<GetTileRequest>,
    ) -> Result<Response<GetTileReply>, Status> {
        let log = self.log(&request)?;
        let GetTileRequest {
            level,
            index,
            width,
        } = *request.get_ref();
        let level = u8::try_from(level).map_err(|_| chassis::Invalid::at("level", "is 0 to 7"))?;
        let hashes = log.tile(level, index, width.into()).await?.concat();
        Ok(Response::new(GetTileReply { hashes }))
    }

    async fn get_entries(
        &self,
        request: Request<GetEntriesRequest>,
    ) -> Result<Response<GetEntriesReply>, Status> {
        let log = self.log(&request)?;
        let GetEntriesRequest { index, width } = *request.get_ref();
        let bundle = log.entry_bundle(index, width.into()).await?;
        Ok(Response::new(GetEntriesReply { bundle }))
    }

    async fn prove_inclusion(
        &self,
        request: Request<ProveInclusionRequest>,
    ) -> Result<Response<ProveInclusionReply>, Status> {
        let log = self.log(&request)?;
        let (hashes, signed) = log.prove_inclusion(request.get_ref().position).await?;
        Ok(Response::new(ProveInclusionReply {
            hashes: hashes.iter().map(|it| it.to_vec()).collect(),
            note: signed.note,
        }))
    }

    async fn prove_consistency(
        &self,
        request: Request<ProveConsistencyRequest>,
    ) -> Result<Response<ProveConsistencyReply>, Status> {
        let log = self.log(&request)?;
        let ProveConsistencyRequest { old_size, new_size } = *request.get_ref();
        let hashes = log.prove_consistency(old_size, new_size).await?;
        Ok(Response::new(ProveConsistencyReply {
            hashes: hashes.iter().map(|it| it.to_vec()).collect(),
        }))
    }

    async fn write_receipt(
        &self,
        request: Request<WriteReceiptRequest>,
    ) -> Result<Response<WriteReceiptReply>, Status> {
        let log = self.log(&request)?;
        let text = receipt::write(log, &self.seed, request.get_ref().position).await?;
        Ok(Response::new(WriteReceiptReply { text }))
    }

    async fn add_checkpoint(
        &self,
        request: Request<AddCheckpointRequest>,
    ) -> Result<Response<AddCheckpointReply>, Status> {
        let ours = self.witness(&request)?;
        let answer = ours.add_checkpoint(&request.get_ref().body).await?;
        Ok(Response::new(witness::reply(answer)))
    }

    async fn witnessed_checkpoint(
        &self,
        request: Request<WitnessedCheckpointRequest>,
    ) -> Result<Response<WitnessedCheckpointReply>, Status> {
        let witness = self.witness(&request)?;
        let hash = request.get_ref().origin_hash.as_slice().try_into();
        let hash = hash.map_err(|_| chassis::Invalid::at("origin_hash", "is 32 bytes"))?;
        let note = witness.checkpoint(hash).await?;
        let note = note.ok_or_else(|| refuse(Code::NotFound, "origin_hash", "is not cosigned"))?;
        Ok(Response::new(WitnessedCheckpointReply { note }))
    }
}

/// One follower's stream; it ends when the process stops, so that its connection can close.
struct Following {
    log: Log,
    follower: Follower,
    platform: Platform,
    /// Who stands at the head already learns so at once.
    greeted: bool,
}

impl Following {
    async fn next(mut self) -> Result<Option<(FollowReply, Self)>, Status> {
        if !std::mem::replace(&mut self.greeted, true) {
            let head = self.follower.head();
            return Ok(Some((
                FollowReply {
                    events: vec![],
                    head,
                },
                self,
            )));
        }
        let events = tokio::select! {
            () = self.platform.tasks.stopping() => return Ok(None),
            events = self.follower.next() => events.map_err(LogError::from)?,
        };
        self.log.served()?;
        let events = events.into_iter().map(Arc::unwrap_or_clone).collect();
        let reply = FollowReply {
            events,
            head: self.follower.head(),
        };
        Ok(Some((reply, self)))
    }
}

/// One watcher of the head; it ends when the process stops, as a follower's stream does.
struct Watching {
    head: watch::Receiver<u64>,
    platform: Platform,
    greeted: bool,
}

impl Watching {
    async fn next(mut self) -> Option<(WatchHeadReply, Self)> {
        if std::mem::replace(&mut self.greeted, true) {
            let risen = async {
                // A head that rises with each batch is told of once.
                sleep(Self::AT_MOST_EVERY).await;
                timeout(Self::AT_LEAST_EVERY, self.head.changed()).await
            };
            tokio::select! {
                () = self.platform.tasks.stopping() => return None,
                outcome = risen => if let Ok(Err(_)) = outcome {
                    return None;
                }
            }
        }
        let position = *self.head.borrow_and_update();
        Some((WatchHeadReply { position }, self))
    }

    const AT_MOST_EVERY: Duration = Duration::from_millis(50);
    const AT_LEAST_EVERY: Duration = Duration::from_millis(900);
}

#[cfg(test)]
mod tests;
