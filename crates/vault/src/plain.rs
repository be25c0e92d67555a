use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Personal text in the clear: it cannot be printed, formatted or serialised, and is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Plain(String);

impl Plain {
    /// The text itself; each call is a place to look at when asking who sees personal data.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Plain {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain(…)")
    }
}

/// The bytes of a personal file in the clear: they cannot be printed, and are wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PlainBytes(Vec<u8>);

impl PlainBytes {
    /// The bytes themselves; each call is a place to look at when asking who sees personal data.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for PlainBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for PlainBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainBytes(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_a_mask_that_does_not_tell_the_length() {
        assert_eq!(format!("{:?}", Plain::from("Ayşe".to_owned())), "Plain(…)");
        assert_eq!(format!("{:?}", Plain::from(String::new())), "Plain(…)");
        assert_eq!(
            format!("{:?}", PlainBytes::from(vec![7; 3])),
            "PlainBytes(…)"
        );
    }
}
