use chassis::refuse;
use tonic::{Code, Status};

use crate::domain::{Rejection, TopicRejection};

/// Understood and refused; names the field where one is at fault.
pub(crate) fn refused(rejection: Rejection) -> Status {
    tracing::info!(rejection = ?rejection, "refused: {rejection}");
    match field(rejection) {
        Some(field) => refuse(Code::FailedPrecondition, field, &rejection.to_string()),
        None => Status::failed_precondition(rejection.to_string()),
    }
}

pub(crate) fn topic_refused(rejection: TopicRejection) -> Status {
    match rejection {
        TopicRejection::UnknownUnit => {
            refuse(Code::FailedPrecondition, "unit", &rejection.to_string())
        }
    }
}

/// `None` where the state of the request is what stands in the way.
fn field(rejection: Rejection) -> Option<&'static str> {
    match rejection {
        Rejection::NotRouted
        | Rejection::Returned
        | Rejection::NotAccepted
        | Rejection::AlreadyAccepted
        | Rejection::Referred
        | Rejection::Concluded
        | Rejection::NotConcluded => None,
        Rejection::UnknownUnit | Rejection::OutsideUnit => Some("unit"),
        Rejection::UnknownInstitution | Rejection::NotOutside => Some("institution"),
        Rejection::AnswerMissing | Rejection::AnswerOrReferralMissing => Some("answer"),
        Rejection::OriginalMissing | Rejection::OriginalItself | Rejection::OriginalUnknown => {
            Some("original")
        }
        Rejection::VisitMissing | Rejection::VisitLater => Some("visited_at"),
        Rejection::NotStated => Some("sub_result"),
        Rejection::PlanInThePast => Some("planned_for"),
        Rejection::BeforeLastEvent => Some("target.occurred_at"),
        Rejection::NotImported => Some("number"),
        Rejection::StateBeforeRegistration => Some("state_since"),
    }
}
