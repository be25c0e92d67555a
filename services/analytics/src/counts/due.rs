//! When a request of our own is due: by the standard that its topic had when it came, and later by as much as its unit
//! waited for the citizen. A request that was imported has its source's due date, or none.

use chassis::event;
use clocks::Standard;
use contracts::{ledger::v1::Event, vocabulary::v1::ServiceStandard};
use sqlx::SqliteConnection;
use vocabulary::RequestState;

/// Notes a topic's standard; what came before it keeps the one it came under.
pub(super) async fn post(
    tx: &mut SqliteConnection,
    topic: &str,
    standard: ServiceStandard,
) -> anyhow::Result<()> {
    sqlx::query("update topic set days = ?, working_days = ? where code = ?")
        .bind(standard.days)
        .bind(standard.working_days)
        .bind(topic)
        .execute(tx)
        .await?;
    Ok(())
}

/// Starts a request's clock, where its topic has a standard.
pub(super) async fn begin(
    tx: &mut SqliteConnection,
    number: i64,
    topic: &str,
    registered: &Event,
) -> anyhow::Result<()> {
    let posted: Option<(u32, u32)> =
        sqlx::query_as("select days, working_days from topic where code = ?")
            .bind(topic)
            .fetch_optional(&mut *tx)
            .await?;
    let (days, working_days) = posted.unwrap_or_default();
    let Some(standard) = Standard::posted(days, working_days) else {
        return Ok(());
    };
    // A year that the calendar does not know yet gives no due date.
    let due = clocks::due_at(event::occurred_at(registered), standard).ok();
    sqlx::query("update request set due_at = ?, days = ?, working_days = ? where number = ?")
        .bind(due.map(|it| it.as_microsecond()))
        .bind(days)
        .bind(working_days)
        .bind(number)
        .execute(tx)
        .await?;
    Ok(())
}

/// Stops the clock while the unit waits for the citizen.
pub(super) async fn go_on(
    tx: &mut SqliteConnection,
    number: i64,
    state: RequestState,
    moved: &Event,
) -> anyhow::Result<()> {
    let running: Option<(i64, u32, u32, Option<i64>)> = sqlx::query_as(
        "select due_at, days, working_days, waiting_since from request
         where number = ? and due_at is not null and days + working_days > 0",
    )
    .bind(number)
    .fetch_optional(&mut *tx)
    .await?;
    let Some((due, days, working_days, waiting)) = running else {
        return Ok(());
    };
    let waits = state == RequestState::WaitingCitizen;
    let (due, waiting) = match (waiting, Standard::posted(days, working_days)) {
        (None, _) if waits => (Some(due), Some(moved.occurred_at)),
        (Some(since), Some(standard)) if !waits => {
            let (due, since) = (event::timestamp(due), event::timestamp(since));
            let answered = event::occurred_at(moved);
            let due = clocks::due_after_waiting(due, standard, since, answered).ok();
            (due.map(|it| it.as_microsecond()), None)
        }
        (Some(_) | None, _) => return Ok(()),
    };
    sqlx::query("update request set due_at = ?, waiting_since = ? where number = ?")
        .bind(due)
        .bind(waiting)
        .bind(number)
        .execute(tx)
        .await?;
    Ok(())
}
