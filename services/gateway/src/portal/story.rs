//! What happened to a request, as its citizen may read it.

use std::collections::HashMap;

use chassis::{Caller, event};
use contracts::{
    intake::v1::{OpenRequest, open_request::Field},
    ledger::v1::Event,
    routing::v1::{CitizenWrote, CommentAdded, InformationAsked},
    vocabulary::v1::Sealed,
};
use tonic::Status;
use vocabulary::{Language, RequestState};

use crate::{
    Centre,
    heard::{self, Step},
    register::{Name, unit_name},
    text::{self, Words},
};

/// One thing that happened, with its words still sealed.
struct Happening<'a> {
    event: &'a Event,
    what: What,
    /// The field they stand in, and they.
    sealed: Option<(&'static str, Sealed)>,
}

enum What {
    Moved(Box<Step>),
    Remarked,
    Asked,
    Wrote { answered: bool },
}

/// The story of a request since it was registered.
pub(super) struct Story {
    /// Oldest first.
    pub(super) moments: Vec<Moment>,
    /// The unit that has it, or "".
    pub(super) unit: String,
    /// Where it stands, in the citizen's words; "" where nothing happened yet.
    pub(super) now: String,
    /// What the unit asked and the citizen has not answered yet.
    pub(super) question: Option<String>,
    /// Of the newest event.
    pub(super) updated: Option<i64>,
    pub(super) is_concluded: bool,
}

/// One line of what happened.
pub(super) struct Moment {
    pub(super) at: String,
    pub(super) text: String,
    /// The words themselves: an answer, a remark, a question.
    pub(super) quote: String,
    /// They are the citizen's own.
    pub(super) own: bool,
}

/// Reads a request's handling, and opens what its citizen may read.
pub(super) async fn story(
    centre: &Centre,
    caller: &Caller,
    events: &[Event],
    words: Words,
    units: &HashMap<String, Name>,
) -> Result<Story, Status> {
    let happenings = read(events)?;
    let quotes = opened(centre, caller, &happenings, words).await?;
    Ok(told(&happenings, quotes, words, units))
}

fn read(events: &[Event]) -> Result<Vec<Happening<'_>>, Status> {
    let mut happenings = vec![];
    for event in events {
        let happening = happening(event).map_err(|error| {
            tracing::error!(%error, "an event cannot be shown");
            Status::unavailable("an event cannot be read")
        })?;
        happenings.extend(happening);
    }
    Ok(happenings)
}

fn happening(event: &Event) -> Result<Option<Happening<'_>>, event::Undecodable> {
    let (what, sealed) = if event::is::<CommentAdded>(event) {
        let comment: CommentAdded = event::decode(event)?;
        if !comment.public {
            return Ok(None);
        }
        let text = comment.personal.and_then(|it| it.text);
        (What::Remarked, text.map(|it| ("text", it)))
    } else if event::is::<InformationAsked>(event) {
        let asked: InformationAsked = event::decode(event)?;
        let question = asked.personal.and_then(|it| it.question);
        (What::Asked, question.map(|it| ("question", it)))
    } else if event::is::<CitizenWrote>(event) {
        let wrote: CitizenWrote = event::decode(event)?;
        let answered = heard::step(event)?.is_some_and(|it| it.answered);
        let text = wrote.personal.and_then(|it| it.text);
        (What::Wrote { answered }, text.map(|it| ("text", it)))
    } else {
        let Some(step) = heard::step(event)? else {
            return Ok(None);
        };
        let answer = step.answer.clone().map(|it| ("answer", it));
        (What::Moved(Box::new(step)), answer)
    };
    Ok(Some(Happening {
        event,
        what,
        sealed,
    }))
}

/// The opened words of each; an empty text where there are none.
async fn opened(
    centre: &Centre,
    caller: &Caller,
    happenings: &[Happening<'_>],
    words: Words,
) -> Result<Vec<String>, Status> {
    let field = |it: &Happening<'_>| {
        let (name, sealed) = it.sealed.clone()?;
        Some(Field {
            event_id: it.event.event_id.clone(),
            name: name.to_owned(),
            sealed: Some(sealed),
        })
    };
    let fields: Vec<Field> = happenings.iter().filter_map(field).collect();
    let mut opened = vec![];
    // Intake opens a hundred at once at most.
    for fields in fields.chunks(100) {
        let request = OpenRequest {
            purpose: super::tracking::PURPOSE.to_owned(),
            fields: fields.to_vec(),
        };
        let reply = chassis::patiently(|| {
            let (mut intake, request) = (centre.intake(), caller.request(request.clone()));
            async move { intake.open(request).await }
        });
        opened.extend(reply.await?.into_inner().fields);
    }
    let mut opened = opened.into_iter();
    let quote = |it: &Happening<'_>| match it.sealed.as_ref().and_then(|_| opened.next()) {
        Some(field) if field.erased => words.get("erased"),
        Some(field) => field.text,
        None => String::new(),
    };
    Ok(happenings.iter().map(quote).collect())
}

fn told(
    happenings: &[Happening<'_>],
    quotes: Vec<String>,
    words: Words,
    units: &HashMap<String, Name>,
) -> Story {
    let mut story = Story {
        moments: vec![],
        unit: String::new(),
        now: String::new(),
        question: None,
        updated: happenings.iter().map(|it| it.event.occurred_at).max(),
        is_concluded: false,
    };
    for (happening, quote) in happenings.iter().zip(quotes) {
        let text = match &happening.what {
            What::Moved(step) => {
                story.now = seen(step, words, units);
                story.question = None;
                story.is_concluded = step.state == RequestState::Concluded;
                if !step.unit.is_empty() {
                    story.unit = unit_name(units, &step.unit, words.0);
                }
                story.now.clone()
            }
            What::Remarked => words.get("seen-remarked"),
            What::Asked => {
                story.question = Some(quote.clone());
                words.get("seen-asked")
            }
            What::Wrote { answered: true } => {
                story.question = None;
                words.get("seen-answered")
            }
            What::Wrote { answered: false } => words.get("seen-wrote"),
        };
        story.moments.push(Moment {
            at: text::moment(happening.event.occurred_at, words.0),
            text,
            quote,
            own: matches!(happening.what, What::Wrote { .. }),
        });
    }
    if story.question.is_some() {
        story.now = words.get("seen-waiting-citizen");
    }
    story
}

/// What the citizen is told about a step.
fn seen(step: &Step, words: Words, units: &HashMap<String, Name>) -> String {
    let name = |code: &str, language: Language| unit_name(units, code, language);
    match step.state {
        RequestState::Registered => words.get("seen-registered"),
        RequestState::Routed => words.with("seen-routed", [("unit", &name(&step.unit, words.0))]),
        RequestState::Returned => words.get("seen-returned"),
        RequestState::Accepted => words.get("seen-accepted"),
        RequestState::Assigned => words.get("seen-assigned"),
        RequestState::InProgress => words.get("seen-in-progress"),
        RequestState::Planned => words.with(
            "seen-planned",
            [("date", &text::day(&step.planned_for, words.0))],
        ),
        RequestState::Referred => words.with(
            "seen-referred",
            [("institution", &name(&step.institution, words.0))],
        ),
        RequestState::Concluded => match step.sub_result {
            Some(sub_result) => {
                words.with("seen-concluded", [("result", sub_result.label(words.0))])
            }
            None => step.state.label(words.0).to_owned(),
        },
        RequestState::Reopened => words.get("seen-reopened"),
        RequestState::WaitingCitizen => words.get("seen-waiting-citizen"),
    }
}

#[cfg(test)]
mod tests;
