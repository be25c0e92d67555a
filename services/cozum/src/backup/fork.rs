//! `cozum restore --declare-fork`: a person says that what was signed is lost.

use std::future::pending;

use anyhow::Context as _;
use chassis::Clock;
use contracts::ledger::v1::ForkGround;
use ledger::{
    Log,
    tree::fork::{self, Forked},
};

use super::stores::{QUEUE, Stores};
use crate::cli;

/// Why, as it stands in the log for ever
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Ground {
    /// Events that had been signed are lost, and nobody has them any more
    EventsLost,
    /// The log was changed, and what it was cannot be brought back
    LogChanged,
}

/// Declares it for one municipality: each is a decision of its own.
pub(super) async fn declare(stores: &Stores, ground: Ground) -> anyhow::Result<()> {
    let municipalities = stores.municipalities()?;
    let [municipality] = &municipalities[..] else {
        anyhow::bail!("--municipalities: a fork is declared of one log at a time");
    };
    let shelf = stores.shelf(Some(&municipalities)).await?;
    let opened = Log::open(&shelf, municipality, Clock::System, QUEUE).await;
    let (log, upkeep) = opened.with_context(|| format!("the log of {municipality}"))?;
    let (seed, memory) = (stores.seed()?, stores.memory(municipality).await?);
    let ground = match ground {
        Ground::EventsLost => ForkGround::EventsLost,
        Ground::LogChanged => ForkGround::LogChanged,
    };
    let declared = tokio::select! {
        declared = fork::declare(&log, &seed, &memory, ground, &Clock::System) => declared,
        () = Box::pin(upkeep.run(pending())) => anyhow::bail!("the log's writer ended"),
    };
    let Forked {
        left,
        position,
        origin,
    } = declared?;
    cli::answer(&format!(
        "{municipality}: position {position} says that what was signed as {} up to {} was left; the log goes on as {origin}.\n\
         Delete the read models of all services: they may hold what was left.\n",
        left.origin, left.size
    ))
}
