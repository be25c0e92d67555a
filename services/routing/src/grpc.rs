use std::{collections::BTreeMap, sync::Arc};

use chassis::{Caller, Platform, event};
use contracts::routing::v1::{self, routing_server::Routing};
use jiff::Timestamp;
use tonic::{Request, Response, Status};
use vocabulary::Municipality;

use crate::{
    desk::{Desk, Done, ordered},
    directory,
    domain::Act,
    wire::{self, Text},
};

/// The service, for every municipality served here.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    platform: Platform,
    desks: Arc<BTreeMap<Municipality, Desk>>,
}

type Answer = Result<Response<v1::CommandReply>, Status>;

impl Service {
    pub(crate) fn new(platform: Platform, desks: BTreeMap<Municipality, Desk>) -> Self {
        Self {
            platform,
            desks: Arc::new(desks),
        }
    }

    /// Who calls, and at which desk.
    fn desk<T>(&self, request: &Request<T>) -> Result<(Caller, &Desk), Status> {
        let caller = Caller::of(&self.platform, request)?;
        match self.desks.get(&caller.municipality) {
            Some(desk) => Ok((caller, desk)),
            None => Err(chassis::Invalid::at("municipality", "is not served here").into()),
        }
    }

    fn now(&self) -> Timestamp {
        self.platform.clock.now()
    }
}

fn answer(done: Result<Done, Status>) -> Answer {
    let done = done?;
    Ok(Response::new(wire::reply(done.position, done.version)))
}

#[tonic::async_trait]
impl Routing for Service {
    async fn define_unit(&self, request: Request<v1::DefineUnitRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let (command_id, unit) = wire::define_unit(&message)?;
        let command = ordered(&caller, command_id, event::fingerprint(&message));
        answer(desk.define_unit(command, unit, self.now()).await)
    }

    async fn define_topic(&self, request: Request<v1::DefineTopicRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let (command_id, topic) = wire::define_topic(&message)?;
        let command = ordered(&caller, command_id, event::fingerprint(&message));
        answer(desk.define_topic(command, topic, self.now()).await)
    }

    async fn list_units(
        &self,
        request: Request<v1::ListUnitsRequest>,
    ) -> Result<Response<v1::ListUnitsReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        desk.directory.at_least(caller.at_least).await?;
        let units = directory::units(&desk.directory)
            .await
            .map_err(directory::broken)?;
        Ok(Response::new(v1::ListUnitsReply {
            units: units.iter().map(wire::unit_defined).collect(),
        }))
    }

    async fn list_topics(
        &self,
        request: Request<v1::ListTopicsRequest>,
    ) -> Result<Response<v1::ListTopicsReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        desk.directory.at_least(caller.at_least).await?;
        let topics = directory::topics(&desk.directory)
            .await
            .map_err(directory::broken)?;
        Ok(Response::new(v1::ListTopicsReply {
            topics: topics.iter().map(wire::topic_defined).collect(),
        }))
    }

    async fn route_manually(&self, request: Request<v1::RouteManuallyRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let target = wire::target(message.target.as_ref(), self.now())?;
        let unit = wire::unit(&message.unit, "unit")?;
        let standing = desk.standing(&unit).await?;
        let act = Act::RouteManually { unit, standing };
        answer(
            desk.act(
                &caller,
                target,
                event::fingerprint(&message),
                act,
                Text::default(),
            )
            .await,
        )
    }

    async fn return_request(&self, request: Request<v1::ReturnRequestRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let target = wire::target(message.target.as_ref(), self.now())?;
        let act = Act::ReturnRequest {
            reason: wire::return_reason(message.reason)?,
        };
        let note = wire::note(&message.note)?;
        answer(
            desk.act(&caller, target, event::fingerprint(&message), act, note)
                .await,
        )
    }

    async fn accept_request(&self, request: Request<v1::AcceptRequestRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let target = wire::target(message.target.as_ref(), self.now())?;
        let fingerprint = event::fingerprint(&message);
        answer(
            desk.act(
                &caller,
                target,
                fingerprint,
                Act::AcceptRequest,
                Text::default(),
            )
            .await,
        )
    }

    async fn assign_request(&self, request: Request<v1::AssignRequestRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let target = wire::target(message.target.as_ref(), self.now())?;
        let act = Act::AssignRequest {
            assignee: wire::assignee(&message.assignee)?,
        };
        answer(
            desk.act(
                &caller,
                target,
                event::fingerprint(&message),
                act,
                Text::default(),
            )
            .await,
        )
    }

    async fn start_work(&self, request: Request<v1::StartWorkRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let target = wire::target(message.target.as_ref(), self.now())?;
        let fingerprint = event::fingerprint(&message);
        answer(
            desk.act(
                &caller,
                target,
                fingerprint,
                Act::StartWork,
                Text::default(),
            )
            .await,
        )
    }

    async fn plan_request(&self, request: Request<v1::PlanRequestRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let target = wire::target(message.target.as_ref(), self.now())?;
        let act = Act::PlanRequest {
            planned_for: wire::planned_for(&message.planned_for)?,
        };
        answer(
            desk.act(
                &caller,
                target,
                event::fingerprint(&message),
                act,
                Text::default(),
            )
            .await,
        )
    }

    async fn refer_request(&self, request: Request<v1::ReferRequestRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let target = wire::target(message.target.as_ref(), self.now())?;
        let institution = wire::unit(&message.institution, "institution")?;
        let note = wire::note(&message.note)?;
        let standing = desk.standing(&institution).await?;
        let act = Act::ReferRequest {
            institution,
            standing,
        };
        answer(
            desk.act(&caller, target, event::fingerprint(&message), act, note)
                .await,
        )
    }

    async fn conclude_request(&self, request: Request<v1::ConcludeRequestRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let now = self.now();
        let target = wire::target(message.target.as_ref(), now)?;
        let asked = wire::conclusion(&message, now)?;
        let text = wire::answer(&message.answer)?;
        let conclusion = desk
            .conclusion(&target.number, asked, !text.text.is_empty())
            .await?;
        let act = Act::ConcludeRequest(conclusion);
        answer(
            desk.act(&caller, target, event::fingerprint(&message), act, text)
                .await,
        )
    }

    async fn reopen_request(&self, request: Request<v1::ReopenRequestRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let target = wire::target(message.target.as_ref(), self.now())?;
        let note = wire::note(&message.note)?;
        answer(
            desk.act(
                &caller,
                target,
                event::fingerprint(&message),
                Act::ReopenRequest,
                note,
            )
            .await,
        )
    }

    async fn import_handling(&self, request: Request<v1::ImportHandlingRequest>) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let message = request.into_inner();
        let asked = wire::import(&message, self.now())?;
        let text = wire::answer(&message.answer)?;
        answer(
            desk.import(&caller, asked, event::fingerprint(&message), text)
                .await,
        )
    }

    async fn get_handling(
        &self,
        request: Request<v1::GetHandlingRequest>,
    ) -> Result<Response<v1::GetHandlingReply>, Status> {
        let (_, desk) = self.desk(&request)?;
        let number = wire::number(&request.into_inner().number, "number")?;
        let (version, work) = desk.standing_of(&number).await?;
        Ok(Response::new(wire::handling(&number, version, work)))
    }

    async fn add_comment(&self, _: Request<v1::AddCommentRequest>) -> Answer {
        Err(Status::unimplemented("not in this build"))
    }

    async fn ask_information(&self, _: Request<v1::AskInformationRequest>) -> Answer {
        Err(Status::unimplemented("not in this build"))
    }

    async fn record_citizen_message(&self, _: Request<v1::RecordCitizenMessageRequest>) -> Answer {
        Err(Status::unimplemented("not in this build"))
    }
}
