use jiff::{Timestamp, civil::Date};
use vocabulary::{Channel, RequestNumber, RequestState, SubResult, TopicCode, UnitCode};

use super::{Assignee, ReturnReason, Rule};

/// Something that happened to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    pub(crate) fact: Fact,
}

/// These names are stored for ever. Add variants; never rename or reuse one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// Without a rule: by the system it was imported from.
    RequestRouted {
        unit: UnitCode,
        topic: TopicCode,
        rule: Option<Rule>,
    },
    RequestRoutedManually {
        unit: UnitCode,
    },
    RequestReturned {
        unit: UnitCode,
        reason: ReturnReason,
    },
    RequestAccepted {
        unit: UnitCode,
    },
    /// Without an assignee: the system it was imported from does not say.
    RequestAssigned {
        unit: UnitCode,
        assignee: Option<Assignee>,
    },
    WorkStarted {
        unit: UnitCode,
    },
    RequestPlanned {
        unit: UnitCode,
        planned_for: Date,
    },
    RequestReferred {
        institution: UnitCode,
    },
    RequestConcluded {
        unit: UnitCode,
        sub_result: SubResult,
        original: Option<RequestNumber>,
        visited_at: Option<Timestamp>,
    },
    RequestReopened {
        unit: UnitCode,
        times: u32,
    },
    InformationAsked {
        unit: UnitCode,
    },
    /// Without a unit: no unit had the request yet.
    CommentAdded {
        unit: Option<UnitCode>,
        public: bool,
    },
    /// With the state to go back to: it answers the unit's question.
    CitizenWrote {
        channel: Channel,
        back_to: Option<RequestState>,
    },
}

impl Fact {
    /// It stands beside the work: whoever has not seen it would decide the same.
    pub(crate) fn is_remark(&self) -> bool {
        match self {
            Self::CommentAdded { .. } | Self::CitizenWrote { back_to: None, .. } => true,
            Self::CitizenWrote {
                back_to: Some(_), ..
            }
            | Self::RequestRouted { .. }
            | Self::RequestRoutedManually { .. }
            | Self::RequestReturned { .. }
            | Self::RequestAccepted { .. }
            | Self::RequestAssigned { .. }
            | Self::WorkStarted { .. }
            | Self::RequestPlanned { .. }
            | Self::RequestReferred { .. }
            | Self::RequestConcluded { .. }
            | Self::RequestReopened { .. }
            | Self::InformationAsked { .. } => false,
        }
    }
}
