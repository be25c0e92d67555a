//! Somebody of the staff asks for a page: who it is, what they may see, and what they are told where there is none.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Redirect, Response},
};
use tonic::{Code, Status};

use super::{Frame, filters::Scope, notice};
use crate::{
    Centre,
    access::{Action, Resource, Role},
    params::Params,
    register::Reader,
    session::Signed,
    text::Words,
};

/// Somebody of the staff asks for a page.
pub(super) struct Visit {
    pub(super) signed: Signed,
    pub(super) query: Params,
    pub(super) words: Words,
    path: String,
}

impl FromRequestParts<Arc<Centre>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, centre: &Arc<Centre>) -> Result<Self, Response> {
        let signed = Signed::from_request_parts(parts, centre).await?;
        let path = home_of(parts.uri.path(), parts.uri.query());
        Ok(Self {
            query: Params::of_query(&parts.uri),
            words: Words(signed.language()),
            signed,
            path,
        })
    }
}

impl Visit {
    /// What they may see, cut to their unit; a page says no where it is nothing.
    pub(super) fn scope(&self, action: Action) -> Result<Scope, Box<Response>> {
        Scope::of(self.signed.actor(), action)
            .ok_or_else(|| Box::new(self.notice(StatusCode::FORBIDDEN, "console-forbidden")))
    }

    /// The municipality's register.
    pub(super) fn register<'a>(&self, centre: &'a Centre) -> &'a Reader {
        centre.register(self.signed.municipality())
    }

    /// The frame of the page.
    pub(super) fn frame(&self) -> Frame {
        Frame::of(&self.signed, &self.path)
    }

    /// A page that says one thing.
    pub(super) fn notice(&self, status: StatusCode, key: &str) -> Response {
        notice(
            self.frame(),
            status,
            &format!("{key}-title"),
            &format!("{key}-text"),
        )
    }

    /// The page for a failure behind the gateway.
    pub(super) fn failed(&self, status: &Status) -> Response {
        let code = status.code();
        if matches!(code, Code::NotFound | Code::InvalidArgument) {
            return self.notice(StatusCode::NOT_FOUND, "console-nowhere");
        }
        if code == Code::PermissionDenied {
            return self.notice(StatusCode::FORBIDDEN, "console-forbidden");
        }
        tracing::warn!(?code, "a page of the console could not be shown");
        let mut page = self.notice(StatusCode::SERVICE_UNAVAILABLE, "console-unavailable");
        page.headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        page
    }
}

/// Where somebody's work begins.
pub(super) async fn home(visit: Visit) -> Response {
    let signed = &visit.signed;
    let roles = signed.roles();
    let takes_calls = roles.contains(&Role::Operator) || roles.contains(&Role::Desk);
    let to = if takes_calls && signed.may(Action::File, Resource::Centre) {
        "/console/new"
    } else if Scope::of(signed.actor(), Action::SeeFigures) == Some(Scope::All)
        && roles.contains(&Role::Supervisor)
    {
        "/console/figures"
    } else if Scope::of(signed.actor(), Action::See).is_some() {
        "/console/requests"
    } else {
        "/console/admin"
    };
    Redirect::to(to).into_response()
}

/// The page that an address belongs to: what a form was sent to is none to come back to.
fn home_of(path: &str, query: Option<&str>) -> String {
    let mut parts = path.split('/').skip(2);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("requests"), Some(number), Some(act)) if act != "events" => {
            format!("/console/requests/{number}")
        }
        (Some("search"), ..) => "/console/requests".to_owned(),
        (Some("new"), ..) => "/console/new".to_owned(),
        _ => match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_back_to_its_page() {
        let number = "/console/requests/2026-48120937-8";
        assert_eq!(home_of(&format!("{number}/accept"), None), number);
        assert_eq!(
            home_of(number, Some("done=accept")),
            format!("{number}?done=accept")
        );
        assert_eq!(home_of("/console/search", None), "/console/requests");
        assert_eq!(home_of("/console/new/caller", None), "/console/new");
        assert_eq!(
            home_of("/console/requests", Some("state=all")),
            "/console/requests?state=all"
        );
    }
}
