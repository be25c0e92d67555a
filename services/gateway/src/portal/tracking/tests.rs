use contracts::routing::v1::{RequestConcluded, RequestPlanned, RequestRouted};
use jiff::Timestamp;
use uuid::Uuid;
use vocabulary::SubResult;

use super::*;

const TEXT: &str = "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ";

fn event(new: contracts::ledger::v1::NewEvent) -> Event {
    Event {
        r#type: new.r#type,
        schema_version: 1,
        facts: new.facts,
        occurred_at: new.occurred_at,
        ..Event::default()
    }
}

fn history() -> Vec<Event> {
    let at = Timestamp::from_second(1_760_000_000).unwrap();
    let number = || "2026-48120937-5".to_owned();
    let routed = RequestRouted {
        number: number(),
        unit: "fen".to_owned(),
        ..RequestRouted::default()
    };
    let planned = RequestPlanned {
        number: number(),
        planned_for: "2026-12-01".to_owned(),
        ..Default::default()
    };
    let concluded = RequestConcluded {
        number: number(),
        sub_result: SubResult::Solved.number(),
        ..Default::default()
    };
    vec![
        event(chassis::event::record(Uuid::nil(), &routed, at, [])),
        event(chassis::event::record(Uuid::nil(), &planned, at, [])),
        event(chassis::event::record(Uuid::nil(), &concluded, at, [])),
    ]
}

#[test]
fn the_page_tells_the_story_newest_first() {
    let events = history();
    let steps = steps(&events).unwrap();
    let registered = GetRequestReply {
        description: TEXT.to_owned(),
        ..GetRequestReply::default()
    };
    let name = Name {
        name_tr: "Fen İşleri".to_owned(),
        name_en: "Public works".to_owned(),
    };
    let units = HashMap::from([("fen".to_owned(), name)]);
    let answers = vec![String::new(), String::new(), TEXT.to_owned()];
    let number = RequestNumber::new(2026, 48_120_937);
    let page = told(
        &Site::bare(Language::Tr),
        number,
        registered,
        "Yol çukuru".to_owned(),
        &steps,
        answers,
        &units,
    );

    assert_eq!(page.unit, "Fen İşleri");
    assert!(page.now.contains("Çözüldü"), "{}", page.now);
    assert!(
        page.moments[1].text.contains("01.12.2026"),
        "{}",
        page.moments[1].text
    );
    assert!(page.moments[2].text.contains("Fen İşleri"));
    let html = page.render().unwrap();
    assert_eq!(
        html.matches("Ayşe&#39;nin İĞDIR şikâyeti: çukur, ğüöşçıİ")
            .count(),
        2,
        "{html}"
    );
    assert!(!html.contains("Unknown localization"), "{html}");
}
