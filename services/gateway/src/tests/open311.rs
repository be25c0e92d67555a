//! GeoReport v2 over a register of topics that are not public: intake, which has the words, is not needed.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use chassis::event;
use contracts::{
    intake::v1::RequestRegistered,
    routing::v1::{RequestConcluded, RequestRouted, TopicDefined},
    vocabulary::v1::{Attribute, AttributeChoice, Place, ServiceStandard},
};
use jiff::{SignedDuration, Timestamp};
use projection::ReadModel as _;
use serde_json::{Value, json};
use uuid::Uuid;
use vocabulary::{AttributeType, Channel, RequestNumber, SubResult};

use super::house::{Answer, House, number, stored};
use crate::Register;

pub(super) const V2: &str = "/open311/v2";

/// A request of a city without topics that are public, filed so many hours ago, and what became of it.
async fn filed(house: &House, digits: u32, hours_ago: i64, concluded: bool) -> String {
    let mut register = house.register("koy").await;
    let at = Timestamp::now_in_test() - SignedDuration::from_hours(hours_ago);
    let number = RequestNumber::new(2026, digits).to_string();
    let registered = RequestRegistered {
        number: number.clone(),
        channel: Channel::Phone.number(),
        topic: if digits.is_multiple_of(2) {
            "aid"
        } else {
            "elderly"
        }
        .to_owned(),
        place: Some(Place {
            latitude: Some(39.9),
            longitude: Some(32.8),
            ..Place::default()
        }),
        ..RequestRegistered::default()
    };
    let routed = RequestRouted {
        number: number.clone(),
        unit: "sosyal".to_owned(),
        ..RequestRouted::default()
    };
    let ended = RequestConcluded {
        number: number.clone(),
        unit: "sosyal".to_owned(),
        sub_result: SubResult::Solved.number(),
        ..RequestConcluded::default()
    };
    let minute = |minutes| at + SignedDuration::from_mins(minutes);
    let mut events = vec![
        stored(event::record(Uuid::nil(), &registered, at, [])),
        stored(event::record(Uuid::nil(), &routed, minute(1), [])),
    ];
    if concluded {
        events.push(stored(event::record(Uuid::nil(), &ended, minute(2), [])));
    }
    for event in events {
        Register.apply(&mut register, &event).await.unwrap();
    }
    number
}

trait Now {
    fn now_in_test() -> Timestamp;
}

impl Now for Timestamp {
    fn now_in_test() -> Timestamp {
        chassis::Clock::System.now()
    }
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }

    fn ids(&self) -> Vec<String> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        let list: Vec<Value> = serde_json::from_str(&self.text).unwrap();
        let id = |it: &Value| it["service_request_id"].as_str().unwrap().to_owned();
        list.iter().map(id).collect()
    }
}

pub(super) async fn get(house: &House, path: &str) -> Answer {
    let joint = if path.contains('?') { '&' } else { '?' };
    house
        .get(&format!("{V2}/{path}{joint}jurisdiction_id=koy"))
        .await
}

#[tokio::test]
async fn requests_are_filtered_by_everything_the_standard_names() {
    let house = House::open().await;
    let old = filed(&house, 2, 91 * 24, true).await;
    let open = filed(&house, 4, 10, false).await;
    let closed = filed(&house, 5, 5, true).await;
    let ids = async |query: &str| get(&house, &format!("requests.json?{query}")).await.ids();

    // Newest first, and nothing older than 90 days.
    assert_eq!(ids("").await, [&*closed, &open]);
    assert_eq!(ids("status=open").await, [&*open]);
    assert_eq!(ids("status=CLOSED").await, [&*closed]);
    assert_eq!(ids("status=open,closed").await, [&*closed, &open]);
    assert_eq!(ids("service_code=aid").await, [&*open]);
    assert_eq!(
        ids("service_code=aid,elderly,nothing").await,
        [&*closed, &open]
    );
    assert!(ids("service_code=nothing").await.is_empty());
    assert_eq!(
        ids("start_date=&end_date=&status=&service_code=").await,
        [&*closed, &open]
    );

    // The numbers override all else, and come in the order asked.
    let both = format!("service_request_id={old},{open},nonsense&status=closed&start_date=x");
    assert_eq!(ids(&both).await, [&*old, &open]);

    let at = |hours: i64| {
        let at = Timestamp::now_in_test() - SignedDuration::from_hours(hours);
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    assert_eq!(
        ids(&format!(
            "start_date={}&end_date={}",
            at(92 * 24),
            at(90 * 24)
        ))
        .await,
        [&*old]
    );
    assert_eq!(ids(&format!("end_date={}", at(7))).await, [&*open]);
    assert_eq!(ids(&format!("start_date={}", at(92 * 24))).await, [&*old]);
}

#[tokio::test]
async fn changes_are_followed_without_a_gap() {
    let house = House::open().await;
    let mut filed_in_order = vec![];
    for digits in 0..7 {
        filed_in_order.push(filed(&house, digits, 100 - i64::from(digits), false).await);
    }
    let first = "2000-01-01T00:00:00Z";
    let mut path = format!("requests.json?updated_after={first}&page_size=3");
    let mut followed = vec![];
    loop {
        let answer = get(&house, &path).await;
        followed.extend(answer.ids());
        let Some(link) = answer.headers.get("link") else {
            break;
        };
        let link = link.to_str().unwrap();
        let (query, rel) = link.strip_prefix("<?").unwrap().split_once('>').unwrap();
        assert_eq!(rel, "; rel=\"next\"");
        path = format!(
            "requests.json?{}",
            query.replace("&jurisdiction_id=koy", "")
        );
    }
    assert_eq!(followed, filed_in_order);

    let pages = async |page: u32| {
        let path = format!("requests.json?page_size=3&page={page}");
        get(&house, &path).await.ids()
    };
    filed_in_order.reverse();
    assert_eq!(pages(1).await, filed_in_order[..3]);
    assert_eq!(pages(0).await, filed_in_order[..3]);
    assert_eq!(pages(2).await, filed_in_order[3..6]);
    assert_eq!(pages(3).await, filed_in_order[6..]);
    assert!(pages(4).await.is_empty());

    // Both ends belong to it, though shown times are whole seconds.
    let shown = get(&house, "requests.json?page_size=1").await.json();
    let updated = shown[0]["updated_datetime"]
        .as_str()
        .unwrap()
        .replace('+', "%2B");
    let path = format!("requests.json?updated_after={updated}&updated_before={updated}");
    assert_eq!(get(&house, &path).await.ids(), filed_in_order[..1]);
    let careless = path.replace("%2B", "+");
    assert_eq!(get(&house, &careless).await.ids(), filed_in_order[..1]);
}

#[tokio::test]
async fn what_is_not_public_is_not_found_by_its_place() {
    let house = House::open().await;
    filed(&house, 1, 5, false).await;
    for place in ["lat=39.9&long=32.8", "bbox=32,39,33,40"] {
        let answer = get(&house, &format!("requests.json?{place}")).await;
        assert!(answer.ids().is_empty(), "{place}");
    }
    let extended = get(&house, "requests.json?extensions=true").await.json();
    let attributes = &extended[0]["extended_attributes"];
    assert_eq!(
        (&attributes["channel"], &attributes["state"]),
        (&json!("phone"), &json!("routed"))
    );
    for hidden in ["district", "neighbourhood"] {
        assert!(attributes[hidden].is_null(), "{attributes}");
    }
    let plain = get(&house, "requests.json").await.json();
    assert!(plain[0].get("extended_attributes").is_none());
}

#[tokio::test]
async fn a_page_of_another_site_may_read() {
    let house = House::open().await;
    let asked = Request::builder()
        .method(Method::OPTIONS)
        .uri(format!("{V2}/requests.json"))
        .header("origin", "https://example.org")
        .header("access-control-request-method", "GET");
    let answer = house.ask(asked.body(Body::empty()).unwrap()).await;
    assert!(answer.status.is_success());
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    let methods = answer.headers["access-control-allow-methods"]
        .to_str()
        .unwrap();
    assert!(
        methods.contains("GET") && !methods.contains("POST"),
        "{methods}"
    );
}

#[tokio::test]
async fn discovery_says_where_the_endpoint_is_and_what_it_speaks() {
    let house = House::open().await;
    let json = house.get(&format!("{V2}/discovery.json")).await.json();
    for text in ["changeset", "contact", "key_service"] {
        assert!(!json[text].as_str().unwrap().is_empty(), "{json}");
    }
    let endpoint = &json["endpoints"][0];
    assert_eq!(
        endpoint["specification"],
        "http://wiki.open311.org/GeoReport_v2"
    );
    assert!(endpoint["url"].as_str().unwrap().ends_with("/open311/v2"));
    assert_eq!(endpoint["type"], "production");
    assert_eq!(endpoint["formats"], json!(["text/xml", "application/json"]));
    // The directory of ova was defined then.
    let ova = house
        .get(&format!("{V2}/discovery.json?jurisdiction_id=ova"))
        .await
        .json();
    assert_eq!(ova["changeset"], "2025-10-09T11:53:20+03:00");
    let xml = house.get(&format!("{V2}/discovery.xml")).await.text;
    let formats = "<formats><format>text/xml</format><format>application/json</format></formats>";
    assert!(
        xml.contains("<discovery><changeset>") && xml.contains(formats),
        "{xml}"
    );
}

#[tokio::test]
async fn a_number_is_its_own_token_and_a_list_of_one() {
    let house = House::open().await;
    let token = house
        .get(&format!(
            "{V2}/tokens/{}.json?jurisdiction_id=ova",
            number()
        ))
        .await;
    assert_eq!(
        token.json(),
        json!([{ "service_request_id": number(), "token": number() }])
    );
    let one = house
        .get(&format!(
            "{V2}/requests/{}.json?jurisdiction_id=ova",
            number()
        ))
        .await;
    assert_eq!(one.ids(), [number()]);
}

#[tokio::test]
async fn a_service_says_what_it_asks() {
    let house = House::open().await;
    let mut register = house.register("koy").await;
    let attribute = |code: &str, kind: AttributeType, order| Attribute {
        code: code.to_owned(),
        r#type: kind.number(),
        required: order == 1,
        order,
        name_tr: "Saldırgan mı?".to_owned(),
        name_en: "Aggressive?".to_owned(),
        ..Attribute::default()
    };
    let mut list = attribute("WHISHETN", AttributeType::SingleValueList, 1);
    list.choices.push(AttributeChoice {
        key: "123".to_owned(),
        name_tr: "Evet".to_owned(),
        name_en: "Yes".to_owned(),
    });
    let topic = TopicDefined {
        code: "stray-dog".to_owned(),
        name_tr: "başıboş köpek".to_owned(),
        name_en: "stray dog".to_owned(),
        unit: "vet".to_owned(),
        public: true,
        group: "animals".to_owned(),
        keywords: vec!["köpek".to_owned(), "dogs".to_owned()],
        attributes: vec![list, attribute("count", AttributeType::Number, 2)],
        standard: Some(ServiceStandard {
            days: 0,
            working_days: 3,
        }),
    };
    let event = stored(event::record(
        Uuid::nil(),
        &topic,
        Timestamp::UNIX_EPOCH,
        [],
    ));
    Register.apply(&mut register, &event).await.unwrap();

    let services = get(&house, "services.json?lang=en").await.json();
    let service = json!([{
        "service_code": "stray-dog", "service_name": "stray dog",
        "description": "stray dog. Unit in charge: vet. Service standard: 3 working days.",
        "metadata": true, "type": "realtime", "keywords": "başıboş köpek,köpek,dogs", "group": "Animals",
    }]);
    assert_eq!(services, service);
    let xml = get(&house, "services/stray-dog.xml?lang=en").await.text;
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<service_definition><service_code>stray-dog</service_code>\
        <attributes><attribute><variable>true</variable><code>WHISHETN</code><datatype>singlevaluelist</datatype>\
        <required>true</required><datatype_description/><order>1</order><description>Aggressive?</description>\
        <values><value><key>123</key><name>Yes</name></value></values></attribute>\
        <attribute><variable>true</variable><code>count</code><datatype>number</datatype>\
        <required>false</required><datatype_description/><order>2</order><description>Aggressive?</description>\
        <values/></attribute></attributes></service_definition>";
    assert_eq!(xml, expected);
    // One that asks nothing says so.
    let nothing = house
        .get(&format!("{V2}/services/home-care.json?jurisdiction_id=ova"))
        .await;
    assert_eq!(
        nothing.json(),
        json!({ "service_code": "home-care", "attributes": [] })
    );
}

#[tokio::test]
async fn updates_tell_each_state_in_its_order() {
    let house = House::open().await;
    let number = filed(&house, 4, 10, true).await;
    let updates = get(&house, "servicerequestupdates.json?lang=en")
        .await
        .json();
    let told: Vec<_> = updates
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["status"].as_str().unwrap(),
                it["external_status_code"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("open", "routed"), ("closed", "concluded")]);
    assert_eq!(updates[1]["service_request_id"], number);
    assert_eq!(updates[1]["description"], "Concluded: Solved");
    let xml = get(&house, "servicerequestupdates.xml").await.text;
    assert!(
        xml.contains("<service_request_updates><request_update><update_id>"),
        "{xml}"
    );
}
