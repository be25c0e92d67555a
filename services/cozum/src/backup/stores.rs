use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chassis::{Clock, config::Hidden};
use ledger::{
    Location, Log, Shelf,
    tree::{Memory, SigningSeed},
};
use vocabulary::Municipality;

/// Appends that may wait: none are made here.
pub(super) const QUEUE: usize = 1;

/// Where a centre keeps what is true, as its own settings say
#[derive(Debug, clap::Args)]
pub(super) struct Stores {
    /// The centre's data folder
    #[arg(long, env = "COZUM_DATA", default_value = "data")]
    data: PathBuf,
    /// Municipalities, separated by commas
    #[arg(long, env = "COZUM_MUNICIPALITIES", default_value = "demo")]
    municipalities: String,
    /// Where the logs are: sqlite:FOLDER or postgres://USER@HOST/DATABASE; by default SQLite in the data folder
    #[arg(
        long,
        env = "COZUM_LEDGER_STORE",
        hide_env_values = true,
        value_name = "URL"
    )]
    ledger_store: Option<Hidden>,
    /// Where the data keys are, sqlite:FILE or postgres://…; by default a file in the data folder
    #[arg(
        long,
        env = "COZUM_VAULT_STORE",
        hide_env_values = true,
        value_name = "URL"
    )]
    vault_store: Option<Hidden>,
    /// File with the key that signs the log; by default the one in the data folder
    #[arg(long, env = "COZUM_SIGNING_KEY_FILE", value_name = "FILE")]
    signing_key_file: Option<PathBuf>,
}

impl Stores {
    pub(super) fn municipalities(&self) -> anyhow::Result<Vec<Municipality>> {
        let read = |it: &str| {
            it.trim()
                .parse()
                .map_err(|problem| anyhow::anyhow!("--municipalities: {problem}"))
        };
        self.municipalities.split(',').map(read).collect()
    }

    /// The logs' store; with `there`, it must hold these.
    pub(super) async fn shelf(&self, there: Option<&[Municipality]>) -> anyhow::Result<Shelf> {
        let location = match &self.ledger_store {
            Some(store) => store
                .expose()
                .parse()
                .map_err(|problem| anyhow::anyhow!("--ledger-store: {problem}"))?,
            None => Location::Sqlite(self.ledger()),
        };
        if let Location::Sqlite(folder) = &location {
            for municipality in there.unwrap_or_default() {
                let file = folder.join(format!("{municipality}.db"));
                anyhow::ensure!(file.exists(), "{} is not there", file.display());
            }
        }
        Shelf::open(&location).await.context("--ledger-store")
    }

    /// The keys' store.
    pub(super) fn keys(&self) -> String {
        let file = self.data.join("intake/vault/keys.db");
        self.vault_store.as_ref().map_or_else(
            || format!("sqlite:{}", file.display()),
            |store| store.expose().to_owned(),
        )
    }

    /// The key that signs, which is only looked at.
    pub(super) fn seed(&self) -> anyhow::Result<SigningSeed> {
        let file = self.signing_key_file.clone();
        let file = file.unwrap_or_else(|| self.ledger().join("signing.key"));
        Ok(SigningSeed::read(&file)?)
    }

    /// Whether there is such a key on this machine.
    pub(super) fn has_seed(&self) -> bool {
        self.signing_key_file.is_some() || self.ledger().join("signing.key").exists()
    }

    /// The checkpoint that was signed here last, if any.
    pub(super) fn remembered(&self, municipality: &Municipality) -> anyhow::Result<Option<String>> {
        let file = self.ledger().join("signed");
        let file = file.join(format!("{municipality}.checkpoint"));
        match std::fs::read_to_string(&file) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| file.display().to_string()),
        }
    }

    /// The signer's memory of a log.
    pub(super) async fn memory(&self, municipality: &Municipality) -> anyhow::Result<Memory> {
        let folder = self.ledger().join("signed");
        Ok(Memory::open(&folder, municipality.as_str()).await?)
    }

    fn ledger(&self) -> PathBuf {
        Path::new(&self.data).join("ledger")
    }
}

/// A log as its store has it; nobody appends to it here.
pub(super) async fn open(shelf: &Shelf, municipality: &Municipality) -> anyhow::Result<Log> {
    let opened = Log::open(shelf, municipality, Clock::System, QUEUE).await;
    let (log, _upkeep) = opened.with_context(|| format!("the log of {municipality}"))?;
    Ok(log)
}
