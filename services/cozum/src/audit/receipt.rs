//! The receipt of an event, as of the one that registered a request: a tlog-proof, which the ledger writes.

use std::time::Duration;

use anyhow::Context as _;
use chassis::event;
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::{Event, HistoryRequest, WriteReceiptRequest},
};
use tonic::Code;
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
    of_event(client, &registered).await
}

/// The receipt of an event; waits for a moment where it is newer than what was signed.
pub(super) async fn of_event(client: &Client, event: &Event) -> anyhow::Result<String> {
    let position = event.position;
    let mut tries = 0;
    loop {
        let request = WriteReceiptRequest { position };
        match client.ledger().write_receipt(request).await {
            Ok(reply) => return Ok(reply.into_inner().text),
            Err(status) if status.code() == Code::NotFound && tries < PATIENCE => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(status) => return Err(anyhow::anyhow!(in_words(&status))),
        }
    }
}
