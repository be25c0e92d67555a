//! Answers to a topic's questions, held against what the topic asks: what a list offers is a fact, all else is sealed.

use std::collections::BTreeMap;

use chassis::Invalid;
use contracts::intake::v1;
use jiff::{Timestamp, civil::Date};
use vault::Plain;
use vocabulary::{AttributeType, Channel};

use super::{
    Asked,
    checks::{free_text, line},
};
use crate::{
    directory::Question,
    domain::{Choice, NewRequest},
};

/// The most answers a call may hold, and values an answer.
const ANSWERS: usize = 50;
const VALUES: usize = 200;

/// One answer as it was sent.
pub(crate) struct Answer {
    attribute: String,
    values: Vec<Plain>,
}

/// What the call holds, before anybody knows what the topic asks.
pub(super) fn sent(protos: Vec<v1::Answer>) -> Result<Vec<Answer>, Invalid> {
    if protos.len() > ANSWERS {
        return Err(Invalid::at("answers", format!("are more than {ANSWERS}")));
    }
    let answer = |(index, it): (usize, v1::Answer)| {
        if it.values.len() > VALUES {
            let problem = format!("has more than {VALUES} values");
            return Err(Invalid::at(format!("answers[{index}]"), problem));
        }
        Ok(Answer {
            attribute: it.attribute,
            values: it.values.into_iter().map(Plain::from).collect(),
        })
    };
    protos.into_iter().enumerate().map(answer).collect()
}

/// The registration with its answers, or everything that is wrong with them. An answer is named by its place in the call, a
/// missing one by the code of its question.
pub(crate) fn answered(
    mut asked: Asked<NewRequest>,
    questions: &[Question],
) -> Result<Asked<NewRequest>, Vec<Invalid>> {
    let mut wrong = vec![];
    let mut choices: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut texts = serde_json::Map::new();
    let mut seen = vec![];
    for (index, answer) in std::mem::take(&mut asked.answers).into_iter().enumerate() {
        let field = format!("answers[{index}]");
        let Some(question) = questions.iter().find(|it| it.code == answer.attribute) else {
            wrong.push(Invalid::at(field, "is no question of this topic"));
            continue;
        };
        if seen.contains(&question.code.as_str()) {
            wrong.push(Invalid::at(field, "answers the same question again"));
            continue;
        }
        let values: Vec<Plain> = answer
            .values
            .into_iter()
            .filter(|it| !it.reveal().trim().is_empty())
            .collect();
        if values.is_empty() {
            continue;
        }
        seen.push(question.code.as_str());
        if is_list(question.kind) {
            match chosen(question, &values) {
                Ok(keys) => drop(choices.insert(&question.code, keys)),
                Err(problem) => wrong.push(Invalid::at(field, problem)),
            }
        } else {
            match written(question, values, &field) {
                Ok(text) => {
                    texts.insert(question.code.clone(), text.reveal().into());
                }
                Err(problem) => wrong.push(problem),
            }
        }
    }
    if must_answer(&asked.facts) {
        let missing = questions
            .iter()
            .filter(|it| it.required && !seen.contains(&it.code.as_str()));
        // One that was answered wrongly has been told already.
        wrong.extend(missing.map(|it| Invalid::at(format!("answers.{}", it.code), "is missing")));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    // In the order of the questions, so that the same answers are the same fact.
    asked.facts.choices = questions
        .iter()
        .filter_map(|it| choices.remove_entry(it.code.as_str()))
        .map(|(attribute, keys)| Choice {
            attribute: attribute.to_owned(),
            keys,
        })
        .collect();
    if !texts.is_empty() {
        let json = serde_json::Value::Object(texts).to_string();
        asked.request.put("answers", Plain::from(json));
    }
    Ok(asked)
}

/// Whoever fills in a form can answer; whoever calls may not know, and an export never asked.
fn must_answer(request: &NewRequest) -> bool {
    request.imported.is_none() && matches!(request.channel, Channel::Open311 | Channel::App)
}

fn is_list(kind: AttributeType) -> bool {
    matches!(
        kind,
        AttributeType::SingleValueList | AttributeType::MultiValueList
    )
}

/// The keys that were chosen, in the order of the list.
fn chosen(question: &Question, values: &[Plain]) -> Result<Vec<String>, String> {
    let chosen = |key: &&String| values.iter().any(|it| it.reveal().trim() == key.as_str());
    let keys: Vec<String> = question.choices.iter().filter(chosen).cloned().collect();
    let known = |it: &Plain| question.choices.iter().any(|key| key == it.reveal().trim());
    if !values.iter().all(known) {
        return Err(format!("is none of: {}", question.choices.join(" ")));
    }
    if question.kind == AttributeType::SingleValueList && keys.len() > 1 {
        return Err("has one value only".to_owned());
    }
    Ok(keys)
}

fn written(question: &Question, values: Vec<Plain>, field: &str) -> Result<Plain, Invalid> {
    let wrong = |problem: &str| Err(Invalid::at(field, problem));
    let mut values = values.into_iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return wrong("has one value only");
    };
    let trimmed = value.reveal().trim();
    match question.kind {
        AttributeType::Number => {
            // A comma is how Turkish writes it.
            let number = trimmed.replace(',', ".");
            match number.parse::<f64>() {
                Ok(it) if it.is_finite() && number.len() <= 30 => Ok(Plain::from(number)),
                Ok(_) | Err(_) => wrong("is not a number"),
            }
        }
        AttributeType::Datetime => {
            // A date parser takes a time without a zone for its day.
            let is_day = trimmed.len() == 10 && trimmed.parse::<Date>().is_ok();
            if is_day || trimmed.parse::<Timestamp>().is_ok() {
                Ok(Plain::from(trimmed.to_owned()))
            } else {
                wrong("is neither a date like 2026-11-22 nor a time like 2026-11-22T14:30:00+03:00")
            }
        }
        AttributeType::String => line(trimmed.to_owned(), field, 500),
        AttributeType::Text | AttributeType::SingleValueList | AttributeType::MultiValueList => {
            free_text(value.reveal().to_owned(), field, 4_000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(code: &str, kind: AttributeType, required: bool) -> Question {
        let choices = if is_list(kind) {
            vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]
        } else {
            vec![]
        };
        Question {
            code: code.to_owned(),
            kind,
            required,
            choices,
        }
    }

    fn questions() -> Vec<Question> {
        vec![
            question("one", AttributeType::SingleValueList, true),
            question("many", AttributeType::MultiValueList, false),
            question("depth", AttributeType::Number, true),
            question("seen", AttributeType::Datetime, false),
            question("pole", AttributeType::String, false),
            question("story", AttributeType::Text, false),
        ]
    }

    fn asked(channel: Channel, answers: &[(&str, &[&str])]) -> Asked<NewRequest> {
        let answer = |(attribute, values): &(&str, &[&str])| v1::Answer {
            attribute: (*attribute).to_owned(),
            values: values.iter().map(|it| (*it).to_owned()).collect(),
        };
        let request = v1::RegisterRequestRequest {
            command_id: "018f0000-0000-7000-8000-000000000001".to_owned(),
            channel: channel.number(),
            topic: "pothole".to_owned(),
            answers: answers.iter().map(answer).collect(),
            ..v1::RegisterRequestRequest::default()
        };
        super::super::register_request(request, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn wrong(channel: Channel, answers: &[(&str, &[&str])]) -> Vec<String> {
        match answered(asked(channel, answers), &questions()) {
            Ok(_) => vec![],
            Err(wrong) => wrong.into_iter().map(|it| it.field).collect(),
        }
    }

    #[test]
    fn what_a_list_offers_is_a_fact_and_all_else_is_sealed() {
        let good = asked(
            Channel::Open311,
            &[
                ("story", &["Ayşe'nin kapısında\nçukur"]),
                ("many", &["c", "a"]),
                ("one", &["b"]),
                ("depth", &["12,5"]),
                ("seen", &["2026-11-20"]),
                ("pole", &["  "]),
            ],
        );
        let good = answered(good, &questions()).unwrap_or_else(|it| panic!("{it:?}"));
        let choice = |attribute: &str, keys: &[&str]| Choice {
            attribute: attribute.to_owned(),
            keys: keys.iter().map(|it| (*it).to_owned()).collect(),
        };
        let choices = [choice("one", &["b"]), choice("many", &["a", "c"])];
        assert_eq!(good.facts.choices, choices);
        let sealed = good.request.get("answers").unwrap().reveal();
        let sealed: serde_json::Value = serde_json::from_str(sealed).unwrap();
        let told = serde_json::json!({
            "depth": "12.5", "seen": "2026-11-20", "story": "Ayşe'nin kapısında\nçukur",
        });
        assert_eq!(sealed, told);
    }

    #[test]
    fn every_wrong_answer_is_named_at_once() {
        let told = wrong(
            Channel::Open311,
            &[
                ("one", &["a", "b"]),
                ("many", &["a", "x"]),
                ("depth", &["deep"]),
                ("seen", &["2026-11-20T10:00:00"]),
                ("pole", &["a\nb"]),
                ("nothing", &["1"]),
                ("many", &["a"]),
            ],
        );
        let places = [
            "answers[0]",
            "answers[1]",
            "answers[2]",
            "answers[3]",
            "answers[4]",
            "answers[5]",
            "answers[6]",
        ];
        assert_eq!(told, places);
        assert_eq!(
            wrong(Channel::Open311, &[("one", &["a"])]),
            ["answers.depth"]
        );
    }

    #[test]
    fn whoever_calls_need_not_know_what_a_form_asks() {
        assert!(wrong(Channel::Phone, &[]).is_empty());
        assert_eq!(wrong(Channel::App, &[]), ["answers.one", "answers.depth"]);
        assert_eq!(wrong(Channel::Phone, &[("depth", &["x"])]), ["answers[0]"]);
    }

    #[test]
    fn an_answer_is_never_quoted() {
        let secret = [("one", &["0532 123 45 67"][..]), ("0532", &["x"])];
        let wrong = answered(asked(Channel::Open311, &secret), &questions());
        let told = format!("{:?}", wrong.err().unwrap());
        assert!(!told.contains("0532"), "{told}");
    }
}
