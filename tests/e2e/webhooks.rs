//! A program that is told of events: in order, signed, at least once, whoever is away meanwhile.

use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tests::{
    eventually,
    process::{Cozum, Launch, free_port},
    receiver::{Message, Receiver},
};

const TOKEN: &str = "token-of-hooks";

/// A centre in one process, with a program that may register webhooks.
struct Centre {
    process: Cozum,
    base: String,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Centre {
    async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let listen = format!("127.0.0.1:{}", free_port()?);
        let base = format!("http://{listen}");
        let data = folder.path().to_string_lossy().into_owned();
        let tokens = format!("ova/hooks={TOKEN}");
        let args = [
            "up",
            "--municipalities",
            "ova",
            "--listen",
            &listen,
            "--data",
            &data,
            "--tokens",
            &tokens,
            "--webhook-allow-private",
        ];
        let launch = Launch::new("hooks", args).ready_at(format!("{base}/readyz"));
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self {
            process: launch.start().await?,
            base,
            http,
            _folder: folder,
        })
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<(u16, Value)> {
        let mut request = self
            .http
            .request(method.parse()?, format!("{}/api/v1{path}", self.base))
            .bearer_auth(TOKEN);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    /// Files a request, once the directory is known, and gives its number.
    async fn file(&self, description: &str) -> anyhow::Result<String> {
        eventually(Duration::from_secs(30), "a request is filed", async || {
            let body = json!({
                "topic": "pothole", "channel": "app", "description": description, "address": "Çarşı Cad. 1",
                "citizen": {"name": "Ayşe Yılmaz", "phone": "0532 123 45 67"}
            });
            let (status, filed) = self.call("POST", "/requests", Some(body)).await?;
            anyhow::ensure!(status == 201, "{status}: {filed}");
            Ok(filed["number"].as_str().context("a number")?.to_owned())
        })
        .await
    }

    async fn register(&self, receiver: &Receiver) -> anyhow::Result<Value> {
        let types = ["intake.RequestRegistered", "routing.RequestRouted"];
        let body = json!({"url": receiver.url(), "types": types});
        let (status, webhook) = self.call("POST", "/webhooks", Some(body)).await?;
        anyhow::ensure!(status == 201, "{status}: {webhook}");
        Ok(webhook)
    }

    async fn is_in_state(&self, id: &str, state: &str) -> anyhow::Result<()> {
        eventually(
            Duration::from_secs(30),
            &format!("the webhook is {state}"),
            async || {
                let (_, webhook) = self.call("GET", &format!("/webhooks/{id}"), None).await?;
                anyhow::ensure!(webhook["state"] == state, "{webhook}");
                Ok(())
            },
        )
        .await
    }
}

/// Whether one of a message's signatures is of this secret, as Standard Webhooks say.
fn is_signed(message: &Message, secret: &str) -> anyhow::Result<bool> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").context("whsec_")?)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let (id, time) = (
        message.header("webhook-id"),
        message.header("webhook-timestamp"),
    );
    let signed = [format!("{id}.{time}.").as_bytes(), &message.body].concat();
    let expected = format!("v1,{}", STANDARD.encode(hmac::sign(&key, &signed)));
    Ok(message
        .header("webhook-signature")
        .split(' ')
        .any(|it| it == expected))
}

/// Waits until both events of each of these requests were taken, and gives what was taken.
async fn told_of(receiver: &Receiver, numbers: &[String]) -> anyhow::Result<Vec<Message>> {
    eventually(
        Duration::from_secs(60),
        "the receiver was told",
        async || {
            let taken = receiver.taken();
            for number in numbers {
                for name in ["RequestRegistered", "RequestRouted"] {
                    let told = taken.iter().filter_map(|it| it.json().ok()).any(|it| {
                        it["data"]["number"] == number.as_str()
                            && it["type"].as_str().is_some_and(|it| it.ends_with(name))
                    });
                    anyhow::ensure!(told, "{name} of {number} is missing among {}", taken.len());
                }
            }
            Ok(taken)
        },
    )
    .await
}

#[tokio::test]
async fn a_receiver_that_was_away_is_told_everything_in_order_even_after_a_kill_9()
-> anyhow::Result<()> {
    let mut centre = Centre::start().await?;
    let receiver = Receiver::start(503).await?;
    let before = centre.file("Bundan haber verilmez").await?;
    let webhook = centre.register(&receiver).await?;
    let secret = webhook["secret"]
        .as_str()
        .context("a secret, once")?
        .to_owned();
    let id = webhook["id"].as_str().context("an id")?.to_owned();
    let (_, again) = centre.call("GET", &format!("/webhooks/{id}"), None).await?;
    assert!(again["secret"].is_null(), "told a second time: {again}");
    assert_eq!(again["url"], receiver.url());

    let mut numbers = vec![];
    for index in 0..4 {
        numbers.push(centre.file(&format!("Gizli kalan söz {index}")).await?);
    }
    eventually(
        Duration::from_secs(30),
        "the first event was tried twice",
        async || {
            anyhow::ensure!(receiver.messages().len() >= 2, "not yet");
            Ok(())
        },
    )
    .await?;
    let tried: Vec<Message> = receiver.messages();
    let first = tried[0].header("webhook-id");
    assert!(
        tried.iter().all(|it| it.header("webhook-id") == first),
        "a later event overtook it"
    );

    centre.process.kill9()?;
    receiver.answer(200);
    centre.process.restart().await?;
    for index in 4..6 {
        numbers.push(centre.file(&format!("Gizli kalan söz {index}")).await?);
    }
    let taken = told_of(&receiver, &numbers).await?;
    let mut position = 0;
    for message in &taken {
        assert!(is_signed(message, &secret)?, "not signed: {message:?}");
        let told = message.json()?;
        assert_eq!(message.header("webhook-id"), told["id"]);
        assert_eq!(
            message.header("content-type"),
            "application/cloudevents+json; charset=utf-8"
        );
        let at: u64 = told["position"].as_str().context("a position")?.parse()?;
        assert!(at >= position, "{at} after {position}");
        position = at;
        let text = String::from_utf8_lossy(&message.body).into_owned();
        for personal in ["Gizli", "Ayşe", "0532", "Çarşı"] {
            assert!(!text.contains(personal), "{personal} in {text}");
        }
        let registered = told["type"] == "cozum.intake.v1.RequestRegistered";
        assert!(
            !(registered && text.contains(&before)),
            "it was filed before anybody asked"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_webhook_is_rotated_suspended_resumed_and_removed() -> anyhow::Result<()> {
    let centre = Centre::start().await?;
    let receiver = Receiver::start(200).await?;
    centre.file("Rehber bilinsin diye").await?;
    let webhook = centre.register(&receiver).await?;
    let old = webhook["secret"].as_str().context("a secret")?.to_owned();
    let id = webhook["id"].as_str().context("an id")?.to_owned();

    let rotate = format!("/webhooks/{id}/rotate");
    let (status, rotated) = centre
        .call("POST", &rotate, Some(json!({"hours": 1})))
        .await?;
    assert_eq!(status, 200, "{rotated}");
    let new = rotated["secret"]
        .as_str()
        .context("a new secret")?
        .to_owned();
    assert_ne!(old, new);
    let number = centre.file("İki imzalı").await?;
    let mut told = told_of(&receiver, std::slice::from_ref(&number)).await?;
    // What was recorded before the rotation may have been sent before it.
    told.retain(|it| {
        it.json()
            .is_ok_and(|it| it["data"]["number"] == number.as_str())
    });
    for message in told {
        assert!(
            is_signed(&message, &old)? && is_signed(&message, &new)?,
            "{message:?}"
        );
    }

    receiver.answer(410);
    let lost = centre.file("Alıcı gitti").await?;
    centre.is_in_state(&id, "suspended").await?;
    receiver.answer(200);
    let (status, resumed) = centre
        .call("POST", &format!("/webhooks/{id}/resume"), None)
        .await?;
    assert_eq!(
        (status, resumed["state"].as_str()),
        (200, Some("active")),
        "{resumed}"
    );
    told_of(&receiver, &[lost]).await?;

    let (status, _) = centre
        .call("DELETE", &format!("/webhooks/{id}"), None)
        .await?;
    assert_eq!(status, 204);
    assert_eq!(
        centre
            .call("GET", &format!("/webhooks/{id}"), None)
            .await?
            .0,
        404
    );
    let count = receiver.messages().len();
    let other = Receiver::start(200).await?;
    centre.register(&other).await?;
    let unheard = centre.file("Ona söylenmez").await?;
    told_of(&other, &[unheard]).await?;
    assert_eq!(
        receiver.messages().len(),
        count,
        "told after it was removed"
    );
    Ok(())
}
