//! The relay: JetStream holds what the log holds, at the same numbers, whatever JetStream forgets.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use async_nats::{
    Client,
    jetstream::{self, stream::Config},
};
use chassis::{Tasks, cloudevents};
use contracts::ledger::v1::Event;
use ledger::{
    Log,
    relay::{Relay, Seal},
};
use tempfile::TempDir;
use tests::{eventually, nats::Server};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    appending::all,
    place::{Place, command},
    tree::seed,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A running relay; dropping it stops it.
pub(crate) struct Running(Tasks);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stop();
    }
}

pub(crate) fn relay(place: &Place, log: &Log, client: &Client, holder: u128) -> Running {
    let tasks = Tasks::default();
    let relay = Relay::new(
        log.clone(),
        client.clone(),
        place.clock(),
        Uuid::from_u128(holder),
        1,
        Seal::of(&seed(TempDir::new().unwrap().path())),
    );
    tasks.spawn("relay", relay.run());
    Running(tasks)
}

async fn append(log: &Log, numbers: std::ops::Range<u128>) {
    for number in numbers {
        log.append(command(number, &[(&format!("a-{number}"), 0, 1)]), None)
            .await
            .unwrap();
    }
}

/// What JetStream holds, as events, with their sequence numbers.
async fn published(client: &Client, log: &Log) -> anyhow::Result<Vec<(u64, Event)>> {
    let context = jetstream::new(client.clone());
    let stream = context
        .get_stream(cloudevents::stream_name(log.municipality()))
        .await?;
    let state = stream.get_info().await?.state;
    let mut events = vec![];
    for sequence in state.first_sequence.max(1)..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await?;
        events.push((
            sequence,
            cloudevents::from_message(&message.headers, &message.payload)?,
        ));
    }
    Ok(events)
}

pub(crate) async fn assert_published(client: &Client, log: &Log) {
    let recorded: Vec<(u64, Event)> = all(log)
        .await
        .into_iter()
        .map(|it| (it.position, it))
        .collect();
    eventually(PATIENCE, "JetStream holds the log", async || {
        let published = published(client, log).await?;
        ensure!(
            published == recorded,
            "JetStream holds {} of {} events",
            published.len(),
            recorded.len()
        );
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_holds_the_log_at_its_positions() {
    let server = Server::start().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let place = Place::sqlite();
    let log = place.log().await;
    append(&log, 1..50).await;
    let _one = relay(&place, &log, &client, 1);
    let _another = relay(&place, &log, &client, 2);
    append(&log, 50..700).await;
    assert_published(&client, &log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_an_older_release_is_made_anew_and_one_that_is_ahead_is_left() {
    let server = Server::start().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let place = Place::sqlite();
    let log = place.log().await;
    append(&log, 1..20).await;
    let town = log.municipality();
    let context = jetstream::new(client.clone());
    let older = Config {
        name: cloudevents::stream_name(town),
        subjects: vec![cloudevents::subject(town, ">")],
        ..Config::default()
    };
    let stream = context.create_stream(older).await.unwrap();
    let publish = async |count: u64| {
        for _ in 0..count {
            let subject = cloudevents::subject(town, "intake.Old");
            let sent = context.publish(subject, "of old".into()).await.unwrap();
            sent.await.unwrap();
        }
    };
    publish(30).await;
    let one = relay(&place, &log, &client, 1);
    sleep(Duration::from_secs(1)).await;
    let last = stream.get_info().await.unwrap().state.last_sequence;
    assert_eq!(last, 30, "nothing of it was taken away");
    drop(one);
    place.pass(ledger::LEASE);
    append(&log, 20..40).await;
    let _another = relay(&place, &log, &client, 2);
    assert_published(&client, &log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_jetstream_is_filled_again_with_the_same_numbers() {
    let mut server = Server::start().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let place = Place::sqlite();
    let log = place.log().await;
    let _relay = relay(&place, &log, &client, 1);
    append(&log, 1..200).await;
    let (wiped, ()) = tokio::join!(server.wipe(), append(&log, 200..600));
    wiped.unwrap();
    append(&log, 600..700).await;
    assert_published(&client, &log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_lost_its_tail_gets_it_again_even_in_silence() {
    let server = Server::start().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let place = Place::sqlite();
    let log = place.log().await;
    let _relay = relay(&place, &log, &client, 1);
    append(&log, 1..20).await;
    assert_published(&client, &log).await;

    // As JetStream may come back after a fault: the same stream, with its first messages only.
    let context = jetstream::new(client.clone());
    let name = cloudevents::stream_name(log.municipality());
    let config = context
        .get_stream(&name)
        .await
        .unwrap()
        .cached_info()
        .config
        .clone();
    context.delete_stream(&name).await.unwrap();
    context
        .create_stream(Config {
            deny_delete: false,
            ..config
        })
        .await
        .unwrap();
    for event in &all(&log).await[..5] {
        let (headers, body) = cloudevents::to_message(log.municipality(), event);
        let subject = cloudevents::subject(log.municipality(), &event.r#type);
        // The relay may be faster; then it has stored the event at this very place.
        let mut headers = headers;
        headers.insert(
            "Nats-Expected-Last-Sequence",
            (event.position - 1).to_string(),
        );
        if context
            .publish_with_headers(subject, headers, body.into())
            .await
            .unwrap()
            .await
            .is_err()
        {
            break;
        }
    }
    assert_published(&client, &log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_rolled_back_is_not_relayed_over_its_past() {
    let server = Server::start().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let (place, restored) = (Place::sqlite(), Place::sqlite());
    let log = place.log().await;
    {
        let _relay = relay(&place, &log, &client, 1);
        append(&log, 1..20).await;
        assert_published(&client, &log).await;
    }
    let before = published(&client, &log).await.unwrap();

    // The same municipality from an older backup, which then goes another way.
    let fork = restored.log().await;
    assert_eq!(fork.municipality(), log.municipality());
    append(&fork, 100..105).await;
    let _relay = relay(&restored, &fork, &client, 2);
    sleep(Duration::from_secs(1)).await;
    append(&fork, 105..130).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(
        published(&client, &log).await.unwrap(),
        before,
        "what was published stays as it is"
    );
    assert_eq!(all(&fork).await.len(), 30, "appends go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_stream_begins_where_the_newest_weeks_begin() {
    let server = Server::start().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let place = Place::sqlite();
    let log = place.log().await;
    append(&log, 1..31).await;
    place.pass(Duration::from_secs(30 * 24 * 60 * 60));
    append(&log, 31..41).await;
    let _relay = relay(&place, &log, &client, 1);
    let events = eventually(PATIENCE, "the newest events", async || {
        let events = published(&client, &log).await?;
        ensure!(events.len() == 10, "{} events", events.len());
        Ok(events)
    })
    .await
    .unwrap();
    let first = events.first().context("no event").unwrap();
    assert_eq!((first.0, first.1.position), (31, 31));
}
