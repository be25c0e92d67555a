//! What a run would destroy, for people and for programs.

use std::fmt::Write as _;

use contracts::intake::v1::{PreviewDestructionReply, preview_destruction_reply::Due};
use serde_json::{Value, json};
use vocabulary::Language;

use super::{moment, rules::spelt};

/// How many of each kind would go, and how many things are on hold.
struct Counts {
    persons: usize,
    contacts: usize,
    requests: usize,
    held: usize,
}

fn counts(due: &[Due]) -> Counts {
    let free = |kind: &str| {
        let free = due
            .iter()
            .filter(|it| !it.held && it.subject.starts_with(kind));
        free.count()
    };
    Counts {
        persons: free("person:"),
        contacts: free("contact:"),
        requests: free("request:"),
        held: due.iter().filter(|it| it.held).count(),
    }
}

pub(super) fn text(
    preview: &PreviewDestructionReply,
    language: Language,
) -> anyhow::Result<String> {
    let say = |tr: &'static str, en: &'static str| match language {
        Language::Tr => tr,
        Language::En => en,
    };
    let mut text = String::new();
    if preview.rules.is_empty() {
        text.push_str(say(
            "kural yok: hiçbir şey imha edilmez\n",
            "there is no rule: nothing is destroyed\n",
        ));
        return Ok(text);
    }
    let width = |of: fn(&Due) -> usize| preview.due.iter().map(of).max().unwrap_or_default();
    let (subject, rule) = (
        width(|it| it.subject.len()),
        width(|it| it.rule.len() + it.rule_version.to_string().len() + 2),
    );
    for it in &preview.due {
        let by = format!("{} v{}", it.rule, it.rule_version);
        let held = if it.held {
            say("  [bekletiliyor]", "  [on hold]")
        } else {
            ""
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:subject$}  {by:rule$}  {}{held}",
            it.subject,
            moment(u64::try_from(it.since)?)?,
        );
    }
    let Counts {
        persons,
        contacts,
        requests,
        held,
    } = counts(&preview.due);
    let _ = match language {
        Language::Tr => writeln!(
            text,
            "imha edilecek: {persons} kişi, {contacts} temas, {requests} başvuru; bekletilen: {held}"
        ),
        Language::En => writeln!(
            text,
            "to be destroyed: {persons} persons, {contacts} contacts, {requests} requests; on hold: {held}"
        ),
    };
    Ok(text)
}

pub(super) fn json(preview: &PreviewDestructionReply) -> anyhow::Result<String> {
    let rules = preview.rules.iter().map(|it| {
        json!({
            "rule": it.rule,
            "version": it.rule_version,
            "keep": spelt(&it.keep.unwrap_or_default()),
        })
    });
    let due = |it: &Due| {
        Ok(json!({
            "of": it.of,
            "subject": it.subject,
            "rule": it.rule,
            "version": it.rule_version,
            "since": moment(u64::try_from(it.since)?)?,
            "held": it.held,
        }))
    };
    let due: anyhow::Result<Vec<Value>> = preview.due.iter().map(due).collect();
    let Counts {
        persons,
        contacts,
        requests,
        held,
    } = counts(&preview.due);
    let all = json!({
        "rules": rules.collect::<Vec<Value>>(),
        "due": due?,
        "counts": { "persons": persons, "contacts": contacts, "requests": requests, "held": held },
    });
    Ok(format!("{all:#}\n"))
}

#[cfg(test)]
mod tests {
    use contracts::intake::v1::RuleInForce;

    use super::*;

    #[test]
    fn what_is_due_is_counted_alike_in_each_language_and_for_programs() {
        let due = |subject: &str, held| Due {
            of: "person:a".to_owned(),
            subject: subject.to_owned(),
            rule: "retention-default".to_owned(),
            rule_version: 3,
            since: 0,
            held,
        };
        let mut preview = PreviewDestructionReply {
            rules: vec![RuleInForce::default()],
            due: vec![
                due("person:a", true),
                due("request:b", false),
                due("request:c", false),
            ],
            next: String::new(),
        };
        let tr = text(&preview, Language::Tr).unwrap();
        let en = text(&preview, Language::En).unwrap();
        assert!(
            tr.ends_with("imha edilecek: 0 kişi, 0 temas, 2 başvuru; bekletilen: 1\n"),
            "{tr}"
        );
        assert!(
            en.contains("[on hold]") && en.contains("request:c  retention-default v3"),
            "{en}"
        );
        assert_eq!(tr.lines().count(), en.lines().count());
        let told: Value = serde_json::from_str(&json(&preview).unwrap()).unwrap();
        assert_eq!(told["counts"]["requests"], 2);
        assert_eq!(told["due"][0]["held"], true);
        preview.rules.clear();
        assert!(text(&preview, Language::En).unwrap().contains("no rule"));
    }
}
