use clocks::day_of;
use jiff::{SignedDuration, Timestamp, civil::Date};
use vocabulary::{Channel, SubResult, TopicCode, UnitCode};

use super::{
    Act, Assignee, Conclusion, Decision, Event, Fact, Handling, Rejection, ReturnReason, Rule,
    Stage, Standing, When, Work,
};

/// How far the clocks of two machines may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What one act comes to; `None` where it changes nothing.
type Acted = Result<Option<Fact>, Rejection>;

impl Handling {
    /// The first unit, by rule. Said again, or after a person was quicker, it changes nothing.
    pub(super) fn route(
        &self,
        unit: UnitCode,
        topic: TopicCode,
        rule: Rule,
        at: Timestamp,
    ) -> Vec<Event> {
        match self {
            Handling::Unrouted => vec![Event {
                at,
                fact: Fact::RequestRouted {
                    unit,
                    topic,
                    rule: Some(rule),
                },
            }],
            Handling::Known(_) => vec![],
        }
    }

    pub(super) fn act(&self, when: When, act: Act) -> Decision {
        let acted = match act {
            Act::AddComment { public } => return Ok(vec![self.comment(public, when.at)]),
            Act::RecordMessage { channel } => return Ok(vec![self.message(channel, when.at)]),
            Act::RouteManually { unit, standing } => self.route_manually(unit, standing),
            Act::ReturnRequest { reason } => self.work()?.give_back(reason),
            Act::AcceptRequest => self.work()?.accept(),
            Act::AssignRequest { assignee } => self.work()?.assign(assignee),
            Act::StartWork => self.work()?.start(),
            Act::PlanRequest { planned_for } => self.work()?.plan(planned_for, day_of(when.at)),
            Act::ReferRequest {
                institution,
                standing,
            } => self.work()?.refer(institution, standing),
            Act::ConcludeRequest(conclusion) => self.work()?.conclude(conclusion, when.at),
            Act::ReopenRequest => self.work()?.reopen(),
            Act::AskInformation => self.work()?.ask(),
        };
        match acted? {
            Some(fact) => Ok(vec![Event {
                at: self.moment(when)?,
                fact,
            }]),
            None => Ok(vec![]),
        }
    }

    /// At any time, and of any time: a remark is not a step.
    fn comment(&self, public: bool, at: Timestamp) -> Event {
        let unit = match self {
            Handling::Unrouted => None,
            Handling::Known(work) => Some(work.unit.clone()),
        };
        let fact = Fact::CommentAdded { unit, public };
        Event { at, fact }
    }

    /// Nothing that a citizen writes is refused. What comes while the unit waits is the answer, and comes after the
    /// question.
    fn message(&self, channel: Channel, at: Timestamp) -> Event {
        let (back_to, at) = match self {
            Handling::Known(work) if work.waits_for_citizen => {
                (Some(work.stage.state()), at.max(work.since))
            }
            Handling::Known(_) | Handling::Unrouted => (None, at),
        };
        let fact = Fact::CitizenWrote { channel, back_to };
        Event { at, fact }
    }

    fn route_manually(&self, unit: UnitCode, standing: Standing) -> Acted {
        match standing {
            Standing::Unknown => return Err(Rejection::UnknownUnit),
            Standing::Outside => return Err(Rejection::OutsideUnit),
            Standing::Inside => {}
        }
        match self {
            Handling::Unrouted => Ok(Some(Fact::RequestRoutedManually { unit })),
            Handling::Known(work) => work.route_manually(unit),
        }
    }

    fn work(&self) -> Result<&Work, Rejection> {
        match self {
            Handling::Unrouted => Err(Rejection::NotRouted),
            Handling::Known(work) => Ok(work),
        }
    }

    /// When the event happened: never before the one before it.
    fn moment(&self, when: When) -> Result<Timestamp, Rejection> {
        match self {
            Handling::Unrouted => Ok(when.at),
            Handling::Known(work) if when.stated && when.at < work.since => {
                Err(Rejection::BeforeLastEvent)
            }
            Handling::Known(work) => Ok(when.at.max(work.since)),
        }
    }
}

/// One table per act, one row per stage.
impl Work {
    /// A unit that has the request in hand need not be given it again.
    fn route_manually(&self, unit: UnitCode) -> Acted {
        match self.stage {
            Stage::Routed
            | Stage::Accepted
            | Stage::Assigned
            | Stage::InProgress
            | Stage::Planned(_)
                if self.unit == unit =>
            {
                Ok(None)
            }
            Stage::Routed
            | Stage::Returned
            | Stage::Accepted
            | Stage::Assigned
            | Stage::InProgress
            | Stage::Planned(_)
            | Stage::Referred(_)
            | Stage::Reopened => Ok(Some(Fact::RequestRoutedManually { unit })),
            Stage::Concluded(_) => Err(Rejection::Concluded),
        }
    }

    fn give_back(&self, reason: ReturnReason) -> Acted {
        match self.stage {
            Stage::Routed
            | Stage::Accepted
            | Stage::Assigned
            | Stage::InProgress
            | Stage::Planned(_)
            | Stage::Reopened => Ok(Some(Fact::RequestReturned {
                unit: self.unit.clone(),
                reason,
            })),
            Stage::Returned => Err(Rejection::Returned),
            Stage::Referred(_) => Err(Rejection::Referred),
            Stage::Concluded(_) => Err(Rejection::Concluded),
        }
    }

    /// Also takes back what an institution outside did not settle.
    fn accept(&self) -> Acted {
        match self.stage {
            Stage::Routed | Stage::Referred(_) | Stage::Reopened => {
                Ok(Some(Fact::RequestAccepted {
                    unit: self.unit.clone(),
                }))
            }
            Stage::Accepted => Ok(None),
            Stage::Assigned | Stage::InProgress | Stage::Planned(_) => {
                Err(Rejection::AlreadyAccepted)
            }
            Stage::Returned => Err(Rejection::Returned),
            Stage::Concluded(_) => Err(Rejection::Concluded),
        }
    }

    fn assign(&self, assignee: Assignee) -> Acted {
        self.in_hand()?;
        let known = self.is(&Stage::Assigned) && self.assignee.as_ref() == Some(&assignee);
        let assigned = Fact::RequestAssigned {
            unit: self.unit.clone(),
            assignee: Some(assignee),
        };
        Ok((!known).then_some(assigned))
    }

    fn start(&self) -> Acted {
        self.in_hand()?;
        let known = self.is(&Stage::InProgress);
        Ok((!known).then(|| Fact::WorkStarted {
            unit: self.unit.clone(),
        }))
    }

    fn plan(&self, planned_for: Date, today: Date) -> Acted {
        self.in_hand()?;
        if planned_for < today {
            return Err(Rejection::PlanInThePast);
        }
        let known = self.is(&Stage::Planned(planned_for));
        Ok((!known).then(|| Fact::RequestPlanned {
            unit: self.unit.clone(),
            planned_for,
        }))
    }

    fn refer(&self, institution: UnitCode, standing: Standing) -> Acted {
        match standing {
            Standing::Unknown => return Err(Rejection::UnknownInstitution),
            Standing::Inside => return Err(Rejection::NotOutside),
            Standing::Outside => {}
        }
        match &self.stage {
            Stage::Referred(current) if *current == institution => Ok(None),
            Stage::Routed
            | Stage::Returned
            | Stage::Accepted
            | Stage::Assigned
            | Stage::InProgress
            | Stage::Planned(_)
            | Stage::Referred(_)
            | Stage::Reopened => Ok(Some(Fact::RequestReferred { institution })),
            Stage::Concluded(_) => Err(Rejection::Concluded),
        }
    }

    /// From any stage: the desk may answer what no unit has taken yet.
    fn conclude(&self, conclusion: Conclusion, at: Timestamp) -> Acted {
        match self.stage {
            Stage::Routed
            | Stage::Returned
            | Stage::Accepted
            | Stage::Assigned
            | Stage::InProgress
            | Stage::Planned(_)
            | Stage::Referred(_)
            | Stage::Reopened => {}
            Stage::Concluded(_) => return Err(Rejection::Concluded),
        }
        conclusion.check(self.ever_referred, at)?;
        Ok(Some(Fact::RequestConcluded {
            unit: self.unit.clone(),
            sub_result: conclusion.sub_result,
            original: conclusion.original.map(|it| it.number),
            visited_at: conclusion.visited_at,
        }))
    }

    fn reopen(&self) -> Acted {
        match self.stage {
            Stage::Concluded(_) => Ok(Some(self.opens_again())),
            Stage::Routed
            | Stage::Returned
            | Stage::Accepted
            | Stage::Assigned
            | Stage::InProgress
            | Stage::Planned(_)
            | Stage::Referred(_)
            | Stage::Reopened => Err(Rejection::NotConcluded),
        }
    }

    pub(super) fn opens_again(&self) -> Fact {
        Fact::RequestReopened {
            unit: self.unit.clone(),
            times: self.reopened.saturating_add(1),
        }
    }

    /// Asked again, the citizen is asked something else.
    fn ask(&self) -> Acted {
        match self.stage {
            Stage::Routed
            | Stage::Returned
            | Stage::Accepted
            | Stage::Assigned
            | Stage::InProgress
            | Stage::Planned(_)
            | Stage::Reopened => Ok(Some(Fact::InformationAsked {
                unit: self.unit.clone(),
            })),
            Stage::Referred(_) => Err(Rejection::Referred),
            Stage::Concluded(_) => Err(Rejection::Concluded),
        }
    }

    /// Whether it is at a stage; work that goes on without the citizen's answer reaches its stage anew.
    fn is(&self, stage: &Stage) -> bool {
        self.stage == *stage && !self.waits_for_citizen
    }

    /// Work goes on only where the unit took it; a request opened again was taken before.
    fn in_hand(&self) -> Result<(), Rejection> {
        match self.stage {
            Stage::Accepted
            | Stage::Assigned
            | Stage::InProgress
            | Stage::Planned(_)
            | Stage::Reopened => Ok(()),
            Stage::Routed => Err(Rejection::NotAccepted),
            Stage::Returned => Err(Rejection::Returned),
            Stage::Referred(_) => Err(Rejection::Referred),
            Stage::Concluded(_) => Err(Rejection::Concluded),
        }
    }
}

impl Conclusion {
    /// What each sub-result must be given with, so that a figure of "concluded" can be taken apart.
    fn check(&self, ever_referred: bool, at: Timestamp) -> Result<(), Rejection> {
        match self.sub_result {
            SubResult::Refused | SubResult::Unfounded if !self.answered => {
                Err(Rejection::AnswerMissing)
            }
            SubResult::OutOfAuthority if !self.answered && !ever_referred => {
                Err(Rejection::AnswerOrReferralMissing)
            }
            SubResult::Duplicate => match &self.original {
                None => Err(Rejection::OriginalMissing),
                Some(original) if original.itself => Err(Rejection::OriginalItself),
                Some(original) if !original.known => Err(Rejection::OriginalUnknown),
                Some(_) => Ok(()),
            },
            SubResult::NotFound => match self.visited_at {
                None => Err(Rejection::VisitMissing),
                Some(visited_at) if visited_at > at + SKEW => Err(Rejection::VisitLater),
                Some(_) => Ok(()),
            },
            SubResult::NotStated => Err(Rejection::NotStated),
            SubResult::Solved
            | SubResult::InformationGiven
            | SubResult::PartlySolved
            | SubResult::Refused
            | SubResult::OutOfAuthority
            | SubResult::Unfounded
            | SubResult::BeforeCourt => Ok(()),
        }
    }
}
