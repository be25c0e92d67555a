//! A hundred live followers cost the database no more queries than one. What counts the queries is no code of ours: the
//! driver writes a line for every statement that a real ledger's process sends, and PostgreSQL keeps its own count.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chassis::{Caller, Role};
use contracts::ledger::v1::{FollowRequest, ledger_client::LedgerClient};
use futures::future::try_join_all;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tests::{
    eventually,
    process::{Cozum, Launch, free_port},
};
use tokio::{sync::watch, task::JoinSet};
use tonic::transport::{Channel, Endpoint};

use crate::place::{Place, command};

const TOWN: &str = "town";
const MANY: u64 = 100;
const APPENDS: u64 = 150;
/// How long the followers have nothing to hear.
const SILENCE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a ledger looks for what another replica appended, while somebody follows.
const LOOKS: Duration = Duration::from_millis(100);
/// Every look reads the events after a position.
const LOOK: &str = "ORDER BY e.position LIMIT";

/// Statements by their text, and the time in which they were sent.
#[derive(Debug, Default)]
struct Sent {
    statements: BTreeMap<String, u64>,
    within: Duration,
}

impl Sent {
    /// Reads of the log's events.
    fn looks(&self) -> u64 {
        let looks = self.statements.iter().filter(|it| it.0.contains(LOOK));
        looks.map(|it| it.1).sum()
    }

    /// Kinds of statements that were sent for each append.
    fn appends(&self) -> u64 {
        let written = |it: &&u64| **it >= APPENDS;
        self.statements.values().filter(written).count() as u64
    }

    /// All of them, the signer's too.
    fn total(&self) -> u64 {
        self.statements.values().sum()
    }

    /// As many looks as the clock allows one ledger, whoever follows it.
    fn allowed(&self) -> u64 {
        u64::try_from(self.within.as_millis() / LOOKS.as_millis()).unwrap() + 2
    }
}

/// A ledger's process that tells of every statement it sends.
struct Watched {
    process: Cozum,
    channel: Channel,
    caller: Caller,
    _folder: TempDir,
}

impl Watched {
    async fn start(store: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let (address, admin) = (free_port().unwrap(), free_port().unwrap());
        let (address, admin) = (format!("127.0.0.1:{address}"), format!("127.0.0.1:{admin}"));
        let data = folder.path().join("data");
        let args = [
            ["--municipalities", TOWN],
            ["--listen", &address],
            ["--admin", &admin],
            ["--ledger-store", store],
            ["--data", data.to_str().unwrap()],
            ["--log", "warn,sqlx::query=debug"],
        ];
        let args = ["serve", "ledger"].into_iter().chain(args.concat());
        let launch = Launch::new("ledger", args).ready_at(format!("http://{admin}/readyz"));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        Self {
            process: launch.start().await.unwrap(),
            channel: endpoint.connect_lazy(),
            caller: Caller::new(Role::Intake, TOWN.parse().unwrap(), "citizen"),
            _folder: folder,
        }
    }

    fn client(&self) -> LedgerClient<Channel> {
        LedgerClient::new(self.channel.clone())
    }

    /// Appends one event after the other.
    async fn append(&self, from: u64, count: u64) {
        for number in from..from + count {
            let stream = format!("request-{number}");
            let request = self
                .caller
                .request(command(number.into(), &[(&stream, 0, 1)]));
            self.client().append(request).await.unwrap();
        }
    }

    /// Starts followers from the beginning; each tells how far it is, and stops where an event is out of its order.
    async fn follow(&self, count: u64, tasks: &mut JoinSet<()>) -> Vec<watch::Receiver<u64>> {
        let opened = (0..count).map(|_| async {
            let request = self.caller.request(FollowRequest { after_position: 0 });
            self.client().follow(request).await
        });
        let opened = try_join_all(opened).await.unwrap();
        let mut heard = vec![];
        for replies in opened {
            let mut replies = replies.into_inner();
            let (at, seen) = watch::channel(0);
            tasks.spawn(async move {
                let mut position = 0;
                while let Some(reply) = replies.message().await.unwrap() {
                    for event in reply.events {
                        assert_eq!(event.position, position + 1, "out of order");
                        position = event.position;
                    }
                    at.send_replace(position);
                }
            });
            heard.push(seen);
        }
        heard
    }

    /// What was sent while this was done.
    async fn during(&self, work: impl Future<Output = ()>) -> Sent {
        let before = self.process.stderr().len();
        let start = Instant::now();
        work.await;
        let within = start.elapsed();
        let mut sent = Sent {
            within,
            ..Sent::default()
        };
        for line in self.process.stderr()[before..].lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            if line["target"] == "sqlx::query" {
                let fields = &line["fields"];
                let text = match fields["db.statement"].as_str() {
                    Some(text) if !text.is_empty() => text,
                    Some(_) | None => fields["summary"].as_str().unwrap_or_default(),
                };
                *sent.statements.entry(text.trim().to_owned()).or_default() += 1;
            }
        }
        sent
    }
}

async fn all_at(heard: &[watch::Receiver<u64>], position: u64) {
    eventually(PATIENCE, "everybody has heard everything", async || {
        for follower in heard {
            let at = *follower.borrow();
            anyhow::ensure!(at == position, "one is at {at} of {position}");
        }
        Ok(())
    })
    .await
    .unwrap();
}

/// What appends cost with so many followers, and then silence.
#[expect(
    clippy::print_stdout,
    reason = "a test's words, which cargo keeps unless it is asked for them"
)]
async fn cost(store: &str, followers: u64) -> (Sent, Sent) {
    let mut ledger = Watched::start(store).await;
    let mut tasks = JoinSet::new();
    ledger.append(1, 10).await;
    let heard = ledger.follow(followers, &mut tasks).await;
    all_at(&heard, 10).await;
    let busy = ledger
        .during(async {
            ledger.append(11, APPENDS).await;
            all_at(&heard, 10 + APPENDS).await;
        })
        .await;
    let idle = ledger.during(tokio::time::sleep(SILENCE)).await;
    all_at(&heard, 10 + APPENDS).await;
    tasks.abort_all();
    ledger.process.terminate(PATIENCE).await.unwrap();
    for (what, sent) in [("appends", &busy), ("silence", &idle)] {
        println!(
            "{followers} followers, {what}: {} statements in {:.1} s, {} of them looks at the log's end",
            sent.total(),
            sent.within.as_secs_f64(),
            sent.looks()
        );
    }
    (busy, idle)
}

async fn many_cost_no_more_than_one(one: &str, many: &str) {
    let (busy_one, idle_one) = cost(one, 1).await;
    let (busy_many, idle_many) = cost(many, MANY).await;
    for sent in [&busy_one, &busy_many, &idle_one, &idle_many] {
        assert!(
            sent.looks() <= sent.allowed(),
            "{} looks where the clock allows {}: {sent:#?}",
            sent.looks(),
            sent.allowed()
        );
    }
    // While all was silent, the clock alone had the log looked at; the appends may be over before it did.
    for sent in [&idle_one, &idle_many] {
        assert!(sent.looks() > 0, "nothing was counted: {sent:#?}");
    }
    // The same statements write the same events, once for each append.
    assert!(busy_one.appends() > 0, "no append was counted");
    assert_eq!(
        busy_one.appends(),
        busy_many.appends(),
        "{busy_one:#?} {busy_many:#?}"
    );
    for (one, many) in [(&busy_one, &busy_many), (&idle_one, &idle_many)] {
        let longer = many.within.saturating_sub(one.within);
        // Looks and the signer go by the clock: some twenty statements a second.
        let by_the_clock = 20 + u64::try_from(longer.as_millis() / 50).unwrap();
        assert!(
            many.total() <= one.total() + by_the_clock,
            "one follower: {one:#?}\na hundred: {many:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_followers_cost_sqlite_no_more_queries_than_one() {
    let (one, many) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = |it: &TempDir| format!("sqlite:{}", it.path().display());
    Box::pin(many_cost_no_more_than_one(&store(&one), &store(&many))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_followers_cost_postgres_no_more_queries_than_one() {
    let (one, many) = (Place::database().await, Place::database().await);
    Box::pin(many_cost_no_more_than_one(&one, &many)).await;
    let (by_one, by_many) = (transactions(&one).await, transactions(&many).await);
    println!(
        "transactions that PostgreSQL counted: {by_one} with one follower, {by_many} with a hundred"
    );
    // A hundred times they are opened, each with a look at the head; all else goes by the clock.
    assert!(
        by_many <= by_one + MANY + by_one / 2,
        "{by_one} and {by_many}"
    );
}

/// The transactions that PostgreSQL itself has counted in a database; complete once the connections to it have ended.
async fn transactions(url: &str) -> u64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let counted: i64 = sqlx::query_scalar(
        "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    u64::try_from(counted).unwrap()
}
