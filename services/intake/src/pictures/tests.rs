use std::time::{Duration, Instant};

use image::{ImageBuffer, Luma, Rgba};

use super::*;

const MARKER: &[u8] = b"zq-marker-in-exif";

/// Left half red, right half blue.
fn flag(width: u32, height: u32) -> DynamicImage {
    let colour = |x: u32, _| {
        if x < width / 2 {
            Rgb([200_u8, 20, 20])
        } else {
            Rgb([20, 20, 200])
        }
    };
    DynamicImage::from(ImageBuffer::from_fn(width, height, colour))
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG as a telephone writes it: with where it was taken, how it was held, and a remark.
fn from_a_telephone(orientation: u8) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        let mut bytes = tag.to_be_bytes().to_vec();
        bytes.extend(kind.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        bytes.extend(value);
        bytes
    };
    let mut tiff = b"MM\0*\0\0\0\x08\0\x03".to_vec();
    tiff.extend(entry(0x0112, 3, 1, [0, orientation, 0, 0]));
    let remark = u32::try_from(MARKER.len()).unwrap();
    tiff.extend(entry(0x010e, 2, remark, 100_u32.to_be_bytes()));
    tiff.extend(entry(0x8825, 4, 1, 50_u32.to_be_bytes()));
    tiff.extend([0; 4]);
    // The place: latitude and longitude, north and east.
    tiff.extend([0, 2]);
    tiff.extend(entry(1, 2, 2, *b"N\0\0\0"));
    tiff.extend(entry(3, 2, 2, *b"E\0\0\0"));
    tiff.resize(100, 0);
    tiff.extend(MARKER);
    let mut segment = b"Exif\0\0".to_vec();
    segment.extend(tiff);
    let length = u16::try_from(segment.len() + 2).unwrap();

    let plain = written(&flag(64, 32), ImageFormat::Jpeg);
    let mut jpeg = plain[..2].to_vec();
    jpeg.extend([0xff, 0xe1]);
    jpeg.extend(length.to_be_bytes());
    jpeg.extend(segment);
    jpeg.extend(&plain[2..]);
    // And a second file behind the first.
    jpeg.extend(b"PK\x03\x04");
    jpeg.extend(MARKER);
    jpeg
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|it| it == part)
}

fn size(jpeg: &[u8]) -> (u32, u32) {
    let picture = image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg).unwrap();
    (picture.width(), picture.height())
}

#[test]
fn where_and_with_what_a_picture_was_taken_is_gone() {
    let sent = from_a_telephone(1);
    assert!(holds(&sent, MARKER) && holds(&sent, b"Exif"));
    let kept = redraw(&sent).unwrap();
    for gone in [MARKER, b"Exif", b"PK\x03\x04", &[0xff, 0xe1]] {
        assert!(!holds(&kept, gone), "{gone:?}");
    }
    let mut decoder = ImageReader::with_format(Cursor::new(&kept), ImageFormat::Jpeg)
        .into_decoder()
        .unwrap();
    assert_eq!(decoder.exif_metadata().unwrap(), None);
    assert_eq!(size(&kept), (64, 32));
}

#[test]
fn a_picture_is_turned_upright() {
    // 6: the telephone was held upright, its picture lies on its side; the left half belongs on top.
    let kept = redraw(&from_a_telephone(6)).unwrap();
    assert_eq!(size(&kept), (32, 64));
    let picture = image::load_from_memory(&kept).unwrap().into_rgb8();
    let (top, bottom) = (picture.get_pixel(16, 4).0, picture.get_pixel(16, 60).0);
    assert!(top[0] > 150 && top[2] < 80, "{top:?}");
    assert!(bottom[2] > 150 && bottom[0] < 80, "{bottom:?}");
}

#[test]
fn a_large_picture_becomes_smaller_and_keeps_its_shape() {
    for (sent, kept) in [
        ((2_000, 50), (1_600, 40)),
        ((40, 3_600), (18, 1_600)),
        ((1_600, 9), (1_600, 9)),
    ] {
        let jpeg = written(&flag(sent.0, sent.1), ImageFormat::Jpeg);
        assert_eq!(size(&redraw(&jpeg).unwrap()), kept, "{sent:?}");
    }
}

#[test]
fn every_kind_becomes_a_jpeg_and_nothing_shines_through() {
    let glass = ImageBuffer::from_pixel(20, 20, Rgba([200_u8, 0, 0, 0]));
    let grey = ImageBuffer::from_pixel(20, 20, Luma([65_000_u16]));
    for (picture, format) in [
        (DynamicImage::from(glass.clone()), ImageFormat::Png),
        (DynamicImage::from(glass), ImageFormat::WebP),
        (DynamicImage::from(grey), ImageFormat::Png),
    ] {
        let kept = redraw(&written(&picture, format)).unwrap();
        assert!(kept.starts_with(&[0xff, 0xd8, 0xff]), "{format:?}");
        let pixel = image::load_from_memory(&kept).unwrap().into_rgb8()[(10, 10)].0;
        assert!(pixel.iter().all(|it| *it > 250), "{format:?}: {pixel:?}");
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    let jpeg = written(&flag(64, 32), ImageFormat::Jpeg);
    let png = written(&flag(64, 32), ImageFormat::Png);
    for (bytes, why) in [
        (&b""[..], NO_PICTURE),
        (b"\xff\xd8", NO_PICTURE),
        (b"GIF89a\x01\0\x01\0\0\0\0;", NO_PICTURE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NO_PICTURE),
        (b"%PDF-1.7", NO_PICTURE),
        (b"II*\0\x08\0\0\0", NO_PICTURE),
        (&jpeg[..40], BROKEN),
        (&png[..60], BROKEN),
        (b"RIFF\x10\0\0\0WEBPVP8 \0\0\0\0", BROKEN),
    ] {
        assert_eq!(redraw(bytes), Err(why), "{bytes:?}");
    }
}

#[test]
fn a_bomb_is_refused_before_it_is_decoded() {
    let began = Instant::now();
    assert_eq!(redraw(&png_of(60_000, 60_000)), Err(TOO_MANY_PIXELS));
    assert_eq!(redraw(&png_of(u32::MAX >> 1, 1)), Err(TOO_MANY_PIXELS));
    let mut jpeg = written(&flag(64, 32), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|it| it == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert_eq!(redraw(&jpeg), Err(TOO_MANY_PIXELS));
    assert!(began.elapsed() < Duration::from_secs(1));
}

/// A PNG that says it is this large.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut png = written(&flag(2, 2), ImageFormat::Png);
    // After the signature: length, "IHDR", width, height, five more bytes, and their checksum.
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let mut sum = u32::MAX;
    for byte in &png[12..29] {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ 0xedb8_8320
            } else {
                sum >> 1
            };
        }
    }
    png[29..33].copy_from_slice(&(!sum).to_be_bytes());
    png
}

#[tokio::test]
async fn the_file_that_cannot_be_taken_is_named() {
    let good = written(&flag(8, 8), ImageFormat::Png);
    let refused = redrawn(vec![good.clone(), b"no picture".to_vec()]).await;
    let refused = refused.unwrap_err();
    assert_eq!(
        (refused.field.as_str(), refused.problem.as_str()),
        ("files[1]", NO_PICTURE)
    );
    assert_eq!(redrawn(vec![good.clone(), good]).await.unwrap().len(), 2);
}
