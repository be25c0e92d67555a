//! What witnesses said of a log: up to where, when, and whether it is as much as was asked for.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    note::Key,
    policy::Policy,
    report::{Finding, Report},
};

/// The cosignatures that were found.
pub(crate) struct Witnessed<'a> {
    policy: &'a Policy,
    /// By size, and by the witness's place in the policy: when it cosigned.
    times: BTreeMap<u64, BTreeMap<usize, u64>>,
}

impl<'a> Witnessed<'a> {
    pub(crate) fn by(policy: &'a Policy) -> Self {
        Self {
            policy,
            times: BTreeMap::new(),
        }
    }

    /// Takes what stands below a checkpoint that the log's key signed. What is not a known witness's is passed over.
    pub(crate) fn take(&mut self, note: &str, size: u64) -> Result<(), Finding> {
        for (at, witness) in self.policy.witnesses.iter().enumerate() {
            let time = witness.time(note).map_err(|_| {
                let name = witness.name();
                let problem = format!("the cosignature of {name} up to here is not its own");
                Finding::at(size.max(1), problem)
            })?;
            if let Some(time) = time {
                let times = self.times.entry(size).or_default();
                times
                    .entry(at)
                    .and_modify(|it| *it = time.max(*it))
                    .or_insert(time);
            }
        }
        Ok(())
    }

    /// Says who saw what of a log of this size; wrong where it is less than was asked for.
    pub(crate) fn check(&self, size: u64, report: &mut Report) -> Result<(), Finding> {
        for (at, witness) in self.policy.witnesses.iter().enumerate() {
            let name = witness.name();
            let newest = self.times.iter().rev();
            let newest = newest
                .filter_map(|(size, times)| Some((size, times.get(&at)?)))
                .next();
            match newest {
                Some((seen, time)) => {
                    let time = i64::try_from(*time)
                        .ok()
                        .and_then(|it| Timestamp::from_second(it).ok());
                    let time = time.map_or_else(|| "a time".to_owned(), |it| it.to_string());
                    report.holds.push(format!(
                        "{name} saw {seen} entries at {time}, and never another history"
                    ));
                }
                None => report.unclaimed.push(format!(
                    "what {name} saw: it cosigned none of these checkpoints"
                )),
            }
        }
        if !self.policy.asks() {
            report.unclaimed.push(ALONE.to_owned());
            return Ok(());
        }
        let met = |times: &BTreeMap<usize, u64>| self.policy.is_met(&|at| times.contains_key(&at));
        let quorum = self.times.iter().rev().find(|(_, times)| met(times));
        let Some((seen, _)) = quorum else {
            return Err(Finding::at(
                1,
                "no checkpoint is cosigned by as many witnesses as were asked for",
            ));
        };
        report.holds.push(format!(
            "as many witnesses as were asked for cosigned the first {seen} entries"
        ));
        if *seen < size {
            report.unclaimed.push(format!(
                "that everybody is shown the same entries after {seen}: not enough witnesses have cosigned them yet"
            ));
        }
        Ok(())
    }
}

/// What nobody can tell by the log's own signature.
pub(crate) const ALONE: &str = "that everybody is shown the same log: no witness was asked for (--policy, --witness); compare its \
    checkpoint with one that was kept elsewhere";

/// The key to check a log of this origin with, as far as a policy names it.
pub(crate) fn log_key(
    given: Option<&Key>,
    policy: Option<&Policy>,
    origin: &str,
) -> Result<Option<Key>, Finding> {
    let logs = policy.map_or(&[][..], |it| &it.logs);
    let named = logs.iter().find(|it| it.name() == origin);
    match (given, named) {
        (Some(given), _) if logs.is_empty() || logs.contains(given) => Ok(Some(given.clone())),
        (None, Some(named)) => Ok(Some(named.clone())),
        (None, None) if logs.is_empty() => Ok(None),
        _ => Err(Finding::at(
            1,
            "the log is none of those that the policy names",
        )),
    }
}
