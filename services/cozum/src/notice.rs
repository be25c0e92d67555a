//! `cozum notice`: what citizens are told about their personal data by each channel: publishes it, and shows what was told when.

use std::{fmt::Write as _, fs, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use chassis::{Ids, event};
use contracts::{
    intake::v1::{NoticePublished, PublishNoticeRequest},
    ledger::v1::Event,
};
use serde_json::{Value, json};
use vocabulary::{Channel, Language};

use crate::{
    cli,
    client::{Client, Server, in_words, patiently},
    history::read_all,
    report::{Format, Tongue},
    retention::moment,
};

/// Names every notice in the log.
const NOTICES: &str = "notices";

/// What citizens are told about their personal data (KVKK art. 10): publishes it, and shows what was told when
#[derive(Debug, clap::Args)]
pub(crate) struct Notice {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Publishes the next version; what was told before can be read for ever
    Publish {
        /// The channels that tell it, e.g. web,phone; or all
        #[arg(long, value_name = "CHANNEL[,CHANNEL…]|all", value_parser = channels)]
        channel: Channels,
        /// The whole text in Turkish: paragraphs of plain text, with an empty line between them
        #[arg(long, value_name = "FILE")]
        tr: PathBuf,
        /// The whole text in English
        #[arg(long, value_name = "FILE")]
        en: PathBuf,
        /// The line that is shown or read out at once, in Turkish; the text's first line where it is left out
        #[arg(long, value_name = "TEXT")]
        short_tr: Option<String>,
        /// The same in English
        #[arg(long, value_name = "TEXT")]
        short_en: Option<String>,
        /// Language of the answer
        #[arg(long, value_enum, default_value_t = Tongue::Tr)]
        lang: Tongue,
        #[command(flatten)]
        server: Server,
    },
    /// Lists all versions, with who published them when
    List {
        #[command(flatten)]
        to: To,
    },
    /// Shows what a channel tells, or told
    Show {
        /// The channel, e.g. phone
        #[arg(value_name = "CHANNEL", value_parser = one_channel)]
        channel: Channel,
        /// The one in force where it is left out
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        version: Option<u64>,
        #[command(flatten)]
        to: To,
    },
}

/// Whom to ask, and how to answer.
#[derive(Debug, clap::Args)]
struct To {
    /// For people or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Language of the text
    #[arg(long, value_enum, default_value_t = Tongue::Tr)]
    lang: Tongue,
    #[command(flatten)]
    server: Server,
}

/// Some channels, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Channels(Vec<Channel>);

fn channels(text: &str) -> Result<Channels, String> {
    if text == "all" {
        return Ok(Channels(Channel::ALL.to_vec()));
    }
    let mut channels = Vec::new();
    for code in text.split(',') {
        let channel = one_channel(code)?;
        if !channels.contains(&channel) {
            channels.push(channel);
        }
    }
    Ok(Channels(channels))
}

fn one_channel(code: &str) -> Result<Channel, String> {
    let known: Vec<&str> = Channel::ALL.iter().map(|it| it.code()).collect();
    code.parse()
        .map_err(|_| format!("{code} is none of: {}", known.join(" ")))
}

impl Notice {
    /// Runs it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Publish {
                channel: Channels(channels),
                tr,
                en,
                short_tr,
                short_en,
                lang,
                server,
            } => {
                let (full_tr, full_en) = (read(&tr, "--tr")?, read(&en, "--en")?);
                let request = PublishNoticeRequest {
                    short_tr: short_tr.unwrap_or_else(|| first_line(&full_tr)),
                    short_en: short_en.unwrap_or_else(|| first_line(&full_en)),
                    full_tr,
                    full_en,
                    ..PublishNoticeRequest::default()
                };
                let client = Client::connect(&server).await?;
                for channel in channels {
                    publish(&client, channel, request.clone(), lang).await?;
                }
            }
            What::List { to } => {
                let client = Client::connect(&to.server).await?;
                let events = read_all(&client, NOTICES).await?;
                let published = published(&events)?;
                cli::answer(&match to.format {
                    Format::Text => list(&published, to.lang.language())?,
                    Format::Json => all_json(&published)?,
                })?;
            }
            What::Show {
                channel,
                version,
                to,
            } => {
                let client = Client::connect(&to.server).await?;
                let events = read_all(&client, NOTICES).await?;
                let mut published = published(&events)?;
                published.retain(|(it, notice)| {
                    notice.channel == channel.number() && version.is_none_or(|v| it.version == v)
                });
                let found = published.pop();
                let found = found.context("no such notice was published for this channel")?;
                cli::answer(&match to.format {
                    Format::Text => whole(&found, to.lang.language())?,
                    Format::Json => format!("{:#}\n", one_json(&found)?),
                })?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn read(path: &PathBuf, option: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("{option} {}", path.display()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(text.replace("\r\n", "\n"))
}

fn first_line(text: &str) -> String {
    let line = text.lines().find(|it| !it.trim().is_empty());
    line.unwrap_or_default().trim().to_owned()
}

async fn publish(
    client: &Client,
    channel: Channel,
    request: PublishNoticeRequest,
    lang: Tongue,
) -> anyhow::Result<()> {
    let request = PublishNoticeRequest {
        command_id: Ids.fresh().to_string(),
        channel: channel.number(),
        ..request
    };
    let reply = patiently(|| {
        let (mut intake, request) = (client.intake(), request.clone());
        async move { intake.publish_notice(request).await }
    });
    let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
    let reply = reply.into_inner();
    let place = match reply.position {
        0 => lang.say("zaten öyleydi", "was so already").to_owned(),
        position => format!("#{position}"),
    };
    let (code, version) = (channel.code(), reply.notice_version);
    cli::answer(&format!("{place}  {code} v{version}\n"))
}

/// All notices, oldest first, each with the event that published it.
fn published(events: &[Event]) -> anyhow::Result<Vec<(&Event, NoticePublished)>> {
    let notices = events.iter().filter(|it| event::is::<NoticePublished>(it));
    notices.map(|it| Ok((it, event::decode(it)?))).collect()
}

fn channel_of(notice: &NoticePublished) -> anyhow::Result<Channel> {
    Channel::try_from(notice.channel).context("a notice's channel")
}

fn short(notice: &NoticePublished, language: Language) -> &str {
    match language {
        Language::Tr => &notice.short_tr,
        Language::En => &notice.short_en,
    }
}

fn heading(
    (event, notice): &(&Event, NoticePublished),
    language: Language,
) -> anyhow::Result<String> {
    let channel = channel_of(notice)?;
    Ok(format!(
        "{} v{}  {}  {}  {}  #{}\n",
        channel.code(),
        event.version,
        channel.label(language),
        moment(event.recorded_at)?,
        event.actor,
        event.position,
    ))
}

fn list(published: &[(&Event, NoticePublished)], language: Language) -> anyhow::Result<String> {
    if published.is_empty() {
        let says = match language {
            Language::Tr => "aydınlatma metni yok\n",
            Language::En => "no notice was published\n",
        };
        return Ok(says.to_owned());
    }
    let mut text = String::new();
    for it in published {
        let (heading, short) = (heading(it, language)?, short(&it.1, language));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{heading}    {short}");
    }
    Ok(text)
}

fn whole(published: &(&Event, NoticePublished), language: Language) -> anyhow::Result<String> {
    let (heading, notice) = (heading(published, language)?, &published.1);
    let full = match language {
        Language::Tr => &notice.full_tr,
        Language::En => &notice.full_en,
    };
    Ok(format!(
        "{heading}\n{}\n\n{full}\n",
        short(notice, language)
    ))
}

fn one_json((event, notice): &(&Event, NoticePublished)) -> anyhow::Result<Value> {
    Ok(json!({
        "channel": channel_of(notice)?.code(),
        "version": event.version,
        "short_tr": notice.short_tr,
        "short_en": notice.short_en,
        "full_tr": notice.full_tr,
        "full_en": notice.full_en,
        "position": event.position,
        "at": moment(event.recorded_at)?,
        "actor": event.actor,
    }))
}

fn all_json(published: &[(&Event, NoticePublished)]) -> anyhow::Result<String> {
    let all: anyhow::Result<Vec<Value>> = published.iter().map(one_json).collect();
    Ok(format!("{:#}\n", Value::Array(all?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_named_one_by_one_or_all_at_once() {
        let some = channels("web,phone,web").unwrap();
        assert_eq!(some, Channels(vec![Channel::Web, Channel::Phone]));
        assert_eq!(channels("all").unwrap().0, Channel::ALL);
        assert!(channels("web,").is_err() && channels("telefon").is_err());
    }

    #[test]
    fn a_notice_is_shown_in_each_language() {
        let notice = NoticePublished {
            channel: Channel::Phone.number(),
            short_tr: "Kısa.".to_owned(),
            short_en: "Short.".to_owned(),
            full_tr: "Uzun.".to_owned(),
            full_en: "Long.".to_owned(),
        };
        let event = Event {
            stream: "notice-phone".to_owned(),
            version: 2,
            position: 7,
            r#type: "intake.NoticePublished".to_owned(),
            schema_version: 1,
            facts: prost::Message::encode_to_vec(&notice),
            ..Event::default()
        };
        let events = [event];
        let published = published(&events).unwrap();
        let text = whole(&published[0], Language::En).unwrap();
        assert!(text.starts_with("phone v2  "), "{text}");
        assert!(text.ends_with("#7\n\nShort.\n\nLong.\n"), "{text}");
        let text = list(&published, Language::Tr).unwrap();
        assert!(text.ends_with("    Kısa.\n"), "{text}");
        assert!(all_json(&published).unwrap().contains("\"Uzun.\""));
        assert_eq!(
            list(&[], Language::En).unwrap(),
            "no notice was published\n"
        );
    }
}
