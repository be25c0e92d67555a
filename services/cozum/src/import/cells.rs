//! The cells of one row, read as the mapping says; a fault names its column.

use std::collections::BTreeMap;

use jiff::Timestamp;
use vocabulary::Channel;

use super::{
    dates::{DayZero, Instants},
    mapping::{Mapping, Names, Status},
};

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
    /// Where days are numbered from, in a workbook.
    pub(super) sheet: Option<DayZero>,
    /// No request was registered later.
    pub(super) now: Timestamp,
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
        free_text(text, longest).map_err(|problem| (column, problem))?;
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
        free_text(&text, LONGEST_DESCRIPTION).map_err(|problem| (one(names), problem))?;
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
                .filter(|updated| (created..=self.now).contains(updated));
            return Ok(updated.unwrap_or(created));
        }
        let (column, _) = self.first(&columns.closed);
        match self.date_since(created, &columns.closed)? {
            Some(closed) if closed > self.now => Err((column, "lies in the future".to_owned())),
            Some(closed) if closed >= created => Ok(closed),
            Some(_) => Err((column, "is before the request was created".to_owned())),
            None => Err((
                column,
                "is empty, but the status says that the request was concluded".to_owned(),
            )),
        }
    }

    /// When the request was registered; the services take nothing from before 1970 and nothing that is still to come.
    pub(super) fn created(&self) -> Result<Timestamp, Fault> {
        let names = &self.mapping.columns.created;
        let (column, _) = self.first(names);
        match self.instants(names)?.map(|it| it.first) {
            None => Err((column, "is empty".to_owned())),
            Some(at) if at <= Timestamp::UNIX_EPOCH => Err((column, "lies before 1970".to_owned())),
            Some(at) if at > self.now => Err((column, "lies in the future".to_owned())),
            Some(at) => Ok(at),
        }
    }

    /// When the source's standard wanted it done; a day alone ends with its last moment.
    pub(super) fn due(&self, created: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let names = &self.mapping.columns.due;
        let due = self.instants(names)?.map(|it| match it {
            Instants { last, until, .. } if until > last => until,
            Instants { first, last, .. } if first < created => last,
            Instants { first, .. } => first,
        });
        match due {
            Some(at) if at <= Timestamp::UNIX_EPOCH => {
                Err((self.first(names).0, "lies before 1970".to_owned()))
            }
            Some(_) | None => Ok(due),
        }
    }

    /// A date that does not lie before `since` if it can be read so: an hour that came twice may mean the second time.
    fn date_since(&self, since: Timestamp, names: &Names) -> Result<Option<Timestamp>, Fault> {
        let instants = self.instants(names)?;
        Ok(instants.map(|it| if it.first < since { it.last } else { it.first }))
    }

    fn instants(&self, names: &Names) -> Result<Option<Instants>, Fault> {
        let (column, text) = self.first(names);
        if text.is_empty() {
            return Ok(None);
        }
        let forms = self.mapping.dates.join(" | ");
        let found = Instants::read(text, self.mapping, self.sheet);
        found
            .map(Some)
            .ok_or_else(|| (column, format!("{text:?} is no date of the forms {forms}")))
    }

    /// Where it is. A place that is told and cannot be believed is a fault, but never the row's.
    pub(super) fn point(&self) -> Result<Option<(f64, f64)>, Fault> {
        let columns = &self.mapping.columns;
        let point = (
            self.degrees(&columns.latitude, 90.0)?,
            self.degrees(&columns.longitude, 180.0)?,
        );
        let point = match point {
            (Some(latitude), Some(longitude)) => (latitude, longitude),
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err(alone(&columns.latitude, "longitude")),
            (Some(_), None) => return Err(alone(&columns.longitude, "latitude")),
        };
        let column = one(&columns.latitude);
        if point.0.fract() == 0.0 || point.1.fract() == 0.0 {
            let told = format!("{}, {} was cut to whole degrees", point.0, point.1);
            return Err((column, told));
        }
        match self.mapping.within {
            Some(bounds) if !bounds.holds(point) => {
                let told = format!("{}, {} lies outside place.within", point.0, point.1);
                Err((column, told))
            }
            Some(_) | None => Ok(Some(point)),
        }
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

fn alone(names: &Names, other: &str) -> Fault {
    (one(names), format!("is empty: a {other} alone is no place"))
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

/// What intake takes as text of any number of lines.
fn free_text(text: &str, longest: usize) -> Result<(), String> {
    if text.chars().count() > longest {
        return Err(format!("is longer than {longest} characters"));
    }
    let controls = |it: char| it.is_control() && !matches!(it, '\n' | '\r' | '\t');
    if text.chars().any(controls) {
        return Err("holds control characters".to_owned());
    }
    Ok(())
}

/// Whether a text stands on one line and can be printed.
pub(super) fn one_line(text: &str) -> bool {
    !text
        .chars()
        .any(|it| it.is_control() || matches!(it, '\u{2028}' | '\u{2029}'))
}
