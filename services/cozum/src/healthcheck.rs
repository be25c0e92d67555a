//! `cozum healthcheck`: asks a process whether it is ready; for containers that have no curl.

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::cli;

const PATIENCE: Duration = Duration::from_secs(5);
/// A list of what is not ready is short.
const LONGEST_ANSWER: u64 = 64 << 10;

/// Exits with 0 if a process is ready, with 1 if it is not
#[derive(Debug, clap::Args)]
pub(crate) struct Healthcheck {
    /// Its address, e.g. http://127.0.0.1:8153; without a path, /readyz is asked
    url: String,
}

impl Healthcheck {
    /// Runs it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let (host, path) = parse(&self.url)?;
        let answer = tokio::time::timeout(PATIENCE, get(&host, &path))
            .await
            .context("no answer within 5 s")??;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        cli::answer(body)?;
        let ready = head.split_whitespace().nth(1) == Some("200");
        Ok(if ready {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// "host:port" and the path.
fn parse(url: &str) -> anyhow::Result<(String, String)> {
    let rest = url
        .strip_prefix("http://")
        .context("URL: begins with http://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    anyhow::ensure!(!host.is_empty(), "URL: names no host");
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let host = if has_port {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let path = if path.is_empty() {
        "/readyz".to_owned()
    } else {
        format!("/{path}")
    };
    Ok((host, path))
}

async fn get(host: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(host)
        .await
        .with_context(|| format!("nothing answers at {host}"))?;
    // HTTP/1.0: the answer ends with the connection, and has no chunks.
    stream
        .write_all(format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes())
        .await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_alone_asks_whether_it_is_ready() {
        let ask = |url| parse(url).unwrap();
        assert_eq!(
            ask("http://127.0.0.1:8153"),
            ("127.0.0.1:8153".to_owned(), "/readyz".to_owned())
        );
        assert_eq!(
            ask("http://[::1]:8153/livez"),
            ("[::1]:8153".to_owned(), "/livez".to_owned())
        );
        assert_eq!(
            ask("http://gateway/"),
            ("gateway:80".to_owned(), "/readyz".to_owned())
        );
        assert!(parse("https://gateway").is_err());
    }
}
