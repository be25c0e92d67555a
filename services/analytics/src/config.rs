use anyhow::Context as _;
use chassis::config::Mistakes;
use jiff::tz::TimeZone;

/// How days are counted.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Time zone of the municipality's days, by its IANA name
    #[arg(long, env = "COZUM_TIME_ZONE", default_value = DEFAULT_TIME_ZONE)]
    pub time_zone: String,
}

const DEFAULT_TIME_ZONE: &str = "Europe/Istanbul";

impl Default for Config {
    fn default() -> Self {
        Self {
            time_zone: DEFAULT_TIME_ZONE.to_owned(),
        }
    }
}

impl Config {
    /// Notes every mistake that can be seen before anything is opened.
    pub fn check(&self, mistakes: &mut Mistakes) {
        if TimeZone::get(&self.time_zone).is_err() {
            let problem = "is an IANA name like Europe/Istanbul, known to this machine's time zone data (tzdata)";
            mistakes.add("--time-zone", problem);
        }
    }

    /// The time zone.
    pub fn zone(&self) -> anyhow::Result<TimeZone> {
        TimeZone::get(&self.time_zone).context("--time-zone")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(zone: &str) -> String {
        let mut mistakes = Mistakes::default();
        Config {
            time_zone: zone.to_owned(),
        }
        .check(&mut mistakes);
        mistakes.to_string()
    }

    #[test]
    fn a_time_zone_has_a_name() {
        assert_eq!(mistakes(DEFAULT_TIME_ZONE), "");
        assert_eq!(mistakes("America/New_York"), "");
        for bad in ["", "Ankara", "+03:00"] {
            assert!(mistakes(bad).contains("--time-zone"), "{bad}");
        }
    }
}
