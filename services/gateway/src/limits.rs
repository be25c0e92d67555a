//! How often somebody may ask: by key, by session, else by address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Limit {
    /// A request filed on the portal.
    Filing,
    /// A look at a request by its secret, an answer to a question.
    Tracking,
    /// Open311 and the API without a key.
    Public,
    /// Whatever a program with a key asks.
    Keys,
    /// A password or a set-up link.
    SignIn,
}

/// Whom it is counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Whom {
    Key(String),
    Session(uuid::Uuid),
    Address(IpAddr),
}

impl Whom {
    /// An address, as one is given to one customer: the last half of an IPv6 address is free to choose.
    pub(crate) fn at(address: IpAddr) -> Self {
        Self::Address(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(six) => match six.to_ipv4_mapped() {
                Some(four) => IpAddr::V4(four),
                None => {
                    let [a, b, c, d, ..] = six.segments();
                    IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
                }
            },
        })
    }
}

/// So often in a span of time; "30/m" is thirty a minute, "off" as often as one likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate(Option<(NonZeroU32, Duration)>);

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "is like 30/s, 30/m or 30/h, or off";
        if text == "off" {
            return Ok(Self(None));
        }
        let (count, span) = text.split_once('/').ok_or(FORM)?;
        let count: NonZeroU32 = count.parse().map_err(|_| FORM)?;
        let span = match span {
            "s" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return Err(FORM),
        };
        Ok(Self(Some((count, span))))
    }
}

impl Rate {
    fn limiter(self) -> Option<DefaultKeyedRateLimiter<Whom>> {
        let (count, span) = self.0?;
        Quota::with_period(span / count.get())
            .map(|quota| RateLimiter::keyed(quota.allow_burst(count)))
    }
}

/// The rates of a gateway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) filing: Rate,
    pub(crate) tracking: Rate,
    pub(crate) public: Rate,
    pub(crate) keys: Rate,
    pub(crate) sign_in: Rate,
}

/// Counts, and says when it is enough.
pub(crate) struct Limits {
    filing: Option<DefaultKeyedRateLimiter<Whom>>,
    tracking: Option<DefaultKeyedRateLimiter<Whom>>,
    public: Option<DefaultKeyedRateLimiter<Whom>>,
    keys: Option<DefaultKeyedRateLimiter<Whom>>,
    sign_in: Option<DefaultKeyedRateLimiter<Whom>>,
}

impl Limits {
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            filing: rates.filing.limiter(),
            tracking: rates.tracking.limiter(),
            public: rates.public.limiter(),
            keys: rates.keys.limiter(),
            sign_in: rates.sign_in.limiter(),
        }
    }

    /// Counts one more; an error says how long to wait.
    pub(crate) fn count(&self, limit: Limit, whom: &Whom) -> Result<(), Wait> {
        let Some(limiter) = self.of(limit) else {
            return Ok(());
        };
        limiter.check_key(whom).map_err(|until| {
            let now = governor::clock::DefaultClock::default().now();
            Wait(until.wait_time_from(now))
        })
    }

    /// Forgets those who have not asked for a while.
    pub(crate) fn sweep(&self) {
        for limiter in [
            &self.filing,
            &self.tracking,
            &self.public,
            &self.keys,
            &self.sign_in,
        ]
        .into_iter()
        .flatten()
        {
            limiter.retain_recent();
        }
    }

    fn of(&self, limit: Limit) -> Option<&DefaultKeyedRateLimiter<Whom>> {
        match limit {
            Limit::Filing => self.filing.as_ref(),
            Limit::Tracking => self.tracking.as_ref(),
            Limit::Public => self.public.as_ref(),
            Limit::Keys => self.keys.as_ref(),
            Limit::SignIn => self.sign_in.as_ref(),
        }
    }
}

/// How long to wait before asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) Duration);

impl Wait {
    /// For `Retry-After`: whole seconds, at least one.
    pub(crate) fn seconds(self) -> u64 {
        self.0
            .as_millis()
            .div_ceil(1000)
            .max(1)
            .try_into()
            .unwrap_or(u64::MAX)
    }
}

/// Sign-ins that failed, by account and by address: the more there were, the longer the next one waits. Somebody who knows
/// the password and mistypes it now and then does not notice; who guesses gets nowhere.
#[derive(Default)]
pub(crate) struct Failures(Mutex<HashMap<Suspect, Tally>>);

/// Who is being guessed at, or who guesses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Suspect {
    /// An account, whether it exists or not.
    Account {
        municipality: String,
        name: String,
    },
    Address(Whom),
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    failures: u32,
    last: Instant,
}

impl Suspect {
    /// Failures that cost nothing. A whole town hall may sit behind one address.
    fn free(&self) -> u32 {
        match self {
            Self::Account { .. } => 5,
            Self::Address(_) => 30,
        }
    }
}

impl Tally {
    /// How long after its last failure the next try may be made.
    fn pause(self, free: u32) -> Duration {
        // Longer would only help whoever wants to keep somebody out.
        const LONGEST: Duration = Duration::from_mins(1);
        match self.failures.checked_sub(free) {
            None => Duration::ZERO,
            Some(over) => Duration::from_secs(1 << over.min(16)).min(LONGEST),
        }
    }

    /// Whether nothing is held against them any more.
    fn is_forgotten(self, now: Instant) -> bool {
        now.duration_since(self.last) > Duration::from_mins(30)
    }
}

impl Failures {
    const MANY: usize = 10_000;

    /// How long these have to wait, if they have to.
    pub(crate) fn wait(&self, suspects: &[Suspect], now: Instant) -> Result<(), Wait> {
        let tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = suspects.iter().filter_map(|suspect| {
            let tally = tallies.get(suspect).filter(|it| !it.is_forgotten(now))?;
            let until = tally.last + tally.pause(suspect.free());
            until.checked_duration_since(now).filter(|it| !it.is_zero())
        });
        match waits.max() {
            Some(wait) => Err(Wait(wait)),
            None => Ok(()),
        }
    }

    /// One more failed.
    pub(crate) fn note(&self, suspects: &[Suspect], now: Instant) {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tallies.len() > Self::MANY {
            tallies.retain(|_, tally| !tally.is_forgotten(now));
        }
        for suspect in suspects {
            let tally = tallies.entry(suspect.clone()).or_insert(Tally {
                failures: 0,
                last: now,
            });
            if tally.is_forgotten(now) {
                tally.failures = 0;
            }
            tally.failures = tally.failures.saturating_add(1);
            tally.last = now;
        }
    }

    /// They knew the password after all.
    pub(crate) fn forgive(&self, suspect: &Suspect) {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.remove(suspect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_in_a_span() {
        assert!("30/m".parse::<Rate>().is_ok());
        assert_eq!("off".parse::<Rate>(), Ok(Rate(None)));
        for bad in ["", "30", "0/m", "30/d", "-1/s", "m/30"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    fn limits(filing: &str) -> Limits {
        let off = Rate(None);
        Limits::new(Rates {
            filing: filing.parse().unwrap(),
            tracking: off,
            public: off,
            keys: off,
            sign_in: off,
        })
    }

    #[test]
    fn whoever_asks_too_often_waits_and_the_others_do_not() {
        let limits = limits("2/h");
        let (one, other) = (
            Whom::at("192.0.2.1".parse().unwrap()),
            Whom::at("192.0.2.2".parse().unwrap()),
        );
        assert!(limits.count(Limit::Filing, &one).is_ok());
        assert!(limits.count(Limit::Filing, &one).is_ok());
        let wait = limits.count(Limit::Filing, &one).unwrap_err().seconds();
        assert!((1..=1800).contains(&wait), "{wait}");
        assert!(limits.count(Limit::Filing, &other).is_ok());
        assert!(limits.count(Limit::Tracking, &one).is_ok());
    }

    #[test]
    fn one_customer_is_one_address() {
        let at = |text: &str| Whom::at(text.parse().unwrap());
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }

    #[test]
    fn guessing_gets_slower_and_a_slip_costs_nothing() {
        let failures = Failures::default();
        let account = Suspect::Account {
            municipality: "ova".to_owned(),
            name: "ayse".to_owned(),
        };
        let now = Instant::now();
        for _ in 0..4 {
            failures.note(std::slice::from_ref(&account), now);
        }
        assert_eq!(failures.wait(std::slice::from_ref(&account), now), Ok(()));
        let mut last = Duration::ZERO;
        for _ in 0..12 {
            failures.note(std::slice::from_ref(&account), now);
            let wait = failures
                .wait(std::slice::from_ref(&account), now)
                .unwrap_err();
            assert!(wait.0 >= last);
            last = wait.0;
        }
        assert_eq!(last, Duration::from_mins(1));
        let later = now + Duration::from_mins(31);
        assert_eq!(failures.wait(std::slice::from_ref(&account), later), Ok(()));
        failures.forgive(&account);
        assert_eq!(failures.wait(&[account], now), Ok(()));
    }
}
