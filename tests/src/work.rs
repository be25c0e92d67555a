//! What a unit does with a request, by gRPC with the city's token.

use contracts::{
    routing::v1::{
        AcceptRequestRequest, AddCommentRequest, AskInformationRequest, AssignRequestRequest,
        CommandReply, ConcludeRequestRequest, PlanRequestRequest, RecordCitizenMessageRequest,
        ReferRequestRequest, ReopenRequestRequest, ReturnReason, ReturnRequestRequest,
        StartWorkRequest,
    },
    vocabulary::v1::{Channel, SubResult},
};
use tonic::Status;

use crate::City;

/// A day that is far from over.
pub const PLANNED_FOR: &str = "2099-05-04";

/// Somebody of the unit, at work on one request. A command's id follows from the request and the command, so that the same
/// call again is the same command again.
#[derive(Debug, Clone)]
pub struct Work {
    city: City,
    number: String,
}

impl Work {
    /// On this request.
    #[must_use]
    pub fn on(city: &City, number: &str) -> Self {
        Self {
            city: city.clone(),
            number: number.to_owned(),
        }
    }

    /// "It is ours."
    pub async fn accept(&self) -> Result<CommandReply, Status> {
        let target = Some(City::target(&self.number, "accept"));
        let mut routing = self.city.routing();
        Ok(routing
            .accept_request(AcceptRequestRequest { target })
            .await?
            .into_inner())
    }

    /// Gives it to a crew.
    pub async fn assign(&self, assignee: &str) -> Result<CommandReply, Status> {
        let request = AssignRequestRequest {
            target: Some(City::target(&self.number, &format!("assign {assignee}"))),
            assignee: assignee.to_owned(),
        };
        Ok(self
            .city
            .routing()
            .assign_request(request)
            .await?
            .into_inner())
    }

    /// The crew begins.
    pub async fn start(&self) -> Result<CommandReply, Status> {
        let target = Some(City::target(&self.number, "start"));
        let mut routing = self.city.routing();
        Ok(routing
            .start_work(StartWorkRequest { target })
            .await?
            .into_inner())
    }

    /// Names the day.
    pub async fn plan(&self, planned_for: &str) -> Result<CommandReply, Status> {
        let request = PlanRequestRequest {
            target: Some(City::target(&self.number, &format!("plan {planned_for}"))),
            planned_for: planned_for.to_owned(),
        };
        Ok(self
            .city
            .routing()
            .plan_request(request)
            .await?
            .into_inner())
    }

    /// Sends it to an institution outside.
    pub async fn refer(&self, institution: &str, note: &str) -> Result<CommandReply, Status> {
        let request = ReferRequestRequest {
            target: Some(City::target(&self.number, &format!("refer {institution}"))),
            institution: institution.to_owned(),
            note: note.to_owned(),
        };
        Ok(self
            .city
            .routing()
            .refer_request(request)
            .await?
            .into_inner())
    }

    /// "Not our subject."
    pub async fn give_back(&self, note: &str) -> Result<CommandReply, Status> {
        let request = ReturnRequestRequest {
            target: Some(City::target(&self.number, "return")),
            reason: ReturnReason::NotOurTopic.into(),
            note: note.to_owned(),
        };
        Ok(self
            .city
            .routing()
            .return_request(request)
            .await?
            .into_inner())
    }

    /// Ends it with a result and a reasoned answer.
    pub async fn conclude(
        &self,
        sub_result: SubResult,
        answer: &str,
    ) -> Result<CommandReply, Status> {
        let request = ConcludeRequestRequest {
            target: Some(City::target(
                &self.number,
                &format!("conclude {sub_result:?}"),
            )),
            sub_result: sub_result.into(),
            answer: answer.to_owned(),
            ..ConcludeRequestRequest::default()
        };
        Ok(self
            .city
            .routing()
            .conclude_request(request)
            .await?
            .into_inner())
    }

    /// It was not solved after all.
    pub async fn reopen(&self, note: &str) -> Result<CommandReply, Status> {
        let request = ReopenRequestRequest {
            target: Some(City::target(&self.number, "reopen")),
            note: note.to_owned(),
        };
        Ok(self
            .city
            .routing()
            .reopen_request(request)
            .await?
            .into_inner())
    }

    /// A remark, which anybody may read where it is public.
    pub async fn comment(&self, text: &str, public: bool) -> Result<CommandReply, Status> {
        let request = AddCommentRequest {
            target: Some(City::target(&self.number, &format!("comment {text}"))),
            text: text.to_owned(),
            public,
        };
        let mut routing = self.city.routing();
        Ok(routing.add_comment(request).await?.into_inner())
    }

    /// Asks the citizen.
    pub async fn ask(&self, question: &str) -> Result<CommandReply, Status> {
        let request = AskInformationRequest {
            target: Some(City::target(&self.number, &format!("ask {question}"))),
            question: question.to_owned(),
        };
        let mut routing = self.city.routing();
        Ok(routing.ask_information(request).await?.into_inner())
    }

    /// Writes down what the citizen said on the phone.
    pub async fn citizen_said(&self, text: &str) -> Result<CommandReply, Status> {
        let request = RecordCitizenMessageRequest {
            target: Some(City::target(&self.number, &format!("said {text}"))),
            channel: Channel::Phone.into(),
            text: text.to_owned(),
        };
        let mut routing = self.city.routing();
        Ok(routing.record_citizen_message(request).await?.into_inner())
    }
}
