//! The directory: the units, and the topics with the unit that answers for each. Defining the same thing again changes
//! nothing; another definition is a change from now on.

use std::convert::Infallible;

use decider::Decider;
use vocabulary::{TopicCode, UnitCode};

use super::attributes::{Attribute, Standard};

/// A unit of the municipality, or an institution outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnitDefinition {
    pub(crate) code: UnitCode,
    pub(crate) name_tr: String,
    pub(crate) name_en: String,
    pub(crate) outside: bool,
}

/// A unit, as far as the directory knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Unit {
    #[default]
    Undefined,
    Defined(UnitDefinition),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnitCommand {
    DefineUnit(UnitDefinition),
}

/// These names are stored for ever. Add variants; never rename or reuse one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnitEvent {
    UnitDefined(UnitDefinition),
    UnitChanged(UnitDefinition),
}

impl Decider for Unit {
    type Command = UnitCommand;
    type Event = UnitEvent;
    type Rejection = Infallible;

    fn decide(&self, command: UnitCommand) -> Result<Vec<UnitEvent>, Infallible> {
        match (self, command) {
            (Unit::Undefined, UnitCommand::DefineUnit(unit)) => {
                Ok(vec![UnitEvent::UnitDefined(unit)])
            }
            (Unit::Defined(current), UnitCommand::DefineUnit(unit)) if *current == unit => {
                Ok(vec![])
            }
            (Unit::Defined(_), UnitCommand::DefineUnit(unit)) => {
                Ok(vec![UnitEvent::UnitChanged(unit)])
            }
        }
    }

    fn evolve(self, event: UnitEvent) -> Self {
        match event {
            UnitEvent::UnitDefined(unit) | UnitEvent::UnitChanged(unit) => Unit::Defined(unit),
        }
    }
}

/// What a request can be about, and who answers for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicDefinition {
    pub(crate) code: TopicCode,
    pub(crate) name_tr: String,
    pub(crate) name_en: String,
    pub(crate) unit: UnitCode,
    /// What citizens write about it may be published.
    pub(crate) public: bool,
    /// The code of its family; empty for none.
    pub(crate) group: String,
    /// Other words people use for it.
    pub(crate) keywords: Vec<String>,
    /// What is asked of everybody who files under it, in its order.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) standard: Option<Standard>,
}

/// A topic, as far as the directory knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Topic {
    #[default]
    Undefined,
    Defined(TopicDefinition),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TopicCommand {
    DefineTopic {
        topic: TopicDefinition,
        unit_known: bool,
    },
}

/// These names are stored for ever. Add variants; never rename or reuse one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TopicEvent {
    TopicDefined(TopicDefinition),
    TopicChanged(TopicDefinition),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TopicRejection {
    #[error("no such unit is in the directory")]
    UnknownUnit,
}

impl Decider for Topic {
    type Command = TopicCommand;
    type Event = TopicEvent;
    type Rejection = TopicRejection;

    fn decide(&self, command: TopicCommand) -> Result<Vec<TopicEvent>, TopicRejection> {
        let TopicCommand::DefineTopic { topic, unit_known } = command;
        match self {
            Topic::Undefined | Topic::Defined(_) if !unit_known => Err(TopicRejection::UnknownUnit),
            Topic::Undefined => Ok(vec![TopicEvent::TopicDefined(topic)]),
            Topic::Defined(current) if *current == topic => Ok(vec![]),
            Topic::Defined(_) => Ok(vec![TopicEvent::TopicChanged(topic)]),
        }
    }

    fn evolve(self, event: TopicEvent) -> Self {
        match event {
            TopicEvent::TopicDefined(topic) | TopicEvent::TopicChanged(topic) => {
                Topic::Defined(topic)
            }
        }
    }
}

/// The only places that know how the directory's streams are named.
pub(crate) fn unit_stream(code: &UnitCode) -> String {
    format!("unit-{code}")
}

pub(crate) fn topic_stream(code: &TopicCode) -> String {
    format!("topic-{code}")
}
