//! Epochs of the master key: what is promised while they change, and afterwards.

use std::{
    fs,
    future::{Future, poll_fn},
    path::Path,
    pin::pin,
    sync::Arc,
    task::Poll,
};

use uuid::Uuid;
use vocabulary::RequestNumber;

use super::{EVENT, TEXT, bozkoy, person, text};
use crate::{
    BlindIndex, Ended, MasterKeys, Opened, Plain, Sealed, Subject, TrackingSecrets, Vault,
    VaultError, copy,
};

/// Persons whose keys are of the first epoch: more than one batch.
const PERSONS: u128 = 1_200;
const FIRST: u128 = 10_000;

/// Runs on an empty store; a folder for master keys and backups.
pub(super) async fn hold_for(store: &str, folder: &Path) {
    let file = folder.join("epochs");
    let open = async || {
        let keys = MasterKeys::read_or_create(&file).expect("a master key");
        Vault::open(store, &keys).await.expect("the store opens")
    };
    let (here, there) = (Arc::new(open().await), Arc::new(open().await));
    let written = written(&here, FIRST..FIRST + PERSONS).await;
    let erased = person(FIRST);
    let derived = derived(&here);
    let before = backup(store, folder, "before").await;
    let old_file = folder.join("old");
    fs::copy(&file, &old_file).expect("the old key is kept");
    nothing_begins_without_a_newer_key(&here).await;

    // A replica that has not been given the new key says which one it lacks, and goes on once it has it.
    let late_file = folder.join("late");
    fs::copy(&file, &late_file).expect("a copy");
    let late = MasterKeys::read(&late_file).expect("a master key");
    let late = Vault::open(store, &late).await.expect("the store opens");
    MasterKeys::add(&file).expect("a new key");
    assert!(here.epochs().await.expect("the store answers").prepared);
    here.begin_epoch().await.expect("an epoch begins");
    let refused = late.keys(&bozkoy(), [person(1)]).await;
    let refused = refused
        .err()
        .expect("a key of a replica without the new one");
    assert!(matches!(refused, VaultError::UnknownEpoch(2)), "{refused}");
    assert!(refused.to_string().contains("epoch 2"), "{refused}");
    fs::copy(&file, &late_file).expect("a copy");
    late.keys(&bozkoy(), [person(1)]).await.expect("keys");

    here.destroy(&bozkoy(), &erased, 1)
        .await
        .expect("destroyed");
    let meanwhile = all_at_once(&here, &there).await;
    let epochs = there.epochs().await.expect("the store answers");
    assert!(epochs.are_settled() && !epochs.prepared, "{epochs:?}");
    assert_eq!(epochs.current(), 2);
    assert_eq!(there.rewrap().await.expect("the store answers"), 0);

    for (number, ended) in [(2, Ended::Current), (3, Ended::Unknown), (1, Ended::Held)] {
        let told = here.end_epoch(number).await.expect("the store answers");
        assert_eq!(told, ended, "epoch {number}");
    }
    only_the_newest_stays(&file);
    for _ in 0..2 {
        let told = here.end_epoch(1).await.expect("the store answers");
        assert_eq!(told, Ended::Over);
    }

    let restarted = open().await;
    for vault in [&*here, &*there, &restarted] {
        all_opens(vault, &written[1..]).await;
        all_opens(vault, &meanwhile).await;
        let (event, sealed) = &written[0];
        let gone = vault.open_all(&bozkoy(), &[(*event, "name", sealed)]).await;
        assert_eq!(gone.expect("the store answers"), [Opened::Erased]);
        assert!(derived == self::derived(vault), "a use's key changed");
    }
    an_old_backup_is_dead_without_its_key(&before, &file, &old_file, &written).await;
    let after = backup(store, folder, "after").await;
    let keys = MasterKeys::read(&file).expect("a master key");
    let after = Vault::open(&after, &keys).await.expect("the backup opens");
    all_opens(&after, &written[1..]).await;
    assert_eq!(after.epochs().await.expect("it answers").current(), 2);
}

async fn nothing_begins_without_a_newer_key(vault: &Vault) {
    vault.begin_epoch().await.expect("the store answers");
    let epochs = vault.epochs().await.expect("the store answers");
    assert!(!epochs.prepared && epochs.current() == 1, "{epochs:?}");
}

/// Both wrap anew, one of them dies again and again in the middle of it, and new persons come all the time.
async fn all_at_once(here: &Arc<Vault>, there: &Arc<Vault>) -> Vec<(Uuid, Sealed)> {
    for waits in 1..20 {
        // Whoever dies is dropped at one of its waits.
        dropped_after(waits, here.rewrap()).await;
    }
    let epochs = here.epochs().await.expect("the store answers");
    let left: u64 = epochs
        .epochs
        .iter()
        .filter(|it| !it.current)
        .map(|it| it.keys)
        .sum();
    assert!(left > 0, "nobody died in the middle of it");
    let newcomers = |vault: &Arc<Vault>, from: u128| {
        let vault = vault.clone();
        async move {
            let mut all = Vec::new();
            for number in from..from + 60 {
                all.extend(written(&vault, number..number + 1).await);
            }
            all
        }
    };
    let (one, other, mine, theirs) = tokio::join!(
        here.rewrap(),
        there.rewrap(),
        newcomers(here, 50_000),
        newcomers(there, 60_000)
    );
    let both = one.expect("it ends") + other.expect("it ends");
    assert_eq!(both, left, "a key is wrapped anew once");
    [mine, theirs].concat()
}

/// Polls a future until it has waited so often, and drops it.
async fn dropped_after<F: Future>(waits: usize, future: F) {
    let mut future = pin!(future);
    let mut waited = 0;
    poll_fn(|context| {
        waited += 1;
        match future.as_mut().poll(context) {
            Poll::Pending if waited < waits => Poll::Pending,
            Poll::Pending | Poll::Ready(_) => Poll::Ready(()),
        }
    })
    .await;
}

/// A value of each of these persons, sealed.
async fn written(vault: &Vault, persons: std::ops::Range<u128>) -> Vec<(Uuid, Sealed)> {
    let persons: Vec<Subject> = persons.map(person).collect();
    let keys = vault.keys(&bozkoy(), persons.clone()).await.expect("keys");
    let seal = |subject: &Subject| {
        let sealed = keys.seal(subject, EVENT, "name", &text());
        (EVENT, sealed.expect("sealed"))
    };
    persons.iter().map(seal).collect()
}

async fn all_opens(vault: &Vault, written: &[(Uuid, Sealed)]) {
    let values: Vec<_> = written
        .iter()
        .map(|(it, sealed)| (*it, "name", sealed))
        .collect();
    let opened = vault.open_all(&bozkoy(), &values).await;
    let opened = opened.expect("the store answers");
    let text = Opened::Text(text());
    assert_eq!(opened.len(), written.len());
    assert!(opened.iter().all(|it| *it == text), "{TEXT} is lost");
}

/// What follows from the keys that are nobody's: a tracking secret and an entry of the index.
fn derived(vault: &Vault) -> (Plain, i64) {
    let secrets: TrackingSecrets = vault.tracking_secrets();
    let index: BlindIndex = vault.blind_index();
    (
        secrets.of(&bozkoy(), &RequestNumber::new(2026, 48_120_937)),
        index.of(&bozkoy(), "phone", "+905321234567"),
    )
}

async fn backup(store: &str, folder: &Path, name: &str) -> String {
    let backup = format!("sqlite:{}", folder.join(name).display());
    copy(store, &backup).await.expect("a backup");
    backup
}

fn only_the_newest_stays(file: &Path) {
    let text = fs::read_to_string(file).expect("the file");
    let newest = text.lines().rfind(|it| !it.is_empty()).expect("a key");
    fs::write(file, newest).expect("the old key is destroyed");
}

async fn an_old_backup_is_dead_without_its_key(
    backup: &str,
    file: &Path,
    old: &Path,
    written: &[(Uuid, Sealed)],
) {
    let keys = MasterKeys::read(file).expect("a master key");
    let refused = Vault::open(backup, &keys).await;
    let refused = refused.err().expect("the old backup");
    assert!(matches!(refused, VaultError::UnknownEpoch(1)), "{refused}");
    let keys = MasterKeys::read(old).expect("the old master key");
    let alive = Vault::open(backup, &keys).await.expect("it opens");
    all_opens(&alive, written).await;
}
