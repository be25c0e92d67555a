//! Numbers that look drawn, and are the same each time for the same seed.

/// Knuth's MMIX generator; its high bits are the good ones.
#[derive(Debug, Clone)]
pub struct Draw(u64);

impl Draw {
    /// The numbers of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, from 0 up to `limit`, which it never is.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// The place of one of so many things.
    pub fn place(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap_or_default()
    }

    /// Two different places of at least two things.
    pub fn places(&mut self, count: usize) -> (usize, usize) {
        let (one, other) = (self.place(count), self.place(count - 1));
        (one, if other < one { other } else { other + 1 })
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let byte = |_| self.below(256).to_le_bytes()[0];
        (0..count).map(byte).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_places_are_never_one() {
        let mut draw = Draw::of(1);
        for _ in 0..200 {
            let (one, other) = draw.places(3);
            assert!(one != other && one < 3 && other < 3, "{one} {other}");
        }
    }
}
