//! Finds a log's stream in NATS, or makes it so that its sequence numbers are the log's positions.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use async_nats::jetstream::{
    self, ErrorCode,
    context::GetStreamErrorKind,
    stream::{Compression, Config, DiscardPolicy, StorageType, Stream},
};
use chassis::{Clock, cloudevents};

use super::Ended;
use crate::{
    erasing,
    log::{Log, LogError},
    tree::fork,
};

/// NATS is a cache of the newest weeks, not the truth.
const MAX_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// An event's body and headers fit with room to spare.
const MAX_MESSAGE: i32 = 1 << 20;

/// The stream, checked to hold a prefix of this log. All that was ordered to be erased up to `erased` is gone from the log, and so is
/// in no stream that is made now; of a later order nobody knows that yet.
pub(super) async fn find(
    context: &jetstream::Context,
    log: &Log,
    clock: &Clock,
    replicas: usize,
    erased: u64,
) -> Result<Stream, Ended> {
    let name = cloudevents::stream_name(log.municipality());
    let stream = match context.get_stream(&name).await {
        Ok(stream) => stream,
        Err(error) if is_missing(&error.kind()) => {
            create(
                context,
                log,
                oldest_kept(log, clock).await?,
                replicas,
                erased,
            )
            .await?
        }
        Err(error) => return Err(anyhow!(error).context("NATS stream").into()),
    };
    let state = &stream.cached_info().state;
    if state.messages == 0 {
        let oldest = oldest_kept(log, clock).await?;
        // Empty and far behind: begin where the newest weeks begin rather than publish years.
        if state.last_sequence + 1 < oldest {
            tracing::warn!(
                stream = name,
                "an empty NATS stream begins anew at {oldest}"
            );
            context
                .delete_stream(&name)
                .await
                .map_err(anyhow::Error::from)?;
            return create(context, log, oldest, replicas, erased).await;
        }
    }
    let last = stream.cached_info().state.last_sequence;
    // One that is ahead of the log is left for somebody to look at, whatever its form.
    let holds =
        if !is_of_now(&stream) && last <= log.head().await.map_err(anyhow::Error::from)?.position {
            "is of an older release"
        } else if is_left(&stream, log).await.map_err(anyhow::Error::from)? {
            "is of the history that was left"
        } else {
            check_history(&stream, log).await?;
            if !holds_erased(&stream, log).await? {
                return Ok(stream);
            }
            "holds what was erased"
        };
    tracing::warn!(stream = name, "a NATS stream that {holds} is made anew");
    context
        .delete_stream(&name)
        .await
        .map_err(anyhow::Error::from)?;
    let oldest = oldest_kept(log, clock).await?;
    create(context, log, oldest, replicas, erased).await
}

/// In a stream's metadata: up to which order it was made without what was erased.
const ERASED: &str = "cozum-erased";

/// Whether a stream holds a personal part that was ordered to be erased after it was made.
async fn holds_erased(stream: &Stream, log: &Log) -> Result<bool, Ended> {
    let info = stream.cached_info();
    let mark = info.config.metadata.get(ERASED);
    let mark = mark.and_then(|it| it.parse().ok()).unwrap_or_default();
    let erased = erasing::after(log, mark)
        .await
        .map_err(anyhow::Error::from)?;
    let held = info.state.first_sequence..=info.state.last_sequence;
    Ok(erased.iter().any(|it| held.contains(it)))
}

/// Whether a stream goes on where a fork was declared, in another way than the log does: what it holds was left.
pub(crate) async fn is_left<I>(stream: &Stream<I>, log: &Log) -> Result<bool, LogError> {
    let Some(fork) = fork::newest(log).await? else {
        return Ok(false);
    };
    let Ok(info) = stream.get_info().await else {
        return Ok(false);
    };
    if info.state.last_sequence < fork.position {
        return Ok(false);
    }
    if info.state.first_sequence > fork.position {
        // The relay begins a stream at the newest weeks; where that is behind the fork, its last message tells.
        return Ok(false);
    }
    let message = stream.get_raw_message(fork.position).await.ok();
    let told = message.and_then(|it| cloudevents::from_message(&it.headers, &it.payload).ok());
    Ok(told.is_some_and(|it| (it.position, it.commitment) != (fork.position, fork.commitment)))
}

/// In a stream's metadata: the form of its messages.
const FORM: &str = "cozum-form";
/// The event is the body.
const FORM_OF_NOW: &str = "2";

/// Whether a stream's messages are of the form that is read now; what is of another is only a cache of an older release.
pub(crate) fn is_of_now(stream: &Stream) -> bool {
    let config = &stream.cached_info().config;
    config
        .metadata
        .get(FORM)
        .is_some_and(|it| it == FORM_OF_NOW)
}

fn is_missing(kind: &GetStreamErrorKind) -> bool {
    matches!(kind, GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

async fn create(
    context: &jetstream::Context,
    log: &Log,
    first: u64,
    replicas: usize,
    erased: u64,
) -> Result<Stream, Ended> {
    let municipality = log.municipality();
    let name = cloudevents::stream_name(municipality);
    tracing::info!(stream = name, "making a NATS stream that begins at {first}");
    let config = Config {
        name,
        description: Some(format!("The log of {municipality}: sequence = position")),
        subjects: vec![cloudevents::subject(municipality, ">")],
        storage: StorageType::File,
        num_replicas: replicas,
        max_age: MAX_AGE,
        max_message_size: MAX_MESSAGE,
        // The relay must never be held up by a full stream.
        discard: DiscardPolicy::Old,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        compression: Some(Compression::S2),
        metadata: [
            (ERASED.to_owned(), erased.to_string()),
            (FORM.to_owned(), FORM_OF_NOW.to_owned()),
        ]
        .into(),
        first_sequence: Some(first).filter(|it| *it > 1),
        ..Config::default()
    };
    Ok(context
        .create_stream(config)
        .await
        .context("making the NATS stream")?)
}

/// NATS may lag behind the log, but what it holds must be the log's.
async fn check_history(stream: &Stream, log: &Log) -> Result<(), Ended> {
    let state = &stream.cached_info().state;
    let last = state.last_sequence;
    // Read after the stream's state: what a relay published was committed before.
    let head = log.head().await.map_err(anyhow::Error::from)?.position;
    if last > head {
        return Err(Ended::Frozen(format!(
            "NATS is at {last}, the log only at {head}: was the log rolled back?"
        )));
    }
    if state.messages == 0 || last == 0 {
        return Ok(());
    }
    // A message that is gone proves nothing either way.
    let Ok(message) = stream.get_raw_message(last).await else {
        return Ok(());
    };
    let published = cloudevents::from_message(&message.headers, &message.payload)
        .map_err(|error| Ended::Frozen(error.to_string()))?;
    let recorded = log.read(last - 1, 1).await.map_err(anyhow::Error::from)?;
    let same = recorded.first().is_some_and(|it| {
        (published.position, &published.commitment) == (it.position, &it.commitment)
    });
    if same {
        Ok(())
    } else {
        Err(Ended::Frozen(format!(
            "NATS holds another event at {last} than the log"
        )))
    }
}

/// The position of the oldest event that NATS would still keep. Times rise with positions, so it is found by halving.
async fn oldest_kept(log: &Log, clock: &Clock) -> Result<u64, Ended> {
    let age = i64::try_from(MAX_AGE.as_micros()).unwrap_or(i64::MAX);
    let cutoff = clock.micros().saturating_sub(age).max(0).cast_unsigned();
    let head = log.head().await.map_err(anyhow::Error::from)?.position;
    let (mut low, mut high) = (1, head + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let event = log.read(middle - 1, 1).await.map_err(anyhow::Error::from)?;
        if event.first().is_some_and(|it| it.recorded_at >= cutoff) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}
