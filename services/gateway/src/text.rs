//! The two languages of the portal and of Open311, and how dates are written in them.

use std::{borrow::Cow, collections::HashMap};

use fluent_templates::{LanguageIdentifier, Loader as _, langid};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use vocabulary::Language;

fluent_templates::static_loader! {
    static TEXTS = {
        locales: "./locales",
        fallback_language: "tr",
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

static TURKISH: LanguageIdentifier = langid!("tr");
static ENGLISH: LanguageIdentifier = langid!("en");

/// The municipality's time zone.
pub(crate) fn zone() -> TimeZone {
    clocks::istanbul()
}

/// The texts in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Language);

impl Words {
    /// A text by its key.
    pub(crate) fn get(self, key: &str) -> String {
        TEXTS.lookup(self.id(), key)
    }

    /// A text by its key, with values in it.
    pub(crate) fn with<const N: usize>(
        self,
        key: &str,
        values: [(&'static str, &str); N],
    ) -> String {
        let values: HashMap<Cow<'static, str>, _> = values
            .into_iter()
            .map(|(name, value)| (Cow::Borrowed(name), value.into()))
            .collect();
        TEXTS.lookup_with_args(self.id(), key, &values)
    }

    fn id(self) -> &'static LanguageIdentifier {
        match self.0 {
            Language::Tr => &TURKISH,
            Language::En => &ENGLISH,
        }
    }
}

/// The language of a `lang` parameter.
pub(crate) fn named(code: &str) -> Option<Language> {
    code.get(..2)
        .and_then(|it| it.to_ascii_lowercase().parse().ok())
}

/// The language that an `Accept-Language` header likes best; Turkish where it likes neither.
pub(crate) fn preferred(accept: &str) -> Language {
    let mut best = (Language::Tr, 0.0);
    for part in accept.split(',') {
        let (tag, quality) = part.split_once(";q=").unwrap_or((part, "1"));
        let quality: f32 = quality.trim().parse().unwrap_or(0.0);
        if let Some(language) = named(tag.trim()).filter(|_| quality > best.1) {
            best = (language, quality);
        }
    }
    best.0
}

/// "2026-10-05T14:03:09+03:00": whole seconds and an offset.
pub(crate) fn iso(micros: i64) -> String {
    let at = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone())
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// The first and the last microsecond of a day.
pub(crate) fn day_bounds(day: Date) -> Option<(i64, i64)> {
    let first = day.to_zoned(zone()).ok()?;
    let next = day.tomorrow().ok()?.to_zoned(zone()).ok()?;
    let last = next.timestamp().as_microsecond() - 1;
    Some((first.timestamp().as_microsecond(), last))
}

/// The end of a day, as [`iso`] writes it; `None` for what is no date.
pub(crate) fn end_of_day(date: &str) -> Option<String> {
    let date: Date = date.parse().ok()?;
    let end = date.at(23, 59, 59, 0).to_zoned(zone()).ok()?;
    Some(iso(end.timestamp().as_microsecond()))
}

/// A moment as people write it.
pub(crate) fn moment(micros: i64, language: Language) -> String {
    let at = Timestamp::from_microsecond(micros)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone());
    let format = match language {
        Language::Tr => "%d.%m.%Y %H:%M",
        Language::En => "%-d %b %Y %H:%M",
    };
    at.strftime(format).to_string()
}

/// A day as people write it.
pub(crate) fn day(date: &str, language: Language) -> String {
    let format = match language {
        Language::Tr => "%d.%m.%Y",
        Language::En => "%-d %b %Y",
    };
    date.parse::<Date>()
        .map_or_else(|_| date.to_owned(), |it| it.strftime(format).to_string())
}

/// The text with a capital at its beginning; a Turkish i keeps its dot.
pub(crate) fn capital(text: &str, language: Language) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some('i') if language == Language::Tr => format!("İ{}", letters.as_str()),
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Orders texts as a Turkish dictionary does.
pub(crate) fn sort_key(text: &str) -> Vec<u32> {
    const LETTERS: &str = "abcçdefgğhıijklmnoöpqrsştuüvwxyz";
    let lower = |it: char| match it {
        'I' => 'ı',
        'İ' => 'i',
        other => other.to_lowercase().next().unwrap_or(other),
    };
    let place = |it: char| {
        LETTERS
            .chars()
            .zip(0x100..)
            .find(|(letter, _)| *letter == it)
            .map(|(_, place)| place)
    };
    text.chars()
        .map(lower)
        .map(|it| place(it).unwrap_or(it.into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_language_it_likes_best() {
        assert_eq!(preferred(""), Language::Tr);
        assert_eq!(preferred("en-GB,en;q=0.9"), Language::En);
        assert_eq!(preferred("de, en;q=0.5, tr;q=0.7"), Language::Tr);
        assert_eq!(preferred("fr"), Language::Tr);
    }

    #[test]
    fn times_have_an_offset_and_whole_seconds() {
        assert_eq!(iso(1_760_000_000_123_456), "2025-10-09T11:53:20+03:00");
        assert_eq!(
            end_of_day("2026-12-01").as_deref(),
            Some("2026-12-01T23:59:59+03:00")
        );
        assert_eq!(end_of_day("soon"), None);
    }

    #[test]
    fn a_turkish_i_keeps_its_dot() {
        assert_eq!(capital("iri eşya", Language::Tr), "İri eşya");
        assert_eq!(capital("illegal cutting", Language::En), "Illegal cutting");
        assert_eq!(capital("", Language::Tr), "");
    }

    #[test]
    fn turkish_letters_stand_in_their_place() {
        let mut names = [
            "Zabıta", "Çevre", "Ispanak", "İtfaiye", "Cadde", "Şehir", "Su", "Dere",
        ];
        names.sort_by_key(|it| sort_key(it));
        assert_eq!(
            names,
            [
                "Cadde", "Çevre", "Dere", "Ispanak", "İtfaiye", "Su", "Şehir", "Zabıta"
            ]
        );
    }

    #[test]
    fn both_languages_have_the_same_texts() {
        let texts = |language: &str| {
            let folder = format!("{}/locales/{language}", env!("CARGO_MANIFEST_DIR"));
            let files = std::fs::read_dir(folder).unwrap();
            let texts = files.map(|it| std::fs::read_to_string(it.unwrap().path()).unwrap());
            texts.collect::<Vec<String>>().join("\n")
        };
        let keys = |texts: &str| {
            let keys = texts.lines().filter_map(|it| it.split_once(" ="));
            keys.map(|(key, _)| key.to_owned())
                .filter(|it| !it.starts_with([' ', '#']))
                .collect::<std::collections::BTreeSet<_>>()
        };
        let turkish = texts("tr");
        assert_eq!(keys(&turkish), keys(&texts("en")));
        let names = turkish
            .split("{ $")
            .skip(1)
            .filter_map(|it| it.split(' ').next());
        let values: HashMap<Cow<'static, str>, _> = names
            .map(|it| (Cow::Owned(it.to_owned()), "x".into()))
            .collect();
        for key in keys(&turkish) {
            for language in [&TURKISH, &ENGLISH] {
                let text = TEXTS.lookup_with_args(language, &key, &values);
                assert!(!text.contains("Unknown localization"), "{key}");
            }
        }
    }
}
