//! How long personal data is kept: a rule for each topic, what is due by them, and the runs that destroy it.
//!
//! A request's time begins with its conclusion. Its own texts go when it is over. A contact's note goes with the last request
//! that came of it, a person's name with the last of their requests and notes: until then somebody may still have to be
//! answered. A contact of which no request came goes by the default rule, from the day it took place on.

use std::{collections::BTreeMap, str::FromStr};

use decider::Decider;
use jiff::{SignedDuration, Span, Timestamp};
use vocabulary::{RequestNumber, TopicCode};

use super::{Belonging, ContactId, PersonId, Whose, istanbul};

/// What a rule is for: a topic, or all that have none of their own.
pub(crate) type Scope = Option<TopicCode>;

/// A run of the rules; 128 bits that are a UUID outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunId(pub(crate) u128);

/// How a rule that was just written may still be mended before the timer goes by it.
const TIME_TO_MEND: SignedDuration = SignedDuration::from_hours(24);

/// How long, by the calendar: all three together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Keep {
    pub(crate) years: u32,
    pub(crate) months: u32,
    pub(crate) days: u32,
}

impl Keep {
    /// The longest, in each of the three.
    pub(crate) const LONGEST: [u32; 3] = [100, 1_200, 36_500];

    /// What began at this moment or before is over now; never a day too early, whatever the months' lengths.
    fn began_by(self, now: Timestamp) -> Timestamp {
        let days = |it: u32, longest: u32| i64::from(it.min(longest));
        let [years, months, all] = Self::LONGEST;
        let span = Span::new()
            .years(days(self.years, years))
            .months(days(self.months, months))
            .days(days(self.days, all));
        let then = now.to_zoned(istanbul()).checked_sub(span);
        then.map_or(Timestamp::MIN, |it| it.timestamp())
    }
}

/// What somebody calls their decision or file: letters, digits and a few signs, so that nobody's name gets into a fact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reference(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has 1 to 40 of A-Z, a-z, 0-9, \"/\", \".\" and \"-\", a digit among them")]
pub(crate) struct NotAReference;

impl FromStr for Reference {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let may = |it: char| it.is_ascii_alphanumeric() || "/.-".contains(it);
        let good =
            text.len() <= 40 && text.chars().all(may) && text.chars().any(|it| it.is_ascii_digit());
        if text.is_empty() || good {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAReference)
        }
    }
}

impl Reference {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why it is kept for that long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetentionGround {
    Law,
    LimitationPeriod,
    FilePlan,
    Policy,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) keep: Keep,
    pub(crate) ground: RetentionGround,
    pub(crate) reference: Reference,
}

/// What the log says about the rule of one scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing(Option<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RuleCommand {
    Set(Rule),
    Remove,
}

/// These names are stored for ever. Add variants; never rename or reuse one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RuleEvent {
    RetentionRuleSet(Rule),
    RetentionRuleRemoved,
}

impl Decider for Standing {
    type Command = RuleCommand;
    type Event = RuleEvent;
    type Rejection = std::convert::Infallible;

    fn decide(&self, command: RuleCommand) -> Result<Vec<RuleEvent>, Self::Rejection> {
        Ok(match command {
            RuleCommand::Set(rule) if self.0.as_ref() == Some(&rule) => vec![],
            RuleCommand::Set(rule) => vec![RuleEvent::RetentionRuleSet(rule)],
            RuleCommand::Remove if self.0.is_none() => vec![],
            RuleCommand::Remove => vec![RuleEvent::RetentionRuleRemoved],
        })
    }

    fn evolve(self, event: RuleEvent) -> Self {
        match event {
            RuleEvent::RetentionRuleSet(rule) => Self(Some(rule)),
            RuleEvent::RetentionRuleRemoved => Self(None),
        }
    }
}

/// A rule as a run goes by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleInForce {
    pub(crate) scope: Scope,
    pub(crate) version: u64,
    pub(crate) keep: Keep,
}

/// What a run destroyed, and what was due and on hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) persons: u64,
    pub(crate) contacts: u64,
    pub(crate) requests: u64,
    pub(crate) held: u64,
}

impl Counts {
    /// One more key is gone.
    pub(crate) fn add(&mut self, destroyed: &Belonging) {
        *match destroyed {
            Belonging::Person(_) => &mut self.persons,
            Belonging::Contact(_) => &mut self.contacts,
            Belonging::Request(_) => &mut self.requests,
        } += 1;
    }
}

/// The runs of a municipality's rules: one at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    pub(crate) under_way: Option<RunId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunCommand {
    Begin { run: RunId, rules: Vec<RuleInForce> },
    End { run: RunId, counts: Counts },
}

/// These names are stored for ever. Add variants; never rename or reuse one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunEvent {
    DestructionBegan { run: RunId, rules: Vec<RuleInForce> },
    DestructionEnded { run: RunId, counts: Counts },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RunRejection {
    #[error("there is no rule")]
    NoRule,
}

impl Decider for Runs {
    type Command = RunCommand;
    type Event = RunEvent;
    type Rejection = RunRejection;

    fn decide(&self, command: RunCommand) -> Result<Vec<RunEvent>, RunRejection> {
        match command {
            RunCommand::Begin { .. } if self.under_way.is_some() => Ok(vec![]),
            RunCommand::Begin { rules, .. } if rules.is_empty() => Err(RunRejection::NoRule),
            RunCommand::Begin { run, rules } => Ok(vec![RunEvent::DestructionBegan { run, rules }]),
            RunCommand::End { run, .. } if self.under_way != Some(run) => Ok(vec![]),
            RunCommand::End { run, counts } => Ok(vec![RunEvent::DestructionEnded { run, counts }]),
        }
    }

    fn evolve(self, event: RunEvent) -> Self {
        let under_way = match event {
            RunEvent::DestructionBegan { run, .. } => Some(run),
            RunEvent::DestructionEnded { .. } => None,
        };
        Self { under_way }
    }
}

/// Whether the timer begins a run. The first one is as far from the first rule as the runs are from each other, and none goes
/// by a rule that was written today.
pub(crate) fn is_time(
    rules_set: &[Timestamp],
    last_run: Option<Timestamp>,
    every_days: u32,
    now: Timestamp,
) -> bool {
    let (Some(first), Some(newest)) = (rules_set.iter().min(), rules_set.iter().max()) else {
        return false;
    };
    let from = last_run.unwrap_or(*first);
    let every = SignedDuration::from_hours(24 * i64::from(every_days));
    now.duration_since(from) >= every && now.duration_since(*newest) >= TIME_TO_MEND
}

/// Everything with a key that one erasure is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dossier {
    pub(crate) whose: Whose,
    /// The person themself is on hold.
    pub(crate) held: bool,
    /// The person, where they are recorded and not ordered to be erased.
    pub(crate) person: Option<PersonId>,
    pub(crate) requests: Vec<KeptRequest>,
    pub(crate) contacts: Vec<KeptContact>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptRequest {
    pub(crate) number: RequestNumber,
    pub(crate) topic: TopicCode,
    /// `None` while it is open.
    pub(crate) concluded: Option<Timestamp>,
    /// It was ordered to be erased.
    pub(crate) ordered: bool,
    pub(crate) held: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptContact {
    pub(crate) contact: ContactId,
    pub(crate) took_place: Timestamp,
    pub(crate) ordered: bool,
    /// Also those of others.
    pub(crate) requests: Vec<KeptRequest>,
}

/// Something whose time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) what: Belonging,
    pub(crate) scope: Scope,
    pub(crate) version: u64,
    /// When its time began.
    pub(crate) since: Timestamp,
    pub(crate) held: bool,
}

/// What of a dossier is due as of a moment.
pub(crate) fn due(dossier: &Dossier, rules: &[RuleInForce], now: Timestamp) -> Vec<Due> {
    let judge = Judge::new(rules, now);
    let something_held = dossier.held || dossier.requests.iter().any(|it| it.held);
    let mut due = Vec::new();
    let mut all_over = true;
    let mut newest: Option<Over> = None;
    let mut note = |over: &Option<Over>| newest = newest.take().max(over.clone());
    for request in &dossier.requests {
        let over = judge.request(request);
        all_over &= request.ordered || over.is_some();
        note(&over);
        if let Some(over) = over.filter(|_| !request.ordered) {
            let held = dossier.held || request.held;
            due.push(over.due(Belonging::Request(request.number.clone()), held));
        }
    }
    for contact in &dossier.contacts {
        let over = judge.contact(contact);
        all_over &= contact.ordered || over.is_some();
        note(&over);
        if let Some(over) = over.filter(|_| !contact.ordered) {
            let held = something_held || contact.requests.iter().any(|it| it.held);
            due.push(over.due(Belonging::Contact(contact.contact), held));
        }
    }
    if let (Some(person), Some(over), true) = (dossier.person, newest, all_over) {
        // What stays of a contact keeps the name with it.
        let held = something_held || due.iter().any(|it| it.held);
        due.push(over.due(Belonging::Person(person), held));
    }
    due
}

/// A time that is over: since when it ran, by which rule. The one that began last decides for what goes with several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Over {
    since: Timestamp,
    scope: Scope,
    version: u64,
}

impl Over {
    fn due(self, what: Belonging, held: bool) -> Due {
        Due {
            what,
            scope: self.scope,
            version: self.version,
            since: self.since,
            held,
        }
    }
}

/// The rules, each with the moment up to which it is over.
struct Judge(BTreeMap<Scope, (u64, Timestamp)>);

impl Judge {
    fn new(rules: &[RuleInForce], now: Timestamp) -> Self {
        let rule = |it: &RuleInForce| (it.scope.clone(), (it.version, it.keep.began_by(now)));
        Self(rules.iter().map(rule).collect())
    }

    fn over(&self, scope: &Scope, since: Timestamp) -> Option<Over> {
        let (version, until) = self.0.get(scope)?;
        (since <= *until).then(|| Over {
            since,
            scope: scope.clone(),
            version: *version,
        })
    }

    fn request(&self, request: &KeptRequest) -> Option<Over> {
        let own = Some(request.topic.clone());
        let scope = if self.0.contains_key(&own) { own } else { None };
        self.over(&scope, request.concluded?)
    }

    fn contact(&self, contact: &KeptContact) -> Option<Over> {
        let mut newest = None;
        for request in &contact.requests {
            let over = self.request(request);
            if !request.ordered && over.is_none() {
                return None;
            }
            newest = newest.max(over);
        }
        newest.or_else(|| self.over(&None, contact.took_place))
    }
}

#[cfg(test)]
mod tests;
