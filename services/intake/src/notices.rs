//! What citizens are told about their personal data: publishes it, and knows which version of it there was when.

use std::future;

use chassis::{Caller, Command, event, execute};
use contracts::{
    intake::v1::{NoticePublished, PublishNoticeReply},
    ledger::v1::Event,
};
use jiff::Timestamp;
use projection::ReadModel;
use sqlx::{SqliteConnection, SqlitePool};
use tonic::Status;
use vocabulary::Channel;

use crate::{
    desk::Desk,
    domain::{NoticeEvent, Published, Telling},
    streams,
    wire::{self, NoticeAsked},
};

/// Since when each version of a channel's notice was told; the texts are the readers' business.
pub(crate) struct Notices;

impl ReadModel for Notices {
    const NAME: &'static str = "notices";
    const VERSION: u32 = 1;
    const HEARS: &'static [&'static str] = &["intake.NoticePublished"];
    const SCHEMA: &'static str = "create table notice (
        channel integer not null,
        version integer not null,
        published_at integer not null,
        primary key (channel, version)
    ) strict, without rowid;";

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        if !event::is::<NoticePublished>(event) {
            return Ok(());
        }
        let published: NoticePublished = event::decode(event)?;
        sqlx::query("insert into notice values (?1, ?2, ?3) on conflict do nothing")
            .bind(published.channel)
            .bind(i64::try_from(event.version)?)
            .bind(event.occurred_at)
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// The newest version of a channel's notice, and the one in force at a moment; 0 for none.
async fn versions(
    notices: &SqlitePool,
    channel: Channel,
    at: Timestamp,
) -> Result<(u64, u64), sqlx::Error> {
    let (newest, in_force): (i64, i64) = sqlx::query_as(
        "select coalesce(max(version), 0), coalesce(max(version) filter (where published_at <= ?2), 0)
         from notice where channel = ?1",
    )
    .bind(channel.number())
    .bind(at.as_microsecond())
    .fetch_one(notices)
    .await?;
    Ok((newest.unsigned_abs(), in_force.unsigned_abs()))
}

impl Desk {
    /// Publishes what a channel tells from now on.
    pub(crate) async fn publish(
        &self,
        caller: &Caller,
        asked: NoticeAsked,
        now: Timestamp,
    ) -> Result<PublishNoticeReply, Status> {
        let command = Command {
            id: asked.command_id,
            fingerprint: asked.fingerprint,
            correlation_id: asked.command_id,
            causation_id: None,
            actor: caller.actor.clone(),
        };
        let (stream, wording) = (streams::of_notice(asked.channel), asked.wording());
        let id = event::id(command.id, 0);
        let encode = move |events: &[NoticeEvent]| {
            let events = events.iter();
            let encoded = events.map(|_| wire::notice_event(id, &asked.message, now));
            future::ready(Ok(encoded.collect()))
        };
        let done = execute::<Published>(&self.ledger, &stream, &command, 0, wording, encode)
            .await
            .map_err(|error| error.into_status(|never| match never {}))?;
        // Whoever files after the answer is told what was published.
        self.notices.at_least(done.position).await?;
        Ok(PublishNoticeReply {
            position: done.position,
            notice_version: done.version,
        })
    }

    /// The notices of a channel at a moment, beside what whoever files says was shown.
    pub(crate) async fn telling(
        &self,
        caller: &Caller,
        channel: Channel,
        at: Timestamp,
        told: Telling,
    ) -> Result<Telling, Status> {
        self.notices.at_least(caller.at_least).await?;
        let read = async || {
            let versions = versions(self.notices.pool(), channel, at).await;
            let (newest, in_force) = versions.map_err(|error| {
                tracing::error!(%error, "the notices cannot be read");
                Status::unavailable("the notices cannot be read")
            })?;
            Ok::<_, Status>(Telling {
                newest,
                in_force,
                ..told
            })
        };
        let known = read().await?;
        if known.shown.is_none_or(|it| it <= known.newest) {
            return Ok(known);
        }
        // Perhaps it was published a moment ago, and only the page has heard of it.
        self.notices.at_least(self.ledger.head().await?).await?;
        read().await
    }
}
