//! Whose page it is, in which language, and where its links lead.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{StatusCode, request::Parts},
    response::Response,
};
use vocabulary::{Language, Municipality};

use super::notice;
use crate::{Centre, params::Params, text, text::Words};

/// What every page's frame shows.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// "" for the default municipality, "/m/<slug>" for the others.
    base: String,
    pub(super) words: Words,
    /// The page that the other language's link leads to.
    here: String,
}

impl Site {
    /// A page of no municipality.
    pub(super) fn bare(language: Language) -> Self {
        Self {
            base: String::new(),
            words: Words(language),
            here: "/".to_owned(),
        }
    }

    /// The same, for a page that is found at `here`.
    pub(super) fn at(mut self, here: impl Into<String>) -> Self {
        self.here = here.into();
        self
    }

    /// A text by its key.
    pub(super) fn t(&self, key: &str) -> String {
        self.words.get(key)
    }

    /// The page's language, as HTML names it.
    pub(super) fn code(&self) -> &'static str {
        self.words.0.code()
    }

    /// The other language's code.
    pub(super) fn other_code(&self) -> &'static str {
        self.other().code()
    }

    /// A link to one of our pages, in this language.
    pub(super) fn link(&self, path: &str) -> String {
        self.link_in(path, self.words.0)
    }

    /// Where the pages begin, as a form asks for it: its parameters join the address by themselves.
    pub(super) fn home(&self) -> String {
        if self.base.is_empty() {
            "/".to_owned()
        } else {
            self.base.clone()
        }
    }

    /// A part of the pages that has no language.
    pub(super) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// This page in the other language.
    pub(super) fn other_link(&self) -> String {
        self.link_in(&self.here, self.other())
    }

    fn link_in(&self, path: &str, language: Language) -> String {
        let path = if path == "/" && !self.base.is_empty() {
            ""
        } else {
            path
        };
        match language {
            Language::Tr => format!("{}{path}", self.base),
            Language::En => format!("{}{path}?lang=en", self.base),
        }
    }

    fn other(&self) -> Language {
        match self.words.0 {
            Language::Tr => Language::En,
            Language::En => Language::Tr,
        }
    }
}

/// A request for a page of one municipality.
pub(super) struct Visit {
    pub(super) municipality: Municipality,
    pub(super) site: Site,
    pub(super) query: Params,
}

impl FromRequestParts<Arc<Centre>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, centre: &Arc<Centre>) -> Result<Self, Response> {
        let query = Params::of_query(&parts.uri);
        let language = text::named(query.trimmed("lang")).unwrap_or(Language::Tr);
        let path = RawPathParams::from_request_parts(parts, centre).await.ok();
        let slug = path
            .as_ref()
            .and_then(|it| it.iter().find(|(name, _)| *name == "municipality"))
            .map(|(_, slug)| slug);
        let municipality = match slug {
            None => Some(centre.default_municipality()),
            Some(slug) => centre.municipality(slug),
        };
        let Some(municipality) = municipality.cloned() else {
            return Err(notice(
                Site::bare(language),
                StatusCode::NOT_FOUND,
                "nowhere-title",
                "nowhere-text",
            ));
        };
        let base = slug.map(|it| format!("/m/{it}")).unwrap_or_default();
        Ok(Self {
            municipality,
            site: Site {
                base,
                words: Words(language),
                here: "/".to_owned(),
            },
            query,
        })
    }
}
