//! Sends events to receivers, each webhook in order and at its own pace.
//!
//! An event is sent until its receiver takes it: after a failure again, later and later, up to an hour apart. After three
//! days of failures the webhook is suspended, and goes on from that very event when somebody resumes it. The checkpoint
//! follows what was delivered, so a crash repeats an event and never leaves one out; `webhook-id` is the event's id.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context as _;
use chassis::{
    Platform,
    event::{self, event_id},
    lease,
    lease::Lease,
    telemetry,
};
use contracts::ledger::v1::Event;
use futures::future::BoxFuture;
use opentelemetry::metrics::Counter;
use reqwest::{Client, StatusCode, redirect::Policy};
use tokio::{
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep, timeout},
};
use tracing::Instrument as _;
use uuid::Uuid;
use vocabulary::Municipality;

use super::{
    By, Hook, Opened, Reach, book, message, opened,
    signature::{Secret, signatures},
    suspend,
};
use crate::Centre;

/// How long a receiver may take to connect, and to answer.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);
/// How long a receiver may fail.
const GIVE_UP: Duration = Duration::from_hours(72);
/// The first pause after a failure, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How often a checkpoint is saved.
const SAVE: Duration = Duration::from_millis(500);
/// How often is looked for keys that have ended.
const LOOK: Duration = Duration::from_secs(30);
/// Webhooks that change together are looked at once.
const SETTLE: Duration = Duration::from_millis(100);
/// Bytes of an answer that are read, so that its connection can be used again.
const READ: usize = 4 << 10;

/// Serves the webhooks of a municipality, those that there are at each moment.
pub(super) async fn run(centre: Arc<Centre>, municipality: Municipality) -> anyhow::Result<()> {
    let book = centre.webhooks.books[&municipality].clone();
    let mut changes = book.changes();
    let mut running: BTreeMap<String, (i64, AbortHandle)> = BTreeMap::new();
    let mut followers = JoinSet::new();
    let sender = Sender::new(centre, municipality)?;
    loop {
        let now = sender.centre.platform.clock.micros();
        let wanted = book::active(book.pool(), now).await?;
        running.retain(|id, (changed, follower)| {
            let stays = wanted
                .iter()
                .any(|it| it.id == *id && it.changed == *changed);
            if !stays {
                follower.abort();
            }
            stays
        });
        for hook in wanted {
            if !running.contains_key(&hook.id) {
                let (id, changed) = (hook.id.clone(), hook.changed);
                let follower = followers.spawn(sender.clone().follow(hook));
                running.insert(id, (changed, follower));
            }
        }
        tokio::select! {
            changed = changes.changed() => changed?,
            () = sleep(LOOK) => {}
            Some(_) = followers.join_next() => {}
        }
        sleep(SETTLE).await;
    }
}

/// How far everything is delivered.
struct Done {
    lease: Lease,
    at: u64,
    saved: u64,
    due: Instant,
}

impl Done {
    /// Saves it, not too often.
    async fn save(&mut self) -> anyhow::Result<()> {
        if self.at > self.saved && Instant::now() >= self.due {
            self.lease.save(self.at).await?;
            self.saved = self.at;
            self.due = Instant::now() + SAVE;
        }
        Ok(())
    }
}

/// What became of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Delivered,
    /// The receiver says that it is no more (410).
    Gone,
    Failed(&'static str),
}

/// What all followers of a municipality share.
#[derive(Clone)]
struct Sender {
    centre: Arc<Centre>,
    municipality: Municipality,
    client: Client,
    sent: Counter<u64>,
}

impl Sender {
    fn new(centre: Arc<Centre>, municipality: Municipality) -> anyhow::Result<Self> {
        let sent = opentelemetry::global::meter("cozum")
            .u64_counter("cozum_webhook_attempts")
            .with_description("Attempts to tell a webhook's receiver of an event, by outcome")
            .build();
        Ok(Self {
            client: client(centre.webhooks.reach)?,
            centre,
            municipality,
            sent,
        })
    }

    /// Follows the log for one webhook, whenever this process holds its lease.
    fn follow(self, hook: Hook) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let name = format!("webhook-{}", hook.id);
            let platform: Platform = self.centre.platform.clone();
            let municipality = self.municipality.clone();
            let work = move |lease: Lease| self.clone().work(hook.clone(), lease);
            if let Err(error) = lease::hold(platform, municipality, name, work).await {
                tracing::error!(error = format!("{error:#}"), "a webhook is not served");
            }
        })
    }

    fn work(self, hook: Hook, lease: Lease) -> BoxFuture<'static, anyhow::Result<()>> {
        Box::pin(async move {
            let target = opened(&self.centre, &self.municipality, &hook.id).await?;
            let (types, id) = (
                hook.types(),
                hook.id.parse::<Uuid>().context("a webhook's id")?,
            );
            let mut done = Done {
                at: lease.checkpoint.max(u64::try_from(hook.registered)?),
                saved: 0,
                due: Instant::now() + SAVE,
                lease,
            };
            let register = self.centre.register(&self.municipality);
            let mut feed = self.centre.platform.feed(&self.municipality, done.at);
            loop {
                for event in feed.next().await.events {
                    event::readable(&event)?;
                    if message::concerns(register, &hook, &types, &event).await? {
                        self.heard_of(&hook, event.position).await?;
                        self.deliver(id, &target, &event).await?;
                    }
                    done.at = event.position;
                    done.save().await?;
                }
                done.save().await?;
            }
        })
    }

    /// Returns if nothing happened to the webhook before this position; else waits to be stopped, so that no event is sent
    /// to one that was removed before it, or signed as before a rotation.
    async fn heard_of(&self, hook: &Hook, position: u64) -> anyhow::Result<()> {
        let book = &self.centre.webhooks.books[&self.municipality];
        book.at_least(position).await?;
        if !book::stands(book.pool(), hook).await? {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    /// Sends one event until it is taken, or until the receiver has failed for too long: then this waits to be stopped.
    async fn deliver(&self, id: Uuid, target: &Opened, event: &Event) -> anyhow::Result<()> {
        let body = message::body(&self.municipality, event);
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let span = tracing::info_span!(
                "webhook",
                webhook = %id,
                event.r#type = event.r#type,
                event.position = event.position
            );
            telemetry::continue_trace(&span, &event.traceparent);
            let outcome = self.attempt(target, event, &body).instrument(span).await;
            let counted = match outcome {
                Outcome::Delivered => "delivered",
                Outcome::Gone => "gone",
                Outcome::Failed(_) => "failed",
            };
            self.sent.add(1, &[telemetry::label("outcome", counted)]);
            match outcome {
                Outcome::Delivered => return Ok(()),
                Outcome::Failed(reason) if began.elapsed() + pause < GIVE_UP => {
                    tracing::info!(webhook = %id, reason, "a webhook's receiver did not take an event");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Outcome::Gone | Outcome::Failed(_) => {
                    tracing::warn!(webhook = %id, "a webhook is suspended: its receiver failed");
                    self.suspend(id, event).await?;
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    async fn suspend(&self, id: Uuid, event: &Event) -> anyhow::Result<()> {
        let by = By {
            municipality: &self.municipality,
            actor: "system:gateway".to_owned(),
            command_id: self.centre.platform.ids.fresh(),
        };
        suspend(&self.centre, &by, id, event.position).await?;
        Ok(())
    }

    async fn attempt(&self, target: &Opened, event: &Event, body: &[u8]) -> Outcome {
        // The name may have moved inside since the webhook was registered, and the flag may have been taken away.
        let Ok(url) = self.centre.webhooks.reach.check(&target.url) else {
            return Outcome::Failed("address");
        };
        let now = self.centre.platform.clock.now();
        let id = event_id(event).to_string();
        let secrets = valid(target, now.as_microsecond());
        let request = self
            .client
            .post(url)
            .header(
                "content-type",
                "application/cloudevents+json; charset=utf-8",
            )
            .header("user-agent", "cozum-webhooks/1")
            .header("webhook-id", &id)
            .header("webhook-timestamp", now.as_second().to_string())
            .header(
                "webhook-signature",
                signatures(&secrets, &id, now.as_second(), body),
            )
            .body(body.to_vec());
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                let _ = timeout(CONNECT, drain(response)).await;
                judged(status)
            }
            Err(error) if error.is_timeout() => Outcome::Failed("timeout"),
            Err(error) if error.is_connect() => Outcome::Failed("connect"),
            Err(_) => Outcome::Failed("transport"),
        }
    }
}

/// The secrets that sign at a moment.
fn valid(target: &Opened, now: i64) -> Vec<Secret> {
    let valid = target.secrets.iter();
    let valid = valid.filter(|(_, end)| end.is_none_or(|it| now < it));
    valid.map(|(secret, _)| secret.clone()).collect()
}

fn judged(status: StatusCode) -> Outcome {
    if status.is_success() {
        Outcome::Delivered
    } else if status == StatusCode::GONE {
        Outcome::Gone
    } else if status.is_redirection() {
        Outcome::Failed("redirect")
    } else if status.is_client_error() {
        Outcome::Failed("4xx")
    } else {
        Outcome::Failed("5xx")
    }
}

/// Reads a little of an answer, and leaves the rest.
async fn drain(mut response: reqwest::Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > READ {
            return;
        }
    }
}

/// A client that follows nobody, uses no proxy, and resolves names by what may be reached.
fn client(reach: Reach) -> anyhow::Result<Client> {
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .https_only(!reach.private)
        .dns_resolver(reach)
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .pool_max_idle_per_host(1)
        .build()
        .context("the client of webhooks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_2xx_is_a_delivery() {
        let outcome = |code| judged(StatusCode::from_u16(code).unwrap());
        assert_eq!(outcome(200), Outcome::Delivered);
        assert_eq!(outcome(204), Outcome::Delivered);
        assert_eq!(outcome(302), Outcome::Failed("redirect"));
        assert_eq!(outcome(410), Outcome::Gone);
        for code in [400, 404, 429, 500, 503] {
            assert!(matches!(outcome(code), Outcome::Failed(_)), "{code}");
        }
    }

    #[test]
    fn an_old_secret_signs_until_its_end() {
        let (new, old) = (Secret::random().unwrap(), Secret::random().unwrap());
        let target = Opened {
            url: String::new(),
            secrets: vec![(new.clone(), None), (old.clone(), Some(9))],
        };
        assert_eq!(valid(&target, 8), [new.clone(), old]);
        assert_eq!(valid(&target, 9), [new]);
    }

    #[tokio::test]
    async fn a_private_address_is_not_connected_to_whatever_its_name_is() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}/",
            listener.local_addr().unwrap().port()
        );
        let asked = client(Reach { private: false }).unwrap().post(url).send();
        let refused = asked.await.unwrap_err();
        assert!(refused.is_connect(), "{refused:?}");
        let nobody = timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(nobody.is_err(), "something connected");
    }
}
