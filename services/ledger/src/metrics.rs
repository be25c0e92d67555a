//! What an operator sees of a log.

use std::time::Duration;

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, Histogram},
};

/// Seconds; close together around the second that nothing should take.
const SOON: [f64; 13] = [
    0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 5.0, 10.0, 60.0,
];

/// The instruments of one log, labelled with its municipality.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    label: [KeyValue; 1],
    batch: Histogram<u64>,
    appended: Counter<u64>,
    refused: Counter<u64>,
    lag: Gauge<u64>,
    lost: Counter<u64>,
    frozen: Gauge<u64>,
    unsigned: Gauge<u64>,
    signer_frozen: Gauge<u64>,
    uncosigned: Gauge<u64>,
    cosigned_age: Gauge<u64>,
    witness_refuses: Gauge<u64>,
    relayed_after: Histogram<f64>,
    signed_after: Histogram<f64>,
}

impl Metrics {
    pub(crate) fn new(municipality: &str) -> Self {
        let meter = global::meter("cozum");
        Self {
            label: [KeyValue::new("municipality", municipality.to_owned())],
            batch: meter
                .u64_histogram("cozum_ledger_batch_requests")
                .with_description("Requests that one commit served")
                .with_boundaries(vec![
                    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0,
                ])
                .build(),
            appended: meter
                .u64_counter("cozum_ledger_appended_events")
                .with_description("Events recorded")
                .build(),
            refused: meter
                .u64_counter("cozum_ledger_queue_refusals")
                .with_description("Appends refused because the queue was full")
                .build(),
            lag: meter
                .u64_gauge("cozum_ledger_relay_lag")
                .with_description("Events that are recorded but not yet in NATS")
                .build(),
            lost: meter
                .u64_counter("cozum_ledger_nats_lost")
                .with_description(
                    "Messages that NATS acknowledged and forgot; they were published again",
                )
                .build(),
            frozen: meter
                .u64_gauge("cozum_ledger_relay_frozen")
                .with_description("1 while NATS holds what the log does not: somebody must look")
                .build(),
            unsigned: meter
                .u64_gauge("cozum_ledger_unsigned")
                .with_description("Events that are recorded but in no signed checkpoint yet")
                .build(),
            signer_frozen: meter
                .u64_gauge("cozum_ledger_signer_frozen")
                .with_description(
                    "1 while the log is not what was signed and is signed no more: somebody must look",
                )
                .build(),
            uncosigned: meter
                .u64_gauge("cozum_ledger_uncosigned")
                .with_description("Events that are signed but that this witness has not cosigned yet")
                .build(),
            cosigned_age: meter
                .u64_gauge("cozum_ledger_cosigned_age_seconds")
                .with_description("How old this witness's last cosignature is")
                .build(),
            witness_refuses: meter
                .u64_gauge("cozum_ledger_witness_refuses")
                .with_description("1 while this witness will not cosign: somebody must look")
                .build(),
            relayed_after: meter
                .f64_histogram("cozum_ledger_relayed_after_seconds")
                .with_description("From an event's recording to NATS's word that it is there, of the oldest event of each window")
                .with_boundaries(SOON.to_vec())
                .build(),
            signed_after: meter
                .f64_histogram("cozum_ledger_signed_after_seconds")
                .with_description("From an event's recording to a signed checkpoint over it, of the oldest event under each")
                .with_boundaries(SOON.to_vec())
                .build(),
        }
    }

    pub(crate) fn committed(&self, requests: usize, events: usize) {
        self.batch.record(requests as u64, &self.label);
        self.appended.add(events as u64, &self.label);
    }

    pub(crate) fn queue_was_full(&self) {
        self.refused.add(1, &self.label);
    }

    pub(crate) fn relayed_up_to(&self, position: u64, head: u64) {
        self.lag.record(head.saturating_sub(position), &self.label);
    }

    pub(crate) fn relayed_after(&self, age: Duration) {
        self.relayed_after.record(age.as_secs_f64(), &self.label);
    }

    pub(crate) fn signed_after(&self, age: Duration) {
        self.signed_after.record(age.as_secs_f64(), &self.label);
    }

    pub(crate) fn nats_lost(&self, messages: u64) {
        self.lost.add(messages, &self.label);
    }

    pub(crate) fn relay_is_frozen(&self, frozen: bool) {
        self.frozen.record(u64::from(frozen), &self.label);
    }

    pub(crate) fn signed_up_to(&self, position: u64, head: u64) {
        self.unsigned
            .record(head.saturating_sub(position), &self.label);
    }

    pub(crate) fn cosigned(&self, witness: &str, age: Duration, behind: u64) {
        let labels = self.of_witness(witness);
        self.cosigned_age.record(age.as_secs(), &labels);
        self.uncosigned.record(behind, &labels);
    }

    pub(crate) fn witness_refuses(&self, witness: &str, refuses: bool) {
        let labels = self.of_witness(witness);
        self.witness_refuses.record(u64::from(refuses), &labels);
    }

    fn of_witness(&self, witness: &str) -> [KeyValue; 2] {
        let [municipality] = self.label.clone();
        [municipality, KeyValue::new("witness", witness.to_owned())]
    }

    pub(crate) fn signer_is_frozen(&self, frozen: bool) {
        self.signer_frozen.record(u64::from(frozen), &self.label);
    }
}
