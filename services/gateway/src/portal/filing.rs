//! Filing a request: the topic, the form with what that topic asks, the same form with what is wrong, and the receipt.

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
use vocabulary::{Channel, Municipality};

use super::{
    form::{Field, Typed},
    is_foreign, notice, page,
    receipt::receipt,
    site::{Site, Visit},
    topics::{Chosen, Group, chosen, groups},
    unavailable, unreadable,
};
use crate::{
    Centre,
    notices::{self, Notice},
    params::Params,
    questions::{Question, questions},
    text,
};

#[derive(Template)]
#[template(path = "file.html")]
struct FilePage {
    site: Site,
    typed: Typed,
    fields: Vec<Field>,
    groups: Vec<Group>,
    /// Nothing is asked before the topic is known.
    chosen: Option<Chosen>,
    questions: Vec<Question>,
    districts: Vec<String>,
    has_map: bool,
    /// What is told about their data, where something is.
    notice: Option<Notice>,
    /// Something was sent, and is shown again.
    was_sent: bool,
    /// Makes a form that is sent twice one request.
    key: String,
}

impl FilePage {
    /// Whether there is something to see where the point is written.
    fn has_point(&self) -> bool {
        let mut point = self.fields[3..5].iter();
        point.any(|it| !it.value.is_empty() || !it.error.is_empty())
    }

    /// What is told at once.
    fn told(&self) -> &str {
        let notice = self.notice.as_ref();
        notice.map_or("", |it| it.short(self.site.words.0))
    }

    /// The version that this page shows.
    fn notice_version(&self) -> i64 {
        self.notice.as_ref().map_or(0, |it| it.version)
    }

    /// The code of the chosen topic, or "".
    fn topic(&self) -> &str {
        self.chosen.as_ref().map_or("", |it| &it.code)
    }
}

/// The question for the topic, or the form for one.
pub(super) async fn form(State(centre): State<Arc<Centre>>, visit: Visit) -> Response {
    let Visit {
        municipality,
        site,
        query,
    } = visit;
    let code = query.trimmed("topic").chars().take(64).collect::<String>();
    let mut typed = Typed::new(Params::default(), vec![], site.words);
    let key = centre.platform.ids.fresh();
    let Ok(chosen) = chosen(&centre, &municipality, &site, &code).await else {
        return unavailable(site);
    };
    let mut status = StatusCode::OK;
    if chosen.is_none() && !code.is_empty() {
        status = StatusCode::NOT_FOUND;
        typed.refuse("topic", "error-topic-unknown");
    }
    let desk = Filing {
        centre: &centre,
        municipality: &municipality,
        site,
        key,
        was_sent: false,
    };
    desk.show(status, typed, chosen).await
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
    if is_foreign(&centre, &request) {
        return notice(site, StatusCode::FORBIDDEN, "foreign-title", "foreign-text");
    }
    let host = super::host(&centre, &request);
    let sent = match Params::of_form(request, |it| it == "photo").await {
        Ok(sent) => sent,
        Err(problem) => return unreadable(site, &problem),
    };
    let given: Option<Uuid> = sent.params.trimmed("key").parse().ok();
    let key = given.unwrap_or_else(|| centre.platform.ids.fresh());
    let code = sent.params.trimmed("topic").to_owned();
    let Ok(chosen) = chosen(&centre, &municipality, &site, &code).await else {
        return unavailable(site);
    };
    let desk = Filing {
        centre: &centre,
        municipality: &municipality,
        site,
        key,
        was_sent: true,
    };
    let mut typed = Typed::new(sent.params, sent.pictures, desk.site.words);
    typed.check(chosen.as_ref().map(|it| it.attributes.as_slice()));
    let Some(chosen) = chosen else {
        return desk.show(StatusCode::BAD_REQUEST, typed, None).await;
    };
    if !typed.mistakes.is_empty() {
        return desk
            .show(StatusCode::BAD_REQUEST, typed, Some(chosen))
            .await;
    }
    match desk.register(&mut typed, &chosen).await {
        Ok(reply) => receipt(&centre, desk.site, &typed, &chosen, reply, &host),
        Err(status) => desk.refused(typed, chosen, &status).await,
    }
}

/// One visit to the form.
struct Filing<'a> {
    centre: &'a Centre,
    municipality: &'a Municipality,
    site: Site,
    key: Uuid,
    was_sent: bool,
}

impl Filing<'_> {
    /// Registers the request.
    async fn register(
        &self,
        typed: &mut Typed,
        chosen: &Chosen,
    ) -> Result<RegisterRequestReply, Status> {
        let principal = format!("portal:{}", self.municipality);
        let place = ["district", "neighbourhood"].map(|it| typed.value(it).trim());
        let register = self.centre.register(self.municipality);
        let known = register.known(place[0], place[1]).await?;
        let ids = &self.centre.platform.ids;
        let command_id = ids.for_key(&principal, &self.key.to_string());
        let command = typed.command(command_id, known, &chosen.attributes);
        let caller = self.centre.caller(self.municipality, "citizen");
        let reply = chassis::patiently(|| {
            let (mut intake, request) = (self.centre.intake(), caller.request(command.clone()));
            async move { intake.register_request(request).await }
        });
        Ok(reply.await?.into_inner())
    }

    /// What the citizen can mend is shown on the form; the rest is not their fault.
    async fn refused(mut self, mut typed: Typed, chosen: Chosen, status: &Status) -> Response {
        if status.code() == Code::AlreadyExists {
            // Sent before, and changed since: sent again it is a request of its own.
            typed.refuse("description", "error-sent-before");
            self.key = self.centre.platform.ids.fresh();
        } else {
            typed.refuse_as(status, &chosen.attributes);
            if typed.mistakes.is_empty() || status.code() != Code::InvalidArgument {
                tracing::warn!(code = ?status.code(), "a request could not be filed");
                return unavailable(self.site);
            }
        }
        self.show(StatusCode::BAD_REQUEST, typed, Some(chosen))
            .await
    }

    async fn show(self, status: StatusCode, typed: Typed, chosen: Option<Chosen>) -> Response {
        let lists = async {
            Ok::<_, Status>((
                groups(self.centre, self.municipality, &self.site).await?,
                districts(self.centre, self.municipality).await?,
                notices::of(self.centre.notices(self.municipality), Channel::Web).await?,
            ))
        };
        let Ok((groups, districts, notices)) = lists.await else {
            return unavailable(self.site);
        };
        let attributes = chosen
            .as_ref()
            .map(|it| it.attributes.as_slice())
            .unwrap_or_default();
        let mut questions = questions(attributes, typed.params(), self.site.words.0);
        for question in &mut questions {
            question.error = typed.error(&question.name).to_owned();
        }
        let filled = FilePage {
            fields: typed.fields(),
            typed,
            groups,
            chosen,
            questions,
            districts,
            notice: notices.into_iter().next(),
            has_map: self.centre.outlines.contains_key(self.municipality),
            was_sent: self.was_sent,
            key: self.key.to_string(),
            site: self.site,
        };
        page(status, &filled)
    }
}

async fn districts(centre: &Centre, municipality: &Municipality) -> Result<Vec<String>, Status> {
    let mut districts = centre.register(municipality).districts().await?;
    districts.sort_by_key(|it| text::sort_key(it));
    Ok(districts)
}

#[cfg(test)]
mod tests;
