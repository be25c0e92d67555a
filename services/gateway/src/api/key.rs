//! The key itself, as its holder may know it.

use axum::{Json, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::Program, input::NoQuery, problem::Problem, requests::private, words::something,
};
use crate::access::{Kind, Scope};

/// What the caller's key is.
#[derive(Serialize, ToSchema)]
pub(super) struct Key {
    municipality: String,
    /// What the record calls its holder: "api:" and this name.
    name: String,
    scopes: Vec<&'static str>,
    /// The one unit that it reaches; null for all.
    unit: Option<String>,
}

/// Read what the key allows
#[utoipa::path(get, path = "/key", tag = "key", operation_id = "getKey",
    responses((status = 200, description = "The key that the call was made with", body = Key)))]
pub(super) async fn key(program: Program, _: NoQuery) -> Result<Response, Problem> {
    let scopes = match &program.actor.kind {
        Kind::Program { scopes, .. } => scopes.iter().map(|it| named(*it)).collect(),
        Kind::Staff { .. } | Kind::Citizen | Kind::Nobody => vec![],
    };
    Ok(private(Json(Key {
        municipality: program.municipality().to_string(),
        name: program.key().to_owned(),
        scopes,
        unit: something(program.unit()),
    })))
}

const fn named(scope: Scope) -> &'static str {
    match scope {
        Scope::File => "file",
        Scope::Read => "read",
        Scope::ReadPersonal => "read-personal",
        Scope::Work => "work",
        Scope::Directory => "directory",
        Scope::Import => "import",
        Scope::Webhooks => "webhooks",
    }
}
