//! Whether what changes something was sent from a page of the same session.

use aws_lc_rs::constant_time;
use axum::{
    RequestExt as _,
    body::{Body, Bytes},
    extract::Request,
    http::StatusCode,
};

use super::Refusal;
use crate::{Centre, origin};

/// The field that holds the session's token, and the header for calls by script.
const FIELD: &str = "csrf";
const HEADER: &str = "x-csrf-token";

/// The request again, body and all, if it came from one of this session's own pages.
pub(super) async fn check(
    centre: &Centre,
    token: &str,
    request: Request,
) -> Result<Request, Refusal> {
    let own = origin::is_own(
        request.headers(),
        request.uri(),
        centre.public_origin.as_deref(),
    );
    if !own {
        return Err(Refusal::Foreign);
    }
    if let Some(given) = request.headers().get(HEADER) {
        return if is_same(given.as_bytes(), token) {
            Ok(request)
        } else {
            Err(Refusal::Foreign)
        };
    }
    let (parts, body) = request.into_parts();
    let whole = Request::from_parts(parts.clone(), body);
    let body: Bytes =
        whole
            .extract()
            .await
            .map_err(|it: axum::extract::rejection::BytesRejection| {
                if it.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    Refusal::TooLarge
                } else {
                    Refusal::Foreign
                }
            })?;
    if !carries(&body, token) {
        return Err(Refusal::Foreign);
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Whether a form, however it is encoded, has the token in its field.
fn carries(body: &[u8], token: &str) -> bool {
    let urlencoded = format!("{FIELD}=");
    let multipart = format!("name=\"{FIELD}\"\r\n\r\n");
    after(body, urlencoded.as_bytes())
        .chain(after(body, multipart.as_bytes()))
        .any(|it| is_same(it.get(..token.len()).unwrap_or_default(), token))
}

/// What stands behind each place where these bytes stand.
fn after<'a>(body: &'a [u8], mark: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let places = body.windows(mark.len()).enumerate();
    places
        .filter(move |(_, window)| *window == mark)
        .map(move |(at, _)| &body[at + mark.len()..])
}

fn is_same(given: &[u8], token: &str) -> bool {
    constant_time::verify_slices_are_equal(given, token.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_in_either_kind_of_form() {
        let token = "0123456789abcdef";
        let multipart = format!(
            "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--x--\r\n"
        );
        for good in [
            format!("csrf={token}"),
            format!("note=a&csrf={token}&x=y"),
            multipart,
        ] {
            assert!(carries(good.as_bytes(), token), "{good}");
        }
        for bad in [
            String::new(),
            "csrf=".to_owned(),
            "csrf=0123456789abcdee".to_owned(),
            "csrf=0123".to_owned(),
            token.to_owned(),
        ] {
            assert!(!carries(bad.as_bytes(), token), "{bad}");
        }
    }
}
