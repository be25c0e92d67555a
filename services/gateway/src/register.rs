//! The register: what staff, programs, the public and the citizen may see of each request, and the directory. A read model
//! without any personal data: texts and addresses are asked of intake at the moment they are shown.
//!
//! It also keeps, with every event, how many requests stand where, so that no figure ever scans them. Each reader's own
//! questions live with the reader, on [`Reader::pool`].

mod fold;
mod row;
pub(crate) mod then;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chassis::Platform;
use contracts::{ledger::v1::Event, routing::v1::TopicDefined};
use projection::{Past, Projection, ReadModel, SNAPSHOT_EVERY};
use prost::Message as _;
use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::watch;
use tonic::Status;
use vocabulary::{Language, Municipality, RequestNumber, RequestState, SubResult};

/// The read model.
#[derive(Debug, Clone, Copy)]
pub struct Register;

impl ReadModel for Register {
    const NAME: &'static str = "register";
    const VERSION: u32 = 4;
    const SCHEMA: &'static str = include_str!("register/schema.sql");
    const INDEXES: &'static str = include_str!("register/indexes.sql");

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        self.apply_all(tx, std::slice::from_ref(event)).await
    }

    async fn apply_all(&self, tx: &mut SqliteConnection, events: &[Event]) -> anyhow::Result<()> {
        let heard = fold::heard(events)?;
        let mut batch = fold::Batch::of(tx, &heard).await?;
        for (event, heard) in heard {
            let change = batch.apply(tx, heard, event);
            projection::traced::<Self>(event, change).await?;
        }
        batch.write(tx).await
    }
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
    pub(crate) number: String,
    pub(crate) topic: String,
    pub(crate) channel: String,
    pub(crate) latitude: Option<f64>,
    pub(crate) longitude: Option<f64>,
    pub(crate) district: String,
    pub(crate) neighbourhood: String,
    /// The citizen's pseudonym, or "".
    pub(crate) person: String,
    pub(crate) registered_at: i64,
    pub(crate) updated_at: i64,
    /// The log's position of the last event that concerns it.
    pub(crate) changed_at_position: i64,
    state: i32,
    pub(crate) state_since: i64,
    /// Not concluded.
    pub(crate) open: bool,
    pub(crate) unit: String,
    pub(crate) assignee: String,
    pub(crate) planned_for: String,
    pub(crate) institution: String,
    sub_result: i32,
    pub(crate) concluded_at: Option<i64>,
    /// By its service standard, where one was posted.
    pub(crate) due_at: Option<i64>,
    /// Of the handling's stream.
    pub(crate) version: i64,
    pub(crate) imported: bool,
    /// The system it was imported from, or "".
    pub(crate) source: String,
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
    /// Topics of one family stand together: "roads".
    pub(crate) family: String,
    definition: Vec<u8>,
}

impl Topic {
    /// All that the directory says of it: keywords, questions and their choices.
    pub(crate) fn definition(&self) -> TopicDefined {
        TopicDefined::decode(self.definition.as_slice()).unwrap_or_default()
    }
}

/// Which names of a place are the register's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KnownPlace {
    pub(crate) district: bool,
    pub(crate) neighbourhood: bool,
}

impl KnownPlace {
    /// District, neighbourhood and address of a request. A place's names are facts for ever, so only those that are known
    /// already become one: any other words stand in the address, which is sealed.
    pub(crate) fn apart(
        &self,
        district: String,
        neighbourhood: String,
        address: String,
    ) -> (String, String, String) {
        let apart = |name: String, is_known: bool| {
            if is_known {
                (name, String::new())
            } else {
                (String::new(), name)
            }
        };
        let (district, told_district) = apart(district, self.district);
        let (neighbourhood, told_neighbourhood) = apart(neighbourhood, self.neighbourhood);
        let mut told = vec![address, told_neighbourhood, told_district];
        told.retain(|it| !it.is_empty());
        (district, neighbourhood, told.join(", "))
    }
}

/// Reads the register of one municipality, as it is or as it was.
#[derive(Clone)]
pub(crate) struct Reader {
    projection: Projection,
    past: Arc<Past<Register>>,
}

impl Reader {
    pub(crate) async fn open(
        platform: &Platform,
        municipality: &Municipality,
    ) -> anyhow::Result<Self> {
        let projection = Projection::open(platform, municipality, Register).await?;
        let past = Past::open(
            platform,
            municipality,
            Register,
            &projection,
            SNAPSHOT_EVERY,
        );
        let past = past.await?;
        Ok(Self { projection, past })
    }

    /// The register as it was after the event of a position.
    pub(crate) async fn at(&self, position: u64) -> Result<Self, Status> {
        Ok(Self {
            projection: self.past.at(position).await?,
            past: Arc::clone(&self.past),
        })
    }

    /// Connections that read; they see whole batches of events only.
    pub(crate) fn pool(&self) -> &SqlitePool {
        self.projection.pool()
    }

    /// The position up to which the register is folded.
    pub(crate) fn position(&self) -> u64 {
        self.projection.position()
    }

    /// Tells each new position.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.projection.changes()
    }

    /// Waits until a position that somebody has seen elsewhere is in.
    pub(crate) async fn at_least(&self, position: u64) -> Result<(), Status> {
        self.projection.at_least(position).await
    }

    pub(crate) async fn request(&self, number: &RequestNumber) -> Result<Option<Entry>, Status> {
        sqlx::query_as("select * from request where number = ?")
            .bind(number.as_str())
            .fetch_optional(self.pool())
            .await
            .map_err(unreadable)
    }

    /// Those of these requests that a unit has now.
    pub(crate) async fn had_by(
        &self,
        unit: &str,
        numbers: &[&str],
    ) -> Result<HashSet<String>, Status> {
        let numbers = serde_json::to_string(numbers).unwrap_or_default();
        // A plus keeps the unit's index out: it may have all that a unit ever had.
        let asked = "select number from request where number in (select value from json_each(?)) and +unit = ?";
        let had: Vec<String> = sqlx::query_scalar(asked)
            .bind(numbers)
            .bind(unit)
            .fetch_all(self.pool())
            .await
            .map_err(unreadable)?;
        Ok(had.into_iter().collect())
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

    /// The codes of the units that lie outside the municipality.
    pub(crate) async fn outside_units(&self) -> Result<Vec<String>, Status> {
        sqlx::query_scalar("select code from unit where outside = 1")
            .fetch_all(self.pool())
            .await
            .map_err(unreadable)
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

/// What a query that fails comes to.
pub(crate) fn unreadable(error: sqlx::Error) -> Status {
    tracing::error!(%error, "the register cannot be read");
    Status::unavailable("the register cannot be read")
}

#[cfg(test)]
pub(crate) mod tests;
