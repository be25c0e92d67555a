//! The document as a page that people read: every operation, every type, every problem.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Map, Value};
use vocabulary::Language;

use super::{
    document::{document, schemas},
    problem::{Kind, Problem},
};
use crate::{
    Centre,
    params::Params,
    text::{self, Words},
};

#[derive(Template)]
#[template(path = "api.html")]
struct Reference {
    words: Words,
    other: &'static str,
    origin: String,
    about: String,
    parts: Vec<Part>,
    types: Vec<Type>,
    problems: Vec<Row>,
}

struct Part {
    name: String,
    title: String,
    about: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: String,
    parameters: Vec<Field>,
    body: Option<String>,
    answers: Vec<Answer>,
}

struct Field {
    name: String,
    required: bool,
    place: String,
    kind: String,
    /// The type it is explained under.
    link: Option<String>,
    about: String,
}

struct Answer {
    status: String,
    about: String,
    kind: Option<String>,
}

struct Type {
    name: String,
    about: String,
    fields: Vec<Field>,
}

struct Row {
    status: u16,
    slug: &'static str,
    title: &'static str,
}

#[derive(Template)]
#[template(path = "api-problem.html")]
struct Explained {
    words: Words,
    other: &'static str,
    status: u16,
    slug: &'static str,
    title: &'static str,
    help: String,
}

/// The reference.
pub(super) async fn page(
    State(centre): State<Arc<Centre>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let words = Words(language(&uri, &headers));
    let document = document();
    let origin = centre
        .public_origin
        .clone()
        .unwrap_or_else(|| "http://localhost:8153".to_owned());
    html(&Reference {
        words,
        other: other(words.0),
        origin,
        about: marked(&document["info"]["description"]),
        parts: each(&document["tags"]).map(|it| part(it, words)).collect(),
        types: fields_of(schemas())
            .map(|(name, it)| kind(name, it))
            .collect(),
        problems: Kind::ALL
            .iter()
            .map(|it| Row {
                status: it.status().as_u16(),
                slug: it.slug(),
                title: texts(*it, words.0)[0],
            })
            .collect(),
    })
}

/// What one kind of problem means, and what helps.
pub(super) async fn problem(Path(slug): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let Some(kind) = Kind::ALL.iter().find(|it| it.slug() == slug) else {
        return Problem::not_found().into_response();
    };
    let words = Words(language(&uri, &headers));
    let [title, help] = texts(*kind, words.0);
    html(&Explained {
        words,
        other: other(words.0),
        status: kind.status().as_u16(),
        slug: kind.slug(),
        title,
        help: marked(&Value::from(help)),
    })
}

pub(super) async fn style() -> Response {
    let headers = [
        ("content-type", "text/css; charset=utf-8"),
        ("cache-control", "public, max-age=3600"),
        ("x-content-type-options", "nosniff"),
    ];
    let sheet = concat!(
        include_str!("../../assets/tokens.css"),
        include_str!("../../assets/api.css")
    );
    (headers, sheet).into_response()
}

fn html(template: &impl Template) -> Response {
    const HEADERS: [(&str, &str); 4] = [
        ("content-type", "text/html; charset=utf-8"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
    ];
    match template.render() {
        Ok(html) => (HEADERS, html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn language(uri: &Uri, headers: &HeaderMap) -> Language {
    let accept = headers.get(header::ACCEPT_LANGUAGE);
    let accept = accept.and_then(|it| it.to_str().ok()).unwrap_or_default();
    text::named(Params::of_query(uri).trimmed("lang")).unwrap_or_else(|| text::preferred(accept))
}

const fn other(language: Language) -> &'static str {
    match language {
        Language::Tr => "en",
        Language::En => "tr",
    }
}

fn texts(kind: Kind, language: Language) -> [&'static str; 2] {
    let [title, help, title_tr, help_tr] = kind.texts();
    match language {
        Language::Tr => [title_tr, help_tr],
        Language::En => [title, help],
    }
}

fn part(tag: &Value, words: Words) -> Part {
    let name = text_of(&tag["name"]);
    let mut operations = vec![];
    for (path, item) in fields_of(&document()["paths"]) {
        for (method, it) in fields_of(item) {
            if each(&it["tags"]).any(|tag| *tag == name.as_str()) {
                operations.push(operation(path, method, it));
            }
        }
    }
    Part {
        title: words.get(&format!("api-tag-{name}")),
        about: marked(&tag["description"]),
        name,
        operations,
    }
}

fn operation(path: &str, method: &str, it: &Value) -> Operation {
    let body = &it["requestBody"]["content"]["application/json"]["schema"];
    Operation {
        id: text_of(&it["operationId"]),
        method: method.to_owned(),
        path: path.to_owned(),
        summary: text_of(&it["summary"]),
        about: marked(&it["description"]),
        parameters: each(&it["parameters"]).map(parameter).collect(),
        body: reference(body),
        answers: fields_of(&it["responses"])
            .map(|(status, it)| {
                let contents = fields_of(&it["content"]).next();
                Answer {
                    status: status.to_owned(),
                    about: marked(&it["description"]),
                    kind: contents.and_then(|(_, it)| reference(&it["schema"])),
                }
            })
            .collect(),
    }
}

fn parameter(it: &Value) -> Field {
    Field {
        name: text_of(&it["name"]),
        required: it["required"] == true,
        place: text_of(&it["in"]),
        kind: in_words(&it["schema"]),
        link: None,
        about: marked(&it["description"]),
    }
}

fn kind(name: &str, schema: &Value) -> Type {
    let field = |(field, it): (&str, &Value)| Field {
        name: field.to_owned(),
        required: each(&schema["required"]).any(|it| *it == field),
        place: String::new(),
        kind: in_words(it),
        link: linked(it),
        about: marked(&it["description"]),
    };
    Type {
        name: name.to_owned(),
        about: marked(&schema["description"]),
        fields: fields_of(&schema["properties"]).map(field).collect(),
    }
}

/// A schema in a few words: "string, date-time or null".
fn in_words(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return name;
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let words: Vec<String> = choices.iter().map(in_words).collect();
        return words.join(" or ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec![],
    };
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return words.join(" · ");
    }
    let of = match types.first() {
        Some(&"array") => format!(" of {}", in_words(&schema["items"])),
        _ => schema["format"]
            .as_str()
            .map(|it| format!(", {it}"))
            .unwrap_or_default(),
    };
    format!("{}{of}", types.join(" or "))
}

/// The type that a schema names, itself or inside of it.
fn linked(schema: &Value) -> Option<String> {
    reference(schema)
        .or_else(|| reference(&schema["items"]))
        .or_else(|| each(&schema["oneOf"]).find_map(reference))
}

fn reference(schema: &Value) -> Option<String> {
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    Some(name.to_owned())
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A text as HTML; the document marks code by backticks.
fn marked(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let mut html = String::with_capacity(text.len());
    let mut is_code = false;
    for letter in text.chars() {
        match letter {
            '`' => {
                html.push_str(if is_code { "</code>" } else { "<code>" });
                is_code = !is_code;
            }
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            other => html.push(other),
        }
    }
    if is_code {
        html.push_str("</code>");
    }
    html
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn fields_of(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flat_map(Map::iter)
        .map(|(name, value)| (name.as_str(), value))
}

#[test]
fn what_stands_between_backticks_is_code_and_nothing_is_a_tag() {
    let html = |text: &str| marked(&Value::from(text));
    assert_eq!(
        html("Send `Bearer <key>` & wait"),
        "Send <code>Bearer &lt;key&gt;</code> &amp; wait"
    );
    assert_eq!(html("one ` alone"), "one <code> alone</code>");
}
