//! News for the pages that are open: which requests moved, as the register hears of it. A page that lost its connection says
//! with `Last-Event-ID` up to which position of the log it knows everything, and misses nothing.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse as _, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::stream;
use serde::Serialize;
use sqlx::{QueryBuilder, Sqlite, SqlitePool};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};
use vocabulary::Municipality;

use super::{filters::Scope, page::Visit};
use crate::{Centre, access::Action};

/// Events come at most this often: what happens in between is told together.
const PAUSE: Duration = Duration::from_millis(700);
/// A connection ends after this long, and a new one shows its session again.
const LONGEST: Duration = Duration::from_mins(5);
/// Numbers in one event at most; more of them only say that much has moved.
const MOST: usize = 200;

/// What a page is told.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct News {
    position: u64,
    /// Those that moved, and may be seen.
    numbers: Vec<String>,
}

pub(super) async fn follow(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    headers: HeaderMap,
) -> Response {
    let scope = match visit.scope(Action::See) {
        Ok(scope) => scope,
        Err(response) => return *response,
    };
    let register = visit.register(&centre);
    let last = headers.get("last-event-id").and_then(|it| it.to_str().ok());
    let after = last.unwrap_or_else(|| visit.query.trimmed("after"));
    let news = Following {
        pool: register.pool().clone(),
        changes: register.changes(),
        scope,
        after: after.parse().unwrap_or_else(|_| register.position()),
        municipality: visit.signed.municipality().clone(),
        until: Instant::now() + LONGEST,
        stopping: centre.platform.tasks.clone(),
        is_first: true,
    };
    let events = stream::unfold(news, async |mut news| {
        let event = news.next().await?;
        Some((Ok::<_, Infallible>(event), news))
    });
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(20));
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    let no_store = axum::http::HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(axum::http::header::CACHE_CONTROL, no_store);
    response
}

struct Following {
    pool: SqlitePool,
    changes: watch::Receiver<u64>,
    scope: Scope,
    /// Everything up to here is told.
    after: u64,
    municipality: Municipality,
    until: Instant,
    stopping: chassis::Tasks,
    is_first: bool,
}

impl Following {
    /// The next event; `None` at the end of the connection.
    async fn next(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.is_first) {
            // Also where nothing moves the page knows from the first moment where it stands.
            return Some(
                Event::default()
                    .id(self.after.to_string())
                    .event("here")
                    .data("{}"),
            );
        }
        loop {
            let (after, until) = (self.after, self.until);
            let moved = self.changes.wait_for(|it| *it > after);
            tokio::select! {
                () = self.stopping.stopping() => return None,
                moved = timeout_at(until, moved) => match moved {
                    Ok(Ok(_)) => {}
                    Ok(Err(_)) | Err(_) => return None,
                },
            }
            sleep(PAUSE).await;
            let position = *self.changes.borrow_and_update();
            match numbers(&self.pool, &self.scope, self.after, position).await {
                Ok(None) => self.after = position,
                Ok(Some(numbers)) => {
                    self.after = position;
                    let news = serde_json::to_string(&News { position, numbers }).ok()?;
                    return Some(
                        Event::default()
                            .id(position.to_string())
                            .event("moved")
                            .data(news),
                    );
                }
                Err(error) => {
                    tracing::error!(%error, municipality = %self.municipality, "the register cannot be followed");
                    return None;
                }
            }
        }
    }
}

/// What moved after one position and up to another; `None` where no request did. A request that has left a unit is told to
/// nobody there by its number, and the list is told that something moved.
async fn numbers(
    pool: &SqlitePool,
    scope: &Scope,
    after: u64,
    position: u64,
) -> Result<Option<Vec<String>>, sqlx::Error> {
    let [after, position] = [after, position].map(|it| i64::try_from(it).unwrap_or(i64::MAX));
    let mut query = QueryBuilder::<Sqlite>::new(
        "select exists (select 1 from request where changed_at_position > ",
    );
    query
        .push_bind(after)
        .push(" and changed_at_position <= ")
        .push_bind(position)
        .push(")");
    let any: bool = query.build_query_scalar().fetch_one(pool).await?;
    if !any {
        return Ok(None);
    }
    let mut query =
        QueryBuilder::<Sqlite>::new("select number from request where changed_at_position > ");
    query
        .push_bind(after)
        .push(" and changed_at_position <= ")
        .push_bind(position);
    scope.push(&mut query);
    query
        .push(" order by changed_at_position desc limit ")
        .push_bind(i64::try_from(MOST).unwrap_or(i64::MAX));
    Ok(Some(query.build_query_scalar().fetch_all(pool).await?))
}
