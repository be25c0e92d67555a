//! `cozum audit`: takes a log out of a centre, and checks it without trusting the centre.

mod certificate;
mod destruction;
mod download;
mod export;
mod receipt;
mod replay;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use auditor::{Asked, Key, Policy, Report, WitnessKey, is_receipt, verify, verify_receipt};
use chassis::config::Hidden;
use vocabulary::RequestNumber;

pub(crate) use certificate::certificate;
pub(crate) use destruction::certificate as certificate_of_run;

use crate::{
    cli,
    client::{Client, Server},
};

/// Takes the log out, and checks it: its events, its tiles, what was signed, and receipts
#[derive(Debug, clap::Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Writes the whole log into a folder: events, tiles, checkpoints, proofs, the public key
    Export {
        /// A folder that holds nothing yet
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// Checks a bundle, a receipt, a certificate of erasure or of a run of the retention rules, or a running centre; exits with 0 only if all of it holds
    Verify {
        /// A folder that `audit export` wrote, a receipt, a certificate of `erase` or of `retention log`, the URL of a centre (with --token), or that of a published log: URL/log/MUNICIPALITY
        what: String,
        /// The log's public key as it was published, or a file with it; without it, the one that came with the log
        #[arg(long, value_name = "KEY|FILE")]
        key: Option<String>,
        /// A checkpoint that was kept elsewhere; may be given more than once
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// Which logs and witnesses are believed, and how many of these must have cosigned: a file as C2SP tlog-policy has it
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// The public key of a witness that must have cosigned; may be given more than once
        #[arg(long, value_name = "KEY", conflicts_with = "policy")]
        witness: Vec<WitnessKey>,
        /// Token of a municipality, to check the events of a running centre
        #[arg(long, env = "COZUM_TOKEN", hide_env_values = true)]
        token: Option<Hidden>,
    },
    /// Rebuilds a request, a worklist or a report as it was, from the events alone; with --published it exits with 0 only if that is what was published
    Replay(Box<replay::Replay>),
    /// Writes the receipt of a request: that it is in the log, for whoever wants to show it later
    Receipt {
        /// The request's number, e.g. 2026-48120937-8
        number: String,
        /// A file that is not there yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        server: Server,
    },
}

impl Audit {
    /// Runs it; 1 where something does not hold.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Export { out, server } => {
                let client = Client::connect(&server).await?;
                let size = export::export(&client, &out).await?;
                cli::answer(&format!("{size} entries are in {}\n", out.display()))?;
                Ok(ExitCode::SUCCESS)
            }
            What::Replay(replay) => replay.run().await,
            What::Receipt {
                number,
                out,
                server,
            } => {
                let number: RequestNumber = number
                    .parse()
                    .map_err(|it| anyhow::anyhow!("NUMBER: {it}"))?;
                let client = Client::connect(&server).await?;
                let receipt = receipt::receipt(&client, &number).await?;
                let file = fs::File::create_new(&out);
                let mut file = file.with_context(|| format!("--out {}", out.display()))?;
                std::io::Write::write_all(&mut file, receipt.as_bytes())?;
                cli::answer(&format!("the receipt of {number} is {}\n", out.display()))?;
                Ok(ExitCode::SUCCESS)
            }
            What::Verify {
                what,
                key,
                checkpoint,
                policy,
                witness,
                token,
            } => {
                let asked = Asked {
                    key: key.map(|it| read_key(&it)).transpose()?,
                    kept: read_checkpoints(&checkpoint)?,
                    policy: read_policy(policy.as_deref(), witness)?,
                };
                let report = if what.starts_with("http://") || what.starts_with("https://") {
                    let folder = tempfile::tempdir()?;
                    let bundle = folder.path().join("log");
                    if what.contains("/log/") {
                        download::download(&what, &bundle).await?;
                    } else {
                        let server = Server {
                            server: what,
                            token,
                        };
                        let client = Client::connect(&server).await?;
                        export::export(&client, &bundle).await?;
                    }
                    check(&bundle, &asked)?
                } else {
                    check(Path::new(&what), &asked)?
                };
                cli::answer(&report.to_string())?;
                Ok(if report.is_sound() {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                })
            }
        }
    }
}

/// Checks what lies on the disk.
fn check(path: &Path, asked: &Asked) -> anyhow::Result<Report> {
    if path.is_dir() {
        return Ok(verify(path, asked));
    }
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    if certificate::is_certificate(&text) {
        return Ok(certificate::verify(&text, asked));
    }
    if destruction::is_certificate(&text) {
        return Ok(destruction::verify(&text, asked));
    }
    anyhow::ensure!(
        is_receipt(&text),
        "{} is neither a bundle nor a receipt nor a certificate",
        path.display()
    );
    Ok(verify_receipt(&text, asked))
}

fn read_checkpoints(kept: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let read = |it: &PathBuf| {
        fs::read_to_string(it).with_context(|| format!("--checkpoint {}", it.display()))
    };
    kept.iter().map(read).collect()
}

fn read_policy(file: Option<&Path>, witnesses: Vec<WitnessKey>) -> anyhow::Result<Option<Policy>> {
    let Some(file) = file else {
        let some = !witnesses.is_empty();
        return Ok(some.then(|| Policy::all_of(witnesses)));
    };
    let name = || format!("--policy {}", file.display());
    let text = fs::read(file).with_context(name)?;
    Policy::read(&text).map(Some).with_context(name)
}

fn read_key(given: &str) -> anyhow::Result<Key> {
    let text = match given.parse::<Key>() {
        Ok(key) => return Ok(key),
        Err(_) => fs::read_to_string(given).with_context(|| format!("--key {given}"))?,
    };
    text.trim()
        .parse()
        .map_err(|it| anyhow::anyhow!("--key: {it}"))
}
