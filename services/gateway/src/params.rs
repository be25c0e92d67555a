//! What somebody sent in a query or a form, whatever its encoding. Anybody may send anything: how much of it is read, how
//! many read at once and for how long is bounded here.

use std::time::Duration;

use axum::{
    RequestExt as _,
    body::{Body, Bytes, HttpBody as _},
    extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request},
    http::{HeaderMap, StatusCode, Uri, header::CONTENT_TYPE},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::yield_now,
    time::timeout,
};

/// Parameters of one call at most; no form has half as many.
const PAIRS: usize = 64;
/// Bytes of one value at most: more than four times what the longest field may have.
const VALUE: usize = 64 << 10;
/// Bytes of a name at most.
const NAME: usize = 100;
/// Bytes of a body that is read without waiting for a turn.
const SMALL: u64 = 64 << 10;
/// How long a body may take, and before that the wait for a turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// What of a query counts beside a body. A key, a secret or an address in a URL would stand in logs on its way here.
const BESIDE_A_BODY: [&str; 2] = ["jurisdiction_id", "lang"];

/// As many large bodies are in memory at once.
static TURNS: Semaphore = Semaphore::const_new(8);

/// Whether a field of a form holds pictures.
pub(crate) type IsPicture = fn(&str) -> bool;
/// Bytes of a form with pictures at most: three of 10 MB, one that is a little larger, and the texts.
const FORM: usize = 36 << 20;
/// How long such a form may take: a telephone on a hill sends a picture in a minute.
const UPLOAD: Duration = Duration::from_secs(120);

/// As many forms with pictures are in memory at once, until they are answered.
static UPLOADS: Semaphore = Semaphore::const_new(8);

/// A form that may hold pictures.
pub(crate) struct Form {
    pub(crate) params: Params,
    pub(crate) pictures: Vec<Vec<u8>>,
    /// Its bytes take room until it is answered.
    pub(crate) _turn: Option<SemaphorePermit<'static>>,
}

/// Names and values in the order sent. An empty value counts as none.
#[derive(Default)]
pub(crate) struct Params(Vec<(String, String)>);

/// Why a body could not be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) status: StatusCode,
    pub(crate) problem: String,
}

impl Unreadable {
    fn new(status: StatusCode, problem: impl Into<String>) -> Self {
        Self {
            status,
            problem: problem.into(),
        }
    }

    fn of(status: StatusCode) -> Self {
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            Self::new(
                status,
                "the request body is larger than 16 MiB, or 36 MiB with pictures",
            )
        } else {
            Self::new(
                StatusCode::BAD_REQUEST,
                "the request body cannot be read as a form",
            )
        }
    }

    /// A parameter is wrong. Its name is quoted where it looks like one.
    fn at(name: &str, problem: &str) -> Self {
        let looks_like_one = |it: u8| it.is_ascii_alphanumeric() || b"_-.[]".contains(&it);
        let name = if (1..=40).contains(&name.len()) && name.bytes().all(looks_like_one) {
            name
        } else {
            "a parameter"
        };
        Self::new(StatusCode::BAD_REQUEST, format!("{name}: {problem}"))
    }

    fn too_many() -> Self {
        let problem = format!("the request has more than {PAIRS} parameters");
        Self::new(StatusCode::BAD_REQUEST, problem)
    }
}

/// How a body is written.
#[derive(Clone, Copy)]
enum Encoding {
    Multipart,
    Urlencoded,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Result<Self, Unreadable> {
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|it| it.to_str().ok())
            .and_then(|it| it.split(';').next())
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match kind.as_str() {
            "multipart/form-data" => Ok(Self::Multipart),
            "application/x-www-form-urlencoded" => Ok(Self::Urlencoded),
            _ => Err(Unreadable::new(
                StatusCode::BAD_REQUEST,
                "Content-Type: is application/x-www-form-urlencoded or multipart/form-data",
            )),
        }
    }
}

impl Params {
    /// The parameters of a query.
    pub(crate) fn of_query(uri: &Uri) -> Self {
        Self::of_text(uri.query().unwrap_or_default())
    }

    /// The parameters of a query that stands somewhere else than in an address.
    pub(crate) fn of_text(query: &str) -> Self {
        let text = |raw: &[u8]| String::from_utf8_lossy(&unescaped(raw)).into_owned();
        let query = query.as_bytes();
        let pairs = query.split(|it| *it == b'&').take(PAIRS).map(halves);
        Self(
            pairs
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
        )
    }

    /// The parameters of a body, and after them the few of the query that may stand there.
    pub(crate) async fn of_body(request: Request) -> Result<Self, Unreadable> {
        let _turn = turn(&TURNS, request.body().size_hint().upper()).await?;
        Ok(whole(request, PATIENCE, |_| false).await?.0)
    }

    /// The same, of a form that may hold pictures in some of its fields.
    pub(crate) async fn of_form(
        mut request: Request,
        is_picture: IsPicture,
    ) -> Result<Form, Unreadable> {
        DefaultBodyLimit::max(FORM).apply(&mut request);
        let turn = turn(&UPLOADS, request.body().size_hint().upper()).await?;
        let (params, pictures) = whole(request, UPLOAD, is_picture).await?;
        Ok(Form {
            params,
            pictures,
            _turn: turn,
        })
    }

    /// Each name with its value, also where that says nothing, in the order sent.
    pub(crate) fn sent(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.0.iter().filter(|(name, _)| !name.is_empty());
        named.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first value of that name that says something, or an empty text.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.trim().is_empty())
            .map_or("", |(_, value)| value)
    }

    /// All values of that name that say something.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.trim().is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Every name with every value that says something.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(name, value)| (name.as_str(), value.as_str()))
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

/// A large body, or one of unknown size, waits until there is room for it.
async fn turn(
    turns: &'static Semaphore,
    bytes: Option<u64>,
) -> Result<Option<SemaphorePermit<'static>>, Unreadable> {
    if bytes.is_some_and(|it| it <= SMALL) {
        return Ok(None);
    }
    match timeout(PATIENCE, turns.acquire()).await {
        Ok(turn) => Ok(turn.ok()),
        Err(_) => Err(Unreadable::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many large requests at the moment: please try again",
        )),
    }
}

/// A body's parameters and the pictures beside them, and after them the few parameters of the query that may stand there.
async fn whole(
    request: Request,
    patience: Duration,
    is_picture: IsPicture,
) -> Result<(Params, Vec<Vec<u8>>), Unreadable> {
    let query = Params::of_query(request.uri());
    let encoding = Encoding::of(request.headers())?;
    let late = |_| {
        let problem = format!(
            "the request body took longer than {} seconds",
            patience.as_secs()
        );
        Unreadable::new(StatusCode::REQUEST_TIMEOUT, problem)
    };
    let mut sent = timeout(patience, read(request, encoding, is_picture))
        .await
        .map_err(late)??;
    let query = query.0.into_iter();
    sent.params
        .extend(query.filter(|(name, _)| BESIDE_A_BODY.contains(&name.as_str())));
    Ok((Params(sent.params), sent.files))
}

/// What a body held.
#[derive(Default)]
struct Sent {
    params: Vec<(String, String)>,
    files: Vec<Vec<u8>>,
}

async fn read(
    request: Request,
    encoding: Encoding,
    is_picture: IsPicture,
) -> Result<Sent, Unreadable> {
    let (parts, body) = request.into_parts();
    let whole = Request::from_parts(parts.clone(), body);
    let bytes: Bytes = whole
        .extract()
        .await
        .map_err(|it: axum::extract::rejection::BytesRejection| Unreadable::of(it.status()))?;
    match encoding {
        Encoding::Urlencoded => Ok(Sent {
            params: urlencoded(&bytes).await?,
            files: vec![],
        }),
        Encoding::Multipart => {
            multipart(Request::from_parts(parts, Body::from(bytes)), is_picture).await
        }
    }
}

async fn urlencoded(body: &[u8]) -> Result<Vec<(String, String)>, Unreadable> {
    let mut params = vec![];
    for (index, pair) in body.split(|it| *it == b'&').enumerate() {
        if index == PAIRS {
            return Err(Unreadable::too_many());
        }
        if pair.is_empty() {
            continue;
        }
        let (name, value) = halves(pair);
        // Three bytes of the body are one of the text at least.
        if name.len() > 3 * NAME {
            return Err(Unreadable::at("", "its name is too long"));
        }
        let name = text("", unescaped(name))?;
        if value.len() > 3 * VALUE {
            return Err(too_long(&name));
        }
        let value = text(&name, unescaped(value))?;
        params.push((name, value));
        // Others have their turn between two values.
        yield_now().await;
    }
    Ok(params)
}

async fn multipart(request: Request, is_picture: IsPicture) -> Result<Sent, Unreadable> {
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|it| Unreadable::of(it.status()))?;
    let mut sent = Sent::default();
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|it| Unreadable::of(it.status()))?
    {
        if sent.params.len() + sent.files.len() == PAIRS {
            return Err(Unreadable::too_many());
        }
        let name = field.name().unwrap_or_default().to_owned();
        if name.len() > NAME {
            return Err(Unreadable::at("", "its name is too long"));
        }
        // A browser sends a file without a name for a field where none was chosen.
        let is_file = field.file_name().is_some_and(|it| !it.is_empty());
        let value = field
            .bytes()
            .await
            .map_err(|it| Unreadable::of(it.status()))?;
        if is_file && is_picture(&name) {
            sent.files.push(value.into());
            continue;
        }
        if is_file && !value.is_empty() {
            let problem = "files are not taken here; send a link in media_url";
            return Err(Unreadable::at(&name, problem));
        }
        let value = text(&name, value.into())?;
        sent.params.push((name, value));
        yield_now().await;
    }
    Ok(sent)
}

/// A name and its value, as they were sent.
fn halves(pair: &[u8]) -> (&[u8], &[u8]) {
    match pair.iter().position(|it| *it == b'=') {
        Some(at) => (&pair[..at], &pair[at + 1..]),
        None => (pair, &[]),
    }
}

/// The bytes that a form's letters stand for.
fn unescaped(raw: &[u8]) -> Vec<u8> {
    let digit = |at: usize| {
        let digit = char::from(*raw.get(at)?).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    let mut bytes = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        let escaped = digit(at + 1).zip(digit(at + 2)).filter(|_| byte == b'%');
        match (byte, escaped) {
            (_, Some((high, low))) => {
                bytes.push(high << 4 | low);
                at += 2;
            }
            (b'+', None) => bytes.push(b' '),
            (_, None) => bytes.push(byte),
        }
        at += 1;
    }
    bytes
}

/// A text as the value of a parameter in an address.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push_str(&crate::secret::hex(&[byte]));
        }
    }
    escaped
}

fn text(name: &str, bytes: Vec<u8>) -> Result<String, Unreadable> {
    if bytes.len() > VALUE {
        return Err(too_long(name));
    }
    String::from_utf8(bytes).map_err(|_| Unreadable::at(name, "is not UTF-8 text"))
}

/// Larger than `VALUE` is longer than any field may be, whatever its letters.
fn too_long(name: &str) -> Unreadable {
    Unreadable::at(name, "is longer than 4,000 characters")
}

#[cfg(test)]
mod tests;
