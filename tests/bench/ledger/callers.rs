//! Many callers that append as fast as they are answered, all on one thread, the same for every server.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chassis::{Caller, Role};
use contracts::ledger::v1::{AppendRequest, NewEvent, StreamWrite, ledger_client::LedgerClient};
use futures::future::try_join_all;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::{centre::CITY, turn::Turn};

/// Bytes of an event's facts: with its envelope, an event is about 600 bytes.
pub(crate) const FACTS: usize = 400;
/// Callers share connections, as the replicas of a service do.
const CONNECTIONS: usize = 4;

/// No two commands, events or streams of one run have the same id.
static MADE: AtomicU64 = AtomicU64::new(1);

/// How many append, how much, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) callers: usize,
    pub(crate) events: u64,
    pub(crate) lasting: Duration,
}

/// Calls for so long, in a thread of its own.
pub(crate) async fn run(url: &str, load: Load) -> anyhow::Result<Turn> {
    let (done, outcome) = tokio::sync::oneshot::channel();
    let url = url.to_owned();
    let thread = std::thread::Builder::new()
        .name("callers".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let turn = runtime
                .map_err(anyhow::Error::from)
                .and_then(|it| it.block_on(all(&url, load)));
            // Whoever asked is gone only when the program ends.
            let _ = done.send(turn);
        })?;
    let turn = outcome.await.context("the callers' thread")?;
    thread
        .join()
        .map_err(|_| anyhow::anyhow!("the callers panicked"))?;
    turn
}

async fn all(url: &str, load: Load) -> anyhow::Result<Turn> {
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS.min(load.callers) {
        channels.push(Channel::from_shared(url.to_owned())?.connect().await?);
    }
    let started = Instant::now();
    let end = started + load.lasting;
    let each = (0..load.callers).map(|it| {
        let channel = channels[it % channels.len()].clone();
        call(LedgerClient::new(channel), load.events, end)
    });
    let latencies = try_join_all(each).await?.concat();
    Ok(Turn::new(started.elapsed().as_secs_f64(), latencies))
}

/// One caller, who knows the version of its stream.
async fn call(
    mut ledger: LedgerClient<Channel>,
    events: u64,
    end: Instant,
) -> anyhow::Result<Vec<u32>> {
    let caller = Caller::new(Role::Intake, CITY.parse()?, "system:bench");
    let stream = format!("bench-{}", id());
    let mut version = 0;
    let mut latencies = Vec::with_capacity(4_096);
    while Instant::now() < end {
        let request = append(&stream, version, events);
        version += events;
        let asked = Instant::now();
        ledger.append(caller.request(request)).await?;
        latencies.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(latencies)
}

/// As many new events of a stream that is at this version.
pub(crate) fn append(stream: &str, version: u64, events: u64) -> AppendRequest {
    let command = id();
    let event = |_| NewEvent {
        event_id: id().into_bytes().to_vec(),
        r#type: "intake.Benched".to_owned(),
        schema_version: 1,
        occurred_at: 1_760_000_000_000_000,
        subjects: vec![stream.replacen("bench-", "request:", 1)],
        facts: vec![b'x'; FACTS],
        personal: vec![],
    };
    AppendRequest {
        command_id: command.into_bytes().to_vec(),
        fingerprint: vec![7; 32],
        writes: vec![StreamWrite {
            stream: stream.to_owned(),
            expected_version: version,
            events: (0..events).map(event).collect(),
        }],
        correlation_id: command.into_bytes().to_vec(),
        causation_id: vec![],
        actor: "system:bench".to_owned(),
        traceparent: String::new(),
    }
}

/// An id that is no other's and follows no order, as real ones are.
fn id() -> Uuid {
    let mix = |seed: u64| {
        let mut it = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    };
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    Uuid::from_u64_pair(mix(made), made)
}
