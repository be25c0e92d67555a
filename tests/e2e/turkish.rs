//! Turkish text comes back unchanged through each interface, and stays sealed where nobody is to read it.

use anyhow::Context as _;
use chassis::Role;
use contracts::{
    intake::v1::{Citizen, GetRequestRequest, RegisterRequestRequest},
    vocabulary::v1::{Channel, Language, SubResult},
};
use tests::{City, city::command_id, open311::Format, work::Work};

use super::{cluster, mails, say};

/// Dotted and dotless i, in both cases, and everything else that breaks.
const TEXT: &str = "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ";
/// The same in a name.
const NAME: &str = "Ayşe'nin İĞDIR şikâyeti ğüöşçıİ";

fn yazi(cluster: &tests::Cluster) -> anyhow::Result<City> {
    cluster.city("yazi")
}

#[tokio::test]
async fn turkish_text_comes_back_unchanged_through_open311() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let yazi = yazi(&cluster)?;
    for format in Format::BOTH {
        let filed = [
            ("service_code", "pothole"),
            ("address_string", TEXT),
            ("description", TEXT),
        ];
        let number = yazi.open311().file(&filed, format).await?.number()?;
        for shown_in in Format::BOTH {
            let answer = yazi.open311().request(&number, shown_in).await?;
            assert!(
                answer.content_type.contains("utf-8"),
                "{}",
                answer.content_type
            );
            let shown = answer.only()?;
            assert_eq!(
                (shown["description"].as_str(), shown["address"].as_str()),
                (TEXT, TEXT)
            );
        }
        stays_sealed(&yazi, &number).await?;
    }
    Ok(())
}

#[tokio::test]
async fn turkish_text_comes_back_unchanged_on_the_portal() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let yazi = yazi(&cluster)?;
    let filed = [
        ("topic", "pothole"),
        ("description", TEXT),
        ("address", TEXT),
        ("name", TEXT),
        ("language", "tr"),
    ];
    let receipt = yazi.portal().file(&filed).await?;
    assert_eq!(receipt.status, 201, "{}", receipt.text()?);
    let (number, secret) = (receipt.element("number")?, receipt.element("secret")?);

    let tracked = yazi.portal().track(&number, &secret).await?;
    assert_eq!(tracked.status, 200, "{}", tracked.text()?);
    assert!(tracked.text()?.contains(TEXT), "{}", tracked.text()?);

    let guessed = yazi
        .portal()
        .track(&number, "00000000000000000000000000")
        .await?;
    assert!(
        !guessed.text()?.contains("çukur"),
        "a wrong secret opens it: {}",
        guessed.text()?
    );

    let wrong = yazi
        .portal()
        .file(&[
            ("topic", "pothole"),
            ("description", TEXT),
            ("email", "ayşe"),
        ])
        .await?;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.text()?.contains(TEXT),
        "what was typed is gone: {}",
        wrong.text()?
    );
    stays_sealed(&yazi, &number).await
}

#[tokio::test]
async fn turkish_text_comes_back_unchanged_by_grpc_and_by_mail() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let yazi = yazi(&cluster)?;
    let address = "igdir@example.org";
    let request = RegisterRequestRequest {
        command_id: command_id("turkish by gRPC"),
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        description: TEXT.to_owned(),
        address: TEXT.to_owned(),
        citizen: Some(Citizen {
            name: NAME.to_owned(),
            email: address.to_owned(),
            language: Language::Tr.into(),
            ..Citizen::default()
        }),
        ..RegisterRequestRequest::default()
    };
    let number = yazi
        .intake()
        .register_request(request)
        .await?
        .into_inner()
        .number;
    let purpose = "test".to_owned();
    let open = GetRequestRequest {
        number: number.clone(),
        purpose,
        ..GetRequestRequest::default()
    };
    // Programs may not open texts; services ask intake itself.
    let inside = City::new(yazi.name(), &cluster.grpc(Role::Intake), "none")?
        .carrying("cozum-municipality", yazi.name())?
        .carrying("cozum-actor", "system:gateway")?;
    let opened = inside.intake().get_request(open).await?.into_inner();
    assert_eq!(
        (opened.description.as_str(), opened.address.as_str()),
        (TEXT, TEXT)
    );

    yazi.handling(&number).await?;
    Work::on(&yazi, &number)
        .conclude(SubResult::Solved, TEXT)
        .await?;
    let told = mails(&cluster, address, 2).await?;
    let concluded = told
        .iter()
        .find(|it| it.text.contains("Çözüldü"))
        .context("no mail tells the end")?;
    assert!(
        concluded.text.contains(&format!("Açıklama:\n{TEXT}\n")),
        "{}",
        concluded.text
    );
    assert!(
        concluded.text.contains(&format!("Sayın {NAME},")),
        "{}",
        concluded.text
    );
    stays_sealed(&yazi, &number).await
}

/// The operator's history tells that there is a text, and not the text.
async fn stays_sealed(yazi: &City, number: &str) -> anyhow::Result<()> {
    for format in ["text", "json"] {
        let told = say(yazi, &["history", number, "--format", format]).await?;
        assert_eq!(told.code, 0, "{}", told.err);
        assert!(told.out.contains("description"), "{}", told.out);
        for word in ["Ayşe", "ğüöşçıİ", "şikâyeti"] {
            assert!(
                !told.out.contains(word) && !told.err.contains(word),
                "{word} in {}",
                told.out
            );
        }
    }
    Ok(())
}
