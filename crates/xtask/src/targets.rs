//! Which test targets there are.

use std::path::Path;

/// The `[[test]]` targets of the package `tests` whose file is there.
pub(crate) fn of_tests(root: &Path) -> anyhow::Result<Vec<String>> {
    let manifest = std::fs::read_to_string(root.join("tests/Cargo.toml"))?;
    let named = declared(&manifest);
    Ok(named
        .into_iter()
        .filter(|(_, path)| root.join("tests").join(path).is_file())
        .map(|(name, _)| name)
        .collect())
}

/// The integration tests that other packages keep for themselves.
pub(crate) fn of_others(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = ["crates", "services"]
        .iter()
        .flat_map(|group| {
            std::fs::read_dir(root.join(group))
                .into_iter()
                .flatten()
                .flatten()
        })
        .flat_map(|package| {
            std::fs::read_dir(package.path().join("tests"))
                .into_iter()
                .flatten()
                .flatten()
        })
        .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Name and path of each `[[test]]`.
fn declared(manifest: &str) -> Vec<(String, String)> {
    let field = |block: &str, key: &str| {
        let value = block
            .lines()
            .find_map(|line| line.strip_prefix(key)?.trim().strip_prefix('='))?;
        Some(value.trim().trim_matches('"').to_owned())
    };
    let blocks = manifest
        .split("[[test]]")
        .skip(1)
        .map(|it| it.split("\n[").next().unwrap_or(it));
    blocks
        .filter_map(|block| Some((field(block, "name")?, field(block, "path")?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_is_read_with_its_path() {
        let manifest = "[package]\nname = \"tests\"\n\n[[test]]\nname = \"e2e\"\npath = \"e2e/main.rs\"\n\n[[test]]\nname = \"faults\"\npath = \"faults/main.rs\"\n\n[lints]\nworkspace = true\n";
        let expected = [("e2e", "e2e/main.rs"), ("faults", "faults/main.rs")];
        assert_eq!(
            declared(manifest),
            expected.map(|(name, path)| (name.to_owned(), path.to_owned()))
        );
    }
}
