use super::*;

const EVENT: Uuid = Uuid::from_u128(7);

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
    folder: tempfile::TempDir,
    store: String,
}

impl Place {
    async fn vault(&self) -> Vault {
        let masters = MasterKeys::read_or_create(&self.folder.path().join("master.key")).unwrap();
        Vault::open(&self.store, &masters).await.unwrap()
    }
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("vault/keys.db").display());
    Place { folder, store }
}

async fn sealed(vault: &Vault) -> Sealed {
    let keys = vault.keys(&bozkoy(), [ayse()]).await.unwrap();
    keys.seal(&ayse(), EVENT, "name", &text()).unwrap()
}

#[tokio::test]
async fn sqlite_keeps_every_promise() {
    let place = place();
    crate::conformance::holds_for(&place.store, place.folder.path()).await;
}

#[tokio::test]
async fn sqlite_keeps_what_epochs_promise() {
    let place = place();
    crate::conformance::epochs_hold_for(&place.store, place.folder.path()).await;
}

/// As the store of a centre was before there were epochs.
#[tokio::test]
async fn a_store_of_one_master_key_is_in_its_first_epoch() {
    let place = place();
    let vault = place.vault().await;
    let sealed = sealed(&vault).await;
    let secrets = [
        vault.tracking_secrets(),
        TrackingSecrets::new(&{
            let text = std::fs::read_to_string(place.folder.path().join("master.key")).unwrap();
            let mut bytes = [0; 32];
            for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
                *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            }
            crate::master::MasterKey::for_tests(bytes).derive(TRACKING)
        }),
    ];
    let number = vocabulary::RequestNumber::new(2026, 48_120_937);
    let [stored, derived] = secrets.map(|it| it.of(&bozkoy(), &number));
    assert!(stored == derived, "links in old mails open no more");
    let Store::Sqlite(keys) = &vault.store else {
        panic!("a file")
    };
    for statement in [
        "drop table current_epoch",
        "delete from data_keys where municipality = ''",
    ] {
        sqlx::raw_sql(statement).execute(keys.pool()).await.unwrap();
    }
    let again = place.vault().await;
    let opened = again.open_all(&bozkoy(), &[(EVENT, "name", &sealed)]).await;
    assert_eq!(opened.unwrap(), [Opened::Text(text())]);
    assert!(again.tracking_secrets().of(&bozkoy(), &number) == stored);
    assert_eq!(again.epochs().await.unwrap().current(), 1);
}

#[tokio::test]
async fn a_destroyed_key_leaves_nothing_behind_and_never_comes_back() {
    let place = place();
    let vault = place.vault().await;
    let sealed = sealed(&vault).await;
    vault.destroy(&bozkoy(), &ayse(), 1).await.unwrap();
    vault.destroy(&bozkoy(), &ayse(), 2).await.unwrap();

    for vault in [vault, place.vault().await] {
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
    let vault = place.vault().await;
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
        .1
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
    let vault = place.vault().await;
    let name = KeyName {
        municipality: bozkoy(),
        subject: ayse(),
    };
    let (_, wrapping) = vault.masters.newest(&vault.store).await.unwrap();
    let key = SealingKey::random().unwrap();
    let bytes = wrapped(&wrapping, "bozkoy", name.subject.as_str(), &key).unwrap();
    let row = || Wrapped(1, Some(bytes.clone()));
    assert!(vault.unwrap(&name, row()).await.is_ok());
    let other = KeyName {
        subject: Subject::contact(Uuid::from_u128(1)),
        ..name
    };
    assert!(vault.unwrap(&other, row()).await.is_err());
}

#[tokio::test]
async fn a_cancelled_caller_takes_nobody_along() {
    let place = place();
    let vault = Arc::new(place.vault().await);
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
    let place = place();
    let masters = MasterKeys::read_or_create(&place.folder.path().join("master.key")).unwrap();
    for bad in ["", "keys.db", "mysql://localhost/keys"] {
        assert!(
            matches!(Vault::open(bad, &masters).await, Err(VaultError::NotAStore)),
            "{bad}"
        );
    }
}
