//! The rows that were not taken, and why.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Refusal;

/// How many refusals the terminal shows; the report has them all.
const SHOWN: usize = 20;

/// Every row that was refused.
#[derive(Debug)]
pub(super) struct Refusals {
    all: Vec<Refusal>,
    report: Option<PathBuf>,
}

impl Refusals {
    /// Begins an empty report, so that a place that cannot be written is told before anything is sent.
    pub(super) fn new(report: Option<PathBuf>) -> anyhow::Result<Self> {
        let refusals = Self {
            all: vec![],
            report,
        };
        refusals.put(&[])?;
        Ok(refusals)
    }

    pub(super) fn add(&mut self, refusal: Refusal) {
        self.all.push(refusal);
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Writes the report, in the order of the file.
    pub(super) fn write(&mut self) -> anyhow::Result<()> {
        self.all.sort_by_key(|it| it.line);
        self.put(&self.all)
    }

    fn put(&self, refusals: &[Refusal]) -> anyhow::Result<()> {
        let Some(path) = &self.report else {
            return Ok(());
        };
        let told = || format!("--report {}", path.display());
        let mut writer = csv::WriterBuilder::new()
            .has_headers(false)
            .from_path(path)
            .with_context(told)?;
        writer
            .write_record(["line", "id", "column", "reason"])
            .with_context(told)?;
        for refusal in refusals {
            writer.serialize(refusal).with_context(told)?;
        }
        writer.flush().with_context(told)
    }

    /// Says how it went.
    #[expect(
        clippy::print_stdout,
        clippy::print_stderr,
        reason = "a command talks to its terminal"
    )]
    pub(super) fn summarize(&self, taken: u64, followed: u64, report: Option<&Path>) {
        println!("{taken} rows taken, {} refused", self.all.len());
        if followed > 0 {
            println!(
                "{followed} of those taken were here already with other content: their handling is as this file says, but \
                 counts by the source's status or agency keep what the first file said"
            );
        }
        for refusal in self.all.iter().take(SHOWN) {
            let Refusal {
                line,
                id,
                column,
                reason,
            } = refusal;
            let id = if id.is_empty() {
                String::new()
            } else {
                format!(" (id {id})")
            };
            let column = if column.is_empty() {
                String::new()
            } else {
                format!("{column} ")
            };
            eprintln!("line {line}{id}: {column}{reason}");
        }
        if self.all.len() > SHOWN {
            let rest = self.all.len() - SHOWN;
            let hint = report.map_or("use --report to see them all".to_owned(), |it| {
                format!("see {}", it.display())
            });
            eprintln!("… and {rest} more: {hint}");
        }
    }
}
