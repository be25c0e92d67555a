//! What was known then: the report of any position is what its events add up to, and nobody sees more of the past than of today.

mod oracle;
mod replay;

use std::time::Duration;

use anyhow::Context as _;
use contracts::ledger::v1::{Event, ReadRequest};
use serde_json::{Value, json};
use tests::{City, draw::Draw, eventually, work::Work};

use self::oracle::Oracle;
use super::{SOON, Said, access::Centre, repository, say};

/// How many positions are drawn.
const POSITIONS: usize = 200;

/// An excerpt of Baltimore's 311 requests; a larger file of the same city, where `COZUM_TEST_BALTIMORE` names one.
async fn imported(city: &City) -> anyhow::Result<()> {
    let file = std::env::var_os("COZUM_TEST_BALTIMORE").map_or_else(
        || repository("tests/data/baltimore_311_excerpt.csv"),
        std::path::PathBuf::from,
    );
    let mapping = repository("services/cozum/mappings/baltimore-311.toml");
    let args = [
        "import",
        &file.to_string_lossy(),
        "--mapping",
        &mapping.to_string_lossy(),
    ];
    let output = city.cli(&args).within(Duration::from_mins(4)).run().await?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

async fn log(city: &City) -> anyhow::Result<Vec<Event>> {
    let mut events: Vec<Event> = vec![];
    loop {
        let request = ReadRequest {
            after_position: events.len() as u64,
            limit: 0,
        };
        let page = city.ledger().read(request).await?.into_inner().events;
        if page.is_empty() {
            return Ok(events);
        }
        events.extend(page);
    }
}

fn at(event: &Event) -> anyhow::Result<String> {
    let micros = i64::try_from(event.recorded_at)?;
    Ok(jiff::Timestamp::from_microsecond(micros)?.to_string())
}

async fn report_as_of(city: &City, moment: &str) -> anyhow::Result<Said> {
    let span = ["--from", "2013-12-31", "--to", "2019-12-31"];
    let rest = ["--as-of", moment, "--format", "json"];
    say(city, &[&["report"], &span[..], &rest].concat()).await
}

#[tokio::test]
async fn a_report_as_of_any_position_is_what_its_events_add_up_to() -> anyhow::Result<()> {
    let centre = Centre::start(&[]).await?;
    let city = City::new("ova", &centre.base, &City::token("ova"))?;
    imported(&city).await?;
    city.settled().await?;
    let events = log(&city).await?;
    anyhow::ensure!(events.len() > 600, "only {} events", events.len());

    let mut draw = Draw::of(311);
    let mut positions: Vec<usize> = (0..POSITIONS)
        .map(|_| draw.place(events.len() + 1))
        .collect();
    let mut oracle = Oracle::default();
    let mut expected = vec![];
    for position in 0..=events.len() {
        if let Some(before) = position.checked_sub(1) {
            oracle.hear(&events[before])?;
        }
        if positions.contains(&position) {
            expected.push((position, oracle.figures()));
        }
    }
    positions.sort_unstable();
    positions.dedup();
    assert_eq!(expected.len(), positions.len());
    // Latest first, as nothing that was folded for one of them helps the next; a process is started for some.
    let program = Program {
        base: &centre.base,
        key: City::token("ova"),
    };
    for (index, (position, figures)) in expected.iter().rev().enumerate() {
        let path = format!("/report?from=2013-12-31&to=2019-12-31&as_of={position}");
        let (status, report) = program.get(&path).await?;
        anyhow::ensure!(status == 200, "{position}: {report}");
        assert_eq!(report["cut_off"], *position);
        for of in ["contacts", "requests"] {
            assert_eq!(oracle::mapped(&report[of]), figures[of], "at {position}");
        }
        if index % 25 == 0 {
            let said = report_as_of(&city, &position.to_string()).await?;
            let report: Value = serde_json::from_str(&said.out).context(said.err)?;
            assert_eq!(report["cut_off"], position.to_string());
            for of in ["contacts", "requests"] {
                assert_eq!(report[of], figures[of], "at {position}");
            }
        }
    }

    // A time is the newest event recorded until then.
    for index in [0, events.len() / 3, events.len() - 1] {
        let said = report_as_of(&city, &at(&events[index])?).await?;
        let report: Value = serde_json::from_str(&said.out).context(said.err)?;
        assert_eq!(report["cut_off"], (index + 1).to_string());
        assert_eq!(report["cut_off_recorded_at"], at(&events[index])?);
    }
    for wrong in ["999999999", "2999-01-01", "2999-01-01T00:00:00Z", "dün"] {
        let said = report_as_of(&city, wrong).await?;
        assert_eq!(said.code, 1, "{wrong}: {}", said.out);
        assert!(said.err.contains("as_of: "), "{wrong}: {}", said.err);
    }
    Ok(())
}

/// A program with a key, as it reads.
struct Program<'a> {
    base: &'a str,
    key: String,
}

impl Program<'_> {
    async fn get(&self, path: &str) -> anyhow::Result<(u16, Value)> {
        let url = format!("{}/api/v1{path}", self.base);
        let http = reqwest::Client::builder().no_proxy().build()?;
        let answer = http.get(url).bearer_auth(&self.key).send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await.unwrap_or_default()))
    }

    async fn file(&self, topic: &str) -> anyhow::Result<String> {
        let url = format!("{}/api/v1/requests", self.base);
        let http = reqwest::Client::builder().no_proxy().build()?;
        let new = json!({ "topic": topic, "channel": "app", "description": "Deneme" });
        let answer = http
            .post(url)
            .bearer_auth(&self.key)
            .json(&new)
            .send()
            .await?;
        let filed: Value = answer.json().await?;
        Ok(filed["number"].as_str().context("a number")?.to_owned())
    }
}

/// A request that went its way, and the events of it.
async fn walked(city: &City, program: &Program<'_>) -> anyhow::Result<(String, Vec<Event>)> {
    let number = program.file("pothole").await?;
    city.handling(&number).await?;
    let work = Work::on(city, &number);
    work.accept().await?;
    work.assign("ekip-1").await?;
    work.start().await?;
    city.settled().await?;
    Ok((number.clone(), city.history(&number).await?))
}

#[tokio::test]
async fn a_request_a_list_and_a_history_are_shown_as_they_were() -> anyhow::Result<()> {
    let centre = Centre::start(&[]).await?;
    let city = City::new("ova", &centre.base, &City::token("ova"))?;
    let program = Program {
        base: &centre.base,
        key: City::token("ova"),
    };
    let (number, events) = walked(&city, &program).await?;
    let state = |it: &Event| match it.r#type.as_str() {
        "intake.RequestRegistered" => Some("registered"),
        "routing.RequestRouted" => Some("routed"),
        "routing.RequestAccepted" => Some("accepted"),
        "routing.RequestAssigned" => Some("assigned"),
        "routing.WorkStarted" => Some("in-progress"),
        _ => None,
    };
    let steps = events.iter().filter_map(|it| Some((it, state(it)?)));
    let steps: Vec<(&Event, &str)> = steps.collect();
    assert_eq!(steps.len(), 5, "{steps:?}");
    for (event, state) in &steps {
        let moments = [event.position.to_string(), at(event)?];
        for moment in moments {
            let path = format!("/requests/{number}?as_of={moment}");
            let (status, request) = program.get(&path).await?;
            assert_eq!(
                (status, &request["state"]),
                (200, &json!(state)),
                "{moment}"
            );
            assert_eq!(request["as_of"]["position"], event.position);
            assert_eq!(request["as_of"]["recorded_at"], at(event)?);
            // What the register itself had then.
            let (_, list) = program.get(&format!("/requests?as_of={moment}")).await?;
            let mut listed = list["requests"][0].clone();
            listed["as_of"] = request["as_of"].clone();
            assert_eq!(listed, request, "{moment}");
            let path = format!("/requests/{number}/history?as_of={moment}");
            let (_, history) = program.get(&path).await?;
            let last = history["events"].as_array().and_then(|it| it.last());
            assert_eq!(last.context("an event")?["position"], event.position);
        }
    }
    let before = events[0].position - 1;
    let (status, _) = program
        .get(&format!("/requests/{number}?as_of={before}"))
        .await?;
    assert_eq!(status, 404, "it was not registered yet");
    let (_, list) = program.get(&format!("/requests?as_of={before}")).await?;
    assert_eq!(list["requests"], json!([]));
    for path in [
        format!("/requests/{number}?as_of=99999999"),
        format!("/requests/{number}/history?as_of=2999-01-01"),
        "/requests?as_of=2999-01-01T00:00:00Z".to_owned(),
        "/report?from=2026-01-01&to=2026-01-02&as_of=99999999".to_owned(),
    ] {
        let (status, problem) = program.get(&path).await?;
        assert_eq!(status, 409, "{path}: {problem}");
        assert_eq!(
            problem["errors"][0]["parameter"], "as_of",
            "{path}: {problem}"
        );
    }

    let (accepted, _) = steps[2];
    let position = accepted.position.to_string();
    for (language, said) in [
        ("tr", "kaydına kadar bilinenler"),
        ("en", "As known after #"),
    ] {
        let args = ["history", &number, "--as-of", &position, "--lang", language];
        let told = say(&city, &args).await?;
        assert!(told.out.contains(said), "{}{}", told.out, told.err);
        assert!(
            !told.out.contains("routing.RequestAssigned"),
            "{}",
            told.out
        );
    }

    // The console's page of then has no form that does anything.
    let admin = centre.admin("ova").await?;
    let supervisor = centre
        .hire(&admin, "amir", &[("role-supervisor", "on")])
        .await?;
    let now = supervisor
        .open(&format!("/console/requests/{number}"))
        .await?;
    assert!(
        now.html
            .contains("method=\"post\" action=\"/console/requests/"),
        "{}",
        now.html
    );
    let then = format!("/console/requests/{number}?as_of={position}");
    let then = supervisor.open(&then).await?;
    assert_eq!(then.status, 200, "{}", then.html);
    for said in [
        &format!("kayıt konumu {position}"),
        "Kabul edildi",
        "işlem yapılamaz",
    ] {
        assert!(then.html.contains(said), "{said}: {}", then.html);
    }
    for unsaid in ["action=\"/console/requests/", "İşlemde", "Deneme"] {
        let said = then
            .html
            .replace(&format!("action=\"/console/requests/{number}\""), "");
        assert!(!said.contains(unsaid), "{unsaid}: {}", then.html);
    }
    for wrong in [
        format!("/console/requests/{number}"),
        "/console/requests".to_owned(),
        "/console/requests.csv".to_owned(),
        "/console/figures".to_owned(),
    ] {
        let wrong = format!("{wrong}?as_of=2999-01-01");
        assert_eq!(supervisor.open(&wrong).await?.status, 400, "{wrong}");
    }
    // So do its list, the list as a file, and the figures, each leading to the others of that moment.
    let list = format!("/console/requests?as_of={position}");
    let list = supervisor.open(&list).await?.html;
    let row = format!("href=\"/console/requests/{number}?as_of={position}\"");
    let facet = format!("href=\"/console/requests?state=accepted&#38;as_of={position}\"");
    let csv = format!("href=\"/console/requests.csv?as_of={position}\"");
    for said in [
        "Kabul edildi",
        &row,
        &facet,
        &csv,
        &format!("kayıt konumu {position}"),
    ] {
        assert!(list.contains(said), "{said}: {list}");
    }
    assert!(!list.contains("data-live"), "what is past does not move");
    let file = format!("/console/requests.csv?as_of={position}");
    let file = supervisor.open(&file).await?.html;
    assert!(file.contains(&format!("{number},pothole,")), "{file}");
    assert!(file.contains(",accepted,"), "{file}");
    let figures = format!("/console/figures?as_of={position}");
    let figures = supervisor.open(&figures).await?.html;
    assert!(figures.contains(&facet), "{figures}");
    let before = format!("/console/requests?state=all&as_of={before}");
    let before = supervisor.open(&before).await?.html;
    assert!(!before.contains(&number), "{before}");

    // Another city's log has other positions, and nothing of this one.
    let other = Program {
        base: &centre.base,
        key: City::token("koy"),
    };
    let (status, _) = other.get(&format!("/requests/{number}?as_of=1")).await?;
    assert_eq!(status, 404);
    let (_, list) = other.get("/requests?as_of=1").await?;
    assert_eq!(list["requests"], json!([]));
    Ok(())
}

#[tokio::test]
async fn nobody_sees_more_of_the_past_than_of_today() -> anyhow::Result<()> {
    let centre = Centre::start(&[]).await?;
    let admin = centre.admin("ova").await?;
    let city = City::new("ova", &centre.base, &City::token("ova"))?;
    let all = Program {
        base: &centre.base,
        key: City::token("ova"),
    };
    let scopes = [("scope-read", "on"), ("unit", "parks")];
    let parks = Program {
        base: &centre.base,
        key: centre.key(&admin, "park-ekibi", &scopes).await?,
    };
    let stays = all.file("pruning").await?;
    let leaves = all.file("pruning").await?;
    for number in [&stays, &leaves] {
        assert_eq!(city.handling(number).await?.unit, "parks");
    }
    let then = city.settled().await?;
    Work::on(&city, &leaves).give_back("Bizim değil").await?;
    let target = Some(City::target(&leaves, "route"));
    let hole = all.file("pothole").await?;
    let unit = city.handling(&hole).await?.unit;
    let route = contracts::routing::v1::RouteManuallyRequest { target, unit };
    city.routing().route_manually(route).await?;
    city.settled().await?;

    let listed = async |program: &Program<'_>| {
        let (status, list) = program.get(&format!("/requests?as_of={then}")).await?;
        anyhow::ensure!(status == 200, "{status} {list}");
        let requests = list["requests"].as_array().cloned().unwrap_or_default();
        let mut numbers: Vec<String> = requests
            .iter()
            .map(|it| it["number"].as_str().unwrap_or_default().to_owned())
            .collect();
        numbers.sort();
        anyhow::Ok(numbers)
    };
    let mut both = vec![stays.clone(), leaves.clone()];
    both.sort();
    assert_eq!(listed(&all).await?, both);
    eventually(SOON, "the unit sees its own only", async || {
        let seen = listed(&parks).await?;
        anyhow::ensure!(seen == [stays.clone()], "{seen:?}");
        Ok(())
    })
    .await?;
    for (number, status) in [(&stays, 200), (&leaves, 403)] {
        for path in ["", "/history"] {
            let path = format!("/requests/{number}{path}");
            assert_eq!(parks.get(&path).await?.0, status, "{path}");
            let path = format!("{path}?as_of={then}");
            assert_eq!(parks.get(&path).await?.0, status, "{path}");
        }
    }
    let report = format!("/report?from=2026-01-01&to=2026-01-02&as_of={then}");
    assert_eq!(parks.get(&report).await?.0, 403);
    let roles = [("role-unit", "on"), ("unit", "parks")];
    let member = centre.hire(&admin, "bahcivan", &roles).await?;
    for path in ["/console/requests?as_of=", "/console/requests.csv?as_of="] {
        let page = member.open(&format!("{path}{then}")).await?;
        assert_eq!(page.status, 200, "{}", page.html);
        assert!(page.html.contains(&stays), "{}", page.html);
        assert!(!page.html.contains(&leaves), "{}", page.html);
    }
    let personal = format!("/requests/{stays}?as_of={then}&view=personal");
    assert_eq!(all.get(&personal).await?.0, 400, "the past is of facts");
    let no_day = format!("/requests/{stays}?as_of=9720-53-55");
    assert_eq!(all.get(&no_day).await?.0, 400, "no calendar has it");
    Ok(())
}
