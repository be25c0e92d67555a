//! What it takes to erase somebody's personal data: an order that names it, and the record that its keys are gone.
//!
//! Data may come to light after an order: a request that was being registered at the same moment. It is ordered anew, so
//! that erasing again erases the rest and nothing twice.
//!
//! A hold stands in the stream of the erasure it forbids: an order that has not seen it is decided anew.

use std::collections::{BTreeMap, BTreeSet};

use decider::Decider;
use vocabulary::RequestNumber;

use super::{ContactId, PersonId, Reference, RunId, Scope};

/// How many belongings one event names at most: the ledger takes 64 subjects.
const TOGETHER: usize = 60;

/// Something that has a key of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Belonging {
    Person(PersonId),
    Contact(ContactId),
    Request(RequestNumber),
}

/// Whose personal data is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// All of a person's.
    Person(PersonId),
    /// That of a request that nobody is known of.
    Request(RequestNumber),
    /// A note of a contact that is neither's: nobody is known of it, and no request or those of several came of it.
    Contact(ContactId),
}

/// By which run of which rule something is destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByRule {
    pub(crate) run: RunId,
    pub(crate) scope: Scope,
    pub(crate) version: u64,
}

/// A hold; 128 bits that are a UUID outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HoldId(pub(crate) u128);

/// Why something must not be destroyed for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoldGround {
    Lawsuit,
    Investigation,
    Audit,
    Objection,
    Other,
}

/// On which legal ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    CitizenRequest,
    RetentionOver,
    CourtOrder,
    Other,
}

/// What the log says about erasing somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Erasure {
    ordered: BTreeSet<Belonging>,
    erased: BTreeSet<Belonging>,
    /// The same of what leaves the log as well.
    hard: Hard,
    /// What each hold in force forbids to destroy.
    holds: BTreeMap<HoldId, Belonging>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hard {
    ordered: BTreeSet<Belonging>,
    erased: BTreeSet<Belonging>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ErasureCommand {
    /// Of everything that was found; with a reference, out of the log as well.
    Order {
        found: BTreeSet<Belonging>,
        ground: Ground,
        by: Option<ByRule>,
        hard: Option<Reference>,
    },
    /// The keys of an order are gone.
    Record {
        destroyed: BTreeSet<Belonging>,
        ground: Ground,
        by: Option<ByRule>,
        hard: Option<Reference>,
    },
    /// Nothing of this is to be destroyed until it is released.
    Hold(Hold),
    /// This hold, or the only one on it.
    Release { of: Belonging, hold: Option<HoldId> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) hold: HoldId,
    pub(crate) of: Belonging,
    pub(crate) ground: HoldGround,
    pub(crate) reference: Reference,
    /// What it is about besides, for their histories.
    pub(crate) about: BTreeSet<Belonging>,
}

/// These names are stored for ever. Add variants; never rename or reuse one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ErasureEvent {
    ErasureOrdered {
        of: BTreeSet<Belonging>,
        ground: Ground,
        by: Option<ByRule>,
        hard: Option<Reference>,
    },
    PersonalDataErased {
        of: BTreeSet<Belonging>,
        ground: Ground,
        by: Option<ByRule>,
        hard: Option<Reference>,
    },
    HoldPlaced(Hold),
    HoldReleased {
        hold: HoldId,
        of: Belonging,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ErasureRejection {
    #[error("nobody ordered to erase it")]
    NotOrdered,
    #[error("it is on hold")]
    Held(HoldId, Belonging),
    #[error("it is erased already")]
    ErasedAlready,
    #[error("there is no such hold")]
    NoSuchHold,
    #[error("there are several holds")]
    WhichHold(Vec<HoldId>),
}

impl Decider for Erasure {
    type Command = ErasureCommand;
    type Event = ErasureEvent;
    type Rejection = ErasureRejection;

    fn decide(&self, command: ErasureCommand) -> Result<Vec<ErasureEvent>, ErasureRejection> {
        match command {
            ErasureCommand::Order {
                found,
                ground,
                by,
                hard,
            } => {
                let found = self.orderable(found, hard.is_some())?;
                let ordered = |of| ErasureEvent::ErasureOrdered {
                    of,
                    ground,
                    by: by.clone(),
                    hard: hard.clone(),
                };
                Ok(together(found).map(ordered).collect())
            }
            ErasureCommand::Record {
                destroyed, hard, ..
            } if !destroyed.is_subset(self.ordered(hard.is_some())) => {
                Err(ErasureRejection::NotOrdered)
            }
            ErasureCommand::Record {
                destroyed, hard, ..
            } if destroyed.is_subset(self.erased(hard.is_some())) => Ok(vec![]),
            ErasureCommand::Record {
                destroyed,
                ground,
                by,
                hard,
            } => Ok(vec![ErasureEvent::PersonalDataErased {
                of: destroyed,
                ground,
                by,
                hard,
            }]),
            ErasureCommand::Hold(hold) if self.ordered.contains(&hold.of) => {
                Err(ErasureRejection::ErasedAlready)
            }
            ErasureCommand::Hold(hold) => Ok(vec![ErasureEvent::HoldPlaced(hold)]),
            ErasureCommand::Release { of, hold } => {
                let hold = self.released(&of, hold)?;
                Ok(vec![ErasureEvent::HoldReleased { hold, of }])
            }
        }
    }

    fn evolve(mut self, event: ErasureEvent) -> Self {
        match event {
            ErasureEvent::ErasureOrdered { of, hard, .. } => {
                if hard.is_some() {
                    self.hard.ordered.extend(of.iter().cloned());
                }
                self.ordered.extend(of);
            }
            ErasureEvent::PersonalDataErased { of, hard, .. } => {
                if hard.is_some() {
                    self.hard.erased.extend(of.iter().cloned());
                }
                self.erased.extend(of);
            }
            ErasureEvent::HoldPlaced(Hold { hold, of, .. }) => {
                self.holds.insert(hold, of);
            }
            ErasureEvent::HoldReleased { hold, .. } => {
                self.holds.remove(&hold);
            }
        }
        self
    }
}

impl Erasure {
    /// Whatever of this no order names; `hard`: none that takes it out of the log.
    pub(crate) fn unordered(
        &self,
        mut found: BTreeSet<Belonging>,
        hard: bool,
    ) -> BTreeSet<Belonging> {
        found.retain(|it| !self.ordered(hard).contains(it));
        found
    }

    /// The same, if nothing of it is on hold.
    pub(crate) fn orderable(
        &self,
        found: BTreeSet<Belonging>,
        hard: bool,
    ) -> Result<BTreeSet<Belonging>, ErasureRejection> {
        let found = self.unordered(found, hard);
        match self.forbids(&found) {
            Some((hold, of)) => Err(ErasureRejection::Held(*hold, of.clone())),
            None => Ok(found),
        }
    }

    fn ordered(&self, hard: bool) -> &BTreeSet<Belonging> {
        if hard {
            &self.hard.ordered
        } else {
            &self.ordered
        }
    }

    fn erased(&self, hard: bool) -> &BTreeSet<Belonging> {
        if hard {
            &self.hard.erased
        } else {
            &self.erased
        }
    }

    /// Whether an order names this.
    pub(crate) fn is_ordered(&self, of: &Belonging) -> bool {
        self.ordered.contains(of)
    }

    /// A hold that keeps this, and what it is on.
    pub(crate) fn a_hold(&self) -> Option<(HoldId, &Belonging)> {
        self.holds.iter().next().map(|(hold, of)| (*hold, of))
    }

    /// The hold that forbids to destroy this. Names and notes stay while anything of the person is on hold; another request of
    /// theirs may go.
    pub(crate) fn forbids(&self, found: &BTreeSet<Belonging>) -> Option<(&HoldId, &Belonging)> {
        let whole = |it: &Belonging| !matches!(it, Belonging::Request(_));
        let touches = |of: &Belonging| whole(of) || found.contains(of) || found.iter().any(whole);
        let mut holds = self.holds.iter();
        holds.find(|(_, of)| !found.is_empty() && touches(of))
    }

    /// The hold that is meant.
    fn released(&self, of: &Belonging, hold: Option<HoldId>) -> Result<HoldId, ErasureRejection> {
        let on_it = self.holds.iter().filter(|(_, held)| *held == of);
        let mut on_it: Vec<HoldId> = on_it.map(|(hold, _)| *hold).collect();
        if let Some(hold) = hold {
            on_it.retain(|it| *it == hold);
        }
        match on_it.as_slice() {
            [] => Err(ErasureRejection::NoSuchHold),
            [hold] => Ok(*hold),
            [..] => Err(ErasureRejection::WhichHold(on_it)),
        }
    }
}

/// Sets of what one event can name.
fn together(all: BTreeSet<Belonging>) -> impl Iterator<Item = BTreeSet<Belonging>> {
    let mut all = all.into_iter();
    std::iter::from_fn(move || {
        let some: BTreeSet<Belonging> = all.by_ref().take(TOGETHER).collect();
        (!some.is_empty()).then_some(some)
    })
}

#[cfg(test)]
mod tests;
