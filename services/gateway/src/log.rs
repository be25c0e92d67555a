//! Each municipality's log, for whoever wants to check it: signed checkpoints, tiles and entries, as C2SP `tlog-tiles` lays them
//! out below `/log/<municipality>`. An entry is a commitment, which tells nothing but that there is one more event.
//!
//! Below `witness` the municipality is a witness of others' logs, as C2SP `tlog-witness` has it.
//!
//! Without a limit: an answer is one indexed read of at most 256 small rows, and all but the checkpoint may be kept for ever.

mod witness;

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use contracts::ledger::v1::{
    GetEntriesRequest, GetTileRequest, LatestCheckpointReply, LatestCheckpointRequest,
};
use tonic::{Code, Status};
use vocabulary::Municipality;

use crate::{
    Centre,
    access::Action,
    doors::{Doors, Entry},
};

/// In whose name the ledger is asked.
const READER: &str = "citizen";

/// Hashes of a full tile.
const WIDTH: u32 = 256;

pub(crate) fn doors() -> Doors {
    let read = Action::Public.centre();
    let below = |path: &str| format!("/log/{{municipality}}/{path}");
    Doors::new(Entry::Open)
        .get(&below("checkpoint"), read, checkpoint)
        .get(&below("cosigned-checkpoint"), read, cosigned)
        .get(&below("key"), read, key)
        .get(&below("tile/entries/{*path}"), read, entries)
        .get(&below("tile/{level}/{*path}"), read, tile)
        .merge(witness::doors())
}

async fn checkpoint(State(centre): State<Arc<Centre>>, Path(slug): Path<String>) -> Response {
    match latest(&centre, &slug, false).await {
        // It changes twice a second at most.
        Ok(latest) => text(latest.note, "public, max-age=1"),
        Err(missing) => missing.into_response(),
    }
}

/// The newest one that witnesses cosigned: the very newest waits for them.
async fn cosigned(State(centre): State<Arc<Centre>>, Path(slug): Path<String>) -> Response {
    match latest(&centre, &slug, true).await {
        Ok(latest) => text(latest.note, "public, max-age=1"),
        Err(missing) => missing.into_response(),
    }
}

/// The public half of the key that signs. Who takes it from here only knows that the log agrees with itself.
async fn key(State(centre): State<Arc<Centre>>, Path(slug): Path<String>) -> Response {
    match latest(&centre, &slug, false).await {
        Ok(latest) => text(format!("{}\n", latest.verifier_key), "public, max-age=3600"),
        Err(missing) => missing.into_response(),
    }
}

async fn tile(
    State(centre): State<Arc<Centre>>,
    Path((slug, level, path)): Path<(String, String, String)>,
) -> Response {
    let asked = async {
        let municipality = served(&centre, &slug)?;
        let level = decimal(&level).ok_or(Missing::Nothing)?;
        let (index, width) = numbered(&path).ok_or(Missing::Nothing)?;
        let request = GetTileRequest {
            level,
            index,
            width,
        };
        let request = centre.caller(municipality, READER).request(request);
        Ok::<_, Missing>(centre.ledger().get_tile(request).await?.into_inner().hashes)
    };
    asked.await.map_or_else(Missing::into_response, immutable)
}

async fn entries(
    State(centre): State<Arc<Centre>>,
    Path((slug, path)): Path<(String, String)>,
) -> Response {
    let asked = async {
        let municipality = served(&centre, &slug)?;
        let (index, width) = numbered(&path).ok_or(Missing::Nothing)?;
        let request = GetEntriesRequest { index, width };
        let request = centre.caller(municipality, READER).request(request);
        let reply = centre.ledger().get_entries(request).await?;
        Ok::<_, Missing>(reply.into_inner().bundle)
    };
    asked.await.map_or_else(Missing::into_response, immutable)
}

async fn latest(
    centre: &Centre,
    slug: &str,
    cosigned: bool,
) -> Result<LatestCheckpointReply, Missing> {
    let caller = centre.caller(served(centre, slug)?, READER);
    let request = caller.request(LatestCheckpointRequest { cosigned });
    Ok(centre
        .ledger()
        .latest_checkpoint(request)
        .await?
        .into_inner())
}

fn served<'a>(centre: &'a Centre, slug: &str) -> Result<&'a Municipality, Missing> {
    centre.municipality(slug).ok_or(Missing::Nothing)
}

const ANYBODY: (HeaderName, &str) = (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
const AS_SAID: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");

fn text(text: String, keep: &'static str) -> Response {
    let kind = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
    let headers = [kind, (header::CACHE_CONTROL, keep), ANYBODY, AS_SAID];
    (headers, text).into_response()
}

fn immutable(bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ANYBODY,
        AS_SAID,
    ];
    (headers, bytes).into_response()
}

/// Why there is no answer.
enum Missing {
    /// There is nothing, or not yet.
    Nothing,
    /// The ledger cannot say.
    Away,
}

impl From<Status> for Missing {
    fn from(status: Status) -> Self {
        if matches!(status.code(), Code::NotFound | Code::InvalidArgument) {
            Self::Nothing
        } else {
            tracing::warn!(%status, "the log cannot be shown");
            Self::Away
        }
    }
}

impl Missing {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Nothing => StatusCode::NOT_FOUND,
            Self::Away => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, [(header::CACHE_CONTROL, "no-store"), ANYBODY]).into_response()
    }
}

/// Index and width in a path like "x001/234" or "x001/234.p/7".
fn numbered(path: &str) -> Option<(u64, u32)> {
    let (number, width) = match path.split_once(".p/") {
        Some((number, width)) => (number, decimal(width).filter(|it| *it < WIDTH)?),
        None => (path, WIDTH),
    };
    let mut groups: Vec<&str> = number.split('/').collect();
    let last = groups.pop();
    let mut index = 0_u64;
    for group in groups.iter().map(|it| it.strip_prefix('x')).chain([last]) {
        let digits =
            group.filter(|it| it.len() == 3 && it.bytes().all(|it| it.is_ascii_digit()))?;
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    // One tile has one address.
    let padded = number.starts_with("x000/");
    (width > 0 && !padded && i64::try_from(index).is_ok()).then_some((index, width))
}

/// A number without leading zeros.
fn decimal(text: &str) -> Option<u32> {
    let plain = text == "0" || !text.starts_with('0');
    let digits = text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|_| plain && digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_has_one_address() {
        assert_eq!(numbered("x001/x234/067"), Some((1_234_067, 256)));
        assert_eq!(numbered("000.p/7"), Some((0, 7)));
        assert_eq!(numbered("999"), Some((999, 256)));
        for bad in [
            "",
            "0",
            "x000/001",
            "001/002",
            "x001",
            "000.p/0",
            "000.p/256",
            "000.p/07",
            "000.p/",
            "00a",
            "/000",
            "000/",
            "x001//000",
            "+01",
            "x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(numbered(bad), None, "{bad}");
        }
    }
}
