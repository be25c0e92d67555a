//! What of a citizen's words is published: all of it but the ways to reach or to identify somebody that stand in it. People
//! write their own number into a complaint about a pothole; it is for the unit, and not for everybody.

use std::borrow::Cow;

/// Stands for what is left out.
const LEFT_OUT: &str = "[…]";

/// The text without e-mail addresses, telephone numbers, identity numbers and account numbers.
pub(super) fn published(text: &str) -> Cow<'_, str> {
    let found = contacts(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end) in found {
        shown.push_str(&text[from..start]);
        shown.push_str(LEFT_OUT);
        from = end;
    }
    shown.push_str(&text[from..]);
    Cow::Owned(shown)
}

/// Where such things stand, in bytes and in order.
fn contacts(text: &str) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = vec![];
    let mut at = 0;
    let begins = |it: char| it == '@' || it == '+' || it.is_ascii_digit();
    while let Some(start) = text[at..].find(begins).map(|it| at + it) {
        if text[start..].starts_with('@') {
            let address = address(text, start);
            // A number that was the beginning of an address is part of it.
            found.retain(|(_, end)| address.is_none_or(|(from, _)| *end <= from));
            found.extend(address);
            at = address.map_or(start + 1, |(_, to)| to);
        } else {
            let (length, tells) = number(&text[start..]);
            found.extend(tells.then_some((start, start + length)));
            at = start + length.max(1);
        }
    }
    found
}

/// An e-mail address around its `@`.
fn address(text: &str, at: usize) -> Option<(usize, usize)> {
    let fits = |it: char| it.is_alphanumeric() || "._%+-".contains(it);
    let from = text[..at]
        .char_indices()
        .rev()
        .take_while(|(_, it)| fits(*it))
        .last()?
        .0;
    let host = text[at + 1..].split(|it| !fits(it)).next()?;
    let host = host.trim_end_matches(|it: char| !it.is_alphanumeric());
    host.contains('.').then_some((from, at + 1 + host.len()))
}

/// How long the digits at the beginning are, with what stands between them, and whether they reach or identify somebody.
fn number(text: &str) -> (usize, bool) {
    let mut groups: Vec<(usize, &str)> = vec![];
    let mut at = usize::from(text.starts_with('+'));
    loop {
        let digits = text[at..].len()
            - text[at..]
                .trim_start_matches(|it: char| it.is_ascii_digit())
                .len();
        if digits == 0 {
            break;
        }
        at += digits;
        groups.push((at, &text[at - digits..at]));
        let gap = text[at..].len()
            - text[at..]
                .trim_start_matches([' ', '-', '.', '(', ')', '/'])
                .len();
        if !(1..=2).contains(&gap) {
            break;
        }
        at += gap;
    }
    // The longest beginning of the groups that is one; what follows it may be a house number.
    let all: Vec<&str> = groups.iter().map(|(_, digits)| *digits).collect();
    for count in (1..=groups.len()).rev() {
        if is_telephone(&all[..count]) || is_account(&all[..count]) {
            return (groups[count - 1].0, true);
        }
    }
    (groups.first().map_or(at, |(end, _)| *end), false)
}

/// A Turkish number as people write it: 0532 123 45 67, (312) 1234567, +90 532 123 4567.
fn is_telephone(groups: &[&str]) -> bool {
    let digits = groups.concat();
    let national = match digits.as_bytes() {
        [b'0', b'0', b'9', b'0', rest @ ..] | [b'9', b'0', rest @ ..] if rest.len() == 10 => rest,
        [b'0', rest @ ..] if rest.len() == 10 => rest,
        all => all,
    };
    let prefix = digits.len() - national.len();
    let mut end = 0;
    let ends: Vec<usize> = groups
        .iter()
        .map(|it| {
            end += it.len();
            end
        })
        .collect();
    // The area code stands apart, or nothing does: "22.11.2026 14" is a date.
    let apart =
        groups.len() == 1 || ends.contains(&(prefix + 3)) || ends[..] == [prefix, prefix + 10];
    apart && national.len() == 10 && (b'2'..=b'5').contains(&national[0])
}

/// Eleven digits and more in one piece (identity numbers, cards), or cards in fours.
fn is_account(groups: &[&str]) -> bool {
    match groups {
        [one] => one.len() >= 11,
        several => several.len() == 4 && several.iter().all(|it| it.len() == 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_be_reached_by_what_is_published() {
        for (text, shown) in [
            (
                "Arayın: 0532 123 45 67, teşekkürler",
                "Arayın: […], teşekkürler",
            ),
            ("tel 05321234567.", "tel […]."),
            ("+90 (312) 123 45 67", "[…]"),
            ("+905321234567", "[…]"),
            ("532 1234567 numaradan", "[…] numaradan"),
            ("yaz: ayse.oz@ornek.com.tr!", "yaz: […]!"),
            ("a05321234567@x.com", "[…]"),
            ("TC 12345678901", "TC […]"),
            ("kart 1234 5678 9012 3456 ile", "kart […] ile"),
        ] {
            assert_eq!(published(text), shown, "{text}");
        }
    }

    #[test]
    fn places_dates_and_sizes_stay() {
        for text in [
            "22.11.2026 14:30'dan beri, 2026-11-22 14:30",
            "No: 5/12, 06420 Çankaya, 3.500 TL, 25 cm",
            "2026-48120937-8 numaralı başvuru",
            "39.9234, 32.8541",
            "Sokak 1234/5 @ köşe, 153'ü aradım, 444 0 153",
            "",
            "+",
            "@",
        ] {
            assert_eq!(published(text), text);
        }
    }
}
