//! What somebody takes home to show later that an event is in the log: a tlog-proof with the event in it.

use contracts::ledger::v1::{Event, ReceiptExtra};
use prost::Message as _;
use tonic::Status;
use transparency::Receipt;

use crate::{
    log::Log,
    tree::{SigningSeed, TreeError},
};

/// The receipt of the event of a position.
pub(crate) async fn write(log: &Log, seed: &SigningSeed, position: u64) -> Result<String, Status> {
    let (hashes, signed) = log.prove_inclusion(position).await?;
    let event = log.read(position - 1, 1).await?.pop();
    let event = event.ok_or(TreeError::Unsigned("position"))?;
    let extra = ReceiptExtra {
        verifier_key: verifier_key(seed, &signed.note)?,
        // A receipt goes from hand to hand: it has nothing personal, not even sealed.
        event: Some(Event {
            personal: vec![],
            personal_salt: vec![],
            ..event
        }),
    };
    let receipt = Receipt {
        extra: extra.encode_to_vec(),
        index: position - 1,
        hashes,
        checkpoint: signed.note,
    };
    Ok(receipt.to_string())
}

/// The public half of the key that signs under a checkpoint's name.
pub(crate) fn verifier_key(seed: &SigningSeed, note: &str) -> Result<String, Status> {
    let origin = note.lines().next().unwrap_or_default();
    let key = seed.key(origin);
    let key = key.map_err(|it| Status::internal(format!("the signing key {it}")))?;
    Ok(key.verifier_key())
}
