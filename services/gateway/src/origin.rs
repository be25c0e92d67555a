//! Whether a form was sent from one of our own pages.

use axum::http::{HeaderMap, Uri, header};

/// Browsers say where a form was; programs that are no browsers say nothing, and carry nobody's sign-in.
pub(crate) fn is_own(headers: &HeaderMap, uri: &Uri, public_origin: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).map(|it| it.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else {
        return true;
    };
    if public_origin == Some(origin) {
        return true;
    }
    let host = text(header::HOST.as_str()).or(uri.authority().map(|it| it.as_str()));
    let from = origin.split_once("://").map(|(_, host)| host);
    host.is_some() && from == host
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn own(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        is_own(
            &headers,
            &Uri::from_static("/requests"),
            Some("https://153.ova.bel.tr"),
        )
    }

    #[test]
    fn a_form_on_another_site_is_refused() {
        assert!(own(&[]));
        assert!(own(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "null")
        ]));
        assert!(own(&[
            ("origin", "http://localhost:8153"),
            ("host", "localhost:8153")
        ]));
        assert!(own(&[
            ("origin", "https://153.ova.bel.tr"),
            ("host", "10.0.0.5:8153")
        ]));
        assert!(!own(&[("sec-fetch-site", "cross-site")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]));
        assert!(!own(&[
            ("origin", "https://evil.example"),
            ("host", "localhost:8153")
        ]));
        assert!(!own(&[("origin", "null"), ("host", "localhost:8153")]));
    }
}
