//! What is wrong with a call, as RFC 9457 says it: a kind with its own page, the place of each fault, and the trace to ask
//! after. What was sent is never quoted: it may be personal.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis::telemetry;
use serde::Serialize;
use tonic::{Code, Status};
use utoipa::ToSchema;

use super::schema::Misfit;

/// Defines the kinds: their slug, their status, what they are called and what helps, in Turkish and English.
macro_rules! kinds {
    ($($name:ident = $status:ident, $slug:literal, $title:literal, $help:literal, $title_tr:literal, $help_tr:literal;)+) => {
        /// Every kind of problem. A kind's address never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind { $($name,)+ }

        impl Kind {
            pub(super) const ALL: &[Self] = &[$(Self::$name,)+];

            pub(super) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            pub(super) const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)+ }
            }

            /// Title and help: English, then Turkish.
            pub(super) const fn texts(self) -> [&'static str; 4] {
                match self { $(Self::$name => [$title, $help, $title_tr, $help_tr],)+ }
            }
        }
    };
}

kinds! {
    Invalid = BAD_REQUEST, "invalid-request", "The request is not well formed",
        "`errors` names each parameter, header or field of the body and what is wrong with it.",
        "İstek kurallara uymuyor",
        "Her yanlış parametre, başlık ya da gövde alanı `errors` içinde adıyla ve nedeniyle durur.";
    Unauthorized = UNAUTHORIZED, "unauthorized", "A valid key is missing",
        "Send `Authorization: Bearer <key>` with a key that has been issued, has not expired and was not revoked.",
        "Geçerli bir anahtar yok",
        "`Authorization: Bearer <anahtar>` başlığını, verilmiş, süresi dolmamış ve iptal edilmemiş bir anahtarla gönderin.";
    Forbidden = FORBIDDEN, "forbidden", "The key does not allow this",
        "A key has scopes and may be limited to one unit. Whoever administers the centre can issue one that reaches further.",
        "Anahtar buna yetmiyor",
        "Her anahtarın yetkileri vardır ve tek bir birimle sınırlı olabilir. Daha geniş yetkili bir anahtarı yönetici verebilir.";
    NotFound = NOT_FOUND, "not-found", "There is no such thing here",
        "The address, or what `errors` names in the body, does not exist, or belongs to a unit that the key does not reach.",
        "Böyle bir şey yok",
        "Adresteki ya da `errors` içinde adı geçen şey yok, ya da anahtarın ulaşmadığı bir birime ait.";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "The address is not used with this method",
        "`Allow` names the methods it is used with.",
        "Bu adres bu yöntemle kullanılmaz",
        "Kullanılabilen yöntemler `Allow` başlığındadır.";
    Conflict = CONFLICT, "conflict", "As things stand, this cannot be done",
        "The request's state does not allow the action, or something it needs is missing; `detail` says what.",
        "Şu anki durumda bu yapılamaz",
        "Başvurunun durumu bu işleme izin vermiyor ya da gereken bir şey eksik; ne olduğunu `detail` söyler.";
    KeyReused = CONFLICT, "idempotency-key-reused", "The Idempotency-Key was used with other content",
        "The same key always means the same request. Send what was sent before, or a new key.",
        "Idempotency-Key başka içerikle kullanılmış",
        "Aynı anahtar hep aynı istek demektir. Önceki içeriği ya da yeni bir anahtar gönderin.";
    Stale = PRECONDITION_FAILED, "stale", "Somebody else acted in between",
        "`If-Match` names an older version. Read the request again, decide again, and send the new `ETag`.",
        "Arada başka biri işlem yapmış",
        "`If-Match` eski bir sürümü gösteriyor. Başvuruyu yeniden okuyun, yeniden karar verin, yeni `ETag` değerini gönderin.";
    VersionMissing = PRECONDITION_REQUIRED, "version-missing", "If-Match is missing",
        "An action needs the version it was decided on: send the request's `ETag` in `If-Match`, or `*` to act on whatever is.",
        "If-Match yok",
        "Her işlem hangi sürüme bakılarak karar verildiğini ister: `If-Match` ile `ETag` değerini, ne olursa olsun yapmak için `*` gönderin.";
    TooLarge = PAYLOAD_TOO_LARGE, "too-large", "The body is too large",
        "A body has 1 MiB at most.",
        "Gövde çok büyük",
        "Gövde en çok 1 MiB olabilir.";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is no application/json",
        "Send `Content-Type: application/json` and UTF-8.",
        "Gövde application/json değil",
        "`Content-Type: application/json` ve UTF-8 gönderin.";
    TooMany = TOO_MANY_REQUESTS, "too-many-requests", "Too many requests",
        "Wait as many seconds as `Retry-After` says.",
        "Çok fazla istek",
        "`Retry-After` başlığındaki saniye kadar bekleyin.";
    Failed = INTERNAL_SERVER_ERROR, "failed", "A mistake of ours",
        "It has been noted. With `trace_id` we can find what happened.",
        "Bizim hatamız",
        "Hata kayda geçti. `trace_id` ile ne olduğunu bulabiliriz.";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "The centre cannot answer at the moment",
        "Nothing was lost. Send the same request again, with the same Idempotency-Key.",
        "Merkez şu anda cevap veremiyor",
        "Hiçbir şey kaybolmadı. Aynı isteği aynı Idempotency-Key ile yeniden gönderin.";
}

/// One fault, and where it is: a field of the body by JSON pointer, a parameter or a header by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Fault, examples(json!({"pointer": "/citizen/phone", "detail": "is not a telephone number"})))]
pub(super) struct Fault {
    /// JSON pointer (RFC 6901) into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pointer: Option<String>,
    /// Name of a query or path parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    parameter: Option<String>,
    /// Name of a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    header: Option<String>,
    /// What is wrong with it.
    detail: String,
}

impl Fault {
    pub(super) fn in_body(misfit: Misfit) -> Self {
        Self {
            pointer: Some(misfit.at),
            detail: misfit.problem,
            ..Self::default()
        }
    }

    pub(super) fn field(name: &str, detail: impl Into<String>) -> Self {
        let pointer = Some(format!(
            "/{}",
            name.replace(['.', '['], "/").replace(']', "")
        ));
        Self {
            pointer,
            detail: detail.into(),
            ..Self::default()
        }
    }

    pub(super) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self {
            parameter: Some(name.chars().take(100).collect()),
            detail: detail.into(),
            ..Self::default()
        }
    }

    pub(super) fn header(name: &str, detail: impl Into<String>) -> Self {
        Self {
            header: Some(name.to_owned()),
            detail: detail.into(),
            ..Self::default()
        }
    }

    pub(super) fn is_in_header(&self) -> bool {
        self.header.is_some()
    }

    /// Whether it is in this part of the body.
    pub(super) fn is_within(&self, part: &str) -> bool {
        self.pointer
            .as_deref()
            .is_some_and(|it| it.starts_with(part))
    }

    /// The fault that a service told by the name of its own field.
    fn of_service(field: &str, problem: String) -> Self {
        match field.strip_prefix("target.").unwrap_or(field) {
            "command_id" => Self::header("Idempotency-Key", problem),
            "expected_version" => Self::header("If-Match", problem),
            "number" | "code" | "as_of" => {
                Self::parameter(field.trim_start_matches("target."), problem)
            }
            field => Self::field(field, problem),
        }
    }
}

/// A problem (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Shown {
    /// The kind; its address is a page that explains it.
    #[schema(example = "/api/problems/invalid-request")]
    r#type: String,
    title: &'static str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    errors: Vec<Fault>,
    /// By this whoever runs the centre finds what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    trace_id: Option<String>,
}

/// Everything that is wrong with a call.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(super) kind: Kind,
    pub(super) detail: Option<String>,
    pub(super) errors: Vec<Fault>,
}

impl Problem {
    pub(super) const fn of(kind: Kind) -> Self {
        Self {
            kind,
            detail: None,
            errors: vec![],
        }
    }

    pub(super) fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(super) fn naming(mut self, errors: impl IntoIterator<Item = Fault>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// Nothing is there, or nothing that the caller may see.
    pub(super) const fn not_found() -> Self {
        Self::of(Kind::NotFound)
    }
}

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        let violations = chassis::violations(&status);
        let names = |field: &str| violations.iter().any(|(it, _)| it.ends_with(field));
        // A status that the other side sent has no source; a connection that broke has.
        let broken = std::error::Error::source(&status).is_some();
        let kind = match status.code() {
            Code::Unknown | Code::Internal if broken => Kind::Unavailable,
            // What is recorded by now is for the log to say: a moment that has not come is no malformed one.
            Code::InvalidArgument if names("as_of") => Kind::Conflict,
            Code::InvalidArgument | Code::OutOfRange => Kind::Invalid,
            Code::NotFound => Kind::NotFound,
            Code::PermissionDenied => Kind::Forbidden,
            Code::FailedPrecondition => Kind::Conflict,
            Code::AlreadyExists if names("command_id") => Kind::KeyReused,
            Code::Aborted if names("expected_version") => Kind::Stale,
            Code::AlreadyExists | Code::Aborted => Kind::Conflict,
            Code::Unavailable
            | Code::ResourceExhausted
            | Code::DeadlineExceeded
            | Code::Cancelled => Kind::Unavailable,
            Code::Ok
            | Code::Unauthenticated
            | Code::Unknown
            | Code::Internal
            | Code::Unimplemented
            | Code::DataLoss => Kind::Failed,
        };
        if kind.status().is_server_error() {
            tracing::warn!(code = ?status.code(), "a call of the API failed behind the gateway");
            return Self::of(kind);
        }
        let errors: Vec<Fault> = violations
            .into_iter()
            .map(|(field, problem)| Fault::of_service(&field, problem))
            .collect();
        let problem = Self::of(kind);
        if errors.is_empty() {
            problem.saying(status.message())
        } else {
            problem.naming(errors)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let trace = telemetry::current_traceparent();
        let shown = Shown {
            r#type: format!("/api/problems/{}", self.kind.slug()),
            title: self.kind.texts()[0],
            status: self.kind.status().as_u16(),
            detail: self.detail,
            errors: self.errors,
            trace_id: trace.split('-').nth(1).map(str::to_owned),
        };
        let body = serde_json::to_vec(&shown).unwrap_or_default();
        let mut response = (self.kind.status(), body).into_response();
        let mut put = |name: HeaderName, value: &'static str| {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        };
        put(header::CONTENT_TYPE, "application/problem+json");
        put(header::CACHE_CONTROL, "no-store");
        if self.kind == Kind::Unauthorized {
            put(header::WWW_AUTHENTICATE, "Bearer realm=\"cozum\"");
        }
        if self.kind == Kind::Unavailable {
            put(header::RETRY_AFTER, "1");
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: Code, field: &str) -> Problem {
        Problem::from(chassis::refuse(code, field, "is wrong"))
    }

    #[test]
    fn a_services_refusal_names_the_place_in_the_call() {
        for (field, pointer) in [
            ("citizen.email", "/citizen/email"),
            ("answers[0].values", "/answers/0/values"),
            ("note", "/note"),
        ] {
            let problem = of(Code::InvalidArgument, field);
            assert_eq!(problem.kind, Kind::Invalid);
            assert_eq!(
                problem.errors[0].pointer.as_deref(),
                Some(pointer),
                "{field}"
            );
        }
        let header = |code, field| of(code, field).errors[0].header.clone();
        assert_eq!(
            header(Code::AlreadyExists, "target.command_id").as_deref(),
            Some("Idempotency-Key")
        );
        assert_eq!(
            header(Code::Aborted, "expected_version").as_deref(),
            Some("If-Match")
        );
    }

    #[test]
    fn each_refusal_has_its_kind() {
        for (code, field, kind) in [
            (Code::NotFound, "topic", Kind::NotFound),
            (Code::FailedPrecondition, "answer", Kind::Conflict),
            (Code::AlreadyExists, "command_id", Kind::KeyReused),
            (Code::Aborted, "expected_version", Kind::Stale),
            (Code::Aborted, "", Kind::Conflict),
            (Code::Unavailable, "", Kind::Unavailable),
        ] {
            assert_eq!(of(code, field).kind, kind, "{code:?} {field}");
        }
        let mistake = Problem::from(Status::internal("with details of ours"));
        assert_eq!((mistake.kind, mistake.detail), (Kind::Failed, None));
    }

    #[test]
    fn every_kind_has_an_address_of_its_own() {
        let mut slugs: Vec<&str> = Kind::ALL.iter().map(|it| it.slug()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), Kind::ALL.len());
    }
}
