//! Pictures that citizens send: decoded, made smaller, turned upright and written anew. What leaves here is only what can be
//! seen in them: no place, no time, no camera, and no second file behind the first.
//!
//! Anybody may send anything: a file's size, its dimensions and the memory it may take are bounded before it is decoded, and
//! so is how many are decoded at once.

use std::io::Cursor;

use chassis::Invalid;
use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
    codecs::jpeg::JpegEncoder, imageops::FilterType,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::spawn_blocking,
};

/// Files of one request at most.
pub(crate) const FILES: usize = 3;
/// Bytes of a file at most.
pub(crate) const BYTES: usize = 10 << 20;
/// What every picture becomes.
pub(crate) const MEDIA_TYPE: &str = "image/jpeg";

/// The longer side of what is kept.
const SIDE: u32 = 1_600;
/// Pixels of what is sent at most: more than telephones take by themselves.
const PIXELS: u64 = 50_000_000;
/// Bytes that one decoded picture may take.
const MEMORY: u64 = 200 << 20;
/// Of the JPEG that is kept.
const QUALITY: u8 = 82;

const NO_PICTURE: &str = "is not a JPEG, PNG or WebP picture";
const BROKEN: &str = "cannot be read: the picture is damaged";
const TOO_MANY_PIXELS: &str = "has more than 50 megapixels";

/// As many are decoded at once; the others wait.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Each file as the JPEG that is kept, in their order; or which one cannot be taken, and why.
pub(crate) async fn redrawn(files: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Invalid> {
    let mut pictures = Vec::with_capacity(files.len());
    for (index, file) in files.into_iter().enumerate() {
        let picture = in_turn(file).await;
        pictures.push(picture.map_err(|it| Invalid::at(format!("files[{index}]"), it))?);
    }
    Ok(pictures)
}

async fn in_turn(file: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    let turn = TURNS.acquire().await;
    // The turn goes along: whoever asked may be gone before the work is done.
    let work = move |_turn: Option<SemaphorePermit<'static>>| redraw(&file);
    spawn_blocking(move || work(turn.ok()))
        .await
        .unwrap_or(Err(BROKEN))
}

fn redraw(file: &[u8]) -> Result<Vec<u8>, &'static str> {
    // What it is called does not matter.
    let format = match image::guess_format(file) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) => format,
        Ok(_) | Err(_) => return Err(NO_PICTURE),
    };
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(problem)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS || decoder.total_bytes() > MEMORY {
        return Err(TOO_MANY_PIXELS);
    }
    let orientation = decoder.orientation().map_err(problem)?;
    let decoded = DynamicImage::from_decoder(decoder).map_err(problem)?;
    let mut picture = DynamicImage::from(on_white(smaller(decoded)));
    picture.apply_orientation(orientation);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode_image(&picture)
        .map_err(problem)?;
    Ok(jpeg)
}

fn problem(error: ImageError) -> &'static str {
    match error {
        ImageError::Limits(_) => TOO_MANY_PIXELS,
        ImageError::Unsupported(_) => NO_PICTURE,
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::IoError(_) => BROKEN,
    }
}

fn smaller(picture: DynamicImage) -> DynamicImage {
    let side = picture.width().max(picture.height());
    if side <= SIDE {
        picture
    } else if side < 2 * SIDE {
        picture.resize(SIDE, SIDE, FilterType::Triangle)
    } else {
        // Takes no memory beside both pictures.
        picture.thumbnail(SIDE, SIDE)
    }
}

/// A JPEG knows no transparency.
fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let clear = picture.into_rgba8();
    let mut opaque = RgbImage::new(clear.width(), clear.height());
    for (from, to) in clear.pixels().zip(opaque.pixels_mut()) {
        let [red, green, blue, alpha] = from.0.map(u16::from);
        let over = |colour: u16| {
            let mixed = (colour * alpha + 255 * (255 - alpha)) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        *to = Rgb([over(red), over(green), over(blue)]);
    }
    opaque
}

#[cfg(test)]
mod tests;
