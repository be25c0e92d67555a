//! A process from its configuration to its end.

use std::{future::Future, net::SocketAddr, path::Path, process::ExitCode, time::Duration};

use anyhow::Context as _;
use chassis::{
    Health, Role, Tasks,
    config::{Common, Hidden, Mistakes},
    telemetry::{self, Telemetry},
};
use tokio::signal::unix::{SignalKind, signal};
use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

/// The configuration is wrong (sysexits: EX_USAGE).
pub(crate) const USAGE: u8 = 64;
/// Something we stand on cannot be used (sysexits: EX_UNAVAILABLE).
pub(crate) const UNAVAILABLE: u8 = 69;
/// A task failed (sysexits: EX_SOFTWARE).
const FAILED: u8 = 70;

/// How long calls in hand may take after a process was asked to stop.
const LAST_CALLS: Duration = Duration::from_secs(5);
/// How long all tasks may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// Starts telemetry and tells every mistake at once; `None` if there was any.
#[expect(
    clippy::print_stderr,
    reason = "a wrong configuration is told to who wrote it, before logs begin"
)]
pub(crate) fn begin(
    name: &'static str,
    common: &Common,
    mut mistakes: Mistakes,
) -> Option<Telemetry> {
    if let Err(problem) = writable(&common.data) {
        mistakes.add("--data", format!("{}: {problem}", common.data.display()));
    }
    let telemetry = telemetry::start(name, &common.log, common.otlp.as_ref().map(Hidden::expose))
        .inspect_err(|problem| mistakes.add("--log, --otlp", format!("{problem:#}")));
    if let Err(mistakes) = mistakes.check() {
        eprintln!("{mistakes}");
        return None;
    }
    telemetry.ok()
}

/// Makes the data folder, and sees that files can be made in it.
fn writable(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(probe)
}

/// Runs a role until the process stops; calls in hand are finished.
pub(crate) fn run_role<F>(tasks: &Tasks, role: Role, serve: F)
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let stopping = tasks.clone();
    tasks.spawn_to_end(role.as_str(), async move {
        let last_calls = async {
            stopping.stopping().await;
            tokio::time::sleep(LAST_CALLS).await;
        };
        tokio::select! {
            ended = serve => ended.with_context(|| role.to_string())?,
            () = last_calls => {}
        }
        anyhow::ensure!(stopping.is_stopping(), "{role} ended by itself");
        Ok(())
    });
}

/// The role is not ready until its gRPC answers on `channel`.
pub(crate) fn ready_when_it_answers(tasks: &Tasks, health: &Health, role: Role, channel: Channel) {
    health.not_ready(role.as_str(), "does not answer yet");
    let health = health.clone();
    tasks.spawn("ready", async move {
        let mut client = HealthClient::new(channel);
        while client.check(HealthCheckRequest::default()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        health.ready(role.as_str());
        Ok(())
    });
}

/// Where this machine itself reaches an address that something listens on.
pub(crate) fn from_here(listening: SocketAddr) -> SocketAddr {
    let mut address = listening;
    if address.ip().is_unspecified() {
        let here: std::net::IpAddr = if address.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        };
        address.set_ip(here);
    }
    address
}

/// Waits for SIGTERM, Ctrl-C or a task that fails; then stops one stage after the other: what others stand on goes last.
/// 0 only where a person asked for it.
pub(crate) async fn until_stopped(stages: &[&Tasks], health: &Health) -> anyhow::Result<ExitCode> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let asked = tokio::select! {
        _ = terminate.recv() => true,
        _ = interrupt.recv() => true,
        _ = futures::future::select_all(stages.iter().map(|it| Box::pin(it.stopping()))) => false,
    };
    tracing::info!("stopping");
    health.not_ready("process", "is stopping");
    for stage in stages {
        stage.finish(GRACE).await;
    }
    Ok(if asked {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_reaches_itself_wherever_it_listens() {
        let here = |text: &str| from_here(text.parse().unwrap()).to_string();
        assert_eq!(here("0.0.0.0:7000"), "127.0.0.1:7000");
        assert_eq!(here("[::]:7000"), "[::1]:7000");
        assert_eq!(here("10.0.0.7:7000"), "10.0.0.7:7000");
    }

    #[test]
    fn a_data_folder_is_made_and_one_that_cannot_be_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(writable(&folder.path().join("a/b")).is_ok());
        std::fs::write(folder.path().join("file"), b"").unwrap();
        assert!(writable(&folder.path().join("file")).is_err());
    }
}
