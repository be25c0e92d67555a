use decider::given;

use super::{
    Topic, TopicCommand, TopicDefinition, TopicEvent, TopicRejection, Unit, UnitCommand,
    UnitDefinition, UnitEvent,
};

fn unit(name_en: &str) -> UnitDefinition {
    UnitDefinition {
        code: "parks".parse().unwrap(),
        name_tr: "Park ve Bahçeler".to_owned(),
        name_en: name_en.to_owned(),
        outside: false,
    }
}

fn topic(unit: &str) -> TopicDefinition {
    TopicDefinition {
        code: "pruning".parse().unwrap(),
        name_tr: "ağaç budama".to_owned(),
        name_en: "pruning".to_owned(),
        unit: unit.parse().unwrap(),
        public: true,
        group: "parks".to_owned(),
        keywords: vec![],
        attributes: vec![],
        standard: None,
    }
}

#[test]
fn a_unit_is_defined_once_and_then_changed() {
    let define = |name| UnitCommand::DefineUnit(unit(name));
    given::<Unit>([])
        .when(define("Parks"))
        .then([UnitEvent::UnitDefined(unit("Parks"))]);
    let defined = UnitEvent::UnitDefined(unit("Parks"));
    given::<Unit>([defined.clone()])
        .when(define("Parks"))
        .then_nothing();
    given::<Unit>([defined])
        .when(define("Gardens"))
        .then([UnitEvent::UnitChanged(unit("Gardens"))]);
}

#[test]
fn a_topic_has_a_unit_that_exists() {
    let define = |unit, unit_known| TopicCommand::DefineTopic {
        topic: topic(unit),
        unit_known,
    };
    given::<Topic>([])
        .when(define("parks", true))
        .then([TopicEvent::TopicDefined(topic("parks"))]);
    given::<Topic>([])
        .when(define("parks", false))
        .then_rejected(TopicRejection::UnknownUnit);
    let defined = TopicEvent::TopicDefined(topic("parks"));
    given::<Topic>([defined.clone()])
        .when(define("parks", true))
        .then_nothing();
    given::<Topic>([defined])
        .when(define("roads", true))
        .then([TopicEvent::TopicChanged(topic("roads"))]);
}
