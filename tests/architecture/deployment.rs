//! What an operator is told to set can be set.

use std::collections::BTreeSet;

use crate::tree::{File, files, sources};

#[test]
fn deployment_sets_only_what_the_program_reads() {
    let read: BTreeSet<String> = sources()
        .iter()
        .filter(|it| !it.is_below(&["tests/"]))
        .flat_map(settings)
        .collect();
    let deployment = files()
        .into_iter()
        .filter(|it| it.path == "docker-compose.yml" || it.is_below(&["deploy/"]));
    let unknown: Vec<String> = deployment
        .flat_map(|file| {
            settings(&file)
                .into_iter()
                .map(move |it| format!("{}: {it}", file.path))
                .collect::<Vec<_>>()
        })
        .filter(|it| !read.contains(it.rsplit(' ').next().unwrap_or_default()))
        .collect();
    assert!(unknown.is_empty(), "nothing reads these: {unknown:#?}");
}

/// The names like `COZUM_DATA` in a file.
fn settings(file: &File) -> BTreeSet<String> {
    let text = file.text();
    let words =
        text.split(|it: char| !it.is_ascii_uppercase() && !it.is_ascii_digit() && it != '_');
    words
        .filter(|it| it.starts_with("COZUM_") && it.len() > "COZUM_".len())
        .map(str::to_owned)
        .collect()
}
