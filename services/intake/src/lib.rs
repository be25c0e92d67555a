//! Intake: contacts and requests, from every channel; and the only room that holds the keys to personal data.
//!
//! Hears `routing.TopicDefined` and `routing.TopicChanged`, to refuse a topic that nobody defined, and for the search what
//! units do with a request and what is written about it, and for retention its conclusion; and its own `ErasureOrdered` and
//! `DestructionBegan`, to finish an erasure and a run whatever happens. Says `PersonRecorded`, `ContactRegistered`,
//! `RequestRegistered`, `PersonalDataViewed`, `ErasureOrdered`, `PersonalDataErased`, `HoldPlaced`, `HoldReleased`,
//! `RetentionRuleSet`, `RetentionRuleRemoved`, `NoticePublished`, `DestructionBegan`, `DestructionEnded`, `KeyEpochBegan` and
//! `KeyEpochDestroyed`.
//! Free text and what is known of a citizen leave this service only sealed, or opened for a
//! caller that names its purpose. An imported request is also found by what it was called where it came from: its event
//! names the subject `import:<source>/<id>`. Pictures are drawn anew before they
//! are sealed, and lie beside the keys.
//!
//! **Invariant:** no event is appended before the keys it was sealed with, and the files it names, are durable.
//! **Invariant:** no error message and no log line quotes what a citizen wrote.
//! **Invariant:** nobody is answered before the recorded erasures were held against the key store, which may be a restored one.

mod attachments;
mod config;
mod desk;
mod directory;
mod domain;
mod epochs;
mod erasing;
mod grpc;
mod holding;
mod lookup;
mod notices;
mod own_data;
mod people;
mod pictures;
mod reaction;
mod register;
mod registrations;
mod retention;
mod sealing;
mod search;
mod streams;
mod texts;
mod viewing;
mod wire;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use chassis::{Platform, Serving};
use contracts::intake::v1::intake_server::{IntakeServer, SERVICE_NAME};
use projection::Projection;
use tonic::service::Routes;
use vault::{MasterKeys, Vault, VaultError};

pub use config::{Config, DESTROY_EVERY};

use crate::{
    desk::Desk,
    directory::Topics,
    epochs::Epochs,
    erasing::Erasures,
    grpc::Service,
    notices::Notices,
    registrations::Registrations,
    retention::{Destructions, Kept},
    search::{Index, Search},
};

/// Three pictures of 10 MB, and a description far too long, must arrive here to be refused by the names of their fields.
const LARGEST_CALL: usize = 48 << 20;

/// How long the key store may take to appear at the start.
const PATIENCE: u32 = 30;

/// Runs the service until the process stops.
pub fn serve(config: Config, platform: Platform) -> Serving {
    Box::pin(run(config, platform))
}

async fn run(config: Config, platform: Platform) -> anyhow::Result<()> {
    let masters = config.master_keys(&platform.data)?;
    let vault = Arc::new(open_vault(&config.store(&platform.data), &masters, &platform).await?);
    let secrets = Arc::new(vault.tracking_secrets());
    let blind = Arc::new(vault.blind_index());
    let epochs = Epochs::new(&platform, vault.clone());
    platform.tasks.spawn("intake.epochs", epochs.clone().run());

    let mut desks = Vec::new();
    for municipality in platform.municipalities.iter() {
        let erasures = Erasures::new(&platform, municipality, vault.clone());
        erasures.hold(&platform).await?;
        let kept = Projection::open(&platform, municipality, Kept).await?;
        let runs = Destructions::new(&platform, municipality, kept.clone(), erasures.clone());
        platform.tasks.spawn_to_end(
            "intake.erasures",
            chassis::reactions::run(platform.clone(), municipality.clone(), runs),
        );
        let index = Index {
            municipality: municipality.clone(),
            vault: vault.clone(),
            blind: blind.clone(),
            unflushed: Arc::default(),
        };
        desks.push(Desk {
            municipality: municipality.clone(),
            ledger: platform.ledger(municipality),
            directory: Projection::open(&platform, municipality, Topics).await?,
            search: Search::open(&platform, index).await?,
            registrations: Projection::open(&platform, municipality, Registrations).await?,
            vault: vault.clone(),
            secrets: secrets.clone(),
            erasures,
            kept,
            notices: Projection::open(&platform, municipality, Notices).await?,
        });
    }
    platform.tasks.spawn(
        "intake.retention",
        retention::keep_time(platform.clone(), config.destroy_every),
    );
    let service = IntakeServer::new(Service::new(platform.clone(), desks, epochs))
        .max_decoding_message_size(LARGEST_CALL)
        .max_encoding_message_size(LARGEST_CALL);
    platform
        .serve_grpc(Routes::new(service), &[SERVICE_NAME])
        .await
}

/// Waits for a key store that starts at the same time as we do.
async fn open_vault(
    store: &str,
    masters: &MasterKeys,
    platform: &Platform,
) -> anyhow::Result<Vault> {
    platform
        .health
        .not_ready("vault", "the key store does not answer yet");
    for _ in 0..PATIENCE {
        match Vault::open(store, masters).await {
            Err(VaultError::Unavailable(error)) if !platform.tasks.is_stopping() => {
                tracing::warn!(error = %error, "the key store does not answer yet");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            outcome => {
                platform.health.ready("vault");
                return outcome.context("vault");
            }
        }
    }
    anyhow::bail!("the key store does not answer")
}
