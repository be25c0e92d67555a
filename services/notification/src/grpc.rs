use std::collections::BTreeMap;

use chassis::{Caller, Invalid, Platform};
use contracts::notification::v1::{
    ListNotificationsReply, ListNotificationsRequest, notification_server::Notification,
};
use projection::Projection;
use tonic::{Request, Response, Status};
use vocabulary::{Municipality, RequestNumber};

use crate::notifications;

/// Answers what was sent.
pub(crate) struct Service {
    platform: Platform,
    models: BTreeMap<Municipality, Projection>,
}

impl Service {
    pub(crate) fn new(platform: Platform, models: BTreeMap<Municipality, Projection>) -> Self {
        Self { platform, models }
    }
}

#[tonic::async_trait]
impl Notification for Service {
    async fn list_notifications(
        &self,
        request: Request<ListNotificationsRequest>,
    ) -> Result<Response<ListNotificationsReply>, Status> {
        let caller = Caller::of(&self.platform, &request)?;
        let number: RequestNumber = request
            .get_ref()
            .number
            .parse()
            .map_err(|problem| Invalid::at("number", problem))?;
        let Some(model) = self.models.get(&caller.municipality) else {
            return Err(Invalid::at("municipality", "is not served here").into());
        };
        model.at_least(caller.at_least).await?;
        let items = notifications::of_request(model.pool(), number.as_str())
            .await
            .map_err(|error| {
                tracing::error!(error = %error, "the read model cannot be read");
                Status::internal("the read model cannot be read")
            })?;
        Ok(Response::new(ListNotificationsReply { items }))
    }
}
