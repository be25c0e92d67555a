//! A report as a table for people.

use std::fmt::Write as _;

use contracts::analytics::v1::{Count, GetReportReply};
use vocabulary::{Channel, Language, RequestState, SubResult};

/// The report as text: a title, and a block for each dimension that has anything to say.
pub(super) fn text(reply: &GetReportReply, language: Language) -> String {
    let say = |tr: &'static str, en: &'static str| match language {
        Language::Tr => tr,
        Language::En => en,
    };
    let mut text = String::new();
    let mut line = |it: String| {
        text.push_str(&it);
        text.push('\n');
    };
    line(format!(
        "{}: {} – {} ({})",
        say("Rapor", "Report"),
        reply.from,
        reply.to,
        reply.time_zone
    ));
    line(format!(
        "{}: {}",
        say("Kayıt konumu", "Cut-off position"),
        reply.cut_off
    ));
    line(String::new());
    let contacts = reply.contacts.clone().unwrap_or_default();
    line(format!(
        "{}: {}",
        say("Temaslar", "Contacts"),
        contacts.total
    ));
    let requests = reply.requests.clone().unwrap_or_default();
    let imported = say("içe aktarılan", "imported");
    line(format!(
        "{}: {} ({imported}: {})",
        say("Başvurular", "Requests"),
        requests.total,
        requests.imported
    ));

    let unknown = say("(bilinmiyor)", "(unknown)");
    let blocks = [
        (
            say("Temaslar – kanal", "Contacts by channel"),
            &contacts.by_channel,
            unknown,
        ),
        (
            say("Temaslar – gün", "Contacts by day"),
            &contacts.by_day,
            unknown,
        ),
        (
            say("Başvurular – durum", "Requests by state"),
            &requests.by_state,
            unknown,
        ),
        (
            say("Başvurular – alt sonuç", "Requests by sub-result"),
            &requests.by_sub_result,
            unknown,
        ),
        (
            say("Başvurular – kanal", "Requests by channel"),
            &requests.by_channel,
            unknown,
        ),
        (
            say("Başvurular – birim", "Requests by unit"),
            &requests.by_unit,
            say("(henüz yönlendirilmedi)", "(not yet routed)"),
        ),
        (
            say("Başvurular – konu", "Requests by topic"),
            &requests.by_topic,
            unknown,
        ),
        (
            say("Başvurular – ilçe", "Requests by district"),
            &requests.by_district,
            unknown,
        ),
        (
            say("Başvurular – gün", "Requests by day"),
            &requests.by_day,
            unknown,
        ),
        (
            say("Kaynaktaki kurum", "Agency at the source"),
            &requests.by_source_agency,
            unknown,
        ),
        (
            say("Kaynaktaki durum", "Status at the source"),
            &requests.by_source_status,
            unknown,
        ),
    ];
    for (title, counts, empty) in blocks {
        block(&mut text, title, counts, language, empty);
    }
    text
}

fn block(text: &mut String, title: &str, counts: &[Count], language: Language, empty: &str) {
    if counts.is_empty() {
        return;
    }
    let rows: Vec<(String, u64)> = counts
        .iter()
        .map(|it| (label(it, language, empty), it.count))
        .collect();
    let width = rows
        .iter()
        .map(|(label, _)| label.chars().count())
        .max()
        .unwrap_or(0);
    let digits = rows
        .iter()
        .map(|(_, count)| count.to_string().len())
        .max()
        .unwrap_or(0);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n{title}");
    for (label, count) in rows {
        let _ = writeln!(text, "  {label:width$}  {count:>digits$}");
    }
}

/// The name of a key: as the report says it, or as the word it is; else the key itself.
fn label(count: &Count, language: Language, empty: &str) -> String {
    let name = match language {
        Language::Tr => &count.name_tr,
        Language::En => &count.name_en,
    };
    let key = count.key.as_str();
    if !name.is_empty() {
        return name.clone();
    }
    let word = None
        .or_else(|| {
            key.parse::<RequestState>()
                .ok()
                .map(|it| it.label(language))
        })
        .or_else(|| key.parse::<Channel>().ok().map(|it| it.label(language)))
        .or_else(|| key.parse::<SubResult>().ok().map(|it| it.label(language)));
    match word {
        Some(word) => word.to_owned(),
        None if key.is_empty() => empty.to_owned(),
        None => key.to_owned(),
    }
}
