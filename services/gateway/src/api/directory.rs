//! The directory: units and topics. Anybody with a key reads it; to define takes the scope directory.

use std::collections::BTreeSet;

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use contracts::{
    routing::v1::{
        DefineTopicRequest, DefineUnitRequest, ListTopicsRequest, ListUnitsRequest, TopicDefined,
        UnitDefined,
    },
    vocabulary::v1::{self as words, AttributeType, ServiceStandard},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use super::{
    caller::Program,
    input::{Body, Named, NoQuery},
    problem::Problem,
    requests::private,
};
use crate::access::{Action, Resource};

/// A unit as it is defined.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitDefinition {
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f]([^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f])?$",
        example = "Fen İşleri Müdürlüğü"
    )]
    name_tr: String,
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f]([^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f])?$",
        example = "Public works"
    )]
    name_en: String,
    /// An institution outside the municipality.
    #[serde(default)]
    outside: bool,
}

/// A unit of the directory.
#[derive(Serialize, ToSchema)]
pub(super) struct Unit {
    code: String,
    name_tr: String,
    name_en: String,
    /// An institution outside the municipality.
    outside: bool,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Units {
    units: Vec<Unit>,
}

impl From<UnitDefined> for Unit {
    fn from(unit: UnitDefined) -> Self {
        Self {
            code: unit.code,
            name_tr: unit.name_tr,
            name_en: unit.name_en,
            outside: unit.outside,
        }
    }
}

/// A topic as it is defined.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TopicDefinition {
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f]([^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f])?$",
        example = "Yol çukuru"
    )]
    name_tr: String,
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f]([^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f])?$",
        example = "Pothole"
    )]
    name_en: String,
    /// The code of the unit that answers for it.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9-]+$",
        example = "fen-isleri"
    )]
    unit: String,
    /// Descriptions may be published.
    #[serde(default)]
    public: bool,
    /// Topics of one family stand together: "roads".
    #[schema(max_length = 40, pattern = "^[a-z0-9-]*$")]
    group: Option<String>,
    /// Other words that people use for it.
    #[schema(max_items = 50)]
    keywords: Option<Vec<Keyword>>,
    /// Null where no standard was posted.
    standard: Option<Standard>,
}

/// A word that people use for a topic.
#[derive(Deserialize)]
#[serde(transparent)]
struct Keyword(String);

impl PartialSchema for Keyword {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(60))
            .pattern(Some(
                r"^[^\s,\x00-\x1f\x7f-\x9f]([^,\x00-\x1f\x7f-\x9f]*[^\s,\x00-\x1f\x7f-\x9f])?$",
            ))
            .into()
    }
}

impl ToSchema for Keyword {}

/// Each word as often as it counts.
fn once(words: Vec<Keyword>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let words = words.into_iter().map(|it| it.0);
    words.filter(|it| seen.insert(it.clone())).collect()
}

/// How long the work under a topic may take (hizmet standardı).
#[derive(Deserialize, Serialize, ToSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Standard {
    #[schema(minimum = 1, maximum = 365)]
    days: u32,
    /// Working days, not calendar days.
    #[serde(default)]
    working: bool,
}

impl Standard {
    fn of(standard: Option<ServiceStandard>) -> Option<Self> {
        let standard = standard?;
        let working = standard.working_days > 0;
        let days = if working {
            standard.working_days
        } else {
            standard.days
        };
        (days > 0).then_some(Self { days, working })
    }

    fn message(self) -> ServiceStandard {
        if self.working {
            ServiceStandard {
                days: 0,
                working_days: self.days,
            }
        } else {
            ServiceStandard {
                days: self.days,
                working_days: 0,
            }
        }
    }
}

/// A topic of the directory.
#[derive(Serialize, ToSchema)]
pub(super) struct Topic {
    code: String,
    name_tr: String,
    name_en: String,
    unit: String,
    public: bool,
    group: Option<String>,
    keywords: Vec<String>,
    /// What everybody who files under it is asked.
    attributes: Vec<Attribute>,
    standard: Option<Standard>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Topics {
    topics: Vec<Topic>,
}

/// A question that a topic asks.
#[derive(Serialize, ToSchema)]
struct Attribute {
    code: String,
    #[schema(example = "singlevaluelist")]
    r#type: &'static str,
    required: bool,
    name_tr: String,
    name_en: String,
    choices: Vec<Choice>,
}

#[derive(Serialize, ToSchema)]
struct Choice {
    key: String,
    name_tr: String,
    name_en: String,
}

impl From<TopicDefined> for Topic {
    fn from(topic: TopicDefined) -> Self {
        let attributes = topic.attributes.into_iter().map(attribute).collect();
        Self {
            code: topic.code,
            name_tr: topic.name_tr,
            name_en: topic.name_en,
            unit: topic.unit,
            public: topic.public,
            group: super::words::something(topic.group),
            keywords: topic.keywords,
            attributes,
            standard: Standard::of(topic.standard),
        }
    }
}

fn attribute(it: words::Attribute) -> Attribute {
    let choice = |it: words::AttributeChoice| Choice {
        key: it.key,
        name_tr: it.name_tr,
        name_en: it.name_en,
    };
    Attribute {
        r#type: match it.r#type() {
            AttributeType::Number => "number",
            AttributeType::Datetime => "datetime",
            AttributeType::Text => "text",
            AttributeType::SingleValueList => "singlevaluelist",
            AttributeType::MultiValueList => "multivaluelist",
            AttributeType::Unspecified | AttributeType::String => "string",
        },
        code: it.code,
        required: it.required,
        name_tr: it.name_tr,
        name_en: it.name_en,
        choices: it.choices.into_iter().map(choice).collect(),
    }
}

async fn all_units(program: &Program) -> Result<Vec<UnitDefined>, Problem> {
    let caller = program.caller();
    let reply = chassis::patiently(|| {
        let (mut routing, request) = (
            program.centre.routing(),
            caller.request(ListUnitsRequest {}),
        );
        async move { routing.list_units(request).await }
    });
    Ok(reply.await?.into_inner().units)
}

async fn all_topics(program: &Program) -> Result<Vec<TopicDefined>, Problem> {
    let caller = program.caller();
    let reply = chassis::patiently(|| {
        let (mut routing, request) = (
            program.centre.routing(),
            caller.request(ListTopicsRequest {}),
        );
        async move { routing.list_topics(request).await }
    });
    Ok(reply.await?.into_inner().topics)
}

/// List units
#[utoipa::path(get, path = "/units", tag = "directory", operation_id = "listUnits",
    responses((status = 200, description = "All units, by code", body = Units)))]
pub(super) async fn units(program: Program, _: NoQuery) -> Result<Response, Problem> {
    let units = all_units(&program).await?.into_iter().map(Unit::from);
    Ok(private(Json(Units {
        units: units.collect(),
    })))
}

/// Read a unit
#[utoipa::path(get, path = "/units/{code}", tag = "directory", operation_id = "getUnit",
    params(("code" = String, Path, min_length = 1, max_length = 64, example = "fen-isleri")),
    responses((status = 200, description = "The unit", body = Unit)))]
pub(super) async fn unit(
    program: Program,
    Named(code): Named,
    _: NoQuery,
) -> Result<Response, Problem> {
    let found = all_units(&program)
        .await?
        .into_iter()
        .find(|it| it.code == code);
    Ok(private(Json(Unit::from(
        found.ok_or_else(Problem::not_found)?,
    ))))
}

/// Define a unit
///
/// Defining the same thing again changes nothing.
#[utoipa::path(put, path = "/units/{code}", tag = "directory", operation_id = "putUnit", request_body = UnitDefinition,
    params(("code" = String, Path, pattern = "^[a-z0-9-]{1,64}$", example = "fen-isleri")),
    responses((status = 200, description = "The unit as it is now", body = Unit), (status = 201, description = "A new unit", body = Unit)))]
pub(super) async fn put_unit(
    program: Program,
    Named(code): Named,
    _: NoQuery,
    headers: HeaderMap,
    Body(new): Body<UnitDefinition>,
) -> Result<Response, Problem> {
    program.may(Action::Direct, Resource::Centre)?;
    is_a_code(&code)?;
    let known = all_units(&program).await?.iter().any(|it| it.code == code);
    let command = DefineUnitRequest {
        command_id: program.command_id(&headers)?.to_string(),
        code: code.clone(),
        name_tr: new.name_tr.clone(),
        name_en: new.name_en.clone(),
        outside: new.outside,
    };
    let caller = program.caller();
    let reply = chassis::patiently(|| {
        let (mut routing, request) = (program.centre.routing(), caller.request(command.clone()));
        async move { routing.define_unit(request).await }
    });
    let position = reply.await?.into_inner().position;
    let unit = Unit {
        code,
        name_tr: new.name_tr,
        name_en: new.name_en,
        outside: new.outside,
    };
    Ok(put(known, position, Json(unit)))
}

/// List topics
#[utoipa::path(get, path = "/topics", tag = "directory", operation_id = "listTopics",
    responses((status = 200, description = "All topics, by code", body = Topics)))]
pub(super) async fn topics(program: Program, _: NoQuery) -> Result<Response, Problem> {
    let topics = all_topics(&program).await?.into_iter().map(Topic::from);
    Ok(private(Json(Topics {
        topics: topics.collect(),
    })))
}

/// Read a topic
#[utoipa::path(get, path = "/topics/{code}", tag = "directory", operation_id = "getTopic",
    params(("code" = String, Path, min_length = 1, max_length = 64, example = "pothole")),
    responses((status = 200, description = "The topic", body = Topic)))]
pub(super) async fn topic(
    program: Program,
    Named(code): Named,
    _: NoQuery,
) -> Result<Response, Problem> {
    let found = all_topics(&program)
        .await?
        .into_iter()
        .find(|it| it.code == code);
    Ok(private(Json(Topic::from(
        found.ok_or_else(Problem::not_found)?,
    ))))
}

/// Define a topic
///
/// Its questions stay as they are; all else is what this says. Defining the same thing again changes nothing.
#[utoipa::path(put, path = "/topics/{code}", tag = "directory", operation_id = "putTopic", request_body = TopicDefinition,
    params(("code" = String, Path, pattern = "^[a-z0-9-]{1,64}$", example = "pothole")),
    responses((status = 200, description = "The topic as it is now", body = Topic), (status = 201, description = "A new topic", body = Topic)))]
pub(super) async fn put_topic(
    program: Program,
    Named(code): Named,
    _: NoQuery,
    headers: HeaderMap,
    Body(new): Body<TopicDefinition>,
) -> Result<Response, Problem> {
    program.may(Action::Direct, Resource::Centre)?;
    is_a_code(&code)?;
    let before = all_topics(&program)
        .await?
        .into_iter()
        .find(|it| it.code == code);
    let known = before.is_some();
    let defined = TopicDefined {
        code,
        name_tr: new.name_tr,
        name_en: new.name_en,
        unit: new.unit,
        public: new.public,
        group: new.group.unwrap_or_default(),
        keywords: once(new.keywords.unwrap_or_default()),
        attributes: before.map(|it| it.attributes).unwrap_or_default(),
        standard: new.standard.map(Standard::message),
    };
    let it = defined.clone();
    let command = DefineTopicRequest {
        command_id: program.command_id(&headers)?.to_string(),
        code: it.code,
        name_tr: it.name_tr,
        name_en: it.name_en,
        unit: it.unit,
        public: it.public,
        group: it.group,
        keywords: it.keywords,
        attributes: it.attributes,
        standard: it.standard,
    };
    let caller = program.caller();
    let reply = chassis::patiently(|| {
        let (mut routing, request) = (program.centre.routing(), caller.request(command.clone()));
        async move { routing.define_topic(request).await }
    });
    let position = reply.await?.into_inner().position;
    Ok(put(known, position, Json(Topic::from(defined))))
}

/// A new code is one that every address, file and report can bear.
fn is_a_code(code: &str) -> Result<(), Problem> {
    if crate::keys::is_slug(code) {
        return Ok(());
    }
    let fault = super::problem::Fault::parameter("code", "has 1 to 64 of a-z, 0-9 and -");
    Err(Problem::of(super::problem::Kind::Invalid).naming([fault]))
}

fn put(known: bool, position: u64, body: impl axum::response::IntoResponse) -> Response {
    let status = if known {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let mut response = (status, private(body)).into_response();
    response
        .headers_mut()
        .insert("cozum-position", position.into());
    response
}
