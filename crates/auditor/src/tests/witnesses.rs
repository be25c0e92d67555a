//! Cosignatures and policies, held against the specifications and against notes that others' code made.

use super::*;
use crate::{NoPolicy, Policy, WitnessKey};

/// Made by Python's `cryptography` from RFC 8032's first test key, over the text and the time that tlog-cosignature shows.
const KEY: &str = "witness.example.com/w1+7e6f4aaa+BNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
const NOTE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    — witness.example.com/w1 fm9KqgAAAABkGFDL+TPmh4BYuAjsYRoqMJCWb/gWJaeRF/kmm5tlCr9sJ57DLErur7K0yDXc2ArN+TIuotuB/HbuL3AJsp3bv/aNCQ==\n";

#[test]
fn a_cosignature_that_others_made_is_taken() {
    let key: WitnessKey = KEY.parse().unwrap();
    assert_eq!(key.time(NOTE), Ok(Some(1_679_315_147)));
    assert!(key.time(&NOTE.replacen("20852163", "20852164", 1)).is_err());
    let other = NOTE.replacen("w1", "w2", 1);
    assert_eq!(key.time(&other), Ok(None), "somebody else's");
    assert!(KEY.parse::<Key>().is_err(), "a witness's key signs no log");
    assert!(public(&pair(1)).0.parse::<WitnessKey>().is_err());
}

/// A witness's key as it is published.
fn witness(name: &str, seed: u8) -> String {
    let typed = [&[4], pair(seed).public_key().as_ref()].concat();
    let hash = tree::sha256(&[name.as_bytes(), b"\n", &typed]);
    let id: String = hash[..4].iter().map(|it| format!("{it:02x}")).collect();
    format!("{name}+{id}+{}", BASE64_STANDARD.encode(typed))
}

/// A note with a witness's cosignature below.
fn cosigned(note: &str, name: &str, seed: u8, time: u64) -> String {
    let text = &note[..=note.rfind("\n\n").unwrap()];
    let signature = pair(seed).sign(format!("cosignature/v1\ntime {time}\n{text}").as_bytes());
    let id = u32::from_str_radix(witness(name, seed).split('+').nth(1).unwrap(), 16).unwrap();
    let bytes = [
        &id.to_be_bytes()[..],
        &time.to_be_bytes(),
        signature.as_ref(),
    ]
    .concat();
    format!("{note}— {name} {}\n", BASE64_STANDARD.encode(bytes))
}

fn policy(quorum: &str) -> Policy {
    let (x, y, z) = (witness("x", 11), witness("y", 12), witness("z", 13));
    let text = format!(
        "# üç tanık\nwitness X {x} https://x.example\n\twitness  Y {y}\nwitness Z {z}\n\n{quorum}"
    );
    Policy::read(text.as_bytes()).unwrap()
}

fn asked(policy: Policy) -> Asked {
    Asked {
        key: Some(public(&pair(1)).0.parse().unwrap()),
        policy: Some(policy),
        ..Asked::default()
    }
}

#[test]
fn a_quorum_is_met_or_the_log_is_not_sound() {
    let events: Vec<Event> = (1..=600).map(event).collect();
    let folder = TempDir::new().unwrap();
    let notes = write(folder.path(), &events, &[256, 300, 600], &pair(1));
    // X saw 256 and 300, Y saw 300, nobody saw the rest.
    let at_256 = cosigned(&notes[0], "x", 11, 1_767_225_600);
    let at_300 = cosigned(
        &cosigned(&notes[1], "x", 11, 1_767_225_610),
        "y",
        12,
        1_767_225_611,
    );
    let writer = Writer::go_on(folder.path()).unwrap();
    let list = [at_256, at_300.clone(), notes[2].clone()];
    writer.checkpoints(&list).unwrap();

    let report = verify(
        folder.path(),
        &asked(policy("group two 2 X Y Z\nquorum two\n")),
    );
    let told = report.to_string();
    assert!(report.is_sound(), "{told}");
    assert!(
        told.contains("asked for cosigned the first 300 entries"),
        "{told}"
    );
    assert!(
        told.contains("x saw 300 entries at 2026-01-01T00:00:10Z"),
        "{told}"
    );
    assert!(told.contains("not claimed: what z saw"), "{told}");
    assert!(
        told.contains("not claimed: that everybody is shown the same entries after 300"),
        "{told}"
    );
    for enough in ["quorum X\n", "group g any Y Z\nquorum g\n", "quorum none\n"] {
        assert!(
            verify(folder.path(), &asked(policy(enough))).is_sound(),
            "{enough}"
        );
    }
    for more in [
        "quorum Z\n",
        "group g all X Y Z\nquorum g\n",
        "group g any Y\ngroup h all Z g\nquorum h\n",
    ] {
        let finding = verify(folder.path(), &asked(policy(more))).finding.unwrap();
        assert!(
            finding.problem.contains("as many witnesses"),
            "{more} {finding}"
        );
    }
    let alone = verify(folder.path(), &Asked::default());
    assert!(
        alone.is_sound() && alone.to_string().contains("no witness was asked for"),
        "{alone}"
    );

    // A cosignature of another checkpoint, in the name of a witness that is known.
    let line = at_300.lines().last().unwrap();
    let forged = format!("{}{line}\n", notes[2]);
    writer.checkpoint(&forged).unwrap();
    let finding = verify(folder.path(), &asked(policy("quorum X\n")))
        .finding
        .unwrap();
    assert!(
        finding.position == 600 && finding.problem.contains("of y"),
        "{finding}"
    );
    assert!(
        verify(folder.path(), &Asked::default()).is_sound(),
        "nobody asked for y"
    );
}

#[test]
fn a_log_that_the_policy_does_not_name_is_not_sound() {
    let events: Vec<Event> = (1..=3).map(event).collect();
    let folder = TempDir::new().unwrap();
    write(folder.path(), &events, &[3], &pair(1));
    let of = |key: &Ed25519KeyPair| {
        let text = format!("log {}\nquorum none\n", public(key).0);
        Some(Policy::read(text.as_bytes()).unwrap())
    };
    let asked = |policy| Asked {
        policy,
        ..Asked::default()
    };
    let report = verify(folder.path(), &asked(of(&pair(1))));
    assert!(
        report.is_sound() && !report.to_string().contains("whose key"),
        "{report}"
    );
    assert!(!verify(folder.path(), &asked(of(&pair(2)))).is_sound());
}

#[test]
fn a_policy_is_read_as_the_specification_has_it() {
    let [x, y] = [witness("x", 1), witness("y", 2)];
    let renamed = witness("other", 1);
    let log = public(&pair(3)).0;
    let read = |text: &str| Policy::read(text.as_bytes());
    assert!(read("quorum none\n").is_ok_and(|it| !it.asks()));
    assert!(
        read(&format!(
            "log {log} https://log.example\nwitness é {x}\nquorum é"
        ))
        .is_ok()
    );
    let wrong = [
        (String::new(), 1),
        (format!("witness X {x}\n"), 2),
        (format!("witness none {x}\nquorum none\n"), 1),
        (format!("witness X {x}\nwitness X {y}\nquorum X\n"), 2),
        (format!("witness X {x}\nwitness Y {renamed}\nquorum X\n"), 2),
        (format!("log {log}\nlog {log}\nquorum none\n"), 2),
        (format!("log {x}\nquorum none\n"), 1),
        (format!("witness X {log}\nquorum none\n"), 1),
        (format!("quorum X\nwitness X {x}\n"), 1),
        (format!("witness X {x}\nquorum X\nquorum none\n"), 3),
        (format!("witness X {x}\ngroup g 2 X\nquorum g\n"), 2),
        (format!("witness X {x}\ngroup g 0 X\nquorum g\n"), 2),
        (format!("witness X {x}\ngroup g +1 X\nquorum g\n"), 2),
        (format!("witness X {x}\ngroup g any X X\nquorum g\n"), 2),
        (
            format!("witness X {x}\ngroup g any X\ngroup h any X\nquorum h\n"),
            3,
        ),
        (format!("witness X {x}\ngroup g any none\nquorum g\n"), 2),
        (format!("witness X {x}\ngroup g any g\nquorum g\n"), 2),
        (format!("witness X {x}\ngroup g any\nquorum g\n"), 2),
        ("quorum none\r\n".to_owned(), 1),
        ("quorum\u{b}none\n".to_owned(), 1),
        ("qorum none\n".to_owned(), 1),
    ];
    for (text, line) in wrong {
        let refused = read(&text).unwrap_err();
        assert_eq!(refused.line, line, "{text:?} {refused}");
    }
    let missing = NoPolicy {
        line: 1,
        problem: "the quorum is missing",
    };
    assert_eq!(read(""), Err(missing));
}

#[test]
fn each_of_the_witnesses_that_are_named_must_have_cosigned() {
    let keys = |names: &[(&str, u8)]| {
        let keys = names
            .iter()
            .map(|(name, seed)| witness(name, *seed).parse().unwrap());
        Policy::all_of(keys.collect())
    };
    let events: Vec<Event> = (1..=3).map(event).collect();
    let folder = TempDir::new().unwrap();
    let notes = write(folder.path(), &events, &[3], &pair(1));
    let writer = Writer::go_on(folder.path()).unwrap();
    writer.checkpoint(&cosigned(&notes[0], "x", 11, 1)).unwrap();
    assert!(verify(folder.path(), &asked(keys(&[("x", 11)]))).is_sound());
    let both = keys(&[("x", 11), ("y", 12)]);
    assert!(!verify(folder.path(), &asked(both.clone())).is_sound());
    // Another one's cosignature of the same checkpoint may stand in another note.
    writer
        .checkpoints(&[cosigned(&notes[0], "y", 12, 1)])
        .unwrap();
    assert!(verify(folder.path(), &asked(both)).is_sound());
}
