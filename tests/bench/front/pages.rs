//! Open311's lists: a thousand requests a page, as a client gets them over HTTP, read to the last byte.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use tests::City;

use crate::{
    client::Connection,
    million::{CITY, host, micros, noted},
    report::Report,
};

const TRIES: usize = 40;
/// Before a question is measured, so that connections and statements are ready.
const WARM_UP: usize = 3;
/// Milliseconds that a page may take.
const LIMIT: f64 = 100.0;

pub(crate) async fn measure(city: &City, report: &mut Report) -> anyhow::Result<()> {
    report.line(format!(
        "\nOpen311, a thousand requests a page, {TRIES} tries each, one client"
    ));
    let mut connection = Connection::open(host(city)?).await?;
    let ago = |days: i64| (Timestamp::now() - SignedDuration::from_hours(24 * days)).to_string();
    let (year, half, month, week) = (ago(365), ago(180), ago(30), ago(7));
    let cases = [
        ("newest", "json", String::new()),
        ("newest", "xml", String::new()),
        ("open", "json", "&status=open".to_owned()),
        ("closed", "json", "&status=closed".to_owned()),
        (
            "open, from a year ago on",
            "json",
            format!("&status=open&start_date={year}"),
        ),
        ("one service", "json", "&service_code=pothole".to_owned()),
        (
            "three services, open",
            "json",
            "&service_code=pothole,missed-collection,stray-dog&status=open".to_owned(),
        ),
        ("90 days, a year ago", "json", format!("&start_date={year}")),
        (
            "changed in the last week",
            "json",
            format!("&updated_after={week}"),
        ),
        (
            "changed in a month, half a year ago",
            "xml",
            format!("&updated_after={half}"),
        ),
        (
            "changed, closed, one service",
            "json",
            format!("&updated_after={half}&status=closed&service_code=pothole"),
        ),
        ("page 100", "json", "&page=100".to_owned()),
        (
            "around a point",
            "json",
            format!("&lat=39.5&long=32.5&radius=3000&start_date={year}"),
        ),
        ("extended", "json", "&extensions=true".to_owned()),
        (
            "from a month ago on",
            "json",
            format!("&start_date={month}"),
        ),
    ];
    for (what, format, filter) in cases {
        let path = format!("/open311/v2/requests.{format}?jurisdiction_id={CITY}{filter}");
        let (mut times, mut found) = (Vec::new(), 0);
        for attempt in 0..TRIES + WARM_UP {
            let asked = Instant::now();
            let answer = connection.get(&path).await?.good()?;
            if attempt >= WARM_UP {
                times.push(micros(asked));
            }
            found = count(answer.body, format);
        }
        noted(
            report,
            "page_1000",
            &format!("{what} ({format})"),
            found,
            times,
            LIMIT,
        );
    }
    for (what, filter) in [
        ("page after page, each once", String::new()),
        (
            "page after page of changes, each once",
            format!("&updated_after={year}"),
        ),
    ] {
        let (found, times) = walked(&mut connection, &filter).await?;
        noted(
            report,
            "page_1000",
            &format!("{what} (json)"),
            found,
            times,
            LIMIT,
        );
    }
    Ok(())
}

/// Follows the Link header, so that no page and no key of it was asked for before.
async fn walked(connection: &mut Connection, filter: &str) -> anyhow::Result<(usize, Vec<u32>)> {
    let address = "/open311/v2/requests.json";
    let mut path = format!("{address}?jurisdiction_id={CITY}{filter}");
    let (mut times, mut found) = (Vec::new(), 0);
    for _ in 0..TRIES + WARM_UP {
        let asked = Instant::now();
        let answer = connection.get(&path).await?.good()?;
        times.push(micros(asked));
        found = count(answer.body, "json");
        let next = answer
            .header("link")
            .and_then(|it| it.split(['<', '>']).nth(1));
        let Some(next) = next else { break };
        path = format!("{address}{next}");
    }
    Ok((found, times.split_off(WARM_UP.min(times.len()))))
}

/// The requests of an answer.
fn count(body: &[u8], format: &str) -> usize {
    let mark: &[u8] = if format == "json" {
        b"\"service_request_id\":"
    } else {
        b"<service_request_id>"
    };
    body.windows(mark.len()).filter(|it| *it == mark).count()
}
