//! Running other programs.

use std::process::{Command, Stdio};

use anyhow::Context as _;

/// What `program` printed, where it ended with success; `None` where it does not exist or failed.
pub(crate) fn asked(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(text)
}

/// Runs a program to its end, with its output on the terminal, and fails unless it succeeds.
pub(crate) fn done(command: &mut Command) -> anyhow::Result<()> {
    let told = told(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {told}"))?;
    anyhow::ensure!(status.success(), "{told}: {status}");
    Ok(())
}

/// Runs a program quietly; what it said is told only when it fails.
pub(crate) fn quietly(command: &mut Command) -> anyhow::Result<()> {
    let told = told(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {told}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{told}: {}\n{said}", output.status);
    Ok(())
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    asked("id", &["-u"]).is_some_and(|it| it.trim() == "0")
}

/// The command as one would type it.
pub(crate) fn told(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|it| it.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
