//! What shows that a message is this ledger's own: an event behind the newest checkpoint has no signature yet, and whoever can
//! publish to NATS could otherwise put others there.

use async_nats::{HeaderMap, HeaderName};
use aws_lc_rs::hmac;
use chassis::cloudevents;

use crate::tree::SigningSeed;

const HEADER: &str = "Cozum-Seal";

/// Seals commitments under a key that only ledgers have, and that is kept apart from the log.
#[derive(Debug, Clone)]
pub struct Seal(hmac::Key);

impl Seal {
    /// The seal of the ledgers that sign with this seed.
    #[must_use]
    pub fn of(seed: &SigningSeed) -> Self {
        Self(hmac::Key::new(
            hmac::HMAC_SHA256,
            &seed.derived(b"cozum/relay/v1\n"),
        ))
    }

    /// Seals the message of an event.
    pub(super) fn put(&self, headers: &mut HeaderMap, log: &str, commitment: &[u8]) {
        let seal = hmac::sign(&self.0, &sealed(log, commitment));
        headers.insert(
            HeaderName::from_static(HEADER),
            cloudevents::hex(seal.as_ref()),
        );
    }

    /// Whether a message is sealed for this commitment.
    pub(crate) fn holds(&self, headers: &HeaderMap, log: &str, commitment: &[u8]) -> bool {
        let text = headers
            .get(HEADER)
            .map(|it| it.as_str())
            .unwrap_or_default();
        let bytes = cloudevents::unhex(text);
        bytes.is_some_and(|it| hmac::verify(&self.0, &sealed(log, commitment), &it).is_ok())
    }
}

fn sealed(log: &str, commitment: &[u8]) -> Vec<u8> {
    [log.as_bytes(), b"\n", commitment].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_of_one_key_one_log_and_one_event() {
        let folder = tempfile::tempdir().unwrap();
        let seal =
            |name: &str| Seal::of(&SigningSeed::read_or_create(&folder.path().join(name)).unwrap());
        let (ours, other) = (seal("ours"), seal("other"));
        let mut headers = HeaderMap::new();
        assert!(!ours.holds(&headers, "ova", &[1; 32]));
        ours.put(&mut headers, "ova", &[1; 32]);
        assert!(ours.holds(&headers, "ova", &[1; 32]));
        assert!(!ours.holds(&headers, "ova", &[2; 32]));
        assert!(!ours.holds(&headers, "koy", &[1; 32]));
        assert!(!other.holds(&headers, "ova", &[1; 32]));
        headers.insert(HEADER, "x");
        assert!(!ours.holds(&headers, "ova", &[1; 32]));
    }
}
