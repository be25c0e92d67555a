//! The log of destruction: each run with its rules, its begin and end, and what it destroyed.

use std::fmt::Write as _;

use chassis::event;
use contracts::{
    intake::v1::{DestructionBegan, DestructionEnded},
    ledger::v1::Event,
};
use serde_json::{Value, json};
use vocabulary::Language;

use super::{moment, rules::spelt};

/// One run.
pub(super) struct Run {
    pub(super) run: String,
    actor: String,
    began: (u64, u64),
    message: DestructionBegan,
    ended: Option<(u64, u64, DestructionEnded)>,
}

impl Run {
    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }
}

/// All runs, oldest first.
pub(super) fn runs(events: &[Event]) -> anyhow::Result<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for it in events {
        if event::is::<DestructionBegan>(it) {
            let message: DestructionBegan = event::decode(it)?;
            runs.push(Run {
                run: message.run.clone(),
                actor: it.actor.clone(),
                began: (it.position, it.recorded_at),
                message,
                ended: None,
            });
        } else if event::is::<DestructionEnded>(it) {
            let message: DestructionEnded = event::decode(it)?;
            if let Some(run) = runs.iter_mut().find(|run| run.run == message.run) {
                run.ended = Some((it.position, it.recorded_at, message));
            }
        }
    }
    Ok(runs)
}

pub(super) fn text(runs: &[Run], language: Language) -> anyhow::Result<String> {
    let say = |tr: &'static str, en: &'static str| match language {
        Language::Tr => tr,
        Language::En => en,
    };
    let mut text = String::new();
    if runs.is_empty() {
        text.push_str(say("imha yapılmadı\n", "nothing was destroyed\n"));
    }
    for it in runs {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{}  {}\n#{}  {}  {}",
            it.run,
            it.actor,
            it.began.0,
            say("başladı", "began"),
            moment(it.began.1)?,
        );
        for rule in &it.message.rules {
            let keep = spelt(&rule.keep.unwrap_or_default());
            let _ = writeln!(text, "    {} v{}  {keep}", rule.rule, rule.rule_version);
        }
        let Some((position, at, ended)) = &it.ended else {
            let _ = writeln!(text, "{}", say("sürüyor", "under way"));
            continue;
        };
        let _ = writeln!(
            text,
            "#{position}  {}  {}\n    {} {}, {} {}, {} {}; {} {}",
            say("bitti", "ended"),
            moment(*at)?,
            ended.persons,
            say("kişi", "persons"),
            ended.contacts,
            say("temas", "contacts"),
            ended.requests,
            say("başvuru", "requests"),
            say("bekletilen:", "on hold:"),
            ended.held,
        );
    }
    Ok(text)
}

pub(super) fn json(runs: &[Run]) -> anyhow::Result<String> {
    let one = |it: &Run| {
        let rules = it.message.rules.iter().map(|it| {
            json!({
                "rule": it.rule,
                "version": it.rule_version,
                "keep": spelt(&it.keep.unwrap_or_default()),
            })
        });
        let ended = match &it.ended {
            Some((position, at, it)) => json!({
                "position": position,
                "at": moment(*at)?,
                "persons": it.persons,
                "contacts": it.contacts,
                "requests": it.requests,
                "held": it.held,
            }),
            None => Value::Null,
        };
        Ok(json!({
            "run": it.run,
            "actor": it.actor,
            "began": { "position": it.began.0, "at": moment(it.began.1)? },
            "rules": rules.collect::<Vec<Value>>(),
            "ended": ended,
        }))
    };
    let runs: anyhow::Result<Vec<Value>> = runs.iter().map(one).collect();
    Ok(format!("{:#}\n", Value::Array(runs?)))
}

#[cfg(test)]
mod tests {
    use contracts::intake::v1::RuleInForce;
    use prost::Name;

    use super::*;

    fn said(message: &impl Name, name: &str) -> Event {
        Event {
            r#type: format!("intake.{name}"),
            schema_version: 1,
            facts: message.encode_to_vec(),
            ..Event::default()
        }
    }

    #[test]
    fn a_run_is_told_with_its_rules_and_what_it_destroyed() {
        let began = DestructionBegan {
            run: "a".to_owned(),
            rules: vec![RuleInForce {
                rule: "retention-default".to_owned(),
                rule_version: 2,
                ..RuleInForce::default()
            }],
        };
        let ended = DestructionEnded {
            run: "a".to_owned(),
            persons: 1,
            contacts: 2,
            requests: 3,
            held: 4,
        };
        let events = [
            said(&began, "DestructionBegan"),
            said(&ended, "DestructionEnded"),
        ];
        assert!(!runs(&events[..1]).unwrap()[0].has_ended());
        let runs = runs(&events).unwrap();
        let tr = text(&runs, Language::Tr).unwrap();
        let en = text(&runs, Language::En).unwrap();
        assert!(
            tr.contains("1 kişi, 2 temas, 3 başvuru; bekletilen: 4"),
            "{tr}"
        );
        assert!(en.contains("retention-default v2"), "{en}");
        assert_eq!(tr.lines().count(), en.lines().count());
        let told: Value = serde_json::from_str(&json(&runs).unwrap()).unwrap();
        assert_eq!(told[0]["ended"]["requests"], 3);
    }
}
