use std::time::Duration;

use anyhow::Context as _;
use async_nats::{Client, ConnectOptions, ServerAddr, connection::State};
use chassis::{
    Tasks,
    config::{Hidden, Mistakes},
};
use ledger::relay::check_server;

/// How long the start waits for NATS to answer; a NATS that is away does not stop a process.
const FIRST_ANSWER: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Where NATS is, if anywhere.
pub(crate) fn addresses(setting: Option<&Hidden>, mistakes: &mut Mistakes) -> Vec<ServerAddr> {
    let Some(setting) = setting else {
        return vec![];
    };
    setting
        .expose()
        .split(',')
        .filter_map(|it| mistakes.read("--nats", it.trim()))
        .collect()
}

/// Connects, now or whenever NATS is there; a server that is too old is refused now, or stops the process later.
pub(crate) async fn connect(
    addresses: Vec<ServerAddr>,
    name: &str,
    tasks: &Tasks,
) -> anyhow::Result<Client> {
    let options = ConnectOptions::new().name(name).retry_on_initial_connect();
    let client = options.connect(addresses).await.context("--nats")?;
    if tokio::time::timeout(FIRST_ANSWER, connected(&client))
        .await
        .is_ok()
    {
        check_server(&client.server_info().version)?;
    } else {
        tracing::warn!("NATS does not answer yet");
        let client = client.clone();
        tasks.spawn("nats.version", async move {
            connected(&client).await;
            check_server(&client.server_info().version)
        });
    }
    Ok(client)
}

async fn connected(client: &Client) {
    while client.connection_state() != State::Connected || client.server_info().version.is_empty() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
