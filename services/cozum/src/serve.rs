//! `cozum serve <role>`: one role of a cluster, over PostgreSQL and NATS.

use std::{future::Future, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use chassis::{
    Clock, Health, Listener, Network, Platform, Role, Shared, Tasks,
    config::{Cluster, Common, Mistakes},
};
use tokio::net::TcpListener;
use tonic::transport::Endpoint;

use crate::{nats, process};

/// The six roles
#[derive(Debug, clap::Subcommand)]
pub enum Serve {
    /// The append-only log, and its relay to NATS
    Ledger(Process<ledger::Config>),
    /// Contacts, requests and the keys to personal data
    Intake(Process<intake::Config>),
    /// The directory, and the units' work on requests
    Routing(Process<routing::Config>),
    /// Messages to citizens
    Notification(Process<notification::Config>),
    /// Counts
    Analytics(Process<analytics::Config>),
    /// Portal, Open311 and the commands' way in
    Gateway(Box<Process<gateway::Config>>),
}

/// What one role is told.
#[derive(Debug, clap::Args)]
pub struct Process<C: clap::Args> {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    config: C,
}

impl Serve {
    /// Runs the role until the process is asked to stop.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Ledger(it) => {
                it.run(Role::Ledger, |it, _, all| it.check(all), ledger::serve)
                    .await
            }
            Self::Intake(it) => {
                it.run(Role::Intake, |it, _, all| it.check(all), intake::serve)
                    .await
            }
            Self::Routing(it) => it.run(Role::Routing, |_, _, _| {}, routing::serve).await,
            Self::Notification(it) => {
                it.run(
                    Role::Notification,
                    |it, _, all| it.check(all),
                    notification::serve,
                )
                .await
            }
            Self::Analytics(it) => {
                it.run(
                    Role::Analytics,
                    |it, _, all| it.check(all),
                    analytics::serve,
                )
                .await
            }
            Self::Gateway(it) => {
                it.run(
                    Role::Gateway,
                    |it, ours, all| it.check(ours, all),
                    gateway::serve,
                )
                .await
            }
        }
    }
}

type Ours = [vocabulary::Municipality];

impl<C: clap::Args> Process<C> {
    async fn run<F>(
        self,
        role: Role,
        check: impl Fn(&C, &Ours, &mut Mistakes),
        serve: impl FnOnce(C, Platform) -> F,
    ) -> anyhow::Result<ExitCode>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let mut mistakes = Mistakes::default();
        let municipalities = self.common.municipalities(&mut mistakes);
        let listen = self.cluster.listen(&mut mistakes);
        let admin = self.cluster.admin(&mut mistakes);
        let addresses = self.cluster.addresses(role, &mut mistakes);
        let nats = nats::addresses(self.cluster.nats.as_ref(), &mut mistakes);
        check(&self.config, &municipalities, &mut mistakes);
        let telemetry = process::begin(name(role), &self.common, mistakes);
        let (Some(_telemetry), Some(listen)) = (telemetry, listen) else {
            return Ok(ExitCode::from(process::USAGE));
        };

        let (tasks, health) = (Tasks::default(), Health::default());
        let nats = if nats.is_empty() {
            None
        } else {
            match nats::connect(nats, name(role), &tasks).await {
                Ok(client) => Some(client),
                Err(error) => {
                    tracing::error!(
                        error = format!("{error:#}"),
                        "NATS cannot be used: {error:#}"
                    );
                    return Ok(ExitCode::from(process::UNAVAILABLE));
                }
            }
        };
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("--listen {listen}"))?;
        let bound = listener.local_addr()?;
        let admin = match admin {
            Some(admin) => Some(
                TcpListener::bind(admin)
                    .await
                    .with_context(|| format!("--admin {admin}"))?,
            ),
            None => None,
        };
        let admin_bound = admin.as_ref().map(TcpListener::local_addr).transpose()?;
        let itself =
            Endpoint::from_shared(format!("http://{}", process::from_here(bound)))?.connect_lazy();
        process::ready_when_it_answers(&tasks, &health, role, itself);
        if let Some(admin) = admin {
            let (routes, stopping) = (health.routes(), tasks.clone());
            tasks.spawn_to_end("admin", async move {
                let stopping = async move { stopping.stopping().await };
                Ok(axum::serve(admin, routes)
                    .with_graceful_shutdown(stopping)
                    .await?)
            });
        }

        let shared = Shared {
            clock: Clock::System,
            tasks: tasks.clone(),
            health: health.clone(),
            municipalities: municipalities.into(),
            data: self.common.data,
            network: Network::Ports(Arc::new(addresses)),
            nats,
        };
        let platform = shared
            .role(role, Some(Listener::Port(listener)))
            .context("--data")?;
        process::run_role(&tasks, role, serve(self.config, platform));
        let admin = admin_bound.map(|it| it.to_string());
        tracing::info!(role = role.as_str(), listen = %bound, admin, "{role} serves gRPC on {bound}");
        process::until_stopped(&[&tasks], &health).await
    }
}

/// What the process is called in traces.
fn name(role: Role) -> &'static str {
    match role {
        Role::Ledger => "cozum-ledger",
        Role::Intake => "cozum-intake",
        Role::Routing => "cozum-routing",
        Role::Notification => "cozum-notification",
        Role::Analytics => "cozum-analytics",
        Role::Gateway => "cozum-gateway",
    }
}
