//! Files that belong to a subject: sealed under its key, kept beside the keys, gone with them.
//!
//! A file is found by its id and the digest of its sealed bytes, as an event names both. The same file under the same id is
//! sealed to the same bytes: a command that comes again keeps nothing new, and one that comes again with another file does
//! not touch the one that an event speaks of.

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;
use vocabulary::Municipality;

use super::{Keyring, Store, Vault, VaultError};
use crate::{PlainBytes, Subject, cache::KeyName, framing::framed, seal::NONCE};

/// A file as it is kept; without the subject's data key it says nothing but its length.
pub struct SealedFile {
    /// Its name among all files of a municipality.
    pub id: Uuid,
    /// Whose key opens it.
    pub subject: Subject,
    /// SHA-256 of the sealed bytes.
    pub sha256: [u8; 32],
    pub(super) ciphertext: Vec<u8>,
}

/// What was behind a sealed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenedFile {
    /// Its bytes.
    Bytes(PlainBytes),
    /// Its key was destroyed.
    Erased,
    /// No such file was ever kept.
    Unknown,
}

impl Keyring {
    /// Seals a file under the key of a subject.
    pub fn seal_file(
        &self,
        subject: &Subject,
        id: Uuid,
        bytes: &[u8],
    ) -> Result<SealedFile, VaultError> {
        let key = self
            .keys
            .get(subject)
            .ok_or_else(|| VaultError::Unknown(subject.clone()))?;
        let place = place(&self.municipality, id);
        let ciphertext = key.seal_with(nonce(id), &place, bytes)?;
        Ok(SealedFile {
            id,
            subject: subject.clone(),
            sha256: sha256(&ciphertext),
            ciphertext,
        })
    }
}

impl Vault {
    /// Keeps sealed files; they are durable when this answers.
    pub async fn keep_files(
        &self,
        municipality: &Municipality,
        files: &[SealedFile],
    ) -> Result<(), VaultError> {
        if files.is_empty() {
            return Ok(());
        }
        match &self.store {
            Store::Postgres(keys) => keys.keep_files(municipality, files).await?,
            Store::Sqlite(keys) => keys.keep_files(municipality, files).await?,
        }
        Ok(())
    }

    /// Opens a file by its id and the digest of its sealed bytes.
    pub async fn open_file(
        &self,
        municipality: &Municipality,
        subject: &Subject,
        id: Uuid,
        sha256: &[u8],
    ) -> Result<OpenedFile, VaultError> {
        let name = KeyName {
            municipality: municipality.clone(),
            subject: subject.clone(),
        };
        let kept = match &self.store {
            Store::Postgres(keys) => keys.file(&name, id, sha256).await?,
            Store::Sqlite(keys) => keys.file(&name, id, sha256).await?,
        };
        let key = match self.cache.get(&name).filter(|_| kept.is_some()) {
            Some(key) => Some(Some(key)),
            // Not asked for lately; or another replica may have destroyed it, and removed the file.
            None => {
                let found = self.find(std::slice::from_ref(&name)).await?;
                self.unwrap_all(found).await?.remove(&name)
            }
        };
        let (key, ciphertext) = match (key, kept) {
            (Some(Some(key)), Some(ciphertext)) => (key, ciphertext),
            (Some(None), _) => return Ok(OpenedFile::Erased),
            (Some(Some(_)), None) | (None, _) => return Ok(OpenedFile::Unknown),
        };
        let bytes = key.open(nonce(id), &place(municipality, id), &ciphertext)?;
        Ok(OpenedFile::Bytes(PlainBytes::from(bytes)))
    }
}

/// The id again: AES-256-GCM-SIV stands a repeated nonce, and tells then at most that two files are the same.
fn nonce(id: Uuid) -> [u8; NONCE] {
    let [nonce @ .., _, _, _, _] = id.into_bytes();
    nonce
}

fn place(municipality: &Municipality, id: Uuid) -> Vec<u8> {
    framed(
        "cozum/file/v1",
        &[municipality.as_str().as_bytes(), id.as_bytes()],
    )
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}
