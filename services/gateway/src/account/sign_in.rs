use std::time::Instant;

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::Response,
};
use jiff::SignedDuration;
use tonic::Status;
use vocabulary::Municipality;

use super::{Shared, destination, onward, own_form, unavailable};
use crate::{
    Centre,
    console::{Frame, page},
    guard,
    limits::{Suspect, Wait, Whom},
    params::Params,
    secret::Secret,
    session::Signed,
    staff::{
        desk::{By, Refused, Text},
        domain::{Code, Member, MemberCommand},
    },
};

#[derive(Template)]
#[template(path = "account/sign_in.html")]
struct SignInPage {
    frame: Frame,
    municipalities: Vec<String>,
    municipality: String,
    name: String,
    next: String,
    demo: bool,
    problem: Option<String>,
}

impl SignInPage {
    fn new(centre: &Centre, uri: &Uri, headers: &HeaderMap) -> Self {
        let served = centre.platform.municipalities.iter();
        Self {
            frame: Frame::of_nobody(guard::language(uri, headers), "/console/sign-in"),
            municipalities: served.map(ToString::to_string).collect(),
            municipality: centre.default_municipality().to_string(),
            name: String::new(),
            next: String::new(),
            demo: centre.demo,
            problem: None,
        }
    }

    /// The same with what was typed, but for the password.
    fn typed(mut self, form: &Params) -> Self {
        if !form.trimmed("municipality").is_empty() {
            self.municipality = form.trimmed("municipality").to_owned();
        }
        self.name = form.trimmed("name").chars().take(64).collect();
        self.next = destination(form.trimmed("next")).to_owned();
        self
    }
}

/// The empty form.
pub(super) async fn form(State(centre): Shared, uri: Uri, headers: HeaderMap) -> Response {
    let query = Params::of_query(&uri);
    let page_of = SignInPage::new(&centre, &uri, &headers).typed(&query);
    page(StatusCode::OK, &page_of)
}

/// Lets somebody in who knows the password.
pub(super) async fn sign_in(State(centre): Shared, request: Request) -> Response {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let address = Suspect::Address(Whom::at(centre.client(&request)));
    let form = match own_form(&centre, request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let shown = SignInPage::new(&centre, &uri, &headers).typed(&form);
    let Some(municipality) = centre.municipality(&shown.municipality).cloned() else {
        return wrong(shown);
    };
    let account = Suspect::Account {
        municipality: municipality.to_string(),
        name: Code::typed(&shown.name).map_or(String::new(), |it| it.to_string()),
    };
    let suspects = [account, address];
    if let Err(wait) = centre.failures.wait(&suspects, Instant::now()) {
        return too_often(shown, wait);
    }
    match enter(&centre, &municipality, &form).await {
        Ok(Some(cookie)) => {
            centre.failures.forgive(&suspects[0]);
            onward(destination(form.trimmed("next")), Some(cookie))
        }
        Ok(None) => {
            centre.failures.note(&suspects, Instant::now());
            tracing::info!(%municipality, "a sign-in failed");
            wrong(shown)
        }
        Err(status) => unavailable(shown.frame, &status),
    }
}

/// The cookie of a session that begins; `None` where name and password do not belong together. Which of the two is wrong,
/// or whether the account is disabled, is not told, and shows in no time either.
async fn enter(
    centre: &Centre,
    municipality: &Municipality,
    form: &Params,
) -> Result<Option<header::HeaderValue>, Status> {
    let staff = centre.staff(municipality);
    let code = Code::typed(form.trimmed("name"));
    let hash = match &code {
        Some(code) => match staff.account(code).await? {
            (Member::Known(known), hash) if !known.disabled => hash,
            (Member::Known(_) | Member::Unknown, _) => None,
        },
        None => None,
    };
    let password = form.get("password").to_owned();
    if !centre.passwords.fits(password, hash).await? {
        return Ok(None);
    }
    let Some(code) = code else {
        return Ok(None);
    };
    let secret = Secret::draw()?;
    let lasting = SignedDuration::try_from(centre.sessions.lasting())
        .map_err(|_| Status::internal("a session lasts too long"))?;
    let session = centre.platform.ids.fresh();
    let asked = MemberCommand::SignIn {
        session,
        secret: secret.sha256(),
        expires_at: staff.now() + lasting,
    };
    let by = By {
        actor: format!("staff:{code}"),
        command_id: session,
    };
    let position = match staff.member(&by, &code, asked, Text::default()).await {
        Ok(executed) => executed.position,
        // Disabled in this very moment.
        Err(Refused::Rejected(_)) => return Ok(None),
        Err(Refused::Failed(status)) => return Err(status),
    };
    let cookie = centre
        .sessions
        .begin(municipality, position, secret.as_str());
    cookie
        .map(Some)
        .map_err(|_| Status::internal("a cookie that is no header"))
}

/// Ends this session.
pub(super) async fn sign_out(State(centre): Shared, signed: Signed) -> Response {
    let asked = MemberCommand::SignOut {
        session: signed.session(),
    };
    match super::own::on_oneself(&centre, &signed, asked, Text::default()).await {
        Ok(()) | Err(Refused::Rejected(_)) => {
            onward("/console/sign-in", centre.sessions.end().ok())
        }
        Err(Refused::Failed(status)) => unavailable(Frame::of(&signed, "/console"), &status),
    }
}

fn wrong(mut shown: SignInPage) -> Response {
    shown.problem = Some(shown.frame.t("access-sign-in-wrong"));
    page(StatusCode::UNAUTHORIZED, &shown)
}

fn too_often(mut shown: SignInPage, wait: Wait) -> Response {
    let seconds = wait.seconds().to_string();
    let words = shown.frame.words;
    shown.problem = Some(words.with("access-sign-in-often", [("seconds", &seconds)]));
    let mut response = page(StatusCode::TOO_MANY_REQUESTS, &shown);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, wait.seconds().into());
    response
}
