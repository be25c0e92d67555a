use askama::Template;
use axum::{
    extract::{Request, State},
    http::{StatusCode, Uri},
    response::Response,
};
use contracts::{
    routing::v1::{DefineTopicRequest, ListTopicsRequest, TopicDefined},
    vocabulary::v1::ServiceStandard,
};
use tonic::{Code, Status};

use super::{
    Choice, Office, Shared,
    directory::{said, written},
    form, unavailable,
};
use crate::{
    console::{Frame, page},
    params::Params,
    session::Signed,
    text,
};

const HERE: &str = "/console/admin/topics";

#[derive(Template)]
#[template(path = "admin/topics.html")]
struct List {
    frame: Frame,
    topics: Vec<Row>,
    units: Vec<Choice>,
    groups: Vec<String>,
    command: String,
    topic: TopicDefined,
    keywords: String,
    days: String,
    working_days: String,
    /// The form changes a topic that is there.
    is_change: bool,
    problem: Option<String>,
}

/// A topic as the list shows it.
struct Row {
    code: String,
    name: String,
    unit: String,
    group: String,
    public: bool,
    standard: String,
}

/// All topics, and a form for one more, or for the one that the query names.
pub(super) async fn list(State(centre): Shared, signed: Signed, uri: Uri) -> Response {
    let office = Office::new(centre, signed);
    let query = Params::of_query(&uri);
    let named = |topics: &[TopicDefined]| {
        let found = topics.iter().find(|it| it.code == query.trimmed("edit"));
        found.cloned().unwrap_or_else(|| TopicDefined {
            public: true,
            ..TopicDefined::default()
        })
    };
    show(&office, StatusCode::OK, named, None).await
}

async fn all(office: &Office) -> Result<Vec<TopicDefined>, Status> {
    let caller = office.signed.caller(&office.centre);
    let asked = caller.request(ListTopicsRequest {});
    let reply = office.routing().list_topics(asked).await?;
    let mut topics = reply.into_inner().topics;
    topics.sort_by_key(|it| text::sort_key(&it.name_tr));
    Ok(topics)
}

async fn show(
    office: &Office,
    status: StatusCode,
    chosen: impl FnOnce(&[TopicDefined]) -> TopicDefined,
    problem: Option<String>,
) -> Response {
    let frame = office.frame(HERE);
    let read = async { Ok::<_, Status>((all(office).await?, office.units().await?)) };
    let (topics, units) = match read.await {
        Ok(read) => read,
        Err(status) => return unavailable(frame, &status),
    };
    let topic = chosen(&topics);
    let standard = topic.standard.unwrap_or_default();
    let mut groups: Vec<String> = topics.iter().map(|it| it.group.clone()).collect();
    groups.retain(|it| !it.is_empty());
    groups.sort();
    groups.dedup();
    let list = List {
        is_change: topics.iter().any(|it| it.code == topic.code),
        topics: topics.iter().map(|it| row(&frame, &units, it)).collect(),
        units,
        groups,
        command: office.command(),
        keywords: topic.keywords.join(", "),
        days: number(standard.days),
        working_days: number(standard.working_days),
        topic,
        problem,
        frame,
    };
    page(status, &list)
}

fn row(frame: &Frame, units: &[Choice], topic: &TopicDefined) -> Row {
    let name = match frame.words.0 {
        vocabulary::Language::Tr => &topic.name_tr,
        vocabulary::Language::En => &topic.name_en,
    };
    let unit = units.iter().find(|it| it.code == topic.unit);
    let days = |key: &str, days: u32| frame.words.with(key, [("days", &days.to_string())]);
    let standard = match topic.standard.unwrap_or_default() {
        ServiceStandard {
            days: 0,
            working_days: 0,
        } => String::new(),
        ServiceStandard {
            days: 0,
            working_days,
        } => days("admin-standard-working", working_days),
        ServiceStandard { days: some, .. } => days("admin-standard-days", some),
    };
    Row {
        code: topic.code.clone(),
        name: text::capital(name, frame.words.0),
        unit: unit.map_or(topic.unit.clone(), |it| it.name.clone()),
        group: topic.group.clone(),
        public: topic.public,
        standard,
    }
}

/// Defines a topic, or changes it. Its questions stay as they are: they are defined by programs.
pub(super) async fn define(State(centre): Shared, signed: Signed, request: Request) -> Response {
    let office = Office::new(centre, signed);
    let frame = office.frame(HERE);
    let typed = match form(request, frame.clone()).await {
        Ok(typed) => typed,
        Err(response) => return response,
    };
    let topics = match all(&office).await {
        Ok(topics) => topics,
        Err(status) => return unavailable(frame, &status),
    };
    let known = topics
        .into_iter()
        .find(|it| it.code == typed.trimmed("code"));
    let (Some(days), Some(working_days)) = (count(&typed, "days"), count(&typed, "working_days"))
    else {
        let problem = frame
            .words
            .with("admin-wrong", [("fields", &frame.t("admin-standard"))]);
        let topic = topic(&typed, known, None);
        return show(&office, StatusCode::BAD_REQUEST, |_| topic, Some(problem)).await;
    };
    let standard = (days + working_days > 0).then_some(ServiceStandard { days, working_days });
    let topic = topic(&typed, known, standard);
    let caller = office.signed.caller(&office.centre);
    let asked = asked(topic.clone(), office.by(&typed).command_id.to_string());
    match office.routing().define_topic(caller.request(asked)).await {
        Ok(reply) => written(&office, reply.into_inner().position, HERE).await,
        Err(status)
            if matches!(
                status.code(),
                Code::InvalidArgument | Code::FailedPrecondition
            ) =>
        {
            let problem = Some(said(&frame, &status));
            show(&office, StatusCode::BAD_REQUEST, |_| topic, problem).await
        }
        Err(status) => unavailable(frame, &status),
    }
}

fn topic(
    typed: &Params,
    known: Option<TopicDefined>,
    standard: Option<ServiceStandard>,
) -> TopicDefined {
    let keywords = typed.trimmed("keywords").split([',', '\n']).map(str::trim);
    TopicDefined {
        code: typed.trimmed("code").to_owned(),
        name_tr: typed.trimmed("name_tr").to_owned(),
        name_en: typed.trimmed("name_en").to_owned(),
        unit: typed.trimmed("unit").to_owned(),
        public: !typed.get("public").is_empty(),
        group: typed.trimmed("group").to_owned(),
        keywords: keywords
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect(),
        attributes: known.map(|it| it.attributes).unwrap_or_default(),
        standard,
    }
}

fn asked(topic: TopicDefined, command_id: String) -> DefineTopicRequest {
    DefineTopicRequest {
        command_id,
        code: topic.code,
        name_tr: topic.name_tr,
        name_en: topic.name_en,
        unit: topic.unit,
        public: topic.public,
        group: topic.group,
        keywords: topic.keywords,
        attributes: topic.attributes,
        standard: topic.standard,
    }
}

/// A number of days; nothing is 0, and anything else no number.
fn count(typed: &Params, field: &str) -> Option<u32> {
    match typed.trimmed(field) {
        "" => Some(0),
        text => text.parse().ok().filter(|it| *it <= 3_650),
    }
}

fn number(days: u32) -> String {
    match days {
        0 => String::new(),
        days => days.to_string(),
    }
}
