//! What a unit does with a request. Each action says which version it was decided on (`If-Match`); one that was decided on an
//! older one is refused. `*` acts on whatever is, and says so; a remark moves nothing and needs no version.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponse as _, Response},
};
use contracts::routing::v1::{self, CommandReply, Target, routing_client::RoutingClient};
use jiff::civil::Date;
use serde::Deserialize;
use tonic::{Status, transport::Channel};
use utoipa::ToSchema;
use vocabulary::RequestNumber;

use super::{Request, seen, versioned};
use crate::{
    access::Action,
    api::{
        caller::Program,
        input::{Body, Expected, Named, NoQuery, if_match},
        problem::{Fault, Kind, Problem},
        words::{Moment, SubResultWord},
    },
};

/// The beginning of a command: on which request, which version, under which id.
struct Begun {
    program: Program,
    number: String,
    target: Target,
}

impl Begun {
    async fn new(
        program: Program,
        number: &str,
        headers: &HeaderMap,
        action: Action,
        expected: Expected,
    ) -> Result<Self, Problem> {
        let expected_version = match expected {
            Expected::Any => 0,
            Expected::Version(0) => return Err(unrouted(&program, number, action).await?),
            Expected::Version(version) => version,
        };
        let command_id = program.command_id(headers)?;
        let entry = seen(&program, number, action).await?;
        let target = Target {
            command_id: command_id.to_string(),
            number: entry.number.clone(),
            expected_version,
            occurred_at: 0,
        };
        Ok(Self {
            program,
            number: entry.number,
            target,
        })
    }

    /// Sends the command, and answers with the request as it is afterwards.
    async fn done<T: Clone, F>(
        self,
        message: T,
        send: impl Fn(RoutingClient<Channel>, tonic::Request<T>) -> F,
    ) -> Result<Response, Problem>
    where
        F: Future<Output = Result<tonic::Response<CommandReply>, Status>>,
    {
        let caller = self.program.caller();
        let reply = chassis::patiently(|| {
            send(
                self.program.centre.routing(),
                caller.request(message.clone()),
            )
        });
        let reply = reply.await.map_err(as_things_stand)?.into_inner();
        let register = self.program.centre.register(self.program.municipality());
        register.at_least(reply.position).await?;
        let number: RequestNumber = self.number.parse().map_err(|_| Problem::not_found())?;
        let entry = register
            .request(&number)
            .await?
            .ok_or_else(Problem::not_found)?;
        let mut response = versioned(reply.version, Json(Request::of(entry)));
        let position = HeaderName::from_static("cozum-position");
        response
            .headers_mut()
            .insert(position, HeaderValue::from(reply.position));
        Ok(response.into_response())
    }
}

/// The body fits its schema: what routing still refuses of it, it refuses as things stand.
fn as_things_stand(status: Status) -> Problem {
    let mut problem = Problem::from(status);
    if problem.kind == Kind::Invalid && !problem.errors.iter().any(Fault::is_in_header) {
        problem.kind = Kind::Conflict;
    }
    problem
}

/// Version 0 is a request that routing has not heard of yet, on which nobody can act.
async fn unrouted(program: &Program, number: &str, action: Action) -> Result<Problem, Problem> {
    let entry = seen(program, number, action).await?;
    if entry.version > 0 {
        return Ok(
            Problem::of(Kind::Stale).naming([Fault::header("If-Match", "somebody acted since")])
        );
    }
    Ok(Problem::of(Kind::Conflict).saying("the request is not routed yet"))
}

/// A handler that sends one command, with all that the document says of it.
macro_rules! action {
    ($(#[$doc:meta])* $handler:ident, $path:literal, $id:literal, $action:ident, $body:ident, |$target:ident, $asked:ident| $message:expr, $call:ident) => {
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "requests", operation_id = $id, request_body = $body,
            params(
                ("number" = String, Path, pattern = "^[0-9]{4}-[0-9]{8}-[0-9]$", example = "2026-48120937-8"),
                ("If-Match" = String, Header, pattern = "^(\\*|\"[0-9]{1,18}\")$", example = "*", description = "The `ETag` of the request as it was when this was decided; `*` for whatever it is now"),
                ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description = "Makes it safe to send again")),
            responses((status = 200, description = "The request as it is now", body = Request,
                headers(("ETag" = String, description = "Its version"), ("Cozum-Position" = u64, description = "Where this stands in the log")))))]
        pub(in crate::api) async fn $handler(
            program: Program,
            Named(number): Named,
            _: NoQuery,
            headers: HeaderMap,
            Body($asked): Body<$body>,
        ) -> Result<Response, Problem> {
            program.sight(Action::$action)?;
            let expected = match if_match(&headers) {
                Ok(expected) => expected,
                Err(problem) => {
                    // What is not there needs no version.
                    seen(&program, &number, Action::$action).await?;
                    return Err(problem);
                }
            };
            let begun = Begun::new(program, &number, &headers, Action::$action, expected).await?;
            let $target = Some(begun.target.clone());
            let message = $message;
            begun.done(message, |mut routing, request| async move { routing.$call(request).await }).await
        }
    };
}

/// Nothing more to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Nothing {}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Assignment {
    /// The code of a crew or of a member of staff.
    #[schema(pattern = "^[A-Za-z0-9_.:/-]{1,64}$", example = "ekip-3")]
    assignee: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Plan {
    /// The day for which the work is planned; not in the past.
    #[schema(format = Date, value_type = String)]
    planned_for: Date,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Referral {
    /// The code of an institution outside.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9-]+$")]
    institution: String,
    #[schema(
        max_length = 4000,
        pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$"
    )]
    note: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Conclusion {
    sub_result: SubResultWord,
    /// The reasoned answer that the citizen reads; sealed.
    #[schema(
        max_length = 4000,
        pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$"
    )]
    answer: Option<String>,
    /// With `duplicate`: the number of the original.
    #[schema(pattern = "^[0-9]{4}-[0-9]{8}-[0-9]$")]
    original: Option<String>,
    /// With `not-found`: when the place was visited.
    #[schema(format = DateTime, value_type = Option<String>)]
    visited_at: Option<Moment>,
}

/// Why a unit returns a request.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Reason {
    NotOurTopic,
    NotOurArea,
    MissingInformation,
    Other,
}

impl From<Reason> for v1::ReturnReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NotOurTopic => Self::NotOurTopic,
            Reason::NotOurArea => Self::NotOurArea,
            Reason::MissingInformation => Self::MissingInformation,
            Reason::Other => Self::Other,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Return {
    reason: Reason,
    #[schema(
        max_length = 4000,
        pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$"
    )]
    note: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Reopening {
    #[schema(
        max_length = 4000,
        pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$"
    )]
    note: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Route {
    /// The code of the unit that is to answer.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9-]+$")]
    unit: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Question {
    /// What the citizen is asked; sealed.
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$"
    )]
    question: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Comment {
    /// Sealed.
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$"
    )]
    text: String,
    /// The citizen and the public may read it.
    #[serde(default)]
    public: bool,
}

action! {
    /// Accept a request
    accept, "/requests/{number}/accept", "acceptRequest", Work, Nothing,
    |target, _asked| v1::AcceptRequestRequest { target }, accept_request
}
action! {
    /// Assign a request to a crew or a person
    assign, "/requests/{number}/assign", "assignRequest", Work, Assignment,
    |target, asked| v1::AssignRequestRequest { target, assignee: asked.assignee }, assign_request
}
action! {
    /// Start the work
    start, "/requests/{number}/start", "startWork", Work, Nothing,
    |target, _asked| v1::StartWorkRequest { target }, start_work
}
action! {
    /// Plan the work for a day
    ///
    /// The citizen is told the day.
    plan, "/requests/{number}/plan", "planRequest", Work, Plan,
    |target, asked| v1::PlanRequestRequest { target, planned_for: asked.planned_for.to_string() }, plan_request
}
action! {
    /// Refer a request to an institution outside
    refer, "/requests/{number}/refer", "referRequest", Work, Referral,
    |target, asked| v1::ReferRequestRequest { target, institution: asked.institution, note: asked.note.unwrap_or_default() }, refer_request
}
action! {
    /// Conclude a request
    ///
    /// A sub-result is always said; some need an answer, the original, or the time of a visit.
    conclude, "/requests/{number}/conclude", "concludeRequest", Work, Conclusion,
    |target, asked| v1::ConcludeRequestRequest {
        target,
        sub_result: asked.sub_result.0.number(),
        answer: asked.answer.unwrap_or_default(),
        original: asked.original.unwrap_or_default(),
        visited_at: asked.visited_at.map_or(0, |it| it.0.as_microsecond()),
    }, conclude_request
}
action! {
    /// Return a request: not ours
    r#return, "/requests/{number}/return", "returnRequest", Work, Return,
    |target, asked| v1::ReturnRequestRequest {
        target,
        reason: i32::from(v1::ReturnReason::from(asked.reason)),
        note: asked.note.unwrap_or_default(),
    }, return_request
}
action! {
    /// Reopen a concluded request
    reopen, "/requests/{number}/reopen", "reopenRequest", Steer, Reopening,
    |target, asked| v1::ReopenRequestRequest { target, note: asked.note.unwrap_or_default() }, reopen_request
}
action! {
    /// Route a request to a unit by hand
    route, "/requests/{number}/route", "routeRequest", Steer, Route,
    |target, asked| v1::RouteManuallyRequest { target, unit: asked.unit }, route_manually
}
action! {
    /// Ask the citizen something
    ///
    /// The unit's clock waits for the answer.
    question, "/requests/{number}/question", "askCitizen", Work, Question,
    |target, asked| v1::AskInformationRequest { target, question: asked.question }, ask_information
}

/// Write a remark
///
/// It moves no clock and no state, so it needs no version.
#[utoipa::path(post, path = "/requests/{number}/comment", tag = "requests", operation_id = "commentRequest", request_body = Comment,
    params(("number" = String, Path, pattern = "^[0-9]{4}-[0-9]{8}-[0-9]$", example = "2026-48120937-8"),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description = "Makes it safe to send again")),
    responses((status = 200, description = "The request as it is now", body = Request, headers(("ETag" = String, description = "Its version")))))]
pub(in crate::api) async fn comment(
    program: Program,
    Named(number): Named,
    _: NoQuery,
    headers: HeaderMap,
    Body(asked): Body<Comment>,
) -> Result<Response, Problem> {
    program.sight(Action::Comment)?;
    let begun = Begun::new(program, &number, &headers, Action::Comment, Expected::Any).await?;
    let message = v1::AddCommentRequest {
        target: Some(begun.target.clone()),
        text: asked.text,
        public: asked.public,
    };
    let send = |mut routing: RoutingClient<Channel>, request| async move {
        routing.add_comment(request).await
    };
    begun.done(message, send).await
}
