//! Which unit answers a request, and what the unit does with it.
//!
//! A handling begins when the request is routed: by a topic's rule, by a person, or by the system it was imported from.
//! From then on it stands at one stage, and each command of a person either moves it or is refused with the state of
//! affairs. Comments and the citizen's messages stand beside the work: they are taken at any time, and only the message
//! that the unit waits for changes anything. Only facts are decided here: notes and answers are sealed around the decision,
//! which hears of a text only whether there is one. The directory of units and topics is decided in `domain/directory.rs`.

mod attributes;
mod decisions;
mod directory;
mod facts;
mod import;

use decider::Decider;
use jiff::{Timestamp, civil::Date};
use vocabulary::{Channel, RequestNumber, RequestState, SubResult, TopicCode, UnitCode};

pub(crate) use attributes::{Attribute, Choice, Standard};
pub(crate) use directory::{
    Topic, TopicCommand, TopicDefinition, TopicEvent, TopicRejection, Unit, UnitCommand,
    UnitDefinition, UnitEvent, topic_stream, unit_stream,
};
pub(crate) use facts::{Event, Fact};
pub(crate) use import::{Import, Reached};

/// A request, as far as routing cares about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Handling {
    /// Nothing happened yet.
    #[default]
    Unrouted,
    /// It is, or was, in the hands of a unit.
    Known(Work),
}

/// A unit's work on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) unit: UnitCode,
    pub(crate) stage: Stage,
    /// The citizen was asked something and has not answered; the stage is the one before the question.
    pub(crate) waits_for_citizen: bool,
    /// When the stage was reached, or the citizen was asked or answered.
    pub(crate) since: Timestamp,
    /// Who of the unit has it, if anybody does.
    pub(crate) assignee: Option<Assignee>,
    /// It was with an institution outside at some time.
    pub(crate) ever_referred: bool,
    /// How often it was opened again.
    pub(crate) reopened: u32,
}

/// Where the work stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    Routed,
    Returned,
    Accepted,
    Assigned,
    InProgress,
    Planned(Date),
    Referred(UnitCode),
    Concluded(SubResult),
    Reopened,
}

/// A crew or a member of staff, by code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignee(pub(crate) String);

/// "Not our subject", and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReturnReason {
    NotOurTopic,
    NotOurArea,
    MissingInformation,
    Other,
}

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    pub(crate) at: Timestamp,
    /// Somebody said so; otherwise it is the time of the call.
    pub(crate) stated: bool,
}

/// What the directory says about a unit's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Unknown,
    Inside,
    Outside,
}

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// By the rule of the request's topic, as soon as the request is registered.
    RouteRequest {
        unit: UnitCode,
        topic: TopicCode,
        rule: Rule,
        at: Timestamp,
    },
    /// What another system did with an imported request.
    ImportHandling(Import),
    /// What a person does.
    Act { when: When, act: Act },
}

/// What people do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    RouteManually {
        unit: UnitCode,
        standing: Standing,
    },
    ReturnRequest {
        reason: ReturnReason,
    },
    AcceptRequest,
    AssignRequest {
        assignee: Assignee,
    },
    StartWork,
    PlanRequest {
        planned_for: Date,
    },
    ReferRequest {
        institution: UnitCode,
        standing: Standing,
    },
    ConcludeRequest(Conclusion),
    ReopenRequest,
    AskInformation,
    /// A remark by staff.
    AddComment {
        public: bool,
    },
    /// The citizen wrote, asked or not.
    RecordMessage {
        channel: Channel,
    },
}

impl Act {
    /// It stands beside the work, whatever came in between.
    pub(crate) fn is_remark(&self) -> bool {
        matches!(self, Self::AddComment { .. } | Self::RecordMessage { .. })
    }
}

/// How a request ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conclusion {
    pub(crate) sub_result: SubResult,
    /// There is a reasoned answer for the citizen.
    pub(crate) answered: bool,
    /// For a duplicate.
    pub(crate) original: Option<Original>,
    /// When the place was visited.
    pub(crate) visited_at: Option<Timestamp>,
}

/// The request that a duplicate repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Original {
    pub(crate) number: RequestNumber,
    pub(crate) known: bool,
    pub(crate) itself: bool,
}

/// The rule that routed a request, and the version of its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) version: u64,
}

/// Why not: the state of affairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("the request has not been routed to a unit yet")]
    NotRouted,
    #[error("the request was returned by its unit and waits to be routed to another one")]
    Returned,
    #[error("the unit has not accepted the request yet")]
    NotAccepted,
    #[error("the unit has accepted the request already")]
    AlreadyAccepted,
    #[error("the request lies with an institution outside: accept it back, or conclude it")]
    Referred,
    #[error("the request is concluded: reopen it first")]
    Concluded,
    #[error("the request is not concluded, so it cannot be reopened")]
    NotConcluded,
    #[error("no such unit is in the directory")]
    UnknownUnit,
    #[error("this unit lies outside the municipality: refer the request to it")]
    OutsideUnit,
    #[error("no such institution is in the directory")]
    UnknownInstitution,
    #[error("this unit belongs to the municipality: route the request to it")]
    NotOutside,
    #[error("is needed: this sub-result is given with its reasons")]
    AnswerMissing,
    #[error("is needed: out of authority is said with its reasons, or after a referral")]
    AnswerOrReferralMissing,
    #[error("is needed: a duplicate names the request it repeats")]
    OriginalMissing,
    #[error("is this request itself")]
    OriginalItself,
    #[error("no request has this number")]
    OriginalUnknown,
    #[error("is needed: not found on site says when the place was visited")]
    VisitMissing,
    #[error("lies after the conclusion")]
    VisitLater,
    #[error("only an imported request may leave it unstated")]
    NotStated,
    #[error("lies in the past")]
    PlanInThePast,
    #[error("lies before what happened to the request last")]
    BeforeLastEvent,
    #[error("this request was not imported")]
    NotImported,
    #[error("lies before registered_at")]
    StateBeforeRegistration,
}

pub(crate) type Decision = Result<Vec<Event>, Rejection>;

impl Decider for Handling {
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Decision {
        match command {
            Command::RouteRequest {
                unit,
                topic,
                rule,
                at,
            } => Ok(self.route(unit, topic, rule, at)),
            Command::ImportHandling(import) => self.import(import),
            Command::Act { when, act } => self.act(when, act),
        }
    }

    fn evolve(self, event: Event) -> Self {
        let Event { at, fact } = event;
        match fact {
            Fact::RequestRouted { unit, .. } | Fact::RequestRoutedManually { unit } => {
                self.handed_to(unit, at)
            }
            Fact::RequestReturned { unit, .. } => self.reaches(unit, Stage::Returned, at),
            Fact::RequestAccepted { unit } => self.reaches(unit, Stage::Accepted, at),
            Fact::RequestAssigned { unit, assignee } => self.assigned_to(unit, assignee, at),
            Fact::WorkStarted { unit } => self.reaches(unit, Stage::InProgress, at),
            Fact::RequestPlanned { unit, planned_for } => {
                self.reaches(unit, Stage::Planned(planned_for), at)
            }
            Fact::RequestReferred { institution } => self.referred_to(institution, at),
            Fact::RequestConcluded {
                unit, sub_result, ..
            } => self.reaches(unit, Stage::Concluded(sub_result), at),
            Fact::RequestReopened { unit, times } => self.reopened(unit, times, at),
            Fact::InformationAsked { .. } => self.waits(true, at),
            Fact::CitizenWrote {
                back_to: Some(_), ..
            } => self.waits(false, at),
            Fact::CitizenWrote { back_to: None, .. } | Fact::CommentAdded { .. } => self,
        }
    }
}

/// Transitions.
impl Handling {
    fn reaches(self, unit: UnitCode, stage: Stage, at: Timestamp) -> Self {
        match self {
            Self::Unrouted => Self::Known(Work::begins(unit, stage, at)),
            Self::Known(work) => Self::Known(Work {
                unit,
                stage,
                waits_for_citizen: false,
                since: work.since.max(at),
                ..work
            }),
        }
    }

    fn waits(self, waits_for_citizen: bool, at: Timestamp) -> Self {
        match self {
            Self::Unrouted => Self::Unrouted,
            Self::Known(work) => Self::Known(Work {
                waits_for_citizen,
                since: work.since.max(at),
                ..work
            }),
        }
    }

    /// Another unit's people are other people.
    fn handed_to(self, unit: UnitCode, at: Timestamp) -> Self {
        match self.reaches(unit, Stage::Routed, at) {
            Self::Unrouted => Self::Unrouted,
            Self::Known(work) => Self::Known(Work {
                assignee: None,
                ..work
            }),
        }
    }

    fn assigned_to(self, unit: UnitCode, assignee: Option<Assignee>, at: Timestamp) -> Self {
        match self.reaches(unit, Stage::Assigned, at) {
            Self::Unrouted => Self::Unrouted,
            Self::Known(work) => Self::Known(Work { assignee, ..work }),
        }
    }

    /// The unit stays responsible for what lies outside.
    fn referred_to(self, institution: UnitCode, at: Timestamp) -> Self {
        let unit = match &self {
            Self::Unrouted => institution.clone(),
            Self::Known(work) => work.unit.clone(),
        };
        match self.reaches(unit, Stage::Referred(institution), at) {
            Self::Unrouted => Self::Unrouted,
            Self::Known(work) => Self::Known(Work {
                ever_referred: true,
                ..work
            }),
        }
    }

    fn reopened(self, unit: UnitCode, times: u32, at: Timestamp) -> Self {
        match self.reaches(unit, Stage::Reopened, at) {
            Self::Unrouted => Self::Unrouted,
            Self::Known(work) => Self::Known(Work {
                reopened: times,
                ..work
            }),
        }
    }
}

impl Work {
    fn begins(unit: UnitCode, stage: Stage, since: Timestamp) -> Self {
        Self {
            unit,
            stage,
            waits_for_citizen: false,
            since,
            assignee: None,
            ever_referred: false,
            reopened: 0,
        }
    }

    /// Where the request stands, in the word that everybody reads.
    pub(crate) fn state(&self) -> RequestState {
        if self.waits_for_citizen {
            RequestState::WaitingCitizen
        } else {
            self.stage.state()
        }
    }
}

impl Stage {
    fn state(&self) -> RequestState {
        match self {
            Self::Routed => RequestState::Routed,
            Self::Returned => RequestState::Returned,
            Self::Accepted => RequestState::Accepted,
            Self::Assigned => RequestState::Assigned,
            Self::InProgress => RequestState::InProgress,
            Self::Planned(_) => RequestState::Planned,
            Self::Referred(_) => RequestState::Referred,
            Self::Concluded(_) => RequestState::Concluded,
            Self::Reopened => RequestState::Reopened,
        }
    }
}

/// The only place that knows how a handling's stream is named.
pub(crate) fn handling_stream(number: &RequestNumber) -> String {
    format!("handling-{number}")
}

#[cfg(test)]
mod tests;
