use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};

use tonic::transport::Channel;
use vocabulary::Municipality;

use crate::{
    Caller, Clock, Feed, Health, Ids, Ledger, Network, Role, Tasks, feed::Source, heads::Heads,
    network::Listener,
};

/// What a service stands on. In one process each role has its own, with the same tasks, health and network.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Which service this is.
    pub role: Role,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where ids come from.
    pub ids: Ids,
    /// What runs, and when to stop.
    pub tasks: Tasks,
    /// What is not ready yet.
    pub health: Health,
    /// Whose logs are served here; the first is the default.
    pub municipalities: Arc<[Municipality]>,
    /// This role's own folder.
    pub data: PathBuf,
    listener: Arc<std::sync::Mutex<Option<Listener>>>,
    channels: Arc<BTreeMap<Role, Channel>>,
    nats: Option<async_nats::Client>,
    heads: Heads,
}

/// What the roles of one process share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Where the time comes from.
    pub clock: Clock,
    /// What runs, and when to stop.
    pub tasks: Tasks,
    /// What is not ready yet.
    pub health: Health,
    /// Whose logs are served here; not empty.
    pub municipalities: Arc<[Municipality]>,
    /// The folder that holds a folder per role.
    pub data: PathBuf,
    /// How roles reach each other.
    pub network: Network,
    /// NATS, where events are relayed; the ledger alone otherwise.
    pub nats: Option<async_nats::Client>,
}

impl Shared {
    /// The platform of one role; `listener` is where its gRPC waits (in memory: its door).
    pub fn role(&self, role: Role, listener: Option<Listener>) -> io::Result<Platform> {
        let listener = match (&self.network, listener) {
            (_, Some(listener)) => Some(listener),
            (Network::Memory(memory), None) => Some(Listener::door(memory, role)),
            (Network::Ports(_), None) => None,
        };
        let data = self.data.join(role.as_str());
        std::fs::create_dir_all(&data)?;
        Ok(Platform {
            role,
            clock: self.clock.clone(),
            ids: Ids,
            tasks: self.tasks.clone(),
            health: self.health.clone(),
            municipalities: Arc::clone(&self.municipalities),
            data,
            listener: Arc::new(std::sync::Mutex::new(listener)),
            channels: Arc::new(
                Role::ALL
                    .into_iter()
                    .map(|it| (it, self.network.channel(it)))
                    .collect(),
            ),
            nats: self.nats.clone(),
            heads: Heads::new(self.tasks.clone()),
        })
    }
}

impl Platform {
    /// A channel to another role.
    #[must_use]
    pub fn channel(&self, role: Role) -> Channel {
        self.channels[&role].clone()
    }

    /// The ledger of a municipality.
    #[must_use]
    pub fn ledger(&self, municipality: &Municipality) -> Ledger {
        Ledger::new(self.channel(Role::Ledger), self.system(municipality))
    }

    /// This service itself, as a caller.
    #[must_use]
    pub fn system(&self, municipality: &Municipality) -> Caller {
        Caller::new(
            self.role,
            municipality.clone(),
            format!("system:{}", self.role),
        )
    }

    /// Every event of a municipality after a position, and then each new one.
    #[must_use]
    pub fn feed(&self, municipality: &Municipality, after: u64) -> Feed {
        let ledger = self.ledger(municipality);
        let source = match &self.nats {
            Some(client) => Source::Nats(client.clone(), self.heads.of(&ledger)),
            None => Source::Ledger,
        };
        Feed::new(source, ledger, after)
    }

    /// Whoever finds that the log ends before where it was thought to has its head asked for anew.
    pub fn forget_head(&self, municipality: &Municipality) {
        self.heads.forget(municipality);
    }

    /// NATS, where this deployment has it.
    #[must_use]
    pub fn nats(&self) -> Option<&async_nats::Client> {
        self.nats.as_ref()
    }

    /// Whether a municipality is served here.
    #[must_use]
    pub fn knows(&self, municipality: &Municipality) -> bool {
        self.municipalities.contains(municipality)
    }

    pub(crate) fn take_listener(&self) -> Option<Listener> {
        self.listener
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    }
}
