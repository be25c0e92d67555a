//! `cozum report`: contacts and requests of a span of days, counted by each dimension.

mod table;

use std::{collections::BTreeMap, process::ExitCode};

use contracts::analytics::v1::{
    Contacts, Count, GetReportReply, GetReportRequest, Requests, ServiceStandard, StandardCount,
};
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
fn to_json(reply: &GetReportReply) -> Value {
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
    json!({
        "from": reply.from,
        "to": reply.to,
        "time_zone": reply.time_zone,
        // A position may be larger than what JSON numbers keep exactly.
        "cut_off": reply.cut_off.to_string(),
        "contacts": { "total": total, "by_day": map(&by_day), "by_channel": map(&by_channel) },
        "requests": counted,
    })
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
    fn people_read_words_and_not_codes() {
        let turkish = table::text(&reply(), Language::Tr);
        assert!(
            turkish.contains("Yönlendirildi") && turkish.contains("Telefon"),
            "{turkish}"
        );
        assert!(table::text(&reply(), Language::En).contains("(not yet routed)"));
    }
}
