//! Where the endpoint is, what it speaks, and whom to ask.

use axum::http::{HeaderMap, header};
use serde::Serialize;

use super::{
    Asked, Problems,
    answer::{Format, Nested},
};
use crate::{
    Centre,
    register::{Reader, unreadable},
    text::{self, Words},
};

#[derive(Debug, Serialize)]
pub(super) struct Discovery {
    changeset: String,
    contact: String,
    key_service: String,
    endpoints: Nested<Endpoint>,
}

#[derive(Debug, Serialize)]
struct Endpoint {
    specification: &'static str,
    url: String,
    changeset: String,
    r#type: &'static str,
    formats: Nested<&'static str>,
}

pub(super) async fn discovery(
    centre: &Centre,
    asked: &Asked<'_>,
    format: Format,
    headers: &HeaderMap,
) -> Result<Discovery, Problems> {
    let origin = origin(centre, headers);
    let words = Words(asked.language);
    let served = &centre.platform.municipalities;
    let jurisdictions: Vec<&str> = served.iter().map(|it| it.as_str()).collect();
    let told = [
        ("origin", origin.as_str()),
        ("jurisdictions", &jurisdictions.join(", ")),
    ];
    let changeset = text::iso(defined_at(centre.register(asked.municipality)).await?);
    let endpoint = Endpoint {
        specification: "http://wiki.open311.org/GeoReport_v2",
        url: format!("{origin}/open311/v2"),
        changeset: changeset.clone(),
        r#type: if centre.demo { "test" } else { "production" },
        formats: Nested {
            format,
            item: "format",
            items: vec!["text/xml", "application/json"],
        },
    };
    Ok(Discovery {
        changeset,
        contact: words.with("open311-contact", told),
        key_service: words.with("open311-key-service", told),
        endpoints: Nested {
            format,
            item: "endpoint",
            items: vec![endpoint],
        },
    })
}

/// When the directory changed last: clients keep the services until then.
async fn defined_at(register: &Reader) -> Result<i64, Problems> {
    let newest: Option<i64> = sqlx::query_scalar("select max(defined_at) from topic")
        .fetch_one(register.pool())
        .await
        .map_err(unreadable)?;
    Ok(newest.unwrap_or_default())
}

/// The address the city gave, else that by which the client came.
fn origin(centre: &Centre, headers: &HeaderMap) -> String {
    if let Some(origin) = &centre.public_origin {
        return origin.clone();
    }
    let fits = |it: &&str| {
        let letters = |it: u8| it.is_ascii_alphanumeric() || b".-:[]".contains(&it);
        (1..=255).contains(&it.len()) && it.bytes().all(letters)
    };
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    format!("http://{}", host.filter(fits).unwrap_or("localhost"))
}
