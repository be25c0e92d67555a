//! Which topic somebody means by what they typed: its name, a part of it, or another word for it, with or without Turkish
//! letters.

use contracts::vocabulary::v1::Attribute;
use tonic::Status;

use crate::{
    register::{Reader, unit_name},
    text::{self, Words},
};

/// The topics, as the page's language names them.
pub(super) struct Topics(Vec<Named>);

struct Named {
    code: String,
    name: String,
    unit: String,
    /// Name and keywords, folded.
    words: String,
    /// What it asks.
    attributes: Vec<Attribute>,
}

/// What was meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    None,
    /// A topic's code.
    One(String),
    /// Codes and names.
    Several(Vec<(String, String)>),
}

impl Topics {
    pub(super) async fn read(register: &Reader, words: Words) -> Result<Self, Status> {
        let units = register.units().await?;
        let topics = register.topics().await?.into_iter().map(|topic| {
            let definition = topic.definition();
            let names = [topic.name.name_tr.as_str(), topic.name.name_en.as_str()];
            let known = names
                .into_iter()
                .chain(definition.keywords.iter().map(String::as_str));
            Named {
                name: text::capital(topic.name.of(words.0), words.0),
                unit: unit_name(&units, &topic.unit, words.0),
                words: known.map(folded).collect::<Vec<_>>().join(" | "),
                attributes: definition.attributes,
                code: topic.code,
            }
        });
        let mut topics: Vec<Named> = topics.collect();
        topics.sort_by_cached_key(|it| text::sort_key(&it.name));
        Ok(Self(topics))
    }

    /// Names with their units; two topics of one name are told apart by the unit.
    pub(super) fn listed(&self) -> Vec<(String, String)> {
        self.0
            .iter()
            .map(|it| (self.shown(it), it.unit.clone()))
            .collect()
    }

    pub(super) fn name(&self, code: &str) -> String {
        let named = self.0.iter().find(|it| it.code == code);
        named.map_or_else(|| code.to_owned(), |it| it.name.clone())
    }

    /// What the topic asks.
    pub(super) fn attributes(&self, code: &str) -> &[Attribute] {
        let named = self.0.iter().find(|it| it.code == code);
        named.map_or(&[], |it| &it.attributes)
    }

    /// The name that means this topic and no other.
    pub(super) fn full_name(&self, code: &str) -> String {
        let named = self.0.iter().find(|it| it.code == code);
        named.map_or_else(|| code.to_owned(), |it| self.shown(it))
    }

    fn shown(&self, topic: &Named) -> String {
        let twins = self.0.iter().filter(|it| it.name == topic.name).count();
        if twins > 1 {
            format!("{} – {}", topic.name, topic.unit)
        } else {
            topic.name.clone()
        }
    }

    pub(super) fn meant(&self, typed: &str) -> Meant {
        let wanted = folded(typed.trim());
        if wanted.is_empty() {
            return Meant::None;
        }
        let exact = self
            .0
            .iter()
            .find(|it| it.code == typed.trim() || folded(&self.shown(it)) == wanted);
        if let Some(topic) = exact {
            return Meant::One(topic.code.clone());
        }
        let fits = |it: &&Named| {
            wanted
                .split_whitespace()
                .all(|word| it.words.contains(word))
        };
        let fitting: Vec<&Named> = self.0.iter().filter(fits).collect();
        match fitting.as_slice() {
            [] => Meant::None,
            [one] => Meant::One(one.code.clone()),
            several => Meant::Several(
                several
                    .iter()
                    .take(8)
                    .map(|it| (it.code.clone(), self.shown(it)))
                    .collect(),
            ),
        }
    }
}

/// Small letters without their marks: what people type on any keyboard.
fn folded(text: &str) -> String {
    let fold = |letter: char| match letter {
        'I' | 'İ' | 'ı' | 'î' | 'Î' => 'i',
        'ş' | 'Ş' => 's',
        'ç' | 'Ç' => 'c',
        'ğ' | 'Ğ' => 'g',
        'ü' | 'Ü' | 'û' | 'Û' => 'u',
        'ö' | 'Ö' => 'o',
        'â' | 'Â' => 'a',
        other => other.to_lowercase().next().unwrap_or(other),
    };
    text.chars().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics() -> Topics {
        let named = |code: &str, name: &str, words: &str| Named {
            code: code.to_owned(),
            name: name.to_owned(),
            unit: "Birim".to_owned(),
            words: folded(words),
            attributes: vec![],
        };
        Topics(vec![
            named("pothole", "Yol çukuru", "yol çukuru | pothole | asfalt"),
            named("paving", "Asfalt talebi", "asfalt talebi | paving"),
            named(
                "heating",
                "Isınma/baca dumanı",
                "ısınma/baca dumanı | smoke",
            ),
        ])
    }

    #[test]
    fn a_topic_is_found_from_any_keyboard() {
        for typed in ["Yol çukuru", "yol cukuru", "YOL ÇUKURU", "cukur", "pothole"] {
            assert_eq!(
                topics().meant(typed),
                Meant::One("pothole".to_owned()),
                "{typed}"
            );
        }
        for typed in ["ısınma", "isinma", "ISINMA", "İSİNMA"] {
            assert_eq!(
                topics().meant(typed),
                Meant::One("heating".to_owned()),
                "{typed}"
            );
        }
    }

    #[test]
    fn what_fits_several_is_asked_about() {
        let Meant::Several(fitting) = topics().meant("asfalt") else {
            panic!("one")
        };
        assert_eq!(fitting.len(), 2);
        assert_eq!(topics().meant("uzay"), Meant::None);
        assert_eq!(topics().meant(" "), Meant::None);
    }
}
