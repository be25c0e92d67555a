//! One trace tells the whole story: from the HTTP request through gRPC, the append, the relay and every reader.

use tests::{eventually, open311::Format, traces::Collector};

use super::cluster;

#[tokio::test]
async fn one_trace_runs_from_the_http_request_to_the_last_reader() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let trace = "5ca1ab1ec0ffee0ddecade5ba5eba11a";
    let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
    let filed = [
        ("service_code", "pothole"),
        ("lat", "39.9"),
        ("long", "32.8"),
        ("email", "iz@example.org"),
    ];
    let headers = [("traceparent", traceparent.as_str())];
    let number = ova
        .open311()
        .post(&filed, &headers, Format::Json)
        .await?
        .number()?;

    let history = ova
        .has_recorded(&number, "notification.NotificationDelivered", 1)
        .await?;
    ova.has_recorded(&number, "routing.RequestRouted", 1)
        .await?;
    for event in &history {
        let its = event.traceparent.split('-').nth(1);
        assert_eq!(
            its,
            Some(trace),
            "{} is of another trace: {}",
            event.r#type,
            event.traceparent
        );
    }

    let expected = [
        ("cozum-gateway", "POST /open311/v2/requests"),
        ("cozum-intake", "/cozum.intake.v1.Intake/RegisterRequest"),
        ("cozum-ledger", "ledger.append"),
        ("cozum-ledger", "ledger.relay"),
        ("cozum-routing", "/"),
        ("cozum-gateway", "project"),
        ("cozum-analytics", "project"),
    ];
    eventually(
        Collector::SOON,
        "every process's spans of the trace",
        async || {
            let spans = cluster.traces.of(trace);
            for (service, name) in expected {
                let found = spans
                    .iter()
                    .any(|it| it.service == service && (name == "/" || it.name.starts_with(name)));
                anyhow::ensure!(found, "no span {name} of {service} among {spans:?}");
            }
            Ok(())
        },
    )
    .await
}

#[tokio::test]
async fn every_process_exports_its_spans() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let filed = [
        ("service_code", "pothole"),
        ("address_string", "Atatürk Cad."),
        ("email", "iz2@example.org"),
    ];
    ova.open311().file(&filed, Format::Json).await?.number()?;
    eventually(Collector::SOON, "spans of all six", async || {
        let services = cluster.traces.services();
        let all = [
            "analytics",
            "gateway",
            "intake",
            "ledger",
            "notification",
            "routing",
        ];
        let missing: Vec<_> = all
            .iter()
            .filter(|it| !services.contains(&format!("cozum-{it}")))
            .collect();
        anyhow::ensure!(missing.is_empty(), "nothing from {missing:?}");
        Ok(())
    })
    .await
}
