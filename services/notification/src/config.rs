use std::{convert::Infallible, fmt, str::FromStr};

use chassis::config::Mistakes;
use lettre::{AsyncSmtpTransport, Tokio1Executor, message::Mailbox};
use tonic::transport::Uri;

/// The mail server and what citizens read of us.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Mail server, smtps://user:password@host:port, smtp://…?tls=required or smtp://…; without one nobody is told by e-mail
    #[arg(long, env = "COZUM_SMTP", hide_env_values = true)]
    pub smtp: Option<SmtpUrl>,
    /// Sender of all mails, e.g. "Bozköy Belediyesi Çözüm Merkezi <cozum@bozkoy.bel.tr>"
    #[arg(long, env = "COZUM_MAIL_FROM")]
    pub mail_from: Option<String>,
    /// Where citizens reach the portal, for the links in mails
    #[arg(long, env = "COZUM_PUBLIC_URL", default_value = DEFAULT_PUBLIC_URL)]
    pub public_url: String,
    /// How long one attempt to send a mail may take, in seconds (5 to 600)
    #[arg(long, env = "COZUM_SEND_LIMIT", default_value_t = DEFAULT_SEND_LIMIT)]
    pub send_limit: u32,
}

/// A mail is small; a server that takes longer is asked again later.
pub(crate) const DEFAULT_SEND_LIMIT: u32 = 60;

const DEFAULT_PUBLIC_URL: &str = "http://localhost:8153";

impl Default for Config {
    fn default() -> Self {
        Self {
            smtp: None,
            mail_from: None,
            public_url: DEFAULT_PUBLIC_URL.to_owned(),
            send_limit: DEFAULT_SEND_LIMIT,
        }
    }
}

/// A mail server's URL; it may hold a password, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl(String);

impl SmtpUrl {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for SmtpUrl {
    type Err = Infallible;

    /// Takes any text: what is wrong with it is told by [`Config::check`], without the text.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpUrl(…)")
    }
}

impl Config {
    /// Notes every mistake that can be seen before anything is opened.
    pub fn check(&self, mistakes: &mut Mistakes) {
        if !(5..=600).contains(&self.send_limit) {
            mistakes.add("--send-limit", "is 5 to 600 seconds");
        }
        if let Some(smtp) = &self.smtp {
            if AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp.expose()).is_err() {
                mistakes.add(
                    "--smtp",
                    "is a URL like smtp://user:password@host:port or smtps://…",
                );
            }
            if self.mail_from.is_none() {
                mistakes.add("--mail-from", "is missing: mails need a sender");
            }
        }
        if self
            .mail_from
            .as_deref()
            .is_some_and(|it| it.parse::<Mailbox>().is_err())
        {
            mistakes.add(
                "--mail-from",
                "is an address like \"Çözüm Merkezi <cozum@belediye.example>\"",
            );
        }
        if !is_web_address(&self.public_url) {
            mistakes.add(
                "--public-url",
                "is a URL like https://cozum.belediye.example",
            );
        }
    }
}

fn is_web_address(text: &str) -> bool {
    let parsed = text.parse::<Uri>().ok();
    parsed.is_some_and(|it| {
        matches!(it.scheme_str(), Some("http" | "https"))
            && it.host().is_some()
            && it.query().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(config: &Config) -> String {
        let mut mistakes = Mistakes::default();
        config.check(&mut mistakes);
        mistakes.to_string()
    }

    fn config(smtp: &str, from: &str) -> Config {
        Config {
            smtp: Some(smtp.parse().unwrap()),
            mail_from: Some(from.to_owned()),
            public_url: "https://cozum.example/".to_owned(),
            ..Config::default()
        }
    }

    #[test]
    fn no_mail_server_is_no_mistake() {
        assert_eq!(mistakes(&Config::default()), "");
    }

    #[test]
    fn a_mail_server_may_have_a_password_and_a_sender_a_turkish_name() {
        let from = "Bozköy Belediyesi Çözüm Merkezi <cozum@bozkoy.example>";
        assert_eq!(mistakes(&config("smtp://127.0.0.1:2525", from)), "");
        assert_eq!(
            mistakes(&config("smtps://cozum:gizli@mail.example", from)),
            ""
        );
    }

    #[test]
    fn every_mistake_is_told_at_once_and_no_password_with_it() {
        let mut config = config("http://cozum:gizli@mail.example", "nobody");
        config.public_url = "cozum.example".to_owned();
        let told = mistakes(&config);
        for setting in ["--smtp", "--mail-from", "--public-url"] {
            assert!(told.contains(setting), "{told}");
        }
        assert!(!told.contains("gizli") && !format!("{config:?}").contains("gizli"));

        config.mail_from = None;
        assert!(mistakes(&config).contains("--mail-from"));
    }
}
