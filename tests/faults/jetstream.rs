//! JetStream forgets: everything, under load; or only the last messages.

use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use async_nats::jetstream;
use chassis::Role;
use tests::{City, Cluster, cluster::messages, eventually, log, open311::Format};
use tokio::time::Instant;

use crate::{load::Load, read_models};

const CITY: &str = "ova";

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
async fn the_last_messages_never_arrive_and_the_report_has_them_within_a_second_or_so()
-> anyhow::Result<()> {
    let cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    file(&city, 3).await?;
    city.settled().await?;
    let healed = healed(&cluster).await?;

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
        healed_since(&cluster, healed).await?,
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

/// How many events analytics had to read from the ledger because they did not arrive.
async fn healed(cluster: &Cluster) -> anyhow::Result<f64> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let metrics = http
        .get(format!("{}/metrics", cluster.admin(Role::Analytics)))
        .send()
        .await?
        .text()
        .await?;
    let counted = metrics
        .lines()
        .filter(|it| it.starts_with("cozum_feed_healed_events") && it.contains("tail"));
    Ok(counted
        .filter_map(|it| it.rsplit(' ').next()?.parse::<f64>().ok())
        .sum())
}

async fn healed_since(cluster: &Cluster, before: f64) -> anyhow::Result<bool> {
    Ok(healed(cluster).await? > before)
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
