//! A browser of the console: keeps its cookie, follows nothing by itself, and fills in forms with the page's own token.

use anyhow::Context as _;
use reqwest::{
    RequestBuilder, StatusCode,
    header::{COOKIE, LOCATION, RETRY_AFTER, SET_COOKIE},
};

/// Somebody before the console.
#[derive(Debug, Clone)]
pub struct Browser {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

/// A page, or where the browser was sent.
#[derive(Debug, Clone)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// Where it leads; empty for a page.
    pub location: String,
    /// How long to wait, where it says so.
    pub retry_after: Option<u64>,
    /// Its HTML.
    pub html: String,
    cookie: Option<String>,
}

impl Browser {
    /// A browser of the gateway at `base` that nobody has used yet.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            base: base.to_owned(),
            cookie: String::new(),
        })
    }

    /// Opens a page by its path.
    pub async fn open(&self, path: &str) -> anyhow::Result<Page> {
        self.send(self.http.get(self.url(path))).await
    }

    /// Sends a form as it is, without the page that it stands on.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> anyhow::Result<Page> {
        self.send(self.http.post(self.url(path)).form(form)).await
    }

    /// The same, as a page of another site would have it sent.
    pub async fn post_from_elsewhere(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> anyhow::Result<Page> {
        let request = self.http.post(self.url(path)).form(form);
        let request = request.header("origin", "https://elsewhere.example");
        self.send(request.header("sec-fetch-site", "cross-site"))
            .await
    }

    /// Opens a page, and sends a form from it with its token.
    pub async fn fill(
        &self,
        page: &str,
        path: &str,
        form: &[(&str, &str)],
    ) -> anyhow::Result<Page> {
        let token = self.open(page).await?.token()?;
        let mut form = form.to_vec();
        form.push(("csrf", &token));
        self.post(path, &form).await
    }

    /// Signs in, and keeps the cookie.
    pub async fn sign_in(
        &mut self,
        municipality: &str,
        name: &str,
        password: &str,
    ) -> anyhow::Result<Page> {
        let form = [
            ("municipality", municipality),
            ("name", name),
            ("password", password),
        ];
        let page = self.post("/console/sign-in", &form).await?;
        if let Some(cookie) = &page.cookie {
            cookie.clone_into(&mut self.cookie);
        }
        Ok(page)
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        }
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Page> {
        let answer = request.header(COOKIE, &self.cookie).send().await?;
        let text = |name| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        Ok(Page {
            status: answer.status().as_u16(),
            location: text(LOCATION).unwrap_or_default(),
            retry_after: text(RETRY_AFTER).and_then(|it| it.parse().ok()),
            cookie: text(SET_COOKIE).and_then(|it| it.split(';').next().map(str::to_owned)),
            html: answer.text().await?,
        })
    }
}

impl Page {
    /// Whether it leads to the sign-in page.
    #[must_use]
    pub fn asks_to_sign_in(&self) -> bool {
        self.status == StatusCode::SEE_OTHER.as_u16()
            && self.location.starts_with("/console/sign-in")
    }

    /// The text of the element with this id.
    pub fn element(&self, id: &str) -> anyhow::Result<String> {
        let (_, after) = self
            .html
            .split_once(&format!("id=\"{id}\""))
            .with_context(|| format!("no element {id} in {}", self.html))?;
        let (_, text) = after.split_once('>').context("an element")?;
        Ok(text.split('<').next().unwrap_or_default().trim().to_owned())
    }

    fn token(&self) -> anyhow::Result<String> {
        let (_, after) = self
            .html
            .split_once("name=\"csrf\" value=\"")
            .with_context(|| format!("no token in {} {}", self.status, self.html))?;
        Ok(after.split('"').next().unwrap_or_default().to_owned())
    }
}
