//! The pass over a bundle: every entry once, in order, until the first thing that is wrong.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    bundle::{WIDTH, notes, tile_path},
    fork::Forks,
    gone::Gone,
    note::{Checkpoint, Key, NotTaken},
    policy::Policy,
    report::{Finding, Report},
    stretch::{self, Events, Link, Stretch},
    tree::{Growing, Hash, continues},
    witnessed::{Witnessed, log_key},
};

/// What the auditor brings along.
#[derive(Debug, Default)]
pub struct Asked {
    /// The log's key, from somewhere else than the log.
    pub key: Option<Key>,
    /// Signed checkpoints that were kept elsewhere.
    pub kept: Vec<String>,
    /// Whose word is asked for beside the log's own.
    pub policy: Option<Policy>,
}

/// Checks a bundle in a folder.
#[must_use]
pub fn verify(folder: &Path, asked: &Asked) -> Report {
    let mut report = Report::default();
    if let Err(finding) = check(folder, asked, &mut report) {
        report.finding = Some(finding);
    }
    report
}

fn check(folder: &Path, asked: &Asked, report: &mut Report) -> Result<(), Finding> {
    let note = text(folder, "checkpoint").unwrap_or_default();
    let origin = note.lines().next().unwrap_or_default();
    let given = log_key(asked.key.as_ref(), asked.policy.as_ref(), origin)?;
    let key = match given {
        Some(key) => key,
        None => {
            let key = key_of(folder)?;
            report.unclaimed.push(format!(
                "whose key signed it: the key came with the log; compare it with the one that was published: {key}"
            ));
            key
        }
    };
    let none = Policy::default();
    let mut witnessed = Witnessed::by(asked.policy.as_ref().unwrap_or(&none));
    let signed = Signed::read(folder, &key, &asked.kept, &mut witnessed)?;
    if asked.kept.is_empty() {
        report.unclaimed.push(
            "that it was not rewritten as a whole and signed anew: only a checkpoint that was kept elsewhere can tell"
                .to_owned(),
        );
    }
    let Checkpoint { origin, size, .. } = &signed.newest;
    let log = origin.rsplit('/').next().unwrap_or_default();
    let with_events = folder.join("events").is_dir();
    let mut pass = Pass {
        folder,
        forks: Forks::of(signed.others.clone()),
        signed: &signed,
        gone: Gone::default(),
        tree: Growing::default(),
        agreed: 0,
        chain: Chain::of(*size),
    };
    pass.roots()?;
    let log = with_events.then_some(log);
    stretch::each(folder, log, *size, |index, stretch| {
        pass.take(index, stretch)
    })?;
    for (level, index, hashes) in pass.tree.partial() {
        compare(folder, level, index, hashes)?;
    }
    pass.gone.check(report)?;
    pass.forks.check(&key, &signed.newest, report)?;
    witnessed.check(*size, report)?;
    let proofs = proofs(folder, &signed)?;

    let count = signed.roots.values().map(Vec::len).sum::<usize>();
    report.holds.push(format!(
        "{size} entries lead to the checkpoint that was signed as {origin}"
    ));
    report.holds.push(format!(
        "{count} signed checkpoints lie on one history, {proofs} of them proved to others"
    ));
    if with_events {
        report.holds.push(format!(
            "{size} events are what was committed to, their versions and times in order"
        ));
    } else {
        report
            .unclaimed
            .push("what the events say: only the commitments to them were given".to_owned());
    }
    report
        .unclaimed
        .push("that everything was recorded: no log shows what never reached it".to_owned());
    Ok(())
}

fn key_of(folder: &Path) -> Result<Key, Finding> {
    let text = text(folder, "key").ok_or_else(|| Finding::at(1, "there is no key"))?;
    let key = text.strip_suffix('\n').unwrap_or(&text).parse();
    key.map_err(|it| Finding::at(1, format!("the key {it}")))
}

/// A file's text. What is no UTF-8 must not pass for a file that is not there: it is read with a mark in its place.
fn text(folder: &Path, path: &str) -> Option<String> {
    let bytes = fs::read(folder.join(path)).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What was signed, and must come out at each size.
struct Signed {
    newest: Checkpoint,
    /// What was signed under other names.
    others: Vec<(Checkpoint, &'static str)>,
    roots: BTreeMap<u64, Vec<(Hash, &'static str)>>,
}

impl Signed {
    fn read(
        folder: &Path,
        key: &Key,
        kept: &[String],
        witnessed: &mut Witnessed<'_>,
    ) -> Result<Self, Finding> {
        let note =
            text(folder, "checkpoint").ok_or_else(|| Finding::at(1, "there is no checkpoint"))?;
        let newest = key.open(&note);
        let newest = newest.map_err(|error| refused(&note, "the checkpoint", error))?;
        let listed = text(folder, "checkpoints").unwrap_or_default();
        let listed = notes(&listed).into_iter();
        let listed = listed.map(|it| (it, "a checkpoint of the list"));
        let kept = kept.iter().map(|it| (it.clone(), "the kept checkpoint"));
        let first = [(note, "the checkpoint")];
        let mut all = vec![];
        for (note, what) in first.into_iter().chain(listed).chain(kept) {
            let opened = open(key, &note, what)?;
            if opened.origin == newest.origin {
                witnessed.take(&note, opened.size)?;
            }
            all.push((opened, what));
        }
        let mut roots: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        let mut others = vec![];
        for (it, what) in all {
            if it.origin != newest.origin {
                others.push((it, what));
                continue;
            }
            if it.size > newest.size {
                let (size, end) = (it.size, newest.size);
                let problem =
                    format!("is missing: {what} has {size} entries, but the log ends at {end}");
                return Err(Finding::at(end + 1, problem));
            }
            roots.entry(it.size).or_default().push((it.root, what));
        }
        Ok(Self {
            newest,
            others,
            roots,
        })
    }
}

impl Signed {
    /// What was signed at a size, under whichever name.
    fn root(&self, size: u64) -> Option<Hash> {
        let here = self.roots.get(&size).and_then(|it| it.first());
        let before = self.others.iter().find(|it| it.0.size == size);
        here.map(|it| it.0).or(before.map(|it| it.0.root))
    }
}

/// Opens a note, whichever name of the log it bears: forks tell later which names those are.
fn open(key: &Key, note: &str, what: &str) -> Result<Checkpoint, Finding> {
    let name = note.lines().next().unwrap_or_default();
    let opened = key
        .open(note)
        .or_else(|error| key.named(name).open(note).map_err(|_| error));
    opened.map_err(|error| refused(note, what, error))
}

fn refused(note: &str, what: &str, error: NotTaken) -> Finding {
    let size = note.lines().nth(1).and_then(|it| it.parse().ok());
    Finding::at(
        size.unwrap_or(1).max(1),
        format!("{what} up to here {error}"),
    )
}

struct Pass<'a> {
    folder: &'a Path,
    forks: Forks,
    signed: &'a Signed,
    gone: Gone,
    tree: Growing,
    /// The last size at which the tree was what was signed.
    agreed: u64,
    chain: Chain,
}

impl Pass<'_> {
    /// Holds the next 256 positions against those before: the events, and the tiles that their entries fill.
    fn take(&mut self, index: u64, stretch: Stretch) -> Result<(), Finding> {
        let first = index * WIDTH;
        if let Some(mut events) = stretch.events {
            for (position, link) in (first + 1..).zip(&mut events.links) {
                if let Some(fork) = link.fork.take() {
                    self.forks.declared(position, fork);
                }
                if link.gone {
                    self.gone.is_gone(position);
                }
                self.gone.ordered(&link.erases);
            }
            self.chain.take(first, events)?;
        }
        let entries = stretch.entries;
        for hash in entries.leaves {
            let mut wrong = None;
            let folder = self.folder;
            self.tree.push(hash, |level, index, hashes| {
                if level > 0 && wrong.is_none() {
                    wrong = compare(folder, level, index, hashes).err();
                }
            });
            if let Some(finding) = wrong {
                return Err(finding);
            }
            self.roots()?;
        }
        entries.wrong.map_or(Ok(()), Err)
    }

    /// Whether the tree, as it is now, is what was signed at its size.
    fn roots(&mut self) -> Result<(), Finding> {
        let size = self.tree.size();
        self.forks.passes(size, || self.tree.root());
        let Some(roots) = self.signed.roots.get(&size) else {
            return Ok(());
        };
        let root = self.tree.root();
        if let Some((_, what)) = roots.iter().find(|it| it.0 != root) {
            let first = self.agreed + 1;
            let problem = format!(
                "from here to {size} the log is not what {what} of size {size} was signed over"
            );
            return Err(Finding::at(first.min(size.max(1)), problem));
        }
        self.agreed = size;
        Ok(())
    }
}

/// Compares a tile with the hashes that it must have.
fn compare(folder: &Path, level: u32, index: u64, hashes: &[Hash]) -> Result<(), Finding> {
    let path = tile_path(level, index, hashes.len() as u64);
    let span = 1_u64 << (8 * level);
    let at = |hash: u64| (index * WIDTH + hash) * span + 1;
    let bytes = fs::read(folder.join(&path))
        .map_err(|_| Finding::at(at(0), format!("{path} is missing")))?;
    let (tile, rest) = bytes.as_chunks::<32>();
    let wrong = (0..)
        .zip(hashes)
        .find(|(hash, it)| tile.get(*hash) != Some(it));
    if let Some((hash, _)) = wrong {
        let hash = hash as u64;
        let last = at(hash + 1) - 1;
        let problem = format!("{path} has a wrong hash over this position up to {last}");
        return Err(Finding::at(at(hash), problem));
    }
    if tile.len() > hashes.len() || !rest.is_empty() {
        let last = (hashes.len() as u64).saturating_sub(1);
        let problem = format!("{path} goes on after the hash over it");
        return Err(Finding::at(at(last), problem));
    }
    Ok(())
}

/// Checks the proofs that came along; how many.
fn proofs(folder: &Path, signed: &Signed) -> Result<usize, Finding> {
    let newest = (signed.newest.size, signed.newest.root);
    let names = fs::read_dir(folder.join("proofs"))
        .into_iter()
        .flatten()
        .flatten();
    let mut sizes = vec![];
    for name in names {
        let name = name.file_name().to_string_lossy().into_owned();
        sizes.push(
            name.parse::<u64>()
                .map_err(|_| Finding::at(1, format!("proofs/{name} is no proof")))?,
        );
    }
    sizes.sort_unstable();
    for size in &sizes {
        let wrong = |problem: &str| Finding::at((*size).max(1), format!("proofs/{size} {problem}"));
        let root = signed.root(*size);
        let root = root.ok_or_else(|| wrong("is of no checkpoint"))?;
        let text =
            text(folder, &format!("proofs/{size}")).ok_or_else(|| wrong("cannot be read"))?;
        let hashes: Option<Vec<Hash>> = text
            .lines()
            .map(|it| BASE64_STANDARD.decode(it).ok()?.try_into().ok())
            .collect();
        let hashes = hashes.filter(|_| text.is_empty() || text.ends_with('\n'));
        let hashes = hashes.ok_or_else(|| wrong("is not made of hashes"))?;
        if !continues((*size, root), newest, &hashes) {
            return Err(wrong("does not lead to the newest checkpoint"));
        }
    }
    Ok(sizes.len())
}

/// What the events must agree with, from one to the next.
struct Chain {
    recorded_at: u64,
    versions: HashMap<String, u64>,
    ids: HashSet<[u8; 16]>,
}

impl Chain {
    fn of(size: u64) -> Self {
        // A wrong size must not ask for memory that nobody has.
        let room = usize::try_from(size.min(1 << 20)).unwrap_or_default();
        Self {
            recorded_at: 0,
            versions: HashMap::new(),
            ids: HashSet::with_capacity(room),
        }
    }

    /// Takes the events of 256 positions.
    fn take(&mut self, first: u64, events: Events) -> Result<(), Finding> {
        for (position, link) in (first + 1..).zip(events.links) {
            self.one(link)
                .map_err(|problem| Finding::at(position, problem))?;
        }
        events.wrong.map_or(Ok(()), Err)
    }

    fn one(&mut self, link: Link) -> Result<(), String> {
        if link.recorded_at <= self.recorded_at {
            return Err("it was recorded no later than the one before".to_owned());
        }
        self.recorded_at = link.recorded_at;
        let known = self.versions.get_mut(&link.stream);
        let due = known.as_deref().copied().unwrap_or_default() + 1;
        if link.version != due {
            let Link {
                stream, version, ..
            } = link;
            return Err(format!(
                "it is version {version} of {stream}, where {due} is due"
            ));
        }
        match known {
            Some(version) => *version = due,
            None => {
                self.versions.insert(link.stream, due);
            }
        }
        if self.ids.insert(link.event_id) {
            Ok(())
        } else {
            Err("its id was used before".to_owned())
        }
    }
}
