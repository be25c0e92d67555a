use aws_lc_rs::{constant_time, hmac};
use vocabulary::{Municipality, RequestNumber};

use crate::{Plain, framing::framed, seal::SealingKey};

/// Crockford's base 32: no I, L, O, U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Gives each request the secret that opens its tracking page. Nothing is stored: the secret follows from the number.
pub struct TrackingSecrets(hmac::Key);

impl TrackingSecrets {
    pub(crate) fn new(key: &SealingKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.bytes()))
    }

    /// 128 bits as 26 letters.
    #[must_use]
    pub fn of(&self, municipality: &Municipality, number: &RequestNumber) -> Plain {
        Plain::from(spell(u128::from_be_bytes(self.bits(municipality, number))))
    }

    /// Whether this is the request's secret. Takes what people read aloud and retype: any case, `O` for `0`, `I` or `L` for
    /// `1`, spaces and hyphens. Takes equally long however much of it is right.
    #[must_use]
    pub fn fits(
        &self,
        municipality: &Municipality,
        number: &RequestNumber,
        offered: &Plain,
    ) -> bool {
        let expected = self.bits(municipality, number);
        let offered = read(offered.reveal());
        let equal = constant_time::verify_slices_are_equal(
            &expected,
            &offered.unwrap_or_default().to_be_bytes(),
        )
        .is_ok();
        equal && offered.is_some()
    }

    fn bits(&self, municipality: &Municipality, number: &RequestNumber) -> [u8; 16] {
        let message = framed(
            "cozum/tracking/v1",
            &[municipality.as_str().as_bytes(), number.as_str().as_bytes()],
        );
        let tag = hmac::sign(&self.0, &message);
        let mut bits = [0; 16];
        bits.copy_from_slice(&tag.as_ref()[..16]);
        bits
    }
}

fn spell(bits: u128) -> String {
    (0..26)
        .rev()
        .map(|at| char::from(LETTERS[(bits >> (at * 5)) as usize & 31]))
        .collect()
}

fn read(text: &str) -> Option<u128> {
    let mut bits = 0_u128;
    let mut length = 0;
    for letter in text.bytes().filter(|it| !matches!(it, b' ' | b'-')) {
        let letter = match letter.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        };
        let value = LETTERS.iter().position(|it| *it == letter)?;
        length += 1;
        // 26 letters are 130 bits: the first may only be 0 to 7.
        if length > 26 || (length == 1 && value > 7) {
            return None;
        }
        bits = bits << 5 | value as u128;
    }
    (length == 26).then_some(bits)
}

#[cfg(test)]
mod tests;
