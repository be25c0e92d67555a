//! How long a soak goes on, where it begins, and what it says. Every test run does a tenth of each soak; `cargo xtask soak` sets
//! `COZUM_TEST_SOAK` and does all of it.

use std::env;

/// Where drawing begins: `COZUM_TEST_SEED`, or the same in every run.
#[must_use]
pub fn seed() -> u64 {
    number("COZUM_TEST_SEED").unwrap_or(153)
}

/// How many of so many times ten are done: a tenth, times `COZUM_TEST_SOAK`.
#[must_use]
pub fn part_of(whole: u64) -> u64 {
    whole / 10 * number("COZUM_TEST_SOAK").unwrap_or(1)
}

/// Whether all of it is done.
#[must_use]
pub fn is_whole() -> bool {
    part_of(10) >= 10
}

/// Tells what was done, in a line that `cargo xtask soak` repeats at its end.
#[expect(
    clippy::print_stdout,
    reason = "a test's words, which cargo keeps unless it is asked for them"
)]
pub fn tell(what: impl std::fmt::Display) {
    println!("soak: {what} (seed {})", seed());
}

fn number(variable: &str) -> Option<u64> {
    env::var_os(variable)?.to_str()?.parse().ok()
}
