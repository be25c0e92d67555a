//! What a body or a parameter may be stands once: in the schema that the document shows. Here a value is held against it,
//! and everything that is wrong is told at once, each thing by its place.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use regex::Regex;
use serde_json::{Map, Value};

use super::words::moment;

/// One thing that is wrong with a value, and where: a JSON pointer, "" for the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) at: String,
    pub(super) problem: String,
}

/// Everything that keeps a value from fitting a schema; `components` are the schemas that it may refer to.
pub(super) fn misfits(schema: &Value, components: &Value, value: &Value) -> Vec<Misfit> {
    let mut check = Check {
        components,
        found: vec![],
    };
    check.value(schema, value, "");
    check.found
}

/// Writes 164.0 as 164: to JSON Schema both are the same integer.
#[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
pub(super) fn whole_numbers(value: &mut Value) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number
                .as_f64()
                .filter(|it| it.fract() == 0.0 && it.abs() < EXACT);
            if let Some(whole) = whole {
                *number = (whole as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The JSON value that a text of a URL stands for, by the type that its schema names. Text that is none stays text, so that
/// the schema refuses it.
pub(super) fn of_text(schema: &Value, components: &Value, text: &str) -> Value {
    let schema = resolved(schema, components);
    let read = |kind: &str| match kind {
        "integer" | "number" | "boolean" => serde_json::from_str::<Value>(text)
            .ok()
            .filter(|it| fits_type(kind, it)),
        "array" => {
            let items = &schema["items"];
            let parts = text.split(',').map(|it| of_text(items, components, it));
            Some(Value::Array(parts.collect()))
        }
        _ => None,
    };
    types(schema)
        .into_iter()
        .find_map(read)
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

struct Check<'a> {
    components: &'a Value,
    found: Vec<Misfit>,
}

impl Check<'_> {
    fn note(&mut self, at: &str, problem: impl Into<String>) {
        self.found.push(Misfit {
            at: at.to_owned(),
            problem: problem.into(),
        });
    }

    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        let components = self.components;
        let schema = resolved(schema, components);
        if let Some(choices) = schema["oneOf"].as_array() {
            let nullable = choices.iter().any(|it| it["type"] == "null");
            let other = choices.iter().find(|it| it["type"] != "null");
            match other {
                Some(_) if nullable && value.is_null() => {}
                Some(schema) => self.value(schema, value, at),
                None => {}
            }
            return;
        }
        let types = types(schema);
        if !types.is_empty() && !types.iter().any(|it| fits_type(it, value)) {
            self.note(at, format!("is no {}", types[0]));
            return;
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            let words = allowed.iter().filter_map(Value::as_str);
            self.note(
                at,
                format!("is none of: {}", words.collect::<Vec<_>>().join(" ")),
            );
            return;
        }
        match value {
            Value::String(text) => self.text(schema, text, at),
            Value::Number(_) => self.number(schema, value, at),
            Value::Array(items) => self.array(schema, items, at),
            Value::Object(fields) => self.object(schema, fields, at),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text(&mut self, schema: &Value, text: &str, at: &str) {
        let length = text.chars().count() as u64;
        if let Some(least) = schema["minLength"].as_u64().filter(|it| length < *it) {
            let problem = if length == 0 {
                "is empty".to_owned()
            } else {
                format!("is shorter than {least} characters")
            };
            return self.note(at, problem);
        }
        if let Some(most) = schema["maxLength"].as_u64().filter(|it| length > *it) {
            return self.note(at, format!("is longer than {most} characters"));
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && !matches(pattern, text)
        {
            return self.note(at, format!("does not match {pattern}"));
        }
        if let Some(format) = schema["format"].as_str()
            && !has_format(format, text)
        {
            self.note(at, format!("is no {format}"));
        }
    }

    fn number(&mut self, schema: &Value, value: &Value, at: &str) {
        let Some(number) = value.as_f64() else { return };
        if let Some(least) = schema["minimum"].as_f64().filter(|it| number < *it) {
            self.note(at, format!("is less than {least}"));
        }
        if let Some(most) = schema["maximum"].as_f64().filter(|it| number > *it) {
            self.note(at, format!("is more than {most}"));
        }
    }

    fn array(&mut self, schema: &Value, items: &[Value], at: &str) {
        let count = items.len() as u64;
        if let Some(least) = schema["minItems"].as_u64().filter(|it| count < *it) {
            self.note(at, format!("has fewer than {least} items"));
        }
        if let Some(most) = schema["maxItems"].as_u64().filter(|it| count > *it) {
            return self.note(at, format!("has more than {most} items"));
        }
        for (index, item) in items.iter().enumerate() {
            self.value(&schema["items"], item, &format!("{at}/{index}"));
        }
    }

    fn object(&mut self, schema: &Value, fields: &Map<String, Value>, at: &str) {
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            if !fields.contains_key(name) {
                self.note(&below(at, name), "is missing");
            }
        }
        if let Some(most) = schema["maxProperties"].as_u64()
            && fields.len() as u64 > most
        {
            return self.note(at, format!("has more than {most} fields"));
        }
        let others = &schema["additionalProperties"];
        for (name, value) in fields {
            let at = below(at, name);
            match schema["properties"].get(name) {
                Some(schema) => self.value(schema, value, &at),
                None if *others == Value::Bool(false) => self.note(&at, "is not known here"),
                None => {
                    let pattern = schema["propertyNames"]["pattern"].as_str();
                    if pattern.is_some_and(|it| !matches(it, name)) {
                        self.note(&at, "is no name that can stand here");
                    }
                    self.value(others, value, &at);
                }
            }
        }
    }
}

/// A place one step further in, as RFC 6901 writes it.
fn below(at: &str, name: &str) -> String {
    // A name of megabytes is not sent back.
    let name: String = name.chars().take(100).collect();
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn resolved<'a>(schema: &'a Value, components: &'a Value) -> &'a Value {
    schema["$ref"]
        .as_str()
        .and_then(|it| it.strip_prefix("#/components/schemas/"))
        .map_or(schema, |name| &components[name])
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec![],
    }
}

fn fits_type(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

/// Patterns are those of our own document; each is compiled once.
fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: LazyLock<Mutex<HashMap<String, Option<Regex>>>> =
        LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let regex = compiled
        .entry(pattern.to_owned())
        .or_insert_with(|| Regex::new(pattern).ok());
    regex.as_ref().is_some_and(|it| it.is_match(text))
}

fn has_format(format: &str, text: &str) -> bool {
    match format {
        "date-time" => moment(text).is_some(),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "uuid" => text.len() == 36 && text.parse::<uuid::Uuid>().is_ok(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object", "required": ["topic"], "additionalProperties": false,
            "properties": {
                "topic": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$"},
                "text": {"type": ["string", "null"], "maxLength": 3},
                "place": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Place"}]},
                "tags": {"type": "array", "maxItems": 2, "items": {"type": "string", "enum": ["a", "b"]}},
            }
        })
    }

    fn told(value: Value) -> Vec<(String, String)> {
        let components = json!({"Place": {
            "type": "object", "properties": {"latitude": {"type": "number", "minimum": -90, "maximum": 90}}
        }});
        let found = misfits(&schema(), &components, &value);
        found.into_iter().map(|it| (it.at, it.problem)).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_by_its_place() {
        let found = told(json!({
            "text": "dört", "place": {"latitude": 91}, "tags": ["a", "c"], "x/y": 1
        }));
        let places: Vec<&str> = found.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(
            places,
            ["/topic", "/place/latitude", "/tags/1", "/text", "/x~1y"],
            "{found:?}"
        );
    }

    #[test]
    fn what_fits_is_let_through() {
        for good in [
            json!({"topic": "pothole"}),
            json!({"topic": "pothole", "text": null, "place": null}),
            json!({"topic": "p", "text": "üç!", "place": {"latitude": -90}, "tags": []}),
        ] {
            assert_eq!(told(good.clone()), [], "{good}");
        }
    }

    #[test]
    fn a_whole_number_is_an_integer_however_it_is_written() {
        let mut value = json!({"hours": 164.0, "points": [1.5, -0.0, 1e300], "text": "1.0"});
        whole_numbers(&mut value);
        let expected = json!({"hours": 164, "points": [1.5, 0, 1e300], "text": "1.0"});
        assert_eq!(value, expected);
    }

    #[test]
    fn a_text_of_a_url_is_read_by_its_type() {
        let none = Value::Null;
        let number = json!({"type": ["integer", "null"]});
        assert_eq!(of_text(&number, &none, "12"), json!(12));
        assert_eq!(of_text(&number, &none, "1e2"), json!("1e2"));
        assert_eq!(of_text(&number, &none, "true"), json!("true"));
        let list = json!({"type": "array", "items": {"type": "string"}});
        assert_eq!(of_text(&list, &none, "a,b"), json!(["a", "b"]));
        assert_eq!(of_text(&list, &none, ""), json!([""]));
        assert_eq!(
            of_text(&json!({"type": "string"}), &none, "12"),
            json!("12")
        );
    }

    #[test]
    fn formats_are_held() {
        assert!(has_format("date-time", "2026-10-05T14:03:09+03:00"));
        assert!(!has_format("date-time", "2026-10-05"));
        assert!(has_format("date", "2026-02-28") && !has_format("date", "2026-02-30"));
        assert!(!has_format("uuid", "6d0fbb3a6a0e4f7e9f570a9d3a2f1c11"));
    }
}
