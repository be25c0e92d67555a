//! The rules on the command line: how long in words, and the ones in force.

use std::{collections::BTreeMap, fmt::Write as _};

use chassis::event;
use contracts::{
    intake::v1::{RetentionGround, RetentionRuleRemoved, RetentionRuleSet, RetentionTime},
    ledger::v1::Event,
};
use jiff::Span;
use serde_json::{Value, json};
use vocabulary::Language;

use super::moment;

/// How long, in years, months and days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(RetentionTime);

impl Time {
    pub(super) fn message(self) -> RetentionTime {
        self.0
    }
}

/// Reads "2y", "18mo", "90d", "1y6mo".
pub(super) fn keep(text: &str) -> Result<Time, String> {
    let wrong = || "is a time like 2y, 18mo, 90d or 1y6mo".to_owned();
    let span: Span = text.parse().map_err(|_| wrong())?;
    let time = RetentionTime {
        years: u32::try_from(span.get_years()).map_err(|_| wrong())?,
        months: u32::try_from(span.get_months()).map_err(|_| wrong())?,
        days: u32::try_from(span.get_days()).map_err(|_| wrong())?,
    };
    if spelt(&time) == text {
        Ok(Time(time))
    } else {
        Err(wrong())
    }
}

/// The same back.
pub(crate) fn spelt(time: &RetentionTime) -> String {
    let parts = [(time.years, "y"), (time.months, "mo"), (time.days, "d")];
    let parts = parts.iter().filter(|(many, _)| *many > 0);
    parts.map(|(many, unit)| format!("{many}{unit}")).collect()
}

/// Why, as it stands in the log for ever
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Ground {
    /// A law names the time
    Law,
    /// Claims can be brought for that long
    LimitationPeriod,
    /// The archive's file plan names it
    FilePlan,
    /// The municipality's own policy of keeping and destroying
    Policy,
    /// Another ground
    Other,
}

impl Ground {
    pub(super) fn message(self) -> RetentionGround {
        match self {
            Self::Law => RetentionGround::Law,
            Self::LimitationPeriod => RetentionGround::LimitationPeriod,
            Self::FilePlan => RetentionGround::FilePlan,
            Self::Policy => RetentionGround::Policy,
            Self::Other => RetentionGround::Other,
        }
    }
}

fn ground_code(ground: RetentionGround) -> &'static str {
    match ground {
        RetentionGround::Law => "law",
        RetentionGround::LimitationPeriod => "limitation-period",
        RetentionGround::FilePlan => "file-plan",
        RetentionGround::Policy => "policy",
        RetentionGround::Other | RetentionGround::Unspecified => "other",
    }
}

/// What people call the ground of a rule.
pub(crate) fn ground_name(ground: RetentionGround, language: Language) -> &'static str {
    let (tr, en) = match ground {
        RetentionGround::Law => ("kanun", "a law"),
        RetentionGround::LimitationPeriod => ("zamanaşımı", "a limitation period"),
        RetentionGround::FilePlan => ("standart dosya planı", "the file plan"),
        RetentionGround::Policy => (
            "saklama ve imha politikası",
            "the policy of keeping and destroying",
        ),
        RetentionGround::Other | RetentionGround::Unspecified => {
            ("başka bir dayanak", "another ground")
        }
    };
    match language {
        Language::Tr => tr,
        Language::En => en,
    }
}

/// The rules in force, by their streams, each with the event that set it.
pub(super) fn in_force(
    events: &[Event],
) -> anyhow::Result<BTreeMap<&str, (&Event, RetentionRuleSet)>> {
    let mut rules = BTreeMap::new();
    for it in events {
        if event::is::<RetentionRuleSet>(it) {
            rules.insert(it.stream.as_str(), (it, event::decode(it)?));
        } else if event::is::<RetentionRuleRemoved>(it) {
            rules.remove(it.stream.as_str());
        }
    }
    Ok(rules)
}

pub(super) fn text(
    rules: &BTreeMap<&str, (&Event, RetentionRuleSet)>,
    language: Language,
) -> anyhow::Result<String> {
    if rules.is_empty() {
        let says = match language {
            Language::Tr => "kural yok: hiçbir şey imha edilmez\n",
            Language::En => "there is no rule: nothing is destroyed\n",
        };
        return Ok(says.to_owned());
    }
    let mut text = String::new();
    for (rule, (set, it)) in rules {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{rule} v{}  {}  [{}{}{}]  {}  {}  #{}",
            set.version,
            spelt(&it.keep.unwrap_or_default()),
            ground_name(it.ground(), language),
            if it.reference.is_empty() { "" } else { ": " },
            it.reference,
            moment(set.recorded_at)?,
            set.actor,
            set.position,
        );
    }
    Ok(text)
}

pub(super) fn json(rules: &BTreeMap<&str, (&Event, RetentionRuleSet)>) -> anyhow::Result<String> {
    let one = |(rule, (set, it)): (&&str, &(&Event, RetentionRuleSet))| {
        Ok(json!({
            "rule": rule,
            "version": set.version,
            "topic": it.topic,
            "keep": spelt(&it.keep.unwrap_or_default()),
            "ground": ground_code(it.ground()),
            "reference": it.reference,
            "position": set.position,
            "at": moment(set.recorded_at)?,
            "actor": set.actor,
        }))
    };
    let rules: anyhow::Result<Vec<Value>> = rules.iter().map(one).collect();
    Ok(format!("{:#}\n", Value::Array(rules?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_is_spelt() {
        for good in ["2y", "18mo", "90d", "1y6mo", "1y6mo15d"] {
            assert_eq!(spelt(&keep(good).unwrap().message()), good);
        }
        for bad in [
            "", "2", "2w", "0y", "-2y", "2 years", "36h", "2y ago", "P2Y", "2y2y",
        ] {
            assert!(keep(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rule_is_shown_until_it_is_removed() {
        let set = RetentionRuleSet {
            topic: "pothole".to_owned(),
            keep: Some(keep("2y").unwrap().message()),
            ground: RetentionGround::FilePlan.into(),
            reference: "622.03".to_owned(),
        };
        let said = |name: &str, facts: Vec<u8>| Event {
            stream: "retention-topic-pothole".to_owned(),
            version: 1,
            r#type: format!("intake.{name}"),
            schema_version: 1,
            facts,
            ..Event::default()
        };
        let removed = RetentionRuleRemoved {
            topic: "pothole".to_owned(),
        };
        let events = [
            said("RetentionRuleSet", prost::Message::encode_to_vec(&set)),
            said(
                "RetentionRuleRemoved",
                prost::Message::encode_to_vec(&removed),
            ),
        ];
        let rules = in_force(&events[..1]).unwrap();
        for (language, told) in [
            (Language::Tr, "standart dosya planı: 622.03"),
            (Language::En, "the file plan: 622.03"),
        ] {
            let text = text(&rules, language).unwrap();
            assert!(
                text.starts_with("retention-topic-pothole v1  2y") && text.contains(told),
                "{text}"
            );
        }
        assert!(json(&rules).unwrap().contains("\"file-plan\""));
        assert!(in_force(&events).unwrap().is_empty());
    }
}
