use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey},
    rand,
};
use uuid::Uuid;
use vocabulary::Municipality;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Plain, Subject, framing::framed};

/// Bytes that AES-256-GCM-SIV takes as nonce.
pub(crate) const NONCE: usize = 12;

/// A personal value as it stands in an event; without the subject's data key it says nothing but its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Whose key opens it.
    pub subject: Subject,
    /// Random, one per value.
    pub nonce: [u8; NONCE],
    /// The text, encrypted, followed by 16 bytes that authenticate it and its place.
    pub ciphertext: Vec<u8>,
}

/// Where a sealed value stands; moved to any other place it does not open.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Whose log.
    pub municipality: &'a Municipality,
    /// The event it stands in.
    pub event: Uuid,
    /// The field of that event.
    pub field: &'a str,
}

impl Place<'_> {
    fn associated_data(&self) -> Vec<u8> {
        framed(
            "cozum/sealed/v1",
            &[
                self.municipality.as_str().as_bytes(),
                self.event.as_bytes(),
                self.field.as_bytes(),
            ],
        )
    }
}

/// Why a value was not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Another key, another place, or changed bytes: which one cannot be told.
    #[error("the sealed value does not open here")]
    DoesNotOpen,
    /// The text is too long, or the system gives no random bytes.
    #[error("the value cannot be sealed")]
    CannotSeal,
}

/// 32 secret bytes that seal and open; wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct SealingKey([u8; 32]);

impl SealingKey {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key that nobody had before.
    pub(crate) fn random() -> Result<Self, SealError> {
        let mut key = Self([0; 32]);
        rand::fill(&mut key.0).map_err(|_| SealError::CannotSeal)?;
        Ok(key)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn seal(
        &self,
        data: &[u8],
        bytes: &[u8],
    ) -> Result<([u8; NONCE], Vec<u8>), SealError> {
        let mut nonce = [0; NONCE];
        rand::fill(&mut nonce).map_err(|_| SealError::CannotSeal)?;
        Ok((nonce, self.seal_with(nonce, data, bytes)?))
    }

    pub(crate) fn seal_with(
        &self,
        nonce: [u8; NONCE],
        data: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        // Room for the tag: growing would leave a copy of the plain bytes behind.
        let mut sealed = Vec::with_capacity(bytes.len() + AES_256_GCM_SIV.tag_len());
        sealed.extend_from_slice(bytes);
        self.cipher()
            .and_then(|it| {
                it.seal_in_place_append_tag(Nonce::from(&nonce), Aad::from(data), &mut sealed)
            })
            .map_err(|_| SealError::CannotSeal)?;
        Ok(sealed)
    }

    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE],
        data: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut bytes = sealed.to_vec();
        let length = self
            .cipher()
            .and_then(|it| {
                Ok(it
                    .open_in_place(Nonce::from(&nonce), Aad::from(data), &mut bytes)?
                    .len())
            })
            .map_err(|_| SealError::DoesNotOpen)?;
        bytes.truncate(length);
        Ok(bytes)
    }

    fn cipher(&self) -> Result<LessSafeKey, aws_lc_rs::error::Unspecified> {
        UnboundKey::new(&AES_256_GCM_SIV, &self.0).map(LessSafeKey::new)
    }
}

/// Seals a text under the data key of `subject`.
pub(crate) fn seal(
    key: &SealingKey,
    subject: &Subject,
    place: &Place<'_>,
    text: &Plain,
) -> Result<Sealed, SealError> {
    let (nonce, ciphertext) = key.seal(&place.associated_data(), text.reveal().as_bytes())?;
    Ok(Sealed {
        subject: subject.clone(),
        nonce,
        ciphertext,
    })
}

/// Opens a text with the data key of its subject.
pub(crate) fn open(
    key: &SealingKey,
    place: &Place<'_>,
    sealed: &Sealed,
) -> Result<Plain, SealError> {
    let bytes = key.open(sealed.nonce, &place.associated_data(), &sealed.ciphertext)?;
    String::from_utf8(bytes)
        .map(Plain::from)
        .map_err(|refused| {
            refused.into_bytes().zeroize();
            SealError::DoesNotOpen
        })
}

#[cfg(test)]
mod tests;
