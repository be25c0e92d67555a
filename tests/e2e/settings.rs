//! A wrong setting is told before a port opens, and all wrong settings at once.

use std::time::Duration;

use tests::process::{Launch, free_port};

/// The exit code of sysexits.h for a wrong command line.
const USAGE: i32 = 64;

async fn told(args: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
    let data = tempfile::tempdir()?;
    let launch = Launch::new("misconfigured", args.iter().copied())
        .arg("--data")
        .arg(data.path().to_string_lossy())
        .within(Duration::from_secs(20));
    let output = launch.run().await?;
    Ok((output.status.code(), String::from_utf8(output.stderr)?))
}

#[tokio::test]
async fn intake_with_five_wrong_settings_names_all_five_and_never_listens() -> anyhow::Result<()> {
    let port = free_port()?;
    // A port that is taken: were it opened, the complaint would be about that.
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port))?;
    let admin = format!("127.0.0.1:{port}");
    let args = [
        "serve",
        "intake",
        "--municipalities",
        "ova,Büyük Şehir",
        "--listen",
        "everywhere",
        "--admin",
        &admin,
        "--ledger-url",
        "ftp://ledger",
        "--vault-store",
        "keys.db",
    ];
    let (code, said) = told(&args).await?;
    assert_eq!(code, Some(USAGE), "{said}");
    for setting in [
        "--municipalities",
        "--listen",
        "--ledger-url",
        "--vault-store",
        "--master-key-file",
    ] {
        assert!(said.contains(setting), "{setting} in {said}");
    }
    assert!(!said.contains(&admin), "it tried to listen: {said}");
    Ok(())
}

#[tokio::test]
async fn every_role_refuses_to_start_without_what_it_needs() -> anyhow::Result<()> {
    let missing = [
        ("routing", "--ledger-url"),
        ("notification", "--intake-url"),
        ("analytics", "--ledger-url"),
        ("gateway", "--notification-url"),
    ];
    for (role, setting) in missing {
        let (code, said) = told(
            &["serve", role, "--http", "127.0.0.1:0"][..if role == "gateway" { 4 } else { 2 }],
        )
        .await?;
        assert_eq!(code, Some(USAGE), "{role}: {said}");
        assert!(said.contains(setting), "{role}: {setting} in {said}");
    }
    let (code, said) = told(&[
        "serve",
        "gateway",
        "--open311-keys",
        "nowhere=a-long-secret",
        "--tokens",
        "demo=short",
    ])
    .await?;
    assert_eq!(code, Some(USAGE), "{said}");
    assert!(
        said.contains("--open311-keys") && said.contains("--tokens"),
        "{said}"
    );
    assert!(
        !said.contains("a-long-secret"),
        "a secret on the terminal: {said}"
    );
    Ok(())
}
