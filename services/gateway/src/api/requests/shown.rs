use serde::Serialize;
use utoipa::ToSchema;

use super::{Point, personal::Personal};
use crate::{
    api::as_of::CutOff,
    api::words::{StateWord, SubResultWord, Word, something, time},
    register::Entry,
};

/// A request's facts.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Request {
    #[schema(example = "2026-48120937-8")]
    number: String,
    state: StateWord,
    /// Of the last action; the `ETag` of the request.
    version: u64,
    topic: String,
    channel: String,
    /// In whose hands it is; null until it is routed.
    unit: Option<String>,
    /// Who of the unit has it.
    assignee: Option<String>,
    point: Option<Point>,
    district: Option<String>,
    neighbourhood: Option<String>,
    /// The citizen's pseudonym.
    person: Option<String>,
    #[schema(format = DateTime)]
    registered_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(format = DateTime)]
    state_since: String,
    /// By its service standard, where one was posted.
    #[schema(format = DateTime)]
    due_at: Option<String>,
    #[schema(format = Date)]
    planned_for: Option<String>,
    /// The institution it was referred to.
    institution: Option<String>,
    sub_result: Option<SubResultWord>,
    #[schema(format = DateTime)]
    concluded_at: Option<String>,
    /// The system it was imported from.
    imported_from: Option<String>,
    /// The log's position of its last change.
    position: i64,
    /// Only with `as_of`: where that moment cuts the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) as_of: Option<CutOff>,
    /// Only with `view=personal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) personal: Option<Personal>,
}

impl Request {
    pub(super) fn number(&self) -> &str {
        &self.number
    }

    pub(in crate::api) fn of(entry: Entry) -> Self {
        let point = entry.latitude.zip(entry.longitude);
        Self {
            state: Word(entry.state()),
            sub_result: entry.sub_result().map(Word),
            version: u64::try_from(entry.version).unwrap_or_default(),
            number: entry.number,
            topic: entry.topic,
            channel: entry.channel,
            unit: something(entry.unit),
            assignee: something(entry.assignee),
            point: point.map(|(latitude, longitude)| Point {
                latitude,
                longitude,
            }),
            district: something(entry.district),
            neighbourhood: something(entry.neighbourhood),
            person: something(entry.person),
            registered_at: time(entry.registered_at),
            updated_at: time(entry.updated_at),
            state_since: time(entry.state_since),
            due_at: entry.due_at.map(time),
            planned_for: something(entry.planned_for),
            institution: something(entry.institution),
            concluded_at: entry.concluded_at.map(time),
            imported_from: something(entry.source),
            position: entry.changed_at_position,
            as_of: None,
            personal: None,
        }
    }
}
