//! The receipt of a request's registration (C2SP tlog-proof), for whoever tracks it: it shows anybody, without asking the centre,
//! that the request is in the log. It has in it what is recorded beside what is personal, and that not even sealed.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use chassis::event;
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::{Event, WriteReceiptRequest},
};
use tonic::{Code, Status};
use vocabulary::{Municipality, RequestNumber};

use super::{
    notice, sent,
    site::Visit,
    tracking::{refusal, registered, ticket},
};
use crate::Centre;

/// How long a request that was registered just now waits to be signed.
const TRIES: usize = 15;
const PAUSE: Duration = Duration::from_millis(200);

/// The event that a receipt would be of; `None` where it names somebody at work, who is nobody's business at home.
pub(super) async fn event_of(
    centre: &Centre,
    municipality: &Municipality,
    number: &RequestNumber,
) -> Result<Option<Event>, Status> {
    let ledger = centre.platform.ledger(municipality);
    let events = ledger.read_stream(&format!("request-{number}")).await?;
    let registered = events.into_iter().find(event::is::<RequestRegistered>);
    Ok(registered.filter(|it| !it.actor.starts_with("staff:")))
}

/// The receipt as a file; a wrong number and a wrong secret get the same answer as where it is tracked.
pub(super) async fn download(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    request: Request,
) -> Response {
    let (municipality, site) = (visit.municipality, visit.site.at("/track"));
    let params = match sent(&centre, &site, request).await {
        Ok(params) => params,
        Err(response) => return response,
    };
    let ticket = ticket(&params);
    let written = async {
        let caller = centre.caller(&municipality, "citizen");
        registered(&centre, &caller, &ticket).await?;
        match event_of(&centre, &municipality, &ticket.number).await? {
            Some(event) => receipt(&centre, &municipality, event.position).await,
            None => Ok(None),
        }
    };
    match written.await {
        Ok(Some(receipt)) => file(&ticket.number, receipt),
        Ok(None) => notice(
            site,
            StatusCode::NOT_FOUND,
            "proof-waits-title",
            "proof-waits-text",
        ),
        Err(refused) => refusal(site, &params, &refused),
    }
}

/// The receipt of a position; `None` where it is not signed in a moment.
async fn receipt(
    centre: &Centre,
    municipality: &Municipality,
    position: u64,
) -> Result<Option<String>, Status> {
    let caller = centre.caller(municipality, "citizen");
    for _ in 0..TRIES {
        let request = caller.request(WriteReceiptRequest { position });
        match centre.ledger().write_receipt(request).await {
            Ok(reply) => return Ok(Some(reply.into_inner().text)),
            Err(status) if status.code() == Code::NotFound => tokio::time::sleep(PAUSE).await,
            Err(status) => return Err(status),
        }
    }
    Ok(None)
}

fn file(number: &RequestNumber, receipt: String) -> Response {
    let name = format!("attachment; filename=\"{number}.tlog-proof\"");
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    (headers, receipt).into_response()
}
