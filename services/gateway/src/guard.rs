//! Asks before a handler runs: who is it, may they, is the form one of ours, and is it not too often. An address that is
//! not in the list of doors is closed.

mod form;
mod refusal;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Centre,
    access::{Actor, Resource, may},
    doors::{About, Door, Entry},
    limits::{Limit, Whom},
    session::Signed,
};
use axum::{
    RequestExt as _,
    extract::{MatchedPath, RawPathParams, Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::Response,
};
pub(crate) use refusal::{Refusal, language, refuse, to_sign_in};

/// How often those are forgotten who were counted and have gone.
const SWEEP: Duration = Duration::from_mins(1);

/// What stands before all handlers.
pub(crate) struct Guard {
    centre: Arc<Centre>,
    doors: HashMap<String, Vec<Door>>,
}

impl Guard {
    pub(crate) fn new(centre: Arc<Centre>, list: Vec<Door>) -> Arc<Self> {
        let mut doors: HashMap<String, Vec<Door>> = HashMap::new();
        for door in list {
            doors.entry(door.path.clone()).or_default().push(door);
        }
        Arc::new(Self { centre, doors })
    }

    /// The door that a request knocks at; HEAD is GET without a body.
    fn door(&self, method: &Method, path: &str) -> Option<&Door> {
        let asked = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.doors.get(path)?.iter().find(|it| it.method == *asked)
    }
}

/// Keeps the counts small while the process runs.
pub(crate) async fn sweep(centre: Arc<Centre>) -> anyhow::Result<()> {
    loop {
        tokio::time::sleep(SWEEP).await;
        centre.limits.sweep();
        centre.sessions.sweep(Instant::now());
    }
}

/// The layer around the router.
pub(crate) async fn ask(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        return next.run(request).await;
    };
    let path = path.as_str();
    let Some(door) = guard.door(request.method(), path) else {
        // Behind a path that has doors there is nothing but what they lead to: the router says so in its words.
        if guard.doors.contains_key(path) {
            return next.run(request).await;
        }
        tracing::warn!(route = path, "nobody decided who may use this address");
        return refuse(request.uri(), request.headers(), Refusal::Forbidden);
    };
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    match admit(&guard.centre, door, request).await {
        Ok(request) => next.run(request).await,
        Err(Refusal::SignIn) => to_sign_in(&door.method, &uri, &headers),
        Err(refusal) => refuse(&uri, &headers, refusal),
    }
}

/// The request as its handler gets it, once everything was asked.
async fn admit(centre: &Centre, door: &Door, mut request: Request) -> Result<Request, Refusal> {
    match door.entry {
        // The handler asks itself: it is the form, or the message, that says who it is.
        Entry::Open | Entry::Grpc => {
            if let Some(limit) = door.limit {
                count(centre, limit, Whom::at(centre.client(&request)))?;
            }
            Ok(request)
        }
        Entry::Console => {
            let signed = signed(centre, request.headers()).await?;
            if let Some(limit) = door.limit {
                count(centre, limit, Whom::Session(signed.session()))?;
            }
            permit(centre, door, signed.actor(), &mut request).await?;
            if door.method != Method::GET {
                request = form::check(centre, signed.csrf(), request).await?;
            }
            request.extensions_mut().insert(signed.actor().clone());
            request.extensions_mut().insert(signed);
            Ok(request)
        }
        Entry::Api => {
            let Some(holder) = centre.bearer(request.headers()).await? else {
                count(centre, Limit::Public, Whom::at(centre.client(&request)))?;
                return Err(Refusal::SignIn);
            };
            count(centre, Limit::Keys, holder.whom())?;
            permit(centre, door, &holder.actor, &mut request).await?;
            request.extensions_mut().insert(holder.actor.clone());
            request.extensions_mut().insert(holder);
            Ok(request)
        }
    }
}

async fn signed(centre: &Centre, headers: &HeaderMap) -> Result<Signed, Refusal> {
    // A page that listens for news in the background is not somebody at work.
    let accept = headers.get(header::ACCEPT);
    let is_use = accept.is_none_or(|it| it != "text/event-stream");
    let signed = centre
        .sessions
        .of(centre, headers, is_use)
        .await
        .map_err(|_| Refusal::Unavailable)?;
    signed.ok_or(Refusal::SignIn)
}

/// Asks [`may`] about what the door is about.
async fn permit(
    centre: &Centre,
    door: &Door,
    actor: &Actor,
    request: &mut Request,
) -> Result<(), Refusal> {
    let unit;
    let resource = match door.need.about {
        About::Centre => Resource::Centre,
        About::Reach => Resource::Reach,
        About::Request => {
            unit = unit_of(centre, actor, request).await?;
            Resource::Request { unit: &unit }
        }
    };
    if may(actor, door.need.action, resource) {
        Ok(())
    } else {
        Err(Refusal::Forbidden)
    }
}

/// The unit that has the request which `{number}` names.
async fn unit_of(centre: &Centre, actor: &Actor, request: &mut Request) -> Result<String, Refusal> {
    // What cannot be read names no request: who may see all of them is told so by the handler.
    let params: Option<RawPathParams> = request.extract_parts().await.ok();
    let number = params
        .iter()
        .flatten()
        .find(|(name, _)| *name == "number")
        .map_or("", |(_, number)| number);
    Ok(centre.unit_of(&actor.municipality, number).await?)
}

/// Counts one more for somebody.
pub(crate) fn count(centre: &Centre, limit: Limit, whom: Whom) -> Result<(), Refusal> {
    centre.limits.count(limit, &whom).map_err(Refusal::TooOften)
}
