//! A page as it was: the moment in its address, and what the page says of it.

use axum::{http::StatusCode, response::Response};
use chassis::AsOf;
use tonic::{Code, Status};

use super::{filters::Scope, page::Visit};
use crate::{
    Centre,
    register::{Entry, Reader},
    text::{self, Words},
};

/// A moment of the past.
#[derive(Debug, Clone, Copy)]
pub(super) struct Then {
    /// Of the newest event that was known.
    pub(super) position: u64,
    /// What time it was, in microseconds; of a position, when its event was recorded.
    pub(super) at: i64,
}

impl Then {
    /// The moment that an address asks for, where it does.
    pub(super) async fn asked(centre: &Centre, visit: &Visit) -> Result<Option<Self>, Status> {
        let asked = visit.query.trimmed("as_of");
        if asked.is_empty() {
            return Ok(None);
        }
        let as_of = AsOf::read("as_of", asked, &text::zone())?;
        let ledger = centre.platform.ledger(visit.signed.municipality());
        let cut_off = ledger.cut_off("as_of", as_of).await?;
        let at = match as_of {
            AsOf::Time(time) => time.as_microsecond(),
            AsOf::Position(_) => i64::try_from(cut_off.recorded_at).unwrap_or_default(),
        };
        Ok(Some(Self {
            position: cut_off.position,
            at,
        }))
    }

    /// "As of …"
    pub(super) fn told(self, words: Words) -> String {
        let (at, position) = (text::moment(self.at, words.0), self.position.to_string());
        words.with("console-as-of-told", [("at", &at), ("position", &position)])
    }

    /// The page for a moment that cannot be shown; the usual one for any other failure.
    pub(super) fn refused(visit: &Visit, status: &Status) -> Response {
        if status.code() == Code::InvalidArgument {
            visit.notice(StatusCode::BAD_REQUEST, "console-as-of-wrong")
        } else {
            visit.failed(status)
        }
    }
}

/// The register that a page reads, and what time it is there, in microseconds.
pub(super) struct Seen {
    pub(super) register: Reader,
    pub(super) now: i64,
    pub(super) then: Option<Then>,
}

impl Seen {
    /// The register as it is, or as of the moment that an address asks for.
    pub(super) async fn of(centre: &Centre, visit: &Visit) -> Result<Self, Status> {
        let today = visit.register(centre);
        let then = Then::asked(centre, visit).await?;
        Ok(match then {
            Some(then) => Self {
                register: today.at(then.position).await?,
                now: then.at,
                then: Some(then),
            },
            None => Self {
                register: today.clone(),
                now: centre.platform.clock.micros(),
                then: None,
            },
        })
    }
}

/// Leaves out what a unit has no more: of the past it sees what it may see today.
pub(super) async fn still_seen(
    mut rows: Vec<Entry>,
    today: &Reader,
    scope: &Scope,
) -> Result<Vec<Entry>, Status> {
    let Scope::Unit(unit) = scope else {
        return Ok(rows);
    };
    let numbers: Vec<&str> = rows.iter().map(|it| it.number.as_str()).collect();
    let had = today.had_by(unit, &numbers).await?;
    rows.retain(|it| had.contains(&it.number));
    Ok(rows)
}
