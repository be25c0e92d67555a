//! Personal data is kept for as long as the rules say, and then destroyed: what a dry run tells goes, what is on hold stays, and
//! of whom it went nothing is left.

mod people;

use std::collections::BTreeSet;

use anyhow::Context as _;
use contracts::{
    analytics::v1::GetReportReply,
    intake::v1::{ErasureGround, PersonalDataErased, ViewRequestRequest},
    ledger::v1::{Event, HistoryRequest},
};
use prost::Message as _;
use serde_json::Value;
use tests::{City, Cluster, eventually, files, process::Launch};

use super::{
    SOON, say,
    secrets::{everything_written, is_search, scan::Scan, traces_have_arrived},
};
use people::{Filed, GONE, People, STAYS, marks, people};

const CITY: &str = "sakla";

/// Runs a command that must succeed, and gives what it said.
async fn said(city: &City, args: &[&str]) -> anyhow::Result<String> {
    let said = say(city, args).await?;
    anyhow::ensure!(said.code == 0, "{args:?}: {}{}", said.out, said.err);
    Ok(said.out)
}

/// Runs a command that must be refused, and gives why.
async fn refused(city: &City, args: &[&str]) -> anyhow::Result<String> {
    let said = say(city, args).await?;
    anyhow::ensure!(said.code != 0, "{args:?}: {}", said.out);
    Ok(said.err)
}

async fn told(city: &City, args: &[&str]) -> anyhow::Result<Value> {
    let args = [args, &["--format", "json"]].concat();
    Ok(serde_json::from_str(&said(city, &args).await?)?)
}

/// The city's figures, whatever position they were counted up to.
async fn counted(city: &City) -> anyhow::Result<GetReportReply> {
    Ok(GetReportReply {
        cut_off: 0,
        ..city.report().await?
    })
}

#[tokio::test]
async fn what_the_rules_say_goes_what_is_on_hold_stays_and_each_run_is_on_record()
-> anyhow::Result<()> {
    let cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    let people = people(&city).await?;
    let all = GONE.iter().chain(&STAYS).flat_map(|it| marks(it));
    let everybody = Scan::of(&all.collect::<Vec<_>>());
    eventually(SOON, "the search knows them", async || {
        anyhow::ensure!(!in_the_search(&cluster, &everybody)?.is_empty());
        Ok(())
    })
    .await?;

    without_a_rule_nothing_goes(&city).await?;
    rules_are_set(&city).await?;
    holds_are_placed(&city, &people).await?;
    let before = (city.settled().await?, counted(&city).await?);
    let preview = told(&city, &["retention", "run", "--dry-run"]).await?;
    assert_eq!(city.head().await?, before.0, "a dry run recorded something");
    as_expected(&preview, &people);
    let table = said(&city, &["retention", "run", "--dry-run", "--lang", "en"]).await?;
    let last = "to be destroyed: 2 persons, 3 contacts, 3 requests; on hold: 6\n";
    assert!(table.ends_with(last), "{table}");

    let run = told(&city, &["retention", "run"]).await?;
    let run = &run[0];
    assert_eq!(run["ended"]["persons"], 2, "{run}");
    assert_eq!(run["ended"]["contacts"], 3, "{run}");
    assert_eq!(run["ended"]["requests"], 3, "{run}");
    assert_eq!(run["ended"]["held"], 6, "{run}");
    let id = run["run"].as_str().context("a run's id")?.to_owned();
    went_as_previewed(&city, &preview, &id).await?;
    city.settled().await?;
    assert_eq!(counted(&city).await?, before.1, "the figures moved");

    who_stays_can_be_read(&city, &people).await?;
    nothing_is_left(&cluster).await?;
    certified(&city, &id).await?;
    and_again(&city, &people).await
}

fn in_the_search(cluster: &Cluster, scan: &Scan) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for path in files::below(cluster.data())? {
        if is_search(&path) && path.components().any(|it| it.as_os_str() == CITY) {
            found.extend(scan.file(&path)?);
        }
    }
    Ok(found)
}

async fn without_a_rule_nothing_goes(city: &City) -> anyhow::Result<()> {
    let head = city.head().await?;
    let why = refused(city, &["retention", "run"]).await?;
    assert!(why.contains("rules: are none"), "{why}");
    let empty = said(city, &["retention", "run", "--dry-run"]).await?;
    assert!(empty.contains("kural yok"), "{empty}");
    let log = said(city, &["retention", "log", "--lang", "en"]).await?;
    assert_eq!(log, "nothing was destroyed\n");
    assert_eq!(city.head().await?, head);
    Ok(())
}

/// Two rules of topics, one of them changed, and a default.
async fn rules_are_set(city: &City) -> anyhow::Result<()> {
    let set = ["retention", "set"];
    for rule in [
        &["pothole", "--keep", "5y", "--ground", "policy"][..],
        &["pothole", "--keep", "2y", "--ground", "policy"],
        &["noise", "--keep", "10y", "--ground", "limitation-period"],
        &[
            "--default",
            "--keep",
            "5y",
            "--ground",
            "law",
            "--reference",
            "6698-7",
        ],
    ] {
        said(city, &[&set, rule].concat()).await?;
    }
    let head = city.head().await?;
    let again = [
        "retention",
        "set",
        "pothole",
        "--keep",
        "2y",
        "--ground",
        "policy",
        "--lang",
        "en",
    ];
    let again = said(city, &again).await?;
    assert_eq!(again, "was so already  retention-topic-pothole v2\n");
    let unknown = ["nobodys-topic", "--keep", "2y", "--ground", "policy"];
    let why = refused(city, &[&set[..], &unknown].concat()).await?;
    assert!(why.contains("topic: is not in the directory"), "{why}");
    assert_eq!(city.head().await?, head);
    let rules = told(city, &["retention", "show"]).await?;
    let keeps: Vec<_> = rules
        .as_array()
        .context("a list")?
        .iter()
        .map(|it| {
            (
                it["rule"].as_str(),
                it["version"].as_u64(),
                it["keep"].as_str(),
            )
        })
        .collect();
    let expected = [
        (Some("retention-default"), Some(1), Some("5y")),
        (Some("retention-topic-noise"), Some(1), Some("10y")),
        (Some("retention-topic-pothole"), Some(2), Some("2y")),
    ];
    assert_eq!(keeps, expected);
    Ok(())
}

/// Somebody and a request of somebody are on hold: neither can be erased, and their histories say so.
async fn holds_are_placed(city: &City, people: &People) -> anyhow::Result<()> {
    let (sued, audited) = (&people.sued, &people.audited);
    let file = ["--reference", "2026/123"];
    let place = ["hold", "place", &sued.person, "--ground", "lawsuit"];
    said(city, &[&place[..], &file].concat()).await?;
    said(
        city,
        &["hold", "place", &audited.number, "--ground", "audit"],
    )
    .await?;
    let holds = told(city, &["hold", "list"]).await?;
    assert_eq!(holds.as_array().map(Vec::len), Some(2), "{holds}");
    for (filed, on) in [
        (sued, format!("person:{}", sued.person)),
        (audited, format!("request:{}", audited.number)),
    ] {
        let placed = holds.as_array().into_iter().flatten();
        let hold = placed.filter(|it| it["of"] == on.as_str());
        let hold: Vec<_> = hold.filter_map(|it| it["hold"].as_str()).collect();
        for erase in [&["--ground", "citizen-request"][..], &["--dry-run"]] {
            let why = refused(city, &[&["erase", &filed.person], erase].concat()).await?;
            assert!(why.contains(hold[0]) && why.contains(&on), "{why}");
        }
        for (language, word) in [("tr", "Silinmesi hukuken bekletildi"), ("en", "legal hold")] {
            let history = said(city, &["history", &filed.number, "--lang", language]).await?;
            assert!(history.contains(word), "{history}");
        }
    }
    let name = [
        "hold",
        "place",
        &sued.person,
        "--ground",
        "other",
        "--reference",
        "Ayşe",
    ];
    let why = refused(city, &name).await?;
    assert!(why.contains("reference:"), "{why}");
    Ok(())
}

/// The subjects that are due, as a dry run told them.
fn due(preview: &Value, held: bool) -> BTreeSet<String> {
    let due = preview["due"].as_array().into_iter().flatten();
    due.filter(|it| it["held"] == held)
        .filter_map(|it| it["subject"].as_str().map(str::to_owned))
        .collect()
}

fn as_expected(preview: &Value, people: &People) {
    let whole = |it: &Filed| {
        [
            format!("request:{}", it.number),
            format!("contact:{}", it.contact),
            format!("person:{}", it.person),
        ]
    };
    let nobody = &people.nobody;
    let mut free = BTreeSet::from(whole(&people.old));
    free.insert(format!("request:{}", people.both[0].number));
    free.insert(format!("request:{}", nobody.number));
    free.insert(format!("contact:{}", nobody.contact));
    free.insert(format!("contact:{}", people.only_called));
    let mut found = due(preview, false);
    // Whom the contact was with of which nothing came: the reply to it named them, and this story did not keep it.
    let named: Vec<String> = found.difference(&free).cloned().collect();
    assert!(
        named.len() == 1 && named[0].starts_with("person:"),
        "{named:?} of {preview:#}"
    );
    found.remove(&named[0]);
    assert_eq!(found, free, "{preview:#}");
    let held: BTreeSet<String> = [whole(&people.sued), whole(&people.audited)]
        .concat()
        .into_iter()
        .collect();
    assert_eq!(due(preview, true), held, "{preview:#}");
}

async fn history(city: &City, subject: &str) -> anyhow::Result<Vec<Event>> {
    let request = HistoryRequest {
        subject: subject.to_owned(),
        ..HistoryRequest::default()
    };
    Ok(city.ledger().history(request).await?.into_inner().events)
}

/// What was recorded as erased is what the dry run had told, each by the rule it had named.
async fn went_as_previewed(city: &City, preview: &Value, run: &str) -> anyhow::Result<()> {
    let mut went = BTreeSet::new();
    for it in history(city, &format!("destruction:{run}")).await? {
        if it.r#type != "intake.PersonalDataErased" {
            continue;
        }
        let erased = PersonalDataErased::decode(it.facts.as_slice())?;
        assert_eq!(erased.ground(), ErasureGround::RetentionOver);
        let by = erased.by_rule.context("a rule")?;
        assert_eq!(by.run, run);
        let is_key =
            |it: &&String| Some("destruction") != it.split(':').next() && *it != "erasures";
        let keys = it.subjects.iter().filter(is_key);
        went.extend(keys.map(|it| (it.clone(), by.rule.clone(), by.rule_version)));
    }
    let text = |it: &Value, field: &str| it[field].as_str().unwrap_or_default().to_owned();
    let due = preview["due"].as_array().into_iter().flatten();
    let due: BTreeSet<_> = due
        .filter(|it| it["held"] == false)
        .map(|it| {
            let version = it["version"].as_u64().unwrap_or_default();
            (text(it, "subject"), text(it, "rule"), version)
        })
        .collect();
    assert_eq!(went, due);
    Ok(())
}

/// What is left of those who stay is as it was: also the other request of somebody of whom one went.
async fn who_stays_can_be_read(city: &City, people: &People) -> anyhow::Result<()> {
    for (it, name) in [
        (&people.recent, true),
        (&people.open, true),
        (&people.both[1], true),
        (&people.sued, true),
        (&people.audited, true),
        (&people.both[0], false),
    ] {
        let view = ViewRequestRequest {
            number: it.number.clone(),
            purpose: "test".to_owned(),
            ..ViewRequestRequest::default()
        };
        let view = city.intake().view_request(view).await?.into_inner();
        assert_eq!(view.erased, !name, "{view:?}");
        assert_eq!(view.description.contains("describes"), name, "{view:?}");
        assert!(view.name.contains("name çukur"), "{view:?}");
    }
    Ok(())
}

async fn nothing_is_left(cluster: &Cluster) -> anyhow::Result<()> {
    let all = GONE.iter().flat_map(|it| marks(it));
    let scan = Scan::of(&all.collect::<Vec<_>>());
    eventually(SOON, "the search has forgotten them", async || {
        let found = in_the_search(cluster, &scan)?;
        anyhow::ensure!(found.is_empty(), "{found:#?}");
        Ok(())
    })
    .await?;
    traces_have_arrived(cluster).await?;
    let found = everything_written(cluster, CITY, &scan, |_| true).await?;
    assert!(found.is_empty(), "somebody is still there: {found:#?}");
    Ok(())
}

/// The certificate of a run holds offline; one that says more does not.
async fn certified(city: &City, run: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (certificate, forged) = (path("certificate"), path("forged"));
    let args = [
        "retention",
        "log",
        "--run",
        run,
        "--certificate",
        &certificate,
        "--lang",
        "en",
    ];
    let log = said(city, &args).await?;
    assert!(
        log.contains("2 persons, 3 contacts, 3 requests; on hold: 6")
            && log.contains("retention-topic-pothole v2  2y"),
        "{log}"
    );
    let verified = Launch::new("audit", ["audit", "verify", &certificate])
        .run()
        .await?;
    let out = String::from_utf8(verified.stdout)?;
    assert!(verified.status.success() && out.contains(run), "{out}");
    let text = std::fs::read_to_string(&certificate)?;
    for (is, was) in [
        ("\"requests\": 3", "\"requests\": 4"),
        ("\"keep\": \"2y\"", "\"keep\": \"9y\""),
    ] {
        assert!(text.contains(is), "{text}");
        std::fs::write(&forged, text.replace(is, was))?;
        let verified = Launch::new("audit", ["audit", "verify", &forged])
            .run()
            .await?;
        assert_eq!(verified.status.code(), Some(1), "{was}");
    }
    let mut twice: Value = serde_json::from_str(&text)?;
    twice["erased"][1] = twice["erased"][0].clone();
    std::fs::write(&forged, twice.to_string())?;
    let verified = Launch::new("audit", ["audit", "verify", &forged])
        .run()
        .await?;
    let out = String::from_utf8(verified.stdout)?;
    assert!(out.contains("an erasure is named twice"), "{out}");
    assert_eq!(verified.status.code(), Some(1));
    Ok(())
}

/// A second run finds nothing; what is released then goes by the next.
async fn and_again(city: &City, people: &People) -> anyhow::Result<()> {
    let ended = |run: &Value, what: &str| run[0]["ended"][what].as_u64();
    let second = told(city, &["retention", "run"]).await?;
    assert_eq!(ended(&second, "requests"), Some(0), "{second}");
    assert_eq!(ended(&second, "held"), Some(6), "{second}");
    said(city, &["hold", "release", &people.sued.person]).await?;
    let third = told(city, &["retention", "run"]).await?;
    assert_eq!(ended(&third, "requests"), Some(1), "{third}");
    assert_eq!(ended(&third, "persons"), Some(1), "{third}");
    assert_eq!(ended(&third, "held"), Some(3), "{third}");
    let why = refused(
        city,
        &["hold", "place", &people.sued.person, "--ground", "audit"],
    )
    .await?;
    assert!(why.contains("of: is erased already"), "{why}");
    let log = told(city, &["retention", "log"]).await?;
    assert_eq!(log.as_array().map(Vec::len), Some(3), "{log}");
    Ok(())
}
