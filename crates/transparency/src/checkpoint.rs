//! A tree's state in the words of tlog-checkpoint: whose log it is, how many entries it has, and their root.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{Hash, tile::decimal};

/// The body of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// A text that is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the text of a checkpoint")]
pub struct NoCheckpoint;

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = BASE64_STANDARD.encode(self.root);
        write!(f, "{}\n{}\n{root}\n", self.origin, self.size)
    }
}

impl FromStr for Checkpoint {
    type Err = NoCheckpoint;

    /// Reads the first three lines. Ours have no extension lines, those of others may.
    fn from_str(text: &str) -> Result<Self, NoCheckpoint> {
        let lines: Vec<&str> = text
            .strip_suffix('\n')
            .ok_or(NoCheckpoint)?
            .split('\n')
            .collect();
        let [origin, size, root, ref extensions @ ..] = lines[..] else {
            return Err(NoCheckpoint);
        };
        let root = BASE64_STANDARD.decode(root).map_err(|_| NoCheckpoint)?;
        if origin.is_empty() || extensions.contains(&"") {
            return Err(NoCheckpoint);
        }
        Ok(Self {
            origin: origin.to_owned(),
            size: decimal(size).ok_or(NoCheckpoint)?,
            root: root.try_into().map_err(|_| NoCheckpoint)?,
        })
    }
}
