//! People ask what the centre has about them: each gets everything that they ever wrote or that was written about them, by every way
//! in, and nothing of anybody else; and what was erased is said to be gone.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::Context as _;
use contracts::intake::v1::{PersonalDataViewed, ViewRequestRequest};
use futures::future::try_join_all;
use prost::Message as _;
use serde_json::Value;
use tests::{City, eventually, process::Launch};

use super::{
    SOON, cluster,
    erasure::people::{Person, Texts, filed, worked_on},
    say,
};

const CITY: &str = "benim";

/// Behind those of the erasures, so that the marks are nobody else's; one for each way in.
const PEOPLE: std::ops::Range<usize> = 20..25;

/// What each way in takes, by what the text begins with; pictures apart.
const FILED: [&[&str]; 5] = [
    &["name", "mail", "describes", "address"],
    &["given", "family", "mail", "describes", "address", "media"],
    &["name", "given", "family", "mail", "note", "describes"],
    &["name", "given", "family", "mail", "address", "describes"],
    &["name", "mail", "describes", "address"],
];

/// What is written about everybody later.
const WRITTEN: [&str; 5] = ["comment", "question", "said", "answer", "reopen"];

#[tokio::test]
async fn everybody_gets_all_that_is_theirs_and_nothing_of_anybody_else() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let city = cluster.city(CITY)?;
    let people = try_join_all(PEOPLE.map(|it| filed(&city, it))).await?;
    try_join_all(people.iter().map(|it| worked_on(&city, it))).await?;
    for person in &people {
        looked_at(&city, person).await?;
    }
    city.settled().await?;
    let folder = tempfile::tempdir()?;
    for (at, person) in people.iter().enumerate() {
        let out = folder.path().join(at.to_string());
        let (json, page) = exported(&city, person, &out).await?;
        for told in FILED[at].iter().chain(&WRITTEN) {
            let text = format!("{}{told}", person.mark);
            assert!(json.to_string().contains(&text), "{told} of {at}: {json:#}");
            assert!(page.contains(&text), "{told} of {at}: {page}");
        }
        for text in [&person.phone, &person.number, &person.contact] {
            assert!(json.to_string().contains(text), "{text}: {json:#}");
        }
        for other in people.iter().filter(|it| it.number != person.number) {
            for text in [&other.mark, &other.phone, &other.number, &other.pseudonym] {
                let tells = json.to_string().contains(text) || page.contains(text);
                assert!(!tells, "{at} is told {text}: {json:#}");
            }
        }
        is_whole(&json, &out, person)?;
        is_recorded(&city, person).await?;
    }
    what_is_erased_is_said_to_be_gone(&city, &people[0], folder.path()).await?;
    who_may_not_gets_nothing(&city, folder.path()).await
}

/// Somebody of the staff looks at a request in the console.
async fn looked_at(city: &City, person: &Person) -> anyhow::Result<()> {
    let view = ViewRequestRequest {
        number: person.number.clone(),
        purpose: "console".to_owned(),
        ..ViewRequestRequest::default()
    };
    city.intake().view_request(view).await?;
    Ok(())
}

async fn exported(city: &City, person: &Person, out: &Path) -> anyhow::Result<(Value, String)> {
    let name = out.to_string_lossy();
    let args = [
        "own-data",
        &person.pseudonym,
        "--out",
        &name,
        "--lang",
        "en",
    ];
    let said = say(city, &args).await?;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.out.contains(&person.mark), "{}", said.out);
    for path in [out.to_owned(), out.join("own-data.json")] {
        let mode = fs::metadata(&path)?.permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
    let json = serde_json::from_slice(&fs::read(out.join("own-data.json"))?)?;
    Ok((json, fs::read_to_string(out.join("own-data.html"))?))
}

fn entries<'a>(json: &'a Value, section: &str) -> Vec<&'a Value> {
    let sections = json["sections"].as_array().into_iter().flatten();
    let found = sections.filter(|it| it["name"] == section);
    found
        .flat_map(|it| it["entries"].as_array().into_iter().flatten())
        .collect()
}

/// Every section has what it is for, and the picture lies beside the document.
fn is_whole(json: &Value, out: &Path, person: &Person) -> anyhow::Result<()> {
    let types = |section: &str| -> BTreeSet<&str> {
        entries(json, section)
            .iter()
            .filter_map(|it| it["type"].as_str())
            .collect()
    };
    assert!(types("person").contains("intake.PersonRecorded"));
    assert!(types("contacts").contains("intake.ContactRegistered"));
    for event in ["intake.RequestRegistered", "routing.RequestConcluded"] {
        assert!(types("requests").contains(event), "{json:#}");
    }
    assert!(
        types("told").contains("notification.NotificationRequested"),
        "{json:#}"
    );
    assert!(
        types("erasures").is_empty() && types("other").is_empty(),
        "{json:#}"
    );
    let looks = entries(json, "looks");
    let purposes: Vec<_> = looks
        .iter()
        .filter_map(|it| it["facts"]["purpose"].as_str())
        .collect();
    assert_eq!(purposes.first(), Some(&"console"), "{json:#}");
    assert_eq!(purposes.last(), Some(&"own-data"), "{json:#}");
    let by: BTreeSet<_> = looks.iter().filter_map(|it| it["by"].as_str()).collect();
    assert!(by.iter().all(|it| it.starts_with("staff-")), "{by:?}");
    assert!(
        !json.to_string().contains("staff:"),
        "a name of staff: {json:#}"
    );

    let requests = entries(json, "requests");
    let files = requests
        .iter()
        .flat_map(|it| it["files"].as_array().into_iter().flatten());
    let files: Vec<_> = files.collect();
    assert_eq!(files.len(), usize::from(person.attachment.is_some()));
    for file in files {
        let path = out.join(file["path"].as_str().context("a picture")?);
        assert!(fs::read(path)?.starts_with(&[0xff, 0xd8]), "it is no JPEG");
    }
    Ok(())
}

/// The request's history tells who looked, although the look was at everything of a person.
async fn is_recorded(city: &City, person: &Person) -> anyhow::Result<()> {
    eventually(SOON, "the look is recorded", async || {
        let history = city.history(&person.number).await?;
        let looks = history
            .iter()
            .filter(|it| it.r#type == "intake.PersonalDataViewed");
        let looks: Vec<_> = looks
            .map(|it| PersonalDataViewed::decode(it.facts.as_slice()))
            .collect::<Result<_, _>>()?;
        let own = looks.iter().find(|it| it.person == person.pseudonym);
        let own = own.context("nobody looked at all of it")?;
        anyhow::ensure!(
            own.purpose == "own-data" && own.number.is_empty(),
            "{own:?}"
        );
        Ok(())
    })
    .await
}

async fn what_is_erased_is_said_to_be_gone(
    city: &City,
    person: &Person,
    folder: &Path,
) -> anyhow::Result<()> {
    let said = say(
        city,
        &["erase", &person.pseudonym, "--ground", "citizen-request"],
    )
    .await?;
    assert_eq!(said.code, 0, "{}", said.err);
    let (json, page) = exported(city, person, &folder.join("erased")).await?;
    for text in Texts::of(PEOPLE.start).marks() {
        let tells = json.to_string().contains(&text) || page.contains(&text);
        assert!(!tells, "{text}: {json:#}");
    }
    let sections = ["person", "requests"];
    let texts = sections.iter().flat_map(|it| entries(&json, it));
    let texts = texts.flat_map(|it| it["texts"].as_array().into_iter().flatten());
    let texts: Vec<_> = texts.collect();
    assert!(texts.len() >= FILED[0].len() + WRITTEN.len(), "{json:#}");
    assert!(texts.iter().all(|it| it["text"].is_null()), "{json:#}");
    assert_eq!(entries(&json, "erasures").len(), 2, "{json:#}");
    assert!(page.contains("[erased]"), "{page}");
    Ok(())
}

async fn who_may_not_gets_nothing(city: &City, folder: &Path) -> anyhow::Result<()> {
    let out = folder.join("nobody").to_string_lossy().into_owned();
    let nobody = "00000000-0000-7000-8000-000000000001";
    let said = say(city, &["own-data", nobody, "--out", &out]).await?;
    assert_ne!(said.code, 0);
    assert!(
        said.err.contains("person: is not the pseudonym"),
        "{}",
        said.err
    );
    let server = ["--server", city.base(), "--token", "another"];
    let args = ["own-data", nobody, "--out", &out]
        .into_iter()
        .chain(server);
    let refused = Launch::new("own-data", args).run().await?;
    let told = String::from_utf8(refused.stderr)?;
    assert!(
        !refused.status.success() && told.contains("--token: is not accepted"),
        "{told}"
    );
    assert!(!Path::new(&out).exists());
    Ok(())
}
