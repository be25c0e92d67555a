//! `cozum parked`: the streams that a reaction gave up on and that wait for a person.

use std::{collections::BTreeMap, fmt::Write as _, process::ExitCode};

use chassis::{Ids, event};
use contracts::ledger::v1::{Event, ReactionParked, ReactionRetried, RetryReactionRequest};

use crate::{
    cli,
    client::{Client, Server, in_words},
    history::read_all,
};

/// Streams that a reaction gave up on after five failures
#[derive(Debug, clap::Args)]
pub(crate) struct Parked {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Lists the streams that wait, each with the event that failed and why
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Has a stream tried again, from the event that failed, once its cause is mended
    Retry {
        /// As the list names it, e.g. routing.requests
        reaction: String,
        /// As the list names it, e.g. request-2026-48120937-8
        stream: String,
        #[command(flatten)]
        server: Server,
    },
}

impl Parked {
    /// Runs it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::List { server } => list(&server).await?,
            What::Retry {
                reaction,
                stream,
                server,
            } => retry(&server, reaction, stream).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(server: &Server) -> anyhow::Result<()> {
    let events = read_all(&Client::connect(server).await?, "reactions").await?;
    let waiting = waiting(&events)?;
    let mut text = String::new();
    for it in waiting.values() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{}\t{}\t{}\t{}",
            it.reaction, it.stream, it.position, it.reason
        );
    }
    if waiting.is_empty() {
        text.push_str("nothing is parked\n");
    }
    cli::answer(&text)
}

async fn retry(server: &Server, reaction: String, stream: String) -> anyhow::Result<()> {
    let request = RetryReactionRequest {
        command_id: Ids.fresh().to_string(),
        reaction,
        stream,
    };
    let client = Client::connect(server).await?;
    let reply = client.ledger().retry_reaction(request).await;
    let position = reply
        .map_err(|it| anyhow::anyhow!(in_words(&it)))?
        .into_inner()
        .position;
    cli::answer(&format!("asked for at position {position}\n"))
}

/// What waits now, by reaction and stream.
fn waiting(events: &[Event]) -> anyhow::Result<BTreeMap<(String, String), ReactionParked>> {
    let mut waiting = BTreeMap::new();
    for event in events {
        if event::is::<ReactionParked>(event) {
            let parked = event::decode::<ReactionParked>(event)?;
            waiting.insert((parked.reaction.clone(), parked.stream.clone()), parked);
        } else if event::is::<ReactionRetried>(event) {
            let retried = event::decode::<ReactionRetried>(event)?;
            waiting.remove(&(retried.reaction, retried.stream));
        }
    }
    Ok(waiting)
}

#[cfg(test)]
mod tests {
    use prost::Name;

    use super::*;

    fn said(message: &impl Name, name: &str) -> Event {
        Event {
            r#type: format!("ledger.{name}"),
            schema_version: 1,
            facts: message.encode_to_vec(),
            ..Event::default()
        }
    }

    #[test]
    fn a_stream_waits_until_it_is_tried_again() {
        let parked = ReactionParked {
            reaction: "routing.requests".to_owned(),
            stream: "request-1".to_owned(),
            position: 7,
            reason: "no such topic".to_owned(),
        };
        let retried = ReactionRetried {
            reaction: parked.reaction.clone(),
            stream: parked.stream.clone(),
            position: 7,
        };
        let (parked, retried) = (
            said(&parked, "ReactionParked"),
            said(&retried, "ReactionRetried"),
        );
        assert_eq!(waiting(std::slice::from_ref(&parked)).unwrap().len(), 1);
        assert!(
            waiting(&[parked.clone(), retried.clone()])
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            waiting(&[parked.clone(), retried, parked]).unwrap().len(),
            1
        );
    }
}
