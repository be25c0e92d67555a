//! A centre in one process for tests: a folder of its own, an in-memory network, a clock that the test moves.
//!
//! It knows no service: a test starts the real ones on it, `ledger::serve(config, centre.platform(Role::Ledger)?)`, so
//! there is nothing to mock. What a test knows about a request is its history, read from the real ledger.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use chassis::{Clock, Health, Ledger, Network, Platform, Role, Shared, Tasks};
use contracts::ledger::v1::Event;
use tempfile::TempDir;
use vocabulary::Municipality;

/// 1 December 2026, 12:00 in İstanbul: an ordinary Tuesday.
const NOON: i64 = 1_796_115_600_000_000;

/// A folder, a network, a clock, and the tasks that run on them.
#[derive(Debug)]
pub struct Centre {
    shared: Shared,
    clock: Arc<AtomicI64>,
    folder: TempDir,
}

impl Centre {
    /// An empty centre of these municipalities, at noon of an ordinary day.
    pub fn new(municipalities: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let clock = Arc::new(AtomicI64::new(NOON));
        let municipalities: Result<Vec<Municipality>, _> =
            municipalities.iter().map(|it| it.parse()).collect();
        let shared = Shared {
            clock: Clock::Virtual(Arc::clone(&clock)),
            tasks: Tasks::default(),
            health: Health::default(),
            municipalities: municipalities?.into(),
            data: folder.path().to_owned(),
            network: Network::memory(),
            nats: None,
        };
        Ok(Self {
            shared,
            clock,
            folder,
        })
    }

    /// What a service of this centre stands on.
    pub fn platform(&self, role: Role) -> anyhow::Result<Platform> {
        Ok(self.shared.role(role, None)?)
    }

    /// Starts a service.
    pub fn start<F>(&self, name: &'static str, service: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.shared.tasks.spawn(name, service);
    }

    /// Moves the clock on.
    pub fn pass(&self, time: Duration) {
        let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        self.clock.fetch_add(micros, Ordering::SeqCst);
    }

    /// The folder that everything is kept in.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A municipality's ledger, as a test reads and writes it.
    pub fn ledger(&self, municipality: &str) -> anyhow::Result<Ledger> {
        Ok(self.platform(Role::Gateway)?.ledger(&municipality.parse()?))
    }

    /// What is recorded about a subject, once `enough` says that it is all there; fails after ten seconds.
    pub async fn history_once(
        &self,
        municipality: &str,
        subject: &str,
        enough: impl Fn(&[Event]) -> bool,
    ) -> anyhow::Result<Vec<Event>> {
        let ledger = self.ledger(municipality)?;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let events = ledger.history(subject).await.context("history")?;
            if enough(&events) {
                return Ok(events);
            }
            if tokio::time::Instant::now() > deadline {
                let names: Vec<&str> = events.iter().map(|it| it.r#type.as_str()).collect();
                bail!("the history of {subject} is still {names:?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops everything and waits for its end.
    pub async fn stop(self) {
        self.shared.tasks.finish(Duration::from_secs(5)).await;
    }
}
