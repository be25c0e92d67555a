use chassis::Invalid;
use contracts::{intake::v1, vocabulary::v1 as words};
use vault::Plain;

use super::people;
use crate::search;

/// The most hits a page holds, and how many it holds where nobody says.
const MOST: u32 = 100;
const USUAL: u32 = 20;

/// The most units a search may be kept to.
const UNITS: usize = 500;

pub(crate) fn search(proto: v1::SearchRequest) -> Result<search::Asked, Invalid> {
    let query = Plain::from(proto.query);
    if proto.units.len() > UNITS {
        return Err(Invalid::at("units", format!("are more than {UNITS}")));
    }
    for (at, state) in proto.states.iter().enumerate() {
        let known = words::RequestState::try_from(*state);
        if !known.is_ok_and(|it| it != words::RequestState::Unspecified) {
            return Err(Invalid::at(format!("states[{at}]"), "is no state"));
        }
    }
    Ok(search::Asked {
        query,
        units: proto.units,
        states: proto.states,
        limit: usize::try_from(limit(proto.limit)?).unwrap_or_default(),
        after: search::After::read(&proto.after)?,
        people: proto.people,
    })
}

/// Whose requests are asked for, and how many.
pub(crate) fn caller(proto: v1::FindByCallerRequest) -> Result<(search::Caller, i64), Invalid> {
    let (phone, email) = (Plain::from(proto.phone), Plain::from(proto.email));
    if phone.is_empty() && email.is_empty() {
        return Err(Invalid::at(
            "phone",
            "is missing, and so is the e-mail address",
        ));
    }
    let read = |text: &Plain, name, read: fn(&str) -> Result<Plain, &'static str>| {
        let given = (!text.is_empty()).then(|| read(text.reveal()));
        given
            .transpose()
            .map_err(|problem| Invalid::at(name, problem))
    };
    let caller = search::Caller {
        phone: read(&phone, "phone", people::phone)?,
        email: read(&email, "email", people::email)?,
    };
    Ok((caller, limit(proto.limit)?.into()))
}

fn limit(asked: u32) -> Result<u32, Invalid> {
    match asked {
        0 => Ok(USUAL),
        1..=MOST => Ok(asked),
        _ => Err(Invalid::at("limit", format!("is more than {MOST}"))),
    }
}
