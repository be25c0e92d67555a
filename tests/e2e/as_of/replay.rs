//! A replay folds the log alone, and says where what was published differs.

use anyhow::Context as _;
use serde_json::{Value, json};
use tests::{City, eventually};

use super::{Program, walked};
use crate::{SOON, access::Centre, say};

#[tokio::test]
async fn a_replay_of_the_log_says_whether_what_was_published_is_true() -> anyhow::Result<()> {
    let centre = Centre::start(&[]).await?;
    let city = City::new("ova", &centre.base, &City::token("ova"))?;
    let program = Program {
        base: &centre.base,
        key: City::token("ova"),
    };
    let (number, events) = walked(&city, &program).await?;
    program.file("pothole").await?;
    city.settled().await?;
    let routed = events
        .iter()
        .find(|it| it.r#type == "routing.RequestRouted");
    let routed = routed.context("it was routed")?;
    let position = routed.position.to_string();

    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let today = jiff::Zoned::now().date();
    let (from, to) = (
        today.yesterday()?.to_string(),
        today.tomorrow()?.to_string(),
    );
    let span = ["--from", &from, "--to", &to, "--format", "json"];
    let report = say(
        &city,
        &[&["report", "--as-of", &position], &span[..]].concat(),
    )
    .await?;
    assert_eq!(report.code, 0, "{}", report.err);
    std::fs::write(path("true.json"), &report.out)?;
    let mut wrong: Value = serde_json::from_str(&report.out)?;
    assert_eq!(wrong["requests"]["total"], 1);
    wrong["requests"]["total"] = json!(2);
    std::fs::write(path("wrong.json"), wrong.to_string())?;
    let (_, request) = program
        .get(&format!("/requests/{number}?as_of={position}"))
        .await?;
    std::fs::write(path("request.json"), request.to_string())?;
    eventually(SOON, "all of it is signed", async || {
        let note = city.download("/log/ova/checkpoint").await?;
        let note = String::from_utf8(note)?;
        let size: u64 = note.lines().nth(1).context("a size")?.parse()?;
        anyhow::ensure!(size >= routed.position + 4, "{size}");
        Ok(())
    })
    .await?;
    let exported = say(&city, &["audit", "export", "--out", &path("log")]).await?;
    assert_eq!(exported.code, 0, "{}", exported.err);

    let offline = City::new("ova", "http://127.0.0.1:1", "none")?;
    let bundle = path("log");
    for (from, log) in [(&city, None), (&offline, Some(bundle.as_str()))] {
        let replay = async |more: &[&str]| {
            let mut args = vec!["audit", "replay", "--at", &position];
            args.extend(more);
            args.extend(log);
            say(from, &args).await
        };
        let said = replay(&["--published", &path("true.json")]).await?;
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        assert!(said.out.contains("is what the log says"), "{}", said.out);
        let said = replay(&["--published", &path("wrong.json")]).await?;
        assert_eq!(said.code, 1, "{}", said.out);
        let named = "requests.total: published 2, the log says 1";
        assert!(said.out.contains(named), "{}", said.out);
        let (request, days) = (
            path("request.json"),
            format!("{from_day}..{to}", from_day = &span[1]),
        );
        let said = replay(&["--request", &number, "--published", &request]).await?;
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        let said = replay(&["--report", &days]).await?;
        let replayed: Value = serde_json::from_str(&said.out).context(said.err)?;
        assert_eq!(replayed, serde_json::from_str::<Value>(&report.out)?);
        let unit = request_unit(&program, &number).await?;
        let said = replay(&["--worklist", &unit]).await?;
        let worklist: Value = serde_json::from_str(&said.out).context(said.err)?;
        assert_eq!(worklist["requests"].as_array().map(Vec::len), Some(1));
        assert_eq!(worklist["requests"][0]["state"], "routed");
    }
    let mut late = vec!["audit", "replay", "--report", "2026-01-01..2026-01-02"];
    late.extend(["--at", "2999-01-01", &bundle]);
    let said = say(&offline, &late).await?;
    assert!(
        said.err.contains("--at: lies after the bundle's end"),
        "{}",
        said.err
    );
    let tampered = std::path::Path::new(&bundle).join("events");
    let file = tests::files::below(&tampered)?.remove(0);
    let mut bytes = std::fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes)?;
    let args = [
        "audit",
        "replay",
        "--at",
        &position,
        "--worklist",
        "roads",
        &bundle,
    ];
    let said = say(&offline, &args).await?;
    assert!(
        said.code == 1 && said.err.contains("does not hold"),
        "{}",
        said.err
    );
    Ok(())
}

async fn request_unit(program: &Program<'_>, number: &str) -> anyhow::Result<String> {
    let (_, request) = program.get(&format!("/requests/{number}")).await?;
    Ok(request["unit"].as_str().context("a unit")?.to_owned())
}
