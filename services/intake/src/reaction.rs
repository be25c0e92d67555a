//! Finishes what was begun: an erasure that was ordered, and a run of the retention rules. Whoever began it may have died before the
//! keys were gone, or before that was recorded.

use std::time::Duration;

use chassis::{event, reactions::Reaction};
use contracts::{
    intake::v1::{DestructionBegan, ErasureOrdered},
    ledger::v1::Event,
};
use tonic::Code;

use crate::retention::Destructions;

/// How long what is away is left alone.
const PAUSE: Duration = Duration::from_millis(500);

impl Reaction for Destructions {
    const NAME: &'static str = "intake.erasures";

    fn concerns(&self, event: &Event) -> bool {
        event::is::<ErasureOrdered>(event) || event::is::<DestructionBegan>(event)
    }

    /// A key store or a ledger that is away is waited for; neither is ever parked for it.
    async fn handle(&self, event: &Event) -> anyhow::Result<()> {
        if event::is::<ErasureOrdered>(event) {
            return Ok(self.erasures.carry_out_surely(event).await?);
        }
        loop {
            match self.carry_out(event).await {
                Err(status) if status.code() == Code::Unavailable => {
                    tracing::warn!(error = %status, "a run of the retention rules waits");
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return Ok(outcome?),
            }
        }
    }
}
