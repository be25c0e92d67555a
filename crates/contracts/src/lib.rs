//! The code generated from `proto/`: messages, clients and servers of every service. Nothing is written by hand.
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
