use decider::Given;

use super::*;

const AYSE: Belonging = Belonging::Person(PersonId(1));
const CALL: Belonging = Belonging::Contact(ContactId(2));

fn given(history: impl IntoIterator<Item = ErasureEvent>) -> Given<Erasure> {
    decider::given(history)
}

fn request(digits: u32) -> Belonging {
    Belonging::Request(RequestNumber::new(2026, digits))
}

fn order(found: &[Belonging]) -> ErasureCommand {
    ErasureCommand::Order {
        found: found.iter().cloned().collect(),
        ground: Ground::CitizenRequest,
        by: None,
        hard: None,
    }
}

fn record(destroyed: &[Belonging]) -> ErasureCommand {
    ErasureCommand::Record {
        destroyed: destroyed.iter().cloned().collect(),
        ground: Ground::CitizenRequest,
        by: None,
        hard: None,
    }
}

fn ordered(of: &[Belonging]) -> ErasureEvent {
    ErasureEvent::ErasureOrdered {
        of: of.iter().cloned().collect(),
        ground: Ground::CitizenRequest,
        by: None,
        hard: None,
    }
}

fn erased(of: &[Belonging]) -> ErasureEvent {
    ErasureEvent::PersonalDataErased {
        of: of.iter().cloned().collect(),
        ground: Ground::CitizenRequest,
        by: None,
        hard: None,
    }
}

#[test]
fn everything_that_was_found_is_ordered() {
    let all = [AYSE, CALL, request(7)];
    given([]).when(order(&all)).then([ordered(&all)]);
}

#[test]
fn erasing_again_is_silent() {
    let all = [AYSE, CALL];
    given([ordered(&all)]).when(order(&all)).then_nothing();
    given([ordered(&all), erased(&all)])
        .when(order(&all))
        .then_nothing();
}

#[test]
fn what_came_to_light_later_is_ordered_alone() {
    let all = [AYSE, CALL];
    given([ordered(&all), erased(&all)])
        .when(order(&[AYSE, CALL, request(7)]))
        .then([ordered(&[request(7)])]);
}

#[test]
fn an_order_is_recorded_once() {
    let all = [AYSE, CALL];
    given([ordered(&all)])
        .when(record(&all))
        .then([erased(&all)]);
    given([ordered(&all), erased(&all)])
        .when(record(&all))
        .then_nothing();
}

fn out_of_the_log(order: ErasureCommand) -> ErasureCommand {
    let reference = Some("2026/123".parse().unwrap());
    match order {
        ErasureCommand::Order {
            found, ground, by, ..
        } => ErasureCommand::Order {
            found,
            ground,
            by,
            hard: reference,
        },
        ErasureCommand::Record {
            destroyed,
            ground,
            by,
            ..
        } => ErasureCommand::Record {
            destroyed,
            ground,
            by,
            hard: reference,
        },
        ErasureCommand::Hold(_) | ErasureCommand::Release { .. } => order,
    }
}

fn left_the_log(event: ErasureEvent) -> ErasureEvent {
    let reference = Some("2026/123".parse().unwrap());
    match event {
        ErasureEvent::ErasureOrdered { of, ground, by, .. } => ErasureEvent::ErasureOrdered {
            of,
            ground,
            by,
            hard: reference,
        },
        ErasureEvent::PersonalDataErased { of, ground, by, .. } => {
            ErasureEvent::PersonalDataErased {
                of,
                ground,
                by,
                hard: reference,
            }
        }
        ErasureEvent::HoldPlaced(_) | ErasureEvent::HoldReleased { .. } => event,
    }
}

#[test]
fn what_is_erased_may_still_be_taken_out_of_the_log_once() {
    let all = [AYSE, CALL];
    let soft = || [ordered(&all), erased(&all)];
    let hard = || left_the_log(ordered(&all));
    given(soft())
        .when(out_of_the_log(order(&all)))
        .then([hard()]);
    given([hard()])
        .when(out_of_the_log(order(&all)))
        .then_nothing();
    given([hard()]).when(order(&all)).then_nothing();
    // What the keys' erasure recorded is no record of this.
    given(soft().into_iter().chain([hard()]))
        .when(out_of_the_log(record(&all)))
        .then([left_the_log(erased(&all))]);
    given([hard(), left_the_log(erased(&all))])
        .when(out_of_the_log(record(&all)))
        .then_nothing();
    given(soft())
        .when(out_of_the_log(record(&all)))
        .then_rejected(ErasureRejection::NotOrdered);
}

#[test]
fn what_is_on_hold_stays_in_the_log() {
    given([ordered(&[request(7)]), erased(&[request(7)]), held(AYSE)])
        .when(out_of_the_log(order(&[request(7)])))
        .then_rejected(ErasureRejection::Held(LAWSUIT, AYSE));
}

#[test]
fn nothing_is_recorded_that_nobody_ordered() {
    given([ordered(&[AYSE])])
        .when(record(&[AYSE, CALL]))
        .then_rejected(ErasureRejection::NotOrdered);
}

#[test]
fn no_event_names_more_than_the_ledger_takes() {
    let all: Vec<Belonging> = (0..130).map(request).collect();
    let decided = Erasure::default().decide(order(&all)).unwrap();
    let state = Erasure::replay(decided.clone());
    assert_eq!(decided.len(), 3);
    assert_eq!(state, Erasure::replay([ordered(&all)]));
}

const LAWSUIT: HoldId = HoldId(11);

fn hold(hold: HoldId, of: Belonging) -> Hold {
    Hold {
        hold,
        of,
        ground: HoldGround::Lawsuit,
        reference: "2026/123".parse().unwrap(),
        about: BTreeSet::new(),
    }
}

fn held(of: Belonging) -> ErasureEvent {
    ErasureEvent::HoldPlaced(hold(LAWSUIT, of))
}

fn released(of: Belonging) -> ErasureEvent {
    ErasureEvent::HoldReleased { hold: LAWSUIT, of }
}

#[test]
fn nothing_of_a_person_on_hold_is_ordered_until_it_is_released() {
    for some in [&[AYSE, CALL, request(7)][..], &[request(7)]] {
        given([held(AYSE)])
            .when(order(some))
            .then_rejected(ErasureRejection::Held(LAWSUIT, AYSE));
        given([held(AYSE), released(AYSE)])
            .when(order(some))
            .then([ordered(some)]);
    }
}

#[test]
fn a_request_on_hold_keeps_its_persons_name_and_notes_and_lets_another_request_go() {
    let on_hold = || ErasureRejection::Held(LAWSUIT, request(7));
    for some in [&[AYSE, request(7)][..], &[request(7)], &[AYSE], &[CALL]] {
        given([held(request(7))])
            .when(order(some))
            .then_rejected(on_hold());
    }
    given([held(request(7))])
        .when(order(&[request(8)]))
        .then([ordered(&[request(8)])]);
}

#[test]
fn what_is_erased_is_not_held_and_is_erased_again_in_silence() {
    let place = || ErasureCommand::Hold(hold(LAWSUIT, request(7)));
    given([ordered(&[request(7)])])
        .when(place())
        .then_rejected(ErasureRejection::ErasedAlready);
    given([ordered(&[request(7)]), held(AYSE)])
        .when(order(&[request(7)]))
        .then_nothing();
    given([]).when(place()).then([held(request(7))]);
}

#[test]
fn a_hold_is_released_by_its_name_or_as_the_only_one() {
    let release = |hold| ErasureCommand::Release { of: AYSE, hold };
    given([held(AYSE)])
        .when(release(None))
        .then([released(AYSE)]);
    given([held(AYSE), released(AYSE)])
        .when(release(None))
        .then_rejected(ErasureRejection::NoSuchHold);
    let audit = ErasureEvent::HoldPlaced(hold(HoldId(12), AYSE));
    given([held(AYSE), audit.clone()])
        .when(release(None))
        .then_rejected(ErasureRejection::WhichHold(vec![LAWSUIT, HoldId(12)]));
    given([held(AYSE), audit])
        .when(release(Some(LAWSUIT)))
        .then([released(AYSE)]);
    given([held(request(7))])
        .when(release(Some(LAWSUIT)))
        .then_rejected(ErasureRejection::NoSuchHold);
}
