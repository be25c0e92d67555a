//! The append-only log: one per municipality, with one order and one history that nobody can change.
//!
//! It hears gRPC only (`cozum.ledger.v1.Ledger`): append, read, history of a subject, follow, leases, and the log as a signed
//! Merkle tree. It says every event it
//! recorded on NATS JetStream, where there is NATS: `cozum.events.<municipality>.<type>`, CloudEvents 1.0, sequence =
//! position. It does not know what any event means: it stores a name, facts and a personal part.
//!
//! **Invariants:** positions are dense from 1 and visible in their order; an answered append is durable; a retry with the
//! same command id adds nothing; there is no way to change or delete an event, but for the personal part of one, by an order
//! on record (`erasing.rs`).

mod decision;
pub mod erasing;
mod grpc;
mod log;
mod metrics;
mod postgres;
mod receipt;
mod recent;
pub mod relay;
pub mod request;
pub mod restore;
mod retry;
mod sqlite;
mod standing;
mod store;
mod tail;
pub mod tree;
pub mod witness;
mod writer;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use chassis::{
    Platform, Serving,
    config::{Hidden, Mistakes},
};
use contracts::ledger::v1::ledger_server::{LedgerServer, SERVICE_NAME};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use crate::{
    log::{LEASE, Log, LogError, PAGE, Upkeep},
    postgres::Postgres,
    sqlite::Sqlite,
    store::{Head, Lease, Location, Shelf, Store, StoreError},
    tail::Follower,
};
use crate::{
    relay::{Relay, Seal},
    standing::Guard,
    tree::{Memory, SeedError, SigningSeed, sign::Signer},
    witness::{Asking, Witness, Witnessing},
};

/// Batches of events are larger than gRPC's usual limit.
const MESSAGE: usize = 64 << 20;

/// What the ledger needs to know.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Where the log is kept: postgres://USER@HOST/DATABASE or sqlite:FOLDER; without it, SQLite in the data folder.
    #[arg(
        long = "ledger-store",
        env = "COZUM_LEDGER_STORE",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub store: Option<Hidden>,
    /// How many appends of a municipality may wait; more are refused at once.
    #[arg(long = "ledger-queue", env = "COZUM_LEDGER_QUEUE", default_value_t = 4096, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub queue: u32,
    /// Replicas of a NATS stream that is made anew: 1 for a single server, 3 in a cluster.
    #[arg(long = "ledger-nats-replicas", env = "COZUM_LEDGER_NATS_REPLICAS", default_value_t = 1, value_name = "N",
        value_parser = clap::value_parser!(u8).range(1..=5))]
    pub nats_replicas: u8,
    /// File with the key that signs the log: 32 bytes as hexadecimal text, the same for all replicas; by default one in the
    /// data folder, made at the first start.
    #[arg(
        long = "signing-key-file",
        env = "COZUM_SIGNING_KEY_FILE",
        value_name = "FILE"
    )]
    pub signing_key_file: Option<PathBuf>,
    /// What the logs are called in what is signed, before /MUNICIPALITY: the public URL of /log without https://. A log keeps
    /// the name under which it was signed first.
    #[arg(
        long = "log-origin",
        env = "COZUM_LOG_ORIGIN",
        default_value = "localhost/log",
        value_name = "NAME"
    )]
    pub origin: String,
    /// Who witnesses whom.
    #[command(flatten)]
    pub witnessing: Witnessing,
}

impl Config {
    /// Notes every mistake that can be seen before anything is opened.
    pub fn check(&self, mistakes: &mut Mistakes) {
        if let Some(store) = &self.store {
            mistakes.read::<Location>("--ledger-store", store.expose());
        }
        if let Some(file) = &self.signing_key_file
            && let Err(problem) = SigningSeed::read(file)
        {
            mistakes.add("--signing-key-file", problem);
        }
        let fits = |it: char| !it.is_whitespace() && !it.is_control() && it != '+';
        if self.origin.is_empty() || !self.origin.chars().all(fits) {
            mistakes.add("--log-origin", "is a name like 153.example.org/log");
        }
        self.witnessing.check(mistakes);
    }

    fn seed(&self, platform: &Platform) -> Result<SigningSeed, SeedError> {
        match &self.signing_key_file {
            Some(file) => SigningSeed::read(file),
            None => SigningSeed::read_or_create(&platform.data.join("signing.key")),
        }
    }
}

/// Serves the logs of the platform's municipalities until the process stops.
pub fn serve(config: Config, platform: Platform) -> Serving {
    Box::pin(run(config, platform))
}

async fn run(config: Config, platform: Platform) -> anyhow::Result<()> {
    let location = match &config.store {
        Some(store) => store
            .expose()
            .parse()
            .map_err(|problem| anyhow::anyhow!("--ledger-store: {problem}"))?,
        None => Location::Sqlite(platform.data.clone()),
    };
    let seed = config.seed(&platform)?;
    let shelf = Shelf::open(&location).await.context("the ledger's store")?;
    let end = CancellationToken::new();
    // Even when this future is dropped, the writers finish what waits and end.
    let _end = end.clone().drop_guard();
    let asked = config.witnessing.asked().map_err(anyhow::Error::msg)?;
    let known = config.witnessing.known().map_err(anyhow::Error::msg)?;
    let (mut logs, mut witnesses) = (BTreeMap::new(), BTreeMap::new());
    for municipality in platform.municipalities.iter() {
        let queue = usize::try_from(config.queue)?;
        let (log, upkeep) = Log::open(&shelf, municipality, platform.clock.clone(), queue)
            .await
            .with_context(|| format!("the log of {municipality}"))?;
        let end = end.clone();
        platform.tasks.spawn_to_end("ledger.upkeep", async move {
            Box::pin(upkeep.run(end.cancelled())).await;
            Ok(())
        });
        let memory = Memory::open(&platform.data.join("signed"), municipality.as_str()).await?;
        let guard = Guard {
            log: log.clone(),
            seed: seed.clone(),
            memory: memory.clone(),
            nats: platform.nats().cloned(),
            clock: platform.clock.clone(),
            health: platform.health.clone(),
        };
        // Before anybody is served: what came back from a backup must not go on in another way.
        Box::pin(guard.look()).await;
        platform.tasks.spawn("ledger.guard", guard.run());
        if let Some(nats) = platform.nats() {
            let (clock, holder) = (platform.clock.clone(), platform.ids.fresh());
            let relay = Relay::new(
                log.clone(),
                nats.clone(),
                clock,
                holder,
                usize::from(config.nats_replicas),
                Seal::of(&seed),
            );
            platform.tasks.spawn("ledger.relay", relay.run());
        }
        let signer = Signer {
            log: log.clone(),
            seed: seed.clone(),
            origin: format!("{}/{municipality}", config.origin.trim_end_matches('/')),
            memory,
            clock: platform.clock.clone(),
            holder: platform.ids.fresh(),
        };
        platform.tasks.spawn("ledger.signer", signer.run());
        let origin = config.origin.trim_end_matches('/');
        let key = seed.witness(&format!("{origin}/{municipality}/witness"))?;
        let witness = Witness::new(log.clone(), key, &known, platform.clock.clone());
        witnesses.insert(municipality.clone(), witness);
        if !asked.is_empty() {
            let (clock, holder) = (platform.clock.clone(), platform.ids.fresh());
            let every = Duration::from_secs(config.witnessing.every.into());
            let asking = Asking::new(log.clone(), asked.clone(), every, clock, holder)?;
            platform.tasks.spawn("ledger.witnesses", asking.run());
        }
        logs.insert(municipality.clone(), log);
    }
    let service = grpc::Service {
        platform: platform.clone(),
        logs: Arc::new(logs),
        witnesses: Arc::new(witnesses),
        seed,
    };
    let server = LedgerServer::new(service)
        .max_decoding_message_size(MESSAGE)
        .max_encoding_message_size(MESSAGE);
    platform
        .serve_grpc(Routes::new(server), &[SERVICE_NAME])
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_store_is_told_without_its_password() {
        for store in [
            "postgress://user:pw@host/log",
            "postgres://user:pw@host:port/log",
        ] {
            let config = Config {
                store: Some(store.into()),
                queue: 1,
                nats_replicas: 1,
                signing_key_file: None,
                origin: "localhost/log".to_owned(),
                witnessing: Witnessing::default(),
            };
            let mut mistakes = Mistakes::default();
            config.check(&mut mistakes);
            let told = format!("{mistakes} {config:?}");
            assert!(
                told.contains("--ledger-store") && !told.contains("pw"),
                "{told}"
            );
        }
    }
}
