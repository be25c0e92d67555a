//! A decider answers two questions: what happens now, and what that makes of the past.
//!
//! Pure: no clock, no I/O, no randomness. Time and ids arrive in the command. [`given`] reads tests as
//! given · when · then.

use std::fmt::Debug;

/// A state that can judge commands and absorb events.
pub trait Decider: Default {
    /// What may be asked of it.
    type Command;
    /// What can have happened to it; stored for ever.
    type Event;
    /// Why it may say no.
    type Rejection;

    /// What happens if this command arrives now. An empty answer means: nothing new.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The state after an event. Events are facts, so this never refuses.
    #[must_use]
    fn evolve(self, event: Self::Event) -> Self;

    /// The state a history adds up to.
    #[must_use]
    fn replay(history: impl IntoIterator<Item = Self::Event>) -> Self {
        history.into_iter().fold(Self::default(), Self::evolve)
    }
}

/// A history to decide on.
pub struct Given<D: Decider>(D);

/// What was decided.
pub struct Then<D: Decider>(Result<Vec<D::Event>, D::Rejection>);

/// Starts a test: what has happened so far.
pub fn given<D: Decider>(history: impl IntoIterator<Item = D::Event>) -> Given<D> {
    Given(D::replay(history))
}

impl<D: Decider> Given<D> {
    /// The command under test.
    pub fn when(self, command: D::Command) -> Then<D> {
        Then(self.0.decide(command))
    }
}

impl<D: Decider> Then<D>
where
    D::Event: Debug + PartialEq,
    D::Rejection: Debug + PartialEq,
{
    /// Exactly these events.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = D::Event>) {
        assert_eq!(self.0, Ok(expected.into_iter().collect()));
    }

    /// Accepted, and nothing new.
    #[track_caller]
    pub fn then_nothing(self) {
        assert_eq!(self.0, Ok(vec![]));
    }

    /// Refused, for this reason.
    #[track_caller]
    pub fn then_rejected(self, reason: D::Rejection) {
        assert_eq!(self.0, Err(reason));
    }
}
