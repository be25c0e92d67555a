//! A PostgreSQL of the test's own.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Context as _;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::{
    child::{self, Running},
    eventually, port, settings,
};

/// PostgreSQL refuses to run as root; this is `nobody`, who owns nothing.
const NOBODY: u32 = 65_534;
const PATIENCE: Duration = Duration::from_secs(60);

/// A PostgreSQL server with an empty cluster of its own, durable as in production: `fsync` and `synchronous_commit` are on.
#[derive(Debug)]
pub struct Server {
    running: Option<Running>,
    bin: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Server {
    /// Makes a cluster, starts it, and waits until it takes connections.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("cozum-pg-").tempdir()?;
        if is_root(folder.path())? {
            chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        let mut server = Self {
            running: None,
            bin: settings::postgres_bin()?,
            folder,
            port: port::free()?,
        };
        server.init()?;
        server.restart().await?;
        Ok(server)
    }

    /// Where a client finds `database`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and gives its URL.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<String> {
        anyhow::ensure!(
            name.bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'_'),
            "database name {name:?}"
        );
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        let statement = format!("CREATE DATABASE {name}");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok(self.url(name))
    }

    /// `kill -9` of the server and of each of its processes, as when the machine loses power.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        let backends = child::children(running.pid());
        running.kill9()?;
        child::signal("KILL", &backends)
    }

    /// Starts it again on the same port and data; it recovers what was committed.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill9()?;
        let url = self.url("postgres");
        eventually(PATIENCE, "PostgreSQL takes connections", async || {
            // A process of the killed server may hold its shared memory for a moment longer: then the start is refused.
            if self
                .running
                .as_mut()
                .map(Running::ended)
                .transpose()?
                .flatten()
                .is_some()
            {
                self.running = None;
            }
            if self.running.is_none() {
                self.running = Some(self.launch()?);
            }
            let connection = PgConnection::connect(&url)
                .await
                .with_context(|| child::tail(&self.log()))?;
            Ok(connection.close().await?)
        })
        .await
    }

    /// The server's process and those it started.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        let server = self.running.as_ref().map(Running::pid);
        let started = server.into_iter().flat_map(child::children);
        server.into_iter().chain(started).collect()
    }

    /// The folder of its data, for tests that look at the bytes.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file with everything it said.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("postgres.log")
    }

    fn init(&self) -> anyhow::Result<()> {
        let mut command = self.program("initdb")?;
        command.arg("-D").arg(self.data_dir());
        command.args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "--locale=C",
            "-E",
            "UTF8",
            "--no-sync",
        ]);
        let output = command.output().context("cannot run initdb")?;
        anyhow::ensure!(
            output.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    fn launch(&self) -> anyhow::Result<Running> {
        let mut command = self.program("postgres")?;
        command
            .arg("-D")
            .arg(self.data_dir())
            .arg("-k")
            .arg(self.folder.path());
        command.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-c",
            "max_connections=200",
        ]);
        Running::start("postgres", &mut command, &self.log(), &self.log())
    }

    /// One of PostgreSQL's programs, without root's powers.
    fn program(&self, name: &str) -> anyhow::Result<Command> {
        let path = self.bin.join(name);
        let mut command = if is_nobodys(self.folder.path())? {
            let mut dropped = Command::new("setpriv");
            dropped
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .arg(path);
            dropped
        } else {
            Command::new(path)
        };
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        Ok(command)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a failure here; the folder goes next.
        drop(self.kill9());
    }
}

/// Whoever just made `folder` is root.
fn is_root(folder: &Path) -> anyhow::Result<bool> {
    Ok(fs::metadata(folder)?.uid() == 0)
}

fn is_nobodys(folder: &Path) -> anyhow::Result<bool> {
    Ok(fs::metadata(folder)?.uid() == NOBODY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_committed_survives_kill_9() -> anyhow::Result<()> {
        let mut server = Server::start().await?;
        let url = server.create_database("city").await?;
        let mut connection = PgConnection::connect(&url).await?;
        sqlx::query("CREATE TABLE said (word text)")
            .execute(&mut connection)
            .await?;
        sqlx::query("INSERT INTO said VALUES ('İĞDIR')")
            .execute(&mut connection)
            .await?;

        server.kill9()?;
        assert!(
            PgConnection::connect(&url).await.is_err(),
            "a killed server answers"
        );
        server.restart().await?;

        let mut connection = PgConnection::connect(&url).await?;
        let said: String = sqlx::query_scalar("SELECT word FROM said")
            .fetch_one(&mut connection)
            .await?;
        assert_eq!(said, "İĞDIR");
        assert!(server.data_dir().join("PG_VERSION").exists());
        Ok(())
    }

    #[tokio::test]
    async fn two_servers_know_nothing_of_each_other() -> anyhow::Result<()> {
        let (first, second) = (Server::start().await?, Server::start().await?);
        first.create_database("only_here").await?;
        assert_ne!(first.port(), second.port());
        assert!(
            PgConnection::connect(&second.url("only_here"))
                .await
                .is_err()
        );
        Ok(())
    }
}
