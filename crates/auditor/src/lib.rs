//! Checks a log without trusting whoever wrote it: a bundle that was exported, or a receipt that somebody took home.
//!
//! It reads bytes by the specifications (RFC 6962; C2SP signed-note, tlog-checkpoint, tlog-tiles, tlog-proof, tlog-cosignature, tlog-policy; the commitment's
//! definition in the ledger) and shares nothing with the code that writes them but `proto/`. Proofs are checked by `ct-merkle`.
//!
//! **Invariant:** no dependency on the ledger or on `transparency`; a mistake there must show here.

pub mod bundle;
mod event;
mod fork;
mod gone;
mod note;
mod policy;
mod receipt;
mod report;
mod stretch;
#[cfg(test)]
mod tests;
mod tree;
mod verify;
mod witnessed;

pub use note::{Key, NoKey, NoWitness, NotTaken, WitnessKey};
pub use policy::{NoPolicy, Policy};
pub use receipt::{is_receipt, receipt_event, verify_receipt};
pub use report::{Finding, Report};
pub use verify::{Asked, verify};
