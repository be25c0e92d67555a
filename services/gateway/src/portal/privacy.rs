//! What citizens are told about their personal data: the notice in force, and all that were told before.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{RawPathParams, State, rejection::RawPathParamsRejection},
    http::StatusCode,
    response::Response,
};
use vocabulary::Channel;

use super::{
    notice, page,
    site::{Site, Visit},
    unavailable,
};
use crate::{
    Centre,
    notices::{self, Notice},
    text,
};

#[derive(Template)]
#[template(path = "privacy.html")]
struct PrivacyPage {
    site: Site,
    channel: Channel,
    shown: Notice,
    /// Newest first.
    versions: Vec<Notice>,
}

impl PrivacyPage {
    fn is_in_force(&self) -> bool {
        self.versions.first().map(|it| it.version) == Some(self.shown.version)
    }

    fn current(&self) -> String {
        self.site.link(&format!("/privacy/{}", self.channel.code()))
    }

    fn heading(&self) -> String {
        self.site.words.with(
            "privacy-version",
            [
                ("channel", self.channel.label(self.site.words.0)),
                ("version", &self.shown.version.to_string()),
                ("since", &self.since(&self.shown)),
            ],
        )
    }

    fn short(&self) -> &str {
        self.shown.short(self.site.words.0)
    }

    fn since(&self, notice: &Notice) -> String {
        text::moment(notice.published_at, self.site.words.0)
    }

    fn paragraphs(&self) -> Vec<Vec<String>> {
        self.shown.paragraphs(self.site.words.0)
    }
}

/// A notice: the portal's own, or that of a named channel; the one in force, or a named version.
pub(super) async fn show(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    path: Result<RawPathParams, RawPathParamsRejection>,
) -> Response {
    let named = |name: &str| {
        let params = path.as_ref().ok()?;
        let found = params.iter().find(|(it, _)| *it == name);
        found.map(|(_, value)| value.to_owned())
    };
    let site = visit.site;
    let nowhere = |site: Site| notice(site, StatusCode::NOT_FOUND, "privacy-title", "privacy-none");
    let channel = named("channel").map_or(Ok(Channel::Web), |it| it.parse());
    let Ok(channel) = channel else {
        return nowhere(site);
    };
    let site = match named("version") {
        Some(version) => site.at(format!("/privacy/{}/{version}", channel.code())),
        None => site.at(format!("/privacy/{}", channel.code())),
    };
    let Ok(versions) = notices::of(centre.notices(&visit.municipality), channel).await else {
        return unavailable(site);
    };
    let found = match named("version") {
        Some(version) => versions.iter().find(|it| it.version.to_string() == version),
        None => versions.first(),
    };
    let Some(shown) = found.cloned() else {
        return nowhere(site.at("/"));
    };
    let filled = PrivacyPage {
        site,
        channel,
        shown,
        versions,
    };
    page(StatusCode::OK, &filled)
}
