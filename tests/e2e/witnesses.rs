//! Two centres that witness one another: each has the other's word that its log only grew, and who puts back an old state of
//! everything he has is told by the other.

use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use tests::{
    City, eventually,
    open311::Format,
    process::{Cozum, Launch, free_port},
};
use transparency::{Checkpoint, Note, SigningKey, Submission, VerifierKey, digest};

use super::say;

const SOON: Duration = Duration::from_secs(60);

/// A centre in one process, which is started again with other settings.
struct Centre {
    name: &'static str,
    listen: String,
    folder: tempfile::TempDir,
    process: Option<Cozum>,
}

impl Centre {
    fn new(name: &'static str) -> anyhow::Result<Self> {
        Ok(Self {
            name,
            listen: format!("127.0.0.1:{}", free_port()?),
            folder: tempfile::tempdir()?,
            process: None,
        })
    }

    /// Starts it, or starts it again, as a `kill -9` leaves it.
    async fn start(&mut self, settings: &[&str]) -> anyhow::Result<()> {
        self.process = None;
        let data = self.data();
        let tokens = format!("{}={}", self.name, City::token(self.name));
        let keys = format!("{}={}", self.name, City::key(self.name));
        let origin = format!("{}.example/log", self.name);
        let args = [
            ["up", "--listen", &self.listen],
            ["--witnesses-every=1", "--data", &data],
            ["--log-origin", &origin, "--tokens"],
            [&tokens, "--open311-keys", &keys],
        ];
        let args = args
            .concat()
            .into_iter()
            .chain(["--municipalities", self.name]);
        let args = args.chain(settings.iter().copied());
        let ready = format!("{}/readyz", self.base());
        self.process = Some(Launch::new(self.name, args).ready_at(ready).start().await?);
        Ok(())
    }

    fn data(&self) -> String {
        self.folder
            .path()
            .join("data")
            .to_string_lossy()
            .into_owned()
    }

    fn base(&self) -> String {
        format!("http://{}", self.listen)
    }

    fn city(&self) -> anyhow::Result<City> {
        City::new(self.name, &self.base(), &City::token(self.name))
    }

    /// What lies below its log's prefix.
    async fn published(&self, path: &str) -> anyhow::Result<String> {
        let url = format!("{}/log/{}/{path}", self.base(), self.name);
        let answer = reqwest::get(url).await?.error_for_status()?;
        Ok(answer.text().await?)
    }

    async fn key(&self, path: &str) -> anyhow::Result<String> {
        eventually(SOON, &format!("{path} of {}", self.name), async || {
            Ok(self.published(path).await?.trim_end().to_owned())
        })
        .await
    }

    /// Files a request, once the directory is known, and gives its number; the same words again would be the same request.
    async fn file(&self, house: u32) -> anyhow::Result<String> {
        let address = format!("Defter Sk. {house}");
        let filed = [("service_code", "pothole"), ("address_string", &address)];
        eventually(SOON, "a request is filed", async || {
            self.city()?
                .open311()
                .file(&filed, Format::Json)
                .await?
                .number()
        })
        .await
    }

    /// The newest checkpoint that has this witness's word, once it has this many entries.
    async fn cosigned(&self, witness: &VerifierKey, size: u64) -> anyhow::Result<(String, u64)> {
        let what = format!("{} entries of {} are cosigned", size, self.name);
        eventually(SOON, &what, async || {
            let text = self.published("cosigned-checkpoint").await?;
            let note = Note::read(&text)?;
            witness.check(&note)?;
            let seen = note.text.parse::<Checkpoint>()?.size;
            anyhow::ensure!(seen >= size, "{seen}");
            Ok((text.clone(), seen))
        })
        .await
    }

    async fn signed(&self) -> anyhow::Result<u64> {
        let text = self.published("checkpoint").await?;
        Ok(Note::read(&text)?.text.parse::<Checkpoint>()?.size)
    }

    async fn metric(&self, name: &str) -> anyhow::Result<u64> {
        let text = reqwest::get(format!("{}/metrics", self.base()))
            .await?
            .text()
            .await?;
        let line = text
            .lines()
            .find(|it| it.starts_with(name) && it.contains("witness="));
        let value = line
            .and_then(|it| it.rsplit(' ').next())
            .context(name.to_owned())?;
        Ok(value.parse()?)
    }

    /// Asks it as a log does.
    async fn submit(&self, body: &str) -> anyhow::Result<(u16, String, String)> {
        let url = format!("{}/log/{}/witness/add-checkpoint", self.base(), self.name);
        let client = reqwest::Client::builder().no_proxy().build()?;
        let answer = client.post(url).body(body.to_owned()).send().await?;
        let kind = answer.headers().get("content-type");
        let kind = kind
            .map_or("", |it| it.to_str().unwrap_or_default())
            .to_owned();
        Ok((answer.status().as_u16(), kind, answer.text().await?))
    }
}

/// Runs `cozum audit verify <args>`.
async fn verify(args: &[&str]) -> anyhow::Result<(i32, String)> {
    let args = ["audit", "verify"].iter().chain(args);
    let output = Launch::new("audit", args.map(|it| (*it).to_owned()))
        .run()
        .await?;
    let code = output.status.code().context("ended by a signal")?;
    let said = [output.stdout, output.stderr].concat();
    Ok((code, String::from_utf8(said)?))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (entry, to) = (entry?, to.to_owned());
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// What the log's own key would sign, were it in the wrong hands.
fn forged(centre: &Centre, size: u64) -> anyhow::Result<Submission> {
    let seed = fs::read_to_string(Path::new(&centre.data()).join("ledger/signing.key"))?;
    let seed = chassis::cloudevents::unhex(seed.trim()).context("hexadecimal")?;
    let seed = <[u8; 32]>::try_from(seed).map_err(|_| anyhow::anyhow!("32 bytes"))?;
    let origin = format!("{0}.example/log/{0}", centre.name);
    let checkpoint = Checkpoint {
        origin: origin.clone(),
        size,
        root: [7; 32],
    };
    Ok(Submission {
        old: size,
        proof: vec![],
        checkpoint: SigningKey::new(&origin, &seed)?.sign(&checkpoint.to_string()),
    })
}

#[tokio::test]
async fn two_cities_witness_one_another() -> anyhow::Result<()> {
    let (mut ova, mut koy) = (Centre::new("ova")?, Centre::new("koy")?);
    tokio::try_join!(ova.start(&[]), koy.start(&[]))?;
    let (of_ova, of_koy) = (ova.key("key").await?, koy.key("key").await?);
    ova.start(&["--witnessed-logs", &of_koy]).await?;
    let by_ova = ova.key("witness/key").await?;
    let at_ova = format!("{by_ova}={}/log/ova/witness", ova.base());
    koy.start(&["--witnessed-logs", &of_ova, "--witnesses", &at_ova])
        .await?;
    let by_koy = koy.key("witness/key").await?;
    let at_koy = format!("{by_koy}={}/log/koy/witness", koy.base());
    let settings = ["--witnessed-logs", &of_koy, "--witnesses", &at_koy];
    ova.start(&settings).await?;
    let (ovas, koys): (VerifierKey, VerifierKey) = (by_ova.parse()?, by_koy.parse()?);
    koy.cosigned(&ovas, 1).await?;
    let (_, before) = ova.cosigned(&koys, 1).await?;

    // A copy of everything: the log, its signer's memory, the keys.
    ova.process = None;
    let kept = ova.folder.path().join("kept");
    copy(Path::new(&ova.data()), &kept)?;
    ova.start(&settings).await?;

    // While the witness is away everything goes on; it catches up.
    let koys_settings = [
        "--witnessed-logs",
        of_ova.as_str(),
        "--witnesses",
        at_ova.as_str(),
    ];
    koy.process = None;
    let number = ova.file(7).await?;
    let position = ova.city()?.history(&number).await?[0].position;
    eventually(SOON, "it is signed", async || {
        anyhow::ensure!(ova.signed().await? >= position);
        Ok(())
    })
    .await?;
    koy.start(&koys_settings).await?;
    let (text, seen) = ova.cosigned(&koys, position.max(before + 1)).await?;
    assert_eq!(ova.metric("cozum_ledger_witness_refuses").await?, 0);
    assert!(ova.metric("cozum_ledger_cosigned_age_seconds").await? < 3600);

    a_stranger_is_told(&ova, &of_ova, &by_koy, &by_ova, &number).await?;
    the_witness_answers_as_it_must(&ova, &koy, &koys, (&text, seen)).await?;

    // All of it is put back as it was, and goes on in another way: nobody here can tell, the witness can.
    ova.process = None;
    fs::remove_dir_all(ova.data())?;
    copy(&kept, Path::new(&ova.data()))?;
    ova.start(&settings).await?;
    eventually(SOON, "the witness refuses", async || {
        anyhow::ensure!(ova.metric("cozum_ledger_witness_refuses").await? == 1);
        Ok(())
    })
    .await?;
    for house in 10..20 {
        ova.file(house).await?;
    }
    let grown = eventually(SOON, "it is longer than it was", async || {
        let signed = ova.signed().await?;
        anyhow::ensure!(signed > seen, "{signed}");
        Ok(signed)
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(
        ova.metric("cozum_ledger_witness_refuses").await?,
        1,
        "though it is longer now"
    );
    let newest = ova.published("cosigned-checkpoint").await?;
    let newest = Note::read(&newest)?.text.parse::<Checkpoint>()?.size;
    assert!(newest < seen && seen < grown, "{newest} {seen} {grown}");
    Ok(())
}

/// Whoever knows the witness's key needs nobody's word.
async fn a_stranger_is_told(
    ova: &Centre,
    of_ova: &str,
    by_koy: &str,
    by_ova: &str,
    number: &str,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let policy = format!("log {of_ova}\nwitness koy {by_koy}\nquorum koy\n");
    fs::write(path("policy"), policy)?;
    let strange = format!("witness ova {by_ova}\nquorum ova\n");
    fs::write(path("strange"), strange)?;
    let city = ova.city()?;
    let said = say(&city, &["audit", "export", "--out", &path("log")]).await?;
    assert_eq!(said.code, 0, "{}", said.err);
    let said = say(
        &city,
        &["audit", "receipt", number, "--out", &path("receipt")],
    )
    .await?;
    assert_eq!(said.code, 0, "{}", said.err);
    let published = format!("{}/log/ova", ova.base());
    for what in [published.as_str(), &path("log"), &path("receipt")] {
        for ask in [["--policy", &path("policy")], ["--witness", by_koy]] {
            let (code, said) = verify(&[what, ask[0], ask[1], "--key", of_ova]).await?;
            assert_eq!(code, 0, "{what} {said}");
            assert!(said.contains("koy.example/log/koy/witness saw"), "{said}");
        }
        let (code, said) = verify(&[what, "--policy", &path("strange")]).await?;
        assert_eq!(code, 1, "{what} {said}");
        assert!(said.contains("as many witnesses"), "{said}");
        let (code, said) = verify(&[what]).await?;
        assert!(
            code == 0 && said.contains("no witness was asked for"),
            "{said}"
        );
    }
    Ok(())
}

/// Each answer of tlog-witness; what was cosigned is still known after a `kill -9`.
async fn the_witness_answers_as_it_must(
    ova: &Centre,
    koy: &Centre,
    koys: &VerifierKey,
    (newest, seen): (&str, u64),
) -> anyhow::Result<()> {
    let hash = digest(&[b"ova.example/log/ova"]);
    let hash = chassis::cloudevents::hex(&hash);
    let monitored = koy.published(&format!("witness/{hash}/checkpoint")).await?;
    let note = Note::read(&monitored)?;
    koys.check(&note)?;
    let size = note.text.parse::<Checkpoint>()?.size;
    assert!(size >= seen && note.signers().count() == 2, "{monitored}");

    let first = Submission {
        old: 0,
        proof: vec![],
        checkpoint: newest.to_owned(),
    };
    let (status, kind, body) = koy.submit(&first.to_string()).await?;
    assert_eq!((status, kind.as_str()), (409, "text/x.tlog.size"));
    let known: u64 = body.trim_end().parse()?;
    assert!(known >= size && body.ends_with('\n'), "{body}");
    let fork = forged(ova, known)?;
    assert_eq!(
        koy.submit(&fork.to_string()).await?.0,
        422,
        "another root of the same size"
    );
    let longer = Submission {
        old: known,
        proof: vec![[1; 32]],
        ..forged(ova, known + 9)?
    };
    assert_eq!(koy.submit(&longer.to_string()).await?.0, 422);
    let rolled_back = Submission {
        old: known,
        ..forged(ova, known - 1)?
    };
    assert_eq!(koy.submit(&rolled_back.to_string()).await?.0, 400);
    let strange = fork.to_string().replace("ova.example", "iki.example");
    assert_eq!(koy.submit(&strange).await?.0, 404);
    let unsigned = newest.replacen(&seen.to_string(), &(seen + 1).to_string(), 1);
    let unsigned = Submission {
        checkpoint: unsigned,
        ..first
    };
    assert_eq!(koy.submit(&unsigned.to_string()).await?.0, 403);
    for malformed in ["", "old 1\n", &format!("new{fork}"), &"x".repeat(300 << 10)] {
        assert_eq!(koy.submit(malformed).await?.0, 400);
    }
    let nobody = koy
        .published(&format!("witness/{}/checkpoint", "0".repeat(64)))
        .await;
    assert!(nobody.is_err(), "nothing of this log was cosigned");
    Ok(())
}
