//! The log as a signed tree: it follows the appends, every replica shows the same, and what was signed binds.

use std::{path::Path, time::Duration};

use contracts::ledger::v1::Event;
use ledger::{
    Log,
    tree::{Signed, SigningSeed, TreeError},
};
use tempfile::TempDir;
use tests::eventually;
use transparency::{Checkpoint, Hash, Tile, leaf, root};

use crate::{
    appending::all,
    place::{Place, command},
};

const SOON: Duration = Duration::from_secs(20);

pub(crate) fn seed(folder: &Path) -> SigningSeed {
    SigningSeed::read_or_create(&folder.join("signing.key")).unwrap()
}

/// The checkpoint that has every event.
pub(crate) async fn signed(log: &Log) -> Signed {
    let head = log.head().await.unwrap().position;
    eventually(SOON, &format!("{head} events are signed"), async || {
        let latest = log.latest_checkpoint().await?;
        anyhow::ensure!(latest.size == head, "{} are", latest.size);
        Ok(latest)
    })
    .await
    .unwrap()
}

fn opened(seed: &SigningSeed, signed: &Signed) -> Checkpoint {
    let origin = signed.note.lines().next().unwrap();
    let key = seed.key(origin).unwrap();
    key.open(&signed.note).unwrap().parse().unwrap()
}

fn leaves(events: &[Event]) -> Vec<Hash> {
    events.iter().map(|it| leaf(&it.commitment)).collect()
}

/// Appends `count` events in one command to a stream of their own.
async fn append(log: &Log, number: u128, count: usize) {
    let stream = format!("s-{number}");
    let command = command(number, &[(&stream, 0, count)]);
    log.append(command, None).await.unwrap();
}

pub(crate) async fn the_tree_follows_the_log(place: &Place) {
    let folder = TempDir::new().unwrap();
    let (seed, municipality) = (seed(folder.path()), place.municipality());
    let log = place.replica(&municipality).await;
    log.sign(&seed, folder.path(), place.clock()).await;
    let mut sizes = vec![];
    for (number, count) in [(1, 1), (2, 254), (3, 1), (4, 1), (5, 600)] {
        append(&log, number, count).await;
        sizes.push(signed(&log).await);
    }
    let leaves = leaves(&all(&log).await);
    for it in log.checkpoints(0, 0).await.unwrap() {
        let checkpoint = opened(&seed, &it);
        let size = usize::try_from(checkpoint.size).unwrap();
        assert_eq!(checkpoint.origin, format!("example.org/log/{municipality}"));
        assert_eq!(
            (it.size, root(&leaves[..size])),
            (checkpoint.size, checkpoint.root)
        );
    }
    let kept: Vec<u64> = sizes.iter().map(|it| it.size).collect();
    assert_eq!(kept, [1, 255, 256, 257, 857]);

    for (level, index, width) in [(0, 0, 256), (0, 3, 89), (0, 0, 7), (1, 0, 3), (1, 0, 1)] {
        let hashes = log.tile(level, index, width).await.unwrap();
        let below = 256_usize.pow(u32::from(level));
        let first = usize::try_from(index).unwrap() * 256;
        let expected: Vec<Hash> = (first..first + usize::try_from(width).unwrap())
            .map(|it| root(&leaves[it * below..(it + 1) * below]))
            .collect();
        assert_eq!(hashes, expected, "tile {level}/{index}.p/{width}");
    }
    let bundle = log.entry_bundle(3, 89).await.unwrap();
    let last = all(&log).await.last().unwrap().commitment.clone();
    assert_eq!((bundle.len(), &bundle[88 * 34 + 2..]), (89 * 34, &last[..]));
    let (proof, to) = log.prove_inclusion(857).await.unwrap();
    assert_eq!(to, signed(&log).await);
    // The last of 857 = 0b1101011001 leaves has one sibling for each 1 but its own.
    assert_eq!(proof.len(), 5);
    assert!(!log.prove_consistency(256, 0).await.unwrap().is_empty());
}

pub(crate) async fn two_signers_sign_one_history(place: &Place) {
    let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (seed, municipality) = (seed(folder.path()), place.municipality());
    let first = place.replica(&municipality).await;
    let second = place.replica(&municipality).await;
    first.sign(&seed, folder.path(), place.clock()).await;
    append(&first, 1, 300).await;
    assert_eq!(signed(&second).await, signed(&first).await);
    second.sign(&seed, other.path(), place.clock()).await;
    drop(first);
    // The first one's lease runs out.
    place.pass(Duration::from_secs(6));
    append(&second, 2, 300).await;
    let leaves = leaves(&all(&second).await);
    assert_eq!(opened(&seed, &signed(&second).await).root, root(&leaves));
    let sizes: Vec<u64> = second
        .checkpoints(0, 0)
        .await
        .unwrap()
        .iter()
        .map(|it| it.size)
        .collect();
    assert!(
        sizes.is_sorted_by(|a, b| a < b) && sizes.contains(&300),
        "{sizes:?}"
    );
}

pub(crate) async fn nothing_is_shown_before_it_is_signed(place: &Place) {
    let folder = TempDir::new().unwrap();
    let log = place.log().await;
    append(&log, 1, 10).await;
    assert!(matches!(
        log.latest_checkpoint().await,
        Err(TreeError::Unsigned(_))
    ));
    assert!(matches!(
        log.tile(0, 0, 10).await,
        Err(TreeError::Unsigned(_))
    ));
    assert!(matches!(
        log.prove_inclusion(1).await,
        Err(TreeError::Unsigned(_))
    ));
    log.sign(&seed(folder.path()), folder.path(), place.clock())
        .await;
    signed(&log).await;
    for (level, index, width) in [
        (0, 0, 11),
        (0, 1, 1),
        (1, 0, 1),
        (9, 0, 1),
        (0, u64::MAX, 1),
    ] {
        let refused = log.tile(level, index, width).await;
        assert!(
            matches!(refused, Err(TreeError::Unsigned(_))),
            "{level}/{index}.p/{width}"
        );
    }
    for width in [0, 257] {
        assert!(matches!(
            log.tile(0, 0, width).await,
            Err(TreeError::Invalid(_))
        ));
    }
    for position in [0, 11, u64::MAX] {
        assert!(log.prove_inclusion(position).await.is_err(), "{position}");
    }
    assert!(log.prove_consistency(3, 2).await.is_err());
    assert!(log.prove_consistency(0, 11).await.is_err());
}

/// Signs for a while from a log that somebody laid hands on; what is signed at last.
async fn goes_on(place: &Place, log: &Log, folder: &Path, seed: &SigningSeed) -> u64 {
    place.pass(Duration::from_secs(6));
    let replica = place.replica(log.municipality()).await;
    replica.sign(seed, folder, place.clock()).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    log.latest_checkpoint().await.unwrap().size
}

pub(crate) async fn a_log_that_is_not_what_was_signed_is_not_signed_again(place: &Place) {
    let folder = TempDir::new().unwrap();
    let (seed, municipality) = (seed(folder.path()), place.municipality());
    let signing = place.replica(&municipality).await;
    signing.sign(&seed, folder.path(), place.clock()).await;
    append(&signing, 1, 20).await;
    signed(&signing).await;
    append(&signing, 2, 280).await;
    signed(&signing).await;
    drop(signing);
    // Unsigned: the next signer has a reason to sign.
    let log = place.replica(&municipality).await;
    append(&log, 3, 5).await;

    // Another key.
    let other = TempDir::new().unwrap();
    let strange = SigningSeed::read_or_create(&other.path().join("signing.key")).unwrap();
    assert_eq!(goes_on(place, &log, other.path(), &strange).await, 300);

    // An entry that was signed, in a tile that is not full: the tree no longer leads to the checkpoint.
    let set = |commitment: &[u8]| {
        let literal = place.literal(commitment);
        vec![format!(
            "UPDATE event SET commitment = {literal} WHERE position = 290 AND {{of}}"
        )]
    };
    let before = all(&log).await[289].commitment.clone();
    place.tamper(&municipality, &set(&[0; 32])).await;
    assert_eq!(goes_on(place, &log, folder.path(), &seed).await, 300);
    place.tamper(&municipality, &set(&before)).await;

    // A backup from before the last signature: only the signer's memory tells.
    let back: Vec<String> = [
        "DELETE FROM event WHERE position > 20 AND {of}",
        "DELETE FROM subject WHERE position > 20 AND {of}",
        "DELETE FROM command WHERE first_position > 20 AND {of}",
        "DELETE FROM tile WHERE {of}",
        "DELETE FROM checkpoint WHERE size > 20 AND {of}",
        "UPDATE head SET position = 20, recorded_us = (SELECT recorded_us FROM event WHERE position = 20 AND {of}) WHERE {of}",
    ]
    .map(str::to_owned)
    .into();
    drop(log);
    place.tamper(&municipality, &back).await;
    let log = place.replica(&municipality).await;
    append(&log, 4, 1).await;
    assert_eq!(goes_on(place, &log, folder.path(), &seed).await, 20);
    // Nor when it has grown past what was signed, with other events.
    append(&log, 5, 400).await;
    assert_eq!(goes_on(place, &log, folder.path(), &seed).await, 20);
    // Who has no memory cannot know, and signs: a checkpoint kept elsewhere is what tells then.
    let fresh = TempDir::new().unwrap();
    place.pass(Duration::from_secs(6));
    log.sign(&seed, fresh.path(), place.clock()).await;
    let size = signed(&log).await.size;
    assert_eq!((size, Tile::edge(size).count()), (421, 2));
}
