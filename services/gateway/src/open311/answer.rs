//! Lists and single things, written in the format that was asked for. XML wraps each item of a list in an element; JSON has
//! the bare array, and a single thing without its name.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// What an address ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Xml,
    Json,
}

impl Format {
    /// The format a path ends in; XML, which the standard requires, where it ends in neither.
    pub(super) fn of(path: &str) -> Self {
        if path.ends_with(".json") {
            Self::Json
        } else {
            Self::Xml
        }
    }

    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Json => "json",
        }
    }

    /// The name before the suffix, where a file has this suffix.
    pub(super) fn name_in(self, file: &str) -> Option<&str> {
        file.strip_suffix(self.suffix())?.strip_suffix('.')
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// A list as an answer.
pub(super) fn list<T: Serialize>(
    format: Format,
    root: &str,
    item: &'static str,
    items: &[T],
) -> Response {
    written(
        format,
        match format {
            Format::Xml => xml(root, item, items),
            Format::Json => json(items),
        },
    )
}

/// A single thing as an answer.
pub(super) fn object<T: Serialize>(format: Format, root: &str, value: &T) -> Response {
    written(
        format,
        match format {
            Format::Xml => document(root, value),
            Format::Json => json(value),
        },
    )
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    serde_json::to_string(value).map_err(|it| it.to_string())
}

fn written(format: Format, text: Result<String, String>) -> Response {
    match text {
        Ok(text) => {
            let content_type = HeaderValue::from_static(format.content_type());
            ([(header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(error) => {
            tracing::error!(error, "an answer cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub(super) fn xml<T: Serialize>(
    root: &str,
    item: &'static str,
    items: &[T],
) -> Result<String, String> {
    document(root, &Wrapped { item, items })
}

fn document<T: Serialize>(root: &str, value: &T) -> Result<String, String> {
    let body = quick_xml::se::to_string_with_root(root, value).map_err(|it| it.to_string())?;
    let mut text = String::with_capacity(body.len() + 50);
    text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    for letter in body.chars() {
        match letter {
            // A reader would turn it into a line feed.
            '\r' => text.push_str("&#13;"),
            letter if may_stand_in_xml(letter) => text.push(letter),
            _ => text.push('\u{fffd}'),
        }
    }
    Ok(text)
}

/// XML 1.0 has no way to write most control characters.
fn may_stand_in_xml(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A list inside of an answer.
#[derive(Debug)]
pub(super) struct Nested<T> {
    pub(super) format: Format,
    pub(super) item: &'static str,
    pub(super) items: Vec<T>,
}

impl<T: Serialize> Serialize for Nested<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            format,
            item,
            items,
        } = self;
        match format {
            Format::Xml => Wrapped { item, items }.serialize(serializer),
            Format::Json => items.serialize(serializer),
        }
    }
}

struct Wrapped<'a, T> {
    item: &'static str,
    items: &'a [T],
}

impl<T: Serialize> Serialize for Wrapped<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.item, self.items)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use quick_xml::{Reader, events::Event};

    use super::*;

    #[derive(Serialize)]
    struct Sample {
        service_request_id: String,
        description: Option<String>,
        account_id: Option<String>,
        lat: Option<f64>,
        metadata: bool,
    }

    fn sample(description: &str) -> Sample {
        Sample {
            service_request_id: "2026-48120937-5".to_owned(),
            description: Some(description.to_owned()),
            account_id: None,
            lat: Some(39.923_4),
            metadata: false,
        }
    }

    /// The leaves of the XML as (name, text).
    fn leaves(xml: &str) -> Vec<(String, String)> {
        let mut reader = Reader::from_str(xml);
        let (mut found, mut text, mut open) = (vec![], String::new(), String::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Start(it) => {
                    open = it.name().as_ref().to_owned();
                    text.clear();
                }
                Event::Empty(it) => found.push((it.name().as_ref().to_owned(), String::new())),
                Event::Text(it) => text.push_str(&it),
                Event::GeneralRef(it) => match it.resolve_char_ref().unwrap() {
                    Some(letter) => text.push(letter),
                    None => text.push_str(quick_xml::escape::resolve_xml_entity(&it).unwrap()),
                },
                Event::End(it) if it.name().as_ref() == open => {
                    found.push((open.clone(), text.clone()))
                }
                Event::Eof => return found,
                Event::End(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_) => {}
            }
        }
    }

    /// The members of the JSON as (name, text); null and the empty element say the same.
    fn members(json: &str) -> Vec<(String, String)> {
        let value: Vec<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(json).unwrap();
        let text = |value: serde_json::Value| match value {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => text,
            other @ (serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_)) => other.to_string(),
        };
        value
            .into_iter()
            .flatten()
            .map(|(name, value)| (name, text(value)))
            .collect()
    }

    fn say_the_same(text: &str) {
        let items = [sample(text)];
        let xml = xml("service_requests", "request", &items).unwrap();
        let mut leaves = leaves(&xml);
        // What XML cannot write is replaced there.
        let writable = |it: char| {
            if may_stand_in_xml(it) || it == '\r' {
                it
            } else {
                '\u{fffd}'
            }
        };
        let items = [sample(&text.chars().map(writable).collect::<String>())];
        let mut members = members(&serde_json::to_string(&items).unwrap());
        leaves.sort();
        members.sort();
        assert_eq!(leaves, members, "{xml}");
    }

    proptest::proptest! {
        #[test]
        fn xml_and_json_say_the_same(text: String) {
            say_the_same(&text);
        }
    }

    #[test]
    fn xml_and_json_say_the_same_of_what_xml_escapes() {
        for text in [
            "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ",
            "<b>\"x\"</b> & co",
            "satır\r\nsatır\n\tson ",
            "]]> &amp; &#13;",
            "",
            " ",
        ] {
            say_the_same(text);
        }
    }

    #[test]
    fn xml_keeps_the_order_and_writes_nothing_as_an_empty_element() {
        let xml = xml("service_requests", "request", &[sample("çukur")]).unwrap();
        assert_eq!(
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<service_requests><request>\
             <service_request_id>2026-48120937-5</service_request_id><description>çukur</description><account_id/>\
             <lat>39.9234</lat><metadata>false</metadata></request></service_requests>"
        );
    }

    #[test]
    fn an_empty_list_is_still_a_list() {
        let none: [Sample; 0] = [];
        assert!(
            xml("services", "service", &none)
                .unwrap()
                .ends_with("<services/>")
        );
    }

    #[test]
    fn control_characters_do_not_break_the_document() {
        let xml = xml("service_requests", "request", &[sample("a\u{0}b\u{8}c")]).unwrap();
        assert!(xml.contains("a\u{fffd}b\u{fffd}c"), "{xml}");
    }

    #[test]
    fn the_suffix_is_the_format() {
        assert_eq!(Format::of("/requests/2026-48120937-5.json"), Format::Json);
        assert_eq!(
            Format::Json.name_in("2026-48120937-5.json"),
            Some("2026-48120937-5")
        );
        assert_eq!(Format::of("2026-48120937-5.yaml"), Format::Xml);
        assert_eq!(Format::Xml.name_in("2026-48120937-5.yaml"), None);
    }
}
