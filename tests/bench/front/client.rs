//! The lightest HTTP/1.1 client that is honest: one connection that is kept, one request at a time, every answer read to its
//! end. What it costs is taken from the same two cores as what it measures.

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    host: String,
    sent: Vec<u8>,
    received: Vec<u8>,
}

/// An answer; its body stands in the connection until the next request.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a [u8],
}

impl Connection {
    /// To "host:port".
    pub(crate) async fn open(host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host)
            .await
            .with_context(|| format!("connecting to {host}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            host: host.to_owned(),
            sent: Vec::new(),
            received: Vec::with_capacity(64 << 10),
        })
    }

    /// Sends a form.
    pub(crate) async fn post(&mut self, path: &str, form: &str) -> anyhow::Result<Answer<'_>> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            self.host,
            form.len()
        );
        self.sent.clear();
        self.sent.extend_from_slice(head.as_bytes());
        self.sent.extend_from_slice(form.as_bytes());
        self.exchange().await
    }

    /// Asks for a page.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Answer<'_>> {
        let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host);
        self.sent.clear();
        self.sent.extend_from_slice(head.as_bytes());
        self.exchange().await
    }

    async fn exchange(&mut self) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(&self.sent).await?;
        self.received.clear();
        let head = loop {
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let text = std::str::from_utf8(&self.received[..head]).context("the head of an answer")?;
        let length = header(text, "content-length").context("an answer without a length")?;
        let end = head + length.parse::<usize>()?;
        while self.received.len() < end {
            self.more().await?;
        }
        let head_text = std::str::from_utf8(&self.received[..head])?;
        let status = head_text.split(' ').nth(1).context("a status")?.parse()?;
        Ok(Answer {
            status,
            head: head_text,
            body: &self.received[head..end],
        })
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        let read = self.stream.read_buf(&mut self.received).await?;
        anyhow::ensure!(read > 0, "the server closed the connection");
        Ok(())
    }
}

impl Answer<'_> {
    /// Fails unless it went well.
    pub(crate) fn good(self) -> anyhow::Result<Self> {
        let text = String::from_utf8_lossy(self.body);
        anyhow::ensure!(self.status == 200, "status {}: {text}", self.status);
        Ok(self)
    }

    /// One of its headers.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|it| it == what)
}
