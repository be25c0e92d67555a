//! A request filed by a program that holds a key.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
};
use contracts::{
    intake::v1::{Citizen, RegisterRequestRequest},
    vocabulary::v1::Place,
};
use serde::Serialize;
use uuid::Uuid;
use vocabulary::{Channel, Language};

use super::{Asked, Problems};
use crate::{
    Centre,
    keys::Holder,
    limits::{Limit, Wait, Whom},
    params::Params,
    text::Words,
};

/// No parameter may be longer, so that a message to intake stays small and the answer names the parameter.
const LONGEST: usize = 4_000;
/// Everything of a call that is kept, or looked at.
const PARAMETERS: [&str; 14] = [
    "service_code",
    "lat",
    "long",
    "address_string",
    "address_id",
    "email",
    "device_id",
    "account_id",
    "first_name",
    "last_name",
    "phone",
    "description",
    "media_url",
    "jurisdiction_id",
];

#[derive(Debug, Serialize)]
pub(super) struct Created {
    service_request_id: String,
    service_notice: String,
    account_id: Option<String>,
}

/// Why nothing was registered.
pub(super) enum Refused {
    TooOften(Wait),
    Problems(Problems),
}

impl<P: Into<Problems>> From<P> for Refused {
    fn from(problems: P) -> Self {
        Self::Problems(problems.into())
    }
}

/// Registers what was sent; answers with the number and the position it stands at. Calls are counted by key, and those
/// without a valid one by the address they come from.
pub(super) async fn submit(
    centre: &Centre,
    from: Whom,
    request: Request,
) -> Result<(Created, u64), Refused> {
    let headers = request.headers().clone();
    let params = Params::of_body(request).await?;
    let keyed = Asked::by_key(centre, &params, &headers).await;
    let (limit, whom) = match &keyed {
        Ok((_, key)) => (Limit::Keys, key.whom()),
        Err(_) => (Limit::Public, from),
    };
    centre
        .limits
        .count(limit, &whom)
        .map_err(Refused::TooOften)?;
    let (asked, key) = keyed?;
    let command_id = command_id(centre, &headers, &key)?;
    let command = command(&params, asked.language, command_id)?;
    if centre
        .register(asked.municipality)
        .topic(&command.topic)
        .await?
        .is_none()
    {
        let problem = "service_code: no such service here";
        return Err(Problems::one(StatusCode::NOT_FOUND, problem).into());
    }

    let caller = centre.caller(asked.municipality, &format!("open311:{}", key.name));
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (centre.intake(), caller.request(command.clone()));
        async move { intake.register_request(request).await }
    });
    let reply = reply.await?.into_inner();
    let created = Created {
        service_request_id: reply.number,
        service_notice: Words(asked.language).get("open311-notice"),
        account_id: None,
    };
    Ok((created, reply.position))
}

/// The same key of the same holder is the same command; without one each call is a command of its own.
fn command_id(centre: &Centre, headers: &HeaderMap, key: &Holder) -> Result<Uuid, Problems> {
    let Some(given) = headers.get("idempotency-key") else {
        return Ok(centre.platform.ids.fresh());
    };
    let refused = || {
        Problems::one(
            StatusCode::BAD_REQUEST,
            "Idempotency-Key: has 1 to 255 visible characters",
        )
    };
    let given = given.to_str().map_err(|_| refused())?.trim();
    if !(1..=255).contains(&given.len()) {
        return Err(refused());
    }
    let principal = format!("open311:{}:{}", key.actor.municipality, key.fingerprint);
    Ok(centre.platform.ids.for_key(&principal, given))
}

fn command(
    params: &Params,
    language: Language,
    command_id: Uuid,
) -> Result<RegisterRequestRequest, Problems> {
    let mut problems: Vec<(&str, String)> = vec![];
    for name in PARAMETERS {
        if params.get(name).chars().nth(LONGEST).is_some() {
            problems.push((name, "is longer than 4,000 characters".to_owned()));
        }
    }
    if params.trimmed("service_code").is_empty() {
        problems.push(("service_code", "is missing".to_owned()));
    }
    let place = place(params, &mut problems);
    let address = match (
        params.trimmed("address_string"),
        params.trimmed("address_id"),
    ) {
        ("", "") => String::new(),
        ("", id) => format!("address_id {id}"),
        (address, _) => address.to_owned(),
    };
    let has_point = !params.get("lat").is_empty() || !params.get("long").is_empty();
    if !has_point && address.is_empty() {
        problems.push((
            "lat, long, address_string, address_id",
            "a location is missing: give one of them".to_owned(),
        ));
    }
    if let Some(problems) = Problems::of_parameters(&problems) {
        return Err(problems);
    }
    Ok(RegisterRequestRequest {
        command_id: command_id.to_string(),
        channel: Channel::Open311.number(),
        topic: params.trimmed("service_code").to_owned(),
        description: params.get("description").to_owned(),
        address,
        place,
        citizen: citizen(params, language),
        media_url: params.trimmed("media_url").to_owned(),
        ..RegisterRequestRequest::default()
    })
}

fn place(params: &Params, problems: &mut Vec<(&str, String)>) -> Option<Place> {
    let mut degrees = |name: &'static str, other: &str, limit: f64| {
        let text = params.trimmed(name);
        if text.is_empty() {
            if !params.trimmed(other).is_empty() {
                problems.push((name, format!("is missing: {other} stands alone")));
            }
            return None;
        }
        let value = text.parse::<f64>().ok().filter(|it| it.abs() <= limit);
        if value.is_none() {
            problems.push((
                name,
                format!("is a number of degrees from -{limit} to {limit}"),
            ));
        }
        value
    };
    let (latitude, longitude) = (degrees("lat", "long", 90.0), degrees("long", "lat", 180.0));
    (latitude.is_some() && longitude.is_some()).then(|| Place {
        latitude,
        longitude,
        ..Place::default()
    })
}

/// Who filed it, with both parts of the name as they were sent; nobody where nothing is said.
fn citizen(params: &Params, language: Language) -> Option<Citizen> {
    let citizen = Citizen {
        given_name: params.trimmed("first_name").to_owned(),
        family_name: params.trimmed("last_name").to_owned(),
        email: params.trimmed("email").to_owned(),
        phone: params.trimmed("phone").to_owned(),
        language: language.number(),
        ..Citizen::default()
    };
    let parts = [
        &citizen.given_name,
        &citizen.family_name,
        &citizen.email,
        &citizen.phone,
    ];
    parts.iter().any(|it| !it.is_empty()).then_some(citizen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(params: Params) -> String {
        format!(
            "{:?}",
            command(&params, Language::Tr, Uuid::nil())
                .map(|_| ())
                .unwrap_err()
        )
    }

    #[test]
    fn every_wrong_parameter_is_named_at_once() {
        let told = told(Params::from([("lat", "95"), ("email", &"x".repeat(4_001))]));
        for name in [
            "service_code: is missing",
            "lat: is a number",
            "long: is missing",
            "email: is longer",
        ] {
            assert!(told.contains(name), "{name} in {told}");
        }
    }

    #[test]
    fn a_description_of_five_megabytes_is_refused_by_its_name() {
        let text = "ş".repeat(2_500_000);
        let told = told(Params::from([
            ("service_code", "pothole"),
            ("address_id", "7"),
            ("description", &text),
        ]));
        assert!(
            told.contains("description: is longer than 4,000 characters"),
            "{told}"
        );
    }

    #[test]
    fn a_location_is_a_point_or_an_address() {
        assert!(
            told(Params::from([("service_code", "pothole")])).contains("a location is missing")
        );
        for (name, value) in [("address_string", "Çarşı Sk. 5"), ("address_id", "77")] {
            assert!(
                command(
                    &Params::from([("service_code", "x"), (name, value)]),
                    Language::Tr,
                    Uuid::nil()
                )
                .is_ok()
            );
        }
        let params = Params::from([("service_code", "x"), ("lat", "39.92"), ("long", " 32.85 ")]);
        let place = command(&params, Language::Tr, Uuid::nil())
            .unwrap()
            .place
            .unwrap();
        assert_eq!(
            (place.latitude, place.longitude),
            (Some(39.92), Some(32.85))
        );
    }

    #[test]
    fn texts_go_through_unchanged_and_nobody_stays_nobody() {
        let text = "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ";
        let params = Params::from([
            ("service_code", "x"),
            ("address_id", "7"),
            ("description", text),
            ("phone", ""),
        ]);
        let command = command(&params, Language::Tr, Uuid::nil()).unwrap();
        assert_eq!(command.description, text);
        assert!(command.citizen.is_none());
    }
}
