//! Looks for texts in bytes, in every encoding in which a program may write them.

use std::{fs, io, path::Path};

/// The texts looked for.
pub(crate) struct Scan {
    needles: Vec<Needle>,
    /// Whether any of them begins with these two bytes: most of what is read is passed over by this alone.
    begins: Vec<bool>,
}

struct Needle {
    text: String,
    encoding: &'static str,
    bytes: Vec<u8>,
}

impl Scan {
    pub(crate) fn of(texts: &[String]) -> Self {
        let needles: Vec<Needle> = texts
            .iter()
            .flat_map(|text| {
                encodings(text).into_iter().map(|(encoding, bytes)| Needle {
                    text: text.clone(),
                    encoding,
                    bytes,
                })
            })
            .collect();
        let mut begins = vec![false; 1 << 16];
        for needle in &needles {
            begins[pair(needle.bytes[0], needle.bytes[1])] = true;
        }
        Self { needles, begins }
    }

    /// Looks for these bytes too, as they are.
    pub(crate) fn and_bytes(mut self, name: &str, all: &[Vec<u8>]) -> Self {
        for bytes in all {
            self.begins[pair(bytes[0], bytes[1])] = true;
            self.needles.push(Needle {
                text: name.to_owned(),
                encoding: "bytes",
                bytes: bytes.clone(),
            });
        }
        self
    }

    /// Which texts a file holds; a file that is gone meanwhile holds none.
    pub(crate) fn file(&self, path: &Path) -> anyhow::Result<Vec<String>> {
        match fs::read(path) {
            Ok(bytes) => Ok(self.bytes(&path.display().to_string(), &bytes)),
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(other) => Err(other.into()),
        }
    }

    /// Which texts these bytes hold.
    pub(crate) fn bytes(&self, what: &str, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        let mut at = 0;
        // Plain indexing: in a debug build an iterator would take minutes over a database.
        while at + 1 < bytes.len() {
            if self.begins[pair(bytes[at], bytes[at + 1])] {
                for needle in self
                    .needles
                    .iter()
                    .filter(|it| bytes[at..].starts_with(&it.bytes))
                {
                    let end = bytes.len().min(at + 100);
                    let around =
                        String::from_utf8_lossy(&bytes[at.saturating_sub(60)..end]).into_owned();
                    found.push(format!(
                        "{:?} as {} at {at} of {what}: {around:?}",
                        needle.text, needle.encoding
                    ));
                }
            }
            at += 1;
        }
        found
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// UTF-8, UTF-16, the three ways it may stand inside base64, percent-encoding and JSON escapes.
pub(super) fn encodings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let wide = |of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(of).collect::<Vec<u8>>();
    let percent = |form: bool| {
        let one = |byte: u8| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            b' ' if form => "+".to_owned(),
            other => format!("%{other:02X}"),
        };
        text.bytes().map(one).collect::<String>().into_bytes()
    };
    let json: String = text
        .encode_utf16()
        .map(|it| {
            if it < 128 {
                char::from_u32(u32::from(it))
                    .map(String::from)
                    .unwrap_or_default()
            } else {
                format!("\\u{it:04x}")
            }
        })
        .collect();
    let mut all = vec![
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-16 LE", wide(u16::to_le_bytes)),
        ("UTF-16 BE", wide(u16::to_be_bytes)),
        ("percent-encoding", percent(false)),
        ("a form", percent(true)),
        ("JSON", json.into_bytes()),
    ];
    all.extend((0..3).map(|offset| ("base64", base64_inside(text.as_bytes(), offset))));
    all
}

/// The characters of base64 that depend on `bytes` alone when they stand `offset` bytes after a multiple of three.
fn base64_inside(bytes: &[u8], offset: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |index: usize| {
        let byte = bytes[index / 8];
        byte >> (7 - index % 8) & 1
    };
    // The first character that begins inside the bytes.
    let skipped = (6 - offset * 8 % 6) % 6;
    let sextets = (bytes.len() * 8 - skipped) / 6;
    (0..sextets)
        .map(|sextet| {
            let start = skipped + sextet * 6;
            let value = (start..start + 6).fold(0, |value, index| value << 1 | bit(index));
            ALPHABET[usize::from(value)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_recognised_wherever_it_begins() {
        // "hello world" by the RFC's own alphabet, after no, one and two bytes.
        for (offset, whole) in [
            (0, "aGVsbG8gd29ybGQ="),
            (1, "LmhlbGxvIHdvcmxk"),
            (2, "Li5oZWxsbyB3b3JsZA=="),
        ] {
            let inside = String::from_utf8(base64_inside(b"hello world", offset)).unwrap();
            assert!(
                whole.contains(&inside) && inside.len() >= 13,
                "{inside} in {whole}"
            );
        }
    }

    #[test]
    fn bytes_are_found_as_they_are() {
        let scan = Scan::of(&[]).and_bytes("x", &[vec![0xff, 0xd8, 1]]);
        assert_eq!(scan.bytes("y", &[7, 0xff, 0xd8, 1, 9]).len(), 1);
        assert!(scan.bytes("y", &[7, 0xff, 0xd8, 2, 9]).is_empty());
    }

    #[test]
    fn a_text_is_found_in_the_middle() {
        let scan = Scan::of(&["çukur".to_owned()]);
        assert_eq!(scan.bytes("x", "bir çukur var".as_bytes()).len(), 1);
        assert_eq!(
            scan.bytes("x", b"bir %C3%A7ukur var").len(),
            2,
            "with and without forms"
        );
        assert!(scan.bytes("x", "bir cukur var".as_bytes()).is_empty());
    }
}
