//! Finds PostgreSQL's programs, or gets them from Debian's packages, and makes a cluster for one run.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;

use crate::{command, places};

const DEBIAN: &str = "/usr/lib/postgresql";

/// The folder of `initdb` and `postgres`: the newest of Debian's, else the one on PATH, else a fresh install.
pub(crate) fn find() -> anyhow::Result<PathBuf> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    println!("xtask: no PostgreSQL is installed; getting Debian's package");
    install().context(
        "PostgreSQL is missing, and could not be installed: install it, or put initdb on PATH",
    )?;
    installed().context("PostgreSQL was installed, yet no initdb and postgres are to be found")
}

fn installed() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .collect();
    versions.sort();
    let newest_first = versions.into_iter().rev().map(|(_, bin)| bin);
    // A name on PATH may be a link into the real folder, where its companions are.
    let linked = places::on_path("initdb")
        .into_iter()
        .filter_map(|it| Some(it.canonicalize().ok()?.parent()?.to_owned()));
    newest_first.chain(linked).find(|bin| is_server(bin))
}

/// Client packages leave a folder without a server behind.
fn is_server(bin: &Path) -> bool {
    let answers = |program| {
        command::asked(bin.join(program), &["--version"])
            .is_some_and(|it| it.contains("PostgreSQL"))
    };
    answers("postgres") && answers("initdb")
}

fn install() -> anyhow::Result<()> {
    // The package would start a cluster of its own on port 5432, for good; nobody asked for that.
    debian(&["postgresql-common"])?;
    let conf = "/etc/postgresql-common/createcluster.conf";
    privileged(
        "sed",
        &[
            "-ri",
            "s/^#?create_main_cluster.*/create_main_cluster = false/",
            conf,
        ],
    )?;
    debian(&["postgresql"])
}

/// Installs Debian packages, as root or by a `sudo` that asks no password.
pub(crate) fn debian(packages: &[&str]) -> anyhow::Result<()> {
    privileged("apt-get", &["-qq", "update"])?;
    let options = ["-qq", "install", "--yes", "--no-install-recommends"];
    privileged("apt-get", &[&options, packages].concat())
}

fn privileged(program: &str, args: &[&str]) -> anyhow::Result<()> {
    let environment = "DEBIAN_FRONTEND=noninteractive";
    let mut command = if command::is_root() {
        Command::new("env")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "env"]);
        sudo
    };
    command::done(command.arg(environment).arg(program).args(args))
}

/// A cluster that exists in one folder, and how to start it.
pub(crate) struct Cluster {
    pub(crate) bin: PathBuf,
    pub(crate) port: u16,
    folder: PathBuf,
}

impl Cluster {
    /// Makes an empty cluster in `folder`.
    pub(crate) fn new(bin: PathBuf, folder: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        if command::is_root() {
            command::quietly(Command::new("chown").arg("65534:65534").arg(&folder))?;
        }
        let cluster = Self {
            bin,
            port: free_port()?,
            folder,
        };
        let mut initdb = cluster.program("initdb");
        initdb.arg("-D").arg(cluster.data()).args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "--locale=C",
            "-E",
            "UTF8",
            "--no-sync",
        ]);
        command::quietly(&mut initdb)?;
        Ok(cluster)
    }

    /// The command that runs the server in the foreground.
    pub(crate) fn server(&self) -> Command {
        let mut server = self.program("postgres");
        server
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(&self.folder);
        server.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-c",
            "max_connections=200",
        ]);
        server
    }

    /// Whether it takes connections.
    pub(crate) fn answers(&self) -> bool {
        let port = self.port.to_string();
        command::asked(
            self.bin.join("pg_isready"),
            &["-q", "-h", "127.0.0.1", "-p", &port],
        )
        .is_some()
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// PostgreSQL refuses to run as root: there it runs as nobody.
    fn program(&self, name: &str) -> Command {
        let path = self.bin.join(name);
        let mut command = if command::is_root() {
            let mut dropped = Command::new("setpriv");
            dropped
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .arg(path);
            dropped
        } else {
            Command::new(path)
        };
        command.current_dir(&self.folder).env("LC_ALL", "C");
        command
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
