//! The files of a bundle, changed on their way to the auditor: bytes, records and whole files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use auditor::{Asked, verify};
use contracts::ledger::v1::Event;
use prost::Message as _;
use tempfile::TempDir;
use tests::{draw::Draw, soak};

use super::{EVENTS, OLDER, PLACES, Whole, export};
use crate::place::Place;

/// A file of a bundle, and what stands where in it.
#[derive(Debug)]
struct File {
    path: String,
    bytes: Vec<u8>,
    /// Where each record ends, and the position that it speaks of.
    records: Vec<(usize, u64)>,
}

impl File {
    fn read(folder: &Path, path: &Path, newest: &str) -> Self {
        let bytes = fs::read(path).unwrap();
        let path = path.strip_prefix(folder).unwrap().to_str().unwrap();
        let parts: Vec<&str> = path.split('/').collect();
        let numbered = |part: &str| -> u64 { part[..3].parse().unwrap() };
        let every = |size: usize, first: u64, span: u64| -> Vec<(usize, u64)> {
            (1..=bytes.len() / size)
                .zip(0_u64..)
                .map(|(end, hash)| (end * size, first + hash * span))
                .collect()
        };
        let records = match parts[..] {
            ["events", tile, ..] => {
                let (mut rest, mut records) = (&bytes[..], vec![]);
                while !rest.is_empty() {
                    Event::decode_length_delimited(&mut rest).unwrap();
                    let position = numbered(tile) * 256 + 1 + records.len() as u64;
                    records.push((bytes.len() - rest.len(), position));
                }
                records
            }
            ["tile", "entries", tile, ..] => every(34, numbered(tile) * 256 + 1, 1),
            ["tile", level, tile, ..] => {
                let span = 256_u64.pow(level.parse().unwrap());
                every(32, numbered(tile) * 256 * span + 1, span)
            }
            ["proofs", size] => vec![(bytes.len(), size.parse().unwrap())],
            ["checkpoints"] => vec![(bytes.len() - newest.len(), OLDER), (bytes.len(), EVENTS)],
            ["checkpoint"] => vec![(bytes.len(), EVENTS)],
            ["key"] => vec![(bytes.len(), 1)],
            _ => panic!("{path} is no file of a bundle"),
        };
        Self {
            path: path.to_owned(),
            bytes,
            records,
        }
    }

    /// The position that the first byte that differs speaks of; the last one where something follows it. Nothing can be
    /// expected where it is in the lines that say which checkpoint this is.
    fn position(&self, spoiled: &[u8]) -> Option<u64> {
        let same = self.bytes.iter().zip(spoiled).take_while(|(a, b)| a == b);
        let first = same.count();
        let of = self.records.iter().position(|(end, _)| first < *end);
        let of = of.unwrap_or(self.records.len() - 1);
        let begin = of.checked_sub(1).map_or(0, |it| self.records[it].0);
        let lines = self.bytes[begin..first].iter().filter(|it| **it == b'\n');
        let says_which = self.path.starts_with("checkpoint") && lines.count() < 2;
        (!says_which).then(|| self.records[of].1)
    }

    fn record(&self, number: usize) -> &[u8] {
        let begin = number.checked_sub(1).map_or(0, |it| self.records[it].0);
        &self.bytes[begin..self.records[number].0]
    }

    fn of_records(&self, order: impl IntoIterator<Item = usize>) -> Vec<u8> {
        order
            .into_iter()
            .flat_map(|it| self.record(it))
            .copied()
            .collect()
    }

    /// Whether the same is still said. A last line is the same without its end; and a list of checkpoints hides nothing by
    /// what it leaves out, for whoever kept one holds it against the tree.
    fn says_the_same(&self, spoiled: &[u8]) -> bool {
        match self.path.as_str() {
            "key" => spoiled == &self.bytes[..self.bytes.len() - 1],
            "checkpoints" => {
                let older = self.record(0).strip_suffix(b"\n").unwrap();
                let (notes, mut rest) = ([older, self.record(1)], spoiled);
                while !rest.is_empty() {
                    let end = |it: &&[u8]| (*rest == it[..it.len() - 1]).then_some(&[][..]);
                    let after = |it: &&[u8]| rest.strip_prefix(*it).or_else(|| end(it));
                    rest = match notes.iter().find_map(after) {
                        Some([b'\n', next @ ..]) => next,
                        Some([]) => return true,
                        Some(_) | None => return false,
                    };
                }
                true
            }
            _ => false,
        }
    }
}

/// All files of a bundle by their paths.
fn files(folder: &Path, newest: &str) -> BTreeMap<PathBuf, File> {
    let paths = tests::files::below(folder).unwrap().into_iter();
    paths
        .map(|path| (path.clone(), File::read(folder, &path, newest)))
        .collect()
}

/// A file's bytes, changed in one place.
fn spoiled(file: &File, others: &[&File], draw: &mut Draw, kind: u64) -> Vec<u8> {
    let mut bytes = file.bytes.clone();
    let (at, count) = (draw.place(bytes.len()), file.records.len());
    match kind % 8 {
        0 => bytes[at] ^= 1 << draw.below(8),
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, draw.bytes(1)[0]),
        3 => bytes.truncate(at),
        4 => {
            let gone = draw.place(count);
            bytes = file.of_records((0..count).filter(|it| *it != gone));
        }
        5 => {
            let twice = draw.place(count);
            bytes =
                file.of_records((0..count).flat_map(|it| vec![it; 1 + usize::from(it == twice)]));
        }
        6 if count > 1 => {
            let (one, other) = draw.places(count);
            let mut order: Vec<usize> = (0..count).collect();
            order.swap(one, other);
            bytes = file.of_records(order);
        }
        // Another file of the bundle in its place.
        _ => bytes.clone_from(&others[draw.place(others.len())].bytes),
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_a_bundle_is_found() {
    let start = Instant::now();
    let (keys, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let whole = Whole::of(&Place::sqlite(), keys.path()).await;
    export(&whole.log, &whole.seed, folder.path()).await;
    let found = || verify(folder.path(), &Asked::default()).finding;
    assert_eq!(found(), None);
    let files = files(folder.path(), &whole.newest);
    let paths: Vec<&PathBuf> = files.keys().collect();
    let mut draw = Draw::of(soak::seed());
    let (mut places, mut number) = (0, 0_u64);
    while places < soak::part_of(PLACES) {
        number += 1;
        let path = paths[draw.place(paths.len())];
        let file = &files[path];
        if number.is_multiple_of(20) && !["checkpoints", "proofs"].contains(&root_of(file)) {
            fs::remove_file(path).unwrap();
            let finding = found().unwrap();
            let first = if file.path.contains('/') {
                file.records[0].1
            } else {
                1
            };
            assert_eq!(finding.position, first, "without {}: {finding}", file.path);
        } else {
            let others: Vec<&File> = files.values().filter(|it| it.path != file.path).collect();
            let spoiled = spoiled(file, &others, &mut draw, number);
            if spoiled == file.bytes || file.says_the_same(&spoiled) {
                continue;
            }
            fs::write(path, &spoiled).unwrap();
            let finding = found();
            let expected = file.position(&spoiled);
            let named = finding
                .as_ref()
                .is_some_and(|it| expected.is_none_or(|due| it.position == due));
            assert!(
                named,
                "place {number}, {}: {expected:?} is due, {finding:?} was told",
                file.path
            );
        }
        fs::write(path, &file.bytes).unwrap();
        places += 1;
    }
    assert_eq!(found(), None);
    soak::tell(format_args!(
        "{places} places of a bundle's {} files were changed; each was found and its position named, in {:.1} s",
        files.len(),
        start.elapsed().as_secs_f64()
    ));
}

fn root_of(file: &File) -> &str {
    file.path.split('/').next().unwrap()
}
