//! An SMTP server of the test's own: Python's `aiosmtpd`, so that no code of ours judges our mail.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use anyhow::Context as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    child::{self, Running},
    eventually, port, settings,
};

const SCRIPT: &str = include_str!("smtp_server.py");
const PATIENCE: Duration = Duration::from_secs(30);

/// A running mail server and the journal of everything it took.
#[derive(Debug)]
pub struct Server {
    running: Option<Running>,
    folder: TempDir,
    port: u16,
}

/// What the server does with the next messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes the message: 250.
    Accept,
    /// Refuses it for good: 550.
    Reject,
    /// Refuses it for now: 451.
    Defer,
    /// Takes the message and cuts the connection before it says so.
    Vanish,
    /// Takes the message, and says so only when it is told to behave otherwise.
    Stall,
}

/// A message the server took, decoded by Python's `email`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's receivers.
    pub to: Vec<String>,
    /// The `Message-ID` header, brackets included.
    pub message_id: String,
    /// The subject, decoded.
    pub subject: String,
    /// The plain-text part, decoded, with `\n` at the end of each line.
    pub text: String,
    /// Every byte that came over the wire.
    pub raw: Vec<u8>,
}

impl Server {
    /// Starts the server and waits until it takes connections.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("cozum-smtp-").tempdir()?;
        fs::write(folder.path().join("server.py"), SCRIPT)?;
        let mut server = Self {
            running: None,
            folder,
            port: port::free()?,
        };
        server.behave(Behaviour::Accept)?;
        server.restart().await?;
        Ok(server)
    }

    /// Where a client finds it: `127.0.0.1:<port>`, without TLS.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The same as a URL: `smtp://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address())
    }

    /// Changes what happens to every message from now on.
    pub fn behave(&self, behaviour: Behaviour) -> anyhow::Result<()> {
        let word = match behaviour {
            Behaviour::Accept => "accept",
            Behaviour::Reject => "reject",
            Behaviour::Defer => "defer",
            Behaviour::Vanish => "vanish",
            Behaviour::Stall => "stall",
        };
        // Renamed into place: the server never reads half a word.
        let draft = self.folder.path().join("behaviour.new");
        fs::write(&draft, word)?;
        Ok(fs::rename(draft, self.path("behaviour"))?)
    }

    /// Everything it took so far, oldest first; kept over a restart.
    pub fn messages(&self) -> anyhow::Result<Vec<Mail>> {
        let journal = match fs::read_to_string(self.path("journal")) {
            Ok(text) => text,
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(other) => return Err(other.into()),
        };
        // The last line may still be in writing.
        let whole = journal.rfind('\n').map_or("", |end| &journal[..end]);
        whole.lines().map(decode).collect()
    }

    /// `kill -9`.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        self.running
            .take()
            .map_or(Ok(()), |mut running| running.kill9())
    }

    /// Starts it again on the same port and journal.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill9()?;
        let (python, modules) = settings::smtp_python()?;
        let mut command = Command::new(python);
        command
            .arg(self.path("server.py"))
            .arg(self.port.to_string());
        command
            .arg(self.path("journal"))
            .arg(self.path("behaviour"));
        command
            .env("PYTHONPATH", modules)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let log = self.path("smtp.log");
        self.running = Some(Running::start("aiosmtpd", &mut command, &log, &log)?);
        let port = self.port;
        eventually(PATIENCE, "the SMTP server takes connections", async || {
            port::answers(port).await.with_context(|| child::tail(&log))
        })
        .await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn decode(line: &str) -> anyhow::Result<Mail> {
    let value: Value = serde_json::from_str(line)?;
    let text = |name: &str| {
        value[name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("no {name:?} in the journal"))
    };
    let to = value["to"]
        .as_array()
        .context("no receivers in the journal")?;
    Ok(Mail {
        from: text("from")?,
        to: to
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        message_id: text("message_id")?,
        subject: text("subject")?,
        text: text("text")?,
        raw: text("raw")?
            .chars()
            .map(u8::try_from)
            .collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
        net::TcpStream,
    };

    const MAIL: &str = "From: alo153@city.example\r\nTo: ayse@citizen.example\r\nMessage-ID: <one@city.example>\r\n\
        Subject: =?utf-8?B?xLDEnkRJUiDFn2lrw6J5ZXRp?=\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nw6d1a3Vy\r\n.\r\n";

    /// Speaks SMTP by hand; gives the server's last answer, or nothing where it hung up.
    async fn send(server: &Server) -> anyhow::Result<String> {
        let (reader, mut writer) = TcpStream::connect(server.address()).await?.into_split();
        let mut reader = BufReader::new(reader);
        let mut answer = String::new();
        reader.read_line(&mut answer).await?;
        for said in [
            "HELO test\r\n",
            "MAIL FROM:<alo153@city.example>\r\n",
            "RCPT TO:<ayse@citizen.example>\r\n",
            "DATA\r\n",
            MAIL,
        ] {
            writer.write_all(said.as_bytes()).await?;
            answer.clear();
            if reader.read_line(&mut answer).await.is_err() {
                answer.clear();
            }
        }
        Ok(answer)
    }

    #[tokio::test]
    async fn mail_is_taken_and_decoded() -> anyhow::Result<()> {
        let mut server = Server::start().await?;
        assert!(send(&server).await?.starts_with("250"));
        server.kill9()?;
        server.restart().await?;
        let mails = server.messages()?;
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].from, "alo153@city.example");
        assert_eq!(mails[0].to, ["ayse@citizen.example"]);
        assert_eq!(mails[0].message_id, "<one@city.example>");
        assert_eq!(mails[0].subject, "İĞDIR şikâyeti");
        assert_eq!(mails[0].text.trim(), "çukur");
        assert!(mails[0].raw.windows(8).any(|it| it == b"w6d1a3Vy"));
        Ok(())
    }

    #[tokio::test]
    async fn it_refuses_and_vanishes_when_told_to() -> anyhow::Result<()> {
        let server = Server::start().await?;
        server.behave(Behaviour::Reject)?;
        assert!(send(&server).await?.starts_with("550"));
        server.behave(Behaviour::Defer)?;
        assert!(send(&server).await?.starts_with("451"));
        assert_eq!(server.messages()?, []);
        server.behave(Behaviour::Vanish)?;
        assert_eq!(send(&server).await?, "");
        assert_eq!(server.messages()?.len(), 1);
        Ok(())
    }
}
