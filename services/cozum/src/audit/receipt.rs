//! The receipt of an event, as of the one that registered a request: a tlog-proof.

use std::time::Duration;

use anyhow::Context as _;
use chassis::event;
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::{
        Event, HistoryRequest, LatestCheckpointRequest, ProveInclusionReply, ProveInclusionRequest,
        ReceiptExtra,
    },
};
use prost::Message as _;
use tonic::Code;
use transparency::Receipt;
use vocabulary::RequestNumber;

use crate::client::{Client, in_words};

/// How long a request may wait to be signed.
const PATIENCE: u32 = 50;
const PAUSE: Duration = Duration::from_millis(200);

/// The receipt of a request.
pub(super) async fn receipt(client: &Client, number: &RequestNumber) -> anyhow::Result<String> {
    let mut ledger = client.ledger();
    let history = HistoryRequest {
        subject: format!("request:{number}"),
        after_position: 0,
        limit: 0,
    };
    let history = ledger.history(history).await;
    let history = history.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
    let registered = history
        .into_inner()
        .events
        .into_iter()
        .find(event::is::<RequestRegistered>)
        .with_context(|| format!("there is no request {number} here"))?;
    of_event(client, registered).await
}

/// The receipt of an event; waits for a moment where it is newer than what was signed.
pub(super) async fn of_event(client: &Client, event: Event) -> anyhow::Result<String> {
    let ProveInclusionReply { hashes, note } = proved(client, event.position).await?;
    let mut ledger = client.ledger();
    let latest = ledger.latest_checkpoint(LatestCheckpointRequest {}).await;
    let latest = latest.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
    let index = event.position.checked_sub(1).context("no position")?;
    let hashes: Option<Vec<_>> = hashes.into_iter().map(|it| it.try_into().ok()).collect();
    let extra = ReceiptExtra {
        verifier_key: latest.into_inner().verifier_key,
        // A receipt goes from hand to hand: it has nothing personal, not even sealed.
        event: Some(Event {
            personal: vec![],
            personal_salt: vec![],
            ..event
        }),
    };
    let receipt = Receipt {
        extra: extra.encode_to_vec(),
        index,
        hashes: hashes.context("the proof is not made of hashes")?,
        checkpoint: note,
    };
    Ok(receipt.to_string())
}

async fn proved(client: &Client, position: u64) -> anyhow::Result<ProveInclusionReply> {
    let mut tries = 0;
    loop {
        let request = ProveInclusionRequest { position };
        match client.ledger().prove_inclusion(request).await {
            Ok(reply) => return Ok(reply.into_inner()),
            Err(status) if status.code() == Code::NotFound && tries < PATIENCE => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(status) => return Err(anyhow::anyhow!(in_words(&status))),
        }
    }
}
