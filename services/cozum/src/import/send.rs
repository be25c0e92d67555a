//! One row becomes a registration and what was done with it, at the original times.

use chassis::event;
use contracts::{
    intake::v1::{RegisterRequestReply, RegisterRequestRequest, RequestRegistered},
    ledger::v1::HistoryRequest,
    routing::v1::ImportHandlingRequest,
    vocabulary::v1::{Imported, Place},
};
use jiff::Timestamp;
use tonic::{Code, Status};
use uuid::Uuid;

use super::{Remark, Row, command_id, directory::Plan};
use crate::client::{Client, in_words, patiently};

/// Sends rows.
pub(super) struct Sender {
    client: Client,
    source: String,
    plan: Plan,
}

/// What became of a row.
pub(super) enum Outcome {
    /// It is recorded, now or since an earlier run.
    Taken,
    /// An earlier export registered it with other content, and that stands; its handling is as this row says.
    Followed,
    /// A service refused it.
    Refused(Remark),
}

impl Sender {
    pub(super) fn new(client: Client, source: &str, plan: Plan) -> Self {
        Self {
            client,
            source: source.to_owned(),
            plan,
        }
    }

    /// Registers the request and then its handling; fails only for what would fail for every row.
    pub(super) async fn send(&self, row: Row) -> anyhow::Result<Outcome> {
        match self.commands(&row).await {
            Ok(outcome) => Ok(outcome),
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

    async fn commands(&self, row: &Row) -> Result<Outcome, Status> {
        let (outcome, number, position) = match self.register(row).await {
            Ok(it) => (Outcome::Taken, it.number, it.position),
            Err(refused) if is_here(&refused) => {
                let (number, position) = self.earlier(row).await?.ok_or(refused)?;
                (Outcome::Followed, number, position)
            }
            Err(refused) => return Err(refused),
        };
        let handling = self.handling(row, number);
        let client = self.client.clone().having_seen(position);
        let reply = patiently(|| {
            let (mut routing, request) = (client.routing(), handling.clone());
            async move { routing.import_handling(request).await }
        });
        reply.await?;
        Ok(outcome)
    }

    async fn register(&self, row: &Row) -> Result<RegisterRequestReply, Status> {
        let registration = self.registration(row);
        let reply = patiently(|| {
            let (mut intake, request) = (self.client.intake(), registration.clone());
            async move { intake.register_request(request).await }
        });
        Ok(reply.await?.into_inner())
    }

    /// The number and the position that an earlier export of the same source gave a row.
    async fn earlier(&self, row: &Row) -> Result<Option<(String, u64)>, Status> {
        let request = HistoryRequest {
            // Intake says so of every imported request.
            subject: format!("import:{}/{}", self.source, row.id),
            after_position: 0,
            limit: 0,
        };
        let reply = patiently(|| {
            let (mut ledger, request) = (self.client.ledger(), request.clone());
            async move { ledger.history(request).await }
        });
        let events = reply.await?.into_inner().events;
        let registration = self.registration_id(row);
        let ours = events.iter().find(|it| {
            event::is::<RequestRegistered>(it) && it.command_id == registration.as_bytes()
        });
        let Some(ours) = ours else { return Ok(None) };
        let registered: RequestRegistered =
            event::decode(ours).map_err(|problem| Status::internal(problem.to_string()))?;
        Ok(Some((registered.number, ours.position)))
    }

    fn registration_id(&self, row: &Row) -> Uuid {
        command_id(&self.source, &format!("{}:register", row.id))
    }

    fn registration(&self, row: &Row) -> RegisterRequestRequest {
        RegisterRequestRequest {
            command_id: self.registration_id(row).to_string(),
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
                due_at: row.due.map_or(0, Timestamp::as_microsecond),
            }),
            ..RegisterRequestRequest::default()
        }
    }

    /// Its id follows from all it says: a newer export that says something else gives another command.
    fn handling(&self, row: &Row, number: String) -> ImportHandlingRequest {
        let mut request = ImportHandlingRequest {
            command_id: String::new(),
            number,
            topic: self.topic(row),
            unit: self
                .plan
                .units
                .get(&row.unit)
                .map(ToString::to_string)
                .unwrap_or_default(),
            state: row.state.number(),
            sub_result: row.sub_result.map_or(0, vocabulary::SubResult::number),
            answer: row.answer.clone(),
            registered_at: row.created.as_microsecond(),
            state_since: row.state_since.as_microsecond(),
        };
        let namespace = command_id(&self.source, &format!("{}:handling", row.id));
        let id = Uuid::new_v5(&namespace, &event::fingerprint(&request));
        request.command_id = id.to_string();
        request
    }

    fn topic(&self, row: &Row) -> String {
        self.plan
            .topics
            .get(&row.topic)
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}

/// The registration's command is known, with other content.
fn is_here(status: &Status) -> bool {
    let names_command = || {
        let named = chassis::violations(status);
        named.iter().any(|(field, _)| field == "command_id")
    };
    status.code() == Code::AlreadyExists && names_command()
}

/// What a service refused, by the field that it named.
fn refusal(row: &Row, status: &Status) -> Remark {
    let named = chassis::violations(status).into_iter().next();
    let (column, reason) = named.unwrap_or_else(|| (String::new(), status.message().to_owned()));
    let reason = if status.code() == Code::AlreadyExists {
        format!("was imported before with other content ({reason})")
    } else {
        reason
    };
    Remark {
        line: row.line,
        id: row.id.clone(),
        column,
        reason,
    }
}
