use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;
use uuid::Uuid;

/// Where the time comes from: the system, or a test.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A clock that a test moves; microseconds since 1970.
    Virtual(Arc<AtomicI64>),
}

impl Clock {
    /// The time now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system clock"
    )]
    pub fn now(&self) -> Timestamp {
        match self {
            Clock::System => Timestamp::now(),
            Clock::Virtual(micros) => Timestamp::from_microsecond(micros.load(Ordering::SeqCst))
                .unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// The time now in microseconds since 1970.
    #[must_use]
    pub fn micros(&self) -> i64 {
        self.now().as_microsecond()
    }
}

/// Where ids come from.
#[derive(Debug, Clone, Copy)]
pub struct Ids;

impl Ids {
    /// A new id that rises with time, so that indexes stay dense.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
    pub fn fresh(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// The id that a principal's own key stands for: the same key gives the same id.
    #[must_use]
    pub fn for_key(&self, principal: &str, key: &str) -> Uuid {
        let principal = Uuid::new_v5(
            &Uuid::NAMESPACE_URL,
            format!("cozum:principal:{principal}").as_bytes(),
        );
        Uuid::new_v5(&principal, key.as_bytes())
    }
}
