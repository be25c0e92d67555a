//! The form's fields, what was typed into them, and what is wrong with it.

use std::mem;

use contracts::{
    intake::v1::{Citizen, File, RegisterRequestRequest},
    vocabulary::v1::{Attribute, Place},
};
use tonic::Status;
use uuid::Uuid;
use vocabulary::{Channel, Language};

use crate::{
    notices,
    params::Params,
    questions::{self, answers, field_behind, number},
    register::KnownPlace,
    text::Words,
};

/// Characters of a description at most.
const DESCRIPTION: usize = 4_000;

/// Pictures of a request at most, and the megabytes of each.
const PICTURES: usize = 3;
const MEGABYTES: usize = 10;

/// A field's name, how browsers may fill it in, the keyboard that a phone shows, and its characters at most.
type Line = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    usize,
);

/// The one-line fields in the form's order; the first five say where, the others who.
const LINES: [Line; 8] = [
    ("district", "text", "off", "text", 100),
    ("neighbourhood", "text", "off", "text", 100),
    // Intake takes 500: the two above may have to stand in it as well.
    ("address", "text", "off", "text", 290),
    ("latitude", "text", "off", "decimal", 20),
    ("longitude", "text", "off", "decimal", 20),
    ("name", "text", "name", "text", 200),
    ("email", "email", "email", "email", 254),
    ("phone", "tel", "tel", "tel", 40),
];

/// One line of the form.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) kind: &'static str,
    pub(super) autocomplete: &'static str,
    pub(super) inputmode: &'static str,
    pub(super) limit: usize,
    pub(super) value: String,
    pub(super) error: String,
}

/// What is wrong with a field, for the person who filled it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) field: String,
    pub(super) message: String,
}

/// What somebody typed.
pub(super) struct Typed {
    params: Params,
    pictures: Vec<Vec<u8>>,
    /// As many as came along.
    sent_pictures: usize,
    words: Words,
    pub(super) mistakes: Vec<Mistake>,
}

impl Typed {
    /// Nothing so far, or what came back.
    pub(super) fn new(params: Params, pictures: Vec<Vec<u8>>, words: Words) -> Self {
        Self {
            params,
            sent_pictures: pictures.len(),
            pictures,
            words,
            mistakes: vec![],
        }
    }

    pub(super) fn params(&self) -> &Params {
        &self.params
    }

    /// How many pictures came along.
    pub(super) fn pictures(&self) -> usize {
        self.sent_pictures
    }

    pub(super) fn value(&self, name: &str) -> &str {
        self.params.get(name)
    }

    /// What a page shows again: nothing of what is longer than its field.
    pub(super) fn shown(&self, name: &str) -> &str {
        let value = self.value(name);
        if is_longer(value, limit_of(name)) {
            ""
        } else {
            value
        }
    }

    /// What is wrong with a field, or nothing.
    pub(super) fn error(&self, name: &str) -> &str {
        self.mistakes
            .iter()
            .find(|it| it.field == name)
            .map_or("", |it| &it.message)
    }

    /// The one-line fields, in the form's order.
    pub(super) fn fields(&self) -> Vec<Field> {
        let field = |(name, kind, autocomplete, inputmode, limit): Line| Field {
            name,
            label: self.words.get(name),
            hint: self.words.get(&format!("{name}-hint")),
            kind,
            autocomplete,
            inputmode,
            limit,
            value: self.shown(name).to_owned(),
            error: self.error(name).to_owned(),
        };
        LINES.map(field).into()
    }

    /// The language the citizen is to be answered in: the one chosen, else the page's.
    pub(super) fn language(&self) -> Language {
        self.value("language").parse().unwrap_or(self.words.0)
    }

    /// What is wrong with a field, said by a text's key.
    pub(super) fn refuse(&mut self, field: &str, key: &str) {
        self.mistakes.push(Mistake {
            field: field.to_owned(),
            message: self.words.get(key),
        });
    }

    /// The fields that intake refuses. Its words are English; a Turkish page says only that.
    pub(super) fn refuse_as(&mut self, status: &Status, attributes: &[Attribute]) {
        let sent = answers(attributes, &self.params);
        for (field, problem) in chassis::violations(status) {
            if field == "notice_version" {
                self.refuse("notice", "error-notice");
                continue;
            }
            if let Some(place) = picture_of(&field) {
                self.refuse_picture(place, "error-photo");
                continue;
            }
            let field =
                field_behind(&field, &sent).unwrap_or_else(|| line_behind(&field).to_owned());
            let message = match self.words.0 {
                Language::Tr => self.words.get("error-refused"),
                Language::En => problem,
            };
            self.mistakes.push(Mistake { field, message });
        }
    }

    /// Nothing was kept of any picture: a browser sends them only when they are chosen anew.
    fn refuse_picture(&mut self, place: usize, key: &str) {
        let place = place.to_string();
        self.mistakes.push(Mistake {
            field: "photo".to_owned(),
            message: self.words.with(key, [("place", &place)]),
        });
    }

    /// Notes everything that can be seen to be wrong without asking anybody; `attributes` are what the topic asks, where it
    /// is known.
    pub(super) fn check(&mut self, attributes: Option<&[Attribute]>) {
        match attributes {
            Some(attributes) => self.check_answers(attributes),
            None if self.params.trimmed("topic").is_empty() => {
                self.refuse("topic", "error-topic-missing");
            }
            None => self.refuse("topic", "error-topic-unknown"),
        }
        let description = self.params.get("description");
        if description.is_empty() {
            self.refuse("description", "error-description-missing");
        } else if is_longer(description, DESCRIPTION) {
            self.refuse("description", "error-description-long");
        }
        self.check_pictures();
        for (name, .., limit) in LINES {
            if is_longer(self.value(name), limit) {
                let message = self
                    .words
                    .with("error-long", [("limit", &limit.to_string())]);
                self.mistakes.push(Mistake {
                    field: name.to_owned(),
                    message,
                });
            }
        }
        if !self.value("email").is_empty() && !is_email(self.params.trimmed("email")) {
            self.refuse("email", "error-email");
        }
        for (name, other, limit) in [
            ("latitude", "longitude", 90.0),
            ("longitude", "latitude", 180.0),
        ] {
            if self.value(name).is_empty() && !self.value(other).is_empty() {
                self.refuse(name, "error-point-half");
            } else if !self.value(name).is_empty()
                && self.number(name).is_none_or(|it| it.abs() > limit)
            {
                self.refuse(name, "error-degrees");
            }
        }
    }

    fn check_answers(&mut self, attributes: &[Attribute]) {
        for (field, key) in questions::mistakes(attributes, &self.params) {
            self.refuse(&field, key);
        }
    }

    fn check_pictures(&mut self) {
        if self.pictures.len() > PICTURES {
            self.refuse("photo", "error-photos-many");
            return;
        }
        let large = |it: &Vec<u8>| it.len() > MEGABYTES << 20;
        if let Some(index) = self.pictures.iter().position(large) {
            self.refuse_picture(index + 1, "error-photo-large");
        }
    }

    fn number(&self, name: &str) -> Option<f64> {
        number(self.params.trimmed(name))
    }

    /// The request as intake takes it.
    pub(super) fn command(
        &mut self,
        command_id: Uuid,
        known: KnownPlace,
        attributes: &[Attribute],
    ) -> RegisterRequestRequest {
        let file = |content| File {
            content,
            ..File::default()
        };
        let files = mem::take(&mut self.pictures)
            .into_iter()
            .map(file)
            .collect();
        let text = |name: &str| self.params.trimmed(name).to_owned();
        let (district, neighbourhood, address) =
            known.apart(text("district"), text("neighbourhood"), text("address"));
        let place = Place {
            latitude: self.number("latitude"),
            longitude: self.number("longitude"),
            district,
            neighbourhood,
        };
        let citizen = Citizen {
            name: text("name"),
            email: text("email"),
            phone: text("phone"),
            language: self.language().number(),
            ..Citizen::default()
        };
        let is_known =
            !(citizen.name.is_empty() && citizen.email.is_empty() && citizen.phone.is_empty());
        RegisterRequestRequest {
            command_id: command_id.to_string(),
            channel: Channel::Web.number(),
            topic: text("topic"),
            description: lines(self.params.get("description")),
            address,
            place: (place != Place::default()).then_some(place),
            citizen: is_known.then_some(citizen),
            answers: answers(attributes, &self.params),
            files,
            notice_version: notices::shown(self.params.trimmed("notice")),
            ..RegisterRequestRequest::default()
        }
    }
}

fn is_longer(text: &str, limit: usize) -> bool {
    lines(text).chars().nth(limit).is_some()
}

/// Characters of a field at most.
fn limit_of(name: &str) -> usize {
    let line = LINES.iter().find(|(it, ..)| *it == name);
    line.map_or(DESCRIPTION, |(.., limit)| *limit)
}

/// Browsers send line ends as CR LF, and count them as one character.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Enough to notice a slip; whether it exists shows when a message is sent.
fn is_email(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or_default();
    !user.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !text.contains(' ')
}

/// "files[1]" is the second picture.
fn picture_of(field: &str) -> Option<usize> {
    let index = field.strip_prefix("files[")?.split(']').next()?;
    Some(index.parse::<usize>().ok()? + 1)
}

/// The form's field behind one of intake's; the form itself for any other.
fn line_behind(field: &str) -> &str {
    let name = field.rsplit('.').next().unwrap_or_default();
    let known = LINES.iter().any(|(it, ..)| *it == name)
        || matches!(name, "topic" | "description" | "language");
    if known { name } else { "topic" }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn typed<const N: usize>(pairs: [(&str, &str); N]) -> Typed {
        let mut typed = Typed::new(Params::from(pairs), vec![], Words(Language::Tr));
        let known = !typed.value("topic").is_empty();
        typed.check(known.then_some(&[]));
        typed
    }

    fn wrong(typed: &Typed) -> Vec<&str> {
        typed.mistakes.iter().map(|it| it.field.as_str()).collect()
    }

    #[test]
    fn each_mistake_stands_at_its_field() {
        assert_eq!(wrong(&typed([])), ["topic", "description"]);
        let long = "ş".repeat(4_001);
        let all = typed([
            ("topic", "x"),
            ("description", &long),
            ("email", "ayşe"),
            ("latitude", "91"),
            ("phone", "1"),
        ]);
        assert_eq!(
            wrong(&all),
            ["description", "email", "latitude", "longitude"]
        );
        assert!(
            all.mistakes
                .iter()
                .all(|it| !it.message.contains("Unknown")),
            "{:?}",
            all.mistakes
        );
    }

    #[test]
    fn what_was_typed_reaches_intake_unchanged() {
        let text = "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ";
        let mut typed = typed([
            ("topic", "pothole"),
            ("description", "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ"),
            ("latitude", "39,92"),
            ("longitude", "32.85"),
            ("name", " Ali Rıza Öz "),
            ("language", "en"),
        ]);
        assert_eq!(wrong(&typed), [""; 0]);
        let command = typed.command(Uuid::nil(), KnownPlace::default(), &[]);
        assert_eq!(command.description, text);
        assert_eq!(command.place.unwrap().latitude, Some(39.92));
        let citizen = command.citizen.unwrap();
        assert_eq!(
            (citizen.name.as_str(), citizen.language),
            ("Ali Rıza Öz", Language::En.number())
        );
    }

    #[test]
    fn names_that_nobody_knows_are_sealed_with_the_address() {
        let mut typed = typed([
            ("topic", "x"),
            ("description", "x"),
            ("district", " Çınarlı "),
            ("neighbourhood", "Ayşe Yılmaz'ın evi"),
            ("address", "Gül Sk. 5"),
        ]);
        let mut command = |district, neighbourhood| {
            let known = KnownPlace {
                district,
                neighbourhood,
            };
            let command = typed.command(Uuid::nil(), known, &[]);
            let place = command.place.unwrap_or_default();
            (place.district, place.neighbourhood, command.address)
        };
        let told = |parts: [&str; 3]| <(String, String, String)>::from(parts.map(str::to_owned));
        assert_eq!(
            command(true, false),
            told(["Çınarlı", "", "Gül Sk. 5, Ayşe Yılmaz'ın evi"])
        );
        assert_eq!(
            command(false, false),
            told(["", "", "Gül Sk. 5, Ayşe Yılmaz'ın evi, Çınarlı"])
        );
        assert_eq!(
            command(true, true),
            told(["Çınarlı", "Ayşe Yılmaz'ın evi", "Gül Sk. 5"])
        );
    }

    #[test]
    fn what_is_too_long_is_not_shown_again() {
        let typed = typed([
            ("topic", "x"),
            ("description", &"ş".repeat(4_001)),
            ("address", &"z".repeat(291)),
            ("name", "Ali"),
        ]);
        assert_eq!(wrong(&typed), ["description", "address"]);
        assert_eq!(
            (typed.shown("description"), typed.shown("name")),
            ("", "Ali")
        );
        let fields = typed.fields();
        assert!(fields.iter().all(|it| !it.value.contains('z')));
    }

    #[test]
    fn a_line_end_is_one_character() {
        let text = "x\r\n".repeat(2_000);
        assert_eq!(
            wrong(&typed([("topic", "x"), ("description", &text)])),
            [""; 0]
        );
    }

    #[test]
    fn a_picture_that_cannot_be_taken_is_counted_as_people_count() {
        let words = Words(Language::En);
        let mut typed = Typed::new(Params::default(), vec![vec![0; (10 << 20) + 1]; 1], words);
        typed.check(Some(&[]));
        assert_eq!(wrong(&typed), ["description", "photo"]);
        let mut typed = Typed::new(Params::default(), vec![vec![]; 4], words);
        typed.check(Some(&[]));
        assert_eq!(wrong(&typed), ["description", "photo"]);

        let refused = chassis::refuse(Code::InvalidArgument, "files[1]", "is damaged");
        let mut typed = Typed::new(Params::default(), vec![], words);
        typed.refuse_as(&refused, &[]);
        assert_eq!(wrong(&typed), ["photo"]);
        let message = &typed.mistakes[0].message;
        assert!(
            message.contains('2') && !message.contains("Unknown"),
            "{message}"
        );
    }
}
