//! `/api/v1` as a program meets it, on six processes.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tests::{City, eventually};

use super::cluster;

/// A program that holds the city's token.
struct Program {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// Status, ETag and body.
type Answer = (u16, String, Value);

impl Program {
    fn of(city: &City) -> anyhow::Result<Self> {
        Ok(Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            base: format!("{}/api/v1", city.base()),
            token: City::token(city.name()),
        })
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> anyhow::Result<Answer> {
        let url = format!("{}{path}", self.base);
        let mut request = self
            .http
            .request(method.parse()?, url)
            .bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let tag = answer.headers().get("etag").and_then(|it| it.to_str().ok());
        let tag = tag.unwrap_or_default().to_owned();
        let text = answer.text().await?;
        Ok((status, tag, serde_json::from_str(&text).unwrap_or_default()))
    }

    async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.call("GET", path, &[], None).await
    }

    async fn act(
        &self,
        number: &str,
        action: &str,
        version: &str,
        body: Value,
    ) -> anyhow::Result<Answer> {
        let headers = [("if-match", version)];
        self.call(
            "POST",
            &format!("/requests/{number}/{action}"),
            &headers,
            Some(body),
        )
        .await
    }

    /// The request as soon as it is with a unit, with its version.
    async fn routed(&self, number: &str) -> anyhow::Result<(String, Value)> {
        let path = format!("/requests/{number}");
        eventually(
            Duration::from_secs(30),
            "the request is routed",
            async || {
                let (status, tag, request) = self.get(&path).await?;
                anyhow::ensure!(
                    status == 200 && request["state"] == "routed",
                    "{status} {request}"
                );
                Ok((tag, request))
            },
        )
        .await
    }
}

fn complaint(words: &str) -> Value {
    json!({
        "topic": "pothole", "channel": "app", "description": words, "point": {"latitude": 39.92, "longitude": 32.85},
        "citizen": {"name": "Ali Öz", "email": "ali.oz@example.org", "language": "tr"}
    })
}

#[tokio::test]
async fn a_program_files_once_works_by_version_and_reads_what_happened() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let city = cluster.city("arayuz")?;
    let program = Program::of(&city)?;
    let key = [("idempotency-key", "siparis-1")];
    let filed = program
        .call("POST", "/requests", &key, Some(complaint("Çukur")))
        .await?;
    assert_eq!(filed.0, 201, "{}", filed.2);
    let again = program
        .call("POST", "/requests", &key, Some(complaint("Çukur")))
        .await?;
    assert_eq!((again.0, &again.2["number"]), (201, &filed.2["number"]));
    let other = program
        .call("POST", "/requests", &key, Some(complaint("Başka")))
        .await?;
    assert_eq!(
        (other.0, other.2["type"].as_str()),
        (409, Some("/api/problems/idempotency-key-reused")),
        "{}",
        other.2
    );
    let number = filed.2["number"].as_str().context("a number")?.to_owned();

    let (version, request) = program.routed(&number).await?;
    assert!(
        request["unit"].is_string() && request["personal"].is_null(),
        "{request}"
    );
    let without = program
        .call(
            "POST",
            &format!("/requests/{number}/accept"),
            &[],
            Some(json!({})),
        )
        .await?;
    assert_eq!(without.0, 428, "{}", without.2);
    let accepted = program.act(&number, "accept", &version, json!({})).await?;
    assert_eq!(
        (accepted.0, accepted.2["state"].as_str()),
        (200, Some("accepted")),
        "{}",
        accepted.2
    );
    let stale = program
        .act(&number, "assign", &version, json!({"assignee": "ekip-1"}))
        .await?;
    assert_eq!(
        (stale.0, stale.2["type"].as_str()),
        (412, Some("/api/problems/stale")),
        "{}",
        stale.2
    );
    let assigned = program
        .act(
            &number,
            "assign",
            &accepted.1,
            json!({"assignee": "ekip-1"}),
        )
        .await?;
    assert_eq!(
        (assigned.0, assigned.2["assignee"].as_str()),
        (200, Some("ekip-1")),
        "{}",
        assigned.2
    );
    let refused = program
        .act(&number, "conclude", "*", json!({"sub_result": "refused"}))
        .await?;
    assert_eq!(
        (refused.0, refused.2["errors"][0]["pointer"].as_str()),
        (409, Some("/answer")),
        "{}",
        refused.2
    );
    let answer = json!({"sub_result": "solved", "answer": "Kapatıldı."});
    let concluded = program
        .act(&number, "conclude", &assigned.1, answer)
        .await?;
    assert_eq!(
        (concluded.0, concluded.2["sub_result"].as_str()),
        (200, Some("solved")),
        "{}",
        concluded.2
    );

    let (_, _, history) = program.get(&format!("/requests/{number}/history")).await?;
    let events = history["events"].as_array().context("events")?;
    let types: Vec<&str> = events.iter().filter_map(|it| it["type"].as_str()).collect();
    for happened in [
        "intake.RequestRegistered",
        "routing.RequestRouted",
        "routing.RequestConcluded",
    ] {
        assert!(types.contains(&happened), "{happened} in {types:?}");
    }
    let text = history.to_string();
    assert!(
        !text.contains("Kapatıldı") && !text.contains("Ali"),
        "personal: {text}"
    );
    assert!(text.contains("\"sub_result\":\"solved\""), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_look_at_personal_data_is_recorded_and_lists_lead_to_every_request() -> anyhow::Result<()>
{
    let cluster = cluster().await?;
    let city = cluster.city("arayuz")?;
    let program = Program::of(&city)?;
    let mut numbers = vec![];
    for index in 0..3 {
        let filed = program
            .call(
                "POST",
                "/requests",
                &[],
                Some(complaint(&format!("Söz {index}"))),
            )
            .await?;
        numbers.push(filed.2["number"].as_str().context("a number")?.to_owned());
    }
    let number = &numbers[0];
    program.routed(number).await?;
    let (status, _, request) = program
        .get(&format!("/requests/{number}?view=personal"))
        .await?;
    assert_eq!(status, 200, "{request}");
    let personal = &request["personal"];
    assert_eq!(
        (personal["name"].as_str(), personal["description"].as_str()),
        (Some("Ali Öz"), Some("Söz 0")),
        "{request}"
    );
    let looks = city
        .has_recorded(number, "intake.PersonalDataViewed", 1)
        .await?;
    let look = looks
        .iter()
        .find(|it| it.r#type == "intake.PersonalDataViewed")
        .context("a look")?;
    assert_eq!(look.actor, "api:desk");

    let mut found: Vec<String> = vec![];
    let mut path = "/requests?order=registered&limit=2".to_owned();
    loop {
        let (_, _, page) = program.get(&path).await?;
        let requests = page["requests"].as_array().context("requests")?;
        found.extend(
            requests
                .iter()
                .filter_map(|it| it["number"].as_str())
                .map(str::to_owned),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/requests?order=registered&limit=2&after={next}");
    }
    let mut once = found.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), found.len(), "a request came twice");
    assert!(
        numbers.iter().all(|it| found.contains(it)),
        "{numbers:?} in {found:?}"
    );

    let figures = city.report().await?;
    let today = jiff::Zoned::now().date();
    let (_, _, report) = program
        .get(&format!("/report?from=2020-01-01&to={}", today.tomorrow()?))
        .await?;
    let total = figures.requests.context("requests")?.total;
    assert!(
        report["requests"]["total"].as_u64().context("a total")? >= total,
        "{report}"
    );
    Ok(())
}
