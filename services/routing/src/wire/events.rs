mod read;
mod write;

pub(crate) use read::{Registered, registered};
pub(crate) use write::{handling_event, topic_event, unit_event};
