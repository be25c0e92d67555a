//! A log in a folder: what `tlog-tiles` puts below a log's prefix, and beside it what only an auditor gets.
//!
//! ```text
//! key                        the public key, "name+id+key"
//! checkpoint                 the newest signed checkpoint
//! checkpoints                all of them, one after the other, an empty line between
//! tile/<L>/<N>[.p/<W>]       hashes
//! tile/entries/<N>[.p/<W>]   entries: the events' commitments
//! events/<N>[.p/<W>]         the events themselves, cozum.ledger.v1.Event, each behind its length as protobuf writes it
//! proofs/<size>              the hashes that prove the checkpoint of that size to be the beginning of the newest, in base64
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use contracts::ledger::v1::Event;
use prost::Message as _;

/// Hashes of a full tile.
pub const WIDTH: u64 = 256;

/// A bundle that is being written.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    /// Whether what is there is believed later: then it is on the disk first.
    durable: bool,
}

impl Writer {
    /// A bundle in a folder that holds nothing yet; it is made where it is missing.
    pub fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        if fs::read_dir(folder)?.next().is_some() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "the folder is not empty",
            ));
        }
        Ok(Self {
            folder: folder.to_owned(),
            durable: false,
        })
    }

    /// A bundle that may hold an earlier state of the same log: what is full there never changes, and stays.
    pub fn go_on(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            durable: true,
        })
    }

    /// Whether a file is there already.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.folder.join(path).exists()
    }

    /// A file of the writer's own, beside what an auditor reads.
    pub fn beside(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.write(path, bytes)
    }

    /// The public key.
    pub fn key(&self, key: &str) -> io::Result<()> {
        self.write("key", format!("{}\n", key.trim_end()).as_bytes())
    }

    /// The newest checkpoint.
    pub fn checkpoint(&self, note: &str) -> io::Result<()> {
        self.write("checkpoint", note.as_bytes())
    }

    /// All checkpoints.
    pub fn checkpoints(&self, notes: &[String]) -> io::Result<()> {
        self.write("checkpoints", notes.join("\n").as_bytes())
    }

    /// The hashes of a tile.
    pub fn tile(&self, level: u32, index: u64, width: u64, hashes: &[u8]) -> io::Result<()> {
        self.write(&tile_path(level, index, width), hashes)
    }

    /// An entry bundle.
    pub fn entries(&self, index: u64, width: u64, bundle: &[u8]) -> io::Result<()> {
        self.write(&entries_path(index, width), bundle)
    }

    /// The events of 256 positions.
    pub fn events(&self, index: u64, width: u64, events: &[Event]) -> io::Result<()> {
        let bytes: Vec<u8> = events
            .iter()
            .flat_map(Event::encode_length_delimited_to_vec)
            .collect();
        self.write(&events_path(index, width), &bytes)
    }

    /// The proof that the newest checkpoint goes on from one of this size.
    pub fn proof(&self, size: u64, hashes: &[Vec<u8>]) -> io::Result<()> {
        let lines = hashes.iter().map(|it| BASE64_STANDARD.encode(it) + "\n");
        let text: String = lines.collect();
        self.write(&format!("proofs/{size}"), text.as_bytes())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.folder.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Whole or not at all: a later turn keeps what is there.
        let draft = path.with_extension("draft");
        let mut file = fs::File::create(&draft)?;
        io::Write::write_all(&mut file, bytes)?;
        if self.durable {
            file.sync_all()?;
        }
        fs::rename(draft, path)
    }
}

/// The events of a file of 256 positions; fewer than that at the end. Whether they are the log's is for
/// [`verify`](crate::verify()) to say.
pub fn read_events(folder: &Path, index: u64, width: u64) -> io::Result<Vec<Event>> {
    let path = events_path(index, width);
    let bytes = fs::read(folder.join(&path))?;
    let (mut rest, mut events) = (bytes.as_slice(), vec![]);
    while !rest.is_empty() {
        let event = Event::decode_length_delimited(&mut rest);
        events.push(event.map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{path}: {error}"))
        })?);
    }
    Ok(events)
}

/// The events of a bundle of this size, file by file.
pub fn events_of(folder: &Path, size: u64) -> impl Iterator<Item = io::Result<Vec<Event>>> {
    (0..size.div_ceil(WIDTH)).map(move |index| {
        let width = (size - index * WIDTH).min(WIDTH);
        read_events(folder, index, width)
    })
}

/// All checkpoints that a bundle lists.
pub fn read_checkpoints(folder: &Path) -> io::Result<Vec<String>> {
    Ok(notes(&fs::read_to_string(folder.join("checkpoints"))?))
}

/// The notes of a list: each has one empty line within, and one to the next.
pub(crate) fn notes(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split("\n\n").collect();
    let pairs = parts.chunks(2).filter(|it| *it != [""]);
    pairs
        .map(|pair| {
            let note = pair.join("\n\n");
            if note.ends_with('\n') {
                note
            } else {
                note + "\n"
            }
        })
        .collect()
}

/// The tiles of a log of this size: level, index and width of each; those of level 0 first.
pub fn tiles(size: u64) -> impl Iterator<Item = (u32, u64, u64)> {
    (0..8).flat_map(move |level| {
        let hashes: u64 = size >> (8 * level);
        let width = move |index: u64| (hashes - index * WIDTH).min(WIDTH);
        (0..hashes.div_ceil(WIDTH)).map(move |index| (level, index, width(index)))
    })
}

/// Where a tile is.
#[must_use]
pub fn tile_path(level: u32, index: u64, width: u64) -> String {
    format!("tile/{level}/{}", numbered(index, width))
}

/// Where the entries of a tile of level 0 are.
#[must_use]
pub fn entries_path(index: u64, width: u64) -> String {
    format!("tile/entries/{}", numbered(index, width))
}

/// Where the events of a tile of level 0 are.
#[must_use]
pub fn events_path(index: u64, width: u64) -> String {
    format!("events/{}", numbered(index, width))
}

/// How a tile's number and width stand in a path.
#[must_use]
pub fn numbered(index: u64, width: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < WIDTH {
        path += &format!(".p/{width}");
    }
    path
}

/// The whole entries that a bundle begins with, and whether nothing else is in it.
pub(crate) fn split(bundle: &[u8]) -> (Vec<&[u8]>, bool) {
    let mut entries = vec![];
    let mut rest = bundle;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let Some((entry, after)) = after.split_at_checked(u16::from_be_bytes(*length).into())
        else {
            break;
        };
        entries.push(entry);
        rest = after;
    }
    (entries, rest.is_empty())
}
