//! What can happen, said as events and counted by walking lists.

use std::collections::BTreeMap;

use contracts::{
    intake::v1::{ContactRegistered, RequestRegistered},
    ledger::v1::NewEvent,
    routing::v1::CommentAdded,
    vocabulary::v1::{Imported, Place},
};
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;
use vocabulary::{Channel, RequestNumber, SubResult};

use super::super::*;
use crate::span::Span;

const UNITS: [&str; 3] = ["fen-isleri", "park-bahce", "İZSU"];
const TOPICS: [&str; 3] = ["pothole", "park", "no-name"];
const DISTRICTS: [&str; 3] = ["", "Çankaya", "İğdır"];

/// Something that happens, with small numbers that choose what.
#[derive(Debug, Clone)]
pub(super) enum Happening {
    Contact {
        channel: usize,
        quarter: i64,
    },
    Request {
        channel: usize,
        quarter: i64,
        topic: usize,
        district: usize,
        imported: Option<usize>,
        due: Option<i64>,
    },
    Handled {
        request: usize,
        quarter: i64,
        how: usize,
        unit: usize,
        sub_result: usize,
    },
}

/// 2026-11-29 to 2026-12-03, in UTC; the span of the report cuts off both ends.
pub(super) fn at(quarter: i64) -> Timestamp {
    event::timestamp(1_795_910_400_000_000 + quarter * 15 * 60 * 1_000_000 + 1)
}

pub(super) fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let (channel, quarter, three) = (0..13usize, 0..480i64, 0..3usize);
    let happening = prop_oneof![
        (channel.clone(), quarter.clone())
            .prop_map(|(channel, quarter)| Happening::Contact { channel, quarter }),
        (
            channel,
            quarter.clone(),
            three.clone(),
            three.clone(),
            prop::option::of(three.clone()),
            prop::option::of(quarter.clone())
        )
            .prop_map(|(channel, quarter, topic, district, imported, due)| {
                Happening::Request {
                    channel,
                    quarter,
                    topic,
                    district,
                    imported,
                    due,
                }
            }),
        (0..40usize, quarter, 0..14usize, three, 0..10usize).prop_map(
            |(request, quarter, how, unit, sub_result)| {
                Happening::Handled {
                    request,
                    quarter,
                    how,
                    unit,
                    sub_result,
                }
            }
        ),
    ];
    prop::collection::vec(happening, 0..80)
}

/// What the test itself knows of a request.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) day: String,
    pub(super) channel: &'static str,
    pub(super) topic: &'static str,
    pub(super) district: &'static str,
    pub(super) unit: &'static str,
    pub(super) state: RequestState,
    pub(super) sub_result: Option<SubResult>,
    pub(super) source: Option<String>,
    pub(super) due: Option<i64>,
    pub(super) concluded: Option<i64>,
}

impl Known {
    /// What is due and concluded is judged: whether it came too late.
    pub(super) fn late(&self) -> Option<bool> {
        Some(self.concluded? > self.due?)
    }
}

/// The naive count: everything in lists, counted by walking them.
#[derive(Debug, Default)]
pub(super) struct Naive {
    pub(super) contacts: Vec<(String, &'static str)>,
    pub(super) requests: Vec<Known>,
}

pub(super) fn number(index: usize) -> String {
    RequestNumber::new(2026, u32::try_from(index).unwrap()).to_string()
}

/// "" for what lies outside the span.
fn day(quarter: i64, span: &Span) -> String {
    let at = at(quarter);
    if at < span.begins || at >= span.ends {
        String::new()
    } else {
        span.day(at).to_string()
    }
}

impl Naive {
    /// Takes note of what happens, and says it as an event; nothing for a request that is not there.
    pub(super) fn hear(&mut self, happening: &Happening, span: &Span) -> Option<NewEvent> {
        match *happening {
            Happening::Contact { channel, quarter } => {
                let channel = Channel::ALL[channel];
                self.contacts.push((day(quarter, span), channel.code()));
                let message = ContactRegistered {
                    channel: channel.number(),
                    ..ContactRegistered::default()
                };
                Some(recorded(&message, at(quarter)))
            }
            Happening::Request {
                channel,
                quarter,
                topic,
                district,
                imported,
                due,
            } => {
                let due = imported.and(due);
                let channel = Channel::ALL[channel];
                let source = imported.map(|it| format!("agency {it}"));
                let message = RequestRegistered {
                    number: number(self.requests.len()),
                    channel: channel.number(),
                    topic: TOPICS[topic].to_owned(),
                    place: Some(Place {
                        district: DISTRICTS[district].to_owned(),
                        ..Place::default()
                    }),
                    imported: source.clone().map(|it| Imported {
                        agency: it.clone(),
                        status: it,
                        due_at: due.map_or(0, |it| at(it).as_microsecond()),
                        ..Imported::default()
                    }),
                    ..RequestRegistered::default()
                };
                self.requests.push(Known {
                    day: day(quarter, span),
                    channel: channel.code(),
                    topic: TOPICS[topic],
                    district: DISTRICTS[district],
                    unit: "",
                    state: RequestState::Registered,
                    sub_result: None,
                    source,
                    due,
                    concluded: None,
                });
                Some(recorded(&message, at(quarter)))
            }
            Happening::Handled {
                request,
                quarter,
                how,
                unit,
                sub_result,
            } => {
                let known = self.requests.get_mut(request)?;
                let sub_result = SubResult::ALL[sub_result];
                known.concluded = match how {
                    8 => Some(quarter),
                    11 | 12 => known.concluded,
                    _ => None,
                };
                let number = number(request);
                let at = at(quarter);
                Some(handled(known, number, at, how, UNITS[unit], sub_result))
            }
        }
    }

    pub(super) fn in_span(&self) -> impl Iterator<Item = &Known> {
        self.requests.iter().filter(|it| !it.day.is_empty())
    }

    pub(super) fn requests_by(
        &self,
        key: impl Fn(&Known) -> Option<String>,
    ) -> BTreeMap<String, u64> {
        tally(self.in_span().filter_map(key))
    }

    /// How many were judged, and how many of them came too late.
    pub(super) fn judged_by(
        &self,
        key: impl Fn(&Known) -> Option<String>,
    ) -> BTreeMap<String, (u64, u64)> {
        let mut judged = BTreeMap::new();
        for known in self.in_span() {
            let Some(key) = key(known) else { continue };
            let (evaluated, breached): &mut (u64, u64) = judged.entry(key).or_default();
            *evaluated += u64::from(known.late().is_some());
            *breached += u64::from(known.late() == Some(true));
        }
        judged
    }
}

fn handled(
    known: &mut Known,
    number: String,
    at: Timestamp,
    how: usize,
    unit: &'static str,
    sub_result: SubResult,
) -> NewEvent {
    use RequestState as State;
    let before = known.sub_result.take();
    if !matches!(how, 7 | 10 | 11 | 12) {
        known.unit = unit;
    }
    let unit = unit.to_owned();
    let (state, event) = match how {
        0 => (
            State::Routed,
            recorded(
                &RequestRouted {
                    number,
                    unit,
                    ..RequestRouted::default()
                },
                at,
            ),
        ),
        1 => (
            State::Routed,
            recorded(&RequestRoutedManually { number, unit }, at),
        ),
        2 => (
            State::Returned,
            recorded(
                &RequestReturned {
                    number,
                    unit,
                    ..RequestReturned::default()
                },
                at,
            ),
        ),
        3 => (
            State::Accepted,
            recorded(&RequestAccepted { number, unit }, at),
        ),
        4 => (
            State::Assigned,
            recorded(
                &RequestAssigned {
                    number,
                    unit,
                    ..RequestAssigned::default()
                },
                at,
            ),
        ),
        5 => (
            State::InProgress,
            recorded(&WorkStarted { number, unit }, at),
        ),
        6 => (
            State::Planned,
            recorded(
                &RequestPlanned {
                    number,
                    unit,
                    ..RequestPlanned::default()
                },
                at,
            ),
        ),
        7 => (
            State::Referred,
            recorded(
                &RequestReferred {
                    number,
                    ..RequestReferred::default()
                },
                at,
            ),
        ),
        8 => {
            known.sub_result = Some(sub_result);
            let sub_result = sub_result.number();
            let message = RequestConcluded {
                number,
                unit,
                sub_result,
                ..RequestConcluded::default()
            };
            (State::Concluded, recorded(&message, at))
        }
        9 => (
            State::WaitingCitizen,
            recorded(
                &InformationAsked {
                    number,
                    unit,
                    ..InformationAsked::default()
                },
                at,
            ),
        ),
        10 => {
            let message = CitizenWrote {
                number,
                back_to: State::Accepted.number(),
                ..CitizenWrote::default()
            };
            (State::Accepted, recorded(&message, at))
        }
        // What changes nothing: the citizen writes unasked, staff leave a remark.
        11 => {
            known.sub_result = before;
            let message = CitizenWrote {
                number,
                ..CitizenWrote::default()
            };
            (known.state, recorded(&message, at))
        }
        12 => {
            known.sub_result = before;
            let message = CommentAdded {
                number,
                ..CommentAdded::default()
            };
            (known.state, recorded(&message, at))
        }
        _ => (
            State::Reopened,
            recorded(
                &RequestReopened {
                    number,
                    unit,
                    ..RequestReopened::default()
                },
                at,
            ),
        ),
    };
    known.state = state;
    event
}

pub(super) fn recorded<M: prost::Message + prost::Name>(message: &M, at: Timestamp) -> NewEvent {
    event::record(Uuid::nil(), message, at, [])
}

pub(super) fn tally(keys: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    keys.fold(BTreeMap::new(), |mut counts, key| {
        *counts.entry(key).or_default() += 1;
        counts
    })
}
