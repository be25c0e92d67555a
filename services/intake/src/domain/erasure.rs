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
    /// What each hold in force forbids to destroy.
    holds: BTreeMap<HoldId, Belonging>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ErasureCommand {
    /// Of everything that was found.
    Order {
        found: BTreeSet<Belonging>,
        ground: Ground,
        by: Option<ByRule>,
    },
    /// The keys of an order are gone.
    Record {
        destroyed: BTreeSet<Belonging>,
        ground: Ground,
        by: Option<ByRule>,
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
    },
    PersonalDataErased {
        of: BTreeSet<Belonging>,
        ground: Ground,
        by: Option<ByRule>,
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
            ErasureCommand::Order { found, ground, by } => {
                let found = self.unordered(found);
                if let Some((hold, of)) = self.forbids(&found) {
                    return Err(ErasureRejection::Held(*hold, of.clone()));
                }
                let ordered = |of| ErasureEvent::ErasureOrdered {
                    of,
                    ground,
                    by: by.clone(),
                };
                Ok(together(found).map(ordered).collect())
            }
            ErasureCommand::Record { destroyed, .. } if !destroyed.is_subset(&self.ordered) => {
                Err(ErasureRejection::NotOrdered)
            }
            ErasureCommand::Record { destroyed, .. } if destroyed.is_subset(&self.erased) => {
                Ok(vec![])
            }
            ErasureCommand::Record {
                destroyed,
                ground,
                by,
            } => Ok(vec![ErasureEvent::PersonalDataErased {
                of: destroyed,
                ground,
                by,
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
            ErasureEvent::ErasureOrdered { of, .. } => self.ordered.extend(of),
            ErasureEvent::PersonalDataErased { of, .. } => self.erased.extend(of),
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
    /// Whatever of this no order names.
    pub(crate) fn unordered(&self, mut found: BTreeSet<Belonging>) -> BTreeSet<Belonging> {
        found.retain(|it| !self.ordered.contains(it));
        found
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
    fn forbids(&self, found: &BTreeSet<Belonging>) -> Option<(&HoldId, &Belonging)> {
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
mod tests {
    use decider::Given;

    use super::*;

    const AYSE: Belonging = Belonging::Person(PersonId(1));
    const CALL: Belonging = Belonging::Contact(ContactId(2));

    fn given(history: impl IntoIterator<Item = ErasureEvent>) -> Given<Erasure> {
        decider::given(history)
    }

    fn request(digits: u32) -> Belonging {
        Belonging::Request(RequestNumber::new(2026, digits))
    }

    fn order(found: &[Belonging]) -> ErasureCommand {
        ErasureCommand::Order {
            found: found.iter().cloned().collect(),
            ground: Ground::CitizenRequest,
            by: None,
        }
    }

    fn record(destroyed: &[Belonging]) -> ErasureCommand {
        ErasureCommand::Record {
            destroyed: destroyed.iter().cloned().collect(),
            ground: Ground::CitizenRequest,
            by: None,
        }
    }

    fn ordered(of: &[Belonging]) -> ErasureEvent {
        ErasureEvent::ErasureOrdered {
            of: of.iter().cloned().collect(),
            ground: Ground::CitizenRequest,
            by: None,
        }
    }

    fn erased(of: &[Belonging]) -> ErasureEvent {
        ErasureEvent::PersonalDataErased {
            of: of.iter().cloned().collect(),
            ground: Ground::CitizenRequest,
            by: None,
        }
    }

    #[test]
    fn everything_that_was_found_is_ordered() {
        let all = [AYSE, CALL, request(7)];
        given([]).when(order(&all)).then([ordered(&all)]);
    }

    #[test]
    fn erasing_again_is_silent() {
        let all = [AYSE, CALL];
        given([ordered(&all)]).when(order(&all)).then_nothing();
        given([ordered(&all), erased(&all)])
            .when(order(&all))
            .then_nothing();
    }

    #[test]
    fn what_came_to_light_later_is_ordered_alone() {
        let all = [AYSE, CALL];
        given([ordered(&all), erased(&all)])
            .when(order(&[AYSE, CALL, request(7)]))
            .then([ordered(&[request(7)])]);
    }

    #[test]
    fn an_order_is_recorded_once() {
        let all = [AYSE, CALL];
        given([ordered(&all)])
            .when(record(&all))
            .then([erased(&all)]);
        given([ordered(&all), erased(&all)])
            .when(record(&all))
            .then_nothing();
    }

    #[test]
    fn nothing_is_recorded_that_nobody_ordered() {
        given([ordered(&[AYSE])])
            .when(record(&[AYSE, CALL]))
            .then_rejected(ErasureRejection::NotOrdered);
    }

    #[test]
    fn no_event_names_more_than_the_ledger_takes() {
        let all: Vec<Belonging> = (0..130).map(request).collect();
        let decided = Erasure::default().decide(order(&all)).unwrap();
        let state = Erasure::replay(decided.clone());
        assert_eq!(decided.len(), 3);
        assert_eq!(state, Erasure::replay([ordered(&all)]));
    }

    const LAWSUIT: HoldId = HoldId(11);

    fn hold(hold: HoldId, of: Belonging) -> Hold {
        Hold {
            hold,
            of,
            ground: HoldGround::Lawsuit,
            reference: "2026/123".parse().unwrap(),
            about: BTreeSet::new(),
        }
    }

    fn held(of: Belonging) -> ErasureEvent {
        ErasureEvent::HoldPlaced(hold(LAWSUIT, of))
    }

    fn released(of: Belonging) -> ErasureEvent {
        ErasureEvent::HoldReleased { hold: LAWSUIT, of }
    }

    #[test]
    fn nothing_of_a_person_on_hold_is_ordered_until_it_is_released() {
        for some in [&[AYSE, CALL, request(7)][..], &[request(7)]] {
            given([held(AYSE)])
                .when(order(some))
                .then_rejected(ErasureRejection::Held(LAWSUIT, AYSE));
            given([held(AYSE), released(AYSE)])
                .when(order(some))
                .then([ordered(some)]);
        }
    }

    #[test]
    fn a_request_on_hold_keeps_its_persons_name_and_notes_and_lets_another_request_go() {
        let on_hold = || ErasureRejection::Held(LAWSUIT, request(7));
        for some in [&[AYSE, request(7)][..], &[request(7)], &[AYSE], &[CALL]] {
            given([held(request(7))])
                .when(order(some))
                .then_rejected(on_hold());
        }
        given([held(request(7))])
            .when(order(&[request(8)]))
            .then([ordered(&[request(8)])]);
    }

    #[test]
    fn what_is_erased_is_not_held_and_is_erased_again_in_silence() {
        let place = || ErasureCommand::Hold(hold(LAWSUIT, request(7)));
        given([ordered(&[request(7)])])
            .when(place())
            .then_rejected(ErasureRejection::ErasedAlready);
        given([ordered(&[request(7)]), held(AYSE)])
            .when(order(&[request(7)]))
            .then_nothing();
        given([]).when(place()).then([held(request(7))]);
    }

    #[test]
    fn a_hold_is_released_by_its_name_or_as_the_only_one() {
        let release = |hold| ErasureCommand::Release { of: AYSE, hold };
        given([held(AYSE)])
            .when(release(None))
            .then([released(AYSE)]);
        given([held(AYSE), released(AYSE)])
            .when(release(None))
            .then_rejected(ErasureRejection::NoSuchHold);
        let audit = ErasureEvent::HoldPlaced(hold(HoldId(12), AYSE));
        given([held(AYSE), audit.clone()])
            .when(release(None))
            .then_rejected(ErasureRejection::WhichHold(vec![LAWSUIT, HoldId(12)]));
        given([held(AYSE), audit])
            .when(release(Some(LAWSUIT)))
            .then([released(AYSE)]);
        given([held(request(7))])
            .when(release(Some(LAWSUIT)))
            .then_rejected(ErasureRejection::NoSuchHold);
    }
}
