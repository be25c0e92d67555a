//! No event has had a second version so far: the chain is shown on one that only these tests know.

use super::*;

/// As it was first: degrees as text, and one sealed word.
#[derive(Clone, PartialEq, Message)]
struct Measured1 {
    #[prost(string, tag = "1")]
    degrees: String,
    #[prost(bytes = "vec", optional, tag = "100")]
    personal: Option<Vec<u8>>,
}

/// Degrees became a number.
#[derive(Clone, PartialEq, Message)]
struct Measured2 {
    #[prost(sint64, tag = "2")]
    degrees: i64,
    #[prost(bytes = "vec", optional, tag = "100")]
    personal: Option<Vec<u8>>,
}

/// And then tenths of degrees.
#[derive(Clone, PartialEq, Message)]
struct Measured3 {
    #[prost(sint64, tag = "3")]
    tenths: i64,
    #[prost(bytes = "vec", optional, tag = "100")]
    personal: Option<Vec<u8>>,
}

macro_rules! named {
    ($message:ty, $package:literal) => {
        impl Name for $message {
            const NAME: &'static str = "Measured";
            const PACKAGE: &'static str = $package;
        }
    };
}
named!(Measured1, "cozum.weather.v1");
named!(Measured2, "cozum.weather.v2");
named!(Measured3, "cozum.weather.v3");

fn to_number(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let Measured1 { degrees, personal } = Measured1::decode(bytes)?;
    let degrees = degrees.parse().unwrap_or_default();
    Ok(Measured2 { degrees, personal }.encode_to_vec())
}

fn to_tenths(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let Measured2 { degrees, personal } = Measured2::decode(bytes)?;
    let tenths = degrees * 10;
    Ok(Measured3 { tenths, personal }.encode_to_vec())
}

const CHAIN: [Upcaster; 2] = [
    Upcaster {
        name: "weather.Measured",
        from: 1,
        step: to_number,
    },
    Upcaster {
        name: "weather.Measured",
        from: 2,
        step: to_tenths,
    },
];

/// An event as version 1 stored it.
fn stored() -> Event {
    let message = Measured1 {
        degrees: "-12".to_owned(),
        personal: Some(vec![1, 2, 3]),
    };
    let new = super::super::record(uuid::Uuid::nil(), &message, jiff::Timestamp::UNIX_EPOCH, []);
    assert_eq!(
        (new.r#type.as_str(), new.schema_version),
        ("weather.Measured", 1)
    );
    Event {
        position: 7,
        r#type: new.r#type,
        schema_version: new.schema_version,
        facts: new.facts,
        personal: new.personal,
        ..Event::default()
    }
}

#[test]
fn an_old_event_is_read_as_the_newest_and_stays_as_it_is() {
    let event = stored();
    assert!(super::super::is::<Measured3>(&event));
    let newest: Measured3 = decode(&CHAIN, &event).unwrap();
    let expected = Measured3 {
        tenths: -120,
        personal: Some(vec![1, 2, 3]),
    };
    assert_eq!(newest, expected);
    assert_eq!(event, stored());

    // Erased, it still tells its facts; and who still knows an older version reads that.
    let mut erased = stored();
    erased.personal.clear();
    let newest: Measured3 = decode(&CHAIN, &erased).unwrap();
    assert_eq!((newest.tenths, newest.personal), (-120, None));
    let second: Measured2 = decode(&CHAIN, &event).unwrap();
    assert_eq!(second.degrees, -12);
}

#[test]
fn without_one_of_its_steps_an_old_event_is_refused() {
    for (kept, ends_at) in [(&CHAIN[1..], 1), (&CHAIN[..1], 2), (&[][..], 1)] {
        let refused = decode::<Measured3>(kept, &stored()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "event 7 of type weather.Measured has schema version {ends_at}, and nothing turns it into version {}",
                ends_at + 1
            )
        );
    }
    let mut newer = stored();
    newer.schema_version = 4;
    assert!(matches!(
        decode::<Measured3>(&CHAIN, &newer),
        Err(Undecodable::Newer { newest: 3, .. })
    ));
}

#[test]
fn every_version_that_was_ever_written_leads_to_the_newest() {
    for known in EVENTS {
        let leads = UPCASTERS
            .iter()
            .any(|it| (it.name, it.from) == (known.name, known.version));
        let newer = EVENTS
            .iter()
            .any(|it| it.name == known.name && it.version > known.version);
        assert_eq!(
            leads, newer,
            "{} version {}: one step for each version but the newest",
            known.name, known.version
        );
    }
}

#[test]
fn what_nobody_here_knows_is_refused_by_its_name() {
    let named = |name: &str| Event {
        position: 9,
        r#type: name.to_owned(),
        schema_version: 1,
        ..Event::default()
    };
    assert!(readable(&named("intake.RequestRegistered")).is_ok());
    // No service of that name is known here: nobody can miss it.
    assert!(readable(&named("weather.Measured")).is_ok());
    for unknown in ["intake.RequestDreamt", "intake.", "intake.Attachment"] {
        assert_eq!(
            readable(&named(unknown)).unwrap_err().to_string(),
            format!("event 9 is of type {unknown}, which this program does not know: update it")
        );
    }
}
