//! `cargo xtask`: what a developer and CI do with this repository, by the same names.
//!
//! `up` builds the one binary and starts the demo city; `test` gets the servers the tests need, runs every step, and stops
//! the servers again, however it ends. It needs Rust, and for `test` what the system's packages, PyPI and npm offer.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program talks to its terminal"
)]

mod aics_tlog;
mod bench;
mod browser;
mod city;
mod command;
mod nats;
mod places;
mod postgres;
mod proto;
mod schemathesis;
mod soak;
mod steps;
mod tally;
mod targets;
mod up;
mod watch;
mod wheels;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Builds, tests and starts Çözüm",
    disable_help_subcommand = true
)]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs every test: gets PostgreSQL, NATS and an SMTP server, starts its own PostgreSQL, and removes it afterwards.
    Test(steps::Choice),
    /// The same as `test`, under the name CI uses.
    Ci(steps::Choice),
    /// Measures how fast something is, on servers of its own; what follows goes to the benchmark (`-- --help` tells it).
    Bench {
        #[arg(value_enum)]
        what: bench::What,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Tampers with the log at a thousand places and kills its writer five hundred times, over PostgreSQL and SQLite; the tests
    /// do a tenth of it.
    Soak(soak::Choice),
    /// Adds a sample to the golden corpus (`proto/golden`) for each event type that has none; what is there is never rewritten.
    Corpus,
    /// Makes the contracts as they are now the last release, against which `test` holds them from then on.
    ReleaseProto,
    /// Tries the API with Schemathesis, on a demo city of its own; what follows `--` goes to `schemathesis run`.
    Schemathesis {
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Has aics-tlog, others' verifier of transparency logs, check what a demo city of its own publishes; needs Python 3.12.
    AicsTlog,
    /// Builds the release binary and starts the demo city on <http://localhost:8153>.
    Up {
        /// Passed on to `cozum up`, e.g. `-- --listen 127.0.0.1:9000`.
        #[arg(last = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Xtask::parse().task {
        Task::Test(choice) | Task::Ci(choice) => steps::run(&choice),
        Task::Bench { what, args } => bench::run(what, &args),
        Task::Soak(choice) => soak::run(&choice),
        Task::Corpus => proto::corpus(),
        Task::ReleaseProto => proto::release(),
        Task::AicsTlog => aics_tlog::run(),
        Task::Schemathesis { args } => schemathesis::run(&args),
        Task::Up { args } => up::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
