//! `cozum report`: contacts and requests of a span of days, counted by each dimension.

mod table;

use std::{collections::BTreeMap, process::ExitCode};

use contracts::analytics::v1::{
    Contacts, Count, GetReportReply, GetReportRequest, Requests, ServiceStandard, StandardCount,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use vocabulary::Language;

use crate::{
    cli,
    client::{Client, Server, in_words},
};

/// How a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// The language a command answers people in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Tongue {
    /// Turkish
    Tr,
    /// English
    En,
}

impl Tongue {
    /// The same in the words of the field.
    #[must_use]
    pub(crate) fn language(self) -> Language {
        match self {
            Self::Tr => Language::Tr,
            Self::En => Language::En,
        }
    }

    /// The words of this language.
    pub(crate) fn say(self, tr: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Tr => tr,
            Self::En => en,
        }
    }
}

/// Prints counts of contacts and requests by day, channel, topic, unit, district and state
#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// First day, e.g. 2026-01-01
    #[arg(long, value_name = "D")]
    from: jiff::civil::Date,
    /// Last day, included
    #[arg(long, value_name = "D")]
    to: jiff::civil::Date,
    /// As it was known then: a position, a time like 2026-12-01T09:30:00+03:00, or a day, which means its end there
    #[arg(long, value_name = "TIME|POSITION")]
    as_of: Option<String>,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Language of the text
    #[arg(long, value_enum, default_value_t = Tongue::Tr)]
    lang: Tongue,
    #[command(flatten)]
    server: Server,
}

impl Report {
    /// Runs it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        anyhow::ensure!(self.from <= self.to, "--from: is after --to");
        let client = Client::connect(&self.server).await?;
        let request = GetReportRequest {
            from: self.from.to_string(),
            to: self.to.to_string(),
            as_of: self.as_of.unwrap_or_default(),
        };
        let reply = client
            .analytics()
            .get_report(request)
            .await
            .map_err(|it| anyhow::anyhow!(in_words(&it)))?;
        let reply = reply.into_inner();
        cli::answer(&match self.format {
            Format::Json => format!("{:#}\n", to_json(&reply)),
            Format::Text => table::text(&reply, self.lang.language()),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The report as one object; each dimension is a map from key to count.
pub(crate) fn to_json(reply: &GetReportReply) -> Value {
    let Contacts {
        total,
        by_day,
        by_channel,
    } = reply.contacts.clone().unwrap_or_default();
    let requests = reply.requests.clone().unwrap_or_default();
    let mut counted = serde_json::Map::new();
    counted.insert("total".to_owned(), json!(requests.total));
    counted.insert("imported".to_owned(), json!(requests.imported));
    for (name, counts) in dimensions(&requests) {
        counted.insert(name.to_owned(), json!(map(counts)));
    }
    let standard = requests.standard.clone().unwrap_or_default();
    counted.insert("standard".to_owned(), standard_json(&standard));
    let mut report = json!({
        "from": reply.from,
        "to": reply.to,
        "time_zone": reply.time_zone,
        // A position may be larger than what JSON numbers keep exactly.
        "cut_off": reply.cut_off.to_string(),
        "contacts": { "total": total, "by_day": map(&by_day), "by_channel": map(&by_channel) },
        "requests": counted,
    });
    if let Some(known) = known_at(reply) {
        report["cut_off_recorded_at"] = json!(known.to_string());
    }
    report
}

/// When the newest event that a report as of a moment knows of was recorded.
fn known_at(reply: &GetReportReply) -> Option<Timestamp> {
    let recorded_at = i64::try_from(reply.cut_off_recorded_at).ok()?;
    (recorded_at > 0).then(|| chassis::event::timestamp(recorded_at))
}

/// How requests stand to their service standard; a share of it is never told without its two counts.
fn standard_json(standard: &ServiceStandard) -> Value {
    let by = |counts: &[StandardCount]| -> BTreeMap<String, Value> {
        let judged = counts.iter().map(|it| {
            let counts = json!({ "evaluated": it.evaluated, "breached": it.breached });
            (it.key.clone(), counts)
        });
        judged.collect()
    };
    json!({
        "evaluated": standard.evaluated,
        "breached": standard.breached,
        "without_due": standard.without_due,
        "open_due": standard.open_due,
        "by_unit": by(&standard.by_unit),
        "by_source_agency": by(&standard.by_source_agency),
        "by_topic": by(&standard.by_topic),
    })
}

fn dimensions(requests: &Requests) -> [(&'static str, &Vec<Count>); 9] {
    [
        ("by_day", &requests.by_day),
        ("by_channel", &requests.by_channel),
        ("by_topic", &requests.by_topic),
        ("by_unit", &requests.by_unit),
        ("by_district", &requests.by_district),
        ("by_state", &requests.by_state),
        ("by_sub_result", &requests.by_sub_result),
        ("by_source_agency", &requests.by_source_agency),
        ("by_source_status", &requests.by_source_status),
    ]
}

fn map(counts: &[Count]) -> BTreeMap<&str, u64> {
    counts
        .iter()
        .map(|it| (it.key.as_str(), it.count))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(key: &str, count: u64) -> Count {
        Count {
            key: key.to_owned(),
            count,
            ..Count::default()
        }
    }

    fn judged(key: &str, evaluated: u64, breached: u64) -> StandardCount {
        StandardCount {
            key: key.to_owned(),
            evaluated,
            breached,
            ..StandardCount::default()
        }
    }

    fn reply() -> GetReportReply {
        GetReportReply {
            from: "2024-04-15".to_owned(),
            to: "2024-04-16".to_owned(),
            time_zone: "Europe/Istanbul".to_owned(),
            cut_off: u64::MAX,
            cut_off_recorded_at: 1_767_225_600_000_001,
            contacts: Some(Contacts {
                total: 3,
                by_channel: vec![count("phone", 3)],
                ..Contacts::default()
            }),
            requests: Some(Requests {
                total: 2,
                imported: 1,
                by_state: vec![count("routed", 2)],
                by_unit: vec![count("", 1), count("NYPD", 1)],
                standard: Some(ServiceStandard {
                    evaluated: 9_555,
                    breached: 1_567,
                    open_due: 2,
                    by_unit: vec![judged("NYPD", 9_555, 1_567), judged("", 0, 0)],
                    ..ServiceStandard::default()
                }),
                ..Requests::default()
            }),
        }
    }

    #[test]
    fn every_dimension_is_a_map() {
        let report = to_json(&reply());
        assert_eq!(report["cut_off"], u64::MAX.to_string());
        assert_eq!(report["cut_off_recorded_at"], "2026-01-01T00:00:00.000001Z");
        assert_eq!(report["contacts"]["by_channel"]["phone"], 3);
        assert_eq!(report["requests"]["by_unit"][""], 1);
        assert_eq!(report["requests"]["by_source_status"], json!({}));
    }

    #[test]
    fn the_standard_tells_both_counts_and_only_then_their_share() {
        let standard = &to_json(&reply())["requests"]["standard"];
        assert_eq!(
            (&standard["evaluated"], &standard["breached"]),
            (&json!(9_555), &json!(1_567))
        );
        assert_eq!(
            standard["by_unit"]["NYPD"],
            json!({ "evaluated": 9_555, "breached": 1_567 })
        );
        let turkish = table::text(&reply(), Language::Tr);
        let breached = turkish.lines().find(|it| it.contains("Süresi aşılan "));
        assert!(
            breached.is_some_and(|it| it.ends_with(" 1567 / 9555 (%16,4)")),
            "{turkish}"
        );
        let english = table::text(&reply(), Language::En);
        assert!(
            english.contains("  NYPD  1567 / 9555 (16.4%)\n"),
            "{english}"
        );
        let nothing = GetReportReply::default();
        assert!(!table::text(&nothing, Language::En).contains("Service standard"));
    }

    #[test]
    fn a_report_as_of_a_moment_says_so_and_by_which_time_it_counts() {
        let turkish = table::text(&reply(), Language::Tr);
        let since = "O an bilinenler: 2026-01-01 03:00:00";
        assert!(turkish.contains(since), "{turkish}");
        let english = table::text(&reply(), Language::En);
        assert!(
            english.contains("As known at: 2026-01-01 03:00:00")
                && english.contains("counted by the day on which things occurred"),
            "{english}"
        );
        let now = GetReportReply {
            cut_off_recorded_at: 0,
            ..reply()
        };
        assert!(!table::text(&now, Language::En).contains("As known at"));
        assert_eq!(to_json(&now).get("cut_off_recorded_at"), None);
    }

    #[test]
    fn people_read_words_and_not_codes() {
        let turkish = table::text(&reply(), Language::Tr);
        assert!(
            turkish.contains("Yönlendirildi") && turkish.contains("Telefon"),
            "{turkish}"
        );
        assert!(table::text(&reply(), Language::En).contains("(not yet routed)"));
    }
}
