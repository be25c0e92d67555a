//! A topic's own questions: as fields of a form, the citizen's or the operator's, and what was answered.

use contracts::{
    intake::v1::Answer,
    vocabulary::v1::{Attribute, AttributeType},
};
use vocabulary::Language;

use crate::params::Params;

/// Characters of an answer at most, as intake takes it.
const LINE: usize = 500;
const TEXT: usize = 4_000;

/// One question as a field of the form.
pub(crate) struct Question {
    /// "q-depth": a topic may ask for what the form has a field for already.
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) hint: String,
    pub(crate) required: bool,
    pub(crate) kind: Kind,
    pub(crate) value: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) limit: usize,
    pub(crate) error: String,
}

/// How it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Line,
    Number,
    Moment,
    Text,
    One,
    Several,
}

/// What can be answered to a list.
pub(crate) struct Choice {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) chosen: bool,
}

impl Question {
    pub(crate) fn is(&self, kind: &str) -> bool {
        let name = match self.kind {
            Kind::Line => "line",
            Kind::Number => "number",
            Kind::Moment => "moment",
            Kind::Text => "text",
            Kind::One => "one",
            Kind::Several => "several",
        };
        name == kind
    }

    fn new(attribute: &Attribute, params: &Params, language: Language) -> Self {
        let name = field_of(&attribute.code);
        let kind = kind_of(attribute);
        let limit = if kind == Kind::Text { TEXT } else { LINE };
        let choices = attribute.choices.iter().map(|it| Choice {
            key: it.key.clone(),
            name: named(&it.name_tr, &it.name_en, language),
            chosen: params.all(&name).any(|chosen| chosen == it.key),
        });
        Self {
            label: named(&attribute.name_tr, &attribute.name_en, language),
            hint: hint(attribute, language),
            required: attribute.required,
            kind,
            value: params.get(&name).chars().take(limit).collect(),
            choices: choices.collect(),
            limit,
            error: String::new(),
            name,
        }
    }
}

/// The form's field of a question.
fn field_of(code: &str) -> String {
    format!("q-{code}")
}

/// The questions in their order, with what was answered so far.
pub(crate) fn questions(
    attributes: &[Attribute],
    params: &Params,
    language: Language,
) -> Vec<Question> {
    let mut attributes: Vec<&Attribute> = attributes.iter().collect();
    attributes.sort_by_key(|it| it.order);
    let question = |it: &&Attribute| Question::new(it, params, language);
    attributes.iter().map(question).collect()
}

/// What can be seen to be wrong with the answers: the field, and the key of a text.
pub(crate) fn mistakes(attributes: &[Attribute], params: &Params) -> Vec<(String, &'static str)> {
    let mistake = |attribute: &Attribute| {
        let field = field_of(&attribute.code);
        let is_number = attribute.r#type() == AttributeType::Number;
        let key = match params.trimmed(&field) {
            "" if attribute.required => "error-answer-missing",
            "" => return None,
            value if is_number && number(value).is_none() => "error-answer-number",
            _ => return None,
        };
        Some((field, key))
    };
    attributes.iter().filter_map(mistake).collect()
}

/// People write a comma or a point.
pub(crate) fn number(text: &str) -> Option<f64> {
    let number: f64 = text.replace(',', ".").parse().ok()?;
    number.is_finite().then_some(number)
}

/// The answers as intake takes them, in the order of `attributes`.
pub(crate) fn answers(attributes: &[Attribute], params: &Params) -> Vec<Answer> {
    let answer = |attribute: &Attribute| Answer {
        attribute: attribute.code.clone(),
        values: params
            .all(&field_of(&attribute.code))
            .map(|it| it.trim().replace("\r\n", "\n"))
            .collect(),
    };
    let all = attributes.iter().map(answer);
    all.filter(|it| !it.values.is_empty()).collect()
}

/// The form's field behind one of intake's: "answers[1]" is the second that was sent, "answers.depth" one that was not.
pub(crate) fn field_behind(field: &str, sent: &[Answer]) -> Option<String> {
    let rest = field.strip_prefix("answers")?;
    if let Some(code) = rest.strip_prefix('.') {
        return Some(field_of(code));
    }
    let index = rest.strip_prefix('[')?.split(']').next()?;
    let answer = sent.get(index.parse::<usize>().ok()?)?;
    Some(field_of(&answer.attribute))
}

fn kind_of(attribute: &Attribute) -> Kind {
    match attribute.r#type() {
        AttributeType::Unspecified | AttributeType::String => Kind::Line,
        AttributeType::Number => Kind::Number,
        AttributeType::Datetime => Kind::Moment,
        AttributeType::Text => Kind::Text,
        AttributeType::SingleValueList => Kind::One,
        AttributeType::MultiValueList => Kind::Several,
    }
}

fn hint(attribute: &Attribute, language: Language) -> String {
    let (first, second) = match language {
        Language::Tr => (&attribute.hint_tr, &attribute.hint_en),
        Language::En => (&attribute.hint_en, &attribute.hint_tr),
    };
    if first.is_empty() { second } else { first }.clone()
}

fn named(turkish: &str, english: &str, language: Language) -> String {
    let (first, second) = match language {
        Language::Tr => (turkish, english),
        Language::En => (english, turkish),
    };
    if first.is_empty() { second } else { first }.to_owned()
}

#[cfg(test)]
mod tests {
    use contracts::vocabulary::v1::AttributeChoice;

    use super::*;

    fn asked() -> Vec<Attribute> {
        let choice = |key: &str, name_tr: &str| AttributeChoice {
            key: key.to_owned(),
            name_tr: name_tr.to_owned(),
            ..AttributeChoice::default()
        };
        vec![
            Attribute {
                code: "items".to_owned(),
                r#type: AttributeType::MultiValueList.into(),
                order: 2,
                name_tr: "Hangileri?".to_owned(),
                name_en: "Which ones?".to_owned(),
                choices: vec![choice("bed", "Yatak"), choice("sofa", "Kanepe")],
                ..Attribute::default()
            },
            Attribute {
                code: "depth".to_owned(),
                r#type: AttributeType::Number.into(),
                order: 1,
                required: true,
                name_tr: "Derinliği?".to_owned(),
                ..Attribute::default()
            },
        ]
    }

    #[test]
    fn what_was_answered_is_shown_again_and_sent_once() {
        let params = Params::from([("q-items", "sofa"), ("q-items", "bed"), ("q-depth", " 12 ")]);
        let shown = questions(&asked(), &params, Language::En);
        assert_eq!(
            shown.iter().map(|it| it.label.as_str()).collect::<Vec<_>>(),
            ["Derinliği?", "Which ones?"]
        );
        assert!(shown[1].choices.iter().all(|it| it.chosen));
        let sent = answers(&asked(), &params);
        assert_eq!(sent[0].values, ["sofa", "bed"]);
        assert_eq!(sent[1].values, ["12"]);
        assert!(answers(&asked(), &Params::default()).is_empty());
    }

    #[test]
    fn a_refusal_finds_its_question() {
        let params = Params::from([("q-depth", "deep")]);
        let sent = answers(&asked(), &params);
        let found = |field: &str| field_behind(field, &sent);
        assert_eq!(found("answers[0]").as_deref(), Some("q-depth"));
        assert_eq!(found("answers[0].values").as_deref(), Some("q-depth"));
        assert_eq!(found("answers.items").as_deref(), Some("q-items"));
        assert_eq!(found("answers[7]"), None);
        assert_eq!(found("description"), None);
    }
}
