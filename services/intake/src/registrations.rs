//! Where the sealed texts of each request are: a thousand requests are one query here and one of the keys.
//!
//! The file holds what the log holds, ciphertext: it says nothing without the vault. What an order took out of the log leaves it too.

use std::collections::HashMap;

use anyhow::Context as _;
use chassis::{Caller, event};
use contracts::{
    intake::v1::{
        GetPublicTextsReply, RequestRegistered, get_public_texts_reply::Text,
        request_registered::Personal,
    },
    ledger::v1::{Event, PersonalPartsErased},
    vocabulary::v1::Sealed,
};
use projection::ReadModel;
use prost::Message as _;
use sqlx::{SqliteConnection, SqlitePool};
use tonic::Status;
use uuid::Uuid;
use vault::Opened;
use vocabulary::RequestNumber;

use crate::{
    desk::{Desk, no_key},
    wire,
};

/// The registration of each request, by number.
pub(crate) struct Registrations;

impl ReadModel for Registrations {
    const NAME: &'static str = "registrations";
    const VERSION: u32 = 2;
    const PERSONAL: bool = true;
    const HEARS: &'static [&'static str] =
        &["intake.RequestRegistered", "ledger.PersonalPartsErased"];
    const SCHEMA: &'static str = "create table registration (
        number text primary key,
        position integer not null unique,
        event_id blob not null,
        -- Field 100 of the event, as the log has it; empty once it was erased there.
        personal blob not null
    ) strict, without rowid;";

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        if event::is::<PersonalPartsErased>(event) {
            let order: PersonalPartsErased = event::decode(event)?;
            sqlx::query(
                "update registration set personal = x'' where position in (select value from json_each(?1))",
            )
            .bind(serde_json::to_string(&order.positions)?)
            .execute(&mut *tx)
            .await?;
        }
        if event::is::<RequestRegistered>(event) {
            let registered: RequestRegistered = event::decode(event)?;
            sqlx::query("insert into registration values (?1, ?2, ?3, ?4) on conflict do nothing")
                .bind(registered.number)
                .bind(i64::try_from(event.position)?)
                .bind(&event.event_id)
                .bind(&event.personal)
                .execute(tx)
                .await?;
        }
        Ok(())
    }
}

/// The sealed part of one registration.
struct Registration {
    event: Uuid,
    personal: Personal,
}

/// Those of these requests that are known, by number.
async fn find(
    pool: &SqlitePool,
    numbers: &[RequestNumber],
) -> anyhow::Result<HashMap<String, Registration>> {
    let wanted: Vec<&str> = numbers.iter().map(RequestNumber::as_str).collect();
    let rows: Vec<(String, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "select number, event_id, personal from json_each(?1) wanted join registration on number = wanted.value",
    )
    .bind(serde_json::to_string(&wanted)?)
    .fetch_all(pool)
    .await?;
    let read = |(number, event, personal): (String, Vec<u8>, Vec<u8>)| {
        let registered = RequestRegistered::decode(personal.as_slice())
            .with_context(|| format!("the personal part of request {number}"))?;
        let registration = Registration {
            event: Uuid::from_slice(&event)?,
            personal: registered.personal.unwrap_or_default(),
        };
        Ok((number, registration))
    };
    rows.into_iter().map(read).collect()
}

impl Desk {
    /// What a public reader may see of these requests, in the order asked; which of them are public the caller decides.
    pub(crate) async fn public_texts(
        &self,
        caller: &Caller,
        numbers: &[RequestNumber],
    ) -> Result<GetPublicTextsReply, Status> {
        let mut found = self.registrations_of(numbers).await?;
        // Only who has just seen a new request waits for it: pages of older ones are shown during an import too.
        if numbers.iter().any(|it| !found.contains_key(it.as_str())) {
            self.registrations.at_least(caller.at_least).await?;
            found = self.registrations_of(numbers).await?;
        }
        let mut texts = vec![Text::default(); numbers.len()];
        let mut sealed = Vec::with_capacity(2 * numbers.len());
        for (at, number) in numbers.iter().enumerate() {
            let Some(Registration { event, personal }) = found.get(number.as_str()) else {
                continue;
            };
            let fields: [(&'static str, &Option<Sealed>); 3] = [
                ("description", &personal.description),
                ("address", &personal.address),
                ("media_url", &personal.media_url),
            ];
            for (field, value) in fields {
                if let Some(value) = value {
                    let value = wire::vault_sealed(value.clone())
                        .ok_or_else(|| Status::data_loss("a stored text is not a sealed value"))?;
                    sealed.push((at, *event, field, value));
                }
            }
        }
        let places: Vec<_> = sealed
            .iter()
            .map(|(_, event, field, value)| (*event, *field, value))
            .collect();
        let opened = self
            .vault
            .open_all(&self.municipality, &places)
            .await
            .map_err(no_key)?;
        for ((at, _, field, _), opened) in sealed.iter().zip(opened) {
            let Opened::Text(text) = opened else { continue };
            let room = match *field {
                "description" => &mut texts[*at].description,
                "address" => &mut texts[*at].address,
                _ => &mut texts[*at].media_url,
            };
            text.reveal().clone_into(room);
        }
        Ok(GetPublicTextsReply { texts })
    }

    async fn registrations_of(
        &self,
        numbers: &[RequestNumber],
    ) -> Result<HashMap<String, Registration>, Status> {
        let found = find(self.registrations.pool(), numbers).await;
        found.map_err(|error| {
            let error = format!("{error:#}");
            tracing::error!(error, "the registrations cannot be read");
            Status::unavailable("the registrations cannot be read")
        })
    }
}
