//! Signed notes: a text, and who stands by it with an Ed25519 signature.

use std::fmt;

use aws_lc_rs::{
    rand,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::hash::digest;

/// What the specification calls Ed25519.
const ED25519_TYPE: u8 = 1;

/// A key that signs notes under a name.
pub struct SigningKey {
    name: String,
    pair: Ed25519KeyPair,
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
    /// The key of a name, from its 32 secret bytes.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NotSigned> {
        let fits = |it: char| !it.is_whitespace() && !it.is_control() && it != '+';
        if name.is_empty() || !name.chars().all(fits) {
            return Err(NotSigned::Name);
        }
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NotSigned::Seed)?;
        Ok(Self {
            name: name.to_owned(),
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
        let id = self.id().map(|it| format!("{it:02x}")).concat();
        let key = BASE64_STANDARD.encode(self.typed());
        format!("{}+{id}+{key}", self.name)
    }

    /// The text, which ends with a newline, with this key's signature below.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        let bytes = [&self.id()[..], signature.as_ref()].concat();
        let encoded = BASE64_STANDARD.encode(bytes);
        format!("{text}\n— {} {encoded}\n", self.name)
    }

    /// The text of a note that this key signed.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NotSigned> {
        let (before, signatures) = note.rsplit_once("\n\n").ok_or(NotSigned::Form)?;
        let text = &note[..=before.len()];
        let start = format!("— {} ", self.name);
        let mut ours = signatures
            .lines()
            .filter_map(|it| it.strip_prefix(&start))
            .filter_map(|it| BASE64_STANDARD.decode(it).ok())
            .filter_map(|it| it.strip_prefix(&self.id()).map(<[u8]>::to_vec))
            .peekable();
        let key = UnparsedPublicKey::new(&ED25519, self.pair.public_key().as_ref());
        let signed = ours.peek().is_some()
            && ours.all(|signature| key.verify(text.as_bytes(), &signature).is_ok());
        if signed {
            Ok(text)
        } else {
            Err(NotSigned::Signature)
        }
    }

    fn typed(&self) -> Vec<u8> {
        [&[ED25519_TYPE], self.pair.public_key().as_ref()].concat()
    }

    fn id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = digest(&[self.name.as_bytes(), b"\n", &self.typed()]);
        [a, b, c, d]
    }
}
