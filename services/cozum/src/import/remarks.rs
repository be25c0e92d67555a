//! The rows that are refused, the rows whose place stays unknown, and why.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Remark, Row};

/// How many rows of a kind the terminal shows; the report has them all.
const SHOWN: usize = 20;

/// What there is to say of single rows.
#[derive(Debug)]
pub(super) struct Remarks {
    refused: Vec<Remark>,
    unplaced: Vec<Remark>,
    report: Option<PathBuf>,
}

impl Remarks {
    /// Begins an empty report, so that a place that cannot be written is told before anything is sent.
    pub(super) fn new(report: Option<PathBuf>) -> anyhow::Result<Self> {
        let mut remarks = Self {
            refused: vec![],
            unplaced: vec![],
            report,
        };
        remarks.write()?;
        Ok(remarks)
    }

    pub(super) fn refuse(&mut self, remark: Remark) {
        self.refused.push(remark);
    }

    /// Notes a place that is told and cannot be believed.
    pub(super) fn note_place(&mut self, row: &Row) {
        if let Some((column, reason)) = row.unplaced.clone() {
            self.unplaced.push(Remark {
                line: row.line,
                id: row.id.clone(),
                column,
                reason,
            });
        }
    }

    /// How many rows are refused.
    pub(super) fn refused(&self) -> usize {
        self.refused.len()
    }

    /// How many rows stay without the place that they tell.
    pub(super) fn unplaced(&self) -> usize {
        self.unplaced.len()
    }

    /// Writes the report, in the order of the file.
    pub(super) fn write(&mut self) -> anyhow::Result<()> {
        self.refused.sort_by_key(|it| it.line);
        // A row that a service refused is refused, wherever it is.
        let refused = |line| {
            self.refused
                .binary_search_by_key(&line, |it| it.line)
                .is_ok()
        };
        self.unplaced.retain(|it| !refused(it.line));
        let Some(path) = &self.report else {
            return Ok(());
        };
        self.put(path)
            .with_context(|| format!("--report {}", path.display()))
    }

    fn put(&self, path: &Path) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_path(path)?;
        writer.write_record(["line", "id", "column", "reason", "outcome"])?;
        let refused = self.refused.iter().map(|it| (it, "refused"));
        let unplaced = self.unplaced.iter().map(|it| (it, "place unknown"));
        let mut all: Vec<(&Remark, &str)> = refused.chain(unplaced).collect();
        all.sort_by_key(|(it, _)| it.line);
        for (remark, outcome) in all {
            let line = remark.line.to_string();
            let Remark {
                id, column, reason, ..
            } = remark;
            writer.write_record([&line, id, column, reason, outcome])?;
        }
        Ok(writer.flush()?)
    }

    /// Shows the first rows of each kind on the terminal.
    pub(super) fn show(&self) {
        self.show_some("refused", &self.refused);
        self.show_some("place unknown", &self.unplaced);
    }

    #[expect(clippy::print_stderr, reason = "a command talks to its terminal")]
    fn show_some(&self, outcome: &str, remarks: &[Remark]) {
        for remark in remarks.iter().take(SHOWN) {
            eprintln!("{}", sentence(outcome, remark));
        }
        if remarks.len() > SHOWN {
            let rest = remarks.len() - SHOWN;
            let hint = match &self.report {
                Some(path) => format!("see {}", path.display()),
                None => "use --report to see them all".to_owned(),
            };
            eprintln!("{outcome}: … and {rest} more rows: {hint}");
        }
    }
}

fn sentence(outcome: &str, remark: &Remark) -> String {
    let Remark {
        line,
        id,
        column,
        reason,
    } = remark;
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
    format!("{outcome}: line {line}{id}: {column}{reason}")
}
