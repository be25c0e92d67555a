//! Two municipalities in one cluster: nothing of one is seen, counted, tracked or reachable from the other.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream;
use chassis::{Role, violations};
use contracts::{
    intake::v1::GetRequestRequest,
    ledger::v1::{HeadRequest, HistoryRequest, ledger_client::LedgerClient},
    notification::v1::ListNotificationsRequest,
    routing::v1::GetHandlingRequest,
};
use tests::{City, Cluster, city, cluster, files, log, open311::Format, work::Work};
use tonic::{Code, Request};

use super::{cluster, mails, say};

/// The two cities of this story.
const HERE: &str = "liman";
const THERE: &str = "koy";

#[tokio::test]
async fn what_happens_in_one_city_stays_in_it() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let (here, there) = (cluster.city(HERE)?, cluster.city(THERE)?);
    let before = (there.settled().await?, there.report().await?);

    let filed = [
        ("service_code", "pothole"),
        ("lat", "36.8"),
        ("long", "34.6"),
        ("email", "liman@example.org"),
    ];
    let number = here.open311().file(&filed, Format::Json).await?.number()?;
    here.handling(&number).await?;
    here.has_recorded(&number, "notification.NotificationDelivered", 1)
        .await?;
    here.settled().await?;

    open311_keeps_them_apart(&here, &there, &number).await?;
    the_portal_keeps_them_apart(&cluster, &here, &there).await?;
    grpc_keeps_them_apart(&here, &there, &number).await?;
    operators_see_their_own(&here, &there, &number).await?;
    assert_eq!(
        (there.settled().await?, there.report().await?),
        before,
        "the other city's figures moved"
    );
    what_lies_on_disks_is_apart(&cluster, &number).await
}

async fn open311_keeps_them_apart(here: &City, there: &City, number: &str) -> anyhow::Result<()> {
    for format in Format::BOTH {
        let shown = here.open311().request(number, format).await?;
        assert_eq!(shown.status, 200, "{shown:?}");
        let elsewhere = there.open311().request(number, format).await?;
        assert_eq!(elsewhere.status, 404, "{elsewhere:?}");
        assert!(
            elsewhere.errors()?.contains("service_request_id"),
            "{elsewhere:?}"
        );

        let foreign = there.open311().with_key(&City::key(here.name()));
        let refused = foreign
            .file(
                &[("service_code", "pothole"), ("address_string", "x")],
                format,
            )
            .await?;
        assert_eq!(
            refused.status, 403,
            "a key of one city files in the other: {refused:?}"
        );
        assert!(refused.errors()?.contains("api_key"), "{refused:?}");
    }
    Ok(())
}

/// Number and secret open a request on its own city's pages only, and that is where the mail leads.
async fn the_portal_keeps_them_apart(
    cluster: &Cluster,
    here: &City,
    there: &City,
) -> anyhow::Result<()> {
    let address = "liman.portal@example.org";
    let filed = [
        ("topic", "pothole"),
        ("description", "rıhtımda çukur"),
        ("email", address),
    ];
    let receipt = here.portal().file(&filed).await?;
    let (number, secret) = (receipt.element("number")?, receipt.element("secret")?);
    let elsewhere = there.portal().track(&number, &secret).await?.text()?;
    assert!(
        !elsewhere.contains("rıhtımda"),
        "the other city shows it: {elsewhere}"
    );

    let mail = mails(cluster, address, 1).await?.remove(0);
    assert!(mail.text.contains(&secret), "{}", mail.text);
    let link = mail
        .text
        .split_whitespace()
        .find(|it| it.starts_with("http://"))
        .context("no link")?;
    let page = link.split('?').next().unwrap_or_default();
    let tracked = here
        .portal()
        .track_at(page, &number, &secret)
        .await?
        .text()?;
    assert!(
        tracked.contains("rıhtımda"),
        "{link} does not lead to it: {tracked}"
    );
    Ok(())
}

async fn grpc_keeps_them_apart(here: &City, there: &City, number: &str) -> anyhow::Result<()> {
    // Whatever a caller claims: the token decides.
    let claiming = there.clone().carrying("cozum-municipality", here.name())?;
    for city in [there, &claiming] {
        assert_eq!(city.history(number).await?, []);
        let handling = GetHandlingRequest {
            number: number.to_owned(),
        };
        let unknown = city
            .routing()
            .get_handling(handling)
            .await
            .err()
            .context("its handling is seen")?;
        assert_eq!(unknown.code(), Code::NotFound, "{unknown:?}");
        let purpose = "test".to_owned();
        let open = GetRequestRequest {
            number: number.to_owned(),
            purpose,
            ..GetRequestRequest::default()
        };
        let unknown = city
            .intake()
            .get_request(open)
            .await
            .err()
            .context("its text is seen")?;
        assert_eq!(unknown.code(), Code::PermissionDenied, "{unknown:?}");
        let list = ListNotificationsRequest {
            number: number.to_owned(),
        };
        match city.notification().list_notifications(list).await {
            Ok(reply) => assert_eq!(reply.into_inner().items, []),
            Err(unknown) => assert_eq!(unknown.code(), Code::NotFound, "{unknown:?}"),
        }
        assert!(
            Work::on(city, number).accept().await.is_err(),
            "the other city accepts it"
        );
    }
    let untouched = here.history_types(number).await?;
    assert!(
        !untouched.contains(&"routing.RequestAccepted".to_owned()),
        "{untouched:?}"
    );
    Ok(())
}

async fn operators_see_their_own(here: &City, there: &City, number: &str) -> anyhow::Result<()> {
    let told = say(here, &["history", number]).await?;
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.out.contains(number));
    let told = say(there, &["history", number]).await?;
    assert_ne!(told.code, 0, "{}", told.out);
    assert!(!told.out.contains("RequestRegistered"), "{}", told.out);
    Ok(())
}

/// NATS, the table of events, and the read models.
async fn what_lies_on_disks_is_apart(cluster: &Cluster, number: &str) -> anyhow::Result<()> {
    let client = async_nats::connect(cluster.nats.url()).await?;
    let context = jetstream::new(client);
    assert!(
        messages_with(&context, HERE, number).await? > 0,
        "the scan finds nothing at all"
    );
    assert_eq!(messages_with(&context, THERE, number).await?, 0);

    let url = cluster.log_url();
    let stream = format!("request-{number}");
    assert!(
        log::read(&url, HERE)
            .await?
            .iter()
            .any(|it| it.stream == stream)
    );
    assert!(
        !log::read(&url, THERE)
            .await?
            .iter()
            .any(|it| it.stream == stream)
    );
    let mut known: Vec<&str> = super::CITIES.to_vec();
    known.sort_unstable();
    assert!(
        log::municipalities(&url)
            .await?
            .iter()
            .all(|it| known.contains(&it.as_str()))
    );

    let mut seen = 0;
    for role in Role::ALL {
        for path in cluster.read_models(role, HERE)? {
            seen += rows_with(&path, number).await?;
        }
        for path in cluster.read_models(role, THERE)? {
            assert_eq!(rows_with(&path, number).await?, 0, "{}", path.display());
        }
    }
    assert!(seen > 0, "no read model knows the request at all");
    Ok(())
}

async fn messages_with(
    context: &jetstream::Context,
    city: &str,
    number: &str,
) -> anyhow::Result<usize> {
    let found = cluster::messages(context, city).await?;
    let holds = |it: &&async_nats::jetstream::message::StreamMessage| {
        format!("{:?} {}", it.headers, String::from_utf8_lossy(&it.payload)).contains(number)
    };
    assert!(
        found
            .iter()
            .all(|it| it.subject.starts_with(&format!("cozum.events.{city}.")))
    );
    Ok(found.iter().filter(holds).count())
}

async fn rows_with(path: &std::path::Path, number: &str) -> anyhow::Result<usize> {
    let dump = files::dump(path).await?;
    Ok(dump
        .values()
        .flatten()
        .filter(|it| it.contains(number))
        .count())
}

#[tokio::test]
async fn a_city_nobody_serves_is_refused_by_name() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let here = cluster.city(HERE)?;
    let nowhere = here
        .open311()
        .with_jurisdiction("atlantis")
        .services(Format::Json)
        .await?;
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.errors()?.contains("jurisdiction_id"), "{nowhere:?}");

    let mut ledger = LedgerClient::new(city::channel(&cluster.grpc(Role::Ledger))?);
    let mut head = Request::new(HeadRequest {});
    head.set_timeout(Duration::from_secs(10));
    head.metadata_mut()
        .insert("cozum-municipality", "atlantis".parse()?);
    head.metadata_mut()
        .insert("cozum-actor", "staff:x".parse()?);
    let refused = ledger.head(head).await.err().context("a head of nowhere")?;
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(violations(&refused)[0].0, "municipality");

    let history = HistoryRequest {
        subject: "request:x".to_owned(),
        ..HistoryRequest::default()
    };
    let stranger = here.carrying("authorization", "Bearer no-such-token")?;
    let refused = stranger
        .ledger()
        .history(history)
        .await
        .err()
        .context("a stranger reads")?;
    assert_eq!(refused.code(), Code::Unauthenticated);
    Ok(())
}
