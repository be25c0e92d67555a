//! A NATS server of the test's own, with JetStream.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::{
    child::{self, Running},
    eventually, port, settings,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A `nats-server` whose JetStream keeps its files in a folder of its own.
#[derive(Debug)]
pub struct Server {
    running: Option<Running>,
    program: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Server {
    /// Starts an empty server and waits until JetStream answers.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("cozum-nats-").tempdir()?;
        let mut server = Self {
            running: None,
            program: settings::nats_server()?,
            folder,
            port: port::free()?,
        };
        server.restart().await?;
        Ok(server)
    }

    /// Where a client finds it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.running.iter().map(Running::pid).collect()
    }

    /// `kill -9`.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        self.running
            .take()
            .map_or(Ok(()), |mut running| running.kill9())
    }

    /// Starts it again on the same port and files.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill9()?;
        let mut command = Command::new(&self.program);
        command
            .args([
                "-a",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-js",
                "-sd",
            ])
            .arg(self.store());
        self.running = Some(Running::start(
            "nats-server",
            &mut command,
            &self.log(),
            &self.log(),
        )?);
        let (port, log) = (self.port, self.log());
        eventually(PATIENCE, "nats-server offers JetStream", async || {
            greeting(port, &log).await
        })
        .await
    }

    /// Kills it, deletes everything it kept, and starts it empty: JetStream has forgotten all.
    pub async fn wipe(&mut self) -> anyhow::Result<()> {
        self.kill9()?;
        std::fs::remove_dir_all(self.store()).context("cannot delete JetStream's files")?;
        self.restart().await
    }

    /// The folder of JetStream's files, for tests that look at the bytes.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("jetstream")
    }

    /// The file with everything it said.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("nats.log")
    }
}

/// The first line a NATS server sends tells what it offers.
async fn greeting(port: u16, log: &Path) -> anyhow::Result<()> {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .with_context(|| child::tail(log))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    anyhow::ensure!(
        line.starts_with("INFO ") && line.contains("\"jetstream\":true"),
        "it said {line:?}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_nats::jetstream::{self, Context, stream};

    async fn publish_one(server: &Server) -> anyhow::Result<Context> {
        let context = jetstream::new(async_nats::connect(server.url()).await?);
        let config = stream::Config {
            name: "CITY".into(),
            subjects: vec!["city.>".into()],
            ..Default::default()
        };
        context.create_stream(config).await?;
        context.publish("city.said", "İĞDIR".into()).await?.await?;
        Ok(context)
    }

    async fn kept(server: &Server) -> anyhow::Result<u64> {
        let context = jetstream::new(async_nats::connect(server.url()).await?);
        Ok(context
            .get_stream("CITY")
            .await?
            .get_info()
            .await?
            .state
            .messages)
    }

    #[tokio::test]
    async fn it_comes_back_with_its_messages_on_the_same_port() -> anyhow::Result<()> {
        let mut server = Server::start().await?;
        publish_one(&server).await?;
        let url = server.url();
        server.kill9()?;
        server.restart().await?;
        assert_eq!(server.url(), url);
        assert_eq!(kept(&server).await?, 1);
        Ok(())
    }

    #[tokio::test]
    async fn a_wipe_leaves_nothing() -> anyhow::Result<()> {
        let mut server = Server::start().await?;
        publish_one(&server).await?;
        server.wipe().await?;
        assert!(kept(&server).await.is_err(), "the stream is still there");
        Ok(())
    }
}
