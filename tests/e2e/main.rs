//! The centre as its citizens, its staff and its operator meet it: six processes of the real binary on a real PostgreSQL, a
//! real NATS and a real mail server. Each test tells one story from outside; the tests of a story have a municipality to
//! themselves, so that they share the processes without disturbing each other.

mod access;
mod api;
mod as_of;
mod audit;
mod bad_input;
mod bad_rows;
mod citizens;
mod console;
mod erasure;
mod health;
mod home;
mod import;
mod notices;
mod open311;
mod own_data;
mod portal;
mod questions;
mod retention;
mod search;
mod secrets;
mod service_standard;
mod settings;
mod trace;
mod turkish;
mod two_cities;
mod webhooks;
mod witnesses;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use tests::{City, Cluster, cluster::Shared, eventually, smtp::Mail};

/// A story each.
const CITIES: [&str; 15] = [
    "ova", "koy", "liman", "sir", "aktarim", "yazi", "satir", "sure", "acik", "arayuz", "bul",
    "denet", "unut", "benim", "bildir",
];

/// How long a mail may take that nothing holds up.
const SOON: Duration = Duration::from_secs(30);

/// The cluster that all these tests share.
async fn cluster() -> anyhow::Result<Arc<Cluster>> {
    static CLUSTER: Shared = Shared::new();
    CLUSTER.get(&CITIES).await
}

/// A citizen's mails, once there are `count`.
async fn mails(cluster: &Cluster, address: &str, count: usize) -> anyhow::Result<Vec<Mail>> {
    eventually(SOON, &format!("{count} mails to {address}"), async || {
        let mut mails = cluster.smtp.messages()?;
        mails.retain(|it| it.to == [address]);
        anyhow::ensure!(
            mails.len() >= count,
            "{:?}",
            mails.iter().map(|it| &it.subject).collect::<Vec<_>>()
        );
        Ok(mails)
    })
    .await
}

/// A file of this repository, by its path from the top.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(path)
}

/// A command's standard output, and its standard error and exit code.
struct Said {
    out: String,
    err: String,
    code: i32,
}

/// Runs `cozum <args>` as a city's operator.
async fn say(city: &City, args: &[&str]) -> anyhow::Result<Said> {
    let output = city.cli(args).run().await?;
    Ok(Said {
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
        code: output.status.code().context("ended by a signal")?,
    })
}
