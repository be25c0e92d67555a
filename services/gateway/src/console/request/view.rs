//! Everything that a request's page shows of it, read at once.

use contracts::{
    intake::v1::{Answer, ViewRequestReply, ViewRequestRequest},
    ledger::v1::Event,
    routing::v1::TopicDefined,
    vocabulary::v1::{Attribute, AttributeChoice},
};
use tonic::{Code, Status};
use vocabulary::{Channel, Language, RequestNumber, RequestState};

use super::{PURPOSE, or_none};
use crate::{
    Centre,
    access::{Action, Resource},
    console::{
        clocks::{self, Clock, Course},
        history::History,
        names::{Names, look},
        page::Visit,
        story::{self, Line},
        then::Then,
    },
    register::then,
    text::{self, Words},
};

/// What is known of one request, in words.
pub(super) struct View {
    pub(super) number: String,
    pub(super) topic: String,
    pub(super) state_label: &'static str,
    pub(super) result: &'static str,
    pub(super) look: &'static str,
    pub(super) since: String,
    /// Its code; "" for none.
    pub(super) unit: String,
    pub(super) unit_name: String,
    pub(super) assignee: String,
    pub(super) planned_for: String,
    pub(super) institution: String,
    pub(super) channel: String,
    pub(super) registered: String,
    /// Which version of the privacy notice was told, in words.
    pub(super) notice: String,
    pub(super) place: String,
    pub(super) map: String,
    pub(super) source: String,
    pub(super) personal: Personal,
    pub(super) answers: Vec<(String, String)>,
    pub(super) files: Vec<String>,
    pub(super) clocks: Vec<Clock>,
    pub(super) story: Vec<Line>,
    /// Who saw personal data, when and why; newest first.
    pub(super) looks: Vec<(String, String, String)>,
    pub(super) version: u64,
    pub(super) position: u64,
    state: RequestState,
}

/// What may be seen of the citizen's own words.
pub(super) struct Personal {
    /// They may be read, and are there.
    pub(super) is_open: bool,
    /// Why not, or that something was erased.
    pub(super) remark: String,
    pub(super) description: String,
    pub(super) address: String,
    pub(super) media_url: String,
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) email: String,
}

/// The unit that has a request, as the log says at this moment; NOT_FOUND for no request.
pub(super) async fn unit_of(
    centre: &Centre,
    visit: &Visit,
    number: &RequestNumber,
) -> Result<String, Status> {
    Ok(history(centre, visit, number).await?.standing.unit)
}

/// Everything that was recorded about a request that may be seen.
pub(in crate::console) async fn history(
    centre: &Centre,
    visit: &Visit,
    number: &RequestNumber,
) -> Result<History, Status> {
    history_until(centre, visit, number, u64::MAX).await
}

/// What was recorded up to a position; whether it may be seen is asked of the request as it stands today.
async fn history_until(
    centre: &Centre,
    visit: &Visit,
    number: &RequestNumber,
    position: u64,
) -> Result<History, Status> {
    let ledger = centre.platform.ledger(visit.signed.municipality());
    let events = ledger.history(&format!("request:{number}")).await?;
    let today = told_by(&events)?;
    let unit = &today.standing.unit;
    if !visit.signed.may(Action::See, Resource::Request { unit }) {
        return Err(Status::permission_denied("this request is another unit's"));
    }
    match events.partition_point(|it| it.position <= position) {
        all if all == events.len() => Ok(today),
        known => told_by(&events[..known]),
    }
}

fn told_by(events: &[Event]) -> Result<History, Status> {
    let history = History::of(events).map_err(|error| {
        tracing::error!(%error, "an event cannot be shown");
        Status::unavailable("an event cannot be read")
    })?;
    if history.registered.is_none() {
        return Err(Status::not_found("no such request"));
    }
    Ok(history)
}

impl View {
    pub(super) async fn read(
        centre: &Centre,
        visit: &Visit,
        number: &RequestNumber,
        names: &Names,
        then: Option<Then>,
    ) -> Result<Self, Status> {
        let until = then.map_or(u64::MAX, |it| it.position);
        let history = history_until(centre, visit, number, until).await?;
        let (reply, remark) = match then {
            Some(_) => (ViewRequestReply::default(), Some("console-as-of-closed")),
            None => opened(centre, visit, number, &history).await?,
        };
        let register = visit.register(centre);
        let registered = history.registered.as_deref().cloned().unwrap_or_default();
        let topic = register.topic(&registered.topic).await?;
        let definition = topic.map(|it| it.definition()).unwrap_or_default();
        let entry = match then {
            Some(then) => {
                let ledger = centre.platform.ledger(visit.signed.municipality());
                then::request(&ledger, number, then.position).await?
            }
            None => register.request(number).await?,
        };
        let due_at = entry.and_then(|it| it.due_at);

        let words = visit.words;
        let standing = history.standing.clone();
        let state = standing.state();
        let registered_at = history.parts.first().map_or(0, |it| it.at);
        let course = Course {
            registered_at,
            answered_at: history.answered_at,
            concluded_at: (state == RequestState::Concluded).then_some(standing.since),
            due_at,
            waiting_since: (state == RequestState::WaitingCitizen).then_some(standing.since),
            imported: registered.imported.is_some(),
        };
        let now = then.map_or_else(|| centre.platform.clock.micros(), |it| it.at);
        let place = registered.place.clone().unwrap_or_default();
        let area = [place.neighbourhood.as_str(), place.district.as_str()];
        let area: Vec<&str> = area.into_iter().filter(|it| !it.is_empty()).collect();
        let point = place.latitude.zip(place.longitude);
        let looks = history.looks.iter().rev().map(|it| {
            let purpose = purpose(&it.purpose, words);
            (
                text::moment(it.at, words.0),
                story::who(&it.actor, words),
                purpose,
            )
        });
        let named = |code: &str| {
            if code.is_empty() {
                String::new()
            } else {
                names.unit(code)
            }
        };
        Ok(Self {
            number: number.to_string(),
            topic: names.topic(&registered.topic),
            state_label: state.label(words.0),
            result: standing.sub_result.map_or("", |it| it.label(words.0)),
            look: look(state),
            since: text::moment(standing.since.max(registered_at), words.0),
            unit_name: names.unit(&standing.unit),
            assignee: standing.assignee.clone(),
            planned_for: match standing.planned_for.as_str() {
                "" => String::new(),
                day => text::day(day, words.0),
            },
            institution: named(&standing.institution),
            channel: Channel::try_from(registered.channel)
                .map_or(String::new(), |it| it.label(words.0).to_owned()),
            registered: text::moment(registered_at, words.0),
            notice: told(registered.notice_version, words),
            // An address alone is a place too.
            place: if reply.address.is_empty() {
                or_none(area.join(", "), words)
            } else {
                area.join(", ")
            },
            map: match point {
                // The exact one, for whoever may open what is personal; else the cell.
                Some(_) if !reply.point.is_empty() => reply.point.replace(',', ", "),
                Some((lat, long)) if registered.coarse => format!("≈ {lat:.3}, {long:.3}"),
                Some((lat, long)) => format!("{lat:.5}, {long:.5}"),
                None => String::new(),
            },
            source: registered
                .imported
                .as_ref()
                .map(|it| it.source.clone())
                .unwrap_or_default(),
            answers: answers(&definition, &registered.choices, &reply.answers, words.0),
            files: reply.attachments.iter().map(|it| it.id.clone()).collect(),
            clocks: clocks::told(&course, now, words),
            story: story::tell(&history, &reply.also, names.units(), words),
            looks: looks.collect(),
            version: standing.version,
            position: history.position,
            unit: standing.unit,
            state,
            personal: personal(reply, remark, words),
        })
    }

    pub(super) fn state(&self) -> RequestState {
        self.state
    }

    pub(super) fn state_name(&self, words: Words) -> &'static str {
        self.state.label(words.0)
    }

    /// What happened after a version of the handling was seen.
    pub(super) fn since(&self, version: u64) -> Vec<Line> {
        let later = self.story.iter().filter(|it| it.version > version);
        later.map(Line::without_quotes).collect()
    }

    pub(super) fn newest_first(&mut self) {
        self.story.reverse();
    }
}

fn told(notice_version: u64, words: Words) -> String {
    match notice_version {
        0 => words.get("console-notice-none"),
        version => words.with(
            "console-notice-version",
            [("version", &version.to_string())],
        ),
    }
}

/// The opened texts, and why there are none.
async fn opened(
    centre: &Centre,
    visit: &Visit,
    number: &RequestNumber,
    history: &History,
) -> Result<(ViewRequestReply, Option<&'static str>), Status> {
    let unit = &history.standing.unit;
    if !visit
        .signed
        .may(Action::SeePersonal, Resource::Request { unit })
    {
        return Ok((ViewRequestReply::default(), Some("console-personal-closed")));
    }
    let request = ViewRequestRequest {
        number: number.to_string(),
        purpose: PURPOSE.to_owned(),
        also: history.also(),
    };
    let caller = visit.signed.caller(centre);
    let answer = chassis::patiently(|| {
        let (mut intake, request) = (centre.intake(), caller.request(request.clone()));
        async move { intake.view_request(request).await }
    });
    match answer.await {
        Ok(reply) => Ok((reply.into_inner(), None)),
        Err(status) if status.code() == Code::Unimplemented => {
            Ok((ViewRequestReply::default(), Some("console-personal-away")))
        }
        Err(status) => Err(status),
    }
}

fn personal(reply: ViewRequestReply, closed: Option<&'static str>, words: Words) -> Personal {
    let remark = match closed {
        Some(key) => words.get(key),
        None if reply.erased => words.get("console-personal-erased"),
        None => String::new(),
    };
    Personal {
        is_open: closed.is_none(),
        remark,
        description: reply.description,
        address: reply.address,
        // Somebody else wrote it: it leads to the web, or nowhere.
        media_url: Some(reply.media_url)
            .filter(|it| it.starts_with("https://") || it.starts_with("http://"))
            .unwrap_or_default(),
        name: reply.name,
        phone: reply.phone,
        email: reply.email,
    }
}

/// The topic's questions, with what was answered; a question that is gone stands with its code.
fn answers(
    topic: &TopicDefined,
    choices: &[contracts::intake::v1::request_registered::Choice],
    answers: &[Answer],
    language: Language,
) -> Vec<(String, String)> {
    let question = |code: &str| topic.attributes.iter().find(|it| it.code == code);
    let name = |code: &str| {
        question(code)
            .map_or(code, |it| named(it, language))
            .to_owned()
    };
    let answer = |code: &str, key: &String| {
        let choice = question(code).and_then(|it| it.choices.iter().find(|it| it.key == *key));
        choice
            .map_or(key.as_str(), |it| chosen(it, language))
            .to_owned()
    };
    let from_lists = choices.iter().map(|it| {
        let keys: Vec<String> = it
            .keys
            .iter()
            .map(|key| answer(&it.attribute, key))
            .collect();
        (name(&it.attribute), keys.join(", "))
    });
    // What was opened has the lists' keys too.
    let is_typed = |it: &&Answer| choices.iter().all(|list| list.attribute != it.attribute);
    let typed = answers
        .iter()
        .filter(is_typed)
        .map(|it| (name(&it.attribute), it.values.join(", ")));
    from_lists.chain(typed).collect()
}

fn named(attribute: &Attribute, language: Language) -> &str {
    match language {
        Language::Tr => &attribute.name_tr,
        Language::En => &attribute.name_en,
    }
}

fn chosen(choice: &AttributeChoice, language: Language) -> &str {
    match language {
        Language::Tr => &choice.name_tr,
        Language::En => &choice.name_en,
    }
}

/// Why somebody looked, in words; the programs' own word where we have none.
fn purpose(purpose: &str, words: Words) -> String {
    match purpose {
        "console" => words.get("console-purpose-console"),
        "export" => words.get("console-purpose-export"),
        "open311-update" => words.get("console-purpose-open311"),
        "api" => words.get("console-purpose-api"),
        "own-data" => words.get("console-purpose-own-data"),
        other => other.to_owned(),
    }
}
