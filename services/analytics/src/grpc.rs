use std::{collections::BTreeMap, sync::Arc};

use chassis::{AsOf, Caller, Invalid, Platform};
use contracts::analytics::v1::{GetReportReply, GetReportRequest, analytics_server::Analytics};
use jiff::tz::TimeZone;
use projection::{Past, Projection};
use tonic::{Request, Response, Status};
use vocabulary::Municipality;

use crate::{Counts, report::report, span::Span};

/// The counts of one municipality, as they are and as they were.
pub(crate) struct Model {
    pub(crate) live: Projection,
    pub(crate) past: Arc<Past<Counts>>,
}

/// Answers with counts.
pub(crate) struct Service {
    platform: Platform,
    models: BTreeMap<Municipality, Model>,
    zone: TimeZone,
}

impl Service {
    pub(crate) fn new(
        platform: Platform,
        models: BTreeMap<Municipality, Model>,
        zone: TimeZone,
    ) -> Self {
        Self {
            platform,
            models,
            zone,
        }
    }

    async fn counted(&self, model: &Projection, span: &Span) -> Result<GetReportReply, Status> {
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
        report(&mut connection, span).await.map_err(unreadable)
    }
}

#[tonic::async_trait]
impl Analytics for Service {
    async fn get_report(
        &self,
        request: Request<GetReportRequest>,
    ) -> Result<Response<GetReportReply>, Status> {
        let caller = Caller::of(&self.platform, &request)?;
        let GetReportRequest { from, to, as_of } = request.into_inner();
        let span = Span::read(&from, &to, &self.zone)?;
        let Some(model) = self.models.get(&caller.municipality) else {
            return Err(Invalid::at("municipality", "is not served here").into());
        };
        if as_of.is_empty() {
            model.live.at_least(caller.at_least).await?;
            return Ok(Response::new(self.counted(&model.live, &span).await?));
        }
        let as_of = AsOf::read("as_of", &as_of, &self.zone)?;
        let ledger = self.platform.ledger(&caller.municipality);
        let cut_off = ledger.cut_off("as_of", as_of).await?;
        let then = model.past.at(cut_off.position).await?;
        Ok(Response::new(GetReportReply {
            cut_off_recorded_at: cut_off.recorded_at,
            ..self.counted(&then, &span).await?
        }))
    }
}
