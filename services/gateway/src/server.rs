//! The HTTP server itself: HTTP/1.1 and HTTP/2 on one port, and how long a client may take to say what it wants.

use std::{io, pin::pin, time::Duration};

use axum::{Router, http::Request};
use chassis::Tasks;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};
use tower::util::MapRequest;

use crate::client::Peer;

/// How long requests under way may take after the process was asked to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long a client may take for its first bytes, and for the head of each request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(20);
/// How long to wait before accepting again where the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(500);
/// The bytes that every HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Answers until the process stops, and then what is under way.
pub(crate) async fn run(listener: TcpListener, router: Router, tasks: Tasks) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = tasks.stopping() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let peer = Peer(peer.ip());
                    connections.spawn(connection(stream, peer, router.clone(), tasks.clone()));
                }
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted");
                    sleep(PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => note(ended),
        }
    }
    drop(listener);
    let rest = async {
        while let Some(ended) = connections.join_next().await {
            note(ended);
        }
    };
    if timeout(GRACE, rest).await.is_err() {
        tracing::info!("HTTP requests were under way for longer than {GRACE:?}");
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection failed by a mistake of ours");
    }
}

async fn connection(stream: TcpStream, peer: Peer, router: Router, tasks: Tasks) {
    // A reply is small: waiting to fill a packet would only add latency.
    let _ = stream.set_nodelay(true);
    let (mut input, output) = stream.into_split();
    let greeting = tokio::select! {
        () = tasks.stopping() => return,
        greeting = timeout(PATIENCE, greeting(&mut input)) => greeting,
    };
    let Ok(Ok(greeting)) = greeting else {
        return;
    };
    let stream = tokio::io::join(io::Cursor::new(greeting).chain(input), output);

    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    let service = MapRequest::new(router, move |mut request: Request<_>| {
        request.extensions_mut().insert(peer);
        request
    });
    let service = TowerToHyperService::new(service);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = tasks.stopping() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(error, "a connection ended early");
    }
}

/// A connection's first bytes, as many as tell HTTP/2 from HTTP/1: the library below waits for them without end.
async fn greeting(input: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut greeting = Vec::with_capacity(PREFACE.len());
    while greeting.len() < PREFACE.len() && PREFACE.starts_with(&greeting) {
        if input.read_buf(&mut greeting).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(greeting)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn greeted(parts: &[&[u8]]) -> Option<Vec<u8>> {
        let (mut client, mut server) = tokio::io::duplex(64);
        for part in parts {
            tokio::io::AsyncWriteExt::write_all(&mut client, part)
                .await
                .unwrap();
        }
        let patience = Duration::from_millis(50);
        timeout(patience, greeting(&mut server)).await.ok()?.ok()
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_is_not_waited_for() {
        assert_eq!(greeted(&[]).await, None);
        assert_eq!(greeted(&[b"PRI * HT"]).await, None);
    }

    #[tokio::test]
    async fn either_protocol_is_known_by_its_first_bytes() {
        assert_eq!(greeted(&[b"POST "]).await.unwrap(), b"POST ");
        assert_eq!(greeted(&[b"G"]).await.unwrap(), b"G");
        assert!(greeted(&[PREFACE]).await.unwrap().starts_with(PREFACE));
    }

    #[tokio::test]
    async fn grpc_is_served_on_the_same_port() {
        use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let tasks = Tasks::default();
        let (_, health) = tonic_health::server::health_reporter();
        let router = Router::new().route_service("/grpc.health.v1.Health/{method}", health);
        let client = async {
            let channel = tonic::transport::Endpoint::from_shared(address).unwrap();
            let mut client = HealthClient::new(channel.connect().await.unwrap());
            let asked = HealthCheckRequest::default();
            client.check(asked).await.unwrap();
            tasks.stop();
        };
        let both = async { tokio::join!(run(listener, router, tasks.clone()), client) };
        timeout(Duration::from_secs(5), both).await.unwrap();
    }

    #[tokio::test]
    async fn a_served_page_ends_with_the_process() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = Tasks::default();
        let router = Router::new().route("/", axum::routing::get(async || "here"));
        let client = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                .await
                .unwrap();
            let mut answer = vec![];
            while !answer.ends_with(b"here") {
                assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
            }
            // The connection is still open, and idle: stopping does not wait for its client.
            tasks.stop();
            stream.read_to_end(&mut answer).await.unwrap();
        };
        let both = async { tokio::join!(run(listener, router, tasks.clone()), client) };
        timeout(Duration::from_secs(5), both).await.unwrap();
    }
}
