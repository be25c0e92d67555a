//! Whoever has the disk changes the log past all code of ours: the auditor finds it, and names the position. The places are
//! drawn by a fixed seed; `COZUM_TEST_SOAK` multiplies how many.

use std::{env, path::Path};

use auditor::{Asked, Finding, bundle, verify};
use contracts::ledger::v1::Event;
use ledger::{Location, Log, tree::SigningSeed};
use tempfile::TempDir;

use crate::{
    appending::all,
    place::{Place, Replica, command},
    tree::{seed, signed},
};

const EVENTS: u64 = 300;
const PLACES: u32 = 60;
/// The entries that the older checkpoint has.
const OLDER: u64 = 280;

/// Writes the bundle that `cozum audit export` writes; what the store cannot show is left out.
async fn export(log: &Log, seed: &SigningSeed, folder: &Path) {
    let writer = bundle::Writer::create(folder).unwrap();
    let latest = log.latest_checkpoint().await.unwrap();
    let origin = latest.note.lines().next().unwrap();
    writer
        .key(&seed.key(origin).unwrap().verifier_key())
        .unwrap();
    writer.checkpoint(&latest.note).unwrap();
    let notes: Vec<String> = log
        .checkpoints(0, 0)
        .await
        .unwrap()
        .into_iter()
        .map(|it| it.note)
        .collect();
    writer.checkpoints(&notes).unwrap();
    let events = all(log).await;
    for (level, index, width) in bundle::tiles(latest.size) {
        let level_of_tile = u8::try_from(level).unwrap();
        if let Ok(hashes) = log.tile(level_of_tile, index, width).await {
            writer
                .tile(level, index, width, hashes.as_flattened())
                .unwrap();
        }
        if level == 0 {
            if let Ok(entries) = log.entry_bundle(index, width).await {
                writer.entries(index, width, &entries).unwrap();
            }
            let (first, last) = (index * 256 + 1, index * 256 + width);
            let here = events
                .iter()
                .filter(|it| (first..=last).contains(&it.position));
            let here: Vec<Event> = here.cloned().collect();
            writer.events(index, width, &here).unwrap();
        }
    }
}

async fn found(log: &Log, seed: &SigningSeed, kept: Option<&str>) -> Option<Finding> {
    let folder = TempDir::new().unwrap();
    export(log, seed, folder.path()).await;
    let asked = Asked {
        key: None,
        kept: kept.into_iter().map(str::to_owned).collect(),
    };
    verify(folder.path(), &asked).finding
}

/// Numbers that look drawn, and are the same each time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

const COLUMNS: &str = "event_id, stream, version, type, schema_version, recorded_us, occurred_us, correlation_id, causation_id, \
                       command_id, actor, traceparent, subjects, facts, personal, personal_salt, personal_hash, salt, commitment";

/// One change: what is done, and the position that must be named.
async fn change(place: &Place, log: &Log, draw: &mut Draw, number: u32) -> (Vec<String>, u64) {
    let bytes = |bytes: &[u8]| {
        let hex: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
        match &place.location {
            Location::Postgres(_) => format!("'\\x{hex}'::bytea"),
            Location::Sqlite(_) => format!("x'{hex}'"),
        }
    };
    let strange: Vec<u8> = (0..32).map(|_| draw.below(256).to_le_bytes()[0]).collect();
    let (short, long) = (bytes(&strange[..16]), bytes(&strange));
    let at = draw.below(EVENTS) + 1;
    let other = draw.below(EVENTS) + 1;
    let other = if other == at { at % EVENTS + 1 } else { other };
    let of_logs = match &place.location {
        Location::Postgres(_) => format!("log, {COLUMNS}"),
        Location::Sqlite(_) => COLUMNS.to_owned(),
    };
    let columns: [String; 20] = [
        format!("event_id = {short}"),
        "stream = stream || 'x'".to_owned(),
        "version = version + 1000".to_owned(),
        "type = type || 'x'".to_owned(),
        "schema_version = schema_version + 1".to_owned(),
        "recorded_us = recorded_us + 1".to_owned(),
        "occurred_us = occurred_us - 1".to_owned(),
        format!("correlation_id = {short}"),
        format!("causation_id = {short}"),
        format!("command_id = {short}"),
        "actor = actor || 'x'".to_owned(),
        "traceparent = traceparent || '0'".to_owned(),
        "subjects = subjects || 'x'".to_owned(),
        format!("facts = {short}"),
        format!("personal = {short}"),
        format!("personal_salt = {short}"),
        format!("personal_hash = {long}"),
        format!("salt = {short}"),
        format!("commitment = {long}"),
        "personal = NULL, personal_salt = NULL".to_owned(),
    ];
    let number = usize::try_from(number).unwrap() % (columns.len() + 7);
    if let Some(set) = columns.get(number) {
        let update = format!("UPDATE event SET {set} WHERE position = {at} AND {{of}}");
        return (vec![update], at);
    }
    let moved = |from: u64, to: u64| {
        format!("UPDATE event SET position = {to} WHERE position = {from} AND {{of}}")
    };
    let delete = |it: u64| format!("DELETE FROM event WHERE position = {it} AND {{of}}");
    match number - columns.len() {
        0 => (vec![delete(at)], at),
        1 => (
            vec![moved(at, 9_000), moved(other, at), moved(9_000, other)],
            at.min(other),
        ),
        2 => {
            let twice = format!(
                "INSERT INTO event (position, {of_logs}) SELECT {other}, {} FROM event WHERE position = {at} AND {{of}}",
                of_logs
                    .replace("version", "version + 1000")
                    .replace("schema_version + 1000", "schema_version")
            );
            (vec![delete(other), twice], other)
        }
        3 => {
            let rest = format!("DELETE FROM event WHERE position >= {at} AND {{of}}");
            (vec![rest], at)
        }
        4 => {
            let hash = at.min(256) - 1;
            let mut hashes = log.tile(0, 0, 256).await.unwrap();
            hashes[usize::try_from(hash).unwrap()] = [7; 32];
            let hashes = bytes(hashes.as_flattened());
            (
                vec![format!(
                    "UPDATE tile SET hashes = {hashes} WHERE level = 0 AND {{of}}"
                )],
                hash + 1,
            )
        }
        5 => (
            vec![format!(
                "UPDATE tile SET root = {long} WHERE level = 0 AND {{of}}"
            )],
            1,
        ),
        _ => {
            let note = "UPDATE checkpoint SET note = replace(note, 'example', 'exemple') WHERE size = 300 AND {of}";
            (vec![note.to_owned()], EVENTS)
        }
    }
}

/// A signed log of 300 events, and how to put it back as it was.
async fn signed_log(place: &Place, folder: &Path) -> (Replica, SigningSeed, String, Vec<String>) {
    let (seed, municipality) = (seed(folder), place.municipality());
    let signing = place.replica(&municipality).await;
    signing.sign(&seed, folder, place.clock()).await;
    let command_of = |number: u128, count| command(number, &[(&format!("s-{number}"), 0, count)]);
    signing.append(command_of(1, 280), None).await.unwrap();
    signed(&signing).await;
    signing.append(command_of(2, 20), None).await.unwrap();
    let newest = signed(&signing).await.note;
    drop(signing);
    let tables = ["event", "tile", "checkpoint"];
    let keep =
        tables.map(|it| format!("CREATE TABLE kept_{it} AS SELECT * FROM {it} WHERE {{of}}"));
    place.tamper(&municipality, &keep).await;
    let back = tables.iter().flat_map(|it| {
        [
            format!("DELETE FROM {it} WHERE {{of}}"),
            format!("INSERT INTO {it} SELECT * FROM kept_{it}"),
        ]
    });
    (
        place.replica(&municipality).await,
        seed,
        newest,
        back.collect(),
    )
}

async fn every_change_is_found(place: &Place) {
    let folder = TempDir::new().unwrap();
    let (log, seed, newest, back) = signed_log(place, folder.path()).await;
    let municipality = log.municipality().clone();
    assert_eq!(found(&log, &seed, Some(&newest)).await, None);
    let soak = env::var_os("COZUM_TEST_SOAK").and_then(|it| it.to_str()?.parse().ok());
    let mut draw = Draw(20_260_101);
    for number in 0..PLACES * soak.unwrap_or(1) {
        let (statements, expected) = change(place, &log, &mut draw, number).await;
        place.tamper(&municipality, &statements).await;
        let finding = found(&log, &seed, None).await;
        assert_eq!(
            finding.as_ref().map(|it| it.position),
            Some(expected),
            "{statements:.200?}: {finding:?}"
        );
        place.tamper(&municipality, &back).await;
    }
    assert_eq!(found(&log, &seed, Some(&newest)).await, None);

    // Rolled back to what was signed before: it agrees with itself, and not with what was kept.
    let rolled_back = [
        format!("DELETE FROM event WHERE position > {OLDER} AND {{of}}"),
        format!("DELETE FROM checkpoint WHERE size > {OLDER} AND {{of}}"),
    ];
    place.tamper(&municipality, &rolled_back).await;
    assert_eq!(found(&log, &seed, None).await, None);
    let finding = found(&log, &seed, Some(&newest)).await.unwrap();
    assert!(
        finding.position == OLDER + 1 && finding.problem.contains("missing"),
        "{finding}"
    );

    // Written on in another way and signed with the very key, by somebody who took care to forget.
    let head = format!("UPDATE head SET position = {OLDER} WHERE {{of}}");
    let forget = "DELETE FROM command WHERE first_position > 280 AND {of}".to_owned();
    let subjects = format!("DELETE FROM subject WHERE position > {OLDER} AND {{of}}");
    place.tamper(&municipality, &[head, forget, subjects]).await;
    drop(log);
    let forked = place.replica(&municipality).await;
    forked
        .append(command(3, &[("s-3", 0, 40)]), None)
        .await
        .unwrap();
    let fresh = TempDir::new().unwrap();
    place.pass(std::time::Duration::from_secs(6));
    forked.sign(&seed, fresh.path(), place.clock()).await;
    assert_eq!(signed(&forked).await.size, OLDER + 40);
    assert_eq!(found(&forked, &seed, None).await, None);
    let finding = found(&forked, &seed, Some(&newest)).await.unwrap();
    assert_eq!(finding.position, OLDER + 1, "{finding}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_a_sqlite_file_is_found() {
    Box::pin(every_change_is_found(&Place::sqlite())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_in_postgres_is_found() {
    Box::pin(every_change_is_found(&Place::postgres().await)).await;
}
