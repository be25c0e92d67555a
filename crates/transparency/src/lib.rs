//! A log that strangers can check: the Merkle tree of RFC 6962, cut into tiles, and the texts in which C2SP passes its state
//! around ([signed-note], [tlog-checkpoint], [tlog-tiles], [tlog-proof], [tlog-witness]).
//!
//! The ledger writes with this crate. Whoever verifies must not: `auditor` reads the same bytes by code of its own.
//!
//! **Invariant:** pure. What a tree needs to grow is its [`Edge`], at most 255 hashes for each level of tiles; everything else
//! is in tiles, which never change once they are full. Who keeps no tiles needs less: its [`Frontier`].
//!
//! [signed-note]: https://c2sp.org/signed-note
//! [tlog-checkpoint]: https://c2sp.org/tlog-checkpoint
//! [tlog-tiles]: https://c2sp.org/tlog-tiles
//! [tlog-proof]: https://c2sp.org/tlog-proof
//! [tlog-witness]: https://c2sp.org/tlog-witness

mod checkpoint;
mod edge;
mod frontier;
mod hash;
mod note;
mod proof;
mod receipt;
mod submission;
#[cfg(test)]
mod tests;
mod tile;

pub use checkpoint::{Checkpoint, NoCheckpoint};
pub use edge::{Edge, WrongEdge};
pub use frontier::Frontier;
pub use hash::{Hash, digest, leaf, root};
pub use note::{Checked, Kind, NotSigned, Note, SigningKey, VerifierKey};
pub use proof::{MissingTile, Needed, OutOfRange, consistency, continues, inclusion};
pub use receipt::Receipt;
pub use submission::{Consistent, NotCosigned, Submission};
pub use tile::{Tile, WIDTH, bundle};
