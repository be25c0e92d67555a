//! Real servers for the tests: PostgreSQL, NATS, an SMTP server and the `cozum` binary itself; a [`Cluster`] of them all,
//! and a [`City`] as its citizens, its staff and its operator reach it.
//!
//! Each listens on a free port of 127.0.0.1, keeps its data in a temporary folder of its own, can be killed with
//! `kill -9` and started again on the same port and data, and is killed when it is dropped. Nothing here imitates
//! anything: what stands in for the city's database in a test is a database. `cargo xtask test` says where the programs are.

pub mod city;
pub mod cluster;
pub mod corpus;
pub mod draw;
pub mod files;
pub mod log;
pub mod nats;
pub mod open311;
pub mod patience;
pub mod picture;
pub mod portal;
pub mod postgres;
pub mod process;
pub mod receiver;
pub mod smtp;
pub mod soak;
pub mod staff;
pub mod traces;
pub mod work;

mod child;
mod multipart;
mod port;
mod settings;

pub use city::City;
pub use cluster::Cluster;
pub use patience::eventually;
