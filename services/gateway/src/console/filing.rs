//! A new request while somebody is on the phone or at the desk: one page, few keystrokes, and who calls beside it. A contact
//! of which no request comes is recorded from the same page.

mod form;
mod topics;

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use contracts::{
    intake::v1::{FindByCallerRequest, RegisterRequestReply},
    vocabulary::v1::Attribute,
};
use tonic::{Code, Status};
use vocabulary::{Channel, RequestNumber};

use super::{
    Frame,
    filters::Scope,
    lists,
    names::{Choice, Names, Row, choice},
    page,
    page::Visit,
};
use crate::{
    Centre,
    access::{Action, Resource, Role},
    notices::{self, Notice},
    params::Params,
    questions::Question,
    register::unreadable,
    text::Words,
};
use form::Typed;
use topics::Topics;

/// Earlier requests of a caller beside the form at most.
const EARLIER: u32 = 8;

/// What is known of who calls.
enum Caller {
    /// Nobody was looked for.
    Unasked,
    /// The search is not there at the moment.
    Away,
    Known(Vec<Row>),
}

/// What is to be read out to whoever comes by a channel.
struct Told {
    channel: Choice,
    /// 0 for nothing.
    version: i64,
    /// The version in words, and the line.
    numbered: String,
    line: String,
}

#[derive(Template)]
#[template(path = "console/new.html")]
struct NewPage {
    frame: Frame,
    typed: Typed,
    channels: Vec<Choice>,
    told: Vec<Told>,
    /// The topic's field.
    topic: String,
    topics: Vec<(String, String)>,
    /// Where what was typed fits several topics.
    fitting: Vec<(String, String)>,
    /// Nothing is asked before one topic is meant.
    questions: Vec<Question>,
    districts: Vec<String>,
    caller: Caller,
    key: String,
}

#[derive(Template)]
#[template(path = "console/receipt.html")]
struct Receipt {
    frame: Frame,
    /// "" for a contact without a request.
    number: String,
    /// The number in the groups in which it is read out.
    spoken: String,
    secret: String,
    topic: String,
    will_be_mailed: bool,
}

/// The empty form, or what a topic asks: a script puts that into a form that is half filled.
pub(super) async fn form(State(centre): State<Arc<Centre>>, visit: Visit) -> Response {
    let topic = Params::from([("topic", visit.query.trimmed("topic"))]);
    let typed = Typed::new(topic, visit.words);
    shown(&centre, &visit, StatusCode::OK, typed, None).await
}

/// The form as it is, with who calls beside it.
pub(super) async fn caller(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    request: Request,
) -> Response {
    match Params::of_body(request).await {
        Ok(params) => {
            let typed = Typed::new(params, visit.words);
            shown(&centre, &visit, StatusCode::OK, typed, None).await
        }
        Err(_) => visit.notice(StatusCode::BAD_REQUEST, "console-unreadable"),
    }
}

/// Registers the request, or the contact alone.
pub(super) async fn file(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    request: Request,
) -> Response {
    if !visit.signed.may(Action::File, Resource::Centre) {
        return visit.notice(StatusCode::FORBIDDEN, "console-forbidden");
    }
    let params = match Params::of_body(request).await {
        Ok(params) => params,
        Err(_) => return visit.notice(StatusCode::BAD_REQUEST, "console-unreadable"),
    };
    let mut typed = Typed::new(params, visit.words);
    let outcome = if typed.value("do") == "contact" {
        contact(&centre, &visit, &mut typed).await
    } else {
        registered(&centre, &visit, &mut typed).await
    };
    match outcome {
        Ok(Some(receipt)) => page(StatusCode::CREATED, &receipt),
        Ok(None) => shown(&centre, &visit, StatusCode::BAD_REQUEST, typed, None).await,
        Err(status) if status.code() == Code::AlreadyExists => {
            // Sent before, and changed since: sent again it is a request of its own.
            typed.refuse("description", "console-sent-before");
            let fresh = centre.platform.ids.fresh().to_string();
            shown(&centre, &visit, StatusCode::CONFLICT, typed, Some(fresh)).await
        }
        Err(status) => visit.failed(&status),
    }
}

async fn contact(
    centre: &Centre,
    visit: &Visit,
    typed: &mut Typed,
) -> Result<Option<Receipt>, Status> {
    typed.check_contact();
    if !typed.mistakes.is_empty() {
        return Ok(None);
    }
    let command = typed.contact(command_id(centre, visit, typed));
    let caller = visit.signed.caller(centre);
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (centre.intake(), caller.request(command.clone()));
        async move { intake.register_contact(request).await }
    });
    if let Err(status) = reply.await {
        return refused(typed, status, &[]);
    }
    Ok(Some(Receipt {
        frame: visit.frame(),
        number: String::new(),
        spoken: String::new(),
        secret: String::new(),
        topic: String::new(),
        will_be_mailed: false,
    }))
}

async fn registered(
    centre: &Centre,
    visit: &Visit,
    typed: &mut Typed,
) -> Result<Option<Receipt>, Status> {
    let topics = Topics::read(visit.register(centre), visit.words).await?;
    typed.check();
    let topic = match topics.meant(typed.topic()) {
        topics::Meant::One(code) => code,
        topics::Meant::None => {
            let is_typed = !typed.value("topic").is_empty();
            let key = if is_typed {
                "console-topic-unknown"
            } else {
                "console-topic-missing"
            };
            typed.refuse("topic", key);
            return Ok(None);
        }
        topics::Meant::Several(_) => {
            typed.refuse("topic", "console-topic-several");
            return Ok(None);
        }
    };
    let attributes = topics.attributes(&topic);
    typed.check_answers(attributes);
    if !typed.mistakes.is_empty() {
        return Ok(None);
    }
    let register = visit.register(centre);
    let (district, neighbourhood) = (typed.value("district"), typed.value("neighbourhood"));
    let known = register
        .known(district.trim(), neighbourhood.trim())
        .await?;
    let command_id = command_id(centre, visit, typed);
    let command = typed.request(command_id, &topic, attributes, &known);
    let caller = visit.signed.caller(centre);
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (centre.intake(), caller.request(command.clone()));
        async move { intake.register_request(request).await }
    });
    let RegisterRequestReply {
        number,
        tracking_secret,
        ..
    } = match reply.await {
        Ok(reply) => reply.into_inner(),
        Err(status) => return refused(typed, status, attributes),
    };
    Ok(Some(Receipt {
        frame: visit.frame(),
        spoken: spoken(&number),
        number,
        secret: tracking_secret,
        topic: topics.name(&topic),
        will_be_mailed: !typed.value("email").is_empty(),
    }))
}

/// What whoever typed it can mend is shown on the form.
fn refused(
    typed: &mut Typed,
    status: Status,
    attributes: &[Attribute],
) -> Result<Option<Receipt>, Status> {
    if status.code() == Code::InvalidArgument {
        typed.refuse_as(&status, attributes);
        if !typed.mistakes.is_empty() {
            return Ok(None);
        }
    }
    Err(status)
}

/// The same form sent twice is one command.
fn command_id(centre: &Centre, visit: &Visit, typed: &Typed) -> uuid::Uuid {
    let principal = format!(
        "console:{}:{}",
        visit.signed.municipality(),
        visit.signed.code()
    );
    match typed.value("key") {
        "" => centre.platform.ids.fresh(),
        key => centre.platform.ids.for_key(&principal, key),
    }
}

/// "2026 · 48 12 09 37 · 8"
fn spoken(number: &str) -> String {
    let Ok(number) = number.parse::<RequestNumber>() else {
        return number.to_owned();
    };
    let mut parts = number.as_str().split('-');
    let (year, digits, check) = (parts.next(), parts.next(), parts.next());
    let pairs: Vec<&str> = digits
        .unwrap_or_default()
        .as_bytes()
        .chunks(2)
        .filter_map(|it| std::str::from_utf8(it).ok())
        .collect();
    format!(
        "{} · {} · {}",
        year.unwrap_or_default(),
        pairs.join(" "),
        check.unwrap_or_default()
    )
}

async fn shown(
    centre: &Centre,
    visit: &Visit,
    status: StatusCode,
    typed: Typed,
    key: Option<String>,
) -> Response {
    if !visit.signed.may(Action::File, Resource::Centre) {
        return visit.notice(StatusCode::FORBIDDEN, "console-forbidden");
    }
    match new_page(centre, visit, typed, key).await {
        Ok(new) => page(status, &new),
        Err(status) => visit.failed(&status),
    }
}

async fn new_page(
    centre: &Centre,
    visit: &Visit,
    typed: Typed,
    key: Option<String>,
) -> Result<NewPage, Status> {
    let register = visit.register(centre);
    let topics = Topics::read(register, visit.words).await?;
    let mut topic = typed.value("topic").to_owned();
    let (mut fitting, mut questions) = (vec![], vec![]);
    match topics.meant(typed.topic()) {
        topics::Meant::Several(several) => fitting = several,
        topics::Meant::One(code) => {
            questions = typed.questions(topics.attributes(&code));
            topic = topics.full_name(&code);
        }
        topics::Meant::None => {}
    }
    let mut districts = register.districts().await?;
    districts.sort_by_key(|it| crate::text::sort_key(it));
    let kept = typed.value("key");
    let key = key.unwrap_or_else(|| match kept {
        "" => centre.platform.ids.fresh().to_string(),
        kept => kept.to_owned(),
    });
    let told = told_by(centre, visit, &typed).await?;
    Ok(NewPage {
        frame: visit.frame(),
        channels: channels(visit, &typed),
        told,
        topics: topics.listed(),
        topic,
        fitting,
        questions,
        districts,
        caller: who_calls(centre, visit, &typed).await?,
        typed,
        key,
    })
}

/// The channels by which staff take something in; the one of their place first.
fn channels(visit: &Visit, typed: &Typed) -> Vec<Choice> {
    let preset = if visit.signed.roles().contains(&Role::Desk) {
        Channel::Desk
    } else {
        Channel::Phone
    };
    let chosen = match typed.value("channel") {
        "" => preset.code(),
        chosen => chosen,
    };
    let all = Channel::ALL
        .iter()
        .filter(|it| !matches!(it, Channel::Open311 | Channel::Web));
    all.map(|it| choice(it.code(), it.label(visit.words.0).to_owned(), chosen))
        .collect()
}

fn numbered(notice: &Notice, words: Words) -> String {
    let version = notice.version.to_string();
    words.with("console-notice-version", [("version", &version)])
}

/// What each of these channels tells citizens about their data.
async fn told_by(centre: &Centre, visit: &Visit, typed: &Typed) -> Result<Vec<Told>, Status> {
    let in_force = notices::in_force(centre.notices(visit.signed.municipality())).await?;
    let told = channels(visit, typed).into_iter().map(|channel| {
        let notice = in_force.iter().find(|it| it.channel == channel.code);
        Told {
            version: notice.map_or(0, |it| it.version),
            numbered: notice.map_or(String::new(), |it| numbered(it, visit.words)),
            line: notice.map_or(String::new(), |it| it.short(visit.words.0).to_owned()),
            channel,
        }
    });
    Ok(told.collect())
}

async fn who_calls(centre: &Centre, visit: &Visit, typed: &Typed) -> Result<Caller, Status> {
    let (phone, email) = (typed.value("phone").trim(), typed.value("email").trim());
    let may_look = visit.signed.may(Action::FindCaller, Resource::Centre);
    if !may_look || (phone.is_empty() && email.is_empty()) {
        return Ok(Caller::Unasked);
    }
    let request = FindByCallerRequest {
        phone: phone.to_owned(),
        email: email.to_owned(),
        limit: EARLIER,
    };
    let caller = visit.signed.caller(centre);
    let numbers = match centre
        .intake()
        .find_by_caller(caller.request(request))
        .await
    {
        Ok(reply) => reply.into_inner().numbers,
        // What is no phone yet has no earlier requests.
        Err(status) if status.code() == Code::InvalidArgument => vec![],
        Err(status) => {
            tracing::info!(code = ?status.code(), "callers cannot be looked up");
            return Ok(Caller::Away);
        }
    };
    let Some(scope) = Scope::of(visit.signed.actor(), Action::See) else {
        return Ok(Caller::Unasked);
    };
    let mut connection = visit
        .register(centre)
        .pool()
        .acquire()
        .await
        .map_err(unreadable)?;
    let rows = lists::rows_of(&mut connection, &scope, &numbers)
        .await
        .map_err(unreadable)?;
    drop(connection);
    let names = Names::read(centre, visit).await?;
    let now = centre.platform.clock.micros();
    Ok(Caller::Known(
        rows.iter().map(|it| names.row(it, now, "")).collect(),
    ))
}

/// A text by its key, for a mistake.
fn told(words: Words, key: &str) -> String {
    words.get(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_out_in_pairs() {
        let number = RequestNumber::new(2026, 48_120_937);
        assert_eq!(spoken(number.as_str()), "2026 · 48 12 09 37 · 8");
    }
}
