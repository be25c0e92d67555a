//! What a citizen keeps of a request: its number, its secret, and to whom it went. Made to be printed.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use contracts::intake::v1::RegisterRequestReply;

use super::{form::Typed, page, site::Site, topics::Chosen};
use crate::{Centre, text};

#[derive(Template)]
#[template(path = "receipt.html")]
struct Receipt {
    site: Site,
    number: String,
    secret: String,
    registered: String,
    topic: String,
    unit: String,
    photos: usize,
    /// Where it is tracked, as it is typed into a browser.
    address: String,
    will_be_mailed: bool,
}

/// The receipt of a request that was registered just now; `host` is how the citizen reached us.
pub(super) fn receipt(
    centre: &Centre,
    site: Site,
    typed: &Typed,
    chosen: &Chosen,
    reply: RegisterRequestReply,
    host: &str,
) -> Response {
    let RegisterRequestReply {
        number,
        tracking_secret: secret,
        ..
    } = reply;
    let now = centre.platform.clock.now().as_microsecond();
    let receipt = Receipt {
        number,
        secret,
        registered: text::moment(now, site.words.0),
        topic: chosen.name.clone(),
        unit: chosen.unit.clone(),
        photos: typed.pictures(),
        address: format!("{host}{}", site.link("/track")),
        will_be_mailed: !typed.value("email").is_empty(),
        site,
    };
    page(StatusCode::CREATED, &receipt)
}
