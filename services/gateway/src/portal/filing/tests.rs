use contracts::vocabulary::v1::{Attribute, AttributeChoice, AttributeType};
use vocabulary::Language;

use super::{super::topics::Choice, *};

const TEXT: &str = "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ";

fn asked() -> Vec<Attribute> {
    let choice = AttributeChoice {
        key: "small".to_owned(),
        name_tr: "Küçük".to_owned(),
        name_en: "Small".to_owned(),
    };
    let attribute = |order: u32, kind: AttributeType| Attribute {
        code: format!("a{order}"),
        r#type: kind.into(),
        required: order == 1,
        order,
        name_tr: "Soru".to_owned(),
        name_en: "Question".to_owned(),
        choices: vec![choice.clone()],
        ..Attribute::default()
    };
    vec![
        attribute(1, AttributeType::String),
        attribute(2, AttributeType::Number),
        attribute(3, AttributeType::Datetime),
        attribute(4, AttributeType::Text),
        attribute(5, AttributeType::SingleValueList),
        attribute(6, AttributeType::MultiValueList),
    ]
}

fn rendered<const N: usize>(pairs: [(&str, &str); N], language: Language, known: bool) -> String {
    let site = Site::bare(language);
    let mut typed = Typed::new(Params::from(pairs), vec![], site.words);
    let attributes = asked();
    typed.check(known.then_some(attributes.as_slice()));
    let mut questions = questions(&attributes, typed.params(), language);
    for question in &mut questions {
        question.error = typed.error(&question.name).to_owned();
    }
    let topics = vec![Choice {
        code: "pothole".to_owned(),
        name: "Yol çukuru".to_owned(),
        keywords: "asfalt hole".to_owned(),
    }];
    let chosen = known.then(|| Chosen {
        code: "pothole".to_owned(),
        name: "Yol çukuru".to_owned(),
        unit: "Fen İşleri Müdürlüğü".to_owned(),
        attributes,
    });
    let filled = FilePage {
        fields: typed.fields(),
        site,
        typed,
        groups: vec![Group {
            unit: "Fen İşleri Müdürlüğü".to_owned(),
            topics,
        }],
        chosen,
        questions,
        districts: vec!["Çınarlı".to_owned()],
        has_map: true,
        notice: None,
        was_sent: true,
        key: "k".to_owned(),
    };
    filled.render().unwrap()
}

#[test]
fn what_was_typed_comes_back_escaped_and_unchanged() {
    let typed = [
        ("description", TEXT),
        ("name", "<script>alert('x')</script>"),
        ("q-a4", TEXT),
        ("q-a6", "small"),
    ];
    let html = rendered(typed, Language::Tr, true);
    let shown = "Ayşe&#39;nin İĞDIR şikâyeti: çukur, ğüöşçıİ</textarea>";
    assert_eq!(html.matches(shown).count(), 2, "{html}");
    assert!(!html.contains("<script>"));
    assert!(html.contains("value=\"small\" checked"), "{html}");
}

#[test]
fn each_mistake_leads_to_its_field() {
    let html = rendered([("description", ""), ("email", "ayşe")], Language::Tr, true);
    for part in [
        "href=\"#q-a1\"",
        "href=\"#email\"",
        "aria-describedby=\"email-error\"",
        "id=\"email-error\"",
        "id=\"description-error\"",
        "id=\"q-a1-error\"",
        "<html lang=\"tr\">",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    let topicless = rendered([("description", TEXT)], Language::Tr, false);
    for part in ["href=\"#topic\"", "id=\"topic-error\"", "şikâyeti"] {
        assert!(topicless.contains(part), "{part} in {topicless}");
    }
}

#[test]
fn every_field_has_its_label_in_both_languages() {
    for language in [Language::Tr, Language::En] {
        let typed = [("topic", "pothole"), ("description", TEXT)];
        let html = rendered(typed, language, true);
        assert!(!html.contains("Unknown localization"), "{html}");
        for name in [
            "topic",
            "description",
            "photo",
            "district",
            "address",
            "latitude",
            "name",
            "email",
            "phone",
            "language",
            "q-a1",
            "q-a2",
            "q-a3",
            "q-a4",
            "q-a5",
        ] {
            assert!(html.contains(&format!("for=\"{name}\"")), "{name}: {html}");
            assert!(html.contains(&format!("id=\"{name}\"")), "{name}: {html}");
        }
        assert!(
            !html.contains("style=") && !html.contains(" onclick") && !html.contains("<style"),
            "no inline style or script"
        );
    }
}
