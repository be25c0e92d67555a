//! The citizen's data and words, opened by intake, which records first who looked.

use std::collections::BTreeMap;

use contracts::{
    intake::v1::{ViewRequestRequest, open_request::Field},
    ledger::v1::Event,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{
        caller::Program,
        problem::Problem,
        words::{something, time},
    },
    facts,
};

/// Values that one look opens at most.
const VALUES: usize = 100;

/// What is personal in a request. Null is what nobody said, or what was erased.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Personal {
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    description: Option<String>,
    address: Option<String>,
    /// Where exactly it is, where the facts know only a cell about a kilometre wide.
    #[schema(example = "39.92077,32.85411")]
    point: Option<String>,
    media_url: Option<String>,
    /// By attribute.
    answers: BTreeMap<String, Vec<String>>,
    /// What was written in its course, oldest first: remarks, questions, answers.
    texts: Vec<Text>,
    /// Something of it was erased.
    erased: bool,
}

/// A text of one event.
#[derive(Serialize, ToSchema)]
struct Text {
    /// The log's position of the event, as the history has it.
    position: u64,
    #[schema(example = "routing.RequestConcluded")]
    r#type: String,
    #[schema(format = DateTime)]
    time: String,
    /// "answer", "note", "question", "text".
    field: String,
    /// Null where it was erased.
    text: Option<String>,
}

/// Opens a request for the caller's eyes.
pub(super) async fn open(program: &Program, number: &str) -> Result<Personal, Problem> {
    let ledger = program.centre.platform.ledger(program.municipality());
    let events = ledger.history(&format!("request:{number}")).await?;
    let mut texts = vec![];
    let mut also = vec![];
    for event in events.iter().filter(|it| it.r#type.starts_with("routing.")) {
        for (name, sealed) in facts::sealed(event).into_iter().take(VALUES - also.len()) {
            texts.push(text(event, &name));
            also.push(Field {
                event_id: event.event_id.clone(),
                name,
                sealed: Some(sealed),
            });
        }
    }
    let asked = ViewRequestRequest {
        number: number.to_owned(),
        purpose: "api".to_owned(),
        also,
    };
    let mut intake = program.centre.intake();
    let reply = intake.view_request(program.caller().request(asked)).await?;
    let reply = reply.into_inner();
    for (text, opened) in texts.iter_mut().zip(reply.also) {
        text.text = something(opened.text).filter(|_| !opened.erased);
    }
    Ok(Personal {
        name: something(reply.name),
        email: something(reply.email),
        phone: something(reply.phone),
        description: something(reply.description),
        address: something(reply.address),
        point: something(reply.point),
        media_url: something(reply.media_url),
        answers: reply
            .answers
            .into_iter()
            .map(|it| (it.attribute, it.values))
            .collect(),
        texts,
        erased: reply.erased,
    })
}

fn text(event: &Event, field: &str) -> Text {
    Text {
        position: event.position,
        r#type: event.r#type.clone(),
        time: time(event.occurred_at),
        field: field.to_owned(),
        text: None,
    }
}
