//! The agencies and topics that an export names, written to the directory before any of its requests.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use contracts::routing::v1::{DefineTopicRequest, DefineUnitRequest};
use vocabulary::{TopicCode, UnitCode};

use super::{Row, codes, command_id};
use crate::client::{Client, in_words, patiently};

/// What the rows name.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// The agency's word, and its name where a row says one.
    units: BTreeMap<String, String>,
    /// The topic's name, and how often each agency answers for it.
    topics: BTreeMap<String, BTreeMap<String, u64>>,
}

/// What is defined now.
#[derive(Debug)]
pub(super) struct Known {
    /// The code of each agency's word.
    pub(super) units: BTreeMap<String, UnitCode>,
    /// The code of each topic's name.
    pub(super) topics: BTreeMap<String, TopicCode>,
    /// Where the last definition was recorded.
    pub(super) position: u64,
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

    /// Defines every unit, then every topic under the unit that answers for it most often.
    pub(super) async fn define(self, source: &str, client: &Client) -> anyhow::Result<Known> {
        let units = codes::units(source, &self.units.keys().cloned().collect::<BTreeSet<_>>());
        let topics = codes::topics(
            source,
            &self.topics.keys().cloned().collect::<BTreeSet<_>>(),
        );
        let mut position = 0;
        for (word, name) in &self.units {
            let request = DefineUnitRequest {
                command_id: command_id(source, &format!("unit:{}:{word}:{name}", units[word]))
                    .to_string(),
                code: units[word].to_string(),
                name_tr: name.clone(),
                name_en: name.clone(),
                outside: false,
            };
            let reply = patiently(|| {
                let (mut routing, request) = (client.routing(), request.clone());
                async move { routing.define_unit(request).await }
            });
            let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)));
            position = position.max(
                reply
                    .with_context(|| format!("unit {word:?}"))?
                    .into_inner()
                    .position,
            );
        }
        for (name, answering) in &self.topics {
            let unit = most_often(answering)
                .and_then(|word| units.get(word))
                .map(ToString::to_string);
            let unit = unit.unwrap_or_default();
            let code = topics[name].to_string();
            let request = DefineTopicRequest {
                command_id: command_id(source, &format!("topic:{code}:{name}:{unit}")).to_string(),
                code,
                name_tr: name.clone(),
                name_en: name.clone(),
                unit,
                public: false,
                ..DefineTopicRequest::default()
            };
            let client = client.clone().having_seen(position);
            let reply = patiently(|| {
                let (mut routing, request) = (client.routing(), request.clone());
                async move { routing.define_topic(request).await }
            });
            let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)));
            position = position.max(
                reply
                    .with_context(|| format!("topic {name:?}"))?
                    .into_inner()
                    .position,
            );
        }
        Ok(Known {
            units,
            topics,
            position,
        })
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
mod tests {
    use super::*;

    #[test]
    fn a_topic_belongs_to_the_agency_that_answers_most_often() {
        let count = |pairs: &[(&str, u64)]| {
            pairs
                .iter()
                .map(|(word, times)| ((*word).to_owned(), *times))
                .collect()
        };
        let twice: BTreeMap<String, u64> = count(&[("DHS", 2), ("NYPD", 1)]);
        assert_eq!(most_often(&twice).unwrap(), "DHS");
        let even: BTreeMap<String, u64> = count(&[("NYPD", 1), ("DHS", 1)]);
        assert_eq!(most_often(&even).unwrap(), "DHS");
    }
}
