//! The OpenAPI document, from the handlers themselves. What is the same for every call is said here once: how it can fail.

use std::sync::LazyLock;

use serde_json::{Value, json};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

use super::problem::{self, Kind};

/// What the document says before its operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Çözüm",
        version = "1",
        description = "Requests, contacts, the directory, figures, search and webhooks of a city's solution centre. \
            Send `Authorization: Bearer <key>`. Times are RFC 3339; a request's version is its `ETag`; lists are paged by \
            `next`. A command with an `Idempotency-Key` can be repeated without doing it twice. Whatever goes wrong is \
            told as `application/problem+json` (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/")),
    components(schemas(problem::Shown)),
    modifiers(&Bearer),
    security(("key" = [])),
    tags(
        (name = "requests", description = "What citizens want done, and what became of it"),
        (name = "contacts", description = "Each time somebody turned to the centre"),
        (name = "directory", description = "Units and topics"),
        (name = "figures", description = "Counts, and search"),
        (name = "webhooks", description = "Events sent to a program, in the form of Standard Webhooks and CloudEvents"),
        (name = "key", description = "The key itself")
    )
)]
pub(super) struct Head;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("key", scheme);
    }
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = json!(super::operations().into_openapi());
    complete(&mut document);
    document
});

/// The whole document.
pub(super) fn document() -> &'static Value {
    &DOCUMENT
}

/// All schemas by name.
pub(super) fn schemas() -> &'static Value {
    &DOCUMENT["components"]["schemas"]
}

/// The schema of a name.
pub(super) fn schema(name: &str) -> &'static Value {
    &schemas()[name]
}

/// Gives each operation the failures that it can have by its nature.
fn complete(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if operation["responses"].is_object() {
                each_parameter(operation, never_null);
                for kind in failures(path, method, operation) {
                    let status = kind.status().as_str().to_owned();
                    let responses = &mut operation["responses"];
                    if responses[&status].is_null() {
                        responses[&status] = failure(kind);
                    }
                }
            }
        }
    }
}

fn each_parameter(operation: &mut Value, change: impl Fn(&mut Value)) {
    // By `get_mut`: to index what is not there would write a null into the document.
    let parameters = operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut);
    parameters.into_iter().flatten().for_each(change);
}

/// A parameter that is left out is left out: there is no null in a URL or a header.
fn never_null(parameter: &mut Value) {
    let schema = &mut parameter["schema"];
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|it| it != "null");
        if let [one] = types.as_slice() {
            schema["type"] = one.clone();
        }
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let other = choices.iter().find(|it| it["type"] != "null");
        *schema = other.cloned().unwrap_or_default();
    }
}

fn failures(path: &str, method: &str, operation: &Value) -> Vec<Kind> {
    let has_body = !operation["requestBody"].is_null();
    let header = |name: &str| {
        let mut parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters.any(|it| it["name"] == name)
    };
    let mut kinds = vec![
        Kind::Invalid,
        Kind::Unauthorized,
        Kind::Forbidden,
        Kind::TooMany,
        Kind::Failed,
        Kind::Unavailable,
    ];
    if has_body {
        kinds.extend([Kind::TooLarge, Kind::UnsupportedMediaType, Kind::NotFound]);
    }
    if path.contains('{') {
        kinds.push(Kind::NotFound);
    }
    // A moment that is well formed may not have come yet.
    if method != "get" || header("as_of") {
        kinds.push(Kind::Conflict);
    }
    if header("If-Match") {
        kinds.extend([Kind::Stale, Kind::VersionMissing]);
    }
    kinds
}

fn failure(kind: Kind) -> Value {
    let mut failure = json!({
        "description": kind.texts()[0],
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    if matches!(kind, Kind::TooMany | Kind::Unavailable) {
        failure["headers"] = json!({"Retry-After": {
            "description": "Seconds to wait", "required": true, "schema": {"type": "integer", "minimum": 0}
        }});
    }
    failure
}
