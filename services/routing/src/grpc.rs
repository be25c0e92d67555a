use std::{collections::BTreeMap, sync::Arc};

use chassis::{Caller, Platform, event};
use contracts::routing::v1::{self, routing_server::Routing};
use jiff::Timestamp;
use prost::{Message, Name};
use tonic::{Request, Response, Status};
use vocabulary::Municipality;

use crate::{
    desk::{Desk, Done, ordered},
    directory,
    domain::Act,
    wire::{self, Target, Text},
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

    /// Carries out what a person asks of one request; `read` says what that is, and with which text.
    async fn act<M: Message + Name>(
        &self,
        request: Request<M>,
        target: fn(&M) -> Option<&v1::Target>,
        read: impl AsyncFnOnce(&Asked<'_, M>) -> Result<(Act, Text), Status>,
    ) -> Answer {
        let (caller, desk) = self.desk(&request)?;
        let (message, now) = (request.into_inner(), self.now());
        let asked = Asked {
            desk,
            now,
            target: wire::target(target(&message), now)?,
            message,
        };
        let (act, text) = read(&asked).await?;
        let fingerprint = event::fingerprint(&asked.message);
        answer(
            desk.act(&caller, asked.target, fingerprint, act, text)
                .await,
        )
    }
}

/// A command on one request, before it is read any further.
struct Asked<'a, M> {
    desk: &'a Desk,
    now: Timestamp,
    target: Target,
    message: M,
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
        self.act(
            request,
            |it| it.target.as_ref(),
            async |asked| {
                let unit = wire::unit(&asked.message.unit, "unit")?;
                let standing = asked.desk.standing(&unit).await?;
                Ok((Act::RouteManually { unit, standing }, Text::default()))
            },
        )
        .await
    }

    async fn return_request(&self, request: Request<v1::ReturnRequestRequest>) -> Answer {
        self.act(
            request,
            |it| it.target.as_ref(),
            async |asked| {
                let reason = wire::return_reason(asked.message.reason)?;
                Ok((
                    Act::ReturnRequest { reason },
                    wire::note(&asked.message.note)?,
                ))
            },
        )
        .await
    }

    async fn accept_request(&self, request: Request<v1::AcceptRequestRequest>) -> Answer {
        self.act(
            request,
            |it| it.target.as_ref(),
            async |_| Ok((Act::AcceptRequest, Text::default())),
        )
        .await
    }

    async fn assign_request(&self, request: Request<v1::AssignRequestRequest>) -> Answer {
        self.act(
            request,
            |it| it.target.as_ref(),
            async |asked| {
                let assignee = wire::assignee(&asked.message.assignee)?;
                Ok((Act::AssignRequest { assignee }, Text::default()))
            },
        )
        .await
    }

    async fn start_work(&self, request: Request<v1::StartWorkRequest>) -> Answer {
        self.act(
            request,
            |it| it.target.as_ref(),
            async |_| Ok((Act::StartWork, Text::default())),
        )
        .await
    }

    async fn plan_request(&self, request: Request<v1::PlanRequestRequest>) -> Answer {
        self.act(
            request,
            |it| it.target.as_ref(),
            async |asked| {
                let planned_for = wire::planned_for(&asked.message.planned_for)?;
                Ok((Act::PlanRequest { planned_for }, Text::default()))
            },
        )
        .await
    }

    async fn refer_request(&self, request: Request<v1::ReferRequestRequest>) -> Answer {
        self.act(
            request,
            |it| it.target.as_ref(),
            async |asked| {
                let institution = wire::unit(&asked.message.institution, "institution")?;
                let note = wire::note(&asked.message.note)?;
                let standing = asked.desk.standing(&institution).await?;
                let act = Act::ReferRequest {
                    institution,
                    standing,
                };
                Ok((act, note))
            },
        )
        .await
    }

    async fn conclude_request(&self, request: Request<v1::ConcludeRequestRequest>) -> Answer {
        self.act(
            request,
            |it| it.target.as_ref(),
            async |asked| {
                let said = wire::conclusion(&asked.message, asked.now)?;
                let text = wire::answer(&asked.message.answer)?;
                let answered = !text.text.is_empty();
                let conclusion = asked.desk.conclusion(&asked.target.number, said, answered);
                Ok((Act::ConcludeRequest(conclusion.await?), text))
            },
        )
        .await
    }

    async fn reopen_request(&self, request: Request<v1::ReopenRequestRequest>) -> Answer {
        self.act(
            request,
            |it| it.target.as_ref(),
            async |asked| Ok((Act::ReopenRequest, wire::note(&asked.message.note)?)),
        )
        .await
    }

    async fn add_comment(&self, request: Request<v1::AddCommentRequest>) -> Answer {
        self.act(
            request,
            |it| it.target.as_ref(),
            async |asked| {
                let public = asked.message.public;
                Ok((
                    Act::AddComment { public },
                    wire::remark(&asked.message.text)?,
                ))
            },
        )
        .await
    }

    async fn ask_information(&self, request: Request<v1::AskInformationRequest>) -> Answer {
        self.act(
            request,
            |it| it.target.as_ref(),
            async |asked| {
                Ok((
                    Act::AskInformation,
                    wire::question(&asked.message.question)?,
                ))
            },
        )
        .await
    }

    async fn record_citizen_message(
        &self,
        request: Request<v1::RecordCitizenMessageRequest>,
    ) -> Answer {
        self.act(
            request,
            |it| it.target.as_ref(),
            async |asked| {
                let channel = wire::channel(asked.message.channel)?;
                Ok((
                    Act::RecordMessage { channel },
                    wire::remark(&asked.message.text)?,
                ))
            },
        )
        .await
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
}
