//! Calls in, checked field by field; events and replies out.
//!
//! A refusal names the field and the rule, and never quotes what was sent.

mod answers;
mod checks;
mod erasing;
mod events;
mod finding;
mod holding;
mod notice;
mod retention;

use chassis::{Invalid, event};
use contracts::{intake::v1, vocabulary::v1 as words};
use jiff::Timestamp;
use uuid::Uuid;
use vault::{Plain, Subject};
use vocabulary::{Language, RequestNumber};

use crate::{
    domain::{Citizen, ContactId, NewContact, NewRequest, Origin, PersonId, Telling},
    people, pictures,
    texts::Texts,
};
use answers::Answer;
pub(crate) use answers::answered;
use checks::{
    code, free_text, imported, language, line, media_url, moment, place, social_network, word,
};
pub(crate) use checks::{number, purpose};
pub(crate) use erasing::{
    ERASURES, EraseAsked, EventsAsked, EventsErased, Ordered, POSITIONS, Wish, belongings, erase,
    erase_events, erased, erasure_event, erasures, ordered, parts_ground,
};
pub(crate) use events::{
    Recorded, SealedFields, Unreadable, decode, message, recorded_by, reply, sealed,
};
pub(crate) use finding::{caller, search};
pub(crate) use holding::{HoldAsked, Place, Release, place_hold, release_hold};
pub(crate) use notice::{NoticeAsked, notice, notice_event};
pub(crate) use retention::{
    PreviewAsked, RULES, RuleAsked, begin, due, in_force, preview, rule, rule_event, rules,
    run_event,
};

/// The most values one call seals or opens.
const VALUES: usize = 100;

/// The most requests whose texts one call gives.
const REQUESTS: usize = 1_000;

/// The kinds of subject that other services seal for.
const SEALED_FOR_OTHERS: &[&str] = &["request", "staff", "webhook"];

/// A person's own application for everything there is about them.
pub(crate) const OWN_DATA: &str = "own-data";

/// Why a person looks, as it stands in the record for ever: a closed list, for nobody's words may stand there.
const PURPOSES: &[&str] = &[
    "console",
    "portal",
    "tracking",
    "open311",
    "open311-update",
    "api",
    "export",
    "report",
    "import",
    "notification",
    "webhook",
    "audit",
    OWN_DATA,
    "test",
];

/// A registration as it was asked for: facts for the decision, texts for the vault.
pub(crate) struct Asked<Facts> {
    pub(crate) command_id: Uuid,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) occurred_at: Timestamp,
    pub(crate) facts: Facts,
    pub(crate) person: Texts,
    pub(crate) contact: Texts,
    pub(crate) request: Texts,
    /// Not yet held against what the topic asks.
    pub(crate) answers: Vec<Answer>,
    /// The request's files as they were sent: whether they are pictures is not known yet.
    pub(crate) files: Vec<Vec<u8>>,
}

/// One value to seal, of a call of another service.
pub(crate) struct ToSeal {
    pub(crate) event: Uuid,
    pub(crate) field: String,
    pub(crate) text: Plain,
}

/// One value to open.
pub(crate) struct ToOpen {
    pub(crate) event: Uuid,
    pub(crate) field: String,
    pub(crate) sealed: vault::Sealed,
}

pub(crate) fn register_contact(
    proto: v1::RegisterContactRequest,
    now: Timestamp,
) -> Result<Asked<NewContact>, Invalid> {
    let fingerprint = event::fingerprint(&proto);
    let command_id = code(&proto.command_id, "command_id")?;
    let channel = word(proto.channel, "channel")?;
    let caller = citizen(proto.citizen, command_id)?;
    let mut contact = Texts::default();
    contact.put("note", free_text(proto.note, "note", 4_000)?);
    Ok(Asked {
        command_id,
        fingerprint,
        occurred_at: moment(proto.occurred_at, now)?,
        facts: NewContact {
            contact: contact_of(command_id),
            channel,
            citizen: caller.citizen,
            social_network: social_network(proto.social_network, channel)?,
            imported: imported(proto.imported)?,
            notice: telling(proto.notice_version),
        },
        person: caller.texts,
        contact,
        request: Texts::default(),
        answers: vec![],
        files: Vec::new(),
    })
}

pub(crate) fn register_request(
    proto: v1::RegisterRequestRequest,
    now: Timestamp,
) -> Result<Asked<NewRequest>, Invalid> {
    let fingerprint = event::fingerprint(&proto);
    let command_id = code(&proto.command_id, "command_id")?;
    let channel = word(proto.channel, "channel")?;
    if proto.topic.is_empty() {
        return Err(Invalid::at("topic", "is missing"));
    }
    let topic = proto
        .topic
        .parse()
        .map_err(|problem| Invalid::at("topic", problem))?;
    let mut request = Texts::default();
    request.put(
        "description",
        free_text(proto.description, "description", 4_000)?,
    );
    request.put("address", free_text(proto.address, "address", 500)?);
    request.put("media_url", media_url(proto.media_url)?);
    let answers = answers::sent(proto.answers)?;
    let files = files(proto.files)?;
    let caller = citizen(proto.citizen, command_id)?;
    let social_network = social_network(proto.social_network, channel)?;
    let origin = if proto.contact.is_empty() {
        Origin::Itself {
            contact: contact_of(command_id),
            social_network,
        }
    } else {
        Origin::Contact(code(&proto.contact, "contact")?.into())
    };
    Ok(Asked {
        command_id,
        fingerprint,
        occurred_at: moment(proto.occurred_at, now)?,
        facts: NewRequest {
            origin,
            channel,
            topic,
            place: place(proto.place)?,
            citizen: caller.citizen,
            language: caller.language,
            imported: imported(proto.imported)?,
            choices: vec![],
            notice: telling(proto.notice_version),
        },
        person: caller.texts,
        contact: Texts::default(),
        request,
        answers,
        files,
    })
}

/// What was published the desk knows.
fn telling(shown: Option<u64>) -> Telling {
    Telling {
        shown,
        ..Telling::default()
    }
}

fn files(proto: Vec<v1::File>) -> Result<Vec<Vec<u8>>, Invalid> {
    if proto.len() > pictures::FILES {
        return Err(Invalid::at("files", "are more than 3"));
    }
    let file = |(index, file): (usize, v1::File)| {
        if file.content.len() > pictures::BYTES {
            return Err(Invalid::at(
                format!("files[{index}]"),
                "is larger than 10 MB",
            ));
        }
        Ok(file.content)
    };
    proto.into_iter().enumerate().map(file).collect()
}

/// Ids follow from the command, so that a retry makes the same ones.
fn contact_of(command_id: Uuid) -> ContactId {
    Uuid::new_v5(&command_id, b"contact").into()
}

/// The id of a request's file, by its place among them.
pub(crate) fn file_of(command_id: Uuid, index: usize) -> Uuid {
    Uuid::new_v5(&command_id, format!("file {index}").as_bytes())
}

fn person_of(command_id: Uuid) -> PersonId {
    Uuid::new_v5(&command_id, b"person").into()
}

/// Who turned to us, taken apart.
#[derive(Default)]
struct CitizenAsked {
    /// `None` where nothing was said that could name or reach anybody.
    citizen: Option<Citizen>,
    language: Option<Language>,
    texts: Texts,
}

fn citizen(proto: Option<v1::Citizen>, command_id: Uuid) -> Result<CitizenAsked, Invalid> {
    let Some(proto) = proto else {
        return Ok(CitizenAsked::default());
    };
    let mut texts = Texts::default();
    texts.put("name", line(proto.name, "citizen.name", 200)?);
    texts.put(
        "given_name",
        line(proto.given_name, "citizen.given_name", 200)?,
    );
    texts.put(
        "family_name",
        line(proto.family_name, "citizen.family_name", 200)?,
    );
    if !proto.email.is_empty() {
        let email =
            people::email(&proto.email).map_err(|problem| Invalid::at("citizen.email", problem))?;
        texts.put("email", email);
    }
    if !proto.phone.is_empty() {
        let phone =
            people::phone(&proto.phone).map_err(|problem| Invalid::at("citizen.phone", problem))?;
        texts.put("phone", phone);
    }
    let language = language(proto.language, "citizen.language")?;
    let citizen = (!texts.is_empty()).then(|| Citizen {
        person: person_of(command_id),
        language: language.unwrap_or(Language::Tr),
        has_email: texts.has("email"),
        has_phone: texts.has("phone"),
    });
    Ok(CitizenAsked {
        citizen,
        language,
        texts,
    })
}

/// Whose data it is.
pub(crate) fn person(pseudonym: &str) -> Result<PersonId, Invalid> {
    Ok(code(pseudonym, "person")?.into())
}

/// Why somebody looks, as it is recorded.
fn recorded_purpose(purpose: String) -> Result<String, Invalid> {
    if PURPOSES.contains(&purpose.as_str()) {
        return Ok(purpose);
    }
    let problem = format!("is none of: {}", PURPOSES.join(" "));
    Err(Invalid::at("purpose", problem))
}

/// One file of a request, for its citizen or for a person whose look is recorded.
pub(crate) struct FileAsked {
    pub(crate) number: RequestNumber,
    pub(crate) id: Uuid,
    pub(crate) by: By,
}

/// Who asks for a file.
pub(crate) enum By {
    /// Whoever holds this secret.
    Citizen(Plain),
    /// Somebody with this purpose.
    Staff(String),
}

pub(crate) fn file(proto: v1::GetAttachmentRequest) -> Result<FileAsked, Invalid> {
    let secret = Plain::from(proto.tracking_secret);
    let by = if secret.is_empty() {
        By::Staff(recorded_purpose(proto.purpose)?)
    } else {
        purpose(&proto.purpose)?;
        By::Citizen(secret)
    };
    Ok(FileAsked {
        number: number(&proto.number)?,
        id: code(&proto.id, "id")?,
        by,
    })
}

/// A look at all personal data of a request.
pub(crate) struct View {
    pub(crate) number: RequestNumber,
    pub(crate) purpose: String,
    pub(crate) also: Vec<ToOpen>,
}

pub(crate) fn view(proto: v1::ViewRequestRequest) -> Result<View, Invalid> {
    Ok(View {
        number: number(&proto.number)?,
        purpose: recorded_purpose(proto.purpose)?,
        also: each("also", proto.also, to_open)?,
    })
}

/// The requests whose public texts are asked for.
pub(crate) fn numbers(texts: &[String]) -> Result<Vec<RequestNumber>, Invalid> {
    if texts.len() > REQUESTS {
        return Err(Invalid::at("numbers", "are more than 1,000"));
    }
    let read = |(at, text): (usize, &String)| {
        text.parse()
            .map_err(|problem| Invalid::at(format!("numbers[{at}]"), problem))
    };
    texts.iter().enumerate().map(read).collect()
}

/// The subject whose key is asked for, and what to seal under it. A citizen's own key seals only what registers them.
pub(crate) fn seal(proto: v1::SealRequest) -> Result<(Subject, Vec<ToSeal>), Invalid> {
    let subject = proto
        .subject
        .parse::<Subject>()
        .ok()
        .filter(|it| SEALED_FOR_OTHERS.contains(&it.kind()));
    let subject = subject.ok_or_else(|| {
        Invalid::at(
            "subject",
            "is request:<number>, staff:<code> or webhook:<uuid>",
        )
    })?;
    let values = each("fields", proto.fields, |field, name| {
        Ok(ToSeal {
            event: event_id(&field.event_id, name)?,
            field: field_name(field.name, name)?,
            text: free_text(field.text, &format!("{name}.text"), 10_000)?,
        })
    })?;
    Ok((subject, values))
}

/// What to open.
pub(crate) fn open(proto: v1::OpenRequest) -> Result<Vec<ToOpen>, Invalid> {
    purpose(&proto.purpose)?;
    each("fields", proto.fields, to_open)
}

fn to_open(field: v1::open_request::Field, name: &str) -> Result<ToOpen, Invalid> {
    let at = format!("{name}.sealed");
    let sealed = field.sealed.ok_or_else(|| Invalid::at(&at, "is missing"))?;
    Ok(ToOpen {
        event: event_id(&field.event_id, name)?,
        field: field_name(field.name, name)?,
        sealed: vault_sealed(sealed).ok_or_else(|| Invalid::at(&at, "is not a sealed value"))?,
    })
}

fn each<In, Out>(
    list: &str,
    fields: Vec<In>,
    one: impl Fn(In, &str) -> Result<Out, Invalid>,
) -> Result<Vec<Out>, Invalid> {
    if fields.len() > VALUES {
        return Err(Invalid::at(list, "are more than 100"));
    }
    fields
        .into_iter()
        .enumerate()
        .map(|(index, field)| one(field, &format!("{list}[{index}]")))
        .collect()
}

fn event_id(bytes: &[u8], name: &str) -> Result<Uuid, Invalid> {
    Uuid::from_slice(bytes).map_err(|_| Invalid::at(format!("{name}.event_id"), "has 16 bytes"))
}

fn field_name(text: String, name: &str) -> Result<String, Invalid> {
    let letters = text.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
    if letters && (1..=40).contains(&text.len()) {
        Ok(text)
    } else {
        Err(Invalid::at(
            format!("{name}.name"),
            "has 1 to 40 of a-z and _",
        ))
    }
}

/// A sealed value out of an event or a call; `None` for what is not one.
pub(crate) fn vault_sealed(proto: words::Sealed) -> Option<vault::Sealed> {
    Some(vault::Sealed {
        subject: proto.subject.parse().ok()?,
        nonce: proto.nonce.try_into().ok()?,
        ciphertext: proto.ciphertext,
    })
}

#[cfg(test)]
mod tests;
