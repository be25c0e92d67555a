//! How a foreign export is read: which column means what, in which form its dates stand, what its words mean here.
//!
//! ```toml
//! source = "nyc-311"                   # marks every imported request: a-z 0-9 -, at most 32
//! time_zone = "America/New_York"       # of dates that name no offset
//! dates = ["%Y-%m-%dT%H:%M:%S%.f"]     # tried in this order
//! delimiter = ","                      # optional
//! unknown = ["Unspecified", "N/A"]     # optional: words that say nothing
//!
//! [columns]                            # a column, or several of which the first that is filled counts
//! id = "unique_key"
//! created = "created_date"
//! closed = ["closed_date", "updated_date"]   # optional; needed by rows whose status concludes
//! updated = "updated_date"             # optional: when the present state was reached
//! due = "due_date"                     # optional: when the source's own service standard wanted it done
//! topic = "complaint_type"
//! description = ["descriptor", "location_type"]   # optional; all of them, joined; else the topic's name
//! answer = "resolution_description"    # optional: what a conclusion said
//! unit = "agency"
//! unit_name = "agency_name"            # optional
//! channel = "open_data_channel_type"   # optional, with a default
//! status = "status"
//! address = "incident_address"         # optional, as the rest
//! district = "borough"
//! neighbourhood = "city"
//! latitude = "latitude"
//! longitude = "longitude"
//!
//! [place]                              # optional: what lies outside is no place of this city, and stays unknown
//! within = [40.4, -74.3, 41.0, -73.6]  # south, west, north, east
//!
//! [channels]                           # their word = our code
//! PHONE = "phone"
//!
//! [statuses]                           # their word = our state: routed, assigned, in-progress or concluded
//! "Closed" = { state = "concluded", sub_result = "not-stated" }
//!
//! [defaults]                           # optional: our channel code, their words, where a cell is empty
//! channel = "other"
//! status = "Open"
//! topic = "Other"
//! unit = "Call Center"
//! ```

mod lines;

use std::{collections::BTreeMap, path::Path};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use serde::Deserialize;
use vocabulary::{Channel, NotAWord, RequestState, SubResult};

use lines::Mistake;

/// A mapping that was read and checked.
#[derive(Debug)]
pub struct Mapping {
    /// Marks what was imported by it.
    pub source: String,
    /// Of dates that name no offset.
    pub time_zone: TimeZone,
    /// The forms dates have.
    pub dates: Vec<String>,
    /// What parts the cells of a row.
    pub delimiter: u8,
    /// Which column means what.
    pub columns: Columns,
    /// What the channel words mean.
    pub channels: BTreeMap<String, Channel>,
    /// What the status words mean.
    pub statuses: BTreeMap<String, Status>,
    /// What an empty cell means.
    pub defaults: Defaults,
    /// Words that are as good as an empty cell.
    pub unknown: Vec<String>,
    /// The city, where the mapping says where it lies.
    pub(super) within: Option<Bounds>,
}

/// A rectangle of WGS 84 degrees: south, west, north, east.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds([f64; 4]);

impl Bounds {
    fn new(corners: [f64; 4]) -> Result<Self, &'static str> {
        let [south, west, north, east] = corners;
        let latitudes = -90.0 <= south && south < north && north <= 90.0;
        let longitudes = -180.0 <= west && west < east && east <= 180.0;
        if latitudes && longitudes {
            Ok(Self(corners))
        } else {
            Err("is south, west, north, east in degrees")
        }
    }

    /// Whether a point lies inside or on the edge.
    pub(super) fn holds(self, (latitude, longitude): (f64, f64)) -> bool {
        let [south, west, north, east] = self.0;
        (south..=north).contains(&latitude) && (west..=east).contains(&longitude)
    }
}

/// What a status word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Where the request stands.
    pub state: RequestState,
    /// How it was concluded, if it was.
    pub sub_result: Option<SubResult>,
}

/// The columns of the export; an empty list where it has none.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    pub(super) id: Names,
    pub(super) created: Names,
    pub(super) closed: Names,
    pub(super) updated: Names,
    pub(super) due: Names,
    pub(super) topic: Names,
    pub(super) description: Names,
    pub(super) answer: Names,
    pub(super) unit: Names,
    pub(super) unit_name: Names,
    pub(super) channel: Names,
    pub(super) status: Names,
    pub(super) address: Names,
    pub(super) district: Names,
    pub(super) neighbourhood: Names,
    pub(super) latitude: Names,
    pub(super) longitude: Names,
}

/// One column's name, or several.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "OneOrMany")]
pub(super) struct Names(pub(super) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "is a column's name, or a list of them")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Names {
    fn from(names: OneOrMany) -> Self {
        match names {
            OneOrMany::One(name) => Self(vec![name]),
            OneOrMany::Many(names) => Self(names),
        }
    }
}

/// What an empty cell means.
#[derive(Debug, Default)]
pub struct Defaults {
    /// The channel.
    pub channel: Option<Channel>,
    /// The status word.
    pub status: Option<String>,
    /// The topic's name.
    pub topic: Option<String>,
    /// The unit's word.
    pub unit: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: String,
    time_zone: String,
    dates: Vec<String>,
    delimiter: Option<String>,
    #[serde(default)]
    columns: Columns,
    #[serde(default)]
    place: PlaceNumbers,
    #[serde(default)]
    channels: BTreeMap<String, String>,
    #[serde(default)]
    statuses: BTreeMap<String, StatusText>,
    #[serde(default)]
    defaults: DefaultTexts,
    #[serde(default)]
    unknown: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceNumbers {
    within: Option<[f64; 4]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusText {
    state: String,
    sub_result: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultTexts {
    channel: Option<String>,
    status: Option<String>,
    topic: Option<String>,
    unit: Option<String>,
}

impl Mapping {
    /// Reads a mapping file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("mapping {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("mapping {}", path.display()))
    }

    /// Reads a mapping, and says on which line and of which key what is wrong.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let file: File = toml::from_str(text)
            .map_err(|error| anyhow::Error::msg(lines::malformed(text, &error)))?;
        let mapping = Self::understand(file);
        mapping.map_err(|mistake| anyhow::Error::msg(mistake.told(text)))
    }

    fn understand(file: File) -> Result<Self, Mistake> {
        let is_slug = |it: u8| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let source = &file.source;
        if !source.bytes().all(is_slug) || !(1..=32).contains(&source.len()) {
            return Err(Mistake::new(&["source"], "has 1 to 32 of a-z, 0-9 and -"));
        }
        if file.dates.is_empty() {
            let problem = "names at least one form, like \"%Y-%m-%d %H:%M:%S\"";
            return Err(Mistake::new(&["dates"], problem));
        }
        for form in &file.dates {
            jiff::fmt::strtime::format(form, &jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC))
                .map_err(|problem| Mistake::new(&["dates"], format!("{form:?}: {problem}")))?;
        }
        let delimiter = match file.delimiter.as_deref().unwrap_or(",").as_bytes() {
            [byte] if byte.is_ascii() => *byte,
            _ => return Err(Mistake::new(&["delimiter"], "is one ASCII character")),
        };
        let within = file.place.within.map(Bounds::new).transpose();
        let channel = file.defaults.channel.as_deref().map(str::parse).transpose();
        let defaults = Defaults {
            channel: channel
                .map_err(|problem: NotAWord| Mistake::new(&["defaults", "channel"], problem))?,
            status: file.defaults.status,
            topic: file.defaults.topic,
            unit: file.defaults.unit,
        };
        let statuses = file
            .statuses
            .iter()
            .map(|(word, text)| Ok((word.clone(), status(word, text)?)));
        let mapping = Self {
            time_zone: TimeZone::get(&file.time_zone)
                .map_err(|problem| Mistake::new(&["time_zone"], problem))?,
            source: file.source,
            dates: file.dates,
            delimiter,
            channels: channels(&file.channels)?,
            statuses: statuses.collect::<Result<_, Mistake>>()?,
            columns: file.columns,
            defaults,
            unknown: file.unknown,
            within: within.map_err(|problem| Mistake::new(&["place", "within"], problem))?,
        };
        mapping.check()?;
        Ok(mapping)
    }

    /// What must come from somewhere: a column or a default.
    fn check(&self) -> Result<(), Mistake> {
        let (columns, defaults) = (&self.columns, &self.defaults);
        let sources = [
            ("id", &columns.id, false),
            ("created", &columns.created, false),
            ("topic", &columns.topic, defaults.topic.is_some()),
            ("unit", &columns.unit, defaults.unit.is_some()),
            ("channel", &columns.channel, defaults.channel.is_some()),
            ("status", &columns.status, defaults.status.is_some()),
        ];
        for (key, names, has_default) in sources {
            if !has_default && names.0.is_empty() {
                return Err(Mistake::new(&["columns", key], "is missing"));
            }
        }
        if let Some(word) = &defaults.status
            && !self.statuses.contains_key(word)
        {
            let problem = format!("{word:?} does not stand in [statuses]");
            return Err(Mistake::new(&["defaults", "status"], problem));
        }
        let mut meant = self.statuses.values();
        let concludes = meant.any(|it| it.state == RequestState::Concluded);
        if concludes && columns.closed.0.is_empty() {
            let problem = "is missing, but [statuses] knows concluded requests";
            return Err(Mistake::new(&["columns", "closed"], problem));
        }
        Ok(())
    }
}

impl Columns {
    /// Every column that the mapping names, with the mapping's key for it.
    pub(super) fn all(&self) -> [(&'static str, &Names); 17] {
        [
            ("id", &self.id),
            ("created", &self.created),
            ("closed", &self.closed),
            ("updated", &self.updated),
            ("due", &self.due),
            ("topic", &self.topic),
            ("description", &self.description),
            ("answer", &self.answer),
            ("unit", &self.unit),
            ("unit_name", &self.unit_name),
            ("channel", &self.channel),
            ("status", &self.status),
            ("address", &self.address),
            ("district", &self.district),
            ("neighbourhood", &self.neighbourhood),
            ("latitude", &self.latitude),
            ("longitude", &self.longitude),
        ]
    }
}

fn channels(texts: &BTreeMap<String, String>) -> Result<BTreeMap<String, Channel>, Mistake> {
    let read = |(word, code): (&String, &String)| {
        let channel = code.parse().map_err(|problem: NotAWord| {
            Mistake::new(&["channels", word], format!("{code:?} {problem}"))
        })?;
        Ok((word.clone(), channel))
    };
    texts.iter().map(read).collect()
}

fn status(word: &str, text: &StatusText) -> Result<Status, Mistake> {
    let mistake = |key, problem: String| Mistake::new(&["statuses", word, key], problem);
    let state: RequestState = text
        .state
        .parse()
        .map_err(|problem: NotAWord| mistake("state", problem.to_string()))?;
    let importable = [
        RequestState::Routed,
        RequestState::Assigned,
        RequestState::InProgress,
        RequestState::Concluded,
    ];
    if !importable.contains(&state) {
        let problem = "is one of: routed assigned in-progress concluded";
        return Err(mistake("state", problem.to_owned()));
    }
    let sub_result: Option<SubResult> = text
        .sub_result
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|problem: NotAWord| mistake("sub_result", problem.to_string()))?;
    let problem = match (state == RequestState::Concluded, sub_result) {
        (true, Some(_)) | (false, None) => return Ok(Status { state, sub_result }),
        (true, None) => "is missing, e.g. \"not-stated\"",
        (false, Some(_)) => "belongs to a concluded state only",
    };
    Err(mistake("sub_result", problem.to_owned()))
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
