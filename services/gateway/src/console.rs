//! The console: what staff work in. Its pages stand in one frame, in the language of whoever is signed in.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use vocabulary::Language;

use crate::{access::Action, doors::Need, session::Signed, text::Words};

/// What every page's frame shows.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) words: Words,
    /// Nobody on the pages before sign-in.
    pub(crate) signed: Option<Signed>,
    /// The page's own address, for the link to the other language.
    here: String,
}

impl Frame {
    /// The frame around a page of somebody who is signed in.
    pub(crate) fn of(signed: &Signed, here: &str) -> Self {
        Self {
            words: Words(signed.language()),
            signed: Some(signed.clone()),
            here: here.to_owned(),
        }
    }

    /// The frame around a page for anybody.
    pub(crate) fn of_nobody(language: Language, here: &str) -> Self {
        Self {
            words: Words(language),
            signed: None,
            here: here.to_owned(),
        }
    }

    /// A text by its key.
    pub(crate) fn t(&self, key: &str) -> String {
        self.words.get(key)
    }

    /// The page's language, as HTML names it.
    pub(crate) fn code(&self) -> &'static str {
        self.words.0.code()
    }

    pub(crate) fn other_code(&self) -> &'static str {
        self.other().code()
    }

    /// This page in the other language, where nobody is signed in whose language it is.
    pub(crate) fn other_link(&self) -> String {
        format!("{}?lang={}", self.here, self.other_code())
    }

    /// The token that stands in each form.
    pub(crate) fn csrf(&self) -> &str {
        self.signed.as_ref().map_or("", Signed::csrf)
    }

    /// Whether the one who is signed in may go where staff and keys are kept.
    pub(crate) fn administers(&self) -> bool {
        self.may(Action::Administer.centre())
    }

    fn may(&self, need: Need) -> bool {
        self.signed
            .as_ref()
            .is_some_and(|it| it.may(need.action, crate::access::Resource::Centre))
    }

    fn other(&self) -> Language {
        match self.words.0 {
            Language::Tr => Language::En,
            Language::En => Language::Tr,
        }
    }
}

#[derive(Template)]
#[template(path = "console/notice.html")]
struct Notice {
    frame: Frame,
    title: String,
    text: String,
}

/// A page that says one thing.
pub(crate) fn notice(frame: Frame, status: StatusCode, title: &str, text: &str) -> Response {
    let (title, text) = (frame.t(title), frame.t(text));
    page(status, &Notice { frame, title, text })
}

/// The answer after a mistake of ours.
pub(crate) fn failed() -> Response {
    notice(
        Frame::of_nobody(Language::Tr, "/console"),
        StatusCode::INTERNAL_SERVER_ERROR,
        "failed-title",
        "failed-text",
    )
}

/// A page of the console. What keeps it to itself is added to every page, in `headers.rs`.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
    match template.render() {
        Ok(html) => (status, [(header::CONTENT_TYPE, HTML)], html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The console's style.
pub(crate) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("../assets/console.css")).into_response()
}
