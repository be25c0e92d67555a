//! How somebody likes the console, kept by their browser: its language, where it is another one than their account's, and
//! light or dark.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use vocabulary::Language;

use super::page::Visit;
use crate::{params::Params, text};

const LANGUAGE: &str = "cozum-language";
const THEME: &str = "cozum-theme";
const THEMES: [&str; 2] = ["light", "dark"];

/// What a browser says of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Taste {
    pub(crate) language: Option<Language>,
    /// "light", "dark", or "" for what the browser likes.
    pub(crate) theme: &'static str,
}

impl Taste {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let cookie = |name: &str| {
            let all = headers.get_all(header::COOKIE).iter();
            let mut pairs = all.flat_map(|it| it.to_str().unwrap_or_default().split(';'));
            pairs.find_map(|it| it.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let theme = cookie(THEME).unwrap_or_default();
        Self {
            language: cookie(LANGUAGE).and_then(text::named),
            theme: THEMES
                .into_iter()
                .find(|it| *it == theme)
                .unwrap_or_default(),
        }
    }
}

/// Keeps what was chosen, and leads back to the page on which it was.
pub(super) async fn keep(visit: Visit, request: Request) -> Response {
    let Ok(params) = Params::of_body(request).await else {
        return visit.notice(StatusCode::BAD_REQUEST, "console-unreadable");
    };
    let back = params.trimmed("back");
    let back = if is_ours(back) { back } else { "/console" };
    let mut response = Redirect::to(back).into_response();
    let mut keep = |name: &str, value: &str| {
        let cookie =
            format!("{name}={value}; Path=/console; Max-Age=31536000; SameSite=Lax; HttpOnly");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    };
    if let Some(language) = text::named(params.trimmed("language")) {
        keep(LANGUAGE, language.code());
    }
    match params.trimmed("theme") {
        "" => {}
        theme => keep(
            THEME,
            THEMES
                .into_iter()
                .find(|it| *it == theme)
                .unwrap_or_default(),
        ),
    }
    response
}

/// A page of the console, and nobody else's.
fn is_ours(path: &str) -> bool {
    let rest = path.strip_prefix("/console");
    rest.is_some_and(|it| it.is_empty() || it.starts_with(['/', '?']))
        && path.bytes().all(|it| it.is_ascii_graphic() && it != b'\\')
        && !path.contains("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_keeps_what_was_chosen_and_nothing_else_counts() {
        let of = |cookie: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(cookie));
            Taste::of(&headers)
        };
        let both = of("cozum=x; cozum-language=en; cozum-theme=dark");
        assert_eq!(
            both,
            Taste {
                language: Some(Language::En),
                theme: "dark"
            }
        );
        assert_eq!(
            of("cozum-theme=\"><script>; cozum-language="),
            Taste::default()
        );
    }

    #[test]
    fn nobody_is_sent_anywhere_else() {
        for ours in ["/console", "/console/requests?state=all", "/console?x"] {
            assert!(is_ours(ours), "{ours}");
        }
        for foreign in [
            "",
            "/",
            "//evil.example",
            "/consolex",
            "/console//evil.example",
            "/console/\\evil",
            "https://evil.example/console",
        ] {
            assert!(!is_ours(foreign), "{foreign}");
        }
    }
}
