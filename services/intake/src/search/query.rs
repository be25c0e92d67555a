//! What people type into the search field. Nothing they type is an error: what means nothing finds nothing.

use vocabulary::RequestNumber;

use super::words::{Word, words};
use crate::people;

/// Words of a query that are looked at.
const WORDS: usize = 16;
/// Letters of a query that are looked at.
const LETTERS: usize = 500;
/// Digits that are enough to look for a part of a number or the end of a phone.
const DIGITS: usize = 4;

/// A query, read in every way that it can be meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Query {
    /// All of these are in what is found.
    pub(super) elements: Vec<Element>,
    /// A whole request number.
    pub(super) number: Option<RequestNumber>,
    /// Digits that a number may have in it.
    pub(super) digits: Option<String>,
    pub(super) reach: Vec<Reach>,
}

/// A word or a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Element {
    Word {
        word: Word,
        /// The person may still be typing it.
        open: bool,
        /// Words of the index that begin with it.
        longer: Vec<String>,
    },
    /// These words in a row.
    Phrase(Vec<String>),
}

/// How somebody can be reached, as the blind index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

impl Query {
    pub(super) fn read(text: &str) -> Self {
        let text: String = text.chars().take(LETTERS).collect();
        let digits = digits(&text);
        Self {
            elements: elements(&text),
            number: text.parse().ok(),
            reach: reach(&text, digits.as_deref()),
            digits,
        }
    }

    /// Whether some words must stand in a row.
    pub(super) fn has_phrase(&self) -> bool {
        let mut elements = self.elements.iter();
        elements.any(|it| matches!(it, Element::Phrase(_)))
    }

    /// The expression for the full-text index; `None` where nothing is asked of it. Only letters and digits get into it.
    pub(super) fn expression(&self, people: bool) -> Option<String> {
        let name = if people { " name" } else { "" };
        let each: Vec<String> = self
            .elements
            .iter()
            .map(|it| match it {
                Element::Word { word, longer, .. } => {
                    let forms: Vec<String> = [&word.whole]
                        .into_iter()
                        .chain(&word.stems)
                        .chain(longer)
                        .map(|it| format!("\"{it}\""))
                        .collect();
                    format!("{{words stems place{name}}} : ({})", forms.join(" OR "))
                }
                Element::Phrase(words) => {
                    format!("{{words place{name}}} : \"{}\"", words.join(" "))
                }
            })
            .collect();
        (!each.is_empty()).then(|| each.join(" AND "))
    }
}

fn elements(text: &str) -> Vec<Element> {
    let mut found = Vec::new();
    let mut left = WORDS;
    for (at, part) in text.split('"').enumerate() {
        let mut part_words = words(part);
        part_words.truncate(left);
        left -= part_words.len();
        if at % 2 == 1 {
            if !part_words.is_empty() {
                found.push(Element::Phrase(
                    part_words.into_iter().map(|it| it.whole).collect(),
                ));
            }
        } else {
            found.extend(part_words.into_iter().map(|word| Element::Word {
                word,
                open: false,
                longer: Vec::new(),
            }));
        }
    }
    if let Some(Element::Word { word, open, .. }) = found.last_mut() {
        *open = text.ends_with(char::is_alphanumeric) && word.whole.chars().count() > 1;
    }
    found
}

/// The digits of a text that is nothing but digits and what people put between them.
fn digits(text: &str) -> Option<String> {
    let between = |it: &char| matches!(it, ' ' | '-' | '.' | '/' | '(' | ')' | '+' | '\u{a0}');
    let digits: String = text.chars().filter(|it| !between(it)).collect();
    let good =
        (DIGITS..=17).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    good.then_some(digits)
}

fn reach(text: &str, digits: Option<&str>) -> Vec<Reach> {
    let mut found = Vec::new();
    if let Ok(email) = people::email(text.trim()) {
        found.push(email_reach(email.reveal()));
    }
    if digits.is_some()
        && let Ok(phone) = people::phone(text)
    {
        found.push(Reach {
            kind: "phone",
            text: phone.reveal().to_owned(),
        });
    }
    if let Some(digits) = digits.filter(|it| it.len() < 10) {
        found.push(Reach {
            kind: "phone-end",
            text: digits.to_owned(),
        });
    }
    found
}

/// An e-mail address, whose letter case means nothing in practice.
pub(super) fn email_reach(email: &str) -> Reach {
    Reach {
        kind: "email",
        text: email.to_ascii_lowercase(),
    }
}

/// A phone in E.164, and its last digits.
pub(super) fn phone_reach(phone: &str) -> Vec<Reach> {
    let whole = Reach {
        kind: "phone",
        text: phone.to_owned(),
    };
    let ends = (DIGITS..10).filter_map(|count| {
        let start = phone.len().checked_sub(count)?;
        Some(Reach {
            kind: "phone-end",
            text: phone.get(start..)?.to_owned(),
        })
    });
    [whole].into_iter().chain(ends).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is typed, only quoted letters and digits reach the index.
        #[test]
        fn nothing_typed_is_an_error(text in any::<String>(), people in any::<bool>()) {
            let query = Query::read(&text);
            for element in &query.elements {
                let forms: Vec<&String> = match element {
                    Element::Word { word, .. } => [&word.whole].into_iter().chain(&word.stems).collect(),
                    Element::Phrase(words) => words.iter().collect(),
                };
                for form in forms {
                    prop_assert!(!form.is_empty() && form.chars().all(char::is_alphanumeric), "{form:?}");
                }
            }
            prop_assert_eq!(query.expression(people).is_none(), query.elements.is_empty());
        }
    }

    #[test]
    fn a_query_is_read_in_every_way_it_can_be_meant() {
        let number = RequestNumber::new(2026, 48_120_937);
        let whole = Query::read(number.as_str());
        assert_eq!(whole.number, Some(number));
        assert_eq!(Query::read("4812 0937").digits.as_deref(), Some("48120937"));
        for phone in ["0532 123 45 67", "+90 (532) 123-45-67", "5321234567"] {
            let found = Query::read(phone).reach;
            assert!(
                found.contains(&Reach {
                    kind: "phone",
                    text: "+905321234567".to_owned()
                }),
                "{phone}"
            );
        }
        assert_eq!(
            Query::read("45 67").reach[0],
            Reach {
                kind: "phone-end",
                text: "4567".to_owned()
            }
        );
        assert_eq!(
            Query::read(" Ayse@Example.com ").reach,
            [email_reach("ayse@example.com")]
        );
        assert!(Query::read("567").reach.is_empty() && Query::read("çukur 4567").digits.is_none());
    }

    #[test]
    fn a_phone_is_found_by_its_last_digits() {
        let kept = phone_reach("+905321234567");
        for typed in ["+905321234567", "4567", "34567", "123 45 67"] {
            assert!(
                Query::read(typed).reach.iter().any(|it| kept.contains(it)),
                "{typed}"
            );
        }
    }

    #[test]
    fn only_the_last_word_may_be_unfinished() {
        let open = |text: &str| {
            let each = Query::read(text).elements.into_iter();
            each.map(|it| matches!(it, Element::Word { open: true, .. }))
                .collect::<Vec<_>>()
        };
        assert_eq!(open("derin çuk"), [false, true]);
        assert_eq!(open("derin çuk "), [false, false]);
        assert_eq!(open("\"derin çuk\""), [false]);
        assert_eq!(open("ç"), [false]);
    }
}
