//! What was typed into the form of a new request, and what is wrong with it.

use contracts::{
    intake::v1::{Citizen, RegisterContactRequest, RegisterRequestRequest},
    vocabulary::v1::{Attribute, Place},
};
use tonic::Status;
use uuid::Uuid;
use vocabulary::{Channel, Language};

use super::told;
use crate::{
    notices,
    params::Params,
    questions::{self, Question, answers, field_behind, number, questions},
    register::KnownPlace,
    text::Words,
};

/// The fields that can be wrong, and characters of each at most.
const FIELDS: [(&str, usize); 13] = [
    ("phone", 40),
    ("name", 200),
    ("email", 254),
    ("language", 2),
    ("channel", 20),
    ("social_network", 40),
    ("topic", 200),
    ("description", 4_000),
    ("district", 100),
    ("neighbourhood", 100),
    // Intake takes 500: the two above may have to stand in it as well.
    ("address", 290),
    ("latitude", 20),
    ("longitude", 20),
];

/// What is wrong with a field.
pub(super) struct Mistake {
    pub(super) field: String,
    pub(super) message: String,
}

/// What somebody typed.
pub(super) struct Typed {
    params: Params,
    words: Words,
    pub(super) mistakes: Vec<Mistake>,
}

impl Typed {
    pub(super) fn new(params: Params, words: Words) -> Self {
        Self {
            params,
            words,
            mistakes: vec![],
        }
    }

    pub(super) fn value(&self, name: &str) -> &str {
        self.params.get(name)
    }

    /// What is wrong with a field, or nothing.
    pub(super) fn error(&self, name: &str) -> &str {
        self.mistakes
            .iter()
            .find(|it| it.field == name)
            .map_or("", |it| &it.message)
    }

    pub(super) fn refuse(&mut self, field: &str, key: &str) {
        let message = told(self.words, key);
        self.mistake(field, message);
    }

    fn mistake(&mut self, field: &str, message: String) {
        let field = field.to_owned();
        self.mistakes.push(Mistake { field, message });
    }

    /// The name or code of the topic: of several that fitted the one that was pressed, else what was typed.
    pub(super) fn topic(&self) -> &str {
        match self.value("topic_code") {
            "" => self.value("topic"),
            code => code,
        }
    }

    /// What the topic asks, with what was answered and what is wrong with it.
    pub(super) fn questions(&self, attributes: &[Attribute]) -> Vec<Question> {
        let mut questions = questions(attributes, &self.params, self.words.0);
        for question in &mut questions {
            question.error = self.error(&question.name).to_owned();
        }
        questions
    }

    /// What can be seen to be wrong with the answers.
    pub(super) fn check_answers(&mut self, attributes: &[Attribute]) {
        for (field, key) in questions::mistakes(attributes, &self.params) {
            self.refuse(&field, key);
        }
    }

    /// The fields that intake refuses.
    pub(super) fn refuse_as(&mut self, status: &Status, attributes: &[Attribute]) {
        let sent = answers(attributes, &self.params);
        for (field, _) in chassis::violations(status) {
            if let Some(question) = field_behind(&field, &sent) {
                self.refuse(&question, "error-refused");
                continue;
            }
            if field == "notice_version" {
                self.refuse("notice", "console-wrong-notice");
                continue;
            }
            let name = field.rsplit('.').next().unwrap_or_default();
            let name = if name == "note" { "description" } else { name };
            let known = FIELDS.iter().find(|(it, _)| *it == name);
            if let Some((field, _)) = known {
                self.refuse(field, &format!("console-wrong-{}", field.replace('_', "-")));
            }
        }
    }

    /// What can be seen to be wrong with a request without asking anybody.
    pub(super) fn check(&mut self) {
        if self.params.trimmed("description").is_empty() {
            self.refuse("description", "console-description-missing");
        }
        self.check_all();
    }

    /// The same for a contact without a request.
    pub(super) fn check_contact(&mut self) {
        self.check_all();
    }

    fn check_all(&mut self) {
        for (field, limit) in FIELDS {
            if self.lines(field).chars().nth(limit).is_some() {
                let message = self
                    .words
                    .with("console-too-long", [("limit", &limit.to_string())]);
                self.mistake(field, message);
            }
        }
        for (field, other, limit) in [
            ("latitude", "longitude", 90.0),
            ("longitude", "latitude", 180.0),
        ] {
            let is_there = |name: &str| !self.params.trimmed(name).is_empty();
            let fits = self.degrees(field).is_some_and(|it| it.abs() <= limit);
            if is_there(field) && !fits || !is_there(field) && is_there(other) {
                self.refuse(field, &format!("console-wrong-{field}"));
            }
        }
    }

    fn degrees(&self, name: &str) -> Option<f64> {
        number(self.params.trimmed(name))
    }

    fn text(&self, name: &str) -> String {
        self.params.trimmed(name).to_owned()
    }

    /// Browsers send line ends as CR LF, and count them as one character.
    fn lines(&self, name: &str) -> String {
        self.params.get(name).replace("\r\n", "\n")
    }

    fn channel(&self) -> Channel {
        let channel = self.params.trimmed("channel");
        channel.parse().unwrap_or(Channel::Phone)
    }

    /// What the page showed for the channel that was chosen in the end.
    fn notice_version(&self) -> Option<u64> {
        let name = format!("notice_{}", self.channel().code());
        notices::shown(self.params.trimmed(&name))
    }

    fn social_network(&self) -> String {
        let is_social = self.channel() == Channel::Social;
        if is_social {
            self.text("social_network")
        } else {
            String::new()
        }
    }

    fn citizen(&self) -> Option<Citizen> {
        let language: Language = self
            .params
            .trimmed("language")
            .parse()
            .unwrap_or(Language::Tr);
        let citizen = Citizen {
            name: self.text("name"),
            email: self.text("email"),
            phone: self.text("phone"),
            language: language.number(),
            ..Citizen::default()
        };
        let is_known =
            !(citizen.name.is_empty() && citizen.email.is_empty() && citizen.phone.is_empty());
        is_known.then_some(citizen)
    }

    /// The request as intake takes it.
    pub(super) fn request(
        &self,
        command_id: Uuid,
        topic: &str,
        attributes: &[Attribute],
        known: &KnownPlace,
    ) -> RegisterRequestRequest {
        let (district, neighbourhood, address) = known.apart(
            self.text("district"),
            self.text("neighbourhood"),
            self.text("address"),
        );
        let place = Place {
            latitude: self.degrees("latitude"),
            longitude: self.degrees("longitude"),
            district,
            neighbourhood,
        };
        RegisterRequestRequest {
            command_id: command_id.to_string(),
            channel: self.channel().number(),
            topic: topic.to_owned(),
            description: self.lines("description"),
            address,
            place: (place != Place::default()).then_some(place),
            citizen: self.citizen(),
            social_network: self.social_network(),
            answers: answers(attributes, &self.params),
            notice_version: self.notice_version(),
            ..RegisterRequestRequest::default()
        }
    }

    /// The contact alone: somebody asked, and was answered.
    pub(super) fn contact(&self, command_id: Uuid) -> RegisterContactRequest {
        RegisterContactRequest {
            command_id: command_id.to_string(),
            channel: self.channel().number(),
            citizen: self.citizen(),
            note: self.lines("description"),
            social_network: self.social_network(),
            notice_version: self.notice_version(),
            ..RegisterContactRequest::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed<const N: usize>(pairs: [(&str, &str); N]) -> Typed {
        let mut typed = Typed::new(Params::from(pairs), Words(Language::Tr));
        typed.check();
        typed
    }

    fn wrong(typed: &Typed) -> Vec<&str> {
        typed.mistakes.iter().map(|it| it.field.as_str()).collect()
    }

    #[test]
    fn each_mistake_stands_at_its_field() {
        assert_eq!(wrong(&typed([])), ["description"]);
        let long = "ş".repeat(291);
        let all = typed([("description", "x"), ("address", &long), ("latitude", "91")]);
        assert_eq!(wrong(&all), ["address", "latitude", "longitude"]);
        assert!(
            all.mistakes
                .iter()
                .all(|it| !it.message.contains("Unknown"))
        );
    }

    #[test]
    fn what_was_typed_reaches_intake_unchanged() {
        let text = "Ayşe'nin İĞDIR şikâyeti:\r\nçukur";
        let typed = typed([
            ("description", text),
            ("channel", "desk"),
            ("name", " Ali Rıza Öz "),
            ("latitude", "39,92"),
            ("longitude", "32.85"),
            ("district", "Çınarlı"),
        ]);
        assert_eq!(wrong(&typed), [""; 0]);
        let known = KnownPlace {
            district: true,
            neighbourhood: false,
        };
        let command = typed.request(Uuid::nil(), "pothole", &[], &known);
        assert_eq!(command.description, "Ayşe'nin İĞDIR şikâyeti:\nçukur");
        assert_eq!(
            (command.channel, command.topic.as_str()),
            (Channel::Desk.number(), "pothole")
        );
        let place = command.place.unwrap();
        assert_eq!(
            (place.latitude, place.district.as_str()),
            (Some(39.92), "Çınarlı")
        );
        assert_eq!(command.citizen.unwrap().name, "Ali Rıza Öz");
        assert!(typed.contact(Uuid::nil()).note.contains("çukur"));
    }
}
