//! What was stored once is read for ever: the golden corpus against the contracts as they are today.

mod invented;

use std::{collections::BTreeSet, fs};

use contracts::EVENTS;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;
use tests::corpus::{Sample, folder, samples};

const PERSONAL: u32 = 100;

/// The message of an event type in one of its schema versions.
fn descriptor(name: &str, version: u32) -> MessageDescriptor {
    let pool = DescriptorPool::decode(contracts::DESCRIPTORS).unwrap();
    let (service, message) = name.split_once('.').unwrap();
    let full = format!("cozum.{service}.v{version}.{message}");
    pool.get_message_by_name(&full)
        .unwrap_or_else(|| panic!("{full} is gone from proto/, but was written once"))
}

/// A message as people read it.
fn said(message: &DynamicMessage) -> Value {
    let options = SerializeOptions::new().use_proto_field_name(true);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap()
}

/// `cargo xtask corpus` runs this with leave to add what is missing. Nothing that is there is ever written again.
#[test]
fn every_event_type_has_a_stored_sample() {
    if std::env::var_os("COZUM_CORPUS").is_some_and(|it| it == "add") {
        fs::create_dir_all(folder()).unwrap();
        for event in EVENTS {
            let sample = invented::sample(event);
            let path = folder().join(sample.file_name());
            if !path.exists() {
                fs::write(&path, sample.text().unwrap()).unwrap();
                println!("added: {}", path.display());
            }
        }
    }
    let stored: BTreeSet<(String, u32)> = samples()
        .unwrap()
        .into_iter()
        .map(|it| (it.name, it.version))
        .collect();
    let known = EVENTS.iter().map(|it| (it.name.to_owned(), it.version));
    let known: BTreeSet<(String, u32)> = known.collect();
    let missing: Vec<_> = known.difference(&stored).collect();
    let gone: Vec<_> = stored.difference(&known).collect();
    assert!(
        missing.is_empty(),
        "no sample of these: `cargo xtask corpus` adds one to each: {missing:#?}"
    );
    assert!(
        gone.is_empty(),
        "these were written once, and nothing here reads them any more: {gone:#?}"
    );
}

#[test]
fn every_stored_sample_still_says_what_it_said() {
    for sample in samples().unwrap() {
        let file = sample.file_name();
        let descriptor = descriptor(&sample.name, sample.version);
        let message = DynamicMessage::decode(descriptor.clone(), sample.bytes().as_slice())
            .unwrap_or_else(|error| panic!("{file} no longer decodes: {error}"));
        assert_eq!(said(&message), sample.says, "{file} says something else");
        assert_eq!(
            message.unknown_fields().count(),
            0,
            "{file} has fields that nobody knows any more"
        );

        let facts = DynamicMessage::decode(descriptor.clone(), sample.facts.as_slice()).unwrap();
        let personal = DynamicMessage::decode(descriptor, sample.personal.as_slice()).unwrap();
        assert!(!facts.has_field_by_number(PERSONAL), "{file}: facts");
        assert!(
            personal
                .fields()
                .all(|(field, _)| field.number() == PERSONAL),
            "{file}: personal part"
        );
    }
}

#[test]
fn every_stored_sample_is_written_as_it_was_written() {
    for sample in samples().unwrap() {
        let kind = kind(&sample);
        let again = kind.again(&sample.bytes()).unwrap();
        assert_eq!(again, sample.bytes(), "{}", sample.file_name());
    }
}

fn kind(sample: &Sample) -> &'static contracts::EventType {
    let found = EVENTS
        .iter()
        .find(|it| (it.name, it.version) == (sample.name.as_str(), sample.version));
    found.unwrap_or_else(|| panic!("{} is of no known type", sample.file_name()))
}
