//! Standard Webhooks: a receiver knows by the signature that a message is from us, whole, and not an old one again.

use std::fmt;

use aws_lc_rs::{hmac, rand};
use base64::{Engine as _, engine::general_purpose::STANDARD};

const PREFIX: &str = "whsec_";
/// Bytes of a secret; the specification asks for 24 to 64.
const BYTES: usize = 32;

/// A secret that a receiver and we share.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A new secret; `None` where the system has no randomness to give.
    pub(crate) fn random() -> Option<Self> {
        let mut bytes = vec![0; BYTES];
        rand::fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// "whsec_" and Base64.
    pub(crate) fn text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// Reads what [`Secret::text`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// "v1," and the Base64 of HMAC-SHA256 over id, time and body.
    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut signing = hmac::Context::with_key(&key);
        signing.update(format!("{id}.{seconds}.").as_bytes());
        signing.update(body);
        format!("v1,{}", STANDARD.encode(signing.sign()))
    }
}

/// The value of `webhook-signature`: one signature of each secret that is valid now.
pub(crate) fn signatures(secrets: &[Secret], id: &str, seconds: i64, body: &[u8]) -> String {
    let each: Vec<String> = secrets
        .iter()
        .map(|it| it.sign(id, seconds, body))
        .collect();
    each.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_the_specifications_example_does() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = secret.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_read_as_it_is_shown_and_shown_nowhere_else() {
        let secret = Secret::random().unwrap();
        assert_eq!(Secret::parse(&secret.text()), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "Secret");
        for bad in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_kisa",
            "whsec_c2hvcnQ=",
        ] {
            assert!(Secret::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn while_a_secret_is_changed_both_sign() {
        let (old, new) = (Secret::random().unwrap(), Secret::random().unwrap());
        let both = signatures(&[new.clone(), old.clone()], "1", 2, b"{}");
        let parts: Vec<&str> = both.split(' ').collect();
        assert_eq!(parts, [new.sign("1", 2, b"{}"), old.sign("1", 2, b"{}")]);
    }
}
