//! Witnesses (C2SP tlog-witness), both ways: others cosign this log's checkpoints, and this log's municipality cosigns those of
//! other logs, whose keys an operator lists. A cosignature says that its witness saw the log only ever grow.
//!
//! **Invariants:** nobody waits for a witness: not an append, not a signature, not the relay. Nothing is cosigned that does not go
//! on from what was cosigned last, and what was cosigned is durable before the answer leaves.

mod asking;
mod store;

use std::{str::FromStr, sync::Arc};

use chassis::{Clock, config::Mistakes};
use contracts::ledger::v1::{AddCheckpointReply, CheckpointRefusal, add_checkpoint_reply::Outcome};
use reqwest::Url;
use transparency::{
    Checkpoint, Kind, NotCosigned, Note, SigningKey, Submission, VerifierKey, digest,
};

pub use self::asking::Asking;
use crate::{
    log::{Log, LogError},
    store::StoreError,
    tree::{Signed, TreeError},
};

/// What is settled about witnesses.
#[derive(Debug, Clone, clap::Args)]
pub struct Witnessing {
    /// Witnesses that are asked to cosign the logs: KEY=URL, separated by commas; each is asked at URL/add-checkpoint
    #[arg(
        long = "witnesses",
        env = "COZUM_WITNESSES",
        default_value = "",
        hide_default_value = true,
        value_name = "KEY=URL"
    )]
    pub witnesses: String,
    /// Seconds from one checkpoint that witnesses are asked to cosign to the next
    #[arg(long = "witnesses-every", env = "COZUM_WITNESSES_EVERY", default_value_t = 10, value_name = "SECONDS",
        value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub every: u32,
    /// Public keys of others' logs for which this centre's municipalities are witnesses, separated by commas
    #[arg(
        long = "witnessed-logs",
        env = "COZUM_WITNESSED_LOGS",
        default_value = "",
        hide_default_value = true,
        value_name = "KEY"
    )]
    pub logs: String,
}

impl Default for Witnessing {
    /// What the flags say without anybody saying otherwise.
    fn default() -> Self {
        Self {
            witnesses: String::new(),
            every: 10,
            logs: String::new(),
        }
    }
}

impl Witnessing {
    /// Notes what cannot be read.
    pub fn check(&self, mistakes: &mut Mistakes) {
        if let Err(problem) = self.asked() {
            mistakes.add("--witnesses", problem);
        }
        if let Err(problem) = self.known() {
            mistakes.add("--witnessed-logs", problem);
        }
    }

    /// Who is asked.
    pub fn asked(&self) -> Result<Vec<Asked>, &'static str> {
        listed(&self.witnesses).map(str::parse).collect()
    }

    /// Whose logs are witnessed.
    pub fn known(&self) -> Result<Vec<VerifierKey>, &'static str> {
        let keys = listed(&self.logs).map(|it| {
            let key = it.parse::<VerifierKey>().ok();
            key.filter(|it| it.kind() == Kind::Signature)
                .ok_or("has an entry that is no log's key like example.org/log+1a2b3c4d+AW…")
        });
        keys.collect()
    }
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|it| !it.is_empty())
}

/// A witness that is asked, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its public key.
    pub key: VerifierKey,
    /// What `/add-checkpoint` comes behind.
    pub prefix: Url,
}

impl FromStr for Asked {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const FORM: &str =
            "has an entry that is not like witness.example+1a2b3c4d+BA…=https://witness.example";
        let (key, url) = text.split_once('=').ok_or(FORM)?;
        let key: VerifierKey = key.parse().map_err(|_| FORM)?;
        let prefix: Url = url.trim_end_matches('/').parse().map_err(|_| FORM)?;
        let web = matches!(prefix.scheme(), "http" | "https") && prefix.has_host();
        let fits = web && key.kind() == Kind::Cosignature;
        fits.then_some(Self { key, prefix }).ok_or(FORM)
    }
}

/// What a witness said of a checkpoint of this log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cosignature {
    pub(crate) size: u64,
    /// Its name and its key's id.
    pub(crate) witness: String,
    /// As it stands below the note, with its newline.
    pub(crate) line: String,
}

/// The newest checkpoint that was cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cosigned {
    pub(crate) size: u64,
    /// When the cosignature came, in microseconds since 1970.
    pub(crate) at: u64,
}

impl Signed {
    /// What was signed, and what witnesses said below it.
    pub(crate) fn parted(&self) -> (Self, Vec<Cosignature>) {
        let Ok(note) = Note::read(&self.note) else {
            return (self.clone(), vec![]);
        };
        let own = format!("{}+", note.text.lines().next().unwrap_or_default());
        let (mut signed, mut cosignatures) = (format!("{}\n", note.text), vec![]);
        for (witness, line) in note.signers() {
            if witness.starts_with(&own) {
                signed += line;
            } else {
                cosignatures.push(Cosignature {
                    size: self.size,
                    witness,
                    line: line.to_owned(),
                });
            }
        }
        let signed = Self {
            size: self.size,
            note: signed,
        };
        (signed, cosignatures)
    }
}

impl Log {
    /// The same checkpoints with what witnesses said of them.
    pub(crate) async fn with_cosignatures(
        &self,
        mut signed: Vec<Signed>,
    ) -> Result<Vec<Signed>, StoreError> {
        let (Some(first), Some(last)) = (signed.first(), signed.last()) else {
            return Ok(signed);
        };
        let said = self.store().cosignatures(first.size, last.size).await?;
        let mut said = said.into_iter().peekable();
        for it in &mut signed {
            while said.next_if(|next| next.size < it.size).is_some() {}
            while let Some(next) = said.next_if(|next| next.size == it.size) {
                it.note += &next.line;
            }
        }
        Ok(signed)
    }

    /// The newest checkpoint that a witness cosigned.
    pub async fn cosigned_checkpoint(&self) -> Result<Signed, TreeError> {
        let none = TreeError::Unsigned("cosigned");
        let Some(Cosigned { size, .. }) = self.store().newest_cosigned(None).await? else {
            return Err(none);
        };
        let latest = self.store().latest_checkpoint().await?;
        let origin = |it: &Signed| it.note.lines().next().map(str::to_owned);
        let at = self.checkpoints(size.saturating_sub(1), 1).await?.pop();
        // What was cosigned under the name of a history that was left says nothing of this one.
        let ours = |it: &Signed| it.size == size && latest.as_ref().map(origin) == Some(origin(it));
        at.filter(ours).ok_or(none)
    }
}

/// A municipality as a witness of others' logs.
#[derive(Debug, Clone)]
pub struct Witness {
    log: Log,
    key: Arc<SigningKey>,
    known: Arc<[VerifierKey]>,
    clock: Clock,
}

impl Witness {
    /// The witness of a log's municipality, who knows the logs of these keys. What it cosigned is kept beside its own log.
    #[must_use]
    pub fn new(log: Log, key: SigningKey, known: &[VerifierKey], clock: Clock) -> Self {
        Self {
            log,
            key: Arc::new(key),
            known: known.into(),
            clock,
        }
    }

    /// The public half of its key; `None` where it witnesses nobody.
    #[must_use]
    pub fn verifier_key(&self) -> Option<String> {
        (!self.known.is_empty()).then(|| self.key.verifier_key())
    }

    /// Answers `add-checkpoint`: the cosignature's line, once it is certain that nobody gets one of another history.
    pub async fn add_checkpoint(
        &self,
        body: &[u8],
    ) -> Result<Result<String, NotCosigned>, LogError> {
        let body = str::from_utf8(body).map_err(|_| NotCosigned::Malformed);
        let submission = match body.and_then(str::parse::<Submission>) {
            Ok(submission) => submission,
            Err(refused) => return Ok(Err(refused)),
        };
        let origin = digest(&[submission.origin().as_bytes()]);
        let store = self.log.store();
        loop {
            let before = store.witnessed(&origin).await?;
            let latest = before.as_deref().map(read).transpose()?;
            let consistent = match submission.judge(&self.known, latest.as_ref()) {
                Ok(consistent) => consistent,
                Err(refused) => return Ok(Err(refused)),
            };
            // Before it is kept: a greater one that is kept meanwhile is of a later time.
            let now = self.clock.micros();
            let time = now.max(0).cast_unsigned() / 1_000_000;
            let line = self.key.cosign(&consistent.text, time);
            let note = format!("{}\n{}{line}", consistent.text, consistent.signatures);
            let kept = (consistent.checkpoint.size, note.as_str());
            if store.witness(&origin, before.as_deref(), kept, now).await? {
                return Ok(Ok(line));
            }
            // Somebody was faster: it is judged by what they left.
        }
    }

    /// The newest checkpoint that was cosigned of the log whose origin has this hash.
    pub async fn checkpoint(&self, origin: &[u8; 32]) -> Result<Option<String>, LogError> {
        Ok(self.log.store().witnessed(origin).await?)
    }
}

/// An answer as it goes out.
pub(crate) fn reply(answer: Result<String, NotCosigned>) -> AddCheckpointReply {
    let refusal = |it: CheckpointRefusal| Outcome::Refusal(it.into());
    let outcome = match answer {
        Ok(line) => Outcome::Cosignatures(line),
        Err(NotCosigned::Stale(size)) => Outcome::LatestSize(size),
        Err(NotCosigned::Malformed) => refusal(CheckpointRefusal::Malformed),
        Err(NotCosigned::UnknownLog) => refusal(CheckpointRefusal::UnknownLog),
        Err(NotCosigned::Signature) => refusal(CheckpointRefusal::NotSigned),
        Err(NotCosigned::Inconsistent) => refusal(CheckpointRefusal::Inconsistent),
    };
    AddCheckpointReply {
        outcome: Some(outcome),
    }
}

fn read(note: &str) -> Result<Checkpoint, StoreError> {
    let note = Note::read(note).ok();
    let checkpoint = note.and_then(|it| it.text.parse().ok());
    checkpoint.ok_or_else(|| {
        let torn = "what was cosigned last is no checkpoint";
        StoreError::Refused(sqlx::Error::Protocol(torn.to_owned()))
    })
}
