//! `cozum own-data`: everything the centre has about a person, for their own application (KVKK art. 11), as JSON for programs, as a
//! page for people, and their pictures.
//!
//! Members of staff are told apart by numbers of this document only: who they are is no data of this person.

mod page;
mod staff;

use std::{
    fs::{DirBuilder, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use contracts::{
    intake::v1::{
        ExportOwnDataReply, ExportOwnDataRequest, GetAttachmentRequest,
        export_own_data_reply::Entry,
    },
    ledger::v1::Event,
};
use serde::Serialize;
use serde_json::Value;
use tonic::Code;
use uuid::Uuid;
use vocabulary::Language;

use crate::{
    cli,
    client::{Client, Server, in_words, patiently},
    history::{Decoder, label},
    report::Tongue,
};
use staff::Staff;

/// Why it is looked at, as it stands in the log.
const PURPOSE: &str = "own-data";

/// Writes everything the centre has about a person into a folder, for their own application (KVKK art. 11)
#[derive(Debug, clap::Args)]
pub(crate) struct OwnData {
    /// The person's pseudonym (a UUID, as a request's history names it)
    person: Uuid,
    /// A folder that is not there yet: own-data.json, own-data.html and the pictures, for its owner's eyes only
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Language of the page
    #[arg(long, value_enum, default_value_t = Tongue::Tr)]
    lang: Tongue,
    #[command(flatten)]
    server: Server,
}

/// All of it.
#[derive(Debug, Serialize)]
struct Document {
    person: String,
    /// The position at which it is recorded that this document was made; nothing behind it is in here.
    position: u64,
    sections: Vec<Section>,
}

/// What belongs together.
#[derive(Debug, Serialize)]
struct Section {
    name: &'static str,
    entries: Vec<Item>,
}

/// One recorded event.
#[derive(Debug, Serialize)]
struct Item {
    position: u64,
    r#type: String,
    what: String,
    occurred_at: String,
    recorded_at: String,
    by: String,
    facts: Value,
    texts: Vec<Said>,
    files: Vec<File>,
}

/// A personal text.
#[derive(Debug, Serialize)]
struct Said {
    field: String,
    /// None where it was erased.
    text: Option<String>,
}

/// A picture.
#[derive(Debug, Serialize)]
struct File {
    id: String,
    /// Where it lies beside this document; none where it was erased.
    path: Option<String>,
}

/// The sections, in the order of the document.
const SECTIONS: [&str; 7] = [
    "person", "contacts", "requests", "told", "looks", "erasures", "other",
];

fn section(event_type: &str) -> &'static str {
    match event_type {
        "intake.PersonRecorded" => "person",
        "intake.ContactRegistered" => "contacts",
        "intake.RequestRegistered" => "requests",
        "intake.PersonalDataViewed" => "looks",
        "intake.ErasureOrdered" | "intake.PersonalDataErased" => "erasures",
        other if other.starts_with("routing.") => "requests",
        other if other.starts_with("notification.") => "told",
        _ => "other",
    }
}

impl OwnData {
    /// Runs it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let (out, language) = (&self.out, self.lang.language());
        anyhow::ensure!(!out.exists(), "--out {}: is there already", out.display());
        let client = Client::connect(&self.server).await?;
        let request = ExportOwnDataRequest {
            person: self.person.to_string(),
        };
        let reply = patiently(|| {
            let (mut intake, request) = (client.intake(), request.clone());
            async move { intake.export_own_data(request).await }
        });
        let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
        let mut document = Document::of(reply.into_inner(), language)?;
        let made = DirBuilder::new().mode(0o700).create(out);
        made.with_context(|| format!("--out {}", out.display()))?;
        let pictures = document.fetch(&client, out).await?;
        let json = serde_json::to_vec_pretty(&document)?;
        write(&out.join("own-data.json"), &json)?;
        let page = page::of(&document, language);
        write(&out.join("own-data.html"), page.as_bytes())?;
        let records: usize = document.sections.iter().map(|it| it.entries.len()).sum();
        let out = out.display();
        cli::answer(&match language {
            Language::Tr => format!("{records} kayıt ve {pictures} resim {out} içinde\n"),
            Language::En => format!("{records} records and {pictures} pictures are in {out}\n"),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Document {
    fn of(reply: ExportOwnDataReply, language: Language) -> anyhow::Result<Self> {
        let decoder = Decoder::new()?;
        let mut staff = Staff::default();
        let empty = |name| Section {
            name,
            entries: Vec::new(),
        };
        let mut sections = SECTIONS.map(empty);
        for entry in reply.entries {
            let name = section(&entry.r#type);
            let item = Item::of(entry, &decoder, &mut staff, language)?;
            if let Some(section) = sections.iter_mut().find(|it| it.name == name) {
                section.entries.push(item);
            }
        }
        Ok(Self {
            person: reply.person,
            position: reply.viewed_position,
            sections: sections.into(),
        })
    }

    /// Fetches the pictures into the folder; how many there were.
    async fn fetch(&mut self, client: &Client, out: &Path) -> anyhow::Result<usize> {
        let mut pictures = 0;
        for item in self.sections.iter_mut().flat_map(|it| &mut it.entries) {
            let number = item.facts["number"].as_str().unwrap_or_default().to_owned();
            for file in &mut item.files {
                let request = GetAttachmentRequest {
                    number: number.clone(),
                    id: file.id.clone(),
                    purpose: PURPOSE.to_owned(),
                    ..GetAttachmentRequest::default()
                };
                let reply = patiently(|| {
                    let (mut intake, request) = (client.intake(), request.clone());
                    async move { intake.get_attachment(request).await }
                });
                match reply.await {
                    Ok(reply) => {
                        let name = format!("{}.jpg", file.id);
                        write(&out.join(&name), &reply.into_inner().content)?;
                        file.path = Some(name);
                        pictures += 1;
                    }
                    Err(status) if status.code() == Code::NotFound => {}
                    Err(status) => anyhow::bail!("a picture: {}", in_words(&status)),
                }
            }
        }
        Ok(pictures)
    }
}

impl Item {
    fn of(
        entry: Entry,
        decoder: &Decoder,
        staff: &mut Staff,
        language: Language,
    ) -> anyhow::Result<Self> {
        let recorded_at = i64::try_from(entry.recorded_at).map(chassis::event::timestamp)?;
        let what = label(&entry.r#type, language).to_owned();
        let event = Event {
            position: entry.position,
            r#type: entry.r#type,
            facts: entry.facts,
            ..Event::default()
        };
        let mut facts = decoder.facts(&event)?;
        staff.hide_in(&mut facts);
        let files = facts["attachments"].as_array().into_iter().flatten();
        let files = files.filter_map(|it| {
            let id = it["id"].as_str()?.to_owned();
            Some(File { id, path: None })
        });
        let texts = entry.texts.into_iter().map(|it| Said {
            field: it.field,
            text: (!it.erased).then_some(it.text),
        });
        Ok(Self {
            position: event.position,
            what,
            occurred_at: chassis::event::timestamp(entry.occurred_at).to_string(),
            recorded_at: recorded_at.to_string(),
            by: staff.of(&entry.actor),
            files: files.collect(),
            texts: texts.collect(),
            r#type: event.r#type,
            facts,
        })
    }
}

/// Writes a file that only its owner may read.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.with_context(|| path.display().to_string())?;
    file.write_all(bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests;
