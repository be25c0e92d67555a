//! Somebody who is told by webhook: a small HTTP server that keeps what it got, and answers as the test wants.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// One message as it arrived.
#[derive(Debug, Clone)]
pub struct Message {
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The bytes that were signed.
    pub body: Vec<u8>,
    /// What it was answered with.
    pub answer: u16,
}

impl Message {
    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// A header, "" where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

#[derive(Debug)]
struct Kept {
    answer: AtomicU16,
    messages: Mutex<Vec<Message>>,
}

/// The server; it ends with this value.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    kept: Arc<Kept>,
    _serving: JoinSet<()>,
}

impl Receiver {
    /// Starts one that answers with this status.
    pub async fn start(answer: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let kept = Arc::new(Kept {
            answer: AtomicU16::new(answer),
            messages: Mutex::default(),
        });
        let mut serving = JoinSet::new();
        let own = Arc::clone(&kept);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&own);
                // A connection that breaks is the sender's affair: it sends again.
                connections.spawn(async move { drop(serve(stream, &kept).await) });
            }
        });
        Ok(Self {
            url,
            kept,
            _serving: serving,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers with this status from now on.
    pub fn answer(&self, status: u16) {
        self.kept.answer.store(status, Ordering::SeqCst);
    }

    /// Everything that arrived, in its order.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        let messages = self.kept.messages.lock();
        messages.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it took (answered with 200), in its order.
    #[must_use]
    pub fn taken(&self) -> Vec<Message> {
        let mut messages = self.messages();
        messages.retain(|it| it.answer == 200);
        messages
    }
}

async fn serve(mut stream: TcpStream, kept: &Kept) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let head = loop {
            if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
                break at;
            }
            anyhow::ensure!(stream.read_buf(&mut bytes).await? > 0, "closed");
        };
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        let headers: BTreeMap<String, String> = text
            .lines()
            .skip(1)
            .filter_map(|it| it.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length: usize = headers.get("content-length").context("a length")?.parse()?;
        while bytes.len() < head + 4 + length {
            anyhow::ensure!(stream.read_buf(&mut bytes).await? > 0, "closed");
        }
        let rest = bytes.split_off(head + 4 + length);
        let body = bytes.split_off(head + 4);
        bytes = rest;
        let answer = kept.answer.load(Ordering::SeqCst);
        kept.messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Message {
                headers,
                body,
                answer,
            });
        let said = format!("HTTP/1.1 {answer} told\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(said.as_bytes()).await?;
    }
}
