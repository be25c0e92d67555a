//! Is it still shaped as documented? Each test here holds one promise of `ARCHITECTURE.md` about the code itself.
#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be read is a failed test"
)]

mod arrows;
mod corpus;
mod deployment;
mod documents;
mod facts;
mod manifests;
mod sources;
mod tree;
mod words;
