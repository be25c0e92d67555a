//! One place of a log's rows, drawn, and changed as whoever has the disk can change it.

use ledger::{Log, tree::SigningSeed};
use tests::draw::Draw;
use transparency::{Checkpoint, root};

use super::{EVENTS, OLDER, strange_seed};
use crate::place::Place;

const COLUMNS: &str = "event_id, stream, version, type, schema_version, recorded_us, occurred_us, correlation_id, causation_id, \
                       command_id, actor, traceparent, subjects, facts, personal, personal_salt, personal_hash, salt, commitment";

/// Hashes of a full tile, and the full tiles that the log has.
const WIDTH: u64 = 256;
const TILES: u64 = EVENTS / WIDTH;

/// What is done to which table, and the position that must be named.
pub(super) struct Change {
    pub(super) table: &'static str,
    pub(super) statements: Vec<String>,
    pub(super) position: u64,
    /// Only a checkpoint that was kept elsewhere tells.
    pub(super) needs_kept: bool,
}

fn at(position: u64, statements: impl Into<Vec<String>>) -> Change {
    Change {
        table: "event",
        statements: statements.into(),
        position,
        needs_kept: false,
    }
}

/// The next change: each kind in its turn, at a place that is drawn.
pub(super) async fn change(
    place: &Place,
    log: &Log,
    seed: &SigningSeed,
    draw: &mut Draw,
    number: u64,
) -> Change {
    match number % 4 {
        0 | 1 => column(place, draw, number / 4 * 2 + number % 4),
        2 if number % 8 == 2 => row(place, draw, number / 8),
        2 => Change {
            table: "tile",
            ..tile(place, log, draw, number / 8).await
        },
        _ => Change {
            table: "checkpoint",
            ..checkpoint(log, seed, draw, number / 4).await
        },
    }
}

/// Another value in one column of one event.
fn column(place: &Place, draw: &mut Draw, number: u64) -> Change {
    let (short, long) = (
        place.literal(&draw.bytes(16)),
        place.literal(&draw.bytes(32)),
    );
    let position = draw.below(EVENTS) + 1;
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
    let set = &columns[usize::try_from(number).unwrap() % columns.len()];
    let update = format!("UPDATE event SET {set} WHERE position = {position} AND {{of}}");
    at(position, [update])
}

/// Events deleted, swapped, one in another's place, the last ones cut off.
fn row(place: &Place, draw: &mut Draw, number: u64) -> Change {
    let (one, other) = draw.places(usize::try_from(EVENTS).unwrap());
    let (one, other) = (one as u64 + 1, other as u64 + 1);
    let moved = |from: u64, to: u64| {
        format!("UPDATE event SET position = {to} WHERE position = {from} AND {{of}}")
    };
    let delete = |it: u64| format!("DELETE FROM event WHERE position = {it} AND {{of}}");
    match number % 4 {
        0 => at(one, [delete(one)]),
        1 => at(
            one.min(other),
            [moved(one, 9_000), moved(other, one), moved(9_000, other)],
        ),
        2 => {
            let taken = COLUMNS.replace(" version,", " version + 1000,");
            let (into, from) = match &place.location {
                ledger::Location::Postgres(_) => {
                    (format!("log, {COLUMNS}"), format!("log, {taken}"))
                }
                ledger::Location::Sqlite(_) => (COLUMNS.to_owned(), taken),
            };
            let twice = format!(
                "INSERT INTO event (position, {into}) SELECT {other}, {from} FROM event WHERE position = {one} AND {{of}}"
            );
            at(other, [delete(other), twice])
        }
        _ => {
            let rest = format!("DELETE FROM event WHERE position >= {one} AND {{of}}");
            at(one, [rest])
        }
    }
}

/// The hashes of a full tile, its root, or the whole of it.
async fn tile(place: &Place, log: &Log, draw: &mut Draw, number: u64) -> Change {
    let tile = draw.below(TILES);
    let (first, other) = (tile * WIDTH, (tile + 1) % TILES);
    let mut hashes = log.tile(0, tile, WIDTH).await.unwrap();
    let (one, two) = draw.places(hashes.len());
    let set = |what: &str| {
        format!("UPDATE tile SET {what} WHERE level = 0 AND tile_index = {tile} AND {{of}}")
    };
    let moved = |from: u64, to: u64| {
        format!(
            "UPDATE tile SET tile_index = {to} WHERE level = 0 AND tile_index = {from} AND {{of}}"
        )
    };
    let delete =
        |it: u64| format!("DELETE FROM tile WHERE level = 0 AND tile_index = {it} AND {{of}}");
    let wrong = match number % 8 {
        0 => {
            hashes[one] = draw.bytes(32).try_into().unwrap();
            one
        }
        1 => {
            hashes.swap(one, two);
            one.min(two)
        }
        2 => {
            hashes[one] = hashes[two];
            one
        }
        3 => {
            hashes[one..].fill([0; 32]);
            one
        }
        // As whoever has no CHECK leaves it: no tile, for whoever asks.
        4 => {
            hashes.truncate(one);
            0
        }
        5 => {
            let root = place.literal(&draw.bytes(32));
            return at(first + 1, [set(&format!("root = {root}"))]);
        }
        6 => return at(1, [moved(tile, 900), moved(other, tile), moved(900, other)]),
        // What stands above it is made of its root.
        _ => return at(1, [delete(tile)]),
    };
    let hashes = place.literal(hashes.as_flattened());
    at(
        first + wrong as u64 + 1,
        [set(&format!("hashes = {hashes}"))],
    )
}

/// The text of a signed checkpoint, and which size it is kept for; also by somebody who has a key, or the very key.
async fn checkpoint(log: &Log, seed: &SigningSeed, draw: &mut Draw, number: u64) -> Change {
    let kept = log.checkpoints(0, 0).await.unwrap();
    let note_of = |size: u64| kept.iter().find(|it| it.size == size).unwrap().note.clone();
    let (older, newest) = (note_of(OLDER), note_of(EVENTS));
    let set = |size: u64, note: &str| {
        format!("UPDATE checkpoint SET note = '{note}' WHERE size = {size} AND {{of}}")
    };
    let (size, note) = if draw.below(2) == 0 {
        (OLDER, &older)
    } else {
        (EVENTS, &newest)
    };
    let origin = note.lines().next().unwrap();
    match number % 8 {
        // A letter, but of the size: that is another checkpoint's number.
        0 => {
            let letters: Vec<usize> = note
                .char_indices()
                .filter(|(_, it)| it.is_ascii_alphanumeric())
                .map(|(at, _)| at)
                .filter(|at| note[..*at].matches('\n').count() != 1)
                .collect();
            let letter = letters[draw.place(letters.len())];
            let other = if &note[letter..=letter] == "x" {
                "y"
            } else {
                "x"
            };
            let mut spoiled = note.clone();
            spoiled.replace_range(letter..=letter, other);
            at(size, [set(size, &spoiled)])
        }
        1 => {
            let third = note
                .match_indices('\n')
                .nth(1)
                .map_or(0, |(at, _)| at as u64);
            let mut end = usize::try_from(third + 1).unwrap();
            end += draw.place(note.len() - end);
            while !note.is_char_boundary(end) {
                end -= 1;
            }
            at(size, [set(size, &note[..end])])
        }
        2 => at(OLDER + 1, [set(OLDER, &newest), set(EVENTS, &older)]),
        // The tiles of the newest are of another width than the older one's.
        3 => at(OLDER / WIDTH * WIDTH + 1, [set(EVENTS, &older)]),
        4 => {
            let beyond =
                format!("UPDATE checkpoint SET size = size + 1 WHERE size = {EVENTS} AND {{of}}");
            at(EVENTS / WIDTH * WIDTH + 1, [beyond])
        }
        5 => Change {
            needs_kept: true,
            ..at(
                OLDER + 1,
                [format!(
                    "DELETE FROM checkpoint WHERE size = {EVENTS} AND {{of}}"
                )],
            )
        },
        6 => {
            let other = strange_seed();
            let text = note.split("\n\n").next().unwrap();
            let signed = other.key(origin).unwrap().sign(&format!("{text}\n"));
            at(size, [set(size, &signed)])
        }
        _ => {
            let checkpoint = Checkpoint {
                origin: origin.to_owned(),
                size,
                root: root(&[draw.bytes(32).try_into().unwrap()]),
            };
            let signed = seed.key(origin).unwrap().sign(&checkpoint.to_string());
            let first = if size == OLDER { 1 } else { OLDER + 1 };
            at(first, [set(size, &signed)])
        }
    }
}
