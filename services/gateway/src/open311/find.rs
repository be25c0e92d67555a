//! Finds the requests that a filter asks for, with one query on the register. Each form of the query says which index it
//! walks, so that a page of a million requests costs what it holds.

use sqlx::{QueryBuilder, Sqlite};
use tonic::Status;

use super::filter::{Area, Cursor, Matching, Span};
use crate::register::{Entry, Reader, unreadable};

/// Degrees of latitude: what lies in a lower box is looked for by its place, in a higher one by its time.
const LOW: f64 = 0.15;

/// The requests of one part, and where the next one begins if there is one.
pub(super) async fn find(
    register: &Reader,
    matching: &Matching,
) -> Result<(Vec<Entry>, Option<Cursor>), Status> {
    let mut entries: Vec<Entry> = query(matching)
        .build_query_as()
        .fetch_all(register.pool())
        .await
        .map_err(unreadable)?;
    let size = usize::try_from(matching.size).unwrap_or(usize::MAX);
    if entries.len() <= size {
        return Ok((entries, None));
    }
    entries.truncate(size);
    let next = entries.last().map(|it| Cursor {
        at: if matching.follows_changes() {
            it.updated_at
        } else {
            it.registered_at
        },
        number: it.number.clone(),
    });
    Ok((entries, next))
}

/// These requests, in the order of their numbers; those that there are.
pub(super) async fn these(register: &Reader, numbers: &[String]) -> Result<Vec<Entry>, Status> {
    let mut query = QueryBuilder::new("select * from request where number in (");
    let mut list = query.separated(", ");
    for number in numbers {
        list.push_bind(number.as_str());
    }
    query.push(")");
    query
        .build_query_as()
        .fetch_all(register.pool())
        .await
        .map_err(unreadable)
}

fn query(matching: &Matching) -> QueryBuilder<Sqlite> {
    let (sort, beyond, order) = if matching.follows_changes() {
        ("updated_at", ">", "")
    } else {
        ("registered_at", "<", " desc")
    };
    // What is passed over is passed over in the index: only the page's own rows are read.
    let passes_over = matching.skip > 0;
    let mut query = QueryBuilder::new(if passes_over {
        "select request.* from (select request.number from "
    } else {
        "select request.* from "
    });
    narrowed(&mut query, matching);
    if let Some(after) = &matching.after {
        query
            .push(format!(" and ({sort}, request.number) {beyond} ("))
            .push_bind(after.at)
            .push(", ")
            .push_bind(after.number.clone())
            .push(")");
    }
    query
        .push(format!(
            " order by {sort}{order}, request.number{order} limit "
        ))
        .push_bind(i64::from(matching.size) + 1);
    if passes_over {
        query
            .push(" offset ")
            .push_bind(matching.skip)
            .push(format!(") as page cross join request on request.number = page.number order by request.{sort}{order}, request.number{order}"));
    }
    query
}

/// Which index is walked, and all that a request must be.
fn narrowed(query: &mut QueryBuilder<Sqlite>, matching: &Matching) {
    if let Some(area) = matching.area.as_ref().filter(|it| is_low(it)) {
        // All that lies there by the index alone, and then the rest of these few.
        query.push("(select number as near from request indexed by request_place where 1");
        boxed(query, area);
        query.push(") cross join request on request.number = near where 1");
    } else {
        query.push("request indexed by ").push(index(matching));
        // Something that is always true, so that each condition begins alike.
        query.push(" where 1");
    }
    let (registered, updated) = spans(matching);
    within(query, "registered_at", registered);
    within(query, "updated_at", updated);
    if !matching.topics.is_empty() {
        query.push(" and topic in (");
        let mut topics = query.separated(", ");
        for topic in &matching.topics {
            topics.push_bind(topic.clone());
        }
        query.push(")");
    }
    if let Some(open) = matching.open {
        query.push(" and open = ").push_bind(open);
    }
    if let Some(area) = &matching.area {
        around(query, area);
    }
}

/// The spans of what is left after a cursor: SQLite begins its walk at such a bound, and would pass over all that lies before
/// the cursor on every page.
fn spans(matching: &Matching) -> (Span, Span) {
    let (mut registered, mut updated) = (matching.registered, matching.updated);
    if let Some(after) = &matching.after {
        if matching.follows_changes() {
            updated.from = updated.from.max(Some(after.at));
        } else {
            registered.to = Some(registered.to.map_or(after.at, |to| to.min(after.at)));
        }
    }
    (registered, updated)
}

fn is_low(area: &Area) -> bool {
    area.latitude.1 - area.latitude.0 < LOW
}

fn index(matching: &Matching) -> &'static str {
    if matching.follows_changes() {
        "request_updated"
    } else if !matching.topics.is_empty() {
        "request_topic"
    } else if matching.open.is_some() {
        "request_open"
    } else {
        "request_registered"
    }
}

fn within(query: &mut QueryBuilder<Sqlite>, column: &str, span: Span) {
    for (sign, bound) in [(">=", span.from), ("<=", span.to)] {
        if let Some(bound) = bound {
            query
                .push(format!(" and {column} {sign} "))
                .push_bind(bound);
        }
    }
}

fn boxed(query: &mut QueryBuilder<Sqlite>, area: &Area) {
    for (column, (from, to)) in [("latitude", area.latitude), ("longitude", area.longitude)] {
        query
            .push(format!(" and {column} between "))
            .push_bind(from);
        query.push(" and ").push_bind(to);
    }
}

/// Only where the place is published, so that no search tells what an answer withholds.
fn around(query: &mut QueryBuilder<Sqlite>, area: &Area) {
    query.push(" and topic in (select code from topic where public = 1)");
    if !is_low(area) {
        boxed(query, area);
    }
    if let Some(circle) = area.circle {
        let shorter = circle.shorter * circle.shorter;
        for (sign, column, middle, weight) in [
            (" and (", "latitude", circle.latitude, 1.0),
            (" + (", "longitude", circle.longitude, shorter),
        ] {
            query.push(format!("{sign}{column} - ")).push_bind(middle);
            query.push(format!(") * ({column} - ")).push_bind(middle);
            query.push(") * ").push_bind(weight);
        }
        query.push(" <= ").push_bind(circle.radius * circle.radius);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use projection::ReadModel as _;
    use sqlx::{Connection as _, Row as _, SqliteConnection};

    use super::*;
    use crate::{Register, open311::filter, params::Params};

    /// How SQLite goes about a query.
    async fn plan(pairs: &[(&str, &str)]) -> String {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        for sql in [Register::SCHEMA, Register::INDEXES] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .unwrap();
        }
        let asked: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let uri = format!("/?{}", asked.join("&")).parse().unwrap();
        let params = Params::of_query(&uri);
        let now = "2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap();
        let filter::Filter::Matching(matching) = filter::read(&params, now).unwrap() else {
            panic!("numbers")
        };
        let sql = query(&matching).into_string();
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("explain query plan {sql}")))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        rows.iter()
            .map(|it| it.get::<String, _>("detail") + "\n")
            .collect()
    }

    #[tokio::test]
    async fn a_page_walks_an_index_and_sorts_nothing() {
        let (from, after) = (
            ("start_date", "2020-01-01T00:00:00Z"),
            ("updated_after", "2026-11-01T00:00:00Z"),
        );
        let cursor = ("cursor", "1760000000000000.2026-48120937-8");
        let cases: [(&[(&str, &str)], &str); 8] = [
            (&[], "request_registered (registered_at>?)"),
            (
                &[from],
                "request_registered (registered_at>? AND registered_at<?)",
            ),
            (
                &[from, cursor],
                "request_registered (registered_at>? AND registered_at<?)",
            ),
            (
                &[("status", "open")],
                "request_open (open=? AND registered_at>?)",
            ),
            (
                &[("service_code", "pothole")],
                "request_topic (topic=? AND registered_at>?)",
            ),
            (&[after], "request_updated (updated_at>?)"),
            (&[after, cursor], "request_updated (updated_at>?"),
            (
                &[after, ("status", "closed"), ("service_code", "pothole")],
                "request_updated (updated_at>?)",
            ),
        ];
        for (pairs, index) in cases {
            let plan = plan(pairs).await;
            assert!(plan.contains(index), "{pairs:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{pairs:?}: {plan}");
        }
    }

    #[test]
    fn a_page_after_a_cursor_begins_at_the_cursor() {
        let at = 1_760_000_000_000_000;
        let now = "2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap();
        for (bound, begins) in [
            ("start_date=2025-09-01T00:00:00Z", (None, Some(at))),
            ("end_date=2025-10-01T00:00:00Z", (None, None)),
            ("updated_after=2025-09-01T00:00:00Z", (Some(at), None)),
            ("updated_after=2026-11-01T00:00:00Z", (None, None)),
        ] {
            let uri = format!("/?{bound}&cursor={at}.2026-48120937-8")
                .parse()
                .unwrap();
            let asked = filter::read(&Params::of_query(&uri), now).unwrap();
            let filter::Filter::Matching(matching) = asked else {
                panic!("numbers")
            };
            let (registered, updated) = spans(&matching);
            let (from, to) = begins;
            assert_eq!(updated.from.filter(|it| *it == at), from, "{bound}");
            assert_eq!(registered.to.filter(|it| *it == at), to, "{bound}");
        }
    }

    #[tokio::test]
    async fn pages_before_are_passed_over_in_the_index() {
        for (pairs, index) in [
            (&[("page", "100")][..], "COVERING INDEX request_registered"),
            (
                &[("page", "100"), ("status", "open")],
                "COVERING INDEX request_open",
            ),
            (
                &[("page", "100"), ("service_code", "pothole")],
                "COVERING INDEX request_topic",
            ),
        ] {
            let plan = plan(pairs).await;
            assert!(plan.contains(index), "{pairs:?}: {plan}");
        }
    }

    #[tokio::test]
    async fn a_place_is_found_by_its_latitude() {
        let near = plan(&[("lat", "39.92"), ("long", "32.85")]).await;
        assert!(
            near.contains("COVERING INDEX request_place (latitude>? AND latitude<?)"),
            "{near}"
        );
        let page = plan(&[("lat", "39.92"), ("long", "32.85"), ("page", "3")]).await;
        assert!(page.contains("COVERING INDEX request_place"), "{page}");
        let city = plan(&[("bbox", "32,39,33,40")]).await;
        assert!(city.contains("request_registered"), "{city}");
    }
}
