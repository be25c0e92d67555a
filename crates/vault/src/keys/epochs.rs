//! The epochs of the master key: which one wraps, and how all keys come from an older one to the newest.
//!
//! The store says which epoch is the current one, and takes no new key that was wrapped under another; so, once an epoch has begun,
//! there are only fewer keys of the older ones. A process that finds an epoch it does not know reads its master key file again.

mod rows;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{Store, Vault, VaultError, Wrapped, unwrapped, wrapped};
use crate::{
    cache::KeyName,
    master::{MasterKey, MasterKeyError, MasterKeys},
    seal::SealingKey,
};

/// Keys that are wrapped anew in one transaction.
const BATCH: i64 = 500;

/// The first epoch, that of a new store.
const FIRST: i64 = 1;

/// One epoch of the master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: i64,
    /// Whether new keys are wrapped under it.
    pub current: bool,
    /// How many keys are wrapped under it.
    pub keys: u64,
    /// Whether its master key is in the file.
    pub held: bool,
}

/// How it stands with the epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epochs {
    /// Oldest first; destroyed ones are gone.
    pub epochs: Vec<Epoch>,
    /// The file's newest key is of no epoch so far.
    pub prepared: bool,
}

impl Epochs {
    /// Whether every key is wrapped under the current epoch.
    #[must_use]
    pub fn are_settled(&self) -> bool {
        self.epochs.iter().all(|it| it.current || it.keys == 0)
    }

    /// The current epoch.
    #[must_use]
    pub fn current(&self) -> i64 {
        let current = self.epochs.iter().find(|it| it.current);
        current.map_or(FIRST, |it| it.number)
    }
}

/// What became of the wish to end an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is over: nothing is wrapped under it, and nobody can make it current again.
    Over,
    /// There was none of this number.
    Unknown,
    /// New keys are wrapped under it.
    Current,
    /// So many keys are still wrapped under it.
    Wraps(u64),
    /// Its master key still stands in the file.
    Held,
}

/// What the store says, and the master keys that fit it.
pub(super) struct Masters {
    file: MasterKeys,
    known: RwLock<Known>,
}

#[derive(Clone, Default)]
struct Known {
    current: i64,
    /// The wrapping keys by epoch.
    held: BTreeMap<i64, Arc<SealingKey>>,
}

impl Masters {
    /// Makes the first epoch where there is none, and checks that the master keys of all that wrap something are held.
    pub(super) async fn of(store: &Store, file: &MasterKeys) -> Result<Self, VaultError> {
        store.begin_first(&file.newest().check_value()).await?;
        let masters = Self {
            file: file.clone(),
            known: RwLock::default(),
        };
        masters.learn(store, file).await?;
        for (epoch, _) in store.masters().await? {
            if masters.wrapping(epoch).is_none() && store.wraps(epoch).await? {
                return Err(VaultError::UnknownEpoch(epoch));
            }
        }
        Ok(masters)
    }

    fn known(&self) -> Known {
        let known = self.known.read();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn wrapping(&self, epoch: i64) -> Option<Arc<SealingKey>> {
        let known = self.known.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        known.held.get(&epoch).cloned()
    }

    /// The current epoch as far as this process has heard.
    pub(super) fn epoch(&self) -> i64 {
        self.known().current
    }

    /// The same with its key, for which a file that lacked it is read again.
    pub(super) async fn newest(&self, store: &Store) -> Result<(i64, Arc<SealingKey>), VaultError> {
        match self.current() {
            Err(VaultError::UnknownEpoch(_)) => {
                self.look_again(store).await?;
                self.current()
            }
            known => known,
        }
    }

    fn current(&self) -> Result<(i64, Arc<SealingKey>), VaultError> {
        let known = self.known();
        let key = known.held.get(&known.current).cloned();
        let key = key.ok_or(VaultError::UnknownEpoch(known.current))?;
        Ok((known.current, key))
    }

    /// Looks at the store and the file again.
    pub(super) async fn look_again(&self, store: &Store) -> Result<(), VaultError> {
        self.learn(store, &self.read()?).await
    }

    fn read(&self) -> Result<MasterKeys, VaultError> {
        let unreadable = |error: MasterKeyError| VaultError::NoMasterKey(Arc::new(error));
        self.file.again().map_err(unreadable)
    }

    async fn learn(&self, store: &Store, file: &MasterKeys) -> Result<(), VaultError> {
        let mut known = Known {
            current: store.current().await?.unwrap_or(FIRST),
            held: BTreeMap::new(),
        };
        for (epoch, check) in store.masters().await? {
            if let Some(key) = file.checked(&check) {
                known.held.insert(epoch, Arc::new(key.derive("wrap")));
            }
        }
        let unknown = !known.held.contains_key(&known.current);
        let current = known.current;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        if unknown {
            return Err(VaultError::UnknownEpoch(current));
        }
        Ok(())
    }
}

impl Vault {
    /// The epochs as they stand.
    pub async fn epochs(&self) -> Result<Epochs, VaultError> {
        let file = self.masters.read()?;
        let (masters, counts) = (self.store.masters().await?, self.store.counts().await?);
        let current = self.store.current().await?.unwrap_or(FIRST);
        let keys: BTreeMap<i64, i64> = counts.into_iter().collect();
        let newest = file.newest().check_value();
        let prepared = masters.iter().all(|(_, check)| *check != newest);
        let epoch = |(number, check): &(i64, Vec<u8>)| Epoch {
            number: *number,
            current: *number == current,
            keys: keys.get(number).map_or(0, |it| it.unsigned_abs()),
            held: file.checked(check).is_some(),
        };
        Ok(Epochs {
            epochs: masters.iter().map(epoch).collect(),
            prepared,
        })
    }

    /// Begins the epoch of the file's newest key, where it has not begun; every process must have that file by then.
    pub async fn begin_epoch(&self) -> Result<(), VaultError> {
        let file = self.masters.read()?;
        let newest = file.newest().check_value();
        let masters = self.store.masters().await?;
        if masters.iter().all(|(_, check)| *check != newest) {
            let current = self.store.current().await?.unwrap_or(FIRST);
            // Where somebody else was faster, there is an epoch of theirs, and nothing to do.
            self.store.begin(current + 1, &newest).await?;
        }
        self.masters.look_again(&self.store).await
    }

    /// Wraps every key anew that is wrapped under an older epoch than the current one; how many there were. Whoever dies in
    /// it leaves each key wrapped under the one or the other: the next one goes on.
    pub async fn rewrap(&self) -> Result<u64, VaultError> {
        self.masters.look_again(&self.store).await?;
        let (epoch, wrapping) = self.masters.current()?;
        let mut after = (String::new(), String::new());
        let mut done = 0;
        loop {
            let (municipality, subject) = (&after.0, &after.1);
            let old = self.store.older(epoch, municipality, subject, BATCH);
            let old = old.await?;
            let Some(last) = old.last() else { break };
            after = (last.0.clone(), last.1.clone());
            let mut anew = Vec::with_capacity(old.len());
            for (municipality, subject, of, bytes) in old {
                let old = self.masters.wrapping(of);
                let old = old.ok_or(VaultError::UnknownEpoch(of))?;
                let key = unwrapped(&old, &municipality, &subject, &bytes)?;
                let bytes = wrapped(&wrapping, &municipality, &subject, &key)?;
                anew.push((municipality, subject, of, bytes));
            }
            done += self.store.replace(epoch, &anew).await?;
        }
        if let Store::Sqlite(keys) = &self.store {
            keys.flush().await?;
        }
        Ok(done)
    }

    /// Forgets an older epoch, if nothing is wrapped under it and its master key is gone from the file.
    pub async fn end_epoch(&self, number: i64) -> Result<Ended, VaultError> {
        let Epochs { epochs, .. } = self.epochs().await?;
        let current = self.store.current().await?.unwrap_or(FIRST);
        let found = epochs.iter().find(|it| it.number == number);
        let ended = match found {
            _ if number == current => Ended::Current,
            Some(epoch) if epoch.keys > 0 => Ended::Wraps(epoch.keys),
            Some(epoch) if epoch.held => Ended::Held,
            Some(_) if self.store.end(number).await? => Ended::Over,
            Some(_) => Ended::Wraps(1),
            None if (FIRST..current).contains(&number) => Ended::Over,
            None => Ended::Unknown,
        };
        self.masters.look_again(&self.store).await?;
        Ok(ended)
    }

    /// A key for one use that is none of a subject's: durable, and the same in all epochs.
    pub(super) async fn key_for(
        store: &Store,
        masters: &Masters,
        usage: &str,
    ) -> Result<SealingKey, VaultError> {
        let subject = format!("use:{usage}");
        let (epoch, wrapping) = masters.current()?;
        // A store of before there were epochs had it derived from its only master key.
        let check = store.masters().await?;
        let check = check.into_iter().find(|(it, _)| *it == epoch);
        let master = check.and_then(|(_, check)| masters.file.checked(&check).cloned());
        let first = master.map(|it: MasterKey| it.derive(usage));
        let first = first.ok_or(VaultError::UnknownEpoch(epoch))?;
        let bytes = wrapped(&wrapping, NOBODY, &subject, &first)?;
        store.put_if_absent(&subject, epoch, &bytes).await?;
        let found = store.of_use(&subject).await?;
        let (of, bytes) = found.ok_or(VaultError::UnknownEpoch(epoch))?;
        let wrapping = masters.wrapping(of).ok_or(VaultError::UnknownEpoch(of))?;
        Ok(unwrapped(&wrapping, NOBODY, &subject, &bytes)?)
    }

    /// Unwraps a key that was found, under whichever epoch it is.
    pub(super) async fn unwrap(
        &self,
        name: &KeyName,
        Wrapped(epoch, bytes): Wrapped,
    ) -> Result<Option<SealingKey>, VaultError> {
        let Some(bytes) = bytes else { return Ok(None) };
        let mut wrapping = self.masters.wrapping(epoch);
        if wrapping.is_none() {
            // Somebody else began an epoch meanwhile; what is missing is said with the number of this key's.
            let _said_below = self.masters.look_again(&self.store).await;
            wrapping = self.masters.wrapping(epoch);
        }
        let wrapping = wrapping.ok_or(VaultError::UnknownEpoch(epoch))?;
        let (municipality, subject) = (name.municipality.as_str(), name.subject.as_str());
        Ok(Some(unwrapped(&wrapping, municipality, subject, &bytes)?))
    }
}

/// Keys of no municipality stand under this one, which is no word for one.
const NOBODY: &str = "";
