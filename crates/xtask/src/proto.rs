//! The contracts in `proto/`: their style, and that nothing in them breaks whoever was built against the last release.
//!
//! The last release is an image of them that is committed (`proto/released.binpb`), so that the check needs no history and no
//! tag. `cargo xtask release-proto` replaces it when a release is made, and at no other time.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use crate::{command, places, wheels};

const RELEASED: &str = "proto/released.binpb";

/// The step of `cargo xtask test`. Without a package index it is skipped, loudly; nothing else may skip it.
pub(crate) fn check() -> anyhow::Result<()> {
    let start = Instant::now();
    let buf = match buf() {
        Ok(buf) => buf,
        Err(error) if !wheels::index_answers() => {
            println!(
                "\nxtask: proto: SKIPPED, NOTHING WAS CHECKED: buf is not here and PyPI cannot be reached ({error:#})"
            );
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    println!("\nxtask: proto: buf lint, buf breaking against {RELEASED}");
    let lint = run(&buf, &["lint", "proto"]);
    let breaking = run(&buf, &["breaking", "proto", "--against", RELEASED]);
    let passed = lint.is_ok() && breaking.is_ok();
    println!(
        "xtask: proto: {} in {:.1} s",
        if passed { "passed" } else { "FAILED" },
        start.elapsed().as_secs_f64()
    );
    lint.and(breaking)
}

/// Makes the contracts as they are now the last release.
pub(crate) fn release() -> anyhow::Result<()> {
    let buf = buf()?;
    if places::root().join(RELEASED).exists()
        && run(&buf, &["breaking", "proto", "--against", RELEASED]).is_err()
    {
        println!("xtask: the release breaks whoever was built against the last one, as told above");
    }
    run(
        &buf,
        &["build", "proto", "--exclude-source-info", "-o", RELEASED],
    )?;
    println!("xtask: {RELEASED} is the last release now: commit it");
    Ok(())
}

/// Adds a sample to the golden corpus for each event type that has none. What is there stays as it is.
pub(crate) fn corpus() -> anyhow::Result<()> {
    let mut adding = Command::new(places::cargo());
    adding
        .current_dir(places::root())
        .env("COZUM_CORPUS", "add")
        .args(["test", "--workspace", "--locked", "--test", "architecture"])
        .args(["--", "--nocapture", "corpus::every_event_type_has"]);
    command::done(&mut adding)
}

fn buf() -> anyhow::Result<PathBuf> {
    Ok(wheels::fetch("buf")?.join("bin/buf"))
}

fn run(buf: &Path, args: &[&str]) -> anyhow::Result<()> {
    command::done(Command::new(buf).current_dir(places::root()).args(args))
}
