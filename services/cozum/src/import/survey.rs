//! What an export holds: every row read and checked, and nothing sent.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    directory::{Directory, Plan},
    remarks::Remarks,
    row::{Row, Rows},
};

/// A file that was read from its first row to its last.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) directory: Directory,
    /// The rows that can be sent.
    pub(super) good: u64,
    placed: u64,
    due: u64,
    /// When the first and the last request was registered.
    span: Option<(Timestamp, Timestamp)>,
}

impl Survey {
    /// Reads every row; what is wrong with one goes into the remarks.
    pub(super) fn of(rows: Rows<'_>, remarks: &mut Remarks) -> Self {
        let mut survey = Self::default();
        for row in rows {
            match row {
                Ok(row) => {
                    remarks.note_place(&row);
                    survey.note(&row);
                }
                Err(remark) => remarks.refuse(remark),
            }
        }
        survey
    }

    fn note(&mut self, row: &Row) {
        self.directory.note(row);
        self.good += 1;
        self.placed += u64::from(row.point.is_some());
        self.due += u64::from(row.due.is_some());
        let (first, last) = self.span.unwrap_or((row.created, row.created));
        self.span = Some((first.min(row.created), last.max(row.created)));
    }

    /// What an import would do, in words.
    pub(super) fn foretold(&self, remarks: &Remarks, plan: &Plan, zone: &TimeZone) -> String {
        let unplaced = u64::try_from(remarks.unplaced()).unwrap_or(u64::MAX);
        let Self {
            good, placed, due, ..
        } = self;
        let refused = remarks.refused();
        let nowhere = good.saturating_sub(placed + unplaced);
        let mut lines = vec![
            format!("{good} rows would be taken, {refused} refused"),
            format!(
                "place: {placed} have one, {nowhere} name none, {unplaced} name one that cannot be believed and stay \
                 without"
            ),
            format!("due date: {due} have one"),
        ];
        if let Some((first, last)) = self.span {
            let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
            lines.push(format!("registered: {} to {}", day(first), day(last)));
        }
        let (units, topics) = (plan.units.len(), plan.topics.len());
        lines.push(format!(
            "units: {units}, of which {} are new and {} change",
            plan.new_units.len(),
            plan.changed_units.len()
        ));
        let unit = |kind, code: &str, name: &str| format!("  {kind} {code}: {name}");
        lines.extend(
            plan.new_units
                .iter()
                .map(|it| unit("new", &it.code, &it.name_tr)),
        );
        lines.extend(
            plan.changed_units
                .iter()
                .map(|it| unit("changes", &it.code, &it.name_tr)),
        );
        lines.push(format!(
            "topics: {topics}, of which {} are new and {} change",
            plan.new_topics.len(),
            plan.changed_topics.len()
        ));
        let topic =
            |kind, code: &str, name: &str, unit: &str| format!("  {kind} {code}: {name} ({unit})");
        let new = plan.new_topics.iter();
        lines.extend(new.map(|it| topic("new", &it.code, &it.name_tr, &it.unit)));
        let changed = plan.changed_topics.iter();
        lines.extend(changed.map(|it| topic("changes", &it.code, &it.name_tr, &it.unit)));
        lines.join("\n") + "\n"
    }
}
