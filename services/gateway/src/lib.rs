//! gateway: the centre's face to the outside, all of it HTTP.
//!
//! Serves the citizen's portal, Open311 GeoReport v2, and the services' gRPC to programs that hold a token. Hears what
//! intake and routing say, and keeps of it a register without personal data. Says nothing itself.

#[expect(dead_code, reason = "the routes ask it as they come")]
mod access;
mod config;
mod heard;
mod keys;
mod observe;
mod open311;
mod params;
mod portal;
mod proxy;
#[expect(dead_code, reason = "its readers come one by one")]
mod register;
mod server;
mod text;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context as _;
use axum::{Router, extract::DefaultBodyLimit, middleware};
use chassis::{Caller, Platform, Role, Serving};
use contracts::intake::v1::intake_client::IntakeClient;
use tokio::net::TcpListener;
use tonic::{service::Routes, transport::Channel};
use vocabulary::Municipality;

pub use config::Config;
use keys::Keys;
pub use register::Register;

/// Large enough for a text of megabytes to be refused by its field's name.
const BODY: usize = 16 << 20;

/// What every handler stands on.
pub(crate) struct Centre {
    platform: Platform,
    keys: Keys,
    tokens: Keys,
    registers: BTreeMap<Municipality, register::Reader>,
    public_origin: Option<String>,
}

impl Centre {
    async fn open(config: &Config, platform: &Platform) -> anyhow::Result<Arc<Self>> {
        let (keys, tokens) = config
            .keys(&platform.municipalities)
            .map_err(anyhow::Error::msg)?;
        let mut registers = BTreeMap::new();
        for municipality in &*platform.municipalities {
            registers.insert(
                municipality.clone(),
                register::Reader::open(platform, municipality).await?,
            );
        }
        let public_origin = config.public_origin();
        Ok(Arc::new(Self {
            platform: platform.clone(),
            keys,
            tokens,
            registers,
            public_origin,
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

    fn intake(&self) -> IntakeClient<Channel> {
        IntakeClient::new(self.platform.channel(Role::Intake))
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

    let own = platform.clone();
    platform.tasks.spawn("gateway gRPC", async move {
        // Nothing but health and reflection is behind it: without it the gateway still does all its work.
        if let Err(error) = own.serve_grpc(Routes::default(), &[]).await {
            tracing::info!(error = format!("{error:#}"), "no gRPC of its own");
        }
        Ok(())
    });

    tracing::info!(address = config.http, "gateway serves HTTP");
    server::run(listener, router(centre)?, platform.tasks.clone()).await;
    Ok(())
}

fn router(centre: Arc<Centre>) -> anyhow::Result<Router> {
    let health = centre.platform.health.routes();
    Ok(Router::new()
        .nest("/open311/v2", open311::routes())
        .merge(portal::routes())
        .merge(proxy::routes()?)
        .fallback(portal::nowhere)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(
            observe::Meters::new(),
            observe::observe,
        ))
        .with_state(centre)
        .merge(health))
}
