//! A process that never outlives the test that started it.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use anyhow::Context as _;

/// A running program; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    child: Child,
}

impl Running {
    /// Starts `command` with its standard output and error appended to these files.
    pub(crate) fn start(
        name: &str,
        command: &mut Command,
        stdout: &Path,
        stderr: &Path,
    ) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(append(stdout)?)
            .stderr(append(stderr)?)
            .spawn()
            .with_context(|| format!("{name}: cannot start {}", command.get_program().display()))?;
        Ok(Self {
            name: name.to_owned(),
            child,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The exit status, once it has ended.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("{}: cannot ask for its end", self.name))
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill9(&mut self) -> anyhow::Result<()> {
        self.child
            .kill()
            .with_context(|| format!("{}: cannot kill", self.name))?;
        self.child
            .wait()
            .map(|_| ())
            .with_context(|| format!("{}: cannot wait", self.name))
    }

    /// Sends a signal by name, e.g. `TERM`.
    pub(crate) fn signal(&self, name: &str) -> anyhow::Result<()> {
        signal(name, &[self.pid()])
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error here means that it has ended already.
        drop(self.kill9());
    }
}

/// Sends a signal to processes, ended ones among them included.
pub(crate) fn signal(name: &str, pids: &[u32]) -> anyhow::Result<()> {
    let list: Vec<String> = pids.iter().map(u32::to_string).collect();
    let script = format!("kill -{name} {} 2>/dev/null || true", list.join(" "));
    let status = Command::new("sh")
        .args(["-c", &script])
        .status()
        .context("cannot run sh")?;
    anyhow::ensure!(status.success(), "kill -{name} {list:?}: {status}");
    Ok(())
}

/// The processes that `pid` started and that still run (Linux; elsewhere none).
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let listed =
        std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed
        .split_whitespace()
        .filter_map(|it| it.parse().ok())
        .collect()
}

/// The last lines of a log, for an error message.
pub(crate) fn tail(log: &Path) -> String {
    let text = String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
