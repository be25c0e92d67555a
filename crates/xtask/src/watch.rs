//! The servers of one run, and the promise that they go with it.

use std::{
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use crate::postgres::Cluster;

const SCRIPT: &str = include_str!("watch.sh");
const PATIENCE: Duration = Duration::from_secs(60);

/// A running PostgreSQL and a temporary folder. A watching shell owns both: it holds the other end of a pipe, so that it
/// cleans up when this is dropped, and also when xtask is interrupted or killed.
pub(crate) struct Watched {
    cluster: Cluster,
    folder: PathBuf,
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Watched {
    /// Makes a throw-away cluster of the PostgreSQL in `bin` and starts it.
    pub(crate) fn start(bin: PathBuf) -> anyhow::Result<Self> {
        let folder = temporary_folder()?;
        let started = Cluster::new(bin, folder.join("postgres")).and_then(|cluster| {
            let (shell, pipe) = watch(&folder, &cluster)?;
            Ok(Self {
                cluster,
                folder: folder.clone(),
                shell,
                pipe: Some(pipe),
            })
        });
        let mut watched = started.inspect_err(|_| drop(std::fs::remove_dir_all(&folder)))?;
        watched.wait()?;
        Ok(watched)
    }

    /// Where the tests find the server.
    pub(crate) fn url(&self) -> String {
        self.cluster.url()
    }

    /// The folder of PostgreSQL's programs.
    pub(crate) fn bin(&self) -> &Path {
        &self.cluster.bin
    }

    /// A folder for the tests' own temporary files, removed with everything else.
    pub(crate) fn temporary(&self) -> &Path {
        &self.folder
    }

    /// Names the step's process group, which is ended should xtask end before it.
    pub(crate) fn step(&mut self, group: Option<u32>) {
        if let Some(pipe) = &mut self.pipe {
            let line = group.map_or_else(String::new, |it| it.to_string());
            // Without its reader there is nothing left to watch.
            drop(writeln!(pipe, "{line}"));
        }
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        while !self.cluster.answers() {
            let log = || std::fs::read_to_string(self.cluster.log()).unwrap_or_default();
            anyhow::ensure!(
                start.elapsed() < PATIENCE,
                "PostgreSQL does not answer within {PATIENCE:?}\n{}",
                log()
            );
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.pipe = None;
        if let Err(error) = self.shell.wait() {
            eprintln!("xtask: the servers may still run: {error}");
        }
    }
}

fn watch(folder: &Path, cluster: &Cluster) -> anyhow::Result<(Child, ChildStdin)> {
    let server = cluster.server();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", SCRIPT, "watch"])
        .arg(folder)
        .arg(cluster.log());
    shell.arg(server.get_program()).args(server.get_args());
    // Its own process group: a Ctrl-C in the terminal must not reach it before it has cleaned up.
    shell.current_dir("/").env("LC_ALL", "C").process_group(0);
    let mut shell = shell
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run sh")?;
    let pipe = shell
        .stdin
        .take()
        .context("the shell has no standard input")?;
    Ok((shell, pipe))
}

/// Everybody may pass through it: as root, PostgreSQL runs as somebody else.
fn temporary_folder() -> anyhow::Result<PathBuf> {
    let process = std::process::id();
    let names = (0..100)
        .map(|attempt| std::env::temp_dir().join(format!("cozum-test-{process}-{attempt}")));
    let made = |folder: &PathBuf| {
        std::fs::DirBuilder::new()
            .mode(0o711)
            .create(folder)
            .is_ok()
    };
    let folder = names
        .into_iter()
        .find(made)
        .context("cannot make a temporary folder")?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711))?;
    Ok(folder)
}
