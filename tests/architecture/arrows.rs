//! Arrows go one way: services → crates, never service → service; the binary alone knows every service.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{MetadataCommand, Package};

use crate::tree::root;

/// Crates that decide and name: they know no runtime, no database, no network.
const PURE: &[&str] = &["vocabulary", "decider", "clocks", "transparency"];
const IMPURE: &[&str] = &[
    "tokio",
    "sqlx",
    "sqlx-core",
    "tonic",
    "async-nats",
    "axum",
    "hyper",
    "reqwest",
    "futures",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Crate,
    Service,
    Binary,
    Tests,
}

fn kind(package: &Package) -> Kind {
    let folder = package.manifest_path.strip_prefix(root()).unwrap();
    match folder.as_str().split('/').next().unwrap() {
        "crates" => Kind::Crate,
        "services" if package.name.as_str() == "cozum" => Kind::Binary,
        "services" => Kind::Service,
        "tests" => Kind::Tests,
        other => panic!("{other}/ is no place for a package"),
    }
}

#[test]
fn arrows_go_one_way() {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let kinds: BTreeMap<String, Kind> = metadata
        .packages
        .iter()
        .map(|it| (it.name.to_string(), kind(it)))
        .collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|it| it.path.is_some()) {
            let (from, to) = (kinds[package.name.as_str()], kinds[&dependency.name]);
            let allowed = match to {
                Kind::Crate => dependency.name != "xtask",
                Kind::Service => matches!(from, Kind::Binary | Kind::Tests),
                Kind::Binary | Kind::Tests => false,
            };
            if !allowed || package.name.as_str() == "xtask" {
                wrong.push(format!("{} → {}", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "forbidden dependencies: {wrong:#?}");
}

#[test]
fn pure_crates_know_no_runtime_no_database_no_network() {
    let locked = locked_dependencies();
    for name in PURE {
        let mut seen = BTreeSet::new();
        let mut open = vec![(*name).to_owned()];
        while let Some(next) = open.pop() {
            if seen.insert(next.clone()) {
                open.extend(locked[&next].iter().cloned());
            }
        }
        let impure: Vec<_> = IMPURE.iter().filter(|it| seen.contains(**it)).collect();
        assert!(impure.is_empty(), "{name} depends on {impure:?}");
    }
}

#[test]
fn the_auditor_shares_no_code_with_the_writer() {
    let locked = locked_dependencies();
    let ours = packages_of_ours();
    let shared: Vec<_> = locked["auditor"]
        .iter()
        .filter(|it| ours.contains(*it))
        .collect();
    assert_eq!(shared, ["contracts"], "what the auditor stands on of ours");
    assert!(!locked["ledger"].contains("auditor") && !locked["transparency"].contains("auditor"));
}

/// The names of all packages of this repository.
fn packages_of_ours() -> BTreeSet<String> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let names = metadata.packages.iter().map(|it| it.name.to_string());
    names.collect()
}

/// What each package of `Cargo.lock` depends on, by name.
fn locked_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let mut packages = BTreeMap::<String, BTreeSet<String>>::new();
    for block in lock.split("[[package]]").skip(1) {
        let name = block
            .lines()
            .find_map(|it| it.strip_prefix("name = "))
            .unwrap()
            .trim_matches('"')
            .to_owned();
        let listed = block
            .split_once("dependencies = [")
            .map_or("", |(_, list)| list.split(']').next().unwrap());
        let names = listed
            .lines()
            .filter_map(|it| it.trim().trim_matches(['"', ',']).split(' ').next());
        packages
            .entry(name)
            .or_default()
            .extend(names.filter(|it| !it.is_empty()).map(str::to_owned));
    }
    packages
}
