//! A NATS server that loses what it acknowledged is refused, in words.

use std::time::Duration;

use tests::process::Launch;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What a server of that version says to whoever connects.
const GREETING: &str = "INFO {\"server_id\":\"OLD\",\"server_name\":\"old\",\"version\":\"2.9.10\",\"proto\":1,\
\"go\":\"go1.19\",\"host\":\"127.0.0.1\",\"port\":4222,\"headers\":true,\"max_payload\":1048576,\"jetstream\":true}\r\n";

/// Speaks just enough of NATS to be taken for a server.
async fn old_server(mut client: TcpStream) -> std::io::Result<()> {
    client.write_all(GREETING.as_bytes()).await?;
    let mut said = [0; 4096];
    loop {
        let length = client.read(&mut said).await?;
        if length == 0 {
            return Ok(());
        }
        for _ in String::from_utf8_lossy(&said[..length]).matches("PING\r\n") {
            client.write_all(b"PONG\r\n").await?;
        }
    }
}

#[tokio::test]
async fn a_nats_server_that_is_too_old_is_refused_with_both_versions() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("nats://{}", listener.local_addr()?);
    let mut clients = JoinSet::new();
    clients.spawn(async move {
        let mut talks = JoinSet::new();
        loop {
            let (client, _) = listener.accept().await?;
            talks.spawn(old_server(client));
        }
    });

    for role in ["ledger", "analytics"] {
        let data = tempfile::tempdir()?;
        let output = Launch::new(
            role,
            [
                "serve",
                role,
                "--nats",
                &url,
                "--ledger-url",
                "http://127.0.0.1:1",
                "--data",
            ],
        )
        .arg(data.path().to_string_lossy())
        .within(Duration::from_secs(20))
        .run()
        .await?;
        let said = String::from_utf8(output.stderr)?;
        assert!(!output.status.success(), "{role} starts: {said}");
        assert!(
            said.contains("2.9.10") && said.contains("2.12.3"),
            "{role}: {said}"
        );
    }
    clients.abort_all();
    let _: Result<Result<(), std::io::Error>, _> = clients.join_next().await.unwrap_or(Ok(Ok(())));
    Ok(())
}
