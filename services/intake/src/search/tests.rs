//! The index over a real file and a real vault.

use chassis::{Clock, event};
use contracts::{
    intake::v1::{PersonRecorded, RequestRegistered, person_recorded, request_registered},
    routing::v1::{CommentAdded, RequestRouted, TopicDefined, comment_added},
    vocabulary::v1::{Place, Sealed},
};
use jiff::Timestamp;
use projection::folded;
use prost::{Message, Name};
use tempfile::TempDir;
use uuid::Uuid;
use vault::{MasterKeys, Plain, Subject};
use vocabulary::RequestNumber;

use super::{find::After, *};

/// A city with its vault, and the events so far.
struct City {
    folder: TempDir,
    index: Index,
    events: Vec<Event>,
}

impl City {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKeys::read_or_create(&folder.path().join("master.key")).unwrap();
        let store = format!("sqlite:{}", folder.path().join("keys.db").display());
        let vault = Vault::open(&store, &master).await.unwrap();
        let index = Index {
            municipality: "ova".parse().unwrap(),
            blind: Arc::new(vault.blind_index()),
            unflushed: Arc::default(),
            vault: Arc::new(vault),
        };
        Self {
            folder,
            index,
            events: Vec::new(),
        }
    }

    fn say<M: Message + Name>(&mut self, message: &M) {
        let position = self.events.len() as u64 + 1;
        let new = event::record(
            id(position),
            message,
            Timestamp::UNIX_EPOCH,
            ["x".to_owned()],
        );
        self.events.push(Event {
            position,
            event_id: new.event_id,
            r#type: new.r#type,
            schema_version: new.schema_version,
            occurred_at: i64::try_from(position).unwrap() * 1_000_000,
            facts: new.facts,
            personal: new.personal,
            ..Event::default()
        });
    }

    /// A text sealed for the next event.
    async fn sealed(&self, subject: &Subject, field: &str, text: &str) -> Option<Sealed> {
        let keys = self
            .index
            .vault
            .keys(&self.index.municipality, [subject.clone()]);
        let event = id(self.events.len() as u64 + 1);
        let text = Plain::from(text.to_owned());
        let sealed = keys
            .await
            .unwrap()
            .seal(subject, event, field, &text)
            .unwrap();
        Some(crate::wire::sealed(sealed))
    }

    async fn person(&mut self, who: u128, name: &str, phone: &str, email: &str) {
        let subject = Subject::person(Uuid::from_u128(who));
        let personal = person_recorded::Personal {
            name: self.sealed(&subject, "name", name).await,
            phone: self.sealed(&subject, "phone", phone).await,
            email: self.sealed(&subject, "email", email).await,
            ..person_recorded::Personal::default()
        };
        self.say(&PersonRecorded {
            person: Uuid::from_u128(who).to_string(),
            personal: Some(personal),
            ..PersonRecorded::default()
        });
    }

    async fn request(&mut self, digits: u32, who: u128, unit: &str, description: &str) -> String {
        let number = RequestNumber::new(2026, digits);
        let subject = Subject::request(&number);
        let personal = request_registered::Personal {
            description: self.sealed(&subject, "description", description).await,
            ..request_registered::Personal::default()
        };
        let person = if who == 0 {
            String::new()
        } else {
            Uuid::from_u128(who).to_string()
        };
        self.say(&RequestRegistered {
            number: number.to_string(),
            topic: "pothole".to_owned(),
            person,
            place: Some(Place {
                district: "Iğdır".to_owned(),
                ..Place::default()
            }),
            personal: Some(personal),
            ..RequestRegistered::default()
        });
        self.say(&RequestRouted {
            number: number.to_string(),
            unit: unit.to_owned(),
            ..RequestRouted::default()
        });
        number.to_string()
    }

    async fn comment(&mut self, number: &str, text: &str) {
        let subject = Subject::request(&number.parse().unwrap());
        let personal = comment_added::Personal {
            text: self.sealed(&subject, "text", text).await,
        };
        self.say(&CommentAdded {
            number: number.to_owned(),
            personal: Some(personal),
            ..CommentAdded::default()
        });
    }

    /// The search over all that was said, folded in batches of `size`.
    async fn search(&self, size: usize) -> Search {
        let path = self.folder.path().join(format!("search-{size}.db"));
        let (projection, _) = folded(&self.index, &path, &self.events, size)
            .await
            .unwrap();
        Search {
            projection,
            index: self.index.clone(),
        }
    }

    fn file(&self, size: usize) -> Vec<u8> {
        let name = |suffix| self.folder.path().join(format!("search-{size}.db{suffix}"));
        ["", "-wal"]
            .iter()
            .flat_map(|it| std::fs::read(name(it)).unwrap_or_default())
            .collect()
    }
}

fn id(position: u64) -> Uuid {
    Uuid::from_u128(u128::from(position) + 1_000)
}

fn asked(query: &str, people: bool) -> Asked {
    Asked {
        query: Plain::from(query.to_owned()),
        units: Vec::new(),
        states: Vec::new(),
        limit: 20,
        after: None,
        people,
    }
}

async fn found(search: &Search, asked: &Asked) -> Vec<(String, String)> {
    let reply = search.find(asked, 0, 0).await.unwrap();
    reply
        .hits
        .into_iter()
        .map(|it| (it.number, it.matched))
        .collect()
}

async fn numbers(search: &Search, query: &str, people: bool) -> Vec<String> {
    found(search, &asked(query, people))
        .await
        .into_iter()
        .map(|it| it.0)
        .collect()
}

/// Two potholes, one of them Ayşe's, and a bin, with a remark.
async fn city() -> (City, [String; 3]) {
    let mut city = City::new().await;
    city.say(&TopicDefined {
        code: "pothole".to_owned(),
        name_tr: "Yol bozukluğu".to_owned(),
        name_en: "Road damage".to_owned(),
        keywords: vec!["asfalt".to_owned()],
        ..TopicDefined::default()
    });
    city.person(7, "Ayşe Yılmaz", "+905321234567", "ayse@example.com")
        .await;
    let first = city
        .request(48_120_937, 7, "roads", "Sokakta derin çukurlar var")
        .await;
    let second = city
        .request(11_223_344, 0, "parks", "Parkta bir çukur; ÇÖP de var")
        .await;
    let third = city
        .request(99_000_000, 0, "waste", "Konteyner doldu")
        .await;
    city.comment(&third, "Ekip yola çıktı, zqremark").await;
    (city, [first, second, third])
}

#[tokio::test]
async fn the_same_is_found_however_it_is_spelled_and_batched() {
    let (city, [first, second, third]) = city().await;
    for size in [1, 3, 100] {
        let search = city.search(size).await;
        for query in ["çukur", "cukur", "ÇUKURLAR", "çuk"] {
            let mut both = numbers(&search, query, false).await;
            both.sort();
            let mut expected = vec![first.clone(), second.clone()];
            expected.sort();
            assert_eq!(both, expected, "{query} in batches of {size}");
        }
        assert_eq!(
            numbers(&search, "cop", false).await,
            std::slice::from_ref(&second)
        );
        assert_eq!(
            numbers(&search, "\"derin çukurlar\"", false).await,
            std::slice::from_ref(&first)
        );
        assert_eq!(
            numbers(&search, "zqrem", false).await,
            std::slice::from_ref(&third)
        );
        for query in ["igdir", "ığdır", "IĞDIR", "İğdir", "asfalt", "road"] {
            assert_eq!(numbers(&search, query, false).await.len(), 3, "{query}");
        }
        assert!(numbers(&search, "çukur konteyner", false).await.is_empty());
        assert!(numbers(&search, "", false).await.is_empty());
    }
}

#[tokio::test]
async fn numbers_phones_and_addresses_are_found_and_people_only_when_asked() {
    let (city, [first, second, _]) = city().await;
    let search = city.search(100).await;
    let bare = first.replace('-', "");
    for query in [first.as_str(), &bare, "48120937", "4812", &bare[9..]] {
        let hits = found(&search, &asked(query, false)).await;
        assert_eq!(hits, [(first.clone(), "number".to_owned())], "{query}");
    }
    for (query, matched) in [
        ("0532 123 45 67", "phone"),
        ("+90 (532) 123-45-67", "phone"),
        ("4567", "phone"),
        ("AYSE@example.com", "email"),
        ("ayşe", "name"),
        ("yilmaz çukur", "name"),
    ] {
        let hits = found(&search, &asked(query, true)).await;
        assert_eq!(hits, [(first.clone(), matched.to_owned())], "{query}");
        assert!(
            found(&search, &asked(query, false)).await.is_empty(),
            "{query} without people"
        );
    }
    let parks = Asked {
        units: vec!["parks".to_owned()],
        ..asked("çukur", true)
    };
    assert_eq!(found(&search, &parks).await, [(second, "words".to_owned())]);
    let nowhere = Asked {
        states: vec![9],
        ..asked("çukur", true)
    };
    assert!(found(&search, &nowhere).await.is_empty());
    let caller = Caller {
        phone: Some(Plain::from("+905321234567".to_owned())),
        email: None,
    };
    assert_eq!(search.of_caller(&caller, 20, 0, 0).await.unwrap(), [first]);
}

#[tokio::test]
async fn a_page_follows_the_other_and_nothing_comes_twice() {
    let mut city = City::new().await;
    for digits in 0..25 {
        city.request(digits * 7_919, 0, "roads", "çukur").await;
    }
    let search = city.search(10).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = Asked {
            after,
            limit: 10,
            ..asked("çukur", false)
        };
        let reply = search.find(&page, 0, 0).await.unwrap();
        seen.extend(reply.hits.into_iter().map(|it| it.number));
        after = After::read(&reply.next).unwrap();
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 25);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 25);
    assert!(After::read("x").is_err() && After::read("1-").is_err());
}

#[tokio::test]
async fn what_was_erased_leaves_the_file_byte_by_byte() {
    let (city, [first, _, third]) = city().await;
    let search = city.search(100).await;
    let holds = |needle: &str| {
        let file = city.file(100);
        file.windows(needle.len()).any(|it| it == needle.as_bytes())
    };
    assert!(holds("zqremark") && holds("yilmaz"));
    let Index {
        vault,
        municipality,
        ..
    } = &city.index;
    for subject in [
        Subject::person(Uuid::from_u128(7)),
        Subject::request(&third.parse().unwrap()),
    ] {
        vault.destroy(municipality, &subject, 1).await.unwrap();
    }
    search.projection.pool().close().await;
    let path = city.folder.path().join("search-100.db");
    let (_, writer) = folded(&city.index, &path, &[], 1).await.unwrap();
    let mut eraser = erase::Eraser::new(city.index.clone(), writer, Clock::System);
    eraser.look(0).await.unwrap();
    drop(eraser);

    for needle in ["zqremark", "konteyner", "yilmaz", "ayse"] {
        assert!(!holds(needle), "{needle} is still in the file");
    }
    let search = city.search(100).await;
    assert!(numbers(&search, "yilmaz", true).await.is_empty());
    assert!(numbers(&search, "4567", true).await.is_empty());
    assert_eq!(
        numbers(&search, &first, true).await,
        std::slice::from_ref(&first),
        "facts stay"
    );
    assert_eq!(numbers(&search, "igdir", true).await.len(), 3, "facts stay");
    let rebuilt = city.search(7).await;
    assert!(numbers(&rebuilt, "zqremark", true).await.is_empty());
}
