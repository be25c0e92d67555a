//! Sessions of staff: the cookie, whose it is, and when it is over. A session begins and ends by events in the log; here
//! is only what a browser holds of it, and when it was last used.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderValue,
        header::{COOKIE, InvalidHeaderValue},
        request::Parts,
    },
    response::Response,
};
use chassis::Caller;
use tonic::Status;
use uuid::Uuid;
use vocabulary::{Language, Municipality};

use crate::{
    Centre,
    access::{Action, Actor, Kind, Resource, Role, may},
    console::Taste,
    guard,
    secret::{hex, sha256},
};

/// A signed-in member of staff; handlers take it as an argument.
#[derive(Debug, Clone)]
pub(crate) struct Signed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    actor: Actor,
    code: String,
    roles: BTreeSet<Role>,
    unit: String,
    language: Language,
    taste: Taste,
    session: Uuid,
    /// Stands in every form of this session.
    token: String,
}

impl Signed {
    /// As whom they ask.
    pub(crate) fn actor(&self) -> &Actor {
        &self.0.actor
    }

    pub(crate) fn municipality(&self) -> &Municipality {
        &self.0.actor.municipality
    }

    /// What the record calls them.
    pub(crate) fn code(&self) -> &str {
        &self.0.code
    }

    pub(crate) fn roles(&self) -> &BTreeSet<Role> {
        &self.0.roles
    }

    /// The unit they work in; empty for none.
    pub(crate) fn unit(&self) -> &str {
        &self.0.unit
    }

    /// Their account's language, or the one they chose in this browser.
    pub(crate) fn language(&self) -> Language {
        self.0.taste.language.unwrap_or(self.0.language)
    }

    /// "light", "dark", or "" for what their browser likes.
    pub(crate) fn theme(&self) -> &'static str {
        self.0.taste.theme
    }

    pub(crate) fn session(&self) -> Uuid {
        self.0.session
    }

    /// The value of the field `csrf` in each form, and of the header `x-csrf-token` of each call by script.
    pub(crate) fn csrf(&self) -> &str {
        &self.0.token
    }

    pub(crate) fn may(&self, action: Action, resource: Resource<'_>) -> bool {
        may(self.actor(), action, resource)
    }

    /// "staff:<code>"
    pub(crate) fn name(&self) -> String {
        format!("staff:{}", self.0.code)
    }

    /// What their calls to the services carry.
    pub(crate) fn caller(&self, centre: &Centre) -> Caller {
        centre.caller(self.municipality(), &self.name())
    }
}

impl FromRequestParts<Arc<Centre>> for Signed {
    type Rejection = Response;

    /// The guard has asked already; an address it let nobody in by sends everybody to sign in.
    async fn from_request_parts(parts: &mut Parts, _: &Arc<Centre>) -> Result<Self, Response> {
        let signed = parts.extensions.get::<Self>().cloned();
        signed.ok_or_else(|| guard::to_sign_in(&parts.method, &parts.uri, &parts.headers))
    }
}

/// How long sessions last, and which were used when.
pub(crate) struct Sessions {
    /// Unused for so long, a session is over.
    idle: Duration,
    /// However much it is used, after so long it is over.
    lasting: Duration,
    /// Browsers reach us by https only.
    secure: bool,
    used: Mutex<HashMap<Uuid, Instant>>,
}

/// What a browser holds.
struct Cookie<'a> {
    municipality: &'a str,
    /// Where the session began: another replica waits until it knows so much.
    position: u64,
    secret: &'a str,
}

impl<'a> Cookie<'a> {
    fn read(headers: &'a HeaderMap, name: &str) -> Option<Self> {
        let pairs = headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|it| it.to_str().unwrap_or_default().split(';'));
        let mut values = pairs.filter_map(|it| it.trim().strip_prefix(name)?.strip_prefix('='));
        let mut parts = values.next()?.split('.');
        let cookie = Self {
            municipality: parts.next()?,
            position: parts.next()?.parse().ok()?,
            secret: parts.next()?,
        };
        (cookie.secret.len() == 64 && parts.next().is_none()).then_some(cookie)
    }
}

impl Sessions {
    pub(crate) fn new(idle: Duration, lasting: Duration, secure: bool) -> Self {
        Self {
            idle,
            lasting,
            secure,
            used: Mutex::default(),
        }
    }

    pub(crate) fn lasting(&self) -> Duration {
        self.lasting
    }

    fn name(&self) -> &'static str {
        if self.secure { "__Host-cozum" } else { "cozum" }
    }

    /// Whose session a request is part of; `None` for nobody's, or where it is over.
    pub(crate) async fn of(
        &self,
        centre: &Centre,
        headers: &HeaderMap,
        is_use: bool,
    ) -> Result<Option<Signed>, Status> {
        let Some(cookie) = Cookie::read(headers, self.name()) else {
            return Ok(None);
        };
        let Some(municipality) = centre.municipality(cookie.municipality) else {
            return Ok(None);
        };
        let staff = &centre.staff(municipality).reader;
        let digest = sha256(cookie.secret);
        let now = centre.platform.clock.micros();
        let mut found = staff.session(&digest, now).await?;
        if found.is_none() && staff.position() < cookie.position {
            staff.at_least(cookie.position).await?;
            found = staff.session(&digest, now).await?;
        }
        let Some((session, member)) = found else {
            return Ok(None);
        };
        let Ok(id) = session.session.parse() else {
            return Ok(None);
        };
        if !self.is_used(id, Instant::now(), is_use) {
            return Ok(None);
        }
        let actor = Actor {
            municipality: municipality.clone(),
            kind: Kind::Staff {
                code: member.code.clone(),
                roles: member.roles(),
                unit: member.unit.clone(),
            },
        };
        Ok(Some(Signed(Arc::new(Inner {
            actor,
            roles: member.roles(),
            language: member.language(),
            taste: Taste::of(headers),
            code: member.code,
            unit: member.unit,
            session: id,
            token: token(cookie.secret),
        }))))
    }

    /// Notes that a session is used; false where it was left alone for too long.
    fn is_used(&self, session: Uuid, now: Instant, is_use: bool) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let last = used.get(&session).copied();
        if last.is_some_and(|it| now.duration_since(it) > self.idle) {
            return false;
        }
        if is_use || last.is_none() {
            used.insert(session, now);
        }
        true
    }

    /// Forgets sessions that are over however they are used.
    pub(crate) fn sweep(&self, now: Instant) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, last| now.duration_since(*last) <= self.lasting);
    }

    /// The cookie of a session that begins.
    pub(crate) fn begin(
        &self,
        municipality: &Municipality,
        position: u64,
        secret: &str,
    ) -> Result<HeaderValue, InvalidHeaderValue> {
        self.cookie(&format!("{municipality}.{position}.{secret}"), self.lasting)
    }

    /// Takes the cookie away.
    pub(crate) fn end(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        self.cookie("", Duration::ZERO)
    }

    fn cookie(&self, value: &str, lasting: Duration) -> Result<HeaderValue, InvalidHeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        HeaderValue::from_str(&format!(
            "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            self.name(),
            lasting.as_secs(),
        ))
    }
}

/// What only pages of this session can know: it follows from the cookie's secret, and does not tell it.
fn token(secret: &str) -> String {
    hex(&sha256(&format!("cozum csrf {secret}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(secure: bool) -> Sessions {
        Sessions::new(Duration::from_mins(60), Duration::from_hours(12), secure)
    }

    #[test]
    fn a_cookie_is_kept_from_scripts_and_from_other_sites() {
        let ova: Municipality = "ova".parse().unwrap();
        let secret = "a".repeat(64);
        let plain = sessions(false).begin(&ova, 7, &secret).unwrap();
        assert_eq!(
            plain,
            format!("cozum=ova.7.{secret}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax")
        );
        let secure = sessions(true).begin(&ova, 7, &secret).unwrap();
        let secure = secure.to_str().unwrap();
        assert!(secure.starts_with("__Host-cozum=") && secure.ends_with("; Secure"));
    }

    #[test]
    fn only_a_whole_cookie_is_read() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_str(text).unwrap());
            Cookie::read(&headers, "cozum").map(|it| (it.municipality.to_owned(), it.position))
        };
        let secret = "a".repeat(64);
        let good = format!("theme=dark; cozum=ova.7.{secret}");
        assert_eq!(read(&good), Some(("ova".to_owned(), 7)));
        for bad in [
            String::new(),
            format!("cozum=ova.x.{secret}"),
            format!("cozum=ova.7.{secret}.x"),
            "cozum=ova.7.short".to_owned(),
            format!("__Host-cozum=ova.7.{secret}"),
            format!("xcozum=ova.7.{secret}"),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_session_that_is_left_alone_is_over() {
        let sessions = sessions(false);
        let (session, began) = (Uuid::from_u128(1), Instant::now());
        let after = |minutes| began + Duration::from_mins(minutes);
        assert!(sessions.is_used(session, began, true));
        assert!(sessions.is_used(session, after(59), true));
        assert!(sessions.is_used(session, after(118), false));
        assert!(!sessions.is_used(session, after(120), true));
        assert!(!sessions.is_used(session, after(121), true));
        assert!(sessions.is_used(Uuid::from_u128(2), after(121), true));
    }

    #[test]
    fn the_forms_token_does_not_tell_the_secret() {
        let secret = "a".repeat(64);
        assert_ne!(token(&secret), hex(&sha256(&secret)));
        assert_ne!(token(&secret), token(&"b".repeat(64)));
    }
}
