//! A report as a table for people.

use std::fmt::Write as _;

use contracts::analytics::v1::{Count, GetReportReply, ServiceStandard, StandardCount};
use jiff::tz::TimeZone;
use vocabulary::{Channel, Language, RequestState, SubResult};

use super::known_at;

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
    if let Some(known) = known_at(reply) {
        let zone = TimeZone::get(&reply.time_zone).unwrap_or(TimeZone::UTC);
        line(format!(
            "{}: {} ({})",
            say("O an bilinenler", "As known at"),
            known.to_zoned(zone).strftime("%F %T"),
            say(
                "olayların gerçekleştiği günlere göre sayıldı",
                "counted by the day on which things occurred"
            )
        ));
    }
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
    text.push_str(&standard(&requests.standard.unwrap_or_default(), language));
    text
}

/// How requests stand to their service standard; nothing where none has one.
fn standard(standard: &ServiceStandard, language: Language) -> String {
    if standard.evaluated + standard.open_due == 0 {
        return String::new();
    }
    let say = |tr: &'static str, en: &'static str| match language {
        Language::Tr => tr,
        Language::En => en,
    };
    let title = say("Hizmet standardı", "Service standard");
    let share = share(standard.breached, standard.evaluated, language);
    let mut text = lines(
        title,
        &[
            (
                say(
                    "Değerlendirilen (süresi belli, sonuçlanmış)",
                    "Evaluated (due and concluded)",
                ),
                standard.evaluated.to_string(),
            ),
            (say("Süresi aşılan", "Breached"), share),
            (
                say(
                    "Süresi belirtilmeden sonuçlanan",
                    "Concluded without a due date",
                ),
                standard.without_due.to_string(),
            ),
            (
                say(
                    "Süresi belli, henüz sonuçlanmamış",
                    "Due and not concluded yet",
                ),
                standard.open_due.to_string(),
            ),
        ],
    );
    let counts = say("aşılan / değerlendirilen", "breached / evaluated");
    for (dimension, judged) in [
        (say("birim", "unit"), &standard.by_unit),
        (say("konu", "topic"), &standard.by_topic),
        (
            say("kaynaktaki kurum", "agency at the source"),
            &standard.by_source_agency,
        ),
    ] {
        let title = format!("{title} – {dimension} ({counts})");
        let rows: Vec<(String, String)> = judged
            .iter()
            .filter(|it| it.evaluated > 0)
            .map(|it| (judged_label(it, language), share_of(it, language)))
            .collect();
        if !rows.is_empty() {
            text.push_str(&lines(&title, &rows));
        }
    }
    text
}

fn judged_label(judged: &StandardCount, language: Language) -> String {
    let count = Count {
        key: judged.key.clone(),
        name_tr: judged.name_tr.clone(),
        name_en: judged.name_en.clone(),
        count: judged.evaluated,
    };
    label(&count, language, "–")
}

fn share_of(judged: &StandardCount, language: Language) -> String {
    share(judged.breached, judged.evaluated, language)
}

/// A share with both its counts: "1567 / 9555 (%16,4)".
fn share(part: u64, whole: u64, language: Language) -> String {
    if whole == 0 {
        return format!("{part} / {whole}");
    }
    let tenths = (part * 1_000 + whole / 2) / whole;
    let (whole_percent, tenth) = (tenths / 10, tenths % 10);
    match language {
        Language::Tr => format!("{part} / {whole} (%{whole_percent},{tenth})"),
        Language::En => format!("{part} / {whole} ({whole_percent}.{tenth}%)"),
    }
}

/// A title, and labels with what stands beside them.
fn lines<L: AsRef<str>>(title: &str, rows: &[(L, String)]) -> String {
    let labels = rows.iter().map(|(label, _)| label.as_ref().chars().count());
    let width = labels.max().unwrap_or(0);
    let mut text = format!("\n{title}\n");
    for (label, value) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:width$}  {value}", label.as_ref());
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
