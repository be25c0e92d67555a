//! Finds requests by what is in them: words in any spelling, numbers, phones, e-mail addresses, places.
//!
//! This is the one read model that holds personal text in the clear, and so the one file outside the vault that only
//! intake's user may read: deleted words are overwritten, nothing copies it, and the texts of a subject leave it when the
//! subject's key is destroyed. Phones and e-mail addresses stand in it only as a blind index.
//!
//! **Invariant:** without `people`, no name, phone or e-mail address matches.
//! **Invariant:** units and states filter inside the query, so a page tells nothing of requests outside them.

mod erase;
mod find;
mod fold;
mod heard;
mod narrow;
mod query;
mod rank;
mod words;

use std::sync::{Arc, atomic::AtomicBool};

use chassis::Platform;
use contracts::ledger::v1::Event;
use projection::{Projection, ReadModel};
use sqlx::SqliteConnection;
use vault::{BlindIndex, Vault};
use vocabulary::Municipality;

pub(crate) use find::{After, Asked, Caller};

/// The read model, and what it opens texts with.
#[derive(Clone)]
pub(crate) struct Index {
    pub(crate) municipality: Municipality,
    pub(crate) vault: Arc<Vault>,
    pub(crate) blind: Arc<BlindIndex>,
    /// Whether deleted texts still stand in the write-ahead log.
    pub(crate) unflushed: Arc<AtomicBool>,
}

impl ReadModel for Index {
    const NAME: &'static str = "search";
    const VERSION: u32 = 1;
    const SCHEMA: &'static str = include_str!("search/schema.sql");
    const PERSONAL: bool = true;
    const MAY_LAG: bool = true;

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        self.apply_all(tx, std::slice::from_ref(event)).await
    }

    async fn apply_all(&self, tx: &mut SqliteConnection, events: &[Event]) -> anyhow::Result<()> {
        self.fold(tx, events).await
    }
}

/// Searches one municipality's requests.
pub(crate) struct Search {
    projection: Projection,
    index: Index,
}

impl Search {
    pub(crate) async fn open(platform: &Platform, index: Index) -> anyhow::Result<Self> {
        let municipality = index.municipality.clone();
        let projection = Projection::open(platform, &municipality, index.clone()).await?;
        let writer = Projection::writer::<Index>(platform, &municipality).await?;
        let eraser = erase::Eraser::new(index.clone(), writer, platform.clock.clone());
        platform.tasks.spawn("search: erase", eraser.run());
        Ok(Self { projection, index })
    }
}

#[cfg(test)]
mod tests;
