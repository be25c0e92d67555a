use std::path::{Path, PathBuf};

use chassis::config::{Hidden, Mistakes};
use vault::{MasterKeyError, MasterKeys};

/// Days between two runs of the retention rules where nothing else is said.
pub const DESTROY_EVERY: u32 = 30;
/// The law wants one every six months.
const DESTROY_AT_LEAST_EVERY: u32 = 180;

/// Where the keys to personal data are.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Store of the data keys, postgres://… or sqlite:FILE; by default a file in the data folder
    #[arg(long, env = "COZUM_VAULT_STORE", hide_env_values = true)]
    pub vault_store: Option<Hidden>,
    /// File with the master key: 32 bytes as hexadecimal or base64 text, readable by its owner only; while keys are brought
    /// under a new one, with both, one a line, the newest last
    #[arg(long, env = "COZUM_MASTER_KEY_FILE")]
    pub master_key_file: Option<PathBuf>,
    /// Days between two runs of the retention rules, at most 180 (six months); without a rule nothing is destroyed
    #[arg(long, env = "COZUM_DESTROY_EVERY", value_name = "DAYS", default_value_t = DESTROY_EVERY)]
    pub destroy_every: u32,
    /// Make a master key where there is none: for a laptop, never for a cluster.
    #[arg(skip)]
    pub create_master_key: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            vault_store: None,
            master_key_file: None,
            destroy_every: DESTROY_EVERY,
            create_master_key: false,
        }
    }
}

impl Config {
    /// Notes every mistake that can be seen before anything is opened.
    pub fn check(&self, mistakes: &mut Mistakes) {
        let known = |it: &str| {
            ["postgres://", "postgresql://", "sqlite:"]
                .iter()
                .any(|scheme| it.starts_with(scheme))
        };
        if self
            .vault_store
            .as_ref()
            .is_some_and(|it| !known(it.expose()))
        {
            mistakes.add("--vault-store", "is postgres://… or sqlite:FILE");
        }
        if !(1..=DESTROY_AT_LEAST_EVERY).contains(&self.destroy_every) {
            mistakes.add("--destroy-every", "is 1 to 180 days");
        }
        match &self.master_key_file {
            Some(_) if self.create_master_key => {}
            Some(file) => {
                if let Err(problem) = MasterKeys::read(file) {
                    mistakes.add("--master-key-file", problem);
                }
            }
            None if self.create_master_key => {}
            None => mistakes.add(
                "--master-key-file",
                "is missing: intake seals personal data under it",
            ),
        }
    }

    /// The key store; `data` is the service's own folder.
    pub(crate) fn store(&self, data: &Path) -> String {
        match &self.vault_store {
            Some(store) => store.expose().to_owned(),
            None => format!("sqlite:{}", data.join("vault/keys.db").display()),
        }
    }

    /// The master keys; `data` is the service's own folder.
    pub(crate) fn master_keys(&self, data: &Path) -> Result<MasterKeys, MasterKeyError> {
        let file = self
            .master_key_file
            .clone()
            .unwrap_or_else(|| data.join("master.key"));
        if self.create_master_key {
            MasterKeys::read_or_create(&file)
        } else {
            MasterKeys::read(&file)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_told_at_once() {
        let config = Config {
            vault_store: Some("keys.db:a-password".into()),
            destroy_every: 181,
            ..Config::default()
        };
        let mut mistakes = Mistakes::default();
        config.check(&mut mistakes);
        let told = mistakes.to_string();
        assert!(
            told.contains("--vault-store") && told.contains("--master-key-file"),
            "{told}"
        );
        assert!(told.contains("--destroy-every"), "{told}");
        let told = format!("{told} {config:?}");
        assert!(!told.contains("a-password"), "{told}");
    }

    #[test]
    fn a_laptop_needs_no_settings() {
        let config = Config {
            create_master_key: true,
            ..Config::default()
        };
        let mut mistakes = Mistakes::default();
        config.check(&mut mistakes);
        assert!(mistakes.none());
        assert_eq!(
            config.store(Path::new("/data")),
            "sqlite:/data/vault/keys.db"
        );
    }
}
