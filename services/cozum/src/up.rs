//! `cozum up`: every role in this process, on SQLite, talking gRPC over in-memory streams.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context as _;
use chassis::{
    Clock, Health, Network, Role, Shared, Tasks,
    config::{Common, Hidden, Mistakes},
};

use crate::{demo, process};

/// How many appends of a municipality may wait.
const QUEUE: u32 = 4096;

/// Any port of this machine.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Everything `cozum up` can be told
#[derive(Debug, clap::Args)]
pub struct Up {
    #[command(flatten)]
    common: Common,
    /// Address of the portal, Open311, the commands, /livez, /readyz and /metrics
    #[arg(
        long,
        env = "COZUM_HTTP",
        default_value = "127.0.0.1:8153",
        value_name = "ADDR"
    )]
    listen: String,
    /// Fills the first municipality with a made-up city, once; its Open311 key and token are "demo", its accounts operator, desk, unit, supervisor, auditor, admin with that password
    #[arg(long)]
    demo: bool,
    /// Open311 keys that may file requests: municipality=key or municipality/client=key, separated by commas
    #[arg(
        long,
        env = "COZUM_OPEN311_KEYS",
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    open311_keys: Hidden,
    /// Tokens of command-line tools: municipality=token or municipality/name=token, separated by commas
    #[arg(
        long,
        env = "COZUM_TOKENS",
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    tokens: Hidden,
    /// The URL under which citizens reach the portal, where a proxy stands in front
    #[arg(long, env = "COZUM_PUBLIC_URL")]
    public_url: Option<String>,
    #[command(flatten)]
    access: gateway::Access,
    /// Outlines of the districts for the portal's map, in GeoJSON: municipality=FILE, separated by commas
    #[arg(
        long,
        env = "COZUM_DISTRICTS",
        default_value = "",
        hide_default_value = true
    )]
    districts: String,
    /// Mail server, smtp://user:password@host:port or smtps://…; nobody is told by e-mail without one
    #[arg(long, env = "COZUM_SMTP", hide_env_values = true)]
    smtp: Option<notification::SmtpUrl>,
    /// Sender of all mails, e.g. "Çözüm Merkezi <cozum@belediye.example>"
    #[arg(long, env = "COZUM_MAIL_FROM")]
    mail_from: Option<String>,
    /// Where the log is kept: sqlite:FOLDER or postgres://USER@HOST/DATABASE; by default SQLite in the data folder
    #[arg(
        long,
        env = "COZUM_LEDGER_STORE",
        hide_env_values = true,
        value_name = "URL"
    )]
    ledger_store: Option<Hidden>,
    /// Where the data keys are kept, sqlite:FILE or postgres://…; by default a file in the data folder
    #[arg(
        long,
        env = "COZUM_VAULT_STORE",
        hide_env_values = true,
        value_name = "URL"
    )]
    vault_store: Option<Hidden>,
    /// File with the master key; by default one in the data folder, made at the first start
    #[arg(long, env = "COZUM_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// Days between two runs of the retention rules, at most 180 (six months); without a rule nothing is destroyed
    #[arg(long, env = "COZUM_DESTROY_EVERY", value_name = "DAYS", default_value_t = intake::DESTROY_EVERY)]
    destroy_every: u32,
    /// File with the key that signs the log; by default one in the data folder, made at the first start
    #[arg(long, env = "COZUM_SIGNING_KEY_FILE", value_name = "FILE")]
    signing_key_file: Option<PathBuf>,
    /// What the logs are called in what is signed; by default the public URL of /log without https://
    #[arg(long, env = "COZUM_LOG_ORIGIN", value_name = "NAME")]
    log_origin: Option<String>,
    #[command(flatten)]
    witnessing: ledger::witness::Witnessing,
}

/// The six roles' own settings.
struct Configs {
    ledger: ledger::Config,
    intake: intake::Config,
    routing: routing::Config,
    notification: notification::Config,
    analytics: analytics::Config,
    gateway: gateway::Config,
}

impl Up {
    /// Runs the centre until the process is asked to stop.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let mut mistakes = Mistakes::default();
        let municipalities = self.common.municipalities(&mut mistakes);
        // A wrong address is told with the other mistakes, and nothing begins.
        let listen = mistakes
            .read::<SocketAddr>("--listen", &self.listen)
            .unwrap_or(ANYWHERE);
        let configs = self.configs(listen);
        configs.ledger.check(&mut mistakes);
        configs.intake.check(&mut mistakes);
        configs.notification.check(&mut mistakes);
        configs.analytics.check(&mut mistakes);
        configs.gateway.check(&municipalities, &mut mistakes);
        let Some(_telemetry) = process::begin("cozum", &self.common, mistakes) else {
            return Ok(ExitCode::from(process::USAGE));
        };

        let shared = Shared {
            clock: Clock::System,
            tasks: Tasks::default(),
            health: Health::default(),
            municipalities: municipalities.into(),
            data: self.common.data,
            network: Network::memory(),
            nats: None,
        };
        if self.demo {
            shared
                .health
                .not_ready(demo::PART, "the demo city is being written");
        }
        // The ledger outlives the others, so that what they do last is recorded.
        let beneath = Shared {
            tasks: Tasks::default(),
            ..shared.clone()
        };
        start(configs, &shared, &beneath)?;
        if self.demo {
            let shared_by_demo = shared.clone();
            shared
                .tasks
                .spawn("demo", async move { demo::seed(&shared_by_demo).await });
        }
        tracing::info!(listen = %listen, "the centre is coming up on http://{listen}");
        process::until_stopped(&[&shared.tasks, &beneath.tasks], &shared.health).await
    }

    fn log_origin(&self) -> String {
        let host = |url: &String| {
            let host = url.split_once("://").map_or(url.as_str(), |(_, it)| it);
            format!("{}/log", host.trim_end_matches('/'))
        };
        let named = self.log_origin.clone();
        named
            .or_else(|| self.public_url.as_ref().map(host))
            .unwrap_or_else(|| "localhost/log".to_owned())
    }

    fn configs(&self, listen: SocketAddr) -> Configs {
        let public_url = self.public_url.clone();
        let here = format!("http://localhost:{}", listen.port());
        let data = &self.common.data;
        Configs {
            ledger: ledger::Config {
                store: self.ledger_store.clone(),
                queue: QUEUE,
                nats_replicas: 1,
                signing_key_file: self.signing_key_file.clone(),
                origin: self.log_origin(),
                witnessing: self.witnessing.clone(),
            },
            intake: intake::Config {
                vault_store: self.vault_store.clone(),
                master_key_file: Some(
                    self.master_key_file
                        .clone()
                        .unwrap_or_else(|| data.join("master.key")),
                ),
                destroy_every: self.destroy_every,
                create_master_key: true,
            },
            routing: routing::Config::default(),
            notification: notification::Config {
                smtp: self.smtp.clone(),
                mail_from: self.mail_from.clone(),
                public_url: public_url.clone().unwrap_or(here),
                ..notification::Config::default()
            },
            analytics: analytics::Config::default(),
            gateway: gateway::Config {
                http: listen.to_string(),
                open311_keys: self.open311_keys.expose().to_owned(),
                tokens: self.tokens.expose().to_owned(),
                public_url,
                access: self.access.clone(),
                districts: self.districts.clone(),
                outlines: self.demo.then(demo::outlines),
                demo: self.demo,
            },
        }
    }
}

/// Starts all roles; each is ready when it answers.
fn start(configs: Configs, shared: &Shared, beneath: &Shared) -> anyhow::Result<()> {
    let platform = |role| {
        let shared = if role == Role::Ledger {
            beneath
        } else {
            shared
        };
        shared
            .role(role, None)
            .with_context(|| format!("--data: {}", shared.data.display()))
    };
    let tasks = &shared.tasks;
    // The doors stand before anybody knocks.
    let (ledger, intake, routing) = (
        platform(Role::Ledger)?,
        platform(Role::Intake)?,
        platform(Role::Routing)?,
    );
    let (notification, analytics) = (platform(Role::Notification)?, platform(Role::Analytics)?);
    let gateway = platform(Role::Gateway)?;
    for role in Role::ALL {
        process::ready_when_it_answers(tasks, &shared.health, role, shared.network.channel(role));
    }
    process::run_role(
        &beneath.tasks,
        Role::Ledger,
        ledger::serve(configs.ledger, ledger),
    );
    process::run_role(tasks, Role::Intake, intake::serve(configs.intake, intake));
    process::run_role(
        tasks,
        Role::Routing,
        routing::serve(configs.routing, routing),
    );
    process::run_role(
        tasks,
        Role::Notification,
        notification::serve(configs.notification, notification),
    );
    process::run_role(
        tasks,
        Role::Analytics,
        analytics::serve(configs.analytics, analytics),
    );
    process::run_role(
        tasks,
        Role::Gateway,
        gateway::serve(configs.gateway, gateway),
    );
    Ok(())
}
