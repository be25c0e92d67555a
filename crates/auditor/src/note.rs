//! Reads signed notes and the checkpoints in them.

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::tree::{Hash, sha256};

/// The type byte of an Ed25519 key.
const ED25519_TYPE: u8 = 1;

/// Somebody's public key: "name+id+key".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    text: String,
    name: String,
    id: [u8; 4],
    public: Vec<u8>,
}

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an Ed25519 verifier key like example.org/log+1a2b3c4d+AW…")]
pub struct NoKey;

/// Why a checkpoint is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It has not the form of a signed checkpoint.
    #[error("is not a signed checkpoint")]
    Form,
    /// The key did not sign it.
    #[error("is not signed by the key")]
    Signature,
}

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoKey);
        };
        let typed = BASE64_STANDARD.decode(key).map_err(|_| NoKey)?;
        let (&kind, public) = typed.split_first().ok_or(NoKey)?;
        let hash = sha256(&[name.as_bytes(), b"\n", &typed]);
        let hex: String = hash[..4].iter().map(|it| format!("{it:02x}")).collect();
        if name.is_empty() || id != hex || kind != ED25519_TYPE || public.len() != 32 {
            return Err(NoKey);
        }
        Ok(Self {
            text: text.to_owned(),
            name: name.to_owned(),
            id: [hash[0], hash[1], hash[2], hash[3]],
            public: public.to_vec(),
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a log was signed to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) origin: String,
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

impl Key {
    /// The same key under another name: a log that was forked keeps its key.
    pub(crate) fn named(&self, name: &str) -> Self {
        let typed = [&[ED25519_TYPE], self.public.as_slice()].concat();
        let hash = sha256(&[name.as_bytes(), b"\n", &typed]);
        let id = [hash[0], hash[1], hash[2], hash[3]];
        let hex: String = id.iter().map(|it| format!("{it:02x}")).collect();
        Self {
            text: format!("{name}+{hex}+{}", BASE64_STANDARD.encode(typed)),
            name: name.to_owned(),
            id,
            public: self.public.clone(),
        }
    }

    /// Reads a checkpoint that this key signed.
    pub(crate) fn open(&self, note: &str) -> Result<Checkpoint, NotTaken> {
        let text = self.signed_text(note)?;
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(NotTaken::Form);
        };
        let canonical = size == "0" || !size.starts_with('0');
        let digits = size.bytes().all(|it| it.is_ascii_digit());
        let size = size.parse().ok().filter(|_| canonical && digits);
        let root = BASE64_STANDARD.decode(root).ok();
        let root = root.and_then(|it| it.try_into().ok());
        match (size, root) {
            (Some(size), Some(root)) if !origin.is_empty() && lines.all(|it| !it.is_empty()) => {
                Ok(Checkpoint {
                    origin: origin.to_owned(),
                    size,
                    root,
                })
            }
            _ => Err(NotTaken::Form),
        }
    }

    /// The text that stands above the signatures, one of which must be ours. Those of others are left alone.
    fn signed_text<'a>(&self, note: &'a str) -> Result<&'a str, NotTaken> {
        let (body, signatures) = note.rsplit_once("\n\n").ok_or(NotTaken::Form)?;
        let text = &note[..=body.len()];
        let mut signed = false;
        let lines = signatures.strip_suffix('\n').ok_or(NotTaken::Form)?;
        for line in lines.split('\n') {
            let (name, encoded) = line
                .strip_prefix("— ")
                .and_then(|it| it.split_once(' '))
                .ok_or(NotTaken::Form)?;
            let bytes = BASE64_STANDARD
                .decode(encoded)
                .map_err(|_| NotTaken::Form)?;
            let (id, signature) = bytes.split_first_chunk::<4>().ok_or(NotTaken::Form)?;
            if name == self.name && *id == self.id {
                let key = UnparsedPublicKey::new(&ED25519, &self.public);
                key.verify(text.as_bytes(), signature)
                    .map_err(|_| NotTaken::Signature)?;
                signed = true;
            }
        }
        if signed {
            Ok(text)
        } else {
            Err(NotTaken::Signature)
        }
    }
}
