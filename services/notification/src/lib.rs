//! Notification: whom to tell, and whether it arrived.
//!
//! Hears `intake.RequestRegistered` and routing's `RequestReferred`, `RequestPlanned`, `RequestConcluded`,
//! `RequestReopened` and `InformationAsked`, and tells the citizen by e-mail where one left an address; imported requests
//! notify nobody. Says `NotificationRequested`, `NotificationSkipped`, `NotificationAttempted`, `NotificationDelivered`,
//! `NotificationFailed`.
//!
//! **Invariant:** the mail server is touched only after `NotificationAttempted` was appended at the expected version.
//! **Invariant:** a message that goes out twice, after a crash between sending and recording, has the same `Message-ID`.
//! **Invariant:** no address, name or text stands in an event, a log line or a span; nor what a mail server says, which may
//! quote them: only its codes.

mod config;
mod domain;
mod grpc;
mod letter;
mod news;
mod notifications;
mod post;
mod reaction;
mod sender;
mod wire;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chassis::{Platform, Serving, lease, reactions};
use contracts::notification::v1::notification_server::{NotificationServer, SERVICE_NAME};
use projection::Projection;
use tonic::service::Routes;

pub use config::{Config, SmtpUrl};
pub use notifications::Notifications;

use crate::{grpc::Service, post::Post, reaction::Requests, sender::Sender};

/// Runs the service until the process stops.
pub fn serve(config: Config, platform: Platform) -> Serving {
    Box::pin(run(config, platform))
}

async fn run(config: Config, platform: Platform) -> anyhow::Result<()> {
    let post = Post::new(&config)?.map(Arc::new);
    if post.is_none() {
        tracing::warn!(
            "no mail server is configured: nobody is told by e-mail, and each notification is recorded as skipped"
        );
    }
    let mut models = BTreeMap::new();
    for municipality in platform.municipalities.iter() {
        let model = Projection::open(&platform, municipality, Notifications).await?;
        models.insert(municipality.clone(), model.clone());

        let requests = Requests::new(&platform, municipality, model.clone(), post.is_some());
        platform.tasks.spawn_to_end(
            "notification.requests",
            reactions::run(platform.clone(), municipality.clone(), requests),
        );
        let limit = Duration::from_secs(config.send_limit.into());
        let sender = Sender::new(&platform, municipality, model, post.clone(), limit);
        let work = move |_lease| {
            let sender = sender.clone();
            async move { sender.run().await }
        };
        let sending = lease::hold(platform.clone(), municipality.clone(), sender::NAME, work);
        platform.tasks.spawn_to_end("notification.sender", sending);
    }
    let service = NotificationServer::new(Service::new(platform.clone(), models));
    platform
        .serve_grpc(Routes::new(service), &[SERVICE_NAME])
        .await
}
