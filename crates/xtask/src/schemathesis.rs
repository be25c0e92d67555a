//! `cargo xtask schemathesis`: a demo city of its own, and Schemathesis (PyPI) that reads its OpenAPI document and tries what
//! nobody thought of. It finds nothing, or this fails.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use crate::{command, places, wheels};

/// How long the demo city may take to be ready.
const PATIENCE: Duration = Duration::from_secs(180);
const RUN: &str = "from schemathesis.cli import schemathesis; schemathesis()";

/// Builds, starts, tries, and stops again; `args` go to `schemathesis run`.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let tool = wheels::fetch("schemathesis")?;
    let mut build = Command::new(places::cargo());
    build
        .current_dir(places::root())
        .args(["build", "--workspace", "--locked"]);
    command::done(&mut build)?;
    let city = City::start()?;
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

/// A demo city that ends with this value, and its files with it.
struct City {
    process: Child,
    origin: String,
    data: std::path::PathBuf,
}

impl City {
    fn start() -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let data = places::target().join(format!("schemathesis-{}", std::process::id()));
        let listen = format!("127.0.0.1:{port}");
        let process = Command::new(places::target().join("debug/cozum"))
            .args(["up", "--demo", "--listen", &listen, "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the demo city")?;
        let city = Self {
            process,
            origin: format!("http://{listen}"),
            data,
        };
        let start = Instant::now();
        let ready = format!("{}/readyz", city.origin);
        let ask = format!("import urllib.request as u; u.urlopen('{ready}', timeout=2)");
        while command::asked(wheels::python(), &["-c", &ask]).is_none() {
            anyhow::ensure!(start.elapsed() < PATIENCE, "the demo city is not ready");
            sleep(Duration::from_millis(500));
        }
        Ok(city)
    }
}

impl Drop for City {
    fn drop(&mut self) {
        // It may have ended by itself; its files go either way.
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.data));
    }
}
