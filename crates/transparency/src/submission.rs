//! What a log asks a witness, and what the witness decides ([tlog-witness], `add-checkpoint`).
//!
//! [tlog-witness]: https://c2sp.org/tlog-witness

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    Checkpoint, Hash, NotSigned, Note, VerifierKey, hash, proof::continues, tile::decimal,
};

/// More hashes no proof over 64-bit sizes has.
const MOST: usize = 63;

/// A checkpoint that is to be cosigned, with the proof that it goes on from an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The size of the older one; 0 for none.
    pub old: u64,
    /// That the newer one goes on from it.
    pub proof: Vec<Hash>,
    /// A signed note.
    pub checkpoint: String,
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCosigned {
    /// It is not written as it must be.
    #[error("is not a checkpoint with a consistency proof")]
    Malformed,
    /// Nobody told the witness of this log.
    #[error("no such log is witnessed here")]
    UnknownLog,
    /// The log's key did not sign it.
    #[error("is not signed by the log's key")]
    Signature,
    /// Another size than the old one was cosigned last.
    #[error("the checkpoint of size {0} was cosigned last")]
    Stale(u64),
    /// It does not go on from what was cosigned.
    #[error("does not go on from what was cosigned")]
    Inconsistent,
}

/// What may be cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistent {
    /// What the log says of itself.
    pub checkpoint: Checkpoint,
    /// The text that is cosigned.
    pub text: String,
    /// The log's own signatures of it, those that were checked.
    pub signatures: String,
}

impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", BASE64_STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Submission {
    type Err = NotCosigned;

    fn from_str(text: &str) -> Result<Self, NotCosigned> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(NotCosigned::Malformed)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|it| it.strip_prefix("old "));
        let proof: Option<Vec<Hash>> = lines
            .map(|it| BASE64_STANDARD.decode(it).ok()?.try_into().ok())
            .collect();
        Ok(Self {
            old: old.and_then(decimal).ok_or(NotCosigned::Malformed)?,
            proof: proof
                .filter(|it| it.len() <= MOST)
                .ok_or(NotCosigned::Malformed)?,
            checkpoint: checkpoint.to_owned(),
        })
    }
}

impl Submission {
    /// Whose log it says it is of.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.checkpoint.lines().next().unwrap_or_default()
    }

    /// Whether a witness cosigns this, who knows these logs' keys and cosigned `latest` of this origin last.
    pub fn judge(
        &self,
        known: &[VerifierKey],
        latest: Option<&Checkpoint>,
    ) -> Result<Consistent, NotCosigned> {
        let note = Note::read(&self.checkpoint).map_err(|_| NotCosigned::Malformed)?;
        let checkpoint: Checkpoint = note.text.parse().map_err(|_| NotCosigned::Malformed)?;
        let keys = known.iter().filter(|it| it.name() == checkpoint.origin);
        let signatures = signatures(&note, keys)?;
        // No log is as long as what a database's number cannot hold.
        if self.old > checkpoint.size || i64::try_from(checkpoint.size).is_err() {
            return Err(NotCosigned::Malformed);
        }
        let before = latest.map_or(0, |it| it.size);
        if self.old != before {
            return Err(NotCosigned::Stale(before));
        }
        let root = latest.map_or_else(|| hash::root(&[]), |it| it.root);
        let empty = checkpoint.size > 0 || checkpoint.root == hash::root(&[]);
        if empty
            && continues(
                (before, root),
                (checkpoint.size, checkpoint.root),
                &self.proof,
            )
        {
            Ok(Consistent {
                text: note.text.to_owned(),
                checkpoint,
                signatures,
            })
        } else {
            Err(NotCosigned::Inconsistent)
        }
    }
}

/// The lines with the signatures of these keys, one of which must have signed.
fn signatures<'a>(
    note: &Note<'_>,
    keys: impl Iterator<Item = &'a VerifierKey>,
) -> Result<String, NotCosigned> {
    let (mut lines, mut known) = (String::new(), false);
    for key in keys {
        known = true;
        match key.check(note) {
            Ok(checked) => lines += checked.line,
            Err(NotSigned::Signature) if !note.claims(key) => {}
            Err(_) => return Err(NotCosigned::Signature),
        }
    }
    match (known, lines.is_empty()) {
        (false, _) => Err(NotCosigned::UnknownLog),
        (true, true) => Err(NotCosigned::Signature),
        (true, false) => Ok(lines),
    }
}
