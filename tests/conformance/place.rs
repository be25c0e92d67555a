//! A store for one test, and replicas of the ledger over it.

use std::{
    env,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use chassis::{Clock, Tasks};
use contracts::ledger::v1::{AppendRequest, NewEvent, StreamWrite};
use ledger::{
    Location, Log, Shelf,
    tree::{Memory, SigningSeed, sign::Signer},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;
use vocabulary::Municipality;

/// Where logs are kept during a test, with a clock that the test moves.
pub(crate) struct Place {
    pub(crate) location: Location,
    pub(crate) time: Arc<AtomicI64>,
    municipalities: AtomicU32,
    _folder: Option<TempDir>,
}

/// One replica's view of one log. Dropping it stops its writer.
pub(crate) struct Replica {
    pub(crate) log: Log,
    tasks: Tasks,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

impl Replica {
    /// Signs the log from here, with what was signed last in a folder of its own.
    pub(crate) async fn sign(&self, seed: &SigningSeed, folder: &Path, clock: Clock) {
        let signer = self.signer(seed, folder, clock).await;
        self.tasks.spawn("signer", signer.run());
    }

    /// What signs it.
    pub(crate) async fn signer(&self, seed: &SigningSeed, folder: &Path, clock: Clock) -> Signer {
        let memory = Memory::open(folder, self.municipality().as_str()).await;
        Signer {
            log: self.log.clone(),
            seed: seed.clone(),
            origin: format!("example.org/log/{}", self.municipality()),
            memory: memory.unwrap(),
            clock,
            holder: Uuid::new_v5(&Uuid::NAMESPACE_URL, folder.as_os_str().as_encoded_bytes()),
        }
    }
}

impl std::ops::Deref for Replica {
    type Target = Log;

    fn deref(&self) -> &Log {
        &self.log
    }
}

impl Place {
    /// A folder of SQLite files.
    pub(crate) fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let location = format!("sqlite:{}", folder.path().display());
        Self {
            _folder: Some(folder),
            ..Self::at(&location)
        }
    }

    /// A new database in the PostgreSQL that `cargo xtask test` started.
    pub(crate) async fn postgres() -> Self {
        Self::at(&Self::database().await)
    }

    /// The URL of a new database.
    pub(crate) async fn database() -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = env::var_os("COZUM_TEST_POSTGRES")
            .and_then(|it| it.into_string().ok())
            .expect("COZUM_TEST_POSTGRES is not set: run the tests with `cargo xtask test`");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("conformance_{}_{number}", std::process::id());
        let mut connection = PgConnection::connect(&server)
            .await
            .expect("COZUM_TEST_POSTGRES cannot be reached");
        for statement in [
            format!("DROP DATABASE IF EXISTS {name}"),
            format!("CREATE DATABASE {name}"),
        ] {
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await
                .unwrap();
        }
        let (before_query, query) = server.split_once('?').unwrap_or((&server, ""));
        let host = before_query
            .splitn(4, '/')
            .take(3)
            .collect::<Vec<_>>()
            .join("/");
        format!("{host}/{name}?{query}")
    }

    /// A store that is there already.
    pub(crate) fn at(location: &str) -> Self {
        Self {
            location: location.parse().unwrap(),
            time: Arc::new(AtomicI64::new(1_767_225_600_000_000)),
            municipalities: AtomicU32::new(0),
            _folder: None,
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock::Virtual(Arc::clone(&self.time))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.time
            .fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// A municipality that no other case has.
    pub(crate) fn municipality(&self) -> Municipality {
        let number = self.municipalities.fetch_add(1, Ordering::Relaxed);
        format!("town-{number}").parse().unwrap()
    }

    /// A replica of the ledger, with connections and a writer of its own.
    pub(crate) async fn replica(&self, municipality: &Municipality) -> Replica {
        self.replica_with_queue(municipality, 4_096).await
    }

    pub(crate) async fn replica_with_queue(
        &self,
        municipality: &Municipality,
        queue: usize,
    ) -> Replica {
        let shelf = Shelf::open(&self.location).await.unwrap();
        let (log, upkeep) = Log::open(&shelf, municipality, self.clock(), queue)
            .await
            .unwrap();
        let tasks = Tasks::default();
        let stopping = tasks.clone();
        tasks.spawn_to_end("upkeep", async move {
            Box::pin(upkeep.run(stopping.stopping())).await;
            Ok(())
        });
        Replica { log, tasks }
    }

    /// Does to a log's rows what no code of ours can: whoever has the disk can. `{of}` stands for the rows of this log.
    pub(crate) async fn tamper(&self, municipality: &Municipality, statements: &[String]) {
        match &self.location {
            Location::Postgres(options) => {
                // Nobody waits for the disk on behalf of a vandal.
                let options = options.clone().options([("synchronous_commit", "off")]);
                let mut connection = PgConnection::connect_with(&options).await.unwrap();
                for statement in statements {
                    let statement = statement.replace("{of}", &format!("log = '{municipality}'"));
                    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection);
                    done.await.unwrap();
                }
            }
            Location::Sqlite(folder) => {
                let file = folder.join(format!("{municipality}.db"));
                let mut connection = SqliteConnection::connect(file.to_str().unwrap())
                    .await
                    .unwrap();
                for table in ["event", "subject", "tile", "checkpoint"] {
                    for what in ["no_delete", "no_update", "erase_only"] {
                        let drop = format!("DROP TRIGGER IF EXISTS {table}_{what}");
                        let done = sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection);
                        done.await.unwrap();
                    }
                }
                let free = "DROP TRIGGER IF EXISTS head_only_rises; PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF";
                sqlx::raw_sql(free).execute(&mut connection).await.unwrap();
                for statement in statements {
                    let statement = statement.replace("{of}", "TRUE");
                    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection);
                    done.await.unwrap();
                }
            }
        }
    }

    /// What keeps the logs here.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.location {
            Location::Postgres(_) => "PostgreSQL",
            Location::Sqlite(_) => "SQLite",
        }
    }

    /// These bytes as they stand in a statement.
    pub(crate) fn literal(&self, bytes: &[u8]) -> String {
        let hex: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
        match &self.location {
            Location::Postgres(_) => format!("'\\x{hex}'::bytea"),
            Location::Sqlite(_) => format!("x'{hex}'"),
        }
    }

    /// The log of a new municipality.
    pub(crate) async fn log(&self) -> Replica {
        self.replica(&self.municipality()).await
    }
}

/// A command that writes `count` events to each of these streams at these versions.
pub(crate) fn command(number: u128, writes: &[(&str, u64, usize)]) -> AppendRequest {
    let command_id = Uuid::from_u128(number);
    let mut index = 0;
    let writes = writes.iter().map(|(stream, expected_version, count)| {
        let events = (0..*count).map(|_| {
            index += 1;
            event(
                Uuid::new_v5(&command_id, index.to_string().as_bytes()),
                stream,
            )
        });
        StreamWrite {
            stream: (*stream).to_owned(),
            expected_version: *expected_version,
            events: events.collect(),
        }
    });
    AppendRequest {
        writes: writes.collect(),
        command_id: command_id.as_bytes().to_vec(),
        fingerprint: vec![1; 32],
        correlation_id: command_id.as_bytes().to_vec(),
        causation_id: vec![],
        actor: "citizen".to_owned(),
        traceparent: String::new(),
    }
}

fn event(id: Uuid, stream: &str) -> NewEvent {
    NewEvent {
        event_id: id.as_bytes().to_vec(),
        r#type: "intake.RequestRegistered".to_owned(),
        schema_version: 1,
        occurred_at: -1,
        subjects: vec![format!("about:{stream}"), "all:İğdır".to_owned()],
        facts: id.as_bytes().to_vec(),
        personal: b"sealed".to_vec(),
    }
}
