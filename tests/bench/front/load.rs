//! Many clients that file requests as fast as they are answered, all on one thread, the same for every server.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use futures::future::try_join_all;

use crate::{client::Connection, turn::Turn};

/// No two requests of one run say the same: words that were just sent are a repetition, not a request.
static FILED: AtomicU64 = AtomicU64::new(0);

/// Where requests are filed.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// "host:port".
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) key: String,
    pub(crate) jurisdiction: String,
}

/// Files requests for so long, in a thread of its own, so that its work can be told from the rest of this process.
pub(crate) async fn run(
    target: &Target,
    clients: usize,
    lasting: Duration,
) -> anyhow::Result<Turn> {
    let (done, outcome) = tokio::sync::oneshot::channel();
    let target = target.clone();
    let clients_at_once = std::thread::Builder::new()
        .name("clients".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let turn = runtime
                .map_err(anyhow::Error::from)
                .and_then(|it| it.block_on(all(&target, clients, lasting)));
            // Whoever asked is gone only when the program ends.
            let _ = done.send(turn);
        })?;
    let turn = outcome.await.context("the clients' thread")?;
    clients_at_once
        .join()
        .map_err(|_| anyhow::anyhow!("the clients panicked"))?;
    turn
}

async fn all(target: &Target, clients: usize, lasting: Duration) -> anyhow::Result<Turn> {
    let connections = (0..clients).map(|_| Connection::open(&target.host));
    let connections = try_join_all(connections).await?;
    let started = Instant::now();
    let end = started + lasting;
    let each = connections.into_iter().map(|it| file(target, it, end));
    let latencies = try_join_all(each).await?.concat();
    Ok(Turn::new(started.elapsed().as_secs_f64(), latencies))
}

async fn file(
    target: &Target,
    mut connection: Connection,
    end: Instant,
) -> anyhow::Result<Vec<u32>> {
    let mut latencies = Vec::with_capacity(4_096);
    while Instant::now() < end {
        let form = form(target, FILED.fetch_add(1, Ordering::Relaxed));
        let asked = Instant::now();
        let answer = connection.post(&target.path, &form).await?.good()?;
        anyhow::ensure!(
            answer.body.starts_with(b"[{\"service_request_id\":\"2"),
            "an answer without a number: {}",
            String::from_utf8_lossy(answer.body)
        );
        latencies.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(latencies)
}

/// A pothole somewhere in the city, in some hundred letters.
fn form(target: &Target, number: u64) -> String {
    let (east, north) = (number % 977, number % 991);
    format!(
        "api_key={}&jurisdiction_id={}&service_code=pothole&lat=39.{:04}&long=32.{:04}\
         &address_string=Ataturk+Caddesi+No+{number}\
         &description=Otobus+duraginin+onunde+derin+bir+cukur+var%2C+arabalar+zarar+goruyor.+Kayit+{number}.",
        target.key,
        target.jurisdiction,
        9_000 + north,
        8_000 + east,
    )
}
