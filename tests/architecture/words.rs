//! The words on the wire and the words in the code are the same words.

use std::fmt::Debug;

use prost_reflect::DescriptorPool;
use vocabulary::{AttributeType, Channel, Language, RequestState, SubResult};

/// Number and name of each word, the name without case and separators.
fn wire(enumeration: &str) -> Vec<(i32, String)> {
    let pool = DescriptorPool::decode(contracts::DESCRIPTORS).unwrap();
    let found = pool
        .get_enum_by_name(&format!("cozum.vocabulary.v1.{enumeration}"))
        .unwrap();
    let prefix = bare(enumeration);
    let values = found.values().map(|it| {
        (
            it.number(),
            bare(it.name()).strip_prefix(&prefix).unwrap().to_owned(),
        )
    });
    let (zero, words): (Vec<_>, Vec<_>) = values.partition(|(number, _)| *number == 0);
    assert_eq!(zero, [(0, "unspecified".to_owned())], "{enumeration}");
    words
}

fn ours<W: Copy + Debug>(
    all: &[W],
    number: fn(W) -> i32,
    code: fn(W) -> &'static str,
) -> Vec<(i32, String)> {
    let words = all
        .iter()
        .map(|it| (number(*it), bare(&format!("{it:?}")), bare(code(*it))));
    words
        .map(|(number, name, code)| {
            if name == code {
                (number, name)
            } else {
                panic!("{name} has the code {code}")
            }
        })
        .collect()
}

fn bare(word: &str) -> String {
    word.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|it| it.to_ascii_lowercase())
        .collect()
}

#[test]
fn the_wire_and_the_code_have_the_same_words() {
    assert_eq!(
        wire("Channel"),
        ours(Channel::ALL, Channel::number, Channel::code)
    );
    assert_eq!(
        wire("Language"),
        ours(Language::ALL, Language::number, Language::code)
    );
    assert_eq!(
        wire("RequestState"),
        ours(RequestState::ALL, RequestState::number, RequestState::code)
    );
    assert_eq!(
        wire("SubResult"),
        ours(SubResult::ALL, SubResult::number, SubResult::code)
    );
    assert_eq!(
        wire("AttributeType"),
        ours(
            AttributeType::ALL,
            AttributeType::number,
            AttributeType::code
        )
    );
}
