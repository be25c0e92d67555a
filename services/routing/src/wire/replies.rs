use contracts::{routing::v1, vocabulary::v1 as words};
use vocabulary::RequestNumber;

use crate::domain::{Stage, UnitDefinition, Work};

pub(crate) fn reply(position: u64, version: u64) -> v1::CommandReply {
    v1::CommandReply { position, version }
}

/// A unit as it stands; a list of units is a list of definitions.
pub(crate) fn unit_defined(unit: &UnitDefinition) -> v1::UnitDefined {
    v1::UnitDefined {
        code: unit.code.to_string(),
        name_tr: unit.name_tr.clone(),
        name_en: unit.name_en.clone(),
        outside: unit.outside,
    }
}

/// Where a request stands.
pub(crate) fn handling(number: &RequestNumber, version: u64, work: Work) -> v1::GetHandlingReply {
    let mut reply = v1::GetHandlingReply {
        number: number.to_string(),
        version,
        state: work.state().number(),
        unit: work.unit.to_string(),
        assignee: work.assignee.map(|it| it.0).unwrap_or_default(),
        planned_for: String::new(),
        institution: String::new(),
        sub_result: words::SubResult::Unspecified.into(),
        state_since: work.since.as_microsecond(),
    };
    match work.stage {
        Stage::Planned(day) => reply.planned_for = day.to_string(),
        Stage::Referred(institution) => reply.institution = institution.to_string(),
        Stage::Concluded(sub_result) => reply.sub_result = sub_result.number(),
        Stage::Routed
        | Stage::Returned
        | Stage::Accepted
        | Stage::Assigned
        | Stage::InProgress
        | Stage::Reopened => {}
    }
    reply
}
