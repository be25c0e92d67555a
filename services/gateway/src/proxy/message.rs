//! The little that is read of a message on its way: which request it is about, and whether it is an import.

use axum::body::Bytes;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tonic::Status;

/// The one message of a call's body: a flag, four bytes of length, the message.
pub(super) fn only(body: &Bytes) -> Result<&[u8], Status> {
    let malformed = || Status::invalid_argument("the call is not one message");
    let (head, message) = body.split_at_checked(5).ok_or_else(malformed)?;
    let [flag, length @ ..] = head else {
        return Err(malformed());
    };
    if *flag != 0 {
        return Err(Status::unimplemented(
            "send the message uncompressed: this key's calls are looked into",
        ));
    }
    let length: [u8; 4] = length.try_into().map_err(|_| malformed())?;
    if usize::try_from(u32::from_be_bytes(length)) == Ok(message.len()) {
        Ok(message)
    } else {
        Err(malformed())
    }
}

/// The text at a path of fields; empty where there is none.
pub(super) fn text(message: &[u8], path: &[u32]) -> Result<String, Status> {
    let mut at = message;
    for number in path {
        match field(at, *number)? {
            Some(inner) => at = inner,
            None => return Ok(String::new()),
        }
    }
    if path.is_empty() {
        return Ok(String::new());
    }
    String::from_utf8(at.to_vec()).map_err(|_| malformed())
}

/// Whether a field is there.
pub(super) fn has(message: &[u8], number: u32) -> Result<bool, Status> {
    Ok(field(message, number)?.is_some())
}

/// The bytes of a field: a text or a message. A reader takes the last one that is sent; where there are several it
/// could be tricked, so that is refused.
fn field(mut rest: &[u8], number: u32) -> Result<Option<&[u8]>, Status> {
    let mut found = None;
    while !rest.is_empty() {
        let (tag, kind) = decode_key(&mut rest).map_err(|_| malformed())?;
        if tag != number {
            skip_field(kind, tag, &mut rest, DecodeContext::default()).map_err(|_| malformed())?;
            continue;
        }
        if kind != WireType::LengthDelimited || found.is_some() {
            return Err(malformed());
        }
        let length = decode_varint(&mut rest).map_err(|_| malformed())?;
        let length = usize::try_from(length).map_err(|_| malformed())?;
        let (value, after) = rest.split_at_checked(length).ok_or_else(malformed)?;
        found = Some(value);
        rest = after;
    }
    Ok(found)
}

fn malformed() -> Status {
    Status::invalid_argument("the message cannot be read")
}

#[cfg(test)]
mod tests {
    use contracts::{
        intake::v1::RegisterContactRequest,
        routing::v1::{AddCommentRequest, GetHandlingRequest, Target},
        vocabulary::v1::Imported,
    };
    use prost::Message as _;

    use super::*;

    const NUMBER: &str = "2026-48120937-8";

    fn framed(message: &[u8]) -> Bytes {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0][..], &length, message].concat().into()
    }

    #[test]
    fn the_number_is_found_wherever_the_message_has_it() {
        let handling = GetHandlingRequest {
            number: NUMBER.to_owned(),
        };
        let comment = AddCommentRequest {
            target: Some(Target {
                command_id: "x".to_owned(),
                number: NUMBER.to_owned(),
                expected_version: 3,
                occurred_at: 4,
            }),
            text: "…".to_owned(),
            public: false,
        };
        let body = framed(&handling.encode_to_vec());
        assert_eq!(text(only(&body).unwrap(), &[1]).unwrap(), NUMBER);
        let body = framed(&comment.encode_to_vec());
        assert_eq!(text(only(&body).unwrap(), &[1, 2]).unwrap(), NUMBER);
        assert_eq!(text(&[], &[1, 2]).unwrap(), "");
    }

    #[test]
    fn nobody_is_tricked_by_a_second_number_or_a_half_message() {
        let one = GetHandlingRequest {
            number: NUMBER.to_owned(),
        };
        let twice = [one.encode_to_vec(), one.encode_to_vec()].concat();
        assert!(text(&twice, &[1]).is_err());
        assert!(text(&one.encode_to_vec()[..5], &[1]).is_err());
        let body = framed(&one.encode_to_vec());
        assert!(only(&body.slice(..8)).is_err());
        assert!(only(&Bytes::new()).is_err());
        let mut compressed = body.to_vec();
        compressed[0] = 1;
        assert!(only(&compressed.into()).is_err());
    }

    #[test]
    fn an_import_is_known_by_its_mark() {
        let mut contact = RegisterContactRequest::default();
        assert!(!has(&contact.encode_to_vec(), 7).unwrap());
        contact.imported = Some(Imported::default());
        assert!(has(&contact.encode_to_vec(), 7).unwrap());
    }
}
