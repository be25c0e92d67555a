use std::str::FromStr;

use chassis::{
    Storable,
    event::{self, Undecodable},
};
use contracts::{intake::v1::RequestRegistered, ledger::v1 as log, routing::v1};
use jiff::Timestamp;
use vocabulary::{Channel, RequestNumber, RequestState, SubResult, TopicCode};

use crate::{
    domain::{
        Assignee, Event, Fact, Handling, ReturnReason, Rule, Topic, TopicEvent, Unit,
        UnitDefinition, UnitEvent,
    },
    wire::topics,
};

/// What routing wants to know of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) number: RequestNumber,
    pub(crate) topic: TopicCode,
    pub(crate) imported: bool,
    pub(crate) occurred_at: Timestamp,
}

/// The registration that an event is; `None` for any other event.
pub(crate) fn registered(event: &log::Event) -> Result<Option<Registered>, Undecodable> {
    if !event::is::<RequestRegistered>(event) {
        return Ok(None);
    }
    let message = event::decode::<RequestRegistered>(event)?;
    Ok(Some(Registered {
        number: word(event, "number", &message.number)?,
        topic: word(event, "topic", &message.topic)?,
        imported: message.imported.is_some(),
        occurred_at: event::occurred_at(event),
    }))
}

impl Storable for Handling {
    fn matters(event: &Event) -> bool {
        !event.fact.is_remark()
    }

    fn decode(event: &log::Event) -> Result<Option<Event>, Undecodable> {
        Ok(fact(event)?.map(|fact| Event {
            at: event::occurred_at(event),
            fact,
        }))
    }
}

fn fact(event: &log::Event) -> Result<Option<Fact>, Undecodable> {
    Ok(Some(match event.r#type.as_str() {
        "routing.RequestRouted" => {
            let it = event::decode::<v1::RequestRouted>(event)?;
            let rule = (!it.imported).then_some(Rule {
                name: it.rule,
                version: it.rule_version,
            });
            Fact::RequestRouted {
                unit: word(event, "unit", &it.unit)?,
                topic: word(event, "topic", &it.topic)?,
                rule,
            }
        }
        "routing.RequestRoutedManually" => {
            let it = event::decode::<v1::RequestRoutedManually>(event)?;
            Fact::RequestRoutedManually {
                unit: word(event, "unit", &it.unit)?,
            }
        }
        "routing.RequestReturned" => {
            let it = event::decode::<v1::RequestReturned>(event)?;
            Fact::RequestReturned {
                unit: word(event, "unit", &it.unit)?,
                reason: reason(event, it.reason)?,
            }
        }
        "routing.RequestAccepted" => {
            let it = event::decode::<v1::RequestAccepted>(event)?;
            Fact::RequestAccepted {
                unit: word(event, "unit", &it.unit)?,
            }
        }
        "routing.RequestAssigned" => {
            let it = event::decode::<v1::RequestAssigned>(event)?;
            let assignee = (!it.assignee.is_empty()).then_some(Assignee(it.assignee));
            Fact::RequestAssigned {
                unit: word(event, "unit", &it.unit)?,
                assignee,
            }
        }
        "routing.WorkStarted" => {
            let it = event::decode::<v1::WorkStarted>(event)?;
            Fact::WorkStarted {
                unit: word(event, "unit", &it.unit)?,
            }
        }
        "routing.RequestPlanned" => {
            let it = event::decode::<v1::RequestPlanned>(event)?;
            let planned_for = word(event, "planned_for", &it.planned_for)?;
            Fact::RequestPlanned {
                unit: word(event, "unit", &it.unit)?,
                planned_for,
            }
        }
        "routing.RequestReferred" => {
            let it = event::decode::<v1::RequestReferred>(event)?;
            Fact::RequestReferred {
                institution: word(event, "institution", &it.institution)?,
            }
        }
        "routing.RequestConcluded" => concluded(event)?,
        "routing.RequestReopened" => {
            let it = event::decode::<v1::RequestReopened>(event)?;
            Fact::RequestReopened {
                unit: word(event, "unit", &it.unit)?,
                times: it.times,
            }
        }
        "routing.InformationAsked" => {
            let it = event::decode::<v1::InformationAsked>(event)?;
            Fact::InformationAsked {
                unit: word(event, "unit", &it.unit)?,
            }
        }
        "routing.CommentAdded" => {
            let it = event::decode::<v1::CommentAdded>(event)?;
            let unit = match it.unit.as_str() {
                "" => None,
                unit => Some(word(event, "unit", unit)?),
            };
            Fact::CommentAdded {
                unit,
                public: it.public,
            }
        }
        "routing.CitizenWrote" => {
            let it = event::decode::<v1::CitizenWrote>(event)?;
            let back_to = match it.back_to {
                0 => None,
                state => {
                    Some(RequestState::try_from(state).map_err(|_| unknown(event, "back_to"))?)
                }
            };
            Fact::CitizenWrote {
                channel: Channel::try_from(it.channel).map_err(|_| unknown(event, "channel"))?,
                back_to,
            }
        }
        _ => return Ok(None),
    }))
}

fn concluded(event: &log::Event) -> Result<Fact, Undecodable> {
    let it = event::decode::<v1::RequestConcluded>(event)?;
    let original = match it.original.as_str() {
        "" => None,
        original => Some(word(event, "original", original)?),
    };
    Ok(Fact::RequestConcluded {
        unit: word(event, "unit", &it.unit)?,
        sub_result: SubResult::try_from(it.sub_result).map_err(|_| unknown(event, "sub_result"))?,
        original,
        visited_at: (it.visited_at != 0).then(|| event::timestamp(it.visited_at)),
    })
}

fn reason(event: &log::Event, number: i32) -> Result<ReturnReason, Undecodable> {
    match v1::ReturnReason::try_from(number) {
        Ok(v1::ReturnReason::NotOurTopic) => Ok(ReturnReason::NotOurTopic),
        Ok(v1::ReturnReason::NotOurArea) => Ok(ReturnReason::NotOurArea),
        Ok(v1::ReturnReason::MissingInformation) => Ok(ReturnReason::MissingInformation),
        Ok(v1::ReturnReason::Other) => Ok(ReturnReason::Other),
        Ok(v1::ReturnReason::Unspecified) | Err(_) => Err(unknown(event, "reason")),
    }
}

impl Storable for Unit {
    fn decode(event: &log::Event) -> Result<Option<UnitEvent>, Undecodable> {
        if event::is::<v1::UnitDefined>(event) {
            let it = event::decode::<v1::UnitDefined>(event)?;
            return Ok(Some(UnitEvent::UnitDefined(UnitDefinition {
                code: word(event, "code", &it.code)?,
                name_tr: it.name_tr,
                name_en: it.name_en,
                outside: it.outside,
            })));
        }
        if event::is::<v1::UnitChanged>(event) {
            let it = event::decode::<v1::UnitChanged>(event)?;
            return Ok(Some(UnitEvent::UnitChanged(UnitDefinition {
                code: word(event, "code", &it.code)?,
                name_tr: it.name_tr,
                name_en: it.name_en,
                outside: it.outside,
            })));
        }
        Ok(None)
    }
}

impl Storable for Topic {
    fn decode(event: &log::Event) -> Result<Option<TopicEvent>, Undecodable> {
        if event::is::<v1::TopicDefined>(event) {
            let it = event::decode::<v1::TopicDefined>(event)?;
            return Ok(Some(TopicEvent::TopicDefined(topics::recorded(event, it)?)));
        }
        if event::is::<v1::TopicChanged>(event) {
            let it = topics::definition_after(event::decode::<v1::TopicChanged>(event)?);
            return Ok(Some(TopicEvent::TopicChanged(topics::recorded(event, it)?)));
        }
        Ok(None)
    }
}

fn word<T: FromStr>(event: &log::Event, field: &'static str, text: &str) -> Result<T, Undecodable> {
    text.parse().map_err(|_| unknown(event, field))
}

fn unknown(event: &log::Event, field: &'static str) -> Undecodable {
    Undecodable::Word {
        position: event.position,
        name: event.r#type.clone(),
        field,
    }
}
