use aws_lc_rs::constant_time;
use vocabulary::Municipality;

use crate::{
    access::{Actor, Kind, Scope},
    limits::Whom,
    secret::{hex, sha256},
    staff::KeyRow,
};

const DEMO: &str = "demo";
/// What the holder of a secret without a name is called.
const NAMELESS: &str = "cli";
const SHORTEST: usize = 8;

/// The secrets that let programs in, each known by its hash only.
pub(crate) struct Keys(Vec<Key>);

/// One secret: whose it is, and what its holder is called.
pub(crate) struct Key {
    pub(crate) municipality: Municipality,
    pub(crate) name: String,
    digest: [u8; 32],
}

impl Keys {
    /// Reads `municipality=secret` or `municipality/name=secret`, separated by commas. Never quotes a secret back.
    pub(crate) fn parse(
        text: &str,
        municipalities: &[Municipality],
        demo: bool,
    ) -> Result<Self, Vec<String>> {
        let mut keys = vec![];
        let mut problems = vec![];
        let entries = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        for (index, entry) in entries.enumerate() {
            match Key::parse(entry, municipalities, demo) {
                Ok(key) => keys.push(key),
                Err(problem) => problems.push(format!("entry {}: {problem}", index + 1)),
            }
        }
        if problems.is_empty() {
            Ok(Self(keys))
        } else {
            Err(problems)
        }
    }

    /// The same, or where there are none the secret `demo` for each of these municipalities.
    pub(crate) fn or_demo(self, municipalities: &[Municipality]) -> Self {
        if self.0.is_empty() {
            return Self(
                municipalities
                    .iter()
                    .map(|it| Key::new(it.clone(), DEMO, DEMO))
                    .collect(),
            );
        }
        self
    }

    /// Whether one secret stands for two municipalities.
    pub(crate) fn are_shared(&self) -> bool {
        let shares = |(index, key): (usize, &Key)| {
            self.0[index + 1..]
                .iter()
                .any(|it| it.digest == key.digest && it.municipality != key.municipality)
        };
        self.0.iter().enumerate().any(shares)
    }

    /// Whose secret this is. Takes equally long however much of it is right.
    pub(crate) fn holder(&self, secret: &str) -> Option<&Key> {
        self.find(secret, |_| true)
    }

    /// Whose secret this is, among those of one municipality.
    pub(crate) fn holder_in(&self, municipality: &Municipality, secret: &str) -> Option<&Key> {
        self.find(secret, |it| it.municipality == *municipality)
    }

    fn find(&self, secret: &str, counts: impl Fn(&Key) -> bool) -> Option<&Key> {
        let offered = sha256(secret);
        let mut found = None;
        for key in &self.0 {
            let equal = constant_time::verify_slices_are_equal(&key.digest, &offered).is_ok();
            if equal && counts(key) {
                found = Some(key);
            }
        }
        found
    }
}

impl Key {
    fn new(municipality: Municipality, name: &str, secret: &str) -> Self {
        Self {
            municipality,
            name: name.to_owned(),
            digest: sha256(secret),
        }
    }

    fn parse(entry: &str, municipalities: &[Municipality], demo: bool) -> Result<Self, String> {
        let (owner, secret) = entry
            .split_once('=')
            .ok_or("is not of the form municipality=secret")?;
        let (slug, name) = owner.split_once('/').unwrap_or((owner, NAMELESS));
        let municipality = municipalities
            .iter()
            .find(|it| it.as_str() == slug)
            // What stands there may be half a secret with a comma in it.
            .ok_or("names no municipality that is served here")?;
        if !is_slug(name) {
            return Err("a name has 1 to 64 of a-z, 0-9 and -".to_owned());
        }
        if secret == DEMO && !demo {
            return Err("\"demo\" is allowed with --demo only".to_owned());
        }
        if secret != DEMO && secret.chars().count() < SHORTEST {
            return Err(format!("a secret has at least {SHORTEST} characters"));
        }
        Ok(Self::new(municipality.clone(), name, secret))
    }

    /// Whether its holder was given a name.
    pub(crate) fn is_named(&self) -> bool {
        !matches!(self.name.as_str(), NAMELESS | DEMO)
    }

    /// The secret's hash in hexadecimal: tells its holders apart, and opens nothing.
    pub(crate) fn fingerprint(&self) -> String {
        hex(&self.digest)
    }
}

/// A program that showed its key.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    /// What it may do.
    pub(crate) actor: Actor,
    /// What it is called.
    pub(crate) name: String,
    /// It was given its name in a key of the log, not by the configuration.
    pub(crate) is_issued: bool,
    /// It was given a name at all.
    pub(crate) is_named: bool,
    /// Tells holders apart, and opens nothing.
    pub(crate) fingerprint: String,
}

impl Holder {
    /// Whoever holds a token of the configuration may do what a program can.
    pub(crate) fn of_token(key: &Key) -> Self {
        Self::of_configured(key, Scope::ALL)
    }

    /// Whoever holds an Open311 key of the configuration may file.
    pub(crate) fn of_open311_key(key: &Key) -> Self {
        Self::of_configured(key, &[Scope::File])
    }

    fn of_configured(key: &Key, scopes: &[Scope]) -> Self {
        Self {
            actor: Actor {
                municipality: key.municipality.clone(),
                kind: Kind::Program {
                    key: key.name.clone(),
                    scopes: scopes.iter().copied().collect(),
                    unit: String::new(),
                },
            },
            name: key.name.clone(),
            is_issued: false,
            is_named: key.is_named(),
            fingerprint: key.fingerprint(),
        }
    }

    /// Whoever holds a key that the municipality issued.
    pub(crate) fn of_issued(municipality: &Municipality, key: &KeyRow, digest: &[u8]) -> Self {
        Self {
            actor: Actor {
                municipality: municipality.clone(),
                kind: Kind::Program {
                    key: key.key.clone(),
                    scopes: key.scopes(),
                    unit: key.unit.clone(),
                },
            },
            name: key.key.clone(),
            is_issued: true,
            is_named: true,
            fingerprint: hex(digest),
        }
    }

    /// Whom its calls are counted for.
    pub(crate) fn whom(&self) -> Whom {
        Whom::Key(self.fingerprint.clone())
    }

    /// The unit to whose requests it is bound; empty for none.
    pub(crate) fn unit(&self) -> &str {
        match &self.actor.kind {
            Kind::Program { unit, .. } => unit,
            Kind::Staff { .. } | Kind::Citizen | Kind::Nobody => "",
        }
    }
}

/// 1–64 of `a-z 0-9 -`.
pub(crate) fn is_slug(text: &str) -> bool {
    let letters = text
        .bytes()
        .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    (1..=64).contains(&text.len()) && letters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cities() -> Vec<Municipality> {
        vec!["ova".parse().unwrap(), "koy".parse().unwrap()]
    }

    #[test]
    fn a_secret_opens_its_own_municipality_only() {
        let keys = Keys::parse(
            "ova=sekizden-uzun, koy/fms=baska-bir-anahtar",
            &cities(),
            false,
        )
        .ok()
        .unwrap();
        assert_eq!(
            keys.holder("sekizden-uzun").unwrap().municipality,
            cities()[0]
        );
        assert_eq!(keys.holder("baska-bir-anahtar").unwrap().name, "fms");
        assert!(keys.holder_in(&cities()[1], "sekizden-uzun").is_none());
        assert!(keys.holder("").is_none());
        assert!(keys.holder("sekizden-uzu").is_none());
    }

    #[test]
    fn each_wrong_entry_is_told_without_its_secret() {
        let text = "ova=short1,nowhere=long-enough-secret,long-enough-secret,ova=demo,ova/Ad=long-enough-secret,long-enough=se=cret";
        let problems = Keys::parse(text, &cities(), false).err().unwrap();
        assert_eq!(problems.len(), 6, "{problems:?}");
        assert!(
            problems
                .iter()
                .all(|it| !it.contains("long-enough") && !it.contains("short1")),
            "{problems:?}"
        );
    }

    #[test]
    fn demo_is_a_secret_in_demo_mode_only() {
        assert!(Keys::parse("ova=demo", &cities(), true).is_ok());
        let keys = Keys::parse("", &cities(), true)
            .ok()
            .unwrap()
            .or_demo(&cities());
        assert!(keys.holder_in(&cities()[1], "demo").is_some());
        let own = Keys::parse("ova=sekizden-uzun", &cities(), true)
            .ok()
            .unwrap()
            .or_demo(&cities());
        assert!(own.holder("demo").is_none());
    }

    #[test]
    fn a_token_for_two_municipalities_is_noticed() {
        let text = "ova=sekizden-uzun,koy=sekizden-uzun";
        assert!(
            Keys::parse(text, &cities(), false)
                .ok()
                .unwrap()
                .are_shared()
        );
    }
}
