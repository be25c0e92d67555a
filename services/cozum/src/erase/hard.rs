//! Which events are meant, and what became of them.

use std::collections::BTreeSet;

use anyhow::Context as _;
use contracts::intake::v1::EraseEventsReply;
use vocabulary::Language;

/// What one order takes.
const MOST: u64 = 10_000;

/// "17,20-23" as positions that rise.
pub(super) fn positions(text: &str) -> anyhow::Result<Vec<u64>> {
    let mut positions = BTreeSet::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |it: &str| it.trim().parse::<u64>().ok().filter(|it| *it > 0);
        let (first, last) = number(first)
            .zip(number(last))
            .filter(|(first, last)| first <= last && last - first < MOST)
            .with_context(|| format!("--positions: {part:?} is not like 17 or 20-23"))?;
        positions.extend(first..=last);
    }
    let count = positions.len() as u64;
    anyhow::ensure!(count <= MOST, "--positions: {count} are more than {MOST}");
    Ok(positions.into_iter().collect())
}

pub(super) fn told(reply: &EraseEventsReply, dry_run: bool, language: Language) -> String {
    let list: Vec<String> = reply.erased.iter().map(|it| format!("#{it}")).collect();
    let list = list.join(" ");
    let position = reply.position;
    match (list.is_empty(), dry_run, language) {
        (true, _, Language::Tr) => "bu olayların kişisel kısmı yok\n".to_owned(),
        (true, _, Language::En) => "none of these events has a personal part\n".to_owned(),
        (false, true, Language::Tr) => format!("kayıttan çıkarılacak: {list}\n"),
        (false, true, Language::En) => format!("to be taken out of the log: {list}\n"),
        (false, false, Language::Tr) => format!("#{position}  kayıttan çıkarıldı: {list}\n"),
        (false, false, Language::En) => format!("#{position}  taken out of the log: {list}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_they_are_written() {
        assert_eq!(positions("17").unwrap(), [17]);
        assert_eq!(positions("20-23,17, 21").unwrap(), [17, 20, 21, 22, 23]);
        for bad in [
            "",
            "0",
            "a",
            "3-2",
            "1-",
            "-3",
            "1,,2",
            "1-10001",
            "1-9999,20000-20010",
        ] {
            assert!(positions(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn both_languages_tell_what_was_taken_out() {
        let reply = EraseEventsReply {
            position: 9,
            erased: vec![3, 4],
        };
        for language in [Language::Tr, Language::En] {
            let done = told(&reply, false, language);
            assert!(done.starts_with("#9  ") && done.contains("#3 #4"), "{done}");
            let before = told(&reply, true, language);
            assert!(
                !before.contains("#9") && before.contains("#3 #4"),
                "{before}"
            );
            let none = told(&EraseEventsReply::default(), false, language);
            assert!(!none.contains('#'), "{none}");
        }
    }
}
