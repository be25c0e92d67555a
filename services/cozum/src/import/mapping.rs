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

use std::{collections::BTreeMap, path::Path};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use serde::Deserialize;
use vocabulary::{Channel, RequestState, SubResult};

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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    pub(super) id: Names,
    pub(super) created: Names,
    #[serde(default)]
    pub(super) closed: Names,
    #[serde(default)]
    pub(super) updated: Names,
    #[serde(default)]
    pub(super) topic: Names,
    #[serde(default)]
    pub(super) description: Names,
    #[serde(default)]
    pub(super) answer: Names,
    #[serde(default)]
    pub(super) unit: Names,
    #[serde(default)]
    pub(super) unit_name: Names,
    #[serde(default)]
    pub(super) channel: Names,
    #[serde(default)]
    pub(super) status: Names,
    #[serde(default)]
    pub(super) address: Names,
    #[serde(default)]
    pub(super) district: Names,
    #[serde(default)]
    pub(super) neighbourhood: Names,
    #[serde(default)]
    pub(super) latitude: Names,
    #[serde(default)]
    pub(super) longitude: Names,
}

/// One column's name, or several.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "OneOrMany")]
pub(super) struct Names(pub(super) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
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
    columns: Columns,
    #[serde(default)]
    channels: BTreeMap<String, String>,
    #[serde(default)]
    statuses: BTreeMap<String, StatusText>,
    #[serde(default)]
    defaults: DefaultTexts,
    #[serde(default)]
    unknown: Vec<String>,
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

    /// Reads a mapping, and says of which key what is wrong.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let file: File = toml::from_str(text)?;
        let source_is_slug = file
            .source
            .bytes()
            .all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        anyhow::ensure!(
            source_is_slug && (1..=32).contains(&file.source.len()),
            "source: has 1 to 32 of a-z, 0-9 and -"
        );
        anyhow::ensure!(
            !file.dates.is_empty(),
            "dates: names at least one form, like \"%Y-%m-%d %H:%M:%S\""
        );
        for form in &file.dates {
            jiff::fmt::strtime::format(form, &jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC))
                .with_context(|| format!("dates: {form:?}"))?;
        }
        let delimiter = match file.delimiter.as_deref().unwrap_or(",").as_bytes() {
            [byte] if byte.is_ascii() => *byte,
            _ => anyhow::bail!("delimiter: is one ASCII character"),
        };
        let defaults = Defaults {
            channel: file
                .defaults
                .channel
                .as_deref()
                .map(str::parse)
                .transpose()
                .context("defaults.channel")?,
            status: file.defaults.status,
            topic: file.defaults.topic,
            unit: file.defaults.unit,
        };
        let statuses = file
            .statuses
            .iter()
            .map(|(word, text)| Ok((word.clone(), status(word, text)?)));
        let mapping = Self {
            source: file.source,
            time_zone: TimeZone::get(&file.time_zone).context("time_zone")?,
            dates: file.dates,
            delimiter,
            channels: channels(&file.channels)?,
            statuses: statuses.collect::<anyhow::Result<_>>()?,
            columns: file.columns,
            defaults,
            unknown: file.unknown,
        };
        mapping.check()?;
        Ok(mapping)
    }

    /// What must come from somewhere: a column or a default.
    fn check(&self) -> anyhow::Result<()> {
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
            anyhow::ensure!(
                has_default || !names.0.is_empty(),
                "columns.{key}: is missing"
            );
        }
        if let Some(word) = &defaults.status {
            anyhow::ensure!(
                self.statuses.contains_key(word),
                "defaults.status: {word:?} does not stand in [statuses]"
            );
        }
        let concludes = self
            .statuses
            .values()
            .any(|it| it.state == RequestState::Concluded);
        anyhow::ensure!(
            !concludes || !columns.closed.0.is_empty(),
            "columns.closed: is missing, but [statuses] knows concluded requests"
        );
        Ok(())
    }
}

impl Columns {
    /// Every column that the mapping names, with the mapping's key for it.
    pub(super) fn all(&self) -> [(&'static str, &Names); 16] {
        [
            ("id", &self.id),
            ("created", &self.created),
            ("closed", &self.closed),
            ("updated", &self.updated),
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

fn channels(texts: &BTreeMap<String, String>) -> anyhow::Result<BTreeMap<String, Channel>> {
    let read = |(word, code): (&String, &String)| {
        let channel = code
            .parse()
            .with_context(|| format!("channels.{word}: {code:?}"))?;
        Ok((word.clone(), channel))
    };
    texts.iter().map(read).collect()
}

fn status(word: &str, text: &StatusText) -> anyhow::Result<Status> {
    let state: RequestState = text
        .state
        .parse()
        .with_context(|| format!("statuses.{word}.state"))?;
    let importable = [
        RequestState::Routed,
        RequestState::Assigned,
        RequestState::InProgress,
        RequestState::Concluded,
    ];
    anyhow::ensure!(
        importable.contains(&state),
        "statuses.{word}.state: is one of: routed assigned in-progress concluded"
    );
    let sub_result: Option<SubResult> = text
        .sub_result
        .as_deref()
        .map(str::parse)
        .transpose()
        .with_context(|| format!("statuses.{word}.sub_result"))?;
    match (state == RequestState::Concluded, sub_result) {
        (true, None) => {
            anyhow::bail!("statuses.{word}.sub_result: is missing, e.g. \"not-stated\"")
        }
        (false, Some(_)) => {
            anyhow::bail!("statuses.{word}.sub_result: belongs to a concluded state only")
        }
        (true, Some(_)) | (false, None) => Ok(Status { state, sub_result }),
    }
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
