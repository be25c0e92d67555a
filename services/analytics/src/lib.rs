//! Analytics: counts, and decides nothing.
//!
//! Hears `intake.ContactRegistered`, `intake.RequestRegistered` and everything routing says; says nothing itself.
//!
//! **Invariant:** units of count are never mixed: a contact is not a request, and one contact gives 0..n requests.
//! **Invariant:** all figures of a report stand at one cut-off position, and each dimension adds up to the total it divides.

mod config;
mod counts;
mod grpc;
mod report;
mod span;

use std::collections::BTreeMap;

use chassis::{Platform, Serving};
use contracts::analytics::v1::analytics_server::{AnalyticsServer, SERVICE_NAME};
use projection::Projection;
use tonic::service::Routes;

pub use config::Config;
pub use counts::Counts;

use crate::grpc::Service;

/// Runs the service until the process stops.
pub fn serve(config: Config, platform: Platform) -> Serving {
    Box::pin(run(config, platform))
}

async fn run(config: Config, platform: Platform) -> anyhow::Result<()> {
    let zone = config.zone()?;
    let mut models = BTreeMap::new();
    for municipality in platform.municipalities.iter() {
        models.insert(
            municipality.clone(),
            Projection::open(&platform, municipality, Counts).await?,
        );
    }
    let service = AnalyticsServer::new(Service::new(platform.clone(), models, zone));
    platform
        .serve_grpc(Routes::new(service), &[SERVICE_NAME])
        .await
}
