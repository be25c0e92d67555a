//! `cozum keys`: brings all keys to personal data under a new master key, and records that an old one is destroyed.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use contracts::intake::v1::{DestroyKeyEpochRequest, KeyEpochsReply, RotateKeysRequest};
use vocabulary::Language;

use crate::{
    cli,
    client::{Client, Server, in_words, patiently},
    report::Tongue,
};

/// How often it is asked how far it is.
const PERIOD: Duration = Duration::from_millis(500);

/// Brings all keys to personal data under a new master key, and records that an old one is destroyed
#[derive(Debug, clap::Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Adds a new master key as the last line of a master key file; it is used once `keys rotate` is asked for
    New {
        /// The file that --master-key-file of intake names
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        words: Words,
    },
    /// Tells how many keys are wrapped under the master key of which epoch
    Status {
        #[command(flatten)]
        centre: Centre,
    },
    /// Begins the epoch of the newest master key in intake's file, and waits until all keys are wrapped under it
    Rotate {
        #[command(flatten)]
        centre: Centre,
    },
    /// Records that an epoch's master key is destroyed: it wraps nothing, and intake's file no longer has it
    Destroy {
        /// The epoch's number
        epoch: u32,
        #[command(flatten)]
        centre: Centre,
    },
}

#[derive(Debug, clap::Args)]
struct Words {
    /// Language of the answer
    #[arg(long, value_enum, default_value_t = Tongue::Tr)]
    lang: Tongue,
}

#[derive(Debug, clap::Args)]
struct Centre {
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    server: Server,
}

impl Keys {
    /// Runs it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::New { file, words } => {
                vault::MasterKeys::add(&file)?;
                cli::answer(match words.lang.language() {
                    Language::Tr => ADDED_TR,
                    Language::En => ADDED_EN,
                })?;
            }
            What::Status { centre } => {
                let client = Client::connect(&centre.server).await?;
                told(&asked(&client, true).await?, &centre)?;
            }
            What::Rotate { centre } => rotate(&centre).await?,
            What::Destroy { epoch, centre } => {
                let client = Client::connect(&centre.server).await?;
                let request = DestroyKeyEpochRequest { epoch };
                let reply = client.intake().destroy_key_epoch(request).await;
                let reply = reply.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
                told(&reply.into_inner(), &centre)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

const ADDED_TR: &str = "Yeni ana anahtar dosyanın son satırında. Yedeklerin olmadığı bir yere kopyalayın, dosyayı bütün intake\n\
     süreçlerine verin, sonra: cozum keys rotate\n";
const ADDED_EN: &str = "The new master key is the last line of the file. Copy it to where no backup lies, give the file to every intake\n\
     process, and then: cozum keys rotate\n";

async fn rotate(centre: &Centre) -> anyhow::Result<()> {
    let client = Client::connect(&centre.server).await?;
    let mut reply = asked(&client, true).await?;
    anyhow::ensure!(
        reply.prepared || !is_settled(&reply),
        "the master key file of intake has no newer key: `cozum keys new FILE` adds one"
    );
    // Whichever process answers goes on with it, also where the one that began has died.
    loop {
        reply = asked(&client, false).await?;
        if is_settled(&reply) {
            return told(&reply, centre);
        }
        tokio::time::sleep(PERIOD).await;
    }
}

async fn asked(client: &Client, dry_run: bool) -> anyhow::Result<KeyEpochsReply> {
    let reply = patiently(|| {
        let mut intake = client.intake();
        async move { intake.rotate_keys(RotateKeysRequest { dry_run }).await }
    });
    let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
    Ok(reply.into_inner())
}

fn is_settled(reply: &KeyEpochsReply) -> bool {
    reply.epochs.iter().all(|it| it.current || it.keys == 0)
}

fn told(reply: &KeyEpochsReply, centre: &Centre) -> anyhow::Result<()> {
    cli::answer(&text(reply, centre.words.lang.language()).context("the answer")?)
}

/// A line for each epoch, and what is to be done about it.
fn text(reply: &KeyEpochsReply, language: Language) -> anyhow::Result<String> {
    let say = |tr: &'static str, en: &'static str| match language {
        Language::Tr => tr,
        Language::En => en,
    };
    let mut text = String::new();
    for it in &reply.epochs {
        let (epoch, keys) = (it.epoch, it.keys);
        let what = match (it.current, keys, it.held) {
            (true, _, true) => say("geçerli dönem", "the current one"),
            (false, 1.., true) => say(
                "anahtarlar yeniden sarılıyor",
                "its keys are being wrapped anew",
            ),
            (false, 0, true) => say(
                "artık gerekmiyor: satırını ana anahtar dosyasından ve bütün kopyalardan silin, sonra: cozum keys destroy",
                "no longer needed: take its line out of the master key file and destroy all copies, then: cozum keys destroy",
            ),
            (false, 0, false) => say(
                "ana anahtarı dosyada yok: cozum keys destroy bunu kayda geçirir",
                "its master key is out of the file: cozum keys destroy records that",
            ),
            (_, _, false) => say(
                "ana anahtarı dosyada yok: geri getirin",
                "its master key is not in the file: bring it back",
            ),
        };
        let keys_word = say("anahtar", "keys");
        writeln!(text, "#{epoch}  {keys} {keys_word}  {what}")?;
    }
    if reply.prepared {
        let ready = say(
            "dosyada daha yeni bir ana anahtar var: cozum keys rotate",
            "the file has a newer master key: cozum keys rotate",
        );
        writeln!(text, "{ready}")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use contracts::intake::v1::key_epochs_reply::Epoch;

    use super::*;

    #[test]
    fn both_languages_tell_what_is_to_be_done_about_each_epoch() {
        let epoch = |epoch, current, keys, held| Epoch {
            epoch,
            current,
            keys,
            held,
        };
        let reply = KeyEpochsReply {
            epochs: vec![
                epoch(1, false, 0, false),
                epoch(2, false, 0, true),
                epoch(3, false, 7, true),
                epoch(4, false, 7, false),
                epoch(5, true, 9, true),
            ],
            prepared: true,
        };
        let tr = text(&reply, Language::Tr).unwrap();
        let en = text(&reply, Language::En).unwrap();
        assert_eq!(tr.lines().count(), 6);
        assert_eq!(en.lines().count(), 6);
        assert!(en.contains("#3  7 keys  its keys are being"), "{en}");
        assert!(en.contains("#4  7 keys  its master key is not"), "{en}");
        assert!(tr.contains("#5  9 anahtar  geçerli dönem"), "{tr}");
        assert!(!is_settled(&reply));
    }
}
