//! What was known then: one request as of a time, and the report as of a position, the first time and again.

use std::time::Instant;

use contracts::{
    analytics::v1::GetReportRequest,
    ledger::v1::{CutOffRequest, cut_off_request::AsOf},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tests::{City, draw::Draw};

use crate::{
    million::{CITY, micros, noted, summary},
    report::{Report, rounded},
};

const TRIES: usize = 200;
/// Reports of different moments: each is folded from the nearest snapshot.
const REPORTS: usize = 8;
/// Before anything is measured, so that connections and statements are ready.
const WARM_UP: usize = 3;
/// Milliseconds that a request as of a time may take.
const LIMIT: f64 = 20.0;

pub(crate) async fn measure(city: &City, report: &mut Report) -> anyhow::Result<()> {
    report.line("\nas it was, one client");
    let head = city.head().await?;
    let mut draw = Draw::of(head);
    let http = reqwest::Client::builder().no_proxy().build()?;
    let get = async |path: &str| {
        let url = format!("{}/api/v1{path}", city.base());
        let asked = Instant::now();
        let answer = http.get(url).bearer_auth(City::token(CITY)).send().await?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await?;
        anyhow::ensure!(status == 200 || status == 404, "{status} for {path}");
        let body: Value = serde_json::from_slice(&body)?;
        anyhow::Ok((micros(asked), status, body))
    };
    let (_, _, list) = get("/requests?limit=500&order=registered").await?;
    let requests = list["requests"].as_array().cloned().unwrap_or_default();
    anyhow::ensure!(!requests.is_empty(), "nothing is there");
    let (mut times, mut found) = (Vec::new(), 0);
    for attempt in 0..TRIES + WARM_UP {
        let number = requests[draw.place(requests.len())]["number"].as_str();
        let number = number.unwrap_or_default();
        let time = time_of(city, 1 + draw.below(head)).await?;
        let (took, status, _) = get(&format!("/requests/{number}?as_of={time}")).await?;
        if attempt >= WARM_UP {
            times.push(took);
            found += usize::from(status == 200);
        }
    }
    noted(
        report,
        "as_of",
        "one request as of a time",
        found,
        times,
        LIMIT,
    );

    let positions: Vec<u64> = (0..REPORTS).map(|_| draw.below(head + 1)).collect();
    let mut first = vec![];
    let mut again = vec![];
    for position in positions {
        for times in [&mut first, &mut again] {
            let asked = Instant::now();
            report_as_of(city, position).await?;
            times.push(micros(asked));
        }
    }
    for (what, times) in [("first", first), ("again", again)] {
        let (p50, p95) = summary(times);
        report.line(format!(
            "  the report as of a position, {what:<5}                       p50 {p50:>9.2} ms   p95 {p95:>9.2} ms"
        ));
        let told = json!({ "p50_ms": rounded(p50), "p95_ms": rounded(p95), "tries": REPORTS });
        report.put(&format!("as_of.report_{what}"), told);
    }
    Ok(())
}

/// When the event of a position was recorded.
async fn time_of(city: &City, position: u64) -> anyhow::Result<Timestamp> {
    let request = CutOffRequest {
        as_of: Some(AsOf::Position(position)),
    };
    let reply = city.ledger().cut_off(request).await?.into_inner();
    Ok(Timestamp::from_microsecond(i64::try_from(
        reply.recorded_at,
    )?)?)
}

async fn report_as_of(city: &City, position: u64) -> anyhow::Result<()> {
    let today = jiff::Zoned::now().date();
    let request = GetReportRequest {
        from: today.saturating_sub(jiff::Span::new().years(1)).to_string(),
        to: today.to_string(),
        as_of: position.to_string(),
    };
    city.analytics().get_report(request).await?;
    Ok(())
}
