//! The code generated from `proto/`: messages, clients and servers of every service. No message is written by hand.
//!
//! Messages that carry plain personal text have an empty `Debug` (see `build.rs`), so they cannot reach a log.

/// Words that more than one service uses.
pub mod vocabulary {

    pub mod v1 {
        tonic::include_proto!("cozum.vocabulary.v1");
    }
}
/// The append-only log.
pub mod ledger {
    pub mod v1 {
        tonic::include_proto!("cozum.ledger.v1");
    }
}
/// Contacts and requests.
pub mod intake {
    pub mod v1 {
        tonic::include_proto!("cozum.intake.v1");
    }
}
/// The unit's work, and the directory.
pub mod routing {
    pub mod v1 {
        tonic::include_proto!("cozum.routing.v1");
    }
}
/// Messages to citizens.
pub mod notification {
    pub mod v1 {
        tonic::include_proto!("cozum.notification.v1");
    }
}
/// Counts.
pub mod analytics {
    pub mod v1 {
        tonic::include_proto!("cozum.analytics.v1");
    }
}
/// Staff, keys, webhooks.
pub mod gateway {
    pub mod v1 {
        tonic::include_proto!("cozum.gateway.v1");
    }
}

include!(concat!(env!("OUT_DIR"), "/private.rs"));

/// The descriptors of all of `proto/`, for reflection and for printing stored events.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// A type of event in one of its schema versions: version 2 of `intake.RequestRegistered` is the message
/// `cozum.intake.v2.RequestRegistered`.
#[derive(Debug, Clone, Copy)]
pub struct EventType {
    /// "<service>.<Message>".
    pub name: &'static str,
    /// Its schema version, from 1.
    pub version: u32,
    again: fn(&[u8]) -> Result<Vec<u8>, prost::DecodeError>,
}

impl EventType {
    /// Decodes the bytes of such an event and encodes it again, as whoever records it does.
    pub fn again(&self, bytes: &[u8]) -> Result<Vec<u8>, prost::DecodeError> {
        (self.again)(bytes)
    }
}

fn again<M: prost::Message + Default>(bytes: &[u8]) -> Result<Vec<u8>, prost::DecodeError> {
    Ok(M::decode(bytes)?.encode_to_vec())
}

/// Every event type in every schema version, by name and then by version.
pub const EVENTS: &[EventType] = include!(concat!(env!("OUT_DIR"), "/events.rs"));
