use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Mutex as Turn, oneshot};

use super::{Vault, VaultError};
use crate::{cache::KeyName, seal::SealingKey};

/// Keys by name; `None` where the key was destroyed.
pub(super) type Held = BTreeMap<KeyName, Option<Arc<SealingKey>>>;

/// Joins what many callers wish for at the same moment into one write, so that they share one flush to disk.
#[derive(Default)]
pub(super) struct Batch {
    wishes: Mutex<Vec<Wish>>,
    turn: Turn<()>,
}

struct Wish {
    names: Vec<KeyName>,
    answer: oneshot::Sender<Result<Arc<Held>, VaultError>>,
}

impl Vault {
    /// The keys of these names, created where there were none; durable when this answers.
    pub(super) async fn create(&self, names: &[KeyName]) -> Result<Arc<Held>, VaultError> {
        loop {
            let (answer, answered) = oneshot::channel();
            let wish = Wish {
                names: names.to_vec(),
                answer,
            };
            self.batch
                .wishes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(wish);
            {
                // While one caller writes, the others gather; the next one writes for all of them.
                let _turn = self.batch.turn.lock().await;
                let wishes = mem::take(
                    &mut *self
                        .batch
                        .wishes
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner),
                );
                self.fulfil(wishes).await;
            }
            // No answer: the caller that wrote for us was cancelled meanwhile.
            if let Ok(outcome) = answered.await {
                return outcome;
            }
        }
    }

    async fn fulfil(&self, wishes: Vec<Wish>) {
        // In the order of names, so that two replicas cannot lock each other out.
        let names: BTreeSet<&KeyName> = wishes.iter().flat_map(|it| &it.names).collect();
        if names.is_empty() {
            return;
        }
        let names: Vec<KeyName> = names.into_iter().cloned().collect();
        let outcome = self.insert(&names).await.map(Arc::new);
        for wish in wishes {
            // A caller that no longer waits needs no answer.
            let _gone = wish.answer.send(outcome.clone());
        }
    }
}
