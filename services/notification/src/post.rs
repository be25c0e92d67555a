//! The mail server.

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use jiff::Timestamp;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox, SinglePart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{self, PoolConfig},
};
use uuid::Uuid;

use crate::Config;

/// How long the server may take over one step of the conversation.
const STEP: Duration = Duration::from_secs(20);
/// Connections at once.
pub(crate) const CONNECTIONS: u32 = 8;
/// Answers about our own credentials: the message is not to blame, and a corrected password will send it.
const OUR_CREDENTIALS: [u16; 4] = [530, 534, 535, 538];

/// A mail server, and who we are to it.
pub(crate) struct Post {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// Where the portal is.
    pub(crate) public_url: String,
}

/// A mail as it goes out; it holds personal text, so it cannot be printed.
pub(crate) struct Mail<'a> {
    pub(crate) message_id: &'a str,
    pub(crate) to: &'a str,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) at: Timestamp,
}

/// Why a mail was not taken: a code or a class, never the server's text, which may quote the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// It never will be.
    pub(crate) lasting: bool,
    pub(crate) code: String,
}

impl Refusal {
    pub(crate) fn for_now(code: impl Into<String>) -> Self {
        Self {
            lasting: false,
            code: code.into(),
        }
    }

    pub(crate) fn for_good(code: impl Into<String>) -> Self {
        Self {
            lasting: true,
            code: code.into(),
        }
    }
}

impl Post {
    /// The mail server that is configured, if one is.
    pub(crate) fn new(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(smtp) = &config.smtp else {
            return Ok(None);
        };
        let from = config
            .mail_from
            .as_deref()
            .context("--mail-from is missing: mails need a sender")?;
        // The parser's own words are left out: they may quote the password.
        let Ok(builder) = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp.expose()) else {
            anyhow::bail!("--smtp is a URL like smtp://user:password@host:port or smtps://…");
        };
        let transport = builder
            .timeout(Some(STEP))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS))
            .build();
        let from = from.parse().context("--mail-from")?;
        Ok(Some(Self {
            transport,
            from,
            public_url: config.public_url.clone(),
        }))
    }

    /// The `Message-ID` header of a notification.
    pub(crate) fn message_id(&self, notification: Uuid) -> String {
        format!("<{notification}@{}>", self.from.email.domain())
    }

    /// Who signs the letters.
    pub(crate) fn signature(&self) -> &str {
        self.from.name.as_deref().unwrap_or_default()
    }

    /// Hands a mail to the server; the answer is its SMTP code.
    pub(crate) async fn send(&self, mail: Mail<'_>) -> Result<String, Refusal> {
        let message = self.message(mail)?;
        match self.transport.send(message).await {
            Ok(response) => Ok(response.code().to_string()),
            Err(error) => Err(judge(&error)),
        }
    }

    fn message(&self, mail: Mail<'_>) -> Result<Message, Refusal> {
        let to: Address = mail
            .to
            .trim()
            .parse()
            .map_err(|_| Refusal::for_good("address"))?;
        let automatic = HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        );
        Message::builder()
            .message_id(Some(mail.message_id.to_owned()))
            .date(SystemTime::from(mail.at))
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject)
            .raw_header(automatic)
            .singlepart(SinglePart::plain(mail.body))
            .map_err(|_| Refusal::for_good("message"))
    }
}

fn judge(error: &smtp::Error) -> Refusal {
    if let Some(code) = error.status() {
        let lasting = error.is_permanent() && !OUR_CREDENTIALS.contains(&u16::from(code));
        return Refusal {
            lasting,
            code: code.to_string(),
        };
    }
    // E.g. an address that this server has no way to write.
    if error.is_client() {
        return Refusal::for_good("unsupported");
    }
    Refusal::for_now(if error.is_timeout() {
        "timeout"
    } else if error.is_tls() {
        "tls"
    } else if error.is_response() {
        "response"
    } else {
        "connection"
    })
}

#[cfg(test)]
mod tests;
