//! What bounds an append, each a process of its own that takes the very same calls: an echo that keeps nothing, one insert per
//! call, and a group commit with nothing around it.

use std::{
    env,
    future::Future,
    io::{BufRead as _, BufReader, Write as _},
    pin::Pin,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;
use axum::{Router, body::Body, extract::State, response::Response, routing::post};
use contracts::ledger::v1::{AppendReply, AppendRequest, Event};
use sqlx::{
    Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{mpsc, oneshot};
use tonic::{Request, Status, server::UnaryService, service::Routes, transport::Server};
use tonic_prost::ProstCodec;

const FLAG: &str = "--server";
/// More connections than this make single inserts slower on a small machine.
const CONNECTIONS: u32 = 32;
/// As many as the ledger takes into one batch.
const BATCH: usize = 512;

/// What every append costs in any case: a row with its place, its stream's version, and its content.
const TABLE: &str = "create table event (position bigserial primary key, stream text not null, version bigint not null,
    type text not null, at timestamptz not null default now(), facts bytea not null, unique (stream, version))";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Echo,
    Naive,
    Group,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Echo, Self::Naive, Self::Group];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Echo => "grpc_echo",
            Self::Naive => "naive_grpc",
            Self::Group => "group_commit",
        }
    }

    /// In a table for people.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Echo => "gRPC echo",
            Self::Naive => "an insert per call",
            Self::Group => "bare group commit",
        }
    }
}

/// The kind and the database, where this process is to be such a server.
pub(crate) fn asked_for() -> Option<(Kind, String)> {
    let mut args = env::args().skip(1);
    args.find(|it| it == FLAG)?;
    let name = args.next()?;
    let kind = Kind::ALL.into_iter().find(|it| it.name() == name)?;
    Some((kind, args.next()?))
}

/// Such a process; it ends with this value.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
}

impl Running {
    pub(crate) fn start(kind: Kind, database: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([FLAG, kind.name(), database])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context(kind.name())?;
        let output = child.stdout.take().context("its output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        anyhow::ensure!(!address.is_empty(), "{} did not start", kind.name());
        Ok(Self {
            child,
            url: format!("http://{}", address.trim()),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error here means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Makes the table that the bare servers write into.
pub(crate) async fn make_table(database: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(database).await?;
    sqlx::raw_sql(TABLE).execute(&mut connection).await?;
    Ok(())
}

/// Runs a server until it is killed; its first line says where.
pub(crate) fn serve(kind: Kind, database: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let service = match kind {
            Kind::Echo => Service::Echo,
            Kind::Naive => Service::Naive(pool(database).await?),
            Kind::Group => {
                let (queue, waiting) = mpsc::channel(4_096);
                tokio::spawn(write(PgConnection::connect(database).await?, waiting));
                Service::Group(queue)
            }
        };
        let router = Router::new()
            .route("/cozum.ledger.v1.Ledger/Append", post(append))
            .with_state(service);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let incoming =
            tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
        Server::builder()
            .add_routes(Routes::from(router))
            .serve_with_incoming(incoming)
            .await?;
        Ok(())
    })
}

async fn pool(database: &str) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = database.parse()?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(CONNECTIONS)
        .test_before_acquire(false);
    Ok(pool.connect_with(options).await?)
}

struct Waiting {
    request: AppendRequest,
    answer: oneshot::Sender<AppendReply>,
}

#[derive(Clone)]
enum Service {
    Echo,
    Naive(PgPool),
    Group(mpsc::Sender<Waiting>),
}

async fn append(State(service): State<Service>, request: axum::http::Request<Body>) -> Response {
    let codec = ProstCodec::<AppendReply, AppendRequest>::default();
    let mut grpc = tonic::server::Grpc::new(codec);
    grpc.unary(service, request).await.map(Body::new)
}

impl UnaryService<AppendRequest> for Service {
    type Response = AppendReply;
    type Future =
        Pin<Box<dyn Future<Output = Result<tonic::Response<AppendReply>, Status>> + Send>>;

    fn call(&mut self, request: Request<AppendRequest>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let request = request.into_inner();
            let reply = match service {
                Self::Echo => echo(request),
                Self::Naive(pool) => insert(&pool, request).await.map_err(refused)?,
                Self::Group(queue) => {
                    let (answer, answered) = oneshot::channel();
                    let waiting = Waiting { request, answer };
                    queue.send(waiting).await.map_err(refused)?;
                    answered.await.map_err(refused)?
                }
            };
            Ok(tonic::Response::new(reply))
        })
    }
}

fn refused(problem: impl std::fmt::Display) -> Status {
    Status::unavailable(problem.to_string())
}

/// What was sent goes back.
fn echo(request: AppendRequest) -> AppendReply {
    let events = request.writes.into_iter().flat_map(|it| it.events);
    let back = |it: contracts::ledger::v1::NewEvent| Event {
        event_id: it.event_id,
        facts: it.facts,
        ..Event::default()
    };
    AppendReply {
        events: events.map(back).collect(),
        ..AppendReply::default()
    }
}

async fn insert(pool: &PgPool, request: AppendRequest) -> sqlx::Result<AppendReply> {
    for write in &request.writes {
        for (version, event) in (write.expected_version + 1..).zip(&write.events) {
            sqlx::query("insert into event (stream, version, type, facts) values ($1, $2, $3, $4)")
                .bind(&write.stream)
                .bind(version.cast_signed())
                .bind(&event.r#type)
                .bind(&event.facts)
                .execute(pool)
                .await?;
        }
    }
    Ok(echo(request))
}

/// While one batch is written, the next one gathers: one statement, one flush, for all that wait.
async fn write(mut connection: PgConnection, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let requests: Vec<&AppendRequest> = batch.iter().map(|it| &it.request).collect();
        if unnest(&mut connection, &requests).await.is_err() {
            // Nobody is answered: the callers fail, and with them the benchmark.
            return;
        }
        for waiting in batch.drain(..) {
            let _ = waiting.answer.send(echo(waiting.request));
        }
    }
}

/// Inserts the events of all these requests with one statement.
pub(crate) async fn unnest(
    connection: &mut PgConnection,
    requests: &[&AppendRequest],
) -> sqlx::Result<()> {
    let (mut streams, mut versions) = (Vec::new(), Vec::new());
    let (mut types, mut facts) = (Vec::new(), Vec::new());
    for write in requests.iter().flat_map(|it| &it.writes) {
        for (version, event) in (write.expected_version + 1..).zip(&write.events) {
            streams.push(write.stream.as_str());
            versions.push(version.cast_signed());
            types.push(event.r#type.as_str());
            facts.push(event.facts.as_slice());
        }
    }
    sqlx::query(
        "insert into event (stream, version, type, facts)
         select * from unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[])",
    )
    .bind(streams)
    .bind(versions)
    .bind(types)
    .bind(facts)
    .execute(connection)
    .await?;
    Ok(())
}
