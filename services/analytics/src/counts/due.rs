//! When a request of our own is due: by the standard that its topic had when it came, and later by as much as its unit
//! waited for the citizen. A request that was imported has its source's due date, or none.

use chassis::event;
use clocks::Standard;
use contracts::ledger::v1::Event;
use vocabulary::RequestState;

use super::batch::Row;

/// Starts a request's clock, where its topic has a standard (days, working days).
pub(super) fn begin(row: &mut Row, (days, working_days): (u32, u32), registered: &Event) {
    let Some(standard) = Standard::posted(days, working_days) else {
        return;
    };
    // A year that the calendar does not know yet gives no due date.
    let due = clocks::due_at(event::occurred_at(registered), standard).ok();
    row.due_at = due.map(|it| it.as_microsecond());
    (row.days, row.working_days) = (days, working_days);
}

/// Stops the clock while the unit waits for the citizen.
pub(super) fn go_on(row: &mut Row, state: RequestState, moved: &Event) {
    let (Some(due), Some(standard)) = (row.due_at, Standard::posted(row.days, row.working_days))
    else {
        return;
    };
    let waits = state == RequestState::WaitingCitizen;
    match row.waiting_since {
        None if waits => row.waiting_since = Some(moved.occurred_at),
        Some(since) if !waits => {
            let (due, since) = (event::timestamp(due), event::timestamp(since));
            let answered = event::occurred_at(moved);
            let due = clocks::due_after_waiting(due, standard, since, answered).ok();
            (row.due_at, row.waiting_since) = (due.map(|it| it.as_microsecond()), None);
        }
        Some(_) | None => {}
    }
}
