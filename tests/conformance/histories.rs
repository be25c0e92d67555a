//! Random histories of commands: a real log answers and holds what the model does.

use contracts::ledger::v1::Event;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

use crate::{
    appending::assert_sound,
    model::{Entry, Model, Outcome},
    place::{Place, Replica, command},
};

/// A command as it is drawn: few ids and few streams, so that repeats and conflicts are common.
#[derive(Debug, Clone)]
struct Drawn {
    replica: usize,
    command: u8,
    fingerprint: u8,
    writes: Vec<(u8, i8, usize)>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let off = prop_oneof![6 => Just(0_i8), 1 => Just(-1_i8), 1 => Just(1_i8)];
    let fingerprint = prop_oneof![5 => Just(1_u8), 1 => Just(2_u8)];
    (
        0..2_usize,
        0..24_u8,
        fingerprint,
        vec((0..4_u8, off, 1..4_usize), 1..4),
    )
        .prop_map(|(replica, command, fingerprint, mut writes)| {
            writes.sort_unstable_by_key(|it| it.0);
            writes.dedup_by_key(|it| it.0);
            Drawn {
                replica,
                command,
                fingerprint,
                writes,
            }
        })
}

async fn agrees(place: &Place, history: &[Drawn]) -> Result<(), TestCaseError> {
    let municipality = place.municipality();
    let replicas = [
        place.replica(&municipality).await,
        place.replica(&municipality).await,
    ];
    let mut model = Model::default();
    for (index, it) in history.iter().enumerate() {
        let streams: Vec<String> = it
            .writes
            .iter()
            .map(|(stream, ..)| format!("s-{stream}"))
            .collect();
        let writes: Vec<(&str, u64, usize)> = streams
            .iter()
            .zip(&it.writes)
            .map(|(name, (_, off, count))| {
                (
                    name.as_str(),
                    model.version(name).saturating_add_signed(i64::from(*off)),
                    *count,
                )
            })
            .collect();
        let mut request = command(u128::from(it.command), &writes);
        request.fingerprint = vec![it.fingerprint; 32];
        let expected = model.append(&request);
        let actual = Outcome::of(replicas[it.replica].append(request, None).await);
        prop_assert_eq!(actual, expected, "command {}", index);
    }
    for replica in &replicas {
        same(replica, &model).await?;
    }
    Ok(())
}

fn entry(event: &Event) -> Entry {
    (
        event.stream.clone(),
        event.version,
        event.event_id.clone(),
        event.subjects.clone(),
    )
}

async fn same(log: &Replica, model: &Model) -> Result<(), TestCaseError> {
    let events = assert_sound(log).await;
    let entries: Vec<Entry> = events.iter().map(entry).collect();
    prop_assert_eq!(&entries, &model.entries);
    for stream in ["s-0", "s-1", "s-2", "s-3"] {
        let of_stream: Vec<&Event> = events.iter().filter(|it| it.stream == stream).collect();
        let read = log.read_stream(stream, None).await.unwrap().events;
        prop_assert_eq!(read.iter().collect::<Vec<_>>(), of_stream.clone());
        let told = log.history(&format!("about:{stream}"), 0, 0).await.unwrap();
        prop_assert_eq!(told.iter().collect::<Vec<_>>(), of_stream);
    }
    Ok(())
}

fn check(place: impl AsyncFnOnce() -> Place, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .unwrap();
    let place = runtime.block_on(place());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let checked = TestRunner::new(config).run(&vec(drawn(), 1..40), |history| {
        runtime.block_on(agrees(&place, &history))
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}

#[test]
fn sqlite_agrees_with_the_model() {
    check(async || Place::sqlite(), 24);
}

#[test]
fn postgres_agrees_with_the_model() {
    check(Place::postgres, 24);
}
