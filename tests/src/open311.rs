//! An Open311 client of the tests' own, which knows no code of ours: form data out, XML or JSON in.

use std::{collections::BTreeMap, fmt};

use anyhow::{Context as _, bail};
use quick_xml::{Reader, events::Event};
use serde_json::Value;

use crate::{multipart, settings};

/// Which of the two formats is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text/xml`
    Xml,
    /// `application/json`
    Json,
}

/// One element of an answer: its fields by name, all as text; an empty element and `null` are empty texts.
pub type Item = BTreeMap<String, String>;

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` header.
    pub content_type: String,
    /// The body as it came.
    pub body: String,
    format: Format,
}

/// A client of one endpoint.
#[derive(Debug, Clone)]
pub struct Open311 {
    http: reqwest::Client,
    base: String,
    key: String,
    jurisdiction: String,
}

impl Format {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Xml, Self::Json];

    const fn suffix(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.suffix())
    }
}

impl Open311 {
    /// A client of the endpoint below `base` ("http://host:port"), with a key and a jurisdiction.
    #[must_use]
    pub fn new(http: reqwest::Client, base: &str, key: &str, jurisdiction: &str) -> Self {
        Self {
            http,
            base: format!("{base}/open311/v2"),
            key: key.to_owned(),
            jurisdiction: jurisdiction.to_owned(),
        }
    }

    /// The same client, who sends another key; an empty one is not sent at all.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    /// The same client, who names another jurisdiction; an empty one is not sent at all.
    #[must_use]
    pub fn with_jurisdiction(mut self, jurisdiction: &str) -> Self {
        jurisdiction.clone_into(&mut self.jurisdiction);
        self
    }

    /// `GET services`.
    pub async fn services(&self, format: Format) -> anyhow::Result<Answer> {
        self.get("services", format).await
    }

    /// `GET requests/{id}`.
    pub async fn request(&self, id: &str, format: Format) -> anyhow::Result<Answer> {
        self.get(&format!("requests/{id}"), format).await
    }

    /// `POST requests` with these fields.
    pub async fn file(&self, fields: &[(&str, &str)], format: Format) -> anyhow::Result<Answer> {
        self.post(fields, &[], format).await
    }

    /// As `file`, with headers.
    pub async fn post(
        &self,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
        format: Format,
    ) -> anyhow::Result<Answer> {
        self.post_to("requests", fields, headers, format).await
    }

    /// As `file`, with files: each the field it belongs to and its bytes.
    pub async fn file_with(
        &self,
        fields: &[(&str, &str)],
        files: &[(&str, &[u8])],
        format: Format,
    ) -> anyhow::Result<Answer> {
        let post = self.http.post(format!("{}/requests.{format}", self.base));
        answer(multipart::form(post, &self.own(fields), files), format).await
    }

    /// The fields, and those that say who sends them and to whom.
    fn own<'a>(&'a self, fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let own = [
            ("api_key", self.key.as_str()),
            ("jurisdiction_id", &self.jurisdiction),
        ];
        let own = own.into_iter().filter(|(_, value)| !value.is_empty());
        fields.iter().copied().chain(own).collect()
    }

    async fn post_to(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
        format: Format,
    ) -> anyhow::Result<Answer> {
        let mut post = self
            .http
            .post(format!("{}/{path}.{format}", self.base))
            .form(&self.own(fields));
        for (name, value) in headers {
            post = post.header(*name, *value);
        }
        answer(post, format).await
    }

    /// `GET <path>?<query>`, for any of the lists.
    pub async fn list(&self, path: &str, query: &str, format: Format) -> anyhow::Result<Answer> {
        let jurisdiction = &self.jurisdiction;
        let url = format!(
            "{}/{path}.{format}?jurisdiction_id={jurisdiction}&{query}",
            self.base
        );
        answer(self.http.get(url), format).await
    }

    /// `POST servicerequestupdates` with these fields.
    pub async fn update(&self, fields: &[(&str, &str)], format: Format) -> anyhow::Result<Answer> {
        self.post_to("servicerequestupdates", fields, &[], format)
            .await
    }

    /// Files and reads with the clients of others; gives what they saw.
    pub fn by_others(&self) -> anyhow::Result<Value> {
        let (python, modules) = settings::open311_python()?;
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("clients.py");
        std::fs::write(&script, include_str!("open311_clients.py"))?;
        let output = std::process::Command::new(python)
            .arg(script)
            .args([&self.base, &self.jurisdiction, &self.key])
            .env("PYTHONPATH", modules)
            .env("NO_PROXY", "*")
            .output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{told}");
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    async fn get(&self, path: &str, format: Format) -> anyhow::Result<Answer> {
        let query = match self.jurisdiction.as_str() {
            "" => String::new(),
            jurisdiction => format!("?jurisdiction_id={jurisdiction}"),
        };
        answer(
            self.http
                .get(format!("{}/{path}.{format}{query}", self.base)),
            format,
        )
        .await
    }
}

async fn answer(request: reqwest::RequestBuilder, format: Format) -> anyhow::Result<Answer> {
    let answer = request.send().await?;
    let content_type = answer
        .headers()
        .get("content-type")
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    Ok(Answer {
        status: answer.status().as_u16(),
        content_type,
        body: answer.text().await?,
        format,
    })
}

impl Answer {
    /// The list it holds, decoded from either format.
    pub fn items(&self) -> anyhow::Result<Vec<Item>> {
        let items = match self.format {
            Format::Xml => from_xml(&self.body),
            Format::Json => from_json(&self.body),
        };
        items.with_context(|| format!("{} {}", self.status, self.body))
    }

    /// Its only element, of a call that must have succeeded.
    pub fn only(&self) -> anyhow::Result<Item> {
        anyhow::ensure!(self.status == 200, "{} {}", self.status, self.body);
        let mut items = self.items()?;
        anyhow::ensure!(items.len() == 1, "not one element: {}", self.body);
        items.pop().context("no element")
    }

    /// The number under which the request was filed.
    pub fn number(&self) -> anyhow::Result<String> {
        let mut item = self.only()?;
        item.remove("service_request_id")
            .filter(|it| !it.is_empty())
            .with_context(|| format!("no service_request_id: {}", self.body))
    }

    /// The descriptions of all errors it tells.
    pub fn errors(&self) -> anyhow::Result<String> {
        let items = self.items()?;
        let texts: Vec<&str> = items
            .iter()
            .filter_map(|it| it.get("description").map(String::as_str))
            .collect();
        Ok(texts.join("\n"))
    }
}

fn from_json(body: &str) -> anyhow::Result<Vec<Item>> {
    let Value::Array(items) = serde_json::from_str(body)? else {
        bail!("no JSON array")
    };
    let fields = |item: Value| match item {
        Value::Object(fields) => Ok(fields.into_iter().map(|(k, v)| (k, plain(&v))).collect()),
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)) => bail!("no JSON object: {other}"),
    };
    items.into_iter().map(fields).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Root, items, fields: the three levels of every Open311 answer.
fn from_xml(body: &str) -> anyhow::Result<Vec<Item>> {
    let mut reader = Reader::from_str(body);
    let (mut items, mut item) = (Vec::new(), Item::new());
    let mut path: Vec<String> = Vec::new();
    loop {
        match reader.read_event()? {
            Event::Start(tag) => {
                path.push(tag.name().as_ref().to_owned());
                if let [_, _, field] = path.as_slice() {
                    item.insert(field.clone(), String::new());
                }
            }
            Event::Empty(tag) if path.len() == 2 => {
                item.insert(tag.name().as_ref().to_owned(), String::new());
            }
            Event::End(_) => {
                path.pop();
                if path.len() == 1 {
                    items.push(std::mem::take(&mut item));
                }
            }
            Event::Text(text) => append(&mut item, &path, &text.xml10_content()),
            Event::CData(text) => append(&mut item, &path, &text),
            Event::GeneralRef(reference) => append(&mut item, &path, &resolved(&reference)?),
            Event::Eof if path.is_empty() => return Ok(items),
            Event::Eof => bail!("the XML ends inside {path:?}"),
            Event::Empty(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
}

fn append(item: &mut Item, path: &[String], text: &str) {
    if let [_, _, field] = path {
        item.entry(field.clone()).or_default().push_str(text);
    }
}

/// `&amp;`, `&#351;`, `&#x15F;`.
fn resolved(reference: &str) -> anyhow::Result<String> {
    if let Some(named) = quick_xml::escape::resolve_predefined_entity(reference) {
        return Ok(named.to_owned());
    }
    let digits = reference.strip_prefix('#').context("an unknown entity")?;
    let code = match digits.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16)?,
        None => digits.parse()?,
    };
    Ok(char::from_u32(code)
        .context("no such character")?
        .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_say_the_same() -> anyhow::Result<()> {
        let xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<errors>\n <error><code>400</code>\
                   <description>&lt;ş&#351;&#x15F;></description><note/></error>\n</errors>\n";
        let json = r#"[{"code":400,"description":"<şşş>","note":null}]"#;
        assert_eq!(from_xml(xml)?, from_json(json)?);
        Ok(())
    }

    #[test]
    fn a_torn_answer_is_no_answer() {
        assert!(from_xml("<errors><error>").is_err());
        assert!(from_json("{}").is_err());
    }
}
