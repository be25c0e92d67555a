//! The `cozum` binary, run as an operator runs it.

use std::{
    collections::BTreeMap,
    env, fs,
    path::PathBuf,
    process::{Command, ExitStatus, Output},
    time::Duration,
};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::{
    child::{self, Running},
    eventually, port, settings,
};

/// A port nobody listens on, for a role's `--listen`.
pub fn free_port() -> anyhow::Result<u16> {
    port::free()
}

/// How a process is started, and how one knows that it is ready.
#[derive(Debug, Clone)]
pub struct Launch {
    name: String,
    args: Vec<String>,
    envs: BTreeMap<String, String>,
    ready: Option<String>,
    patience: Duration,
}

impl Launch {
    /// `cozum <args>`, called `name` in messages.
    #[must_use]
    pub fn new<A: Into<String>>(name: &str, args: impl IntoIterator<Item = A>) -> Self {
        Self {
            name: name.to_owned(),
            args: args.into_iter().map(Into::into).collect(),
            envs: BTreeMap::new(),
            ready: None,
            patience: Duration::from_secs(60),
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// A variable of its environment. It inherits none of the caller's that start with `COZUM_`.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.envs.insert(name.to_owned(), value.into());
        self
    }

    /// It is ready when this URL answers 200.
    #[must_use]
    pub fn ready_at(mut self, url: impl Into<String>) -> Self {
        self.ready = Some(url.into());
        self
    }

    /// How long it may take to become ready (60 s where nothing is said).
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts it and waits until it is ready.
    pub async fn start(self) -> anyhow::Result<Cozum> {
        let folder = tempfile::Builder::new().prefix("cozum-run-").tempdir()?;
        let mut process = Cozum {
            running: None,
            folder,
            launch: self,
        };
        process.restart().await?;
        Ok(process)
    }

    /// Runs it to its end, as a command, and gives its output.
    pub async fn run(self) -> anyhow::Result<Output> {
        let mut command = tokio::process::Command::from(self.command()?);
        let output = command
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output();
        tokio::time::timeout(self.patience, output)
            .await
            .with_context(|| {
                format!(
                    "cozum {:?} did not end within {:?}",
                    self.args, self.patience
                )
            })?
            .with_context(|| format!("cannot run cozum {:?}", self.args))
    }

    fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(settings::cozum()?);
        let ours = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("COZUM_");
        for (name, _) in env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.args(&self.args).envs(&self.envs);
        Ok(command)
    }
}

/// A running `cozum` process; its output goes to files that outlive a restart.
#[derive(Debug)]
pub struct Cozum {
    running: Option<Running>,
    folder: TempDir,
    launch: Launch,
}

impl Cozum {
    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.launch.name
    }

    /// Its process id while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Running::pid)
    }

    /// `kill -9`.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        self.running
            .take()
            .map_or(Ok(()), |mut running| running.kill9())
    }

    /// Stops it with `kill -9` if it runs, starts it again with the same arguments, and waits until it is ready.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.spawn()?;
        self.wait_ready().await
    }

    /// As `restart`, but does not wait.
    pub fn spawn(&mut self) -> anyhow::Result<()> {
        self.kill9()?;
        let (stdout, stderr) = (self.stdout_file(), self.stderr_file());
        self.running = Some(Running::start(
            &self.launch.name,
            &mut self.launch.command()?,
            &stdout,
            &stderr,
        )?);
        Ok(())
    }

    /// Waits until it is ready; fails at once when it ends instead.
    pub async fn wait_ready(&mut self) -> anyhow::Result<()> {
        let Some(url) = self.launch.ready.clone() else {
            return Ok(());
        };
        let (what, patience) = (
            format!("{} is ready at {url}", self.launch.name),
            self.launch.patience,
        );
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .no_proxy()
            .build()?;
        let ended = eventually(patience, &what, async || {
            if let Some(status) = self.exit_status()? {
                return Ok(Some(status));
            }
            let answer = client
                .get(&url)
                .send()
                .await
                .with_context(|| self.tails())?;
            anyhow::ensure!(
                answer.status().is_success(),
                "{}\n{}",
                answer.status(),
                self.tails()
            );
            Ok(None)
        })
        .await?;
        anyhow::ensure!(
            ended.is_none(),
            "{} ended with {ended:?} instead of getting ready\n{}",
            self.name(),
            self.tails()
        );
        Ok(())
    }

    /// The status it ended with; `None` while it runs.
    pub fn exit_status(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.running
            .as_mut()
            .map(Running::ended)
            .transpose()
            .map(Option::flatten)
    }

    /// Holds it where it is, as on a machine that is too busy to run it, until it may go on.
    pub fn hold(&self) -> anyhow::Result<()> {
        self.signal("STOP")
    }

    /// Lets it go on after [`hold`](Self::hold).
    pub fn go_on(&self) -> anyhow::Result<()> {
        self.signal("CONT")
    }

    fn signal(&self, name: &str) -> anyhow::Result<()> {
        let running = self.running.as_ref();
        let running = running.with_context(|| format!("{} does not run", self.launch.name))?;
        running.signal(name)
    }

    /// Asks it to stop (`SIGTERM`) and waits for its end, at most `patience`.
    pub async fn terminate(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let mut running = self
            .running
            .take()
            .with_context(|| format!("{} does not run", self.launch.name))?;
        running.signal("TERM")?;
        let what = format!("{} ends after SIGTERM", self.launch.name);
        eventually(patience, &what, async || {
            running.ended()?.context("it runs on")
        })
        .await
    }

    /// Everything it wrote to its standard output, over all its starts.
    #[must_use]
    pub fn stdout(&self) -> String {
        read(&self.stdout_file())
    }

    /// Everything it wrote to its standard error, over all its starts.
    #[must_use]
    pub fn stderr(&self) -> String {
        read(&self.stderr_file())
    }

    /// The file its standard output goes to.
    #[must_use]
    pub fn stdout_file(&self) -> PathBuf {
        self.folder.path().join("stdout")
    }

    /// The file its standard error goes to.
    #[must_use]
    pub fn stderr_file(&self) -> PathBuf {
        self.folder.path().join("stderr")
    }

    fn tails(&self) -> String {
        format!(
            "{}\n{}",
            child::tail(&self.stdout_file()),
            child::tail(&self.stderr_file())
        )
    }
}

fn read(path: &std::path::Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_runs_to_its_end() -> anyhow::Result<()> {
        let output = Launch::new("version", ["--version"]).run().await?;
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8(output.stdout)?.starts_with("cozum "));
        Ok(())
    }

    #[tokio::test]
    async fn a_centre_comes_up_dies_and_comes_back() -> anyhow::Result<()> {
        let data = tempfile::tempdir()?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut centre = Launch::new("centre", ["up", "--listen", &address, "--data"])
            .arg(data.path().to_string_lossy())
            .ready_at(format!("http://{address}/readyz"))
            .start()
            .await?;
        let first = centre.pid().context("it runs")?;
        centre.kill9()?;
        assert_eq!(centre.pid(), None);
        centre.restart().await?;
        assert_ne!(centre.pid(), Some(first));
        assert!(
            centre.terminate(Duration::from_secs(30)).await?.success(),
            "{}",
            centre.stderr()
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_process_that_ends_is_told_at_once() {
        let launch =
            Launch::new("nonsense", ["no-such-command"]).ready_at("http://127.0.0.1:1/readyz");
        let told = format!("{:#}", launch.start().await.unwrap_err());
        assert!(told.contains("instead of getting ready"), "{told}");
    }
}
