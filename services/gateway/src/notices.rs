//! What citizens are told about their personal data: every version of every channel's notice, as long as the log has it.

use chassis::event;
use contracts::{intake::v1::NoticePublished, ledger::v1::Event};
use projection::ReadModel;
use sqlx::{SqliteConnection, SqlitePool};
use tonic::Status;
use vocabulary::{Channel, Language};

/// The read model.
#[derive(Debug, Clone, Copy)]
pub struct Notices;

impl ReadModel for Notices {
    const NAME: &'static str = "notices";
    const VERSION: u32 = 1;
    const HEARS: &'static [&'static str] = &["intake.NoticePublished"];
    const SCHEMA: &'static str = "create table notice (
        channel text not null,
        version integer not null,
        published_at integer not null,
        short_tr text not null,
        short_en text not null,
        full_tr text not null,
        full_en text not null,
        primary key (channel, version)
    ) strict, without rowid;";

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        if !event::is::<NoticePublished>(event) {
            return Ok(());
        }
        let it: NoticePublished = event::decode(event)?;
        sqlx::query("insert into notice values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing")
            .bind(Channel::try_from(it.channel)?.code())
            .bind(i64::try_from(event.version)?)
            .bind(event.occurred_at)
            .bind(it.short_tr)
            .bind(it.short_en)
            .bind(it.full_tr)
            .bind(it.full_en)
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// One version of a channel's notice.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Notice {
    pub(crate) channel: String,
    pub(crate) version: i64,
    pub(crate) published_at: i64,
    short_tr: String,
    short_en: String,
    full_tr: String,
    full_en: String,
}

impl Notice {
    /// The line that is shown or read out at once.
    pub(crate) fn short(&self, language: Language) -> &str {
        match language {
            Language::Tr => &self.short_tr,
            Language::En => &self.short_en,
        }
    }

    /// Where it can be read in the portal.
    pub(crate) fn address(&self) -> String {
        format!("/privacy/{}/{}", self.channel, self.version)
    }

    /// All of it: its paragraphs, line by line.
    pub(crate) fn paragraphs(&self, language: Language) -> Vec<Vec<String>> {
        let full = match language {
            Language::Tr => &self.full_tr,
            Language::En => &self.full_en,
        };
        let lines: Vec<String> = full.lines().map(|it| it.trim().to_owned()).collect();
        let paragraphs = lines.split(|it| it.is_empty());
        let there = paragraphs.filter(|it| !it.is_empty());
        there.map(<[String]>::to_vec).collect()
    }
}

/// All versions of a channel's notice, the one in force first.
pub(crate) async fn of(notices: &SqlitePool, channel: Channel) -> Result<Vec<Notice>, Status> {
    sqlx::query_as("select * from notice where channel = ? order by version desc")
        .bind(channel.code())
        .fetch_all(notices)
        .await
        .map_err(unreadable)
}

/// The notices in force, one for each channel that has one.
pub(crate) async fn in_force(notices: &SqlitePool) -> Result<Vec<Notice>, Status> {
    sqlx::query_as(
        "select * from notice where (channel, version) in (select channel, max(version) from notice group by channel)",
    )
    .fetch_all(notices)
    .await
    .map_err(unreadable)
}

/// Which version a form says it showed, 0 for none; nothing where it does not say. What is no number was never published.
pub(crate) fn shown(text: &str) -> Option<u64> {
    (!text.is_empty()).then(|| text.parse().unwrap_or(u64::MAX))
}

fn unreadable(error: sqlx::Error) -> Status {
    tracing::error!(%error, "the notices cannot be read");
    Status::unavailable("the notices cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_paragraphs_of_lines() {
        let notice = Notice {
            channel: "web".to_owned(),
            version: 1,
            published_at: 0,
            short_tr: "Kısa.".to_owned(),
            short_en: "Short.".to_owned(),
            full_tr: "Başlık\n\n\nBir\niki\r\n \r\nüç\n".to_owned(),
            full_en: "Title".to_owned(),
        };
        let paragraphs = notice.paragraphs(Language::Tr);
        assert_eq!(paragraphs, [vec!["Başlık"], vec!["Bir", "iki"], vec!["üç"]]);
        assert_eq!(notice.short(Language::En), "Short.");
        assert_eq!(shown(""), None);
        assert_eq!((shown("0"), shown("2")), (Some(0), Some(2)));
        assert_eq!((shown("x"), shown("-1")), (Some(u64::MAX), Some(u64::MAX)));
    }
}
