//! What the search hears, with texts still sealed.

use chassis::event::{self, Undecodable, decode};
use contracts::{
    intake::v1::{PersonRecorded, RequestRegistered},
    ledger::v1::Event,
    routing::v1::{
        CitizenWrote, CommentAdded, InformationAsked, RequestAccepted, RequestAssigned,
        RequestConcluded, RequestPlanned, RequestReferred, RequestReopened, RequestReturned,
        RequestRouted, RequestRoutedManually, TopicChanged, TopicDefined, WorkStarted,
    },
    vocabulary::v1::{RequestState, Sealed},
};

/// One event that matters here.
pub(super) enum Heard {
    Topic {
        code: String,
        text: String,
    },
    Person(Box<PersonRecorded>),
    Registered(Box<RequestRegistered>),
    /// Somebody wrote about a request; the request may have reached a state by it.
    Said {
        number: String,
        moved: Option<Moved>,
    },
    Moved(Moved),
}

/// Where a request is now.
#[derive(Debug, Clone)]
pub(super) struct Moved {
    pub(super) number: String,
    /// Empty where the event leaves the unit as it was.
    pub(super) unit: String,
    pub(super) state: RequestState,
}

/// An event's sealed texts, by field.
pub(super) type SealedTexts = Vec<(&'static str, Sealed)>;

/// Reads an event; `None` for one that does not matter here.
pub(super) fn hear(event: &Event) -> Result<Option<(Heard, SealedTexts)>, Undecodable> {
    let plain = |heard| Ok(Some((heard, Vec::new())));
    match event.r#type.as_str() {
        "routing.TopicDefined" => {
            let it: TopicDefined = decode(event)?;
            plain(topic(it.code, &it.name_tr, &it.name_en, &it.keywords))
        }
        "routing.TopicChanged" => {
            let it: TopicChanged = decode(event)?;
            plain(topic(it.code, &it.name_tr, &it.name_en, &it.keywords))
        }
        "intake.PersonRecorded" => {
            let mut it: PersonRecorded = decode(event)?;
            let texts = it.personal.take().map(|it| {
                [
                    ("name", it.name),
                    ("given_name", it.given_name),
                    ("family_name", it.family_name),
                    ("email", it.email),
                    ("phone", it.phone),
                ]
            });
            Ok(Some((Heard::Person(Box::new(it)), there(texts))))
        }
        "intake.RequestRegistered" => {
            let mut it: RequestRegistered = decode(event)?;
            let texts = it
                .personal
                .take()
                .map(|it| [("description", it.description), ("address", it.address)]);
            Ok(Some((Heard::Registered(Box::new(it)), there(texts))))
        }
        "routing.CommentAdded" => {
            let it: CommentAdded = decode(event)?;
            let texts = it.personal.map(|it| [("text", it.text)]);
            let (number, moved) = (it.number, None);
            Ok(Some((Heard::Said { number, moved }, there(texts))))
        }
        "routing.InformationAsked" => {
            let it: InformationAsked = decode(event)?;
            let texts = it.personal.map(|it| [("question", it.question)]);
            let moved = Some(Moved {
                number: it.number.clone(),
                unit: it.unit,
                state: RequestState::WaitingCitizen,
            });
            let number = it.number;
            Ok(Some((Heard::Said { number, moved }, there(texts))))
        }
        "routing.CitizenWrote" => {
            let it: CitizenWrote = decode(event)?;
            let texts = it.personal.map(|it| [("text", it.text)]);
            let back = RequestState::try_from(it.back_to).unwrap_or_default();
            let moved = (back != RequestState::Unspecified).then(|| Moved {
                number: it.number.clone(),
                unit: String::new(),
                state: back,
            });
            let number = it.number;
            Ok(Some((Heard::Said { number, moved }, there(texts))))
        }
        _ => Ok(moved(event)?.map(|it| (Heard::Moved(it), Vec::new()))),
    }
}

fn there<const N: usize>(texts: Option<[(&'static str, Option<Sealed>); N]>) -> SealedTexts {
    let texts = texts.into_iter().flatten();
    texts
        .filter_map(|(field, sealed)| sealed.map(|it| (field, it)))
        .collect()
}

fn topic(code: String, name_tr: &str, name_en: &str, keywords: &[String]) -> Heard {
    let text = format!("{name_tr} {name_en} {}", keywords.join(" "));
    Heard::Topic { code, text }
}

/// The events of a unit's work that carry no text the search looks into.
fn moved(event: &Event) -> Result<Option<Moved>, Undecodable> {
    macro_rules! by {
        ($message:ty, $state:ident) => {{
            let it: $message = decode(event)?;
            (it.number, it.unit, RequestState::$state)
        }};
    }
    let (number, unit, state) = match event.r#type.as_str() {
        "routing.RequestRouted" => by!(RequestRouted, Routed),
        "routing.RequestRoutedManually" => by!(RequestRoutedManually, Routed),
        "routing.RequestReturned" => by!(RequestReturned, Returned),
        "routing.RequestAccepted" => by!(RequestAccepted, Accepted),
        "routing.RequestAssigned" => by!(RequestAssigned, Assigned),
        "routing.WorkStarted" => by!(WorkStarted, InProgress),
        "routing.RequestPlanned" => by!(RequestPlanned, Planned),
        "routing.RequestConcluded" => by!(RequestConcluded, Concluded),
        "routing.RequestReopened" => by!(RequestReopened, Reopened),
        "routing.RequestReferred" => {
            let it: RequestReferred = decode(event)?;
            (it.number, String::new(), RequestState::Referred)
        }
        _ => return Ok(None),
    };
    Ok(Some(Moved {
        number,
        unit,
        state,
    }))
}

/// The id of an event in the index.
pub(super) fn id(event: &Event) -> i64 {
    i64::try_from(event.position).unwrap_or(i64::MAX)
}

/// The event's id in the log.
pub(super) fn event_id(event: &Event) -> uuid::Uuid {
    event::event_id(event)
}
