//! `ARCHITECTURE.md` speaks of what is there.

use std::collections::BTreeSet;

use crate::tree::{files, root, sources};

const PACKAGES: &[&str] = &["crates", "services"];

fn document() -> String {
    std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md")
}

#[test]
fn the_map_names_every_crate_and_service() {
    let listed = listed_packages(&document());
    let mut existing = BTreeSet::new();
    for group in PACKAGES {
        let folders = std::fs::read_dir(root().join(group))
            .unwrap()
            .map(|it| it.unwrap());
        let packages = folders.filter(|it| it.path().join("Cargo.toml").is_file());
        existing.extend(packages.map(|it| format!("{group}/{}", it.file_name().to_string_lossy())));
    }
    assert_eq!(
        listed, existing,
        "left: what ARCHITECTURE.md names, right: what exists"
    );
}

#[test]
fn every_file_the_document_names_exists() {
    let files = files();
    let document = document();
    let missing: Vec<&str> = spans(&document)
        .filter(|it| is_file_name(it))
        .filter(|named| {
            let named = named.trim_end_matches('/');
            let bare = !named.contains('/');
            let is = |path: &str| {
                path == named || path.starts_with(&format!("{named}/")) || matches(named, path)
            };
            !files
                .iter()
                .any(|it| is(&it.path) || (bare && it.name() == named))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md names files that do not exist: {missing:#?}"
    );
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let tests = test_names();
    let document = document();
    let section = document
        .split("\n## Invariants")
        .nth(1)
        .expect("a section ## Invariants");
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<&str> = section
        .lines()
        .filter(|it| it.starts_with("| ") && !it.contains("| Kept by |"))
        .collect();
    assert!(!rows.is_empty(), "the section ## Invariants has no table");
    for row in rows {
        let last = row.trim().trim_end_matches('|').rsplit('|').next().unwrap();
        let named: Vec<&str> = spans(last)
            .map(|it| it.rsplit("::").next().unwrap())
            .filter(|it| is_function(it))
            .collect();
        assert!(!named.is_empty(), "this invariant names no test: {row}");
        for name in named {
            assert!(
                tests.contains(name),
                "there is no test `{name}`, which should hold: {row}"
            );
        }
    }
}

/// `crates/vault` in the text, or `vault` two columns below a line `crates/` of the map.
fn listed_packages(document: &str) -> BTreeSet<String> {
    let mut listed = BTreeSet::new();
    let mut group = None;
    for line in document.lines() {
        let first = line.split_whitespace().next().unwrap_or_default();
        let indented = line.len() - line.trim_start().len();
        if indented == 0 {
            group = PACKAGES
                .iter()
                .find(|it| first.strip_suffix('/') == Some(**it));
        } else if let (Some(group), 2) = (group, indented) {
            listed.insert(format!("{group}/{}", first.trim_end_matches('/')));
        }
        listed.extend(PACKAGES.iter().flat_map(|group| named(line, group)));
    }
    listed
}

/// Every `<group>/<name>` of a line.
fn named(line: &str, group: &str) -> Vec<String> {
    let is_name = |it: &char| it.is_alphanumeric() || "-_".contains(*it);
    let start = format!("{group}/");
    let names = line.match_indices(&start).map(|(at, _)| {
        line[at + start.len()..]
            .chars()
            .take_while(is_name)
            .collect::<String>()
    });
    names
        .filter(|it| !it.is_empty())
        .map(|it| start.clone() + &it)
        .collect()
}

/// What stands between single backticks, outside of fenced blocks.
fn spans(document: &str) -> impl Iterator<Item = &str> {
    let prose = document.split("```").step_by(2);
    prose
        .flat_map(str::lines)
        .flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// A path from the top of the repository, or a bare name with an extension that files of ours have.
fn is_file_name(span: &str) -> bool {
    const EXTENSIONS: &[&str] = &[
        "rs", "proto", "toml", "md", "yml", "yaml", "sh", "csv", "sql", "ftl", "html", "css", "py",
        "lock",
    ];
    let plain = !span.contains([' ', '<', '{', '(', '…', ':']) && !span.starts_with(['/', '-']);
    let top = span.split('/').next().unwrap_or_default();
    let below =
        span.contains('/') && !top.is_empty() && top != "target" && root().join(top).exists();
    let extension = span
        .rsplit_once('.')
        .is_some_and(|(name, it)| !name.is_empty() && EXTENSIONS.contains(&it));
    plain && (below || extension)
}

/// `services/*/src/wire.rs` stands for each such file.
fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, _) => return true,
            (Some(_), None) => return false,
            (Some(a), Some(b)) if a == "*" || a == b => {}
            (Some(_), Some(_)) => return false,
        }
    }
}

fn is_function(span: &str) -> bool {
    span.contains('_')
        && span
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
}

/// The functions under a test attribute, and those of `tests/`, where a suite runs one function against many drivers.
fn test_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in sources() {
        let text = file.text();
        let mut attributed = file.path.starts_with("tests/");
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[") && line.contains("test") {
                attributed = true;
            } else if let Some((_, rest)) = line.split_once("fn ") {
                let name: String = rest
                    .chars()
                    .take_while(|it| it.is_alphanumeric() || *it == '_')
                    .collect();
                if attributed {
                    names.insert(name);
                }
                attributed = file.path.starts_with("tests/");
            }
        }
    }
    names
}

#[test]
fn the_map_is_read_as_people_read_it() {
    let map = "```\ncrates/   below\n  vault/   seals\n           and opens\n\nservices/\n  intake   hears\n```\nSee `crates/vault/src/seal.rs`.";
    let expected = ["crates/vault", "services/intake"].map(str::to_owned);
    assert_eq!(listed_packages(map), BTreeSet::from(expected));
    assert!(matches(
        "services/*/src/wire.rs",
        "services/intake/src/wire.rs"
    ));
    assert!(
        !is_file_name("/readyz") && !is_file_name("--data") && !is_file_name("RequestRegistered")
    );
}
