//! What citizens are told about their personal data: published by channel, told where they file, and each filing says which
//! version it was.

use std::{fs, path::Path};

use anyhow::Context as _;
use contracts::{
    intake::v1::{
        ContactRegistered, RegisterContactRequest, RegisterRequestRequest, RequestRegistered,
    },
    ledger::v1::HistoryRequest,
    vocabulary::v1::Channel,
};
use prost::Message as _;
use serde_json::Value;
use tests::{City, city::command_id, eventually, portal::Page};

use super::{SOON, cluster, say};

const COMPLAINT: &str = "Köprünün altındaki çukur, dün İsmail düştü.";

/// Runs a command that must succeed, and gives what it said.
async fn said(city: &City, args: &[&str]) -> anyhow::Result<String> {
    let said = say(city, args).await?;
    anyhow::ensure!(said.code == 0, "{args:?}: {}{}", said.out, said.err);
    Ok(said.out)
}

/// Publishes a notice, the word `mark` in each of its texts.
async fn publish(
    city: &City,
    folder: &Path,
    channels: &str,
    mark: &str,
) -> anyhow::Result<(String, i32)> {
    let mut args = vec!["notice".to_owned(), "publish".to_owned()];
    args.extend(["--channel".to_owned(), channels.to_owned()]);
    for (option, text) in [
        (
            "tr",
            format!("{mark} metni\n\n<b>Kimlik</b>\nve iletişim.\n"),
        ),
        ("en", format!("{mark} notice\n\nWho you are.\n")),
    ] {
        let file = folder.join(format!("notice.{option}"));
        fs::write(&file, text)?;
        let file = file.to_str().context("file")?;
        args.extend([format!("--{option}"), file.to_owned()]);
    }
    args.extend(["--short-tr".to_owned(), format!("{mark}: veriler işlenir.")]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = say(city, &args).await?;
    Ok((said.out + &said.err, said.code))
}

/// Files on the portal, where the form showed this version.
async fn file(city: &City, notice: &str) -> anyhow::Result<Page> {
    let fields = [
        ("topic", "pothole"),
        ("description", COMPLAINT),
        ("q-size", "large"),
        ("q-depth", "12,5"),
        ("notice", notice),
    ];
    city.portal().file(&fields).await
}

async fn filed(city: &City, notice: &str) -> anyhow::Result<String> {
    let receipt = file(city, notice).await?;
    anyhow::ensure!(receipt.status == 201, "{}", receipt.text()?);
    receipt.element("number")
}

/// What the events of a request and of its contact say was told.
async fn told(city: &City, number: &str) -> anyhow::Result<(u64, u64)> {
    let history = city.history(number).await?;
    let of_request = |it: &&contracts::ledger::v1::Event| it.r#type == "intake.RequestRegistered";
    let registered = history.iter().find(of_request).context("registered")?;
    let registered = RequestRegistered::decode(registered.facts.as_slice())?;
    let contact = told_in_contact(city, &registered.contact).await?;
    Ok((contact, registered.notice_version))
}

async fn told_in_contact(city: &City, contact: &str) -> anyhow::Result<u64> {
    let request = HistoryRequest {
        subject: format!("contact:{contact}"),
        ..HistoryRequest::default()
    };
    let events = city.ledger().history(request).await?.into_inner().events;
    let event = events
        .iter()
        .find(|it| it.r#type == "intake.ContactRegistered");
    let facts = event.context("no contact")?.facts.as_slice();
    Ok(ContactRegistered::decode(facts)?.notice_version)
}

/// The form that shows this version, once the page knows it.
async fn form_showing(city: &City, version: u64) -> anyhow::Result<Page> {
    let shown = format!("name=\"notice\" value=\"{version}\"");
    eventually(SOON, "the form shows the notice", async || {
        let form = city.portal().open("/?topic=pothole").await?;
        anyhow::ensure!(form.html.contains(&shown), "{}", form.html);
        Ok(form)
    })
    .await
}

async fn refused_by_name(city: &City, notice: &str) -> anyhow::Result<()> {
    let page = file(city, notice).await?;
    assert_eq!(page.status, 400, "{notice}");
    for part in ["href=\"#notice\"", "id=\"notice\"", COMPLAINT] {
        assert!(page.html.contains(part), "{part} in {}", page.html);
    }
    Ok(())
}

#[tokio::test]
async fn each_filing_says_which_notice_was_told_and_every_version_can_be_read() -> anyhow::Result<()>
{
    let cluster = cluster().await?;
    let city = cluster.city("bildir")?;
    let folder = tempfile::tempdir()?;

    form_showing(&city, 0).await?;
    assert_eq!(city.portal().open("/privacy").await?.status, 404);
    let untold = filed(&city, "0").await?;
    assert_eq!(told(&city, &untold).await?, (0, 0));
    let history = said(&city, &["history", &untold]).await?;
    assert!(history.contains("notice_version       yok"), "{history}");
    refused_by_name(&city, "1").await?;

    let (out, code) = publish(&city, folder.path(), "web,phone", "Birinci").await?;
    assert!(
        code == 0 && out.contains("web v1") && out.contains("phone v1"),
        "{out}"
    );
    let again = publish(&city, folder.path(), "web", "Birinci").await?.0;
    assert_eq!(again, "zaten öyleydi  web v1\n");
    let long = publish(&city, folder.path(), "web", &"ş".repeat(299)).await?;
    assert!(long.1 != 0 && long.0.contains("short_tr"), "{}", long.0);
    let form = form_showing(&city, 1).await?;
    assert!(
        form.html.contains("Birinci: veriler işlenir."),
        "{}",
        form.html
    );
    assert!(form.html.contains("/privacy/web/1\""), "{}", form.html);
    let first = filed(&city, "1").await?;
    assert_eq!(told(&city, &first).await?, (1, 1));
    by_other_ways(&city).await?;

    publish(&city, folder.path(), "web", "İkinci").await?;
    form_showing(&city, 2).await?;
    let second = filed(&city, "2").await?;
    assert_eq!(told(&city, &second).await?, (2, 2));
    let shown_before = filed(&city, "1").await?;
    assert_eq!(told(&city, &shown_before).await?, (1, 1));
    for unknown in ["3", "-1", "iki"] {
        refused_by_name(&city, unknown).await?;
    }
    for (number, version) in [(&first, 1), (&second, 2)] {
        let history = said(&city, &["history", number]).await?;
        let line = format!("notice_version       {version}\n");
        assert!(history.contains(&line), "{history}");
    }
    every_version_can_be_read(&city).await
}

/// By phone, and by a channel that tells nothing.
async fn by_other_ways(city: &City) -> anyhow::Result<()> {
    let contact = |channel: Channel, what: &str, notice_version| RegisterContactRequest {
        command_id: command_id(what),
        channel: channel.into(),
        notice_version,
        ..RegisterContactRequest::default()
    };
    for (channel, what, shown, version) in [
        (Channel::Phone, "a call", None, 1),
        (Channel::Phone, "a call without", Some(0), 0),
        (Channel::Fax, "a fax", None, 0),
    ] {
        let asked = contact(channel, what, shown);
        let reply = city.intake().register_contact(asked).await?.into_inner();
        assert_eq!(
            told_in_contact(city, &reply.contact).await?,
            version,
            "{what}"
        );
    }
    let asked = contact(Channel::Fax, "an unheard one", Some(1));
    let refused = city.intake().register_contact(asked).await;
    let refused = refused.err().context("a notice that nobody published")?;
    let violations = chassis::violations(&refused);
    assert_eq!(violations[0].0, "notice_version", "{violations:?}");
    let request = RegisterRequestRequest {
        command_id: command_id("a call with a request"),
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        ..RegisterRequestRequest::default()
    };
    let early = RegisterRequestRequest {
        command_id: command_id("yesterday's call"),
        // Before anything was told.
        occurred_at: 1_700_000_000_000_000,
        ..request.clone()
    };
    for (request, version) in [(request, 1), (early, 0)] {
        let reply = city.intake().register_request(request).await?.into_inner();
        let both = (version, version);
        assert_eq!(told(city, &reply.number).await?, both);
    }
    Ok(())
}

async fn every_version_can_be_read(city: &City) -> anyhow::Result<()> {
    let (old, new) = ("Birinci metni", "İkinci metni");
    for (path, has, has_not) in [
        ("/privacy", new, old),
        ("/privacy/web", new, old),
        ("/privacy/web/2", new, old),
        ("/privacy/web/1", old, new),
        ("/privacy/phone", old, new),
        ("/privacy/web/1?lang=en", "Birinci notice", old),
    ] {
        let page = city.portal().open(path).await?;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            page.html.contains(has) && !page.html.contains(has_not),
            "{}",
            page.html
        );
    }
    let old = city.portal().open("/privacy/web/1").await?;
    for part in [
        "eski bir sürüm",
        "&#60;b&#62;Kimlik",
        "/privacy/web/2\"",
        "lang=en",
    ] {
        assert!(old.html.contains(part), "{part} in {}", old.html);
    }
    for path in ["/privacy/web/3", "/privacy/fax", "/privacy/telefon/1"] {
        assert_eq!(city.portal().open(path).await?.status, 404, "{path}");
    }
    let list = said(city, &["notice", "list", "--format", "json"]).await?;
    let list: Value = serde_json::from_str(&list)?;
    assert_eq!(list.as_array().map(Vec::len), Some(3), "{list}");
    let shown = said(city, &["notice", "show", "web", "--version", "1"]).await?;
    assert!(
        shown.contains("Birinci metni") && shown.starts_with("web v1  "),
        "{shown}"
    );
    let newest = said(city, &["notice", "show", "web", "--lang", "en"]).await?;
    assert!(newest.contains("İkinci notice"), "{newest}");
    Ok(())
}
