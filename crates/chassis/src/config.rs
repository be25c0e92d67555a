//! What every process is told by flags and environment. Every mistake is found before a port opens, and all are told at once.

use std::{
    collections::BTreeMap, convert::Infallible, fmt, net::SocketAddr, path::PathBuf, str::FromStr,
};

use http::Uri;
use vocabulary::Municipality;

use crate::Role;

/// A setting that may hold a password: it is taken as it is and never printed. What is wrong with it is told by a check,
/// without the text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl FromStr for Hidden {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

/// Settings that are the same for every role.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Folder for what this process keeps: read models, and with SQLite the log and the keys
    #[arg(long, env = "COZUM_DATA", default_value = "data")]
    pub data: PathBuf,
    /// Municipalities served here, separated by commas; the first is the default
    #[arg(long, env = "COZUM_MUNICIPALITIES", default_value = "demo")]
    pub municipalities: String,
    /// Log level, as in "info" or "info,sqlx=warn"
    #[arg(
        long,
        env = "COZUM_LOG",
        default_value = "info,sqlx=warn,async_nats=warn,h2=warn,hyper=warn,tower=warn"
    )]
    pub log: String,
    /// OTLP collector (gRPC URL) for traces
    #[arg(long, env = "COZUM_OTLP", hide_env_values = true)]
    pub otlp: Option<Hidden>,
}

/// Where the roles of a cluster are.
#[derive(Debug, Clone, clap::Args)]
pub struct Cluster {
    /// Address for this role's gRPC
    #[arg(long, env = "COZUM_LISTEN", default_value = "127.0.0.1:0")]
    pub listen: String,
    /// Address for /livez, /readyz and /metrics (gateway has them on its HTTP address)
    #[arg(long, env = "COZUM_ADMIN")]
    pub admin: Option<String>,
    /// NATS server (≥ 2.12.3, with JetStream), e.g. nats://127.0.0.1:4222
    #[arg(long, env = "COZUM_NATS", hide_env_values = true)]
    pub nats: Option<Hidden>,
    /// gRPC URL of the ledger
    #[arg(long, env = "COZUM_LEDGER_URL")]
    pub ledger_url: Option<String>,
    /// gRPC URL of intake
    #[arg(long, env = "COZUM_INTAKE_URL")]
    pub intake_url: Option<String>,
    /// gRPC URL of routing
    #[arg(long, env = "COZUM_ROUTING_URL")]
    pub routing_url: Option<String>,
    /// gRPC URL of notification
    #[arg(long, env = "COZUM_NOTIFICATION_URL")]
    pub notification_url: Option<String>,
    /// gRPC URL of analytics
    #[arg(long, env = "COZUM_ANALYTICS_URL")]
    pub analytics_url: Option<String>,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Default, thiserror::Error)]
pub struct Mistakes(Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Mistakes {
    /// One more mistake: of which setting, and what is wrong.
    pub fn add(&mut self, setting: &str, problem: impl fmt::Display) {
        self.0.push(format!("{setting}: {problem}"));
    }

    /// Reads a setting, or notes what is wrong with it.
    pub fn read<T>(&mut self, setting: &str, text: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        text.parse()
            .inspect_err(|problem| self.add(setting, problem))
            .ok()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn none(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok` if nothing is wrong.
    pub fn check(self) -> Result<(), Self> {
        if self.none() { Ok(()) } else { Err(self) }
    }
}

impl Common {
    /// The municipalities, at least one and each once.
    pub fn municipalities(&self, mistakes: &mut Mistakes) -> Vec<Municipality> {
        let mut found = Vec::new();
        for text in self.municipalities.split(',') {
            if let Some(municipality) = mistakes.read("--municipalities", text.trim()) {
                if found.contains(&municipality) {
                    mistakes.add(
                        "--municipalities",
                        format!("{municipality} stands there twice"),
                    );
                }
                found.push(municipality);
            }
        }
        found
    }
}

impl Cluster {
    /// The address of this role's gRPC.
    pub fn listen(&self, mistakes: &mut Mistakes) -> Option<SocketAddr> {
        mistakes.read("--listen", &self.listen)
    }

    /// The address of `/livez`, `/readyz` and `/metrics`, where one is asked for.
    pub fn admin(&self, mistakes: &mut Mistakes) -> Option<SocketAddr> {
        self.admin
            .as_deref()
            .and_then(|text| mistakes.read("--admin", text))
    }

    /// Where the roles are that `role` calls; each must be told.
    pub fn addresses(&self, role: Role, mistakes: &mut Mistakes) -> BTreeMap<Role, Uri> {
        let settings = [
            (Role::Ledger, "--ledger-url", &self.ledger_url),
            (Role::Intake, "--intake-url", &self.intake_url),
            (Role::Routing, "--routing-url", &self.routing_url),
            (
                Role::Notification,
                "--notification-url",
                &self.notification_url,
            ),
            (Role::Analytics, "--analytics-url", &self.analytics_url),
        ];
        let mut found = BTreeMap::new();
        for (other, setting, value) in settings {
            match value {
                Some(text) => {
                    if let Some(uri) = mistakes.read::<Uri>(setting, text) {
                        if uri.scheme_str() == Some("http") && uri.host().is_some() {
                            found.insert(other, uri);
                        } else {
                            mistakes.add(setting, "is a URL like http://host:port");
                        }
                    }
                }
                None if calls(role, other) => {
                    mistakes.add(setting, format!("is missing: {role} calls {other}"))
                }
                None => {}
            }
        }
        found
    }
}

/// Which role calls which.
fn calls(role: Role, other: Role) -> bool {
    match role {
        Role::Ledger => false,
        Role::Intake | Role::Analytics => other == Role::Ledger,
        Role::Routing | Role::Notification => matches!(other, Role::Ledger | Role::Intake),
        Role::Gateway => other != Role::Gateway,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_setting_is_not_printed() {
        let url: Hidden = "nats://user:secret@host".parse().unwrap();
        assert!(!format!("{url:?}").contains("secret"));
        assert_eq!(url.expose(), "nats://user:secret@host");
    }
}
