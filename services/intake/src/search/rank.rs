//! Which of the found comes first: how much of it is what was asked for, and how new it is.
//!
//! BM25 without its weight for rare words: each hit has every word that was asked for, so that weight orders nothing, and
//! counting a common word in a million requests would take longer than the rest of the search.

use super::query::{Element, Query};

/// One row of the index, as it keeps its words.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub(super) struct Row {
    /// The request, by the position of its registration.
    pub(super) id: i64,
    pub(super) number: String,
    /// When it was registered, microseconds since 1970.
    pub(super) at: i64,
    pub(super) words: String,
    pub(super) stems: String,
    pub(super) place: String,
    pub(super) name: String,
}

/// A row that has all that was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Match {
    pub(super) weight: f64,
    /// Where: "words", "place" or "name".
    pub(super) matched: &'static str,
}

/// The words of a text that is this long or so are of average weight.
const AVERAGE: f64 = 30.0;
/// A stem or a longer word is worth so much of the word itself.
const ALIKE: f64 = 0.6;
/// After this many days, half of what newness is worth is gone.
const FADING: f64 = 120.0;

/// How well a row fits; `None` where something of the query is not in it.
pub(super) fn fit(query: &Query, row: &Row, people: bool) -> Option<Match> {
    let words = Column::of(&row.words);
    let stems = Column::of(&row.stems);
    let place = Column::of(&row.place);
    let name = Column::of(if people { &row.name } else { "" });
    #[expect(
        clippy::cast_precision_loss,
        reason = "a text has a few thousand words"
    )]
    let length = 1.2 * (0.25 + 0.75 * words.0.len() as f64 / AVERAGE);
    let saturated = |count: f64| count * 2.2 / (count + length);
    let (mut weight, mut in_words, mut in_name) = (0.0, false, false);
    for element in &query.elements {
        let in_text = words.count(element).max(stems.count(element));
        let (in_place, named) = (place.count(element), name.count(element));
        if in_text + in_place + named <= 0.0 {
            return None;
        }
        weight += saturated(in_text) + 0.8 * saturated(in_place) + 1.2 * saturated(named);
        in_words |= in_text > 0.0;
        in_name |= in_text + in_place <= 0.0;
    }
    let matched = if in_name {
        "name"
    } else if in_words {
        "words"
    } else {
        "place"
    };
    Some(Match { weight, matched })
}

/// What newness is worth, against the newest of the found.
pub(super) fn newness(at: i64, newest: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "days, not microseconds, matter")]
    let days = newest.saturating_sub(at).max(0) as f64 / 86_400e6;
    0.5 + 0.5 * (-days / FADING).exp2()
}

struct Column<'a>(Vec<&'a str>);

impl<'a> Column<'a> {
    fn of(text: &'a str) -> Self {
        Self(text.split(' ').filter(|it| !it.is_empty()).collect())
    }

    /// How often it has an element; what is only alike counts less.
    fn count(&self, element: &Element) -> f64 {
        match element {
            Element::Word { word, open, .. } => self
                .0
                .iter()
                .map(|it| {
                    if *it == word.whole {
                        1.0
                    } else if word.stems.iter().any(|stem| it == stem)
                        || (*open && it.starts_with(&word.whole))
                    {
                        ALIKE
                    } else {
                        0.0
                    }
                })
                .sum(),
            Element::Phrase(words) => {
                let there = self.0.windows(words.len()).filter(|it| it.iter().eq(words));
                there.map(|_| 1.0).sum()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::words::kept, *};

    fn row(description: &str, place: &str, name: &str) -> Row {
        let (words, stems) = kept(description);
        let (place, name) = (kept(place).0, kept(name).0);
        Row {
            words,
            stems,
            place,
            name,
            ..Row::default()
        }
    }

    fn fits(query: &str, row: &Row, people: bool) -> Option<Match> {
        fit(&Query::read(query), row, people)
    }

    #[test]
    fn everything_asked_for_must_be_there() {
        let pothole = row("Yolda derin bir çukur var", "Iğdır Merkez", "Ayşe Yılmaz");
        for found in [
            "cukur",
            "çukurlar",
            "ÇUK",
            "cukur igdir",
            "\"derin bir\"",
            "merkez",
        ] {
            assert!(fits(found, &pothole, false).is_some(), "{found}");
        }
        for lost in ["çöp", "çukur çöp", "\"bir derin\"", "ayşe"] {
            assert!(fits(lost, &pothole, false).is_none(), "{lost}");
        }
        assert_eq!(fits("ayse cukur", &pothole, true).unwrap().matched, "name");
        assert_eq!(fits("igdir", &pothole, true).unwrap().matched, "place");
        assert_eq!(
            fits("igdir cukur", &pothole, true).unwrap().matched,
            "words"
        );
    }

    #[test]
    fn the_word_itself_is_worth_more_than_one_like_it_and_new_more_than_old() {
        let itself = fits("çukur", &row("çukur var", "", ""), false).unwrap();
        let alike = fits("çukur", &row("çukurluk var", "", ""), false).unwrap();
        assert!(itself.weight > alike.weight);
        let year = 365 * 86_400_000_000;
        assert!(newness(0, year) < newness(year, year));
        assert!(newness(0, year) >= 0.5 && newness(year, 0) <= 1.0);
    }
}
