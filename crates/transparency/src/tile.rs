//! Tiles: 256 neighbouring hashes of a tree, eight levels apart. A full tile never changes, so it can be kept anywhere.

use std::fmt::{self, Display};

use crate::{Hash, hash};

/// Hashes of a full tile.
pub const WIDTH: u64 = 256;

/// Which hashes: `width` of them from `index * 256` on, each over `256 ^ level` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// 0 holds the hashes of leaves.
    pub level: u8,
    /// From left to right in its level.
    pub index: u64,
    /// 1 to 256.
    pub width: u64,
}

impl Tile {
    /// The highest level that a tree of 64-bit size can have.
    const TOP: u8 = 7;

    /// The tile at a place, as wide as a tree of this size has it; `None` where it has none.
    #[must_use]
    pub fn of(size: u64, level: u8, index: u64) -> Option<Self> {
        if level > Self::TOP {
            return None;
        }
        let hashes = size >> (8 * u32::from(level));
        let width = hashes.saturating_sub(index.checked_mul(WIDTH)?).min(WIDTH);
        (width > 0).then_some(Self {
            level,
            index,
            width,
        })
    }

    /// The last tile of each level of a tree, where it is partial: what a tree needs to grow.
    pub fn edge(size: u64) -> impl Iterator<Item = Self> {
        (0..=Self::TOP).filter_map(move |level| {
            let hashes = size >> (8 * u32::from(level));
            Self::of(size, level, hashes / WIDTH)
        })
    }

    /// Whether no tree can make it wider.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.width == WIDTH
    }

    /// Whether a tree of this size has all of it.
    #[must_use]
    pub fn is_within(self, size: u64) -> bool {
        Self::of(size, self.level, self.index).is_some_and(|it| self.width <= it.width)
    }

    /// Its path below the log's prefix: "tile/0/x001/234.p/7".
    #[must_use]
    pub fn path(self) -> String {
        format!("tile/{}/{}", self.level, Numbered(self))
    }

    /// The path of the entries that its hashes are of: "tile/entries/x001/234.p/7".
    #[must_use]
    pub fn entries_path(self) -> String {
        format!("tile/entries/{}", Numbered(self))
    }

    /// Reads what follows the level in a path: "x001/234" or "x001/234.p/7".
    #[must_use]
    pub fn parse(level: u8, path: &str) -> Option<Self> {
        let (number, width) = match path.split_once(".p/") {
            Some((number, width)) => (number, decimal(width).filter(|it| *it < WIDTH)?),
            None => (path, WIDTH),
        };
        let mut index: u64 = 0;
        let mut parts = number.split('/').peekable();
        while let Some(part) = parts.next() {
            let digits = match parts.peek() {
                Some(_) => part.strip_prefix('x')?,
                None => part,
            };
            if digits.len() != 3 || !digits.bytes().all(|it| it.is_ascii_digit()) {
                return None;
            }
            let digits: u64 = digits.parse().ok()?;
            index = index.checked_mul(1000)?.checked_add(digits)?;
        }
        let tile = Self {
            level,
            index,
            width,
        };
        // One tile has one path: no leading "x000".
        let fits = level <= Self::TOP && width > 0 && Numbered(tile).to_string() == path;
        fits.then_some(tile)
    }
}

/// A decimal number without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|it| it.is_ascii_digit());
    let leading = text.len() > 1 && text.starts_with('0');
    text.parse().ok().filter(|_| plain && !leading)
}

/// The index in groups of three digits, and the width of a partial tile.
struct Numbered(Tile);

impl Display for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tile { index, width, .. } = self.0;
        let mut groups = vec![index % 1000];
        let mut rest = index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (at, group) in groups.iter().enumerate().rev() {
            let more = if at > 0 { "/" } else { "" };
            let mark = if at > 0 { "x" } else { "" };
            write!(f, "{mark}{group:03}{more}")?;
        }
        if width < WIDTH {
            write!(f, ".p/{width}")?;
        }
        Ok(())
    }
}

/// An entry bundle: each entry behind its length. Entries are short; what is longer than 64 KiB has no bundle.
#[must_use]
pub fn bundle<E: AsRef<[u8]>>(entries: &[E]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(entries.len() * 34);
    for entry in entries {
        let length = u16::try_from(entry.as_ref().len()).ok()?;
        bytes.extend(length.to_be_bytes());
        bytes.extend(entry.as_ref());
    }
    Some(bytes)
}

/// The root over a run of a tile's hashes whose length is a power of two.
pub(crate) fn within(hashes: &[Hash], first: u64, count: u64) -> Option<Hash> {
    let first = usize::try_from(first).ok()?;
    let count = usize::try_from(count).ok()?;
    Some(hash::perfect(hashes.get(first..first + count)?))
}
