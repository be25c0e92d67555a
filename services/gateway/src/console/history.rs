//! Reads everything that was recorded about a request into the few shapes that its page tells.

use std::collections::BTreeMap;

use chassis::event::{Undecodable, decode};
use contracts::{
    intake::v1::{
        ErasureGround, HoldGround, HoldPlaced, PersonalDataErased, PersonalDataViewed,
        RequestRegistered, open_request::Field,
    },
    ledger::v1::Event,
    notification::v1::{
        NotificationAttempted, NotificationDelivered, NotificationFailed, NotificationKind,
        NotificationRequested, NotificationSkipped,
    },
    routing::v1::{
        CitizenWrote, CommentAdded, InformationAsked, RequestConcluded, RequestReferred,
        RequestReopened, RequestReturned, ReturnReason,
    },
    vocabulary::v1::Sealed,
};
use vocabulary::{Channel, RequestState, SubResult};

use crate::heard::{self, Step};

/// What happened, in order, and where it led.
#[derive(Default)]
pub(super) struct History {
    pub(super) parts: Vec<Part>,
    pub(super) looks: Vec<Look>,
    pub(super) registered: Option<Box<RequestRegistered>>,
    pub(super) standing: Standing,
    /// When the citizen first heard more than that the request arrived.
    pub(super) answered_at: Option<i64>,
    /// The last event's position.
    pub(super) position: u64,
    messages: BTreeMap<String, usize>,
}

/// Where the request stands, as routing's own events say.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    pub(super) state: Option<RequestState>,
    pub(super) since: i64,
    pub(super) unit: String,
    pub(super) assignee: String,
    pub(super) planned_for: String,
    pub(super) institution: String,
    pub(super) sub_result: Option<SubResult>,
    /// Of the handling's stream; 0 before it was routed.
    pub(super) version: u64,
}

impl Standing {
    pub(super) fn state(&self) -> RequestState {
        self.state.unwrap_or(RequestState::Registered)
    }
}

/// One thing that happened.
pub(super) struct Part {
    pub(super) position: u64,
    /// Of the handling's stream; 0 for what is no part of it.
    pub(super) version: u64,
    pub(super) at: i64,
    pub(super) actor: String,
    pub(super) what: What,
    event_id: Vec<u8>,
    /// Its sealed texts, by field.
    sealed: Vec<(&'static str, Sealed)>,
}

/// Somebody saw personal data.
pub(super) struct Look {
    pub(super) at: i64,
    pub(super) actor: String,
    pub(super) purpose: String,
}

pub(super) enum What {
    Registered {
        channel: Option<Channel>,
        source: String,
    },
    Step(Box<Step>, Detail),
    Commented {
        public: bool,
    },
    Wrote {
        channel: Option<Channel>,
        answers: bool,
    },
    Message {
        kind: NotificationKind,
        outcome: Outcome,
    },
    Erased(ErasureGround),
    Held(HoldGround),
    Released,
    Other(String),
}

/// What a step says besides where it leads.
#[derive(Default)]
pub(super) struct Detail {
    pub(super) by_hand: bool,
    pub(super) reason: Option<ReturnReason>,
    pub(super) original: String,
    pub(super) visited_at: i64,
    pub(super) times: u32,
}

/// What became of a message to the citizen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Waiting,
    Trying(u32),
    Delivered,
    Failed,
    Skipped,
}

impl History {
    pub(super) fn of(events: &[Event]) -> Result<Self, Undecodable> {
        let mut history = Self::default();
        for event in events {
            history.hear(event)?;
            history.position = history.position.max(event.position);
        }
        Ok(history)
    }

    /// Every sealed text, to be opened along with the request; [`History::take`] gives them back.
    pub(super) fn also(&self) -> Vec<Field> {
        let fields = self.parts.iter().flat_map(|part| {
            part.sealed.iter().map(|(name, sealed)| Field {
                event_id: part.event_id.clone(),
                name: (*name).to_owned(),
                sealed: Some(sealed.clone()),
            })
        });
        fields.collect()
    }

    /// For each part, what was opened of it.
    pub(super) fn opened<T: Clone>(&self, opened: &[T]) -> Vec<Vec<(&'static str, Option<T>)>> {
        let mut opened = opened.iter().cloned();
        let texts = |part: &Part| -> Vec<(&'static str, Option<T>)> {
            part.sealed
                .iter()
                .map(|(name, _)| (*name, opened.next()))
                .collect()
        };
        self.parts.iter().map(texts).collect()
    }

    fn hear(&mut self, event: &Event) -> Result<(), Undecodable> {
        match event.r#type.as_str() {
            "intake.RequestRegistered" => {
                let it: RequestRegistered = decode(event)?;
                let what = What::Registered {
                    channel: Channel::try_from(it.channel).ok(),
                    source: it
                        .imported
                        .as_ref()
                        .map(|it| it.source.clone())
                        .unwrap_or_default(),
                };
                self.registered = Some(Box::new(it));
                self.push(event, what, vec![]);
            }
            "intake.PersonalDataViewed" => {
                let it: PersonalDataViewed = decode(event)?;
                let actor = event.actor.clone();
                self.looks.push(Look {
                    at: event.occurred_at,
                    actor,
                    purpose: it.purpose,
                });
            }
            // An order is told with its end: nothing lies between them but an interruption.
            "intake.PersonRecorded" | "intake.ContactRegistered" | "intake.ErasureOrdered" => {}
            "intake.PersonalDataErased" => {
                let it: PersonalDataErased = decode(event)?;
                self.push(event, What::Erased(it.ground()), vec![]);
            }
            "intake.HoldPlaced" => {
                let it: HoldPlaced = decode(event)?;
                self.push(event, What::Held(it.ground()), vec![]);
            }
            "intake.HoldReleased" => self.push(event, What::Released, vec![]),
            "routing.CommentAdded" => {
                let it: CommentAdded = decode(event)?;
                if it.public {
                    self.answered(event.occurred_at);
                }
                let text = it.personal.and_then(|it| it.text);
                self.push(
                    event,
                    What::Commented { public: it.public },
                    named("text", text),
                );
            }
            "routing.CitizenWrote" => self.wrote(event)?,
            name if name.starts_with("notification.") => self.message(event)?,
            name => match heard::step(event)? {
                Some(step) => self.step(event, step)?,
                None => self.push(event, What::Other(name.to_owned()), vec![]),
            },
        }
        Ok(())
    }

    fn push(&mut self, event: &Event, what: What, sealed: Vec<(&'static str, Sealed)>) {
        let is_handling = event.stream.starts_with("handling-");
        let version = if is_handling { event.version } else { 0 };
        self.standing.version = self.standing.version.max(version);
        self.parts.push(Part {
            position: event.position,
            version,
            at: event.occurred_at,
            actor: event.actor.clone(),
            what,
            event_id: event.event_id.clone(),
            sealed,
        });
    }

    fn answered(&mut self, at: i64) {
        self.answered_at = Some(self.answered_at.map_or(at, |it| it.min(at)));
    }

    fn wrote(&mut self, event: &Event) -> Result<(), Undecodable> {
        let it: CitizenWrote = decode(event)?;
        let back_to = RequestState::try_from(it.back_to).ok();
        if let Some(state) = back_to {
            self.standing.state = Some(state);
            self.standing.since = event.occurred_at;
        }
        let what = What::Wrote {
            channel: Channel::try_from(it.channel).ok(),
            answers: back_to.is_some(),
        };
        self.push(
            event,
            what,
            named("text", it.personal.and_then(|it| it.text)),
        );
        Ok(())
    }

    fn step(&mut self, event: &Event, step: Step) -> Result<(), Undecodable> {
        let mut detail = Detail::default();
        let mut sealed = vec![];
        match event.r#type.as_str() {
            "routing.RequestRoutedManually" => detail.by_hand = true,
            "routing.RequestReturned" => {
                let it: RequestReturned = decode(event)?;
                detail.reason = ReturnReason::try_from(it.reason).ok();
                sealed = named("note", it.personal.and_then(|it| it.note));
            }
            "routing.RequestReferred" => {
                let it: RequestReferred = decode(event)?;
                sealed = named("note", it.personal.and_then(|it| it.note));
            }
            "routing.RequestConcluded" => {
                let it: RequestConcluded = decode(event)?;
                (detail.original, detail.visited_at) = (it.original, it.visited_at);
                sealed = named("answer", it.personal.and_then(|it| it.answer));
                self.answered(event.occurred_at);
            }
            "routing.RequestReopened" => {
                let it: RequestReopened = decode(event)?;
                detail.times = it.times;
                sealed = named("note", it.personal.and_then(|it| it.note));
            }
            "routing.InformationAsked" => {
                let it: InformationAsked = decode(event)?;
                sealed = named("question", it.personal.and_then(|it| it.question));
                self.answered(event.occurred_at);
            }
            _ => {}
        }
        self.stands(&step, event.occurred_at);
        self.push(event, What::Step(Box::new(step), detail), sealed);
        Ok(())
    }

    fn stands(&mut self, step: &Step, at: i64) {
        let standing = &mut self.standing;
        standing.state = Some(step.state);
        standing.since = at.max(standing.since);
        standing.sub_result = step.sub_result;
        if !step.unit.is_empty() {
            standing.unit.clone_from(&step.unit);
        }
        if let Some(assignee) = &step.assignee {
            standing.assignee.clone_from(assignee);
        }
        if !step.keeps_plan {
            standing.planned_for.clone_from(&step.planned_for);
            standing.institution.clone_from(&step.institution);
        }
    }

    /// A message is told once, with what became of it.
    fn message(&mut self, event: &Event) -> Result<(), Undecodable> {
        let (id, outcome) = match event.r#type.as_str() {
            "notification.NotificationRequested" => {
                let it: NotificationRequested = decode(event)?;
                let kind = it.kind();
                self.messages.insert(it.notification, self.parts.len());
                self.push(
                    event,
                    What::Message {
                        kind,
                        outcome: Outcome::Waiting,
                    },
                    vec![],
                );
                return Ok(());
            }
            "notification.NotificationAttempted" => {
                let it: NotificationAttempted = decode(event)?;
                (it.notification, Outcome::Trying(it.attempt))
            }
            "notification.NotificationDelivered" => {
                let it: NotificationDelivered = decode(event)?;
                (it.notification, Outcome::Delivered)
            }
            "notification.NotificationFailed" => {
                let it: NotificationFailed = decode(event)?;
                let outcome = if it.r#final {
                    Outcome::Failed
                } else {
                    Outcome::Trying(it.attempt)
                };
                (it.notification, outcome)
            }
            "notification.NotificationSkipped" => {
                let it: NotificationSkipped = decode(event)?;
                (it.notification, Outcome::Skipped)
            }
            name => {
                self.push(event, What::Other(name.to_owned()), vec![]);
                return Ok(());
            }
        };
        let part = self
            .messages
            .get(&id)
            .and_then(|it| self.parts.get_mut(*it));
        if let Some(Part {
            what:
                What::Message {
                    kind,
                    outcome: known,
                },
            ..
        }) = part
        {
            *known = outcome;
            let is_news = *kind != NotificationKind::Registered;
            if is_news && outcome == Outcome::Delivered {
                self.answered(event.occurred_at);
            }
        }
        Ok(())
    }
}

fn named(name: &'static str, sealed: Option<Sealed>) -> Vec<(&'static str, Sealed)> {
    sealed.map(|it| (name, it)).into_iter().collect()
}
