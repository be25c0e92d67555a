//! What happened to a request, in sentences that people read.

use std::collections::HashMap;

use contracts::{
    intake::v1::{ErasureGround, HoldGround, open_reply::Field},
    notification::v1::NotificationKind,
    routing::v1::ReturnReason,
};
use vocabulary::{RequestState, SubResult};

use super::history::{Detail, History, Outcome, Part, What};
use crate::{
    heard::Step,
    register::{Name, unit_name},
    text::{self, Words},
};

/// One line of the story.
pub(super) struct Line {
    pub(super) position: u64,
    /// Of the handling, for what happened behind somebody's back.
    pub(super) version: u64,
    pub(super) at: String,
    pub(super) who: String,
    /// How it looks: "step", "said", "done", "quiet" or "".
    pub(super) kind: &'static str,
    pub(super) text: String,
    /// The number of another request, to go to.
    pub(super) other: String,
    pub(super) quotes: Vec<Quote>,
}

/// What somebody wrote.
pub(super) struct Quote {
    pub(super) text: String,
    /// The citizen wrote it or may read it.
    pub(super) open: bool,
    pub(super) erased: bool,
}

/// Tells the story, newest last. `opened` is what intake gave for [`History::also`]; fewer of it where texts stay closed.
pub(super) fn tell(
    history: &History,
    opened: &[Field],
    units: &HashMap<String, Name>,
    words: Words,
) -> Vec<Line> {
    let teller = Teller { units, words };
    let texts = history.opened(opened);
    let parts = history.parts.iter().zip(texts);
    parts
        .map(|(part, texts)| teller.line(part, &texts))
        .collect()
}

/// Who did something, in words.
pub(super) fn who(actor: &str, words: Words) -> String {
    let (kind, name) = actor.split_once(':').unwrap_or((actor, ""));
    match kind {
        "citizen" => words.get("console-who-citizen"),
        "system" => words.get("console-who-system"),
        "staff" => name.to_owned(),
        "import" => words.with("console-who-import", [("name", name)]),
        "open311" => words.with("console-who-open311", [("name", name)]),
        "program" | "key" => words.with("console-who-program", [("name", name)]),
        _ => actor.to_owned(),
    }
}

struct Teller<'a> {
    units: &'a HashMap<String, Name>,
    words: Words,
}

impl Teller<'_> {
    fn line(&self, part: &Part, texts: &[(&'static str, Option<Field>)]) -> Line {
        let (kind, text) = self.sentence(&part.what);
        let other = match &part.what {
            What::Step(_, detail) => detail.original.clone(),
            What::Registered { .. }
            | What::Commented { .. }
            | What::Wrote { .. }
            | What::Message { .. }
            | What::Erased(_)
            | What::Held(_)
            | What::Released
            | What::Other(_) => String::new(),
        };
        let quotes = texts.iter().filter_map(|(field, opened)| {
            let opened = opened.as_ref()?;
            let public = matches!(
                part.what,
                What::Commented { public: true } | What::Wrote { .. }
            );
            Some(Quote {
                text: opened.text.clone(),
                open: public || matches!(*field, "answer" | "question"),
                erased: opened.erased,
            })
        });
        Line {
            position: part.position,
            version: part.version,
            at: text::moment(part.at, self.words.0),
            who: who(&part.actor, self.words),
            kind,
            text,
            other,
            quotes: quotes.collect(),
        }
    }

    fn sentence(&self, what: &What) -> (&'static str, String) {
        let words = self.words;
        match what {
            What::Registered { channel, source } if source.is_empty() => {
                let channel = channel.map_or("", |it| it.label(words.0));
                (
                    "step",
                    words.with("console-told-registered", [("channel", channel)]),
                )
            }
            What::Registered { source, .. } => (
                "step",
                words.with("console-told-imported", [("source", source)]),
            ),
            What::Step(step, detail) => self.step(step, detail),
            What::Commented { public: true } => ("said", words.get("console-told-public-comment")),
            What::Commented { public: false } => ("", words.get("console-told-comment")),
            What::Wrote { channel, answers } => {
                let key = if *answers {
                    "console-told-answered"
                } else {
                    "console-told-wrote"
                };
                let channel = channel.map_or("", |it| it.label(words.0));
                ("said", words.with(key, [("channel", channel)]))
            }
            What::Message { kind, outcome } => ("quiet", self.message(*kind, *outcome)),
            What::Erased(ground) => {
                let ground = words.get(ground_key(*ground));
                (
                    "step",
                    words.with("console-told-erased", [("ground", &ground)]),
                )
            }
            What::Held(ground) => {
                let ground = words.get(hold_key(*ground));
                (
                    "step",
                    words.with("console-told-held", [("ground", &ground)]),
                )
            }
            What::Released => ("step", words.get("console-told-released")),
            What::Other(name) => ("quiet", words.with("console-told-other", [("name", name)])),
        }
    }

    fn step(&self, step: &Step, detail: &Detail) -> (&'static str, String) {
        let words = self.words;
        let unit = unit_name(self.units, &step.unit, words.0);
        let with = |key: &str, name: &'static str, value: &str| words.with(key, [(name, value)]);
        let text = match step.state {
            RequestState::Registered => words.get("console-told-taken"),
            RequestState::Routed if detail.by_hand => {
                with("console-told-routed-by-hand", "unit", &unit)
            }
            RequestState::Routed => with("console-told-routed", "unit", &unit),
            RequestState::Returned => {
                let reason = self.reason(detail.reason);
                words.with(
                    "console-told-returned",
                    [("unit", &unit), ("reason", &reason)],
                )
            }
            RequestState::Accepted => with("console-told-accepted", "unit", &unit),
            RequestState::Assigned => match step.assignee.as_deref() {
                None | Some("") => words.get("console-told-assigned-somebody"),
                Some(assignee) => with("console-told-assigned", "assignee", assignee),
            },
            RequestState::InProgress => words.get("console-told-started"),
            RequestState::Planned => with(
                "console-told-planned",
                "date",
                &text::day(&step.planned_for, words.0),
            ),
            RequestState::Referred => {
                let name = unit_name(self.units, &step.institution, words.0);
                with("console-told-referred", "institution", &name)
            }
            RequestState::WaitingCitizen => words.get("console-told-asked"),
            RequestState::Concluded => return ("done", self.concluded(step.sub_result, detail)),
            RequestState::Reopened => with(
                "console-told-reopened",
                "times",
                &detail.times.max(1).to_string(),
            ),
        };
        ("step", text)
    }

    fn concluded(&self, sub_result: Option<SubResult>, detail: &Detail) -> String {
        let words = self.words;
        let result = sub_result.map_or("", |it| it.label(words.0));
        let mut text = words.with("console-told-concluded", [("result", result)]);
        if detail.visited_at > 0 {
            let at = text::moment(detail.visited_at, words.0);
            text.push(' ');
            text.push_str(&words.with("console-told-visited", [("at", &at)]));
        }
        text
    }

    fn reason(&self, reason: Option<ReturnReason>) -> String {
        self.words.get(reason_key(reason.unwrap_or_default()))
    }

    fn message(&self, kind: NotificationKind, outcome: Outcome) -> String {
        let words = self.words;
        let kind = words.get(match kind {
            NotificationKind::Unspecified => "console-mail-other",
            NotificationKind::Registered => "console-mail-registered",
            NotificationKind::Referred => "console-mail-referred",
            NotificationKind::Planned => "console-mail-planned",
            NotificationKind::Concluded => "console-mail-concluded",
            NotificationKind::Reopened => "console-mail-reopened",
            NotificationKind::InformationAsked => "console-mail-asked",
        });
        match outcome {
            Outcome::Waiting => words.with("console-mail-waiting", [("kind", &kind)]),
            Outcome::Trying(attempt) => words.with(
                "console-mail-trying",
                [("kind", &kind), ("attempt", &attempt.to_string())],
            ),
            Outcome::Delivered => words.with("console-mail-delivered", [("kind", &kind)]),
            Outcome::Failed => words.with("console-mail-failed", [("kind", &kind)]),
            Outcome::Skipped => words.with("console-mail-skipped", [("kind", &kind)]),
        }
    }
}

/// On which ground personal data was erased, by its text's key.
const fn ground_key(ground: ErasureGround) -> &'static str {
    match ground {
        ErasureGround::CitizenRequest => "console-ground-citizen-request",
        ErasureGround::RetentionOver => "console-ground-retention-over",
        ErasureGround::CourtOrder => "console-ground-court-order",
        ErasureGround::Unspecified | ErasureGround::Other => "console-ground-other",
    }
}

/// Why something must not be erased for now, by its text's key.
const fn hold_key(ground: HoldGround) -> &'static str {
    match ground {
        HoldGround::Lawsuit => "console-hold-lawsuit",
        HoldGround::Investigation => "console-hold-investigation",
        HoldGround::Audit => "console-hold-audit",
        HoldGround::Objection => "console-hold-objection",
        HoldGround::Unspecified | HoldGround::Other => "console-hold-other",
    }
}

/// Why a unit gives a request back, by its text's key.
pub(super) const fn reason_key(reason: ReturnReason) -> &'static str {
    match reason {
        ReturnReason::Unspecified | ReturnReason::Other => "console-reason-other",
        ReturnReason::NotOurTopic => "console-reason-topic",
        ReturnReason::NotOurArea => "console-reason-area",
        ReturnReason::MissingInformation => "console-reason-missing",
    }
}

impl Line {
    /// The same without what was written.
    pub(super) fn without_quotes(&self) -> Self {
        Self {
            position: self.position,
            version: self.version,
            at: self.at.clone(),
            who: self.who.clone(),
            kind: self.kind,
            text: self.text.clone(),
            other: self.other.clone(),
            quotes: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::Language;

    use super::*;

    #[test]
    fn an_erasure_and_a_hold_are_told_with_their_ground() {
        let units = HashMap::new();
        let grounds = [
            ErasureGround::Unspecified,
            ErasureGround::CitizenRequest,
            ErasureGround::RetentionOver,
            ErasureGround::CourtOrder,
            ErasureGround::Other,
        ];
        for (language, told) in [
            (Language::Tr, "Kişisel veriler silindi ("),
            (Language::En, "Personal data was erased ("),
        ] {
            let teller = Teller {
                units: &units,
                words: Words(language),
            };
            let holds = [
                HoldGround::Unspecified,
                HoldGround::Lawsuit,
                HoldGround::Investigation,
                HoldGround::Audit,
                HoldGround::Objection,
                HoldGround::Other,
            ];
            for what in holds.map(What::Held).into_iter().chain([What::Released]) {
                let (_, text) = teller.sentence(&what);
                assert!(
                    !text.contains("console-") && !text.contains("Unknown"),
                    "{text}"
                );
            }
            for ground in grounds {
                let (_, text) = teller.sentence(&What::Erased(ground));
                let known = text.contains(told) && !text.contains("console-");
                assert!(known && !text.contains("Unknown"), "{text}");
            }
        }
    }
}
