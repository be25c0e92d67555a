//! Whole histories forged by somebody who has everything, the signing key too: each agrees with itself, and only a checkpoint
//! that was kept elsewhere tells.

use std::{path::Path, time::Instant};

use auditor::{Asked, Key, bundle::Writer, verify};
use chassis::event::commitment;
use contracts::ledger::v1::Event;
use ledger::tree::SigningSeed;
use tempfile::TempDir;
use tests::{draw::Draw, soak};
use transparency::{Checkpoint, Edge, leaf};

use super::{EVENTS, PLACES, Whole, strange_seed};
use crate::{appending::all, place::Place};

/// A bundle of these events, whoever made them, signed at these sizes; the notes.
fn forge(
    folder: &Path,
    events: &[Event],
    sizes: &[u64],
    seed: &SigningSeed,
    origin: &str,
) -> Vec<String> {
    let key = seed.key(origin).unwrap();
    let writer = Writer::create(folder).unwrap();
    let (mut edge, mut tiles, mut notes) = (Edge::default(), vec![], vec![]);
    for event in events {
        edge.push(leaf(&event.commitment), |tile, hashes| {
            tiles.push((u32::from(tile.level), tile.index, hashes));
        });
        if sizes.contains(&edge.size()) {
            let checkpoint = Checkpoint {
                origin: origin.to_owned(),
                size: edge.size(),
                root: edge.root(),
            };
            notes.push(key.sign(&checkpoint.to_string()));
        }
    }
    // What is over full tiles is made of their roots; what is left of the lowest level, of the events.
    let full = events.len() / 256;
    let rest: Vec<_> = events[full * 256..]
        .iter()
        .map(|it| leaf(&it.commitment))
        .collect();
    let above: Vec<_> = tiles
        .iter()
        .map(|it: &(u32, u64, Vec<transparency::Hash>)| transparency::root(&it.2))
        .collect();
    for (level, index, hashes) in tiles
        .into_iter()
        .chain([(0, full as u64, rest), (1, 0, above)])
        .filter(|it| !it.2.is_empty())
    {
        let width = hashes.len() as u64;
        writer
            .tile(level, index, width, hashes.as_flattened())
            .unwrap();
    }
    for (index, events) in (0..).zip(events.chunks(256)) {
        let width = events.len() as u64;
        let entries: Vec<u8> = events
            .iter()
            .flat_map(|it| [&[0, 32], &it.commitment[..]].concat())
            .collect();
        writer.entries(index, width, &entries).unwrap();
        writer.events(index, width, events).unwrap();
    }
    writer.key(&key.verifier_key()).unwrap();
    writer.checkpoint(notes.last().unwrap()).unwrap();
    writer.checkpoints(&notes).unwrap();
    notes
}

/// Sizes at which a log is signed, the last of them its end.
fn sizes(draw: &mut Draw, end: u64) -> Vec<u64> {
    let mut sizes: Vec<u64> = (0..4).map(|_| draw.below(end) + 1).chain([end]).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

#[tokio::test(flavor = "multi_thread")]
async fn every_forged_history_is_found_against_a_kept_checkpoint() {
    let start = Instant::now();
    let keys = TempDir::new().unwrap();
    let whole = Whole::of(&Place::sqlite(), keys.path()).await;
    let town = whole.log.municipality().to_string();
    let (events, seed, strange) = (all(&whole.log).await, &whole.seed, strange_seed());
    let origin = whole.newest.lines().next().unwrap();
    let key: Key = seed.key(origin).unwrap().verifier_key().parse().unwrap();
    let asked = |key: &Key, kept: &[String]| Asked {
        key: Some(key.clone()),
        kept: kept.to_vec(),
        policy: None,
    };
    let mut draw = Draw::of(soak::seed());
    let histories = soak::part_of(PLACES / 2);
    for number in 0..histories {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        let signed = sizes(&mut draw, EVENTS);
        let honest = forge(&at("honest"), &events, &signed, seed, origin);
        let report = verify(&at("honest"), &asked(&key, &honest));
        assert!(report.is_sound(), "{report}");

        let place = draw.below(EVENTS - 1) + 1;
        let (kept, expected) = match number % 3 {
            // Rolled back.
            0 => {
                let left = &events[..usize::try_from(place).unwrap()];
                forge(&at("other"), left, &sizes(&mut draw, place), seed, origin);
                (vec![honest.last().unwrap().clone()], place + 1)
            }
            // Another history from a place on: the span between two that were kept is told.
            1 => {
                let mut others = events.clone();
                for event in &mut others[usize::try_from(place).unwrap()..] {
                    event.facts.push(1);
                    event.commitment = commitment::commitment(&town, event).to_vec();
                }
                let agreed = signed.iter().rfind(|it| **it <= place);
                let kept_of = agreed.copied().unwrap_or_default();
                let last = *signed.last().unwrap();
                forge(&at("other"), &others, &[last], seed, origin);
                (honest, kept_of + 1)
            }
            // The same, signed with another key.
            _ => {
                forge(&at("other"), &events, &[EVENTS], &strange, origin);
                (honest, EVENTS)
            }
        };
        let report = verify(&at("other"), &Asked::default());
        assert!(report.is_sound(), "it agrees with itself: {report}");
        let finding = verify(&at("other"), &asked(&key, &kept)).finding;
        assert_eq!(
            finding.as_ref().map(|it| it.position),
            Some(expected),
            "history {number}, signed at {signed:?}, forged from {place}: {finding:?}"
        );
    }
    soak::tell(format_args!(
        "{histories} forged histories (rolled back, forked, signed anew) were found against kept checkpoints, in {:.1} s",
        start.elapsed().as_secs_f64()
    ));
}
