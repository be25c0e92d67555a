//! Staff find what citizens wrote, however it is spelled; and whoever looks is in the record before the text is out.

use anyhow::Context as _;
use chassis::Role;
use contracts::{
    intake::v1::{
        Citizen, FindByCallerRequest, GetPublicTextsRequest, PersonalDataViewed,
        RegisterRequestRequest, SearchRequest, ViewRequestRequest, open_request, search_reply::Hit,
    },
    vocabulary::v1::{Channel, Place, Sealed},
};
use prost::Message as _;
use tests::{City, Cluster, city::command_id, eventually};
use tonic::Code;
use vocabulary::RequestNumber;

use super::cluster;

const SOON: std::time::Duration = std::time::Duration::from_secs(30);
const STAFF: &str = "staff:ayse.demir";

/// The city, and intake as the gateway calls it for a member of staff.
fn bul(cluster: &Cluster) -> anyhow::Result<(City, City)> {
    let city = cluster.city("bul")?;
    let inside = City::new(city.name(), &cluster.grpc(Role::Intake), "none")?
        .carrying("cozum-municipality", city.name())?
        .carrying("cozum-actor", STAFF)?;
    Ok((city, inside))
}

async fn register(
    city: &City,
    what: &str,
    topic: &str,
    description: &str,
    phone: &str,
) -> anyhow::Result<String> {
    let citizen = Citizen {
        name: format!("Zeynep {what}"),
        phone: phone.to_owned(),
        ..Citizen::default()
    };
    let request = RegisterRequestRequest {
        command_id: command_id(&format!("search: {what}")),
        channel: Channel::Phone.into(),
        topic: topic.to_owned(),
        description: description.to_owned(),
        place: Some(Place {
            district: if what == "look" { "Merkez" } else { "Iğdır" }.to_owned(),
            ..Place::default()
        }),
        citizen: (!phone.is_empty()).then_some(citizen),
        ..RegisterRequestRequest::default()
    };
    let number = city
        .intake()
        .register_request(request)
        .await?
        .into_inner()
        .number;
    city.handling(&number).await?;
    Ok(number)
}

fn asked(query: &str) -> SearchRequest {
    SearchRequest {
        query: query.to_owned(),
        people: true,
        ..SearchRequest::default()
    }
}

async fn hits(inside: &City, asked: SearchRequest) -> anyhow::Result<Vec<Hit>> {
    Ok(inside.intake().search(asked).await?.into_inner().hits)
}

async fn numbers(inside: &City, asked: SearchRequest) -> anyhow::Result<Vec<String>> {
    let mut numbers: Vec<String> = hits(inside, asked)
        .await?
        .into_iter()
        .map(|it| it.number)
        .collect();
    numbers.sort();
    Ok(numbers)
}

#[tokio::test]
async fn staff_find_a_request_however_they_spell_it() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let (city, inside) = bul(&cluster)?;
    let pothole = register(
        &city,
        "pothole",
        "pothole",
        "Sokağımızda derin bir çukur var",
        "0532 765 43 21",
    )
    .await?;
    let waste = register(
        &city,
        "waste",
        "missed-collection",
        "Çöp toplanmadı, konteyner taştı",
        "",
    )
    .await?;
    let both = {
        let mut both = vec![pothole.clone(), waste.clone()];
        both.sort();
        both
    };
    eventually(SOON, "the search knows both", async || {
        anyhow::ensure!(numbers(&inside, asked("igdir")).await? == both);
        Ok(())
    })
    .await?;
    for spelling in ["igdir", "ığdır", "IĞDIR", "Iğdır'da"] {
        assert_eq!(numbers(&inside, asked(spelling)).await?, both, "{spelling}");
    }
    assert_eq!(
        numbers(&inside, asked("cop")).await?,
        std::slice::from_ref(&waste)
    );
    assert_eq!(
        numbers(&inside, asked("çukurlar")).await?,
        std::slice::from_ref(&pothole)
    );
    for phone in ["0532 765 43 21", "+905327654321", "(532) 765-4321", "4321"] {
        let found = hits(&inside, asked(phone)).await?;
        assert!(
            found
                .iter()
                .any(|it| it.number == pothole && it.matched == "phone"),
            "{phone}: {found:?}"
        );
    }
    let by_number = hits(&inside, asked(&pothole)).await?;
    assert_eq!(by_number.first().context("no hit")?.matched, "number");
    let nameless = SearchRequest {
        people: false,
        ..asked("zeynep")
    };
    assert!(numbers(&inside, nameless).await?.is_empty());

    let unit = city.handling(&waste).await?.unit;
    eventually(SOON, "the search knows the unit", async || {
        let own = SearchRequest {
            units: vec![unit.clone()],
            ..asked("ığdır")
        };
        anyhow::ensure!(numbers(&inside, own).await? == std::slice::from_ref(&waste));
        Ok(())
    })
    .await?;

    let caller = FindByCallerRequest {
        phone: "5327654321".to_owned(),
        ..FindByCallerRequest::default()
    };
    let found = inside
        .intake()
        .find_by_caller(caller)
        .await?
        .into_inner()
        .numbers;
    assert_eq!(found, [pothole]);
    Ok(())
}

#[tokio::test]
async fn whoever_looks_is_in_the_history_before_the_text_is_out() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let (city, inside) = bul(&cluster)?;
    let number = register(&city, "look", "bench", "Kaldırım kırık", "0533 111 22 33").await?;
    let look = |purpose: &str| ViewRequestRequest {
        number: number.clone(),
        purpose: purpose.to_owned(),
        ..ViewRequestRequest::default()
    };
    let refused = inside.intake().view_request(look("just-so")).await;
    assert_eq!(
        refused.err().map(|it| it.code()),
        Some(Code::InvalidArgument)
    );
    assert_eq!(
        looks(&city, &number).await?.len(),
        0,
        "nothing was opened, nothing is recorded"
    );

    let seen = inside
        .intake()
        .view_request(look("console"))
        .await?
        .into_inner();
    assert_eq!(
        (seen.description.as_str(), seen.phone.as_str()),
        ("Kaldırım kırık", "+905331112233")
    );
    let recorded = looks(&city, &number).await?;
    let (position, actor, viewed) = recorded.first().context("the look is not recorded")?;
    assert_eq!((*position, actor.as_str()), (seen.position, STAFF));
    assert_eq!(viewed.purpose, "console");
    assert_eq!(viewed.fields, ["citizen", "description"]);

    // A text of another request is not opened on the strength of this look.
    let other = RequestNumber::new(2026, 0);
    let foreign = open_request::Field {
        event_id: vec![1; 16],
        name: "text".to_owned(),
        sealed: Some(Sealed {
            subject: format!("request:{other}"),
            nonce: vec![0; 12],
            ciphertext: vec![0; 32],
        }),
    };
    let wider = ViewRequestRequest {
        also: vec![foreign],
        ..look("console")
    };
    let refused = inside.intake().view_request(wider).await;
    let refused = refused.err().context("it was opened")?;
    assert!(
        refused.message().starts_with("also[0].sealed: belongs"),
        "{refused}"
    );

    let texts = GetPublicTextsRequest {
        numbers: vec![other.to_string(), number.clone()],
    };
    let asked_for = eventually(SOON, "the public texts are there", async || {
        let reply = inside
            .intake()
            .get_public_texts(texts.clone())
            .await?
            .into_inner()
            .texts;
        anyhow::ensure!(reply.iter().any(|it| !it.description.is_empty()));
        Ok(reply)
    })
    .await?;
    let descriptions: Vec<&str> = asked_for.iter().map(|it| it.description.as_str()).collect();
    assert_eq!(descriptions, ["", "Kaldırım kırık"]);
    Ok(())
}

/// Who looked at a request, as its history has it.
async fn looks(
    city: &City,
    number: &str,
) -> anyhow::Result<Vec<(u64, String, PersonalDataViewed)>> {
    let history = city.history(number).await?;
    let looks = history
        .into_iter()
        .filter(|it| it.r#type == "intake.PersonalDataViewed");
    looks
        .map(|it| {
            Ok((
                it.position,
                it.actor,
                PersonalDataViewed::decode(it.facts.as_slice())?,
            ))
        })
        .collect()
}
