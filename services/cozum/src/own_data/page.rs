use std::fmt::Write as _;

use vocabulary::Language;

use super::{Document, Item};
use crate::history::{as_lines, word};

/// The document as a page that needs nothing beside it but its pictures.
pub(super) fn of(document: &Document, language: Language) -> String {
    let say = |tr: &'static str, en: &'static str| match language {
        Language::Tr => tr,
        Language::En => en,
    };
    let title = say("Hakkınızda tutulan veriler", "The data kept about you");
    let explained = say(
        "Kişisel Verilerin Korunması Kanunu’nun 11. maddesine göre çözüm merkezinin hakkınızda tuttuğu her şey. Görevliler bu belgede yalnızca numarayla anılır.",
        "Everything the solution centre keeps about you, by article 11 of the law on the protection of personal data (KVKK). Members of staff are called by numbers in this document.",
    );
    let person = say("Takma adınız (kayıt kimliği)", "Your pseudonym in the log");
    let position = say("Bu belgeye kadar olan kayıtlar", "Recorded up to position");
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<p>{explained}</p>\n<dl><dt>{person}</dt><dd>{}</dd><dt>{position}</dt><dd>{}</dd></dl>\n",
        say("tr", "en"),
        escaped(&document.person),
        document.position,
    );
    for section in &document.sections {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "<h2>{}</h2>", heading(section.name, language));
        if section.entries.is_empty() {
            let _ = writeln!(page, "<p>{}</p>", say("Kayıt yok.", "Nothing is recorded."));
        }
        for item in &section.entries {
            entry(&mut page, item, language);
        }
    }
    page.push_str("</body>\n</html>\n");
    page
}

const STYLE: &str = "body{font-family:sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}\
    article{border-top:1px solid #999;padding:.5rem 0}dl{display:grid;grid-template-columns:14rem 1fr;gap:.2rem 1rem}\
    dt{color:#555}dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}img{max-width:100%}";

fn entry(page: &mut String, item: &Item, language: Language) {
    let say = |tr: &'static str, en: &'static str| match language {
        Language::Tr => tr,
        Language::En => en,
    };
    let erased = say("[silindi]", "[erased]");
    let _ = writeln!(page, "<article>\n<h3>{}</h3>\n<dl>", escaped(&item.what));
    let mut line = |name: &str, value: &str| {
        let (name, value) = (escaped(name), escaped(value));
        let _ = writeln!(page, "<dt>{name}</dt><dd>{value}</dd>");
    };
    line(say("ne zaman", "when"), &item.occurred_at);
    line(say("kim", "by whom"), &item.by);
    for it in &item.texts {
        line(
            field(&it.field, language),
            it.text.as_deref().unwrap_or(erased),
        );
    }
    for (name, value) in as_lines(&item.facts) {
        line(&name, word(&value, language).unwrap_or(&value));
    }
    page.push_str("</dl>\n");
    for file in &item.files {
        let _ = match &file.path {
            Some(path) => writeln!(page, "<p><img src=\"{}\" alt=\"\"></p>", escaped(path)),
            None => writeln!(page, "<p>{}</p>", escaped(erased)),
        };
    }
    page.push_str("</article>\n");
}

fn heading(section: &str, language: Language) -> &str {
    let (tr, en) = match section {
        "person" => (
            "Kimliğiniz ve size ulaşma yolları",
            "Who you are and how to reach you",
        ),
        "contacts" => ("Temaslarınız", "Your contacts"),
        "requests" => (
            "Başvurularınız ve yapılanlar",
            "Your requests and what was done",
        ),
        "told" => ("Size bildirilenler", "What you were told"),
        "looks" => (
            "Verilerinize kim, neden baktı",
            "Who looked at your data, and why",
        ),
        "erasures" => ("Silinenler", "What was erased"),
        "other" => ("Diğer kayıtlar", "Other records"),
        unknown => return unknown,
    };
    match language {
        Language::Tr => tr,
        Language::En => en,
    }
}

/// What people call a personal field.
fn field(name: &str, language: Language) -> &str {
    let (tr, en) = match name {
        "name" => ("ad soyad", "name"),
        "given_name" => ("ad", "given name"),
        "family_name" => ("soyad", "family name"),
        "email" => ("e-posta", "e-mail"),
        "phone" => ("telefon", "phone"),
        "note" => ("not", "note"),
        "description" => ("açıklama", "description"),
        "address" => ("adres", "address"),
        "point" => ("tam yer", "exact place"),
        "media_url" => ("bağlantı", "link"),
        "answers" => ("yanıtlar", "answers"),
        "question" => ("soru", "question"),
        "answer" => ("sonuç", "answer"),
        "text" => ("metin", "text"),
        "" => ("kişisel kısım", "personal part"),
        unknown => return unknown,
    };
    match language {
        Language::Tr => tr,
        Language::En => en,
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
