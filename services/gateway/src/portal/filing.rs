//! Filing a request: the form, the same form with what is wrong, and the receipt.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use contracts::intake::v1::RegisterRequestReply;
use tonic::{Code, Status};
use uuid::Uuid;
use vocabulary::Municipality;

use super::{
    form::{Field, Typed},
    notice, page,
    site::{Site, Visit},
    unavailable,
};
use crate::{Centre, origin, params::Params, register::unit_name, text};

#[derive(Template)]
#[template(path = "file.html")]
struct FilePage {
    site: Site,
    typed: Typed,
    fields: Vec<Field>,
    groups: Vec<Group>,
    districts: Vec<String>,
    /// Makes a form that is sent twice one request.
    key: String,
}

/// A unit's topics.
struct Group {
    unit: String,
    topics: Vec<Choice>,
}

struct Choice {
    code: String,
    name: String,
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct Receipt {
    site: Site,
    number: String,
    secret: String,
    will_be_mailed: bool,
}

/// The empty form.
pub(super) async fn form(State(centre): State<Arc<Centre>>, visit: Visit) -> Response {
    let typed = Typed::new(Params::default(), visit.site.words);
    let key = centre.platform.ids.fresh();
    show(
        &centre,
        &visit.municipality,
        visit.site,
        StatusCode::OK,
        typed,
        key,
    )
    .await
}

/// Somebody reloads the receipt's address: a new form.
pub(super) async fn back(visit: Visit) -> Response {
    Redirect::to(&visit.site.link("/")).into_response()
}

/// Files what was typed.
pub(super) async fn file(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    request: Request,
) -> Response {
    let Visit {
        municipality, site, ..
    } = visit;
    if !origin::is_own(
        request.headers(),
        request.uri(),
        centre.public_origin.as_deref(),
    ) {
        return notice(site, StatusCode::FORBIDDEN, "foreign-title", "foreign-text");
    }
    let params = match Params::of_body(request).await {
        Ok(params) => params,
        Err(unreadable) => {
            return notice(
                site,
                unreadable.status,
                "unreadable-title",
                "unreadable-text",
            );
        }
    };
    let given: Option<Uuid> = params.trimmed("key").parse().ok();
    let key = given.unwrap_or_else(|| centre.platform.ids.fresh());
    let mut typed = Typed::new(params, site.words);
    typed.check();
    if typed.mistakes.is_empty() {
        match register(&centre, &municipality, &mut typed, key).await {
            Ok(Some(reply)) => return receipt(site, &typed, reply),
            Ok(None) => {}
            Err(status) => return refused(&centre, &municipality, site, typed, key, &status).await,
        }
    }
    show(
        &centre,
        &municipality,
        site,
        StatusCode::BAD_REQUEST,
        typed,
        key,
    )
    .await
}

/// Registers the request; `None` where its topic does not exist.
async fn register(
    centre: &Centre,
    municipality: &Municipality,
    typed: &mut Typed,
    key: Uuid,
) -> Result<Option<RegisterRequestReply>, Status> {
    let principal = format!("portal:{municipality}");
    let register = centre.register(municipality);
    let place = ["district", "neighbourhood"].map(|it| typed.value(it).trim());
    let known = register.known(place[0], place[1]).await?;
    let command_id = centre.platform.ids.for_key(&principal, &key.to_string());
    let command = typed.command(command_id, known);
    if register.topic(&command.topic).await?.is_none() {
        typed.refuse("topic", "error-topic-unknown");
        return Ok(None);
    }
    let caller = centre.caller(municipality, "citizen");
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (centre.intake(), caller.request(command.clone()));
        async move { intake.register_request(request).await }
    });
    Ok(Some(reply.await?.into_inner()))
}

/// What the citizen can mend is shown on the form; the rest is not their fault.
async fn refused(
    centre: &Centre,
    municipality: &Municipality,
    site: Site,
    mut typed: Typed,
    key: Uuid,
    status: &Status,
) -> Response {
    if status.code() == Code::AlreadyExists {
        // Sent before, and changed since: sent again it is a request of its own.
        typed.refuse("description", "error-sent-before");
        return show(
            centre,
            municipality,
            site,
            StatusCode::BAD_REQUEST,
            typed,
            centre.platform.ids.fresh(),
        )
        .await;
    }
    typed.refuse_as(status);
    if typed.mistakes.is_empty() || status.code() != Code::InvalidArgument {
        tracing::warn!(code = ?status.code(), "a request could not be filed");
        return unavailable(site);
    }
    show(
        centre,
        municipality,
        site,
        StatusCode::BAD_REQUEST,
        typed,
        key,
    )
    .await
}

fn receipt(site: Site, typed: &Typed, reply: RegisterRequestReply) -> Response {
    let will_be_mailed = !typed.value("email").is_empty();
    let RegisterRequestReply {
        number,
        tracking_secret: secret,
        ..
    } = reply;
    page(
        StatusCode::CREATED,
        &Receipt {
            site,
            number,
            secret,
            will_be_mailed,
        },
    )
}

async fn show(
    centre: &Centre,
    municipality: &Municipality,
    site: Site,
    status: StatusCode,
    typed: Typed,
    key: Uuid,
) -> Response {
    let lists = async {
        Ok::<_, Status>((
            groups(centre, municipality, &site).await?,
            districts(centre, municipality).await?,
        ))
    };
    match lists.await {
        Ok((groups, districts)) => {
            let fields = typed.fields();
            page(
                status,
                &FilePage {
                    site,
                    typed,
                    fields,
                    groups,
                    districts,
                    key: key.to_string(),
                },
            )
        }
        Err(_) => unavailable(site),
    }
}

async fn districts(centre: &Centre, municipality: &Municipality) -> Result<Vec<String>, Status> {
    let mut districts = centre.register(municipality).districts().await?;
    districts.sort_by_key(|it| text::sort_key(it));
    Ok(districts)
}

/// The topics by unit, both in the order of a dictionary.
async fn groups(
    centre: &Centre,
    municipality: &Municipality,
    site: &Site,
) -> Result<Vec<Group>, Status> {
    let register = centre.register(municipality);
    let units = register.units().await?;
    let language = site.words.0;
    let mut groups: Vec<Group> = vec![];
    for topic in register.topics().await? {
        let unit = unit_name(&units, &topic.unit, language);
        let choice = Choice {
            name: text::capital(topic.name.of(language), language),
            code: topic.code,
        };
        match groups.iter_mut().find(|it| it.unit == unit) {
            Some(group) => group.topics.push(choice),
            None => groups.push(Group {
                unit,
                topics: vec![choice],
            }),
        }
    }
    groups.sort_by_key(|it| text::sort_key(&it.unit));
    groups
        .iter_mut()
        .for_each(|it| it.topics.sort_by_key(|it| text::sort_key(&it.name)));
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use vocabulary::Language;

    use super::*;

    const TEXT: &str = "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ";

    fn rendered(pairs: [(&str, &str); 2], language: Language) -> String {
        let site = Site::bare(language);
        let mut typed = Typed::new(Params::from(pairs), site.words);
        typed.check();
        let topics = vec![Choice {
            code: "pothole".to_owned(),
            name: "Yol çukuru".to_owned(),
        }];
        let groups = vec![Group {
            unit: "Fen İşleri Müdürlüğü".to_owned(),
            topics,
        }];
        let fields = typed.fields();
        let districts = vec!["Çınarlı".to_owned()];
        FilePage {
            site,
            typed,
            fields,
            groups,
            districts,
            key: "k".to_owned(),
        }
        .render()
        .unwrap()
    }

    #[test]
    fn what_was_typed_comes_back_escaped_and_unchanged() {
        let html = rendered(
            [
                ("description", TEXT),
                ("name", "<script>alert('x')</script>"),
            ],
            Language::Tr,
        );
        assert!(
            html.contains("Ayşe&#39;nin İĞDIR şikâyeti: çukur, ğüöşçıİ</textarea>"),
            "{html}"
        );
        assert!(!html.contains("<script"));
    }

    #[test]
    fn each_mistake_leads_to_its_field() {
        let html = rendered([("description", ""), ("email", "ayşe")], Language::Tr);
        for part in [
            "href=\"#topic\"",
            "href=\"#email\"",
            "aria-describedby=\"email-error\"",
            "id=\"email-error\"",
            "id=\"description-error\"",
            "<html lang=\"tr\">",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn every_field_has_its_label_in_both_languages() {
        for language in [Language::Tr, Language::En] {
            let html = rendered([("topic", "pothole"), ("description", TEXT)], language);
            assert!(!html.contains("Unknown localization"), "{html}");
            for name in [
                "topic",
                "description",
                "district",
                "address",
                "latitude",
                "name",
                "email",
                "phone",
                "language",
            ] {
                assert!(html.contains(&format!("for=\"{name}\"")), "{name}");
            }
            assert!(
                !html.contains("style=") && !html.contains("onclick"),
                "no inline style or script"
            );
        }
    }
}
