//! Dependencies are chosen once, with a reason.

use crate::tree::{files, root};

#[test]
fn every_dependency_has_its_reason_above_it() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest
        .split("[workspace.dependencies]\n")
        .nth(1)
        .expect("the section");
    let mut reason = false;
    for line in section.lines().take_while(|it| !it.starts_with('[')) {
        if line.starts_with('#') {
            reason = true;
        } else if line.trim().is_empty() {
            reason = false;
        } else {
            assert!(reason, "no comment above the group of: {line}");
        }
    }
}

#[test]
fn every_package_takes_versions_and_lints_from_the_workspace() {
    for file in files()
        .into_iter()
        .filter(|it| it.path.contains('/') && it.name() == "Cargo.toml")
    {
        let manifest = file.text();
        // Generated code is not ours to lint.
        let linted = manifest.contains("[lints]\nworkspace = true")
            || file.path == "crates/contracts/Cargo.toml";
        assert!(linted, "{}: no workspace lints", file.path);
        let mut dependencies = false;
        for line in manifest.lines().map(str::trim) {
            if line.starts_with('[') {
                dependencies = line.ends_with("dependencies]");
            } else if dependencies && !line.is_empty() && !line.starts_with('#') {
                let shared =
                    line.contains(".workspace = true") || line.contains("workspace = true");
                assert!(
                    shared,
                    "{}: {line} does not come from the workspace",
                    file.path
                );
            }
        }
    }
}
