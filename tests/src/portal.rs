//! A citizen's browser on the portal: forms out, pages in.

use anyhow::Context as _;

use crate::multipart;

/// A visitor of one municipality's pages.
#[derive(Debug, Clone)]
pub struct Portal {
    http: reqwest::Client,
    pages: String,
}

/// A page as it came, after any redirect.
#[derive(Debug, Clone)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// Where it was found in the end.
    pub url: String,
    /// Its HTML.
    pub html: String,
}

impl Portal {
    /// A visitor of the pages of `city` behind the gateway at `base`.
    #[must_use]
    pub fn new(http: reqwest::Client, base: &str, city: &str) -> Self {
        Self {
            http,
            pages: format!("{base}/m/{city}"),
        }
    }

    /// Opens a page by its path.
    pub async fn open(&self, path: &str) -> anyhow::Result<Page> {
        page(self.http.get(format!("{}{path}", self.pages))).await
    }

    /// Fills in the form for a new request, and sends it.
    pub async fn file(&self, fields: &[(&str, &str)]) -> anyhow::Result<Page> {
        page(
            self.http
                .post(format!("{}/requests", self.pages))
                .form(fields),
        )
        .await
    }

    /// The same as a browser sends it, with pictures.
    pub async fn file_with(
        &self,
        fields: &[(&str, &str)],
        photos: &[Vec<u8>],
    ) -> anyhow::Result<Page> {
        let photos: Vec<_> = photos.iter().map(|it| ("photo", it.as_slice())).collect();
        let post = self.http.post(format!("{}/requests", self.pages));
        page(multipart::form(post, fields, &photos)).await
    }

    /// Sends one of the other forms.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Page> {
        page(self.http.post(format!("{}{path}", self.pages)).form(fields)).await
    }

    /// Fills in the form of the tracking page.
    pub async fn track(&self, number: &str, secret: &str) -> anyhow::Result<Page> {
        self.track_at(&format!("{}/track", self.pages), number, secret)
            .await
    }

    /// The same on a page that a link in a mail led to.
    pub async fn track_at(&self, url: &str, number: &str, secret: &str) -> anyhow::Result<Page> {
        page(
            self.http
                .post(url)
                .form(&[("number", number), ("secret", secret)]),
        )
        .await
    }
}

async fn page(request: reqwest::RequestBuilder) -> anyhow::Result<Page> {
    let answer = request.send().await?;
    Ok(Page {
        status: answer.status().as_u16(),
        url: answer.url().to_string(),
        html: answer.text().await?,
    })
}

impl Page {
    /// What people read: the page's text without its tags, entities resolved.
    pub fn text(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        for part in self.html.split('<') {
            text.push_str(part.split_once('>').map_or(part, |(_, after)| after));
            text.push(' ');
        }
        let unescaped = quick_xml::escape::unescape(&text).context("an entity of the page")?;
        Ok(unescaped.into_owned())
    }

    /// The text of the element with this id.
    pub fn element(&self, id: &str) -> anyhow::Result<String> {
        let (_, after) = self
            .html
            .split_once(&format!("id=\"{id}\">"))
            .with_context(|| format!("no element {id} in {}", self.html))?;
        Ok(after
            .split('<')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned())
    }
}
