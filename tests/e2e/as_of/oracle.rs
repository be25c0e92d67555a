//! A report counted by nothing of ours: the events of a log, decoded and added up.

use std::collections::BTreeMap;

use anyhow::Context as _;
use contracts::{
    intake::v1::{ContactRegistered, RequestRegistered},
    ledger::v1::Event,
    routing::v1::{RequestAssigned, RequestConcluded, RequestRouted, WorkStarted},
};
use jiff::{Timestamp, tz::TimeZone};
use prost::Message as _;
use serde_json::{Value, json};

/// What is known of a request after some events.
#[derive(Debug, Clone, Default)]
struct Known {
    day: String,
    channel: &'static str,
    topic: String,
    unit: String,
    district: String,
    state: &'static str,
    sub_result: &'static str,
    agency: String,
    status: String,
    due: i64,
    concluded: Option<i64>,
}

/// All that a report tells, of the events so far.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    contacts: Vec<(String, &'static str)>,
    requests: BTreeMap<String, Known>,
}

fn channel(number: i32) -> anyhow::Result<&'static str> {
    let channel = vocabulary::Channel::try_from(number).map(vocabulary::Channel::code);
    channel.ok().context("no channel")
}

fn day(micros: i64) -> anyhow::Result<String> {
    let at = Timestamp::from_microsecond(micros)?;
    let zone = TimeZone::get("Europe/Istanbul")?;
    Ok(at.to_zoned(zone).date().to_string())
}

impl Oracle {
    /// Adds an event up.
    pub(super) fn hear(&mut self, event: &Event) -> anyhow::Result<()> {
        let facts = event.facts.as_slice();
        match event.r#type.as_str() {
            "intake.ContactRegistered" => {
                let contact = ContactRegistered::decode(facts)?;
                let counted = (day(event.occurred_at)?, channel(contact.channel)?);
                self.contacts.push(counted);
            }
            "intake.RequestRegistered" => {
                let it = RequestRegistered::decode(facts)?;
                let imported = it.imported.context("all of them are imported")?;
                let known = Known {
                    day: day(event.occurred_at)?,
                    channel: channel(it.channel)?,
                    topic: it.topic,
                    district: it.place.map(|it| it.district).unwrap_or_default(),
                    state: "registered",
                    agency: imported.agency,
                    status: imported.status,
                    due: imported.due_at,
                    ..Known::default()
                };
                self.requests.insert(it.number, known);
            }
            "routing.RequestRouted" => {
                let it = RequestRouted::decode(facts)?;
                self.moved(&it.number, it.unit, "routed")?;
            }
            "routing.RequestAssigned" => {
                let it = RequestAssigned::decode(facts)?;
                self.moved(&it.number, it.unit, "assigned")?;
            }
            "routing.WorkStarted" => {
                let it = WorkStarted::decode(facts)?;
                self.moved(&it.number, it.unit, "in-progress")?;
            }
            "routing.RequestConcluded" => {
                let it = RequestConcluded::decode(facts)?;
                let known = self.moved(&it.number, it.unit, "concluded")?;
                let result = vocabulary::SubResult::try_from(it.sub_result);
                known.sub_result = result.map_or("", vocabulary::SubResult::code);
                known.concluded = Some(event.occurred_at);
            }
            other => {
                // Units and topics only name what is counted; anything else that is about a request would be missed.
                let about = event.subjects.iter().any(|it| it.starts_with("request:"));
                anyhow::ensure!(!about || !other.starts_with("routing."), "{other}");
            }
        }
        Ok(())
    }

    fn moved(
        &mut self,
        number: &str,
        unit: String,
        state: &'static str,
    ) -> anyhow::Result<&mut Known> {
        let known = self.requests.get_mut(number).context("not registered")?;
        (known.unit, known.state) = (unit, state);
        Ok(known)
    }

    fn by(&self, key: fn(&Known) -> &str) -> Value {
        let mut counts = BTreeMap::<&str, u64>::new();
        for known in self.requests.values() {
            *counts.entry(key(known)).or_default() += 1;
        }
        json!(counts)
    }

    fn judged(&self, key: fn(&Known) -> &str) -> Value {
        let mut counts = BTreeMap::<&str, (u64, u64)>::new();
        for known in self.requests.values() {
            let counted = counts.entry(key(known)).or_default();
            if let Some(concluded) = known.concluded.filter(|_| known.due != 0) {
                counted.0 += 1;
                counted.1 += u64::from(concluded > known.due);
            }
        }
        let told = counts.into_iter();
        let told =
            told.map(|(key, (all, late))| (key, json!({"evaluated": all, "breached": late})));
        Value::Object(told.map(|(key, it)| (key.to_owned(), it)).collect())
    }

    /// The figures as `cozum report --format json` writes them.
    pub(super) fn figures(&self) -> Value {
        let mut days = BTreeMap::<&str, u64>::new();
        let mut channels = BTreeMap::<&str, u64>::new();
        for (day, channel) in &self.contacts {
            *days.entry(day).or_default() += 1;
            *channels.entry(channel).or_default() += 1;
        }
        let all = self.requests.values();
        let count = |has: fn(&&Known) -> bool| all.clone().filter(has).count();
        let mut by_sub_result = self.by(|it| it.sub_result);
        if let Some(counts) = by_sub_result.as_object_mut() {
            counts.remove("");
        }
        json!({
            "contacts": { "total": self.contacts.len(), "by_day": days, "by_channel": channels },
            "requests": {
                "total": self.requests.len(),
                "imported": self.requests.len(),
                "by_day": self.by(|it| &it.day),
                "by_channel": self.by(|it| it.channel),
                "by_topic": self.by(|it| &it.topic),
                "by_unit": self.by(|it| &it.unit),
                "by_district": self.by(|it| &it.district),
                "by_state": self.by(|it| it.state),
                "by_sub_result": by_sub_result,
                "by_source_agency": self.by(|it| &it.agency),
                "by_source_status": self.by(|it| &it.status),
                "standard": {
                    "evaluated": count(|it| it.concluded.is_some() && it.due != 0),
                    "breached": count(|it| it.due != 0 && it.concluded.is_some_and(|at| at > it.due)),
                    "without_due": count(|it| it.concluded.is_some() && it.due == 0),
                    "open_due": count(|it| it.concluded.is_none() && it.due != 0),
                    "by_unit": self.judged(|it| &it.unit),
                    "by_source_agency": self.judged(|it| &it.agency),
                    "by_topic": self.judged(|it| &it.topic),
                },
            },
        })
    }
}

/// The API's lists of counts as the maps that they are: by their keys, without names.
pub(super) fn mapped(figures: &Value) -> Value {
    match figures {
        Value::Array(counts) => {
            let one = |it: &Value| {
                let key = it["key"].as_str().unwrap_or_default().to_owned();
                let judged = json!({ "evaluated": it["evaluated"], "breached": it["breached"] });
                let is_count = !it["count"].is_null();
                (
                    key,
                    if is_count {
                        it["count"].clone()
                    } else {
                        judged
                    },
                )
            };
            Value::Object(counts.iter().map(one).collect())
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, it)| (name.clone(), mapped(it)));
            Value::Object(fields.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => figures.clone(),
    }
}
