//! Signed notes: a text, and who stands by it with an Ed25519 signature, of the text alone or with the time of signing
//! ([tlog-cosignature]).
//!
//! [tlog-cosignature]: https://c2sp.org/tlog-cosignature

use std::{fmt, str::FromStr};

use aws_lc_rs::{
    rand,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::hash::digest;

/// How a key signs; its number is the type byte of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The text of a note: a log signs so.
    Signature = 1,
    /// The text behind the time: a witness signs so.
    Cosignature = 4,
}

/// A key that signs notes under a name.
pub struct SigningKey {
    name: String,
    kind: Kind,
    pair: Ed25519KeyPair,
}

/// The public half of somebody's key: "name+id+key".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: Kind,
    public: [u8; 32],
}

/// A note as it was given; nobody's signature was looked at yet.
#[derive(Debug, Clone)]
pub struct Note<'a> {
    /// What was signed; it ends with a newline.
    pub text: &'a str,
    signatures: Vec<Line<'a>>,
}

/// One signature of a note.
#[derive(Debug, Clone)]
struct Line<'a> {
    whole: &'a str,
    name: &'a str,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// A signature that was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked<'a> {
    /// The line as it stands in the note, with its newline.
    pub line: &'a str,
    /// Of a cosignature: when it was made, in seconds since 1970.
    pub time: Option<u64>,
}

/// Why a note is not taken, or a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// A key's name has a space, a plus or nothing in it.
    #[error("a key's name has no space and no plus")]
    Name,
    /// It is no seed of an Ed25519 key.
    #[error("is not the seed of an Ed25519 key")]
    Seed,
    /// It has not the form of a public key.
    #[error("is not an Ed25519 verifier key like example.org/log+1a2b3c4d+AW…")]
    Key,
    /// It has not the form of a signed note.
    #[error("is not a signed note")]
    Form,
    /// This key did not sign it.
    #[error("is not signed by this key")]
    Signature,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier_key())
    }
}

impl SigningKey {
    /// The key of a log of this name, from its 32 secret bytes.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NotSigned> {
        Self::of(Kind::Signature, name, seed)
    }

    /// The key of a witness of this name. The name is not in what it signs, so no two witnesses may have the same seed.
    pub fn of_witness(name: &str, seed: &[u8; 32]) -> Result<Self, NotSigned> {
        Self::of(Kind::Cosignature, name, seed)
    }

    fn of(kind: Kind, name: &str, seed: &[u8; 32]) -> Result<Self, NotSigned> {
        if !is_name(name) {
            return Err(NotSigned::Name);
        }
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NotSigned::Seed)?;
        Ok(Self {
            name: name.to_owned(),
            kind,
            pair,
        })
    }

    /// 32 new secret bytes.
    pub fn seed() -> Result<[u8; 32], NotSigned> {
        let mut seed = [0; 32];
        rand::fill(&mut seed).map_err(|_| NotSigned::Seed)?;
        Ok(seed)
    }

    /// Under which name it signs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public half, as others are given it: "name+id+key".
    #[must_use]
    pub fn verifier_key(&self) -> String {
        self.verifier().to_string()
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        let mut public = [0; 32];
        public.copy_from_slice(self.pair.public_key().as_ref());
        VerifierKey {
            name: self.name.clone(),
            kind: self.kind,
            public,
        }
    }

    /// The text, which ends with a newline, with this key's signature below.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        format!("{text}\n{}", self.line(text, &[]))
    }

    /// This key's cosignature of a text, made at this time: a line to be put below it.
    #[must_use]
    pub fn cosign(&self, text: &str, time: u64) -> String {
        self.line(&timed(text, time), &time.to_be_bytes())
    }

    fn line(&self, signed: &str, before: &[u8]) -> String {
        let signature = self.pair.sign(signed.as_bytes());
        let bytes = [&self.verifier().id()[..], before, signature.as_ref()].concat();
        format!("— {} {}\n", self.name, BASE64_STANDARD.encode(bytes))
    }

    /// The text of a note that this key signed.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NotSigned> {
        let note = Note::read(note)?;
        self.verifier().check(&note)?;
        Ok(note.text)
    }
}

impl FromStr for VerifierKey {
    type Err = NotSigned;

    fn from_str(text: &str) -> Result<Self, NotSigned> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NotSigned::Key);
        };
        let typed = BASE64_STANDARD.decode(key).map_err(|_| NotSigned::Key)?;
        let (kind, public) = typed.split_first().ok_or(NotSigned::Key)?;
        let kind = [Kind::Signature, Kind::Cosignature]
            .into_iter()
            .find(|it| *it as u8 == *kind);
        let key = Self {
            name: name.to_owned(),
            kind: kind.ok_or(NotSigned::Key)?,
            public: public.try_into().map_err(|_| NotSigned::Key)?,
        };
        // The id says the same again: who mistyped either is told.
        let same = is_name(name) && key.to_string() == text;
        same.then_some(key).ok_or(NotSigned::Key)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64_STANDARD.encode(self.typed());
        write!(f, "{}+{key}", self.named())
    }
}

impl VerifierKey {
    /// Whose it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name and its id, which tell it from all others: "name+id".
    #[must_use]
    pub fn named(&self) -> String {
        named(&self.name, self.id())
    }

    /// How it signs.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// This key's signature of a note. One that does not verify spoils the note, whatever else stands in it.
    pub fn check<'a>(&self, note: &Note<'a>) -> Result<Checked<'a>, NotSigned> {
        let id = self.id();
        let ours = |it: &&Line<'a>| it.name == self.name && it.id == id;
        let mut checked = None;
        for line in note.signatures.iter().filter(ours) {
            let time = self.verify(note.text, &line.bytes)?;
            checked = checked.or(Some(Checked {
                line: line.whole,
                time,
            }));
        }
        checked.ok_or(NotSigned::Signature)
    }

    fn verify(&self, text: &str, bytes: &[u8]) -> Result<Option<u64>, NotSigned> {
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        let verified = |signed: &str, signature: &[u8]| {
            let verified = key.verify(signed.as_bytes(), signature);
            verified.map_err(|_| NotSigned::Signature)
        };
        match self.kind {
            Kind::Signature => {
                verified(text, bytes)?;
                Ok(None)
            }
            Kind::Cosignature => {
                let (time, signature) = bytes.split_first_chunk().ok_or(NotSigned::Signature)?;
                let time = u64::from_be_bytes(*time);
                verified(&timed(text, time), signature)?;
                let possible = time > 0 && i64::try_from(time).is_ok();
                possible.then_some(Some(time)).ok_or(NotSigned::Signature)
            }
        }
    }

    fn typed(&self) -> Vec<u8> {
        [&[self.kind as u8], &self.public[..]].concat()
    }

    fn id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = digest(&[self.name.as_bytes(), b"\n", &self.typed()]);
        [a, b, c, d]
    }
}

impl<'a> Note<'a> {
    /// Reads a note.
    pub fn read(note: &'a str) -> Result<Self, NotSigned> {
        let (before, signatures) = note.rsplit_once("\n\n").ok_or(NotSigned::Form)?;
        let control = |it: char| it.is_ascii_control() && it != '\n' && it != '\x7f';
        if note.contains(control) || !signatures.ends_with('\n') {
            return Err(NotSigned::Form);
        }
        let lines: Option<Vec<Line<'a>>> =
            signatures.split_inclusive('\n').map(Line::read).collect();
        Ok(Self {
            text: &note[..=before.len()],
            signatures: lines.ok_or(NotSigned::Form)?,
        })
    }

    /// Whose signatures these say they are, as [`VerifierKey::named`] has it, and the line of each.
    pub fn signers(&self) -> impl Iterator<Item = (String, &'a str)> {
        let signers = self.signatures.iter();
        signers.map(|it| (named(it.name, it.id), it.whole))
    }

    /// Whether a signature says that it is this key's, be it true or not.
    pub(crate) fn claims(&self, key: &VerifierKey) -> bool {
        let id = key.id();
        self.signatures
            .iter()
            .any(|it| it.name == key.name && it.id == id)
    }
}

impl<'a> Line<'a> {
    fn read(whole: &'a str) -> Option<Self> {
        let line = whole.strip_suffix('\n')?.strip_prefix("— ")?;
        let (name, encoded) = line.split_once(' ')?;
        let bytes = BASE64_STANDARD.decode(encoded).ok()?;
        let (id, signature) = bytes.split_first_chunk::<4>()?;
        is_name(name).then(|| Self {
            whole,
            name,
            id: *id,
            bytes: signature.to_vec(),
        })
    }
}

/// What a cosignature is of.
fn timed(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn named(name: &str, id: [u8; 4]) -> String {
    format!("{name}+{}", id.map(|it| format!("{it:02x}")).concat())
}

fn is_name(name: &str) -> bool {
    let fits = |it: char| !it.is_whitespace() && !it.is_control() && it != '+';
    !name.is_empty() && name.chars().all(fits)
}
