use proptest::prelude::*;

use super::*;

const EVENT: Uuid = Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0001);

fn bozkoy() -> Municipality {
    "bozkoy".parse().unwrap()
}

fn key() -> SealingKey {
    SealingKey::new(std::array::from_fn(|at| u8::try_from(at).unwrap()))
}

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|it| u8::from_str_radix(std::str::from_utf8(it).unwrap(), 16).unwrap())
        .collect()
}

/// RFC 8452, appendix C.2.
#[test]
fn the_cipher_is_that_of_the_standard() {
    let mut key = [0; 32];
    key[0] = 1;
    let mut nonce = [0; NONCE];
    nonce[0] = 3;
    let plain = hex("0100000000000000");
    let sealed = SealingKey::new(key).seal_with(nonce, b"", &plain).unwrap();
    assert_eq!(
        sealed,
        hex("c2ef328e5c71c83b843122130f7364b761e0b97427e3df28")
    );
}

/// Computed by Python's `cryptography` 48: the stored form is readable by others, and stays as it is.
#[test]
fn the_stored_form_never_changes() {
    let place = Place {
        municipality: &bozkoy(),
        event: EVENT,
        field: "description",
    };
    let text = "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ";
    let nonce = std::array::from_fn(|at| u8::try_from(at).unwrap() + 100);
    let ciphertext = hex(
        "1578203b7a35c40832f7e7c45871af953c3524d01b8c3349b40b4f25194a7302ce683d6bef361c32648f5c3d58d78daa0eb9d82801925c3c51420e473728752dc390668e",
    );
    assert_eq!(
        key()
            .seal_with(nonce, &place.associated_data(), text.as_bytes())
            .unwrap(),
        ciphertext
    );

    let sealed = Sealed {
        subject: Subject::person(EVENT),
        nonce,
        ciphertext,
    };
    assert_eq!(open(&key(), &place, &sealed).unwrap().reveal(), text);
}

#[test]
fn the_same_text_never_looks_the_same() {
    let place = Place {
        municipality: &bozkoy(),
        event: EVENT,
        field: "name",
    };
    let text = Plain::from("Ayşe".to_owned());
    let subject = Subject::person(EVENT);
    let one = seal(&key(), &subject, &place, &text).unwrap();
    let other = seal(&key(), &subject, &place, &text).unwrap();
    assert_ne!(one.nonce, other.nonce);
    assert_ne!(one.ciphertext, other.ciphertext);
}

#[test]
fn a_moved_value_does_not_open() {
    let subject = Subject::person(EVENT);
    let ankara: Municipality = "ankara".parse().unwrap();
    let bozkoy = bozkoy();
    let here = Place {
        municipality: &bozkoy,
        event: EVENT,
        field: "name",
    };
    let sealed = seal(&key(), &subject, &here, &Plain::from("Ayşe".to_owned())).unwrap();
    assert!(open(&key(), &here, &sealed).is_ok());

    for elsewhere in [
        Place {
            municipality: &ankara,
            ..here
        },
        Place {
            event: Uuid::from_u128(2),
            ..here
        },
        Place {
            field: "email",
            ..here
        },
    ] {
        assert_eq!(
            open(&key(), &elsewhere, &sealed),
            Err(SealError::DoesNotOpen)
        );
    }
    assert_eq!(
        open(&SealingKey::new([9; 32]), &here, &sealed),
        Err(SealError::DoesNotOpen)
    );
}

proptest! {
    #[test]
    fn any_text_comes_back_unchanged(text in ".*", field in "[a-z_]{1,20}", event in any::<u128>()) {
        let bozkoy = bozkoy();
        let place = Place { municipality: &bozkoy, event: Uuid::from_u128(event), field: &field };
        let sealed = seal(&key(), &Subject::person(EVENT), &place, &Plain::from(text.clone())).unwrap();
        let opened = open(&key(), &place, &sealed).unwrap();
        prop_assert_eq!(opened.reveal(), text);
    }

    #[test]
    fn one_changed_bit_does_not_open(text in ".{0,50}", bit in any::<prop::sample::Index>()) {
        let bozkoy = bozkoy();
        let place = Place { municipality: &bozkoy, event: EVENT, field: "note" };
        let mut sealed = seal(&key(), &Subject::person(EVENT), &place, &Plain::from(text)).unwrap();
        let bit = bit.index(sealed.ciphertext.len() * 8);
        sealed.ciphertext[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(open(&key(), &place, &sealed), Err(SealError::DoesNotOpen));
    }
}
