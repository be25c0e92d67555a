use std::{sync::Arc, time::Duration};

use chassis::{
    Caller, Ledger, Platform, Role,
    event::{self, Undecodable},
};
use contracts::{
    intake::v1::{
        OpenRequest, ReachCitizenReply, ReachCitizenRequest, intake_client::IntakeClient,
        open_request::Field,
    },
    ledger::v1::Event,
    routing::v1::{InformationAsked, RequestConcluded},
    vocabulary::v1::Sealed,
};
use jiff::Timestamp;
use projection::Projection;
use tonic::{Request, Status, transport::Channel};
use uuid::Uuid;
use vocabulary::{Language, Municipality};

use crate::{
    letter::Letter,
    news::News,
    notifications::{self, Due},
    post::{Mail, Post, Refusal},
};

/// Why personal data is opened.
const PURPOSE: &str = "notification";
/// How long intake may take to open it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a mail of a notification and hands it to the mail server.
#[derive(Clone)]
pub(super) struct Delivery {
    post: Arc<Post>,
    intake: IntakeClient<Channel>,
    ledger: Ledger,
    caller: Caller,
    model: Projection,
    /// Where the municipality's pages are.
    portal: String,
}

/// How an attempt ended.
pub(super) enum Outcome {
    Delivered {
        provider_code: String,
    },
    Failed(Refusal),
    /// There is nobody to tell any more.
    Erased,
}

impl Delivery {
    pub(super) fn new(
        platform: &Platform,
        municipality: &Municipality,
        model: Projection,
        post: Arc<Post>,
    ) -> Self {
        let portal = post.public_url.trim_end_matches('/');
        let portal = match platform.municipalities.first() {
            Some(default) if default == municipality => portal.to_owned(),
            Some(_) | None => format!("{portal}/m/{municipality}"),
        };
        Self {
            portal,
            post,
            intake: IntakeClient::new(platform.channel(Role::Intake)),
            ledger: platform.ledger(municipality),
            caller: platform.system(municipality),
            model,
        }
    }

    pub(super) fn message_id(&self, notification: Uuid) -> String {
        self.post.message_id(notification)
    }

    /// Personal data is opened here, after the attempt was recorded, and is gone when this returns.
    pub(super) async fn deliver(&self, due: &Due, message_id: &str, at: Timestamp) -> Outcome {
        let Some(news) = News::of_notification(&due.requested) else {
            return Outcome::Failed(Refusal::for_good("kind"));
        };
        let citizen = match self.reach(&due.requested.number).await {
            Ok(citizen) => citizen,
            Err(status) => return Outcome::Failed(away("intake", &status)),
        };
        if citizen.email.is_empty() {
            return Outcome::Erased;
        }
        match self.send(due, &news, &citizen, message_id, at).await {
            Ok(provider_code) => Outcome::Delivered { provider_code },
            Err(refusal) => Outcome::Failed(refusal),
        }
    }

    async fn send(
        &self,
        due: &Due,
        news: &News,
        citizen: &ReachCitizenReply,
        message_id: &str,
        at: Timestamp,
    ) -> Result<String, Refusal> {
        let language = Language::try_from(due.requested.language).unwrap_or(Language::Tr);
        let letter = Letter {
            language,
            number: &due.requested.number,
            news,
            name: &citizen.name,
            institution: &self.institution(news, language).await?,
            written: &self.written(news, due).await?,
            tracking_secret: &citizen.tracking_secret,
            portal: &self.portal,
            signature: self.post.signature(),
        };
        let mail = Mail {
            message_id,
            to: &citizen.email,
            subject: letter.subject(),
            body: letter.body(),
            at,
        };
        self.post.send(mail).await
    }

    async fn reach(&self, number: &str) -> Result<ReachCitizenReply, Status> {
        let message = ReachCitizenRequest {
            number: number.to_owned(),
            purpose: PURPOSE.to_owned(),
        };
        Ok(self
            .intake
            .clone()
            .reach_citizen(self.request(message))
            .await?
            .into_inner())
    }

    async fn institution(&self, news: &News, language: Language) -> Result<String, Refusal> {
        match news {
            News::Referred { institution } => {
                notifications::unit_name(self.model.pool(), institution, language)
                    .await
                    .map_err(|_| Refusal::for_now("read-model"))
            }
            News::Registered
            | News::Planned { .. }
            | News::Concluded { .. }
            | News::Reopened
            | News::InformationAsked => Ok(String::new()),
        }
    }

    /// What the unit wrote; empty where it wrote nothing or it was erased.
    async fn written(&self, news: &News, due: &Due) -> Result<String, Refusal> {
        match news {
            News::Concluded { .. } | News::InformationAsked => {}
            News::Registered | News::Referred { .. } | News::Planned { .. } | News::Reopened => {
                return Ok(String::new());
            }
        }
        let stream = format!("handling-{}", due.requested.number);
        let events = self
            .ledger
            .read_stream(&stream)
            .await
            .map_err(|status| away("ledger", &status))?;
        let source = events
            .iter()
            .find(|it| it.event_id == due.requested.source_event);
        let Some(source) = source else {
            return Err(Refusal::for_now("source"));
        };
        let sealed = sealed(news, source).map_err(|_| Refusal::for_now("source"))?;
        let Some((name, sealed)) = sealed else {
            return Ok(String::new());
        };
        let field = Field {
            event_id: source.event_id.clone(),
            name: name.to_owned(),
            sealed: Some(sealed),
        };
        let message = OpenRequest {
            purpose: PURPOSE.to_owned(),
            fields: vec![field],
        };
        let opened = self
            .intake
            .clone()
            .open(self.request(message))
            .await
            .map_err(|status| away("intake", &status))?;
        Ok(opened
            .into_inner()
            .fields
            .into_iter()
            .next()
            .map(|it| it.text)
            .unwrap_or_default())
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = self.caller.request(message);
        request.set_timeout(PATIENCE);
        request
    }
}

/// The unit's text in the event that is told of, with its field; nothing where the event holds none.
fn sealed(news: &News, source: &Event) -> Result<Option<(&'static str, Sealed)>, Undecodable> {
    Ok(match news {
        News::Concluded { .. } => {
            let concluded: RequestConcluded = event::decode(source)?;
            let answer = concluded.personal.and_then(|it| it.answer);
            answer.map(|it| ("answer", it))
        }
        News::InformationAsked => {
            let asked: InformationAsked = event::decode(source)?;
            let question = asked.personal.and_then(|it| it.question);
            question.map(|it| ("question", it))
        }
        News::Registered | News::Referred { .. } | News::Planned { .. } | News::Reopened => None,
    })
}

/// A service that did not answer; its words stay out of events, its code goes to the log.
fn away(service: &'static str, status: &Status) -> Refusal {
    tracing::warn!(service, code = ?status.code(), "a notification waits for {service}");
    Refusal::for_now(service)
}
