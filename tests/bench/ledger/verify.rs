//! The auditor over a whole exported log, against reading the same files and hashing them.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use chassis::Role;
use serde_json::json;
use tests::{
    City, files,
    process::{Launch, free_port},
};

use crate::{
    Choice,
    centre::{CITY, Centre},
    follow,
    report::{Report, rounded},
    turn::median,
};

const OF_CEILING: f64 = 0.5;
/// How long an export may take.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) async fn measure(
    choice: &Choice,
    report: &mut Report,
    centre: &Centre,
) -> anyhow::Result<()> {
    follow::filled(centre).await?;
    let out = tempfile::Builder::new()
        .prefix("cozum-bench-bundle-")
        .tempdir()?;
    let bundle = out.path().join("bundle");
    let started = Instant::now();
    let exported = exported(centre, &bundle).await?;
    let events = centre.head().await?;
    report.line(format!(
        "\nVerifying {events} events, from a bundle that took {:.1} s to export ({exported} MiB)",
        started.elapsed().as_secs_f64()
    ));
    let (mut ours, mut hashing) = (Vec::new(), Vec::new());
    for _ in 0..choice.rounds {
        let started = Instant::now();
        hashed(&bundle)?;
        hashing.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        let found = auditor::verify(&bundle, &auditor::Asked::default());
        ours.push(started.elapsed().as_secs_f64());
        anyhow::ensure!(found.is_sound(), "{found}");
    }
    let (ours, hashing) = (median(ours.into_iter()), median(hashing.into_iter()));
    for (label, seconds) in [("read + SHA-256", hashing), ("the auditor", ours)] {
        report.line(format!("  {label:<16} {seconds:>7.3} s"));
    }
    let ratio = hashing / ours.max(f64::MIN_POSITIVE);
    report.put(
        "verify",
        json!({ "ours_seconds": rounded(ours), "read_sha256_seconds": rounded(hashing) }),
    );
    report.put("ratios.verify_vs_read_sha256", json!(rounded(ratio)));
    report.at_least("verify, read + SHA-256 / ours", ratio, OF_CEILING);
    Ok(())
}

/// Reads every file of the bundle and hashes it once, a tile's worth at a time.
fn hashed(bundle: &Path) -> anyhow::Result<()> {
    for path in files::below(bundle)? {
        let bytes = std::fs::read(path)?;
        std::hint::black_box(digest::digest(&digest::SHA256, &bytes));
    }
    Ok(())
}

/// `cozum audit export`, as the auditor does it: through a gateway. Gives the bundle's size in MiB.
async fn exported(centre: &Centre, bundle: &Path) -> anyhow::Result<u64> {
    let token = City::token(CITY);
    let (data, address) = (tempfile::tempdir()?, format!("127.0.0.1:{}", free_port()?));
    let base = format!("http://{address}");
    let mut gateway = Launch::new("gateway", ["serve", "gateway", "--municipalities", CITY])
        .arg("--data")
        .arg(data.path().to_string_lossy())
        .arg("--http")
        .arg(&address)
        .arg("--tokens")
        .arg(format!("{CITY}/desk={token}"))
        .arg("--ledger-url")
        .arg(&centre.url);
    // It forwards to the ledger only: nobody else needs to be there.
    for role in [
        Role::Intake,
        Role::Routing,
        Role::Notification,
        Role::Analytics,
    ] {
        gateway = gateway
            .arg(format!("--{role}-url"))
            .arg(format!("http://127.0.0.1:{}", free_port()?));
    }
    let mut gateway = gateway.ready_at(format!("{base}/livez")).start().await?;
    let output = Launch::new(
        "export",
        ["audit", "export", "--server", &base, "--token", &token],
    )
    .arg("--out")
    .arg(bundle.to_string_lossy())
    .within(PATIENCE)
    .run()
    .await?;
    gateway.kill9()?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut bytes = 0;
    for path in files::below(bundle)? {
        bytes += std::fs::metadata(path)?.len();
    }
    Ok(bytes >> 20)
}
