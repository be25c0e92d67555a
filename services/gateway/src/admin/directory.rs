use askama::Template;
use axum::{
    extract::{Request, State},
    http::{StatusCode, Uri},
    response::Response,
};
use contracts::routing::v1::{DefineUnitRequest, ListUnitsRequest, UnitDefined};
use tonic::{Code, Status};

use super::{Office, Shared, form, onward, unavailable};
use crate::{
    console::{Frame, page},
    params::Params,
    session::Signed,
    text,
};

const HERE: &str = "/console/admin/units";

#[derive(Template)]
#[template(path = "admin/units.html")]
struct List {
    frame: Frame,
    units: Vec<UnitDefined>,
    command: String,
    unit: UnitDefined,
    /// The form changes a unit that is there.
    is_change: bool,
    problem: Option<String>,
}

/// All units, and a form for one more, or for the one that the query names.
pub(super) async fn list(State(centre): Shared, signed: Signed, uri: Uri) -> Response {
    let office = Office::new(centre, signed);
    let query = Params::of_query(&uri);
    let named = |units: &[UnitDefined]| {
        let found = units.iter().find(|it| it.code == query.trimmed("edit"));
        found.cloned().unwrap_or_default()
    };
    show(&office, StatusCode::OK, named, None).await
}

async fn show(
    office: &Office,
    status: StatusCode,
    chosen: impl FnOnce(&[UnitDefined]) -> UnitDefined,
    problem: Option<String>,
) -> Response {
    let frame = office.frame(HERE);
    let caller = office.signed.caller(&office.centre);
    let asked = caller.request(ListUnitsRequest {});
    let mut units = match office.routing().list_units(asked).await {
        Ok(reply) => reply.into_inner().units,
        Err(status) => return unavailable(frame, &status),
    };
    units.sort_by_key(|it| text::sort_key(&it.name_tr));
    let unit = chosen(&units);
    let is_change = units.iter().any(|it| it.code == unit.code);
    let list = List {
        frame,
        units,
        command: office.command(),
        unit,
        is_change,
        problem,
    };
    page(status, &list)
}

/// Defines a unit, or changes it.
pub(super) async fn define(State(centre): Shared, signed: Signed, request: Request) -> Response {
    let office = Office::new(centre, signed);
    let typed = match form(request, office.frame(HERE)).await {
        Ok(typed) => typed,
        Err(response) => return response,
    };
    let asked = DefineUnitRequest {
        command_id: office.by(&typed).command_id.to_string(),
        code: typed.trimmed("code").to_owned(),
        name_tr: typed.trimmed("name_tr").to_owned(),
        name_en: typed.trimmed("name_en").to_owned(),
        outside: !typed.get("outside").is_empty(),
    };
    let caller = office.signed.caller(&office.centre);
    match office
        .routing()
        .define_unit(caller.request(asked.clone()))
        .await
    {
        Ok(reply) => written(&office, reply.into_inner().position, HERE).await,
        Err(status) if status.code() == Code::InvalidArgument => {
            let problem = Some(said(&office.frame(HERE), &status));
            let unit = UnitDefined {
                code: asked.code,
                name_tr: asked.name_tr,
                name_en: asked.name_en,
                outside: asked.outside,
            };
            show(&office, StatusCode::BAD_REQUEST, |_| unit, problem).await
        }
        Err(status) => unavailable(office.frame(HERE), &status),
    }
}

/// The list again, once this gateway knows what was just recorded.
pub(super) async fn written(office: &Office, position: u64, path: &str) -> Response {
    let register = office.centre.register(office.signed.municipality());
    match register.at_least(position).await {
        Ok(()) => onward(path),
        Err(status) => unavailable(office.frame(path), &status),
    }
}

/// Which fields are wrong, by the names they have on the page.
pub(super) fn said(frame: &Frame, status: &Status) -> String {
    let fields = chassis::violations(status);
    let named = fields.iter().map(|(field, _)| {
        let field = field.split(['.', '[']).next().unwrap_or_default();
        match field {
            "code" => frame.t("admin-code"),
            "name_tr" => frame.t("admin-name-tr"),
            "name_en" => frame.t("admin-name-en"),
            "unit" => frame.t("access-unit"),
            "group" => frame.t("admin-group"),
            "keywords" => frame.t("admin-keywords"),
            "standard" => frame.t("admin-standard"),
            other => other.to_owned(),
        }
    });
    let named: Vec<String> = named.collect();
    frame
        .words
        .with("admin-wrong", [("fields", &named.join(", "))])
}
