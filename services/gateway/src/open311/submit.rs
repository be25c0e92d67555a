//! A request filed by a program that holds a key.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
};
use contracts::{
    intake::v1::{Answer, Citizen, File, RegisterRequestRequest},
    vocabulary::v1::Place,
};
use serde::Serialize;
use uuid::Uuid;
use vocabulary::{Channel, Language};

use super::{Asked, Problems, Refused, show};
use crate::{
    Centre,
    keys::Holder,
    limits::Whom,
    params::{Form, Params},
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

/// Registers what was sent; answers with the number and the position it stands at.
pub(super) async fn submit(
    centre: &Centre,
    from: Whom,
    request: Request,
) -> Result<(Created, u64), Refused> {
    let headers = request.headers().clone();
    let Form {
        params,
        pictures,
        _turn,
    } = Params::of_form(request, is_media).await?;
    let (asked, key) = Asked::counted(centre, from, &params, &headers).await?;
    let mut command = command(&params, asked.language)?;
    let file = |content| File {
        content,
        ..File::default()
    };
    command.files = pictures.into_iter().map(file).collect();
    command.command_id = command_id(centre, &headers, &key, &command)?.to_string();
    let register = centre.register(asked.municipality);
    if register.topic(&command.topic).await?.is_none() {
        let problem = "service_code: no such service here";
        return Err(Problems::one(StatusCode::NOT_FOUND, problem).into());
    }

    let caller = centre.caller(asked.municipality, &key.recorded_as());
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (centre.intake(), caller.request(command.clone()));
        async move { intake.register_request(request).await }
    });
    let reply = reply
        .await
        .map_err(|it| Problems::of_answers(&it, &command.answers))?
        .into_inner();
    let created = Created {
        service_request_id: reply.number,
        service_notice: Words(asked.language).get("open311-notice"),
        account_id: Some(params.trimmed("account_id").to_owned()).filter(|it| !it.is_empty()),
    };
    Ok((created, reply.position))
}

/// `media`, `media[]` and `media[0]`: what GeoReport's next version and uReport call a file.
fn is_media(name: &str) -> bool {
    name.strip_prefix("media").is_some_and(is_index)
}

/// The same key of the same holder is the same command; without one, so are the same words for a while.
fn command_id(
    centre: &Centre,
    headers: &HeaderMap,
    key: &Holder,
    command: &RegisterRequestRequest,
) -> Result<Uuid, Problems> {
    let ids = &centre.platform.ids;
    let Some(given) = headers.get("idempotency-key") else {
        let words = chassis::event::fingerprint(command);
        let now = centre.platform.clock.now();
        let fresh = |slot: &str| ids.for_key(&key.principal(), slot);
        return Ok(centre.repeats.command(&key.principal(), words, now, fresh));
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
    Ok(ids.for_key(&key.principal(), given))
}

fn command(params: &Params, language: Language) -> Result<RegisterRequestRequest, Problems> {
    let mut problems: Vec<(&str, String)> = vec![];
    for name in PARAMETERS {
        if params.get(name).chars().nth(LONGEST).is_some() {
            problems.push((name, "is longer than 4,000 characters".to_owned()));
        }
    }
    if params.trimmed("service_code").is_empty() {
        problems.push(("service_code", "is missing".to_owned()));
    }
    if params.pairs().any(|(name, _)| is_media(name)) {
        let problem = "is a file of a multipart/form-data body; a link stands in media_url";
        problems.push(("media", problem.to_owned()));
    }
    let place = place(params, &mut problems);
    let address_id = params.trimmed("address_id");
    if address_id.chars().nth(100).is_some() || address_id.contains(['\n', '\r']) {
        problems.push((
            "address_id",
            "has up to 100 characters in one line".to_owned(),
        ));
    }
    let address = show::with_id(params.trimmed("address_string"), address_id);
    let answers = answers(params, &mut problems);
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
        channel: Channel::Open311.number(),
        topic: params.trimmed("service_code").to_owned(),
        description: params.get("description").to_owned(),
        address,
        place,
        citizen: citizen(params, language),
        media_url: params.trimmed("media_url").to_owned(),
        answers,
        ..RegisterRequestRequest::default()
    })
}

/// `attribute[CODE]=v`, and `attribute[CODE][]=v` once for each value: the answers in the order they came.
fn answers(params: &Params, problems: &mut Vec<(&str, String)>) -> Vec<Answer> {
    let mut answers: Vec<Answer> = vec![];
    for (name, value) in params.pairs() {
        let Some(rest) = name.strip_prefix("attribute") else {
            continue;
        };
        let code = rest
            .strip_prefix('[')
            .and_then(|it| it.split_once(']'))
            .filter(|(code, index)| !code.is_empty() && is_index(index));
        let Some((code, _)) = code else {
            let problem =
                "is written attribute[code], or attribute[code][] for each of several values";
            problems.push(("attribute", problem.to_owned()));
            continue;
        };
        if value.chars().nth(LONGEST).is_some() {
            problems.push((
                "attribute",
                "holds a value longer than 4,000 characters".to_owned(),
            ));
        }
        match answers.iter_mut().find(|it| it.attribute == code) {
            Some(answer) => answer.values.push(value.to_owned()),
            None => answers.push(Answer {
                attribute: code.to_owned(),
                values: vec![value.to_owned()],
            }),
        }
    }
    answers
}

/// What some clients write for one of several values: nothing, `[]` or `[0]`.
fn is_index(text: &str) -> bool {
    let inside = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    text.is_empty() || inside.is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()))
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
            command(&params, Language::Tr).map(|_| ()).unwrap_err()
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
                    Language::Tr
                )
                .is_ok()
            );
        }
        let params = Params::from([("service_code", "x"), ("lat", "39.92"), ("long", " 32.85 ")]);
        let place = command(&params, Language::Tr).unwrap().place.unwrap();
        assert_eq!(
            (place.latitude, place.longitude),
            (Some(39.92), Some(32.85))
        );
    }

    #[test]
    fn answers_are_gathered_by_their_attribute() {
        let params = Params::from([
            ("service_code", "x"),
            ("address_id", "7"),
            ("attribute[WHISPAWN]", "123456"),
            ("attribute[items][]", "a"),
            ("attribute[items][]", "b"),
            ("attribute[items][2]", "c"),
        ]);
        let answers = command(&params, Language::Tr).unwrap().answers;
        let told: Vec<_> = answers
            .iter()
            .map(|it| (it.attribute.as_str(), it.values.join(" ")))
            .collect();
        let expected = [
            ("WHISPAWN", "123456".to_owned()),
            ("items", "a b c".to_owned()),
        ];
        assert_eq!(told, expected);
        for wrong in [
            "attribute",
            "attribute[]",
            "attribute[x",
            "attribute[x]y",
            "attributes",
        ] {
            let params = [("service_code", "x"), ("address_id", "7"), (wrong, "1")];
            assert!(
                told_of(&params).contains("attribute: is written"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_picture_that_is_no_file_is_refused_rather_than_lost() {
        for name in ["media", "media[]", "media[0]"] {
            let told = told_of(&[
                ("service_code", "x"),
                ("address_id", "7"),
                (name, "iVBORw0K"),
            ]);
            assert!(told.contains("media: is a file"), "{told}");
        }
    }

    fn told_of(pairs: &[(&str, &str); 3]) -> String {
        told(Params::from(*pairs))
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
        let command = command(&params, Language::Tr).unwrap();
        assert_eq!(command.description, text);
        assert!(command.citizen.is_none());
    }
}
