//! What stands around a decision about staff and keys: reading the stream, sealing the name and the password's hash,
//! appending, and waiting until this gateway's own read model has it, so that what was taken away is gone at once.

use std::future;

use aws_lc_rs::digest;
use chassis::{Caller, Command, Executed, Ledger, Platform, Role, event, execute};
use contracts::{
    intake::v1::{
        OpenRequest, SealRequest, intake_client::IntakeClient, open_request, seal_request,
    },
    ledger::v1::NewEvent,
    vocabulary::v1::Sealed,
};
use decider::Decider as _;
use jiff::Timestamp;
use tonic::{Code as Grpc, Status, transport::Channel};
use uuid::Uuid;
use vocabulary::Municipality;

use super::{
    Reader,
    domain::{
        Code, Key, KeyCommand, KeyEvent, KeyRejection, Member, MemberCommand, MemberEvent,
        MemberRejection, key_stream, staff_stream,
    },
    wire,
};

/// One municipality's staff and keys.
pub(crate) struct Desk {
    platform: Platform,
    municipality: Municipality,
    ledger: Ledger,
    intake: IntakeClient<Channel>,
    pub(crate) reader: Reader,
}

/// Who commands, and the id under which it happens once.
#[derive(Debug, Clone)]
pub(crate) struct By {
    pub(crate) actor: String,
    pub(crate) command_id: Uuid,
}

/// Free text on its way to be sealed. It has no `Debug`, so that it reaches no log.
#[derive(Clone, Default)]
pub(crate) struct Text(pub(crate) String);

/// Why a command came to nothing.
#[derive(Debug)]
pub(crate) enum Refused<R> {
    /// Understood and refused.
    Rejected(R),
    /// A service is away, or said no.
    Failed(Status),
}

impl<R> From<Status> for Refused<R> {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

impl Desk {
    pub(crate) async fn open(
        platform: &Platform,
        municipality: &Municipality,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            platform: platform.clone(),
            municipality: municipality.clone(),
            ledger: platform.ledger(municipality),
            intake: IntakeClient::new(platform.channel(Role::Intake)),
            reader: Reader::open(platform, municipality).await?,
        })
    }

    /// Carries out what is asked about a member of staff, and waits until it can be read here.
    pub(crate) async fn member(
        &self,
        by: &By,
        code: &Code,
        asked: MemberCommand,
        text: Text,
    ) -> Result<Executed, Refused<MemberRejection>> {
        let command = command(by, &format!("{code} {}", Asked(&asked)));
        let encoding = Encoding {
            intake: self.intake.clone(),
            caller: self.caller(by),
            code: code.clone(),
            command_id: command.id,
            text,
            now: self.now(),
        };
        let encode = move |facts: &[MemberEvent]| encoding.clone().encode(facts.to_vec());
        let stream = staff_stream(code);
        let executed = execute::<Member>(&self.ledger, &stream, &command, 0, asked, encode).await;
        self.done(executed).await
    }

    /// Carries out what is asked about a key.
    pub(crate) async fn key(
        &self,
        by: &By,
        code: &Code,
        asked: KeyCommand,
    ) -> Result<Executed, Refused<KeyRejection>> {
        let what = match &asked {
            KeyCommand::Issue { key, .. } => {
                format!("issue {:?} {:?} {:?}", key.scopes, key.unit, key.expires_at)
            }
            KeyCommand::Revoke => "revoke".to_owned(),
        };
        let command = command(by, &format!("{code} {what}"));
        let (id, now, owner) = (command.id, self.now(), code.clone());
        let encode = move |facts: &[KeyEvent]| {
            let facts = facts.iter().enumerate();
            let stored: Vec<NewEvent> = facts
                .map(|(index, fact)| wire::store_key(event::id(id, index), &owner, fact, now))
                .collect();
            future::ready(Ok(stored))
        };
        let executed =
            execute::<Key>(&self.ledger, &key_stream(code), &command, 0, asked, encode).await;
        self.done(executed).await
    }

    /// The account as the log has it, with its password's hash. Never older than the last command on it.
    pub(crate) async fn account(&self, code: &Code) -> Result<(Member, Option<String>), Status> {
        let mut history = vec![];
        let mut hash = None;
        for event in self.ledger.read_stream(&staff_stream(code)).await? {
            let Some(told) = wire::member_event(&event).map_err(unreadable)? else {
                continue;
            };
            if told.fact == MemberEvent::PasswordSet {
                hash = told.sealed.map(|sealed| open_request::Field {
                    event_id: event.event_id.clone(),
                    name: "hash".to_owned(),
                    sealed: Some(sealed),
                });
            }
            history.push(told.fact);
        }
        let hash = match hash {
            Some(hash) => self.opened("sign-in", vec![hash]).await?.pop(),
            None => None,
        };
        Ok((Member::replay(history), hash.filter(|it| !it.is_empty())))
    }

    /// The link of an account that was kept to be shown again, while it is valid.
    pub(crate) async fn kept_link(&self, code: &Code) -> Result<Option<String>, Status> {
        let mut kept = None;
        for event in self.ledger.read_stream(&staff_stream(code)).await? {
            let Some(told) = wire::member_event(&event).map_err(unreadable)? else {
                continue;
            };
            match told.fact {
                MemberEvent::SetUpLinkIssued { expires_at, .. } if expires_at > self.now() => {
                    kept = told.sealed.map(|sealed| open_request::Field {
                        event_id: event.event_id.clone(),
                        name: "secret".to_owned(),
                        sealed: Some(sealed),
                    });
                }
                // Both end every open link.
                MemberEvent::PasswordSet | MemberEvent::StaffDisabled => kept = None,
                MemberEvent::SetUpLinkIssued { .. }
                | MemberEvent::StaffAdded(_)
                | MemberEvent::StaffChanged(_)
                | MemberEvent::StaffEnabled
                | MemberEvent::SignedIn { .. }
                | MemberEvent::SignedOut { .. }
                | MemberEvent::SessionsRevoked
                | MemberEvent::ViewSaved { .. }
                | MemberEvent::ViewRemoved { .. } => {}
            }
        }
        let opened = self.opened("sign-in", kept.into_iter().collect()).await?;
        Ok(opened.into_iter().next().filter(|it| !it.is_empty()))
    }

    /// Opens sealed texts; one that was erased is empty.
    pub(crate) async fn opened(
        &self,
        purpose: &str,
        fields: Vec<open_request::Field>,
    ) -> Result<Vec<String>, Status> {
        if fields.is_empty() {
            return Ok(vec![]);
        }
        let request = OpenRequest {
            purpose: purpose.to_owned(),
            fields,
        };
        let caller = self.platform.system(&self.municipality);
        let reply = chassis::patiently(|| {
            let (mut intake, request) = (self.intake.clone(), caller.request(request.clone()));
            async move { intake.open(request).await }
        });
        let fields = reply.await?.into_inner().fields;
        Ok(fields.into_iter().map(|it| it.text).collect())
    }

    /// The newest position of the log.
    pub(crate) async fn head(&self) -> Result<u64, Status> {
        self.ledger.head().await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.platform.clock.now()
    }

    fn caller(&self, by: &By) -> Caller {
        Caller::new(Role::Gateway, self.municipality.clone(), by.actor.clone())
    }

    async fn done<R>(
        &self,
        executed: Result<Executed, chassis::ExecuteError<R>>,
    ) -> Result<Executed, Refused<R>> {
        let executed = executed.map_err(|error| match error {
            chassis::ExecuteError::Rejected(rejection) => Refused::Rejected(rejection),
            error @ (chassis::ExecuteError::Stale { .. }
            | chassis::ExecuteError::Contended
            | chassis::ExecuteError::Undecodable(_)
            | chassis::ExecuteError::Failed(_)) => Refused::Failed(
                error.into_status(|_| Status::new(Grpc::FailedPrecondition, "refused")),
            ),
        })?;
        self.reader.at_least(executed.position).await?;
        Ok(executed)
    }
}

/// What the events of one command are stored with.
#[derive(Clone)]
struct Encoding {
    intake: IntakeClient<Channel>,
    caller: Caller,
    code: Code,
    command_id: Uuid,
    text: Text,
    now: Timestamp,
}

impl Encoding {
    /// The events as they are stored, the text sealed into the one that has room for it.
    async fn encode(self, facts: Vec<MemberEvent>) -> Result<Vec<NewEvent>, Status> {
        let mut encoded = Vec::with_capacity(facts.len());
        for (index, fact) in facts.iter().enumerate() {
            let id = event::id(self.command_id, index);
            let sealed = self.seal(id, fact).await?;
            encoded.push(wire::store_member(id, &self.code, fact, sealed, self.now));
        }
        Ok(encoded)
    }

    async fn seal(&self, event_id: Uuid, fact: &MemberEvent) -> Result<Option<Sealed>, Status> {
        let Some(field) = wire::room(fact).filter(|_| !self.text.0.is_empty()) else {
            return Ok(None);
        };
        let request = SealRequest {
            subject: format!("staff:{}", self.code),
            fields: vec![seal_request::Field {
                event_id: event_id.as_bytes().to_vec(),
                name: field.to_owned(),
                text: self.text.0.clone(),
            }],
        };
        let reply = chassis::patiently(|| {
            let (mut intake, request) = (self.intake.clone(), self.caller.request(request.clone()));
            async move { intake.seal(request).await }
        });
        match reply.await?.into_inner().sealed.pop() {
            Some(sealed) => Ok(Some(sealed)),
            None => Err(Status::internal("intake sealed nothing")),
        }
    }
}

/// A command that begins something of its own; the same words under the same id are the same command.
fn command(by: &By, what: &str) -> Command {
    let mut fingerprint = [0; 32];
    let asked = format!("gateway {what}");
    fingerprint.copy_from_slice(digest::digest(&digest::SHA256, asked.as_bytes()).as_ref());
    Command {
        id: by.command_id,
        fingerprint,
        correlation_id: by.command_id,
        causation_id: None,
        actor: by.actor.clone(),
    }
}

/// What was asked without what was drawn for it, so that a repeated call is the same one.
struct Asked<'a>(&'a MemberCommand);

impl std::fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            MemberCommand::Add { profile, .. } => write!(f, "add {profile:?}"),
            MemberCommand::Change { profile, seen, .. } => {
                write!(f, "change {seen:?} to {profile:?}")
            }
            MemberCommand::Disable { .. } => write!(f, "disable"),
            MemberCommand::Enable => write!(f, "enable"),
            MemberCommand::IssueLink { .. } => write!(f, "issue a link"),
            MemberCommand::SetPasswordByLink { .. } => write!(f, "set a password by a link"),
            MemberCommand::ChangePassword => write!(f, "change the password"),
            MemberCommand::SignIn { .. } => write!(f, "sign in"),
            MemberCommand::SignOut { session } => write!(f, "sign out {session}"),
            MemberCommand::RevokeSessions => write!(f, "revoke all sessions"),
            MemberCommand::SaveView { view, filters } => write!(f, "save {view} as {filters}"),
            MemberCommand::RemoveView { view } => write!(f, "remove {view}"),
        }
    }
}

fn unreadable(problem: event::Undecodable) -> Status {
    tracing::error!(error = %problem, "a stream cannot be read");
    Status::internal(problem.to_string())
}
