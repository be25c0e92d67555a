//! The one binary of Çözüm: the whole centre, each role of a cluster, and the operator's commands.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cozum::run(std::env::args_os())
}
