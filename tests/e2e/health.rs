//! What whoever runs the centre asks each process: alive, ready, how busy, what it offers.

use std::collections::BTreeSet;

use anyhow::Context as _;
use chassis::Role;
use futures::StreamExt as _;
use tests::{city, open311::Format};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::{v1, v1alpha};

use super::cluster;

/// Each service with the role that offers it.
const SERVICES: [(Role, &str); 5] = [
    (Role::Ledger, "cozum.ledger.v1.Ledger"),
    (Role::Intake, "cozum.intake.v1.Intake"),
    (Role::Routing, "cozum.routing.v1.Routing"),
    (Role::Notification, "cozum.notification.v1.Notification"),
    (Role::Analytics, "cozum.analytics.v1.Analytics"),
];

#[tokio::test]
async fn every_process_says_that_it_lives_is_ready_and_what_it_counts() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let filed = [
        ("service_code", "pothole"),
        ("address_string", "Atatürk Cad."),
    ];
    let number = ova.open311().file(&filed, Format::Json).await?.number()?;
    ova.handling(&number).await?;

    let http = reqwest::Client::builder().no_proxy().build()?;
    for role in Role::ALL {
        let ask = async |path: &str| -> anyhow::Result<(u16, String)> {
            let answer = http
                .get(format!("{}{path}", cluster.admin(role)))
                .send()
                .await?;
            Ok((answer.status().as_u16(), answer.text().await?))
        };
        assert_eq!(ask("/livez").await?.0, 200, "{role}");
        assert_eq!(ask("/readyz").await?.0, 200, "{role}");
        let (status, metrics) = ask("/metrics").await?;
        assert_eq!(status, 200, "{role}");
        let counted: Vec<&str> = metrics
            .lines()
            .filter(|it| it.starts_with("cozum_"))
            .collect();
        assert!(!counted.is_empty(), "{role} counts nothing: {metrics}");
        assert!(!metrics.contains(&number), "{role} counts single requests");
        if role == Role::Ledger {
            let appended = counted
                .iter()
                .any(|it| it.contains("ova") && !it.ends_with(" 0"));
            assert!(
                appended,
                "the ledger did not count what it appended: {counted:#?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_line_of_every_log_is_a_json_object() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let mut lines = 0;
    for path in cluster.output_files() {
        let text = std::fs::read_to_string(&path)?;
        // The last line may still be in writing.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in whole.lines() {
            let entry: serde_json::Value = serde_json::from_str(line)
                .with_context(|| format!("{}: {line}", path.display()))?;
            assert!(
                entry["level"].is_string() && entry["timestamp"].is_string(),
                "{line}"
            );
            lines += 1;
        }
    }
    assert!(lines >= 6, "six processes said {lines} lines");
    Ok(())
}

#[tokio::test]
async fn every_service_tells_grpc_clients_what_it_offers_and_that_it_serves() -> anyhow::Result<()>
{
    let cluster = cluster().await?;
    for (role, service) in SERVICES {
        let channel = city::channel(&cluster.grpc(role))?;
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let health = HealthClient::new(channel.clone())
            .check(request)
            .await?
            .into_inner();
        assert_eq!(health.status(), ServingStatus::Serving, "{role}");

        let (new, old) = (
            services_v1(channel.clone()).await?,
            services_v1alpha(channel).await?,
        );
        assert!(
            new.contains(service),
            "{role}: reflection v1 knows only {new:?}"
        );
        assert_eq!(new, old, "{role}: reflection v1alpha");
    }
    let gateway = city::channel(&cluster.admin(Role::Gateway))?;
    let (new, old) = (
        services_v1(gateway.clone()).await?,
        services_v1alpha(gateway.clone()).await?,
    );
    assert!(
        SERVICES.iter().all(|(_, service)| new.contains(*service)),
        "{new:?}"
    );
    assert_eq!(new, old);
    let health = HealthClient::new(gateway)
        .check(HealthCheckRequest::default())
        .await?
        .into_inner();
    assert_eq!(health.status(), ServingStatus::Serving);
    Ok(())
}

async fn services_v1(channel: tonic::transport::Channel) -> anyhow::Result<BTreeSet<String>> {
    use v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let ask = ServerReflectionRequest {
        message_request,
        ..ServerReflectionRequest::default()
    };
    let asked = futures::stream::iter([ask]).chain(futures::stream::pending());
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(asked)
        .await?
        .into_inner();
    let answer = answers
        .message()
        .await?
        .and_then(|it| it.message_response)
        .context("no answer")?;
    let MessageResponse::ListServicesResponse(list) = answer else {
        anyhow::bail!("{answer:?}")
    };
    Ok(ours(list.service.into_iter().map(|it| it.name)))
}

async fn services_v1alpha(channel: tonic::transport::Channel) -> anyhow::Result<BTreeSet<String>> {
    use v1alpha::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let ask = ServerReflectionRequest {
        message_request,
        ..ServerReflectionRequest::default()
    };
    let asked = futures::stream::iter([ask]).chain(futures::stream::pending());
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(asked)
        .await?
        .into_inner();
    let answer = answers
        .message()
        .await?
        .and_then(|it| it.message_response)
        .context("no answer")?;
    let MessageResponse::ListServicesResponse(list) = answer else {
        anyhow::bail!("{answer:?}")
    };
    Ok(ours(list.service.into_iter().map(|it| it.name)))
}

/// Without reflection itself, which each version calls by another name.
fn ours(names: impl Iterator<Item = String>) -> BTreeSet<String> {
    names
        .filter(|it| !it.starts_with("grpc.reflection."))
        .collect()
}
