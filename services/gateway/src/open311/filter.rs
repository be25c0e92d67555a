//! Which requests a call asks for: GeoReport's own parameters, and those that are usual in the wild.

use jiff::{SignedDuration, Timestamp, civil};
use vocabulary::RequestNumber;

use super::Problems;
use crate::{params::Params, text};

/// The most requests of one answer; the standard's own default.
pub(super) const MOST: u32 = 1_000;
/// How far apart the two dates may lie.
const SPAN: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How many requests pages may pass over: a cursor goes as far as one likes.
const FARTHEST: u32 = 100_000;
/// Metres around a point, where no radius is given.
const AROUND: f64 = 750.0;
/// Metres in a degree of latitude.
const DEGREE: f64 = 111_320.0;

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(super) enum Filter {
    /// These and no others, whatever else is said.
    Numbers(Vec<RequestNumber>),
    Matching(Matching),
}

/// What a request must be to be shown, and which part of them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Matching {
    pub(super) topics: Vec<String>,
    pub(super) registered: Span,
    pub(super) updated: Span,
    /// Open ones only, closed ones only, or both.
    pub(super) open: Option<bool>,
    pub(super) area: Option<Area>,
    pub(super) size: u32,
    pub(super) skip: u32,
    pub(super) after: Option<Cursor>,
}

/// Two moments in microseconds; both belong to it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
}

impl Span {
    pub(super) fn is_given(self) -> bool {
        self.from.is_some() || self.to.is_some()
    }
}

/// A part of the earth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) latitude: (f64, f64),
    pub(super) longitude: (f64, f64),
    pub(super) circle: Option<Circle>,
}

/// All that lies near a point, in degrees of latitude; a degree of longitude is shorter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Circle {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    pub(super) radius: f64,
    pub(super) shorter: f64,
}

/// The last request of the part before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) at: i64,
    pub(super) number: String,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let (at, number) = text.split_once('.')?;
        let number: RequestNumber = number.parse().ok()?;
        Some(Self {
            at: at.parse().ok()?,
            number: number.to_string(),
        })
    }

    pub(super) fn text(&self) -> String {
        format!("{}.{}", self.at, self.number)
    }
}

impl Matching {
    /// Whoever follows changes gets them in the order they happened; anybody else the newest requests first.
    pub(super) fn follows_changes(&self) -> bool {
        self.updated.is_given()
    }
}

/// Reads everything; what is wrong is told at once.
pub(super) fn read(params: &Params, now: Timestamp) -> Result<Filter, Problems> {
    let numbers = list(params, "service_request_id");
    let mut wrong = Wrong::default();
    if !numbers.is_empty() {
        if numbers.len() > MOST as usize {
            wrong.add("service_request_id", "names more than 1,000 requests");
        }
        // A number that is none belongs to no request.
        let numbers = numbers.iter().filter_map(|it| it.parse().ok()).collect();
        return wrong.or(Filter::Numbers(numbers));
    }
    let mut registered = wrong.span(params, "start_date", "end_date");
    let updated = wrong.span(params, "updated_after", "updated_before");
    if let Some(problem) = bounded(&mut registered, updated, now) {
        wrong.add("start_date, end_date", problem);
    }
    let (size, page) = (
        wrong.count(params, "page_size", MOST).clamp(1, MOST),
        wrong.count(params, "page", 1).max(1),
    );
    let skip = (page - 1).saturating_mul(size);
    if skip > FARTHEST {
        wrong.add(
            "page",
            "lies too far: follow the Link header's cursor instead",
        );
    }
    let cursor = params.trimmed("cursor");
    let after = Cursor::parse(cursor);
    if after.is_none() && !cursor.is_empty() {
        wrong.add("cursor", "is not one that was given here");
    }
    let matching = Matching {
        topics: list(params, "service_code"),
        registered,
        updated,
        open: wrong.status(params),
        area: wrong.area(params),
        size,
        skip: if after.is_some() { 0 } else { skip },
        after,
    };
    wrong.or(Filter::Matching(matching))
}

/// The moments between which updates are asked for; all since the last 90 days where nothing is said.
pub(super) fn updates(params: &Params, now: Timestamp) -> Result<Span, Problems> {
    let mut wrong = Wrong::default();
    let mut span = wrong.span(params, "start_date", "end_date");
    if let Some(problem) = bounded(&mut span, Span::default(), now) {
        wrong.add("start_date, end_date", problem);
    }
    span.to = span.to.or(Some(i64::MAX));
    wrong.or(span)
}

/// Gives the dates their default, and says what is wrong with them.
fn bounded(registered: &mut Span, updated: Span, now: Timestamp) -> Option<&'static str> {
    let span = i64::try_from(SPAN.as_micros()).unwrap_or(i64::MAX);
    match (registered.from, registered.to) {
        (Some(from), Some(to)) if to < from => return Some("the end lies before the start"),
        // The end's own second belongs to it.
        (Some(from), Some(to)) if to - from > span + 1_000_000 => {
            return Some("lie more than 90 days apart: ask for one part after the other");
        }
        (Some(_), Some(_)) => {}
        (Some(from), None) => registered.to = Some(from.saturating_add(span)),
        (None, Some(to)) => registered.from = Some(to.saturating_sub(span)),
        // Whoever follows changes wants those of old requests too.
        (None, None) if updated.is_given() => {}
        (None, None) => registered.from = Some(now.as_microsecond().saturating_sub(span)),
    }
    None
}

/// The parts between commas that say something.
fn list(params: &Params, name: &str) -> Vec<String> {
    let parts = params.all(name).flat_map(|it| it.split(','));
    parts
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Everything that is wrong with the parameters.
#[derive(Default)]
struct Wrong(Vec<(&'static str, String)>);

impl Wrong {
    fn add(&mut self, name: &'static str, problem: impl Into<String>) {
        self.0.push((name, problem.into()));
    }

    fn or<T>(self, good: T) -> Result<T, Problems> {
        Problems::of_parameters(&self.0).map_or(Ok(good), Err)
    }

    fn span(&mut self, params: &Params, from: &'static str, to: &'static str) -> Span {
        Span {
            from: self.moment(params, from, false),
            to: self.moment(params, to, true),
        }
    }

    fn moment(&mut self, params: &Params, name: &'static str, is_end: bool) -> Option<i64> {
        let text = params.trimmed(name);
        if text.is_empty() {
            return None;
        }
        match moment(text, is_end) {
            Ok(micros) => Some(micros),
            Err(problem) => {
                self.add(name, problem);
                None
            }
        }
    }

    fn count(&mut self, params: &Params, name: &'static str, default: u32) -> u32 {
        let text = params.trimmed(name);
        if text.is_empty() {
            return default;
        }
        text.parse().unwrap_or_else(|_| {
            self.add(name, "is not a whole number");
            default
        })
    }

    fn status(&mut self, params: &Params) -> Option<bool> {
        let asked = list(params, "status");
        let is = |word: &str| asked.iter().any(|it| it.eq_ignore_ascii_case(word));
        let (open, closed) = (is("open"), is("closed"));
        if asked
            .iter()
            .any(|it| !["open", "closed"].contains(&it.to_ascii_lowercase().as_str()))
        {
            self.add("status", "is open or closed");
        }
        (open != closed).then_some(open)
    }

    /// A box of west, south, east, north; or a circle around a point.
    fn area(&mut self, params: &Params) -> Option<Area> {
        let corners = params.trimmed("bbox");
        if !corners.is_empty() {
            let numbers: Vec<f64> = corners
                .split(',')
                .filter_map(|it| it.trim().parse().ok())
                .collect();
            let [west, south, east, north] = numbers[..] else {
                self.add("bbox", "has four numbers: west,south,east,north in degrees");
                return None;
            };
            if !(west <= east && south <= north && south >= -90.0 && north <= 90.0) {
                self.add("bbox", "goes from west,south to east,north in degrees");
                return None;
            }
            return Some(Area {
                latitude: (south, north),
                longitude: (west, east),
                circle: None,
            });
        }
        let latitude = self.number(params, "lat", -90.0..=90.0);
        let longitude = self.number(params, "long", -180.0..=180.0);
        let radius = self.number(params, "radius", 1.0..=50_000.0);
        match (latitude, longitude) {
            (Some(latitude), Some(longitude)) => {
                Some(around(latitude, longitude, radius.unwrap_or(AROUND)))
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                if params.trimmed("lat").is_empty() {
                    self.add("lat", "is missing: long stands alone");
                } else if params.trimmed("long").is_empty() {
                    self.add("long", "is missing: lat stands alone");
                }
                None
            }
        }
    }

    fn number(
        &mut self,
        params: &Params,
        name: &'static str,
        range: std::ops::RangeInclusive<f64>,
    ) -> Option<f64> {
        let text = params.trimmed(name);
        if text.is_empty() {
            return None;
        }
        let value = text.parse().ok().filter(|it| range.contains(it));
        if value.is_none() {
            let problem = format!("is a number from {} to {}", range.start(), range.end());
            self.add(name, problem);
        }
        value
    }
}

fn around(latitude: f64, longitude: f64, radius: f64) -> Area {
    let height = radius / DEGREE;
    let shorter = latitude.to_radians().cos().max(0.01);
    let width = height / shorter;
    Area {
        latitude: (latitude - height, latitude + height),
        longitude: (longitude - width, longitude + width),
        circle: Some(Circle {
            latitude,
            longitude,
            radius: height,
            shorter,
        }),
    }
}

/// A moment as W3 writes it. Shown times are whole seconds, so an end without a fraction holds its whole second.
pub(super) fn moment(text: &str, is_end: bool) -> Result<i64, &'static str> {
    let unescaped = unescaped_plus(text);
    let text = unescaped.as_deref().unwrap_or(text);
    if let Ok(at) = text.parse::<Timestamp>() {
        let micros = at.as_microsecond();
        let whole = micros % 1_000_000 == 0;
        return Ok(if is_end && whole {
            micros + 999_999
        } else {
            micros
        });
    }
    if let Ok(day) = text.parse::<civil::Date>()
        && text.len() == 10
    {
        return text::day_bounds(day)
            .map(|(first, last)| if is_end { last } else { first })
            .ok_or("is too far away");
    }
    if text.parse::<civil::DateTime>().is_ok() {
        return Err("has no time zone: write 2026-11-22T14:30:00Z or 2026-11-22T14:30:00+03:00");
    }
    Err("is not a time like 2026-11-22T14:30:00Z")
}

/// A plus that a client forgot to escape arrives as a space: "2026-11-22T14:30:00 03:00".
fn unescaped_plus(text: &str) -> Option<String> {
    let (time, offset) = text.rsplit_once(' ')?;
    let is_offset = offset.len() == 5 && offset.as_bytes()[2] == b':' && time.contains('T');
    is_offset.then(|| format!("{time}+{offset}"))
}
