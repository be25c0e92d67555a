use contracts::routing::v1::{RequestConcluded, RequestPlanned, RequestRouted};
use jiff::Timestamp;
use uuid::Uuid;
use vocabulary::SubResult;

use super::*;

const TEXT: &str = "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ";

fn event(message: &impl prost::Name, second: i64) -> Event {
    let at = Timestamp::from_second(1_760_000_000 + second).unwrap();
    let new = event::record(Uuid::nil(), message, at, []);
    Event {
        r#type: new.r#type,
        schema_version: 1,
        facts: new.facts,
        occurred_at: new.occurred_at,
        ..Event::default()
    }
}

fn routed() -> RequestRouted {
    RequestRouted {
        number: "2026-48120937-5".to_owned(),
        unit: "fen".to_owned(),
        ..RequestRouted::default()
    }
}

fn units() -> HashMap<String, Name> {
    let name = Name {
        name_tr: "Fen İşleri".to_owned(),
        name_en: "Public works".to_owned(),
    };
    HashMap::from([("fen".to_owned(), name)])
}

fn turkish(events: &[Event], quotes: &[&str]) -> Story {
    let happenings = read(events).unwrap();
    let quotes = quotes.iter().map(|it| (*it).to_owned()).collect();
    told(&happenings, quotes, Words(Language::Tr), &units())
}

#[test]
fn the_story_says_who_when_and_how_it_ended() {
    let planned = RequestPlanned {
        planned_for: "2026-12-01".to_owned(),
        ..RequestPlanned::default()
    };
    let concluded = RequestConcluded {
        sub_result: SubResult::Solved.number(),
        ..RequestConcluded::default()
    };
    let events = [
        event(&routed(), 0),
        event(&planned, 1),
        event(&concluded, 2),
    ];
    let story = turkish(&events, &["", "", TEXT]);
    assert_eq!(story.unit, "Fen İşleri");
    assert!(
        story.now.contains("Çözüldü") && story.is_concluded,
        "{}",
        story.now
    );
    assert!(story.moments[0].text.contains("Fen İşleri"));
    assert!(story.moments[1].text.contains("01.12.2026"));
    assert_eq!(story.moments[2].quote, TEXT);
    assert_eq!(story.updated, Some(1_760_000_002_000_000));
}

#[test]
fn a_question_stands_until_it_is_answered_or_the_work_goes_on() {
    let asked = InformationAsked::default();
    let wrote = CitizenWrote {
        back_to: RequestState::Routed.number(),
        ..CitizenWrote::default()
    };
    let waiting = [event(&routed(), 0), event(&asked, 1)];
    let story = turkish(&waiting, &["", TEXT]);
    assert_eq!(story.question.as_deref(), Some(TEXT));
    assert_eq!(story.now, Words(Language::Tr).get("seen-waiting-citizen"));

    let answered = [event(&routed(), 0), event(&asked, 1), event(&wrote, 2)];
    let story = turkish(&answered, &["", TEXT, "Arka kapı"]);
    assert_eq!(story.question, None);
    assert!(story.now.contains("Fen İşleri"), "{}", story.now);
    assert!(story.moments[2].own && !story.moments[1].own);

    let concluded = [event(&asked, 0), event(&RequestConcluded::default(), 1)];
    assert_eq!(turkish(&concluded, &[TEXT, ""]).question, None);
}

#[test]
fn only_what_staff_say_to_all_is_told() {
    let remark = |public| CommentAdded {
        public,
        ..CommentAdded::default()
    };
    let events = [event(&remark(false), 0), event(&remark(true), 1)];
    let story = turkish(&events, &[TEXT]);
    assert_eq!(story.moments.len(), 1);
    assert_eq!(story.moments[0].quote, TEXT);
}

#[test]
fn every_line_is_there_in_both_languages() {
    let all = [
        event(
            &CommentAdded {
                public: true,
                ..CommentAdded::default()
            },
            0,
        ),
        event(&InformationAsked::default(), 1),
        event(&CitizenWrote::default(), 2),
    ];
    for language in [Language::Tr, Language::En] {
        let happenings = read(&all).unwrap();
        let story = told(
            &happenings,
            vec![String::new(); 3],
            Words(language),
            &units(),
        );
        for moment in story.moments {
            assert!(
                !moment.text.contains("Unknown localization"),
                "{}",
                moment.text
            );
        }
    }
}
