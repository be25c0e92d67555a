use contracts::intake::v1;
use uuid::Uuid;
use vocabulary::RequestNumber;

use super::{check_refused, file};
use crate::{domain::Event, wire::By};

/// The files that an event of this kind may name.
pub(super) fn named_by(event: &Event) -> Vec<v1::Attachment> {
    match event {
        Event::RequestRegistered { .. } => vec![v1::Attachment {
            id: Uuid::from_u128(5).to_string(),
            media_type: "image/jpeg".to_owned(),
            bytes: 1_000,
            sealed_sha256: vec![3; 32],
        }],
        Event::PersonRecorded(_) | Event::ContactRegistered { .. } => vec![],
    }
}

#[test]
fn too_many_and_too_large_files_are_refused_by_their_names() {
    let file = |bytes: usize| v1::File {
        content: vec![0; bytes],
        ..v1::File::default()
    };
    check_refused("files", |it| it.files = vec![file(1); 4]);
    check_refused("files[1]", |it| {
        it.files = vec![file(10 << 20), file((10 << 20) + 1)];
    });
}

#[test]
fn whoever_has_no_secret_says_why_they_look() {
    let asked = |purpose: &str, tracking_secret: &str| {
        file(v1::GetAttachmentRequest {
            number: RequestNumber::new(2026, 48_120_937).to_string(),
            id: Uuid::from_u128(5).to_string(),
            purpose: purpose.to_owned(),
            tracking_secret: tracking_secret.to_owned(),
        })
    };
    let by_staff = asked("console", "").unwrap_or_else(|it| panic!("{it}")).by;
    assert!(matches!(by_staff, By::Staff(purpose) if purpose == "console"));
    let by_citizen = asked("tracking", "x")
        .unwrap_or_else(|it| panic!("{it}"))
        .by;
    assert!(matches!(by_citizen, By::Citizen(_)));
    assert_eq!(asked("curiosity", "").err().unwrap().field, "purpose");
    assert_eq!(asked("", "x").err().unwrap().field, "purpose");
}
