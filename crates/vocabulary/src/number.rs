use std::{fmt, str::FromStr};

use crate::NotAWord;

/// A request's number, and its identity everywhere: `2026-48120937-8` is the year, eight digits that follow no order, and
/// an ISO 7064 MOD 11,10 check digit, so that one mistyped digit or two swapped neighbours never reach another request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestNumber(String);

impl RequestNumber {
    /// The number of a year (1000–9999) and eight digits (0–99,999,999); larger inputs wrap.
    #[must_use]
    pub fn new(year: u16, digits: u32) -> Self {
        let body = format!("{:04}{:08}", year % 10_000, digits % 100_000_000);
        let check = check_digit(&body);
        Self(format!("{}-{}-{check}", &body[..4], &body[4..]))
    }

    /// The number as text, with its hyphens.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequestNumber {
    type Err = NotAWord;

    /// Takes what people type: spaces and hyphens anywhere.
    fn from_str(text: &str) -> Result<Self, NotAWord> {
        let digits: String = text.chars().filter(|it| !matches!(it, ' ' | '-')).collect();
        if digits.len() != 13 || !digits.bytes().all(|it| it.is_ascii_digit()) {
            return Err(NotAWord(
                "a request number has 13 digits, like 2026-48120937-8",
            ));
        }
        let (body, check) = digits.split_at(12);
        if check_digit(body).to_string() != check {
            return Err(NotAWord(
                "this request number is mistyped: its last digit does not fit the others",
            ));
        }
        Ok(Self(format!("{}-{}-{check}", &body[..4], &body[4..])))
    }
}

impl fmt::Display for RequestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// ISO 7064 MOD 11,10 over decimal digits.
fn check_digit(body: &str) -> u32 {
    let product = body.bytes().fold(10, |product, digit| {
        let sum = (u32::from(digit - b'0') + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of ISO 7064: 0794 gets the check digit 5.
    #[test]
    fn the_check_digit_is_that_of_the_standard() {
        assert_eq!(check_digit("0794"), 5);
    }

    #[test]
    fn people_may_leave_out_the_hyphens() {
        let number = RequestNumber::new(2026, 48_120_937);
        let bare = number.as_str().replace('-', "");
        assert_eq!(bare.parse(), Ok(number.clone()));
        assert_eq!(number.as_str().parse(), Ok(number));
    }

    #[test]
    fn one_wrong_digit_is_always_noticed() {
        for digits in [0, 1, 48_120_937, 99_999_999] {
            let number = RequestNumber::new(2026, digits).to_string();
            for (at, was) in number.char_indices().filter(|(_, it)| it.is_ascii_digit()) {
                for other in ('0'..='9').filter(|it| *it != was) {
                    let mut mistyped = number.clone();
                    mistyped.replace_range(at..=at, &other.to_string());
                    assert!(mistyped.parse::<RequestNumber>().is_err(), "{mistyped}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in ["", "2026", "2026-4812093a-5", "２０２６-48120937-5"] {
            assert!(bad.parse::<RequestNumber>().is_err(), "{bad}");
        }
    }
}
