//! What it takes to erase somebody's personal data: an order that names it, and the record that its keys are gone.
//!
//! Data may come to light after an order: a request that was being registered at the same moment. It is ordered anew, so
//! that erasing again erases the rest and nothing twice.

use std::collections::BTreeSet;

use decider::Decider;
use vocabulary::RequestNumber;

use super::{ContactId, PersonId};

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
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ErasureCommand {
    /// Of everything that was found.
    Order {
        found: BTreeSet<Belonging>,
        ground: Ground,
    },
    /// The keys of an order are gone.
    Record {
        destroyed: BTreeSet<Belonging>,
        ground: Ground,
    },
}

/// These names are stored for ever. Add variants; never rename or reuse one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ErasureEvent {
    ErasureOrdered {
        of: BTreeSet<Belonging>,
        ground: Ground,
    },
    PersonalDataErased {
        of: BTreeSet<Belonging>,
        ground: Ground,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ErasureRejection {
    #[error("nobody ordered to erase it")]
    NotOrdered,
}

impl Decider for Erasure {
    type Command = ErasureCommand;
    type Event = ErasureEvent;
    type Rejection = ErasureRejection;

    fn decide(&self, command: ErasureCommand) -> Result<Vec<ErasureEvent>, ErasureRejection> {
        match command {
            ErasureCommand::Order { found, ground } => {
                let ordered = |of| ErasureEvent::ErasureOrdered { of, ground };
                Ok(together(self.unordered(found)).map(ordered).collect())
            }
            ErasureCommand::Record { destroyed, .. } if !destroyed.is_subset(&self.ordered) => {
                Err(ErasureRejection::NotOrdered)
            }
            ErasureCommand::Record { destroyed, .. } if destroyed.is_subset(&self.erased) => {
                Ok(vec![])
            }
            ErasureCommand::Record { destroyed, ground } => {
                Ok(vec![ErasureEvent::PersonalDataErased {
                    of: destroyed,
                    ground,
                }])
            }
        }
    }

    fn evolve(mut self, event: ErasureEvent) -> Self {
        match event {
            ErasureEvent::ErasureOrdered { of, .. } => self.ordered.extend(of),
            ErasureEvent::PersonalDataErased { of, .. } => self.erased.extend(of),
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
        }
    }

    fn record(destroyed: &[Belonging]) -> ErasureCommand {
        ErasureCommand::Record {
            destroyed: destroyed.iter().cloned().collect(),
            ground: Ground::CitizenRequest,
        }
    }

    fn ordered(of: &[Belonging]) -> ErasureEvent {
        ErasureEvent::ErasureOrdered {
            of: of.iter().cloned().collect(),
            ground: Ground::CitizenRequest,
        }
    }

    fn erased(of: &[Belonging]) -> ErasureEvent {
        ErasureEvent::PersonalDataErased {
            of: of.iter().cloned().collect(),
            ground: Ground::CitizenRequest,
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
}
