//! The register: what the public and the citizen may see of each request, and the directory. A read model without any
//! personal data: texts and addresses are asked of intake at the moment they are shown.

use std::collections::HashMap;

use chassis::Platform;
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::Event,
    routing::v1::{TopicDefined, UnitDefined},
    vocabulary::v1::Place,
};
use projection::{Projection, ReadModel};
use sqlx::{SqliteConnection, SqlitePool};
use tonic::Status;
use vocabulary::{Channel, Language, Municipality, RequestNumber, RequestState, SubResult};

use crate::heard::{Heard, Step, hear};

/// The read model.
#[derive(Debug, Clone, Copy)]
pub struct Register;

impl ReadModel for Register {
    const NAME: &'static str = "register";
    const VERSION: u32 = 2;
    const SCHEMA: &'static str = "
        create table request (
            number        text primary key,
            topic         text not null,
            channel       text not null,
            latitude      real,
            longitude     real,
            district      text not null,
            neighbourhood text not null,
            registered_at integer not null,
            updated_at    integer not null,
            state         integer not null,
            unit          text not null default '',
            planned_for   text not null default '',
            institution   text not null default '',
            sub_result    integer not null default 0,
            imported      integer not null
        ) without rowid;
        create table topic (
            code text primary key, name_tr text not null, name_en text not null, unit text not null, public integer not null
        ) without rowid;
        create table unit (
            code text primary key, name_tr text not null, name_en text not null, outside integer not null
        ) without rowid;
        create table district (name text primary key, requests integer not null) without rowid;
        create table neighbourhood (
            district text not null, name text not null, requests integer not null, primary key (district, name)
        ) without rowid;
    ";

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        match hear(event)? {
            None => Ok(()),
            Some(Heard::Registered(request)) => registered(tx, &request, event.occurred_at).await,
            Some(Heard::Moved(step)) => moved(tx, &step, event.occurred_at).await,
            Some(Heard::Unit(unit)) => unit_defined(tx, &unit).await,
            Some(Heard::Topic(topic)) => topic_defined(tx, &topic).await,
        }
    }
}

async fn registered(
    tx: &mut SqliteConnection,
    request: &RequestRegistered,
    at: i64,
) -> anyhow::Result<()> {
    let place = request.place.clone().unwrap_or_default();
    let channel = Channel::try_from(request.channel).map_or("", Channel::code);
    sqlx::query(
        "insert into request (number, topic, channel, latitude, longitude, district, neighbourhood, registered_at,
            updated_at, state, imported)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10) on conflict do nothing",
    )
    .bind(&request.number)
    .bind(&request.topic)
    .bind(channel)
    .bind(place.latitude)
    .bind(place.longitude)
    .bind(&place.district)
    .bind(&place.neighbourhood)
    .bind(at)
    .bind(RequestState::Registered.number())
    .bind(request.imported.is_some())
    .execute(&mut *tx)
    .await?;
    // A citizen's own words teach the register no names.
    if request.imported.is_some() || request.channel != Channel::Web.number() {
        place_named(tx, &place).await?;
    }
    Ok(())
}

async fn place_named(tx: &mut SqliteConnection, place: &Place) -> anyhow::Result<()> {
    if place.district.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into district values (?, 1) on conflict do update set requests = requests + 1",
    )
    .bind(&place.district)
    .execute(&mut *tx)
    .await?;
    if !place.neighbourhood.is_empty() {
        sqlx::query(
            "insert into neighbourhood values (?, ?, 1) on conflict do update set requests = requests + 1",
        )
        .bind(&place.district)
        .bind(&place.neighbourhood)
        .execute(tx)
        .await?;
    }
    Ok(())
}

async fn moved(tx: &mut SqliteConnection, step: &Step, at: i64) -> anyhow::Result<()> {
    sqlx::query(
        "update request set state = ?, unit = coalesce(nullif(?, ''), unit), planned_for = ?, institution = ?,
            sub_result = ?, updated_at = max(updated_at, ?) where number = ?",
    )
    .bind(step.state.number())
    .bind(&step.unit)
    .bind(&step.planned_for)
    .bind(&step.institution)
    .bind(step.sub_result.map_or(0, SubResult::number))
    .bind(at)
    .bind(&step.number)
    .execute(tx)
    .await?;
    Ok(())
}

async fn unit_defined(tx: &mut SqliteConnection, unit: &UnitDefined) -> anyhow::Result<()> {
    sqlx::query(
        "insert or replace into unit (code, name_tr, name_en, outside) values (?, ?, ?, ?)",
    )
    .bind(&unit.code)
    .bind(&unit.name_tr)
    .bind(&unit.name_en)
    .bind(unit.outside)
    .execute(tx)
    .await?;
    Ok(())
}

async fn topic_defined(tx: &mut SqliteConnection, topic: &TopicDefined) -> anyhow::Result<()> {
    sqlx::query("insert or replace into topic (code, name_tr, name_en, unit, public) values (?, ?, ?, ?, ?)")
        .bind(&topic.code)
        .bind(&topic.name_tr)
        .bind(&topic.name_en)
        .bind(&topic.unit)
        .bind(topic.public)
        .execute(tx)
        .await?;
    Ok(())
}

/// A name in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Name {
    pub(crate) name_tr: String,
    pub(crate) name_en: String,
}

impl Name {
    /// The name in a language, or in the other where it has none.
    pub(crate) fn of(&self, language: Language) -> &str {
        let (first, second) = match language {
            Language::Tr => (&self.name_tr, &self.name_en),
            Language::En => (&self.name_en, &self.name_tr),
        };
        if first.is_empty() { second } else { first }
    }
}

/// One request of the register.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Entry {
    pub(crate) topic: String,
    pub(crate) channel: String,
    pub(crate) imported: bool,
    pub(crate) latitude: Option<f64>,
    pub(crate) longitude: Option<f64>,
    pub(crate) district: String,
    pub(crate) neighbourhood: String,
    pub(crate) registered_at: i64,
    pub(crate) updated_at: i64,
    state: i32,
    pub(crate) unit: String,
    pub(crate) planned_for: String,
    pub(crate) institution: String,
    sub_result: i32,
}

impl Entry {
    pub(crate) fn state(&self) -> RequestState {
        RequestState::try_from(self.state).unwrap_or(RequestState::Registered)
    }

    pub(crate) fn sub_result(&self) -> Option<SubResult> {
        SubResult::try_from(self.sub_result).ok()
    }
}

/// One topic of the directory, with its unit's name.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Topic {
    pub(crate) code: String,
    #[sqlx(flatten)]
    pub(crate) name: Name,
    pub(crate) unit: String,
    pub(crate) public: bool,
}

/// Which names of a place are the register's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KnownPlace {
    pub(crate) district: bool,
    pub(crate) neighbourhood: bool,
}

/// Reads the register of one municipality.
pub(crate) struct Reader(Projection);

impl Reader {
    pub(crate) async fn open(
        platform: &Platform,
        municipality: &Municipality,
    ) -> anyhow::Result<Self> {
        Ok(Self(
            Projection::open(platform, municipality, Register).await?,
        ))
    }

    fn pool(&self) -> &SqlitePool {
        self.0.pool()
    }

    /// Waits until a position that somebody has seen elsewhere is in.
    pub(crate) async fn at_least(&self, position: u64) -> Result<(), Status> {
        self.0.at_least(position).await
    }

    pub(crate) async fn request(&self, number: &RequestNumber) -> Result<Option<Entry>, Status> {
        sqlx::query_as("select * from request where number = ?")
            .bind(number.as_str())
            .fetch_optional(self.pool())
            .await
            .map_err(unreadable)
    }

    pub(crate) async fn topic(&self, code: &str) -> Result<Option<Topic>, Status> {
        sqlx::query_as("select * from topic where code = ?")
            .bind(code)
            .fetch_optional(self.pool())
            .await
            .map_err(unreadable)
    }

    /// All topics, by code.
    pub(crate) async fn topics(&self) -> Result<Vec<Topic>, Status> {
        sqlx::query_as("select * from topic order by code")
            .fetch_all(self.pool())
            .await
            .map_err(unreadable)
    }

    /// The units' names by code.
    pub(crate) async fn units(&self) -> Result<HashMap<String, Name>, Status> {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("select code, name_tr, name_en from unit")
                .fetch_all(self.pool())
                .await
                .map_err(unreadable)?;
        Ok(rows
            .into_iter()
            .map(|(code, name_tr, name_en)| (code, Name { name_tr, name_en }))
            .collect())
    }

    /// Which names of a place several requests bear already, letter for letter.
    pub(crate) async fn known(
        &self,
        district: &str,
        neighbourhood: &str,
    ) -> Result<KnownPlace, Status> {
        let is_known = self.districts().await?.iter().any(|it| it == district);
        let requests: Option<i64> = sqlx::query_scalar(
            "select requests from neighbourhood where district = ? and name = ? and requests >= 5",
        )
        .bind(district)
        .bind(neighbourhood)
        .fetch_optional(self.pool())
        .await
        .map_err(unreadable)?;
        Ok(KnownPlace {
            district: is_known,
            neighbourhood: is_known && requests.is_some(),
        })
    }

    /// Districts that several requests bear, a few hundred at most: what one person wrote is not shown to the next.
    pub(crate) async fn districts(&self) -> Result<Vec<String>, Status> {
        sqlx::query_scalar(
            "select name from district where requests >= 5 order by requests desc limit 200",
        )
        .fetch_all(self.pool())
        .await
        .map_err(unreadable)
    }
}

/// A unit's name in a language; its code where the directory does not know it.
pub(crate) fn unit_name(units: &HashMap<String, Name>, code: &str, language: Language) -> String {
    let name = units
        .get(code)
        .map(|it| it.of(language))
        .unwrap_or_default();
    if name.is_empty() {
        code.to_owned()
    } else {
        name.to_owned()
    }
}

fn unreadable(error: sqlx::Error) -> Status {
    tracing::error!(%error, "the register cannot be read");
    Status::unavailable("the register cannot be read")
}
