use std::fmt::Write as _;

use anyhow::Context as _;
use contracts::{
    intake::v1::{ErasureGround, HoldGround, RetentionGround},
    ledger::v1::{CutOffReply, Event},
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use vocabulary::{Channel, Language, SubResult};

use super::{Decoder, causes, id, labels::label};
use crate::{erase::ground_name, hold, retention};

/// What a history as of a moment says of itself.
pub(super) fn known(cut_off: &CutOffReply, language: Language) -> anyhow::Result<String> {
    let at = i64::try_from(cut_off.recorded_at).map(chassis::event::timestamp)?;
    let at = written(at, &zone()?);
    let position = cut_off.position;
    Ok(match language {
        Language::Tr => format!("#{position} kaydına kadar bilinenler ({at})\n\n"),
        Language::En => format!("As known after #{position} ({at})\n\n"),
    })
}

fn zone() -> anyhow::Result<TimeZone> {
    TimeZone::get("Europe/Istanbul").context("Europe/Istanbul")
}

fn written(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S%.3f %:z")
        .to_string()
}

/// A block for each event: where and when, what, who, why, and its facts.
pub(super) fn print(
    events: &[Event],
    decoder: &Decoder,
    language: Language,
) -> anyhow::Result<String> {
    let say = |tr: &'static str, en: &'static str| match language {
        Language::Tr => tr,
        Language::En => en,
    };
    let zone = zone()?;
    let time = |at: Timestamp| written(at, &zone);
    let causes = causes(events);
    let mut text = String::new();
    for event in events {
        let recorded = i64::try_from(event.recorded_at).map(chassis::event::timestamp)?;
        let name = label(&event.r#type, language);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "#{}  {name}  [{}]", event.position, event.r#type);
        let mut line = |key: &str, value: &str| {
            let _ = writeln!(text, "    {key:20} {value}");
        };
        let cause = match causes.get(event.causation_id.as_slice()) {
            Some(cause) => format!("#{} {}", cause.position, label(&cause.r#type, language)),
            None => id(&event.causation_id).unwrap_or_else(|| "–".to_owned()),
        };
        line(say("kayıt", "recorded"), &time(recorded));
        line(
            say("oluş", "occurred"),
            &time(chassis::event::occurred_at(event)),
        );
        line(say("kim", "actor"), &event.actor);
        line(say("neden", "cause"), &cause);
        line(
            say("akış", "stream"),
            &format!("{} v{}", event.stream, event.version),
        );
        let facts = decoder.facts(event)?;
        for (key, value) in as_lines(&facts) {
            line(&key, word(&value, language).unwrap_or(&value));
        }
        if is_told_nothing(&event.r#type, &facts) {
            line("notice_version", say("yok", "none"));
        }
        for field in decoder.sealed(event)? {
            line(&field, say("[mühürlü]", "[sealed]"));
        }
        if chassis::event::is_bare(event) {
            line(say("kişisel", "personal"), say("[silindi]", "[erased]"));
        }
        text.push('\n');
    }
    Ok(text)
}

/// Somebody turned to the centre, and no privacy notice was published for the channel.
fn is_told_nothing(event_type: &str, facts: &Value) -> bool {
    ["intake.ContactRegistered", "intake.RequestRegistered"].contains(&event_type)
        && facts["notice_version"].is_null()
}

/// What people call a value of a closed list, like CHANNEL_PHONE.
pub(crate) fn word(value: &str, language: Language) -> Option<&'static str> {
    let code = |prefix: &str| {
        let code = value.strip_prefix(prefix)?;
        Some(code.to_ascii_lowercase().replace('_', "-"))
    };
    None.or_else(|| Some(code("CHANNEL_")?.parse::<Channel>().ok()?.label(language)))
        .or_else(|| Some(code("LANGUAGE_")?.parse::<Language>().ok()?.label(language)))
        .or_else(|| {
            Some(
                code("SUB_RESULT_")?
                    .parse::<SubResult>()
                    .ok()?
                    .label(language),
            )
        })
        .or_else(|| {
            let ground = ErasureGround::from_str_name(value)?;
            Some(ground_name(ground, language))
        })
        .or_else(|| {
            let ground = HoldGround::from_str_name(value)?;
            Some(hold::ground_name(ground, language))
        })
        .or_else(|| {
            let ground = RetentionGround::from_str_name(value)?;
            Some(retention::ground_name(ground, language))
        })
}

/// Facts as lines: "place.district" for what lies deeper.
pub(crate) fn as_lines(value: &Value) -> Vec<(String, String)> {
    fn walk(path: &str, value: &Value, lines: &mut Vec<(String, String)>) {
        match value {
            Value::Null => {}
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path}.{name}")
                    };
                    walk(&path, value, lines);
                }
            }
            Value::Array(items) => {
                for item in items {
                    walk(path, item, lines);
                }
            }
            Value::String(text) => lines.push((path.to_owned(), text.clone())),
            Value::Bool(_) | Value::Number(_) => lines.push((path.to_owned(), value.to_string())),
        }
    }
    let mut lines = Vec::new();
    walk("", value, &mut lines);
    lines
}
