use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use vocabulary::Municipality;

use crate::{Subject, seal::SealingKey};

/// A key that another replica destroyed is forgotten here after this long.
const KEPT: Duration = Duration::from_secs(60);

/// What one data key is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyName {
    pub(crate) municipality: Municipality,
    pub(crate) subject: Subject,
}

/// The data keys used last, unwrapped; each is wiped when nobody uses it any more.
pub(crate) struct Cache {
    capacity: usize,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    held: HashMap<KeyName, (Instant, Arc<SealingKey>)>,
    /// Oldest first; a name may stand here again after it was forgotten and kept anew.
    order: VecDeque<(Instant, KeyName)>,
}

impl Cache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            keys: Mutex::default(),
        }
    }

    pub(crate) fn get(&self, name: &KeyName) -> Option<Arc<SealingKey>> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, key) = keys.held.get(name)?;
        (since.elapsed() < KEPT).then(|| key.clone())
    }

    pub(crate) fn keep(&self, name: KeyName, key: Arc<SealingKey>) {
        let now = Instant::now();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.held.insert(name.clone(), (now, key));
        keys.order.push_back((now, name));
        while keys.order.len() > self.capacity
            || keys
                .order
                .front()
                .is_some_and(|(since, _)| since.elapsed() >= KEPT)
        {
            let Some((since, name)) = keys.order.pop_front() else {
                break;
            };
            if keys.held.get(&name).is_some_and(|(kept, _)| *kept <= since) {
                keys.held.remove(&name);
            }
        }
    }

    pub(crate) fn forget(&self, name: &KeyName) {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .held
            .remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u128) -> KeyName {
        KeyName {
            municipality: "bozkoy".parse().unwrap(),
            subject: Subject::person(uuid::Uuid::from_u128(number)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn holds_the_newest_and_not_for_long() {
        let cache = Cache::new(2);
        for number in 0..3 {
            cache.keep(name(number), Arc::new(SealingKey::new([0; 32])));
        }
        assert!(cache.get(&name(0)).is_none());
        assert!(cache.get(&name(1)).is_some() && cache.get(&name(2)).is_some());

        cache.forget(&name(1));
        assert!(cache.get(&name(1)).is_none());

        tokio::time::advance(KEPT).await;
        assert!(cache.get(&name(2)).is_none());
    }
}
