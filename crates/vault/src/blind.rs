use aws_lc_rs::hmac;
use vocabulary::Municipality;

use crate::{framing::framed, seal::SealingKey};

/// Finds equal values without holding them: each becomes 64 bits that say nothing to whoever lacks its key. Short
/// values, such as the last digits of a phone, cannot be guessed from them either.
pub struct BlindIndex(hmac::Key);

impl BlindIndex {
    pub(crate) fn new(key: &SealingKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.bytes()))
    }

    /// What stands for a value of a kind; another kind or municipality gives another one.
    #[must_use]
    pub fn of(&self, municipality: &Municipality, kind: &str, value: &str) -> i64 {
        let parts = [
            municipality.as_str().as_bytes(),
            kind.as_bytes(),
            value.as_bytes(),
        ];
        let tag = hmac::sign(&self.0, &framed("cozum/blind-index/v1", &parts));
        tag.as_ref()
            .first_chunk()
            .map_or(0, |it| i64::from_be_bytes(*it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_of_one_kind_and_city_are_equal_and_no_others() {
        let (ova, koy) = ("ova".parse().unwrap(), "koy".parse().unwrap());
        let index = BlindIndex::new(&SealingKey::new([7; 32]));
        let own = index.of(&ova, "phone", "+905321234567");
        assert_eq!(own, index.of(&ova, "phone", "+905321234567"));
        let others = [
            index.of(&ova, "phone", "+905321234568"),
            index.of(&ova, "email", "+905321234567"),
            index.of(&koy, "phone", "+905321234567"),
            BlindIndex::new(&SealingKey::new([8; 32])).of(&ova, "phone", "+905321234567"),
        ];
        assert!(!others.contains(&own));
    }
}
