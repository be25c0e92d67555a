//! The hashes of RFC 6962, section 2.1.

use aws_lc_rs::digest::{Context, SHA256};

/// SHA-256.
pub type Hash = [u8; 32];

/// The hash of a leaf.
#[must_use]
pub fn leaf(entry: &[u8]) -> Hash {
    digest(&[&[0], entry])
}

/// The hash of two subtrees side by side.
pub(crate) fn node(left: &Hash, right: &Hash) -> Hash {
    digest(&[&[1], left, right])
}

/// The root over subtrees of one size that stand side by side: a tree of leaf hashes, or a tile.
#[must_use]
pub fn root(hashes: &[Hash]) -> Hash {
    crown(hashes, None).unwrap_or_else(|| digest(&[]))
}

/// The root over subtrees of one size, with the root of what is smaller to their right; `None` where there is nothing.
pub(crate) fn crown(hashes: &[Hash], rest: Option<Hash>) -> Option<Hash> {
    let mut rest = rest;
    let mut end = hashes.len();
    while end > 0 {
        // The perfect subtrees, from the smallest on the right to the largest on the left.
        let width = 1 << end.trailing_zeros();
        let left = perfect(&hashes[end - width..end]);
        rest = Some(match rest {
            Some(right) => node(&left, &right),
            None => left,
        });
        end -= width;
    }
    rest
}

/// The root over a power of two of subtrees.
pub(crate) fn perfect(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => digest(&[]),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            node(&perfect(left), &perfect(right))
        }
    }
}

/// SHA-256 of what these parts are together.
#[must_use]
pub fn digest(parts: &[&[u8]]) -> Hash {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    bytes
}
