//! The read model: a row per contact and a row per request, with what it is counted by.

mod batch;
mod due;

use anyhow::Context as _;
use chassis::event;
use contracts::{
    ledger::v1::Event,
    routing::v1::{
        CitizenWrote, InformationAsked, RequestAccepted, RequestAssigned, RequestConcluded,
        RequestPlanned, RequestReferred, RequestReopened, RequestReturned, RequestRouted,
        RequestRoutedManually, TopicChanged, TopicDefined, UnitChanged, UnitDefined, WorkStarted,
    },
};
use projection::ReadModel;
use sqlx::SqliteConnection;
use vocabulary::RequestState;

use self::batch::Batch;

/// What contacts and requests are counted by.
#[derive(Debug, Clone, Copy)]
pub struct Counts;

impl ReadModel for Counts {
    const NAME: &'static str = "counts";
    const VERSION: u32 = 3;
    const SCHEMA: &'static str = include_str!("counts/schema.sql");

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        self.apply_all(tx, std::slice::from_ref(event)).await
    }

    /// A batch is folded in memory; however events are gathered, the rows come out the same.
    async fn apply_all(&self, tx: &mut SqliteConnection, events: &[Event]) -> anyhow::Result<()> {
        let mut heard = Vec::with_capacity(events.len());
        for event in events {
            let handling = Handling::of(event)
                .with_context(|| format!("event {} of type {}", event.position, event.r#type))?;
            heard.push((event, handling));
        }
        let handled = heard.iter().filter_map(|(_, it)| it.as_ref());
        let mut batch = Batch::of(tx, handled.map(|it| it.number.as_str())).await?;
        for (event, handling) in heard {
            let change = applied(tx, &mut batch, event, handling);
            projection::traced::<Self>(event, change).await?;
        }
        batch.write(tx).await
    }
}

async fn applied(
    tx: &mut SqliteConnection,
    batch: &mut Batch,
    event: &Event,
    handling: Option<Handling>,
) -> anyhow::Result<()> {
    if let Some(handling) = handling {
        return batch.handled(handling, event);
    }
    match event.r#type.as_str() {
        "intake.ContactRegistered" => batch.contact(event),
        "intake.RequestRegistered" => batch.request(tx, event).await,
        "routing.UnitDefined" => {
            let UnitDefined {
                code,
                name_tr,
                name_en,
                ..
            } = event::decode(event)?;
            name(tx, NAME_UNIT, &code, &name_tr, &name_en).await
        }
        "routing.UnitChanged" => {
            let UnitChanged {
                code,
                name_tr,
                name_en,
                ..
            } = event::decode(event)?;
            name(tx, NAME_UNIT, &code, &name_tr, &name_en).await
        }
        "routing.TopicDefined" => {
            let TopicDefined {
                code,
                name_tr,
                name_en,
                standard,
                ..
            } = event::decode(event)?;
            name(tx, NAME_TOPIC, &code, &name_tr, &name_en).await?;
            batch.posted(tx, &code, standard.unwrap_or_default()).await
        }
        "routing.TopicChanged" => {
            let TopicChanged {
                code,
                name_tr,
                name_en,
                standard,
                ..
            } = event::decode(event)?;
            name(tx, NAME_TOPIC, &code, &name_tr, &name_en).await?;
            batch.posted(tx, &code, standard.unwrap_or_default()).await
        }
        _ => Ok(()),
    }
}

const NAME_UNIT: &str = "insert or replace into unit (code, name_tr, name_en) values (?, ?, ?)";
const NAME_TOPIC: &str = "insert or replace into topic (code, name_tr, name_en) values (?, ?, ?)";

async fn name(
    tx: &mut SqliteConnection,
    statement: &'static str,
    code: &str,
    name_tr: &str,
    name_en: &str,
) -> anyhow::Result<()> {
    sqlx::query(statement)
        .bind(code)
        .bind(name_tr)
        .bind(name_en)
        .execute(tx)
        .await?;
    Ok(())
}

/// What routing's events make of a request.
struct Handling {
    number: String,
    /// Nothing where the unit in charge stays.
    unit: Option<String>,
    state: RequestState,
    sub_result: i32,
    concluded_at: Option<i64>,
}

impl Handling {
    fn new(number: String, unit: String, state: RequestState) -> Self {
        Self {
            number,
            unit: Some(unit),
            state,
            sub_result: 0,
            concluded_at: None,
        }
    }

    fn of(event: &Event) -> Result<Option<Self>, event::Undecodable> {
        Ok(Some(match event.r#type.as_str() {
            "routing.RequestRouted" => {
                let RequestRouted { number, unit, .. } = event::decode(event)?;
                Self::new(number, unit, RequestState::Routed)
            }
            "routing.RequestRoutedManually" => {
                let RequestRoutedManually { number, unit } = event::decode(event)?;
                Self::new(number, unit, RequestState::Routed)
            }
            // It counts as its unit's until another one has it.
            "routing.RequestReturned" => {
                let RequestReturned { number, unit, .. } = event::decode(event)?;
                Self::new(number, unit, RequestState::Returned)
            }
            "routing.RequestAccepted" => {
                let RequestAccepted { number, unit } = event::decode(event)?;
                Self::new(number, unit, RequestState::Accepted)
            }
            "routing.RequestAssigned" => {
                let RequestAssigned { number, unit, .. } = event::decode(event)?;
                Self::new(number, unit, RequestState::Assigned)
            }
            "routing.WorkStarted" => {
                let WorkStarted { number, unit } = event::decode(event)?;
                Self::new(number, unit, RequestState::InProgress)
            }
            "routing.RequestPlanned" => {
                let RequestPlanned { number, unit, .. } = event::decode(event)?;
                Self::new(number, unit, RequestState::Planned)
            }
            // The unit stays responsible for what lies outside.
            "routing.RequestReferred" => {
                let RequestReferred { number, .. } = event::decode(event)?;
                Self {
                    number,
                    unit: None,
                    state: RequestState::Referred,
                    sub_result: 0,
                    concluded_at: None,
                }
            }
            "routing.RequestConcluded" => {
                let RequestConcluded {
                    number,
                    unit,
                    sub_result,
                    ..
                } = event::decode(event)?;
                Self {
                    sub_result,
                    concluded_at: Some(event.occurred_at),
                    ..Self::new(number, unit, RequestState::Concluded)
                }
            }
            "routing.RequestReopened" => {
                let RequestReopened { number, unit, .. } = event::decode(event)?;
                Self::new(number, unit, RequestState::Reopened)
            }
            "routing.InformationAsked" => {
                let InformationAsked { number, unit, .. } = event::decode(event)?;
                Self::new(number, unit, RequestState::WaitingCitizen)
            }
            // Only an answer moves anything.
            "routing.CitizenWrote" => {
                let CitizenWrote {
                    number, back_to, ..
                } = event::decode(event)?;
                let Ok(state) = RequestState::try_from(back_to) else {
                    return Ok(None);
                };
                Self {
                    number,
                    unit: None,
                    state,
                    sub_result: 0,
                    concluded_at: None,
                }
            }
            _ => return Ok(None),
        }))
    }
}

/// A request's number as SQLite likes its keys.
fn digits(number: &str) -> anyhow::Result<i64> {
    let digits: String = number.chars().filter(|it| *it != '-').collect();
    digits.parse().context("a request number that is none")
}

#[cfg(test)]
mod tests;
