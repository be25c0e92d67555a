use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::{digest, hkdf};
use uuid::Uuid;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{framing::framed, seal::SealingKey};

/// Some dozens of keys; whoever has more has forgotten to destroy them.
const LONGEST: usize = 8192;

/// The key that wraps all data keys in one epoch; only keys derived from it are ever used.
#[derive(Clone)]
pub(crate) struct MasterKey(SealingKey);

/// The master keys of a file, one a line: those of older epochs first, the newest last.
#[derive(Clone)]
pub struct MasterKeys {
    file: PathBuf,
    /// Never empty.
    keys: Vec<MasterKey>,
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// No file, or not allowed to read it.
    #[error("the master key file {0} cannot be read")]
    Unreadable(PathBuf, #[source] io::Error),
    /// Someone else on the machine can read it.
    #[error("the master key file {0} is open to every user of this machine: chmod 600 it")]
    Exposed(PathBuf),
    /// Not 32 bytes.
    #[error(
        "the master key file {0} must hold exactly 32 bytes as hexadecimal or base64 text, one key a line"
    )]
    Malformed(PathBuf),
    /// It could not be made.
    #[error("the master key file {0} cannot be created")]
    Uncreatable(PathBuf, #[source] io::Error),
}

impl MasterKeys {
    /// Reads an existing file, which nobody but its owner and group may read.
    pub fn read(path: &Path) -> Result<Self, MasterKeyError> {
        let unreadable = |error| MasterKeyError::Unreadable(path.to_owned(), error);
        let mut file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode();
        if mode & 0o007 != 0 {
            return Err(MasterKeyError::Exposed(path.to_owned()));
        }
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST));
        io::Read::by_ref(&mut file)
            .take(LONGEST as u64)
            .read_to_end(&mut text)
            .map_err(unreadable)?;
        let lines = text.split(|it| *it == b'\n').map(<[u8]>::trim_ascii);
        let keys = lines.filter(|it| !it.is_empty());
        let keys: Option<Vec<_>> = keys.map(|it| decode(it).map(MasterKey)).collect();
        let keys = keys
            .filter(|it| !it.is_empty())
            .ok_or_else(|| MasterKeyError::Malformed(path.to_owned()))?;
        let file = path.to_owned();
        Ok(Self { file, keys })
    }

    /// Reads the file, after creating it with 32 random bytes where there is none.
    pub fn read_or_create(path: &Path) -> Result<Self, MasterKeyError> {
        if !path.exists() {
            create(path).map_err(|error| MasterKeyError::Uncreatable(path.to_owned(), error))?;
        }
        Self::read(path)
    }

    /// Adds a key that nobody had before as the last line of a file; it is used once its epoch begins.
    pub fn add(path: &Path) -> Result<(), MasterKeyError> {
        Self::read(path)?;
        let add = || {
            let key = SealingKey::random().map_err(io::Error::other)?;
            let text = Zeroizing::new(format!("\n{}\n", hexadecimal(key.bytes())));
            let mut file = OpenOptions::new().append(true).open(path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        add().map_err(|error| MasterKeyError::Uncreatable(path.to_owned(), error))
    }

    /// What the file holds now.
    pub(crate) fn again(&self) -> Result<Self, MasterKeyError> {
        Self::read(&self.file)
    }

    /// The last line.
    pub(crate) fn newest(&self) -> &MasterKey {
        self.keys.last().expect("a file without a key is refused")
    }

    /// The one of which a store has this check value.
    pub(crate) fn checked(&self, check_value: &[u8]) -> Option<&MasterKey> {
        self.keys.iter().find(|it| it.check_value() == check_value)
    }
}

impl MasterKey {
    /// A key for one use, so that no two uses ever meet.
    pub(crate) fn derive(&self, usage: &str) -> SealingKey {
        let info = framed("cozum/master/v1", &[usage.as_bytes()]);
        let mut bytes = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
            .extract(self.0.bytes())
            .expand(&[&info], hkdf::HKDF_SHA256)
            .and_then(|it| it.fill(&mut bytes))
            .expect("32 bytes are within what HKDF gives");
        let key = SealingKey::new(bytes);
        bytes.zeroize();
        key
    }

    /// Tells one master key from another without saying anything about it.
    pub(crate) fn check_value(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.derive("check").bytes()).as_ref()[..16].to_vec()
    }

    #[cfg(test)]
    pub(crate) fn for_tests(bytes: [u8; 32]) -> Self {
        Self(SealingKey::new(bytes))
    }
}

/// Makes the whole file under another name first: whoever starts at the same moment sees no half-written key, and only one wins.
fn create(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|it| !it.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let key = SealingKey::random().map_err(io::Error::other)?;
    let text = Zeroizing::new(format!("{}\n", hexadecimal(key.bytes())));

    let mut name = [0; 16];
    aws_lc_rs::rand::fill(&mut name).map_err(io::Error::other)?;
    let draft = folder.join(format!(".master-key-{}", Uuid::from_bytes(name).simple()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    File::open(folder)?.sync_all()?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn decode(text: &[u8]) -> Option<SealingKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    if text.len() == 64 {
        for (byte, pair) in bytes.iter_mut().zip(text.as_chunks::<2>().0) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        return Some(SealingKey::new(*bytes));
    }
    from_base64(text, &mut bytes).then(|| SealingKey::new(*bytes))
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        b'A'..=b'F' => Some(letter - b'A' + 10),
        _ => None,
    }
}

/// 43 letters of either base64 alphabet and an optional `=`: 258 bits, of which the last two must be zero.
fn from_base64(text: &[u8], bytes: &mut [u8; 32]) -> bool {
    let letters = text.strip_suffix(b"=").unwrap_or(text);
    if letters.len() != 43 {
        return false;
    }
    let (mut bits, mut held, mut at) = (0_u32, 0_u32, 0);
    for letter in letters {
        let Some(value) = sextet(*letter) else {
            return false;
        };
        bits = (bits << 6 | u32::from(value)) & 0x3fff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes[at] = (bits >> held).to_be_bytes()[3];
            at += 1;
        }
    }
    at == 32 && bits & 0b11 == 0
}

fn sextet(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
