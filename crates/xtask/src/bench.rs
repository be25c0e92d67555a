//! `cargo xtask bench`: programs that measure, built as they are released, over the servers that the tests use.

use std::{path::PathBuf, process::Command};

use clap::ValueEnum;

use crate::{command, nats, places, postgres, wheels};

/// What can be measured; each is a `[[bench]]` target of the package `tests`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum What {
    /// Intake over HTTP against a bare server, Open311 pages, requests as they were, the search
    Front,
    /// The log: appends, followers, read models, the auditor, each beside what bounds it
    Ledger,
}

impl What {
    const fn target(self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::Ledger => "ledger",
        }
    }
}

/// Builds the release binary and the benchmark, and runs it with these arguments.
pub(crate) fn run(what: What, args: &[String]) -> anyhow::Result<()> {
    let (nats, smtp) = (nats::find()?, wheels::fetch("smtp")?);
    let postgres = postgres::find()?;
    let target = what.target();
    // In one go, so that both are built with one set of features.
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--workspace"]);
    command::done(build.args(["--bin", "cozum", "--bench", target]))?;
    let environment = [
        ("COZUM_TEST_PG_BIN", postgres),
        ("COZUM_TEST_NATS_SERVER", nats),
        ("COZUM_TEST_SMTP_PYTHONPATH", smtp),
        ("COZUM_TEST_PYTHON", PathBuf::from(wheels::python())),
        ("COZUM_TEST_BIN", places::target().join("release/cozum")),
    ];
    let mut bench = cargo();
    bench.args(["bench", "--locked", "--workspace", "--bench", target, "--"]);
    command::done(bench.args(args).envs(environment))
}

fn cargo() -> Command {
    let mut cargo = Command::new(places::cargo());
    cargo.current_dir(places::root());
    cargo
}
