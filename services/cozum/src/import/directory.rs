//! The agencies and topics that an export names, and what the directory lacks of them; it is written before any request.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use chassis::event;
use contracts::routing::v1::{
    CommandReply, DefineTopicRequest, DefineUnitRequest, ListTopicsRequest, ListUnitsRequest,
    TopicDefined, UnitDefined,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tonic::{Response, Status};
use vocabulary::{TopicCode, UnitCode};

use super::{Row, codes, command_id};
use crate::client::{Client, in_words, patiently};

/// How many definitions are on their way at a time.
const WORKERS: usize = 16;

/// What the rows name.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// The agency's word, and its name where a row says one.
    units: BTreeMap<String, String>,
    /// The topic's name, and how often each agency answers for it.
    topics: BTreeMap<String, BTreeMap<String, u64>>,
}

/// What a centre's directory holds already, by code.
#[derive(Debug, Default)]
pub(super) struct Existing {
    units: BTreeMap<String, UnitDefined>,
    topics: BTreeMap<String, TopicDefined>,
}

/// The codes of what the rows name, and what has to be written.
#[derive(Debug)]
pub(super) struct Plan {
    /// The code of each agency's word.
    pub(super) units: BTreeMap<String, UnitCode>,
    /// The code of each topic's name.
    pub(super) topics: BTreeMap<String, TopicCode>,
    pub(super) new_units: Vec<UnitDefined>,
    pub(super) changed_units: Vec<UnitDefined>,
    pub(super) new_topics: Vec<TopicDefined>,
    pub(super) changed_topics: Vec<TopicDefined>,
}

impl Existing {
    /// Asks a centre.
    pub(super) async fn of(client: &Client) -> anyhow::Result<Self> {
        let units = patiently(|| {
            let mut routing = client.routing();
            async move { routing.list_units(ListUnitsRequest {}).await }
        });
        let topics = patiently(|| {
            let mut routing = client.routing();
            async move { routing.list_topics(ListTopicsRequest {}).await }
        });
        let told = |it: Status| anyhow::anyhow!(in_words(&it));
        let units = units.await.map_err(told)?.into_inner().units;
        let topics = topics.await.map_err(told)?.into_inner().topics;
        let units = units.into_iter().map(|it| (it.code.clone(), it));
        let topics = topics.into_iter().map(|it| (it.code.clone(), it));
        Ok(Self {
            units: units.collect(),
            topics: topics.collect(),
        })
    }
}

impl Directory {
    /// Notes what a row names.
    pub(super) fn note(&mut self, row: &Row) {
        let name = self
            .units
            .entry(row.unit.clone())
            .or_insert_with(|| row.unit_name.clone());
        if *name == row.unit && row.unit_name != row.unit {
            name.clone_from(&row.unit_name);
        }
        *self
            .topics
            .entry(row.topic.clone())
            .or_default()
            .entry(row.unit.clone())
            .or_default() += 1;
    }

    /// What a directory lacks: each unit by its name, each topic under the unit that answers for it most often. Whatever
    /// else the directory says of them, its own people wrote, and it stands.
    pub(super) fn plan(&self, source: &str, existing: &Existing) -> Plan {
        let words: BTreeSet<String> = self.units.keys().cloned().collect();
        let names: BTreeSet<String> = self.topics.keys().cloned().collect();
        let mut plan = Plan {
            units: codes::units(source, &words),
            topics: codes::topics(source, &names),
            new_units: vec![],
            changed_units: vec![],
            new_topics: vec![],
            changed_topics: vec![],
        };
        for (word, name) in &self.units {
            let code = plan.units[word].as_str();
            let known = existing.units.get(code);
            let wanted = UnitDefined {
                code: code.to_owned(),
                name_tr: name.clone(),
                name_en: name.clone(),
                ..known.cloned().unwrap_or_default()
            };
            match known {
                None => plan.new_units.push(wanted),
                Some(known) if *known != wanted => plan.changed_units.push(wanted),
                Some(_) => {}
            }
        }
        for (name, answering) in &self.topics {
            let code = plan.topics[name].as_str();
            let known = existing.topics.get(code);
            let unit = most_often(answering).and_then(|word| plan.units.get(word));
            let wanted = TopicDefined {
                code: code.to_owned(),
                name_tr: name.clone(),
                name_en: name.clone(),
                unit: unit.map(ToString::to_string).unwrap_or_default(),
                ..known.cloned().unwrap_or_default()
            };
            match known {
                None => plan.new_topics.push(wanted),
                Some(known) if *known != wanted => plan.changed_topics.push(wanted),
                Some(_) => {}
            }
        }
        plan
    }
}

impl Plan {
    /// Writes what is lacking, the units first; gives the position of the last definition.
    pub(super) async fn carry_out(&self, source: &str, client: &Client) -> anyhow::Result<u64> {
        let units = self.new_units.iter().chain(&self.changed_units);
        let units = units.map(|unit| async move {
            define_unit(source, client, unit)
                .await
                .with_context(|| format!("unit {:?}", unit.name_tr))
        });
        let defined = last_of(units).await?;
        let client = &client.clone().having_seen(defined);
        let topics = self.new_topics.iter().chain(&self.changed_topics);
        let topics = topics.map(|topic| async move {
            define_topic(source, client, topic)
                .await
                .with_context(|| format!("topic {:?}", topic.name_tr))
        });
        Ok(defined.max(last_of(topics).await?))
    }
}

async fn last_of(
    definitions: impl Iterator<Item = impl Future<Output = anyhow::Result<u64>>>,
) -> anyhow::Result<u64> {
    stream::iter(definitions)
        .buffer_unordered(WORKERS)
        .try_fold(0, async |last, position| Ok(last.max(position)))
        .await
}

/// The command's id follows from all it says.
async fn define_unit(source: &str, client: &Client, unit: &UnitDefined) -> anyhow::Result<u64> {
    let mut request = DefineUnitRequest {
        command_id: String::new(),
        code: unit.code.clone(),
        name_tr: unit.name_tr.clone(),
        name_en: unit.name_en.clone(),
        outside: unit.outside,
    };
    let what = format!("unit:{}:{:x?}", unit.code, event::fingerprint(&request));
    request.command_id = command_id(source, &what).to_string();
    let reply = patiently(|| {
        let (mut routing, request) = (client.routing(), request.clone());
        async move { routing.define_unit(request).await }
    });
    position(reply.await)
}

async fn define_topic(source: &str, client: &Client, topic: &TopicDefined) -> anyhow::Result<u64> {
    let topic = topic.clone();
    let mut request = DefineTopicRequest {
        command_id: String::new(),
        code: topic.code,
        name_tr: topic.name_tr,
        name_en: topic.name_en,
        unit: topic.unit,
        public: topic.public,
        group: topic.group,
        keywords: topic.keywords,
        attributes: topic.attributes,
        standard: topic.standard,
    };
    let what = format!("topic:{}:{:x?}", request.code, event::fingerprint(&request));
    request.command_id = command_id(source, &what).to_string();
    let reply = patiently(|| {
        let (mut routing, request) = (client.routing(), request.clone());
        async move { routing.define_topic(request).await }
    });
    position(reply.await)
}

fn position(reply: Result<Response<CommandReply>, Status>) -> anyhow::Result<u64> {
    match reply {
        Ok(reply) => Ok(reply.into_inner().position),
        Err(status) => Err(anyhow::anyhow!(in_words(&status))),
    }
}

/// The agency that answers most often; of equals the first by name.
fn most_often(answering: &BTreeMap<String, u64>) -> Option<&String> {
    answering
        .iter()
        .rev()
        .max_by_key(|(_, times)| **times)
        .map(|(word, _)| word)
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
