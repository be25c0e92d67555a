use std::collections::BTreeMap;

use serde_json::Value;

/// What an actor who is no member of staff is called: programs, the centre itself, the citizen.
const OTHERS: [&str; 5] = ["system:", "open311:", "api:", "key:", "import:"];

/// Facts that name a member of staff, by their code.
const CODES: [&str; 1] = ["assignee"];

/// Members of staff, numbered in the order in which they occur.
#[derive(Debug, Default)]
pub(super) struct Staff(BTreeMap<String, usize>);

impl Staff {
    /// An actor as this document calls them.
    pub(super) fn of(&mut self, actor: &str) -> String {
        if actor == "citizen" || OTHERS.iter().any(|it| actor.starts_with(it)) {
            return actor.to_owned();
        }
        let next = self.0.len() + 1;
        let number = self.0.entry(actor.to_owned()).or_insert(next);
        format!("staff-{number}")
    }

    /// Puts numbers for the members of staff whom facts name.
    pub(super) fn hide_in(&mut self, facts: &mut Value) {
        let Some(facts) = facts.as_object_mut() else {
            return;
        };
        for (name, value) in facts {
            if let Some(code) = value.as_str().filter(|_| CODES.contains(&name.as_str())) {
                *value = Value::String(self.of(&format!("staff:{code}")));
            }
        }
    }
}
