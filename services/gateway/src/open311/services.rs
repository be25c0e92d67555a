//! What can be asked for: the list of services, and what each of them asks.

use axum::http::{HeaderMap, StatusCode};
use contracts::{routing::v1::TopicDefined, vocabulary::v1 as words};
use serde::Serialize;
use vocabulary::{AttributeType, Language};

use super::{
    Asked, Problems,
    answer::{Format, Nested},
};
use crate::{
    Centre,
    register::{Name, Topic, unit_name},
    text::Words,
};

#[derive(Debug, Serialize)]
pub(super) struct Service {
    service_code: String,
    service_name: String,
    description: String,
    metadata: bool,
    r#type: &'static str,
    keywords: String,
    group: String,
}

#[derive(Debug, Serialize)]
pub(super) struct ServiceDefinition {
    service_code: String,
    attributes: Nested<Attribute>,
}

#[derive(Debug, Serialize)]
struct Attribute {
    variable: bool,
    code: String,
    datatype: &'static str,
    required: bool,
    datatype_description: Option<String>,
    order: u32,
    description: String,
    values: Nested<Value>,
}

#[derive(Debug, Serialize)]
struct Value {
    key: String,
    name: String,
}

/// All services, by code.
pub(super) async fn services(centre: &Centre, asked: &Asked<'_>) -> Result<Vec<Service>, Problems> {
    let register = centre.register(asked.municipality);
    let units = register.units().await?;
    let topics = register.topics().await?.into_iter();
    let service = |topic: Topic| {
        let unit = unit_name(&units, &topic.unit, asked.language);
        service(topic, &unit, asked.language)
    };
    Ok(topics.map(service).collect())
}

fn service(topic: Topic, unit: &str, language: Language) -> Service {
    let definition = topic.definition();
    let words = Words(language);
    let name = topic.name.of(language).to_owned();
    let mut description = words.with("open311-service", [("service", &name), ("unit", unit)]);
    if let Some(standard) = standard(&definition, words) {
        description.push(' ');
        description.push_str(&standard);
    }
    // Whoever knows the service by its name in the other language finds it too.
    let other = match language {
        Language::Tr => topic.name.of(Language::En),
        Language::En => topic.name.of(Language::Tr),
    };
    let mut keywords = vec![other.to_owned()];
    keywords.extend(definition.keywords);
    Service {
        service_name: name,
        description,
        metadata: !definition.attributes.is_empty(),
        r#type: "realtime",
        keywords: keywords.join(","),
        group: group(&topic.family, unit, words),
        service_code: topic.code,
    }
}

fn standard(definition: &TopicDefined, words: Words) -> Option<String> {
    let standard = definition.standard.unwrap_or_default();
    match (standard.days, standard.working_days) {
        (0, 0) => None,
        (0, days) => Some(words.with("open311-working-days", [("days", &days.to_string())])),
        (days, _) => Some(words.with("open311-days", [("days", &days.to_string())])),
    }
}

/// The family's name, where it is one that we know; else its code, else the unit.
fn group(family: &str, unit: &str, words: Words) -> String {
    const KNOWN: [&str; 20] = [
        "animals",
        "applications",
        "building",
        "business",
        "cleanliness",
        "culture",
        "emergencies",
        "environment",
        "health",
        "lighting",
        "online",
        "opinions",
        "order",
        "parks",
        "payments",
        "roads",
        "support",
        "traffic",
        "transport",
        "water",
    ];
    if KNOWN.contains(&family) {
        words.get(&format!("group-{family}"))
    } else if family.is_empty() {
        unit.to_owned()
    } else {
        family.to_owned()
    }
}

/// What a service asks. One that asks nothing says so: a client that asks anyway is told no lie about its code.
pub(super) async fn definition(
    centre: &Centre,
    asked: &Asked<'_>,
    format: Format,
    code: &str,
    headers: &HeaderMap,
) -> Result<ServiceDefinition, Problems> {
    let register = centre.register(asked.municipality);
    super::seen(register, headers).await?;
    let Some(topic) = register.topic(code).await? else {
        let problem = "service_code: no such service here";
        return Err(Problems::one(StatusCode::NOT_FOUND, problem));
    };
    let attributes = topic.definition().attributes.into_iter();
    Ok(ServiceDefinition {
        service_code: topic.code,
        attributes: Nested {
            format,
            item: "attribute",
            items: attributes
                .map(|it| attribute(it, asked.language, format))
                .collect(),
        },
    })
}

fn attribute(it: words::Attribute, language: Language, format: Format) -> Attribute {
    let named =
        |name_tr: String, name_en: String| Name { name_tr, name_en }.of(language).to_owned();
    let value = |it: words::AttributeChoice| Value {
        key: it.key,
        name: named(it.name_tr, it.name_en),
    };
    let hint = named(it.hint_tr, it.hint_en);
    Attribute {
        variable: true,
        code: it.code,
        datatype: AttributeType::try_from(it.r#type).map_or("string", AttributeType::code),
        required: it.required,
        datatype_description: (!hint.is_empty()).then_some(hint),
        order: it.order,
        description: named(it.name_tr, it.name_en),
        values: Nested {
            format,
            item: "value",
            items: it.choices.into_iter().map(value).collect(),
        },
    }
}
