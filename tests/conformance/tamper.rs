//! Whoever has the disk changes the log past all code of ours: the auditor finds it, and names the position. The places are
//! drawn by a seed.

mod bundle;
mod change;
mod forge;
mod head;

use std::{path::Path, time::Instant};

use auditor::{Asked, Finding, bundle as bundles, verify};
use contracts::ledger::v1::Event;
use ledger::{Log, tree::SigningSeed};
use tempfile::TempDir;
use tests::{draw::Draw, soak};

use crate::{
    appending::all,
    place::{Place, Replica, command},
    tree::{seed, signed},
};

/// Two full tiles and a bit.
const EVENTS: u64 = 520;
/// The entries that the older checkpoint has.
const OLDER: u64 = 500;
/// Places of each store and of a bundle.
const PLACES: u64 = 1_000;

/// Writes the bundle that `cozum audit export` writes; what the store cannot show is left out.
pub(crate) async fn export(log: &Log, seed: &SigningSeed, folder: &Path) {
    let writer = bundles::Writer::create(folder).unwrap();
    let latest = log.latest_checkpoint().await.unwrap();
    let origin = latest.note.lines().next().unwrap();
    writer
        .key(&seed.key(origin).unwrap().verifier_key())
        .unwrap();
    writer.checkpoint(&latest.note).unwrap();
    let listed = log.checkpoints(0, 0).await.unwrap();
    for older in listed.iter().filter(|it| it.size < latest.size) {
        if let Ok(proof) = log.prove_consistency(older.size, 0).await {
            let hashes: Vec<Vec<u8>> = proof.iter().map(|it| it.to_vec()).collect();
            writer.proof(older.size, &hashes).unwrap();
        }
    }
    let notes: Vec<String> = listed.into_iter().map(|it| it.note).collect();
    writer.checkpoints(&notes).unwrap();
    let events = all(log).await;
    for (level, index, width) in bundles::tiles(latest.size) {
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

/// What the auditor finds in a log, with or without a checkpoint that was kept.
pub(crate) async fn found(log: &Log, seed: &SigningSeed, kept: Option<&str>) -> Option<Finding> {
    let folder = TempDir::new().unwrap();
    export(log, seed, folder.path()).await;
    let asked = Asked {
        key: None,
        kept: kept.into_iter().map(str::to_owned).collect(),
        policy: None,
    };
    verify(folder.path(), &asked).finding
}

/// Somebody else's key.
fn strange_seed() -> SigningSeed {
    seed(TempDir::new().unwrap().path())
}

/// A log that was signed at two sizes, and what is known of it.
struct Whole {
    log: Replica,
    seed: SigningSeed,
    /// The newest checkpoint.
    newest: String,
}

/// Puts the rows of a table back as they were.
fn back(table: &str) -> [String; 2] {
    [
        format!("DELETE FROM {table} WHERE {{of}}"),
        format!("INSERT INTO {table} SELECT * FROM kept_{table}"),
    ]
}

impl Whole {
    async fn of(place: &Place, folder: &Path) -> Self {
        let (seed, municipality) = (seed(folder), place.municipality());
        let signing = place.replica(&municipality).await;
        signing.sign(&seed, folder, place.clock()).await;
        let mut newest = String::new();
        for (number, size) in [(1, OLDER), (2, EVENTS - OLDER)] {
            let stream = format!("s-{number}");
            let count = usize::try_from(size).unwrap();
            let command = command(number, &[(&stream, 0, count)]);
            signing.append(command, None).await.unwrap();
            newest = signed(&signing).await.note;
        }
        drop(signing);
        let tables = ["event", "tile", "checkpoint", "head"];
        let keep =
            tables.map(|it| format!("CREATE TABLE kept_{it} AS SELECT * FROM {it} WHERE {{of}}"));
        place.tamper(&municipality, &keep).await;
        if let ledger::Location::Postgres(_) = place.location {
            let free = "ALTER TABLE tile DROP CONSTRAINT tile_hashes_check".to_owned();
            place.tamper(&municipality, &[free]).await;
        }
        Self {
            log: place.replica(&municipality).await,
            seed,
            newest,
        }
    }
}

async fn every_change_is_found(place: &Place) {
    let start = Instant::now();
    let folder = TempDir::new().unwrap();
    let whole = Whole::of(place, folder.path()).await;
    let Whole { log, seed, newest } = &whole;
    let municipality = log.municipality().clone();
    assert_eq!(found(log, seed, Some(newest)).await, None);
    let mut draw = Draw::of(soak::seed());
    let places = soak::part_of(PLACES);
    for number in 0..places {
        if number % 20 == 19 {
            head::a_change_is_named(place, log, &mut draw, number / 20).await;
            place.tamper(&municipality, &back("head")).await;
        } else {
            let change = change::change(place, log, seed, &mut draw, number).await;
            place.tamper(&municipality, &change.statements).await;
            let kept = change.needs_kept.then_some(newest.as_str());
            let finding = found(log, seed, kept).await;
            assert_eq!(
                finding.as_ref().map(|it| it.position),
                Some(change.position),
                "place {number}: {:.300?}: {finding:?}",
                change.statements
            );
            place.tamper(&municipality, &back(change.table)).await;
        }
    }
    assert_eq!(found(log, seed, Some(newest)).await, None);
    soak::tell(format_args!(
        "{places} places of rows in {} were changed; each was found and its position named, in {:.1} s",
        place.kind(),
        start.elapsed().as_secs_f64()
    ));
    Box::pin(a_rollback_and_a_fork_are_found(place, whole)).await;
}

async fn a_rollback_and_a_fork_are_found(place: &Place, whole: Whole) {
    let Whole { log, seed, newest } = whole;
    let municipality = log.municipality().clone();
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
    let forget = [
        format!(
            "UPDATE head SET position = {OLDER}, recorded_us = \
             (SELECT recorded_us FROM event WHERE position = {OLDER} AND {{of}}) WHERE {{of}}"
        ),
        format!("DELETE FROM command WHERE first_position > {OLDER} AND {{of}}"),
        format!("DELETE FROM subject WHERE position > {OLDER} AND {{of}}"),
        format!("DELETE FROM tile WHERE (tile_index + 1) * 256 > {OLDER} AND {{of}}"),
    ];
    place.tamper(&municipality, &forget).await;
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
