//! gateway: the centre's face to the outside, all of it HTTP.
//!
//! Serves the citizen's portal, Open311 GeoReport v2, and the services' gRPC to programs that hold a token. Hears what
//! intake and routing say, and keeps of it a register without personal data. Says itself who may come in, and as what:
//! staff, their sessions, the programs with a key.

#[expect(dead_code, reason = "lists ask for their reach as they come")]
mod access;
mod account;
mod admin;
mod api;
mod client;
mod config;
mod console;
#[expect(dead_code, reason = "its routes come one by one")]
mod doors;
mod facts;
mod guard;
mod headers;
mod heard;
mod keys;
mod limits;
mod log;
mod notices;
mod observe;
mod open311;
mod origin;
mod params;
mod portal;
mod proxy;
mod questions;
mod register;
pub mod replay;
mod secret;
mod server;
mod session;
mod staff;
mod text;
mod webhooks;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context as _;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware,
    response::Response,
};
use chassis::{Caller, Platform, Role, Serving};
use contracts::{
    intake::v1::intake_client::IntakeClient, ledger::v1::ledger_client::LedgerClient,
    routing::v1::routing_client::RoutingClient,
};
use sqlx::SqlitePool;
use tokio::net::TcpListener;
use tonic::{Status, service::Routes, transport::Channel};
use vocabulary::Municipality;

use client::Proxies;
pub use config::{Access, Config};
use doors::{Doors, Entry};
use keys::{Holder, Keys};
use limits::{Failures, Limits};
pub use notices::Notices;
use projection::Projection;
pub use register::Register;
use session::Sessions;
pub use staff::Staff;
use staff::{desk::Desk, password::Passwords};

/// Large enough for a text of megabytes to be refused by its field's name.
const BODY: usize = 16 << 20;

/// What every handler stands on.
pub(crate) struct Centre {
    platform: Platform,
    keys: Keys,
    tokens: Keys,
    registers: BTreeMap<Municipality, register::Reader>,
    staff: BTreeMap<Municipality, Desk>,
    notices: BTreeMap<Municipality, Projection>,
    passwords: Passwords,
    sessions: Sessions,
    limits: Limits,
    failures: Failures,
    proxies: Proxies,
    outlines: portal::Outlines,
    public_origin: Option<String>,
    /// Where this gateway is reached from its own machine.
    here: String,
    demo: bool,
    /// What programs sent in the last minutes.
    repeats: open311::Repeats,
    webhooks: webhooks::Webhooks,
}

impl Centre {
    async fn open(config: &Config, platform: &Platform) -> anyhow::Result<Arc<Self>> {
        let (keys, tokens) = config
            .keys(&platform.municipalities)
            .map_err(anyhow::Error::msg)?;
        let (mut registers, mut staff) = (BTreeMap::new(), BTreeMap::new());
        let mut notices = BTreeMap::new();
        for municipality in &*platform.municipalities {
            registers.insert(
                municipality.clone(),
                register::Reader::open(platform, municipality).await?,
            );
            staff.insert(
                municipality.clone(),
                Desk::open(platform, municipality).await?,
            );
            notices.insert(
                municipality.clone(),
                Projection::open(platform, municipality, Notices).await?,
            );
        }
        let public_origin = config.public_origin();
        let reach = webhooks::Reach {
            private: config.access.webhook_allow_private,
        };
        Ok(Arc::new(Self {
            platform: platform.clone(),
            keys,
            tokens,
            registers,
            staff,
            notices,
            passwords: Passwords::new().await?,
            sessions: config.sessions(),
            limits: Limits::new(config.rates().map_err(anyhow::Error::msg)?),
            failures: Failures::default(),
            proxies: config.proxies().map_err(anyhow::Error::msg)?,
            outlines: config
                .outlines(&platform.municipalities)
                .map_err(anyhow::Error::msg)?,
            public_origin,
            here: config.here(),
            demo: config.demo,
            repeats: open311::Repeats::default(),
            webhooks: webhooks::Webhooks::open(platform, reach).await?,
        }))
    }

    /// The municipality that is meant where none is named.
    fn default_municipality(&self) -> &Municipality {
        self.platform
            .municipalities
            .first()
            .expect("a platform serves at least one municipality")
    }

    /// A municipality that is served here.
    fn municipality(&self, slug: &str) -> Option<&Municipality> {
        self.platform
            .municipalities
            .iter()
            .find(|it| it.as_str() == slug)
    }

    fn register(&self, municipality: &Municipality) -> &register::Reader {
        &self.registers[municipality]
    }

    fn staff(&self, municipality: &Municipality) -> &Desk {
        &self.staff[municipality]
    }

    fn notices(&self, municipality: &Municipality) -> &SqlitePool {
        self.notices[municipality].pool()
    }

    /// The URL that people are given: the public one, or where this gateway is on its own machine.
    fn own_url(&self) -> &str {
        self.public_origin.as_deref().unwrap_or(&self.here)
    }

    /// For whom a request is.
    fn client(&self, request: &Request) -> std::net::IpAddr {
        self.proxies.client(request.headers(), request.extensions())
    }

    /// The program whose key or token stands in `Authorization`.
    async fn bearer(&self, headers: &HeaderMap) -> Result<Option<Holder>, Status> {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        let secret = bearer
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, secret)) = secret else {
            return Ok(None);
        };
        let secret = secret.trim();
        if let Some(token) = self.tokens.holder(secret) {
            return Ok(Some(Holder::of_token(token)));
        }
        for municipality in &*self.platform.municipalities {
            if let Some(holder) = self.issued(municipality, secret).await? {
                return Ok(Some(holder));
            }
        }
        Ok(None)
    }

    /// The unit that has a request; empty where none has it, or no such request is known.
    async fn unit_of(&self, municipality: &Municipality, number: &str) -> Result<String, Status> {
        let Ok(number) = number.parse() else {
            return Ok(String::new());
        };
        let entry = self.register(municipality).request(&number).await?;
        Ok(entry.map(|it| it.unit).unwrap_or_default())
    }

    /// The program that this municipality gave a key with this secret.
    async fn issued(
        &self,
        municipality: &Municipality,
        secret: &str,
    ) -> Result<Option<Holder>, Status> {
        let digest = secret::sha256(secret);
        let now = self.platform.clock.micros();
        let key = self.staff(municipality).reader.key(&digest, now).await?;
        Ok(key.map(|key| Holder::of_issued(municipality, &key, &digest)))
    }

    fn intake(&self) -> IntakeClient<Channel> {
        IntakeClient::new(self.platform.channel(Role::Intake))
    }

    fn routing(&self) -> RoutingClient<Channel> {
        RoutingClient::new(self.platform.channel(Role::Routing))
    }

    fn ledger(&self) -> LedgerClient<Channel> {
        LedgerClient::new(self.platform.channel(Role::Ledger))
    }

    fn caller(&self, municipality: &Municipality, actor: &str) -> Caller {
        Caller::new(self.platform.role, municipality.clone(), actor)
    }
}

/// Runs the gateway until the process stops.
pub fn serve(config: Config, platform: Platform) -> Serving {
    Box::pin(run(config, platform))
}

async fn run(config: Config, platform: Platform) -> anyhow::Result<()> {
    let listener = TcpListener::bind(&config.http)
        .await
        .with_context(|| format!("HTTP address {}", config.http))?;
    let centre = Centre::open(&config, &platform).await?;

    webhooks::start(&centre);
    let own = platform.clone();
    platform.tasks.spawn("gateway gRPC", async move {
        // Nothing but health and reflection is behind it: without it the gateway still does all its work.
        if let Err(error) = own.serve_grpc(Routes::default(), &[]).await {
            tracing::info!(error = format!("{error:#}"), "no gRPC of its own");
        }
        Ok(())
    });

    account::begin(&centre);
    platform
        .tasks
        .spawn("sweep", guard::sweep(Arc::clone(&centre)));
    tracing::info!(address = config.http, "gateway serves HTTP");
    server::run(listener, router(centre)?, platform.tasks.clone()).await;
    Ok(())
}

/// All addresses of the gateway, each with what it needs.
fn doors() -> anyhow::Result<Doors> {
    Ok(Doors::new(Entry::Open)
        .nest("/open311/v2", open311::doors())
        .merge(portal::doors())
        .merge(log::doors())
        .merge(account::doors())
        .merge(admin::doors())
        .merge(api::doors()?)
        .merge(console::doors())
        .merge(proxy::doors()?))
}

/// The answer where nothing is, in the form of whatever was asked.
async fn nowhere(uri: Uri, headers: HeaderMap) -> Response {
    if uri.path().starts_with("/api/") {
        api::nowhere()
    } else if uri.path().starts_with("/console/") {
        let frame = console::Frame::of_nobody(guard::language(&uri, &headers), uri.path());
        console::notice(
            frame,
            StatusCode::NOT_FOUND,
            "nowhere-title",
            "nowhere-text",
        )
    } else {
        portal::nowhere(&uri)
    }
}

fn router(centre: Arc<Centre>) -> anyhow::Result<Router> {
    let health = centre.platform.health.routes();
    let Doors { router, list, .. } = doors()?;
    let secure = centre
        .public_origin
        .as_ref()
        .is_some_and(|it| it.starts_with("https:"));
    Ok(router
        .fallback(nowhere)
        .layer(middleware::from_fn_with_state(
            guard::Guard::new(Arc::clone(&centre), list),
            guard::ask,
        ))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::map_response_with_state(
            headers::Secure(secure),
            headers::harden,
        ))
        .layer(middleware::from_fn_with_state(
            observe::Meters::new(),
            observe::observe,
        ))
        .with_state(centre)
        .merge(health))
}
