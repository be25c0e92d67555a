//! `cozum import`: a 311 export of any shape becomes requests, through the same commands that everybody uses.
//!
//! The file is read twice: first every row is checked and the directory is written (its agencies and topics), then the rows
//! are sent, several at a time. Each command id follows from the source and the row, so an import that was interrupted is
//! simply started again: what is there already gives the same answer and adds nothing. `--dry-run` ends after the checks.
//!
//! A newer export of the same city is imported like the first: of a request that is here already, what it says about the
//! handling is added; what the first export said about the registration is history and stands.

pub mod codes;
pub mod mapping;
pub mod row;

mod cells;
mod dates;
mod directory;
mod progress;
mod remarks;
mod send;
mod survey;
mod table;
mod workbook;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use chassis::Clock;
use futures::StreamExt as _;
use uuid::Uuid;

use crate::{
    cli,
    client::{Client, Server},
};
use directory::Existing;
use mapping::Mapping;
use progress::Progress;
use remarks::Remarks;
use row::{Remark, Row, Rows};
use send::{Outcome, Sender};
use survey::Survey;
use table::Table;

/// Some rows were refused.
const SOME_REFUSED: u8 = 2;

/// Imports a 311 export: its agencies, topics and requests, with their original times
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The export, a CSV file in UTF-8 or an .xlsx workbook
    file: PathBuf,
    /// How it is to be read: a TOML file (see services/cozum/mappings)
    #[arg(long)]
    mapping: PathBuf,
    /// The workbook's sheet; the first one if none is named
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Reads and checks everything, writes nothing, and says what an import would do; with a token it asks the centre which
    /// units and topics are there already
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: Server,
    /// How many rows are on their way at a time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Where to list every row refused and every row whose place stays unknown, and why (CSV)
    #[arg(long, value_name = "ROWS.csv")]
    report: Option<PathBuf>,
}

/// What became of the rows that were sent.
#[derive(Debug, Default)]
struct Sent {
    taken: u64,
    /// Of those, how many an earlier export had registered differently.
    followed: u64,
}

impl Import {
    /// Runs it; 0 where every row was taken, 2 where some were refused.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let mapping = Mapping::read(&self.mapping)?;
        let mut remarks = Remarks::new(self.report.clone())?;
        let survey = Survey::of(self.rows(&mapping)?, &mut remarks);
        if self.dry_run {
            remarks.write()?;
            self.foretell(&mapping, &survey, &remarks).await?;
        } else {
            let sent = self.carry_out(&mapping, &survey, &mut remarks).await?;
            remarks.write()?;
            cli::answer(&summary(&sent, &remarks))?;
        }
        remarks.show();
        Ok(if remarks.refused() == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(SOME_REFUSED)
        })
    }

    fn rows<'a>(&self, mapping: &'a Mapping) -> anyhow::Result<Rows<'a>> {
        Table::open(&self.file, mapping.delimiter, self.sheet.as_deref())
            .and_then(|table| Rows::new(mapping, table, Clock::System.now()))
            .with_context(|| self.file.display().to_string())
    }

    /// Says what an import would do.
    async fn foretell(
        &self,
        mapping: &Mapping,
        survey: &Survey,
        remarks: &Remarks,
    ) -> anyhow::Result<()> {
        let existing = match &self.server.token {
            Some(_) => Existing::of(&Client::connect(&self.server).await?).await?,
            None => Existing::default(),
        };
        let plan = survey.directory.plan(&mapping.source, &existing);
        cli::answer("Nothing is written.\n")?;
        cli::answer(&survey.foretold(remarks, &plan, &mapping.time_zone))
    }

    /// Writes the directory, and then sends the good rows.
    async fn carry_out(
        &self,
        mapping: &Mapping,
        survey: &Survey,
        remarks: &mut Remarks,
    ) -> anyhow::Result<Sent> {
        let source = &mapping.source;
        let client = Client::connect(&self.server).await?;
        let client = client.acting_as(&format!("import:{source}"))?;
        let plan = survey.directory.plan(source, &Existing::of(&client).await?);
        let defined = plan.carry_out(source, &client).await?;
        let sender = Sender::new(client.having_seen(defined), source, plan);
        let progress = Progress::new(survey.good);
        let rows = self.rows(mapping)?.filter_map(Result::ok);
        let mut outcomes = futures::stream::iter(rows)
            .map(|row| sender.send(row))
            .buffer_unordered(self.workers.into());
        let mut sent = Sent::default();
        while let Some(outcome) = outcomes.next().await {
            match outcome? {
                Outcome::Taken => sent.taken += 1,
                Outcome::Followed => {
                    sent.taken += 1;
                    sent.followed += 1;
                }
                Outcome::Refused(remark) => remarks.refuse(remark),
            }
            progress.step(remarks.refused());
        }
        progress.finish();
        Ok(sent)
    }
}

fn summary(sent: &Sent, remarks: &Remarks) -> String {
    let Sent { taken, followed } = sent;
    let mut text = format!("{taken} rows taken, {} refused\n", remarks.refused());
    if *followed > 0 {
        text += &format!(
            "{followed} of those taken were here already with other content: their handling is as this file says, but \
             counts by the source's status or agency keep what the first file said\n"
        );
    }
    if remarks.unplaced() > 0 {
        text += &format!(
            "{} rows name a place that cannot be believed; it is unknown here\n",
            remarks.unplaced()
        );
    }
    text
}

/// The id of a command that this import gives: the same source and words give the same id.
fn command_id(source: &str, what: &str) -> Uuid {
    let namespace = Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("cozum:import:{source}").as_bytes(),
    );
    Uuid::new_v5(&namespace, what.as_bytes())
}
