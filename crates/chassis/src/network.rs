use std::{
    collections::BTreeMap,
    fmt, io,
    net::SocketAddr,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{Stream, StreamExt as _, future::Either};
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::{
    io::DuplexStream,
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::transport::{Channel, Endpoint};

/// HTTP/2 windows: large enough that a follower's batches never wait for a window update.
pub(crate) const WINDOW: u32 = 4 << 20;

/// Room for what is on its way between two roles of one process.
const PIPE: usize = 1 << 20;

/// One service, in one process or one of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The append-only log.
    Ledger,
    /// Contacts, requests, personal data.
    Intake,
    /// The unit's work, and the directory.
    Routing,
    /// Messages to citizens.
    Notification,
    /// Counts.
    Analytics,
    /// HTTP.
    Gateway,
}

impl Role {
    /// All six, in the order in which they start.
    pub const ALL: [Self; 6] = [
        Self::Ledger,
        Self::Intake,
        Self::Routing,
        Self::Notification,
        Self::Analytics,
        Self::Gateway,
    ];

    /// The name in commands, metadata and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Intake => "intake",
            Self::Routing => "routing",
            Self::Notification => "notification",
            Self::Analytics => "analytics",
            Self::Gateway => "gateway",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or_else(|| {
                "a role is one of: ledger, intake, routing, notification, analytics, gateway"
                    .to_owned()
            })
    }
}

/// How roles reach each other: over ports, or over in-memory streams. They talk gRPC either way.
#[derive(Debug, Clone)]
pub enum Network {
    /// Each role at its address.
    Ports(Arc<BTreeMap<Role, Uri>>),
    /// All roles in this process.
    Memory(Memory),
}

type Doors = BTreeMap<Role, mpsc::UnboundedSender<io::Result<DuplexStream>>>;

/// The doors of the roles of this process.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    doors: Arc<Mutex<Doors>>,
}

impl Network {
    /// A network inside this process.
    #[must_use]
    pub fn memory() -> Self {
        Self::Memory(Memory::default())
    }

    /// A channel to a role: connects at the first call, and again whenever the role was away.
    #[must_use]
    pub fn channel(&self, role: Role) -> Channel {
        match self {
            Self::Ports(addresses) => {
                let uri = addresses
                    .get(&role)
                    .cloned()
                    .unwrap_or_else(|| Uri::from_static("http://unconfigured.invalid"));
                endpoint(Endpoint::from(uri)).connect_lazy()
            }
            Self::Memory(memory) => {
                let doors = Arc::clone(&memory.doors);
                let connect = tower::service_fn(move |_: Uri| {
                    let stream = knock(&doors, role);
                    async move { stream.map(TokioIo::new) }
                });
                endpoint(Endpoint::from_static("http://memory.invalid"))
                    .connect_with_connector_lazy(connect)
            }
        }
    }
}

fn endpoint(endpoint: Endpoint) -> Endpoint {
    endpoint
        .connect_timeout(Duration::from_secs(2))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .initial_stream_window_size(WINDOW)
        // Streams bound what is held; a connection-wide bound would let one unread stream hold up all the others.
        .initial_connection_window_size((1 << 31) - 1)
}

fn knock(doors: &Mutex<Doors>, role: Role) -> io::Result<DuplexStream> {
    let absent = || {
        io::Error::new(
            io::ErrorKind::ConnectionRefused,
            format!("{role} is not there yet"),
        )
    };
    let doors = doors.lock().unwrap_or_else(PoisonError::into_inner);
    let door = doors.get(&role).ok_or_else(absent)?;
    let (ours, theirs) = tokio::io::duplex(PIPE);
    door.send(Ok(theirs)).map_err(|_| absent())?;
    Ok(ours)
}

/// Where a role waits for calls.
#[derive(Debug)]
pub enum Listener {
    /// A port, bound already.
    Port(TcpListener),
    /// The role's door in this process.
    Door(mpsc::UnboundedReceiver<io::Result<DuplexStream>>),
}

impl Listener {
    /// Binds a port.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        TcpListener::bind(address).await.map(Self::Port)
    }

    /// Opens a role's door.
    #[must_use]
    pub fn door(memory: &Memory, role: Role) -> Self {
        let (door, waiting) = mpsc::unbounded_channel();
        memory
            .doors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(role, door);
        Self::Door(waiting)
    }

    pub(crate) fn incoming(
        self,
    ) -> Either<
        impl Stream<Item = io::Result<TcpStream>>,
        impl Stream<Item = io::Result<DuplexStream>>,
    > {
        match self {
            Self::Port(listener) => Either::Left(TcpListenerStream::new(listener).map(|stream| {
                stream.inspect(|stream| {
                    // A reply is one small frame: waiting to fill a packet would only add latency.
                    let _ = stream.set_nodelay(true);
                })
            })),
            Self::Door(waiting) => Either::Right(UnboundedReceiverStream::new(waiting)),
        }
    }
}
