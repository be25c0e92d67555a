use std::collections::BTreeMap;

use chassis::{Caller, Invalid, Platform};
use contracts::analytics::v1::{GetReportReply, GetReportRequest, analytics_server::Analytics};
use jiff::tz::TimeZone;
use projection::Projection;
use tonic::{Request, Response, Status};
use vocabulary::Municipality;

use crate::{report::report, span::Span};

/// Answers with counts.
pub(crate) struct Service {
    platform: Platform,
    models: BTreeMap<Municipality, Projection>,
    zone: TimeZone,
}

impl Service {
    pub(crate) fn new(
        platform: Platform,
        models: BTreeMap<Municipality, Projection>,
        zone: TimeZone,
    ) -> Self {
        Self {
            platform,
            models,
            zone,
        }
    }
}

#[tonic::async_trait]
impl Analytics for Service {
    async fn get_report(
        &self,
        request: Request<GetReportRequest>,
    ) -> Result<Response<GetReportReply>, Status> {
        let caller = Caller::of(&self.platform, &request)?;
        let GetReportRequest { from, to } = request.into_inner();
        let span = Span::read(&from, &to, &self.zone)?;
        let Some(model) = self.models.get(&caller.municipality) else {
            return Err(Invalid::at("municipality", "is not served here").into());
        };
        model.at_least(caller.at_least).await?;
        let unreadable = |error: anyhow::Error| {
            tracing::error!(
                error = format!("{error:#}"),
                "the read model cannot be read"
            );
            Status::internal("the read model cannot be read")
        };
        let mut connection = model
            .pool()
            .acquire()
            .await
            .map_err(|error| unreadable(error.into()))?;
        Ok(Response::new(
            report(&mut connection, &span).await.map_err(unreadable)?,
        ))
    }
}
