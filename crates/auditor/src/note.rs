//! Reads signed notes and the checkpoints in them.

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::tree::{Hash, sha256};

/// The type byte of an Ed25519 key.
const ED25519_TYPE: u8 = 1;
/// The type byte of a witness's Ed25519 key.
const COSIGNATURE_TYPE: u8 = 4;

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
        read_key(text, ED25519_TYPE).ok_or(NoKey)
    }
}

/// The key in a text, if it is one of this type.
fn read_key(text: &str, kind: u8) -> Option<Key> {
    let mut parts = text.splitn(3, '+');
    let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
    let typed = BASE64_STANDARD.decode(key).ok()?;
    let (&typed_as, public) = typed.split_first()?;
    let hash = sha256(&[name.as_bytes(), b"\n", &typed]);
    let hex: String = hash[..4].iter().map(|it| format!("{it:02x}")).collect();
    let fits = !name.is_empty() && id == hex && typed_as == kind && public.len() == 32;
    fits.then(|| Key {
        text: text.to_owned(),
        name: name.to_owned(),
        id: [hash[0], hash[1], hash[2], hash[3]],
        public: public.to_vec(),
    })
}

/// A witness's public key: "name+id+key".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey(Key);

/// A text that is no key of a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a witness's key like witness.example+1a2b3c4d+BA…")]
pub struct NoWitness;

impl FromStr for WitnessKey {
    type Err = NoWitness;

    fn from_str(text: &str) -> Result<Self, NoWitness> {
        read_key(text, COSIGNATURE_TYPE).map(Self).ok_or(NoWitness)
    }
}

impl WitnessKey {
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it is the same key, whatever it is called.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }

    /// When this witness cosigned a note, in seconds since 1970; `None` where it did not. One false line in its name spoils all.
    pub(crate) fn time(&self, note: &str) -> Result<Option<u64>, NotTaken> {
        let (text, lines) = parts(note)?;
        let mut newest = None;
        for line in lines.iter().filter(|it| self.0.is_named(it)) {
            let (time, signature) = line.bytes.split_first_chunk().ok_or(NotTaken::Signature)?;
            let time = u64::from_be_bytes(*time);
            let signed = format!("cosignature/v1\ntime {time}\n{text}");
            let key = UnparsedPublicKey::new(&ED25519, &self.0.public);
            let verified = key.verify(signed.as_bytes(), signature).is_ok();
            if !verified || time == 0 || i64::try_from(time).is_err() {
                return Err(NotTaken::Signature);
            }
            newest = newest.max(Some(time));
        }
        Ok(newest)
    }
}

/// One signature below a note.
struct Line<'a> {
    name: &'a str,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// The text of a note, and the signatures below it.
fn parts(note: &str) -> Result<(&str, Vec<Line<'_>>), NotTaken> {
    let (body, signatures) = note.rsplit_once("\n\n").ok_or(NotTaken::Form)?;
    let lines = signatures.strip_suffix('\n').ok_or(NotTaken::Form)?;
    let read = |line| -> Option<Line<'_>> {
        let (name, encoded) = str::strip_prefix(line, "— ")?.split_once(' ')?;
        let bytes = BASE64_STANDARD.decode(encoded).ok()?;
        let (id, bytes) = bytes.split_first_chunk::<4>()?;
        Some(Line {
            name,
            id: *id,
            bytes: bytes.to_vec(),
        })
    };
    let lines: Option<Vec<Line<'_>>> = lines.split('\n').map(read).collect();
    Ok((&note[..=body.len()], lines.ok_or(NotTaken::Form)?))
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
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is the same key, whatever it is called.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.public == other.public
    }

    fn is_named(&self, line: &Line<'_>) -> bool {
        line.name == self.name && line.id == self.id
    }

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
        let (text, lines) = parts(note)?;
        let mut signed = false;
        for line in lines.iter().filter(|it| self.is_named(it)) {
            let key = UnparsedPublicKey::new(&ED25519, &self.public);
            key.verify(text.as_bytes(), &line.bytes)
                .map_err(|_| NotTaken::Signature)?;
            signed = true;
        }
        if signed {
            Ok(text)
        } else {
            Err(NotTaken::Signature)
        }
    }
}
