//! The cells of one row, read as the mapping says; a fault names its column.

use std::collections::BTreeMap;

use jiff::{Timestamp, fmt::strtime::BrokenDownTime, tz::TimeZone};
use vocabulary::Channel;

use super::mapping::{Mapping, Names, Status};

const LONGEST_NAME: usize = 200;
pub(super) const LONGEST_DESCRIPTION: usize = 4_000;

/// Column and reason, until the line is known.
pub(super) type Fault = (String, String);

/// One row's cells.
pub(super) struct Cells<'a> {
    pub(super) mapping: &'a Mapping,
    /// Where each column stands.
    pub(super) positions: &'a BTreeMap<String, usize>,
    pub(super) texts: &'a [String],
}

impl<'a> Cells<'a> {
    /// A cell's text; empty too where it is a word that says nothing.
    fn cell(&self, name: &str) -> &'a str {
        let position = self.positions.get(name);
        let text = position
            .and_then(|index| self.texts.get(*index))
            .map_or("", |it| it.trim());
        if self.mapping.unknown.iter().any(|it| it == text) {
            ""
        } else {
            text
        }
    }

    /// The first filled one of several columns, and its name.
    pub(super) fn first(&self, names: &Names) -> (String, &'a str) {
        let filled = names
            .0
            .iter()
            .map(|name| (name.clone(), self.cell(name)))
            .find(|(_, text)| !text.is_empty());
        filled.unwrap_or_else(|| (one(names), ""))
    }

    /// Text of one line.
    pub(super) fn line(&self, names: &Names, longest: usize) -> Result<String, Fault> {
        let text = self.text(names, longest)?;
        if one_line(&text) {
            Ok(text)
        } else {
            let (column, _) = self.first(names);
            Err((column, "holds line breaks or control characters".to_owned()))
        }
    }

    /// Text of any number of lines.
    pub(super) fn text(&self, names: &Names, longest: usize) -> Result<String, Fault> {
        let (column, text) = self.first(names);
        if text.chars().count() > longest {
            return Err((column, format!("is longer than {longest} characters")));
        }
        Ok(text.to_owned())
    }

    pub(super) fn short(&self, names: &Names) -> Result<String, Fault> {
        self.line(names, LONGEST_NAME)
    }

    /// A word that must be there.
    pub(super) fn word(&self, names: &Names, default: Option<&str>) -> Result<String, Fault> {
        let text = self.short(names)?;
        match default {
            _ if !text.is_empty() => Ok(text),
            Some(default) => Ok(default.to_owned()),
            None => Err((one(names), "is empty".to_owned())),
        }
    }

    pub(super) fn description(&self, topic: &str) -> Result<String, Fault> {
        let names = &self.mapping.columns.description;
        let parts: Vec<&str> = names
            .0
            .iter()
            .map(|name| self.cell(name))
            .filter(|it| !it.is_empty())
            .collect();
        let text = if parts.is_empty() {
            topic.to_owned()
        } else {
            parts.join(", ")
        };
        if text.chars().count() > LONGEST_DESCRIPTION {
            return Err((
                one(names),
                format!("is longer than {LONGEST_DESCRIPTION} characters"),
            ));
        }
        Ok(text)
    }

    pub(super) fn status(&self) -> Result<(String, Status), Fault> {
        let mapping = self.mapping;
        let word = self.word(&mapping.columns.status, mapping.defaults.status.as_deref())?;
        let status = mapping.statuses.get(&word).copied();
        let status =
            status.ok_or_else(|| unknown_word(&mapping.columns.status, &word, "statuses"))?;
        Ok((word, status))
    }

    pub(super) fn channel(&self) -> Result<Channel, Fault> {
        let mapping = self.mapping;
        let word = self.short(&mapping.columns.channel)?;
        match mapping.defaults.channel {
            Some(channel) if word.is_empty() => Ok(channel),
            Some(_) | None if word.is_empty() => {
                Err((one(&mapping.columns.channel), "is empty".to_owned()))
            }
            Some(_) | None => {
                let channel = mapping.channels.get(&word).copied();
                channel.ok_or_else(|| unknown_word(&mapping.columns.channel, &word, "channels"))
            }
        }
    }

    /// A conclusion has its own date; another state has been reached at the last change, if that is told credibly.
    pub(super) fn state_since(
        &self,
        created: Timestamp,
        concluded: bool,
    ) -> Result<Timestamp, Fault> {
        let columns = &self.mapping.columns;
        if !concluded {
            let updated = self
                .date_since(created, &columns.updated)?
                .filter(|updated| *updated >= created);
            return Ok(updated.unwrap_or(created));
        }
        let (column, _) = self.first(&columns.closed);
        match self.date_since(created, &columns.closed)? {
            Some(closed) if closed >= created => Ok(closed),
            Some(_) => Err((column, "is before the request was created".to_owned())),
            None => Err((
                column,
                "is empty, but the status says that the request was concluded".to_owned(),
            )),
        }
    }

    pub(super) fn date(&self, names: &Names) -> Result<Option<Timestamp>, Fault> {
        Ok(self.instants(names)?.map(|(first, _)| first))
    }

    /// A date that does not lie before `since` if it can be read so: an hour that came twice may mean the second time.
    fn date_since(&self, since: Timestamp, names: &Names) -> Result<Option<Timestamp>, Fault> {
        let instants = self.instants(names)?;
        Ok(instants.map(|(first, last)| if first < since { last } else { first }))
    }

    fn instants(&self, names: &Names) -> Result<Option<(Timestamp, Timestamp)>, Fault> {
        let (column, text) = self.first(names);
        if text.is_empty() {
            return Ok(None);
        }
        let mapping = self.mapping;
        let found = mapping
            .dates
            .iter()
            .find_map(|form| instants(form, text, &mapping.time_zone));
        found.map(Some).ok_or_else(|| {
            (
                column,
                format!(
                    "{text:?} is no date of the forms {}",
                    mapping.dates.join(" | ")
                ),
            )
        })
    }

    pub(super) fn point(&self) -> Result<Option<(f64, f64)>, Fault> {
        let columns = &self.mapping.columns;
        let (latitude, longitude) = (
            self.degrees(&columns.latitude, 90.0)?,
            self.degrees(&columns.longitude, 180.0)?,
        );
        Ok(latitude.zip(longitude))
    }

    fn degrees(&self, names: &Names, most: f64) -> Result<Option<f64>, Fault> {
        let (column, text) = self.first(names);
        if text.is_empty() {
            return Ok(None);
        }
        let degrees = text
            .parse::<f64>()
            .ok()
            .filter(|it| it.is_finite() && it.abs() <= most);
        degrees.map(Some).ok_or_else(|| {
            (
                column,
                format!("{text:?} is not a number of degrees up to {most}"),
            )
        })
    }
}

fn unknown_word(names: &Names, word: &str, table: &str) -> Fault {
    let word: String = word.chars().take(60).collect();
    (
        one(names),
        format!("{word:?} does not stand in the mapping's [{table}]"),
    )
}

/// The column that a fault of several is told by.
pub(super) fn one(names: &Names) -> String {
    names.0.first().cloned().unwrap_or_default()
}

/// Whether a text stands on one line and can be printed.
pub(super) fn one_line(text: &str) -> bool {
    !text
        .chars()
        .any(|it| it.is_control() || matches!(it, '\u{2028}' | '\u{2029}'))
}

/// The first and the last instant that a text can mean, almost always the same: by its own offset, else in the time zone; a
/// day alone begins at midnight. An hour that the clocks skipped is read one hour later; one that came twice means two.
pub(super) fn instants(form: &str, text: &str, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let parts = BrokenDownTime::parse(form, text).ok()?;
    if parts.offset().is_some() {
        return parts.to_timestamp().ok().map(|it| (it, it));
    }
    let civil = parts
        .to_datetime()
        .or_else(|_| parts.to_date().map(|it| it.at(0, 0, 0, 0)))
        .ok()?;
    let first = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
    let last = zone.to_ambiguous_timestamp(civil).later().ok()?;
    Some((first, last))
}
