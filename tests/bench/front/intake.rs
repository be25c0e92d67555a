//! Requests filed over HTTP: the whole centre, six processes with everything on, and the bare server, in turns. Both write
//! into one PostgreSQL, flushed before anybody is answered; the same clients ask both.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chassis::Role;
use serde_json::{Value, json};
use tests::{City, Cluster, files};
use tokio::time::sleep;

use crate::{
    Choice,
    bare::Bare,
    client::Connection,
    cpu::{self, Used},
    load::{self, Target},
    report::{Report, rounded},
    turn::{Turn, median},
};

const CITY: &str = "bench";
const WARM_UP: Duration = Duration::from_secs(3);
/// What the centre must reach of what the bare server does.
const RATIO: f64 = 0.25;
/// What 99 of a hundred citizens may have to wait for their number, in milliseconds.
const P99: f64 = 20.0;

/// One side's turns.
#[derive(Default)]
struct Side {
    turns: Vec<Turn>,
    cpu: Vec<Used>,
    batches: Vec<f64>,
}

/// How far the readers of the log were behind when the clients stopped, and how long they took to catch up.
struct Behind {
    events: u64,
    seconds: f64,
}

pub(crate) async fn measure(choice: &Choice, report: &mut Report) -> anyhow::Result<()> {
    let cluster = Cluster::start(&[CITY]).await?;
    cluster.traces.forget();
    let bare = Bare::start(&cluster.postgres.create_database("bare").await?)?;
    let city = cluster.city(CITY)?;
    let ours = Target {
        host: city.base().trim_start_matches("http://").to_owned(),
        path: "/open311/v2/requests.json".to_owned(),
        key: City::key(CITY),
        jurisdiction: CITY.to_owned(),
    };
    report.line(format!(
        "\nIntake over HTTP, {} clients: six processes over PostgreSQL and NATS with traces exported, and bare axum with group commit",
        choice.clients
    ));
    load::run(&bare.target, choice.clients, WARM_UP).await?;
    load::run(&ours, choice.clients, WARM_UP).await?;
    caught_up(&cluster, &city).await?;

    let lasting = Duration::from_secs(choice.seconds);
    let (mut our_side, mut bare_side) = (Side::default(), Side::default());
    let mut behind = Vec::new();
    for _ in 0..choice.rounds {
        let before = batches_of_bare(&bare).await?;
        let turn = taken(
            choice,
            &bare.target,
            &cluster,
            &bare,
            lasting,
            &mut bare_side,
        )
        .await?;
        bare_side
            .batches
            .push(average(before, batches_of_bare(&bare).await?));
        report.line(told("bare", &turn));

        let before = batches_of_ours(&cluster).await?;
        let turn = taken(choice, &ours, &cluster, &bare, lasting, &mut our_side).await?;
        our_side
            .batches
            .push(average(before, batches_of_ours(&cluster).await?));
        report.line(told("ours", &turn));
        behind.push(caught_up(&cluster, &city).await?);
    }
    reported(report, &our_side, &bare_side, &behind)
}

async fn taken(
    choice: &Choice,
    target: &Target,
    cluster: &Cluster,
    bare: &Bare,
    lasting: Duration,
    side: &mut Side,
) -> anyhow::Result<Turn> {
    let mut processes = cluster.processes();
    processes.push(("bare".to_owned(), vec![bare.pid()]));
    let before = cpu::used(&processes);
    let turn = load::run(target, choice.clients, lasting).await?;
    side.cpu.push(cpu::per_request(
        &before,
        &cpu::used(&processes),
        turn.answered(),
    ));
    side.turns.push(turn.clone());
    Ok(turn)
}

fn told(who: &str, turn: &Turn) -> String {
    format!(
        "  {who}: {:>8.0} requests/s   p50 {:>6.2} ms   p95 {:>6.2} ms   p99 {:>6.2} ms",
        turn.per_second(),
        turn.within(0.5),
        turn.within(0.95),
        turn.within(0.99)
    )
}

/// Waits until every reaction has acted and every read model is at the head, and nothing has moved for a second.
async fn caught_up(cluster: &Cluster, city: &City) -> anyhow::Result<Behind> {
    let started = Instant::now();
    let mut events = None;
    let (mut last, mut still_since) = (0, Instant::now());
    loop {
        let head = city.head().await?;
        let mut lowest = head;
        for role in Role::ALL {
            for path in cluster.read_models(role, city.name())? {
                lowest = lowest.min(files::position(&path).await?.cast_unsigned());
            }
        }
        events.get_or_insert(head - lowest);
        if head != last || lowest < head {
            (last, still_since) = (head, Instant::now());
        }
        if still_since.elapsed() > Duration::from_secs(1) {
            return Ok(Behind {
                events: events.unwrap_or_default(),
                seconds: still_since.duration_since(started).as_secs_f64(),
            });
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Commits so far, and the requests that they served.
async fn batches_of_bare(bare: &Bare) -> anyhow::Result<(f64, f64)> {
    let mut connection = Connection::open(&bare.target.host).await?;
    let answer = connection.get("/commits").await?.good()?;
    let text = std::str::from_utf8(answer.body)?;
    let (commits, requests) = text.split_once(' ').context("two numbers")?;
    Ok((commits.parse()?, requests.parse()?))
}

/// The same of the ledger, which serves the other services' appends too.
async fn batches_of_ours(cluster: &Cluster) -> anyhow::Result<(f64, f64)> {
    let admin = cluster.admin(Role::Ledger);
    let mut connection = Connection::open(admin.trim_start_matches("http://")).await?;
    let answer = connection.get("/metrics").await?.good()?;
    let text = std::str::from_utf8(answer.body)?;
    let figure = |name: &str| {
        let line = text.lines().find(|it| it.starts_with(name));
        let value = line.and_then(|it| it.rsplit(' ').next());
        value.and_then(|it| it.parse().ok()).unwrap_or_default()
    };
    Ok((
        figure("cozum_ledger_batch_requests_count"),
        figure("cozum_ledger_batch_requests_sum"),
    ))
}

fn average(before: (f64, f64), after: (f64, f64)) -> f64 {
    (after.1 - before.1) / (after.0 - before.0).max(1.0)
}

impl Side {
    fn per_second(&self) -> f64 {
        median(self.turns.iter().map(Turn::per_second))
    }

    fn within(&self, share: f64) -> f64 {
        median(self.turns.iter().map(|it| it.within(share)))
    }

    /// Milliseconds per request by process, the greatest first.
    fn cpu(&self) -> Vec<(String, f64)> {
        let mut names: Vec<&String> = self.cpu.iter().flat_map(Used::keys).collect();
        names.sort();
        names.dedup();
        let of = |name: &String| {
            let each = self.cpu.iter();
            (
                name.clone(),
                median(each.map(|it| it.get(name).copied().unwrap_or_default())),
            )
        };
        let mut spent: Vec<_> = names.into_iter().map(of).collect();
        spent.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        spent
    }

    fn json(&self) -> Value {
        let cpu: serde_json::Map<String, Value> = self
            .cpu()
            .into_iter()
            .map(|(name, spent)| (name, json!(rounded(spent))))
            .collect();
        json!({
            "per_second": rounded(self.per_second()),
            "p50_ms": rounded(self.within(0.5)),
            "p95_ms": rounded(self.within(0.95)),
            "p99_ms": rounded(self.within(0.99)),
            "requests_per_commit": rounded(median(self.batches.iter().copied())),
            "cpu_ms_per_request": cpu,
        })
    }
}

fn reported(
    report: &mut Report,
    ours: &Side,
    bare: &Side,
    behind: &[Behind],
) -> anyhow::Result<()> {
    anyhow::ensure!(bare.per_second() > 0.0, "the bare server answered nothing");
    let ratio = ours.per_second() / bare.per_second();
    for (name, side) in [("bare", bare), ("ours", ours)] {
        report.line(format!(
            "  {name}, medians: {:.0} requests/s, p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms, {:.1} requests per commit",
            side.per_second(),
            side.within(0.5),
            side.within(0.95),
            side.within(0.99),
            median(side.batches.iter().copied())
        ));
        let spent = side.cpu();
        let all: f64 = spent.iter().map(|(_, it)| it).sum();
        let each: Vec<String> = spent
            .iter()
            .map(|(name, it)| format!("{name} {it:.3}"))
            .collect();
        report.line(format!(
            "    processor time, ms per request: {all:.3} = {}",
            each.join(" + ")
        ));
        report.put(&format!("intake.{name}"), side.json());
    }
    #[expect(clippy::cast_precision_loss, reason = "thousands of events")]
    let events = median(behind.iter().map(|it| it.events as f64));
    let seconds = median(behind.iter().map(|it| it.seconds));
    report.line(format!(
        "  when the clients stopped, the last reader was {events:.0} events behind, and caught up within {seconds:.1} s"
    ));
    report.line(format!("  ours / bare: {ratio:.3}"));
    report.put("ratios.intake_32_vs_bare", json!(rounded(ratio)));
    report.put(
        "intake.behind",
        json!({ "events": events, "seconds": rounded(seconds) }),
    );
    report.at_least("intake, ours / bare", ratio, RATIO);
    report.at_most("intake, p99 in ms", ours.within(0.99), P99);
    Ok(())
}
