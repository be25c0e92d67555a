//! The writer dropped at its first, second, third … wait, whatever it waits for: a process that dies is cut off there, and
//! what it had sent may still be done.

use std::{
    future::{Future, pending},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard},
    task::Poll,
    time::{Duration, Instant},
};

use chassis::Tasks;
use contracts::ledger::v1::AppendRequest;
use futures::future::{join_all, poll_fn};
use ledger::{Log, LogError, Shelf};
use tempfile::TempDir;
use tests::soak;
use tokio::time::timeout;
use vocabulary::Municipality;

use super::{Journal, root_is_right};
use crate::{
    place::{Place, Replica, command},
    tree::{seed, signed},
};

/// What is answered before it is polled is no wait, so one run has more of them than another: so many in a row must end.
pub(super) const THROUGH: u64 = 4;
pub(super) const SOON: Duration = Duration::from_secs(20);
/// Whoever is not answered within this time waits for a lock of the writer's.
const LOCKED_OUT: Duration = Duration::from_millis(60);

/// Somebody else who appends while the writer waits: it loses the race for the head, until it locks it.
pub(super) struct Rival {
    log: Log,
    journal: Arc<Mutex<Journal>>,
    first: u128,
}

impl Rival {
    /// Whether it could append; else it stood before a lock.
    async fn appends(&mut self) -> bool {
        self.first += 1;
        let stream = format!("r-{}", self.first);
        let request = command(self.first, &[(&stream, 0, 1)]);
        lock(&self.journal).ask(&request);
        let answer = timeout(LOCKED_OUT, self.log.append(request.clone(), None)).await;
        let mut journal = lock(&self.journal);
        match answer {
            Ok(reply) => journal.acknowledge(&request, reply.unwrap()),
            Err(_) => journal.locked_out.push(request),
        }
        journal.locked_out.is_empty()
    }
}

fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap()
}

/// Polls a task until it has waited so many times, and drops it there. Between two polls the rival appends, until it is locked
/// out once.
pub(super) async fn dies_at(
    task: impl Future<Output = ()>,
    mut waits: u64,
    mut rival: Option<Rival>,
) {
    let mut task = pin!(task);
    loop {
        let mut polled = false;
        let over = poll_fn(|cx| {
            if polled {
                return Poll::Ready(false);
            }
            polled = true;
            if task.as_mut().poll(cx).is_ready() {
                return Poll::Ready(true);
            }
            waits -= 1;
            match &rival {
                _ if waits == 0 => Poll::Ready(true),
                // It is polled again at once, so that nothing hangs on a wake-up that the rival takes.
                Some(_) => Poll::Ready(false),
                None => Poll::Pending,
            }
        });
        if over.await {
            return;
        }
        if let Some(other) = &mut rival
            && !other.appends().await
        {
            rival = None;
        }
    }
}

/// What a writer is asked, one after the other, so that it begins from all that it can know: nothing at first; then what it
/// remembers; then a guess that is wrong, as the command was recorded before; then what must be read; and several at once.
fn script(turn: u128) -> Vec<Vec<AppendRequest>> {
    let first = turn * 1_000;
    let new = |number: u128| format!("s-{}", first + number);
    let asks = |number: u128, writes: &[(&str, u64, usize)]| command(first + number, writes);
    let old = format!("old-{turn}");
    vec![
        vec![asks(1, &[(&new(1), 0, 2)])],
        vec![asks(2, &[(&new(2), 0, 1), (&new(1), 2, 1)])],
        vec![before(turn)],
        vec![asks(3, &[(&old, 2, 1)])],
        (4..8).map(|it| asks(it, &[(&new(it), 0, 1)])).collect(),
    ]
}

/// What was recorded before the writer began.
fn before(turn: u128) -> AppendRequest {
    command(turn * 1_000, &[(&format!("old-{turn}"), 0, 2)])
}

/// How a turn went.
struct Turn {
    died: bool,
    /// Somebody stood before its lock.
    locked: bool,
}

/// One turn: a writer that dies at its n-th wait, and another that is asked the same again.
async fn turn(
    place: &Place,
    municipality: &Municipality,
    journal: &Arc<Mutex<Journal>>,
    waits: u64,
    rival: Option<&Replica>,
) -> Turn {
    let turn = u128::from(waits) + if rival.is_some() { 100_000 } else { 0 };
    {
        let earlier = place.replica(municipality).await;
        let request = before(turn);
        lock(journal).ask(&request);
        let reply = earlier.append(request.clone(), None).await.unwrap();
        lock(journal).acknowledge(&request, reply);
    }
    let shelf = Shelf::open(&place.location).await.unwrap();
    let opened = Log::open(&shelf, municipality, place.clock(), 64).await;
    drop(shelf);
    let (log, upkeep) = opened.unwrap();
    let beside = rival.map(|it| Rival {
        log: it.log.clone(),
        journal: Arc::clone(journal),
        first: turn * 1_000 + 500,
    });
    let tasks = Tasks::default();
    tasks.spawn("writer", async move {
        let mortal = dies_at(Box::pin(upkeep.run(pending())), waits, beside);
        Box::pin(mortal).await;
        Ok(())
    });
    let mut died = false;
    'script: for step in script(turn) {
        let answers = join_all(step.iter().map(|it| log.append(it.clone(), None))).await;
        for (request, answer) in step.iter().zip(answers) {
            match answer {
                Ok(reply) => lock(journal).acknowledge(request, reply),
                Err(LogError::Away) => died = true,
                Err(error) => panic!("{error}"),
            }
        }
        if died {
            break 'script;
        }
    }
    tasks.finish(SOON).await;
    drop(log);

    let successor = place.replica(municipality).await;
    let rest = script(turn).into_iter().flatten();
    let asked: Vec<AppendRequest> = rest.collect();
    for request in &asked {
        lock(journal).ask(request);
    }
    let answers = join_all(asked.iter().map(|it| successor.append(it.clone(), None))).await;
    for (request, answer) in asked.iter().zip(answers) {
        lock(journal).acknowledge(request, answer.unwrap());
    }
    let mut locked = false;
    if let Some(rival) = rival {
        let unanswered = std::mem::take(&mut lock(journal).locked_out);
        locked = !unanswered.is_empty();
        for request in unanswered {
            let reply = rival.append(request.clone(), None).await.unwrap();
            lock(journal).acknowledge(&request, reply);
        }
    }
    Turn { died, locked }
}

/// As many turns as a writer has waits, each of them its last in one.
async fn at_every_wait(place: &Place, rival: bool) {
    let start = Instant::now();
    let keys = TempDir::new().unwrap();
    let (seed, municipality) = (seed(keys.path()), place.municipality());
    let log = place.replica(&municipality).await;
    let other = if rival {
        Some(place.replica(&municipality).await)
    } else {
        None
    };
    let journal = Arc::<Mutex<Journal>>::default();
    // A rival makes many more of them, most of them alike.
    let (stride, which) = if rival && !soak::is_whole() {
        (3, "each third")
    } else {
        (1, "each")
    };
    let mut waits = 1 + soak::seed() % stride;
    let (mut deaths, mut locks, mut through) = (0, 0, 0);
    while through < THROUGH {
        let Turn { died, locked } =
            Box::pin(turn(place, &municipality, &journal, waits, other.as_ref())).await;
        let kept = std::mem::take(&mut *lock(&journal));
        kept.holds_in(&log).await;
        *lock(&journal) = kept;
        waits += stride;
        locks += u64::from(locked);
        if died {
            deaths += 1;
            through = 0;
        } else {
            through += 1;
        }
    }
    assert_eq!(locks > 0, rival, "the head was locked {locks} times");
    log.sign(&seed, keys.path(), place.clock()).await;
    signed(&log).await;
    root_is_right(&log, &seed).await;
    soak::tell(format_args!(
        "a writer over {} died {deaths} times, once at {which} of its waits{}, in {:.1} s",
        place.kind(),
        if rival { " beside a rival" } else { "" },
        start.elapsed().as_secs_f64()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_dies_wherever_it_waits_loses_and_doubles_nothing_in_sqlite() {
    Box::pin(at_every_wait(&Place::sqlite(), false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_dies_wherever_it_waits_loses_and_doubles_nothing_in_postgres() {
    Box::pin(at_every_wait(&Place::postgres().await, false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_dies_beside_a_rival_loses_and_doubles_nothing() {
    Box::pin(at_every_wait(&Place::postgres().await, true)).await;
}
