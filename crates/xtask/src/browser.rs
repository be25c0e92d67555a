//! The tests in a real browser: Debian's Chromium, driven by what npm's lock file pins; nothing is installed into the
//! repository.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::Context as _;

use crate::{command, places, postgres, tally::Tally};

/// What Debian calls it, and what others do.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Runs them on the binary that was just built. A machine that has no browser and cannot get one skips them, and says so.
pub(crate) fn run(filter: Option<&str>, tally: &mut Tally) -> anyhow::Result<()> {
    let start = Instant::now();
    let lacks = |names: &[&str]| program(names).is_none();
    // Only what is missing: a Node from elsewhere and Debian's npm keep each other out.
    let mut missing = vec![];
    if lacks(&["node"]) {
        missing.extend(["nodejs", "npm"]);
    } else if lacks(&["npm"]) {
        missing.push("npm");
    }
    if lacks(&CHROMIUM) {
        missing.push("chromium");
    }
    if !missing.is_empty()
        && let Err(reason) = postgres::debian(&missing)
    {
        println!(
            "\nxtask: browser: SKIPPED, because {} cannot be installed: {reason:#}",
            missing.join(", ")
        );
        return Ok(());
    }
    let (node, chromium) = program(&["node"])
        .zip(program(&CHROMIUM))
        .context("node and Chromium were installed, yet are not to be found")?;
    told([&node, &chromium], filter, tally, start)
}

fn program(names: &[&str]) -> Option<PathBuf> {
    names
        .iter()
        .find_map(|it| places::on_path(it).into_iter().next())
}

fn told(
    [node, chromium]: [&Path; 2],
    filter: Option<&str>,
    tally: &mut Tally,
    start: Instant,
) -> anyhow::Result<()> {
    let folder = modules()?;
    let screenshots = places::target().join("screenshots");
    fs::create_dir_all(&screenshots)?;
    println!(
        "\nxtask: browser: {} run.mjs, pictures in {}",
        node.display(),
        screenshots.display()
    );
    let mut tests = Command::new(node);
    tests
        .current_dir(&folder)
        .arg("run.mjs")
        .args(filter)
        .env("COZUM_TEST_BIN", places::target().join("debug/cozum"))
        .env("COZUM_TEST_CHROMIUM", chromium)
        .env("COZUM_TEST_SCREENSHOTS", &screenshots);
    let mut child = tests
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run node")?;
    let output = child.stdout.take().context("node has no standard output")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        tally.hear(&line);
        println!("{line}");
    }
    let status = child.wait()?;
    println!(
        "xtask: browser: {} in {:.1} s",
        if status.success() { "passed" } else { "FAILED" },
        start.elapsed().as_secs_f64()
    );
    anyhow::ensure!(status.success(), "the step `browser` failed ({status})");
    Ok(())
}

/// The tests beside the packages that they need, below the target folder.
fn modules() -> anyhow::Result<PathBuf> {
    let (source, folder) = (
        places::root().join("tests/browser"),
        places::tool("browser"),
    );
    fs::create_dir_all(&folder)?;
    let locked = fs::read_to_string(source.join("package-lock.json"))?;
    // Written last, so that a half-finished download is fetched again, and changed pins too.
    let seal = folder.join("fetched-lock.json");
    let is_there = fs::read_to_string(&seal).is_ok_and(|it| it == locked);
    for entry in fs::read_dir(&source)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    if !is_there {
        println!(
            "xtask: getting playwright-core and axe from npm into {}",
            folder.display()
        );
        let mut npm = Command::new("npm");
        npm.current_dir(&folder).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        command::done(&mut npm)?;
        fs::write(seal, locked)?;
    }
    Ok(folder)
}
