//! `cargo xtask up`: from a fresh clone to a city that answers.

use std::{process::Command, time::Instant};

use crate::{command, places};

const LISTEN: &str = "127.0.0.1:8153";

/// Builds the release binary and runs the demo city in the foreground, until it is stopped.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut build = Command::new(places::cargo());
    build
        .current_dir(places::root())
        .args(["build", "--release", "--locked", "-p", "cozum"]);
    command::done(&mut build)?;
    let binary = places::target().join("release/cozum");
    let size = std::fs::metadata(&binary)?.len();
    println!(
        "xtask: built in {:.1} s, {}.{} MB",
        start.elapsed().as_secs_f64(),
        size / 1_000_000,
        size / 100_000 % 10
    );

    let listen = value_of("--listen", args).unwrap_or(LISTEN);
    let port = listen.rsplit(':').next().unwrap_or(listen);
    println!("xtask: the demo city is about to answer on http://localhost:{port}; Ctrl-C ends it");
    let mut up = Command::new(binary);
    up.current_dir(places::root()).args(["up", "--demo"]);
    if value_of("--data", args).is_none() {
        up.arg("--data").arg(places::target().join("demo"));
    }
    if value_of("--listen", args).is_none() {
        up.args(["--listen", LISTEN]);
    }
    command::done(up.args(args))
}

/// The value of `--flag value` or `--flag=value`.
fn value_of<'a>(flag: &str, args: &'a [String]) -> Option<&'a str> {
    let at = args
        .iter()
        .position(|it| it == flag || it.starts_with(&format!("{flag}=")))?;
    args[at]
        .split_once('=')
        .map(|(_, value)| value)
        .or_else(|| args.get(at + 1).map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_flag_are_understood() {
        let args = ["--listen=0.0.0.0:80", "--data", "/tmp/x"].map(str::to_owned);
        assert_eq!(value_of("--listen", &args), Some("0.0.0.0:80"));
        assert_eq!(value_of("--data", &args), Some("/tmp/x"));
        assert_eq!(value_of("--demo", &args), None);
    }
}
