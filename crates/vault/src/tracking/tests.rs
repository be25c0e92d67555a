use super::*;
use crate::master::MasterKey;

fn secrets() -> TrackingSecrets {
    let master = MasterKey::for_tests(std::array::from_fn(|at| u8::try_from(at).unwrap()));
    TrackingSecrets::new(&master.derive(crate::keys::TRACKING))
}

fn bozkoy() -> Municipality {
    "bozkoy".parse().unwrap()
}

fn number() -> RequestNumber {
    RequestNumber::new(2026, 48_120_937)
}

/// Computed by Python's `cryptography` 48: links in old mails must open for years.
#[test]
fn a_secret_never_changes() {
    assert_eq!(
        secrets().of(&bozkoy(), &number()).reveal(),
        "4YGA6EEEYWJWDDHV9E8P8Z30DM"
    );
}

#[test]
fn it_opens_one_request_of_one_municipality() {
    let secrets = secrets();
    let secret = secrets.of(&bozkoy(), &number());
    assert!(secrets.fits(&bozkoy(), &number(), &secret));
    assert!(!secrets.fits(&bozkoy(), &RequestNumber::new(2026, 48_120_938), &secret));
    assert!(!secrets.fits(&"ankara".parse().unwrap(), &number(), &secret));
}

#[test]
fn people_may_retype_it() {
    let secrets = secrets();
    for number in (0..200).map(|it| RequestNumber::new(2026, it)) {
        let secret = secrets.of(&bozkoy(), &number).reveal().to_owned();
        for typed in [
            secret.to_lowercase(),
            secret.replace('0', "O").replace('1', "l"),
            secret.replace('0', "o").replace('1', "I"),
            format!(" {}-{}", &secret[..5], &secret[5..]),
        ] {
            assert!(secrets.fits(&bozkoy(), &number, &Plain::from(typed)));
        }
    }
}

#[test]
fn anything_else_is_refused() {
    let secrets = secrets();
    let secret = secrets.of(&bozkoy(), &number()).reveal().to_owned();
    let other = format!("{}N", &secret[..25]);
    let long = format!("{secret}0");
    for bad in [
        "",
        "0",
        &secret[1..],
        &long,
        &other,
        &"Z".repeat(26),
        &"U".repeat(26),
        &"0".repeat(26),
        "çğıöşü",
    ] {
        assert!(
            !secrets.fits(&bozkoy(), &number(), &Plain::from(bad.to_owned())),
            "{bad}"
        );
    }
}
