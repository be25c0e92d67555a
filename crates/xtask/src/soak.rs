//! `cargo xtask soak`: the log tampered with at a thousand places, and its writer killed five hundred times, over real stores.
//! `cargo xtask test` does a tenth of it each time.

use std::time::Instant;

use clap::{Args, ValueEnum};

use crate::{
    steps::{self, Step},
    tally::Tally,
};

#[derive(Args)]
pub(crate) struct Choice {
    /// Draws other places and moments than the tests do.
    #[arg(long, default_value_t = 153, value_name = "N")]
    seed: u64,
    /// Does only this.
    #[arg(long, value_enum)]
    only: Option<Kind>,
    /// Does as much as the tests do.
    #[arg(long)]
    tenth: bool,
}

/// The modules of the conformance tests that soak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Rows, files and whole histories changed: each must be found
    Tamper,
    /// The writer dropped wherever it waits, and killed under load: nothing may be lost or doubled
    Crash,
}

/// Soaks, and tells at the end what was done and found.
pub(crate) fn run(choice: &Choice) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut tally = Tally::default();
    let done = soak(choice, &mut tally);
    println!();
    for line in &tally.soaked {
        println!("xtask: {line}");
    }
    println!(
        "xtask: the soak {} after {:.1} s, {tally}",
        if done.is_ok() {
            "found nothing wrong"
        } else {
            "FAILED"
        },
        start.elapsed().as_secs_f64()
    );
    done
}

fn soak(choice: &Choice, tally: &mut Tally) -> anyhow::Result<()> {
    steps::build(tally)?;
    let mut args = String::from("test --workspace --locked --test conformance -- --nocapture");
    for (kind, module) in [(Kind::Tamper, "tamper::"), (Kind::Crash, "crash::")] {
        if choice.only.is_none_or(|it| it == kind) {
            args.push(' ');
            args.push_str(module);
        }
    }
    let times = if choice.tenth { "1" } else { "10" };
    let environment = [
        ("COZUM_TEST_SEED", choice.seed.to_string().into()),
        ("COZUM_TEST_SOAK", times.into()),
    ];
    steps::on_postgres(&[Step::new("soak", &args)], &environment, tally)
}
