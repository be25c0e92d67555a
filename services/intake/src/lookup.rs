//! Opens personal data for callers that name their purpose, and seals for other services.

use chassis::refuse;
use contracts::intake::v1::{GetRequestReply, OpenReply, ReachCitizenReply, SealReply};
use tonic::{Code, Status};
use vault::{Plain, Subject, VaultError};
use vocabulary::RequestNumber;

use crate::{
    desk::{Desk, no_key},
    domain::{Event, PersonId},
    streams,
    texts::Texts,
    viewing::reply_field,
    wire::{self, Recorded, ToOpen, ToSeal},
};

impl Desk {
    /// One request as it was registered. Whoever offers a secret learns of a wrong one only that it opens nothing.
    pub(crate) async fn get_request(
        &self,
        number: &RequestNumber,
        secret: Option<Plain>,
    ) -> Result<GetRequestReply, Status> {
        let Some(secret) = secret else {
            return self.registered_as(number).await;
        };
        let closed = || {
            refuse(
                Code::PermissionDenied,
                "tracking_secret",
                "does not open this request",
            )
        };
        if !self.secrets.fits(&self.municipality, number, &secret) {
            return Err(closed());
        }
        self.registered_as(number).await.map_err(|it| {
            if it.code() == Code::NotFound {
                closed()
            } else {
                it
            }
        })
    }

    async fn registered_as(&self, number: &RequestNumber) -> Result<GetRequestReply, Status> {
        let recorded = self.registration(number).await?;
        let texts = self.open(&recorded).await.map_err(no_key)?;
        wire::reply(&recorded, &texts).ok_or_else(unknown_number)
    }

    /// Where the citizen of a request can be reached; empty where nobody is known, or was erased.
    pub(crate) async fn reach_citizen(
        &self,
        number: &RequestNumber,
    ) -> Result<ReachCitizenReply, Status> {
        let recorded = self.registration(number).await?;
        let Event::RequestRegistered {
            person, language, ..
        } = recorded.event
        else {
            return Err(unknown_number());
        };
        let texts = match person {
            Some(person) => self.newest_of(person).await?,
            None => Texts::default(),
        };
        let opened = |field: &str| {
            texts
                .get(field)
                .map(|it| it.reveal().to_owned())
                .unwrap_or_default()
        };
        let parts = format!("{} {}", opened("given_name"), opened("family_name"));
        Ok(ReachCitizenReply {
            name: if texts.has("name") {
                opened("name")
            } else {
                parts.trim().to_owned()
            },
            email: opened("email"),
            phone: opened("phone"),
            language: language.number(),
            tracking_secret: self
                .secrets
                .of(&self.municipality, number)
                .reveal()
                .to_owned(),
        })
    }

    /// What is known of a person, by the event that said it last.
    async fn newest_of(&self, person: PersonId) -> Result<Texts, Status> {
        let history = self.history(&person.stream()).await?;
        let newest = history
            .into_iter()
            .rev()
            .find(|it| matches!(it.event, Event::PersonRecorded(_)));
        match newest {
            Some(recorded) => self.open(&recorded).await.map_err(no_key),
            None => Ok(Texts::default()),
        }
    }

    pub(crate) async fn registration(&self, number: &RequestNumber) -> Result<Recorded, Status> {
        let history = self.history(&streams::of_request(number)).await?;
        let registered = history
            .into_iter()
            .find(|it| matches!(it.event, Event::RequestRegistered { .. }));
        registered.ok_or_else(unknown_number)
    }

    /// Seals texts of another service under a subject's key.
    pub(crate) async fn seal_all(
        &self,
        subject: Subject,
        values: &[ToSeal],
    ) -> Result<SealReply, Status> {
        let keys = self
            .vault
            .keys(&self.municipality, [subject.clone()])
            .await
            .map_err(no_key)?;
        let seal = |it: &ToSeal| {
            keys.seal(&subject, it.event, &it.field, &it.text)
                .map(wire::sealed)
        };
        let sealed = values
            .iter()
            .map(seal)
            .collect::<Result<_, _>>()
            .map_err(no_key)?;
        Ok(SealReply { sealed })
    }

    /// Opens values that stand in events.
    pub(crate) async fn open_all(&self, values: &[ToOpen]) -> Result<OpenReply, Status> {
        let places: Vec<_> = values
            .iter()
            .map(|it| (it.event, it.field.as_str(), &it.sealed))
            .collect();
        let opened = self
            .vault
            .open_all(&self.municipality, &places)
            .await
            .map_err(not_opened)?;
        Ok(OpenReply {
            fields: opened.iter().map(reply_field).collect(),
        })
    }
}

/// Why values that stand in other services' events do not open.
pub(crate) fn not_opened(problem: VaultError) -> Status {
    match problem {
        VaultError::Unknown(_) | VaultError::Seal(_) => refuse(
            Code::InvalidArgument,
            "fields.sealed",
            "does not open: it was sealed for another place",
        ),
        problem @ (VaultError::Unavailable(_)
        | VaultError::NotAStore
        | VaultError::UnknownEpoch(_)
        | VaultError::NoMasterKey(_)
        | VaultError::Erased(_)) => no_key(problem),
    }
}

pub(crate) fn unknown_number() -> Status {
    refuse(
        Code::NotFound,
        "number",
        "is not that of a registered request",
    )
}
