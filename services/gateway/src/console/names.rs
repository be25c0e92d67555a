//! The directory's names, and a request's row in a list, in the page's language.

use std::collections::HashMap;

use tonic::Status;
use vocabulary::{Channel, RequestState};

use super::{clocks, page::Visit};
use crate::{
    Centre,
    params::escaped,
    register::{Entry, Name, unit_name},
    text::{self, Words},
};

/// One choice of a filter.
pub(super) struct Choice {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) chosen: bool,
}

/// One request of the list.
pub(super) struct Row {
    pub(super) number: String,
    pub(super) href: String,
    pub(super) topic: String,
    pub(super) place: String,
    pub(super) state: &'static str,
    pub(super) look: &'static str,
    pub(super) since: String,
    pub(super) unit: String,
    pub(super) assignee: String,
    pub(super) channel: &'static str,
    pub(super) registered: String,
    pub(super) mood: &'static str,
    pub(super) due: String,
    pub(super) due_at: String,
    /// What of it a search found.
    pub(super) matched: String,
}

impl Row {
    /// The same row, leading to the request of that moment; "" for now.
    pub(super) fn at(mut self, as_of: &str) -> Self {
        if !as_of.is_empty() {
            self.href = format!("{}?as_of={}", self.href, escaped(as_of));
        }
        self
    }
}

/// The directory's names, in the page's language.
pub(super) struct Names {
    units: HashMap<String, Name>,
    topics: HashMap<String, String>,
    pub(super) districts: Vec<String>,
    words: Words,
}

impl Names {
    pub(super) async fn read(centre: &Centre, visit: &Visit) -> Result<Self, Status> {
        let (register, words) = (visit.register(centre), visit.words);
        let topics = register.topics().await?.into_iter();
        let topics = topics.map(|it| {
            let name = text::capital(it.name.of(words.0), words.0);
            (it.code, name)
        });
        let mut districts = register.districts().await?;
        districts.sort_by_key(|it| text::sort_key(it));
        Ok(Self {
            units: register.units().await?,
            topics: topics.collect(),
            districts,
            words,
        })
    }

    pub(super) fn units(&self) -> &HashMap<String, Name> {
        &self.units
    }

    pub(super) fn unit(&self, code: &str) -> String {
        if code.is_empty() {
            return self.words.get("console-no-unit");
        }
        unit_name(&self.units, code, self.words.0)
    }

    pub(super) fn topic(&self, code: &str) -> String {
        self.topics
            .get(code)
            .cloned()
            .unwrap_or_else(|| code.to_owned())
    }

    /// Codes and names, in the order of a dictionary.
    pub(super) fn sorted_topics(&self) -> Vec<(&str, &str)> {
        sorted(
            self.topics
                .iter()
                .map(|(code, name)| (code.as_str(), name.as_str()))
                .collect(),
        )
    }

    pub(super) fn sorted_units(&self) -> Vec<(&str, &str)> {
        let names = self
            .units
            .iter()
            .map(|(code, name)| (code.as_str(), name.of(self.words.0)));
        sorted(names.collect())
    }

    pub(super) fn row(&self, entry: &Entry, now: i64, matched: &str) -> Row {
        let words = self.words;
        let state = entry.state();
        let place = [entry.neighbourhood.as_str(), entry.district.as_str()];
        let place: Vec<&str> = place.into_iter().filter(|it| !it.is_empty()).collect();
        let is_paused = state == RequestState::WaitingCitizen;
        let (mood, due) = match entry.due_at.filter(|_| entry.open && !is_paused) {
            Some(due) => clocks::remaining(due, now, words),
            None => ("", String::new()),
        };
        Row {
            number: entry.number.clone(),
            href: format!("/console/requests/{}", entry.number),
            topic: self.topic(&entry.topic),
            place: place.join(", "),
            state: entry
                .sub_result()
                .map_or(state.label(words.0), |it| it.label(words.0)),
            look: look(state),
            since: words.with(
                "console-ago",
                [(
                    "span",
                    &clocks::span((now - entry.state_since).max(0), words.0),
                )],
            ),
            unit: self.unit(&entry.unit),
            assignee: entry.assignee.clone(),
            channel: entry
                .channel
                .parse::<Channel>()
                .map_or("", |it| it.label(words.0)),
            registered: text::moment(entry.registered_at, words.0),
            mood,
            due,
            due_at: entry
                .due_at
                .map(|it| text::moment(it, words.0))
                .unwrap_or_default(),
            matched: matched.to_owned(),
        }
    }
}

fn sorted<'a>(mut names: Vec<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    names.sort_by_cached_key(|(_, name)| text::sort_key(name));
    names
}

/// How a state's chip looks.
pub(super) const fn look(state: RequestState) -> &'static str {
    match state {
        RequestState::Registered | RequestState::Routed => "new",
        RequestState::Returned | RequestState::Reopened => "back",
        RequestState::Accepted
        | RequestState::Assigned
        | RequestState::InProgress
        | RequestState::Planned => "work",
        RequestState::Referred | RequestState::WaitingCitizen => "wait",
        RequestState::Concluded => "done",
    }
}

pub(super) fn choice(code: &str, name: String, chosen: &str) -> Choice {
    Choice {
        code: code.to_owned(),
        name,
        chosen: code == chosen,
    }
}
