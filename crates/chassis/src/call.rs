use tonic::{Request, metadata::MetadataMap};
use vocabulary::Municipality;

use crate::{Invalid, Platform, Role, telemetry};

/// Metadata key: whose log a call is about.
pub const MUNICIPALITY: &str = "cozum-municipality";
/// Metadata key: who asks.
pub const ACTOR: &str = "cozum-actor";
/// Metadata key: the position the caller has seen; an answer is at least as new.
pub const AT_LEAST: &str = "cozum-at-least";
/// Metadata key: the service that calls.
pub const SERVICE: &str = "cozum-service";

/// Who calls, for which municipality, and what they have seen already.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Whose log.
    pub municipality: Municipality,
    /// "citizen", "staff:<id>", "system:<service>", "import:<source>", "open311:<client>".
    pub actor: String,
    /// A position; 0 where the caller does not mind.
    pub at_least: u64,
    service: Role,
}

impl Caller {
    /// Somebody who calls from this process.
    #[must_use]
    pub fn new(service: Role, municipality: Municipality, actor: impl Into<String>) -> Self {
        Self {
            municipality,
            actor: actor.into(),
            at_least: 0,
            service,
        }
    }

    /// Reads who calls from a request's metadata; the municipality must be one that this process serves.
    pub fn of<T>(platform: &Platform, request: &Request<T>) -> Result<Self, Invalid> {
        Self::from_metadata(platform, request.metadata())
    }

    fn from_metadata(platform: &Platform, metadata: &MetadataMap) -> Result<Self, Invalid> {
        let text = |key: &str| {
            metadata
                .get(key)
                .and_then(|it| it.to_str().ok())
                .unwrap_or_default()
        };
        let municipality: Municipality = text(MUNICIPALITY)
            .parse()
            .map_err(|problem| Invalid::at("municipality", problem))?;
        if !platform.knows(&municipality) {
            return Err(Invalid::at("municipality", "is not served here"));
        }
        let actor = text(ACTOR);
        if actor.is_empty() || actor.len() > 100 {
            return Err(Invalid::at("actor", "has 1 to 100 characters"));
        }
        let at_least = match text(AT_LEAST) {
            "" => 0,
            position => position
                .parse()
                .map_err(|_| Invalid::at("at_least", "is a position"))?,
        };
        Ok(Self {
            municipality,
            actor: actor.to_owned(),
            at_least,
            service: platform.role,
        })
    }

    /// The same caller, who has seen this position.
    #[must_use]
    pub fn having_seen(mut self, position: u64) -> Self {
        self.at_least = self.at_least.max(position);
        self
    }

    /// Dresses an outgoing call with who asks and with the current trace.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        let mut put = |key: &'static str, value: &str| {
            if let Ok(value) = value.parse() {
                metadata.insert(key, value);
            }
        };
        put(MUNICIPALITY, self.municipality.as_str());
        put(ACTOR, &self.actor);
        put(SERVICE, self.service.as_str());
        if self.at_least > 0 {
            put(AT_LEAST, &self.at_least.to_string());
        }
        let traceparent = telemetry::current_traceparent();
        if !traceparent.is_empty() {
            put("traceparent", &traceparent);
        }
        request
    }
}
