use std::{fmt, net::SocketAddr};

use chassis::config::Mistakes;
use http::Uri;
use vocabulary::Municipality;

use crate::keys::Keys;

/// What the gateway is told.
#[derive(Clone, clap::Args)]
pub struct Config {
    /// Address of the portal, Open311, the API, /livez, /readyz and /metrics
    #[arg(long, env = "COZUM_HTTP", default_value = "127.0.0.1:8153")]
    pub http: String,
    /// Open311 keys that may file requests: municipality=key or municipality/client=key, separated by commas
    #[arg(
        long,
        env = "COZUM_OPEN311_KEYS",
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub open311_keys: String,
    /// Tokens for command-line tools: municipality=token or municipality/name=token, separated by commas
    #[arg(
        long,
        env = "COZUM_TOKENS",
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub tokens: String,
    /// The URL under which citizens reach the portal, where a proxy stands in front
    #[arg(long, env = "COZUM_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Whether the key and the token `demo` are allowed, and taken where none are given.
    #[arg(skip)]
    pub demo: bool,
}

impl fmt::Debug for Config {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("http", &self.http)
            .field("public_url", &self.public_url)
            .field("demo", &self.demo)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Notes everything that is wrong.
    pub fn check(&self, municipalities: &[Municipality], mistakes: &mut Mistakes) {
        mistakes.read::<SocketAddr>("--http", &self.http);
        if let Err(problems) = Keys::parse(&self.open311_keys, municipalities, self.demo) {
            problems
                .iter()
                .for_each(|it| mistakes.add("--open311-keys", it));
        }
        match Keys::parse(&self.tokens, municipalities, self.demo) {
            Ok(tokens) if tokens.are_shared() => {
                mistakes.add(
                    "--tokens",
                    "a token belongs to one municipality: the same one stands for two",
                );
            }
            Ok(_) => {}
            Err(problems) => problems.iter().for_each(|it| mistakes.add("--tokens", it)),
        }
        if self.public_url.is_some() && self.public_origin().is_none() {
            mistakes.add("--public-url", "is a URL like https://153.example.bel.tr");
        }
    }

    /// The Open311 keys and the tokens.
    pub(crate) fn keys(&self, municipalities: &[Municipality]) -> Result<(Keys, Keys), String> {
        let keys = Keys::parse(&self.open311_keys, municipalities, self.demo)
            .map_err(|it| it.join("\n"))?;
        let tokens =
            Keys::parse(&self.tokens, municipalities, self.demo).map_err(|it| it.join("\n"))?;
        if !self.demo {
            return Ok((keys, tokens));
        }
        // A token decides the municipality, so `demo` can stand for one only.
        let first = municipalities.get(..1).unwrap_or_default();
        Ok((keys.or_demo(municipalities), tokens.or_demo(first)))
    }

    /// "https://153.example.bel.tr", as browsers write it in `Origin`.
    pub(crate) fn public_origin(&self) -> Option<String> {
        let url: Uri = self.public_url.as_deref()?.parse().ok()?;
        let scheme = url
            .scheme_str()
            .filter(|it| matches!(*it, "http" | "https"))?;
        Some(format!("{scheme}://{}", url.authority()?))
    }
}
