//! Twenty people with a mark in each of their texts, by every way in.

use anyhow::Context as _;
use contracts::{
    intake::v1::{
        Citizen, File, RegisterContactRequest, RegisterRequestRequest, RequestRegistered,
    },
    vocabulary::v1::{Channel, Language, SubResult},
};
use prost::Message as _;
use serde_json::{Value, json};
use tests::{City, city::command_id, open311::Format, picture, work::Work};

/// Somebody, as the log knows them.
#[derive(Debug)]
pub(crate) struct Person {
    /// What all their texts begin with.
    pub(crate) mark: String,
    pub(crate) phone: String,
    pub(crate) number: String,
    pub(crate) pseudonym: String,
    pub(crate) contact: String,
    pub(crate) attachment: Option<String>,
    /// Where their tracking page was shown to them.
    pub(crate) secret: Option<String>,
}

/// The texts of one person; each begins with a mark that occurs nowhere else.
pub(crate) struct Texts {
    mark: String,
    phone: String,
}

impl Texts {
    pub(crate) fn of(person: usize) -> Self {
        Self {
            mark: format!("zvunut{person:02}"),
            phone: format!("+90530765{person:04}"),
        }
    }

    fn text(&self, field: &str) -> String {
        format!("{}{field} çukur", self.mark)
    }

    fn email(&self) -> String {
        format!("{0}mail@{0}.example", self.mark)
    }

    fn citizen(&self) -> Citizen {
        Citizen {
            name: self.text("name"),
            given_name: self.text("given"),
            family_name: self.text("family"),
            email: self.email(),
            phone: self.phone.clone(),
            language: Language::Tr.into(),
        }
    }

    /// What every one of them holds.
    pub(crate) fn marks(&self) -> [String; 2] {
        [self.mark.clone(), self.phone.clone()]
    }
}

/// Somebody files.
pub(crate) async fn filed(city: &City, at: usize) -> anyhow::Result<Person> {
    let texts = Texts::of(at);
    let mut secret = None;
    let number = match at % 5 {
        0 => {
            let (number, opens) = by_portal(city, &texts).await?;
            secret = Some(opens);
            number
        }
        1 => by_open311(city, &texts).await?,
        2 => by_phone(city, &texts).await?,
        3 => at_the_desk(city, &texts).await?,
        _ => by_api(city, &texts).await?,
    };
    let history = city
        .has_recorded(&number, "intake.RequestRegistered", 1)
        .await?;
    let registered = history
        .iter()
        .find(|it| it.r#type == "intake.RequestRegistered");
    let registered = registered.context("it is registered")?;
    let registered = RequestRegistered::decode(registered.facts.as_slice())?;
    Ok(Person {
        mark: texts.mark,
        phone: texts.phone,
        number,
        pseudonym: registered.person,
        contact: registered.contact,
        attachment: registered.attachments.into_iter().next().map(|it| it.id),
        secret,
    })
}

async fn by_portal(city: &City, texts: &Texts) -> anyhow::Result<(String, String)> {
    let filed = [
        ("topic", "pothole".to_owned()),
        ("name", texts.text("name")),
        ("email", texts.email()),
        ("phone", texts.phone.clone()),
        ("description", texts.text("describes")),
        ("address", texts.text("address")),
    ];
    let filed = filed
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let photo = picture::png(&texts.text("pixels"), &texts.text("exif"));
    let receipt = city.portal().file_with(&filed, &[photo]).await?;
    let (number, secret) = (receipt.element("number")?, receipt.element("secret")?);
    let tracked = city.portal().track(&number, &secret).await?;
    assert!(
        tracked.html.contains(&texts.mark) && tracked.html.contains("data:image/"),
        "the citizen cannot see it: {}",
        tracked.html
    );
    Ok((number, secret))
}

async fn by_open311(city: &City, texts: &Texts) -> anyhow::Result<String> {
    let filed = [
        ("service_code", "pothole".to_owned()),
        ("lat", "39.92".to_owned()),
        ("long", "32.85".to_owned()),
        ("first_name", texts.text("given")),
        ("last_name", texts.text("family")),
        ("email", texts.email()),
        ("phone", texts.phone.clone()),
        ("description", texts.text("describes")),
        ("address_string", texts.text("address")),
        (
            "media_url",
            format!("https://photos.example/{}media.jpg", texts.mark),
        ),
    ];
    let filed = filed
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    city.open311().file(&filed, Format::Json).await?.number()
}

async fn by_phone(city: &City, texts: &Texts) -> anyhow::Result<String> {
    let contact = RegisterContactRequest {
        command_id: command_id(&format!("erasure: {} calls", texts.mark)),
        channel: Channel::Phone.into(),
        citizen: Some(texts.citizen()),
        note: texts.text("note"),
        ..RegisterContactRequest::default()
    };
    let contact = city.intake().register_contact(contact).await?.into_inner();
    let request = RegisterRequestRequest {
        command_id: command_id(&format!("erasure: {} asks", texts.mark)),
        contact: contact.contact,
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        description: texts.text("describes"),
        ..RegisterRequestRequest::default()
    };
    Ok(city
        .intake()
        .register_request(request)
        .await?
        .into_inner()
        .number)
}

async fn at_the_desk(city: &City, texts: &Texts) -> anyhow::Result<String> {
    let file = File {
        media_type: "image/png".to_owned(),
        content: picture::png(&texts.text("pixels"), &texts.text("exif")),
    };
    let request = RegisterRequestRequest {
        command_id: command_id(&format!("erasure: {} comes", texts.mark)),
        channel: Channel::Desk.into(),
        topic: "pothole".to_owned(),
        description: texts.text("describes"),
        address: texts.text("address"),
        citizen: Some(texts.citizen()),
        files: vec![file],
        ..RegisterRequestRequest::default()
    };
    Ok(city
        .intake()
        .register_request(request)
        .await?
        .into_inner()
        .number)
}

async fn by_api(city: &City, texts: &Texts) -> anyhow::Result<String> {
    let body = json!({
        "topic": "pothole", "channel": "app", "description": texts.text("describes"),
        "address": texts.text("address"), "point": {"latitude": 39.92, "longitude": 32.85},
        "citizen": {"name": texts.text("name"), "email": texts.email(), "phone": texts.phone, "language": "tr"}
    });
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .post(format!("{}/api/v1/requests", city.base()))
        .bearer_auth(City::token(city.name()))
        .header("idempotency-key", &texts.mark)
        .json(&body)
        .send()
        .await?;
    let (status, filed) = (answer.status(), answer.json::<Value>().await?);
    anyhow::ensure!(status == 201, "{status} {filed}");
    Ok(filed["number"].as_str().context("a number")?.to_owned())
}

/// Everybody writes about it.
pub(crate) async fn worked_on(city: &City, person: &Person) -> anyhow::Result<()> {
    let text = |field: &str| format!("{}{field} çukur", person.mark);
    let unit = Work::on(city, &person.number);
    remarked_on(city, person).await?;
    unit.accept().await?;
    unit.ask(&text("question")).await?;
    unit.citizen_said(&text("said")).await?;
    unit.conclude(SubResult::Refused, &text("answer")).await?;
    unit.reopen(&text("reopen")).await?;
    Ok(())
}

/// The unit writes a remark, which nobody is mailed.
pub(crate) async fn remarked_on(city: &City, person: &Person) -> anyhow::Result<()> {
    city.handling(&person.number).await?;
    let remark = format!("{}comment çukur", person.mark);
    Work::on(city, &person.number)
        .comment(&remark, true)
        .await?;
    Ok(())
}
