//! Figures and search: what analytics counts, and what intake finds.

use axum::{Json, response::Response};
use contracts::{
    analytics::v1::{self, GetReportRequest, analytics_client::AnalyticsClient},
    intake::v1::SearchRequest,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocabulary::RequestNumber;

use super::{
    as_of::{Moment, exact},
    caller::{Program, Sight},
    input::{Body, NoQuery, Query},
    problem::Problem,
    requests::{Request, private},
    words::{StateWord, something},
};
use crate::access::{Action, Resource};

#[derive(Deserialize, IntoParams)]
pub(super) struct Span {
    /// The first day.
    #[param(format = Date, value_type = String, example = "2026-01-01")]
    from: Date,
    /// The last day.
    #[param(format = Date, value_type = String, example = "2026-12-31")]
    to: Date,
    /// As it was known then: a position of the log, a time, or a day, which means its end.
    #[param(inline)]
    as_of: Option<Moment>,
}

/// How many, under one key.
#[derive(Serialize, ToSchema)]
struct Count {
    key: String,
    /// Names where the key is a code.
    name_tr: Option<String>,
    name_en: Option<String>,
    count: u64,
}

/// How many kept to the service standard, under one key.
#[derive(Serialize, ToSchema)]
struct Kept {
    key: String,
    name_tr: Option<String>,
    name_en: Option<String>,
    /// Concluded, with a due time.
    evaluated: u64,
    /// Of those, concluded after it.
    breached: u64,
}

#[derive(Serialize, ToSchema)]
struct Contacts {
    total: u64,
    by_day: Vec<Count>,
    by_channel: Vec<Count>,
}

#[derive(Serialize, ToSchema)]
struct Requests {
    total: u64,
    imported: u64,
    by_day: Vec<Count>,
    by_channel: Vec<Count>,
    by_topic: Vec<Count>,
    /// The unit in charge now; "" until a request is routed.
    by_unit: Vec<Count>,
    by_district: Vec<Count>,
    by_state: Vec<Count>,
    by_sub_result: Vec<Count>,
    by_source_agency: Vec<Count>,
    by_source_status: Vec<Count>,
    standard: Standard,
}

#[derive(Serialize, ToSchema)]
#[schema(as = StandardFigures)]
struct Standard {
    evaluated: u64,
    breached: u64,
    /// Concluded without a due time: counted in neither.
    without_due: u64,
    /// Due and not concluded: counted in neither.
    open_due: u64,
    by_unit: Vec<Kept>,
    by_source_agency: Vec<Kept>,
    by_topic: Vec<Kept>,
}

/// The figures of a span of days. Contacts and requests are never mixed.
#[derive(Serialize, ToSchema)]
pub(super) struct Report {
    #[schema(format = Date)]
    from: String,
    #[schema(format = Date)]
    to: String,
    #[schema(example = "Europe/Istanbul")]
    time_zone: String,
    /// The log's position up to which everything is counted.
    cut_off: u64,
    /// When its event was recorded; only with `as_of`.
    #[schema(format = DateTime)]
    cut_off_recorded_at: Option<String>,
    contacts: Contacts,
    requests: Requests,
}

/// Read the figures
///
/// By the day a contact or a request occurred, both days included, with the position they were counted up to. They are of
/// the whole centre: a key of one unit counts its own requests by listing them. With `as_of` they are what was known then.
#[utoipa::path(get, path = "/report", tag = "figures", operation_id = "getReport", params(Span),
    responses((status = 200, description = "The figures", body = Report)))]
pub(super) async fn report(
    program: Program,
    Query(span): Query<Span>,
) -> Result<Response, Problem> {
    program.may(Action::SeeFigures, Resource::Centre)?;
    let (from, to) = (span.from.min(span.to), span.to.max(span.from));
    let asked = GetReportRequest {
        from: from.to_string(),
        to: to.to_string(),
        as_of: span.as_of.map(|it| it.0).unwrap_or_default(),
    };
    let channel = program.centre.platform.channel(chassis::Role::Analytics);
    let caller = program.caller();
    let reply = chassis::patiently(|| {
        let (mut analytics, request) = (
            AnalyticsClient::new(channel.clone()),
            caller.request(asked.clone()),
        );
        async move { analytics.get_report(request).await }
    });
    Ok(private(Json(shown(reply.await?.into_inner()))))
}

fn counts(counts: Vec<v1::Count>) -> Vec<Count> {
    let one = |it: v1::Count| Count {
        key: it.key,
        name_tr: something(it.name_tr),
        name_en: something(it.name_en),
        count: it.count,
    };
    counts.into_iter().map(one).collect()
}

fn kept(counts: Vec<v1::StandardCount>) -> Vec<Kept> {
    let one = |it: v1::StandardCount| Kept {
        key: it.key,
        name_tr: something(it.name_tr),
        name_en: something(it.name_en),
        evaluated: it.evaluated,
        breached: it.breached,
    };
    counts.into_iter().map(one).collect()
}

fn shown(report: v1::GetReportReply) -> Report {
    let contacts = report.contacts.unwrap_or_default();
    let requests = report.requests.unwrap_or_default();
    let standard = requests.standard.unwrap_or_default();
    Report {
        from: report.from,
        to: report.to,
        time_zone: report.time_zone,
        cut_off: report.cut_off,
        cut_off_recorded_at: exact(i64::try_from(report.cut_off_recorded_at).unwrap_or_default()),
        contacts: Contacts {
            total: contacts.total,
            by_day: counts(contacts.by_day),
            by_channel: counts(contacts.by_channel),
        },
        requests: Requests {
            total: requests.total,
            imported: requests.imported,
            by_day: counts(requests.by_day),
            by_channel: counts(requests.by_channel),
            by_topic: counts(requests.by_topic),
            by_unit: counts(requests.by_unit),
            by_district: counts(requests.by_district),
            by_state: counts(requests.by_state),
            by_sub_result: counts(requests.by_sub_result),
            by_source_agency: counts(requests.by_source_agency),
            by_source_status: counts(requests.by_source_status),
            standard: Standard {
                evaluated: standard.evaluated,
                breached: standard.breached,
                without_due: standard.without_due,
                open_due: standard.open_due,
                by_unit: kept(standard.by_unit),
                by_source_agency: kept(standard.by_source_agency),
                by_topic: kept(standard.by_topic),
            },
        },
    }
}

#[derive(Deserialize, IntoParams)]
pub(super) struct Words {
    /// Words, a request's number or a part of it, or a place; in any letter case, with or without Turkish letters.
    #[param(min_length = 1, max_length = 200)]
    q: String,
    /// In one of these states.
    #[param(inline, style = Form, explode = false, min_items = 1)]
    state: Option<Vec<StateWord>>,
    /// What the page before called `next`.
    #[param(pattern = "^[0-9]{1,15}-[0-9]{1,6}$")]
    after: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// What to look for, people too.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// As `q`; a telephone number or an e-mail address as well where `people` is true.
    #[schema(min_length = 1, max_length = 200)]
    query: String,
    /// Look into citizens' names, telephone numbers and e-mail addresses: for keys with the scope read-personal.
    #[serde(default)]
    people: bool,
    states: Option<Vec<StateWord>>,
    /// What the page before called `next`.
    #[schema(pattern = "^[0-9]{1,15}-[0-9]{1,6}$")]
    after: Option<String>,
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A request that was found.
#[derive(Serialize, ToSchema)]
struct Hit {
    /// What of it matched.
    #[schema(example = "words")]
    matched: String,
    request: Request,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Found {
    hits: Vec<Hit>,
    /// Where the next page begins.
    next: Option<String>,
}

/// Search requests
///
/// Open and concluded ones, best first. What is personal does not belong into an address: to look for a telephone number or
/// a name, send it in the body of `POST /search`.
#[utoipa::path(get, path = "/search", tag = "figures", operation_id = "search", params(Words),
    responses((status = 200, description = "What was found", body = Found)))]
pub(super) async fn search(
    program: Program,
    Query(words): Query<Words>,
) -> Result<Response, Problem> {
    let asked = Asked {
        query: words.q,
        people: false,
        states: words.state,
        after: words.after,
        limit: words.limit,
    };
    find(&program, asked).await
}

/// Search requests and people
///
/// As `GET /search`, with what is looked for in the body, where no log on the way keeps it.
#[utoipa::path(post, path = "/search", tag = "figures", operation_id = "searchPeople", request_body = Asked,
    responses((status = 200, description = "What was found", body = Found)))]
pub(super) async fn search_people(
    program: Program,
    _: NoQuery,
    Body(asked): Body<Asked>,
) -> Result<Response, Problem> {
    find(&program, asked).await
}

async fn find(program: &Program, asked: Asked) -> Result<Response, Problem> {
    let sight = program.sight(Action::See)?;
    if asked.people && program.sight(Action::SeePersonal)? != sight {
        return Err(Problem::of(super::problem::Kind::Forbidden));
    }
    let units = match &sight {
        Sight::All => vec![],
        Sight::Unit(unit) => vec![unit.clone()],
    };
    let request = SearchRequest {
        query: asked.query,
        units,
        states: asked
            .states
            .unwrap_or_default()
            .iter()
            .map(|it| it.0.number())
            .collect(),
        limit: asked.limit.unwrap_or_default(),
        after: asked.after.unwrap_or_default(),
        people: asked.people,
    };
    let mut intake = program.centre.intake();
    let reply = intake
        .search(program.caller().request(request))
        .await?
        .into_inner();
    let register = program.register().await?;
    let mut hits = vec![];
    for hit in reply.hits {
        let Ok(number) = hit.number.parse::<RequestNumber>() else {
            continue;
        };
        let Some(entry) = register.request(&number).await? else {
            continue;
        };
        // Between the search and now it may have gone to another unit.
        if matches!(&sight, Sight::Unit(unit) if *unit != entry.unit) {
            continue;
        }
        hits.push(Hit {
            matched: hit.matched,
            request: Request::of(entry),
        });
    }
    Ok(private(Json(Found {
        hits,
        next: something(reply.next),
    })))
}
