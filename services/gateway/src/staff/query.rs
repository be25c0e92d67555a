use std::collections::BTreeSet;

use chassis::Platform;
use contracts::{intake::v1::open_request::Field, vocabulary::v1::Sealed};
use projection::Projection;
use prost::Message as _;
use sqlx::SqlitePool;
use tonic::Status;
use vocabulary::{Language, Municipality};

use super::{
    Staff,
    domain::{Code, Digest},
};
use crate::access::{Role, Scope};

/// Reads the staff of one municipality.
pub(crate) struct Reader(Projection);

/// A member of staff.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct StaffRow {
    pub(crate) code: String,
    roles: String,
    /// Empty for none.
    pub(crate) unit: String,
    language: i32,
    pub(crate) disabled: bool,
    pub(crate) has_password: bool,
    pub(crate) signed_in_at: i64,
    /// How many sessions of theirs are open.
    pub(crate) sessions: i64,
    name_event: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
}

impl StaffRow {
    pub(crate) fn roles(&self) -> BTreeSet<Role> {
        self.roles.split(' ').filter_map(Role::coded).collect()
    }

    pub(crate) fn language(&self) -> Language {
        Language::try_from(self.language).unwrap_or(Language::Tr)
    }

    /// The sealed name, as intake opens it.
    pub(crate) fn name(&self) -> Option<Field> {
        sealed(self.name_event.as_ref(), self.name.as_ref())
    }
}

/// An open session with whose it is.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct SessionRow {
    pub(crate) session: String,
    pub(crate) staff: String,
    pub(crate) began_at: i64,
    pub(crate) expires_at: i64,
}

/// A program's key.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct KeyRow {
    pub(crate) key: String,
    scopes: String,
    /// Empty for all.
    pub(crate) unit: String,
    pub(crate) issued_at: i64,
    /// 0: until it is revoked.
    pub(crate) expires_at: i64,
    /// 0: never.
    pub(crate) revoked_at: i64,
}

/// A list that somebody wanted to come back to.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ViewRow {
    pub(crate) view: String,
    /// As they stand in the address.
    pub(crate) filters: String,
    name_event: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
}

impl ViewRow {
    /// The sealed name, as intake opens it.
    pub(crate) fn name(&self) -> Option<Field> {
        sealed(self.name_event.as_ref(), self.name.as_ref())
    }
}

impl KeyRow {
    pub(crate) fn scopes(&self) -> BTreeSet<Scope> {
        self.scopes.split(' ').filter_map(Scope::coded).collect()
    }
}

impl Reader {
    pub(crate) async fn open(
        platform: &Platform,
        municipality: &Municipality,
    ) -> anyhow::Result<Self> {
        Ok(Self(Projection::open(platform, municipality, Staff).await?))
    }

    fn pool(&self) -> &SqlitePool {
        self.0.pool()
    }

    /// The position up to which it is known.
    pub(crate) fn position(&self) -> u64 {
        self.0.position()
    }

    /// Waits until a position that somebody has seen elsewhere is in.
    pub(crate) async fn at_least(&self, position: u64) -> Result<(), Status> {
        self.0.at_least(position).await
    }

    /// All members of staff, by code.
    pub(crate) async fn all(&self, now: i64) -> Result<Vec<StaffRow>, Status> {
        sqlx::query_as("select s.*, (select count(*) from session where staff = s.code and expires_at > ?1) as sessions
            from staff s order by code")
            .bind(now)
            .fetch_all(self.pool())
            .await
            .map_err(unreadable)
    }

    pub(crate) async fn member(&self, code: &Code, now: i64) -> Result<Option<StaffRow>, Status> {
        sqlx::query_as("select s.*, (select count(*) from session where staff = s.code and expires_at > ?1) as sessions
            from staff s where code = ?2")
            .bind(now)
            .bind(code.as_str())
            .fetch_optional(self.pool())
            .await
            .map_err(unreadable)
    }

    /// Whose session a secret opens, while it is open.
    pub(crate) async fn session(
        &self,
        secret: &Digest,
        now: i64,
    ) -> Result<Option<(SessionRow, StaffRow)>, Status> {
        let session: Option<SessionRow> = sqlx::query_as(
            "select session, staff, began_at, expires_at from session where secret = ? and expires_at > ?",
        )
        .bind(secret.as_slice())
        .bind(now)
        .fetch_optional(self.pool())
        .await
        .map_err(unreadable)?;
        let Some(session) = session else {
            return Ok(None);
        };
        let Ok(code) = session.staff.parse() else {
            return Ok(None);
        };
        let member = self.member(&code, now).await?;
        Ok(member
            .filter(|it| !it.disabled)
            .map(|member| (session, member)))
    }

    /// Somebody's open sessions, newest first.
    pub(crate) async fn sessions_of(
        &self,
        code: &Code,
        now: i64,
    ) -> Result<Vec<SessionRow>, Status> {
        sqlx::query_as(
            "select session, staff, began_at, expires_at from session where staff = ? and expires_at > ?
             order by began_at desc",
        )
        .bind(code.as_str())
        .bind(now)
        .fetch_all(self.pool())
        .await
        .map_err(unreadable)
    }

    /// Whose password a link sets, while it is valid.
    pub(crate) async fn link(&self, secret: &Digest, now: i64) -> Result<Option<Code>, Status> {
        let staff: Option<String> =
            sqlx::query_scalar("select staff from link where secret = ? and expires_at > ?")
                .bind(secret.as_slice())
                .bind(now)
                .fetch_optional(self.pool())
                .await
                .map_err(unreadable)?;
        Ok(staff.and_then(|it| it.parse().ok()))
    }

    /// Whether somebody can sign in who may add others.
    pub(crate) async fn has_admin(&self) -> Result<bool, Status> {
        let rows: Vec<String> =
            sqlx::query_scalar("select roles from staff where disabled = 0 and has_password = 1")
                .fetch_all(self.pool())
                .await
                .map_err(unreadable)?;
        let is_admin = |roles: &String| roles.split(' ').any(|it| it == Role::Admin.code());
        Ok(rows.iter().any(is_admin))
    }

    /// The key with this secret, while it is valid.
    pub(crate) async fn key(&self, secret: &Digest, now: i64) -> Result<Option<KeyRow>, Status> {
        sqlx::query_as(
            "select * from key where secret = ? and revoked_at = 0 and (expires_at = 0 or expires_at > ?)",
        )
        .bind(secret.as_slice())
        .bind(now)
        .fetch_optional(self.pool())
        .await
        .map_err(unreadable)
    }

    /// Somebody's saved views, the oldest first.
    pub(crate) async fn views(&self, code: &str) -> Result<Vec<ViewRow>, Status> {
        sqlx::query_as("select * from view where staff = ? order by saved_at, view")
            .bind(code)
            .fetch_all(self.pool())
            .await
            .map_err(unreadable)
    }

    /// All keys, the revoked ones too, by code.
    pub(crate) async fn keys(&self) -> Result<Vec<KeyRow>, Status> {
        sqlx::query_as("select * from key order by key")
            .fetch_all(self.pool())
            .await
            .map_err(unreadable)
    }
}

/// A sealed text, as intake opens it.
fn sealed(event: Option<&Vec<u8>>, text: Option<&Vec<u8>>) -> Option<Field> {
    let sealed = Sealed::decode(text?.as_slice()).ok()?;
    Some(Field {
        event_id: event?.clone(),
        name: "name".to_owned(),
        sealed: Some(sealed),
    })
}

fn unreadable(error: sqlx::Error) -> Status {
    tracing::error!(%error, "the staff cannot be read");
    Status::unavailable("the staff cannot be read")
}
