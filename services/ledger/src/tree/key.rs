//! The secret that signs checkpoints, in a file that nobody else may read.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::hmac;
use transparency::{NotSigned, SigningKey};

/// What a signing key is made of; each log signs under a name of its own.
#[derive(Clone)]
pub struct SigningSeed([u8; 32]);

/// Why there is no signing key.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// No file, or not allowed to read it.
    #[error("the signing key file {0} cannot be read")]
    Unreadable(PathBuf, #[source] io::Error),
    /// Someone else on the machine can read it.
    #[error("the signing key file {0} is open to every user of this machine: chmod 600 it")]
    Exposed(PathBuf),
    /// Not 32 bytes.
    #[error("the signing key file {0} must hold exactly 32 bytes as hexadecimal text")]
    Malformed(PathBuf),
    /// It could not be made.
    #[error("the signing key file {0} cannot be created")]
    Uncreatable(PathBuf, #[source] io::Error),
}

impl fmt::Debug for SigningSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSeed(…)")
    }
}

impl SigningSeed {
    /// Reads an existing file, which nobody but its owner and group may read.
    pub fn read(path: &Path) -> Result<Self, SeedError> {
        let unreadable = |error| SeedError::Unreadable(path.to_owned(), error);
        let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & 0o007 != 0 {
            return Err(SeedError::Exposed(path.to_owned()));
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let seed = decode(text.trim()).ok_or_else(|| SeedError::Malformed(path.to_owned()))?;
        Ok(Self(seed))
    }

    /// Reads the file, after making it with 32 random bytes where there is none.
    pub fn read_or_create(path: &Path) -> Result<Self, SeedError> {
        if !path.exists() {
            create(path).map_err(|error| SeedError::Uncreatable(path.to_owned(), error))?;
        }
        Self::read(path)
    }

    /// A secret for another use, which tells nothing of this one.
    pub(crate) fn derived(&self, usage: &[u8]) -> [u8; 32] {
        let mut derived = [0; 32];
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        derived.copy_from_slice(hmac::sign(&key, usage).as_ref());
        derived
    }

    /// The key of a witness of this name: one of its own, for a name is not in what a witness signs.
    pub fn witness(&self, name: &str) -> Result<SigningKey, NotSigned> {
        let usage = format!("cozum/witness/v1\n{name}");
        SigningKey::of_witness(name, &self.derived(usage.as_bytes()))
    }

    /// The key that signs under a log's origin.
    pub fn key(&self, origin: &str) -> Result<SigningKey, NotSigned> {
        SigningKey::new(origin, &self.0)
    }
}

/// Makes the whole file under another name first, so that nobody ever sees half a key; who comes second reads the first's.
fn create(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|it| !it.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let seed = SigningKey::seed().map_err(io::Error::other)?;
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|it| format!("{it:02x}")).collect() };
    let draft = folder.join(format!(
        ".signing-key-{}",
        hex(&crate::store::random::<8>())
    ));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(format!("{}\n", hex(&seed)).as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    File::open(folder)?.sync_all()?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn decode(text: &str) -> Option<[u8; 32]> {
    let mut seed = [0; 32];
    if text.len() != 64 || !text.bytes().all(|it| it.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in seed.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/signing.key");
        let public = |seed: &SigningSeed| seed.key("o").unwrap().verifier_key();
        let made = SigningSeed::read_or_create(&path).unwrap();
        let again = SigningSeed::read_or_create(&path).unwrap();
        assert_eq!(public(&made), public(&again));
        assert!(!format!("{made:?}").contains(fs::read_to_string(&path).unwrap().trim()));
        let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "no draft stays");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        assert!(matches!(
            SigningSeed::read(&path),
            Err(SeedError::Exposed(_))
        ));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signing.key");
        assert!(matches!(
            SigningSeed::read(&path),
            Err(SeedError::Unreadable(..))
        ));
        for text in ["", "abc", &"g".repeat(64), &"ü".repeat(32)] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(
                matches!(SigningSeed::read(&path), Err(SeedError::Malformed(_))),
                "{text}"
            );
        }
    }
}
