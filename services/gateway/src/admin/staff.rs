use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
};
use tonic::Status;
use vocabulary::Language;

use super::{Choice, Office, Shared, form, onward, unavailable, unknown};
use crate::{
    access::Role,
    account::issue_link,
    console::{Frame, page},
    params::Params,
    register::unit_name,
    session::Signed,
    staff::{
        StaffRow,
        desk::{Refused, Text},
        domain::{Code, MemberCommand, MemberRejection, Profile},
    },
    text,
};

const HERE: &str = "/console/admin/staff";

#[derive(Template)]
#[template(path = "admin/staff.html")]
struct List {
    frame: Frame,
    people: Vec<Person>,
    form: Form,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/member.html")]
struct One {
    frame: Frame,
    person: Person,
    form: Form,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/link.html")]
struct Link {
    frame: Frame,
    lead: String,
    url: String,
}

/// Somebody as a list shows them.
struct Person {
    code: String,
    name: String,
    roles: String,
    unit: String,
    disabled: bool,
    has_password: bool,
    signed_in: String,
    sessions: i64,
}

/// What a form about somebody shows.
struct Form {
    command: String,
    /// The profile that the form was filled with, so that a change in between is noticed.
    seen: String,
    code: String,
    name: String,
    roles: Vec<Ticked>,
    unit: String,
    units: Vec<Choice>,
    english: bool,
}

struct Ticked {
    code: &'static str,
    label: String,
    ticked: bool,
}

/// All members of staff, and a form for one more.
pub(super) async fn list(State(centre): Shared, signed: Signed) -> Response {
    let office = Office::new(centre, signed);
    show_list(&office, StatusCode::OK, &Params::default(), None).await
}

async fn show_list(
    office: &Office,
    status: StatusCode,
    typed: &Params,
    problem: Option<&str>,
) -> Response {
    let frame = office.frame(HERE);
    let read = async {
        let people = people(office, office.staff().reader.all(office.now()).await?).await?;
        let form = Form::typed(office, &frame, typed).await?;
        Ok::<_, Status>((people, form))
    };
    match read.await {
        Ok((people, form)) => {
            let problem = problem.map(|key| frame.t(key));
            page(
                status,
                &List {
                    frame,
                    people,
                    form,
                    problem,
                },
            )
        }
        Err(status) => unavailable(frame, &status),
    }
}

/// Adds somebody, and shows the link with which they set their password.
pub(super) async fn add(State(centre): Shared, signed: Signed, request: Request) -> Response {
    let office = Office::new(centre, signed);
    let typed = match form(request, office.frame(HERE)).await {
        Ok(typed) => typed,
        Err(response) => return response,
    };
    let Ok(code) = typed.trimmed("code").parse::<Code>() else {
        return show_list(
            &office,
            StatusCode::BAD_REQUEST,
            &typed,
            Some("admin-code-wrong"),
        )
        .await;
    };
    let done = async {
        let (profile, unit_known) = profile(&office, &typed).await?;
        let asked = MemberCommand::Add {
            profile,
            unit_known,
        };
        let name = Text(typed.trimmed("name").to_owned());
        let by = office.by(&typed);
        let done = office.staff().member(&by, &code, asked, name);
        done.await.map(|_| ())
    };
    match done.await {
        Ok(()) => new_link(&office, &code).await,
        Err(Refused::Rejected(rejection)) => {
            let problem = Some(problem(rejection));
            show_list(&office, StatusCode::BAD_REQUEST, &typed, problem).await
        }
        Err(Refused::Failed(status)) => unavailable(office.frame(HERE), &status),
    }
}

/// One member of staff.
pub(super) async fn one(
    State(centre): Shared,
    signed: Signed,
    Path(code): Path<String>,
) -> Response {
    let office = Office::new(centre, signed);
    show_one(&office, &code, StatusCode::OK, None).await
}

async fn show_one(
    office: &Office,
    code: &str,
    status: StatusCode,
    problem: Option<&str>,
) -> Response {
    let frame = office.frame(&format!("{HERE}/{code}"));
    let Ok(code) = code.parse::<Code>() else {
        return unknown(frame);
    };
    let read = async {
        let Some(row) = office.staff().reader.member(&code, office.now()).await? else {
            return Ok(None);
        };
        let mut form = Form::of(office, &frame, &row).await?;
        let person = people(office, vec![row]).await?.pop();
        form.name = person.as_ref().map_or(String::new(), |it| it.name.clone());
        Ok::<_, Status>(person.map(|it| (it, form)))
    };
    match read.await {
        Ok(Some((person, form))) => {
            let problem = problem.map(|key| frame.t(key));
            let shown = One {
                frame,
                person,
                form,
                problem,
            };
            page(status, &shown)
        }
        Ok(None) => unknown(frame),
        Err(status) => unavailable(frame, &status),
    }
}

/// Changes what somebody is here.
pub(super) async fn change(
    State(centre): Shared,
    signed: Signed,
    Path(code): Path<String>,
    request: Request,
) -> Response {
    let office = Office::new(centre, signed);
    let here = format!("{HERE}/{code}");
    let typed = match form(request, office.frame(&here)).await {
        Ok(typed) => typed,
        Err(response) => return response,
    };
    let Ok(known) = code.parse::<Code>() else {
        return unknown(office.frame(&here));
    };
    let done = async {
        let row = office.staff().reader.member(&known, office.now()).await?;
        let Some(row) = row else {
            return Err(Refused::Rejected(MemberRejection::Unknown));
        };
        if seen(&row) != typed.trimmed("seen") {
            return Err(Refused::Rejected(MemberRejection::ChangedMeanwhile));
        }
        let (profile, unit_known) = profile(&office, &typed).await?;
        let name = typed.trimmed("name").to_owned();
        let old = opened(&office, &row).await?;
        let asked = MemberCommand::Change {
            profile,
            unit_known,
            renamed: name != old && !name.is_empty(),
            seen: of_row(&row)?,
            by_oneself: code == office.signed.code(),
        };
        let by = office.by(&typed);
        let done = office.staff().member(&by, &known, asked, Text(name));
        done.await.map(|_| ())
    };
    after(done.await, &office, &code).await
}

/// Disables, enables, ends all sessions.
pub(super) async fn act(
    State(centre): Shared,
    signed: Signed,
    Path((code, act)): Path<(String, String)>,
    request: Request,
) -> Response {
    let office = Office::new(centre, signed);
    let here = format!("{HERE}/{code}");
    let asked = match act.as_str() {
        "disable" => MemberCommand::Disable {
            by_oneself: code == office.signed.code(),
        },
        "enable" => MemberCommand::Enable,
        "end-sessions" => MemberCommand::RevokeSessions,
        _ => return unknown(office.frame(&here)),
    };
    let typed = match form(request, office.frame(&here)).await {
        Ok(typed) => typed,
        Err(response) => return response,
    };
    let Ok(known) = code.parse::<Code>() else {
        return unknown(office.frame(&here));
    };
    let by = office.by(&typed);
    let done = office.staff().member(&by, &known, asked, Text::default());
    after(done.await.map(|_| ()), &office, &code).await
}

/// A new link with which somebody sets their password.
pub(super) async fn link(
    State(centre): Shared,
    signed: Signed,
    Path(code): Path<String>,
) -> Response {
    let office = Office::new(centre, signed);
    match code.parse::<Code>() {
        Ok(code) => new_link(&office, &code).await,
        Err(_) => unknown(office.frame(HERE)),
    }
}

async fn new_link(office: &Office, code: &Code) -> Response {
    let frame = office.frame(&format!("{HERE}/{code}"));
    let by = office.by(&Params::default());
    match issue_link(office.staff(), &by, code).await {
        Ok(secret) => {
            let lead = frame
                .words
                .with("admin-link-lead", [("name", code.as_str())]);
            let url = format!(
                "{}/console/setup/{}",
                office.centre.own_url(),
                secret.as_str()
            );
            page(StatusCode::OK, &Link { frame, lead, url })
        }
        Err(Refused::Rejected(rejection)) => {
            let problem = Some(problem(rejection));
            show_one(office, code.as_str(), StatusCode::BAD_REQUEST, problem).await
        }
        Err(Refused::Failed(status)) => unavailable(frame, &status),
    }
}

async fn after(
    done: Result<(), Refused<MemberRejection>>,
    office: &Office,
    code: &str,
) -> Response {
    match done {
        Ok(()) => onward(&format!("{HERE}/{code}")),
        Err(Refused::Rejected(rejection)) => {
            let status = if rejection == MemberRejection::ChangedMeanwhile {
                StatusCode::CONFLICT
            } else {
                StatusCode::BAD_REQUEST
            };
            show_one(office, code, status, Some(problem(rejection))).await
        }
        Err(Refused::Failed(status)) => unavailable(office.frame(HERE), &status),
    }
}

/// What a form says somebody is, and whether the directory knows the unit.
async fn profile(
    office: &Office,
    typed: &Params,
) -> Result<(Profile, bool), Refused<MemberRejection>> {
    let Some((unit, unit_known)) = office.unit(typed).await? else {
        return Err(Refused::Rejected(MemberRejection::UnknownUnit));
    };
    let roles = Role::ALL.iter().copied();
    let ticked = |role: &Role| !typed.get(&format!("role-{}", role.code())).is_empty();
    let profile = Profile {
        roles: roles.filter(ticked).collect(),
        unit,
        language: text::named(typed.trimmed("language")).unwrap_or(Language::Tr),
    };
    Ok((profile, unit_known))
}

fn of_row(row: &StaffRow) -> Result<Profile, Status> {
    let unit = match row.unit.as_str() {
        "" => None,
        unit => Some(
            unit.parse()
                .map_err(|_| Status::internal("a unit that is none"))?,
        ),
    };
    Ok(Profile {
        roles: row.roles(),
        unit,
        language: row.language(),
    })
}

/// What a form was filled with, in one line.
fn seen(row: &StaffRow) -> String {
    let roles: Vec<&str> = row.roles().iter().map(|it| it.code()).collect();
    format!("{}|{}|{}", roles.join(" "), row.unit, row.language().code())
}

async fn opened(office: &Office, row: &StaffRow) -> Result<String, Status> {
    let name = row.name().into_iter().collect();
    let mut opened = office.staff().opened("staff", name).await?;
    Ok(opened.pop().unwrap_or_default())
}

async fn people(office: &Office, rows: Vec<StaffRow>) -> Result<Vec<Person>, Status> {
    let (language, frame) = (office.language(), office.frame(HERE));
    let register = office.centre.register(office.signed.municipality());
    let units = register.units().await?;
    let sealed = rows.iter().filter_map(StaffRow::name).collect();
    let mut names = office.staff().opened("staff", sealed).await?.into_iter();
    let person = |row: StaffRow| Person {
        name: row.name().and_then(|_| names.next()).unwrap_or_default(),
        roles: labels(&frame, &row.roles()),
        unit: match row.unit.as_str() {
            "" => String::new(),
            unit => unit_name(&units, unit, language),
        },
        signed_in: match row.signed_in_at {
            0 => String::new(),
            at => text::moment(at, language),
        },
        disabled: row.disabled,
        has_password: row.has_password,
        sessions: row.sessions,
        code: row.code,
    };
    Ok(rows.into_iter().map(person).collect())
}

fn labels(frame: &Frame, roles: &BTreeSet<Role>) -> String {
    let labels = roles.iter().map(|it| label(frame, *it));
    labels.collect::<Vec<_>>().join(", ")
}

fn label(frame: &Frame, role: Role) -> String {
    frame.t(&format!("access-role-{}", role.code()))
}

impl Form {
    /// The form with what was typed.
    async fn typed(office: &Office, frame: &Frame, typed: &Params) -> Result<Self, Status> {
        let ticked = |role: Role| !typed.get(&format!("role-{}", role.code())).is_empty();
        Ok(Self {
            command: office.command(),
            seen: String::new(),
            code: typed.trimmed("code").to_owned(),
            name: typed.trimmed("name").to_owned(),
            roles: boxes(frame, ticked),
            unit: typed.trimmed("unit").to_owned(),
            units: office.units().await?,
            english: typed.trimmed("language") == "en",
        })
    }

    /// The form with what somebody is.
    async fn of(office: &Office, frame: &Frame, row: &StaffRow) -> Result<Self, Status> {
        let roles = row.roles();
        Ok(Self {
            command: office.command(),
            seen: seen(row),
            code: row.code.clone(),
            name: String::new(),
            roles: boxes(frame, |role| roles.contains(&role)),
            unit: row.unit.clone(),
            units: office.units().await?,
            english: row.language() == Language::En,
        })
    }
}

fn boxes(frame: &Frame, ticked: impl Fn(Role) -> bool) -> Vec<Ticked> {
    let boxes = Role::ALL.iter().map(|role| Ticked {
        code: role.code(),
        label: label(frame, *role),
        ticked: ticked(*role),
    });
    boxes.collect()
}

/// The key of the text that says why not.
fn problem(rejection: MemberRejection) -> &'static str {
    match rejection {
        MemberRejection::Unknown => "admin-unknown-text",
        MemberRejection::CodeTaken => "admin-code-taken",
        MemberRejection::NoRole => "admin-no-role",
        MemberRejection::UnitMissing => "admin-unit-missing",
        MemberRejection::UnknownUnit => "admin-unit-unknown",
        MemberRejection::ChangedMeanwhile => "admin-changed",
        MemberRejection::Oneself => "admin-oneself",
        MemberRejection::Disabled => "admin-is-disabled",
        MemberRejection::LinkInvalid | MemberRejection::NoPassword => "access-link-text",
    }
}
