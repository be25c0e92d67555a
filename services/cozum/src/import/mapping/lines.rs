//! Where a key stands in the mapping's text, so that a mistake is told by its line and its key.

use std::{fmt, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// What is wrong, and with which key.
#[derive(Debug)]
pub(super) struct Mistake {
    path: Vec<String>,
    problem: String,
}

impl Mistake {
    pub(super) fn new(path: &[&str], problem: impl fmt::Display) -> Self {
        Self {
            path: path.iter().map(|it| (*it).to_owned()).collect(),
            problem: problem.to_string(),
        }
    }

    /// "line 7: channels.Fax: …"; a key that is missing is told by the line of the table that lacks it.
    pub(super) fn told(&self, text: &str) -> String {
        let line = line(text, start_of(text, &self.path));
        let problem = self.problem.trim_end();
        format!("line {line}: {}: {problem}", self.path.join("."))
    }
}

/// A mistake of form, in the same words.
pub(super) fn malformed(text: &str, error: &toml::de::Error) -> String {
    let span = error.span().unwrap_or_default();
    let line = line(text, span.start);
    let problem = error.message().replace('\n', ", ");
    let key = DeTable::parse(text)
        .ok()
        .and_then(|it| key_at(it.get_ref(), &span));
    match key {
        Some(key) => format!("line {line}: {key}: {problem}"),
        None => format!("line {line}: {problem}"),
    }
}

fn line(text: &str, at: usize) -> usize {
    let before = text.as_bytes().iter().take(at);
    1 + before.filter(|it| **it == b'\n').count()
}

/// Where the deepest key of a path stands that is there.
fn start_of(text: &str, path: &[String]) -> usize {
    let Ok(tree) = DeTable::parse(text) else {
        return 0;
    };
    let (mut table, mut start) = (Some(tree.get_ref()), 0);
    for name in path {
        let found = table.and_then(|it| it.iter().find(|(key, _)| key.get_ref() == name));
        let Some((key, value)) = found else { break };
        start = key.span().start;
        table = value.get_ref().as_table();
    }
    start
}

/// The key whose value holds a place in the text, with those above it.
fn key_at(table: &DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let holds = |value: &Spanned<DeValue<'_>>| {
        value.span().start <= span.start && span.end <= value.span().end
    };
    table.iter().find_map(|(key, value)| {
        let inside = value.get_ref().as_table().and_then(|it| key_at(it, span));
        match inside {
            Some(inside) => Some(format!("{}.{inside}", key.get_ref())),
            None if key.span() == *span || holds(value) => Some(key.get_ref().to_string()),
            None => None,
        }
    })
}
