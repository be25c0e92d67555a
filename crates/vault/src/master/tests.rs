use super::*;

fn written(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    (folder, path)
}

fn bytes() -> [u8; 32] {
    std::array::from_fn(|at| u8::try_from(at * 8 % 256).unwrap())
}

#[test]
fn hexadecimal_and_base64_give_the_same_key() {
    for text in [
        "0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8\n",
        "0008101820283038404850586068707880889098A0A8B0B8C0C8D0D8E0E8F0F8",
        "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg=\n",
        "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg",
    ] {
        let (_folder, path) = written(text, 0o600);
        assert_eq!(
            MasterKeys::read(&path).unwrap().newest().0.bytes(),
            &bytes(),
            "{text}"
        );
    }
}

#[test]
fn what_is_not_32_bytes_is_refused() {
    for text in [
        "",
        "\n",
        "00",
        &format!("{}\n00", "00".repeat(32)),
        &"0".repeat(63),
        &"0".repeat(65),
        &"g".repeat(64),
        &"A".repeat(44),
        &"/".repeat(43),
    ] {
        let (_folder, path) = written(text, 0o600);
        assert!(
            matches!(MasterKeys::read(&path), Err(MasterKeyError::Malformed(_))),
            "{text}"
        );
    }
}

#[test]
fn a_file_that_everyone_can_read_is_refused() {
    let (_folder, path) = written(&"00".repeat(32), 0o644);
    assert!(matches!(
        MasterKeys::read(&path),
        Err(MasterKeyError::Exposed(_))
    ));
}

#[test]
fn a_missing_file_is_created_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault/master.key");
    assert!(matches!(
        MasterKeys::read(&path),
        Err(MasterKeyError::Unreadable(..))
    ));

    let created = MasterKeys::read_or_create(&path).unwrap();
    let again = MasterKeys::read_or_create(&path).unwrap();
    assert_eq!(created.newest().0.bytes(), again.newest().0.bytes());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

/// Computed by Python's `cryptography` 48.
#[test]
fn derived_keys_never_change() {
    let master = MasterKey::for_tests(std::array::from_fn(|at| u8::try_from(at).unwrap()));
    assert_eq!(
        hexadecimal(master.derive("wrap").bytes()),
        "3a08e70c6e1f1759d4aa97922e0f1bfb1ffce2aa445024d0d1126b8e104cd146"
    );
    assert_ne!(
        master.derive("wrap").bytes(),
        master.derive("tracking").bytes()
    );
}

#[test]
fn a_new_key_is_the_last_line_and_the_others_stay() {
    // Without a line's end, as people write it.
    let (_folder, path) = written(&"07".repeat(32), 0o640);
    MasterKeys::add(&path).unwrap();
    MasterKeys::add(&path).unwrap();
    let keys = MasterKeys::read(&path).unwrap();
    assert_eq!(keys.keys.len(), 3);
    assert_eq!(keys.keys[0].0.bytes(), &[7; 32]);
    assert_ne!(keys.keys[1].0.bytes(), keys.newest().0.bytes());
    let check = keys.keys[1].check_value();
    let found = keys.checked(&check).unwrap();
    assert_eq!(found.0.bytes(), keys.keys[1].0.bytes());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
}
