use chassis::{Caller, Invalid, Platform};
use contracts::intake::v1::{
    self, GetRequestReply, GetRequestRequest, OpenReply, OpenRequest, ReachCitizenReply,
    ReachCitizenRequest, RegisterContactReply, RegisterContactRequest, RegisterRequestReply,
    RegisterRequestRequest, SealReply, SealRequest, intake_server::Intake,
};
use tonic::{Request, Response, Status};
use vault::Plain;

use crate::{desk::Desk, epochs::Epochs, wire};

/// The service as its callers see it.
pub(crate) struct Service {
    platform: Platform,
    desks: Vec<Desk>,
    epochs: Epochs,
}

impl Service {
    pub(crate) fn new(platform: Platform, desks: Vec<Desk>, epochs: Epochs) -> Self {
        Self {
            platform,
            desks,
            epochs,
        }
    }

    /// Who calls, and the desk of their municipality.
    fn desk<T>(&self, request: &Request<T>) -> Result<(Caller, &Desk), Invalid> {
        let caller = Caller::of(&self.platform, request)?;
        let desk = self
            .desks
            .iter()
            .find(|it| it.municipality == caller.municipality);
        let desk = desk.ok_or_else(|| Invalid::at("municipality", "is not served here"))?;
        Ok((caller, desk))
    }
}

#[tonic::async_trait]
impl Intake for Service {
    async fn register_contact(
        &self,
        request: Request<RegisterContactRequest>,
    ) -> Result<Response<RegisterContactReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::register_contact(request.into_inner(), self.platform.clock.now())?;
        Ok(Response::new(desk.register_contact(&caller, asked).await?))
    }

    async fn register_request(
        &self,
        request: Request<RegisterRequestRequest>,
    ) -> Result<Response<RegisterRequestReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::register_request(request.into_inner(), self.platform.clock.now())?;
        Ok(Response::new(desk.register_request(&caller, asked).await?))
    }

    async fn get_request(
        &self,
        request: Request<GetRequestRequest>,
    ) -> Result<Response<GetRequestReply>, Status> {
        let (_, desk) = self.desk(&request)?;
        let GetRequestRequest {
            number,
            purpose,
            tracking_secret,
        } = request.into_inner();
        wire::purpose(&purpose)?;
        let number = wire::number(&number)?;
        let secret = Some(Plain::from(tracking_secret)).filter(|it| !it.is_empty());
        Ok(Response::new(desk.get_request(&number, secret).await?))
    }

    async fn reach_citizen(
        &self,
        request: Request<ReachCitizenRequest>,
    ) -> Result<Response<ReachCitizenReply>, Status> {
        let (_, desk) = self.desk(&request)?;
        let ReachCitizenRequest { number, purpose } = request.into_inner();
        wire::purpose(&purpose)?;
        let number = wire::number(&number)?;
        Ok(Response::new(desk.reach_citizen(&number).await?))
    }

    async fn seal(&self, request: Request<SealRequest>) -> Result<Response<SealReply>, Status> {
        let (_, desk) = self.desk(&request)?;
        let (subject, values) = wire::seal(request.into_inner())?;
        Ok(Response::new(desk.seal_all(subject, &values).await?))
    }

    async fn open(&self, request: Request<OpenRequest>) -> Result<Response<OpenReply>, Status> {
        let (_, desk) = self.desk(&request)?;
        let values = wire::open(request.into_inner())?;
        Ok(Response::new(desk.open_all(&values).await?))
    }

    async fn get_public_texts(
        &self,
        request: Request<v1::GetPublicTextsRequest>,
    ) -> Result<Response<v1::GetPublicTextsReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let numbers = wire::numbers(&request.into_inner().numbers)?;
        Ok(Response::new(desk.public_texts(&caller, &numbers).await?))
    }

    async fn view_request(
        &self,
        request: Request<v1::ViewRequestRequest>,
    ) -> Result<Response<v1::ViewRequestReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::view(request.into_inner())?;
        let (look, now) = (self.platform.ids.fresh(), self.platform.clock.now());
        let reply = desk.view_request(&caller, asked, look, now).await?;
        Ok(Response::new(reply))
    }

    async fn search(
        &self,
        request: Request<v1::SearchRequest>,
    ) -> Result<Response<v1::SearchReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::search(request.into_inner())?;
        let head = desk.ledger.head().await?;
        let reply = desk.search.find(&asked, caller.at_least, head).await?;
        Ok(Response::new(reply))
    }

    async fn find_by_caller(
        &self,
        request: Request<v1::FindByCallerRequest>,
    ) -> Result<Response<v1::FindByCallerReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let (asked, limit) = wire::caller(request.into_inner())?;
        let head = desk.ledger.head().await?;
        let found = desk.search.of_caller(&asked, limit, caller.at_least, head);
        Ok(Response::new(v1::FindByCallerReply {
            numbers: found.await?,
        }))
    }

    async fn get_attachment(
        &self,
        request: Request<v1::GetAttachmentRequest>,
    ) -> Result<Response<v1::GetAttachmentReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::file(request.into_inner())?;
        let (look, now) = (self.platform.ids.fresh(), self.platform.clock.now());
        let reply = desk.get_attachment(&caller, asked, look, now).await?;
        Ok(Response::new(reply))
    }

    async fn erase_person(
        &self,
        request: Request<v1::ErasePersonRequest>,
    ) -> Result<Response<v1::ErasePersonReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::erase(request.into_inner())?;
        Ok(Response::new(desk.erase(&caller, asked).await?))
    }

    async fn erase_events(
        &self,
        request: Request<v1::EraseEventsRequest>,
    ) -> Result<Response<v1::EraseEventsReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::erase_events(request.into_inner())?;
        Ok(Response::new(desk.erase_events(&caller, asked).await?))
    }

    async fn set_retention_rule(
        &self,
        request: Request<v1::SetRetentionRuleRequest>,
    ) -> Result<Response<v1::SetRetentionRuleReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::rule(request.into_inner())?;
        let now = self.platform.clock.now();
        Ok(Response::new(desk.set_rule(&caller, asked, now).await?))
    }

    async fn publish_notice(
        &self,
        request: Request<v1::PublishNoticeRequest>,
    ) -> Result<Response<v1::PublishNoticeReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::notice(request.into_inner())?;
        let now = self.platform.clock.now();
        Ok(Response::new(desk.publish(&caller, asked, now).await?))
    }

    async fn preview_destruction(
        &self,
        request: Request<v1::PreviewDestructionRequest>,
    ) -> Result<Response<v1::PreviewDestructionReply>, Status> {
        let (_, desk) = self.desk(&request)?;
        let asked = wire::preview(request.into_inner())?;
        let now = self.platform.clock.now();
        Ok(Response::new(desk.preview(asked, now).await?))
    }

    async fn begin_destruction(
        &self,
        request: Request<v1::BeginDestructionRequest>,
    ) -> Result<Response<v1::BeginDestructionReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::begin(request.get_ref())?;
        let now = self.platform.clock.now();
        let reply = desk.begin_destruction(&caller, asked, now).await?;
        Ok(Response::new(reply))
    }

    async fn place_hold(
        &self,
        request: Request<v1::PlaceHoldRequest>,
    ) -> Result<Response<v1::PlaceHoldReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::place_hold(request.get_ref())?;
        Ok(Response::new(desk.place_hold(&caller, asked).await?))
    }

    async fn release_hold(
        &self,
        request: Request<v1::ReleaseHoldRequest>,
    ) -> Result<Response<v1::ReleaseHoldReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let asked = wire::release_hold(request.get_ref())?;
        Ok(Response::new(desk.release_hold(&caller, asked).await?))
    }
    async fn rotate_keys(
        &self,
        request: Request<v1::RotateKeysRequest>,
    ) -> Result<Response<v1::KeyEpochsReply>, Status> {
        let (caller, _) = self.desk(&request)?;
        if !request.into_inner().dry_run {
            self.epochs.rotate(&caller).await?;
        }
        Ok(Response::new(self.epochs.reply().await?))
    }

    async fn destroy_key_epoch(
        &self,
        request: Request<v1::DestroyKeyEpochRequest>,
    ) -> Result<Response<v1::KeyEpochsReply>, Status> {
        let (caller, _) = self.desk(&request)?;
        let epoch = request.into_inner().epoch;
        self.epochs.destroy(&caller, epoch).await?;
        Ok(Response::new(self.epochs.reply().await?))
    }

    async fn export_own_data(
        &self,
        request: Request<v1::ExportOwnDataRequest>,
    ) -> Result<Response<v1::ExportOwnDataReply>, Status> {
        let (caller, desk) = self.desk(&request)?;
        let person = wire::person(&request.into_inner().person)?;
        let (look, now) = (self.platform.ids.fresh(), self.platform.clock.now());
        let reply = desk.export_own_data(&caller, person, look, now).await?;
        Ok(Response::new(reply))
    }
}
