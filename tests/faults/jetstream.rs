//! JetStream forgets: everything, under load; a thousand messages that somebody has not read; or only the last messages.

use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use async_nats::jetstream;
use chassis::Role;
use tests::{City, Cluster, cluster::messages, eventually, log, open311::Format};
use tokio::time::Instant;

use crate::{load::Load, read_models};

const CITY: &str = "ova";

/// Messages that one consumer never gets.
const LOST: u64 = 1_000;
/// More than a consumer may have been sent already when it is held.
const ON_THE_WAY: u64 = 600;
/// Messages behind those that are lost.
const AFTER: u64 = 50;

/// How long until a lost last message is noticed: a second, and what a busy machine adds.
const NOTICED: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_is_wiped_under_load_and_nothing_is_lost() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    let mut load = Load::on(&city);
    load.goes_on(20).await?;
    cluster.nats.wipe().await?;
    load.goes_on(20).await?;
    let acknowledged = load.stop()?;

    let head = city.settled().await?;
    for role in [
        Role::Intake,
        Role::Routing,
        Role::Notification,
        Role::Analytics,
        Role::Gateway,
    ] {
        read_models::caught_up(&cluster, role, CITY, head).await?;
    }
    let events = log::read(&cluster.log_url(), CITY).await?;
    log::check_order(&events)?;
    for request in &acknowledged {
        let stream = format!("request-{}", request.number);
        assert_eq!(
            log::count(&events, &stream, "intake.RequestRegistered"),
            1,
            "{request:?}"
        );
    }
    sequences_are_positions(&cluster, head).await
}

/// Each message stands at the sequence that is its event's position, up to the head.
async fn sequences_are_positions(cluster: &Cluster, head: u64) -> anyhow::Result<()> {
    eventually(
        Duration::from_secs(20),
        "JetStream holds everything again",
        async || {
            let context = jetstream::new(async_nats::connect(cluster.nats.url()).await?);
            let state = context
                .get_stream(format!("EV_{CITY}"))
                .await?
                .cached_info()
                .state
                .clone();
            anyhow::ensure!(
                state.last_sequence == head,
                "{} of {head}",
                state.last_sequence
            );
            let held = messages(&context, CITY).await?;
            anyhow::ensure!(!held.is_empty(), "no message at all");
            for message in held {
                let position = message
                    .headers
                    .get("ce-position")
                    .context("no position")?
                    .as_str()
                    .to_owned();
                assert_eq!(
                    position,
                    message.sequence.to_string(),
                    "another event stands there"
                );
            }
            Ok(())
        },
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_lost_a_thousand_messages_heals_itself_and_says_so() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    file(&city, 3).await?;
    let begin = city.settled().await?;
    let before = healed(&cluster, "").await?;

    // While analytics gets nothing done, the others go on; then JetStream loses what analytics has not read.
    cluster.process(Role::Analytics)?.hold()?;
    let mut load = Load::on(&city);
    while city.head().await? < begin + ON_THE_WAY + LOST + AFTER {
        load.goes_on(20).await?;
    }
    let acknowledged = load.stop()?;
    city.settled().await?;
    let context = jetstream::new(async_nats::connect(cluster.nats.url()).await?);
    let stream = format!("EV_{CITY}");
    let last = eventually(Duration::from_secs(60), "all is relayed", async || {
        let state = context
            .get_stream(&stream)
            .await?
            .cached_info()
            .state
            .clone();
        let head = city.head().await?;
        anyhow::ensure!(
            state.last_sequence == head,
            "{} of {head}",
            state.last_sequence
        );
        Ok(head)
    })
    .await?;
    let first = forget_all_but(&context, AFTER).await?;
    let lost = begin + ON_THE_WAY + 1..=last - AFTER;
    assert_eq!(first, *lost.end() + 1);
    assert!(lost.clone().count() as u64 >= LOST);
    cluster.process(Role::Analytics)?.go_on()?;

    let head = city.settled().await?;
    read_models::caught_up(&cluster, Role::Analytics, CITY, head).await?;
    let total = city.report().await?.requests.unwrap_or_default().total;
    assert_eq!(total, 3 + acknowledged.len() as u64);
    let counted = healed(&cluster, "").await? - before;
    println!(
        "lost {lost:?} at least: {counted} events healed, {} of them as a hole, {} as a tail, {} while the subscription was broken",
        healed(&cluster, "\"hole\"").await?,
        healed(&cluster, "\"tail\"").await?,
        healed(&cluster, "\"broken\"").await?
    );
    #[expect(clippy::cast_precision_loss, reason = "a thousand")]
    let all = LOST as f64;
    assert!(counted >= all, "only {counted} are said to be healed");
    log::check_order(&log::read(&cluster.log_url(), CITY).await?)?;
    read_models::equal_a_fresh_fold(&mut cluster, CITY, head).await
}

/// Makes JetStream drop its oldest messages, whoever has read them, and gives the first that is left. Nobody may delete or purge
/// there; but a stream that may keep only so many drops the oldest.
async fn forget_all_but(context: &jetstream::Context, kept: u64) -> anyhow::Result<u64> {
    let name = format!("EV_{CITY}");
    let mut config = context
        .get_stream(&name)
        .await?
        .cached_info()
        .config
        .clone();
    let most = std::mem::replace(&mut config.max_messages, i64::try_from(kept)?);
    context.update_stream(&config).await?;
    config.max_messages = most;
    context.update_stream(&config).await?;
    let stream = context.get_stream(&name).await?;
    Ok(stream.cached_info().state.first_sequence)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_messages_never_arrive_and_the_report_has_them_within_a_second_or_so()
-> anyhow::Result<()> {
    let cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    file(&city, 3).await?;
    city.settled().await?;
    let before = healed(&cluster, "\"tail\"").await?;

    // From now on JetStream takes nothing, as a server whose disk is full.
    let context = jetstream::new(async_nats::connect(cluster.nats.url()).await?);
    let mut config = context
        .get_stream(format!("EV_{CITY}"))
        .await?
        .cached_info()
        .config
        .clone();
    let largest = std::mem::replace(&mut config.max_message_size, 1);
    context.update_stream(&config).await?;
    for round in 1..=5 {
        file(&city, 1).await?;
        let filed = Instant::now();
        eventually(NOTICED, "the report counts it", async || {
            let total = city.report().await?.requests.unwrap_or_default().total;
            anyhow::ensure!(total == 3 + round, "{total} of {}", 3 + round);
            Ok(())
        })
        .await?;
        println!("counted after {:?}", filed.elapsed());
    }
    assert!(
        healed(&cluster, "\"tail\"").await? > before,
        "the lost messages came by another way than the tail's check"
    );

    config.max_message_size = largest;
    context.update_stream(&config).await?;
    let head = city.settled().await?;
    sequences_are_positions(&cluster, head).await
}

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_comes_back_without_its_last_messages_and_is_told_them_again()
-> anyhow::Result<()> {
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    file(&city, 3).await?;
    let early = city.settled().await?;
    sequences_are_positions(&cluster, early).await?;

    let kept = tempfile::tempdir()?;
    cluster.nats.kill9()?;
    copy(&cluster.nats.store(), kept.path())?;
    cluster.nats.restart().await?;
    file(&city, 5).await?;
    let late = city.settled().await?;
    sequences_are_positions(&cluster, late).await?;

    cluster.nats.kill9()?;
    fs::remove_dir_all(cluster.nats.store())?;
    copy(kept.path(), &cluster.nats.store())?;
    cluster.nats.restart().await?;
    file(&city, 1).await?;
    eventually(
        Duration::from_secs(5),
        "the report counts the ninth",
        async || {
            let total = city.report().await?.requests.unwrap_or_default().total;
            anyhow::ensure!(total == 9, "{total}");
            Ok(())
        },
    )
    .await?;
    let head = city.settled().await?;
    assert!(head > late && late > early);
    sequences_are_positions(&cluster, head).await?;
    read_models::equal_a_fresh_fold(&mut cluster, CITY, head).await
}

async fn file(city: &City, count: usize) -> anyhow::Result<()> {
    for _ in 0..count {
        let filed = [
            ("service_code", "pothole"),
            ("lat", "39.92"),
            ("long", "32.85"),
        ];
        // The same words twice would be one request.
        let words = format!("at {}", city.head().await?);
        let filed = [filed.as_slice(), &[("description", words.as_str())]].concat();
        city.open311().file(&filed, Format::Json).await?.number()?;
    }
    Ok(())
}

/// How many events analytics had to read from the ledger because they did not arrive, of one kind of loss or of all.
async fn healed(cluster: &Cluster, kind: &str) -> anyhow::Result<f64> {
    let lines = cluster
        .metric(Role::Analytics, "cozum_feed_healed_events")
        .await?;
    let of_kind = lines.iter().filter(|(labels, _)| labels.contains(kind));
    Ok(of_kind.map(|(_, value)| value).sum())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
