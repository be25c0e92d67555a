//! Counts the tests as cargo prints their results.

use std::fmt;

/// How many tests passed and failed, and what those that soak told.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) soaked: Vec<String>,
}

impl Tally {
    /// Takes in a line like `test result: ok. 12 passed; 0 failed; 0 ignored; …`.
    pub(crate) fn hear(&mut self, line: &str) {
        // One thread's line begins with the test's name.
        if let Some((_, told)) = line.split_once("soak: ") {
            self.soaked.push(told.to_owned());
        }
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        for part in counts.split(';') {
            match part.trim().split_once(' ') {
                Some((count, "passed")) => self.passed += count.parse().unwrap_or(0),
                Some((count, "failed")) => self.failed += count.parse().unwrap_or(0),
                Some(_) | None => {}
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_all_runs_add_up() {
        let mut tally = Tally::default();
        tally.hear("test a_sentence ... ok");
        tally.hear("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.00s");
        tally.hear("test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s");
        tally.hear("test a_sentence ... soak: 3 places were changed");
        assert_eq!(tally.to_string(), "14 passed, 1 failed");
        assert_eq!(tally.soaked, ["3 places were changed"]);
    }
}
