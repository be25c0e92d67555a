//! One municipality of a running centre, seen from outside: Open311, gRPC with a token, the portal, the command line.

use std::time::Duration;

use anyhow::Context as _;
use contracts::{
    analytics::v1::{GetReportReply, GetReportRequest, analytics_client::AnalyticsClient},
    intake::v1::intake_client::IntakeClient,
    ledger::v1::{Event, HeadRequest, HistoryRequest, ledger_client::LedgerClient},
    notification::v1::notification_client::NotificationClient,
    routing::v1::{GetHandlingReply, GetHandlingRequest, Target, routing_client::RoutingClient},
};
use jiff::ToSpan as _;
use tonic::{
    Request, Status,
    metadata::{AsciiMetadataKey, AsciiMetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use uuid::Uuid;

use crate::{eventually, open311::Open311, portal::Portal, process::Launch};

/// How long anything may take that happens by itself.
pub const SOON: Duration = Duration::from_secs(30);

/// A municipality's way in: the gateway's address, an Open311 key and a token.
#[derive(Debug, Clone)]
pub struct City {
    name: String,
    base: String,
    http: reqwest::Client,
    channel: Channel,
    dress: Dress,
}

/// What each gRPC call carries besides its message.
#[derive(Debug, Clone, Default)]
pub struct Dress(Vec<(AsciiMetadataKey, AsciiMetadataValue)>);

/// A channel whose calls carry their token.
pub type Dressed = InterceptedService<Channel, Dress>;

impl Interceptor for Dress {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for (name, value) in &self.0 {
            request.metadata_mut().insert(name.clone(), value.clone());
        }
        Ok(request)
    }
}

impl City {
    /// The municipality `name` behind the gateway at `base` ("http://host:port"), with this token.
    pub fn new(name: &str, base: &str, token: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::limited(3))
            .build()?;
        let city = Self {
            name: name.to_owned(),
            base: base.to_owned(),
            http,
            channel: channel(base)?,
            dress: Dress::default(),
        };
        city.carrying("authorization", &format!("Bearer {token}"))
    }

    /// The same city, whose gRPC calls carry one more header, or another value of it.
    pub fn carrying(mut self, name: &str, value: &str) -> anyhow::Result<Self> {
        let name: AsciiMetadataKey = name.parse()?;
        self.dress.0.retain(|(known, _)| *known != name);
        self.dress.0.push((name, value.parse()?));
        Ok(self)
    }

    /// Its code.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the gateway is: "http://host:port".
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The Open311 key the cluster gives this city.
    #[must_use]
    pub fn key(name: &str) -> String {
        format!("key-of-{name}")
    }

    /// The token the cluster gives this city.
    #[must_use]
    pub fn token(name: &str) -> String {
        format!("token-of-{name}")
    }

    /// Its Open311 endpoint.
    #[must_use]
    pub fn open311(&self) -> Open311 {
        Open311::new(
            self.http.clone(),
            &self.base,
            &Self::key(&self.name),
            &self.name,
        )
    }

    /// Its pages for citizens.
    #[must_use]
    pub fn portal(&self) -> Portal {
        Portal::new(self.http.clone(), &self.base, &self.name)
    }

    /// `cozum <command> … --server … --token …`, as this city's operator types it.
    #[must_use]
    pub fn cli(&self, args: &[&str]) -> Launch {
        Launch::new(args.first().unwrap_or(&"cozum"), args.iter().copied())
            .arg("--server")
            .arg(&self.base)
            .arg("--token")
            .arg(Self::token(&self.name))
    }

    /// A file of the gateway that belongs to no city.
    pub async fn download(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await?;
        Ok(answer.error_for_status()?.bytes().await?.to_vec())
    }

    /// intake, through the gateway.
    #[must_use]
    pub fn intake(&self) -> IntakeClient<Dressed> {
        IntakeClient::with_interceptor(self.channel.clone(), self.dress.clone())
    }

    /// routing, through the gateway.
    #[must_use]
    pub fn routing(&self) -> RoutingClient<Dressed> {
        RoutingClient::with_interceptor(self.channel.clone(), self.dress.clone())
    }

    /// notification, through the gateway.
    #[must_use]
    pub fn notification(&self) -> NotificationClient<Dressed> {
        NotificationClient::with_interceptor(self.channel.clone(), self.dress.clone())
    }

    /// analytics, through the gateway.
    #[must_use]
    pub fn analytics(&self) -> AnalyticsClient<Dressed> {
        AnalyticsClient::with_interceptor(self.channel.clone(), self.dress.clone())
            .max_decoding_message_size(64 << 20)
    }

    /// The ledger, through the gateway.
    #[must_use]
    pub fn ledger(&self) -> LedgerClient<Dressed> {
        LedgerClient::with_interceptor(self.channel.clone(), self.dress.clone())
            .max_decoding_message_size(64 << 20)
    }

    /// Everything recorded about a request, in order.
    pub async fn history(&self, number: &str) -> anyhow::Result<Vec<Event>> {
        let request = HistoryRequest {
            subject: format!("request:{number}"),
            ..HistoryRequest::default()
        };
        Ok(self.ledger().history(request).await?.into_inner().events)
    }

    /// The types of all events recorded about a request, in order.
    pub async fn history_types(&self, number: &str) -> anyhow::Result<Vec<String>> {
        let history = self.history(number).await?;
        Ok(history.into_iter().map(|it| it.r#type).collect())
    }

    /// Waits until an event of this type stands in a request's history this often, and gives the history.
    pub async fn has_recorded(
        &self,
        number: &str,
        event: &str,
        times: usize,
    ) -> anyhow::Result<Vec<Event>> {
        let what = format!("{event} of {number}, {times} times");
        eventually(SOON, &what, async || {
            let history = self.history(number).await?;
            let found = history.iter().filter(|it| it.r#type == event).count();
            anyhow::ensure!(
                found >= times,
                "its history: {:?}",
                history.iter().map(|it| &it.r#type).collect::<Vec<_>>()
            );
            Ok(history)
        })
        .await
    }

    /// The newest position of its log.
    pub async fn head(&self) -> anyhow::Result<u64> {
        Ok(self
            .ledger()
            .head(HeadRequest {})
            .await?
            .into_inner()
            .position)
    }

    /// Waits until no service has anything more to record, and gives the position reached.
    pub async fn settled(&self) -> anyhow::Result<u64> {
        let mut last = self.head().await?;
        let mut quiet = 0;
        eventually(
            Duration::from_secs(60),
            "the log falls silent",
            async || {
                let head = self.head().await?;
                quiet = if head == last { quiet + 1 } else { 0 };
                last = head;
                anyhow::ensure!(quiet >= 50, "the head is at {head}");
                Ok(head)
            },
        )
        .await
    }

    /// Where a request stands, as soon as routing has heard of it.
    pub async fn handling(&self, number: &str) -> anyhow::Result<GetHandlingReply> {
        let what = format!("routing has heard of {number}");
        eventually(SOON, &what, async || {
            let request = GetHandlingRequest {
                number: number.to_owned(),
            };
            Ok(self.routing().get_handling(request).await?.into_inner())
        })
        .await
    }

    /// What analytics counts over the last years.
    pub async fn report(&self) -> anyhow::Result<GetReportReply> {
        let today = jiff::Zoned::now().date();
        let request = GetReportRequest {
            from: today.saturating_sub(9.years()).to_string(),
            to: today.saturating_add(1.day()).to_string(),
            as_of: String::new(),
        };
        Ok(self.analytics().get_report(request).await?.into_inner())
    }

    /// A command on a request in whatever version it is; the id follows from the request and `what`.
    #[must_use]
    pub fn target(number: &str, what: &str) -> Target {
        Target {
            command_id: command_id(&format!("{number} {what}")),
            number: number.to_owned(),
            ..Target::default()
        }
    }
}

/// A command id that follows from what it is for, so that a test repeats it by repeating the words.
#[must_use]
pub fn command_id(what: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, what.as_bytes()).to_string()
}

/// A lazy channel to "http://host:port".
pub fn channel(base: &str) -> anyhow::Result<Channel> {
    Ok(Endpoint::from_shared(base.to_owned())
        .with_context(|| format!("URL {base}"))?
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(20))
        .connect_lazy())
}
