//! A unit that has to ask the citizen something, and what is said beside the work.

use contracts::{
    routing::v1::{AcceptRequestRequest, CitizenWrote, StartWorkRequest},
    vocabulary::v1::RequestState,
};
use prost::Message as _;
use tests::{City, open311::Format, work::Work};
use tonic::Code;

use super::{cluster, mails, say};

const QUESTION: &str = "Tarif ettiğiniz sokakta iki okul var; hangisinin önü?";
const ANSWER: &str = "İlkokulun arka kapısının önü.";

async fn filed(city: &City, address: &str) -> anyhow::Result<String> {
    let filed = [
        ("service_code", "pothole"),
        ("address_string", "Okul Sk. 3"),
        ("description", "Okulun önünde çukur var."),
        ("email", address),
    ];
    let number = city.open311().file(&filed, Format::Json).await?.number()?;
    city.handling(&number).await?;
    Ok(number)
}

#[tokio::test]
async fn the_citizen_is_asked_by_mail_and_the_answer_brings_the_request_back() -> anyhow::Result<()>
{
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let address = "mehmet.kaya@example.org";
    let number = filed(&ova, address).await?;
    let crew = Work::on(&ova, &number);
    crew.accept().await?;
    crew.assign("ekip-4").await?;

    crew.ask(QUESTION).await?;
    let waiting = ova.handling(&number).await?;
    assert_eq!(waiting.state(), RequestState::WaitingCitizen);
    assert_eq!(waiting.assignee, "ekip-4");

    let told = mails(&cluster, address, 2).await?;
    assert_eq!(
        told[1].subject,
        format!("Başvurunuz için sizden bilgi bekliyoruz: {number}")
    );
    assert!(told[1].text.contains(QUESTION), "{}", told[1].text);
    assert!(
        told[1].text.contains("Vatandaştan bilgi bekleniyor"),
        "{}",
        told[1].text
    );
    assert!(
        told[1].text.contains(&format!("/track?number={number}")),
        "{}",
        told[1].text
    );

    let said = crew.citizen_said(ANSWER).await?;
    let back = ova.handling(&number).await?;
    assert_eq!(back.state(), RequestState::Assigned);
    assert!(back.state_since > waiting.state_since);
    // The same command again is the same answer, and nothing new.
    assert_eq!(crew.citizen_said(ANSWER).await?, said);
    let wrote = ova.has_recorded(&number, "routing.CitizenWrote", 1).await?;
    let wrote = wrote
        .iter()
        .find(|it| it.r#type == "routing.CitizenWrote")
        .expect("it was recorded");
    let facts = CitizenWrote::decode(wrote.facts.as_slice())?;
    assert_eq!(facts.back_to(), RequestState::Assigned);
    assert!(!wrote.personal.is_empty());

    let history = say(&ova, &["history", &number, "--lang", "tr"]).await?;
    for expected in ["Vatandaştan bilgi istendi", "Vatandaş yazdı"] {
        assert!(history.out.contains(expected), "{}", history.out);
    }
    assert!(!history.out.contains(ANSWER), "{}", history.out);
    Ok(())
}

#[tokio::test]
async fn a_comment_tells_nobody_and_disturbs_no_work() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let address = "zeynep.demir@example.org";
    let number = filed(&ova, address).await?;
    let crew = Work::on(&ova, &number);
    let seen = crew.accept().await?.version;

    crew.comment("Muhtarla görüşüldü.", false).await?;
    let public = crew.comment("Malzeme bekleniyor.", true).await?;
    crew.citizen_said("Bir de bankın ayağı kırık.").await?;
    let standing = ova.handling(&number).await?;
    assert_eq!(standing.state(), RequestState::Accepted);
    assert_eq!(standing.version, seen + 3);

    // Whoever saw the request before the remarks may go on.
    let mut target = City::target(&number, "start after remarks");
    target.expected_version = seen;
    let started = StartWorkRequest {
        target: Some(target),
    };
    ova.routing().start_work(started).await?;
    // But not who has not seen that work began.
    let mut target = City::target(&number, "accept too late");
    target.expected_version = seen;
    let late = AcceptRequestRequest {
        target: Some(target),
    };
    let refused = ova.routing().accept_request(late).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted, "{refused:?}");

    // Concluding is news; if a comment were, its mail would have come first.
    crew.conclude(contracts::vocabulary::v1::SubResult::Solved, "Onarıldı.")
        .await?;
    let told = mails(&cluster, address, 2).await?;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].text.contains("Onarıldı."), "{}", told[1].text);
    assert!(public.position > 0);
    Ok(())
}

#[tokio::test]
async fn each_fault_of_a_question_or_a_remark_names_its_field() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let number = filed(&ova, "ali.can@example.org").await?;
    let crew = Work::on(&ova, &number);
    let fields = |status: tonic::Status| -> Vec<String> {
        let named = chassis::violations(&status).into_iter();
        named.map(|(field, _)| field).collect()
    };
    assert_eq!(fields(crew.comment(" ", true).await.unwrap_err()), ["text"]);
    assert_eq!(fields(crew.ask("").await.unwrap_err()), ["question"]);
    assert_eq!(fields(crew.citizen_said("").await.unwrap_err()), ["text"]);
    crew.conclude(contracts::vocabulary::v1::SubResult::Solved, "")
        .await?;
    let refused = crew.ask(QUESTION).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
    Ok(())
}
