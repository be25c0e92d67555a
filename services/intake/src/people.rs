//! What makes an e-mail address and a telephone number: checked before they are sealed, for afterwards nobody can look.

use vault::Plain;

/// An e-mail address as it can be delivered to: ASCII before the one `@`, a host name after it.
pub(crate) fn email(text: &str) -> Result<Plain, &'static str> {
    const PROBLEM: &str = "is not an e-mail address";
    let text = text.trim_matches(' ');
    if text.len() > 254 {
        return Err("is longer than 254 characters");
    }
    let (user, host) = text.split_once('@').ok_or(PROBLEM)?;
    let is_atom = |it: char| it.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(it);
    let user_is_good = user.len() <= 64
        && user
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(is_atom));
    let is_label = |label: &str| {
        let letters = label.chars().all(|it| it.is_alphanumeric() || it == '-');
        !label.is_empty() && letters && !label.starts_with('-') && !label.ends_with('-')
    };
    let host_is_good = host.split('.').all(is_label) && (host.contains('.') || host == "localhost");
    if user_is_good && host_is_good {
        Ok(Plain::from(text.to_owned()))
    } else {
        Err(PROBLEM)
    }
}

/// A telephone number in E.164, Turkish where no country is given: `0532 123 45 67` is `+905321234567`.
pub(crate) fn phone(text: &str) -> Result<Plain, &'static str> {
    const PROBLEM: &str = "is not a telephone number such as 0532 123 45 67 or +49 30 123456";
    let text = text.trim();
    let (plus, rest) = match text.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut digits = String::with_capacity(16);
    for letter in rest.chars() {
        match letter {
            '0'..='9' => digits.push(letter),
            ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}' => {}
            _ => return Err(PROBLEM),
        }
        if digits.len() > 17 {
            return Err(PROBLEM);
        }
    }
    let international = match digits.strip_prefix("00") {
        _ if plus => digits.clone(),
        Some(rest) => rest.to_owned(),
        None => match digits.strip_prefix('0') {
            Some(national) => format!("90{national}"),
            None if digits.len() == 12 && digits.starts_with("90") => digits.clone(),
            None => format!("90{digits}"),
        },
    };
    let good = match international.strip_prefix("90") {
        Some(national) => national.len() == 10 && !national.starts_with(['0', '1']),
        None => (8..=15).contains(&international.len()) && !international.starts_with('0'),
    };
    if good {
        Ok(Plain::from(format!("+{international}")))
    } else {
        Err(PROBLEM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_can_be_delivered_to() {
        for good in [
            "ayse@example.com",
            "a.b+c@x.com.tr",
            "o'hara@belediye.bel.tr",
            "ana@localhost",
            "a@çankaya.bel.tr",
        ] {
            assert_eq!(email(good).unwrap().reveal(), good);
        }
    }

    #[test]
    fn addresses_that_cannot() {
        let long = format!("{}@example.com", "a".repeat(65));
        let longer = format!("a@{}.com", "b".repeat(254));
        for bad in [
            "",
            "ayse",
            "@example.com",
            "ayse@",
            "ayse@example",
            "a@b@example.com",
            "a b@example.com",
            "a@exam ple.com",
            "a@example.com\r\nBcc: x@example.com",
            "a@example.com\0",
            "<a@example.com>",
            "a@.com",
            "a@example..com",
            "a..b@example.com",
            "a@-example.com",
            "ayşe@example.com",
            &long,
            &longer,
        ] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn turkish_numbers_in_every_spelling() {
        for spelling in [
            "0532 123 45 67",
            "532 123 4567",
            "(0532) 123-45-67",
            "+90 532 123 45 67",
            "+905321234567",
            "00905321234567",
            "905321234567",
            " 0532.123.45.67 ",
        ] {
            assert_eq!(
                phone(spelling).unwrap().reveal(),
                "+905321234567",
                "{spelling}"
            );
        }
        assert_eq!(phone("0312 458 89 00").unwrap().reveal(), "+903124588900");
    }

    #[test]
    fn numbers_from_abroad_name_their_country() {
        assert_eq!(phone("+49 30 123456").unwrap().reveal(), "+4930123456");
        assert_eq!(
            phone("0044 20 7946 0000").unwrap().reveal(),
            "+442079460000"
        );
    }

    #[test]
    fn what_is_no_number() {
        for bad in [
            "",
            "+",
            "153",
            "4588900",
            "0532 123 45 6",
            "0532 123 45 678",
            "+90 532 123 45 6",
            "+0532 123 45 67",
            "+1234567890123456",
            "0532 ABC DE FG",
            "0532 123 45 67 x4",
            "٠٥٣٢١٢٣٤٥٦٧",
            "05+32 123 45 67",
            "90 053 212 345",
        ] {
            assert!(phone(bad).is_err(), "{bad:?}");
        }
    }
}
