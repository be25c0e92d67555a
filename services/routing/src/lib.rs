//! Routing: which unit answers a request, and the unit's work on it; and the directory of units and topics.
//!
//! Hears `intake.RequestRegistered` and routes it by the rule of its topic. Says every state of a request after its
//! registration (`RequestRouted`, `RequestReturned`, `RequestAccepted`, … `RequestReopened`), and the directory
//! (`UnitDefined`, `UnitChanged`, `TopicDefined`, `TopicChanged`). A municipality whose log has no directory gets the
//! default one at the start.
//!
//! **Invariant:** no free text in a decision; notes and answers go to intake and come back sealed.
//! **Invariant:** what a person decided is never undone by a repeated event or by another start.

mod default_directory;
mod desk;
mod directory;
mod domain;
mod grpc;
mod install;
mod reactions;
mod sealing;
mod wire;

use std::collections::BTreeMap;

use chassis::{Platform, Serving};
use contracts::routing::v1::routing_server::{RoutingServer, SERVICE_NAME};
use projection::Projection;
use tonic::service::Routes;

use crate::{
    desk::Desk, directory::Directory, grpc::Service, reactions::Requests, sealing::Sealing,
};

/// A note far too long must still arrive here, to be refused by the name of its field.
const LARGEST_CALL: usize = 16 << 20;

/// Routing has no settings of its own.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Config {}

/// Runs the service until the process stops.
pub fn serve(config: Config, platform: Platform) -> Serving {
    Box::pin(run(config, platform))
}

async fn run(config: Config, platform: Platform) -> anyhow::Result<()> {
    let Config {} = config;
    let mut desks = BTreeMap::new();
    for municipality in platform.municipalities.iter() {
        let directory = Projection::open(&platform, municipality, Directory).await?;
        install::begin(&platform, municipality, &directory);
        let requests = Requests::new(&platform, municipality, directory.clone());
        platform.tasks.spawn_to_end(
            "routing.requests",
            chassis::reactions::run(platform.clone(), municipality.clone(), requests),
        );
        let desk = Desk {
            ledger: platform.ledger(municipality),
            directory,
            sealing: Sealing::new(&platform),
        };
        desks.insert(municipality.clone(), desk);
    }
    let service = RoutingServer::new(Service::new(platform.clone(), desks))
        .max_decoding_message_size(LARGEST_CALL);
    platform
        .serve_grpc(Routes::new(service), &[SERVICE_NAME])
        .await
}
