//! What a backup of a log has beside its audit bundle:
//!
//! ```text
//! backup                     what it is, the log's command key, how many events were not signed yet and their digest; and then a
//!                            line for each reaction, with the position up to which it has come
//! fingerprints/<N>[.p/<W>]   what each event's command was asked, 32 bytes for each position (zeros: not known), then a digest
//! unsigned                   the events behind the newest checkpoint, as in a file of events
//! ```

use std::{fs, path::Path};

use anyhow::Context as _;
use auditor::bundle::{WIDTH, Writer, numbered};
use aws_lc_rs::digest::{SHA256, digest};
use chassis::cloudevents::{hex, unhex};
use contracts::ledger::v1::Event;
use prost::Message as _;

const KIND: &str = "cozum/backup/v1";
const UNSIGNED: &str = "unsigned";

/// The fingerprint of a command; `None` where it is not known.
pub(super) type Fingerprint = Option<[u8; 32]>;

/// Where the fingerprints of 256 positions are.
pub(super) fn fingerprints_path(index: u64, width: u64) -> String {
    format!("fingerprints/{}", numbered(index, width))
}

pub(super) fn write_fingerprints(
    writer: &Writer,
    index: u64,
    fingerprints: &[Fingerprint],
) -> anyhow::Result<()> {
    let known = |it: &Fingerprint| it.unwrap_or_default();
    let mut bytes: Vec<u8> = fingerprints.iter().flat_map(known).collect();
    bytes.extend(sha256(&bytes));
    let path = fingerprints_path(index, fingerprints.len() as u64);
    Ok(writer.beside(&path, &bytes)?)
}

/// The fingerprints of a stretch; what is wrong is told by its first position.
pub(super) fn read_fingerprints(
    folder: &Path,
    index: u64,
    width: u64,
) -> anyhow::Result<Vec<Fingerprint>> {
    let (path, first) = (fingerprints_path(index, width), index * WIDTH + 1);
    let wrong = |problem: &str| anyhow::anyhow!("position {first}: {path} {problem}");
    let bytes = fs::read(folder.join(&path)).map_err(|_| wrong("is missing"))?;
    let (known, told) = bytes
        .split_last_chunk::<32>()
        .ok_or_else(|| wrong("is cut off"))?;
    let (known, rest) = known.as_chunks::<32>();
    if sha256(known.as_flattened()) != *told || !rest.is_empty() || known.len() as u64 != width {
        return Err(wrong("is not what was written"));
    }
    Ok(known
        .iter()
        .map(|it| Some(*it).filter(|it| *it != [0; 32]))
        .collect())
}

/// What stands in a backup for itself.
pub(super) struct Backed {
    pub(super) command_key: [u8; 32],
    /// The events that were not signed yet.
    pub(super) unsigned: Vec<Event>,
    /// How far each reaction had come.
    pub(super) reactions: Vec<(String, u64)>,
}

impl Backed {
    pub(super) fn write(&self, writer: &Writer) -> anyhow::Result<()> {
        let events: Vec<u8> = self
            .unsigned
            .iter()
            .flat_map(Event::encode_length_delimited_to_vec)
            .collect();
        writer.beside(UNSIGNED, &events)?;
        let lines = self.reactions.iter();
        let reactions: String = lines.map(|(name, at)| format!("{at} {name}\n")).collect();
        let text = format!(
            "{KIND}\ncommand-key {}\nunsigned {} {}\n{reactions}",
            hex(&self.command_key),
            self.unsigned.len(),
            hex(&sha256(&events)),
        );
        Ok(writer.beside("backup", text.as_bytes())?)
    }

    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(folder.join("backup"))
            .context("there is no file `backup`: an audit bundle alone is not a backup")?;
        let lines: Vec<&str> = text.lines().collect();
        let [KIND, key, unsigned, ref reactions @ ..] = lines[..] else {
            anyhow::bail!("the file `backup` is not of the kind {KIND}");
        };
        let key = key
            .strip_prefix("command-key ")
            .and_then(|it| unhex(it)?.try_into().ok());
        let command_key = key.context("the file `backup` has no command key")?;
        let bytes = fs::read(folder.join(UNSIGNED)).context(UNSIGNED)?;
        let mut rest = &bytes[..];
        let mut events = vec![];
        while !rest.is_empty() {
            let event = Event::decode_length_delimited(&mut rest);
            events.push(event.context("the file `unsigned` does not hold events")?);
        }
        let told = format!("unsigned {} {}", events.len(), hex(&sha256(&bytes)));
        anyhow::ensure!(
            unsigned == told,
            "the events that were not signed yet are not those that were written"
        );
        let reaction = |line: &&str| {
            let (at, name) = line.split_once(' ')?;
            Some((name.to_owned(), at.parse().ok()?))
        };
        let reactions: Option<Vec<_>> = reactions.iter().map(reaction).collect();
        Ok(Self {
            command_key,
            unsigned: events,
            reactions: reactions.context("the file `backup` has a line that is no reaction's")?,
        })
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
