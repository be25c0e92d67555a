//! `cozum import`: a 311 export of any shape becomes requests, through the same commands that everybody uses.
//!
//! The file is read twice: first every row is checked and the directory is written (its agencies and topics), then the rows
//! are sent, several at a time. Each command id follows from the source and the row, so an import that was interrupted is
//! simply started again: what is there already gives the same answer and adds nothing.
//!
//! A newer export of the same city is imported like the first: of a request that is here already, what it says about the
//! handling is added; what the first export said about the registration is history and stands.

pub mod codes;
pub mod mapping;
pub mod row;

mod cells;
mod directory;
mod progress;
mod refusals;
mod send;

use std::{fs::File, io::BufReader, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use futures::StreamExt as _;
use uuid::Uuid;

use crate::client::{Client, Server};
use directory::Directory;
use mapping::Mapping;
use progress::Progress;
use refusals::Refusals;
use row::{Refusal, Row, Rows};
use send::{Outcome, Sender};

/// Some rows were refused.
const SOME_REFUSED: u8 = 2;

/// Imports a 311 export: its agencies, topics and requests, with their original times
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The export, a CSV file in UTF-8
    file: PathBuf,
    /// How it is to be read: a TOML file (see services/cozum/mappings)
    #[arg(long)]
    mapping: PathBuf,
    #[command(flatten)]
    server: Server,
    /// How many rows are on their way at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Where to list every row refused, and why (CSV)
    #[arg(long, value_name = "REFUSED.csv")]
    report: Option<PathBuf>,
}

impl Import {
    /// Runs it; 0 where every row was taken, 2 where some were refused.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let mapping = Mapping::read(&self.mapping)?;
        let mut refusals = Refusals::new(self.report.clone())?;
        let mut directory = Directory::default();
        let mut good = 0_u64;
        for row in self.rows(&mapping)? {
            match row {
                Ok(row) => {
                    directory.note(&row);
                    good += 1;
                }
                Err(refusal) => refusals.add(refusal),
            }
        }
        let client = Client::connect(&self.server)
            .await?
            .acting_as(&format!("import:{}", mapping.source))?;
        let known = directory.define(&mapping.source, &client).await?;
        let sender = Sender::new(client.having_seen(known.position), &mapping.source, known);
        let (taken, followed) = self.send(&mapping, &sender, good, &mut refusals).await?;
        refusals.write()?;
        refusals.summarize(taken, followed, self.report.as_deref());
        Ok(if refusals.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(SOME_REFUSED)
        })
    }

    fn rows<'a>(&self, mapping: &'a Mapping) -> anyhow::Result<Rows<'a, BufReader<File>>> {
        let file = File::open(&self.file).with_context(|| self.file.display().to_string())?;
        Rows::new(mapping, BufReader::new(file)).with_context(|| self.file.display().to_string())
    }

    /// Sends the good rows; gives how many were taken, and how many of those an earlier export had registered differently.
    async fn send(
        &self,
        mapping: &Mapping,
        sender: &Sender,
        good: u64,
        refusals: &mut Refusals,
    ) -> anyhow::Result<(u64, u64)> {
        let progress = Progress::new(good);
        let rows = self.rows(mapping)?.filter_map(Result::ok);
        let mut sent = futures::stream::iter(rows)
            .map(|row| sender.send(row))
            .buffer_unordered(self.workers.into());
        let (mut taken, mut followed) = (0, 0);
        while let Some(outcome) = sent.next().await {
            match outcome? {
                Outcome::Taken => taken += 1,
                Outcome::Followed => {
                    taken += 1;
                    followed += 1;
                }
                Outcome::Refused(refusal) => refusals.add(refusal),
            }
            progress.step(refusals.len());
        }
        progress.finish();
        Ok((taken, followed))
    }
}

/// The id of a command that this import gives: the same source and words give the same id.
fn command_id(source: &str, what: &str) -> Uuid {
    let namespace = Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("cozum:import:{source}").as_bytes(),
    );
    Uuid::new_v5(&namespace, what.as_bytes())
}
