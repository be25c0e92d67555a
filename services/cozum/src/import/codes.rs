//! Codes for what an export names only by words.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use vocabulary::{TopicCode, UnitCode};

const LONGEST: usize = 64;

/// Lower-case ASCII letters and digits with single hyphens; Turkish letters lose their marks.
#[must_use]
pub fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in text.chars() {
        let plain = match letter {
            'ç' | 'Ç' => 'c',
            'ğ' | 'Ğ' => 'g',
            'ı' | 'İ' => 'i',
            'ö' | 'Ö' => 'o',
            'ş' | 'Ş' => 's',
            'ü' | 'Ü' => 'u',
            other => other.to_ascii_lowercase(),
        };
        if plain.is_ascii_alphanumeric() {
            slug.push(plain);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// A topic code for each name: the source and the name's slug; names with the same slug are told apart by a short hash, which
/// depends on the set of names alone and not on their order in the file.
#[must_use]
pub fn topics(source: &str, names: &BTreeSet<String>) -> BTreeMap<String, TopicCode> {
    distinct(names, |name| {
        let slug = slug(name);
        if slug.is_empty() {
            source.to_owned()
        } else {
            format!("{source}-{slug}")
        }
    })
}

/// A unit code for each word: the word itself where it can be one, else its slug.
#[must_use]
pub fn units(source: &str, words: &BTreeSet<String>) -> BTreeMap<String, UnitCode> {
    let (verbatim, others): (BTreeSet<String>, BTreeSet<String>) = words
        .iter()
        .cloned()
        .partition(|word| word.parse::<UnitCode>().is_ok());
    let mut codes: BTreeMap<String, UnitCode> =
        distinct(&others, |word| format!("{source}-{}", slug(word)));
    codes.extend(
        verbatim
            .into_iter()
            .filter_map(|word| word.parse().ok().map(|code| (word, code))),
    );
    codes
}

fn distinct<C>(names: &BTreeSet<String>, base: impl Fn(&str) -> String) -> BTreeMap<String, C>
where
    C: std::str::FromStr<Err: std::fmt::Debug>,
{
    let mut taken = BTreeSet::new();
    let mut codes = BTreeMap::new();
    for name in names {
        let mut code = base(name).trim_matches('-').to_owned();
        if code.len() > LONGEST || !taken.insert(code.clone()) {
            let hash = Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
                .simple()
                .to_string();
            code.truncate(LONGEST - 9);
            code = format!("{}-{}", code.trim_end_matches('-'), &hash[..8]);
            taken.insert(code.clone());
        }
        codes.insert(
            name.clone(),
            code.parse()
                .expect("a slug of at most 64 characters is a code"),
        );
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn a_slug_is_plain() {
        assert_eq!(slug("HEAT/HOT WATER"), "heat-hot-water");
        assert_eq!(slug("  Iğdır — ŞİKÂYET  (çöp) "), "igdir-sik-yet-cop");
        assert_eq!(slug("§§"), "");
    }

    #[test]
    fn names_with_the_same_slug_get_different_codes() {
        let names = set(&[
            "HEAT/HOT WATER",
            "Heat hot water",
            "Heat (hot) water",
            "Noise",
        ]);
        let codes = topics("nyc-311", &names);
        assert_eq!(codes["Noise"].as_str(), "nyc-311-noise");
        let different: BTreeSet<_> = codes.values().collect();
        assert_eq!(different.len(), names.len());
        assert_eq!(
            codes,
            topics("nyc-311", &names),
            "the same names give the same codes"
        );
    }

    #[test]
    fn a_long_or_a_strange_name_still_gets_a_code() {
        let long = "very ".repeat(40);
        let names = set(&[&long, "水", "火", "-"]);
        let codes = topics("x", &names);
        assert_eq!(codes.len(), 4);
        assert!(codes.values().all(|code| code.as_str().len() <= LONGEST));
    }

    #[test]
    fn an_agency_keeps_its_word_where_it_can() {
        let codes = units("x", &set(&["NYPD", "Mayor's Office", "Parks + Water"]));
        assert_eq!(codes["NYPD"].as_str(), "NYPD");
        assert_eq!(codes["Mayor's Office"].as_str(), "Mayor's Office");
        assert_eq!(codes["Parks + Water"].as_str(), "x-parks-water");
    }
}
