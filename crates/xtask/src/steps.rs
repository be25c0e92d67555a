//! The steps of `cargo xtask test`, in their order.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use crate::{
    browser, command, nats, places, postgres, proto, tally::Tally, targets, watch::Watched, wheels,
};

#[derive(Args)]
pub(crate) struct Choice {
    /// Runs only these steps (and what they need).
    #[arg(long, value_enum)]
    only: Vec<Kind>,
    /// Runs only the tests whose name contains this.
    #[arg(long)]
    filter: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Fmt,
    /// The contracts' style, and that they break nobody who was built against the last release.
    Proto,
    Clippy,
    Unit,
    Conformance,
    Architecture,
    E2e,
    Faults,
    /// Each role's main job in a real browser; asked for by name, in every language, width and with and without scripts.
    Browser,
}

/// One command of a step.
pub(crate) struct Step {
    title: String,
    args: Vec<String>,
}

impl Step {
    pub(crate) fn new(title: &str, args: &str) -> Self {
        Self {
            title: title.to_owned(),
            args: args.split(' ').map(str::to_owned).collect(),
        }
    }
}

/// Runs the chosen steps up to the first that fails; the last line tells how many tests passed and failed.
pub(crate) fn run(choice: &Choice) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut tally = Tally::default();
    let done = run_steps(choice, &mut tally);
    println!(
        "xtask: {} after {:.1} s",
        if done.is_ok() {
            "all steps passed"
        } else {
            "failed"
        },
        start.elapsed().as_secs_f64()
    );
    println!("{tally}");
    done
}

fn run_steps(choice: &Choice, tally: &mut Tally) -> anyhow::Result<()> {
    let chosen = |kind| choice.only.is_empty() || choice.only.contains(&kind);
    let all = steps(choice.filter.as_deref())?;
    let (checks, tests): (Vec<_>, Vec<_>) = all
        .into_iter()
        .filter(|(kind, _)| chosen(*kind))
        .partition(|(kind, _)| matches!(kind, Kind::Fmt | Kind::Clippy));
    if chosen(Kind::Proto) {
        proto::check()?;
    }
    for (_, step) in checks {
        run_step(&step, &[], None, tally)?;
    }
    let tests: Vec<Step> = tests.into_iter().map(|(_, step)| step).collect();
    if tests.is_empty() && !choice.only.contains(&Kind::Browser) {
        return Ok(());
    }
    build(tally)?;
    if !tests.is_empty() {
        on_servers(&tests, tally)?;
    }
    // As long as half of everything else together: only where it is asked for.
    if choice.only.contains(&Kind::Browser) {
        browser::run(choice.filter.as_deref(), tally)?;
    }
    Ok(())
}

/// One build of everything with one set of features: no later step compiles a dependency again.
pub(crate) fn build(tally: &mut Tally) -> anyhow::Result<()> {
    let build = Step::new("build", "build --workspace --all-targets --locked");
    run_step(&build, &[], None, tally)
}

/// Runs what needs the servers, and stops them again.
fn on_servers(tests: &[Step], tally: &mut Tally) -> anyhow::Result<()> {
    let fetching = Instant::now();
    let (nats, smtp) = (nats::find()?, wheels::fetch("smtp")?);
    let open311 = wheels::fetch("open311")?;
    println!(
        "xtask: tools ready in {:.1} s",
        fetching.elapsed().as_secs_f64()
    );
    let environment = [
        ("COZUM_TEST_NATS_SERVER", nats),
        ("COZUM_TEST_SMTP_PYTHONPATH", smtp),
        ("COZUM_TEST_OPEN311_PYTHONPATH", open311),
        ("COZUM_TEST_PYTHON", PathBuf::from(wheels::python())),
    ];
    on_postgres(tests, &environment, tally)
}

/// Runs what needs PostgreSQL and the binary, with what else it needs, and stops the server again.
pub(crate) fn on_postgres(
    tests: &[Step],
    more: &[(&str, PathBuf)],
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let starting = Instant::now();
    let mut servers = Watched::start(postgres::find()?)?;
    println!(
        "xtask: PostgreSQL ready in {:.1} s",
        starting.elapsed().as_secs_f64()
    );
    let mut environment = vec![
        ("COZUM_TEST_POSTGRES", PathBuf::from(servers.url())),
        ("COZUM_TEST_PG_BIN", servers.bin().to_owned()),
        ("COZUM_TEST_BIN", places::target().join("debug/cozum")),
        ("TMPDIR", servers.temporary().to_owned()),
    ];
    environment.extend_from_slice(more);
    for step in tests {
        run_step(step, &environment, Some(&mut servers), tally)?;
    }
    Ok(())
}

fn steps(filter: Option<&str>) -> anyhow::Result<Vec<(Kind, Step)>> {
    let root = places::root();
    let mut unit = String::from("test --workspace --locked --lib --bins");
    for name in targets::of_others(&root) {
        unit.push_str(" --test ");
        unit.push_str(&name);
    }
    let mut steps = vec![
        (Kind::Fmt, Step::new("fmt", "fmt --all --check")),
        (
            Kind::Clippy,
            Step::new(
                "clippy",
                "clippy --workspace --all-targets --locked -- -D warnings",
            ),
        ),
        (Kind::Unit, Step::new("unit", &unit)),
        (
            Kind::Unit,
            Step::new("doc", "test --workspace --locked --doc"),
        ),
    ];
    let there = targets::of_tests(&root)?;
    for (kind, name, threads) in [
        (Kind::Conformance, "conformance", None),
        (Kind::Architecture, "architecture", None),
        (Kind::E2e, "e2e", None),
        // Each of these starts a whole cluster and measures how it recovers: one at a time.
        (Kind::Faults, "faults", Some("--test-threads=1")),
    ] {
        if there.iter().any(|it| it == name) {
            let args = format!("test --workspace --locked --test {name}");
            let mut found = Step::new(name, &args);
            found.args.extend(
                threads
                    .map(|it| ["--", it].map(str::to_owned))
                    .into_iter()
                    .flatten(),
            );
            steps.push((kind, found));
        }
    }
    for (_, step) in steps
        .iter_mut()
        .filter(|(kind, _)| !matches!(kind, Kind::Fmt | Kind::Clippy))
    {
        if let Some(filter) = filter {
            if !step.args.iter().any(|it| it == "--") {
                step.args.push("--".to_owned());
            }
            step.args.push(filter.to_owned());
        }
    }
    Ok(steps)
}

/// Runs one command with its output on the terminal, and counts the tests it reports.
fn run_step(
    step: &Step,
    environment: &[(&str, PathBuf)],
    mut servers: Option<&mut Watched>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut cargo = Command::new(places::cargo());
    cargo
        .current_dir(places::root())
        .args(&step.args)
        .envs(environment.iter().map(|(name, value)| (name, value)));
    println!("\nxtask: {}: cargo {}", step.title, step.args.join(" "));
    if servers.is_some() {
        // Its own process group, so that the watcher can end all of it.
        cargo.process_group(0);
    }
    let mut child = cargo
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    if let Some(servers) = &mut servers {
        servers.step(Some(child.id()));
    }
    let output = child
        .stdout
        .take()
        .context("cargo has no standard output")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        tally.hear(&line);
        println!("{line}");
    }
    let status = child.wait()?;
    if let Some(servers) = &mut servers {
        servers.step(None);
    }
    println!(
        "xtask: {}: {} in {:.1} s",
        step.title,
        if status.success() { "passed" } else { "FAILED" },
        start.elapsed().as_secs_f64()
    );
    anyhow::ensure!(
        status.success(),
        "the step `{}` failed: {} ({status})",
        step.title,
        command::told(&cargo)
    );
    Ok(())
}
