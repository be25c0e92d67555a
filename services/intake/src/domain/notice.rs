//! What citizens are told about their personal data by each channel, and which version of it a contact or a request was told.
//! It is no consent: nobody is asked for one.

use decider::Decider;

use super::Rejection;

/// A notice by the digest of its words, which say nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wording(pub(crate) [u8; 32]);

/// What the log says a channel tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Published(Option<Wording>);

/// These names are stored for ever. Add variants; never rename or reuse one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoticeEvent {
    NoticePublished(Wording),
}

impl Decider for Published {
    /// What is to be told from now on.
    type Command = Wording;
    type Event = NoticeEvent;
    type Rejection = std::convert::Infallible;

    fn decide(&self, wording: Wording) -> Result<Vec<NoticeEvent>, Self::Rejection> {
        Ok(if self.0 == Some(wording) {
            vec![]
        } else {
            vec![NoticeEvent::NoticePublished(wording)]
        })
    }

    fn evolve(self, event: NoticeEvent) -> Self {
        match event {
            NoticeEvent::NoticePublished(wording) => Self(Some(wording)),
        }
    }
}

/// The notices of a channel, as somebody files by it. Versions are 1, 2, 3 …; 0 is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Telling {
    /// The version that was shown or read out, where whoever files says so.
    pub(crate) shown: Option<u64>,
    /// The one in force when it took place.
    pub(crate) in_force: u64,
    pub(crate) newest: u64,
}

impl Telling {
    /// What was told: what was shown, even if a newer one came meanwhile.
    pub(super) fn told(self) -> Result<Option<u64>, Rejection> {
        let version = self.shown.unwrap_or(self.in_force);
        if version > self.newest {
            return Err(Rejection::UnknownNotice);
        }
        Ok(Some(version).filter(|it| *it > 0))
    }
}

#[cfg(test)]
mod tests {
    use decider::given;

    use super::*;

    const FIRST: Wording = Wording([1; 32]);
    const SECOND: Wording = Wording([2; 32]);

    #[test]
    fn what_a_channel_tells_already_is_not_published_again() {
        let published = NoticeEvent::NoticePublished;
        given::<Published>([]).when(FIRST).then([published(FIRST)]);
        given::<Published>([published(FIRST)])
            .when(FIRST)
            .then_nothing();
        given::<Published>([published(FIRST)])
            .when(SECOND)
            .then([published(SECOND)]);
        given::<Published>([published(FIRST), published(SECOND)])
            .when(FIRST)
            .then([published(FIRST)]);
    }
}
