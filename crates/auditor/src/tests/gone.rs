//! Personal parts that are gone: with an order in the log, without one, and with one that means something else.

use contracts::ledger::v1::{Event, PersonalPartsErased};
use prost::Message as _;
use tempfile::TempDir;

use super::{check, commitment, event, pair, write};

/// The events of a log in which an order of these positions stands at one of them.
fn log(gone: &[u64], order: u64, named: &[u64]) -> Vec<Event> {
    let mut events: Vec<Event> = (1..=600).map(event).collect();
    for event in &mut events {
        if event.position == order {
            "ledger.PersonalPartsErased".clone_into(&mut event.r#type);
            event.facts = PersonalPartsErased {
                positions: named.to_vec(),
                ..PersonalPartsErased::default()
            }
            .encode_to_vec();
            event.commitment = commitment(event);
        }
        if gone.contains(&event.position) {
            event.personal.clear();
            event.personal_salt.clear();
        }
    }
    events
}

fn told(events: &[Event]) -> (Option<u64>, String) {
    let folder = TempDir::new().unwrap();
    write(folder.path(), events, &[1, 256, 300, 600], &pair(1));
    let report = check(folder.path());
    let position = report.finding.as_ref().map(|it| it.position);
    (position, report.to_string())
}

#[test]
fn a_personal_part_may_be_gone_where_the_log_ordered_it() {
    let (position, report) = told(&log(&[99, 102, 399], 500, &[99, 102, 399]));
    assert_eq!(position, None, "{report}");
    assert!(
        report.contains("3 personal parts are gone, each by an order"),
        "{report}"
    );
    // What is ordered and not gone yet is no tampering; a ledger may have died in between.
    assert_eq!(told(&log(&[99], 500, &[99, 102, 399])).0, None);
}

#[test]
fn a_personal_part_that_nobody_ordered_away_is_named_by_its_position() {
    assert_eq!(told(&log(&[99], 500, &[])).0, Some(99));
    assert_eq!(told(&log(&[99, 102, 399], 500, &[99, 399])).0, Some(102));
    // An order means what lies before it.
    assert_eq!(told(&log(&[99, 399], 302, &[99, 399])).0, Some(399));
    // Half of it is no erasure.
    let mut events = log(&[], 500, &[99]);
    events[98].personal.clear();
    assert_eq!(told(&events).0, Some(99));
    // What says so without being the ledger's event does not count.
    let mut events = log(&[99], 500, &[99]);
    "intake.PersonalPartsErased".clone_into(&mut events[499].r#type);
    events[499].commitment = commitment(&events[499]);
    assert_eq!(told(&events).0, Some(99));
}
