//! Where a request stands, for whoever holds its number and its secret; and what they want to say about it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use chassis::{Caller, Role};
use contracts::{
    intake::v1::{GetRequestReply, GetRequestRequest},
    routing::v1::{
        CommandReply, RecordCitizenMessageRequest, Target, routing_client::RoutingClient,
    },
};
use tonic::{Code, Status};
use uuid::Uuid;
use vocabulary::{Channel, Municipality, RequestNumber};

use super::{
    page,
    photos::{Photo, photos},
    proof::event_of,
    sent,
    site::{Site, Visit},
    story::{Moment, story},
    unavailable,
};
use crate::{Centre, params::Params, register::unit_name, text};

/// Why texts are opened here.
pub(super) const PURPOSE: &str = "tracking";

/// Characters of a message at most.
const MESSAGE: usize = 4_000;

#[derive(Template)]
#[template(path = "track.html")]
struct TrackPage {
    site: Site,
    number: String,
    is_wrong: bool,
}

#[derive(Template)]
#[template(path = "tracked.html")]
struct TrackedPage {
    site: Site,
    number: String,
    secret: String,
    now: String,
    topic: String,
    unit: String,
    registered: String,
    updated: String,
    description: String,
    address: String,
    photos: Vec<Photo>,
    /// What the unit wants to know, or "".
    question: String,
    message: Message,
    /// Newest first.
    moments: Vec<Moment>,
    /// Whether there is a receipt to take home.
    has_proof: bool,
}

impl TrackedPage {
    /// What a picture is to whoever does not see it.
    fn alt(&self, place: &usize) -> String {
        let place = place.to_string();
        self.site.words.with("photo-alt", [("place", &place)])
    }
}

/// What the citizen wants to say.
#[derive(Default)]
struct Message {
    text: String,
    error: String,
    /// It was recorded a moment ago.
    was_sent: bool,
    /// Makes a message that is sent twice one.
    key: String,
}

/// Number and secret, as somebody typed them.
pub(super) struct Ticket {
    pub(super) number: RequestNumber,
    secret: String,
}

/// The empty form, or one with the number in it.
pub(super) async fn form(visit: Visit) -> Response {
    let number = visit.query.trimmed("number").chars().take(40).collect();
    page(
        StatusCode::OK,
        &TrackPage {
            site: visit.site.at("/track"),
            number,
            is_wrong: false,
        },
    )
}

/// Somebody reloads the address of a message: the form.
pub(super) async fn back(visit: Visit) -> Response {
    Redirect::to(&visit.site.link("/track")).into_response()
}

/// Shows the request; a wrong number and a wrong secret get the same answer.
pub(super) async fn track(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    request: Request,
) -> Response {
    let (municipality, site) = (visit.municipality, visit.site.at("/track"));
    let params = match sent(&centre, &site, request).await {
        Ok(params) => params,
        Err(response) => return response,
    };
    let message = Message {
        key: centre.platform.ids.fresh().to_string(),
        ..Message::default()
    };
    let shown = tracked(&centre, &municipality, &site, &params, message).await;
    answer(site, &params, StatusCode::OK, shown)
}

/// Takes what the citizen wrote, and shows the request with it.
pub(super) async fn write(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    request: Request,
) -> Response {
    let (municipality, site) = (visit.municipality, visit.site.at("/track"));
    let params = match sent(&centre, &site, request).await {
        Ok(params) => params,
        Err(response) => return response,
    };
    let (mut status, mut message) = (StatusCode::OK, Message::default());
    match recorded(&centre, &municipality, &params).await {
        Ok(()) => message.was_sent = true,
        Err(Unsent::Wrong(key)) => {
            status = StatusCode::BAD_REQUEST;
            message.error = site.t(key);
            message.text = params.get("text").chars().take(MESSAGE).collect();
        }
        Err(Unsent::Failed(failed)) if failed.code() == Code::Unimplemented => {
            status = StatusCode::SERVICE_UNAVAILABLE;
            message.error = site.t("error-message-later");
            message.text = params.get("text").chars().take(MESSAGE).collect();
        }
        Err(Unsent::Failed(failed)) => return answer(site, &params, status, Err(failed)),
    }
    message.key = centre.platform.ids.fresh().to_string();
    let shown = tracked(&centre, &municipality, &site, &params, message).await;
    answer(site, &params, status, shown)
}

fn answer(
    site: Site,
    params: &Params,
    status: StatusCode,
    shown: Result<TrackedPage, Status>,
) -> Response {
    match shown {
        Ok(tracked) => page(status, &tracked),
        Err(refused) => refusal(site, params, &refused),
    }
}

/// The form again where number or secret are wrong, or that it is not for the citizen to mend.
pub(super) fn refusal(site: Site, params: &Params, refused: &Status) -> Response {
    if !is_wrong(refused) {
        tracing::warn!(code = ?refused.code(), "a request could not be tracked");
        return unavailable(site);
    }
    page(
        StatusCode::NOT_FOUND,
        &TrackPage {
            site,
            number: params.trimmed("number").chars().take(40).collect(),
            is_wrong: true,
        },
    )
}

/// Nothing can be kept about the request any more.
fn is_erased(status: &Status) -> bool {
    let violations = chassis::violations(status);
    status.code() == Code::FailedPrecondition
        && violations.iter().any(|(field, _)| field == "subject")
}

fn is_wrong(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::NotFound | Code::PermissionDenied | Code::InvalidArgument
    )
}

pub(super) fn ticket(params: &Params) -> Ticket {
    let secret: String = params.trimmed("secret").chars().take(100).collect();
    Ticket {
        // A number that cannot exist is asked for as well: the answer takes as long as for any other.
        number: params
            .trimmed("number")
            .parse()
            .unwrap_or_else(|_| RequestNumber::new(1000, 0)),
        // An empty secret would ask without one.
        secret: if secret.chars().any(char::is_alphanumeric) {
            secret
        } else {
            "0".to_owned()
        },
    }
}

/// The request as it was registered, if the secret opens it.
pub(super) async fn registered(
    centre: &Centre,
    caller: &Caller,
    ticket: &Ticket,
) -> Result<GetRequestReply, Status> {
    let request = GetRequestRequest {
        number: ticket.number.to_string(),
        purpose: PURPOSE.to_owned(),
        tracking_secret: ticket.secret.clone(),
    };
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (centre.intake(), caller.request(request.clone()));
        async move { intake.get_request(request).await }
    });
    Ok(reply.await?.into_inner())
}

async fn tracked(
    centre: &Centre,
    municipality: &Municipality,
    site: &Site,
    params: &Params,
    message: Message,
) -> Result<TrackedPage, Status> {
    let caller = centre.caller(municipality, "citizen");
    let ticket = ticket(params);
    let registered = registered(centre, &caller, &ticket).await?;
    let ledger = centre.platform.ledger(municipality);
    let events = match ledger
        .read_stream(&format!("handling-{}", ticket.number))
        .await
    {
        Err(status) if status.code() == Code::NotFound => vec![],
        outcome => outcome?,
    };
    let register = centre.register(municipality);
    let units = register.units().await?;
    let story = story(centre, &caller, &events, site.words, &units).await?;
    let photos = photos(centre, municipality, &ticket.number, &ticket.secret).await?;

    let language = site.words.0;
    let topic = register.topic(&registered.topic).await?;
    let unit = match &topic {
        Some(topic) if story.unit.is_empty() => unit_name(&units, &topic.unit, language),
        Some(_) | None => story.unit,
    };
    let received = Moment {
        at: text::moment(registered.occurred_at, language),
        text: site.t("seen-registered"),
        quote: String::new(),
        own: false,
    };
    let mut moments = vec![received];
    moments.extend(story.moments);
    moments.reverse();
    Ok(TrackedPage {
        site: site.clone(),
        number: ticket.number.to_string(),
        secret: ticket.secret,
        now: if story.now.is_empty() {
            site.t("seen-registered")
        } else {
            story.now
        },
        topic: topic.map_or(registered.topic, |it| {
            text::capital(it.name.of(language), language)
        }),
        unit,
        registered: text::moment(registered.occurred_at, language),
        updated: text::moment(story.updated.unwrap_or(registered.occurred_at), language),
        description: registered.description,
        address: registered.address,
        photos,
        question: story.question.unwrap_or_default(),
        message,
        moments,
        has_proof: event_of(centre, municipality, &ticket.number)
            .await?
            .is_some(),
    })
}

/// Why a message was not recorded.
enum Unsent {
    /// The citizen can mend it; a text's key.
    Wrong(&'static str),
    /// Not the citizen's fault, or not their request.
    Failed(Status),
}

/// Records what the citizen wrote, for whoever holds the secret.
async fn recorded(
    centre: &Centre,
    municipality: &Municipality,
    params: &Params,
) -> Result<(), Unsent> {
    let ticket = ticket(params);
    let caller = centre.caller(municipality, "citizen");
    registered(centre, &caller, &ticket)
        .await
        .map_err(Unsent::Failed)?;
    let text = params.trimmed("text").replace("\r\n", "\n");
    if text.is_empty() {
        return Err(Unsent::Wrong("error-message-missing"));
    }
    if text.chars().nth(MESSAGE).is_some() {
        return Err(Unsent::Wrong("error-message-long"));
    }
    let given: Option<Uuid> = params.trimmed("key").parse().ok();
    let key = given.unwrap_or_else(|| centre.platform.ids.fresh());
    let principal = format!("portal:{municipality}:message");
    let command_id = centre.platform.ids.for_key(&principal, &key.to_string());
    let request = RecordCitizenMessageRequest {
        target: Some(Target {
            command_id: command_id.to_string(),
            number: ticket.number.to_string(),
            ..Target::default()
        }),
        channel: Channel::Web.number(),
        text,
    };
    match send(centre, &caller, &request).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => {
            Err(Unsent::Wrong("error-message-before"))
        }
        Err(status) if status.code() == Code::InvalidArgument => {
            Err(Unsent::Wrong("error-message-refused"))
        }
        Err(status) if is_erased(&status) => Err(Unsent::Wrong("error-message-erased")),
        Err(status) => Err(Unsent::Failed(status)),
    }
}

async fn send(
    centre: &Centre,
    caller: &Caller,
    request: &RecordCitizenMessageRequest,
) -> Result<CommandReply, Status> {
    let reply = chassis::patiently(|| {
        let mut routing = RoutingClient::new(centre.platform.channel(Role::Routing));
        let request = caller.request(request.clone());
        async move { routing.record_citizen_message(request).await }
    });
    Ok(reply.await?.into_inner())
}
