//! What is wrong with a call, as Open311 says it: a list of codes and descriptions, each naming its parameter.

use axum::{
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};
use contracts::intake::v1::Answer;
use serde::Serialize;
use tonic::{Code, Status};

use super::answer::{Format, list};
use crate::params::Unreadable;

/// Everything that is wrong, and the status the answer has.
#[derive(Debug)]
pub(super) struct Problems {
    status: StatusCode,
    list: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    code: u16,
    description: String,
}

impl Problems {
    pub(super) fn one(status: StatusCode, description: impl Into<String>) -> Self {
        Self {
            status,
            list: vec![Problem {
                code: status.as_u16(),
                description: description.into(),
            }],
        }
    }

    /// Several things wrong with the parameters; `None` if there are none.
    pub(super) fn of_parameters(problems: &[(&str, String)]) -> Option<Self> {
        let problem = |(name, problem): &(&str, String)| Problem {
            code: 400,
            description: format!("{name}: {problem}"),
        };
        let list: Vec<Problem> = problems.iter().map(problem).collect();
        (!list.is_empty()).then_some(Self {
            status: StatusCode::BAD_REQUEST,
            list,
        })
    }

    pub(super) fn answer(&self, format: Format) -> Response {
        let mut response = list(format, "errors", "error", &self.list);
        *response.status_mut() = self.status;
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl Problems {
    /// What intake says is wrong, with the attributes by the names that the client gave them.
    pub(super) fn of_answers(status: &Status, answers: &[Answer]) -> Self {
        let mut problems = Self::from(status.clone());
        for problem in &mut problems.list {
            let Some((field, told)) = problem.description.split_once(": ") else {
                continue;
            };
            let place = field
                .strip_prefix("answers[")
                .and_then(|it| it.strip_suffix(']'));
            let answered = place
                .and_then(|it| it.parse::<usize>().ok())
                .and_then(|it| answers.get(it))
                .map(|it| it.attribute.as_str())
                .filter(|it| is_code(it));
            if let Some(code) = answered.or_else(|| field.strip_prefix("answers.")) {
                problem.description = format!("attribute[{code}]: {told}");
            } else if place.is_some() {
                problem.description = format!("attribute: {told}");
            }
        }
        problems
    }
}

/// Only what looks like a code is quoted back.
fn is_code(text: &str) -> bool {
    let fits = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
    text.len() <= 40 && text.bytes().all(fits)
}

impl From<Unreadable> for Problems {
    fn from(unreadable: Unreadable) -> Self {
        Self::one(unreadable.status, unreadable.problem)
    }
}

impl From<Status> for Problems {
    fn from(status: Status) -> Self {
        let (http, code) = codes(&status);
        if http.is_server_error() {
            tracing::warn!(code = ?status.code(), "an Open311 call failed behind the gateway");
            let description = match http {
                StatusCode::SERVICE_UNAVAILABLE => {
                    "the centre cannot answer at the moment: please try again"
                }
                _ => "a mistake of ours",
            };
            return Self::one(http, description);
        }
        let violations = chassis::violations(&status);
        if violations.is_empty() {
            return Self {
                status: http,
                list: vec![Problem {
                    code,
                    description: status.message().to_owned(),
                }],
            };
        }
        let problem = |(field, problem): (String, String)| {
            let description = format!("{}: {problem}", parameter(&field));
            Problem { code, description }
        };
        Self {
            status: http,
            list: violations.into_iter().map(problem).collect(),
        }
    }
}

/// The HTTP status, which Open311 limits to a few, and the finer code in the body.
fn codes(status: &Status) -> (StatusCode, u16) {
    // A status that the other side sent has no source; a connection that broke has.
    let broken = std::error::Error::source(status).is_some();
    match status.code() {
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            (StatusCode::BAD_REQUEST, 400)
        }
        Code::AlreadyExists | Code::Aborted => (StatusCode::BAD_REQUEST, 409),
        Code::NotFound => (StatusCode::NOT_FOUND, 404),
        Code::PermissionDenied | Code::Unauthenticated => (StatusCode::FORBIDDEN, 403),
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled => {
            (StatusCode::SERVICE_UNAVAILABLE, 503)
        }
        Code::Unknown | Code::Internal if broken => (StatusCode::SERVICE_UNAVAILABLE, 503),
        Code::Ok | Code::Unknown | Code::Internal | Code::Unimplemented | Code::DataLoss => {
            (StatusCode::INTERNAL_SERVER_ERROR, 500)
        }
    }
}

/// The Open311 parameter behind a field of intake's.
fn parameter(field: &str) -> &str {
    match field {
        "topic" => "service_code",
        "place" => "lat, long",
        "place.latitude" => "lat",
        "place.longitude" => "long",
        "address" => "address_string",
        "citizen.given_name" => "first_name",
        "citizen.family_name" => "last_name",
        "command_id" => "Idempotency-Key",
        "number" | "target.number" => "service_request_id",
        "text" => "description",
        files if files.starts_with("files") => "media",
        other => other.strip_prefix("citizen.").unwrap_or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: Code, field: &str) -> (u16, u16, String) {
        let problems = Problems::from(chassis::refuse(code, field, "is wrong"));
        let first = &problems.list[0];
        (
            problems.status.as_u16(),
            first.code,
            first.description.clone(),
        )
    }

    #[test]
    fn a_refusal_names_the_parameter_and_not_our_field() {
        for (field, parameter) in [
            ("topic", "service_code"),
            ("place.latitude", "lat"),
            ("place.longitude", "long"),
            ("address", "address_string"),
            ("citizen.email", "email"),
            ("citizen.family_name", "last_name"),
            ("description", "description"),
            ("files[0]", "media"),
        ] {
            let told = of(Code::InvalidArgument, field);
            assert_eq!(told, (400, 400, format!("{parameter}: is wrong")));
        }
    }

    #[test]
    fn each_kind_of_refusal_has_its_status() {
        assert_eq!(of(Code::NotFound, "number").0, 404);
        assert_eq!(
            of(Code::AlreadyExists, "command_id"),
            (400, 409, "Idempotency-Key: is wrong".to_owned())
        );
        assert_eq!(of(Code::Unavailable, "").0, 503);
        let internal = of(Code::Internal, "");
        assert_eq!(
            (internal.0, internal.2.as_str()),
            (500, "a mistake of ours")
        );
    }
}
