use std::{fmt, fs, net::SocketAddr, time::Duration};

use chassis::config::Mistakes;
use http::Uri;
use vocabulary::Municipality;

use crate::{
    client::Proxies,
    keys::Keys,
    limits::{Rate, Rates},
    portal::{Outlines, read_outlines},
    session::Sessions,
};

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
    /// Outlines of the districts for the portal's map, in GeoJSON: municipality=FILE, separated by commas
    #[arg(
        long,
        env = "COZUM_DISTRICTS",
        default_value = "",
        hide_default_value = true
    )]
    pub districts: String,
    /// The outlines of the first municipality, where no file is named for it.
    #[arg(skip)]
    pub outlines: Option<String>,
    #[command(flatten)]
    pub access: Access,
    /// Whether the key and the token `demo` are allowed, and taken where none are given; and the demo's accounts added.
    #[arg(skip)]
    pub demo: bool,
}

/// Who may ask how often, and for how long somebody stays signed in.
#[derive(Debug, Clone, clap::Args)]
pub struct Access {
    /// Minutes after which an unused session of the console ends
    #[arg(long, env = "COZUM_SESSION_IDLE", default_value_t = 60, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub session_idle: u32,
    /// Hours after which any session of the console ends
    #[arg(long, env = "COZUM_SESSION_HOURS", default_value_t = 12, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=168))]
    pub session_hours: u32,
    /// Requests that one address may file on the portal: like 30/s, 30/m, 30/h, or off
    #[arg(
        long,
        env = "COZUM_LIMIT_FILING",
        default_value = "60/m",
        value_name = "RATE"
    )]
    pub limit_filing: String,
    /// How often one address may look at requests by their secrets
    #[arg(
        long,
        env = "COZUM_LIMIT_TRACKING",
        default_value = "120/m",
        value_name = "RATE"
    )]
    pub limit_tracking: String,
    /// How often one address may ask Open311 and the API without a key
    #[arg(
        long,
        env = "COZUM_LIMIT_PUBLIC",
        default_value = "1200/m",
        value_name = "RATE"
    )]
    pub limit_public: String,
    /// How often one key or token may ask
    #[arg(
        long,
        env = "COZUM_LIMIT_KEYS",
        default_value = "10000/s",
        value_name = "RATE"
    )]
    pub limit_keys: String,
    /// How often one address may try to sign in
    #[arg(
        long,
        env = "COZUM_LIMIT_SIGN_IN",
        default_value = "120/m",
        value_name = "RATE"
    )]
    pub limit_sign_in: String,
    /// Proxies whose X-Forwarded-For is believed: addresses or blocks like 10.0.0.0/8, separated by commas
    #[arg(
        long,
        env = "COZUM_TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true,
        value_name = "BLOCKS"
    )]
    pub trusted_proxies: String,
    /// Webhooks may go to private addresses, and by plain http: for receivers in the house. Whoever may register one can
    /// then reach what this machine can reach
    #[arg(long, env = "COZUM_WEBHOOK_ALLOW_PRIVATE")]
    pub webhook_allow_private: bool,
}

impl Default for Access {
    /// What the flags say without anybody saying otherwise.
    fn default() -> Self {
        Self {
            session_idle: 60,
            session_hours: 12,
            limit_filing: "60/m".to_owned(),
            limit_tracking: "120/m".to_owned(),
            limit_public: "1200/m".to_owned(),
            limit_keys: "10000/s".to_owned(),
            limit_sign_in: "120/m".to_owned(),
            trusted_proxies: String::new(),
            webhook_allow_private: false,
        }
    }
}

impl Access {
    fn rates(&self) -> [(&'static str, &str); 5] {
        [
            ("--limit-filing", &self.limit_filing),
            ("--limit-tracking", &self.limit_tracking),
            ("--limit-public", &self.limit_public),
            ("--limit-keys", &self.limit_keys),
            ("--limit-sign-in", &self.limit_sign_in),
        ]
    }
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
        for (flag, rate) in self.access.rates() {
            mistakes.read::<Rate>(flag, rate);
        }
        mistakes.read::<Proxies>("--trusted-proxies", &self.access.trusted_proxies);
        if let Err(problem) = self.outlines(municipalities) {
            mistakes.add("--districts", problem);
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

    pub(crate) fn rates(&self) -> Result<Rates, String> {
        let [filing, tracking, public, keys, sign_in] = self.access.rates().map(|(flag, rate)| {
            rate.parse::<Rate>()
                .map_err(|problem| format!("{flag} {problem}"))
        });
        Ok(Rates {
            filing: filing?,
            tracking: tracking?,
            public: public?,
            keys: keys?,
            sign_in: sign_in?,
        })
    }

    pub(crate) fn proxies(&self) -> Result<Proxies, String> {
        self.access.trusted_proxies.parse()
    }

    pub(crate) fn sessions(&self) -> Sessions {
        let secure = self
            .public_origin()
            .is_some_and(|it| it.starts_with("https:"));
        Sessions::new(
            Duration::from_mins(self.access.session_idle.into()),
            Duration::from_hours(self.access.session_hours.into()),
            secure,
        )
    }

    /// Where the gateway is reached from its own machine.
    pub(crate) fn here(&self) -> String {
        let port = self.http.rsplit(':').next().unwrap_or_default();
        format!("http://localhost:{port}")
    }

    /// What the portal's map shows of each municipality.
    pub(crate) fn outlines(&self, municipalities: &[Municipality]) -> Result<Outlines, String> {
        let mut outlines = Outlines::new();
        let named = self.districts.split(',').map(str::trim);
        for pair in named.filter(|it| !it.is_empty()) {
            let (city, file) = pair
                .split_once('=')
                .ok_or("is municipality=FILE, separated by commas")?;
            let served = municipalities.iter().find(|it| it.as_str() == city);
            let city = served.ok_or_else(|| format!("{city} is not served here"))?;
            let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
            let read = read_outlines(&text).map_err(|problem| format!("{file}: {problem}"))?;
            outlines.insert(city.clone(), read);
        }
        if let Some((city, text)) = municipalities.first().zip(self.outlines.as_deref()) {
            let read = read_outlines(text)?;
            outlines.entry(city.clone()).or_insert(read);
        }
        Ok(outlines)
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
