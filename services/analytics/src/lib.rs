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
use contracts::analytics::v1::{
    GetReportReply,
    analytics_server::{AnalyticsServer, SERVICE_NAME},
};
use jiff::{civil::Date, tz::TimeZone};
use projection::{Past, Projection, SNAPSHOT_EVERY};
use sqlx::SqliteConnection;
use tonic::service::Routes;

pub use config::Config;
pub use counts::Counts;

use crate::{
    grpc::{Model, Service},
    span::Span,
};

/// Runs the service until the process stops.
pub fn serve(config: Config, platform: Platform) -> Serving {
    Box::pin(run(config, platform))
}

async fn run(config: Config, platform: Platform) -> anyhow::Result<()> {
    let zone = config.zone()?;
    let mut models = BTreeMap::new();
    for municipality in platform.municipalities.iter() {
        let live = Projection::open(&platform, municipality, Counts).await?;
        let past = Past::open(&platform, municipality, Counts, &live, SNAPSHOT_EVERY).await?;
        models.insert(municipality.clone(), Model { live, past });
    }
    let service = AnalyticsServer::new(Service::new(platform.clone(), models, zone));
    platform
        .serve_grpc(Routes::new(service), &[SERVICE_NAME])
        .await
}

/// The report of a span of days over a file that somebody folded [`Counts`] into.
pub async fn report(
    connection: &mut SqliteConnection,
    from: Date,
    to: Date,
    zone: &TimeZone,
) -> anyhow::Result<GetReportReply> {
    let span = Span::read(&from.to_string(), &to.to_string(), zone)?;
    report::report(connection, &span).await
}
