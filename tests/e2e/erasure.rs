//! Twenty people are erased, and then looked for: through every door, and byte by byte in everything that was written.

pub(crate) mod people;

use anyhow::Context as _;
use contracts::{
    analytics::v1::GetReportReply,
    intake::v1::{
        ErasePersonRequest, ErasureGround, FindByCallerRequest, GetAttachmentRequest,
        RegisterRequestRequest, SearchRequest, ViewRequestRequest,
    },
    vocabulary::v1::{Channel, SubResult},
};
use futures::future::try_join_all;
use sqlx::{Connection as _, PgConnection};
use tests::{
    City, Cluster, city::command_id, eventually, files, open311::Format, process::Launch,
    work::Work,
};
use tonic::Code;

use super::{
    SOON, Said, cluster, say,
    secrets::{everything_written, is_search, scan::Scan, traces_have_arrived},
};
use people::{Person, Texts, filed, remarked_on, worked_on};

const CITY: &str = "unut";

/// The ways in; the first people come by one each, and all are written about by everybody.
const WAYS: usize = 5;
/// Four by each way in.
const PEOPLE: usize = 20;

#[tokio::test]
async fn who_is_erased_is_in_no_byte_and_behind_no_door_and_every_proof_still_holds()
-> anyhow::Result<()> {
    let cluster = cluster().await?;
    let city = cluster.city(CITY)?;
    let people = try_join_all((0..PEOPLE).map(|it| filed(&city, it))).await?;
    let (worked, others) = people.split_at(WAYS);
    try_join_all(worked.iter().map(|it| worked_on(&city, it))).await?;
    try_join_all(others.iter().map(|it| remarked_on(&city, it))).await?;
    city.settled().await?;
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let receipts = [path("first"), path("second")];
    for (person, receipt) in people.iter().zip(&receipts) {
        let said = say(
            &city,
            &["audit", "receipt", &person.number, "--out", receipt],
        )
        .await?;
        assert_eq!(said.code, 0, "{}", said.err);
    }
    let marks: Vec<String> = (0..PEOPLE).flat_map(|it| Texts::of(it).marks()).collect();
    let scan = Scan::of(&marks);
    eventually(SOON, "the search knows them", async || {
        anyhow::ensure!(!in_the_search(&cluster, &scan)?.is_empty());
        Ok(())
    })
    .await?;
    let before = (city.settled().await?, counted(&city).await?);

    looked_at_only(&city, &people[0], before.0).await?;
    let certificate = path("certificate");
    for (at, person) in people.iter().enumerate() {
        let mut args = vec!["erase", &person.pseudonym, "--ground", "citizen-request"];
        if at == 0 {
            args.extend(["--certificate", &certificate]);
        }
        let said = say(&city, &args).await?;
        assert_eq!(said.code, 0, "{}", said.err);
        for subject in [
            format!("person:{}", person.pseudonym),
            format!("contact:{}", person.contact),
            format!("request:{}", person.number),
        ] {
            assert!(said.out.contains(&subject), "{subject}: {}", said.out);
        }
    }
    let after = city.settled().await?;
    let events = u64::try_from(2 * PEOPLE)?;
    assert_eq!(after, before.0 + events, "an order and a record each");
    assert_eq!(counted(&city).await?, before.1, "the figures moved");
    erased_again(&city, &people[0], after).await?;

    keys_and_pictures_are_gone(&cluster, &people).await?;
    eventually(SOON, "the search has forgotten them", async || {
        let found = in_the_search(&cluster, &scan)?;
        anyhow::ensure!(found.is_empty(), "{found:#?}");
        Ok(())
    })
    .await?;
    try_join_all(people.iter().map(|it| no_door_shows(&city, it))).await?;
    for person in &people[..WAYS] {
        no_history_shows(&city, person).await?;
    }
    let said = say(&city, &["audit", "export", "--out", &path("log")]).await?;
    assert_eq!(said.code, 0, "{}", said.err);
    for exported in files::below(folder.path())? {
        let found = scan.file(&exported)?;
        assert!(found.is_empty(), "somebody erased is exported: {found:#?}");
    }
    traces_have_arrived(&cluster).await?;
    let found = everything_written(&cluster, CITY, &scan, |_| true).await?;
    assert!(
        found.is_empty(),
        "somebody erased is still there: {found:#?}"
    );

    for receipt in &receipts {
        let said = verify(receipt).await?;
        assert_eq!(said.code, 0, "{}", said.out);
    }
    certified(&certificate, &path("forged"), &people[0]).await?;
    life_goes_on(&city, &people).await
}

fn in_the_search(cluster: &Cluster, scan: &Scan) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for path in files::below(cluster.data())? {
        if is_search(&path) && path.components().any(|it| it.as_os_str() == CITY) {
            found.extend(scan.file(&path)?);
        }
    }
    Ok(found)
}

/// The city's figures, whatever position they were counted up to.
async fn counted(city: &City) -> anyhow::Result<GetReportReply> {
    Ok(GetReportReply {
        cut_off: 0,
        ..city.report().await?
    })
}

/// A dry run tells what would go, and changes nothing.
async fn looked_at_only(city: &City, person: &Person, head: u64) -> anyhow::Result<()> {
    let args = ["erase", &person.pseudonym, "--dry-run", "--lang", "en"];
    let said = say(city, &args).await?;
    assert_eq!(said.code, 0, "{}", said.err);
    for told in [
        "to be erased:".to_owned(),
        format!("    person:{}", person.pseudonym),
        format!("    contact:{}", person.contact),
        format!("    request:{}", person.number),
    ] {
        assert!(said.out.contains(&told), "{told}: {}", said.out);
    }
    for (whose, told) in [
        ("00000000-0000-7000-8000-000000000001", "person: is not"),
        (person.number.as_str(), person.pseudonym.as_str()),
        ("2026-xx", "PERSON|NUMBER"),
    ] {
        let said = say(city, &["erase", whose, "--ground", "other"]).await?;
        assert_ne!(said.code, 0, "{}", said.out);
        assert!(said.err.contains(told), "{}", said.err);
    }
    let without_ground = ErasePersonRequest {
        command_id: command_id("erasure: no ground"),
        person: person.pseudonym.clone(),
        ground: ErasureGround::Unspecified.into(),
        ..ErasePersonRequest::default()
    };
    let refused = city.intake().erase_person(without_ground).await;
    let refused = refused.err().context("it was erased")?;
    assert!(refused.message().starts_with("ground:"), "{refused}");
    assert_eq!(city.head().await?, head, "something was recorded");
    Ok(())
}

/// The second time the same is told, and nothing is recorded.
async fn erased_again(city: &City, person: &Person, head: u64) -> anyhow::Result<()> {
    let args = [
        "erase",
        &person.pseudonym,
        "--ground",
        "court-order",
        "--lang",
        "en",
    ];
    let said = say(city, &args).await?;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out.contains("erased") && said.out.contains("the citizen's request"),
        "{}",
        said.out
    );
    assert_eq!(city.head().await?, head);
    Ok(())
}

async fn keys_and_pictures_are_gone(cluster: &Cluster, people: &[Person]) -> anyhow::Result<()> {
    let mut keys = PgConnection::connect(&cluster.postgres.url("keys")).await?;
    let (gone, left): (i64, i64) = sqlx::query_as(
        "select count(*) filter (where wrapped is null), count(*) filter (where wrapped is not null)
         from data_keys where municipality = $1 and subject not like 'staff:%'",
    )
    .bind(CITY)
    .fetch_one(&mut keys)
    .await?;
    assert_eq!((gone, left), (i64::try_from(3 * people.len())?, 0));
    let pictures: i64 =
        sqlx::query_scalar("select count(*) from attachment where municipality = $1")
            .bind(CITY)
            .fetch_one(&mut keys)
            .await?;
    assert_eq!(pictures, 0);
    Ok(())
}

/// Everything that shows or finds a request, as citizens, staff and programs use it.
async fn no_door_shows(city: &City, person: &Person) -> anyhow::Result<()> {
    let mut shown = Vec::new();
    for format in Format::BOTH {
        shown.push(city.open311().request(&person.number, format).await?.body);
    }
    if let Some(secret) = &person.secret {
        let tracked = city.portal().track(&person.number, secret).await?;
        assert!(!tracked.html.contains("data:image/"), "{}", tracked.html);
        shown.push(tracked.html);
    }
    let http = reqwest::Client::builder().no_proxy().build()?;
    for path in ["?view=personal", "/history"] {
        let url = format!("{}/api/v1/requests/{}{path}", city.base(), person.number);
        let answer = http.get(url).bearer_auth(City::token(CITY)).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        assert_eq!(status, 200, "{path}: {text}");
        shown.push(text);
    }
    let view = ViewRequestRequest {
        number: person.number.clone(),
        purpose: "test".to_owned(),
        ..ViewRequestRequest::default()
    };
    let view = city.intake().view_request(view).await?.into_inner();
    assert!(view.erased && view.attachments.is_empty(), "{view:?}");
    shown.push(format!("{view:?}"));
    if let Some(id) = &person.attachment {
        let picture = GetAttachmentRequest {
            number: person.number.clone(),
            id: id.clone(),
            purpose: "test".to_owned(),
            ..GetAttachmentRequest::default()
        };
        let refused = city.intake().get_attachment(picture).await;
        assert_eq!(refused.err().map(|it| it.code()), Some(Code::NotFound));
    }
    for query in [format!("{}describes", person.mark), person.phone.clone()] {
        let request = SearchRequest {
            query,
            people: true,
            ..SearchRequest::default()
        };
        let hits = city.intake().search(request).await?.into_inner().hits;
        assert!(hits.is_empty(), "{hits:?}");
    }
    let caller = FindByCallerRequest {
        phone: person.phone.clone(),
        ..FindByCallerRequest::default()
    };
    let found = city.intake().find_by_caller(caller).await?.into_inner();
    assert!(found.numbers.is_empty(), "{found:?}");
    for text in shown {
        let told = text.contains(&person.mark) || text.contains(&person.phone);
        assert!(!told, "{}: {text}", person.mark);
    }
    Ok(())
}

/// What the operator is told of a request tells of its erasure, and of nobody.
async fn no_history_shows(city: &City, person: &Person) -> anyhow::Result<()> {
    for language in ["tr", "en"] {
        let said = say(city, &["history", &person.number, "--lang", language]).await?;
        let told = if language == "tr" {
            "Kişisel veriler silindi"
        } else {
            "Personal data erased"
        };
        assert!(said.out.contains(told), "{}", said.out);
        assert!(!said.out.contains(&person.mark), "{}", said.out);
    }
    Ok(())
}

/// Runs `cozum audit verify`, which asks no centre.
async fn verify(file: &str) -> anyhow::Result<Said> {
    let output = Launch::new("audit", ["audit", "verify", file])
        .run()
        .await?;
    Ok(Said {
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
        code: output.status.code().context("ended by a signal")?,
    })
}

/// The certificate holds offline; one that says more than its receipt does not.
async fn certified(certificate: &str, forged: &str, person: &Person) -> anyhow::Result<()> {
    let said = verify(certificate).await?;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains(&person.pseudonym), "{}", said.out);
    let text = std::fs::read_to_string(certificate)?;
    std::fs::write(forged, text.replace("citizen-request", "court-order"))?;
    let said = verify(forged).await?;
    assert_eq!(said.code, 1, "{}", said.out);
    // The time of the order is proved too: the law counts the days from it.
    let mut earlier: serde_json::Value = serde_json::from_str(&text)?;
    earlier["erasures"][0]["ordered"]["at"] = "2026-01-01T00:00:00Z".into();
    std::fs::write(forged, earlier.to_string())?;
    let said = verify(forged).await?;
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("the order is not what"), "{}", said.out);
    Ok(())
}

/// Work on an erased request can be ended without words; nothing new is kept of it, nobody is written to, nothing is stuck.
async fn life_goes_on(city: &City, people: &[Person]) -> anyhow::Result<()> {
    let person = &people[0];
    let unit = Work::on(city, &person.number);
    let refused = unit.comment("bir not", false).await;
    let refused = refused.err().context("it was taken")?;
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(
        refused.message().starts_with("subject: was erased"),
        "{refused}"
    );
    if let Some(secret) = &person.secret {
        let form = [
            ("number", person.number.as_str()),
            ("secret", secret),
            ("text", "bir mesaj"),
        ];
        let page = city.portal().post("/track/message", &form).await?;
        assert!(
            page.text()?.contains("saklayamayız"),
            "{} {}",
            page.status,
            page.html
        );
    }
    unit.conclude(SubResult::Solved, "").await?;
    city.has_recorded(&person.number, "notification.NotificationSkipped", 1)
        .await?;

    let caller = people
        .iter()
        .find(|it| it.mark == "zvunut02")
        .context("a caller")?;
    let request = RegisterRequestRequest {
        command_id: command_id("erasure: on the erased contact"),
        contact: caller.contact.clone(),
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        ..RegisterRequestRequest::default()
    };
    let refused = city.intake().register_request(request).await;
    let refused = refused.err().context("it was taken")?;
    assert!(
        refused.message().starts_with("contact: was with"),
        "{refused}"
    );
    // The same command as before is answered as before.
    let again = RegisterRequestRequest {
        command_id: command_id(&format!("erasure: {} asks", caller.mark)),
        contact: caller.contact.clone(),
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        description: format!("{}describes çukur", caller.mark),
        ..RegisterRequestRequest::default()
    };
    let again = city.intake().register_request(again).await?.into_inner();
    assert_eq!(again.number, caller.number);

    // Nobody is known of it: it is erased by its number.
    let request = RegisterRequestRequest {
        command_id: command_id("erasure: nobody"),
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        description: "adını vermedi".to_owned(),
        ..RegisterRequestRequest::default()
    };
    let nobody = city.intake().register_request(request).await?.into_inner();
    let said = say(
        city,
        &["erase", &nobody.number, "--ground", "retention-over"],
    )
    .await?;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("saklama süresi doldu"), "{}", said.out);

    let parked = say(city, &["parked", "list"]).await?;
    assert_eq!(parked.out, "nothing is parked\n");
    Ok(())
}
