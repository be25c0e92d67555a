//! `cargo xtask schemathesis`: a demo city of its own, and Schemathesis (PyPI) that reads its OpenAPI document and tries what
//! nobody thought of. It finds nothing, or this fails.

use std::process::Command;

use crate::{city::City, command, places, wheels};

const RUN: &str = "from schemathesis.cli import schemathesis; schemathesis()";

/// Builds, starts, tries, and stops again; `args` go to `schemathesis run`.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let tool = wheels::fetch("schemathesis")?;
    let city = City::start("schemathesis")?;
    let mut trying = Command::new(wheels::python());
    trying
        .current_dir(places::target())
        .env("PYTHONPATH", &tool)
        .args(["-c", RUN, "--config-file"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/api/openapi.json", city.origin))
        .args(["--checks", "all", "--header", "Authorization: Bearer demo"])
        .args(args);
    command::done(&mut trying)
}
