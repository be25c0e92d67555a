//! Citizens and staff who do not give up: each request and each command is tried again under its own id until it is
//! acknowledged, and what was acknowledged is written down.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::Context as _;
use contracts::{
    intake::v1::{Citizen, RegisterRequestRequest},
    routing::v1::{CommandReply, GetHandlingRequest},
    vocabulary::v1::{Channel, SubResult},
};
use tests::{
    City,
    city::command_id,
    eventually,
    open311::Format,
    work::{PLANNED_FOR, Work},
};
use tonic::{Code, Status};

/// How long anything may be refused before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many try at the same time.
const WORKERS: usize = 4;

/// A request that was acknowledged, and whom it must have been told to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) number: String,
    pub(crate) address: String,
    /// It was also planned and concluded.
    pub(crate) concluded: bool,
}

/// People at work until they are told to stop.
pub(crate) struct Load {
    journal: Arc<Journal>,
    workers: Vec<JoinHandle<anyhow::Result<()>>>,
}

#[derive(Debug, Default)]
struct Journal {
    acknowledged: Mutex<Vec<Acknowledged>>,
    refused: AtomicUsize,
    stop: AtomicBool,
}

impl Load {
    /// Begins, in one city.
    pub(crate) fn on(city: &City) -> Self {
        let journal = Arc::new(Journal::default());
        let start = |worker| {
            let (name, base) = (city.name().to_owned(), city.base().to_owned());
            let journal = Arc::clone(&journal);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                runtime.block_on(async {
                    let city = City::new(&name, &base, &City::token(&name))?;
                    work(&city, &journal, worker).await
                })
            })
        };
        let workers = (0..WORKERS).map(start).collect();
        Self { journal, workers }
    }

    /// How many requests were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.journal.lock().len()
    }

    /// How many tries failed so far.
    pub(crate) fn refused(&self) -> usize {
        self.journal.refused.load(Ordering::Relaxed)
    }

    /// Waits until this many more requests were acknowledged.
    pub(crate) async fn goes_on(&mut self, more: usize) -> anyhow::Result<()> {
        let target = self.acknowledged() + more;
        let what = format!(
            "{more} more requests, {} tries refused before",
            self.refused()
        );
        let all_at_work = eventually(PATIENCE, &what, async || {
            if self.workers.iter().any(JoinHandle::is_finished) {
                return Ok(false);
            }
            anyhow::ensure!(
                self.acknowledged() >= target,
                "{} of {target}",
                self.acknowledged()
            );
            Ok(true)
        })
        .await?;
        if !all_at_work {
            self.journal.stop.store(true, Ordering::Relaxed);
            self.join()?;
        }
        Ok(())
    }

    /// Waits until somebody was refused.
    pub(crate) async fn is_refused(&self) -> anyhow::Result<()> {
        let before = self.refused();
        eventually(PATIENCE, "somebody is refused", async || {
            anyhow::ensure!(self.refused() > before, "nobody is");
            Ok(())
        })
        .await
    }

    /// Lets everybody finish what they have in hand, and gives what was acknowledged.
    pub(crate) fn stop(mut self) -> anyhow::Result<Vec<Acknowledged>> {
        self.journal.stop.store(true, Ordering::Relaxed);
        self.join()?;
        Ok(self.journal.lock().clone())
    }

    fn join(&mut self) -> anyhow::Result<()> {
        for worker in self.workers.drain(..) {
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        Ok(())
    }
}

impl Journal {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Acknowledged>> {
        self.acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries until it succeeds, or until a refusal that no retry can help.
    async fn until_acknowledged<T>(
        &self,
        what: &str,
        mut attempt: impl AsyncFnMut() -> Result<T, Refused>,
    ) -> anyhow::Result<T> {
        eventually(PATIENCE, what, async || match attempt().await {
            Ok(answer) => Ok(Ok(answer)),
            Err(Refused::ForGood(why)) => Ok(Err(anyhow::anyhow!("refused for good: {why}"))),
            Err(Refused::ForNow(why)) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                anyhow::bail!("{why}")
            }
        })
        .await?
        .context(what.to_owned())
    }
}

/// Why a try failed.
enum Refused {
    ForNow(String),
    ForGood(String),
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        let told = format!("{:?}: {}", status.code(), status.message());
        match status.code() {
            Code::InvalidArgument
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::Unimplemented
            | Code::OutOfRange
            | Code::DataLoss => Self::ForGood(told),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Internal
            | Code::Unavailable => Self::ForNow(told),
        }
    }
}

async fn work(city: &City, journal: &Journal, worker: usize) -> anyhow::Result<()> {
    for turn in 0.. {
        if journal.stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("{}-{worker}-{turn}", city.name());
        let address = format!("{name}@load.example.org");
        let number = if turn % 2 == 0 {
            by_open311(city, journal, &name, &address).await?
        } else {
            by_phone(city, journal, &name, &address).await?
        };
        let concluded = turn % 4 == 1;
        if concluded {
            conclude(city, journal, &number).await?;
        }
        journal.lock().push(Acknowledged {
            number,
            address,
            concluded,
        });
    }
    Ok(())
}

async fn by_open311(
    city: &City,
    journal: &Journal,
    name: &str,
    address: &str,
) -> anyhow::Result<String> {
    let open311 = city.open311();
    let filed = [
        ("service_code", "pothole"),
        ("lat", "39.92"),
        ("long", "32.85"),
        ("description", name),
        ("email", address),
    ];
    journal
        .until_acknowledged(&format!("Open311 request {name}"), async || {
            let sent = open311
                .post(&filed, &[("idempotency-key", name)], Format::Json)
                .await;
            let answer = sent.map_err(|it| Refused::ForNow(format!("{it:#}")))?;
            match answer.status {
                200 => answer
                    .number()
                    .map_err(|it| Refused::ForGood(format!("{it:#}"))),
                400..500 => Err(Refused::ForGood(answer.body)),
                _ => Err(Refused::ForNow(answer.body)),
            }
        })
        .await
}

async fn by_phone(
    city: &City,
    journal: &Journal,
    name: &str,
    address: &str,
) -> anyhow::Result<String> {
    let request = RegisterRequestRequest {
        command_id: command_id(name),
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        description: name.to_owned(),
        citizen: Some(Citizen {
            name: "Ayşe".to_owned(),
            email: address.to_owned(),
            ..Citizen::default()
        }),
        ..RegisterRequestRequest::default()
    };
    journal
        .until_acknowledged(&format!("gRPC request {name}"), async || {
            Ok(city
                .intake()
                .register_request(request.clone())
                .await?
                .into_inner()
                .number)
        })
        .await
}

async fn conclude(city: &City, journal: &Journal, number: &str) -> anyhow::Result<()> {
    journal
        .until_acknowledged(&format!("routing has heard of {number}"), async || {
            let request = GetHandlingRequest {
                number: number.to_owned(),
            };
            Ok(city.routing().get_handling(request).await?)
        })
        .await?;
    let unit = Work::on(city, number);
    let reply = |reply: Result<CommandReply, Status>| reply.map_err(Refused::from);
    journal
        .until_acknowledged(&format!("{number} accepted"), async || {
            reply(unit.accept().await)
        })
        .await?;
    journal
        .until_acknowledged(&format!("{number} planned"), async || {
            reply(unit.plan(PLANNED_FOR).await)
        })
        .await?;
    let end = async || reply(unit.conclude(SubResult::Solved, "Çukur kapatıldı.").await);
    journal
        .until_acknowledged(&format!("{number} concluded"), end)
        .await?;
    Ok(())
}

impl Drop for Load {
    fn drop(&mut self) {
        self.journal.stop.store(true, Ordering::Relaxed);
    }
}
