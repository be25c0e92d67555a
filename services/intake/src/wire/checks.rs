use chassis::Invalid;
use contracts::vocabulary::v1 as words;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use vault::Plain;
use vocabulary::{Channel, Language, NotAWord, RequestNumber};

use crate::domain::{Imported, Place};

/// How far another machine's clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// A UUID, in any of its usual spellings; not the nil one.
pub(super) fn code(text: &str, field: &str) -> Result<Uuid, Invalid> {
    match text.parse::<Uuid>() {
        Ok(id) if !id.is_nil() => Ok(id),
        Ok(_) | Err(_) if text.is_empty() => Err(Invalid::at(field, "is missing")),
        Ok(_) | Err(_) => Err(Invalid::at(field, "is not a UUID")),
    }
}

/// A word of a closed list.
pub(super) fn word<W: TryFrom<i32, Error = NotAWord>>(
    number: i32,
    field: &str,
) -> Result<W, Invalid> {
    W::try_from(number).map_err(|problem| Invalid::at(field, problem))
}

/// A language, where one is stated.
pub(super) fn language(number: i32, field: &str) -> Result<Option<Language>, Invalid> {
    if number == 0 {
        Ok(None)
    } else {
        word(number, field).map(Some)
    }
}

/// A request's number as people type it.
pub(crate) fn number(text: &str) -> Result<RequestNumber, Invalid> {
    text.parse()
        .map_err(|problem| Invalid::at("number", problem))
}

/// Why something personal is opened.
pub(crate) fn purpose(text: &str) -> Result<(), Invalid> {
    if slug(text, 64) {
        Ok(())
    } else {
        Err(Invalid::at("purpose", "has 1 to 64 of a-z, 0-9 and -"))
    }
}

/// When it happened: now where nothing is said, else at any time since 1970, but not in the future.
pub(super) fn moment(micros: i64, now: Timestamp) -> Result<Timestamp, Invalid> {
    if micros == 0 {
        return Ok(now);
    }
    let at = past_1970(micros, "occurred_at")?;
    if at.duration_since(now) > AHEAD {
        return Err(Invalid::at("occurred_at", "lies in the future"));
    }
    Ok(at)
}

/// Any time since 1970.
fn past_1970(micros: i64, field: &str) -> Result<Timestamp, Invalid> {
    match Timestamp::from_microsecond(micros) {
        Ok(at) if at >= Timestamp::UNIX_EPOCH => Ok(at),
        Ok(_) => Err(Invalid::at(field, "lies before 1970")),
        Err(_) => Err(Invalid::at(field, "is not a time")),
    }
}

/// Text of any number of lines, kept exactly as it is.
pub(super) fn free_text(text: String, field: &str, longest: usize) -> Result<Plain, Invalid> {
    let text = Plain::from(text);
    not_longer(text.reveal(), field, longest)?;
    if text
        .reveal()
        .chars()
        .any(|it| it.is_control() && !matches!(it, '\n' | '\r' | '\t'))
    {
        return Err(Invalid::at(field, "holds control characters"));
    }
    Ok(text)
}

/// Text of one line.
pub(super) fn line(text: String, field: &str, longest: usize) -> Result<Plain, Invalid> {
    let text = Plain::from(text);
    one_line(text.reveal(), field, longest)?;
    Ok(text)
}

fn one_line(text: &str, field: &str, longest: usize) -> Result<(), Invalid> {
    not_longer(text, field, longest)?;
    if text
        .chars()
        .any(|it| it.is_control() || matches!(it, '\u{2028}' | '\u{2029}'))
    {
        return Err(Invalid::at(
            field,
            "holds line breaks or control characters",
        ));
    }
    Ok(())
}

fn not_longer(text: &str, field: &str, longest: usize) -> Result<(), Invalid> {
    // Four bytes a character at most: a text of megabytes need not be counted.
    if text.len() > longest * 4 || text.chars().count() > longest {
        let thousands = if longest >= 1_000 {
            format!("{},{:03}", longest / 1_000, longest % 1_000)
        } else {
            longest.to_string()
        };
        return Err(Invalid::at(
            field,
            format!("is longer than {thousands} characters"),
        ));
    }
    Ok(())
}

/// Where a picture is; nobody fetches it here.
pub(super) fn media_url(text: String) -> Result<Plain, Invalid> {
    let url = line(text, "media_url", 2_000)?;
    let rest = url
        .reveal()
        .strip_prefix("https://")
        .or_else(|| url.reveal().strip_prefix("http://"));
    let good = rest.is_some_and(|it| {
        let host = it.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty()
            && !it
                .chars()
                .any(|it| it.is_whitespace() || "<>\"\\^`{|}".contains(it))
    });
    if url.is_empty() || good {
        Ok(url)
    } else {
        Err(Invalid::at("media_url", "is not an http or https URL"))
    }
}

/// Where the problem is.
pub(super) fn place(proto: Option<words::Place>) -> Result<Place, Invalid> {
    let Some(proto) = proto else {
        return Ok(Place::default());
    };
    one_line(&proto.district, "place.district", 100)?;
    one_line(&proto.neighbourhood, "place.neighbourhood", 100)?;
    let point = match (proto.latitude, proto.longitude) {
        (None, None) => None,
        (Some(_), None) => {
            return Err(Invalid::at(
                "place.longitude",
                "is missing: a latitude alone is no place",
            ));
        }
        (None, Some(_)) => {
            return Err(Invalid::at(
                "place.latitude",
                "is missing: a longitude alone is no place",
            ));
        }
        (Some(latitude), Some(longitude)) => {
            // A comparison with what is not a number is false.
            if !(-90.0..=90.0).contains(&latitude) {
                return Err(Invalid::at(
                    "place.latitude",
                    "is between -90 and 90 degrees",
                ));
            }
            if !(-180.0..=180.0).contains(&longitude) {
                return Err(Invalid::at(
                    "place.longitude",
                    "is between -180 and 180 degrees",
                ));
            }
            Some((latitude, longitude))
        }
    };
    Ok(Place {
        coarse: false,
        point,
        district: proto.district,
        neighbourhood: proto.neighbourhood,
    })
}

/// Social networks, as reports count them: it is a closed list because nobody's handle may stand in a fact.
const NETWORKS: &[&str] = &[
    "x",
    "instagram",
    "facebook",
    "tiktok",
    "youtube",
    "linkedin",
    "threads",
    "bluesky",
    "mastodon",
    "telegram",
    "nextsosyal",
    "other",
];

/// The network's name, which only the channel of that kind has.
pub(super) fn social_network(text: String, channel: Channel) -> Result<String, Invalid> {
    if text.is_empty() {
        return Ok(text);
    }
    if channel != Channel::Social {
        return Err(Invalid::at(
            "social_network",
            "is only for the social channel",
        ));
    }
    if NETWORKS.contains(&text.as_str()) {
        return Ok(text);
    }
    Err(Invalid::at(
        "social_network",
        format!("is none of: {}", NETWORKS.join(" ")),
    ))
}

/// The mark of an import.
pub(super) fn imported(proto: Option<words::Imported>) -> Result<Option<Imported>, Invalid> {
    let Some(proto) = proto else { return Ok(None) };
    if !slug(&proto.source, 64) {
        return Err(Invalid::at(
            "imported.source",
            "has 1 to 64 of a-z, 0-9 and -",
        ));
    }
    if proto.source_id.is_empty() {
        return Err(Invalid::at("imported.source_id", "is missing"));
    }
    one_line(&proto.source_id, "imported.source_id", 100)?;
    one_line(&proto.agency, "imported.agency", 200)?;
    one_line(&proto.status, "imported.status", 100)?;
    let due_at = match proto.due_at {
        0 => None,
        micros => Some(past_1970(micros, "imported.due_at")?),
    };
    Ok(Some(Imported {
        source: proto.source,
        source_id: proto.source_id,
        agency: proto.agency,
        status: proto.status,
        due_at,
    }))
}

fn slug(text: &str, longest: usize) -> bool {
    let letters = text
        .bytes()
        .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    letters && (1..=longest).contains(&text.len())
}
