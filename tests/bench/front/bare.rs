//! What there is to compare with: the same HTTP library and the same database with nothing in between. A form comes in, a
//! group commit writes it, its number goes out. It runs in a process of its own, as the centre does.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context as _;
use axum::{
    Form, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde::Deserialize;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::{mpsc, oneshot};

use crate::load::Target;

const FLAG: &str = "--bare-server";
const KEY: &str = "key-of-bare";
/// As many as the ledger takes into one batch.
const BATCH: usize = 512;

/// The database, where this process is to be the bare server.
pub(crate) fn asked_for() -> Option<String> {
    let mut args = env::args().skip(1);
    args.find(|it| it == FLAG).and_then(|_| args.next())
}

/// The bare server's process; it ends with this value.
pub(crate) struct Bare {
    child: Child,
    pub(crate) target: Target,
}

impl Bare {
    /// Starts it over a database of its own.
    pub(crate) fn start(database: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([FLAG, database])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("the bare server")?;
        let output = child.stdout.take().context("its output")?;
        let mut host = String::new();
        BufReader::new(output).read_line(&mut host)?;
        anyhow::ensure!(!host.is_empty(), "the bare server did not start");
        Ok(Self {
            child,
            target: Target {
                host: host.trim().to_owned(),
                path: "/requests.json".to_owned(),
                key: KEY.to_owned(),
                jurisdiction: "bare".to_owned(),
            },
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // An error here means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[derive(Debug, Deserialize)]
struct Filed {
    api_key: String,
    service_code: String,
    lat: f64,
    long: f64,
    address_string: String,
    description: String,
}

struct Waiting {
    filed: Filed,
    answer: oneshot::Sender<u64>,
}

/// Commits, and the requests in them.
#[derive(Default)]
struct Commits {
    commits: AtomicU64,
    requests: AtomicU64,
}

#[derive(Clone)]
struct Bench {
    queue: mpsc::Sender<Waiting>,
    commits: Arc<Commits>,
}

/// Runs the server until it is killed; its first line says where.
pub(crate) fn serve(database: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut connection = PgConnection::connect(database).await?;
        sqlx::raw_sql(
            "create table request (number bigint primary key, service_code text not null, lat float8 not null,
               long float8 not null, address text not null, description text not null, at timestamptz not null default now())",
        )
        .execute(&mut connection)
        .await?;
        let (queue, waiting) = mpsc::channel(4_096);
        let commits = Arc::new(Commits::default());
        tokio::spawn(write(connection, waiting, commits.clone()));
        let router = Router::new()
            .route("/requests.json", post(file))
            .route("/commits", get(told))
            .with_state(Bench { queue, commits });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            // As the gateway does.
            let _ = stream.set_nodelay(true);
        });
        Ok(axum::serve(listener, router).await?)
    })
}

async fn file(State(bench): State<Bench>, Form(filed): Form<Filed>) -> Response {
    if filed.api_key != KEY {
        return StatusCode::FORBIDDEN.into_response();
    }
    let (answer, answered) = oneshot::channel();
    if bench.queue.send(Waiting { filed, answer }).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answered.await {
        Ok(number) => {
            let body = format!("[{{\"service_request_id\":\"2026-{number:08}\"}}]");
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn told(State(bench): State<Bench>) -> String {
    let Commits { commits, requests } = &*bench.commits;
    format!(
        "{} {}",
        commits.load(Ordering::Relaxed),
        requests.load(Ordering::Relaxed)
    )
}

/// While one batch is written, the next one gathers: one statement, one flush, for all that wait.
async fn write(
    mut connection: PgConnection,
    mut waiting: mpsc::Receiver<Waiting>,
    commits: Arc<Commits>,
) {
    let mut next = 0_u64;
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let numbers: Vec<i64> = (next..).take(batch.len()).map(u64::cast_signed).collect();
        let text = |of: fn(&Filed) -> &String| {
            batch
                .iter()
                .map(|it| of(&it.filed).as_str())
                .collect::<Vec<_>>()
        };
        let number =
            |of: fn(&Filed) -> f64| batch.iter().map(|it| of(&it.filed)).collect::<Vec<_>>();
        let written = sqlx::query(
            "insert into request (number, service_code, lat, long, address, description)
             select * from unnest($1::bigint[], $2::text[], $3::float8[], $4::float8[], $5::text[], $6::text[])",
        )
        .bind(&numbers)
        .bind(text(|it| &it.service_code))
        .bind(number(|it| it.lat))
        .bind(number(|it| it.long))
        .bind(text(|it| &it.address_string))
        .bind(text(|it| &it.description))
        .execute(&mut connection)
        .await;
        if written.is_err() {
            // Nobody is answered: the clients fail, and with them the benchmark.
            return;
        }
        commits.commits.fetch_add(1, Ordering::Relaxed);
        commits
            .requests
            .fetch_add(batch.len() as u64, Ordering::Relaxed);
        next += batch.len() as u64;
        for (waiting, number) in batch.drain(..).zip(numbers) {
            let _ = waiting.answer.send(number.cast_unsigned());
        }
    }
}
