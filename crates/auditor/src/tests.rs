//! Held against what others published, and against a log that this file writes and then spoils in every way.

mod gone;
mod witnesses;

use std::{collections::BTreeMap, fs, path::Path};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use contracts::ledger::v1::{Event, ReceiptExtra};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use prost::Message as _;
use sha2::Sha256;
use tempfile::TempDir;

use crate::{
    Asked, Key, Report,
    bundle::{self, Writer},
    event, is_receipt, receipt_event,
    tree::{self, Growing, Hash, WIDTH, leaf},
    verify, verify_receipt,
};

/// The example of the signed-note specification.
#[test]
fn the_specifications_note_is_taken() {
    let key: Key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
        .parse()
        .unwrap();
    let signature = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";
    let note = |text: &str| format!("{text}\n— example.com/foo {signature}\n");
    // It is signed, but no checkpoint.
    let good = key
        .open(&note("This is an example message.\n"))
        .unwrap_err();
    let bad = key
        .open(&note("This is an example massage.\n"))
        .unwrap_err();
    assert_eq!(
        (good, bad),
        (crate::NotTaken::Form, crate::NotTaken::Signature)
    );
    for wrong in [
        "",
        "a+b",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ] {
        assert!(wrong.parse::<Key>().is_err(), "{wrong}");
    }
}

/// The log that Tessera is tested with (github.com/transparency-dev/tessera, Apache-2.0): 15 entries, as its authors signed it.
#[test]
fn a_log_that_others_wrote_is_taken() {
    const KEY: &str =
        "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
    const AT_15: &str = "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n— example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=\n";
    const AT_7: &str = "example.com/log/testdata\n7\nIrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=\n\n— example.com/log/testdata M9e0luA5JhTRUki/BBQD0QNiH6AEJ2pdtsA5CQjqJErViuuKrN6513RCTL2640wXJv0dCed3neRGI6dMzBq9uANf2Qc=\n";
    const ENTRIES: &[&str] = &[
        "one", "two", "three", "four", "five", "six", "seven", "eit", "nain", "ten", "ileven",
        "twelf", "threeten", "fourten", "fivten",
    ];
    let folder = TempDir::new().unwrap();
    let writer = Writer::create(folder.path()).unwrap();
    let length = |it: &&str| u16::try_from(it.len()).unwrap().to_be_bytes();
    let entries: Vec<u8> = ENTRIES
        .iter()
        .flat_map(|it| [&length(it)[..], it.as_bytes()].concat())
        .collect();
    let hashes: Vec<Hash> = ENTRIES.iter().map(|it| leaf(it.as_bytes())).collect();
    writer.checkpoint(AT_15).unwrap();
    writer.entries(0, 15, &entries).unwrap();
    writer.tile(0, 0, 15, hashes.as_flattened()).unwrap();
    let asked = Asked {
        key: Some(KEY.parse().unwrap()),
        kept: vec![AT_7.to_owned()],
        policy: None,
    };
    let report = verify(folder.path(), &asked);
    assert!(report.is_sound(), "{report}");
    assert!(
        report.to_string().contains("only the commitments"),
        "{report}"
    );
    writer
        .entries(0, 15, &[&entries[..entries.len() - 1], b"m"].concat())
        .unwrap();
    assert_eq!(verify(folder.path(), &asked).finding.unwrap().position, 15);
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

const ORIGIN: &str = "example.org/log/ova";

fn public(pair: &Ed25519KeyPair) -> (String, [u8; 4]) {
    let typed = [&[1], pair.public_key().as_ref()].concat();
    let hash = tree::sha256(&[ORIGIN.as_bytes(), b"\n", &typed]);
    let id: String = hash[..4].iter().map(|it| format!("{it:02x}")).collect();
    let key = format!("{ORIGIN}+{id}+{}", BASE64_STANDARD.encode(typed));
    (key, [hash[0], hash[1], hash[2], hash[3]])
}

fn sign(pair: &Ed25519KeyPair, size: usize, root: Hash) -> String {
    let text = format!("{ORIGIN}\n{size}\n{}\n", BASE64_STANDARD.encode(root));
    let signature = pair.sign(text.as_bytes());
    let bytes = [&public(pair).1[..], signature.as_ref()].concat();
    format!("{text}\n— {ORIGIN} {}\n", BASE64_STANDARD.encode(bytes))
}

/// What the event must have as its commitment in the log "ova".
fn commitment(event: &Event) -> Vec<u8> {
    let written = event.encode_to_vec();
    let read = event::Event::read(&written).expect("an event");
    read.due_commitment("ova", &mut vec![]).to_vec()
}

fn personal_hash(event: &Event) -> Vec<u8> {
    let written = event.encode_to_vec();
    let read = event::Event::read(&written).expect("an event");
    read.due_personal_hash().to_vec()
}

fn event(position: u64) -> Event {
    let personal = position.is_multiple_of(3);
    let mut event = Event {
        position,
        event_id: position.to_be_bytes().repeat(2),
        stream: format!("request-{}", position.div_ceil(2)),
        version: 2 - position % 2,
        r#type: "intake.RequestRegistered".to_owned(),
        schema_version: 1,
        recorded_at: 1_767_225_600_000_000 + position,
        occurred_at: -1,
        correlation_id: vec![2; 16],
        command_id: vec![3; 16],
        actor: "citizen".to_owned(),
        subjects: vec!["person:p".to_owned()],
        facts: "İğdır".as_bytes().to_vec(),
        personal: if personal { b"sealed".to_vec() } else { vec![] },
        personal_salt: if personal { vec![7; 16] } else { vec![] },
        salt: vec![9; 16],
        ..Event::default()
    };
    if personal {
        event.personal_hash = personal_hash(&event);
    }
    event.commitment = commitment(&event);
    event
}

fn path(level: u32) -> impl Fn(&(u32, u64, Vec<Hash>)) -> bool {
    move |it| it.0 == level
}

/// A log as its ledger would export it.
fn write(folder: &Path, events: &[Event], sizes: &[usize], pair: &Ed25519KeyPair) -> Vec<String> {
    let writer = Writer::create(folder).unwrap();
    let mut growing = Growing::default();
    let (mut tiles, mut notes) = (vec![], vec![]);
    for (at, event) in (1..).zip(events) {
        growing.push(leaf(&event.commitment), |level, index, hashes| {
            tiles.push((level, index, hashes.to_vec()));
        });
        if sizes.contains(&at) {
            notes.push(sign(pair, at, growing.root()));
        }
    }
    tiles.extend(
        growing
            .partial()
            .map(|(level, index, hashes)| (level, index, hashes.to_vec())),
    );
    for (level, index, hashes) in &tiles {
        writer
            .tile(*level, *index, hashes.len() as u64, hashes.as_flattened())
            .unwrap();
    }
    for (index, events) in (0..).zip(events.chunks(WIDTH)) {
        let width = events.len() as u64;
        let entries: Vec<u8> = events
            .iter()
            .flat_map(|it| [&[0, 32], &it.commitment[..]].concat())
            .collect();
        writer.entries(index, width, &entries).unwrap();
        writer.events(index, width, events).unwrap();
    }
    let expected = bundle::tiles(events.len() as u64).count();
    assert_eq!(
        tiles.len(),
        expected,
        "{}",
        tiles.iter().filter(|it| path(0)(it)).count()
    );
    writer.key(&public(pair).0).unwrap();
    writer.checkpoint(notes.last().unwrap()).unwrap();
    writer.checkpoints(&notes).unwrap();
    let mut whole = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    events
        .iter()
        .for_each(|it| whole.push(it.commitment.clone()));
    for size in &sizes[..sizes.len() - 1] {
        let proof = whole.prove_consistency(events.len() - size);
        let hashes: Vec<Vec<u8>> = proof.as_bytes().chunks(32).map(<[u8]>::to_vec).collect();
        writer.proof(*size as u64, &hashes).unwrap();
    }
    notes
}

fn check(folder: &Path) -> Report {
    verify(folder, &Asked::default())
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// One place after the other, drawn by a fixed seed: bytes, files and events.
#[test]
fn whatever_is_changed_in_a_bundle_is_found() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let events: Vec<Event> = (1..=600).map(event).collect();
    write(at, &events, &[1, 256, 300, 600], &pair(1));
    let report = check(at);
    assert!(report.is_sound(), "{report}");
    let whole = files(at);
    let mut seed = 20_260_101_u64;
    let mut draw = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let names: Vec<&String> = whole.keys().collect();
    for _ in 0..120 {
        let name = names[draw(names.len())];
        let bytes = &whole[name];
        let place = draw(bytes.len());
        let mut spoiled = bytes.clone();
        match draw(4) {
            0 => spoiled[place] ^= 1 << draw(8),
            1 => {
                spoiled.remove(place);
            }
            2 => spoiled.insert(place, 0),
            _ => spoiled.truncate(place),
        }
        // A list may end after any of its checkpoints, and a last line without its end is the same line.
        let listed = name == "checkpoints" && (spoiled.is_empty() || bytes.starts_with(&spoiled));
        if spoiled == *bytes || listed || (name == "key" && spoiled == bytes[..bytes.len() - 1]) {
            continue;
        }
        fs::write(at.join(name), &spoiled).unwrap();
        let report = check(at);
        assert!(!report.is_sound(), "{name}, byte {place}: {report}");
        fs::write(at.join(name), bytes).unwrap();
    }
    for name in names
        .iter()
        .filter(|it| **it != "checkpoints" && !it.starts_with("proofs/"))
    {
        fs::remove_file(at.join(name)).unwrap();
        assert!(!check(at).is_sound(), "without {name}");
        fs::write(at.join(name), &whole[*name]).unwrap();
    }
    assert!(check(at).is_sound());
}

/// A byte that is in no text must not make a file pass for one that is not there: the list may be missing.
#[test]
fn a_list_that_is_no_text_is_not_taken_for_none() {
    let folder = TempDir::new().unwrap();
    let events: Vec<Event> = (1..=3).map(event).collect();
    write(folder.path(), &events, &[2, 3], &pair(1));
    // A proof would tell that its checkpoint is missing.
    fs::remove_dir_all(folder.path().join("proofs")).unwrap();
    let list = folder.path().join("checkpoints");
    let mut bytes = fs::read(&list).unwrap();
    bytes[ORIGIN.len() + 5] |= 0x80;
    fs::write(&list, bytes).unwrap();
    let finding = check(folder.path()).finding.unwrap();
    assert_eq!(finding.position, 2, "{finding}");
}

/// The same by hand, where the position is known.
#[test]
fn the_position_is_named() {
    let whole: Vec<Event> = (1..=600).map(event).collect();
    let found = |spoil: &dyn Fn(&mut Vec<Event>), again: &dyn Fn(&mut Event)| {
        let folder = TempDir::new().unwrap();
        write(folder.path(), &whole, &[1, 256, 300, 600], &pair(1));
        let mut events = whole.clone();
        spoil(&mut events);
        events.iter_mut().for_each(again);
        let files = Writer::create(&folder.path().join("new")).unwrap();
        for (index, events) in (0..).zip(events.chunks(WIDTH)) {
            files.events(index, events.len() as u64, events).unwrap();
        }
        fs::remove_dir_all(folder.path().join("events")).unwrap();
        fs::rename(
            folder.path().join("new/events"),
            folder.path().join("events"),
        )
        .unwrap();
        let report = check(folder.path());
        let last = report
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned();
        assert_eq!(report.finding.as_ref().map(ToString::to_string), Some(last));
        report.finding.unwrap().position
    };
    let as_it_is = |_: &mut Event| {};
    let committed = |it: &mut Event| it.commitment = commitment(it);
    assert_eq!(found(&|it| it[299].facts.push(0), &as_it_is), 300);
    // Whoever knows how commitments are made still has the tile against them.
    assert_eq!(found(&|it| it[299].facts.push(0), &committed), 300);
    assert_eq!(found(&|it| it[599].actor.push('x'), &committed), 600);
    assert_eq!(found(&|it| it[98].personal.clear(), &as_it_is), 99);
    let erased = |it: &mut Vec<Event>| {
        it[98].personal.clear();
        it[98].personal_salt.clear();
    };
    assert_eq!(found(&erased, &as_it_is), 99);
    assert_eq!(found(&|it| drop(it.remove(7)), &as_it_is), 8);
    assert_eq!(found(&|it| it.swap(3, 400), &as_it_is), 4);
    assert_eq!(found(&|it| it[500] = it[20].clone(), &as_it_is), 501);
    assert_eq!(found(&|it| it.truncate(255), &as_it_is), 1);
}

#[test]
fn only_a_kept_checkpoint_tells_of_a_fork_or_a_rollback() {
    let events: Vec<Event> = (1..=600).map(event).collect();
    let honest = TempDir::new().unwrap();
    let notes = write(honest.path(), &events, &[1, 256, 300, 600], &pair(1));
    let kept = |note: &str| Asked {
        key: Some(public(&pair(1)).0.parse().unwrap()),
        kept: vec![note.to_owned()],
        policy: None,
    };
    assert!(verify(honest.path(), &kept(&notes[2])).is_sound());

    let forked = TempDir::new().unwrap();
    let mut others = events.clone();
    others[270].facts.push(1);
    others[270].commitment = commitment(&others[270]);
    write(forked.path(), &others, &[1, 256, 300, 600], &pair(1));
    let report = check(forked.path());
    assert!(
        report.is_sound() && report.to_string().contains("rewritten as a whole"),
        "{report}"
    );
    // What was kept of 256 still holds; what was kept of 300 does not.
    assert!(verify(forked.path(), &kept(&notes[1])).is_sound());
    let finding = verify(forked.path(), &kept(&notes[2])).finding.unwrap();
    assert_eq!(finding.position, 257, "{finding}");

    let back = TempDir::new().unwrap();
    write(back.path(), &events[..280], &[1, 256, 280], &pair(1));
    assert!(verify(back.path(), &kept(&notes[1])).is_sound());
    let finding = verify(back.path(), &kept(&notes[3])).finding.unwrap();
    assert!(
        finding.position == 281 && finding.problem.contains("is missing"),
        "{finding}"
    );

    // Signed by somebody else altogether.
    let strange = TempDir::new().unwrap();
    write(strange.path(), &events, &[600], &pair(2));
    assert!(
        check(strange.path()).is_sound(),
        "it agrees with itself, as the report says"
    );
    assert!(!verify(strange.path(), &kept(&notes[0])).is_sound());
}

#[test]
fn a_receipt_holds_for_its_event_and_its_key() {
    let events: Vec<Event> = (1..=600).map(event).collect();
    let mut whole = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    events
        .iter()
        .for_each(|it| whole.push(it.commitment.clone()));
    let root: Hash = whole.root().as_bytes().as_slice().try_into().unwrap();
    let receipt = |event: &Event, index: usize| {
        let extra = ReceiptExtra {
            event: Some(Event {
                personal: vec![],
                personal_salt: vec![],
                ..event.clone()
            }),
            verifier_key: public(&pair(1)).0,
        };
        let extra = BASE64_STANDARD.encode(extra.encode_to_vec());
        let proof = whole.prove_inclusion(index);
        let hashes = proof
            .as_bytes()
            .chunks(32)
            .map(|it| BASE64_STANDARD.encode(it) + "\n");
        let hashes: String = hashes.collect();
        let note = sign(&pair(1), 600, root);
        format!("c2sp.org/tlog-proof@v1\nextra {extra}\nindex {index}\n{hashes}\n{note}")
    };
    let good = receipt(&events[299], 299);
    assert!(is_receipt(&good) && !is_receipt("x"));
    let shown = receipt_event(&good).map(|it| it.position);
    assert_eq!((shown, receipt_event("x")), (Some(300), None));
    let report = verify_receipt(&good, &Asked::default());
    assert!(
        report.is_sound() && report.to_string().contains("request-150"),
        "{report}"
    );
    let own: Key = public(&pair(1)).0.parse().unwrap();
    let other: Key = public(&pair(2)).0.parse().unwrap();
    let with = |key: Key| Asked {
        key: Some(key),
        ..Asked::default()
    };
    assert!(verify_receipt(&good, &with(own)).is_sound());
    assert!(!verify_receipt(&good, &with(other)).is_sound());
    let mut changed = events[299].clone();
    changed.facts.push(1);
    assert_eq!(
        verify_receipt(&receipt(&changed, 299), &Asked::default())
            .finding
            .unwrap()
            .position,
        300
    );
    assert!(!verify_receipt(&receipt(&events[300], 299), &Asked::default()).is_sound());
    for at in (0..good.len())
        .step_by(7)
        .filter(|it| good.is_char_boundary(*it))
    {
        let mut spoiled = good.clone().into_bytes();
        spoiled[at] ^= 4;
        if let Ok(spoiled) = String::from_utf8(spoiled) {
            assert!(
                !verify_receipt(&spoiled, &Asked::default()).is_sound(),
                "byte {at}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 16, ..ProptestConfig::default() })]

    /// Two implementations of one tree.
    #[test]
    fn our_tree_is_that_of_ct_merkle(count in 0..1_200_usize) {
        let mut ours = Growing::default();
        let mut theirs = MemoryBackedTree::<Sha256, [u8; 8]>::new();
        for at in 0..count {
            ours.push(leaf(&at.to_be_bytes()), |_, _, _| {});
            theirs.push(at.to_be_bytes());
        }
        let root = theirs.root();
        prop_assert_eq!(&ours.root()[..], root.as_bytes().as_slice());
        prop_assert_eq!(ours.size(), theirs.len());
    }
}
