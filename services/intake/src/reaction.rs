//! Finishes erasures that were ordered: whoever took the order may have died before the keys were gone, or before that was
//! recorded.

use chassis::{event, reactions::Reaction};
use contracts::{intake::v1::ErasureOrdered, ledger::v1::Event};

use crate::erasing::Erasures;

impl Reaction for Erasures {
    const NAME: &'static str = "intake.erasures";

    fn concerns(&self, event: &Event) -> bool {
        event::is::<ErasureOrdered>(event)
    }

    async fn handle(&self, event: &Event) -> anyhow::Result<()> {
        Ok(self.carry_out_surely(event).await?)
    }
}
