//! A demo city for the tools of others to try.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use crate::{command, places, wheels};

/// How long the demo city may take to be ready.
const PATIENCE: Duration = Duration::from_secs(180);

/// A demo city that ends with this value, and its files with it.
pub(crate) struct City {
    process: Child,
    pub(crate) origin: String,
    data: PathBuf,
}

impl City {
    /// Builds and starts it, for whom `name` says, and waits until it is ready.
    pub(crate) fn start(name: &str) -> anyhow::Result<Self> {
        let mut build = Command::new(places::cargo());
        build
            .current_dir(places::root())
            .args(["build", "--workspace", "--locked"]);
        command::done(&mut build)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let data = places::target().join(format!("{name}-{}", std::process::id()));
        let listen = format!("127.0.0.1:{port}");
        let process = Command::new(Self::program())
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

    /// What runs it, and asks it as its operator.
    pub(crate) fn program() -> PathBuf {
        places::target().join("debug/cozum")
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
