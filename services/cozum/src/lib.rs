//! The one binary, any topology: `cozum up` runs every role in one process, `cozum serve <role>` runs one role of a cluster,
//! and the other commands talk to a running centre through its gateway.
//!
//! It hears nothing and says nothing of its own: what `up --demo` and `import` write goes through the services' commands.

pub mod client;
pub mod demo;
pub mod import;
pub mod serve;
pub mod up;

mod audit;
mod backup;
mod cli;
mod erase;
mod healthcheck;
mod history;
mod hold;
mod keys;
mod nats;
mod notice;
mod own_data;
mod parked;
mod process;
mod report;
mod retention;

pub use cli::run;
