//! The console's pages that need no other service: lists, exports, figures, and who may see them.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use chassis::event;
use contracts::gateway::v1::{SignedIn, StaffAdded};
use jiff::Timestamp;
use projection::ReadModel as _;
use sqlx::{Connection as _, SqliteConnection};
use uuid::Uuid;
use vocabulary::Language;

use super::house::{Answer, House, number, stored};
use crate::{Staff, access::Role, secret::sha256, text::Words};

/// A city in which somebody of each role is signed in.
struct Staffed(House);

impl Staffed {
    async fn open() -> Self {
        let house = House::open().await;
        let file = format!("gateway/ova/{}-v{}.db", Staff::NAME, Staff::VERSION);
        let file = house.folder.path().join(file);
        let file = format!("sqlite://{}", file.display());
        let mut staff = SqliteConnection::connect(&file).await.unwrap();
        for (role, index) in Role::ALL.iter().zip(1..) {
            let unit = if *role == Role::Unit { "sosyal" } else { "" };
            come_in(&mut staff, role.code(), *role, unit, index).await;
        }
        come_in(&mut staff, "stranger", Role::Unit, "parks", 99).await;
        Self(house)
    }

    async fn get(&self, who: &str, path: &str) -> Answer {
        let cookie = format!("cozum=ova.0.{}", secret(who));
        let request = Request::get(path).header("cookie", cookie);
        self.0.ask(request.body(Body::empty()).unwrap()).await
    }
}

/// 64 letters of somebody's own.
fn secret(who: &str) -> String {
    let letters: String = who.bytes().map(|it| format!("{it:02x}")).collect();
    format!("{letters:0<64}")
}

async fn come_in(staff: &mut SqliteConnection, who: &str, role: Role, unit: &str, index: u128) {
    let at = Timestamp::from_second(1_760_000_000).unwrap();
    let added = StaffAdded {
        staff: who.to_owned(),
        roles: vec![role.number()],
        unit: unit.to_owned(),
        language: Language::Tr.number(),
        personal: None,
    };
    let signed_in = SignedIn {
        staff: who.to_owned(),
        session: Uuid::from_u128(index).to_string(),
        secret_sha256: sha256(&secret(who)).to_vec(),
        expires_at: 4_000_000_000_000_000,
    };
    for event in [
        stored(event::record(Uuid::nil(), &added, at, [])),
        stored(event::record(Uuid::nil(), &signed_in, at, [])),
    ] {
        Staff.apply(staff, &event).await.unwrap();
    }
}

#[tokio::test]
async fn lists_counts_and_exports_show_what_may_be_seen_and_no_more() {
    let city = Staffed::open().await;
    for path in [
        "/console/requests?state=all",
        "/console/requests.csv?state=all",
    ] {
        for who in ["unit", "supervisor", "operator", "desk", "auditor"] {
            let answer = city.get(who, path).await;
            assert_eq!(
                answer.status,
                StatusCode::OK,
                "{who} {path}: {}",
                answer.text
            );
            assert!(answer.text.contains(&number()), "{who} {path}");
        }
        let stranger = city.get("stranger", path).await;
        assert_eq!(stranger.status, StatusCode::OK);
        assert!(!stranger.text.contains(&number()), "{path}");
        assert_eq!(city.get("admin", path).await.status, StatusCode::FORBIDDEN);
    }
    let list = city.get("stranger", "/console/requests").await.text;
    assert!(
        list.contains("<span class=\"count\">0</span>")
            && !list.contains("<span class=\"count\">1</span>")
    );
}

#[tokio::test]
async fn figures_are_for_those_who_answer_for_all() {
    let city = Staffed::open().await;
    for (who, status) in [
        ("supervisor", StatusCode::OK),
        ("auditor", StatusCode::OK),
        ("unit", StatusCode::FORBIDDEN),
        ("operator", StatusCode::FORBIDDEN),
    ] {
        let figures = city.get(who, "/console/figures").await;
        assert_eq!(figures.status, status, "{who}");
        if status == StatusCode::OK {
            assert!(
                figures
                    .text
                    .contains("state=planned&#38;unit=sosyal\">1</a>"),
                "{}",
                figures.text
            );
            assert!(
                figures.text.contains("1 başvurunun 0 tanesi (%0,0)"),
                "a share with both counts"
            );
        }
    }
}

#[tokio::test]
async fn pages_are_whole_without_script_and_keep_to_the_policy() {
    let city = Staffed::open().await;
    for path in [
        "/console/requests",
        "/console/new",
        "/console/figures",
        "/console/keys",
    ] {
        let page = city.get("supervisor", path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
        for inline in [
            " style=",
            " onclick=",
            "<style",
            "<script>",
            "Unknown localization",
        ] {
            assert!(!page.text.contains(inline), "{inline} in {path}");
        }
    }
    assert!(
        city.0
            .get("/console.css")
            .await
            .text
            .contains("prefers-reduced-motion")
    );
    assert!(city.0.get("/console.js").await.text.len() < 8_000);
    let anybody = city.0.get("/console/requests").await;
    assert_eq!(anybody.status, StatusCode::SEE_OTHER, "to sign in");
}

#[test]
fn both_languages_have_the_consoles_texts() {
    let keys = |source: &str| -> BTreeSet<String> {
        let lines = source.lines().filter_map(|it| it.split_once(" ="));
        lines.map(|(key, _)| key.to_owned()).collect()
    };
    let turkish = keys(include_str!("../../locales/tr/console.ftl"));
    assert_eq!(turkish, keys(include_str!("../../locales/en/console.ftl")));
    // A text with values says nothing without them.
    let with_values = |key: &str| {
        let english = include_str!("../../locales/en/console.ftl");
        let start = format!("{key} =");
        let line = english.lines().find(|it| it.starts_with(&start));
        line.is_some_and(|it| it.contains("{ $"))
    };
    for key in turkish.iter().filter(|it| !with_values(it)) {
        assert!(
            !Words(Language::En)
                .get(key)
                .contains("Unknown localization"),
            "{key}"
        );
    }
}
