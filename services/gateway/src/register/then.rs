//! One request as it was. The register has of a request what the request's own events and its topic's say, so these few are
//! folded, and nothing else of the city's past.

use chassis::Ledger;
use contracts::{intake::v1::RequestRegistered, ledger::v1::Event};
use projection::ReadModel as _;
use sqlx::{Connection as _, SqliteConnection};
use tonic::Status;
use vocabulary::RequestNumber;

use super::{Entry, Register};

/// What the register had of a request after the event of a position; `None` before it was registered.
pub(crate) async fn request(
    ledger: &Ledger,
    number: &RequestNumber,
    position: u64,
) -> Result<Option<Entry>, Status> {
    let events = events(ledger, number, position).await?;
    folded(&events).await.map_err(|error| {
        tracing::error!(error = format!("{error:#}"), "a history cannot be folded");
        Status::internal("a history cannot be folded")
    })
}

/// All that the register's row of a request follows from, in order.
async fn events(
    ledger: &Ledger,
    number: &RequestNumber,
    position: u64,
) -> Result<Vec<Event>, Status> {
    let mut events = ledger
        .history_until(&format!("request:{number}"), position)
        .await?;
    let Some(registered) = events
        .iter()
        .find(|it| chassis::event::is::<RequestRegistered>(it))
    else {
        return Ok(events);
    };
    let registered: RequestRegistered =
        chassis::event::decode(registered).map_err(|error| Status::internal(error.to_string()))?;
    let topic = format!("topic:{}", registered.topic);
    events.extend(ledger.history_until(&topic, position).await?);
    events.sort_by_key(|it| it.position);
    events.dedup_by_key(|it| it.position);
    Ok(events)
}

async fn folded(events: &[Event]) -> anyhow::Result<Option<Entry>> {
    let mut memory = SqliteConnection::connect("sqlite::memory:").await?;
    sqlx::raw_sql(Register::SCHEMA).execute(&mut memory).await?;
    Register.apply_all(&mut memory, events).await?;
    Ok(sqlx::query_as("select * from request")
        .fetch_optional(&mut memory)
        .await?)
}
