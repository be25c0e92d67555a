//! What each kind of file may hold.

use std::collections::BTreeSet;

use cargo_metadata::MetadataCommand;

use crate::tree::{File, code, heads, idents, root, sources};

/// What a decision may know: words, instants and ids as values. Clippy forbids it to ask the clock or to draw an id.
const PURE: &[&str] = &[
    "decider",
    "vocabulary",
    "clocks",
    "jiff",
    "thiserror",
    "uuid",
];

/// Crates that do not know the contracts.
const WORDLESS: &[&str] = &["vocabulary", "decider", "clocks", "transparency", "vault"];

/// Where a service that decides meets the contracts. All else speaks the domain's words, so that a change of the contract
/// stops at these files.
const EDGES: &[(&str, &str)] = &[
    ("lib", "starts the servers and the clients"),
    (
        "wire",
        "the one translation between the contract and the domain",
    ),
    ("grpc", "answers calls"),
    ("reaction", "hears events"),
    ("reactions", "hears events"),
    ("directory", "folds routing's events into a read model"),
    ("notifications", "folds events into a read model"),
    (
        "install",
        "defines the default directory by its own commands",
    ),
    ("desk", "reads the log around a decision"),
    ("register", "seals, appends and answers a retry"),
    ("lookup", "answers with opened text"),
    (
        "viewing",
        "records who looks, then answers with opened text",
    ),
    ("registrations", "folds its own events into a read model"),
    ("attachments", "answers with an opened file"),
    (
        "own_data",
        "records who looks, then answers with everything of a person",
    ),
    ("epochs", "has keys wrapped anew, and records it"),
    (
        "erasing",
        "orders an erasure, destroys the keys, records it",
    ),
    (
        "holding",
        "places and releases holds around a decision on an erasure",
    ),
    (
        "notices",
        "publishes notices, folds which versions there are into a read model",
    ),
    (
        "retention",
        "sets rules, folds what is kept into a read model, runs the rules",
    ),
    (
        "search",
        "folds events into a read model and answers from it",
    ),
    ("sealing", "asks intake to seal"),
    ("news", "tells which events citizens are told of"),
    ("sender", "records an attempt before it sends"),
];

#[test]
fn no_source_file_is_over_500_lines() {
    let long: Vec<String> = sources()
        .iter()
        .map(|file| (file, file.text().lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .map(|(file, lines)| format!("{}: {lines}", file.path))
        .collect();
    assert!(long.is_empty(), "split by concept: {long:#?}");
}

#[test]
fn every_package_says_what_it_is_for() {
    let roots = sources()
        .into_iter()
        .filter(|it| it.path.ends_with("/src/lib.rs") || it.path.ends_with("/src/main.rs"));
    let silent: Vec<String> = roots
        .filter(|it| !it.text().starts_with("//!"))
        .map(|it| it.path)
        .collect();
    assert!(silent.is_empty(), "no `//!` at the top of: {silent:#?}");
}

#[test]
fn a_decision_is_pure() {
    let dependencies = dependency_names();
    let mut impure = Vec::new();
    for file in sources().into_iter().filter(is_domain) {
        let text = file.text();
        let code = code(&text);
        let drawn = |head: &str| head == "proptest" && file.path.contains("tests");
        let foreign =
            |head: &&str| dependencies.contains(*head) && !PURE.contains(head) && !drawn(head);
        impure.extend(
            heads(&code)
                .into_iter()
                .filter(foreign)
                .map(|it| format!("{}: {it}", file.path)),
        );
        impure.extend(
            idents(&code)
                .find(|it| *it == "async")
                .map(|it| format!("{}: {it}", file.path)),
        );
        let others = code
            .match_indices("crate::")
            .map(|(at, found)| idents(&code[at + found.len()..]).next().unwrap_or_default());
        impure.extend(
            others
                .filter(|it| !["domain", "access"].contains(it))
                .map(|it| format!("{}: crate::{it}", file.path)),
        );
    }
    assert!(
        impure.is_empty(),
        "domain.rs knows only {PURE:?}: {impure:#?}"
    );
}

#[test]
fn contracts_stay_at_the_edge() {
    let mut inside = Vec::new();
    let all = sources();
    let decides = |service: &str| {
        all.iter()
            .any(|it| it.path == format!("services/{service}/src/domain.rs"))
    };
    for file in &all {
        let mut parts = file.path.split('/');
        let (group, package) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let room = parts.nth(1).unwrap_or_default().trim_end_matches(".rs");
        let pure = group == "crates" && WORDLESS.contains(&package);
        let within =
            group == "services" && decides(package) && EDGES.iter().all(|(edge, _)| *edge != room);
        if (pure || within) && heads(&code(&file.text())).contains("contracts") {
            inside.push(&file.path);
        }
    }
    assert!(
        inside.is_empty(),
        "`contracts::` only at the edge (EDGES): {inside:#?}"
    );
}

#[test]
fn the_environment_is_read_in_config_only() {
    let allowed = |file: &File| {
        file.name() == "config.rs"
            || file.name() == "build.rs"
            || file.is_below(&["crates/xtask/", "tests/"])
    };
    let readers: Vec<String> = sources()
        .into_iter()
        .filter(|file| !allowed(file) && code(&file.text()).contains("env::var"))
        .map(|file| file.path)
        .collect();
    assert!(
        readers.is_empty(),
        "std::env::var belongs in a config.rs: {readers:#?}"
    );
}

fn is_domain(file: &File) -> bool {
    let inside = file
        .path
        .split_once("/src/")
        .map_or("", |(_, inside)| inside);
    let decides = |it: &str| matches!(it, "domain" | "domain.rs" | "access.rs");
    // Who may what is a decision too.
    let may = inside == "access/words.rs";
    file.is_below(&["services/"])
        && (may || inside.split('/').any(decides))
        && inside != "tests/access.rs"
}

/// Every crate that a package of ours names as a dependency, as code spells it.
fn dependency_names() -> BTreeSet<String> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let all = metadata.packages.into_iter().flat_map(|it| it.dependencies);
    all.map(|it| it.rename.unwrap_or(it.name).replace('-', "_"))
        .collect()
}
