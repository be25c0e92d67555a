//! Who filed what when, and when it was concluded: everybody's texts begin with a mark of their own.

use contracts::{
    intake::v1::{Citizen, RegisterContactRequest, RegisterRequestRequest},
    routing::v1::ConcludeRequestRequest,
    vocabulary::v1::{Channel, SubResult},
};
use jiff::ToSpan as _;
use tests::{City, city::command_id};

/// Somebody who filed.
pub(super) struct Filed {
    pub(super) number: String,
    pub(super) person: String,
    pub(super) contact: String,
}

/// So many years ago.
fn ago(years: i64) -> i64 {
    let now = jiff::Zoned::now();
    now.saturating_sub(years.years())
        .timestamp()
        .as_microsecond()
}

/// What somebody with this mark is called and can be reached by.
fn citizen(mark: &str) -> Citizen {
    let digits = mark.trim_start_matches(|it: char| !it.is_ascii_digit());
    Citizen {
        name: format!("{mark}name çukur"),
        phone: format!("+905307659{digits:0>3}"),
        ..Citizen::default()
    }
}

/// Everything of theirs that must not be found.
pub(super) fn marks(mark: &str) -> [String; 2] {
    [mark.to_owned(), citizen(mark).phone]
}

/// A request of a topic from years ago, by somebody or by nobody, in a contact or by itself.
async fn filed(
    city: &City,
    mark: &str,
    topic: &str,
    years: i64,
    known: bool,
    contact: &str,
) -> anyhow::Result<Filed> {
    let request = RegisterRequestRequest {
        command_id: command_id(&format!("retention: {mark} {topic}")),
        contact: contact.to_owned(),
        channel: Channel::Phone.into(),
        topic: topic.to_owned(),
        description: format!("{mark}describes çukur"),
        citizen: known.then(|| citizen(mark)),
        occurred_at: ago(years),
        ..RegisterRequestRequest::default()
    };
    let reply = city.intake().register_request(request).await?.into_inner();
    city.handling(&reply.number).await?;
    Ok(Filed {
        number: reply.number,
        person: reply.person,
        contact: reply.contact,
    })
}

/// It was concluded then, with an answer.
async fn concluded(city: &City, mark: &str, filed: &Filed, years: i64) -> anyhow::Result<()> {
    let mut target = City::target(&filed.number, "conclude");
    target.occurred_at = ago(years);
    let request = ConcludeRequestRequest {
        target: Some(target),
        sub_result: SubResult::Solved.into(),
        answer: format!("{mark}answer çukur"),
        ..ConcludeRequestRequest::default()
    };
    city.routing().conclude_request(request).await?;
    Ok(())
}

async fn contact(city: &City, mark: &str, years: i64, known: bool) -> anyhow::Result<String> {
    let request = RegisterContactRequest {
        command_id: command_id(&format!("retention: contact {mark}")),
        channel: Channel::Phone.into(),
        citizen: known.then(|| citizen(mark)),
        note: format!("{mark}note çukur"),
        occurred_at: ago(years),
        ..RegisterContactRequest::default()
    };
    Ok((city.intake().register_contact(request).await?.into_inner()).contact)
}

/// Everybody of this story.
pub(super) struct People {
    /// Concluded long ago; with them goes all.
    pub(super) old: Filed,
    /// Concluded lately, and open.
    pub(super) recent: Filed,
    pub(super) open: Filed,
    /// One contact, two requests: one is over, the other's topic is kept for longer.
    pub(super) both: [Filed; 2],
    /// On hold, as a person and by a request.
    pub(super) sued: Filed,
    pub(super) audited: Filed,
    /// Nobody is known of it; it goes by the default.
    pub(super) nobody: Filed,
    /// A contact of which nothing came.
    pub(super) only_called: String,
}

pub(super) const GONE: [&str; 3] = ["zvsakla01", "zvsakla07", "zvsakla08"];
pub(super) const STAYS: [&str; 5] = [
    "zvsakla02",
    "zvsakla03",
    "zvsakla04",
    "zvsakla05",
    "zvsakla06",
];

pub(super) async fn people(city: &City) -> anyhow::Result<People> {
    let old = filed(city, "zvsakla01", "pothole", 4, true, "").await?;
    concluded(city, "zvsakla01", &old, 3).await?;
    let recent = filed(city, "zvsakla02", "pothole", 2, true, "").await?;
    concluded(city, "zvsakla02", &recent, 1).await?;
    let open = filed(city, "zvsakla03", "pothole", 9, true, "").await?;
    let call = contact(city, "zvsakla04", 4, true).await?;
    let first = filed(city, "zvsakla04", "pothole", 4, false, &call).await?;
    let second = filed(city, "zvsakla04", "noise", 4, false, &call).await?;
    concluded(city, "zvsakla04", &first, 3).await?;
    concluded(city, "zvsakla04", &second, 3).await?;
    let sued = filed(city, "zvsakla05", "pothole", 4, true, "").await?;
    concluded(city, "zvsakla05", &sued, 3).await?;
    let audited = filed(city, "zvsakla06", "pothole", 4, true, "").await?;
    concluded(city, "zvsakla06", &audited, 3).await?;
    let nobody = filed(city, "zvsakla07", "paving", 8, false, "").await?;
    concluded(city, "zvsakla07", &nobody, 7).await?;
    let only_called = contact(city, "zvsakla08", 7, true).await?;
    city.settled().await?;
    Ok(People {
        old,
        recent,
        open,
        both: [first, second],
        sued,
        audited,
        nobody,
        only_called,
    })
}
