//! What a witness is asked and says, held against the specifications and against what others' code wrote.

use proptest::prelude::*;

use super::*;

const ORIGIN: &str = "example.com/behind-the-sofa";
const WITNESS: &str = "witness.example.com/w1";
const TIME: u64 = 1_679_315_147;

fn log() -> SigningKey {
    SigningKey::new(ORIGIN, &SEED).unwrap()
}

fn witness() -> SigningKey {
    SigningKey::of_witness(WITNESS, &[7; 32]).unwrap()
}

fn checkpoint(leaves: &[Hash]) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size: leaves.len() as u64,
        root: mth(leaves),
    }
}

fn submission(old: usize, leaves: &[Hash]) -> Submission {
    let proof = match old {
        0 => vec![],
        old => subproof(old, leaves, true),
    };
    Submission {
        old: old as u64,
        proof,
        checkpoint: log().sign(&checkpoint(leaves).to_string()),
    }
}

#[test]
fn the_note_that_the_specification_shows_is_taken() {
    let key: VerifierKey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
        .parse()
        .unwrap();
    let note = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    let note = Note::read(note).unwrap();
    assert_eq!(key.check(&note).unwrap().time, None);
    assert_eq!(note.text, "This is an example message.\n");
    assert_eq!(
        (key.kind(), key.name()),
        (Kind::Signature, "example.com/foo")
    );
}

/// Made by Python's `cryptography` from RFC 8032's first test key, over the text and the time that tlog-cosignature shows.
#[test]
fn a_cosignature_is_the_one_that_others_make() {
    const KEY: &str =
        "witness.example.com/w1+7e6f4aaa+BNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
    const LINE: &str = "fm9KqgAAAABkGFDL+TPmh4BYuAjsYRoqMJCWb/gWJaeRF/kmm5tlCr9sJ57DLErur7K0yDXc2ArN+TIuotuB/HbuL3AJsp3bv/aNCQ==";
    let text =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let key = SigningKey::of_witness(WITNESS, &SEED).unwrap();
    assert_eq!(key.verifier_key(), KEY);
    let line = format!("— {WITNESS} {LINE}\n");
    assert_eq!(key.cosign(text, TIME), line);
    let note = format!("{text}\n{line}");
    let note = Note::read(&note).unwrap();
    let checked = KEY.parse::<VerifierKey>().unwrap().check(&note).unwrap();
    assert_eq!((checked.line, checked.time), (line.as_str(), Some(TIME)));
}

#[test]
fn a_cosignature_is_of_one_text_one_time_and_one_key() {
    let text = checkpoint(&leaves(3)).to_string();
    let (key, line) = (witness().verifier(), witness().cosign(&text, TIME));
    let check = |text: &str, line: &str| {
        let note = format!("{text}\n{line}");
        key.check(&Note::read(&note).unwrap()).map(|it| it.time)
    };
    assert_eq!(check(&text, &line), Ok(Some(TIME)));
    let wrong = Err(NotSigned::Signature);
    assert_eq!(check(&checkpoint(&leaves(4)).to_string(), &line), wrong);
    assert_eq!(check(&text, &witness().cosign(&text, 0)), wrong);
    assert_eq!(check(&text, &witness().cosign(&text, 1 << 63)), wrong);
    // A log's signature is no cosignature, though the secret be the same.
    let log = SigningKey::new(WITNESS, &[7; 32]).unwrap();
    assert_eq!(
        check(&text, log.sign(&text).rsplit_once("\n\n").unwrap().1),
        wrong
    );
    // One good line does not excuse a bad one of the same key.
    let other = witness().cosign("other\n", TIME);
    assert_eq!(check(&text, &format!("{line}{other}")), wrong);
    for at in 0..line.len() {
        let mut bytes = line.clone().into_bytes();
        bytes[at] ^= 1;
        if let Ok(changed) = String::from_utf8(bytes) {
            let note = format!("{text}\n{changed}");
            let taken = Note::read(&note).is_ok_and(|it| key.check(&it).is_ok());
            assert!(!taken, "{changed}");
        }
    }
}

#[test]
fn a_key_is_read_as_it_is_written() {
    for key in [log().verifier(), witness().verifier()] {
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        let text = key.to_string();
        let (name, rest) = text.split_once('+').unwrap();
        for bad in [
            name,
            &format!("{name}x+{rest}"),
            &format!("{name}+{rest}x"),
            &text[1..],
            "",
        ] {
            assert_eq!(bad.parse::<VerifierKey>(), Err(NotSigned::Key), "{bad}");
        }
    }
}

#[test]
fn a_submission_has_the_lines_of_tlog_witness() {
    let example = "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\nexample.com/behind-the-sofa\n20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    let read: Submission = example.parse().unwrap();
    assert_eq!((read.old, read.proof.len()), (20_852_014, 4));
    assert_eq!(
        (read.origin(), read.to_string().as_str()),
        (ORIGIN, example)
    );
    let many = format!(
        "old 1\n{}\na\n",
        format!("{}\n", "A".repeat(43) + "=").repeat(64)
    );
    for bad in [
        "",
        "old 1\n",
        "old 01\n\na\n",
        "old -1\n\na\n",
        "old 1\nAAAA\n\na\n",
        "older 1\n\na\n",
        &many,
    ] {
        assert_eq!(
            bad.parse::<Submission>(),
            Err(NotCosigned::Malformed),
            "{bad}"
        );
    }
}

#[test]
fn a_witness_says_why_it_does_not_cosign() {
    let known = [log().verifier()];
    let all = leaves(9);
    let five = checkpoint(&all[..5]);
    let judged = |it: &Submission| it.judge(&known, Some(&five)).map(|it| it.checkpoint.size);
    assert_eq!(judged(&submission(5, &all)), Ok(9));
    assert_eq!(
        judged(&submission(5, &all[..5])),
        Ok(5),
        "the same once more"
    );
    assert_eq!(judged(&submission(4, &all)), Err(NotCosigned::Stale(5)));
    assert_eq!(judged(&submission(0, &all)), Err(NotCosigned::Stale(5)));
    // A rollback: the old size cannot be right.
    assert_eq!(
        judged(&submission(3, &all[..4])),
        Err(NotCosigned::Stale(5))
    );
    let rolled_back = Submission {
        old: 5,
        ..submission(3, &all[..4])
    };
    assert_eq!(judged(&rolled_back), Err(NotCosigned::Malformed));
    // A fork: another history of the same size, and one that goes on from another.
    let mut forked = all.clone();
    forked[2] = leaf(b"forged");
    assert_eq!(
        judged(&submission(5, &forked[..5])),
        Err(NotCosigned::Inconsistent)
    );
    assert_eq!(
        judged(&submission(5, &forked)),
        Err(NotCosigned::Inconsistent)
    );
    let unproven = Submission {
        proof: vec![],
        ..submission(5, &all)
    };
    assert_eq!(judged(&unproven), Err(NotCosigned::Inconsistent));

    let fresh = |it: &Submission| it.judge(&known, None).map(|it| it.checkpoint.size);
    assert_eq!(fresh(&submission(0, &all)), Ok(9));
    assert_eq!(fresh(&submission(0, &[])), Ok(0));
    let proven = Submission {
        proof: vec![[0; 32]],
        ..submission(0, &all)
    };
    assert_eq!(fresh(&proven), Err(NotCosigned::Inconsistent));
    let empty = Checkpoint {
        size: 0,
        ..five.clone()
    };
    let empty = Submission {
        checkpoint: log().sign(&empty.to_string()),
        ..submission(0, &[])
    };
    assert_eq!(
        fresh(&empty),
        Err(NotCosigned::Inconsistent),
        "the empty tree has one root"
    );
}

#[test]
fn a_witness_takes_the_logs_own_signature_and_no_other() {
    let text = checkpoint(&leaves(2)).to_string();
    let judged = |checkpoint: String, known: &[VerifierKey]| {
        let submission = Submission {
            old: 0,
            proof: vec![],
            checkpoint,
        };
        submission.judge(known, None).map(|it| it.signatures)
    };
    let known = [log().verifier()];
    let own = log().sign(&text);
    let line = own.rsplit_once("\n\n").unwrap().1;
    let stranger = SigningKey::new(ORIGIN, &[9; 32]).unwrap();
    let strange = stranger.sign(&text);
    let strange = strange.rsplit_once("\n\n").unwrap().1;
    assert_eq!(judged(own.clone(), &[]), Err(NotCosigned::UnknownLog));
    assert_eq!(
        judged(own.clone(), &[witness().verifier()]),
        Err(NotCosigned::UnknownLog)
    );
    assert_eq!(
        judged(format!("{text}\n{strange}"), &known),
        Err(NotCosigned::Signature)
    );
    assert_eq!(
        judged(format!("{own}{strange}"), &known),
        Ok(line.to_owned())
    );
    // One of two keys will do; what says to be of a known key and is not spoils all.
    let both = [log().verifier(), stranger.verifier()];
    assert_eq!(judged(own.clone(), &both), Ok(line.to_owned()));
    let broken = log().sign("another\n");
    let broken = broken.rsplit_once("\n\n").unwrap().1;
    assert_eq!(
        judged(format!("{own}{broken}"), &both),
        Err(NotCosigned::Signature)
    );
    assert_eq!(judged(text.clone(), &known), Err(NotCosigned::Malformed));
    // Extension lines are cosigned with the rest.
    let extended = log().sign(&format!("{text}more\n"));
    assert!(judged(extended, &known).is_ok());
}

proptest! {
    #[test]
    fn only_the_proof_of_these_two_trees_is_taken(
        old in 1..200_usize, more in 0..200_usize, flip in any::<prop::sample::Index>(), bit in 0..8_u8
    ) {
        let all = leaves(old + more);
        let proof = subproof(old, &all, true);
        let roots = |proof: &[Hash], before: usize, after: usize| {
            let of = |size: usize| (size as u64, mth(&all[..size]));
            continues(of(before), of(after), proof)
        };
        prop_assert!(roots(&proof, old, old + more));
        let mut forged = all.clone();
        let at = flip.index(old);
        forged[at][0] ^= 1 << bit;
        let before = (old as u64, mth(&all[..old]));
        let rewritten = subproof(old, &forged, true);
        prop_assert!(!continues(before, (forged.len() as u64, mth(&forged)), &rewritten));
        if more > 0 {
            let mut changed = proof.clone();
            let at = flip.index(changed.len());
            changed[at][usize::from(bit)] ^= 1;
            prop_assert!(!roots(&changed, old, old + more));
            prop_assert!(!roots(&proof[1..], old, old + more));
            prop_assert!(!roots(&[&proof[..], &[[0; 32]]].concat(), old, old + more));
        }
    }

    #[test]
    fn nothing_that_is_sent_upsets_a_witness(text in "(old [0-9]{1,3}\n)?([A-Za-z+/=]{0,44}\n){0,3}\n?.{0,80}") {
        if let Ok(read) = text.parse::<Submission>() {
            prop_assert!(read.judge(&[log().verifier()], None).is_err());
        }
    }
}
