//! `cozum retention`: how long personal data is kept, what is due, and the runs that destroy it.

mod log;
mod rules;
mod told;

use std::{fs, io::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use chassis::{Ids, event};
use contracts::intake::v1::{
    BeginDestructionRequest, PreviewDestructionReply, PreviewDestructionRequest,
    SetRetentionRuleRequest,
};
use jiff::tz::TimeZone;

pub(crate) use rules::{ground_name, spelt};

use crate::{
    audit, cli,
    client::{Client, Server, in_words, patiently},
    history::read_all,
    report::{Format, Tongue},
};

/// Names every rule, and every run, in the log.
const RULES: &str = "retention-rules";
const RUNS: &str = "destructions";

/// How often the end of a run is asked for.
const PAUSE: Duration = Duration::from_millis(500);

/// How long personal data is kept, what is due, and what was destroyed when
#[derive(Debug, clap::Args)]
pub(crate) struct Retention {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Sets how long personal data is kept after a request of a topic was concluded; destroys nothing by itself
    Set {
        #[command(flatten)]
        scope: Scope,
        /// How long, e.g. 2y, 18mo, 90d or 1y6mo
        #[arg(long, value_name = "TIME", value_parser = rules::keep)]
        keep: rules::Time,
        /// Why for that long
        #[arg(long, value_enum)]
        ground: rules::Ground,
        /// Number of the article or the decision; nobody's name
        #[arg(long, value_name = "NUMBER", default_value = "")]
        reference: String,
        #[command(flatten)]
        to: To,
    },
    /// Removes a rule: nothing is destroyed by it any more
    Remove {
        #[command(flatten)]
        scope: Scope,
        #[command(flatten)]
        to: To,
    },
    /// Shows the rules in force, with who set them when
    Show {
        #[command(flatten)]
        to: To,
    },
    /// Destroys what is due by the rules, and tells how many it were; nobody can undo it
    Run {
        /// Only lists what would be destroyed
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        to: To,
    },
    /// Shows what was destroyed when, by which rules
    Log {
        /// Of this run only
        #[arg(long, value_name = "UUID")]
        run: Option<String>,
        /// Writes a certificate of that run into a file that is not there yet; `audit verify` checks it
        #[arg(long, value_name = "FILE", requires = "run")]
        certificate: Option<PathBuf>,
        #[command(flatten)]
        to: To,
    },
}

/// What a rule is for.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Scope {
    /// A topic's code
    #[arg(value_name = "TOPIC")]
    topic: Option<String>,
    /// All topics without a rule of their own, and contacts of which no request came
    #[arg(long)]
    default: bool,
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

impl Retention {
    /// Runs it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Set {
                scope,
                keep,
                ground,
                reference,
                to,
            } => {
                let request = SetRetentionRuleRequest {
                    keep: Some(keep.message()),
                    ground: ground.message().into(),
                    reference,
                    ..scope.request()
                };
                set(request, &to).await?;
            }
            What::Remove { scope, to } => set(scope.request(), &to).await?,
            What::Show { to } => {
                let client = Client::connect(&to.server).await?;
                let events = read_all(&client, RULES).await?;
                let rules = rules::in_force(&events)?;
                cli::answer(&match to.format {
                    Format::Text => rules::text(&rules, to.lang.language())?,
                    Format::Json => rules::json(&rules)?,
                })?;
            }
            What::Run { dry_run: true, to } => {
                let client = Client::connect(&to.server).await?;
                let preview = preview(&client).await?;
                cli::answer(&match to.format {
                    Format::Text => told::text(&preview, to.lang.language())?,
                    Format::Json => told::json(&preview)?,
                })?;
            }
            What::Run { dry_run: false, to } => {
                let client = Client::connect(&to.server).await?;
                let run = destroyed(&client).await?;
                show(&client, Some(&run), &to).await?;
            }
            What::Log {
                run,
                certificate,
                to,
            } => {
                let client = Client::connect(&to.server).await?;
                if let (Some(run), Some(path)) = (&run, &certificate) {
                    let text = audit::certificate_of_run(&client, run).await?;
                    let file = fs::File::create_new(path);
                    let mut file =
                        file.with_context(|| format!("--certificate {}", path.display()))?;
                    file.write_all(text.as_bytes())?;
                }
                show(&client, run.as_deref(), &to).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Scope {
    /// A request that removes the rule.
    fn request(&self) -> SetRetentionRuleRequest {
        SetRetentionRuleRequest {
            command_id: Ids.fresh().to_string(),
            topic: self.topic.clone().unwrap_or_default(),
            ..SetRetentionRuleRequest::default()
        }
    }
}

async fn set(request: SetRetentionRuleRequest, to: &To) -> anyhow::Result<()> {
    let client = Client::connect(&to.server).await?;
    let reply = patiently(|| {
        let (mut intake, request) = (client.intake(), request.clone());
        async move { intake.set_retention_rule(request).await }
    });
    let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
    let reply = reply.into_inner();
    let already = to.lang.say("zaten öyleydi", "was so already");
    let place = match reply.position {
        0 => already.to_owned(),
        position => format!("#{position}"),
    };
    cli::answer(&format!(
        "{place}  {} v{}\n",
        reply.rule, reply.rule_version
    ))
}

/// All that a run would destroy now.
async fn preview(client: &Client) -> anyhow::Result<PreviewDestructionReply> {
    let mut all = PreviewDestructionReply::default();
    loop {
        let request = PreviewDestructionRequest {
            limit: 0,
            after: all.next.clone(),
        };
        let page = patiently(|| {
            let (mut intake, request) = (client.intake(), request.clone());
            async move { intake.preview_destruction(request).await }
        });
        let page = page.await.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
        let page = page.into_inner();
        all.due.extend(page.due);
        all.rules = page.rules;
        all.next = page.next;
        if all.next.is_empty() {
            return Ok(all);
        }
    }
}

/// Has the rules run and waits for the end; gives the run.
async fn destroyed(client: &Client) -> anyhow::Result<String> {
    let request = BeginDestructionRequest {
        command_id: Ids.fresh().to_string(),
    };
    let began = patiently(|| {
        let (mut intake, request) = (client.intake(), request.clone());
        async move { intake.begin_destruction(request).await }
    });
    let began = began.await.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
    let run = began.into_inner().run;
    loop {
        let runs = log::runs(&read_all(client, RUNS).await?)?;
        if runs.iter().any(|it| it.run == run && it.has_ended()) {
            return Ok(run);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn show(client: &Client, run: Option<&str>, to: &To) -> anyhow::Result<()> {
    let mut runs = log::runs(&read_all(client, RUNS).await?)?;
    if let Some(run) = run {
        runs.retain(|it| it.run == run);
        anyhow::ensure!(!runs.is_empty(), "--run: there is no run {run} here");
    }
    cli::answer(&match to.format {
        Format::Text => log::text(&runs, to.lang.language())?,
        Format::Json => log::json(&runs)?,
    })
}

/// A moment of the log as people read it.
pub(crate) fn moment(micros: u64) -> anyhow::Result<String> {
    let zone = TimeZone::get("Europe/Istanbul").context("Europe/Istanbul")?;
    let at = event::timestamp(i64::try_from(micros)?).to_zoned(zone);
    Ok(at.strftime("%Y-%m-%d %H:%M:%S %:z").to_string())
}
