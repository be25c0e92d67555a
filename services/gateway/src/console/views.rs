//! Lists that somebody wanted to come back to: their filters as they stand in the address, under a name that is sealed.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use tonic::Status;
use uuid::Uuid;

use super::{
    filters::{Filters, LIST},
    page::Visit,
};
use crate::{
    Centre,
    params::Params,
    staff::{
        desk::{By, Refused, Text},
        domain::{Code, MemberCommand},
    },
};

/// Characters of a name at most.
const NAME: usize = 60;

/// One of somebody's views.
pub(super) struct View {
    pub(super) id: String,
    pub(super) href: String,
    pub(super) name: String,
    pub(super) here: bool,
}

/// Somebody's views, the oldest first; `here` are the filters of the list that is shown.
pub(super) async fn of(centre: &Centre, visit: &Visit, here: &str) -> Result<Vec<View>, Status> {
    let desk = centre.staff(visit.signed.municipality());
    let rows = desk.reader.views(visit.signed.code()).await?;
    let fields = rows.iter().filter_map(|it| it.name()).collect();
    let mut names = desk.opened("console", fields).await?.into_iter();
    let view = |row: crate::staff::ViewRow| {
        let name = row.name().and_then(|_| names.next()).unwrap_or_default();
        View {
            name: if name.is_empty() {
                visit.words.get("console-view-unnamed")
            } else {
                name
            },
            here: row.filters == here,
            href: format!("{LIST}?{}", row.filters),
            id: row.view,
        }
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Keeps a list under a name.
pub(super) async fn save(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    request: Request,
) -> Response {
    let Ok(params) = Params::of_body(request).await else {
        return visit.notice(StatusCode::BAD_REQUEST, "console-unreadable");
    };
    let name: String = params.trimmed("name").chars().take(NAME).collect();
    // Read and written again: nothing stands in a view that is no filter.
    let filters = Filters::of(&Params::of_text(params.trimmed("filters"))).query();
    let view = centre.platform.ids.fresh();
    let command = MemberCommand::SaveView {
        view,
        filters: filters.clone(),
    };
    let to = format!("{LIST}?{filters}");
    done(&centre, &visit, command, Text(name), &to).await
}

/// Forgets one.
pub(super) async fn remove(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    Path(view): Path<Uuid>,
) -> Response {
    done(
        &centre,
        &visit,
        MemberCommand::RemoveView { view },
        Text::default(),
        LIST,
    )
    .await
}

async fn done(
    centre: &Centre,
    visit: &Visit,
    command: MemberCommand,
    name: Text,
    to: &str,
) -> Response {
    let Ok(code) = visit.signed.code().parse::<Code>() else {
        return visit.notice(StatusCode::FORBIDDEN, "console-forbidden");
    };
    let by = By {
        actor: visit.signed.name(),
        command_id: centre.platform.ids.fresh(),
    };
    let desk = centre.staff(visit.signed.municipality());
    match desk.member(&by, &code, command, name).await {
        Ok(_) => Redirect::to(to).into_response(),
        Err(Refused::Rejected(_)) => visit.notice(StatusCode::CONFLICT, "console-forbidden"),
        Err(Refused::Failed(status)) => visit.failed(&status),
    }
}
