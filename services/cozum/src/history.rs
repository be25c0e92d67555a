//! `cozum history`: everything every service recorded about a request, in order.
//!
//! The facts of an event are printed by their descriptor, so that an event this file never heard of is printed as well. What
//! is personal stays sealed: a history names the fields, and never opens them.

mod facts;
mod labels;
mod text;

use std::{collections::BTreeMap, process::ExitCode};

use chassis::{AsOf, event};
use contracts::ledger::v1::{CutOffReply, CutOffRequest, Event, HistoryRequest};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use vocabulary::RequestNumber;

use crate::{
    cli,
    client::{Client, Server, in_words},
    report::{Format, Tongue},
};
pub(crate) use facts::Decoder;
pub(crate) use labels::label;
pub(crate) use text::{as_lines, word};

/// Prints everything that happened to a request, in order, with actor, cause and time
#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// The request's number, e.g. 2026-48120937-8
    number: String,
    /// As it was known then: a position, a time like 2026-12-01T09:30:00+03:00, or a day, which means its end
    #[arg(long, value_name = "TIME|POSITION")]
    as_of: Option<String>,
    #[command(flatten)]
    days: analytics::Config,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Language of the text
    #[arg(long, value_enum, default_value_t = Tongue::Tr)]
    lang: Tongue,
    #[command(flatten)]
    server: Server,
}

impl History {
    /// Runs it; 1 where there is no such request.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let number: RequestNumber = self
            .number
            .parse()
            .map_err(|it| anyhow::anyhow!("NUMBER: {it}"))?;
        let client = Client::connect(&self.server).await?;
        let mut events = read_all(&client, &format!("request:{number}")).await?;
        let cut_off = match &self.as_of {
            Some(text) => Some(cut_off(&client, text, &self.days.zone()?).await?),
            None => None,
        };
        if let Some(cut_off) = cut_off {
            events.retain(|it| it.position <= cut_off.position);
        }
        anyhow::ensure!(!events.is_empty(), "there is no request {number} here");
        let decoder = Decoder::new()?;
        let answer = match self.format {
            Format::Json => format!("{:#}\n", Value::Array(to_json(&events, &decoder)?)),
            Format::Text => {
                let language = self.lang.language();
                let known = cut_off.map(|it| text::known(&it, language)).transpose()?;
                known.unwrap_or_default() + &text::print(&events, &decoder, language)?
            }
        };
        cli::answer(&answer)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Where `--as-of` cuts the log.
async fn cut_off(client: &Client, text: &str, zone: &TimeZone) -> anyhow::Result<CutOffReply> {
    let as_of = AsOf::read("--as-of", text, zone)?;
    let request = CutOffRequest {
        as_of: Some(as_of.asked()),
    };
    let reply = client.ledger().cut_off(request).await;
    let reply = reply.map_err(|it| anyhow::anyhow!("--as-of: {}", in_words(&it)))?;
    Ok(reply.into_inner())
}

/// All events about a subject, page by page.
pub(crate) async fn read_all(client: &Client, subject: &str) -> anyhow::Result<Vec<Event>> {
    let mut events: Vec<Event> = Vec::new();
    let mut ledger = client.ledger();
    loop {
        let after_position = events.last().map_or(0, |it| it.position);
        let request = HistoryRequest {
            subject: subject.to_owned(),
            after_position,
            limit: 0,
        };
        let page = ledger
            .history(request)
            .await
            .map_err(|it| anyhow::anyhow!(in_words(&it)))?
            .into_inner()
            .events;
        if page.is_empty() {
            return Ok(events);
        }
        events.extend(page);
    }
}

fn to_json(events: &[Event], decoder: &Decoder) -> anyhow::Result<Vec<Value>> {
    let causes = causes(events);
    let one = |event: &Event| {
        Ok(json!({
            "position": event.position.to_string(),
            "type": event.r#type,
            "event_id": id(&event.event_id),
            "stream": event.stream,
            "version": event.version.to_string(),
            "recorded_at": i64::try_from(event.recorded_at).map(|it| chassis::event::timestamp(it).to_string())?,
            "occurred_at": chassis::event::timestamp(event.occurred_at).to_string(),
            "actor": event.actor,
            "command_id": id(&event.command_id),
            "correlation_id": id(&event.correlation_id),
            "causation_id": id(&event.causation_id),
            "cause": causes.get(event.causation_id.as_slice()).map(|it| it.position.to_string()),
            "subjects": event.subjects,
            "facts": decoder.facts(event)?,
            "sealed": decoder.sealed(event)?,
            "erased": event::is_bare(event),
        }))
    };
    events.iter().map(one).collect()
}

/// Events by their id, to name a cause by its position.
fn causes(events: &[Event]) -> BTreeMap<&[u8], &Event> {
    events
        .iter()
        .map(|it| (it.event_id.as_slice(), it))
        .filter(|(id, _)| !id.is_empty())
        .collect()
}

fn id(bytes: &[u8]) -> Option<String> {
    uuid::Uuid::from_slice(bytes).ok().map(|it| it.to_string())
}

#[cfg(test)]
mod tests;
