//! What any process of Çözüm needs, and nothing of the domain: configuration, telemetry, health, clock, ids, tasks, the
//! network between roles, the ledger's client, the feed, reactions under a lease, and the shell around `decide`.

mod as_of;
mod call;
mod clock;
pub mod cloudevents;
pub mod config;
pub mod event;
mod execute;
pub mod feed;
mod heads;
mod health;
pub mod lease;
mod ledger;
mod network;
mod platform;
pub mod reactions;
mod refusal;
mod serve;
mod tasks;
pub mod telemetry;

pub use as_of::AsOf;
pub use call::{ACTOR, AT_LEAST, Caller, MUNICIPALITY, SERVICE};
pub use clock::{Clock, Ids};
pub use execute::{ExecuteError, Executed, Storable, execute, execute_new};
pub use feed::{Batch, Feed};
pub use health::Health;
pub use ledger::{AppendError, Command, Ledger, patiently};
pub use network::{Listener, Network, Role};
pub use platform::{Platform, Shared};
pub use refusal::{Invalid, refuse, refuse_all, violations};
pub use serve::Serving;
pub use tasks::Tasks;
