//! `cozum hold`: forbids to destroy somebody's personal data, releases that, and lists what is on hold.

use std::{fmt::Write as _, process::ExitCode};

use chassis::{Ids, event};
use contracts::{
    intake::v1::{HoldGround, HoldPlaced, HoldReleased, PlaceHoldRequest, ReleaseHoldRequest},
    ledger::v1::Event,
};
use serde_json::json;
use vocabulary::Language;

use crate::{
    cli,
    client::{Client, Server, in_words, patiently},
    erase,
    history::read_all,
    report::{Format, Tongue},
    retention::moment,
};

/// Names every hold in the log.
const HOLDS: &str = "holds";

/// Forbids to destroy the personal data of a person or a request, until it is released
#[derive(Debug, clap::Args)]
pub(crate) struct Hold {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Neither the retention rules nor `erase` destroy anything of it from now on
    Place {
        /// The person's pseudonym (a UUID, as a request's history names it), or the number of a request
        #[arg(value_name = "PERSON|NUMBER")]
        whose: String,
        /// Why
        #[arg(long, value_enum)]
        ground: Ground,
        /// Number of the file, e.g. 2026/123; nobody's name
        #[arg(long, value_name = "NUMBER", default_value = "")]
        reference: String,
        /// Language of the answer
        #[arg(long, value_enum, default_value_t = Tongue::Tr)]
        lang: Tongue,
        #[command(flatten)]
        server: Server,
    },
    /// Takes a hold away
    Release {
        /// What it is on
        #[arg(value_name = "PERSON|NUMBER")]
        whose: String,
        /// The hold, as `hold list` names it; needed where several are on it
        #[arg(long, value_name = "UUID", default_value = "")]
        hold: String,
        /// Language of the answer
        #[arg(long, value_enum, default_value_t = Tongue::Tr)]
        lang: Tongue,
        #[command(flatten)]
        server: Server,
    },
    /// Lists what is on hold
    List {
        /// For people or for programs
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Language of the text
        #[arg(long, value_enum, default_value_t = Tongue::Tr)]
        lang: Tongue,
        #[command(flatten)]
        server: Server,
    },
}

/// Why, as it stands in the log for ever
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Ground {
    /// A lawsuit
    Lawsuit,
    /// An investigation by a prosecutor
    Investigation,
    /// An audit or an inspection
    Audit,
    /// An objection of the citizen, with an authority such as the data protection board
    Objection,
    /// Another ground
    Other,
}

impl Ground {
    fn message(self) -> HoldGround {
        match self {
            Self::Lawsuit => HoldGround::Lawsuit,
            Self::Investigation => HoldGround::Investigation,
            Self::Audit => HoldGround::Audit,
            Self::Objection => HoldGround::Objection,
            Self::Other => HoldGround::Other,
        }
    }
}

impl Hold {
    /// Runs it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Place {
                whose,
                ground,
                reference,
                lang,
                server,
            } => {
                let whose = erase::whose(&whose)?;
                let request = PlaceHoldRequest {
                    command_id: Ids.fresh().to_string(),
                    person: whose.person,
                    number: whose.number,
                    ground: ground.message().into(),
                    reference,
                };
                let client = Client::connect(&server).await?;
                let reply = patiently(|| {
                    let (mut intake, request) = (client.intake(), request.clone());
                    async move { intake.place_hold(request).await }
                });
                let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
                let reply = reply.into_inner();
                let says = lang.say("bekletiliyor", "on hold");
                cli::answer(&format!("#{}  {says}  {}\n", reply.position, reply.hold))?;
            }
            What::Release {
                whose,
                hold,
                lang,
                server,
            } => {
                let whose = erase::whose(&whose)?;
                let request = ReleaseHoldRequest {
                    command_id: Ids.fresh().to_string(),
                    person: whose.person,
                    number: whose.number,
                    hold,
                };
                let client = Client::connect(&server).await?;
                let reply = patiently(|| {
                    let (mut intake, request) = (client.intake(), request.clone());
                    async move { intake.release_hold(request).await }
                });
                let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
                let reply = reply.into_inner();
                let says = lang.say("bekletme kaldırıldı", "released");
                cli::answer(&format!("#{}  {says}  {}\n", reply.position, reply.hold))?;
            }
            What::List {
                format,
                lang,
                server,
            } => {
                let events = read_all(&Client::connect(&server).await?, HOLDS).await?;
                let holds = in_force(&events)?;
                cli::answer(&match format {
                    Format::Text => text(&holds, lang.language())?,
                    Format::Json => json(&holds)?,
                })?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The holds that were not released, oldest first.
fn in_force(events: &[Event]) -> anyhow::Result<Vec<(&Event, HoldPlaced)>> {
    let mut holds: Vec<(&Event, HoldPlaced)> = Vec::new();
    for it in events {
        if event::is::<HoldPlaced>(it) {
            holds.push((it, event::decode(it)?));
        } else if event::is::<HoldReleased>(it) {
            let released: HoldReleased = event::decode(it)?;
            holds.retain(|(_, hold)| hold.hold != released.hold);
        }
    }
    Ok(holds)
}

fn text(holds: &[(&Event, HoldPlaced)], language: Language) -> anyhow::Result<String> {
    if holds.is_empty() {
        let says = match language {
            Language::Tr => "bekletilen bir şey yok\n",
            Language::En => "nothing is on hold\n",
        };
        return Ok(says.to_owned());
    }
    let mut text = String::new();
    for (placed, hold) in holds {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "#{}  {}  {}  [{}{}{}]  {}  {}",
            placed.position,
            moment(placed.recorded_at)?,
            hold.of,
            ground_name(hold.ground(), language),
            if hold.reference.is_empty() { "" } else { ": " },
            hold.reference,
            placed.actor,
            hold.hold,
        );
    }
    Ok(text)
}

fn json(holds: &[(&Event, HoldPlaced)]) -> anyhow::Result<String> {
    let one = |(placed, hold): &(&Event, HoldPlaced)| {
        Ok(json!({
            "hold": hold.hold,
            "of": hold.of,
            "ground": ground_code(hold.ground()),
            "reference": hold.reference,
            "position": placed.position,
            "at": moment(placed.recorded_at)?,
            "actor": placed.actor,
        }))
    };
    let holds: anyhow::Result<Vec<_>> = holds.iter().map(one).collect();
    Ok(format!("{:#}\n", serde_json::Value::Array(holds?)))
}

fn ground_code(ground: HoldGround) -> &'static str {
    match ground {
        HoldGround::Lawsuit => "lawsuit",
        HoldGround::Investigation => "investigation",
        HoldGround::Audit => "audit",
        HoldGround::Objection => "objection",
        HoldGround::Other | HoldGround::Unspecified => "other",
    }
}

/// What people call the ground of a hold.
pub(crate) fn ground_name(ground: HoldGround, language: Language) -> &'static str {
    let (tr, en) = match ground {
        HoldGround::Lawsuit => ("dava", "a lawsuit"),
        HoldGround::Investigation => ("soruşturma", "an investigation"),
        HoldGround::Audit => ("denetim", "an audit"),
        HoldGround::Objection => ("vatandaşın itirazı", "an objection of the citizen"),
        HoldGround::Other | HoldGround::Unspecified => ("başka bir dayanak", "another ground"),
    };
    match language {
        Language::Tr => tr,
        Language::En => en,
    }
}

#[cfg(test)]
mod tests {
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
    fn a_hold_is_listed_until_it_is_released() {
        let placed = |hold: &str| HoldPlaced {
            hold: hold.to_owned(),
            of: "person:x".to_owned(),
            ground: HoldGround::Lawsuit.into(),
            reference: "2026/123".to_owned(),
        };
        let released = HoldReleased {
            hold: "a".to_owned(),
            of: "person:x".to_owned(),
        };
        let events = [
            said(&placed("a"), "HoldPlaced"),
            said(&placed("b"), "HoldPlaced"),
            said(&released, "HoldReleased"),
        ];
        assert_eq!(in_force(&events[..2]).unwrap().len(), 2);
        let left = in_force(&events).unwrap();
        assert_eq!(left.len(), 1);
        for (language, told) in [(Language::Tr, "dava"), (Language::En, "a lawsuit")] {
            let text = text(&left, language).unwrap();
            assert!(text.contains(&format!("[{told}: 2026/123]")), "{text}");
        }
        assert!(json(&left).unwrap().contains("\"lawsuit\""));
    }
}
