//! Turkish words as the search keeps them and asks for them: in the ASCII letters that people type in a hurry, whole and
//! as stems. `Iğdır'ın`, `IĞDIR` and `igdir` are one word; `çukurlar` and `cukur` share a stem.

use std::collections::HashMap;

use rust_stemmers::{Algorithm, Stemmer};

/// Letters of a word that are looked at; no language has longer ones.
const LONGEST: usize = 64;

/// One word of a text or of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// The whole word.
    pub(super) whole: String,
    /// Its stems, where they differ from it: of the word as it is written, and of it in ASCII letters.
    pub(super) stems: Vec<String>,
}

/// Reads many texts in a row: a word that came before is not stemmed again. What it knows is a citizen's, so it is let go
/// with the texts.
#[derive(Default)]
pub(super) struct Lexicon(HashMap<String, Word>);

impl Lexicon {
    /// `text` as the index keeps it: all words, then all stems, between spaces.
    pub(super) fn kept(&mut self, text: &str) -> (String, String) {
        let stemmer = Stemmer::create(Algorithm::Turkish);
        let (mut whole, mut stems) = (String::new(), String::new());
        each(text, |written| {
            if !self.0.contains_key(written) {
                self.0.insert(written.to_owned(), read(&stemmer, written));
            }
            let Some(word) = self.0.get(written) else {
                return;
            };
            join(&mut whole, &word.whole);
            word.stems.iter().for_each(|it| join(&mut stems, it));
        });
        (whole, stems)
    }
}

fn join(line: &mut String, word: &str) {
    if !line.is_empty() {
        line.push(' ');
    }
    line.push_str(word);
}

/// The words of a text, in order.
pub(super) fn words(text: &str) -> Vec<Word> {
    let stemmer = Stemmer::create(Algorithm::Turkish);
    let mut found = Vec::new();
    each(text, |word| found.push(read(&stemmer, word)));
    found
}

/// One text as the index keeps it.
#[cfg(test)]
pub(super) fn kept(text: &str) -> (String, String) {
    Lexicon::default().kept(text)
}

/// Takes each word of a text, small, in order. What follows an apostrophe is a suffix, and no word.
fn each(text: &str, mut take: impl FnMut(&str)) {
    let (mut word, mut letters, mut suffix) = (String::new(), 0, false);
    for letter in text.chars().flat_map(small).chain([' ']) {
        if is_mark(letter) {
            continue;
        }
        if letter.is_alphanumeric() {
            if !suffix && letters < LONGEST {
                word.push(letter);
                letters += 1;
            }
        } else if is_apostrophe(letter) && (letters > 1 || word.ends_with(char::is_numeric)) {
            suffix = true;
        } else {
            if !word.is_empty() {
                take(&word);
            }
            word.clear();
            (letters, suffix) = (0, false);
        }
    }
}

fn read(stemmer: &Stemmer, word: &str) -> Word {
    let whole: String = word.chars().map(ascii).collect();
    let mut stems = Vec::new();
    if letters_only(word) {
        let of_word: String = stemmer.stem(word).chars().map(ascii).collect();
        let of_ascii = stemmer.stem(&whole).into_owned();
        for stem in [of_word, of_ascii] {
            if stem != whole && stem.chars().count() > 1 && !stems.contains(&stem) {
                stems.push(stem);
            }
        }
    }
    Word { whole, stems }
}

fn letters_only(word: &str) -> bool {
    word.chars().count() > 2 && word.chars().all(char::is_alphabetic)
}

/// A letter's small form, by Turkish rules: I is ı, and İ is i.
fn small(letter: char) -> impl Iterator<Item = char> {
    let turkish = match letter {
        'I' => 'ı',
        'İ' => 'i',
        other => other,
    };
    turkish.to_lowercase()
}

/// Dots and accents that stand on their own, as some keyboards send them.
fn is_mark(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’' | '‘' | 'ʼ' | '`' | '´')
}

fn ascii(letter: char) -> char {
    match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ə' => 'e',
        'ğ' => 'g',
        'ı' | 'ì' | 'í' | 'î' | 'ï' | 'ī' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ş' | 'ș' | 'š' | 'ß' => 's',
        'ù' | 'ú' | 'û' | 'ü' | 'ū' => 'u',
        'ý' | 'ÿ' => 'y',
        'ž' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Vec<String> {
        words(text).into_iter().map(|it| it.whole).collect()
    }

    #[test]
    fn every_spelling_of_a_word_is_one_word() {
        for spelling in [
            "ığdır",
            "IĞDIR",
            "Iğdır",
            "igdir",
            "IGDIR",
            "İĞDİR",
            "Iğdır’ın",
            "i\u{307}g\u{306}dir",
        ] {
            assert_eq!(whole(spelling), ["igdir"], "{spelling}");
        }
        assert_eq!(whole("ÇÖP"), whole("cop"));
        assert_eq!(whole("kâğıt"), ["kagit"]);
    }

    #[test]
    fn words_end_where_letters_and_digits_do() {
        assert_eq!(
            whole("Atatürk Cad. No:12/3, İzmir'e 5'te; a'b"),
            ["ataturk", "cad", "no", "12", "3", "izmir", "5", "a", "b"]
        );
        assert!(whole(" '’\"*()-:^ ").is_empty());
        assert_eq!(whole(&"x".repeat(1_000))[0].len(), LONGEST);
    }

    #[test]
    fn suffixes_leave_the_stem() {
        let stems = |word: &str| words(word).remove(0).stems;
        for word in ["çukurlar", "çukurları", "cukurlar", "ÇUKURLAR"] {
            assert!(
                stems(word).contains(&"cukur".to_owned()),
                "{word}: {:?}",
                stems(word)
            );
        }
        assert!(stems("12").is_empty());
    }
}
