//! What can be said of 256 positions by themselves, whatever came before: they are read, decoded and hashed on all cores at
//! once, and given in their order.

use std::{
    fs,
    num::NonZero,
    path::Path,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use contracts::ledger::v1::LogForked;

use crate::{
    bundle::{self, WIDTH, entries_path, events_path, tile_path},
    event::{self, Event},
    fork, gone,
    report::Finding,
    tree::{Hash, leaf},
};

/// What each reader may be ahead.
const AHEAD: usize = 8;

/// 256 positions, or as many as there are.
pub(crate) struct Stretch {
    /// `None` where only the commitments were given.
    pub(crate) events: Option<Events>,
    pub(crate) entries: Entries,
}

/// What the events must show of themselves before they are held against each other.
#[derive(Default)]
pub(crate) struct Events {
    pub(crate) links: Vec<Link>,
    /// What is wrong after these.
    pub(crate) wrong: Option<Finding>,
}

/// What ties an event to others.
pub(crate) struct Link {
    pub(crate) stream: String,
    pub(crate) version: u64,
    pub(crate) recorded_at: u64,
    pub(crate) event_id: [u8; 16],
    /// Where it declares a fork.
    pub(crate) fork: Option<LogForked>,
    /// Whether its personal part is gone.
    pub(crate) gone: bool,
    /// The positions whose personal parts it orders to erase.
    pub(crate) erases: Vec<u64>,
}

/// The hashes that the entries lead to.
pub(crate) struct Entries {
    pub(crate) leaves: Vec<Hash>,
    /// What is wrong after these.
    pub(crate) wrong: Option<Finding>,
}

/// Gives every stretch of a log of this size to `take`, in order, until that refuses one.
pub(crate) fn each(
    folder: &Path,
    log: Option<&str>,
    size: u64,
    mut take: impl FnMut(u64, Stretch) -> Result<(), Finding>,
) -> Result<(), Finding> {
    let readers = thread::available_parallelism().map_or(1, NonZero::get);
    let count = size.div_ceil(WIDTH);
    thread::scope(|scope| {
        let lanes: Vec<Receiver<Stretch>> = (0..readers)
            .map(|lane| {
                let (sender, lane_of) = sync_channel(AHEAD);
                scope.spawn(move || {
                    for index in (0..count).skip(lane).step_by(readers) {
                        // Nobody listens once something was found.
                        if sender.send(read(folder, log, size, index)).is_err() {
                            return;
                        }
                    }
                });
                lane_of
            })
            .collect();
        for (index, lane) in (0..count).zip(lanes.iter().cycle()) {
            // A reader that panicked ends the scope in its panic.
            let Ok(stretch) = lane.recv() else { break };
            take(index, stretch)?;
        }
        Ok(())
    })
}

fn read(folder: &Path, log: Option<&str>, size: u64, index: u64) -> Stretch {
    let first = index * WIDTH;
    let width = (size - first).min(WIDTH);
    let Some(log) = log else {
        return Stretch {
            events: None,
            entries: entries(folder, first, width, &[]),
        };
    };
    let path = events_path(index, width);
    let file = fs::read(folder.join(&path));
    let (given, more) = match &file {
        Ok(file) => {
            let (events, only_events) = event::split(file);
            let more = surplus(&path, first, width, events.len() as u64, only_events);
            (events, more)
        }
        Err(_) => {
            let missing = Finding::at(first + 1, format!("{path} is missing"));
            (vec![], Some(missing))
        }
    };
    let entries = entries(folder, first, width, &given);
    let mut events = by_themselves(log, first, width, &given);
    events.wrong = events.wrong.or(more);
    Stretch {
        events: Some(events),
        entries,
    }
}

/// What is wrong with a file that has so many events.
fn surplus(path: &str, first: u64, width: u64, count: u64, only_events: bool) -> Option<Finding> {
    let wrong = |position, problem| Some(Finding::at(position, problem));
    if count < width && only_events {
        wrong(first + count + 1, "is missing".to_owned())
    } else if count < width {
        wrong(first + count + 1, format!("is not an event in {path}"))
    } else if count > width || !only_events {
        wrong(first + width, format!("{path} goes on after it"))
    } else {
        None
    }
}

fn by_themselves(log: &str, first: u64, width: u64, given: &[Event<'_>]) -> Events {
    let mut events = Events::default();
    let mut room = Vec::new();
    for (position, event) in (first + 1..=first + width).zip(given) {
        match by_itself(log, position, event, &mut room) {
            Ok(link) => events.links.push(link),
            Err(problem) => {
                events.wrong = Some(Finding::at(position, problem));
                break;
            }
        }
    }
    events
}

fn by_itself(
    log: &str,
    position: u64,
    event: &Event<'_>,
    room: &mut Vec<u8>,
) -> Result<Link, String> {
    if event.position > position {
        return Err(format!("is missing: {} follows", event.position));
    }
    if event.position < position {
        return Err(format!("{} stands in its place", event.position));
    }
    if event.due_commitment(log, room) != event.commitment {
        return Err("the event is not what its commitment says".to_owned());
    }
    let bare = event.personal.is_empty() && event.personal_salt.is_empty();
    if event.personal_hash.is_empty() {
        if !bare {
            return Err("it has a personal part that nothing commits to".to_owned());
        }
    } else if !bare && event.due_personal_hash() != event.personal_hash {
        return Err("its personal part is not what its hash says".to_owned());
    }
    let event_id = event.event_id.try_into();
    Ok(Link {
        stream: event.stream.to_owned(),
        version: event.version,
        recorded_at: event.recorded_at,
        fork: fork::read(event)?,
        gone: bare && !event.personal_hash.is_empty(),
        erases: gone::read(event)?,
        event_id: event_id.map_err(|_| "its id is not 16 bytes".to_owned())?,
    })
}

/// The entries against the events, where there are any, and against the tile over them.
fn entries(folder: &Path, first: u64, width: u64, events: &[Event<'_>]) -> Entries {
    let missing = |path: &str| ended(vec![], first + 1, format!("{path} is missing"));
    let index = first / WIDTH;
    let of_entries = entries_path(index, width);
    let Ok(bundle) = fs::read(folder.join(&of_entries)) else {
        return missing(&of_entries);
    };
    let (entries, only_entries) = bundle::split(&bundle);
    let of_tile = tile_path(0, index, width);
    let Ok(tile) = fs::read(folder.join(&of_tile)) else {
        return missing(&of_tile);
    };
    let (tile, rest) = tile.as_chunks::<32>();
    let mut leaves = Vec::with_capacity(entries.len());
    for (at, position) in (first + 1..=first + width).enumerate() {
        match hash_at(at, (&of_entries, &entries), (&of_tile, tile), events) {
            Ok(hash) => leaves.push(hash),
            Err(problem) => return ended(leaves, position, problem),
        }
    }
    let more = |path: &str| format!("{path} goes on after it");
    if entries.len() as u64 > width || !only_entries {
        return ended(leaves, first + width, more(&of_entries));
    }
    if tile.len() as u64 > width || !rest.is_empty() {
        return ended(leaves, first + width, more(&of_tile));
    }
    Entries {
        leaves,
        wrong: None,
    }
}

/// The hash of a position, once its entry is the event's and its hash the tile's.
fn hash_at(
    at: usize,
    (of_entries, entries): (&str, &[&[u8]]),
    (of_tile, tile): (&str, &[Hash]),
    events: &[Event<'_>],
) -> Result<Hash, String> {
    let cut = |path: &str| format!("is missing in {path}");
    let entry = *entries.get(at).ok_or_else(|| cut(of_entries))?;
    if events.get(at).is_some_and(|it| it.commitment != entry) {
        return Err("its entry is not the commitment to the event".to_owned());
    }
    let hash = leaf(entry);
    if *tile.get(at).ok_or_else(|| cut(of_tile))? == hash {
        Ok(hash)
    } else {
        Err("its hash in the tile is not its entry's".to_owned())
    }
}

fn ended(leaves: Vec<Hash>, position: u64, problem: String) -> Entries {
    Entries {
        leaves,
        wrong: Some(Finding::at(position, problem)),
    }
}
