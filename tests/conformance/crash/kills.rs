//! The ledger as a process of its own, killed with `kill -9` at moments that a seed draws, while several callers append; now
//! and then PostgreSQL is killed instead. Whoever is not answered asks again with the same command id.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chassis::{Caller, Role};
use contracts::ledger::v1::{AppendReply, AppendRequest, ledger_client::LedgerClient};
use futures::future::join_all;
use tempfile::TempDir;
use tests::{
    draw::Draw,
    postgres::Server,
    process::{Cozum, Launch, free_port},
    soak,
};
use tokio::time::{sleep, timeout};
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};
use vocabulary::Municipality;

use super::{Journal, root_is_right};
use crate::{
    place::{Place, command},
    tree::{seed, signed},
};

/// Kills of each store in a whole soak.
const KILLS: u64 = 500;
/// Of so many, one is PostgreSQL's.
const SERVERS: u64 = 50;
const CALLERS: u128 = 6;
/// The longest that a ledger is let live once it has answered, in milliseconds.
const LIFE: u64 = 120;
/// A ledger that starts and a store that recovers take less, on a machine that is busy with something else too.
const PATIENCE: Duration = Duration::from_secs(180);

/// Callers who do not give up, and what they were told.
struct Load {
    client: LedgerClient<Channel>,
    caller: Caller,
    answered: AtomicU64,
    unanswered: AtomicU64,
    over: AtomicBool,
    journal: Mutex<Journal>,
}

impl Load {
    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends one command after the other to a stream of its own, until it is told to stop.
    async fn call(&self, caller: u128) {
        let stream = format!("w-{caller}");
        let mut version = 0;
        for number in 0.. {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let count = 1 + number % 3;
            let id = 1 + caller + CALLERS * number as u128;
            let request = command(id, &[(&stream, version, count)]);
            self.journal().ask(&request);
            let reply = self.until_answered(&request).await;
            self.answered.fetch_add(1, Ordering::Relaxed);
            self.journal().acknowledge(&request, reply);
            version += count as u64;
        }
    }

    async fn until_answered(&self, request: &AppendRequest) -> AppendReply {
        let start = Instant::now();
        let mut told: BTreeMap<String, u64> = BTreeMap::new();
        loop {
            let call = self.caller.request(request.clone());
            match self.client.clone().append(call).await {
                Ok(reply) => return reply.into_inner(),
                Err(status) => {
                    let may_pass = matches!(
                        status.code(),
                        Code::Unavailable | Code::Cancelled | Code::Unknown | Code::Internal
                    );
                    *told.entry(status.to_string()).or_default() += 1;
                    assert!(
                        may_pass && start.elapsed() < PATIENCE,
                        "{:?} was refused for good, {told:#?}",
                        request.command_id
                    );
                    self.unanswered.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }

    /// Waits until somebody is answered who was not before.
    async fn goes_on(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        let more = async {
            while self.answered.load(Ordering::Relaxed) == before {
                sleep(Duration::from_millis(2)).await;
            }
        };
        let goes_on = timeout(PATIENCE, more).await;
        assert!(goes_on.is_ok(), "nobody is answered");
    }
}

/// A ledger's process, and the PostgreSQL below it, if that is what it stands on.
struct Victims {
    ledger: Cozum,
    server: Option<Server>,
    servers: u64,
}

impl Victims {
    async fn start(
        store: &str,
        server: Option<Server>,
        town: &Municipality,
        folder: &Path,
    ) -> (Self, Channel) {
        let address = format!("127.0.0.1:{}", free_port().unwrap());
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let (data, key) = (path("data"), path("signing.key"));
        let args = [
            ["--municipalities", town.as_str()],
            ["--listen", &address],
            ["--ledger-store", store],
            ["--signing-key-file", &key],
            ["--data", &data],
            ["--log", "warn"],
        ];
        let args = ["serve", "ledger"].into_iter().chain(args.concat());
        let ledger = Launch::new("ledger", args).start().await.unwrap();
        let url = format!("http://{address}");
        let endpoint = Endpoint::from_shared(url).unwrap();
        let channel = endpoint.connect_timeout(Duration::from_secs(1));
        let victims = Self {
            ledger,
            server,
            servers: 0,
        };
        (victims, channel.connect_lazy())
    }

    /// Kills one of them, and starts it again.
    async fn die(&mut self, draw: &mut Draw) {
        match &mut self.server {
            Some(server) if draw.below(SERVERS) == 0 => {
                server.kill9().unwrap();
                server.restart().await.unwrap();
                self.servers += 1;
            }
            _ => self.ledger.spawn().unwrap(),
        }
    }
}

async fn killed_at_any_moment(store: &str, server: Option<Server>) {
    let start = Instant::now();
    let place = Place::at(store);
    let folder = TempDir::new().unwrap();
    let (seed, town) = (seed(folder.path()), place.municipality());
    let (mut victims, channel) = Victims::start(store, server, &town, folder.path()).await;
    let load = Load {
        client: LedgerClient::new(channel),
        caller: Caller::new(Role::Intake, town.clone(), "citizen"),
        answered: AtomicU64::new(0),
        unanswered: AtomicU64::new(0),
        over: AtomicBool::new(false),
        journal: Mutex::default(),
    };
    let kills = soak::part_of(KILLS);
    let killing = async {
        let mut draw = Draw::of(soak::seed());
        for _ in 0..kills {
            // Now and then before it has answered anybody, while it starts.
            if draw.below(8) > 0 {
                load.goes_on().await;
            }
            sleep(Duration::from_millis(draw.below(LIFE))).await;
            victims.die(&mut draw).await;
        }
        load.goes_on().await;
        load.over.store(true, Ordering::Relaxed);
    };
    tokio::join!(killing, join_all((0..CALLERS).map(|it| load.call(it))));

    let log = place.replica(&town).await;
    let events = load.journal.into_inner().unwrap().holds_in(&log).await;
    signed(&log).await;
    root_is_right(&log, &seed).await;
    soak::tell(format_args!(
        "{kills} kills of a ledger over {} ({} of them of its server) under load: {} appends acknowledged, {} tries unanswered, \
         {} events, each there once, in {:.1} s",
        place.kind(),
        victims.servers,
        load.answered.into_inner(),
        load.unanswered.into_inner(),
        events.len(),
        start.elapsed().as_secs_f64()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_killed_at_any_moment_loses_and_doubles_nothing_in_sqlite() {
    let folder = TempDir::new().unwrap();
    let store = format!("sqlite:{}", folder.path().display());
    Box::pin(killed_at_any_moment(&store, None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_killed_at_any_moment_loses_and_doubles_nothing_in_postgres() {
    let server = Server::start().await.unwrap();
    let store = server.create_database("log").await.unwrap();
    Box::pin(killed_at_any_moment(&store, Some(server))).await;
}
