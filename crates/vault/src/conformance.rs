//! What a vault promises, whatever its keys are stored in.

use std::{collections::BTreeMap, sync::Arc};

use uuid::Uuid;
use vocabulary::Municipality;

use crate::{MasterKey, Opened, Plain, Sealed, Subject, Vault, VaultError};

const EVENT: Uuid = Uuid::from_u128(7);
const TEXT: &str = "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ";

/// Runs the suite on an empty store; panics where a promise is broken.
pub async fn holds_for(store: &str, master: &MasterKey, other_master: &MasterKey) {
    let vault = Arc::new(open(store, master).await);
    let replica = Arc::new(open(store, master).await);
    a_value_opens_wherever_the_keys_are(&vault, &replica).await;
    municipalities_have_their_own_keys(&vault).await;
    callers_at_the_same_moment_get_the_same_key(&vault, &replica).await;
    a_destroyed_key_never_comes_back(&vault).await;

    let restarted = open(store, master).await;
    a_value_opens_wherever_the_keys_are(&vault, &restarted).await;
    let refused = Vault::open(store, other_master).await;
    assert!(matches!(refused, Err(VaultError::OtherMasterKey)));
}

async fn open(store: &str, master: &MasterKey) -> Vault {
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
            | VaultError::OtherMasterKey
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
