mod batch;
mod copy;
mod epochs;
mod files;
mod postgres;
mod sqlite;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use uuid::Uuid;
use vocabulary::Municipality;
use zeroize::Zeroizing;

pub use copy::{Copied, NotCopied, copy};
pub use epochs::{Ended, Epoch, Epochs};
pub use files::{OpenedFile, SealedFile};

use crate::{
    BlindIndex, MasterKeyError, MasterKeys, Place, Plain, SealError, Sealed, Subject,
    TrackingSecrets,
    cache::{Cache, KeyName},
    framing::framed,
    seal::{self, NONCE, SealingKey},
};

/// Unwrapped keys kept in memory; a few megabytes.
const CACHED: usize = 20_000;

/// What the keys that are nobody's are used for.
pub(crate) const TRACKING: &str = "tracking";
const BLIND_INDEX: &str = "blind-index";

/// Holds the data keys of all subjects, and makes new ones.
pub struct Vault {
    store: Store,
    masters: epochs::Masters,
    tracking: SealingKey,
    blind_index: SealingKey,
    cache: Cache,
    batch: batch::Batch,
}

/// The two databases that keys can live in.
enum Store {
    Postgres(postgres::Keys),
    Sqlite(sqlite::Keys),
}

/// A stored data key: its epoch, and nonce and wrapped bytes, or nothing once it was destroyed.
struct Wrapped(i64, Option<Vec<u8>>);

/// Why the vault gives no key.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    /// Try again later.
    #[error("the key store does not answer")]
    Unavailable(#[from] Arc<sqlx::Error>),
    /// Neither kind of database.
    #[error("a key store is postgres://… or sqlite:FILE")]
    NotAStore,
    /// There are keys that another master key wraps.
    #[error(
        "keys are wrapped under the master key of epoch {0}, which is not in the master key file"
    )]
    UnknownEpoch(i64),
    /// The master key file cannot be read again.
    #[error(transparent)]
    NoMasterKey(Arc<MasterKeyError>),
    /// Nothing is sealed any more for a subject whose key was destroyed.
    #[error("the key of {0} was destroyed")]
    Erased(Subject),
    /// Nothing was ever sealed for it here.
    #[error("there is no key of {0}")]
    Unknown(Subject),
    /// The value, or a stored key, does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<sqlx::Error> for VaultError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(Arc::new(error))
    }
}

/// What was behind a sealed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// The text.
    Text(Plain),
    /// Its key was destroyed.
    Erased,
}

impl Vault {
    /// Opens the store (`postgres://…` or `sqlite:FILE`), creates its tables where needed, and checks that the master keys are
    /// those that wrap its keys.
    pub async fn open(store: &str, masters: &MasterKeys) -> Result<Self, VaultError> {
        let store = match store.split_once(':') {
            Some(("sqlite", file)) => Store::Sqlite(sqlite::Keys::open(file).await?),
            Some(("postgres" | "postgresql", _)) => {
                Store::Postgres(postgres::Keys::open(store).await?)
            }
            Some(_) | None => return Err(VaultError::NotAStore),
        };
        let masters = epochs::Masters::of(&store, masters).await?;
        Ok(Self {
            tracking: Self::key_for(&store, &masters, TRACKING).await?,
            blind_index: Self::key_for(&store, &masters, BLIND_INDEX).await?,
            store,
            masters,
            cache: Cache::new(CACHED),
            batch: batch::Batch::default(),
        })
    }

    /// The secrets of tracking pages.
    #[must_use]
    pub fn tracking_secrets(&self) -> TrackingSecrets {
        TrackingSecrets::new(&self.tracking)
    }

    /// The index that finds phones and e-mail addresses.
    #[must_use]
    pub fn blind_index(&self) -> BlindIndex {
        BlindIndex::new(&self.blind_index)
    }

    /// The keys of these subjects, created and durable before this answers. Refuses a subject whose key was destroyed.
    pub async fn keys(
        &self,
        municipality: &Municipality,
        subjects: impl IntoIterator<Item = Subject>,
    ) -> Result<Keyring, VaultError> {
        let mut keys = BTreeMap::new();
        let mut missing = Vec::new();
        for subject in subjects {
            let name = KeyName {
                municipality: municipality.clone(),
                subject,
            };
            match self.cache.get(&name) {
                Some(key) => drop(keys.insert(name.subject, key)),
                None => missing.push(name),
            }
        }
        if !missing.is_empty() {
            let created = self.create(&missing).await?;
            for KeyName { subject, .. } in missing {
                match created.get(&KeyName {
                    municipality: municipality.clone(),
                    subject: subject.clone(),
                }) {
                    Some(Some(key)) => drop(keys.insert(subject, key.clone())),
                    Some(None) => return Err(VaultError::Erased(subject)),
                    None => return Err(VaultError::Unknown(subject)),
                }
            }
        }
        Ok(Keyring {
            municipality: municipality.clone(),
            keys,
        })
    }

    /// Opens values in the order given; each with the event and the field it stands in.
    pub async fn open_all(
        &self,
        municipality: &Municipality,
        values: &[(Uuid, &str, &Sealed)],
    ) -> Result<Vec<Opened>, VaultError> {
        let (mut keys, mut seen, mut missing) = (HashMap::new(), HashSet::new(), Vec::new());
        for (_, _, sealed) in values {
            if !seen.insert(&sealed.subject) {
                continue;
            }
            let name = KeyName {
                municipality: municipality.clone(),
                subject: sealed.subject.clone(),
            };
            match self.cache.get(&name) {
                Some(key) => drop(keys.insert(&sealed.subject, Some(key))),
                None => missing.push(name),
            }
        }
        let mut found = batch::Held::new();
        if !missing.is_empty() {
            found = self.unwrap_all(self.find(&missing).await?).await?;
        }
        keys.extend(found.iter().map(|(name, key)| (&name.subject, key.clone())));
        let open = |(event, field, sealed): &(Uuid, &str, &Sealed)| match keys.get(&sealed.subject)
        {
            Some(Some(key)) => {
                let place = Place {
                    municipality,
                    event: *event,
                    field,
                };
                Ok(Opened::Text(seal::open(key, &place, sealed)?))
            }
            Some(None) => Ok(Opened::Erased),
            None => Err(VaultError::Unknown(sealed.subject.clone())),
        };
        values.iter().map(open).collect()
    }

    /// Destroys the key of a subject, and with it everything sealed under it; its files are removed as well. No new key is
    /// ever made for it. `at` is in microseconds since 1970.
    pub async fn destroy(
        &self,
        municipality: &Municipality,
        subject: &Subject,
        at: i64,
    ) -> Result<(), VaultError> {
        let name = KeyName {
            municipality: municipality.clone(),
            subject: subject.clone(),
        };
        let epoch = self.masters.epoch();
        match &self.store {
            Store::Postgres(keys) => keys.destroy(&name, epoch, at).await?,
            Store::Sqlite(keys) => keys.destroy(&name, epoch, at).await?,
        }
        self.cache.forget(&name);
        Ok(())
    }

    /// Whether the key of a subject was destroyed.
    pub async fn is_destroyed(
        &self,
        municipality: &Municipality,
        subject: &Subject,
    ) -> Result<bool, VaultError> {
        let name = KeyName {
            municipality: municipality.clone(),
            subject: subject.clone(),
        };
        let found = self.find(std::slice::from_ref(&name)).await?;
        Ok(found
            .get(&name)
            .is_some_and(|Wrapped(_, key)| key.is_none()))
    }

    /// The subjects of a municipality whose keys were destroyed at or after a time, in microseconds since 1970.
    pub async fn destroyed(
        &self,
        municipality: &Municipality,
        since: i64,
    ) -> Result<Vec<Subject>, VaultError> {
        let subjects = match &self.store {
            Store::Postgres(keys) => keys.destroyed(municipality, since).await?,
            Store::Sqlite(keys) => keys.destroyed(municipality, since).await?,
        };
        Ok(subjects.iter().filter_map(|it| it.parse().ok()).collect())
    }

    /// Whether the store answers.
    pub async fn is_ready(&self) -> bool {
        self.find(&[]).await.is_ok()
    }

    /// Inserts fresh keys where there are none, and gives whatever is stored then.
    async fn insert(&self, names: &[KeyName]) -> Result<batch::Held, VaultError> {
        let mut held = self.insert_under_current(names).await?;
        if held.len() < names.len() {
            // The store took none: another process began an epoch.
            self.masters.look_again(&self.store).await?;
            held = self.insert_under_current(names).await?;
        }
        Ok(held)
    }

    /// A key that was just made is not asked for again.
    async fn insert_under_current(&self, names: &[KeyName]) -> Result<batch::Held, VaultError> {
        let (epoch, wrapping) = self.masters.newest(&self.store).await?;
        let mut keys = Vec::with_capacity(names.len());
        let mut fresh = Vec::with_capacity(names.len());
        for name in names {
            let key = SealingKey::random()?;
            let (municipality, subject) = (name.municipality.as_str(), name.subject.as_str());
            fresh.push(wrapped(&wrapping, municipality, subject, &key)?);
            keys.push(key);
        }
        let inserted = match &self.store {
            Store::Postgres(store) => store.insert(names, epoch, &fresh).await?,
            Store::Sqlite(store) => store.insert(names, epoch, &fresh).await?,
        };
        let (mut held, mut there) = (batch::Held::new(), Vec::new());
        for (name, key) in names.iter().zip(keys) {
            if inserted.contains(name) {
                let key = Arc::new(key);
                self.cache.keep(name.clone(), key.clone());
                held.insert(name.clone(), Some(key));
            } else {
                there.push(name.clone());
            }
        }
        if !there.is_empty() {
            held.extend(self.unwrap_all(self.find(&there).await?).await?);
        }
        Ok(held)
    }

    async fn find(&self, names: &[KeyName]) -> Result<BTreeMap<KeyName, Wrapped>, VaultError> {
        let found = match &self.store {
            Store::Postgres(keys) => keys.find(names).await?,
            Store::Sqlite(keys) => keys.find(names).await?,
        };
        Ok(found)
    }

    /// Unwraps what was found, and keeps it in memory.
    async fn unwrap_all(
        &self,
        found: BTreeMap<KeyName, Wrapped>,
    ) -> Result<batch::Held, VaultError> {
        let mut held = BTreeMap::new();
        for (name, wrapped) in found {
            let key = self.unwrap(&name, wrapped).await?.map(Arc::new);
            if let Some(key) = &key {
                self.cache.keep(name.clone(), key.clone());
            }
            held.insert(name, key);
        }
        Ok(held)
    }
}

fn wrapped(
    wrapping: &SealingKey,
    municipality: &str,
    subject: &str,
    key: &SealingKey,
) -> Result<Vec<u8>, SealError> {
    let (nonce, wrapped) = wrapping.seal(&wrapping_data(municipality, subject), key.bytes())?;
    Ok([&nonce[..], &wrapped].concat())
}

fn unwrapped(
    wrapping: &SealingKey,
    municipality: &str,
    subject: &str,
    bytes: &[u8],
) -> Result<SealingKey, SealError> {
    let (nonce, wrapped) = bytes
        .split_first_chunk::<NONCE>()
        .ok_or(SealError::DoesNotOpen)?;
    let bytes = wrapping.open(*nonce, &wrapping_data(municipality, subject), wrapped)?;
    let bytes = Zeroizing::new(bytes);
    let bytes = bytes
        .first_chunk::<32>()
        .filter(|_| bytes.len() == 32)
        .ok_or(SealError::DoesNotOpen)?;
    Ok(SealingKey::new(*bytes))
}

/// A wrapped key fits one subject of one municipality only.
fn wrapping_data(municipality: &str, subject: &str) -> Vec<u8> {
    framed(
        "cozum/data-key/v1",
        &[municipality.as_bytes(), subject.as_bytes()],
    )
}

/// The keys that one event or one command needs; seals without waiting.
pub struct Keyring {
    municipality: Municipality,
    keys: BTreeMap<Subject, Arc<SealingKey>>,
}

impl Keyring {
    /// Seals a text for a field of an event.
    pub fn seal(
        &self,
        subject: &Subject,
        event: Uuid,
        field: &str,
        text: &Plain,
    ) -> Result<Sealed, VaultError> {
        let key = self
            .keys
            .get(subject)
            .ok_or_else(|| VaultError::Unknown(subject.clone()))?;
        let place = Place {
            municipality: &self.municipality,
            event,
            field,
        };
        Ok(seal::seal(key, subject, &place, text)?)
    }
}

#[cfg(test)]
mod tests;
