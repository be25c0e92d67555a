use askama::Template;
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use tonic::Status;
use uuid::Uuid;

use super::{Shared, form, onward, set_up::chosen, unavailable};
use crate::{
    Centre,
    console::{Frame, page},
    register::unit_name,
    session::Signed,
    staff::{
        desk::{By, Refused, Text},
        domain::{Code, MemberCommand, MemberRejection},
    },
    text,
};

#[derive(Template)]
#[template(path = "account/account.html")]
struct AccountPage {
    frame: Frame,
    code: String,
    roles: String,
    unit: String,
    sessions: Vec<Open>,
    problem: Option<String>,
}

/// An open session as its owner reads it.
struct Open {
    id: String,
    began: String,
    ends: String,
    is_this: bool,
}

const HERE: &str = "/console/account";

/// One's own account.
pub(super) async fn account(State(centre): Shared, signed: Signed) -> Response {
    show(&centre, &signed, StatusCode::OK, None).await
}

async fn show(
    centre: &Centre,
    signed: &Signed,
    status: StatusCode,
    problem: Option<&str>,
) -> Response {
    let frame = Frame::of(signed, HERE);
    match read(centre, signed, frame.clone()).await {
        Ok(mut account) => {
            account.problem = problem.map(|key| account.frame.t(key));
            page(status, &account)
        }
        Err(status) => unavailable(frame, &status),
    }
}

async fn read(centre: &Centre, signed: &Signed, frame: Frame) -> Result<AccountPage, Status> {
    let code = code_of(signed)?;
    let language = signed.language();
    let now = centre.platform.clock.micros();
    let staff = centre.staff(signed.municipality());
    let sessions = staff.reader.sessions_of(&code, now).await?;
    let this = signed.session().to_string();
    let open = sessions.into_iter().map(|it| Open {
        began: text::moment(it.began_at, language),
        ends: text::moment(it.expires_at, language),
        is_this: it.session == this,
        id: it.session,
    });
    let roles = signed.roles().iter();
    let roles: Vec<String> = roles
        .map(|it| frame.t(&format!("access-role-{}", it.code())))
        .collect();
    let units = centre.register(signed.municipality()).units().await?;
    let unit = match signed.unit() {
        "" => String::new(),
        unit => unit_name(&units, unit, language),
    };
    Ok(AccountPage {
        code: code.to_string(),
        roles: roles.join(", "),
        unit,
        sessions: open.collect(),
        problem: None,
        frame,
    })
}

/// Another password for whoever knows the old one. Every session ends, this one too.
pub(super) async fn change_password(
    State(centre): Shared,
    signed: Signed,
    request: Request,
) -> Response {
    let frame = Frame::of(&signed, HERE);
    let typed = match form(request, frame.clone()).await {
        Ok(typed) => typed,
        Err(response) => return response,
    };
    let outcome = async {
        let code = code_of(&signed)?;
        let (_, hash) = centre.staff(signed.municipality()).account(&code).await?;
        if !centre
            .passwords
            .fits(typed.get("old").to_owned(), hash)
            .await?
        {
            return Ok(Some("access-password-old"));
        }
        if let Err(key) = chosen(&typed, &code) {
            return Ok(Some(key));
        }
        let hash = centre
            .passwords
            .hash(typed.get("password").to_owned())
            .await?;
        match on_oneself(&centre, &signed, MemberCommand::ChangePassword, Text(hash)).await {
            Ok(()) => Ok(None),
            Err(Refused::Rejected(_)) => Ok(Some("access-password-old")),
            Err(Refused::Failed(status)) => Err(status),
        }
    };
    match outcome.await {
        Ok(None) => onward("/console/sign-in", centre.sessions.end().ok()),
        Ok(Some(key)) => show(&centre, &signed, StatusCode::BAD_REQUEST, Some(key)).await,
        Err(status) => unavailable(frame, &status),
    }
}

/// Ends one of one's sessions.
pub(super) async fn end_session(
    State(centre): Shared,
    signed: Signed,
    request: Request,
) -> Response {
    let frame = Frame::of(&signed, HERE);
    let typed = match form(request, frame.clone()).await {
        Ok(typed) => typed,
        Err(response) => return response,
    };
    let Ok(session) = typed.trimmed("session").parse::<Uuid>() else {
        return onward(HERE, None);
    };
    let asked = MemberCommand::SignOut { session };
    after(
        on_oneself(&centre, &signed, asked, Text::default()).await,
        frame,
        HERE,
    )
}

/// Ends all of one's sessions.
pub(super) async fn end_sessions(State(centre): Shared, signed: Signed) -> Response {
    let asked = MemberCommand::RevokeSessions;
    let done = on_oneself(&centre, &signed, asked, Text::default()).await;
    after(done, Frame::of(&signed, HERE), "/console/sign-in")
}

fn after(done: Result<(), Refused<MemberRejection>>, frame: Frame, path: &str) -> Response {
    match done {
        Ok(()) | Err(Refused::Rejected(_)) => onward(path, None),
        Err(Refused::Failed(status)) => unavailable(frame, &status),
    }
}

/// Carries out what somebody asks about their own account.
pub(super) async fn on_oneself(
    centre: &Centre,
    signed: &Signed,
    asked: MemberCommand,
    text: Text,
) -> Result<(), Refused<MemberRejection>> {
    let by = By {
        actor: signed.name(),
        command_id: centre.platform.ids.fresh(),
    };
    let code = code_of(signed)?;
    let staff = centre.staff(signed.municipality());
    staff.member(&by, &code, asked, text).await.map(|_| ())
}

fn code_of(signed: &Signed) -> Result<Code, Status> {
    let code = signed.code().parse();
    code.map_err(|_| Status::internal("a session of nobody"))
}
