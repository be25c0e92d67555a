//! One row becomes a registration and what was done with it, at the original times.

use contracts::{
    intake::v1::RegisterRequestRequest,
    routing::v1::ImportHandlingRequest,
    vocabulary::v1::{Imported, Place},
};
use tonic::{Code, Status};

use super::{Refusal, Row, command_id, directory::Known};
use crate::client::{Client, in_words, patiently};

/// Sends rows.
pub(super) struct Sender {
    client: Client,
    source: String,
    known: Known,
}

/// What became of a row.
pub(super) enum Outcome {
    /// It is recorded, now or since an earlier run.
    Taken,
    /// A service refused it.
    Refused(Refusal),
}

impl Sender {
    pub(super) fn new(client: Client, source: &str, known: Known) -> Self {
        Self {
            client,
            source: source.to_owned(),
            known,
        }
    }

    /// Registers the request and then its handling; fails only for what would fail for every row.
    pub(super) async fn send(&self, row: Row) -> anyhow::Result<Outcome> {
        match self.commands(&row).await {
            Ok(()) => Ok(Outcome::Taken),
            Err(status) => match status.code() {
                Code::InvalidArgument
                | Code::NotFound
                | Code::AlreadyExists
                | Code::FailedPrecondition
                | Code::OutOfRange => Ok(Outcome::Refused(refusal(&row, &status))),
                Code::Ok
                | Code::Cancelled
                | Code::Unknown
                | Code::DeadlineExceeded
                | Code::PermissionDenied
                | Code::ResourceExhausted
                | Code::Aborted
                | Code::Unimplemented
                | Code::Internal
                | Code::Unavailable
                | Code::DataLoss
                | Code::Unauthenticated => {
                    anyhow::bail!(
                        "line {}: {} (start the import again to go on)",
                        row.line,
                        in_words(&status)
                    )
                }
            },
        }
    }

    async fn commands(&self, row: &Row) -> Result<(), Status> {
        let registration = self.registration(row);
        let reply = patiently(|| {
            let (mut intake, request) = (self.client.intake(), registration.clone());
            async move { intake.register_request(request).await }
        });
        let registered = reply.await?.into_inner();

        let handling = self.handling(row, registered.number);
        let client = self.client.clone().having_seen(registered.position);
        let reply = patiently(|| {
            let (mut routing, request) = (client.routing(), handling.clone());
            async move { routing.import_handling(request).await }
        });
        reply.await.map(drop)
    }

    fn registration(&self, row: &Row) -> RegisterRequestRequest {
        RegisterRequestRequest {
            command_id: command_id(&self.source, &format!("{}:register", row.id)).to_string(),
            channel: row.channel.number(),
            topic: self.topic(row),
            description: row.description.clone(),
            address: row.address.clone(),
            place: Some(Place {
                latitude: row.point.map(|it| it.0),
                longitude: row.point.map(|it| it.1),
                district: row.district.clone(),
                neighbourhood: row.neighbourhood.clone(),
            }),
            occurred_at: row.created.as_microsecond(),
            imported: Some(Imported {
                source: self.source.clone(),
                source_id: row.id.clone(),
                agency: row.unit.clone(),
                status: row.status.clone(),
            }),
            ..RegisterRequestRequest::default()
        }
    }

    fn handling(&self, row: &Row, number: String) -> ImportHandlingRequest {
        ImportHandlingRequest {
            command_id: command_id(&self.source, &format!("{}:handling", row.id)).to_string(),
            number,
            topic: self.topic(row),
            unit: self
                .known
                .units
                .get(&row.unit)
                .map(ToString::to_string)
                .unwrap_or_default(),
            state: row.state.number(),
            sub_result: row.sub_result.map_or(0, vocabulary::SubResult::number),
            answer: row.answer.clone(),
            registered_at: row.created.as_microsecond(),
            state_since: row.state_since.as_microsecond(),
        }
    }

    fn topic(&self, row: &Row) -> String {
        self.known
            .topics
            .get(&row.topic)
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}

/// What a service refused, by the field that it named.
fn refusal(row: &Row, status: &Status) -> Refusal {
    let named = chassis::violations(status).into_iter().next();
    let (column, reason) = named.unwrap_or_else(|| (String::new(), status.message().to_owned()));
    let reason = if status.code() == Code::AlreadyExists {
        format!("was imported before with other content ({reason})")
    } else {
        reason
    };
    Refusal {
        line: row.line,
        id: row.id.clone(),
        column,
        reason,
    }
}
