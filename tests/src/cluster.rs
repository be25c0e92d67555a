//! A whole centre as a city runs it: six processes of the `cozum` binary over a PostgreSQL, a NATS and an SMTP server, each
//! of the test's own; any of them can be killed with `kill -9` and started again.

mod plan;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use anyhow::Context as _;
use async_nats::jetstream::{self, message::StreamMessage};
use chassis::Role;
use futures::future::try_join_all;
use tokio::sync::Mutex;

use crate::{
    City,
    city::SOON,
    eventually, files, nats, postgres,
    process::{Cozum, Launch},
    settings, smtp,
    traces::Collector,
};
use plan::Plan;

/// Six processes and what they stand on.
#[derive(Debug)]
pub struct Cluster {
    /// The six processes; they go before what they stand on.
    roles: BTreeMap<Role, Cozum>,
    /// Holds the log and, in a database of its own, the keys.
    pub postgres: postgres::Server,
    /// Carries the events.
    pub nats: nats::Server,
    /// Takes the citizens' mail.
    pub smtp: smtp::Server,
    /// Takes the spans of all processes.
    pub traces: Collector,
    plan: Plan,
}

impl Cluster {
    /// Starts a centre for these municipalities and waits until every process is ready.
    pub async fn start(municipalities: &[&str]) -> anyhow::Result<Self> {
        let (postgres, nats, smtp) = tokio::try_join!(
            postgres::Server::start(),
            nats::Server::start(),
            smtp::Server::start()
        )?;
        let traces = Collector::start()?;
        let (log, keys) = (
            postgres.create_database("log").await?,
            postgres.create_database("keys").await?,
        );
        let folder = tempfile::Builder::new().prefix("cozum-data-").tempdir()?;
        let plan = Plan::new(
            municipalities,
            folder,
            &log,
            &keys,
            &nats.url(),
            &smtp.url(),
            &traces.url(),
        )?;
        let start = |role| {
            let launch: Launch = plan.launch(role);
            async move { Ok::<_, anyhow::Error>((role, launch.start().await?)) }
        };
        let roles = try_join_all(Role::ALL.map(start)).await?;
        let cluster = Self {
            roles: roles.into_iter().collect(),
            postgres,
            nats,
            smtp,
            traces,
            plan,
        };
        for municipality in municipalities {
            cluster.knows_the_directory_of(municipality).await?;
        }
        Ok(cluster)
    }

    /// A new city's directory was written a moment ago: waits until those who ask for topics have read it.
    async fn knows_the_directory_of(&self, municipality: &str) -> anyhow::Result<()> {
        let head = i64::try_from(self.city(municipality)?.head().await?)?;
        for role in [Role::Intake, Role::Gateway] {
            let what = format!("{role} knows the directory of {municipality}");
            eventually(SOON, &what, async || {
                for path in self.read_models(role, municipality)? {
                    let position = files::position(&path).await?;
                    anyhow::ensure!(position >= head, "{position} of {head}");
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// The municipality of this name.
    pub fn city(&self, name: &str) -> anyhow::Result<City> {
        City::new(name, &self.plan.base(), &City::token(name))
    }

    /// One of the six processes.
    pub fn process(&mut self, role: Role) -> anyhow::Result<&mut Cozum> {
        self.roles.get_mut(&role).context("all six run")
    }

    /// The ids of all processes that run, by what they are, for those who look at what they use.
    #[must_use]
    pub fn processes(&self) -> Vec<(String, Vec<u32>)> {
        let ours = self.roles.iter();
        let ours = ours.map(|(role, it)| (role.to_string(), it.pid().into_iter().collect()));
        let beneath = [
            ("postgres", self.postgres.pids()),
            ("nats", self.nats.pids()),
        ];
        let beneath = beneath.map(|(name, pids)| (name.to_owned(), pids));
        ours.chain(beneath).collect()
    }

    /// `kill -9`.
    pub fn kill9(&mut self, role: Role) -> anyhow::Result<()> {
        self.process(role)?.kill9()
    }

    /// Starts a process again with the same arguments and data, and waits until it is ready.
    pub async fn restart(&mut self, role: Role) -> anyhow::Result<()> {
        self.process(role)?.restart().await
    }

    /// How a process is started, for a second one or for one that must not start.
    #[must_use]
    pub fn launch(&self, role: Role) -> Launch {
        self.plan.launch(role)
    }

    /// Where a role's gRPC is, past the gateway.
    #[must_use]
    pub fn grpc(&self, role: Role) -> String {
        self.plan.grpc(role)
    }

    /// What a role counts under a metric's name: the labels of each line, and its value.
    pub async fn metric(&self, role: Role, name: &str) -> anyhow::Result<Vec<(String, f64)>> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let asked = http.get(format!("{}/metrics", self.admin(role)));
        let text = asked.send().await?.text().await?;
        let lines = text.lines().filter_map(|it| it.strip_prefix(name));
        let read = lines.filter_map(|it| {
            let (labels, value) = it.rsplit_once(' ')?;
            Some((labels.to_owned(), value.parse().ok()?))
        });
        Ok(read.collect())
    }

    /// Where a role's `/livez`, `/readyz` and `/metrics` are.
    #[must_use]
    pub fn admin(&self, role: Role) -> String {
        self.plan.admin(role)
    }

    /// The URL of the log's database.
    #[must_use]
    pub fn log_url(&self) -> String {
        self.postgres.url("log")
    }

    /// The folder that holds everything the six processes keep.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.plan.folder()
    }

    /// What the six processes wrote to their standard output and error.
    #[must_use]
    pub fn output_files(&self) -> Vec<PathBuf> {
        let files = self
            .roles
            .values()
            .flat_map(|it| [it.stdout_file(), it.stderr_file()]);
        files.collect()
    }

    /// The read models of a role, for one municipality.
    pub fn read_models(&self, role: Role, municipality: &str) -> anyhow::Result<Vec<PathBuf>> {
        let folder = self
            .data()
            .join(role.as_str())
            .join(role.as_str())
            .join(municipality);
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "db") {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }
}

impl Drop for Cluster {
    /// Where `COZUM_TEST_LOGS` names a folder, what the processes said is kept there.
    fn drop(&mut self) {
        let Some(folder) = settings::logs() else {
            return;
        };
        for (role, process) in &self.roles {
            for (file, kind) in [
                (process.stdout_file(), "out"),
                (process.stderr_file(), "err"),
            ] {
                let kept = folder.join(format!("{}-{role}.{kind}", std::process::id()));
                // A log that cannot be kept fails no test.
                drop(std::fs::copy(file, &kept));
            }
        }
    }
}

/// A cluster that the tests of one binary share while any of them uses it; it goes when the last one lets go.
#[derive(Debug)]
pub struct Shared {
    running: Mutex<Weak<Cluster>>,
}

impl Shared {
    /// None runs yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            running: Mutex::const_new(Weak::new()),
        }
    }

    /// The running cluster, or a new one of these municipalities.
    pub async fn get(&self, municipalities: &[&str]) -> anyhow::Result<Arc<Cluster>> {
        let mut running = self.running.lock().await;
        if let Some(cluster) = running.upgrade() {
            return Ok(cluster);
        }
        let cluster = Arc::new(Cluster::start(municipalities).await?);
        *running = Arc::downgrade(&cluster);
        Ok(cluster)
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new()
    }
}

/// Every message that JetStream holds of a municipality, oldest first.
pub async fn messages(
    context: &jetstream::Context,
    municipality: &str,
) -> anyhow::Result<Vec<StreamMessage>> {
    let stream = context.get_stream(format!("EV_{municipality}")).await?;
    let state = stream.cached_info().state.clone();
    let mut found = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        found.push(stream.get_raw_message(sequence).await?);
    }
    Ok(found)
}
