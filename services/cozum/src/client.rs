//! The commands' way to a running centre: gRPC on the gateway's port, with a bearer token.

use std::{error::Error as _, future::Future, time::Duration};

use anyhow::Context as _;
use chassis::config::Hidden;
use contracts::{
    analytics::v1::analytics_client::AnalyticsClient, intake::v1::intake_client::IntakeClient,
    ledger::v1::ledger_client::LedgerClient, routing::v1::routing_client::RoutingClient,
};
use tonic::{
    Code, Request, Status,
    metadata::AsciiMetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// Largest answer taken: a page of a thousand events.
const LARGEST_ANSWER: usize = 64 << 20;

/// How long a call is tried again while something is away.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long it is tried again after an error that may be a fault or a connection that broke.
const SHORT_PATIENCE: Duration = Duration::from_secs(30);

/// Where the centre is, and who asks.
#[derive(Debug, Clone, clap::Args)]
pub struct Server {
    /// URL of a running centre
    #[arg(long, env = "COZUM_SERVER", default_value = "http://127.0.0.1:8153")]
    pub server: String,
    /// Token of a municipality (the demo city's is "demo")
    #[arg(long, env = "COZUM_TOKEN", hide_env_values = true)]
    pub token: Option<Hidden>,
}

/// A connection to a running centre.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    metadata: Dress,
}

/// Puts the token on each call, who exactly it is for, and what the caller has seen.
#[derive(Debug, Clone)]
pub struct Dress {
    authorization: AsciiMetadataValue,
    actor: Option<AsciiMetadataValue>,
    at_least: u64,
}

impl Interceptor for Dress {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.authorization.clone());
        if let Some(actor) = &self.actor {
            metadata.insert("cozum-as", actor.clone());
        }
        if self.at_least > 0 {
            metadata.insert(chassis::AT_LEAST, self.at_least.into());
        }
        Ok(request)
    }
}

type Dressed = InterceptedService<Channel, Dress>;

impl Client {
    /// Connects at once, so that a wrong address is told by its name.
    pub async fn connect(server: &Server) -> anyhow::Result<Self> {
        let token = server
            .token
            .as_ref()
            .map(Hidden::expose)
            .context("--token (or COZUM_TOKEN) is missing")?;
        let mut authorization: AsciiMetadataValue = format!("Bearer {token}")
            .parse()
            .ok()
            .context("--token: is ASCII text without spaces around it")?;
        authorization.set_sensitive(true);
        let url = server.server.trim_end_matches('/').to_owned();
        let endpoint = Endpoint::from_shared(url.clone())
            .ok()
            .filter(|it| it.uri().scheme_str() == Some("http") && it.uri().host().is_some())
            .with_context(|| {
                format!("--server: {url:?} is not a URL like http://127.0.0.1:8153")
            })?;
        let channel = endpoint
            .connect_timeout(Duration::from_secs(5))
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(10))
            .tcp_nodelay(true)
            .connect()
            .await
            .with_context(|| format!("no centre answers at {url}"))?;
        Ok(Self {
            channel,
            metadata: Dress {
                authorization,
                actor: None,
                at_least: 0,
            },
        })
    }

    /// The same client, acting as somebody finer than the token says, e.g. "import:nyc-311".
    pub fn acting_as(mut self, actor: &str) -> anyhow::Result<Self> {
        self.metadata.actor = Some(actor.parse().ok().context("an actor is ASCII text")?);
        Ok(self)
    }

    /// The same client, whose answers are at least as new as a position.
    #[must_use]
    pub fn having_seen(mut self, position: u64) -> Self {
        self.metadata.at_least = self.metadata.at_least.max(position);
        self
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> LedgerClient<Dressed> {
        LedgerClient::with_interceptor(self.channel.clone(), self.metadata.clone())
            .max_decoding_message_size(LARGEST_ANSWER)
    }

    /// Intake.
    #[must_use]
    pub fn intake(&self) -> IntakeClient<Dressed> {
        IntakeClient::with_interceptor(self.channel.clone(), self.metadata.clone())
            .max_decoding_message_size(LARGEST_ANSWER)
    }

    /// Routing.
    #[must_use]
    pub fn routing(&self) -> RoutingClient<Dressed> {
        RoutingClient::with_interceptor(self.channel.clone(), self.metadata.clone())
    }

    /// Analytics.
    #[must_use]
    pub fn analytics(&self) -> AnalyticsClient<Dressed> {
        AnalyticsClient::with_interceptor(self.channel.clone(), self.metadata.clone())
            .max_decoding_message_size(LARGEST_ANSWER)
    }
}

/// Says in words what a refused call means.
#[must_use]
pub fn in_words(status: &Status) -> String {
    let message = if status.message().is_empty() {
        status.code().description()
    } else {
        status.message()
    };
    if matches!(
        status.code(),
        Code::Unauthenticated | Code::PermissionDenied
    ) {
        format!("--token: is not accepted ({message})")
    } else if status.code() == Code::Unavailable {
        format!("the centre cannot answer now: {message}")
    } else {
        message.to_owned()
    }
}

/// Calls again while something is away, for minutes; the call carries its command id, so nothing happens twice.
pub async fn patiently<T, F>(mut call: impl FnMut() -> F) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>>,
{
    let mut waited = Duration::ZERO;
    let mut pause = Duration::from_millis(100);
    loop {
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(status) if waited < patience(&status) => {
                tokio::time::sleep(pause).await;
                waited += pause;
                pause = (pause * 2).min(Duration::from_secs(5));
            }
            Err(status) => return Err(status),
        }
    }
}

/// How long an error is worth waiting out.
fn patience(status: &Status) -> Duration {
    match status.code() {
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Aborted => {
            PATIENCE
        }
        // A connection that broke in the middle of a call has a source.
        Code::Unknown | Code::Internal | Code::Cancelled if status.source().is_some() => PATIENCE,
        Code::Unknown | Code::Internal | Code::Cancelled => SHORT_PATIENCE,
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => Duration::ZERO,
    }
}
