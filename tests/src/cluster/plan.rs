//! Ports, folders and flags of the six processes.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::Context as _;
use chassis::Role;
use tempfile::TempDir;

use crate::{City, port, process::Launch, traces::Collector};

/// 32 bytes as hexadecimal text. A test's secret is no secret.
const MASTER_KEY: &str = "6b65792d6f662d612d746573742d636974792d616e642d6e6f626f6479277321";

/// What each process is told; the ports stay the same over every restart.
#[derive(Debug)]
pub(super) struct Plan {
    folder: TempDir,
    ports: BTreeMap<(Role, Door), u16>,
    common: Vec<String>,
    own: BTreeMap<Role, Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Door {
    Grpc,
    Admin,
}

impl Plan {
    pub(super) fn new(
        municipalities: &[&str],
        folder: TempDir,
        log: &str,
        keys: &str,
        nats: &str,
        smtp: &str,
        otlp: &str,
    ) -> anyhow::Result<Self> {
        let master_key = folder.path().join("master.key");
        fs::write(&master_key, MASTER_KEY)?;
        fs::set_permissions(&master_key, fs::Permissions::from_mode(0o600))?;
        let master_key = master_key.to_str().context("a path in UTF-8")?.to_owned();

        let mut ports = BTreeMap::new();
        for role in Role::ALL {
            for door in [Door::Grpc, Door::Admin] {
                ports.insert((role, door), port::free()?);
            }
        }
        let mut plan = Self {
            folder,
            ports,
            common: Vec::new(),
            own: BTreeMap::new(),
        };
        let pairs = |holder: &str, of: fn(&str) -> String| {
            let pair = |it: &&str| format!("{it}/{holder}={}", of(it));
            let pairs: Vec<String> = municipalities.iter().map(pair).collect();
            pairs.join(",")
        };
        plan.common = flags(&[
            ("--municipalities", &municipalities.join(",")),
            ("--nats", nats),
            ("--otlp", otlp),
        ]);
        for role in Role::ALL.into_iter().filter(|it| *it != Role::Gateway) {
            let flag = format!("--{role}-url");
            let url = plan.grpc(role);
            plan.common.extend(flags(&[(&flag, &url)]));
        }
        let base = plan.base();
        let http = plan.address(Role::Gateway, Door::Admin);
        plan.own = BTreeMap::from([
            (Role::Ledger, flags(&[("--ledger-store", log)])),
            (
                Role::Intake,
                flags(&[("--vault-store", keys), ("--master-key-file", &master_key)]),
            ),
            (
                Role::Notification,
                flags(&[
                    ("--smtp", smtp),
                    ("--mail-from", "centre@example.org"),
                    // After a crash, an attempt without an outcome is left alone for this long and a little more.
                    ("--send-limit", "5"),
                    ("--public-url", &base),
                ]),
            ),
            (
                Role::Gateway,
                flags(&[
                    ("--http", &http),
                    ("--open311-keys", &pairs("app", City::key)),
                    ("--tokens", &pairs("desk", City::token)),
                    // All tests ask from one address; `e2e/access.rs` has a centre that counts.
                    ("--limit-public", "off"),
                    ("--limit-filing", "off"),
                    ("--limit-tracking", "off"),
                ]),
            ),
        ]);
        Ok(plan)
    }

    /// `cozum serve <role>` with its flags.
    pub(super) fn launch(&self, role: Role) -> Launch {
        let data = self.folder.path().join(role.as_str());
        let mut args = vec!["serve".to_owned(), role.as_str().to_owned()];
        args.extend(flags(&[("--data", &data.to_string_lossy())]));
        if role != Role::Gateway {
            args.extend(flags(&[
                ("--listen", &self.address(role, Door::Grpc)),
                ("--admin", &self.address(role, Door::Admin)),
            ]));
        }
        args.extend(self.common.iter().cloned());
        args.extend(self.own.get(&role).cloned().unwrap_or_default());
        let launch =
            Launch::new(role.as_str(), args).ready_at(format!("{}/readyz", self.admin(role)));
        Collector::environment()
            .into_iter()
            .fold(launch, |launch, (name, value)| launch.env(name, value))
    }

    pub(super) fn base(&self) -> String {
        self.admin(Role::Gateway)
    }

    pub(super) fn grpc(&self, role: Role) -> String {
        format!("http://{}", self.address(role, Door::Grpc))
    }

    pub(super) fn admin(&self, role: Role) -> String {
        format!("http://{}", self.address(role, Door::Admin))
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn address(&self, role: Role, door: Door) -> String {
        let port = self.ports.get(&(role, door)).copied().unwrap_or_default();
        format!("127.0.0.1:{port}")
    }
}

fn flags(pairs: &[(&str, &str)]) -> Vec<String> {
    let words = pairs.iter().flat_map(|(flag, value)| [*flag, *value]);
    words.map(str::to_owned).collect()
}
