//! Who calls: the program that holds the key, what it may do, and in whose name the record shall have it.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use chassis::Caller;
use uuid::Uuid;
use vocabulary::Municipality;

use super::{
    input::idempotency_key,
    problem::{Kind, Problem},
};
use crate::{
    Centre,
    access::{Action, Actor, Kind as Who, Reach, Resource, may},
    keys::Holder,
    register::Reader,
};

/// A program with a valid key, and the centre it asks.
pub(super) struct Program {
    pub(super) centre: Arc<Centre>,
    pub(super) actor: Actor,
    /// Tells holders of one name apart.
    fingerprint: String,
    /// A position that it has seen: answers are at least as new.
    seen: u64,
}

/// Which requests somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sight {
    All,
    Unit(String),
}

impl FromRequestParts<Arc<Centre>> for Program {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, centre: &Arc<Centre>) -> Result<Self, Problem> {
        // The guard has looked at the key, and at what this operation needs.
        let holder = parts.extensions.get::<Holder>().cloned();
        let Holder {
            actor, fingerprint, ..
        } = holder.ok_or(Problem::of(Kind::Unauthorized))?;
        Ok(Self {
            centre: Arc::clone(centre),
            actor,
            fingerprint,
            seen: position(&parts.headers),
        })
    }
}

fn position(headers: &HeaderMap) -> u64 {
    let seen = headers
        .get("cozum-position")
        .and_then(|it| it.to_str().ok());
    seen.and_then(|it| it.trim().parse().ok())
        .unwrap_or_default()
}

impl Program {
    pub(super) fn municipality(&self) -> &Municipality {
        &self.actor.municipality
    }

    /// What the record calls it.
    pub(super) fn key(&self) -> &str {
        match &self.actor.kind {
            Who::Program { key, .. } => key,
            Who::Staff { code, .. } => code,
            Who::Citizen | Who::Nobody => "",
        }
    }

    /// The one unit it is limited to; empty for none.
    pub(super) fn unit(&self) -> &str {
        match &self.actor.kind {
            Who::Program { unit, .. } | Who::Staff { unit, .. } => unit,
            Who::Citizen | Who::Nobody => "",
        }
    }

    pub(super) fn may(&self, action: Action, resource: Resource<'_>) -> Result<(), Problem> {
        if may(&self.actor, action, resource) {
            Ok(())
        } else {
            Err(Problem::of(Kind::Forbidden))
        }
    }

    /// Which requests it may do this with: all, or its own unit's.
    pub(super) fn sight(&self, action: Action) -> Result<Sight, Problem> {
        match self.actor.reach(action) {
            Reach::All => Ok(Sight::All),
            Reach::Unit(unit) => Ok(Sight::Unit(unit.to_owned())),
            Reach::Nothing => Err(Problem::of(Kind::Forbidden)),
        }
    }

    /// The register, once what the caller has seen elsewhere is in it.
    pub(super) async fn register(&self) -> Result<&Reader, Problem> {
        let register = self.centre.register(self.municipality());
        if self.seen > 0 {
            // A position of the future is nobody's: the answer is as new as it can be.
            let _ = register.at_least(self.seen).await;
        }
        Ok(register)
    }

    /// How its calls to the services are dressed.
    pub(super) fn caller(&self) -> Caller {
        self.centre
            .caller(self.municipality(), &format!("api:{}", self.key()))
    }

    /// The id of this command: the same key of the same holder is the same command, without one each call is its own.
    pub(super) fn command_id(&self, headers: &HeaderMap) -> Result<Uuid, Problem> {
        let ids = self.centre.platform.ids;
        let principal = format!("api:{}:{}", self.municipality(), self.fingerprint);
        Ok(idempotency_key(headers)?
            .map_or_else(|| ids.fresh(), |key| ids.for_key(&principal, key)))
    }
}
