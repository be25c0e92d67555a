//! What was measured, as a table for people and as JSON for programs, and which limits hold.

use std::fmt;

use serde_json::{Map, Value, json};

/// The figures of one run.
pub(crate) struct Report {
    lines: Vec<String>,
    json: Map<String, Value>,
    limits: Vec<Limit>,
}

/// What was promised of a figure.
struct Limit {
    name: String,
    measured: f64,
    /// At least, where it is a share; at most, where it is a time.
    at_least: bool,
    limit: f64,
}

impl Limit {
    fn holds(&self) -> bool {
        if self.at_least {
            self.measured >= self.limit
        } else {
            self.measured <= self.limit
        }
    }
}

impl Report {
    /// An empty one, of this machine.
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory = memory
            .split_whitespace()
            .nth(1)
            .and_then(|it| it.parse::<u64>().ok());
        let gib = memory.unwrap_or_default().div_ceil(1 << 20);
        let mut json = Map::new();
        json.insert(
            "machine".to_owned(),
            json!({ "cores": cores, "memory_gib": gib }),
        );
        Self {
            lines: vec![format!("{cores} cores, {gib} GiB")],
            json,
            limits: Vec::new(),
        }
    }

    /// One more line of the table; it is told at once, because the whole may take long.
    pub(crate) fn line(&mut self, line: impl Into<String>) {
        let line = line.into();
        println!("{line}");
        self.lines.push(line);
    }

    /// A figure, or several, under a path like "intake.ours".
    pub(crate) fn put(&mut self, path: &str, value: Value) {
        let mut at = &mut self.json;
        let mut names = path.split('.').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                at.insert(name.to_owned(), value);
                return;
            }
            let below = at.entry(name).or_insert_with(|| json!({}));
            let Value::Object(below) = below else { return };
            at = below;
        }
    }

    /// What must be at least so much.
    pub(crate) fn at_least(&mut self, name: impl Into<String>, measured: f64, limit: f64) {
        self.limit(name.into(), measured, limit, true);
    }

    /// What may be so much at most.
    pub(crate) fn at_most(&mut self, name: impl Into<String>, measured: f64, limit: f64) {
        self.limit(name.into(), measured, limit, false);
    }

    fn limit(&mut self, name: String, measured: f64, limit: f64, at_least: bool) {
        self.limits.push(Limit {
            name,
            measured,
            at_least,
            limit,
        });
    }

    /// All of it as JSON.
    pub(crate) fn json(&self) -> String {
        let limits = self.limits.iter().map(|it| {
            json!({
                "name": it.name,
                "measured": rounded(it.measured),
                (if it.at_least { "at_least" } else { "at_most" }): it.limit,
                "holds": it.holds(),
            })
        });
        let mut json = self.json.clone();
        json.insert("limits".to_owned(), limits.collect());
        format!("{:#}\n", Value::Object(json))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        writeln!(f)?;
        for limit in &self.limits {
            writeln!(
                f,
                "{} {}: {:.3}, {} {}",
                if limit.holds() { "holds  " } else { "MISSED " },
                limit.name,
                limit.measured,
                if limit.at_least {
                    "at least"
                } else {
                    "at most"
                },
                limit.limit
            )?;
        }
        Ok(())
    }
}

/// Three decimals are all that a measurement knows.
pub(crate) fn rounded(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}
