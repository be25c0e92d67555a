use super::*;

const EVENT: Uuid = Uuid::from_u128(7);

fn master() -> MasterKey {
    MasterKey::for_tests([7; 32])
}

fn bozkoy() -> Municipality {
    "bozkoy".parse().unwrap()
}

fn ayse() -> Subject {
    Subject::person(Uuid::from_u128(1))
}

fn text() -> Plain {
    Plain::from("Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ".to_owned())
}

struct Place {
    _folder: tempfile::TempDir,
    store: String,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("vault/keys.db").display());
    Place {
        _folder: folder,
        store,
    }
}

async fn sealed(vault: &Vault) -> Sealed {
    let keys = vault.keys(&bozkoy(), [ayse()]).await.unwrap();
    keys.seal(&ayse(), EVENT, "name", &text()).unwrap()
}

#[tokio::test]
async fn sqlite_keeps_every_promise() {
    let place = place();
    crate::conformance::holds_for(&place.store, &master(), &MasterKey::for_tests([8; 32])).await;
}

#[tokio::test]
async fn a_destroyed_key_leaves_nothing_behind_and_never_comes_back() {
    let place = place();
    let vault = Vault::open(&place.store, &master()).await.unwrap();
    let sealed = sealed(&vault).await;
    vault.destroy(&bozkoy(), &ayse(), 1).await.unwrap();
    vault.destroy(&bozkoy(), &ayse(), 2).await.unwrap();

    for vault in [vault, Vault::open(&place.store, &master()).await.unwrap()] {
        let opened = vault
            .open_all(&bozkoy(), &[(EVENT, "name", &sealed)])
            .await
            .unwrap();
        assert_eq!(opened, [Opened::Erased]);
        assert!(matches!(
            vault.keys(&bozkoy(), [ayse()]).await,
            Err(VaultError::Erased(_))
        ));
    }
}

#[tokio::test]
async fn the_wrapped_key_is_gone_from_the_file() {
    let place = place();
    let vault = Vault::open(&place.store, &master()).await.unwrap();
    sealed(&vault).await;
    let name = KeyName {
        municipality: bozkoy(),
        subject: ayse(),
    };
    let wrapped = vault
        .find(std::slice::from_ref(&name))
        .await
        .unwrap()
        .remove(&name)
        .unwrap()
        .0
        .unwrap();
    vault.destroy(&bozkoy(), &ayse(), 1).await.unwrap();

    let folder = std::path::Path::new(place.store.strip_prefix("sqlite:").unwrap())
        .parent()
        .unwrap()
        .to_owned();
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(wrapped.len()).any(|it| it == wrapped));
    }
}

#[tokio::test]
async fn a_wrapped_key_fits_no_other_subject() {
    let place = place();
    let vault = Vault::open(&place.store, &master()).await.unwrap();
    let name = KeyName {
        municipality: bozkoy(),
        subject: ayse(),
    };
    let wrapped = vault.wrap(&name, &SealingKey::random().unwrap()).unwrap();
    assert!(vault.unwrap(&name, &wrapped).is_ok());
    let other = KeyName {
        subject: Subject::contact(Uuid::from_u128(1)),
        ..name
    };
    assert!(vault.unwrap(&other, &wrapped).is_err());
}

#[tokio::test]
async fn a_cancelled_caller_takes_nobody_along() {
    let place = place();
    let vault = Arc::new(Vault::open(&place.store, &master()).await.unwrap());
    let mut calls = tokio::task::JoinSet::new();
    let mut doomed = Vec::new();
    for call in 0..60_u128 {
        let vault = vault.clone();
        let handle = calls.spawn(async move {
            vault
                .keys(&bozkoy(), [Subject::person(Uuid::from_u128(call))])
                .await
                .map(|_| ())
        });
        if call % 3 == 0 {
            doomed.push(handle);
        }
    }
    tokio::task::yield_now().await;
    doomed.iter().for_each(tokio::task::AbortHandle::abort);
    let mut answered = 0;
    while let Some(call) = calls.join_next().await {
        match call {
            Ok(outcome) => {
                outcome.unwrap();
                answered += 1;
            }
            Err(stopped) => assert!(stopped.is_cancelled()),
        }
    }
    assert!(answered >= 40);
    assert!(vault.keys(&bozkoy(), [ayse()]).await.is_ok());
}

#[tokio::test]
async fn an_unknown_kind_of_store_is_refused() {
    for bad in ["", "keys.db", "mysql://localhost/keys"] {
        assert!(
            matches!(
                Vault::open(bad, &master()).await,
                Err(VaultError::NotAStore)
            ),
            "{bad}"
        );
    }
}
