use std::collections::BTreeSet;

use super::*;
use crate::demo::work::Act;

fn calendar() -> Calendar {
    Calendar {
        day: jiff::civil::date(2026, 3, 1),
        zone: TimeZone::get("Europe/Istanbul").unwrap(),
    }
}

fn directory() -> Directory {
    let topic = |code: &str| Topic {
        code: code.to_owned(),
        name_tr: code.to_owned(),
        name_en: code.to_owned(),
    };
    Directory {
        topics: ["noise", "pothole", "pruning"]
            .map(|it| (topic(it), format!("unit-of-{it}")))
            .to_vec(),
        units: vec!["parks".to_owned(), "public-works".to_owned()],
        outside: vec!["highways".to_owned()],
    }
}

/// Everything about a request that a service is told.
fn told(index: u32) -> String {
    let it = request(index, &calendar(), &directory());
    let person = it.person.map(|it| (it.name, it.email, it.phone));
    let place = (it.spot.address(), it.spot.latitude, it.spot.longitude);
    format!(
        "{} {} {} {person:?} {place:?} {} {} {:?}",
        it.actor,
        it.channel.code(),
        it.topic,
        it.description,
        it.at,
        it.steps
    )
}

#[test]
fn the_story_is_the_same_each_time_it_is_told() {
    for index in 0..REQUESTS {
        assert_eq!(told(index), told(index));
    }
    let contacts = |()| -> Vec<_> {
        (0..CONTACTS)
            .map(|it| contact(it, &calendar()))
            .map(|it| (it.at, it.note))
            .collect()
    };
    assert_eq!(contacts(()), contacts(()));
}

#[test]
fn every_state_sub_result_channel_and_topic_occurs() {
    let all: Vec<Request> = (0..REQUESTS)
        .map(|it| request(it, &calendar(), &directory()))
        .collect();
    let states: BTreeSet<RequestState> = (0..REQUESTS).map(ending).collect();
    assert_eq!(states.len(), RequestState::ALL.len());
    let channels: BTreeSet<Channel> = all.iter().map(|it| it.channel).collect();
    assert_eq!(channels.len(), Channel::ALL.len());
    let topics: BTreeSet<&str> = all.iter().map(|it| it.topic.as_str()).collect();
    assert_eq!(topics.len(), 3);
    let concluded = all
        .iter()
        .flat_map(|it| &it.steps)
        .filter_map(|step| match &step.act {
            Act::Conclude(conclusion) => Some(conclusion.sub_result),
            Act::Accept
            | Act::Assign(_)
            | Act::Start
            | Act::Plan(_)
            | Act::Return(_)
            | Act::Route(_)
            | Act::Refer(..)
            | Act::Reopen(_)
            | Act::Ask(_)
            | Act::Write(_)
            | Act::Comment(_) => None,
        });
    let concluded: BTreeSet<SubResult> = concluded.collect();
    assert_eq!(
        concluded.len(),
        SubResult::ALL.len() - 1,
        "all but `not stated`, which is for imports"
    );
    let people = all.iter().filter(|it| it.person.is_some()).count();
    assert!((200..350).contains(&people), "{people}");
}

#[test]
fn time_only_goes_forward_and_ends_before_today() {
    let calendar = calendar();
    for index in 0..REQUESTS {
        let it = request(index, &calendar, &directory());
        assert!(it.at >= first_at(&calendar), "{index}");
        let mut before = it.at;
        for step in &it.steps {
            assert!(
                step.at >= before && step.at <= calendar.end(),
                "{index}: {step:?}"
            );
            before = step.at;
        }
    }
    for index in 0..CONTACTS {
        assert!(contact(index, &calendar).at <= calendar.end());
    }
}

#[test]
fn a_duplicate_repeats_an_earlier_request() {
    for index in 0..REQUESTS {
        for step in request(index, &calendar(), &directory()).steps {
            if let Act::Conclude(conclusion) = step.act {
                assert!(conclusion.original.is_none_or(|it| it < index));
            }
        }
    }
}

#[test]
fn the_day_is_found_again_by_the_first_contact() {
    let calendar = calendar();
    assert_eq!(
        day_of_first(contact(0, &calendar).at, &calendar.zone),
        calendar.day
    );
}
