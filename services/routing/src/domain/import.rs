use jiff::Timestamp;
use vocabulary::{SubResult, TopicCode, UnitCode};

use super::{Decision, Event, Fact, Handling, Rejection, Stage, Work};

/// What another system did with a request, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    /// The request was registered as imported.
    pub(crate) imported: bool,
    pub(crate) unit: UnitCode,
    /// The unit stands in the directory.
    pub(crate) unit_known: bool,
    pub(crate) topic: TopicCode,
    pub(crate) reached: Reached,
    pub(crate) registered_at: Timestamp,
    /// When `reached` was reached.
    pub(crate) since: Timestamp,
}

/// How far it got there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    Routed,
    Assigned,
    InProgress,
    Concluded(SubResult),
}

impl Handling {
    /// What is new in what the other system says. An export older than what is known says nothing new.
    pub(super) fn import(&self, it: Import) -> Decision {
        if !it.imported {
            return Err(Rejection::NotImported);
        }
        if !it.unit_known {
            return Err(Rejection::UnknownUnit);
        }
        if it.since < it.registered_at {
            return Err(Rejection::StateBeforeRegistration);
        }
        match self {
            Handling::Unrouted => {
                let routed = Event {
                    at: it.registered_at,
                    fact: it.routed(),
                };
                let reached = it
                    .reached
                    .fact(&it.unit)
                    .map(|fact| Event { at: it.since, fact });
                Ok([routed].into_iter().chain(reached).collect())
            }
            Handling::Known(work) if it.since < work.since => Ok(vec![]),
            Handling::Known(work) => {
                let facts = work.news(&it);
                Ok(facts
                    .into_iter()
                    .map(|fact| Event { at: it.since, fact })
                    .collect())
            }
        }
    }
}

impl Work {
    fn news(&self, it: &Import) -> Vec<Fact> {
        let moved = self.unit != it.unit;
        if !moved && it.reached.is_told_by(&self.stage) {
            return vec![];
        }
        let mut facts = vec![];
        if self.is_concluded() && !it.reached.is_concluded() {
            facts.push(self.opens_again());
        }
        if moved {
            facts.push(it.routed());
        }
        facts.extend(it.reached.fact(&it.unit));
        facts
    }

    fn is_concluded(&self) -> bool {
        matches!(self.stage, Stage::Concluded(_))
    }
}

impl Import {
    fn routed(&self) -> Fact {
        Fact::RequestRouted {
            unit: self.unit.clone(),
            topic: self.topic.clone(),
            rule: None,
        }
    }
}

impl Reached {
    fn fact(self, unit: &UnitCode) -> Option<Fact> {
        let unit = unit.clone();
        match self {
            Reached::Routed => None,
            Reached::Assigned => Some(Fact::RequestAssigned {
                unit,
                assignee: None,
            }),
            Reached::InProgress => Some(Fact::WorkStarted { unit }),
            Reached::Concluded(sub_result) => Some(Fact::RequestConcluded {
                unit,
                sub_result,
                original: None,
                visited_at: None,
            }),
        }
    }

    fn is_concluded(self) -> bool {
        matches!(self, Reached::Concluded(_))
    }

    /// Whether the stage says as much already. "Routed" there means open: any open stage here says more.
    fn is_told_by(self, stage: &Stage) -> bool {
        match self {
            Reached::Routed => !matches!(stage, Stage::Concluded(_)),
            Reached::Assigned => *stage == Stage::Assigned,
            Reached::InProgress => *stage == Stage::InProgress,
            Reached::Concluded(sub_result) => *stage == Stage::Concluded(sub_result),
        }
    }
}
