//! The log as it lies in PostgreSQL, read past all code of ours.

use anyhow::Context as _;
use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgRow};

/// One row of the table of events, as far as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its position.
    pub position: i64,
    /// Its stream, and its version there.
    pub stream: String,
    /// Its version in the stream.
    pub version: i64,
    /// Its type, e.g. "intake.RequestRegistered".
    pub event: String,
    /// Who.
    pub actor: String,
}

/// Every event of a municipality, by position.
pub async fn read(url: &str, municipality: &str) -> anyhow::Result<Vec<Recorded>> {
    let mut connection = PgConnection::connect(url).await?;
    let statement =
        "SELECT position, stream, version, type, actor FROM event WHERE log = $1 ORDER BY position";
    let rows = sqlx::query(statement)
        .bind(municipality)
        .fetch_all(&mut connection)
        .await?;
    rows.iter().map(recorded).collect()
}

/// The municipalities that have any event.
pub async fn municipalities(url: &str) -> anyhow::Result<Vec<String>> {
    let mut connection = PgConnection::connect(url).await?;
    let statement = "SELECT DISTINCT log FROM event ORDER BY log";
    Ok(sqlx::query_scalar(statement)
        .fetch_all(&mut connection)
        .await?)
}

/// Fails unless positions are 1, 2, 3 … and every stream's versions are 1, 2, 3 … in the order of positions.
pub fn check_order(events: &[Recorded]) -> anyhow::Result<()> {
    let mut versions = std::collections::BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        let expected = i64::try_from(index)? + 1;
        anyhow::ensure!(
            event.position == expected,
            "a hole before position {}: {expected} is missing",
            event.position
        );
        let version = versions.entry(event.stream.as_str()).or_insert(0);
        *version += 1;
        anyhow::ensure!(
            event.version == *version,
            "stream {} has version {} where {version} is due",
            event.stream,
            event.version
        );
    }
    Ok(())
}

/// How often an event of this type was recorded in this stream.
#[must_use]
pub fn count(events: &[Recorded], stream: &str, event: &str) -> usize {
    events
        .iter()
        .filter(|it| it.stream == stream && it.event == event)
        .count()
}

fn recorded(row: &PgRow) -> anyhow::Result<Recorded> {
    let read = || -> Result<Recorded, sqlx::Error> {
        Ok(Recorded {
            position: row.try_get("position")?,
            stream: row.try_get("stream")?,
            version: row.try_get("version")?,
            event: row.try_get("type")?,
            actor: row.try_get("actor")?,
        })
    };
    read().context("a row of the table of events")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(position: i64, stream: &str, version: i64) -> Recorded {
        Recorded {
            position,
            stream: stream.to_owned(),
            version,
            event: "x.Y".to_owned(),
            actor: "citizen".to_owned(),
        }
    }

    #[test]
    fn a_hole_is_noticed() {
        let whole = [event(1, "a", 1), event(2, "b", 1), event(3, "a", 2)];
        assert!(check_order(&whole).is_ok());
        assert!(check_order(&whole[1..]).is_err());
        assert!(check_order(&[event(1, "a", 1), event(3, "a", 2)]).is_err());
        assert!(check_order(&[event(1, "a", 1), event(2, "a", 3)]).is_err());
        assert!(check_order(&[event(1, "a", 1), event(2, "a", 1)]).is_err());
    }
}
