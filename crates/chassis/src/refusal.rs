use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

/// Malformed input: the caller mends the call. Never quotes what was sent, which may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// The field's name, as the caller wrote it.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Invalid {
    /// What is wrong with which field.
    pub fn at(field: impl Into<String>, problem: impl ToString) -> Self {
        Self {
            field: field.into(),
            problem: problem.to_string(),
        }
    }
}

impl From<Invalid> for Status {
    fn from(invalid: Invalid) -> Self {
        refuse(Code::InvalidArgument, &invalid.field, &invalid.problem)
    }
}

/// A refusal that names the field, for people in its message and for programs in `google.rpc.BadRequest`.
#[must_use]
pub fn refuse(code: Code, field: &str, problem: &str) -> Status {
    let details = ErrorDetails::with_bad_request_violation(field, problem);
    Status::with_error_details(code, format!("{field}: {problem}"), details)
}

/// Everything that is wrong with a call, each with its field.
#[must_use]
pub fn refuse_all(wrong: &[Invalid]) -> Status {
    let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    let violations: Vec<FieldViolation> = wrong
        .iter()
        .map(|it| FieldViolation::new(&it.field, &it.problem))
        .collect();
    let details = ErrorDetails::with_bad_request(violations);
    Status::with_error_details(Code::InvalidArgument, told.join("; "), details)
}

/// The fields a refusal names, each with its problem.
#[must_use]
pub fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status.get_error_details();
    let Some(bad_request) = details.bad_request() else {
        return vec![];
    };
    bad_request
        .field_violations
        .iter()
        .map(|it| (it.field.clone(), it.description.clone()))
        .collect()
}
