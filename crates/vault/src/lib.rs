//! Seals personal data, with a data key per person, request and contact.
//!
//! What is personal enters an event only as [`Sealed`]: AES-256-GCM-SIV under the data key of its [`Subject`], bound to the
//! municipality, the event and the field. Data keys live in their own database, wrapped by the [`MasterKey`]; destroying one
//! erases everything that was ever sealed with it. Plain text travels as [`Plain`], which nothing can print.
//!
//! Hears nothing and says nothing: intake is the only service that holds a [`Vault`].
//!
//! **Invariant:** a data key is durable before [`Vault::keys`] gives it out, so no event is ever sealed with a lost key.
//! **Invariant:** the databases hold wrapped keys only.

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

pub use keys::{Keyring, Opened, Vault, VaultError};
pub use master::{MasterKey, MasterKeyError};
pub use plain::Plain;
pub use seal::{Place, SealError, Sealed};
pub use subject::Subject;
pub use tracking::TrackingSecrets;
