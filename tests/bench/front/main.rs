//! How fast the centre's front is: `cargo xtask bench front`. It measures and tells; it is no test, and fails only where
//! something does not work.
//!
//! Intake at 32 clients against a bare axum server with group commit, turn by turn in one run; then Open311 pages of a
//! thousand requests, requests and reports as they were, and the search, at a million requests.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark tells its figures on the terminal, and is a program of its own: its time is the clock's"
)]

mod bare;
mod client;
mod cpu;
#[path = "../fill.rs"]
mod fill;
mod intake;
mod load;
mod million;
mod pages;
mod past;
#[path = "../report.rs"]
mod report;
mod search;
#[path = "../turn.rs"]
mod turn;
#[path = "../words.rs"]
mod words;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use report::Report;

/// The one binary's own; those who are compared have it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench front", disable_help_subcommand = true)]
pub(crate) struct Choice {
    /// Writes the figures as JSON into this file too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measures only this
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Clients that file requests at once, each on a connection of its own
    #[arg(long, default_value_t = 32, value_name = "N")]
    clients: usize,
    /// How often the centre and the bare server take turns
    #[arg(long, default_value_t = 3, value_name = "N")]
    rounds: usize,
    /// How long a turn lasts
    #[arg(long, default_value_t = 8, value_name = "S")]
    seconds: u64,
    /// Requests of the city whose pages and search are measured
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1_000..=20_000_000))]
    requests: u32,
    /// Keeps that city in this folder, and finds it there the next time
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Requests that are filed over HTTP
    Intake,
    /// Open311's lists among very many requests
    Pages,
    /// Requests and reports as they were, among very many requests
    Past,
    /// The search among very many requests
    Search,
}

impl Choice {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

fn main() -> anyhow::Result<()> {
    if let Some(database) = bare::asked_for() {
        return bare::serve(&database);
    }
    let choice = Choice::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(&choice))
}

async fn measure(choice: &Choice) -> anyhow::Result<()> {
    let mut report = Report::new();
    if choice.wants(Part::Intake) {
        intake::measure(choice, &mut report).await?;
    }
    if [Part::Pages, Part::Past, Part::Search]
        .into_iter()
        .any(|it| choice.wants(it))
    {
        million::measure(choice, &mut report).await?;
    }
    println!("\n{report}");
    if let Some(file) = &choice.json {
        std::fs::write(file, report.json())?;
        println!("written: {}", file.display());
    }
    Ok(())
}
