//! What there is to tell a citizen, and which event says so.

use chassis::event::{self, Undecodable};
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::Event,
    notification::v1::{NotificationKind, NotificationRequested},
    routing::v1::{
        InformationAsked, RequestConcluded, RequestPlanned, RequestReferred, RequestReopened,
    },
};
use vocabulary::{RequestState, SubResult};

/// What there is to tell, with what the text needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    Registered,
    /// Passed on to an outside institution, by its code.
    Referred {
        institution: String,
    },
    /// An ISO date.
    Planned {
        planned_for: String,
    },
    Concluded {
        sub_result: Option<SubResult>,
    },
    Reopened,
    /// The unit has a question.
    InformationAsked,
}

/// Whether an event is one that a citizen is told of.
pub(crate) fn is_news(event: &Event) -> bool {
    event::is::<RequestRegistered>(event)
        || event::is::<RequestReferred>(event)
        || event::is::<RequestPlanned>(event)
        || event::is::<RequestConcluded>(event)
        || event::is::<RequestReopened>(event)
        || event::is::<InformationAsked>(event)
}

impl News {
    /// What an event of routing tells, and of which request.
    pub(crate) fn of_handling(event: &Event) -> Result<Option<(String, Self)>, Undecodable> {
        Ok(Some(if event::is::<RequestReferred>(event) {
            let RequestReferred {
                number,
                institution,
                ..
            } = event::decode(event)?;
            (number, Self::Referred { institution })
        } else if event::is::<RequestPlanned>(event) {
            let RequestPlanned {
                number,
                planned_for,
                ..
            } = event::decode(event)?;
            (number, Self::Planned { planned_for })
        } else if event::is::<RequestConcluded>(event) {
            let RequestConcluded {
                number, sub_result, ..
            } = event::decode(event)?;
            (
                number,
                Self::Concluded {
                    sub_result: SubResult::try_from(sub_result).ok(),
                },
            )
        } else if event::is::<RequestReopened>(event) {
            let RequestReopened { number, .. } = event::decode(event)?;
            (number, Self::Reopened)
        } else if event::is::<InformationAsked>(event) {
            let InformationAsked { number, .. } = event::decode(event)?;
            (number, Self::InformationAsked)
        } else {
            return Ok(None);
        }))
    }

    /// What a recorded notification tells; nothing for a kind this build does not know.
    pub(crate) fn of_notification(requested: &NotificationRequested) -> Option<Self> {
        match requested.kind() {
            NotificationKind::Unspecified => None,
            NotificationKind::Registered => Some(Self::Registered),
            NotificationKind::Referred => Some(Self::Referred {
                institution: requested.institution.clone(),
            }),
            NotificationKind::Planned => Some(Self::Planned {
                planned_for: requested.planned_for.clone(),
            }),
            NotificationKind::Concluded => Some(Self::Concluded {
                sub_result: SubResult::try_from(requested.sub_result).ok(),
            }),
            NotificationKind::Reopened => Some(Self::Reopened),
            NotificationKind::InformationAsked => Some(Self::InformationAsked),
        }
    }

    /// Puts the news into the event that records it.
    pub(crate) fn fill(&self, requested: &mut NotificationRequested) {
        match self {
            Self::Registered => requested.set_kind(NotificationKind::Registered),
            Self::Referred { institution } => {
                requested.set_kind(NotificationKind::Referred);
                requested.institution.clone_from(institution);
            }
            Self::Planned { planned_for } => {
                requested.set_kind(NotificationKind::Planned);
                requested.planned_for.clone_from(planned_for);
            }
            Self::Concluded { sub_result } => {
                requested.set_kind(NotificationKind::Concluded);
                requested.sub_result = sub_result.map_or(0, SubResult::number);
            }
            Self::Reopened => requested.set_kind(NotificationKind::Reopened),
            Self::InformationAsked => requested.set_kind(NotificationKind::InformationAsked),
        }
    }

    /// Where the request stands now.
    pub(crate) fn state(&self) -> RequestState {
        match self {
            Self::Registered => RequestState::Registered,
            Self::Referred { .. } => RequestState::Referred,
            Self::Planned { .. } => RequestState::Planned,
            Self::Concluded { .. } => RequestState::Concluded,
            Self::Reopened => RequestState::Reopened,
            Self::InformationAsked => RequestState::WaitingCitizen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_survives_being_recorded() {
        for news in [
            News::Registered,
            News::Referred {
                institution: "tedas".to_owned(),
            },
            News::Planned {
                planned_for: "2026-12-01".to_owned(),
            },
            News::Concluded {
                sub_result: Some(SubResult::Solved),
            },
            News::Reopened,
            News::InformationAsked,
        ] {
            let mut requested = NotificationRequested::default();
            news.fill(&mut requested);
            assert_eq!(News::of_notification(&requested), Some(news));
        }
    }

    #[test]
    fn what_staff_and_citizens_remark_is_no_news() {
        use chassis::event::record;
        use contracts::routing::v1::{CitizenWrote, CommentAdded};

        let comment = CommentAdded {
            public: true,
            ..CommentAdded::default()
        };
        let at = jiff::Timestamp::UNIX_EPOCH;
        for new in [
            record(uuid::Uuid::nil(), &comment, at, []),
            record(uuid::Uuid::nil(), &CitizenWrote::default(), at, []),
        ] {
            let event = Event {
                r#type: new.r#type,
                ..Event::default()
            };
            assert!(!is_news(&event), "{}", event.r#type);
            assert_eq!(News::of_handling(&event).unwrap(), None);
        }
    }
}
