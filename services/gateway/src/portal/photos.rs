//! A citizen's own pictures on the tracking page. They stand in the page itself: an address of their own would need the
//! request's secret, which belongs in no address.

use chassis::{Caller, event};
use contracts::{
    intake::v1::{Attachment, GetAttachmentRequest, RequestRegistered},
    ledger::v1::Event,
};
use futures::future::join_all;
use tonic::{Code, Status};
use vocabulary::{Municipality, RequestNumber};

use crate::Centre;

/// The largest answer that is taken: many times what a picture has.
const LARGEST: usize = 16 << 20;

/// One picture: its content as an address, or nothing where it was erased.
pub(super) struct Photo {
    pub(super) data: Option<String>,
}

/// The pictures of a request whose secret fits.
pub(super) async fn photos(
    centre: &Centre,
    municipality: &Municipality,
    number: &RequestNumber,
    secret: &str,
) -> Result<Vec<Photo>, Status> {
    let ledger = centre.platform.ledger(municipality);
    let events = ledger.read_stream(&format!("request-{number}")).await?;
    let caller = centre.caller(municipality, "citizen");
    let asked = attachments(&events)?
        .into_iter()
        .map(|it| photo(centre, &caller, number, secret, it));
    join_all(asked).await.into_iter().collect()
}

fn attachments(events: &[Event]) -> Result<Vec<Attachment>, Status> {
    let registered = events.iter().find(|it| event::is::<RequestRegistered>(it));
    let registered: Option<RequestRegistered> =
        registered.map(event::decode).transpose().map_err(|error| {
            tracing::error!(%error, "a registration cannot be shown");
            Status::unavailable("an event cannot be read")
        })?;
    Ok(registered.unwrap_or_default().attachments)
}

async fn photo(
    centre: &Centre,
    caller: &Caller,
    number: &RequestNumber,
    secret: &str,
    attachment: Attachment,
) -> Result<Photo, Status> {
    let request = GetAttachmentRequest {
        number: number.to_string(),
        id: attachment.id,
        purpose: super::tracking::PURPOSE.to_owned(),
        tracking_secret: secret.to_owned(),
    };
    let reply = chassis::patiently(|| {
        let mut intake = centre.intake().max_decoding_message_size(LARGEST);
        let request = caller.request(request.clone());
        async move { intake.get_attachment(request).await }
    });
    match reply.await {
        Ok(reply) => {
            let file = reply.into_inner();
            let data = format!("data:{};base64,{}", file.media_type, base64(&file.content));
            Ok(Photo { data: Some(data) })
        }
        Err(status) if status.code() == Code::NotFound => Ok(Photo { data: None }),
        Err(status) => Err(status),
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for sextet in 0..4 {
            let index = (bits >> (18 - 6 * sextet) & 63) as usize;
            let letter = if sextet <= chunk.len() {
                char::from(ALPHABET[index])
            } else {
                '='
            };
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd]), "//79");
    }
}
