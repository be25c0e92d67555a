//! The staff and the programs with a key: who they are, their open sessions, what they saved. A read model; what decides
//! is the log. It holds no secret, only what a secret's SHA-256 is, and no personal text but as it is sealed.

pub(crate) mod desk;
pub(crate) mod domain;
mod model;
pub(crate) mod password;
mod query;
mod wire;

pub use model::Staff;
pub(crate) use query::{KeyRow, Reader, StaffRow, ViewRow};
