//! Secrets that are drawn here: for sessions, links and keys. What is kept of one is its SHA-256.

use aws_lc_rs::{digest, rand};
use tonic::Status;

/// 256 random bits as text. It has no `Debug`, so that it reaches no log.
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn draw() -> Result<Self, Status> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| Status::internal("no randomness"))?;
        Ok(Self(hex(&bytes)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        sha256(&self.0)
    }
}

pub(crate) fn sha256(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    bytes
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
