use askama::Template;
use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use tonic::Status;
use vocabulary::Municipality;

use super::{Shared, onward, own_form, unavailable};
use crate::{
    Centre,
    console::{Frame, notice, page},
    guard,
    params::Params,
    secret::sha256,
    staff::{
        desk::{By, Refused, Text},
        domain::{Code, MemberCommand},
        password,
    },
};

#[derive(Template)]
#[template(path = "account/set_up.html")]
struct SetUpPage {
    frame: Frame,
    lead: String,
    code: String,
    problem: Option<String>,
}

impl SetUpPage {
    fn new(frame: Frame, code: &Code) -> Self {
        Self {
            lead: frame
                .words
                .with("access-set-up-lead", [("name", code.as_str())]),
            frame,
            code: code.to_string(),
            problem: None,
        }
    }
}

/// The form behind a valid link.
pub(super) async fn form(
    State(centre): Shared,
    Path(secret): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let frame = Frame::of_nobody(guard::language(&uri, &headers), uri.path());
    match holder(&centre, &secret).await {
        Ok(Some((_, code))) => page(StatusCode::OK, &SetUpPage::new(frame, &code)),
        Ok(None) => invalid(frame),
        Err(status) => unavailable(frame, &status),
    }
}

/// Sets the password; the link is used up.
pub(super) async fn set_up(
    State(centre): Shared,
    Path(secret): Path<String>,
    request: Request,
) -> Response {
    let frame = Frame::of_nobody(
        guard::language(request.uri(), request.headers()),
        request.uri().path(),
    );
    let form = match own_form(&centre, request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let (municipality, code) = match holder(&centre, &secret).await {
        Ok(Some(holder)) => holder,
        Ok(None) => return invalid(frame),
        Err(status) => return unavailable(frame, &status),
    };
    if let Err(key) = chosen(&form, &code) {
        let mut shown = SetUpPage::new(frame, &code);
        shown.problem = Some(shown.frame.t(key));
        return page(StatusCode::BAD_REQUEST, &shown);
    }
    match set(&centre, &municipality, &code, &secret, &form).await {
        Ok(()) => onward("/console/sign-in", None),
        Err(Refused::Rejected(())) => invalid(frame),
        Err(Refused::Failed(status)) => unavailable(frame, &status),
    }
}

async fn set(
    centre: &Centre,
    municipality: &Municipality,
    code: &Code,
    secret: &str,
    form: &Params,
) -> Result<(), Refused<()>> {
    let staff = centre.staff(municipality);
    let hash = centre
        .passwords
        .hash(form.get("password").to_owned())
        .await?;
    let asked = MemberCommand::SetPasswordByLink {
        secret: sha256(secret),
        now: staff.now(),
    };
    let by = By {
        actor: format!("staff:{code}"),
        command_id: centre.platform.ids.fresh(),
    };
    match staff.member(&by, code, asked, Text(hash)).await {
        Ok(_) => Ok(()),
        Err(Refused::Rejected(_)) => Err(Refused::Rejected(())),
        Err(Refused::Failed(status)) => Err(Refused::Failed(status)),
    }
}

/// Whose password a link sets.
async fn holder(centre: &Centre, secret: &str) -> Result<Option<(Municipality, Code)>, Status> {
    let digest = sha256(secret);
    for municipality in &*centre.platform.municipalities {
        let staff = centre.staff(municipality);
        let now = centre.platform.clock.micros();
        if let Some(code) = staff.reader.link(&digest, now).await? {
            return Ok(Some((municipality.clone(), code)));
        }
    }
    Ok(None)
}

/// Whether the two passwords of a form are one good one; the text's key otherwise.
pub(super) fn chosen(form: &Params, code: &Code) -> Result<(), &'static str> {
    let password = form.get("password");
    password::check(password, code).map_err(password::Weak::key)?;
    if form.get("again") == password {
        Ok(())
    } else {
        Err("access-password-differs")
    }
}

fn invalid(frame: Frame) -> Response {
    notice(
        frame,
        StatusCode::NOT_FOUND,
        "access-link-title",
        "access-link-text",
    )
}
