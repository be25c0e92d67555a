//! Forks: a log that says of itself that what had been signed was lost, and goes on under another name. What was signed under the
//! old name before that place must still come out; what was signed behind it was left, and is told.

use std::collections::BTreeMap;

use contracts::ledger::v1::{ForkGround, LogForked};
use prost::Message as _;

use crate::{
    event::Event,
    note::{Checkpoint, Key},
    report::{Finding, Report},
    tree::Hash,
};

const TYPE: &str = "ledger.LogForked";

/// The fork that an event declares, if it does.
pub(crate) fn read(event: &Event<'_>) -> Result<Option<LogForked>, String> {
    if event.kind != TYPE {
        return Ok(None);
    }
    let fork = LogForked::decode(event.facts);
    fork.map(Some).map_err(|_| format!("it is no {TYPE}"))
}

/// What was signed under other names than the newest, and the forks that tell why.
#[derive(Default)]
pub(crate) struct Forks {
    /// What must have come out at each size, unless it was left.
    others: Vec<(Checkpoint, &'static str)>,
    /// What came out there.
    roots: BTreeMap<u64, Hash>,
    declared: Vec<(u64, LogForked)>,
}

impl Forks {
    pub(crate) fn of(others: Vec<(Checkpoint, &'static str)>) -> Self {
        Self {
            others,
            ..Self::default()
        }
    }

    /// Notes what the tree is at a size that another name was signed at.
    pub(crate) fn passes(&mut self, size: u64, root: impl FnOnce() -> Hash) {
        if self.others.iter().any(|it| it.0.size == size) {
            self.roots.insert(size, root());
        }
    }

    pub(crate) fn declared(&mut self, position: u64, fork: LogForked) {
        self.declared.push((position, fork));
    }

    /// Whether the names follow each other by what was declared, and each was signed for what the log still is, or was left.
    pub(crate) fn check(
        &self,
        key: &Key,
        newest: &Checkpoint,
        report: &mut Report,
    ) -> Result<(), Finding> {
        let mut left = BTreeMap::new();
        let mut name = None;
        for (position, fork) in &self.declared {
            let wrong = |problem: &str| Finding::at(*position, problem);
            let origin = fork.checkpoint.lines().next().unwrap_or_default();
            let old = key.named(origin).open(&fork.checkpoint);
            let old = old.map_err(|_| {
                wrong("a fork is declared from a checkpoint that the key did not sign")
            })?;
            if name.as_ref().is_some_and(|it| *it != old.origin) {
                return Err(wrong(
                    "a fork is declared from a name that the log did not have",
                ));
            }
            report.holds.push(format!(
                "at position {position} a fork was declared ({}): {} events had been signed as {origin}; the log has those before the \
                 fork, and goes on as {}",
                ground(fork), old.size, fork.origin
            ));
            name = Some(fork.origin.clone());
            left.insert(old.origin, *position);
        }
        if name.is_some_and(|it| it != newest.origin) {
            let problem = "the log goes on under another name than the fork declared";
            return Err(Finding::at(
                self.declared.last().map_or(1, |it| it.0),
                problem,
            ));
        }
        for (it, what) in &self.others {
            let Some(position) = left.get(&it.origin) else {
                let problem = format!("{what} is of another log: {}", it.origin);
                return Err(Finding::at(it.size.max(1), problem));
            };
            let size = it.size;
            if size >= *position {
                let problem = format!(
                    "from here on, {what} of size {size} is of a history that was left: a fork was declared here"
                );
                return Err(Finding::at(*position, problem));
            }
            if self.roots.get(&size) != Some(&it.root) {
                let problem = format!(
                    "up to {size} the log is not what {what} of size {size} was signed over"
                );
                return Err(Finding::at(1, problem));
            }
        }
        Ok(())
    }
}

fn ground(fork: &LogForked) -> &'static str {
    match fork.ground() {
        ForkGround::EventsLost => "events were lost",
        ForkGround::LogChanged => "the log was changed",
        ForkGround::Unspecified => "no ground was given",
    }
}
