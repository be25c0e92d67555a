//! Free ports that stay free while a server is down.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::{Ipv4Addr, TcpListener},
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
};

use anyhow::Context as _;

/// Below the range the kernel gives to outgoing connections: no client of a running test takes the port of a killed server.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A port nobody listens on, and no other test of this process was given.
pub(crate) fn free() -> anyhow::Result<u16> {
    static START: OnceLock<u16> = OnceLock::new();
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let start = START.get_or_init(|| {
        let random = RandomState::new().hash_one(std::process::id());
        u16::try_from(random % u64::from(COUNT)).unwrap_or_default()
    });
    (0..COUNT)
        .map(|_| FIRST + (start + GIVEN.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("no free port")
}

/// Ends with success when something accepts connections on `port`.
pub(crate) async fn answers(port: u16) -> anyhow::Result<()> {
    tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .map(|_| ())
        .with_context(|| format!("nothing answers on port {port}"))
}
