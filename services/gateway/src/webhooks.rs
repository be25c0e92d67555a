//! Webhooks: a program is told of events, in the form of Standard Webhooks. Each webhook is a follower of its own, with a
//! lease and a checkpoint that the ledger keeps: in order, at least once, whichever process dies.

mod address;
mod book;
mod decision;
mod deliver;
mod encoding;
mod message;
mod signature;

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::digest;
use chassis::{Platform, event, execute};
use contracts::{
    gateway::v1::WebhookSecretRotated,
    intake::v1::{OpenRequest, open_request},
};
use projection::Projection;
use tonic::{Code, Status};
use uuid::Uuid;
use vocabulary::Municipality;

use crate::Centre;
pub(crate) use address::{Reach, Refused};
use book::Book;
pub(crate) use book::Hook;
pub(crate) use decision::Registration;
use decision::{Command, Event, Webhook};
use encoding::Encoding;
pub(crate) use message::TYPES;
pub(crate) use signature::Secret;

/// The webhooks of every municipality, and where they may go.
pub(crate) struct Webhooks {
    books: BTreeMap<Municipality, Projection>,
    pub(crate) reach: Reach,
}

/// Who asks for something, and the id of that command.
pub(crate) struct By<'a> {
    pub(crate) municipality: &'a Municipality,
    pub(crate) actor: String,
    pub(crate) command_id: Uuid,
}

/// What is sealed of a webhook.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) url: String,
    /// The newest first; an older one while it is valid still.
    pub(crate) secrets: Vec<(Secret, Option<i64>)>,
}

impl Webhooks {
    pub(crate) async fn open(platform: &Platform, reach: Reach) -> anyhow::Result<Self> {
        let mut books = BTreeMap::new();
        for municipality in &*platform.municipalities {
            let book = Projection::open(platform, municipality, Book).await?;
            books.insert(municipality.clone(), book);
        }
        Ok(Self { books, reach })
    }

    /// Those that the holder of a key registered.
    pub(crate) async fn of_key(
        &self,
        municipality: &Municipality,
        key: &str,
    ) -> Result<Vec<Hook>, Status> {
        book::of_key(self.books[municipality].pool(), key).await
    }
}

/// Starts sending.
pub(crate) fn start(centre: &Arc<Centre>) {
    for municipality in centre.platform.municipalities.iter().cloned() {
        let own = Arc::clone(centre);
        let tasks = &centre.platform.tasks;
        tasks.spawn(
            "webhooks",
            async move { deliver::run(own, municipality).await },
        );
    }
}

/// Registers a webhook; the same command gives the same one.
pub(crate) async fn register(
    centre: &Centre,
    by: &By<'_>,
    url: &str,
    registration: Registration,
) -> Result<(Uuid, u64), Status> {
    let secret = Secret::random().ok_or_else(|| Status::internal("no randomness"))?;
    let id = Uuid::new_v5(&by.command_id, b"webhook");
    let asked = serde_json::json!([url, registration.types, registration.unit]).to_string();
    let seals = vec![("url", url.to_owned()), ("secret", secret.text())];
    let position = act(
        centre,
        by,
        id,
        Command::Register(registration),
        &asked,
        seals,
    )
    .await?;
    Ok((id, position))
}

/// Gives a webhook a new secret; the old one signs beside it until then.
pub(crate) async fn rotate(
    centre: &Centre,
    by: &By<'_>,
    id: Uuid,
    hours: u32,
) -> Result<u64, Status> {
    let secret = Secret::random().ok_or_else(|| Status::internal("no randomness"))?;
    let old_until = centre.platform.clock.micros() + i64::from(hours) * 3_600_000_000;
    let asked = format!("rotate {hours}");
    let seals = vec![("secret", secret.text())];
    act(centre, by, id, Command::Rotate { old_until }, &asked, seals).await
}

/// Sends again, from the event that could not be delivered.
pub(crate) async fn resume(centre: &Centre, by: &By<'_>, id: Uuid) -> Result<u64, Status> {
    act(centre, by, id, Command::Resume, "resume", vec![]).await
}

pub(crate) async fn remove(centre: &Centre, by: &By<'_>, id: Uuid) -> Result<u64, Status> {
    act(centre, by, id, Command::Remove, "remove", vec![]).await
}

/// Nothing more is sent until somebody resumes it.
async fn suspend(centre: &Centre, by: &By<'_>, id: Uuid, at_position: u64) -> Result<u64, Status> {
    let asked = format!("suspend {at_position}");
    act(
        centre,
        by,
        id,
        Command::Suspend { at_position },
        &asked,
        vec![],
    )
    .await
}

/// Decides and records; returns once the gateway itself knows.
async fn act(
    centre: &Centre,
    by: &By<'_>,
    id: Uuid,
    command: Command,
    asked: &str,
    seals: Vec<(&'static str, String)>,
) -> Result<u64, Status> {
    let asked = format!("{id} {asked}");
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest::digest(&digest::SHA256, asked.as_bytes()).as_ref());
    let ledger = centre.platform.ledger(by.municipality);
    let order = chassis::Command {
        id: by.command_id,
        fingerprint,
        correlation_id: by.command_id,
        causation_id: None,
        actor: by.actor.clone(),
    };
    let encoding = Encoding {
        intake: centre.intake(),
        caller: centre.platform.system(by.municipality),
        at: centre.platform.clock.now(),
        command_id: by.command_id,
        id,
        seals,
    };
    let encode = move |events: &[Event]| encoding.clone().encode(events.to_vec());
    let done = execute::<Webhook>(
        &ledger,
        &format!("webhook-{id}"),
        &order,
        0,
        command,
        encode,
    )
    .await;
    let done = done.map_err(|it| {
        it.into_status(|_| chassis::refuse(Code::NotFound, "webhook", "no such webhook"))
    })?;
    centre.webhooks.books[by.municipality]
        .at_least(done.position)
        .await?;
    Ok(done.position)
}

/// Opens what is sealed of a webhook: its URL, its newest secret, and the one before.
pub(crate) async fn opened(
    centre: &Centre,
    municipality: &Municipality,
    id: &str,
) -> anyhow::Result<Opened> {
    let ledger = centre.platform.ledger(municipality);
    let mut fields = vec![];
    let mut ends = vec![None];
    for event in ledger.read_stream(&format!("webhook-{id}")).await? {
        if event.r#type == "gateway.WebhookSecretRotated" {
            let it: WebhookSecretRotated = event::decode(&event)?;
            ends.push(Some(it.old_until));
        }
        for (name, sealed) in crate::facts::sealed(&event) {
            fields.push(open_request::Field {
                event_id: event.event_id.clone(),
                name,
                sealed: Some(sealed),
            });
        }
    }
    let names: Vec<String> = fields.iter().map(|it| it.name.clone()).collect();
    let request = OpenRequest {
        purpose: "webhook".to_owned(),
        fields,
    };
    let caller = centre.platform.system(municipality);
    let mut intake = centre.intake();
    let reply = intake.open(caller.request(request)).await?.into_inner();
    let texts = || names.iter().zip(&reply.fields);
    let url = texts()
        .find(|(name, _)| *name == "url")
        .map(|(_, it)| it.text.clone());
    let secrets: Option<Vec<Secret>> = texts()
        .filter(|(name, _)| *name == "secret")
        .map(|(_, it)| Secret::parse(&it.text))
        .collect();
    let (Some(url), Some(secrets)) = (url, secrets) else {
        anyhow::bail!("the webhook's URL or secret is gone");
    };
    Ok(Opened {
        url,
        secrets: newest(secrets, &ends),
    })
}

/// The newest secret, and before it the one that it took the place of, with its end.
fn newest(secrets: Vec<Secret>, ends: &[Option<i64>]) -> Vec<(Secret, Option<i64>)> {
    let last_end = ends.last().copied().flatten();
    let mut newest = secrets.into_iter().rev();
    let current = newest.next().map(|it| (it, None));
    let before = newest.next().map(|it| (it, last_end));
    current.into_iter().chain(before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_before_the_newest_is_valid_until_its_end() {
        let secrets: Vec<Secret> = (0..3).map(|_| Secret::random().unwrap()).collect();
        let [first, second, third] = [secrets[0].clone(), secrets[1].clone(), secrets[2].clone()];
        assert_eq!(newest(vec![first.clone()], &[None]), [(first, None)]);
        let both = newest(secrets, &[None, Some(5), Some(9)]);
        assert_eq!(both, [(third, None), (second, Some(9))]);
    }
}
