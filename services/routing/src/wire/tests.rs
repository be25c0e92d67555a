mod calls;
mod fixtures;

use jiff::{Timestamp, civil::date};
use vocabulary::RequestNumber;

use super::*;

fn now() -> Timestamp {
    date(2026, 2, 9)
        .at(7, 0, 0, 0)
        .in_tz("UTC")
        .unwrap()
        .timestamp()
}

fn a_number() -> RequestNumber {
    RequestNumber::new(2026, 48_120_937)
}
