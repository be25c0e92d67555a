//! Seals personal data, with a data key per person, request and contact.
//!
//! What is personal enters an event only as [`Sealed`]: AES-256-GCM-SIV under the data key of its [`Subject`], bound to the
//! municipality, the event and the field. Data keys live in their own database, wrapped under the master key of an epoch
//! ([`MasterKeys`]); destroying one erases everything that was ever sealed with it. When a new epoch begins all keys are wrapped
//! anew under it, after which the old master key can be destroyed: an old copy of the database is dead then. Plain text travels as [`Plain`], which nothing can print. Files are sealed
//! the same way, and kept here: an event names them by id and digest.
//!
//! Hears nothing and says nothing: intake is the only service that holds a [`Vault`]. [`copy`] carries a key store as it is, wrapped,
//! for a backup.
//!
//! **Invariant:** a data key is durable before [`Vault::keys`] gives it out, so no event is ever sealed with a lost key.
//! **Invariant:** the databases hold wrapped keys only.
//! **Invariant:** once an epoch has begun, no key is ever wrapped under an older one.

mod blind;
mod cache;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod framing;
mod keys;
mod master;
mod plain;
mod seal;
mod subject;
mod tracking;

pub use blind::BlindIndex;
pub use keys::{
    Copied, Ended, Epoch, Epochs, Keyring, NotCopied, Opened, OpenedFile, SealedFile, Vault,
    VaultError, copy,
};
pub use master::{MasterKeyError, MasterKeys};
pub use plain::{Plain, PlainBytes};
pub use seal::{Place, SealError, Sealed};
pub use subject::Subject;
pub use tracking::TrackingSecrets;
