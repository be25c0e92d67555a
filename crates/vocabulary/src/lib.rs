//! The words of the field, each with a checked constructor and no behaviour.
//!
//! Pure: no clock, no I/O. The numbers of [`Channel`], [`RequestState`], [`SubResult`], [`Language`] and [`AttributeType`] are those of
//! `proto/cozum/vocabulary/v1/vocabulary.proto`; a test in `tests/architecture` holds them together.

mod codes;
mod number;
mod words;

pub use codes::{Municipality, TopicCode, UnitCode};
pub use number::RequestNumber;
pub use words::{AttributeType, Channel, Language, RequestState, SubResult};

/// A word that is not one: what is wrong with it, in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAWord(pub(crate) &'static str);
