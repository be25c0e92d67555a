//! The services' gRPC for programs that hold a token: calls pass through byte for byte, and the token alone decides whose
//! municipality they are about.
//!
//! Who acted is recorded with the token's own name, so that no program can hide behind another one's:
//!
//! - without `cozum-as`: `staff:<token>`
//! - `cozum-as: staff:<id>`: `staff:<token>/<id>`
//! - `cozum-as: import:<source>`: `import:<source>` for a token that was given no name, else `import:<token>/<source>`
//!
//! - a key of the log is `key:<key>`, and `key:<key>/<id>` where it says `cozum-as: staff:<id>`
//!
//! What each call needs stands in `proxy/calls.rs`.

mod calls;
mod message;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use chassis::{ACTOR, AT_LEAST, MUNICIPALITY, Role, SERVICE, telemetry};
use tonic::Status;
use tower::ServiceExt as _;

use crate::{
    Centre,
    access::{Action, Resource, may},
    doors::{About, Doors, Entry},
    keys::{Holder, is_slug},
    limits::Limit,
};
use calls::SERVICES;
pub(crate) use calls::{CALLS, Call};

/// Metadata key: as whom a program wants to act, "staff:<slug>" or "import:<slug>".
const AS: &str = "cozum-as";

/// Bytes of an actor at most, as every service reads it.
const LONGEST: usize = 100;

/// How much of a refused call is read, and for how long.
const DRAINED: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(1);

/// The largest message that is looked into, three pictures and a text; and how long it may take to arrive.
const MESSAGE: usize = 40 << 20;
const READING: Duration = Duration::from_secs(30);

/// The services' paths, with health and reflection (v1 and v1alpha) beside them.
pub(crate) fn doors() -> anyhow::Result<Doors> {
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(contracts::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let (_, health) = tonic_health::server::health_reporter();
    let (v1, v1alpha, health_path) = (
        "/grpc.reflection.v1.ServerReflection/{method}",
        "/grpc.reflection.v1alpha.ServerReflection/{method}",
        "/grpc.health.v1.Health/{method}",
    );
    let router = Router::new()
        .route_service(v1, reflection().build_v1()?)
        .route_service(v1alpha, reflection().build_v1alpha()?)
        .route_service(health_path, health);
    let open = [v1, v1alpha, health_path]
        .map(|path| (Method::POST, path.to_owned(), Action::Public.centre()));
    let mut calls = Doors::new(Entry::Grpc);
    for call in CALLS {
        calls = calls.post(&call.path(), call.need, forward);
    }
    for (service, _) in SERVICES {
        let path = format!("/{service}/{{method}}");
        calls = calls.post(&path, Action::Inside.centre(), forward);
    }
    Ok(Doors::built(Entry::Open, router, open).merge(calls))
}

/// Whether a path is one of gRPC's.
pub(crate) fn is_grpc(path: &str) -> bool {
    path.starts_with("/cozum.") || path.starts_with("/grpc.")
}

async fn forward(State(centre): State<Arc<Centre>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let admitted = admit(&centre, &mut parts).await;
    let outcome = match admitted {
        Ok((call, holder)) => match look_into(&centre, call, &holder, body).await {
            Ok(body) => pass(&centre, call.role, Request::from_parts(parts, body)).await,
            Err(refusal) => Err(refusal),
        },
        Err(refusal) => {
            // Some clients take an answer for a broken stream while they are still sending.
            let rest = axum::body::to_bytes(body, DRAINED);
            let _ = tokio::time::timeout(PATIENCE, rest).await;
            Err(refusal)
        }
    };
    outcome.unwrap_or_else(|status| status.into_http::<Body>().into_response())
}

/// Which call it is, once it says truly for whom.
async fn admit(centre: &Centre, parts: &mut Parts) -> Result<(&'static Call, Holder), Status> {
    let holder = holder(centre, &parts.headers).await?;
    let counted = centre.limits.count(Limit::Keys, &holder.whom());
    counted.map_err(|wait| {
        let seconds = wait.seconds();
        Status::resource_exhausted(format!("too many calls: try again in {seconds} s"))
    })?;
    let call = destination(parts.uri.path())?;
    dress(&mut parts.headers, &holder)?;
    Ok((call, holder))
}

/// The call's body again, once the program may do what it asks. What depends on the message is looked up in it; the
/// tokens of the configuration may do everything, so their calls pass unread.
async fn look_into(
    centre: &Centre,
    call: &Call,
    holder: &Holder,
    body: Body,
) -> Result<Body, Status> {
    let allowed = |unit: &str| {
        let resource = match call.need.about {
            About::Centre => Resource::Centre,
            About::Reach => Resource::Reach,
            About::Request => Resource::Request { unit },
        };
        may(&holder.actor, call.need.action, resource)
    };
    let refused =
        || Status::permission_denied(format!("{}: this key does not allow it", call.method));
    let depends = call.need.about == About::Request && !holder.unit().is_empty();
    let imports = may(&holder.actor, Action::Import, Resource::Centre);
    let marked = call.imported.filter(|_| !imports);
    if !depends && !allowed("") {
        return Err(refused());
    }
    if !depends && marked.is_none() {
        return Ok(body);
    }
    let read = axum::body::to_bytes(body, MESSAGE);
    let bytes = tokio::time::timeout(READING, read)
        .await
        .map_err(|_| Status::deadline_exceeded("the call took too long to arrive"))?
        .map_err(|_| Status::resource_exhausted("the call is too large"))?;
    let message = message::only(&bytes)?;
    if let Some(field) = marked
        && message::has(message, field)?
    {
        return Err(Status::permission_denied(
            "imported: this key does not allow it",
        ));
    }
    if depends {
        let number = message::text(message, call.number)?;
        let unit = centre.unit_of(&holder.actor.municipality, &number).await?;
        if !allowed(&unit) {
            return Err(refused());
        }
    }
    Ok(Body::from(bytes))
}

async fn pass(centre: &Centre, role: Role, request: Request) -> Result<Response, Status> {
    let channel = centre.platform.channel(role);
    match channel.oneshot(request.map(tonic::body::Body::new)).await {
        Ok(response) => Ok(response.map(Body::new)),
        Err(error) => {
            tracing::debug!(error = %error, "{role} cannot be reached");
            Err(Status::unavailable(format!(
                "{role} cannot be reached; try again"
            )))
        }
    }
}

/// Who holds the token that a call carries.
async fn holder(centre: &Centre, headers: &HeaderMap) -> Result<Holder, Status> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    if !kind.starts_with(b"application/grpc") {
        return Err(Status::invalid_argument(
            "content-type: is application/grpc",
        ));
    }
    let unknown = || Status::unauthenticated("authorization: a valid token is missing");
    centre.bearer(headers).await?.ok_or_else(unknown)
}

/// Whether a program is let through with a call about a request.
#[cfg(test)]
pub(crate) async fn admits(centre: &Centre, call: &Call, holder: &Holder, number: &str) -> bool {
    let field = |tag: u32, value: &[u8]| {
        let mut bytes = vec![];
        prost::encoding::encode_key(tag, prost::encoding::WireType::LengthDelimited, &mut bytes);
        prost::encoding::encode_varint(value.len().try_into().unwrap(), &mut bytes);
        bytes.extend(value);
        bytes
    };
    let wrapped = call.number.iter().rev();
    let message = wrapped.fold(number.as_bytes().to_vec(), |inner, tag| field(*tag, &inner));
    let message = if call.number.is_empty() {
        vec![]
    } else {
        message
    };
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = [&[0][..], &length, &message].concat();
    look_into(centre, call, holder, Body::from(body))
        .await
        .is_ok()
}

/// Which call a path means; refuses what services ask of each other only.
fn destination(path: &str) -> Result<&'static Call, Status> {
    let call = calls::call(path).ok_or_else(|| Status::unimplemented("no such call"))?;
    if call.need.action == Action::Inside {
        return Err(Status::permission_denied(format!(
            "{} is for the services themselves",
            call.method
        )));
    }
    Ok(call)
}

/// Takes off whatever a caller says about itself, and puts on what the token says.
fn dress(headers: &mut HeaderMap, holder: &Holder) -> Result<(), Status> {
    let actor = match headers.get(AS) {
        None if holder.is_issued => format!("key:{}", holder.name),
        None => format!("staff:{}", holder.name),
        Some(wish) => actor(holder, wish)?,
    };
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|it| it.as_str().starts_with("cozum-"))
        .cloned()
        .collect();
    ours.iter()
        .filter(|it| it.as_str() != AT_LEAST)
        .for_each(|it| {
            headers.remove(it);
        });
    headers.remove(header::AUTHORIZATION);
    headers.remove(header::HOST);

    let mut put = |key: &'static str, value: &str| {
        let value = HeaderValue::from_str(value)
            .map_err(|_| Status::internal("a name that is no header"))?;
        headers.insert(key, value);
        Ok::<_, Status>(())
    };
    put(MUNICIPALITY, holder.actor.municipality.as_str())?;
    put(ACTOR, &actor)?;
    put(SERVICE, Role::Gateway.as_str())?;
    let traceparent = telemetry::current_traceparent();
    if !traceparent.is_empty() {
        put("traceparent", &traceparent)?;
    }
    Ok(())
}

fn actor(holder: &Holder, wish: &HeaderValue) -> Result<String, Status> {
    let (kind, slug) = wish
        .to_str()
        .unwrap_or_default()
        .split_once(':')
        .unwrap_or_default();
    if !matches!(kind, "staff" | "import") || !is_slug(slug) {
        let problem = "is staff:<slug> or import:<slug>, a slug being 1 to 64 of a-z, 0-9 and -";
        return Err(chassis::Invalid::at(AS, problem).into());
    }
    if kind == "import" && !may(&holder.actor, Action::Import, Resource::Centre) {
        return Err(Status::permission_denied(
            "cozum-as: this key does not allow to import",
        ));
    }
    let actor = if kind == "import" && !holder.is_named {
        format!("{kind}:{slug}")
    } else if kind == "staff" && holder.is_issued {
        format!("key:{}/{slug}", holder.name)
    } else {
        format!("{kind}:{}/{slug}", holder.name)
    };
    if actor.len() > LONGEST {
        let problem = "is longer than 100 characters together with the token's name";
        return Err(chassis::Invalid::at(AS, problem).into());
    }
    Ok(actor)
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use vocabulary::Municipality;

    use super::*;
    use crate::keys::Keys;

    fn keys() -> Keys {
        let cities: Vec<Municipality> = vec!["ova".parse().unwrap()];
        Keys::parse("ova/masa=sekizden-uzun", &cities, false)
            .ok()
            .unwrap()
    }

    fn dressed(pairs: &[(&'static str, &'static str)]) -> Result<HeaderMap, Status> {
        let keys = keys();
        let holder = keys
            .holder("sekizden-uzun")
            .map(Holder::of_token)
            .ok_or_else(|| Status::internal("no such key"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        dress(&mut headers, &holder).map(|()| headers)
    }

    #[test]
    fn what_a_caller_says_about_itself_is_taken_off() {
        let headers = dressed(&[
            ("cozum-municipality", "koy"),
            ("cozum-actor", "system:ledger"),
            ("cozum-service", "intake"),
            ("cozum-at-least", "7"),
            ("authorization", "Bearer sekizden-uzun"),
        ])
        .unwrap();
        assert_eq!(headers[MUNICIPALITY], "ova");
        assert_eq!(headers[ACTOR], "staff:masa");
        assert_eq!(headers[SERVICE], "gateway");
        assert_eq!(headers[AT_LEAST], "7");
        assert!(!headers.contains_key("authorization"));
    }

    #[test]
    fn a_program_may_act_as_an_import_but_never_as_a_service() {
        let acting = |wish| dressed(&[(AS, wish)]).unwrap()[ACTOR].clone();
        assert_eq!(acting("import:nyc-311"), "import:masa/nyc-311");
        assert_eq!(acting("staff:ali"), "staff:masa/ali");
        for wish in [
            "system:intake",
            "citizen",
            "import:",
            "staff:Ali",
            "import:a b",
        ] {
            assert_eq!(
                dressed(&[(AS, wish)]).unwrap_err().code(),
                Code::InvalidArgument,
                "{wish}"
            );
        }
    }

    #[test]
    fn a_token_without_a_name_imports_under_the_sources_alone() {
        let cities: Vec<Municipality> = vec!["ova".parse().unwrap()];
        let long = "u".repeat(64);
        let text = format!("ova=sekizden-uzun,ova/{long}=dokuzdan-uzun");
        let keys = Keys::parse(&text, &cities, false).ok().unwrap();
        let acting = |secret: &str, wish: &str| {
            let wish = HeaderValue::from_str(wish).unwrap();
            actor(&Holder::of_token(keys.holder(secret).unwrap()), &wish)
        };
        let nameless = |wish: &str| acting("sekizden-uzun", wish).unwrap();
        assert_eq!(nameless("import:nyc-311"), "import:nyc-311");
        assert_eq!(nameless("staff:x"), "staff:cli/x");
        assert_eq!(acting("dokuzdan-uzun", "staff:x").unwrap().len(), 72);
        let refused = acting("dokuzdan-uzun", &format!("staff:{long}")).unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }

    #[test]
    fn what_services_ask_of_each_other_is_closed() {
        for path in [
            "/cozum.intake.v1.Intake/GetRequest",
            "/cozum.intake.v1.Intake/Open",
            "/cozum.intake.v1.Intake/Seal",
            "/cozum.intake.v1.Intake/ReachCitizen",
            "/cozum.ledger.v1.Ledger/Append",
            "/cozum.ledger.v1.Ledger/Follow",
            "/cozum.ledger.v1.Ledger/SaveCheckpoint",
        ] {
            assert_eq!(
                destination(path).unwrap_err().code(),
                Code::PermissionDenied,
                "{path}"
            );
        }
        let role = |path: &str| destination(path).unwrap().role;
        assert_eq!(
            role("/cozum.intake.v1.Intake/RegisterRequest"),
            Role::Intake
        );
        assert_eq!(role("/cozum.ledger.v1.Ledger/History"), Role::Ledger);
        let unknown = destination("/cozum.ledger.v1.Ledger/Forget").unwrap_err();
        assert_eq!(unknown.code(), Code::Unimplemented);
    }
}
