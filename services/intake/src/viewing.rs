//! Opens a request's personal data for a person's eyes. That somebody is about to look is recorded first, under their own
//! name; where it cannot be recorded, nothing is opened.

use chassis::{AppendError, Caller, Command, event, refuse};
use contracts::{
    intake::v1::{
        Answer, Attachment, PersonRecorded, PersonalDataViewed, RequestRegistered,
        ViewRequestReply, open_reply, person_recorded, request_registered,
    },
    ledger::v1::{Event, StreamWrite},
    vocabulary::v1::Sealed,
};
use jiff::Timestamp;
use tonic::{Code, Status};
use uuid::Uuid;
use vault::{Opened, Subject};
use vocabulary::RequestNumber;

use crate::{
    desk::{Desk, no_key, unreadable},
    lookup::{not_opened, unknown_number},
    streams,
    wire::{self, ToOpen, View},
};

/// How often the record is written anew because somebody else looked at the same moment.
const ATTEMPTS: usize = 8;

/// A request's facts, and what is sealed of it and of its citizen.
struct Found {
    registered: RequestRegistered,
    /// Whose keys may be used: the request's and its citizen's.
    subjects: Vec<String>,
    sealed: Vec<ToOpen>,
    /// Whether something of it was taken out of the log.
    gone: bool,
}

impl Desk {
    /// All personal data of a request; `look` is the id of this look, at `now`.
    pub(crate) async fn view_request(
        &self,
        caller: &Caller,
        asked: View,
        look: Uuid,
        now: Timestamp,
    ) -> Result<ViewRequestReply, Status> {
        let View {
            number,
            purpose,
            also,
        } = asked;
        let found = self.found(&number).await?;
        let foreign = |it: &ToOpen| {
            !found
                .subjects
                .iter()
                .any(|own| own == it.sealed.subject.as_str())
        };
        if let Some(at) = also.iter().position(foreign) {
            return Err(refuse(
                Code::InvalidArgument,
                &format!("also[{at}].sealed"),
                "belongs neither to this request nor to its citizen",
            ));
        }
        let viewed = PersonalDataViewed {
            number: number.to_string(),
            purpose,
            fields: kinds(&found, &also),
            ..PersonalDataViewed::default()
        };
        let position = self
            .record_look(caller, &viewed, found.subjects.clone(), look, now)
            .await?;
        self.opened(found, &also, position).await
    }

    /// Everything of a request and its citizen as the log has it, still sealed.
    async fn found(&self, number: &RequestNumber) -> Result<Found, Status> {
        let stream = self
            .ledger
            .read_stream(&streams::of_request(number))
            .await?;
        let (id, registered) = newest::<RequestRegistered>(&stream)?.ok_or_else(unknown_number)?;
        let mut gone = stream.iter().any(event::is_bare);
        let mut subjects = vec![Subject::request(number).to_string()];
        let mut sealed = Vec::new();
        let request_registered::Personal {
            description,
            address,
            media_url,
            answers,
            point,
        } = registered.personal.clone().unwrap_or_default();
        let texts = [
            ("description", description),
            ("address", address),
            ("media_url", media_url),
            ("answers", answers),
            ("point", point),
        ];
        put(&mut sealed, id, texts)?;
        if !registered.person.is_empty() {
            subjects.push(format!("person:{}", registered.person));
            let stream = format!("person-{}", registered.person);
            let stream = self.ledger.read_stream(&stream).await?;
            gone |= stream.last().is_some_and(event::is_bare);
            if let Some((id, recorded)) = newest::<PersonRecorded>(&stream)? {
                let person_recorded::Personal {
                    name,
                    given_name,
                    family_name,
                    email,
                    phone,
                } = recorded.personal.unwrap_or_default();
                let texts = [
                    ("name", name),
                    ("given_name", given_name),
                    ("family_name", family_name),
                    ("email", email),
                    ("phone", phone),
                ];
                put(&mut sealed, id, texts)?;
            }
        }
        Ok(Found {
            registered,
            subjects,
            sealed,
            gone,
        })
    }

    /// Records who is about to look, durably; gives the record's position.
    pub(crate) async fn record_look(
        &self,
        caller: &Caller,
        viewed: &PersonalDataViewed,
        subjects: Vec<String>,
        look: Uuid,
        now: Timestamp,
    ) -> Result<u64, Status> {
        let of = Some(&viewed.number).filter(|it| !it.is_empty());
        let stream = format!("views-{}", of.unwrap_or(&viewed.person));
        let command = Command {
            id: look,
            fingerprint: event::fingerprint(viewed),
            correlation_id: look,
            causation_id: None,
            actor: caller.actor.clone(),
        };
        for _ in 0..ATTEMPTS {
            let before = self.ledger.read_stream(&stream).await?;
            let write = StreamWrite {
                stream: stream.clone(),
                expected_version: before.last().map_or(0, |it| it.version),
                events: vec![event::record(
                    event::id(look, 0),
                    viewed,
                    now,
                    subjects.clone(),
                )],
            };
            match self.ledger.append(&command, vec![write]).await {
                Ok(reply) => return Ok(reply.last_position),
                Err(AppendError::Stale) => {}
                Err(error @ (AppendError::CommandReused | AppendError::Failed(_))) => {
                    return Err(error.into());
                }
            }
        }
        Err(Status::aborted(
            "others keep looking at the same request; try again",
        ))
    }

    async fn opened(
        &self,
        found: Found,
        also: &[ToOpen],
        position: u64,
    ) -> Result<ViewRequestReply, Status> {
        let places: Vec<_> = found
            .sealed
            .iter()
            .chain(also)
            .map(|it| (it.event, it.field.as_str(), &it.sealed))
            .collect();
        let mut opened = self
            .vault
            .open_all(&self.municipality, &places)
            .await
            .map_err(not_opened)?;
        let mut erased = found.gone || opened.contains(&Opened::Erased);
        let attachments = self.attachments_left(&found).await?;
        erased |= attachments.len() < found.registered.attachments.len();
        let others = opened.split_off(found.sealed.len());
        let text = |field: &str| {
            let at = found.sealed.iter().position(|it| it.field == field);
            match at.map(|at| &opened[at]) {
                Some(Opened::Text(text)) => text.reveal().to_owned(),
                Some(Opened::Erased) | None => String::new(),
            }
        };
        let parts = format!("{} {}", text("given_name"), text("family_name"));
        let name = Some(text("name")).filter(|it| !it.is_empty());
        Ok(ViewRequestReply {
            description: text("description"),
            address: text("address"),
            media_url: text("media_url"),
            answers: answers(&found.registered, &text("answers")),
            attachments,
            name: name.unwrap_or_else(|| parts.trim().to_owned()),
            email: text("email"),
            phone: text("phone"),
            also: others.iter().map(reply_field).collect(),
            erased,
            position,
            point: text("point"),
        })
    }
}

impl Desk {
    /// A request's files; none once its key is destroyed, for they went with it.
    async fn attachments_left(&self, found: &Found) -> Result<Vec<Attachment>, Status> {
        let files = &found.registered.attachments;
        let Some(subject) = found.subjects.first().and_then(|it| it.parse().ok()) else {
            return Ok(vec![]);
        };
        if files.is_empty() {
            return Ok(vec![]);
        }
        let gone = self.vault.is_destroyed(&self.municipality, &subject).await;
        Ok(if gone.map_err(no_key)? {
            vec![]
        } else {
            files.clone()
        })
    }
}

/// A field of a reply.
pub(crate) fn reply_field(opened: &Opened) -> open_reply::Field {
    match opened {
        Opened::Text(text) => open_reply::Field {
            text: text.reveal().to_owned(),
            erased: false,
        },
        Opened::Erased => open_reply::Field {
            text: String::new(),
            erased: true,
        },
    }
}

/// The last message of a kind in a stream, with its event's id.
fn newest<M: prost::Message + prost::Name + Default>(
    stream: &[Event],
) -> Result<Option<(Uuid, M)>, Status> {
    let found = stream.iter().rev().find(|it| event::is::<M>(it));
    found
        .map(|it| Ok((event::event_id(it), event::decode(it)?)))
        .transpose()
        .map_err(|problem: event::Undecodable| unreadable(problem.into()))
}

fn put<const N: usize>(
    sealed: &mut Vec<ToOpen>,
    event: Uuid,
    fields: [(&str, Option<Sealed>); N],
) -> Result<(), Status> {
    for (field, value) in fields {
        let Some(value) = value else { continue };
        sealed.push(ToOpen {
            event,
            field: field.to_owned(),
            sealed: wire::vault_sealed(value)
                .ok_or_else(|| Status::data_loss("a stored text is not a sealed value"))?,
        });
    }
    Ok(())
}

/// Which kinds of personal data this look shows; words of a closed list.
fn kinds(found: &Found, also: &[ToOpen]) -> Vec<String> {
    let has = |field: &str| found.sealed.iter().any(|it| it.field == field);
    let shown = [
        ("citizen", !found.registered.person.is_empty()),
        ("description", has("description") || has("media_url")),
        ("address", has("address") || has("point")),
        ("answers", has("answers")),
        ("messages", !also.is_empty()),
        ("attachments", !found.registered.attachments.is_empty()),
    ];
    let shown = shown.into_iter().filter(|(_, shown)| *shown);
    shown.map(|(kind, _)| kind.to_owned()).collect()
}

/// The answers to the topic's questions: keys of its lists from the facts, all others from the sealed JSON object.
fn answers(registered: &RequestRegistered, sealed: &str) -> Vec<Answer> {
    let choices = registered.choices.iter().map(|it| Answer {
        attribute: it.attribute.clone(),
        values: it.keys.clone(),
    });
    let written: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(sealed).unwrap_or_default();
    let written = written.into_iter().map(|(attribute, value)| Answer {
        attribute,
        values: match value {
            serde_json::Value::String(text) => vec![text],
            serde_json::Value::Array(list) => list.iter().map(as_text).collect(),
            other @ (serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Object(_)) => vec![as_text(&other)],
        },
    });
    choices.chain(written).collect()
}

fn as_text(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use contracts::intake::v1::request_registered::Choice;

    use super::*;

    #[test]
    fn answers_are_the_keys_of_lists_and_whatever_was_written() {
        let registered = RequestRegistered {
            choices: vec![Choice {
                attribute: "depth".to_owned(),
                keys: vec!["deep".to_owned(), "wide".to_owned()],
            }],
            ..RequestRegistered::default()
        };
        let found: Vec<(String, Vec<String>)> = answers(
            &registered,
            r#"{"since":"dün","times":3,"days":["pzt","salı"]}"#,
        )
        .into_iter()
        .map(|it| (it.attribute, it.values))
        .collect();
        let expected = [
            ("depth", vec!["deep", "wide"]),
            ("days", vec!["pzt", "salı"]),
            ("since", vec!["dün"]),
            ("times", vec!["3"]),
        ];
        assert_eq!(found.len(), expected.len());
        for (attribute, values) in expected {
            assert!(
                found.contains(&(
                    attribute.to_owned(),
                    values.into_iter().map(str::to_owned).collect()
                )),
                "{attribute}"
            );
        }
        assert!(answers(&RequestRegistered::default(), "").is_empty());
    }
}
