//! The files of the repository, and Rust code without its comments and texts.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A file by its path from the top, with `/` between the parts.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
}

impl File {
    pub(crate) fn text(&self) -> String {
        fs::read_to_string(root().join(&self.path)).unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn is_below(&self, folders: &[&str]) -> bool {
        folders.iter().any(|it| self.path.starts_with(it))
    }
}

/// Every file, built and fetched ones left out, sorted.
pub(crate) fn files() -> Vec<File> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Every Rust file.
pub(crate) fn sources() -> Vec<File> {
    files()
        .into_iter()
        .filter(|it| it.path.ends_with(".rs"))
        .collect()
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().unwrap();
        if kind.is_file() {
            found.push(File { path });
        } else if kind.is_dir()
            && ![".git", "target", "node_modules"].contains(&name.as_str())
            && path != "data"
        {
            collect(&entry.path(), &format!("{path}/"), found);
        }
    }
}

/// Rust code with every comment and every text blanked, line by line as it was.
pub(crate) fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest),
            '\'' => character(rest),
            'r' | 'b' | 'c' if !out.ends_with(is_word) => prefixed(rest),
            _ => 0,
        };
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.extend(
                rest[..length]
                    .chars()
                    .map(|it| if it == '\n' { '\n' } else { ' ' }),
            );
            rest = &rest[length..];
        }
    }
    out
}

/// The names that paths start with: `tokio` of `tokio::spawn`, not `spawn`.
pub(crate) fn heads(code: &str) -> BTreeSet<&str> {
    let mut heads = BTreeSet::new();
    for (at, _) in code.match_indices("::") {
        let before = &code[..at];
        let start = before.rfind(|it: char| !is_word(it)).map_or(0, |it| it + 1);
        let (lead, head) = before.split_at(start);
        if !head.is_empty() && !lead.ends_with("::") {
            heads.insert(head);
        }
    }
    heads
}

/// The words of code: names and keywords.
pub(crate) fn idents(code: &str) -> impl Iterator<Item = &str> {
    code.split(|it| !is_word(it)).filter(|it| !it.is_empty())
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of `"…"`, with its quotes.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of `'x'`; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match letters.next() {
        Some((_, '\\')) => text[2..]
            .char_indices()
            .skip(1)
            .find(|(_, it)| *it == '\'')
            .map_or(0, |(at, _)| at + 3),
        Some(_) => letters
            .next()
            .filter(|(_, it)| *it == '\'')
            .map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// The length of `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`; 0 for a word that only starts so.
fn prefixed(text: &str) -> usize {
    let quote = text
        .find(|it| !matches!(it, 'r' | 'b' | 'c'))
        .unwrap_or(text.len());
    let (prefix, body) = text.split_at(quote);
    if !prefix.contains('r') {
        return if body.starts_with('"') {
            quote + quoted(body)
        } else {
            0
        };
    }
    let hashes = body.len() - body.trim_start_matches('#').len();
    if !body[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let inner = quote + hashes + 1;
    text[inner..]
        .find(&end)
        .map_or(text.len(), |at| inner + at + end.len())
}

#[test]
fn comments_and_texts_are_blanked_and_nothing_else() {
    let text = "fn a<'x>() { b(\"tokio::\\\"x\"); r#\"sqlx::\"#; /* c:: /* d:: */ */ '\"'; '\\''; e::f::g() } // h::\ni::j";
    let code = code(text);
    assert_eq!(heads(&code).into_iter().collect::<Vec<_>>(), ["e", "i"]);
    assert_eq!(code.lines().count(), text.lines().count());
    assert!(code.contains("fn a<'x>()"));
}
