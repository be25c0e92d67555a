//! What the gateway hears from intake and routing, in the few shapes that it shows.

use chassis::event::{Undecodable, decode};
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::Event,
    routing::v1::{
        CitizenWrote, CommentAdded, InformationAsked, RequestAccepted, RequestAssigned,
        RequestConcluded, RequestPlanned, RequestReferred, RequestReopened, RequestReturned,
        RequestRouted, RequestRoutedManually, TopicChanged, TopicDefined, UnitChanged, UnitDefined,
        WorkStarted,
    },
    vocabulary::v1::Sealed,
};
use vocabulary::{RequestState, SubResult};

/// One event that matters here.
pub(crate) enum Heard {
    Registered(Box<RequestRegistered>),
    Moved(Step),
    Touched(Touch),
    Unit(UnitDefined),
    Topic(TopicDefined),
}

/// Something was said about a request, and it stands where it stood.
pub(crate) struct Touch {
    pub(crate) number: String,
    /// The public may know that something was said.
    pub(crate) public: bool,
}

/// A request reached a state.
pub(crate) struct Step {
    pub(crate) number: String,
    pub(crate) state: RequestState,
    /// Empty where the event leaves the unit as it was.
    pub(crate) unit: String,
    /// Who of the unit has it from now on, "" for nobody; `None` where the event leaves it as it was.
    pub(crate) assignee: Option<String>,
    /// What was planned, or where it was referred to, stays as it was.
    pub(crate) keeps_plan: bool,
    pub(crate) planned_for: String,
    pub(crate) institution: String,
    pub(crate) sub_result: Option<SubResult>,
    /// The reasoned answer that the citizen reads.
    pub(crate) answer: Option<Sealed>,
    /// The citizen answered the unit's question, and the request is back where it was.
    pub(crate) answered: bool,
}

impl Step {
    fn to(state: RequestState, number: String, unit: String) -> Self {
        Self {
            number,
            state,
            unit,
            assignee: None,
            keeps_plan: false,
            planned_for: String::new(),
            institution: String::new(),
            sub_result: None,
            answer: None,
            answered: false,
        }
    }
}

/// Reads an event; `None` for one that does not matter here.
pub(crate) fn hear(event: &Event) -> Result<Option<Heard>, Undecodable> {
    let heard = match event.r#type.as_str() {
        "intake.RequestRegistered" => Heard::Registered(Box::new(decode(event)?)),
        "routing.UnitDefined" => Heard::Unit(decode(event)?),
        "routing.UnitChanged" => {
            let UnitChanged {
                code,
                name_tr,
                name_en,
                outside,
            } = decode(event)?;
            Heard::Unit(UnitDefined {
                code,
                name_tr,
                name_en,
                outside,
            })
        }
        "routing.TopicDefined" => Heard::Topic(decode(event)?),
        "routing.TopicChanged" => {
            let TopicChanged {
                code,
                name_tr,
                name_en,
                unit,
                public,
                group,
                keywords,
                attributes,
                standard,
            } = decode(event)?;
            Heard::Topic(TopicDefined {
                code,
                name_tr,
                name_en,
                unit,
                public,
                group,
                keywords,
                attributes,
                standard,
            })
        }
        "routing.CommentAdded" => {
            let CommentAdded { number, public, .. } = decode(event)?;
            Heard::Touched(Touch { number, public })
        }
        "routing.CitizenWrote" => match step(event)? {
            Some(answered) => Heard::Moved(answered),
            None => {
                let CitizenWrote { number, .. } = decode(event)?;
                Heard::Touched(Touch {
                    number,
                    public: true,
                })
            }
        },
        _ => return Ok(step(event)?.map(Heard::Moved)),
    };
    Ok(Some(heard))
}

/// Reads an event of a request's handling.
pub(crate) fn step(event: &Event) -> Result<Option<Step>, Undecodable> {
    let step = match event.r#type.as_str() {
        "routing.RequestRouted" => {
            let it: RequestRouted = decode(event)?;
            Step {
                assignee: Some(String::new()),
                ..Step::to(RequestState::Routed, it.number, it.unit)
            }
        }
        "routing.RequestRoutedManually" => {
            let it: RequestRoutedManually = decode(event)?;
            Step {
                assignee: Some(String::new()),
                ..Step::to(RequestState::Routed, it.number, it.unit)
            }
        }
        "routing.RequestReturned" => {
            let it: RequestReturned = decode(event)?;
            Step::to(RequestState::Returned, it.number, it.unit)
        }
        "routing.RequestAccepted" => {
            let it: RequestAccepted = decode(event)?;
            Step::to(RequestState::Accepted, it.number, it.unit)
        }
        "routing.RequestAssigned" => {
            let it: RequestAssigned = decode(event)?;
            Step {
                assignee: Some(it.assignee),
                ..Step::to(RequestState::Assigned, it.number, it.unit)
            }
        }
        "routing.WorkStarted" => {
            let it: WorkStarted = decode(event)?;
            Step::to(RequestState::InProgress, it.number, it.unit)
        }
        "routing.RequestPlanned" => {
            let it: RequestPlanned = decode(event)?;
            Step {
                planned_for: it.planned_for,
                ..Step::to(RequestState::Planned, it.number, it.unit)
            }
        }
        "routing.RequestReferred" => {
            let it: RequestReferred = decode(event)?;
            Step {
                institution: it.institution,
                ..Step::to(RequestState::Referred, it.number, String::new())
            }
        }
        "routing.RequestConcluded" => {
            let it: RequestConcluded = decode(event)?;
            Step {
                sub_result: SubResult::try_from(it.sub_result).ok(),
                answer: it.personal.and_then(|it| it.answer),
                ..Step::to(RequestState::Concluded, it.number, it.unit)
            }
        }
        "routing.RequestReopened" => {
            let it: RequestReopened = decode(event)?;
            Step::to(RequestState::Reopened, it.number, it.unit)
        }
        "routing.InformationAsked" => {
            let it: InformationAsked = decode(event)?;
            Step {
                keeps_plan: true,
                ..Step::to(RequestState::WaitingCitizen, it.number, it.unit)
            }
        }
        "routing.CitizenWrote" => {
            let it: CitizenWrote = decode(event)?;
            // A message that answers nothing is no step.
            let Ok(state) = RequestState::try_from(it.back_to) else {
                return Ok(None);
            };
            Step {
                keeps_plan: true,
                answered: true,
                ..Step::to(state, it.number, String::new())
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(step))
}
