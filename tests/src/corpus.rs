//! The golden corpus: one stored sample of every event type in every schema version that was ever written, in `proto/golden`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::Context as _;
use contracts::ledger::v1::{AppendRequest, NewEvent, StreamWrite};
use serde_json::{Value, json};
use uuid::Uuid;

/// One event as it was stored once.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its type, "intake.RequestRegistered".
    pub name: String,
    /// Its schema version.
    pub version: u32,
    /// Its facts, byte for byte.
    pub facts: Vec<u8>,
    /// Its personal part, byte for byte.
    pub personal: Vec<u8>,
    /// What it says, for people to read.
    pub says: Value,
}

/// Where the samples lie.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../proto/golden")
}

/// All samples, as their events might follow each other in a log.
pub fn samples() -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        let read = || Sample::read(&fs::read_to_string(&path)?);
        let sample = read().with_context(|| path.display().to_string())?;
        let name = sample.file_name();
        anyhow::ensure!(path.ends_with(&name), "{} is {name}", path.display());
        samples.push(sample);
    }
    let order = order()?;
    samples.sort_by_key(|it| {
        let at = order.get(&it.name).copied();
        (rank(&it.name), at, it.version)
    });
    Ok(samples)
}

/// What must be there before what.
fn rank(name: &str) -> usize {
    const ORDER: [&str; 7] = [
        "routing.Unit",
        "routing.Topic",
        "gateway.",
        "intake.",
        "routing.",
        "notification.",
        "ledger.",
    ];
    let found = ORDER.iter().position(|it| name.starts_with(it));
    found.unwrap_or(ORDER.len())
}

/// The place of each type in `proto/`.
fn order() -> anyhow::Result<BTreeMap<String, usize>> {
    let pool = prost_reflect::DescriptorPool::decode(contracts::DESCRIPTORS)?;
    let names = pool
        .files()
        .flat_map(|it| it.messages().collect::<Vec<_>>());
    let names = names.filter_map(|it| {
        let (service, _) = it.package_name().strip_prefix("cozum.")?.split_once(".v")?;
        Some(format!("{service}.{}", it.name()))
    });
    Ok(names.zip(0..).collect())
}

impl Sample {
    /// The file that holds it.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.v{}.json", self.name, self.version)
    }

    /// Facts and personal part, which together are the message.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        [self.facts.as_slice(), &self.personal].concat()
    }

    fn read(text: &str) -> anyhow::Result<Self> {
        let file: Value = serde_json::from_str(text)?;
        let field = |name: &str| file[name].as_str().with_context(|| name.to_owned());
        Ok(Self {
            name: field("type")?.to_owned(),
            version: u32::try_from(file["schema_version"].as_u64().context("schema_version")?)?,
            facts: bytes(field("facts")?)?,
            personal: bytes(field("personal")?)?,
            says: file["says"].clone(),
        })
    }

    /// Its file's text.
    pub fn text(&self) -> anyhow::Result<String> {
        let file = json!({
            "type": self.name,
            "schema_version": self.version,
            "says": self.says,
            "facts": hex(&self.facts),
            "personal": hex(&self.personal),
        });
        Ok(serde_json::to_string_pretty(&file)? + "\n")
    }

    /// The stream that such an event stands in.
    pub fn stream(&self) -> anyhow::Result<String> {
        let said = |field: &str| self.says[field].as_str();
        let of = said("of").and_then(|it| it.split_once(':'));
        let (kind, id) = match self.name.split_once('.') {
            Some(("intake", "PersonRecorded")) => ("person", said("person")),
            Some(("intake", "ContactRegistered")) => ("contact", said("contact")),
            Some(("intake", "PersonalDataViewed")) => ("views", said("number")),
            Some(("intake", "RequestRegistered")) => ("request", said("number")),
            Some(("intake", name)) if name.starts_with("RetentionRule") => {
                ("retention-topic", said("topic"))
            }
            Some(("intake", "NoticePublished")) => ("notice", Some("phone")),
            Some(("intake", name)) if name.starts_with("Destruction") => {
                ("destruction", Some("runs"))
            }
            Some(("intake", name)) if name.starts_with("KeyEpoch") => ("keys", Some("1")),
            Some(("intake", _)) => ("erasure", of.map(|it| it.1)),
            Some(("routing", name)) if name.starts_with("Unit") => ("unit", said("code")),
            Some(("routing", name)) if name.starts_with("Topic") => ("topic", said("code")),
            Some(("routing", _)) => ("handling", said("number")),
            Some(("notification", _)) => ("notification", said("notification")),
            Some(("ledger", "LogForked")) => {
                ("fork", said("origin").and_then(|it| it.rsplit('/').next()))
            }
            Some(("ledger", "PersonalPartsErased")) => ("erased", Some("parts-ova")),
            Some(("ledger", _)) => ("parked", said("reaction")),
            Some(("gateway", name)) if name.starts_with("ApiKey") => ("key", said("key")),
            Some(("gateway", name)) if name.starts_with("Webhook") => ("webhook", said("webhook")),
            Some(("gateway", _)) => ("staff", said("staff")),
            Some(_) | None => ("", None),
        };
        let id = id.with_context(|| format!("in which stream does {} stand?", self.name))?;
        Ok(format!("{kind}-{id}"))
    }

    /// A command that records it, at this version of its stream.
    pub fn command(&self, after: u64) -> anyhow::Result<AppendRequest> {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, self.file_name().as_bytes());
        let stream = self.stream()?;
        let about = match self.says["number"].as_str() {
            Some(number) => format!("request:{number}"),
            None => stream.replacen('-', ":", 1),
        };
        let erasure = stream
            .starts_with("erasure-")
            .then(|| "erasures".to_owned());
        let event = NewEvent {
            event_id: chassis::event::id(id, 0).as_bytes().to_vec(),
            r#type: self.name.clone(),
            schema_version: self.version,
            occurred_at: 1_796_115_600_000_000,
            subjects: [about].into_iter().chain(erasure).collect(),
            facts: self.facts.clone(),
            personal: self.personal.clone(),
        };
        Ok(AppendRequest {
            writes: vec![StreamWrite {
                stream,
                expected_version: after,
                events: vec![event],
            }],
            command_id: id.as_bytes().to_vec(),
            fingerprint: vec![1; 32],
            correlation_id: id.as_bytes().to_vec(),
            causation_id: vec![],
            actor: "system:golden".to_owned(),
            traceparent: String::new(),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn bytes(hex: &str) -> anyhow::Result<Vec<u8>> {
    anyhow::ensure!(hex.len().is_multiple_of(2), "half a byte");
    let pairs = (0..hex.len()).step_by(2).map(|at| hex.get(at..at + 2));
    let pairs = pairs.map(|it| Ok(u8::from_str_radix(it.context("not hexadecimal")?, 16)?));
    pairs.collect()
}
