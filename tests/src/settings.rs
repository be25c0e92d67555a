//! Where the programs are: set by `cargo xtask test`, looked for where a hand-started test runs without it.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// The folder of `postgres` and `initdb`.
pub(crate) fn postgres_bin() -> anyhow::Result<PathBuf> {
    named("COZUM_TEST_PG_BIN")
        .or_else(|| newest_of("/usr/lib/postgresql"))
        .context("COZUM_TEST_PG_BIN is not set: run the tests with `cargo xtask test`")
}

/// The `nats-server` program.
pub(crate) fn nats_server() -> anyhow::Result<PathBuf> {
    named("COZUM_TEST_NATS_SERVER")
        .or_else(|| existing(target().join("tools/nats/bin/nats-server")))
        .context("COZUM_TEST_NATS_SERVER is not set: run the tests with `cargo xtask test`")
}

/// The Python program, and the folder its `aiosmtpd` stands in.
pub(crate) fn smtp_python() -> anyhow::Result<(PathBuf, PathBuf)> {
    let python = named("COZUM_TEST_PYTHON").unwrap_or_else(|| PathBuf::from("python3"));
    let path = named("COZUM_TEST_SMTP_PYTHONPATH")
        .or_else(|| existing(target().join("tools/smtp")))
        .context("COZUM_TEST_SMTP_PYTHONPATH is not set: run the tests with `cargo xtask test`")?;
    Ok((python, path))
}

/// The Python program, and the folder that the Open311 clients of others stand in.
pub(crate) fn open311_python() -> anyhow::Result<(PathBuf, PathBuf)> {
    let python = named("COZUM_TEST_PYTHON").unwrap_or_else(|| PathBuf::from("python3"));
    let path = named("COZUM_TEST_OPEN311_PYTHONPATH")
        .or_else(|| existing(target().join("tools/open311")))
        .context(
            "COZUM_TEST_OPEN311_PYTHONPATH is not set: run the tests with `cargo xtask test`",
        )?;
    Ok((python, path))
}

/// The `cozum` program under test.
pub(crate) fn cozum() -> anyhow::Result<PathBuf> {
    named("COZUM_TEST_BIN")
        .or_else(|| existing(target().join("debug/cozum")))
        .context("COZUM_TEST_BIN is not set: run the tests with `cargo xtask test`")
}

/// Where to keep what the processes of a cluster said, if anywhere.
pub(crate) fn logs() -> Option<PathBuf> {
    named("COZUM_TEST_LOGS")
}

fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|it| !it.is_empty())
        .map(PathBuf::from)
}

fn existing(path: PathBuf) -> Option<PathBuf> {
    path.exists().then_some(path)
}

fn target() -> PathBuf {
    named("CARGO_TARGET_DIR")
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))
}

/// `<parent>/<highest number>/bin`.
fn newest_of(parent: &str) -> Option<PathBuf> {
    let numbered = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.ok()?.file_name().to_str()?.parse::<u32>().ok()
    };
    let newest = std::fs::read_dir(parent).ok()?.filter_map(numbered).max()?;
    existing(Path::new(parent).join(newest.to_string()).join("bin"))
}
