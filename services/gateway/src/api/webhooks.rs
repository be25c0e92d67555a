//! Webhooks of the key that the call is made with.

use std::str::FromStr as _;

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};
use uuid::Uuid;

use super::{
    caller::Program,
    input::{Body, Named, NoQuery},
    problem::{Fault, Kind, Problem},
    requests::{created, private},
    words::{something, time},
};
use crate::{
    access::{Action, Resource},
    webhooks::{self, By, Hook, Refused, Registration, TYPES},
};

/// How long the old secret signs beside a new one where nothing is said.
const HOURS: u32 = 24;

/// Webhooks of one key at most.
const MOST: usize = 20;

/// An event's type.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(transparent)]
struct EventType(String);

impl PartialSchema for EventType {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(TYPES))
            .into()
    }
}

impl ToSchema for EventType {}

/// A webhook to be registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWebhook {
    /// Where events are sent: https, and no private, local or reserved address.
    #[schema(
        max_length = 1000,
        pattern = "^https?://[A-Za-z0-9]([A-Za-z0-9-]{0,40}[A-Za-z0-9])?(\\.[A-Za-z]([A-Za-z0-9-]{0,40}[A-Za-z0-9])?){0,4}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~/-]*)?$|^https?://(\\[[0-9a-f:.]{2,39}\\]|[0-9]{1,3}(\\.[0-9]{1,3}){3})(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~/?=&-]*)?$",
        example = "https://hooks.example.com/cozum"
    )]
    url: String,
    /// Which events; null or empty for all.
    #[schema(max_items = 50)]
    types: Option<Vec<EventType>>,
    /// Only this unit's requests; null for all that the key reaches.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9-]+$")]
    unit: Option<String>,
}

/// A webhook.
#[derive(Serialize, ToSchema)]
pub(super) struct Webhook {
    id: String,
    url: String,
    types: Vec<EventType>,
    unit: Option<String>,
    /// "active", or "suspended" after three days of failures.
    state: State,
    #[schema(format = DateTime)]
    registered_at: String,
    /// The log's position of the event that could not be delivered.
    failed_position: Option<i64>,
    /// Shown once, when it is made: "whsec_…".
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    Active,
    Suspended,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Listed {
    webhooks: Vec<Webhook>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    /// How long the old secret signs as well.
    #[schema(minimum = 0, maximum = 168, example = 24)]
    hours: Option<u32>,
}

async fn shown(program: &Program, hook: Hook) -> Result<Webhook, Problem> {
    let opened = webhooks::opened(&program.centre, program.municipality(), &hook.id).await;
    let opened = opened.map_err(|error| {
        tracing::warn!(error = format!("{error:#}"), "a webhook cannot be opened");
        Problem::of(Kind::Unavailable)
    })?;
    Ok(Webhook {
        url: opened.url,
        types: hook.types().into_iter().map(EventType).collect(),
        unit: something(hook.unit),
        state: if hook.failed.is_some() {
            State::Suspended
        } else {
            State::Active
        },
        registered_at: time(hook.registered_at),
        failed_position: hook.failed,
        id: hook.id,
        secret: None,
    })
}

/// The same, with the secret that signs now.
async fn with_secret(program: &Program, hook: Hook) -> Result<Webhook, Problem> {
    let id = hook.id.clone();
    let mut webhook = shown(program, hook).await?;
    let opened = webhooks::opened(&program.centre, program.municipality(), &id).await;
    let newest = opened.ok().and_then(|it| it.secrets.into_iter().next());
    webhook.secret = newest.map(|(secret, _)| secret.text());
    Ok(webhook)
}

/// The holder's own webhook; another's is not there.
async fn own(program: &Program, id: &str) -> Result<Hook, Problem> {
    let id = Uuid::from_str(id)
        .map_err(|_| Problem::not_found())?
        .to_string();
    let all = program
        .centre
        .webhooks
        .of_key(program.municipality(), program.key())
        .await?;
    all.into_iter()
        .find(|it| it.id == id)
        .ok_or_else(Problem::not_found)
}

fn by<'a>(program: &'a Program, headers: &HeaderMap) -> Result<By<'a>, Problem> {
    program.may(Action::Hook, Resource::Centre)?;
    Ok(By {
        municipality: program.municipality(),
        actor: format!("api:{}", program.key()),
        command_id: program.command_id(headers)?,
    })
}

/// Register a webhook
///
/// Each event is sent as CloudEvents JSON by POST, signed as Standard Webhooks say: check `webhook-signature` with the
/// secret, and answer with any 2xx. Events come in order and at least once: `webhook-id` is the event's id. Whatever else
/// is answered, it is sent again, later and later, for three days. The secret is told in this answer and never again.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", operation_id = "registerWebhook", request_body = NewWebhook,
    params(("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description = "Makes it safe to send again")),
    responses((status = 201, description = "Registered", body = Webhook, headers(("Location" = String, description = "Where the webhook is")))))]
pub(super) async fn register(
    program: Program,
    _: NoQuery,
    headers: HeaderMap,
    Body(new): Body<NewWebhook>,
) -> Result<Response, Problem> {
    let by = by(&program, &headers)?;
    let unit = new.unit.unwrap_or_else(|| program.unit().to_owned());
    program.may(Action::See, Resource::Request { unit: &unit })?;
    let known = &program.centre.webhooks;
    let others = known.of_key(program.municipality(), program.key()).await?;
    if others.len() >= MOST {
        return Err(Problem::of(Kind::Conflict).saying("a key has 20 webhooks at most"));
    }
    program
        .centre
        .webhooks
        .reach
        .look(&new.url)
        .await
        .map_err(refused)?;
    let registration = Registration {
        types: new
            .types
            .unwrap_or_default()
            .into_iter()
            .map(|it| it.0)
            .collect(),
        unit,
        key: program.key().to_owned(),
    };
    let (id, position) = webhooks::register(&program.centre, &by, &new.url, registration).await?;
    let hook = own(&program, &id.to_string()).await?;
    let webhook = with_secret(&program, hook).await?;
    Ok(created(
        &format!("/api/v1/webhooks/{id}"),
        position,
        webhook,
    ))
}

fn refused(refused: Refused) -> Problem {
    Problem::of(Kind::Forbidden).naming([Fault::field("url", refused.to_string())])
}

/// List the key's webhooks
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", operation_id = "listWebhooks",
    responses((status = 200, description = "All that this key registered", body = Listed)))]
pub(super) async fn list(program: Program, _: NoQuery) -> Result<Response, Problem> {
    program.may(Action::Hook, Resource::Centre)?;
    let hooks = program
        .centre
        .webhooks
        .of_key(program.municipality(), program.key())
        .await?;
    let mut webhooks = vec![];
    for hook in hooks {
        webhooks.push(shown(&program, hook).await?);
    }
    Ok(private(Json(Listed { webhooks })))
}

/// Read a webhook
#[utoipa::path(get, path = "/webhooks/{id}", tag = "webhooks", operation_id = "getWebhook",
    params(("id" = Uuid, Path)), responses((status = 200, description = "The webhook", body = Webhook)))]
pub(super) async fn get(
    program: Program,
    Named(id): Named,
    _: NoQuery,
) -> Result<Response, Problem> {
    program.may(Action::Hook, Resource::Centre)?;
    let hook = own(&program, &id).await?;
    Ok(private(Json(shown(&program, hook).await?)))
}

/// Remove a webhook
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "webhooks", operation_id = "removeWebhook",
    params(("id" = Uuid, Path)), responses((status = 204, description = "Removed")))]
pub(super) async fn remove(
    program: Program,
    Named(id): Named,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let by = by(&program, &headers)?;
    let hook = own(&program, &id).await?;
    webhooks::remove(&program.centre, &by, uuid(&hook)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Change a webhook's secret
///
/// The answer has the new one. Until the old one ends, both sign.
#[utoipa::path(post, path = "/webhooks/{id}/rotate", tag = "webhooks", operation_id = "rotateSecret", request_body = Rotation,
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description = "Makes it safe to send again")),
    responses((status = 200, description = "The webhook with its new secret", body = Webhook)))]
pub(super) async fn rotate(
    program: Program,
    Named(id): Named,
    _: NoQuery,
    headers: HeaderMap,
    Body(rotation): Body<Rotation>,
) -> Result<Response, Problem> {
    let by = by(&program, &headers)?;
    let hook = own(&program, &id).await?;
    let hours = rotation.hours.unwrap_or(HOURS);
    webhooks::rotate(&program.centre, &by, uuid(&hook)?, hours).await?;
    let webhook = with_secret(&program, own(&program, &id).await?).await?;
    Ok(private(Json(webhook)))
}

/// Resume a suspended webhook
///
/// It goes on with the event that could not be delivered.
#[utoipa::path(post, path = "/webhooks/{id}/resume", tag = "webhooks", operation_id = "resumeWebhook",
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description = "Makes it safe to send again")),
    responses((status = 200, description = "The webhook as it is now", body = Webhook)))]
pub(super) async fn resume(
    program: Program,
    Named(id): Named,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let by = by(&program, &headers)?;
    let hook = own(&program, &id).await?;
    webhooks::resume(&program.centre, &by, uuid(&hook)?).await?;
    let webhook = shown(&program, own(&program, &id).await?).await?;
    Ok(private(Json(webhook)))
}

fn uuid(hook: &Hook) -> Result<Uuid, Problem> {
    hook.id.parse().map_err(|_| Problem::not_found())
}
