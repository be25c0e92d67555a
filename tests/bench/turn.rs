//! What so many callers were answered in so long a time.

/// What came of a turn.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    seconds: f64,
    /// Microseconds, sorted.
    latencies: Vec<u32>,
}

impl Turn {
    /// `latencies` in microseconds, in any order.
    pub(crate) fn new(seconds: f64, mut latencies: Vec<u32>) -> Self {
        latencies.sort_unstable();
        Self { seconds, latencies }
    }

    /// How many were answered.
    pub(crate) fn answered(&self) -> usize {
        self.latencies.len()
    }

    /// Answers per second.
    #[expect(clippy::cast_precision_loss, reason = "thousands of requests")]
    pub(crate) fn per_second(&self) -> f64 {
        self.answered() as f64 / self.seconds
    }

    /// Milliseconds within which this share of all answers came.
    pub(crate) fn within(&self, share: f64) -> f64 {
        f64::from(quantile(&self.latencies, share)) / 1_000.0
    }
}

/// The value below which a share of the sorted ones lies; 0 of none.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a length is an index"
)]
pub(crate) fn quantile(sorted: &[u32], share: f64) -> u32 {
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted
        .get(at.clamp(1, sorted.len().max(1)) - 1)
        .copied()
        .unwrap_or_default()
}

/// The one in the middle; 0 of none.
pub(crate) fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = of.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
