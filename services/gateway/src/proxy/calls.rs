//! Every call that the services answer, and what a program needs for it. A call that is not here is closed; the test below
//! holds the list against the contracts.

use chassis::Role;

use crate::{access::Action, doors::Need};

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) service: &'static str,
    pub(crate) method: &'static str,
    pub(crate) role: Role,
    pub(crate) need: Need,
    /// Where the message has the number of the request it is about: a field, or a field in a field.
    pub(super) number: &'static [u32],
    /// The field that makes it an import, where it has one.
    pub(super) imported: Option<u32>,
}

impl Call {
    pub(super) fn path(&self) -> String {
        format!("/{}/{}", self.service, self.method)
    }
}

const INTAKE: (&str, Role) = ("cozum.intake.v1.Intake", Role::Intake);
const ROUTING: (&str, Role) = ("cozum.routing.v1.Routing", Role::Routing);
const ANALYTICS: (&str, Role) = ("cozum.analytics.v1.Analytics", Role::Analytics);
const NOTIFICATION: (&str, Role) = ("cozum.notification.v1.Notification", Role::Notification);
const LEDGER: (&str, Role) = ("cozum.ledger.v1.Ledger", Role::Ledger);

/// The services that can be called from outside.
pub(super) const SERVICES: [(&str, Role); 5] = [INTAKE, ROUTING, ANALYTICS, NOTIFICATION, LEDGER];

/// "number", and "target.number".
const NUMBER: &[u32] = &[1];
const TARGET: &[u32] = &[1, 2];

const fn of_centre(service: (&'static str, Role), method: &'static str, action: Action) -> Call {
    Call {
        service: service.0,
        method,
        role: service.1,
        need: action.centre(),
        number: &[],
        imported: None,
    }
}

const fn of_request(
    service: (&'static str, Role),
    method: &'static str,
    action: Action,
    number: &'static [u32],
) -> Call {
    Call {
        need: action.request(),
        number,
        ..of_centre(service, method, action)
    }
}

const fn filing(method: &'static str, imported: u32) -> Call {
    Call {
        imported: Some(imported),
        ..of_centre(INTAKE, method, Action::File)
    }
}

/// All of them.
pub(crate) const CALLS: &[Call] = &[
    filing("RegisterContact", 7),
    filing("RegisterRequest", 12),
    // It opens personal data without a record: services only. People's and programs' look is ViewRequest.
    of_centre(INTAKE, "GetRequest", Action::Inside),
    of_centre(INTAKE, "GetPublicTexts", Action::Inside),
    of_request(INTAKE, "ViewRequest", Action::SeePersonal, NUMBER),
    // It looks into what is personal, in all units.
    of_centre(INTAKE, "Search", Action::FindCaller),
    of_centre(INTAKE, "FindByCaller", Action::FindCaller),
    of_request(INTAKE, "GetAttachment", Action::SeePersonal, NUMBER),
    of_centre(INTAKE, "ReachCitizen", Action::Inside),
    of_centre(INTAKE, "Seal", Action::Inside),
    of_centre(INTAKE, "Open", Action::Inside),
    of_centre(INTAKE, "ErasePerson", Action::Erase),
    of_centre(INTAKE, "EraseEvents", Action::Erase),
    of_centre(INTAKE, "SetRetentionRule", Action::Erase),
    of_centre(INTAKE, "PublishNotice", Action::Erase),
    of_centre(INTAKE, "PreviewDestruction", Action::Erase),
    of_centre(INTAKE, "BeginDestruction", Action::Erase),
    of_centre(INTAKE, "PlaceHold", Action::Erase),
    of_centre(INTAKE, "ReleaseHold", Action::Erase),
    // Everything of one person, in all units: whoever answers their applications is who erases them.
    of_centre(INTAKE, "ExportOwnData", Action::Erase),
    of_centre(INTAKE, "RotateKeys", Action::Operate),
    of_centre(INTAKE, "DestroyKeyEpoch", Action::Operate),
    of_centre(ROUTING, "DefineUnit", Action::Direct),
    of_centre(ROUTING, "DefineTopic", Action::Direct),
    of_centre(ROUTING, "ListUnits", Action::LookUp),
    of_centre(ROUTING, "ListTopics", Action::LookUp),
    of_request(ROUTING, "RouteManually", Action::Steer, TARGET),
    of_request(ROUTING, "ReturnRequest", Action::Work, TARGET),
    of_request(ROUTING, "AcceptRequest", Action::Work, TARGET),
    of_request(ROUTING, "AssignRequest", Action::Work, TARGET),
    of_request(ROUTING, "StartWork", Action::Work, TARGET),
    of_request(ROUTING, "PlanRequest", Action::Work, TARGET),
    of_request(ROUTING, "ReferRequest", Action::Work, TARGET),
    of_request(ROUTING, "ConcludeRequest", Action::Work, TARGET),
    of_request(ROUTING, "ReopenRequest", Action::Steer, TARGET),
    of_request(ROUTING, "AddComment", Action::Comment, TARGET),
    of_request(ROUTING, "AskInformation", Action::Work, TARGET),
    of_request(ROUTING, "RecordCitizenMessage", Action::Comment, TARGET),
    of_centre(ROUTING, "ImportHandling", Action::Import),
    of_request(ROUTING, "GetHandling", Action::See, NUMBER),
    of_centre(ANALYTICS, "GetReport", Action::SeeFigures),
    of_request(NOTIFICATION, "ListNotifications", Action::See, NUMBER),
    of_centre(LEDGER, "Append", Action::Inside),
    of_centre(LEDGER, "ReadStream", Action::Inside),
    of_centre(LEDGER, "History", Action::SeeEvents),
    of_centre(LEDGER, "Read", Action::SeeEvents),
    of_centre(LEDGER, "Follow", Action::Inside),
    of_centre(LEDGER, "Head", Action::SeeEvents),
    of_centre(LEDGER, "WatchHead", Action::SeeEvents),
    of_centre(LEDGER, "CutOff", Action::SeeEvents),
    of_centre(LEDGER, "AcquireLease", Action::Inside),
    of_centre(LEDGER, "ReleaseLease", Action::Inside),
    of_centre(LEDGER, "SaveCheckpoint", Action::Inside),
    of_centre(LEDGER, "RetryReaction", Action::Operate),
    // Intake asks it, which knows what is on hold.
    of_centre(LEDGER, "ErasePersonalParts", Action::Inside),
    // What is published under /log as well.
    of_centre(LEDGER, "LatestCheckpoint", Action::Public),
    of_centre(LEDGER, "ListCheckpoints", Action::Public),
    of_centre(LEDGER, "GetTile", Action::Public),
    of_centre(LEDGER, "GetEntries", Action::Public),
    of_centre(LEDGER, "ProveInclusion", Action::Public),
    of_centre(LEDGER, "ProveConsistency", Action::Public),
    // It has an event in it.
    of_centre(LEDGER, "WriteReceipt", Action::SeeEvents),
    // Others' logs come by /log/<municipality>/witness.
    of_centre(LEDGER, "AddCheckpoint", Action::Inside),
    of_centre(LEDGER, "WitnessedCheckpoint", Action::Public),
];

/// The call of a path.
pub(super) fn call(path: &str) -> Option<&'static Call> {
    let (service, method) = path.trim_start_matches('/').split_once('/')?;
    CALLS
        .iter()
        .find(|it| it.service == service && it.method == method)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    fn contracts() -> FileDescriptorSet {
        FileDescriptorSet::decode(contracts::DESCRIPTORS).unwrap()
    }

    #[test]
    fn every_call_of_the_contracts_is_decided() {
        let mut known = BTreeSet::new();
        for file in contracts().file {
            for service in &file.service {
                for method in &service.method {
                    known.insert(format!(
                        "/{}.{}/{}",
                        file.package(),
                        service.name(),
                        method.name()
                    ));
                }
            }
        }
        let decided: BTreeSet<String> = CALLS.iter().map(Call::path).collect();
        assert_eq!(
            decided.len(),
            CALLS.len(),
            "a call stands in the list twice"
        );
        assert_eq!(decided, known);
    }

    /// Field 1 of a message is a number, or a target whose field 2 is; and the import's mark is where the table says.
    #[test]
    fn the_table_knows_where_messages_have_the_number() {
        let files = contracts().file;
        for call in CALLS {
            let (package, _) = call.service.rsplit_once('.').unwrap();
            let file = files
                .iter()
                .find(|it| it.package() == package && !it.service.is_empty())
                .unwrap();
            let name = format!("{}Request", call.method);
            let message = file
                .message_type
                .iter()
                .find(|it| it.name() == name)
                .unwrap();
            let field = |number: u32| {
                let field = message
                    .field
                    .iter()
                    .find(|it| u32::try_from(it.number()) == Ok(number));
                field.map_or("", |it| it.name())
            };
            match call.number {
                [] => assert_ne!(field(1), "target", "{name} is about one request"),
                [1] => assert_eq!(field(1), "number", "{name}"),
                [1, 2] => assert_eq!(field(1), "target", "{name}"),
                _ => panic!("{name}"),
            }
            if let Some(imported) = call.imported {
                assert_eq!(field(imported), "imported", "{name}");
            }
        }
    }
}
