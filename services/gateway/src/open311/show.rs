//! Requests as the public may see them. Where a topic is public, so is what was written about it, whoever wrote it and
//! however it came, but for the ways to reach somebody that stand in it; and so is the point. What somebody typed as their
//! address or sent as a link is shown only where it came by Open311 itself, whose senders publish it. A topic that is not
//! public shows its state and nothing of what it is about.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use axum::http::{HeaderMap, StatusCode};
use contracts::intake::v1::{GetPublicTextsRequest, get_public_texts_reply::Text};
use serde::Serialize;
use vocabulary::{Channel, Language, RequestNumber, RequestState};

use super::{Asked, Problems, READER, find, published::published};
use crate::{
    Centre,
    register::{Entry, Name, Reader, unit_name},
    text::{self, Words},
};

/// How long a request may be on its way into the register.
const PATIENCE: Duration = Duration::from_secs(1);
/// A thousand of the longest texts.
const LARGEST: usize = 64 << 20;

#[derive(Debug, Serialize)]
pub(super) struct ServiceRequest {
    service_request_id: String,
    status: &'static str,
    status_notes: String,
    service_name: String,
    service_code: String,
    description: Option<String>,
    agency_responsible: Option<String>,
    service_notice: Option<String>,
    requested_datetime: String,
    updated_datetime: String,
    expected_datetime: Option<String>,
    address: Option<String>,
    address_id: Option<String>,
    zipcode: Option<String>,
    lat: Option<f64>,
    long: Option<f64>,
    media_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_attributes: Option<Extended>,
}

/// What we know beyond the standard, for whoever asks with `extensions=true`.
#[derive(Debug, Serialize)]
struct Extended {
    channel: String,
    state: &'static str,
    sub_result: Option<&'static str>,
    district: Option<String>,
    neighbourhood: Option<String>,
    due_datetime: Option<String>,
}

/// Waits for a request that somebody was just given the number of, and may ask for sooner than the register has heard of
/// it; what is not there then is not there.
pub(super) async fn these(
    centre: &Centre,
    asked: &Asked<'_>,
    numbers: &[RequestNumber],
) -> Result<Vec<Entry>, Problems> {
    let register = centre.register(asked.municipality);
    let wanted: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let mut entries = find::these(register, &wanted).await?;
    if entries.len() < numbers.len() {
        let head = centre.platform.ledger(asked.municipality).head().await?;
        // Without the position the answer is that there is no such request, yet.
        let _ = tokio::time::timeout(PATIENCE, register.at_least(head)).await;
        entries = find::these(register, &wanted).await?;
    }
    let mut by_number: BTreeMap<String, Entry> = entries
        .into_iter()
        .map(|it| (it.number.clone(), it))
        .collect();
    Ok(wanted
        .iter()
        .filter_map(|it| by_number.remove(it))
        .collect())
}

/// The request of a number.
pub(super) async fn request(
    centre: &Centre,
    asked: &Asked<'_>,
    number: &str,
    headers: &HeaderMap,
    extended: bool,
) -> Result<Vec<ServiceRequest>, Problems> {
    let number = known_number(number)?;
    super::seen(centre.register(asked.municipality), headers).await?;
    let entries = these(centre, asked, &[number]).await?;
    if entries.is_empty() {
        return Err(unknown("no such request"));
    }
    requests(centre, asked, entries, extended).await
}

pub(super) fn known_number(number: &str) -> Result<RequestNumber, Problems> {
    number.parse().map_err(|it| unknown(&format!("{it}")))
}

pub(super) fn unknown(problem: &str) -> Problems {
    let problem = format!("service_request_id: {problem}");
    Problems::one(StatusCode::NOT_FOUND, problem)
}

/// What is needed to show any request.
struct Directory {
    language: Language,
    topics: HashMap<String, (String, bool)>,
    units: HashMap<String, Name>,
}

impl Directory {
    async fn read(register: &Reader, language: Language) -> Result<Self, Problems> {
        let topics = register.topics().await?.into_iter();
        Ok(Self {
            language,
            topics: topics
                .map(|it| (it.code, (it.name.of(language).to_owned(), it.public)))
                .collect(),
            units: register.units().await?,
        })
    }

    fn is_public(&self, entry: &Entry) -> bool {
        self.topics
            .get(&entry.topic)
            .is_some_and(|(_, public)| *public)
    }
}

/// These requests, with the words of all of them from one call.
pub(super) async fn requests(
    centre: &Centre,
    asked: &Asked<'_>,
    entries: Vec<Entry>,
    extended: bool,
) -> Result<Vec<ServiceRequest>, Problems> {
    let directory = Directory::read(centre.register(asked.municipality), asked.language).await?;
    let public = || entries.iter().filter(|it| directory.is_public(it));
    let seen = public().map(|it| it.changed_at_position).max();
    let public: Vec<String> = public().map(|it| it.number.clone()).collect();
    let texts = texts(centre, asked, &public, seen).await?;
    let mut texts: HashMap<String, Text> = public.into_iter().zip(texts).collect();
    let shown = |entry: Entry| {
        let text = texts.remove(&entry.number);
        shown(&directory, entry, text, extended)
    };
    Ok(entries.into_iter().map(shown).collect())
}

/// The words of these requests, of which the register has told up to the position `seen`.
async fn texts(
    centre: &Centre,
    asked: &Asked<'_>,
    numbers: &[String],
    seen: Option<i64>,
) -> Result<Vec<Text>, Problems> {
    if numbers.is_empty() {
        return Ok(vec![]);
    }
    let request = GetPublicTextsRequest {
        numbers: numbers.to_vec(),
    };
    let seen = seen.and_then(|it| u64::try_from(it).ok());
    let caller = centre.caller(asked.municipality, READER);
    let caller = caller.having_seen(seen.unwrap_or_default());
    let reply = chassis::patiently(|| {
        let mut intake = centre.intake().max_decoding_message_size(LARGEST);
        let request = caller.request(request.clone());
        async move { intake.get_public_texts(request).await }
    });
    Ok(reply.await?.into_inner().texts)
}

/// `text` is there for a public topic only.
fn shown(
    directory: &Directory,
    entry: Entry,
    text: Option<Text>,
    extended: bool,
) -> ServiceRequest {
    let language = directory.language;
    let is_public = text.is_some();
    let text = text.unwrap_or_default();
    let sent_to_be_published = entry.channel == Channel::Open311.code() && !entry.imported;
    let (address, media_url) = if sent_to_be_published {
        (text.address, text.media_url)
    } else {
        Default::default()
    };
    let (address, address_id) = address_and_id(address);
    let agency_responsible = agency(directory, &entry);
    let place = [entry.neighbourhood.as_str(), &entry.district];
    let place = place.into_iter().filter(|it| !it.is_empty());
    let place = place.collect::<Vec<_>>().join(", ");
    let updated = entry.concluded_at.unwrap_or(entry.updated_at);
    ServiceRequest {
        service_request_id: entry.number.clone(),
        service_code: entry.topic.clone(),
        status: if entry.open { "open" } else { "closed" },
        status_notes: status_notes(&entry, language),
        service_name: directory
            .topics
            .get(&entry.topic)
            .map_or_else(|| entry.topic.clone(), |(name, _)| name.clone()),
        description: something(published(&text.description).into_owned()),
        service_notice: notice(&entry, agency_responsible.as_deref(), language),
        agency_responsible,
        requested_datetime: text::iso(entry.registered_at),
        updated_datetime: text::iso(updated.max(entry.registered_at)),
        expected_datetime: text::end_of_day(&entry.planned_for)
            .or_else(|| entry.due_at.map(text::iso)),
        address: something(address).or_else(|| something(place).filter(|_| is_public)),
        address_id: something(address_id),
        zipcode: None,
        lat: entry.latitude.filter(|_| is_public),
        long: entry.longitude.filter(|_| is_public),
        media_url: something(media_url),
        extended_attributes: extended.then(|| Extended {
            state: entry.state().code(),
            sub_result: entry.sub_result().map(|it| it.code()),
            due_datetime: entry.due_at.map(text::iso),
            channel: entry.channel,
            district: something(entry.district).filter(|_| is_public),
            neighbourhood: something(entry.neighbourhood).filter(|_| is_public),
        }),
    }
}

/// Who has it in hand: the unit, or the institution that it was referred to.
fn agency(directory: &Directory, entry: &Entry) -> Option<String> {
    let responsible = if entry.state() == RequestState::Referred {
        &entry.institution
    } else {
        &entry.unit
    };
    something(unit_name(&directory.units, responsible, directory.language))
}

fn notice(entry: &Entry, agency: Option<&str>, language: Language) -> Option<String> {
    let words = Words(language);
    if entry.state() == RequestState::Planned {
        let day = text::day(&entry.planned_for, language);
        Some(words.with("seen-planned", [("date", &day)]))
    } else if entry.state() == RequestState::Referred {
        agency.map(|it| words.with("seen-referred", [("institution", it)]))
    } else {
        None
    }
}

/// The state in people's words, and how it ended.
fn status_notes(entry: &Entry, language: Language) -> String {
    let state = entry.state().label(language);
    match entry.sub_result() {
        Some(sub_result) => format!("{state}: {}", sub_result.label(language)),
        None => state.to_owned(),
    }
}

/// An address, and the id of an address register where one was sent along with it.
pub(super) fn with_id(address: &str, id: &str) -> String {
    match (address, id) {
        (address, "") => address.to_owned(),
        ("", id) => format!("address_id {id}"),
        (address, id) => format!("{address}\naddress_id {id}"),
    }
}

/// The two apart again.
fn address_and_id(text: String) -> (String, String) {
    match text.rsplit_once("address_id ") {
        Some((address, id))
            if !id.contains('\n') && (address.is_empty() || address.ends_with('\n')) =>
        {
            (address.trim_end().to_owned(), id.to_owned())
        }
        Some(_) | None => (text, String::new()),
    }
}

fn something(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_its_id_come_apart_again() {
        for (address, id) in [
            ("", ""),
            ("Çarşı Sk. 5", ""),
            ("", "545483"),
            ("8TH AVE and JUDAH ST", "545483"),
            ("ilk satır\nikinci", "a b"),
        ] {
            let told = address_and_id(with_id(address, id));
            assert_eq!(told, (address.to_owned(), id.to_owned()));
        }
    }
}
