use contracts::{ledger::v1::Event, vocabulary::v1::Sealed};
use projection::ReadModel;
use prost::Message as _;
use sqlx::SqliteConnection;

use super::{
    domain::{KeyEvent, MemberEvent, Profile},
    wire::{self, Told},
};
use jiff::Timestamp;

/// The read model.
#[derive(Debug, Clone, Copy)]
pub struct Staff;

impl ReadModel for Staff {
    const NAME: &'static str = "staff";
    const VERSION: u32 = 1;
    const HEARS: &'static [&'static str] = &["gateway."];
    const SCHEMA: &'static str = "
        create table staff (
            code         text primary key,
            roles        text not null,
            unit         text not null,
            language     integer not null,
            disabled     integer not null default 0,
            has_password integer not null default 0,
            added_at     integer not null,
            signed_in_at integer not null default 0,
            name_event   blob,
            name         blob
        ) without rowid;
        create table link (
            secret blob primary key, staff text not null, expires_at integer not null
        ) without rowid;
        create table session (
            secret     blob primary key,
            session    text not null unique,
            staff      text not null,
            began_at   integer not null,
            expires_at integer not null
        ) without rowid;
        create index session_staff on session (staff);
        create table key (
            key text primary key, scopes text not null, unit text not null, secret blob not null unique,
            issued_at integer not null, expires_at integer not null, revoked_at integer not null default 0
        ) without rowid;
        create table view (
            view text primary key, staff text not null, filters text not null, name_event blob, name blob,
            saved_at integer not null
        ) without rowid;
        create index view_staff on view (staff);
    ";

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        if let Some(told) = wire::member_event(event)? {
            return member(tx, told, event).await;
        }
        if let Some((key, fact)) = wire::key_event(event)? {
            return of_key(tx, &key, fact, event.occurred_at).await;
        }
        Ok(())
    }
}

async fn member(tx: &mut SqliteConnection, told: Told, event: &Event) -> anyhow::Result<()> {
    let Told {
        staff,
        fact,
        sealed,
    } = told;
    let query = match fact {
        MemberEvent::StaffAdded(profile) | MemberEvent::StaffChanged(profile) => {
            return described(tx, &staff, &profile, sealed, event).await;
        }
        MemberEvent::StaffDisabled => {
            ends(tx, &staff).await?;
            sqlx::query("update staff set disabled = 1 where code = ?").bind(staff)
        }
        MemberEvent::StaffEnabled => {
            sqlx::query("update staff set disabled = 0 where code = ?").bind(staff)
        }
        MemberEvent::SetUpLinkIssued { secret, expires_at } => {
            sqlx::query("insert into link values (?, ?, ?)")
                .bind(secret.to_vec())
                .bind(staff)
                .bind(expires_at.as_microsecond())
        }
        MemberEvent::PasswordSet => {
            ends(tx, &staff).await?;
            sqlx::query("update staff set has_password = 1 where code = ?").bind(staff)
        }
        MemberEvent::SignedIn {
            session,
            secret,
            expires_at,
        } => {
            sqlx::query("update staff set signed_in_at = ? where code = ?")
                .bind(event.occurred_at)
                .bind(&staff)
                .execute(&mut *tx)
                .await?;
            // What is over need not be kept: it would open nothing.
            sqlx::query("delete from session where staff = ? and expires_at <= ?")
                .bind(&staff)
                .bind(event.occurred_at)
                .execute(&mut *tx)
                .await?;
            sqlx::query("insert into session values (?, ?, ?, ?, ?)")
                .bind(secret.to_vec())
                .bind(session.to_string())
                .bind(staff)
                .bind(event.occurred_at)
                .bind(expires_at.as_microsecond())
        }
        MemberEvent::SignedOut { session } => {
            sqlx::query("delete from session where session = ?").bind(session.to_string())
        }
        MemberEvent::SessionsRevoked => {
            sqlx::query("delete from session where staff = ?").bind(staff)
        }
        MemberEvent::ViewSaved { view, filters } => {
            sqlx::query("insert or replace into view values (?, ?, ?, ?, ?, ?)")
                .bind(view.to_string())
                .bind(staff)
                .bind(filters)
                .bind(event.event_id.clone())
                .bind(sealed.map(|it| it.encode_to_vec()))
                .bind(event.occurred_at)
        }
        MemberEvent::ViewRemoved { view } => {
            sqlx::query("delete from view where view = ?").bind(view.to_string())
        }
    };
    query.execute(tx).await?;
    Ok(())
}

/// Every session and every link of somebody ends.
async fn ends(tx: &mut SqliteConnection, staff: &str) -> anyhow::Result<()> {
    for table in [
        "delete from session where staff = ?",
        "delete from link where staff = ?",
    ] {
        sqlx::query(table).bind(staff).execute(&mut *tx).await?;
    }
    Ok(())
}

/// What somebody is from now on; without a new name they keep the one they have.
async fn described(
    tx: &mut SqliteConnection,
    staff: &str,
    profile: &Profile,
    name: Option<Sealed>,
    event: &Event,
) -> anyhow::Result<()> {
    let name_event = name.is_some().then(|| event.event_id.clone());
    sqlx::query(
        "insert into staff (code, roles, unit, language, added_at, name_event, name) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         on conflict do update set roles = ?2, unit = ?3, language = ?4,
            name_event = coalesce(?6, name_event), name = coalesce(?7, name)",
    )
    .bind(staff)
    .bind(list(profile.roles.iter().map(|it| it.code())))
    .bind(profile.unit.as_ref().map_or("", |it| it.as_str()))
    .bind(profile.language.number())
    .bind(event.occurred_at)
    .bind(name_event)
    .bind(name.map(|it| it.encode_to_vec()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn of_key(
    tx: &mut SqliteConnection,
    key: &str,
    fact: KeyEvent,
    at: i64,
) -> anyhow::Result<()> {
    let query = match fact {
        KeyEvent::ApiKeyIssued(issued) => sqlx::query(
            "insert into key (key, scopes, unit, secret, issued_at, expires_at) values (?, ?, ?, ?, ?, ?)",
        )
        .bind(key)
        .bind(list(issued.scopes.iter().map(|it| it.code())))
        .bind(issued.unit.map(|it| it.to_string()).unwrap_or_default())
        .bind(issued.secret.to_vec())
        .bind(at)
        .bind(issued.expires_at.map_or(0, Timestamp::as_microsecond)),
        KeyEvent::ApiKeyRevoked => sqlx::query("update key set revoked_at = ? where key = ?")
            .bind(at)
            .bind(key),
    };
    query.execute(tx).await?;
    Ok(())
}

/// Codes in one column.
fn list<'a>(codes: impl Iterator<Item = &'a str>) -> String {
    codes.collect::<Vec<_>>().join(" ")
}
