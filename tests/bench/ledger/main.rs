//! How fast the log is: `cargo xtask bench ledger`. It measures and tells; it is no test, and fails only where something does
//! not work.
//!
//! Appends over gRPC to a real ledger process (hashing, tiles, relay on), beside what bounds them: a gRPC echo, one insert per
//! call, a bare group commit, raw `UNNEST`. Then a follower against `COPY` out, a read model against bare SQLite, and the
//! auditor against reading and hashing. Those who are compared take turns in one run.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark tells its figures on the terminal, and is a program of its own: its time is the clock's"
)]

mod append;
mod bulk;
mod callers;
mod centre;
#[path = "../fill.rs"]
mod fill;
mod follow;
mod rebuild;
#[path = "../report.rs"]
mod report;
mod servers;
#[path = "../turn.rs"]
mod turn;
mod verify;
#[path = "../words.rs"]
mod words;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};
use report::Report;

/// The one binary's own; those who are compared have it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench ledger", disable_help_subcommand = true)]
pub(crate) struct Choice {
    /// Writes the figures as JSON into this file too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measures only this
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// How many callers append at once
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 32, 128, 1_000], value_name = "N")]
    callers: Vec<usize>,
    /// How often those who are compared take turns
    #[arg(long, default_value_t = 3, value_name = "N")]
    rounds: usize,
    /// How long a turn lasts
    #[arg(long, default_value_t = 4, value_name = "S")]
    seconds: u64,
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// One event per call
    Append,
    /// A hundred events per call
    Bulk,
    /// A follower from the beginning
    Follow,
    /// A read model, folded anew
    Rebuild,
    /// The auditor
    Verify,
}

impl Choice {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn lasting(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn main() -> anyhow::Result<()> {
    if let Some((kind, database)) = servers::asked_for() {
        return servers::serve(kind, &database);
    }
    let choice = Choice::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(&choice))
}

async fn measure(choice: &Choice) -> anyhow::Result<()> {
    let mut report = Report::new();
    let postgres = tests::postgres::Server::start().await?;
    let nats = tests::nats::Server::start().await?;
    let database = postgres.create_database("log").await?;
    let over_postgres = centre::Centre::start(Some(&database), &nats.url()).await?;
    if choice.wants(Part::Append) {
        append::beside_others(choice, &mut report, &over_postgres, &postgres).await?;
        over_postgres.largest_lags(&mut report).await?;
    }
    if choice.wants(Part::Bulk) {
        bulk::measure(choice, &mut report, &over_postgres, &postgres).await?;
    }
    if choice.wants(Part::Follow) {
        follow::over_postgres(choice, &mut report, &over_postgres, &database).await?;
    }
    if choice.wants(Part::Verify) {
        verify::measure(choice, &mut report, &over_postgres).await?;
    }
    over_postgres.told(&mut report, &database).await?;
    over_postgres.stop().await?;

    if choice.wants(Part::Append) || choice.wants(Part::Follow) {
        // With a broker of its own: a log that is shorter than what JetStream holds of its name serves nobody.
        let nats = tests::nats::Server::start().await?;
        let over_sqlite = centre::Centre::start(None, &nats.url()).await?;
        if choice.wants(Part::Append) {
            append::over_sqlite(choice, &mut report, &over_sqlite).await?;
        }
        if choice.wants(Part::Follow) {
            follow::over_sqlite(choice, &mut report, &over_sqlite).await?;
        }
        over_sqlite.stop().await?;
    }
    if choice.wants(Part::Rebuild) {
        Box::pin(rebuild::measure(choice, &mut report)).await?;
    }
    println!("\n{report}");
    if let Some(file) = &choice.json {
        std::fs::write(file, report.json())?;
        println!("written: {}", file.display());
    }
    Ok(())
}
