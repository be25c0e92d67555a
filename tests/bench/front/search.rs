//! The search as a program reaches it: gRPC through the gateway. Words in any spelling, phrases, numbers and phones, in all
//! units, in a large one and in a tiny one.

use std::time::Instant;

use contracts::{
    intake::v1::SearchRequest, routing::v1::ListTopicsRequest, vocabulary::v1::RequestState,
};
use jiff::Timestamp;
use tests::City;

use crate::{
    fill::{self, TINY},
    million::{MOST_REPORTED, micros, noted},
    report::Report,
    words::word,
};

const TRIES: usize = 40;
const WARM_UP: usize = 3;
/// Milliseconds that a search may take.
const LIMIT: f64 = 50.0;

pub(crate) async fn measure(city: &City, requests: u32, report: &mut Report) -> anyhow::Result<()> {
    report.line(format!(
        "\nSearch among {requests} requests, {TRIES} tries each, one client, names and phones included"
    ));
    let directory = city.routing().list_topics(ListTopicsRequest {}).await?;
    let topics = directory.into_inner().topics;
    let large = topics.into_iter().find(|it| it.code == MOST_REPORTED);
    let large = large.map(|it| it.unit).unwrap_or_default();
    let some = requests / 2;
    let then = fill::registered_at(fill::first(Timestamp::now()), some, requests);
    let number = fill::number(some, then).to_string();
    let part = number.split('-').nth(1).unwrap_or_default().to_owned();
    let (rare, common) = (word(40_000), "sokak");
    let rare_phrase = format!("\"{} {}\"", word(300), word(40));
    let queries = [
        ("igdir", ""),
        ("ığdır", ""),
        ("IĞDIR", ""),
        ("cop", ""),
        ("çukur", ""),
        (rare.as_str(), ""),
        (common, ""),
        ("sokak mahalle çukur", ""),
        ("\"sokak mahalle\"", ""),
        ("\"çukur var\"", ""),
        ("\"gürültü köpek\"", ""),
        (rare_phrase.as_str(), ""),
        ("so", ""),
        ("mahal", ""),
        (number.as_str(), ""),
        (part.as_str(), ""),
        ("7919", ""),
        ("0532 000 00 00", ""),
        ("0000", ""),
        ("birisi@example.org", ""),
        ("igdir", large.as_str()),
        (common, large.as_str()),
        ("sokak mahalle çukur", large.as_str()),
        ("\"sokak mahalle\"", large.as_str()),
        ("\"gürültü köpek\"", large.as_str()),
        (common, TINY),
        ("sokak mahalle çukur", TINY),
        ("\"sokak mahalle\"", TINY),
        ("\"gürültü köpek\"", TINY),
        ("so", TINY),
        (rare.as_str(), TINY),
        (common, "nobody"),
    ];
    for (query, unit) in queries {
        for states in [vec![], vec![RequestState::Routed]] {
            // A state narrows only what is asked of a unit, here.
            if unit.is_empty() && !states.is_empty() {
                continue;
            }
            asked(city, report, query, unit, &states).await?;
        }
    }
    Ok(())
}

async fn asked(
    city: &City,
    report: &mut Report,
    query: &str,
    unit: &str,
    states: &[RequestState],
) -> anyhow::Result<()> {
    let mut what = query.to_owned();
    if !unit.is_empty() {
        what = format!("{what} in {unit}");
    }
    if !states.is_empty() {
        what.push_str(", routed");
    }
    let request = SearchRequest {
        query: query.to_owned(),
        units: Some(unit.to_owned())
            .filter(|it| !it.is_empty())
            .into_iter()
            .collect(),
        states: states.iter().map(|it| i32::from(*it)).collect(),
        people: true,
        ..SearchRequest::default()
    };
    let mut intake = city.intake();
    let (mut times, mut found) = (Vec::new(), 0);
    for attempt in 0..TRIES + WARM_UP {
        let started = Instant::now();
        let reply = intake.search(request.clone()).await?.into_inner();
        if attempt >= WARM_UP {
            times.push(micros(started));
        }
        found = reply.hits.len();
    }
    noted(report, "search", &what, found, times, LIMIT);
    Ok(())
}
