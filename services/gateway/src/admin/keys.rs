use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
};
use jiff::{Timestamp, civil::Date};
use tonic::Status;

use super::{Choice, Office, Shared, form, onward, unavailable, unknown};
use crate::{
    access::Scope,
    console::{Frame, page},
    params::Params,
    register::unit_name,
    secret::Secret,
    session::Signed,
    staff::{
        KeyRow,
        desk::Refused,
        domain::{Code, IssuedKey, KeyCommand, KeyRejection},
    },
    text,
};

const HERE: &str = "/console/admin/keys";

#[derive(Template)]
#[template(path = "admin/keys.html")]
struct List {
    frame: Frame,
    keys: Vec<Shown>,
    command: String,
    code: String,
    scopes: Vec<Ticked>,
    unit: String,
    units: Vec<Choice>,
    until: String,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/key.html")]
struct Secretly {
    frame: Frame,
    code: String,
    secret: String,
}

/// A key as the list shows it.
struct Shown {
    code: String,
    scopes: String,
    unit: String,
    issued: String,
    until: String,
    revoked: String,
}

struct Ticked {
    code: &'static str,
    label: String,
    ticked: bool,
}

/// All keys, and a form for one more.
pub(super) async fn list(State(centre): Shared, signed: Signed) -> Response {
    let office = Office::new(centre, signed);
    show(&office, StatusCode::OK, &Params::default(), None).await
}

async fn show(
    office: &Office,
    status: StatusCode,
    typed: &Params,
    problem: Option<&str>,
) -> Response {
    let frame = office.frame(HERE);
    match read(office, typed, &frame).await {
        Ok(mut list) => {
            list.problem = problem.map(|key| list.frame.t(key));
            page(status, &list)
        }
        Err(status) => unavailable(frame, &status),
    }
}

async fn read(office: &Office, typed: &Params, frame: &Frame) -> Result<List, Status> {
    let language = office.language();
    let register = office.centre.register(office.signed.municipality());
    let units = register.units().await?;
    let time = |at: i64| match at {
        0 => String::new(),
        at => text::moment(at, language),
    };
    let shown = |key: KeyRow| Shown {
        scopes: labels(frame, &key.scopes()),
        unit: match key.unit.as_str() {
            "" => String::new(),
            unit => unit_name(&units, unit, language),
        },
        issued: time(key.issued_at),
        until: time(key.expires_at),
        revoked: time(key.revoked_at),
        code: key.key,
    };
    let keys = office.staff().reader.keys().await?;
    Ok(List {
        keys: keys.into_iter().map(shown).collect(),
        command: office.command(),
        code: typed.trimmed("code").to_owned(),
        scopes: boxes(frame, typed),
        unit: typed.trimmed("unit").to_owned(),
        units: office.units().await?,
        until: typed.trimmed("until").to_owned(),
        problem: None,
        frame: frame.clone(),
    })
}

/// Issues a key, and shows its secret once.
pub(super) async fn issue(State(centre): Shared, signed: Signed, request: Request) -> Response {
    let office = Office::new(centre, signed);
    let frame = office.frame(HERE);
    let typed = match form(request, frame.clone()).await {
        Ok(typed) => typed,
        Err(response) => return response,
    };
    let refused = async |key: &str| show(&office, StatusCode::BAD_REQUEST, &typed, Some(key)).await;
    let Ok(code) = typed.trimmed("code").parse::<Code>() else {
        return refused("admin-code-wrong").await;
    };
    let Ok(expires_at) = end_of(typed.trimmed("until")) else {
        return refused("admin-until-wrong").await;
    };
    let issued = async {
        let Some((unit, unit_known)) = office.unit(&typed).await? else {
            return Err(Refused::Rejected(KeyRejection::UnknownUnit));
        };
        let secret = Secret::draw()?;
        let asked = KeyCommand::Issue {
            key: IssuedKey {
                scopes: scopes(&typed),
                unit,
                secret: secret.sha256(),
                expires_at,
            },
            unit_known,
            now: office.staff().now(),
        };
        let executed = office.staff().key(&office.by(&typed), &code, asked).await?;
        Ok((secret, executed.replayed))
    };
    match issued.await {
        // The form was sent twice: the first answer showed the secret, and nobody can show it again.
        Ok((_, true)) => refused("admin-code-taken").await,
        Ok((secret, false)) => page(
            StatusCode::CREATED,
            &Secretly {
                frame,
                code: code.to_string(),
                secret: secret.as_str().to_owned(),
            },
        ),
        Err(Refused::Rejected(rejection)) => refused(problem(rejection)).await,
        Err(Refused::Failed(status)) => unavailable(frame, &status),
    }
}

/// Takes a key away, for good.
pub(super) async fn revoke(
    State(centre): Shared,
    signed: Signed,
    Path(code): Path<String>,
) -> Response {
    let office = Office::new(centre, signed);
    let Ok(code) = code.parse::<Code>() else {
        return unknown(office.frame(HERE));
    };
    let by = office.by(&Params::default());
    match office.staff().key(&by, &code, KeyCommand::Revoke).await {
        Ok(_) => onward(HERE),
        Err(Refused::Rejected(_)) => unknown(office.frame(HERE)),
        Err(Refused::Failed(status)) => unavailable(office.frame(HERE), &status),
    }
}

/// The end of a day in the municipality's time zone; `None` for no end.
fn end_of(day: &str) -> Result<Option<Timestamp>, jiff::Error> {
    if day.is_empty() {
        return Ok(None);
    }
    let day: Date = day.parse()?;
    let end = day.at(23, 59, 59, 0).to_zoned(text::zone())?;
    Ok(Some(end.timestamp()))
}

fn scopes(typed: &Params) -> BTreeSet<Scope> {
    let all = Scope::ALL.iter().copied();
    all.filter(|it| is_ticked(typed, *it)).collect()
}

fn is_ticked(typed: &Params, scope: Scope) -> bool {
    !typed.get(&format!("scope-{}", scope.code())).is_empty()
}

fn boxes(frame: &Frame, typed: &Params) -> Vec<Ticked> {
    let boxes = Scope::ALL.iter().map(|scope| Ticked {
        code: scope.code(),
        label: label(frame, *scope),
        ticked: is_ticked(typed, *scope),
    });
    boxes.collect()
}

fn labels(frame: &Frame, scopes: &BTreeSet<Scope>) -> String {
    let labels = scopes.iter().map(|it| label(frame, *it));
    labels.collect::<Vec<_>>().join(", ")
}

fn label(frame: &Frame, scope: Scope) -> String {
    frame.t(&format!("admin-scope-{}", scope.code()))
}

/// The key of the text that says why not.
fn problem(rejection: KeyRejection) -> &'static str {
    match rejection {
        KeyRejection::Unknown => "admin-unknown-text",
        KeyRejection::CodeTaken => "admin-code-taken",
        KeyRejection::NoScope => "admin-no-scope",
        KeyRejection::UnknownUnit => "admin-unit-unknown",
        KeyRejection::Over => "admin-until-wrong",
    }
}
