//! A topic's definition: from a call with every field checked, from and into its events.

use std::collections::BTreeSet;

use chassis::{Invalid, event::Undecodable};
use contracts::{ledger::v1 as log, routing::v1, vocabulary::v1 as words};
use uuid::Uuid;
use vocabulary::AttributeType;

use super::checks::{self, command_id, name, required_word, unit};
use crate::domain::{Attribute, Choice, Standard, TopicDefinition};

/// The most of each that a definition may have.
const KEYWORDS: usize = 50;
const ATTRIBUTES: usize = 30;
const CHOICES: usize = 200;
/// The longest service standard, in days.
const LONGEST: u32 = 3_650;

pub(crate) fn define_topic(
    proto: &v1::DefineTopicRequest,
) -> Result<(Uuid, TopicDefinition), Invalid> {
    let definition = TopicDefinition {
        code: checks::topic(&proto.code, "code")?,
        name_tr: name(&proto.name_tr, "name_tr")?,
        name_en: name(&proto.name_en, "name_en")?,
        unit: unit(&proto.unit, "unit")?,
        public: proto.public,
        group: group(&proto.group)?,
        keywords: keywords(&proto.keywords)?,
        attributes: attributes(&proto.attributes)?,
        standard: standard(proto.standard.as_ref())?,
    };
    Ok((command_id(&proto.command_id, "command_id")?, definition))
}

/// A topic as it stands.
pub(crate) fn topic_defined(topic: &TopicDefinition) -> v1::TopicDefined {
    let TopicDefinition {
        code,
        name_tr,
        name_en,
        unit,
        public,
        group,
        keywords,
        attributes,
        standard,
    } = topic.clone();
    v1::TopicDefined {
        code: code.to_string(),
        name_tr,
        name_en,
        unit: unit.to_string(),
        public,
        group,
        keywords,
        attributes: attributes.into_iter().map(written).collect(),
        standard: standard.map(|it| match it {
            Standard::Days(days) => words::ServiceStandard {
                days,
                working_days: 0,
            },
            Standard::WorkingDays(working_days) => words::ServiceStandard {
                days: 0,
                working_days,
            },
        }),
    }
}

/// The same as a change.
pub(crate) fn topic_changed(topic: &TopicDefinition) -> v1::TopicChanged {
    let v1::TopicDefined {
        code,
        name_tr,
        name_en,
        unit,
        public,
        group,
        keywords,
        attributes,
        standard,
    } = topic_defined(topic);
    v1::TopicChanged {
        code,
        name_tr,
        name_en,
        unit,
        public,
        group,
        keywords,
        attributes,
        standard,
    }
}

/// A change as the definition it leaves behind.
pub(super) fn definition_after(changed: v1::TopicChanged) -> v1::TopicDefined {
    let v1::TopicChanged {
        code,
        name_tr,
        name_en,
        unit,
        public,
        group,
        keywords,
        attributes,
        standard,
    } = changed;
    v1::TopicDefined {
        code,
        name_tr,
        name_en,
        unit,
        public,
        group,
        keywords,
        attributes,
        standard,
    }
}

/// What was recorded.
pub(super) fn recorded(
    event: &log::Event,
    it: v1::TopicDefined,
) -> Result<TopicDefinition, Undecodable> {
    let unknown = |field| Undecodable::Word {
        position: event.position,
        name: event.r#type.clone(),
        field,
    };
    let read = |it: words::Attribute| {
        let kind = AttributeType::try_from(it.r#type).map_err(|_| unknown("attributes.type"))?;
        Ok(read(it, kind))
    };
    Ok(TopicDefinition {
        code: it.code.parse().map_err(|_| unknown("code"))?,
        name_tr: it.name_tr,
        name_en: it.name_en,
        unit: it.unit.parse().map_err(|_| unknown("unit"))?,
        public: it.public,
        group: it.group,
        keywords: it.keywords,
        attributes: it
            .attributes
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()?,
        standard: it.standard.and_then(days),
    })
}

fn read(it: words::Attribute, kind: AttributeType) -> Attribute {
    let choice = |it: words::AttributeChoice| Choice {
        key: it.key,
        name_tr: it.name_tr,
        name_en: it.name_en,
    };
    Attribute {
        code: it.code,
        kind,
        required: it.required,
        order: it.order,
        name_tr: it.name_tr,
        name_en: it.name_en,
        hint_tr: it.hint_tr,
        hint_en: it.hint_en,
        choices: it.choices.into_iter().map(choice).collect(),
    }
}

fn written(it: Attribute) -> words::Attribute {
    let choice = |it: Choice| words::AttributeChoice {
        key: it.key,
        name_tr: it.name_tr,
        name_en: it.name_en,
    };
    words::Attribute {
        code: it.code,
        r#type: it.kind.number(),
        required: it.required,
        order: it.order,
        name_tr: it.name_tr,
        name_en: it.name_en,
        hint_tr: it.hint_tr,
        hint_en: it.hint_en,
        choices: it.choices.into_iter().map(choice).collect(),
    }
}

fn days(it: words::ServiceStandard) -> Option<Standard> {
    match (it.days, it.working_days) {
        (0, 0) => None,
        (0, days) => Some(Standard::WorkingDays(days)),
        (days, _) => Some(Standard::Days(days)),
    }
}

fn standard(proto: Option<&words::ServiceStandard>) -> Result<Option<Standard>, Invalid> {
    let Some(proto) = proto else { return Ok(None) };
    if proto.days > 0 && proto.working_days > 0 {
        return Err(Invalid::at(
            "standard",
            "is given in days or in working days, not in both",
        ));
    }
    if proto.days > LONGEST || proto.working_days > LONGEST {
        return Err(Invalid::at("standard", "is longer than ten years"));
    }
    Ok(days(*proto))
}

/// A family's code; it has no name of its own here.
fn group(text: &str) -> Result<String, Invalid> {
    if text.is_empty() || is_code(text, |it| it.is_ascii_lowercase()) {
        return Ok(text.to_owned());
    }
    Err(Invalid::at("group", "has up to 40 of a-z, 0-9 and -"))
}

fn keywords(words: &[String]) -> Result<Vec<String>, Invalid> {
    if words.len() > KEYWORDS {
        return Err(Invalid::at("keywords", format!("are more than {KEYWORDS}")));
    }
    let mut seen = BTreeSet::new();
    let mut kept = vec![];
    for (index, word) in words.iter().enumerate() {
        let field = format!("keywords[{index}]");
        let word = word.trim();
        // Open311 lists them with commas between.
        if word.contains(',') {
            return Err(Invalid::at(
                field,
                "holds a comma: each word stands by itself",
            ));
        }
        let word = line(word, &field, 60)?;
        if word.is_empty() {
            return Err(Invalid::at(field, "is missing"));
        }
        if !seen.insert(word.clone()) {
            return Err(Invalid::at(field, "stands there twice"));
        }
        kept.push(word);
    }
    Ok(kept)
}

fn attributes(protos: &[words::Attribute]) -> Result<Vec<Attribute>, Invalid> {
    if protos.len() > ATTRIBUTES {
        return Err(Invalid::at(
            "attributes",
            format!("are more than {ATTRIBUTES}"),
        ));
    }
    let (mut codes, mut orders) = (BTreeSet::new(), BTreeSet::new());
    let mut all = vec![];
    for (index, proto) in protos.iter().enumerate() {
        let at = |field: &str| format!("attributes[{index}].{field}");
        let attribute = attribute(proto, index, at)?;
        if !codes.insert(attribute.code.clone()) {
            return Err(Invalid::at(at("code"), "is another attribute's code too"));
        }
        if !orders.insert(attribute.order) {
            return Err(Invalid::at(at("order"), "is another attribute's place too"));
        }
        all.push(attribute);
    }
    all.sort_by_key(|it| it.order);
    Ok(all)
}

fn attribute(
    proto: &words::Attribute,
    index: usize,
    at: impl Fn(&str) -> String,
) -> Result<Attribute, Invalid> {
    code(&proto.code, &at("code"))?;
    let kind: AttributeType = required_word(proto.r#type, &at("type"))?;
    let mut keys = BTreeSet::new();
    for (index, choice) in proto.choices.iter().enumerate() {
        let at = |field: &str| at(&format!("choices[{index}].{field}"));
        code(&choice.key, &at("key"))?;
        name(&choice.name_tr, &at("name_tr"))?;
        name(&choice.name_en, &at("name_en"))?;
        if !keys.insert(&choice.key) {
            return Err(Invalid::at(at("key"), "is another choice's key too"));
        }
    }
    let is_list = matches!(
        kind,
        AttributeType::SingleValueList | AttributeType::MultiValueList
    );
    if is_list && keys.is_empty() {
        return Err(Invalid::at(
            at("choices"),
            "are missing: a list offers at least one",
        ));
    }
    if !is_list && !keys.is_empty() {
        return Err(Invalid::at(at("choices"), "belong to a list only"));
    }
    if keys.len() > CHOICES {
        return Err(Invalid::at(
            at("choices"),
            format!("are more than {CHOICES}"),
        ));
    }
    name(&proto.name_tr, &at("name_tr"))?;
    name(&proto.name_en, &at("name_en"))?;
    line(&proto.hint_tr, &at("hint_tr"), 200)?;
    line(&proto.hint_en, &at("hint_en"), 200)?;
    let attribute = read(proto.clone(), kind);
    Ok(Attribute {
        // In the order given, where nothing is said.
        order: match proto.order {
            0 => u32::try_from(index + 1).unwrap_or(u32::MAX),
            order => order,
        },
        ..attribute
    })
}

fn code(text: &str, field: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::at(field, "is missing"));
    }
    if is_code(text, |it| it.is_ascii_alphabetic() || it == '_') {
        return Ok(());
    }
    Err(Invalid::at(field, "has 1 to 40 of A-Z, a-z, 0-9, - and _"))
}

fn is_code(text: &str, letter: impl Fn(char) -> bool) -> bool {
    let fits = |it: char| letter(it) || it.is_ascii_digit() || it == '-';
    (1..=40).contains(&text.len()) && text.chars().all(fits)
}

/// What may be empty.
fn line(text: &str, field: &str, longest: usize) -> Result<String, Invalid> {
    if text.chars().count() > longest || text.chars().any(char::is_control) {
        return Err(Invalid::at(
            field,
            format!("has up to {longest} characters in one line"),
        ));
    }
    Ok(text.to_owned())
}
