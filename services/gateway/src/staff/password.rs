//! Passwords: what makes a good one, and argon2id away from the threads that answer.

use std::{sync::Arc, time::Duration};

use argon2::{
    Argon2, PasswordHasher as _, PasswordVerifier as _, password_hash::phc::PasswordHash,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tonic::Status;

use super::domain::Code;

/// Characters at least, and at most.
pub(crate) const SHORTEST: usize = 10;
const LONGEST: usize = 256;

/// As many are hashed at once: each takes 19 MiB.
const TURNS: usize = 4;
/// How long one may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a password will not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weak {
    TooShort,
    TooLong,
    /// It is the sign-in name, or the name repeated.
    IsTheName,
}

impl Weak {
    /// The key of the text that says so.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::TooShort => "access-password-short",
            Self::TooLong => "access-password-long",
            Self::IsTheName => "access-password-name",
        }
    }
}

/// Whether somebody may have this password. Length is what counts; nothing is said about kinds of characters.
pub(crate) fn check(password: &str, code: &Code) -> Result<(), Weak> {
    let length = password.chars().count();
    if length > LONGEST {
        return Err(Weak::TooLong);
    }
    // A short name twice is as easy to guess as the name.
    let rest = password.to_ascii_lowercase().replace(code.as_str(), "");
    if rest.is_empty() && !password.is_empty() {
        return Err(Weak::IsTheName);
    }
    if length < SHORTEST {
        return Err(Weak::TooShort);
    }
    Ok(())
}

/// Hashes and compares; only so many at once.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// What is compared with where there is no such account, so that the answer takes as long.
    nobody: Arc<str>,
}

impl Passwords {
    pub(crate) async fn new() -> Result<Self, Status> {
        let mut passwords = Self {
            turns: Arc::new(Semaphore::new(TURNS)),
            nobody: "".into(),
        };
        passwords.nobody = passwords
            .hash("nobody has this one".to_owned())
            .await?
            .into();
        Ok(passwords)
    }

    /// The password's hash in PHC form: argon2id, 19 MiB, two passes.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Status> {
        self.away(move || {
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.map(|it| it.to_string())
        })
        .await?
        .map_err(|error| {
            tracing::error!(%error, "a password cannot be hashed");
            Status::internal("a password cannot be hashed")
        })
    }

    /// Whether this is the password of that hash. Without a hash it never is, and takes as long to say so.
    pub(crate) async fn fits(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, Status> {
        let nobody = Arc::clone(&self.nobody);
        self.away(move || {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or(&nobody);
            let fits = PasswordHash::new(hash).is_ok_and(|it| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &it)
                    .is_ok()
            });
            known && fits
        })
        .await
    }

    /// Runs hard work where it holds up nobody.
    async fn away<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let turn = self.turn().await?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await
            .map_err(|_| Status::unavailable("passwords cannot be checked at the moment"))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Status> {
        match timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Status::resource_exhausted(
                "too many sign in at the moment; try again",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_is_not_the_name() {
        let code: Code = "ayse.yilmaz".parse().unwrap();
        assert_eq!(check("kısa", &code), Err(Weak::TooShort));
        assert_eq!(check("Ayse.Yilmaz", &code), Err(Weak::IsTheName));
        assert_eq!(check("ayse.yilmazayse.yilmaz", &code), Err(Weak::IsTheName));
        assert_eq!(check(&"ş".repeat(257), &code), Err(Weak::TooLong));
        assert_eq!(check(&"ş".repeat(128), &code), Ok(()));
        assert_eq!(check("beş mavi at", &code), Ok(()));
    }

    #[tokio::test]
    async fn only_the_same_password_fits_and_hashes_are_argon2id() {
        let passwords = Passwords::new().await.unwrap();
        let hash = passwords.hash("beş mavi at".to_owned()).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let fits = async |password: &str, hash: Option<&String>| {
            passwords
                .fits(password.to_owned(), hash.cloned())
                .await
                .unwrap()
        };
        assert!(fits("beş mavi at", Some(&hash)).await);
        assert!(!fits("beş mavi at ", Some(&hash)).await);
        assert!(!fits("nobody has this one", None).await);
    }
}
