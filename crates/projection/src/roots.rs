//! Whether what a file was folded from is what the ledger signed: the root over all that a file has applied is held against a
//! signed checkpoint, at the start and then once in a while.

use std::time::Duration;

use chassis::Ledger;
use tokio::time::{Instant, timeout};
use tonic::{Code, Status};
use transparency::{Checkpoint, Frontier, Hash, Note, VerifierKey, continues};

/// Between two comparisons.
const EVERY: Duration = Duration::from_mins(1);
/// Before the same is asked again: what was applied a moment ago is signed within a second.
const SOON: Duration = Duration::from_secs(1);
/// How long the ledger may take; events wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
/// A log that ends before the file does is taken at its word when it says so for the third time.
const TIMES: u32 = 3;

/// What a comparison says of a file.
#[derive(Debug, PartialEq, Eq)]
enum Compared {
    /// It is a fold of what was signed.
    Same,
    /// It is a fold of something else.
    Another,
    /// It is further than the log.
    Beyond,
    /// What it is a fold of is not signed yet.
    Unsigned,
}

/// The comparisons of one file.
#[derive(Debug)]
pub(crate) struct Roots {
    due: Instant,
    /// What was asked and could not be answered: a file goes on, and a checkpoint has to come to where it was.
    open: Option<(u64, Hash)>,
    beyond: u32,
    /// The file was folded anew because it differed, and nothing was found to be the same since.
    is_fresh: bool,
}

impl Roots {
    /// The first comparison is due at once.
    pub(crate) fn new() -> Self {
        Self {
            due: Instant::now(),
            open: None,
            beyond: 0,
            is_fresh: false,
        }
    }

    /// The comparisons of a file that is folded anew because it differed.
    pub(crate) fn of_a_fresh_file() -> Self {
        Self {
            is_fresh: true,
            ..Self::new()
        }
    }

    /// Whether a difference cannot be the file's fault.
    pub(crate) fn are_of_a_fresh_file(&self) -> bool {
        self.is_fresh
    }

    /// Whether a file turned out to be a fold of another history. A ledger that is away decides nothing.
    pub(crate) async fn differ(&mut self, ledger: &Ledger, at: &Frontier) -> bool {
        if at.size() == 0 || Instant::now() < self.due {
            return false;
        }
        let asked = self.open.take().unwrap_or_else(|| (at.size(), at.root()));
        let compared = match timeout(PATIENCE, compare(ledger, asked)).await {
            Ok(Ok(compared)) => compared,
            Ok(Err(status)) => {
                tracing::debug!(error = %status, "no root to compare with");
                Compared::Unsigned
            }
            Err(_) => Compared::Unsigned,
        };
        self.beyond = match compared {
            Compared::Beyond => self.beyond + 1,
            Compared::Same | Compared::Another | Compared::Unsigned => 0,
        };
        let pause = if compared == Compared::Same {
            self.is_fresh = false;
            EVERY
        } else {
            self.open = Some(asked);
            SOON
        };
        self.due = Instant::now() + pause;
        compared == Compared::Another || self.beyond == TIMES
    }
}

async fn compare(ledger: &Ledger, (size, root): (u64, Hash)) -> Result<Compared, Status> {
    let latest = match ledger.latest_checkpoint().await {
        Ok(latest) => latest,
        Err(status) if status.code() == Code::NotFound => return Ok(Compared::Unsigned),
        Err(status) => return Err(status),
    };
    let signed = opened(&latest.note, &latest.verifier_key)
        .ok_or_else(|| Status::data_loss("the ledger's checkpoint does not open with its key"))?;
    if signed.size < size {
        let head = ledger.head().await?;
        let is_beyond = head < size;
        return Ok(if is_beyond {
            Compared::Beyond
        } else {
            Compared::Unsigned
        });
    }
    let hashes = ledger.prove_consistency(size, signed.size).await?;
    let proof: Option<Vec<Hash>> = hashes.into_iter().map(|it| it.try_into().ok()).collect();
    let holds = proof.is_some_and(|it| continues((size, root), (signed.size, signed.root), &it));
    Ok(if holds {
        Compared::Same
    } else {
        Compared::Another
    })
}

fn opened(note: &str, key: &str) -> Option<Checkpoint> {
    let key: VerifierKey = key.parse().ok()?;
    let read = Note::read(note).ok()?;
    key.check(&read).ok()?;
    read.text.parse().ok()
}
