//! A backup brings a log back as it was, into either kind of store; nothing that was changed comes back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use contracts::ledger::v1::Event;
use ledger::{
    LEASE, LogError, Shelf,
    restore::{Restore, Returning},
    tree::Signed,
};
use tempfile::TempDir;
use tests::process::Launch;
use transparency::Checkpoint;
use vocabulary::Municipality;

use crate::{
    appending::all,
    place::{Place, Replica, command},
    tamper::found,
    tree::{seed, signed},
    witness,
};

/// A centre's data folder beside its store.
pub(crate) struct Centre {
    pub(crate) place: Place,
    url: String,
    folder: TempDir,
}

impl Centre {
    fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        Self::at(
            format!("sqlite:{}", folder.path().join("log").display()),
            folder,
        )
    }

    async fn postgres() -> Self {
        Self::at(Place::database().await, TempDir::new().unwrap())
    }

    fn at(url: String, folder: TempDir) -> Self {
        let place = Place::at(&url);
        seed(&folder.path().join("ledger"));
        Self { place, url, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Signs with another centre's key, as one that was moved does.
    fn with_the_key_of(self, other: &Self) -> Self {
        let key = "ledger/signing.key";
        fs::copy(other.path(key), self.path(key)).unwrap();
        self
    }

    async fn signing(&self, town: &Municipality) -> Replica {
        let replica = self.place.replica(town).await;
        let seed = seed(&self.path("ledger"));
        let memory = self.path("ledger/signed");
        replica.sign(&seed, &memory, self.place.clock()).await;
        replica
    }

    /// Runs `cozum <command> <args>` here; what it said, if it did not refuse.
    async fn run(&self, town: &Municipality, args: &[&str]) -> Result<String, String> {
        let data = self.folder.path().to_str().unwrap();
        let here = ["--data", data, "--municipalities", town.as_str()];
        let store = ["--ledger-store", self.url.as_str()];
        let args = args.iter().chain(&here).chain(&store).copied();
        let output = Launch::new(args.clone().next().unwrap(), args).run().await;
        let output = output.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() {
            Ok(text(output.stdout))
        } else {
            Err(text(output.stderr))
        }
    }
}

/// Appends `count` events to each of two streams in one command.
async fn append(log: &Replica, number: u128, count: usize) {
    let streams = [format!("a-{number}"), format!("b-{number}")];
    let writes = streams.each_ref().map(|it| (it.as_str(), 0, count));
    log.append(command(number, &writes), None).await.unwrap();
}

/// All that can be read of a log.
async fn whole(log: &Replica) -> (Vec<Event>, Vec<Signed>, Vec<Vec<u8>>) {
    let size = log.latest_checkpoint().await.unwrap().size;
    let mut tiles = vec![];
    for (level, index, width) in auditor::bundle::tiles(size) {
        let tile = log.tile(u8::try_from(level).unwrap(), index, width).await;
        tiles.push(tile.unwrap().concat());
    }
    (all(log).await, log.checkpoints(0, 0).await.unwrap(), tiles)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn a_backup_comes_back_as_it_was(from: Centre, to: Centre) {
    let town = from.place.municipality();
    let backup = from.path("backup");
    let (out, to) = (text(&backup), to.with_the_key_of(&from));
    let log = from.signing(&town).await;
    append(&log, 1, 150).await;
    let key = seed(&from.path("ledger")).key(&format!("example.org/log/{town}"));
    let (theirs, town_of_theirs) = (TempDir::new().unwrap(), from.place.log().await);
    let witness = witness::serve(&from.place, &town_of_theirs, &key.unwrap(), &theirs).await;
    let cosigned = witness::cosigned(&from.place, &log, &witness.asked).await;
    let told = from.run(&town, &["backup", "--out", out]).await.unwrap();
    assert!(told.contains("up to position 300, 300 of them"), "{told}");
    append(&log, 2, 240).await;
    signed(&log).await;
    drop(log);
    let log = from.place.replica(&town).await;
    let lease = log.acquire_lease("routing.requests", "a").await.unwrap();
    let saved = log
        .save_checkpoint("routing.requests", lease.epoch, 700)
        .await;
    saved.unwrap();
    // What nobody has signed yet.
    append(&log, 3, 1).await;
    let told = from.run(&town, &["backup", "--out", out]).await.unwrap();
    assert!(told.contains("up to position 782, 780 of them"), "{told}");
    let partial = backup.join(town.as_str()).join("events/001.p");
    assert!(!partial.exists(), "what was not full then is still there");

    // A ledger that was started once made an empty log, with a key of its own.
    drop(to.place.replica(&town).await);
    let told = to.run(&town, &["restore", "--from", out]).await.unwrap();
    assert!(
        told.contains("780 events are back") && told.contains("2 more"),
        "{told}"
    );
    let back = to.place.replica(&town).await;
    assert_eq!(whole(&back).await, whole(&log).await);
    assert_eq!(back.cosigned_checkpoint().await.unwrap(), cosigned);
    to.place.pass(LEASE);
    let lease = back.acquire_lease("routing.requests", "b").await.unwrap();
    assert_eq!((lease.granted, lease.checkpoint), (true, 700));
    let refused = to.run(&town, &["restore", "--from", out]).await;
    assert!(refused.unwrap_err().contains("has 782 events of it"));

    // A command that comes again is known, whatever it wrote; what else was asked under its id is refused.
    let streams = [("a-2", 0, 240), ("b-2", 0, 240)];
    let again = back.append(command(2, &streams), None).await.unwrap();
    assert_eq!((again.replayed, again.events.len()), (true, 480));
    let mut other = command(2, &streams);
    other.fingerprint = vec![2; 32];
    let refused = back.append(other, None).await;
    assert!(matches!(refused, Err(LogError::Reused)), "{refused:?}");

    // It goes on under its name, and whoever kept a checkpoint of before sees one history.
    let kept = log.latest_checkpoint().await.unwrap().note;
    drop(back);
    let back = to.signing(&town).await;
    append(&back, 4, 10).await;
    let now = signed(&back).await;
    assert_eq!(
        (now.size, now.note.lines().next()),
        (802, kept.lines().next())
    );
    let seed = seed(&to.path("ledger"));
    assert_eq!(found(&back, &seed, Some(&kept)).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_sqlite_comes_back_into_sqlite() {
    let there = (Centre::sqlite(), Centre::sqlite());
    Box::pin(a_backup_comes_back_as_it_was(there.0, there.1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_moves_from_sqlite_to_postgres_and_keeps_its_root() {
    let there = (Centre::sqlite(), Centre::postgres().await);
    Box::pin(a_backup_comes_back_as_it_was(there.0, there.1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_moves_from_postgres_to_sqlite_and_keeps_its_root() {
    let there = (Centre::postgres().await, Centre::sqlite());
    Box::pin(a_backup_comes_back_as_it_was(there.0, there.1)).await;
}

/// A centre with a log of 600 events that were signed, and a backup of it.
async fn backed_up() -> (Centre, Municipality, PathBuf) {
    let centre = Centre::sqlite();
    let town = centre.place.municipality();
    let log = centre.signing(&town).await;
    append(&log, 1, 300).await;
    signed(&log).await;
    let backup = centre.path("backup");
    let told = centre.run(&town, &["backup", "--out", text(&backup)]).await;
    told.unwrap();
    (centre, town, backup)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_of_a_backup_is_named_and_nothing_of_it_comes_back() {
    let (from, town, backup) = backed_up().await;
    let to = Centre::sqlite().with_the_key_of(&from);
    let args = ["restore", "--from", text(&backup)];
    // Where in the file, and the position that must be told, where one can be.
    let changes = [
        ("events/000", 40, Some(1)),
        ("events/002.p/88", 100, Some(513)),
        ("tile/entries/001", 34 * 10 + 5, Some(267)),
        ("tile/0/001", 32 * 200, Some(457)),
        ("tile/1/000.p/2", 3, Some(1)),
        ("fingerprints/001", 32 * 7, Some(257)),
        ("checkpoint", 60, None),
        ("unsigned", 0, None),
        ("backup", 20, None),
    ];
    for (path, at, position) in changes {
        let file = backup.join(town.as_str()).join(path);
        let whole = fs::read(&file).unwrap();
        let mut changed = whole.clone();
        match changed.get_mut(at) {
            Some(byte) => *byte ^= 1,
            None => changed.push(0),
        }
        fs::write(&file, changed).unwrap();
        let refused = to.run(&town, &args).await.unwrap_err();
        if let Some(position) = position {
            let named = format!("position {position}:");
            assert!(refused.contains(&named), "{path}: {refused}");
        }
        let log = to.place.replica(&town).await;
        assert_eq!(log.head().await.unwrap().position, 0, "{path}: {refused}");
        drop(log);
        fs::write(&file, whole).unwrap();
    }
    to.run(&town, &args).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_backup_is_brought_forward_and_by_what_was_signed_alone() {
    let (from, town, older) = backed_up().await;
    let newer = from.path("newer");
    let log = from.signing(&town).await;
    from.place.pass(std::time::Duration::from_secs(6));
    append(&log, 2, 100).await;
    signed(&log).await;
    from.run(&town, &["backup", "--out", text(&newer)])
        .await
        .unwrap();

    let to = Centre::postgres().await.with_the_key_of(&from);
    let told = to.run(&town, &["restore", "--from", text(&older)]).await;
    assert!(told.unwrap().contains("600 events are back"));

    // The same events, signed by somebody else.
    let forger = Centre::sqlite();
    let told = forger
        .run(&town, &["restore", "--recover", "--from", text(&newer)])
        .await;
    assert!(told.unwrap_err().contains("is not signed by the key"));
    // Another history, by the very key.
    let another = Centre::sqlite().with_the_key_of(&from);
    let fork = another.signing(&town).await;
    append(&fork, 9, 450).await;
    signed(&fork).await;
    drop(fork);
    let other = another.path("backup");
    another
        .run(&town, &["backup", "--out", text(&other)])
        .await
        .unwrap();
    let recover = ["restore", "--recover", "--from"];
    let refused = to
        .run(&town, &[recover.as_slice(), &[text(&other)]].concat())
        .await;
    assert!(refused.unwrap_err().contains("are not those of the backup"));

    let recovered = to
        .run(&town, &[recover.as_slice(), &[text(&newer)]].concat())
        .await;
    assert!(
        recovered
            .unwrap()
            .contains("200 events are back, up to 800")
    );
    let back = to.place.replica(&town).await;
    assert_eq!(whole(&back).await, whole(&log).await);

    // A backup notices when its log was rolled back.
    let rolled_back = Centre::sqlite().with_the_key_of(&from);
    rolled_back
        .run(&town, &["restore", "--from", text(&older)])
        .await
        .unwrap();
    let refused = rolled_back
        .run(&town, &["backup", "--out", text(&newer)])
        .await;
    let refused = refused.unwrap_err();
    let named = "position 601: the folder holds 800 signed entries, the log only 600";
    assert!(refused.contains(named), "{refused}");
    // And the backup is as it was: it still brings back what the log lost.
    let mended = rolled_back
        .run(&town, &[recover.as_slice(), &[text(&newer)]].concat())
        .await;
    assert!(mended.unwrap().contains("200 events are back, up to 800"));
}

/// Killed before the tiles and the checkpoints were kept, a restore is finished by `--recover`, and all of the tree is there.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_restore_is_finished() {
    let from = Centre::sqlite();
    let town = from.place.municipality();
    let log = from.signing(&town).await;
    append(&log, 1, 150).await;
    append(&log, 2, 150).await;
    signed(&log).await;
    let backup = from.path("backup");
    let told = from.run(&town, &["backup", "--out", text(&backup)]).await;
    told.unwrap();
    let to = Centre::sqlite().with_the_key_of(&from);
    let shelf = Shelf::open(&to.place.location).await.unwrap();
    let clock = to.place.clock();
    let mut begun = Restore::open(&shelf, &town, [7; 32], clock).await.unwrap();
    let events = all(&log).await.into_iter();
    let returning = events.take(500).map(|event| Returning {
        event,
        fingerprint: None,
    });
    begun.bring(returning.collect()).await.unwrap();
    drop(begun);
    let args = ["restore", "--recover", "--from", text(&backup)];
    // The last command's events were waiting for more of theirs.
    let told = to.run(&town, &args).await.unwrap();
    assert!(told.contains("300 events are back, up to 600"), "{told}");
    let back = to.signing(&town).await;
    assert_eq!(whole(&back).await, whole(&log).await);
    to.place.pass(LEASE * 2);
    append(&back, 3, 10).await;
    assert_eq!(signed(&back).await.size, 620);
}

async fn a_fork_is_declared_and_told(to: Centre) {
    let (from, town, older) = backed_up().await;
    let at_600 = fs::read_to_string(older.join(town.as_str()).join("checkpoint")).unwrap();
    let log = from.signing(&town).await;
    from.place.pass(LEASE * 2);
    append(&log, 2, 100).await;
    let at_800 = signed(&log).await.note;
    drop(log);
    let to = to.with_the_key_of(&from);
    to.run(&town, &["restore", "--from", text(&older)])
        .await
        .unwrap();
    let declare = ["restore", "--declare-fork", "--ground", "events-lost"];
    let refused = to.run(&town, &declare).await.unwrap_err();
    assert!(refused.contains("remembers nothing"), "{refused}");
    let memory = format!("ledger/signed/{town}.checkpoint");
    fs::copy(from.path(&memory), to.path(&memory)).unwrap();
    assert!(to.run(&town, &["restore", "--declare-fork"]).await.is_err());

    let told = to.run(&town, &declare).await.unwrap();
    let name = format!("example.org/log/fork-1/{town}");
    assert!(
        told.contains("position 601") && told.contains(&name),
        "{told}"
    );
    let refused = to.run(&town, &declare).await.unwrap_err();
    assert!(refused.contains("there is nothing to declare"), "{refused}");
    let aside = fs::read_to_string(to.path(&memory).with_extension("left-at-800"));
    assert_eq!(aside.unwrap(), at_800);

    let log = to.signing(&town).await;
    append(&log, 3, 50).await;
    let now = signed(&log).await;
    assert_eq!(
        (now.size, now.note.lines().next()),
        (701, Some(name.as_str()))
    );
    let bundle = to.path("bundle");
    let told = to.run(&town, &["backup", "--out", text(&bundle)]).await;
    assert!(told.unwrap().contains("701 of them"));
    let verified = |kept: &str| {
        let asked = auditor::Asked {
            key: None,
            kept: vec![kept.to_owned()],
            policy: None,
        };
        auditor::verify(&bundle.join(town.as_str()), &asked)
    };
    // What was signed before the fork, under the old name, still holds.
    let report = verified(&at_600);
    assert_eq!(report.finding, None);
    let told = report.holds.join("\n");
    assert!(
        told.contains("at position 601 a fork was declared (events were lost): 800 events"),
        "{told}"
    );
    let finding = verified(&at_800).finding.unwrap();
    assert_eq!(finding.position, 601, "{finding}");
    assert!(
        finding.problem.contains("a history that was left"),
        "{finding}"
    );
    // Another log of the same key is none of this one.
    let other = SigningKeyOf(&from).signs("example.org/log/other", 600);
    let finding = verified(&other).finding.unwrap();
    assert!(finding.problem.contains("is of another log"), "{finding}");
}

/// Signs what it likes.
struct SigningKeyOf<'a>(&'a Centre);

impl SigningKeyOf<'_> {
    fn signs(&self, origin: &str, size: u64) -> String {
        let key = seed(&self.0.path("ledger")).key(origin).unwrap();
        let checkpoint = Checkpoint {
            origin: origin.to_owned(),
            size,
            root: [7; 32],
        };
        key.sign(&checkpoint.to_string())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_of_a_log_in_sqlite_is_declared_and_told() {
    Box::pin(a_fork_is_declared_and_told(Centre::sqlite())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_of_a_log_in_postgres_is_declared_and_told() {
    Box::pin(a_fork_is_declared_and_told(Centre::postgres().await)).await;
}
