use std::{fmt, str::FromStr};

use crate::NotAWord;

/// Defines a text type that can hold only what its check lets through.
macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The code as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAWord;

            fn from_str(text: &str) -> Result<Self, NotAWord> {
                $check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

code! {
    /// A municipality, and so a log: 2–32 of `a-z 0-9 -`, starting with a letter. It is part of every key, file and subject.
    Municipality, municipality
}
code! {
    /// A unit in charge: 1–64 letters, digits, spaces and `-_.&/()'`. An imported agency keeps its own word.
    UnitCode, unit
}
code! {
    /// A topic: 1–64 of `a-z 0-9 -`. It is also the Open311 `service_code`, so it never changes.
    TopicCode, topic
}

fn municipality(text: &str) -> Result<(), NotAWord> {
    let problem =
        NotAWord("a municipality has 2 to 32 of a-z, 0-9 and -, and starts with a letter");
    let starts = text.starts_with(|it: char| it.is_ascii_lowercase());
    let length = (2..=32).contains(&text.len());
    if starts && length && text.bytes().all(is_slug) {
        Ok(())
    } else {
        Err(problem)
    }
}

fn unit(text: &str) -> Result<(), NotAWord> {
    let problem = NotAWord("a unit code has 1 to 64 letters, digits, spaces and -_.&/()'");
    let length = (1..=64).contains(&text.chars().count());
    let letters = text
        .chars()
        .all(|it| it.is_alphanumeric() || " -_.&/()'".contains(it));
    if length && letters && text.trim() == text {
        Ok(())
    } else {
        Err(problem)
    }
}

fn topic(text: &str) -> Result<(), NotAWord> {
    let problem = NotAWord("a topic code has 1 to 64 of a-z, 0-9 and -");
    if (1..=64).contains(&text.len()) && text.bytes().all(is_slug) {
        Ok(())
    } else {
        Err(problem)
    }
}

fn is_slug(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_municipality_is_safe_in_a_path_a_subject_and_a_key() {
        assert!("bozkoy-bsb".parse::<Municipality>().is_ok());
        for bad in [
            "",
            "a",
            "Ankara",
            "1x",
            "../x",
            "a.b",
            "a b",
            "çankaya",
            &"x".repeat(33),
        ] {
            assert!(bad.parse::<Municipality>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_imported_agency_keeps_its_word() {
        assert!("Solid Waste".parse::<UnitCode>().is_ok());
        assert!("Fen İşleri".parse::<UnitCode>().is_ok());
        assert!("Mayor's Office".parse::<UnitCode>().is_ok());
        for bad in ["", " x", "a\nb", "<b>", "a\"b"] {
            assert!(bad.parse::<UnitCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_topic_is_safe_in_a_path() {
        assert!("pothole".parse::<TopicCode>().is_ok());
        for bad in ["", "Pothole", "heat/hot-water", "çukur"] {
            assert!(bad.parse::<TopicCode>().is_err(), "{bad}");
        }
    }
}
