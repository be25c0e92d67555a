//! Notices in, and their events.

use chassis::{
    Invalid, Storable,
    event::{self, Undecodable},
};
use contracts::{
    intake::v1::{NoticePublished, PublishNoticeRequest},
    ledger::v1::{Event as Stored, NewEvent},
};
use jiff::Timestamp;
use uuid::Uuid;
use vocabulary::Channel;

use super::checks::{code, free_text, line, word};
use crate::domain::{NoticeEvent, Published, Wording};

/// Names every notice of a municipality.
const NOTICES: &str = "notices";

/// Characters of a notice's short line, and of all of it, at most.
const SHORT: usize = 300;
const FULL: usize = 20_000;

pub(crate) struct NoticeAsked {
    pub(crate) command_id: Uuid,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) channel: Channel,
    /// As it is to be recorded.
    pub(crate) message: NoticePublished,
}

impl NoticeAsked {
    pub(crate) fn wording(&self) -> Wording {
        wording(&self.message)
    }
}

pub(crate) fn notice(proto: PublishNoticeRequest) -> Result<NoticeAsked, Invalid> {
    let fingerprint = event::fingerprint(&proto);
    let command_id = code(&proto.command_id, "command_id")?;
    let channel: Channel = word(proto.channel, "channel")?;
    let short = |text, field| Ok(there(line(text, field, SHORT)?.reveal(), field)?.to_owned());
    let full = |text, field| Ok(there(free_text(text, field, FULL)?.reveal(), field)?.to_owned());
    let message = NoticePublished {
        channel: channel.number(),
        short_tr: short(proto.short_tr, "short_tr")?,
        short_en: short(proto.short_en, "short_en")?,
        full_tr: full(proto.full_tr, "full_tr")?,
        full_en: full(proto.full_en, "full_en")?,
    };
    Ok(NoticeAsked {
        command_id,
        fingerprint,
        channel,
        message,
    })
}

/// Whoever is told nothing in one of the languages is not told.
fn there<'a>(text: &'a str, field: &str) -> Result<&'a str, Invalid> {
    match text.trim() {
        "" => Err(Invalid::at(field, "is missing")),
        text => Ok(text),
    }
}

fn wording(message: &NoticePublished) -> Wording {
    Wording(event::fingerprint(message))
}

pub(crate) fn notice_event(id: Uuid, message: &NoticePublished, at: Timestamp) -> NewEvent {
    event::record(id, message, at, [NOTICES.to_owned()])
}

impl Storable for Published {
    fn decode(stored: &Stored) -> Result<Option<NoticeEvent>, Undecodable> {
        if !event::is::<NoticePublished>(stored) {
            return Ok(None);
        }
        let message: NoticePublished = event::decode(stored)?;
        Ok(Some(NoticeEvent::NoticePublished(wording(&message))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(change: impl FnOnce(&mut PublishNoticeRequest)) -> String {
        let mut asked = PublishNoticeRequest {
            command_id: "018f0000-0000-7000-8000-000000000001".to_owned(),
            channel: Channel::Phone.number(),
            short_tr: "Verileriniz başvurunuz için işlenir.".to_owned(),
            short_en: "Your data is used for your request.".to_owned(),
            full_tr: "Aydınlatma metni\n\nBirinci bölüm.".to_owned(),
            full_en: "Privacy notice\n\nFirst part.".to_owned(),
        };
        change(&mut asked);
        notice(asked).err().map(|it| it.field).unwrap_or_default()
    }

    #[test]
    fn each_wrong_field_of_a_notice_is_named() {
        assert_eq!(wrong(|_| ()), "");
        assert_eq!(wrong(|it| it.command_id.clear()), "command_id");
        assert_eq!(wrong(|it| it.channel = 0), "channel");
        assert_eq!(wrong(|it| it.short_tr.clear()), "short_tr");
        assert_eq!(wrong(|it| it.short_tr = "ş".repeat(301)), "short_tr");
        assert_eq!(wrong(|it| it.short_tr = "ş".repeat(300)), "");
        assert_eq!(wrong(|it| it.short_en = "a\nb".to_owned()), "short_en");
        assert_eq!(wrong(|it| it.full_tr = " \n".to_owned()), "full_tr");
        assert_eq!(wrong(|it| it.full_en = "x".repeat(20_001)), "full_en");
        assert_eq!(wrong(|it| it.full_en = "x".repeat(20_000)), "");
        assert_eq!(wrong(|it| it.full_en = "\u{7}".to_owned()), "full_en");
    }
}
