//! The vault's promises on PostgreSQL; its own tests hold SQLite to the same list.

use std::{fs, os::unix::fs::PermissionsExt as _};

use tempfile::TempDir;
use uuid::Uuid;
use vault::{Copied, MasterKeys, NotCopied, Opened, OpenedFile, Plain, Subject, Vault};
use vocabulary::Municipality;

use crate::place::Place;

#[tokio::test]
async fn keys_in_postgres_keep_every_promise() {
    let folder = TempDir::new().unwrap();
    let store = Place::database().await;
    vault::conformance::holds_for(&store, folder.path()).await;
}

#[tokio::test]
async fn epochs_in_postgres_keep_what_they_promise() {
    let folder = TempDir::new().unwrap();
    let store = Place::database().await;
    vault::conformance::epochs_hold_for(&store, folder.path()).await;
}

/// Keys and a file go from one kind of store to the other through a backup's file, as they are: wrapped, sealed, destroyed.
async fn they_are_carried(from: &str, to: &str, folder: &TempDir) {
    let master = MasterKeys::read_or_create(&folder.path().join("master")).unwrap();
    let town: Municipality = "bozkoy".parse().unwrap();
    let (here, gone) = (person(1), person(2));
    let event = Uuid::from_u128(7);
    let vault = Vault::open(from, &master).await.unwrap();
    let keys = vault
        .keys(&town, [here.clone(), gone.clone()])
        .await
        .unwrap();
    let text = |it: &str| Plain::from(it.to_owned());
    let sealed = keys.seal(&here, event, "name", &text("İpek")).unwrap();
    let lost = keys.seal(&gone, event, "name", &text("Ali")).unwrap();
    let file = keys.seal_file(&here, event, b"picture").unwrap();
    let (id, sha256) = (file.id, file.sha256);
    vault.keep_files(&town, &[file]).await.unwrap();
    vault.destroy(&town, &gone, 1).await.unwrap();

    let backup = folder.path().join("keys.db");
    let between = format!("sqlite:{}", backup.display());
    // Two of them are nobody's.
    let carried = Copied { keys: 4, files: 1 };
    assert_eq!(vault::copy(from, &between).await.unwrap(), carried);
    let mode = fs::metadata(&backup).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    assert_eq!(vault::copy(&between, to).await.unwrap(), carried);
    let again = vault::copy(&between, to).await;
    assert!(matches!(again, Err(NotCopied::NotEmpty)), "{again:?}");

    let moved = Vault::open(to, &master).await.unwrap();
    let values = [(event, "name", &sealed), (event, "name", &lost)];
    let opened = moved.open_all(&town, &values).await.unwrap();
    assert_eq!(opened, [Opened::Text(text("İpek")), Opened::Erased]);
    let opened = moved.open_file(&town, &here, id, &sha256).await.unwrap();
    assert_eq!(opened, OpenedFile::Bytes(b"picture".to_vec().into()));
}

fn person(number: u128) -> Subject {
    Subject::person(Uuid::from_u128(number))
}

#[tokio::test]
async fn keys_are_carried_between_both_kinds_of_store() {
    let sqlite = |it: &TempDir| format!("sqlite:{}", it.path().join("vault.db").display());
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    they_are_carried(&sqlite(&one), &Place::database().await, &one).await;
    they_are_carried(&Place::database().await, &sqlite(&other), &other).await;
}
