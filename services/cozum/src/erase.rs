//! `cozum erase`: erases somebody's personal data for ever, or tells what that would be; and certifies it.

mod hard;

use std::{fmt::Write as _, fs, io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use chassis::{Ids, event};
use contracts::intake::v1::{
    EraseEventsRequest, ErasePersonReply, ErasePersonRequest, ErasureGround,
};
use jiff::tz::TimeZone;
use uuid::Uuid;
use vocabulary::{Language, RequestNumber};

use crate::{
    audit, cli,
    client::{Client, Server, in_words, patiently},
    report::Tongue,
};

/// Erases all personal data of a person, or of a request that nobody is known of: nobody can undo it
#[derive(Debug, clap::Args)]
pub(crate) struct Erase {
    /// The person's pseudonym (a UUID, as a request's history names it), or the number of a request that nobody is known of
    #[arg(value_name = "PERSON|NUMBER", required_unless_present = "positions")]
    whose: Option<String>,
    /// Takes the sealed texts out of the log as well, and not their keys alone: for a court's order
    #[arg(long, requires = "reference")]
    hard: bool,
    /// Instead of somebody's: takes the texts of these events out of the log, as in 17,20-23, and leaves the keys
    #[arg(long, value_name = "A,B-C", requires = "reference", conflicts_with_all = ["whose", "hard", "certificate"])]
    positions: Option<String>,
    /// Number of the file by which it is ordered, as in 2026/123; no names
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// On which legal ground
    #[arg(long, value_enum, required_unless_present = "dry_run")]
    ground: Option<Ground>,
    /// Only tells what would be erased
    #[arg(long)]
    dry_run: bool,
    /// Writes a certificate into a file that is not there yet; `audit verify` checks it
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    certificate: Option<PathBuf>,
    /// Language of the answer
    #[arg(long, value_enum, default_value_t = Tongue::Tr)]
    lang: Tongue,
    #[command(flatten)]
    server: Server,
}

/// Why, as it stands in the log for ever
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Ground {
    /// The citizen asked for it (KVKK)
    CitizenRequest,
    /// The time for which it may be kept is over
    RetentionOver,
    /// A court ordered it
    CourtOrder,
    /// Another ground
    Other,
}

impl Ground {
    fn message(self) -> ErasureGround {
        match self {
            Self::CitizenRequest => ErasureGround::CitizenRequest,
            Self::RetentionOver => ErasureGround::RetentionOver,
            Self::CourtOrder => ErasureGround::CourtOrder,
            Self::Other => ErasureGround::Other,
        }
    }
}

/// A ground as the command line and a certificate spell it.
pub(crate) fn ground_code(ground: ErasureGround) -> &'static str {
    match ground {
        ErasureGround::CitizenRequest => "citizen-request",
        ErasureGround::RetentionOver => "retention-over",
        ErasureGround::CourtOrder => "court-order",
        ErasureGround::Other | ErasureGround::Unspecified => "other",
    }
}

impl Erase {
    /// Runs it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let positions = self.positions.as_deref().map(hard::positions);
        if let Some(positions) = positions.transpose()? {
            return self.events(positions).await;
        }
        let mut request = whose(self.whose.as_deref().unwrap_or_default())?;
        request.hard = self.hard;
        request.reference = self.reference.clone().unwrap_or_default();
        request.command_id = Ids.fresh().to_string();
        request.dry_run = self.dry_run;
        request.ground = self.ground.map_or(0, |it| it.message().into());
        if let Some(file) = &self.certificate {
            // Told before anything is erased.
            anyhow::ensure!(
                !file.exists(),
                "--certificate {}: is there already",
                file.display()
            );
        }
        let client = Client::connect(&self.server).await?;
        let reply = patiently(|| {
            let (mut intake, request) = (client.intake(), request.clone());
            async move { intake.erase_person(request).await }
        });
        let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
        let reply = reply.into_inner();
        let mut text = told(&reply, self.dry_run, self.lang.language())?;
        if let Some(path) = &self.certificate {
            let certificate = audit::certificate(&client, &reply).await?;
            let file = fs::File::create_new(path);
            let mut file = file.with_context(|| format!("--certificate {}", path.display()))?;
            file.write_all(certificate.as_bytes())?;
            let says = match self.lang.language() {
                Language::Tr => "silme belgesi",
                Language::En => "the certificate is",
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{says} {}", path.display());
        }
        cli::answer(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Erase {
    async fn events(self, positions: Vec<u64>) -> anyhow::Result<ExitCode> {
        let request = EraseEventsRequest {
            command_id: Ids.fresh().to_string(),
            positions,
            ground: self.ground.map_or(0, |it| it.message().into()),
            reference: self.reference.unwrap_or_default(),
            dry_run: self.dry_run,
        };
        let client = Client::connect(&self.server).await?;
        let reply = patiently(|| {
            let (mut intake, request) = (client.intake(), request.clone());
            async move { intake.erase_events(request).await }
        });
        let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
        let text = hard::told(&reply.into_inner(), self.dry_run, self.lang.language());
        cli::answer(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A pseudonym or a number.
pub(crate) fn whose(text: &str) -> anyhow::Result<ErasePersonRequest> {
    if let Ok(person) = text.parse::<Uuid>() {
        return Ok(ErasePersonRequest {
            person: person.to_string(),
            ..ErasePersonRequest::default()
        });
    }
    let number: RequestNumber = text
        .parse()
        .ok()
        .context("PERSON|NUMBER: is neither a pseudonym (a UUID) nor the number of a request")?;
    Ok(ErasePersonRequest {
        number: number.to_string(),
        ..ErasePersonRequest::default()
    })
}

fn told(reply: &ErasePersonReply, dry_run: bool, language: Language) -> anyhow::Result<String> {
    let say = |tr: &'static str, en: &'static str| match language {
        Language::Tr => tr,
        Language::En => en,
    };
    let zone = TimeZone::get("Europe/Istanbul").context("Europe/Istanbul")?;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", reply.of);
    for it in &reply.erasures {
        let (position, at, what) = if it.erased_position > 0 {
            (it.erased_position, it.erased_at, say("silindi", "erased"))
        } else {
            let ordered = say(
                "silinmesi istendi, anahtarlar yok ediliyor",
                "ordered, its keys are being destroyed",
            );
            (it.ordered_position, it.ordered_at, ordered)
        };
        let at = event::timestamp(i64::try_from(at)?);
        let at = at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z");
        let ground = ground_name(it.ground(), language);
        let _ = writeln!(text, "#{position}  {what}  {at}  [{ground}]");
        for subject in &it.subjects {
            let _ = writeln!(text, "    {subject}");
        }
    }
    if dry_run {
        let pending = if reply.pending.is_empty() {
            say(
                "silinecek başka bir şey yok",
                "there is nothing more to erase",
            )
        } else {
            say("silinecek:", "to be erased:")
        };
        let _ = writeln!(text, "{pending}");
        for subject in &reply.pending {
            let _ = writeln!(text, "    {subject}");
        }
    }
    Ok(text)
}

/// What people call a ground.
pub(crate) fn ground_name(ground: ErasureGround, language: Language) -> &'static str {
    let (tr, en) = match ground {
        ErasureGround::CitizenRequest => ("vatandaşın isteği, KVKK", "the citizen's request, KVKK"),
        ErasureGround::RetentionOver => ("saklama süresi doldu", "the time it may be kept is over"),
        ErasureGround::CourtOrder => ("mahkeme kararı", "a court's order"),
        ErasureGround::Other | ErasureGround::Unspecified => {
            ("başka bir dayanak", "another ground")
        }
    };
    match language {
        Language::Tr => tr,
        Language::En => en,
    }
}

#[cfg(test)]
mod tests {
    use contracts::intake::v1::erase_person_reply;

    use super::*;

    #[test]
    fn whose_it_is_is_a_pseudonym_or_a_number() {
        let number = RequestNumber::new(2026, 48_120_937).to_string();
        assert_eq!(whose(&number).unwrap().number, number);
        let person = "018f0000-0000-7000-8000-00000000000a";
        assert_eq!(whose(person).unwrap().person, person);
        for bad in ["", "Ayşe", "2026-48120937-0x"] {
            let told = whose(bad).unwrap_err().to_string();
            assert!(told.starts_with("PERSON|NUMBER"), "{told}");
        }
    }

    #[test]
    fn both_languages_tell_the_same() {
        let done = erase_person_reply::Erasure {
            subjects: vec!["person:a".to_owned()],
            ground: ErasureGround::CitizenRequest.into(),
            ordered_position: 3,
            ordered_at: 0,
            erased_position: 4,
            erased_at: 0,
        };
        let half = erase_person_reply::Erasure {
            erased_position: 0,
            ..done.clone()
        };
        let reply = ErasePersonReply {
            of: "person:a".to_owned(),
            pending: vec!["request:b".to_owned()],
            erasures: vec![done, half],
        };
        let tr = told(&reply, true, Language::Tr).unwrap();
        let en = told(&reply, true, Language::En).unwrap();
        assert_eq!(tr.lines().count(), en.lines().count());
        assert!(
            tr.contains("#4  silindi") && tr.contains("silinecek:"),
            "{tr}"
        );
        assert!(
            en.contains("#4  erased") && en.contains("request:b"),
            "{en}"
        );
        assert!(en.contains("#3  ordered"), "{en}");
    }
}
