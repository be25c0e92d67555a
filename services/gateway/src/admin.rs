//! What the administrator keeps: staff, programs' keys, units and topics.

mod directory;
mod keys;
mod staff;
mod topics;

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use chassis::Role;
use contracts::routing::v1::routing_client::RoutingClient;
use tonic::{Status, transport::Channel};
use uuid::Uuid;
use vocabulary::{Language, UnitCode};

use crate::{
    Centre,
    access::Action,
    console::{Frame, notice, page},
    doors::{Doors, Entry},
    params::Params,
    session::Signed,
    staff::desk::{By, Desk},
    text,
};

/// The addresses of all this.
pub(crate) fn doors() -> Doors {
    let (people, places) = (Action::Administer.centre(), Action::Direct.centre());
    Doors::new(Entry::Console)
        .get("/console/admin", people, index)
        .get("/console/admin/staff", people, staff::list)
        .post("/console/admin/staff", people, staff::add)
        .get("/console/admin/staff/{code}", people, staff::one)
        .post("/console/admin/staff/{code}", people, staff::change)
        .post("/console/admin/staff/{code}/link", people, staff::link)
        .post("/console/admin/staff/{code}/{act}", people, staff::act)
        .get("/console/admin/keys", people, keys::list)
        .post("/console/admin/keys", people, keys::issue)
        .post("/console/admin/keys/{code}/revoke", people, keys::revoke)
        .get("/console/admin/units", places, directory::list)
        .post("/console/admin/units", places, directory::define)
        .get("/console/admin/topics", places, topics::list)
        .post("/console/admin/topics", places, topics::define)
}

#[derive(Template)]
#[template(path = "admin/index.html")]
struct Index {
    frame: Frame,
}

async fn index(signed: Signed) -> Response {
    let frame = Frame::of(&signed, "/console/admin");
    page(StatusCode::OK, &Index { frame })
}

/// What each handler here works with.
struct Office {
    centre: Arc<Centre>,
    signed: Signed,
}

type Shared = State<Arc<Centre>>;

impl Office {
    fn new(centre: Arc<Centre>, signed: Signed) -> Self {
        Self { centre, signed }
    }

    fn frame(&self, here: &str) -> Frame {
        Frame::of(&self.signed, here)
    }

    fn language(&self) -> Language {
        self.signed.language()
    }

    fn staff(&self) -> &Desk {
        self.centre.staff(self.signed.municipality())
    }

    fn now(&self) -> i64 {
        self.centre.platform.clock.micros()
    }

    /// A fresh id for a form, so that sending it twice is one command.
    fn command(&self) -> String {
        self.centre.platform.ids.fresh().to_string()
    }

    /// The signed-in administrator, and the command that the form carries.
    fn by(&self, form: &Params) -> By {
        let given: Option<Uuid> = form.trimmed("command").parse().ok();
        By {
            actor: self.signed.name(),
            command_id: given.unwrap_or_else(|| self.centre.platform.ids.fresh()),
        }
    }

    fn routing(&self) -> RoutingClient<Channel> {
        RoutingClient::new(self.centre.platform.channel(Role::Routing))
    }

    /// The units to choose from, by name.
    async fn units(&self) -> Result<Vec<Choice>, Status> {
        let register = self.centre.register(self.signed.municipality());
        let units = register.units().await?;
        let mut choices: Vec<Choice> = units
            .iter()
            .map(|(code, name)| Choice {
                code: code.clone(),
                name: name.of(self.language()).to_owned(),
            })
            .collect();
        choices.sort_by_key(|it| text::sort_key(&it.name));
        Ok(choices)
    }

    /// The unit that a form names, and whether the directory knows it; an error where it can be no unit at all.
    async fn unit(&self, form: &Params) -> Result<Option<(Option<UnitCode>, bool)>, Status> {
        let code = form.trimmed("unit");
        if code.is_empty() {
            return Ok(Some((None, true)));
        }
        let Ok(unit) = code.parse() else {
            return Ok(None);
        };
        let known = self.units().await?.iter().any(|it| it.code == code);
        Ok(Some((Some(unit), known)))
    }
}

/// Something to choose from a list.
struct Choice {
    code: String,
    name: String,
}

/// A form's fields, or the page that says that they cannot be read.
async fn form(request: Request, frame: Frame) -> Result<Params, Response> {
    Params::of_body(request)
        .await
        .map_err(|it| notice(frame, it.status, "unreadable-title", "unreadable-text"))
}

/// The page for a failure behind the gateway.
fn unavailable(frame: Frame, status: &Status) -> Response {
    tracing::warn!(code = ?status.code(), "an administrator's page cannot be shown");
    let mut response = notice(
        frame,
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable-title",
        "unavailable-text",
    );
    response.headers_mut().insert(header::RETRY_AFTER, 5.into());
    response
}

fn unknown(frame: Frame) -> Response {
    notice(
        frame,
        StatusCode::NOT_FOUND,
        "admin-unknown-title",
        "admin-unknown-text",
    )
}

fn onward(path: &str) -> Response {
    Redirect::to(path).into_response()
}
