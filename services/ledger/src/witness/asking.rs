//! Asks witnesses to cosign this log: the same checkpoint all of them, at most one in a span of time.

use std::time::Duration;

use anyhow::Context as _;
use chassis::Clock;
use futures::future::join_all;
use reqwest::{Client, StatusCode, header, redirect::Policy};
use tokio::time::sleep;
use transparency::{Note, Submission};
use uuid::Uuid;

use super::{Asked, Cosignature};
use crate::{log::Log, tree::Signed};

const LEASE: &str = "ledger.witnesses";
/// How long a witness may take to connect, and to answer.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);
/// Longer is no answer of a witness.
const LONGEST: usize = 64 << 10;

/// Has one log cosigned.
#[derive(Debug)]
pub struct Asking {
    log: Log,
    every: Duration,
    clock: Clock,
    /// This process and start.
    holder: Uuid,
    client: Client,
    witnesses: Vec<State>,
}

/// One witness, and how it stands with it.
#[derive(Debug)]
struct State {
    asked: Asked,
    /// How its cosignatures are named in the store.
    name: String,
    /// The size that it cosigned last, as far as is known here; `None` before the store was asked.
    size: Option<u64>,
    /// When that came, in microseconds since 1970.
    at: u64,
    /// What became of the last time it was asked: each is told once.
    outcome: Option<Outcome>,
}

/// What became of asking a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Cosigned,
    /// It cannot be reached, or does not answer as a witness does.
    Away(String),
    /// It will not, and a person must look.
    Refused(&'static str),
}

impl Asking {
    /// Whoever is to be asked about a log, and how often.
    pub fn new(
        log: Log,
        witnesses: Vec<Asked>,
        every: Duration,
        clock: Clock,
        holder: Uuid,
    ) -> anyhow::Result<Self> {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .build()
            .context("the client of witnesses")?;
        let witnesses = witnesses.into_iter().map(|asked| State {
            name: asked.key.named(),
            asked,
            size: None,
            at: 0,
            outcome: None,
        });
        Ok(Self {
            log,
            every,
            clock,
            holder,
            client,
            witnesses: witnesses.collect(),
        })
    }

    /// Asks for ever.
    pub async fn run(mut self) -> anyhow::Result<()> {
        loop {
            if let Err(error) = self.turn().await {
                let log = self.log.municipality();
                tracing::warn!(%log, error = format!("{error:#}"), "nobody was asked to cosign");
            }
            sleep(self.every).await;
        }
    }

    /// Asks all of them about the newest checkpoint, at once; whoever is away is asked about a later one.
    async fn turn(&mut self) -> anyhow::Result<()> {
        let holder = self.holder.to_string();
        if !self.log.acquire_lease(LEASE, &holder).await?.granted {
            return Ok(());
        }
        let Some(latest) = self.log.store().latest_checkpoint().await? else {
            return Ok(());
        };
        let (log, client, clock) = (&self.log, &self.client, &self.clock);
        let asking = self.witnesses.iter_mut().map(|state| {
            let latest = &latest;
            async move {
                let outcome = match state.ask(log, client, clock, latest).await {
                    Ok(outcome) => outcome,
                    Err(error) => Outcome::Away(format!("{error:#}")),
                };
                state.tell(log, outcome, latest.size);
            }
        });
        join_all(asking).await;
        Ok(())
    }
}

impl State {
    async fn ask(
        &mut self,
        log: &Log,
        client: &Client,
        clock: &Clock,
        latest: &Signed,
    ) -> anyhow::Result<Outcome> {
        let mut old = match self.size {
            Some(size) => size,
            None => {
                let known = log.store().newest_cosigned(Some(&self.name)).await?;
                self.at = known.map_or(0, |it| it.at);
                known.map_or(0, |it| it.size)
            }
        };
        if self.size == Some(latest.size) {
            return Ok(Outcome::Cosigned);
        }
        for _ in 0..2 {
            let proof = match old {
                0 => vec![],
                old if old > latest.size => {
                    return Ok(Outcome::Refused(
                        "it has cosigned a longer log than the one that is here",
                    ));
                }
                old => log.prove_consistency(old, latest.size).await?,
            };
            let submission = Submission {
                old,
                proof,
                checkpoint: latest.note.clone(),
            };
            let (status, body) = self.send(client, &submission).await?;
            match status {
                StatusCode::OK => {
                    self.keep(log, latest, &body, clock).await?;
                    return Ok(Outcome::Cosigned);
                }
                StatusCode::CONFLICT => {
                    let size = body.strip_suffix('\n').and_then(|it| it.parse().ok());
                    old = size.context("it names no size")?;
                }
                StatusCode::NOT_FOUND => return Ok(Outcome::Refused("it does not know this log")),
                StatusCode::FORBIDDEN => {
                    return Ok(Outcome::Refused("it knows another key of this log"));
                }
                StatusCode::UNPROCESSABLE_ENTITY => {
                    return Ok(Outcome::Refused(
                        "it has cosigned another history of this log",
                    ));
                }
                status => anyhow::bail!("it answers {status}"),
            }
        }
        anyhow::bail!("it names another size each time")
    }

    async fn send(
        &self,
        client: &Client,
        submission: &Submission,
    ) -> anyhow::Result<(StatusCode, String)> {
        let url = format!(
            "{}/add-checkpoint",
            self.asked.prefix.as_str().trim_end_matches('/')
        );
        let request = client
            .post(url)
            .header(header::USER_AGENT, "cozum-log/1")
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(submission.to_string());
        let mut answer = request.send().await?;
        let mut body = vec![];
        while let Some(chunk) = answer.chunk().await? {
            anyhow::ensure!(
                body.len() + chunk.len() <= LONGEST,
                "its answer is too long"
            );
            body.extend_from_slice(&chunk);
        }
        Ok((answer.status(), String::from_utf8(body)?))
    }

    /// Keeps a cosignature that is one, and leaves all else that came with it.
    async fn keep(
        &mut self,
        log: &Log,
        latest: &Signed,
        lines: &str,
        clock: &Clock,
    ) -> anyhow::Result<()> {
        let note = format!("{}{lines}", latest.note);
        let checked = Note::read(&note).and_then(|it| self.asked.key.check(&it).map(|it| it.line));
        let line = checked.context("its answer is no cosignature of its own")?;
        let cosignature = Cosignature {
            size: latest.size,
            witness: self.name.clone(),
            line: line.to_owned(),
        };
        let now = clock.micros();
        log.store().keep_cosignatures(&[cosignature], now).await?;
        self.size = Some(latest.size);
        self.at = now.max(0).cast_unsigned();
        Ok(())
    }

    fn tell(&mut self, log: &Log, outcome: Outcome, signed: u64) {
        let (city, witness) = (log.municipality(), self.asked.key.name());
        if self.outcome.as_ref() != Some(&outcome) {
            match &outcome {
                Outcome::Cosigned => tracing::info!(log = %city, witness, "a witness cosigns"),
                Outcome::Away(why) => {
                    tracing::warn!(log = %city, witness, why, "a witness is away: {why}");
                }
                Outcome::Refused(why) => {
                    tracing::error!(log = %city, witness, why, "a witness does not cosign, somebody must look: {why}");
                }
            }
        }
        let metrics = log.metrics();
        let behind = signed.saturating_sub(self.size.unwrap_or_default());
        metrics.cosigned(witness, log.age(self.at), behind);
        metrics.witness_refuses(witness, matches!(outcome, Outcome::Refused(_)));
        self.outcome = Some(outcome);
    }
}
