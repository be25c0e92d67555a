use contracts::{
    intake::v1::{Attachment, PersonalDataViewed, RequestRegistered, export_own_data_reply::Text},
    routing::v1::RequestAssigned,
};
use prost::Message as _;

use super::*;

fn entry(event_type: &str, actor: &str, facts: Vec<u8>, texts: Vec<Text>) -> Entry {
    Entry {
        position: 1,
        r#type: event_type.to_owned(),
        actor: actor.to_owned(),
        facts,
        texts,
        ..Entry::default()
    }
}

fn document(language: Language) -> Document {
    let registered = RequestRegistered {
        number: "2026-48120937-8".to_owned(),
        attachments: vec![Attachment {
            id: "e1d2c3b4-a596-5877-9687-a5b4c3d2e1f0".to_owned(),
            ..Attachment::default()
        }],
        ..RequestRegistered::default()
    };
    let assigned = RequestAssigned {
        assignee: "ayse.usta".to_owned(),
        ..RequestAssigned::default()
    };
    let viewed = PersonalDataViewed {
        purpose: "console".to_owned(),
        ..PersonalDataViewed::default()
    };
    let text = |field: &str, text: &str, erased| Text {
        field: field.to_owned(),
        text: text.to_owned(),
        erased,
    };
    let texts = vec![
        text("description", "<b>çukur</b> & \"su\"", false),
        text("address", "", true),
    ];
    let entries = vec![
        entry(
            "intake.RequestRegistered",
            "citizen",
            registered.encode_to_vec(),
            texts,
        ),
        entry(
            "routing.RequestAssigned",
            "staff:mehmet.sef",
            assigned.encode_to_vec(),
            vec![],
        ),
        entry(
            "intake.PersonalDataViewed",
            "staff:ayse.usta",
            viewed.encode_to_vec(),
            vec![],
        ),
    ];
    let reply = ExportOwnDataReply {
        person: "018f0000-0000-7000-8000-00000000000a".to_owned(),
        viewed_position: 3,
        entries,
        ..ExportOwnDataReply::default()
    };
    Document::of(reply, language).unwrap()
}

#[test]
fn members_of_staff_are_numbers_and_the_same_one_everywhere() {
    let document = document(Language::En);
    let json = serde_json::to_string(&document).unwrap();
    let page = page::of(&document, Language::En);
    for name in ["ayse", "mehmet"] {
        assert!(!json.contains(name) && !page.contains(name), "{json}{page}");
    }
    let of = |section: &str| {
        let found = document.sections.iter().find(|it| it.name == section);
        &found.unwrap().entries
    };
    assert_eq!(of("requests")[0].by, "citizen");
    assert_eq!(of("requests")[1].facts["assignee"], of("looks")[0].by);
    assert_ne!(of("requests")[1].by, of("looks")[0].by);
}

#[test]
fn the_page_tells_what_was_written_and_what_is_gone_in_both_languages() {
    for (language, gone) in [(Language::Tr, "[silindi]"), (Language::En, "[erased]")] {
        let page = page::of(&document(language), language);
        assert!(
            page.contains("&lt;b&gt;çukur&lt;/b&gt; &amp; &quot;su&quot;"),
            "{page}"
        );
        // The address, and the picture that was not fetched.
        assert_eq!(page.matches(gone).count(), 2, "{page}");
        assert_eq!(page.matches("<h2>").count(), SECTIONS.len());
    }
}
