//! A log that strangers can check: the Merkle tree of RFC 6962, cut into tiles, and the texts in which C2SP passes its state
//! around ([signed-note], [tlog-checkpoint], [tlog-tiles], [tlog-proof]).
//!
//! The ledger writes with this crate. Whoever verifies must not: `auditor` reads the same bytes by code of its own.
//!
//! **Invariant:** pure. What a tree needs to grow is its [`Edge`], at most 255 hashes for each level of tiles; everything else
//! is in tiles, which never change once they are full.
//!
//! [signed-note]: https://c2sp.org/signed-note
//! [tlog-checkpoint]: https://c2sp.org/tlog-checkpoint
//! [tlog-tiles]: https://c2sp.org/tlog-tiles
//! [tlog-proof]: https://c2sp.org/tlog-proof

mod checkpoint;
mod edge;
mod hash;
mod note;
mod proof;
mod receipt;
#[cfg(test)]
mod tests;
mod tile;

pub use checkpoint::{Checkpoint, NoCheckpoint};
pub use edge::{Edge, WrongEdge};
pub use hash::{Hash, leaf, root};
pub use note::{NotSigned, SigningKey};
pub use proof::{MissingTile, Needed, OutOfRange, consistency, inclusion};
pub use receipt::Receipt;
pub use tile::{Tile, WIDTH, bundle};
