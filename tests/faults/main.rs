//! What breaks: processes and servers killed with `kill -9` under load, JetStream wiped or forgetful, a mail server that
//! dies between two words. Afterwards everything that was acknowledged is there, once.

mod erasure;
mod forged;
mod hard_erasure;
mod jetstream;
mod kills;
mod load;
mod mail;
mod old_nats;
mod read_models;
mod restore;
mod retention;
mod rotation;
