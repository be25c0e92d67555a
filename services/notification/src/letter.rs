//! The text of a mail, in the citizen's language.
//!
//! The tracking secret stands as text, never in a link: links end up in histories, logs and `Referer` headers.

use std::{borrow::Cow, collections::HashMap};

use fluent_templates::{
    LanguageIdentifier, Loader as _, fluent_bundle::FluentValue, langid, static_loader,
};
use jiff::civil::Date;
use vocabulary::Language;

use crate::news::News;

static_loader! {
    static LOCALES = {
        locales: "./locales",
        fallback_language: "tr",
        // Marks around arguments are for screens that mix writing directions; some mail programs show them as boxes.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

static TURKISH: LanguageIdentifier = langid!("tr");
static ENGLISH: LanguageIdentifier = langid!("en");

/// What one mail tells; it holds personal text, so it cannot be printed.
pub(crate) struct Letter<'a> {
    pub(crate) language: Language,
    pub(crate) number: &'a str,
    pub(crate) news: &'a News,
    /// Empty where the citizen gave none.
    pub(crate) name: &'a str,
    /// The institution's name, for a referral.
    pub(crate) institution: &'a str,
    /// What the unit wrote: the reasoned answer of a conclusion, or its question; empty where it was erased.
    pub(crate) written: &'a str,
    pub(crate) tracking_secret: &'a str,
    /// Where the municipality's pages are, without a slash at the end.
    pub(crate) portal: &'a str,
    /// Who signs; empty for the centre without a name of its own.
    pub(crate) signature: &'a str,
}

type Arguments<'a> = HashMap<Cow<'static, str>, FluentValue<'a>>;

impl Letter<'_> {
    /// The subject line: what happened to which request, and nothing personal.
    pub(crate) fn subject(&self) -> String {
        let id = match self.news {
            News::Registered => "subject-registered",
            News::Referred { .. } => "subject-referred",
            News::Planned { .. } => "subject-planned",
            News::Concluded { .. } => "subject-concluded",
            News::Reopened => "subject-reopened",
            News::InformationAsked => "subject-information-asked",
        };
        self.text(id, "number", self.number)
    }

    /// The text.
    pub(crate) fn body(&self) -> String {
        let mut paragraphs = vec![self.greeting(), self.message(), self.facts()];
        let (heading, where_to) = match self.news {
            News::InformationAsked => ("question", "answer-here"),
            News::Registered
            | News::Referred { .. }
            | News::Planned { .. }
            | News::Concluded { .. }
            | News::Reopened => ("answer", "track"),
        };
        if !self.written.is_empty() {
            paragraphs.push(format!("{}\n{}", self.word(heading), self.written));
        }
        let link = format!("{}/track?number={}", self.portal, self.number);
        let mut track = format!("{}\n{link}", self.word(where_to));
        if !self.tracking_secret.is_empty() {
            track = format!(
                "{track}\n\n{}",
                self.text("tracking-secret", "secret", self.tracking_secret)
            );
        }
        paragraphs.push(track);
        let signature = if self.signature.is_empty() {
            self.word("signature")
        } else {
            self.signature.to_owned()
        };
        paragraphs.push(format!("{}\n{signature}", self.word("closing")));
        paragraphs.push(format!("--\n{}\n", self.word("automatic")));
        paragraphs.join("\n\n")
    }

    fn greeting(&self) -> String {
        match self.name.trim() {
            name if is_a_name(name) => self.text("greeting", "name", name),
            _ => self.word("greeting-unnamed"),
        }
    }

    fn message(&self) -> String {
        let id = match self.news {
            News::Registered => "body-registered",
            News::Referred { .. } => "body-referred",
            News::Planned { .. } => "body-planned",
            News::Concluded { .. } => "body-concluded",
            News::Reopened => "body-reopened",
            News::InformationAsked => "body-information-asked",
        };
        self.text(id, "number", self.number)
    }

    /// Where the request stands, with what belongs to it, a line each.
    fn facts(&self) -> String {
        let state = self.text("state", "state", self.news.state().label(self.language));
        let detail = match self.news {
            News::Registered
            | News::Reopened
            | News::InformationAsked
            | News::Concluded { sub_result: None } => {
                return state;
            }
            News::Referred { .. } => self.text("institution", "institution", self.institution),
            News::Planned { planned_for } => {
                self.text("planned-for", "date", &self.date(planned_for))
            }
            News::Concluded {
                sub_result: Some(sub_result),
            } => self.text("sub-result", "sub-result", sub_result.label(self.language)),
        };
        format!("{state}\n{detail}")
    }

    /// "1 Aralık 2026", "1 December 2026".
    fn date(&self, iso: &str) -> String {
        let Ok(date) = iso.parse::<Date>() else {
            return iso.to_owned();
        };
        let arguments = Arguments::from([
            (
                Cow::Borrowed("day"),
                FluentValue::from(date.day().to_string()),
            ),
            (Cow::Borrowed("month"), FluentValue::from(date.month())),
            (
                Cow::Borrowed("year"),
                FluentValue::from(date.year().to_string()),
            ),
        ]);
        LOCALES.lookup_with_args(self.locale(), "date", &arguments)
    }

    fn word(&self, id: &str) -> String {
        LOCALES.lookup(self.locale(), id)
    }

    fn text(&self, id: &str, argument: &'static str, value: &str) -> String {
        let arguments =
            Arguments::from([(Cow::Borrowed(argument), FluentValue::from(value.to_owned()))]);
        LOCALES.lookup_with_args(self.locale(), id, &arguments)
    }

    fn locale(&self) -> &'static LanguageIdentifier {
        match self.language {
            Language::Tr => &TURKISH,
            Language::En => &ENGLISH,
        }
    }
}

/// Anybody can write anything into the name of a form and send it to somebody else's address: what does not read as a
/// name is not repeated over the municipality's signature.
fn is_a_name(text: &str) -> bool {
    let in_names = |it: char| it.is_alphabetic() || " .'’-".contains(it);
    (1..=60).contains(&text.chars().count()) && text.chars().all(in_names)
}

#[cfg(test)]
mod tests {
    use vocabulary::SubResult;

    use super::*;

    fn letter<'a>(language: Language, news: &'a News) -> Letter<'a> {
        Letter {
            language,
            number: "2026-48120937-5",
            news,
            name: "Ayşe İĞDIR",
            institution: "TEDAŞ",
            written: "",
            tracking_secret: "0123456789ABCDEFGHJKMNPQRS",
            portal: "https://cozum.example",
            signature: "",
        }
    }

    fn all_news() -> [News; 6] {
        [
            News::Registered,
            News::Referred {
                institution: "tedas".to_owned(),
            },
            News::Planned {
                planned_for: "2026-12-01".to_owned(),
            },
            News::Concluded {
                sub_result: Some(SubResult::Solved),
            },
            News::Reopened,
            News::InformationAsked,
        ]
    }

    #[test]
    fn every_letter_has_its_number_its_link_and_all_its_words() {
        for language in Language::ALL {
            for news in all_news() {
                let letter = letter(*language, &news);
                let (subject, body) = (letter.subject(), letter.body());
                assert!(subject.contains(letter.number), "{subject}");
                assert!(
                    body.contains(letter.number) && body.contains("Ayşe İĞDIR"),
                    "{body}"
                );
                assert!(
                    body.contains("https://cozum.example/track?number=2026-48120937-5\n"),
                    "{body}"
                );
                assert!(body.contains(news.state().label(*language)), "{body}");
                for problem in ["Unknown localization", "{", "\u{2068}"] {
                    assert!(
                        !subject.contains(problem) && !body.contains(problem),
                        "{subject}\n{body}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_date_reads_as_people_write_it() {
        let news = News::Planned {
            planned_for: "2026-12-01".to_owned(),
        };
        assert!(
            letter(Language::Tr, &news)
                .body()
                .contains("Planlanan tarih: 1 Aralık 2026")
        );
        assert!(
            letter(Language::En, &news)
                .body()
                .contains("Planned for: 1 December 2026")
        );
        let july = letter(Language::Tr, &news).date("2026-07-09");
        assert_eq!(july, "9 Temmuz 2026");
    }

    #[test]
    fn the_answer_stands_as_it_was_written() {
        let news = News::Concluded {
            sub_result: Some(SubResult::Solved),
        };
        let answer = "Çukur kapatıldı.\n{ $number } ğüöşçıİ";
        let body = Letter {
            written: answer,
            ..letter(Language::Tr, &news)
        }
        .body();
        assert!(
            body.contains("Sonuç: Çözüldü\n\nAçıklama:\nÇukur kapatıldı.\n{ $number } ğüöşçıİ\n"),
            "{body}"
        );
    }

    #[test]
    fn a_question_says_where_it_is_answered() {
        let written = "Hangi okulun önü?";
        let body = |language| {
            Letter {
                written,
                ..letter(language, &News::InformationAsked)
            }
            .body()
        };
        let (turkish, english) = (body(Language::Tr), body(Language::En));
        assert!(
            turkish.contains("Sorumuz:\nHangi okulun önü?\n\n")
                && turkish.contains(
                    "Yanıtınızı aşağıdaki adreste yazabilirsiniz:\nhttps://cozum.example/track?number=2026-48120937-5\n"
                ),
            "{turkish}"
        );
        assert!(
            english.contains("Our question:\nHangi okulun önü?\n\nPlease answer here:\nhttps://"),
            "{english}"
        );
    }

    #[test]
    fn the_secret_is_text_and_never_part_of_a_link() {
        let body = letter(Language::Tr, &News::Registered).body();
        let links = body.lines().filter(|it| it.contains("://"));
        assert!(
            links.count() == 1 && body.contains("Takip kodunuz: 0123456789ABCDEFGHJKMNPQRS\n"),
            "{body}"
        );
    }

    #[test]
    fn nobody_is_called_by_a_name_they_did_not_give() {
        let body = Letter {
            name: " \r\n",
            ..letter(Language::Tr, &News::Reopened)
        }
        .body();
        assert!(body.starts_with("Sayın Başvuru Sahibi,\n\n"), "{body}");
    }
}
