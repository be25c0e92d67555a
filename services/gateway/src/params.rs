//! What somebody sent in a query or a form, whatever its encoding.

use axum::{
    Form, RequestExt as _,
    extract::{FromRequest as _, Multipart, Query, Request},
    http::{StatusCode, Uri, header::CONTENT_TYPE},
};

/// Names and values in the order sent. An empty value counts as none.
#[derive(Default)]
pub(crate) struct Params(Vec<(String, String)>);

/// Why a body could not be read.
pub(crate) struct Unreadable {
    pub(crate) status: StatusCode,
    pub(crate) problem: String,
}

impl Unreadable {
    fn new(status: StatusCode, problem: &str) -> Self {
        Self {
            status,
            problem: problem.to_owned(),
        }
    }

    fn of(status: StatusCode) -> Self {
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            Self::new(status, "the request body is larger than 16 MiB")
        } else {
            Self::new(
                StatusCode::BAD_REQUEST,
                "the request body cannot be read as a form",
            )
        }
    }
}

impl Params {
    /// The parameters of a query.
    pub(crate) fn of_query(uri: &Uri) -> Self {
        Self(
            Query::<Vec<(String, String)>>::try_from_uri(uri)
                .map(|it| it.0)
                .unwrap_or_default(),
        )
    }

    /// The parameters of a body, and after them those of the query.
    pub(crate) async fn of_body(request: Request) -> Result<Self, Unreadable> {
        let mut query = Self::of_query(request.uri());
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        let kind = kind
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let mut params = match kind.as_str() {
            "multipart/form-data" => multipart(request).await?,
            "application/x-www-form-urlencoded" => {
                let form = request.extract::<Form<Vec<(String, String)>>, _>().await;
                form.map_err(|it| Unreadable::of(it.status()))?.0
            }
            _ => {
                let problem =
                    "Content-Type: is application/x-www-form-urlencoded or multipart/form-data";
                return Err(Unreadable::new(StatusCode::BAD_REQUEST, problem));
            }
        };
        params.append(&mut query.0);
        Ok(Self(params))
    }

    /// The first value of that name that says something, or an empty text.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.trim().is_empty())
            .map_or("", |(_, value)| value)
    }

    /// The same without the spaces around it.
    pub(crate) fn trimmed(&self, name: &str) -> &str {
        self.get(name).trim()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Params {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        )
    }
}

async fn multipart(request: Request) -> Result<Vec<(String, String)>, Unreadable> {
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|it| Unreadable::of(it.status()))?;
    let mut params = vec![];
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|it| Unreadable::of(it.status()))?
    {
        let name = field.name().unwrap_or_default().to_owned();
        let is_file = field.file_name().is_some_and(|it| !it.is_empty());
        let value = field
            .text()
            .await
            .map_err(|it| Unreadable::of(it.status()))?;
        if is_file && !value.is_empty() {
            let problem = format!("{name}: files are not taken here; send a link in media_url");
            return Err(Unreadable::new(StatusCode::BAD_REQUEST, &problem));
        }
        params.push((name, value));
    }
    Ok(params)
}
