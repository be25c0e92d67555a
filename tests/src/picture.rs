//! A picture that a citizen might send: small, valid, and full of words that must not outlive it.

/// A PNG whose pixels spell `pixels`, with `remark` where a camera writes what it knows.
#[must_use]
pub fn png(pixels: &str, remark: &str) -> Vec<u8> {
    const SIDE: u32 = 24;
    let mut header = Vec::new();
    header.extend(SIDE.to_be_bytes());
    header.extend(SIDE.to_be_bytes());
    // Eight bits each of red, green and blue.
    header.extend([8, 2, 0, 0, 0]);
    let mut colours = pixels.bytes().cycle();
    let mut rows = Vec::new();
    for _ in 0..SIDE {
        rows.push(0);
        rows.extend((0..SIDE * 3).filter_map(|_| colours.next()));
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"tEXt", format!("Comment\0{remark}").as_bytes());
    chunk(
        &mut png,
        *b"eXIf",
        &[b"MM\0*\0\0\0\x08\0\0\0\0\0\0", remark.as_bytes()].concat(),
    );
    chunk(&mut png, *b"IDAT", &stored(&rows));
    chunk(&mut png, *b"IEND", &[]);
    // And whatever somebody hides behind it.
    png.extend(remark.as_bytes());
    png
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).unwrap_or_default();
    let body = [&kind, data].concat();
    png.extend(length.to_be_bytes());
    png.extend(&body);
    let mut sum = u32::MAX;
    for byte in body {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ 0xedb8_8320
            } else {
                sum >> 1
            };
        }
    }
    png.extend((!sum).to_be_bytes());
}

/// zlib without any compression.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or_default();
    let mut zlib = vec![0x78, 0x01, 0x01];
    zlib.extend(length.to_le_bytes());
    zlib.extend((!length).to_le_bytes());
    zlib.extend(bytes);
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    zlib.extend((b << 16 | a).to_be_bytes());
    zlib
}
