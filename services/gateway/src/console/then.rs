//! A page as it was: the moment in its address, and what the page says of it.

use chassis::AsOf;
use tonic::Status;

use super::page::Visit;
use crate::{
    Centre,
    text::{self, Words},
};

/// A moment of the past.
#[derive(Debug, Clone, Copy)]
pub(super) struct Then {
    /// Of the newest event that was known.
    pub(super) position: u64,
    /// What time it was, in microseconds; of a position, when its event was recorded.
    pub(super) at: i64,
}

impl Then {
    /// The moment that an address asks for, where it does.
    pub(super) async fn asked(centre: &Centre, visit: &Visit) -> Result<Option<Self>, Status> {
        let asked = visit.query.trimmed("as_of");
        if asked.is_empty() {
            return Ok(None);
        }
        let as_of = AsOf::read("as_of", asked, &text::zone())?;
        let ledger = centre.platform.ledger(visit.signed.municipality());
        let cut_off = ledger.cut_off("as_of", as_of).await?;
        let at = match as_of {
            AsOf::Time(time) => time.as_microsecond(),
            AsOf::Position(_) => i64::try_from(cut_off.recorded_at).unwrap_or_default(),
        };
        Ok(Some(Self {
            position: cut_off.position,
            at,
        }))
    }

    /// "As of …"
    pub(super) fn told(self, words: Words) -> String {
        let (at, position) = (text::moment(self.at, words.0), self.position.to_string());
        words.with("console-as-of-told", [("at", &at), ("position", &position)])
    }
}
