//! Retention rules in, their events and those of the runs, and what is due out.

use chassis::{
    Invalid, Storable,
    event::{self, Undecodable},
};
use contracts::{
    intake::v1::{
        self, BeginDestructionRequest, DestructionBegan, DestructionEnded,
        PreviewDestructionRequest, RetentionRuleRemoved, RetentionRuleSet, SetRetentionRuleRequest,
        preview_destruction_reply,
    },
    ledger::v1::{Event as Stored, NewEvent},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{checks::code, erasing::unreadable, holding::reference};
use crate::{
    domain::{
        Counts, Due, Keep, RetentionGround, Rule, RuleCommand, RuleEvent, RuleInForce, RunEvent,
        RunId, Runs, Scope, Standing, Whose,
    },
    streams,
};

/// Names every rule of a municipality.
pub(crate) const RULES: &str = "retention-rules";

/// Names every run.
const DESTRUCTIONS: &str = "destructions";

/// The most dossiers that one answer looks at.
const PAGE: u32 = 1_000;

pub(crate) struct RuleAsked {
    pub(crate) command_id: Uuid,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) scope: Scope,
    pub(crate) command: RuleCommand,
}

pub(crate) fn rule(proto: SetRetentionRuleRequest) -> Result<RuleAsked, Invalid> {
    let fingerprint = event::fingerprint(&proto);
    let scope = match proto.topic.as_str() {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|problem| Invalid::at("topic", problem))?,
        ),
    };
    let command = match proto.keep {
        None => RuleCommand::Remove,
        Some(time) => {
            let ground = v1::RetentionGround::try_from(proto.ground);
            let ground = ground.map_err(|_| Invalid::at("ground", "is not of the list"))?;
            RuleCommand::Set(Rule {
                keep: asked_keep(time)?,
                ground: known(ground).ok_or_else(|| Invalid::at("ground", "is missing"))?,
                reference: reference(&proto.reference)?,
            })
        }
    };
    Ok(RuleAsked {
        command_id: code(&proto.command_id, "command_id")?,
        fingerprint,
        scope,
        command,
    })
}

fn asked_keep(time: v1::RetentionTime) -> Result<Keep, Invalid> {
    let keep = keep(time);
    let parts = [keep.years, keep.months, keep.days];
    if parts == [0; 3] {
        return Err(Invalid::at("keep", "is no time at all"));
    }
    if parts
        .iter()
        .zip(Keep::LONGEST)
        .any(|(part, most)| *part > most)
    {
        return Err(Invalid::at("keep", "is longer than a hundred years"));
    }
    Ok(keep)
}

fn keep(time: v1::RetentionTime) -> Keep {
    let v1::RetentionTime {
        years,
        months,
        days,
    } = time;
    Keep {
        years,
        months,
        days,
    }
}

fn keep_message(keep: Keep) -> v1::RetentionTime {
    let Keep {
        years,
        months,
        days,
    } = keep;
    v1::RetentionTime {
        years,
        months,
        days,
    }
}

fn known(proto: v1::RetentionGround) -> Option<RetentionGround> {
    match proto {
        v1::RetentionGround::Unspecified => None,
        v1::RetentionGround::Law => Some(RetentionGround::Law),
        v1::RetentionGround::LimitationPeriod => Some(RetentionGround::LimitationPeriod),
        v1::RetentionGround::FilePlan => Some(RetentionGround::FilePlan),
        v1::RetentionGround::Policy => Some(RetentionGround::Policy),
        v1::RetentionGround::Other => Some(RetentionGround::Other),
    }
}

fn ground_message(ground: RetentionGround) -> v1::RetentionGround {
    match ground {
        RetentionGround::Law => v1::RetentionGround::Law,
        RetentionGround::LimitationPeriod => v1::RetentionGround::LimitationPeriod,
        RetentionGround::FilePlan => v1::RetentionGround::FilePlan,
        RetentionGround::Policy => v1::RetentionGround::Policy,
        RetentionGround::Other => v1::RetentionGround::Other,
    }
}

pub(crate) fn rule_event(id: Uuid, scope: &Scope, rule: &RuleEvent, at: Timestamp) -> NewEvent {
    let topic = scope.as_ref().map(ToString::to_string).unwrap_or_default();
    let subjects = [RULES.to_owned()];
    match rule {
        RuleEvent::RetentionRuleSet(rule) => {
            let message = RetentionRuleSet {
                topic,
                keep: Some(keep_message(rule.keep)),
                ground: ground_message(rule.ground).into(),
                reference: rule.reference.as_str().to_owned(),
            };
            event::record(id, &message, at, subjects)
        }
        RuleEvent::RetentionRuleRemoved => {
            event::record(id, &RetentionRuleRemoved { topic }, at, subjects)
        }
    }
}

impl Storable for Standing {
    fn decode(stored: &Stored) -> Result<Option<RuleEvent>, Undecodable> {
        if event::is::<RetentionRuleSet>(stored) {
            let it: RetentionRuleSet = event::decode(stored)?;
            Ok(Some(RuleEvent::RetentionRuleSet(Rule {
                keep: keep(it.keep.unwrap_or_default()),
                ground: known(it.ground()).ok_or_else(|| unreadable(stored, "ground"))?,
                reference: (it.reference.parse()).map_err(|_| unreadable(stored, "reference"))?,
            })))
        } else if event::is::<RetentionRuleRemoved>(stored) {
            Ok(Some(RuleEvent::RetentionRuleRemoved))
        } else {
            Ok(None)
        }
    }
}

/// The rules that a history of rules leads to, each with when it was recorded.
pub(crate) fn rules(history: &[Stored]) -> Result<Vec<(RuleInForce, Timestamp)>, Undecodable> {
    let mut rules: Vec<(RuleInForce, Timestamp)> = Vec::new();
    for stored in history {
        let Some(event) = Standing::decode(stored)? else {
            continue;
        };
        let scope = streams::scope_of(&stored.stream).ok_or_else(|| unreadable(stored, "topic"))?;
        rules.retain(|(it, _)| it.scope != scope);
        if let RuleEvent::RetentionRuleSet(Rule { keep, .. }) = event {
            let at = i64::try_from(stored.recorded_at).unwrap_or(i64::MAX);
            let rule = RuleInForce {
                scope,
                version: stored.version,
                keep,
            };
            rules.push((rule, event::timestamp(at)));
        }
    }
    Ok(rules)
}

pub(crate) fn in_force(rule: &RuleInForce) -> v1::RuleInForce {
    v1::RuleInForce {
        rule: streams::of_rule(&rule.scope),
        rule_version: rule.version,
        topic: rule
            .scope
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        keep: Some(keep_message(rule.keep)),
    }
}

pub(crate) fn run_event(id: Uuid, event: &RunEvent, at: Timestamp) -> NewEvent {
    let subjects = |run: &RunId| [DESTRUCTIONS.to_owned(), run.subject()];
    match event {
        RunEvent::DestructionBegan { run, rules } => {
            let message = DestructionBegan {
                run: run.uuid().to_string(),
                rules: rules.iter().map(in_force).collect(),
            };
            event::record(id, &message, at, subjects(run))
        }
        RunEvent::DestructionEnded { run, counts } => {
            let message = DestructionEnded {
                run: run.uuid().to_string(),
                persons: counts.persons,
                contacts: counts.contacts,
                requests: counts.requests,
                held: counts.held,
            };
            event::record(id, &message, at, subjects(run))
        }
    }
}

impl Storable for Runs {
    fn decode(stored: &Stored) -> Result<Option<RunEvent>, Undecodable> {
        let run = |text: &str| match text.parse::<Uuid>() {
            Ok(run) => Ok(RunId::from(run)),
            Err(_) => Err(unreadable(stored, "run")),
        };
        if event::is::<DestructionBegan>(stored) {
            let it: DestructionBegan = event::decode(stored)?;
            let rule = |it: v1::RuleInForce| {
                let scope = streams::scope_of(&it.rule);
                Ok(RuleInForce {
                    scope: scope.ok_or_else(|| unreadable(stored, "rules"))?,
                    version: it.rule_version,
                    keep: keep(it.keep.unwrap_or_default()),
                })
            };
            let rules: Result<_, Undecodable> = it.rules.into_iter().map(rule).collect();
            Ok(Some(RunEvent::DestructionBegan {
                run: run(&it.run)?,
                rules: rules?,
            }))
        } else if event::is::<DestructionEnded>(stored) {
            let it: DestructionEnded = event::decode(stored)?;
            Ok(Some(RunEvent::DestructionEnded {
                run: run(&it.run)?,
                counts: Counts {
                    persons: it.persons,
                    contacts: it.contacts,
                    requests: it.requests,
                    held: it.held,
                },
            }))
        } else {
            Ok(None)
        }
    }
}

/// A page of what is due.
pub(crate) struct PreviewAsked {
    pub(crate) limit: u32,
    /// The last subject that was looked at.
    pub(crate) after: String,
}

pub(crate) fn preview(proto: PreviewDestructionRequest) -> Result<PreviewAsked, Invalid> {
    if proto.limit > PAGE {
        return Err(Invalid::at("limit", "is more than 1,000"));
    }
    if !proto.after.is_empty() && Whose::of(&proto.after).is_none() {
        return Err(Invalid::at("after", "is not what a reply called `next`"));
    }
    Ok(PreviewAsked {
        limit: if proto.limit == 0 { PAGE } else { proto.limit },
        after: proto.after,
    })
}

pub(crate) fn due(whose: &Whose, due: &Due) -> preview_destruction_reply::Due {
    preview_destruction_reply::Due {
        of: whose.subject().to_string(),
        subject: due.what.subject().to_string(),
        rule: streams::of_rule(&due.scope),
        rule_version: due.version,
        since: due.since.as_microsecond(),
        held: due.held,
    }
}

pub(crate) fn begin(proto: &BeginDestructionRequest) -> Result<(Uuid, [u8; 32]), Invalid> {
    Ok((
        code(&proto.command_id, "command_id")?,
        event::fingerprint(proto),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(change: impl FnOnce(&mut SetRetentionRuleRequest)) -> String {
        let mut asked = SetRetentionRuleRequest {
            command_id: "018f0000-0000-7000-8000-000000000001".to_owned(),
            topic: "pothole".to_owned(),
            keep: Some(v1::RetentionTime {
                years: 2,
                ..v1::RetentionTime::default()
            }),
            ground: v1::RetentionGround::Law.into(),
            reference: "6698-7".to_owned(),
        };
        change(&mut asked);
        rule(asked).err().map(|it| it.field).unwrap_or_default()
    }

    fn time(years: u32, months: u32, days: u32) -> v1::RetentionTime {
        v1::RetentionTime {
            years,
            months,
            days,
        }
    }

    #[test]
    fn each_wrong_field_of_a_rule_is_named() {
        assert_eq!(wrong(|_| ()), "");
        assert_eq!(wrong(|it| it.command_id.clear()), "command_id");
        assert_eq!(wrong(|it| "Çukur!".clone_into(&mut it.topic)), "topic");
        assert_eq!(wrong(|it| it.topic.clear()), "");
        assert_eq!(wrong(|it| it.keep = Some(time(0, 0, 0))), "keep");
        assert_eq!(wrong(|it| it.keep = Some(time(101, 0, 0))), "keep");
        assert_eq!(wrong(|it| it.ground = 0), "ground");
        assert_eq!(
            wrong(|it| "Ayşe".clone_into(&mut it.reference)),
            "reference"
        );
        assert_eq!(wrong(|it| (it.keep, it.ground) = (None, 0)), "");
    }

    #[test]
    fn rules_are_those_that_were_set_last_and_not_removed() {
        let scope: Scope = Some("pothole".parse().unwrap());
        let set = |years| {
            RuleEvent::RetentionRuleSet(Rule {
                keep: Keep {
                    years,
                    ..Keep::default()
                },
                ground: RetentionGround::Law,
                reference: "6698".parse().unwrap(),
            })
        };
        let stored = |version, scope: &Scope, event: &RuleEvent| {
            let new = rule_event(Uuid::from_u128(1), scope, event, Timestamp::UNIX_EPOCH);
            Stored {
                stream: streams::of_rule(scope),
                version,
                r#type: new.r#type,
                schema_version: new.schema_version,
                facts: new.facts,
                ..Stored::default()
            }
        };
        let history = [
            stored(1, &scope, &set(2)),
            stored(1, &None, &set(5)),
            stored(2, &scope, &set(3)),
            stored(2, &None, &RuleEvent::RetentionRuleRemoved),
        ];
        let rules = rules(&history).unwrap();
        assert_eq!(rules.len(), 1, "{rules:?}");
        let (rule, _) = &rules[0];
        assert_eq!((&rule.scope, rule.version, rule.keep.years), (&scope, 2, 3));
    }
}
