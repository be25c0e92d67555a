//! What a vault promises, whatever its keys are stored in.

mod epochs;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use uuid::Uuid;
use vocabulary::Municipality;

use crate::{
    MasterKeys, Opened, OpenedFile, Plain, PlainBytes, Sealed, SealedFile, Subject, Vault,
    VaultError,
};

const EVENT: Uuid = Uuid::from_u128(7);
const TEXT: &str = "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ";

/// Runs the suite on an empty store, with a folder of its own; panics where a promise is broken.
pub async fn holds_for(store: &str, folder: &Path) {
    let masters = |name: &str| MasterKeys::read_or_create(&folder.join(name)).expect("a key");
    let (master, other_master) = (&masters("ours"), &masters("another"));
    let vault = Arc::new(open(store, master).await);
    let replica = Arc::new(open(store, master).await);
    a_value_opens_wherever_the_keys_are(&vault, &replica).await;
    municipalities_have_their_own_keys(&vault).await;
    callers_at_the_same_moment_get_the_same_key(&vault, &replica).await;
    a_destroyed_key_never_comes_back(&vault).await;
    a_file_opens_wherever_the_keys_are(&vault, &replica).await;
    the_same_command_keeps_the_same_file(&vault, &replica).await;
    a_file_is_gone_with_its_key(&vault, &replica).await;

    let restarted = open(store, master).await;
    a_value_opens_wherever_the_keys_are(&vault, &restarted).await;
    let refused = Vault::open(store, other_master).await;
    assert!(matches!(refused, Err(VaultError::UnknownEpoch(1))));
}

/// Runs what is promised of the master key's epochs on an empty store, with a folder of its own.
pub async fn epochs_hold_for(store: &str, folder: &Path) {
    Box::pin(epochs::hold_for(store, folder)).await;
}

async fn open(store: &str, master: &MasterKeys) -> Vault {
    Vault::open(store, master).await.expect("the store opens")
}

fn bozkoy() -> Municipality {
    "bozkoy".parse().expect("a municipality")
}

fn person(number: u128) -> Subject {
    Subject::person(Uuid::from_u128(number))
}

fn text() -> Plain {
    Plain::from(TEXT.to_owned())
}

async fn sealed(vault: &Vault, field: &str) -> Sealed {
    let keys = vault.keys(&bozkoy(), [person(1)]).await.expect("keys");
    keys.seal(&person(1), EVENT, field, &text())
        .expect("sealed")
}

async fn opened(vault: &Vault, field: &str, sealed: &Sealed) -> Result<Vec<Opened>, &'static str> {
    let values = [(EVENT, field, sealed)];
    vault
        .open_all(&bozkoy(), &values)
        .await
        .map_err(|problem| match problem {
            VaultError::Seal(_) => "does not open",
            VaultError::Unknown(_) => "no key",
            VaultError::Unavailable(_)
            | VaultError::NotAStore
            | VaultError::UnknownEpoch(_)
            | VaultError::NoMasterKey(_)
            | VaultError::Erased(_) => "another problem",
        })
}

async fn a_value_opens_wherever_the_keys_are(here: &Vault, there: &Vault) {
    let sealed = sealed(here, "name").await;
    assert_eq!(
        opened(there, "name", &sealed).await,
        Ok(vec![Opened::Text(text())])
    );
    assert_eq!(opened(there, "email", &sealed).await, Err("does not open"));
}

async fn municipalities_have_their_own_keys(vault: &Vault) {
    let sealed = sealed(vault, "name").await;
    let ankara = "ankara".parse().expect("a municipality");
    let refused = vault.open_all(&ankara, &[(EVENT, "name", &sealed)]).await;
    assert!(matches!(refused, Err(VaultError::Unknown(_))));

    vault.keys(&ankara, [person(1)]).await.expect("keys");
    let refused = vault.open_all(&ankara, &[(EVENT, "name", &sealed)]).await;
    assert!(matches!(refused, Err(VaultError::Seal(_))));
}

/// Each seals with the key it was given first; all of it must open in the end.
async fn callers_at_the_same_moment_get_the_same_key(vault: &Arc<Vault>, replica: &Arc<Vault>) {
    let mut calls = tokio::task::JoinSet::new();
    for call in 0..100 {
        let vault = if call % 2 == 0 { vault } else { replica }.clone();
        calls.spawn(async move {
            let shared = person(100 + call % 10);
            let own = Subject::contact(Uuid::from_u128(call));
            let keys = vault
                .keys(&bozkoy(), [shared.clone(), own])
                .await
                .expect("keys");
            keys.seal(&shared, EVENT, "name", &text()).expect("sealed")
        });
    }
    let mut all = BTreeMap::<Subject, Vec<Sealed>>::new();
    while let Some(call) = calls.join_next().await {
        let sealed = call.expect("no call panics");
        all.entry(sealed.subject.clone()).or_default().push(sealed);
    }
    assert_eq!(all.len(), 10);
    for sealed in all.values().flatten() {
        for vault in [vault, replica] {
            assert_eq!(
                opened(vault, "name", sealed).await,
                Ok(vec![Opened::Text(text())])
            );
        }
    }
}

async fn a_destroyed_key_never_comes_back(vault: &Vault) {
    let subject = person(2);
    let keys = vault
        .keys(&bozkoy(), [subject.clone()])
        .await
        .expect("keys");
    let sealed = keys.seal(&subject, EVENT, "name", &text()).expect("sealed");
    for at in [1, 2] {
        vault
            .destroy(&bozkoy(), &subject, at)
            .await
            .expect("destroyed");
        assert_eq!(
            opened(vault, "name", &sealed).await,
            Ok(vec![Opened::Erased])
        );
        let refused = vault.keys(&bozkoy(), [subject.clone()]).await;
        assert!(matches!(refused, Err(VaultError::Erased(_))));
    }
    let never_used = person(3);
    vault
        .destroy(&bozkoy(), &never_used, 3)
        .await
        .expect("destroyed");
    let refused = vault.keys(&bozkoy(), [never_used]).await;
    assert!(matches!(refused, Err(VaultError::Erased(_))));
}

const FILE: Uuid = Uuid::from_u128(0x0102_0304_0506_5708_8910_1112_1314_1516);

/// Seals and keeps a file of a person.
async fn kept(vault: &Vault, owner: u128, id: Uuid, bytes: &[u8]) -> SealedFile {
    let owner = person(owner);
    let keys = vault.keys(&bozkoy(), [owner.clone()]).await.expect("keys");
    let sealed = keys.seal_file(&owner, id, bytes).expect("sealed");
    let files = std::slice::from_ref(&sealed);
    vault.keep_files(&bozkoy(), files).await.expect("kept");
    sealed
}

async fn file(vault: &Vault, sealed: &SealedFile) -> OpenedFile {
    vault
        .open_file(&bozkoy(), &sealed.subject, sealed.id, &sealed.sha256)
        .await
        .expect("the store answers")
}

async fn a_file_opens_wherever_the_keys_are(here: &Vault, there: &Vault) {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|it| it.to_le_bytes()[1]).collect();
    let sealed = kept(here, 5, FILE, &bytes).await;
    for vault in [here, there] {
        assert_eq!(
            file(vault, &sealed).await,
            OpenedFile::Bytes(PlainBytes::from(bytes.clone()))
        );
    }
    let ankara = "ankara".parse().expect("a municipality");
    let elsewhere = [
        (bozkoy(), person(1), FILE, sealed.sha256),
        (bozkoy(), person(999), FILE, sealed.sha256),
        (bozkoy(), person(5), Uuid::from_u128(6), sealed.sha256),
        (bozkoy(), person(5), FILE, [0; 32]),
        (ankara, person(5), FILE, sealed.sha256),
    ];
    for (municipality, subject, id, sha256) in elsewhere {
        let found = there
            .open_file(&municipality, &subject, id, &sha256)
            .await
            .expect("the store answers");
        assert_eq!(found, OpenedFile::Unknown, "{municipality} {subject} {id}");
    }
}

/// A retry keeps what is there; another file under the same id stands beside it.
async fn the_same_command_keeps_the_same_file(here: &Vault, there: &Vault) {
    let first = kept(here, 6, FILE, b"one picture").await;
    let again = kept(there, 6, FILE, b"one picture").await;
    assert_eq!(first.sha256, again.sha256);
    let other = kept(here, 6, FILE, b"another picture").await;
    assert_ne!(first.sha256, other.sha256);
    for (sealed, bytes) in [
        (first, b"one picture".to_vec()),
        (other, b"another picture".to_vec()),
    ] {
        assert_eq!(
            file(there, &sealed).await,
            OpenedFile::Bytes(PlainBytes::from(bytes))
        );
    }
}

async fn a_file_is_gone_with_its_key(vault: &Vault, replica: &Vault) {
    let sealed = kept(vault, 7, FILE, b"a picture").await;
    assert!(matches!(file(replica, &sealed).await, OpenedFile::Bytes(_)));
    let others = kept(vault, 8, FILE, b"somebody else's").await;
    vault
        .destroy(&bozkoy(), &sealed.subject, 1)
        .await
        .expect("destroyed");
    for vault in [vault, replica] {
        for (subject, gone) in [(&sealed.subject, true), (&others.subject, false)] {
            let destroyed = vault.is_destroyed(&bozkoy(), subject).await;
            assert_eq!(destroyed.expect("the store answers"), gone, "{subject}");
        }
        assert_eq!(file(vault, &sealed).await, OpenedFile::Erased);
        assert!(matches!(file(vault, &others).await, OpenedFile::Bytes(_)));
    }
}
