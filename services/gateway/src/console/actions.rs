//! What people do with a request: which acts its state allows, as small forms, and how each goes to routing.

use chassis::{Caller, patiently};
use contracts::routing::v1::{
    AcceptRequestRequest, AddCommentRequest, AskInformationRequest, AssignRequestRequest,
    CommandReply, ConcludeRequestRequest, PlanRequestRequest, ReferRequestRequest,
    ReopenRequestRequest, ReturnReason, ReturnRequestRequest, RouteManuallyRequest,
    StartWorkRequest, Target, routing_client::RoutingClient,
};
use jiff::civil::DateTime;
use tonic::{Code, Status, transport::Channel};
use uuid::Uuid;
use vocabulary::{RequestState, SubResult};

use crate::{
    access::{Action, Actor, Resource, may},
    params::Params,
    text::{self, Words},
};

/// Everything that can be done with a request from its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Accept,
    Assign,
    Start,
    Plan,
    Conclude,
    Ask,
    Return,
    Refer,
    Route,
    Reopen,
    Comment,
}

impl Act {
    /// In the order of their forms.
    pub(super) const ALL: [Self; 11] = [
        Self::Accept,
        Self::Assign,
        Self::Start,
        Self::Plan,
        Self::Conclude,
        Self::Ask,
        Self::Return,
        Self::Refer,
        Self::Route,
        Self::Reopen,
        Self::Comment,
    ];

    /// As it stands in addresses.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Assign => "assign",
            Self::Start => "start",
            Self::Plan => "plan",
            Self::Conclude => "conclude",
            Self::Ask => "ask",
            Self::Return => "return",
            Self::Refer => "refer",
            Self::Route => "route",
            Self::Reopen => "reopen",
            Self::Comment => "comment",
        }
    }

    pub(super) fn coded(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }

    /// What somebody must be allowed for it.
    pub(super) const fn action(self) -> Action {
        match self {
            Self::Accept
            | Self::Assign
            | Self::Start
            | Self::Plan
            | Self::Conclude
            | Self::Ask
            | Self::Return
            | Self::Refer => Action::Work,
            Self::Route | Self::Reopen => Action::Steer,
            Self::Comment => Action::Comment,
        }
    }

    /// Whether a state leads to it. Routing decides; this only keeps forms away that it would refuse.
    const fn fits(self, state: RequestState) -> bool {
        use RequestState as State;
        let is_concluded = matches!(state, State::Concluded);
        let is_routed = !matches!(state, State::Registered);
        let in_hand = matches!(
            state,
            State::Accepted
                | State::Assigned
                | State::InProgress
                | State::Planned
                | State::Reopened
                | State::WaitingCitizen
        );
        match self {
            Self::Accept => matches!(state, State::Routed | State::Referred | State::Reopened),
            Self::Assign | Self::Start | Self::Plan => in_hand,
            Self::Conclude | Self::Refer => is_routed && !is_concluded,
            Self::Ask => in_hand || matches!(state, State::Routed | State::Returned),
            Self::Return => in_hand || matches!(state, State::Routed),
            Self::Route => !is_concluded,
            Self::Reopen => is_concluded,
            Self::Comment => true,
        }
    }

    /// What somebody may do with a request in this state, of this unit.
    pub(super) fn open_to(actor: &Actor, unit: &str, state: RequestState) -> Vec<Self> {
        let open =
            |act: &Self| act.fits(state) && may(actor, act.action(), Resource::Request { unit });
        Self::ALL.into_iter().filter(open).collect()
    }

    /// The one that most often comes next.
    pub(super) const fn usual(state: RequestState) -> Self {
        match state {
            RequestState::Registered | RequestState::Returned => Self::Route,
            RequestState::Routed | RequestState::Referred | RequestState::Reopened => Self::Accept,
            RequestState::Accepted => Self::Assign,
            RequestState::Assigned | RequestState::Planned => Self::Start,
            RequestState::InProgress => Self::Conclude,
            RequestState::WaitingCitizen | RequestState::Concluded => Self::Comment,
        }
    }
}

/// The form's hidden fields: which command it is, and what its sender saw.
pub(super) fn target(number: &str, params: &Params, fresh: Uuid) -> Target {
    let command_id = params.trimmed("key").parse().unwrap_or(fresh);
    Target {
        command_id: command_id.to_string(),
        number: number.to_owned(),
        expected_version: params.trimmed("version").parse().unwrap_or_default(),
        occurred_at: 0,
    }
}

/// Does it.
pub(super) async fn send(
    routing: &RoutingClient<Channel>,
    caller: &Caller,
    act: Act,
    target: Target,
    params: &Params,
) -> Result<CommandReply, Status> {
    let text = |name: &str| params.trimmed(name).to_owned();
    let words = |name: &str| params.get(name).replace("\r\n", "\n");
    let target = Some(target);
    macro_rules! call {
        ($method:ident, $message:expr) => {{
            let message = $message;
            let reply = patiently(|| {
                let (mut routing, request) = (routing.clone(), caller.request(message.clone()));
                async move { routing.$method(request).await }
            });
            reply.await
        }};
    }
    let reply = match act {
        Act::Accept => call!(accept_request, AcceptRequestRequest { target }),
        Act::Assign => {
            call!(
                assign_request,
                AssignRequestRequest {
                    target,
                    assignee: text("assignee")
                }
            )
        }
        Act::Start => call!(start_work, StartWorkRequest { target }),
        Act::Plan => {
            call!(
                plan_request,
                PlanRequestRequest {
                    target,
                    planned_for: text("planned_for")
                }
            )
        }
        Act::Conclude => {
            let sub_result: Result<SubResult, _> = text("sub_result").parse();
            // What stands in a field of another sub-result was typed before the choice was made.
            let is = |it: SubResult| sub_result == Ok(it);
            let message = ConcludeRequestRequest {
                target,
                sub_result: sub_result.clone().map_or(0, SubResult::number),
                answer: words("answer"),
                original: if is(SubResult::Duplicate) {
                    text("original")
                } else {
                    String::new()
                },
                visited_at: if is(SubResult::NotFound) {
                    moment(&text("visited_at"))
                } else {
                    0
                },
            };
            call!(conclude_request, message)
        }
        Act::Ask => {
            call!(
                ask_information,
                AskInformationRequest {
                    target,
                    question: words("question")
                }
            )
        }
        Act::Return => {
            let reason = reason(&text("reason")).into();
            call!(
                return_request,
                ReturnRequestRequest {
                    target,
                    reason,
                    note: words("note")
                }
            )
        }
        Act::Refer => {
            let institution = text("institution");
            call!(
                refer_request,
                ReferRequestRequest {
                    target,
                    institution,
                    note: words("note")
                }
            )
        }
        Act::Route => call!(
            route_manually,
            RouteManuallyRequest {
                target,
                unit: text("unit")
            }
        ),
        Act::Reopen => call!(
            reopen_request,
            ReopenRequestRequest {
                target,
                note: words("note")
            }
        ),
        Act::Comment => {
            let public = text("public") == "1";
            call!(
                add_comment,
                AddCommentRequest {
                    target,
                    text: words("text"),
                    public
                }
            )
        }
    };
    reply.map(tonic::Response::into_inner)
}

/// "2026-11-22T14:30" on the wall of the centre, in microseconds since 1970; 0 for no time.
fn moment(text: &str) -> i64 {
    let read = || {
        let moment: DateTime = text.parse().ok()?;
        Some(
            moment
                .to_zoned(text::zone())
                .ok()?
                .timestamp()
                .as_microsecond(),
        )
    };
    read().unwrap_or_default()
}

pub(super) const REASONS: [(&str, ReturnReason); 4] = [
    ("topic", ReturnReason::NotOurTopic),
    ("area", ReturnReason::NotOurArea),
    ("missing", ReturnReason::MissingInformation),
    ("other", ReturnReason::Other),
];

fn reason(code: &str) -> ReturnReason {
    let known = REASONS.into_iter().find(|(it, _)| *it == code);
    known.map(|(_, reason)| reason).unwrap_or_default()
}

/// Why an act did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Somebody else was quicker.
    Conflict,
    /// A field is wrong: its name, and what to do about it.
    Field(&'static str, String),
    /// The request's state does not allow it.
    State,
    /// The form was sent before, with other content.
    Again,
    /// The request's personal data was erased: nothing can be written about it any more.
    Erased,
}

/// The fields of the forms, as routing names them.
const FIELDS: [&str; 11] = [
    "assignee",
    "planned_for",
    "sub_result",
    "answer",
    "original",
    "visited_at",
    "question",
    "reason",
    "institution",
    "unit",
    "text",
];

/// Reads a refusal; `None` for what is nobody's fault who filled in a form.
pub(super) fn refusal(status: &Status, words: Words) -> Option<Refusal> {
    match status.code() {
        Code::Aborted => Some(Refusal::Conflict),
        Code::AlreadyExists => Some(Refusal::Again),
        Code::InvalidArgument | Code::FailedPrecondition => {
            let violations = chassis::violations(status);
            // The subject under whose key the text would have been sealed.
            if violations.iter().any(|(field, _)| field == "subject") {
                return Some(Refusal::Erased);
            }
            let field = violations
                .iter()
                .find_map(|(field, _)| FIELDS.into_iter().chain(["note"]).find(|it| it == field));
            match field {
                Some(field) => {
                    let key = format!("console-wrong-{}", field.replace('_', "-"));
                    Some(Refusal::Field(field, words.get(&key)))
                }
                None if status.code() == Code::FailedPrecondition => Some(Refusal::State),
                None => None,
            }
        }
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use vocabulary::Language;

    use super::*;
    use crate::access::{Kind, Role};

    fn staff(role: Role, unit: &str) -> Actor {
        Actor {
            municipality: "ova".parse().unwrap(),
            kind: Kind::Staff {
                code: "x".to_owned(),
                roles: BTreeSet::from([role]),
                unit: unit.to_owned(),
            },
        }
    }

    #[test]
    fn each_state_has_something_to_do_for_those_who_may() {
        for state in RequestState::ALL {
            let acts = Act::open_to(&staff(Role::Supervisor, ""), "parks", *state);
            assert!(
                acts.contains(&Act::Comment) && acts.len() > 1,
                "{state:?}: {acts:?}"
            );
            let acts = Act::open_to(&staff(Role::Unit, "parks"), "parks", *state);
            assert!(!acts.contains(&Act::Route), "{state:?}");
            for (role, unit) in [
                (Role::Unit, "roads"),
                (Role::Auditor, ""),
                (Role::Admin, ""),
            ] {
                assert_eq!(
                    Act::open_to(&staff(role, unit), "parks", *state),
                    [],
                    "{role:?} {state:?}"
                );
            }
        }
    }

    #[test]
    fn every_field_of_a_form_has_its_words() {
        for field in FIELDS.into_iter().chain(["note"]) {
            for language in [Language::Tr, Language::En] {
                let status = chassis::refuse(Code::InvalidArgument, field, "is wrong");
                let Some(Refusal::Field(named, told)) = refusal(&status, Words(language)) else {
                    panic!("{field}");
                };
                assert!(named == field && !told.contains("Unknown"), "{told}");
            }
        }
    }

    #[test]
    fn what_was_erased_takes_no_more_texts() {
        let status = chassis::refuse(Code::FailedPrecondition, "subject", "was erased");
        assert_eq!(refusal(&status, Words(Language::Tr)), Some(Refusal::Erased));
    }

    #[test]
    fn a_time_is_that_of_the_wall() {
        assert_eq!(
            text::iso(moment("2026-11-22T14:30")),
            "2026-11-22T14:30:00+03:00"
        );
        assert_eq!(moment("yesterday"), 0);
    }
}
