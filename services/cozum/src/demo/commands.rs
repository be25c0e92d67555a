//! The story as commands, through the services that everybody uses.

use std::{future::Future, time::Duration};

use anyhow::Context as _;
use chassis::{Caller, Role, Shared};
use contracts::{
    intake::v1::{
        Citizen, RegisterContactRequest, RegisterRequestReply, RegisterRequestRequest,
        intake_client::IntakeClient,
    },
    routing::v1::{
        AcceptRequestRequest, AddCommentRequest, AskInformationRequest, AssignRequestRequest,
        CommandReply, ConcludeRequestRequest, ListTopicsRequest, ListUnitsRequest,
        PlanRequestRequest, RecordCitizenMessageRequest, ReferRequestRequest, ReopenRequestRequest,
        ReturnReason, ReturnRequestRequest, RouteManuallyRequest, StartWorkRequest, Target,
        routing_client::RoutingClient,
    },
    vocabulary::v1::{Imported, Place},
};
use tonic::{Code, Response, Status, transport::Channel};
use uuid::Uuid;
use vocabulary::{Channel as By, Municipality};

use super::{
    city::Person,
    story::{Contact, Directory, Request},
    texts::Topic,
    work::{Act, Step},
};

/// How often a command is tried that something was away for.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(200);

/// Gives commands to a municipality.
pub(super) struct Commands {
    municipality: Municipality,
    namespace: Uuid,
    intake: IntakeClient<Channel>,
    routing: RoutingClient<Channel>,
}

impl Commands {
    pub(super) fn new(shared: &Shared) -> anyhow::Result<Self> {
        let municipality = shared
            .municipalities
            .first()
            .context("a centre serves a municipality")?
            .clone();
        let namespace = Uuid::new_v5(
            &Uuid::NAMESPACE_URL,
            format!("cozum:demo:{municipality}").as_bytes(),
        );
        Ok(Self {
            municipality,
            namespace,
            intake: IntakeClient::new(shared.network.channel(Role::Intake)),
            routing: RoutingClient::new(shared.network.channel(Role::Routing)),
        })
    }

    /// The gateway itself, for what it looks up.
    pub(super) fn system(&self) -> Caller {
        self.caller("system:gateway")
    }

    fn caller(&self, actor: &str) -> Caller {
        Caller::new(Role::Gateway, self.municipality.clone(), actor)
    }

    fn id(&self, what: &str) -> Uuid {
        Uuid::new_v5(&self.namespace, what.as_bytes())
    }

    pub(super) fn contact_id(&self, index: u32) -> Uuid {
        self.id(&format!("contact-{index}"))
    }

    /// Units and topics, in an order that is always the same.
    pub(super) async fn directory(&self) -> anyhow::Result<Directory> {
        let mut routing = self.routing.clone();
        let mut units = routing
            .list_units(self.system().request(ListUnitsRequest {}))
            .await?
            .into_inner()
            .units;
        let mut topics = routing
            .list_topics(self.system().request(ListTopicsRequest {}))
            .await?
            .into_inner()
            .topics;
        units.sort_by(|one, other| one.code.cmp(&other.code));
        topics.sort_by(|one, other| one.code.cmp(&other.code));
        anyhow::ensure!(!topics.is_empty(), "the directory has no topics");
        let (outside, inside): (Vec<_>, Vec<_>) = units.into_iter().partition(|it| it.outside);
        let topic = |it: contracts::routing::v1::TopicDefined| {
            (
                Topic {
                    code: it.code,
                    name_tr: it.name_tr,
                    name_en: it.name_en,
                },
                it.unit,
            )
        };
        Ok(Directory {
            topics: topics.into_iter().map(topic).collect(),
            units: inside.into_iter().map(|it| it.code).collect(),
            outside: outside.into_iter().map(|it| it.code).collect(),
        })
    }

    /// Records a contact.
    pub(super) async fn contact(&self, index: u32, it: &Contact) -> anyhow::Result<()> {
        let request = RegisterContactRequest {
            command_id: self.contact_id(index).to_string(),
            channel: it.channel.number(),
            citizen: it.person.as_ref().map(citizen),
            note: it.note.clone(),
            social_network: network(it.channel),
            occurred_at: it.at.as_microsecond(),
            ..RegisterContactRequest::default()
        };
        let caller = self.caller(&it.actor);
        tried(async || {
            self.intake
                .clone()
                .register_contact(caller.request(request.clone()))
                .await
        })
        .await
        .with_context(|| format!("demo contact {index}"))?;
        Ok(())
    }

    /// Registers a request.
    pub(super) async fn register(
        &self,
        index: u32,
        it: &Request,
    ) -> anyhow::Result<RegisterRequestReply> {
        let brought_along = Imported {
            source: "eski-sistem".to_owned(),
            source_id: format!("ES-{index:05}"),
            agency: String::new(),
            status: "Kayıt alındı".to_owned(),
            ..Imported::default()
        };
        let request = RegisterRequestRequest {
            command_id: self.id(&format!("request-{index}")).to_string(),
            channel: it.channel.number(),
            topic: it.topic.clone(),
            description: it.description.clone(),
            address: it.spot.address(),
            place: Some(Place {
                latitude: Some(it.spot.latitude),
                longitude: Some(it.spot.longitude),
                district: it.spot.district.to_owned(),
                neighbourhood: it.spot.neighbourhood.to_owned(),
            }),
            citizen: it.person.as_ref().map(citizen),
            occurred_at: it.at.as_microsecond(),
            social_network: network(it.channel),
            imported: it.brought_along.then_some(brought_along),
            ..RegisterRequestRequest::default()
        };
        let caller = self.caller(&it.actor);
        tried(async || {
            self.intake
                .clone()
                .register_request(caller.request(request.clone()))
                .await
        })
        .await
        .with_context(|| format!("demo request {index}"))
    }

    /// Does one thing with a request; `numbers` are those of all requests.
    pub(super) async fn step(
        &self,
        index: u32,
        step: usize,
        it: &Step,
        numbers: &[String],
    ) -> anyhow::Result<()> {
        let number = |index: u32| numbers.get(index as usize).cloned().unwrap_or_default();
        let target = Target {
            command_id: self.id(&format!("request-{index}-step-{step}")).to_string(),
            number: number(index),
            expected_version: 0,
            occurred_at: it.at.as_microsecond(),
        };
        let original = match &it.act {
            Act::Conclude(conclusion) => conclusion.original.map(number).unwrap_or_default(),
            Act::Accept
            | Act::Assign(_)
            | Act::Start
            | Act::Plan(_)
            | Act::Return(_)
            | Act::Route(_)
            | Act::Refer(..)
            | Act::Reopen(_)
            | Act::Ask(_)
            | Act::Write(_)
            | Act::Comment(_) => String::new(),
        };
        tried(async || {
            self.act(
                self.caller(&it.actor),
                Some(target.clone()),
                &it.act,
                original.clone(),
            )
            .await
        })
        .await
        .with_context(|| format!("demo request {index}, step {step}"))?;
        Ok(())
    }

    async fn act(
        &self,
        caller: Caller,
        target: Option<Target>,
        act: &Act,
        original: String,
    ) -> Result<Response<CommandReply>, Status> {
        let mut routing = self.routing.clone();
        match act.clone() {
            Act::Accept => {
                routing
                    .accept_request(caller.request(AcceptRequestRequest { target }))
                    .await
            }
            Act::Assign(assignee) => {
                routing
                    .assign_request(caller.request(AssignRequestRequest { target, assignee }))
                    .await
            }
            Act::Start => {
                routing
                    .start_work(caller.request(StartWorkRequest { target }))
                    .await
            }
            Act::Plan(date) => {
                let planned_for = date.to_string();
                routing
                    .plan_request(caller.request(PlanRequestRequest {
                        target,
                        planned_for,
                    }))
                    .await
            }
            Act::Return(note) => {
                let reason = ReturnReason::NotOurTopic.into();
                routing
                    .return_request(caller.request(ReturnRequestRequest {
                        target,
                        reason,
                        note,
                    }))
                    .await
            }
            Act::Route(unit) => {
                routing
                    .route_manually(caller.request(RouteManuallyRequest { target, unit }))
                    .await
            }
            Act::Refer(institution, note) => {
                routing
                    .refer_request(caller.request(ReferRequestRequest {
                        target,
                        institution,
                        note,
                    }))
                    .await
            }
            Act::Conclude(it) => {
                let request = ConcludeRequestRequest {
                    target,
                    sub_result: it.sub_result.number(),
                    answer: it.answer,
                    original,
                    visited_at: it.visited_at.map_or(0, |it| it.as_microsecond()),
                };
                routing.conclude_request(caller.request(request)).await
            }
            Act::Reopen(note) => {
                routing
                    .reopen_request(caller.request(ReopenRequestRequest { target, note }))
                    .await
            }
            Act::Ask(question) => {
                routing
                    .ask_information(caller.request(AskInformationRequest { target, question }))
                    .await
            }
            Act::Write(text) => {
                let request = RecordCitizenMessageRequest {
                    target,
                    channel: By::Web.number(),
                    text,
                };
                routing
                    .record_citizen_message(caller.request(request))
                    .await
            }
            Act::Comment(text) => {
                let request = AddCommentRequest {
                    target,
                    text,
                    public: false,
                };
                routing.add_comment(caller.request(request)).await
            }
        }
    }
}

fn citizen(person: &Person) -> Citizen {
    Citizen {
        name: person.name.clone(),
        email: person.email.clone().unwrap_or_default(),
        phone: person.phone.clone().unwrap_or_default(),
        language: person.language.number(),
        ..Citizen::default()
    }
}

fn network(channel: By) -> String {
    if channel == By::Social {
        "x".to_owned()
    } else {
        String::new()
    }
}

/// Calls again while something is away or has not heard of a request yet.
async fn tried<T, F>(call: impl Fn() -> F) -> Result<T, Status>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let mut left = TRIES;
    loop {
        match call().await {
            Ok(reply) => return Ok(reply.into_inner()),
            Err(status) if left > 0 && again(&status) => {
                left -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(status) => return Err(status),
        }
    }
}

fn again(status: &Status) -> bool {
    let waiting_for_routing = status.code() == Code::FailedPrecondition
        && status.message().contains("has not been routed");
    waiting_for_routing
        || matches!(
            status.code(),
            Code::Unavailable | Code::ResourceExhausted | Code::Aborted
        )
}
