//! Calls in, checked field by field; events and replies out.
//!
//! A refusal names the field and the rule, and never quotes what was sent.

mod checks;
mod events;
mod refusals;
mod replies;
mod topics;

use chassis::{Invalid, event};
use contracts::routing::v1;
use jiff::Timestamp;
use uuid::Uuid;
use vocabulary::{Channel, RequestNumber, SubResult, TopicCode, UnitCode};

use crate::domain::{Assignee, Reached, ReturnReason, UnitDefinition, When};
use checks::{command_id, day, name, past, required_past, required_word, text, when};
pub(crate) use checks::{number, unit};
pub(crate) use events::{Registered, handling_event, registered, topic_event, unit_event};
pub(crate) use refusals::{refused, topic_refused};
pub(crate) use replies::{handling, reply, unit_defined};
pub(crate) use topics::{define_topic, topic_defined};

/// What all of people's commands carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) command_id: Uuid,
    pub(crate) number: RequestNumber,
    pub(crate) expected_version: u64,
    pub(crate) when: When,
}

/// Free text on its way to be sealed. It has no `Debug`, so that it reaches no log.
#[derive(Clone, Default)]
pub(crate) struct Text {
    /// The field of the event's personal part.
    pub(crate) field: &'static str,
    /// Empty where nothing was said.
    pub(crate) text: String,
}

/// A conclusion as it was asked for; whether its original exists is for the log to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AskedConclusion {
    pub(crate) sub_result: SubResult,
    pub(crate) original: Option<RequestNumber>,
    pub(crate) visited_at: Option<Timestamp>,
}

/// What another system did, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AskedImport {
    pub(crate) command_id: Uuid,
    pub(crate) number: RequestNumber,
    pub(crate) topic: TopicCode,
    pub(crate) unit: UnitCode,
    pub(crate) reached: Reached,
    pub(crate) registered_at: Timestamp,
    pub(crate) since: Timestamp,
}

pub(crate) fn target(proto: Option<&v1::Target>, now: Timestamp) -> Result<Target, Invalid> {
    let Some(proto) = proto else {
        return Err(Invalid::at("target", "is missing"));
    };
    Ok(Target {
        command_id: command_id(&proto.command_id, "target.command_id")?,
        number: number(&proto.number, "target.number")?,
        expected_version: proto.expected_version,
        when: when(proto.occurred_at, "target.occurred_at", now)?,
    })
}

pub(crate) fn return_reason(number: i32) -> Result<ReturnReason, Invalid> {
    let known = v1::ReturnReason::try_from(number)
        .map_err(|_| Invalid::at("reason", "is not a reason for a return"))?;
    match known {
        v1::ReturnReason::Unspecified => Err(Invalid::at("reason", "is missing")),
        v1::ReturnReason::NotOurTopic => Ok(ReturnReason::NotOurTopic),
        v1::ReturnReason::NotOurArea => Ok(ReturnReason::NotOurArea),
        v1::ReturnReason::MissingInformation => Ok(ReturnReason::MissingInformation),
        v1::ReturnReason::Other => Ok(ReturnReason::Other),
    }
}

pub(crate) fn note(note: &str) -> Result<Text, Invalid> {
    Ok(Text {
        field: "note",
        text: text(note, "note")?,
    })
}

pub(crate) fn answer(answer: &str) -> Result<Text, Invalid> {
    Ok(Text {
        field: "answer",
        text: text(answer, "answer")?,
    })
}

pub(crate) fn question(question: &str) -> Result<Text, Invalid> {
    required_text(question, "question")
}

pub(crate) fn remark(text: &str) -> Result<Text, Invalid> {
    required_text(text, "text")
}

fn required_text(said: &str, field: &'static str) -> Result<Text, Invalid> {
    match text(said, field)? {
        text if text.is_empty() => Err(Invalid::at(field, "is missing")),
        text => Ok(Text { field, text }),
    }
}

pub(crate) fn channel(number: i32) -> Result<Channel, Invalid> {
    required_word(number, "channel")
}

pub(crate) fn assignee(code: &str) -> Result<Assignee, Invalid> {
    checks::assignee(code)
}

pub(crate) fn planned_for(text: &str) -> Result<jiff::civil::Date, Invalid> {
    day(text, "planned_for")
}

pub(crate) fn conclusion(
    proto: &v1::ConcludeRequestRequest,
    now: Timestamp,
) -> Result<AskedConclusion, Invalid> {
    let original = match proto.original.as_str() {
        "" => None,
        original => Some(number(original, "original")?),
    };
    let sub_result = required_word(proto.sub_result, "sub_result")?;
    let visited_at = past(proto.visited_at, "visited_at", now)?;
    // What has no place in the event is not dropped in silence.
    if original.is_some() && sub_result != SubResult::Duplicate {
        return Err(Invalid::at(
            "original",
            "goes with the sub-result duplicate only",
        ));
    }
    if visited_at.is_some() && sub_result != SubResult::NotFound {
        return Err(Invalid::at(
            "visited_at",
            "goes with the sub-result not-found only",
        ));
    }
    Ok(AskedConclusion {
        sub_result,
        original,
        visited_at,
    })
}

pub(crate) fn import(
    proto: &v1::ImportHandlingRequest,
    now: Timestamp,
) -> Result<AskedImport, Invalid> {
    Ok(AskedImport {
        command_id: command_id(&proto.command_id, "command_id")?,
        number: number(&proto.number, "number")?,
        topic: checks::topic(&proto.topic, "topic")?,
        unit: unit(&proto.unit, "unit")?,
        reached: reached(proto)?,
        registered_at: required_past(proto.registered_at, "registered_at", now)?,
        since: required_past(proto.state_since, "state_since", now)?,
    })
}

fn reached(proto: &v1::ImportHandlingRequest) -> Result<Reached, Invalid> {
    use vocabulary::RequestState as State;
    match required_word::<State>(proto.state, "state")? {
        State::Routed => Ok(Reached::Routed),
        State::Assigned => Ok(Reached::Assigned),
        State::InProgress => Ok(Reached::InProgress),
        State::Concluded => Ok(Reached::Concluded(required_word(
            proto.sub_result,
            "sub_result",
        )?)),
        State::Registered
        | State::Returned
        | State::Accepted
        | State::Planned
        | State::Referred
        | State::Reopened
        | State::WaitingCitizen => Err(Invalid::at(
            "state",
            "is none of: routed assigned in-progress concluded",
        )),
    }
}

pub(crate) fn define_unit(
    proto: &v1::DefineUnitRequest,
) -> Result<(Uuid, UnitDefinition), Invalid> {
    let definition = UnitDefinition {
        code: unit(&proto.code, "code")?,
        name_tr: name(&proto.name_tr, "name_tr")?,
        name_en: name(&proto.name_en, "name_en")?,
        outside: proto.outside,
    };
    Ok((command_id(&proto.command_id, "command_id")?, definition))
}

/// What the reaction asks, told apart from anything else that may be asked under the same id. A registration's personal
/// part is left out: it may be erased between two tries.
pub(crate) fn reaction_fingerprint(number: &RequestNumber) -> [u8; 32] {
    event::fingerprint(&v1::RequestRouted {
        number: number.to_string(),
        ..v1::RequestRouted::default()
    })
}

#[cfg(test)]
mod tests;
