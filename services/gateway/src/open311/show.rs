//! One request as the public may see it: the place for public topics only, and a text only where whoever wrote it sent it to
//! a public interface, or where it was published before it came here.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use contracts::intake::v1::{GetRequestReply, GetRequestRequest};
use serde::Serialize;
use vocabulary::{Channel, RequestNumber, RequestState};

use super::{Asked, Problems, READER};
use crate::{
    Centre,
    register::{Entry, Reader, unit_name},
    text::{self, Words},
};

/// How long a request may be on its way into the register.
const PATIENCE: Duration = Duration::from_secs(1);

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
}

/// The request of a number.
pub(super) async fn request(
    centre: &Centre,
    asked: &Asked<'_>,
    number: &str,
    headers: &HeaderMap,
) -> Result<ServiceRequest, Problems> {
    let unknown = |problem: &str| {
        Problems::one(
            StatusCode::NOT_FOUND,
            format!("service_request_id: {problem}"),
        )
    };
    let number: RequestNumber = number.parse().map_err(|it| unknown(&format!("{it}")))?;
    let register = centre.register(asked.municipality);
    let seen = headers
        .get("cozum-position")
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.parse().ok());
    if let Some(position) = seen {
        register.at_least(position).await?;
    }
    let entry = match register.request(&number).await? {
        Some(entry) => entry,
        None => awaited(centre, asked, &number)
            .await?
            .ok_or_else(|| unknown("no such request"))?,
    };

    let topic = register.topic(&entry.topic).await?;
    let opened = match &topic {
        Some(topic) if topic.public => Some(published(centre, asked, &number, &entry).await?),
        Some(_) | None => None,
    };
    let service_name = topic.map_or_else(
        || entry.topic.clone(),
        |it| it.name.of(asked.language).to_owned(),
    );
    shown(register, asked, number, entry, service_name, opened).await
}

/// Somebody who was just given the number may ask sooner than the register has heard of it.
async fn awaited(
    centre: &Centre,
    asked: &Asked<'_>,
    number: &RequestNumber,
) -> Result<Option<Entry>, Problems> {
    let register = centre.register(asked.municipality);
    let head = centre.platform.ledger(asked.municipality).head().await?;
    // Without the position the answer below is that there is no such request, yet.
    let _ = tokio::time::timeout(PATIENCE, register.at_least(head)).await;
    Ok(register.request(number).await?)
}

/// What of the words may be shown: all that an Open311 program sent, the description of what was imported, and nothing that
/// somebody told the centre by its own form, by phone or in any other way.
async fn published(
    centre: &Centre,
    asked: &Asked<'_>,
    number: &RequestNumber,
    entry: &Entry,
) -> Result<GetRequestReply, Problems> {
    if entry.imported {
        let description = open(centre, asked, number).await?.description;
        return Ok(GetRequestReply {
            description,
            ..GetRequestReply::default()
        });
    }
    if entry.channel == Channel::Open311.code() {
        return open(centre, asked, number).await;
    }
    Ok(GetRequestReply::default())
}

async fn open(
    centre: &Centre,
    asked: &Asked<'_>,
    number: &RequestNumber,
) -> Result<GetRequestReply, Problems> {
    let request = GetRequestRequest {
        number: number.to_string(),
        purpose: "open311".to_owned(),
        tracking_secret: String::new(),
    };
    let caller = centre.caller(asked.municipality, READER);
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (centre.intake(), caller.request(request.clone()));
        async move { intake.get_request(request).await }
    });
    Ok(reply.await?.into_inner())
}

async fn shown(
    register: &Reader,
    asked: &Asked<'_>,
    number: RequestNumber,
    entry: Entry,
    service_name: String,
    opened: Option<GetRequestReply>,
) -> Result<ServiceRequest, Problems> {
    let state = entry.state();
    let units = register.units().await?;
    let responsible = if state == RequestState::Referred {
        &entry.institution
    } else {
        &entry.unit
    };
    let agency_responsible = something(unit_name(&units, responsible, asked.language));
    let words = Words(asked.language);
    let service_notice = if state == RequestState::Planned {
        Some(words.with(
            "seen-planned",
            [("date", &text::day(&entry.planned_for, asked.language))],
        ))
    } else if state == RequestState::Referred {
        agency_responsible
            .as_deref()
            .map(|it| words.with("seen-referred", [("institution", it)]))
    } else {
        None
    };
    let is_public = opened.is_some();
    let place = [entry.neighbourhood.as_str(), &entry.district];
    let place = place
        .into_iter()
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    let opened = opened.unwrap_or_default();
    Ok(ServiceRequest {
        service_request_id: number.to_string(),
        status: if state == RequestState::Concluded {
            "closed"
        } else {
            "open"
        },
        status_notes: status_notes(&entry, asked),
        service_name,
        service_code: entry.topic,
        description: something(opened.description),
        agency_responsible,
        service_notice,
        requested_datetime: text::iso(entry.registered_at),
        updated_datetime: text::iso(entry.updated_at.max(entry.registered_at)),
        expected_datetime: text::end_of_day(&entry.planned_for),
        address: something(opened.address).or_else(|| something(place).filter(|_| is_public)),
        address_id: None,
        zipcode: None,
        lat: entry.latitude.filter(|_| is_public),
        long: entry.longitude.filter(|_| is_public),
        media_url: something(opened.media_url),
    })
}

/// The state in people's words, and how it ended.
fn status_notes(entry: &Entry, asked: &Asked<'_>) -> String {
    let state = entry.state().label(asked.language);
    match entry.sub_result() {
        Some(sub_result) => format!("{state}: {}", sub_result.label(asked.language)),
        None => state.to_owned(),
    }
}

fn something(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
