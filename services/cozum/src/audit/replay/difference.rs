//! What differs between what was published and what the log says, figure by figure.

use serde_json::Value;

/// A line for each place that differs; places are written as `requests.by_unit.parks`.
pub(super) fn difference(published: &Value, replayed: &Value) -> Vec<String> {
    let mut lines = vec![];
    let mut replayed = replayed.clone();
    // Said only of a report as of a moment: one that was published of its own day need not have it.
    for said in ["cut_off_recorded_at", "as_of"] {
        if let (Some(fields), None) = (replayed.as_object_mut(), published.get(said)) {
            fields.remove(said);
        }
    }
    compare("", Some(published), Some(&replayed), &mut lines);
    lines
}

fn compare(at: &str, published: Option<&Value>, replayed: Option<&Value>, lines: &mut Vec<String>) {
    match (published, replayed) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let at = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                compare(&at, one.get(name), other.get(name), lines);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for index in 0..one.len().max(other.len()) {
                let at = format!("{at}[{index}]");
                compare(&at, one.get(index), other.get(index), lines);
            }
        }
        (published, replayed) if published == replayed => {}
        (published, replayed) => {
            let told = |it: Option<&Value>| it.map_or("nothing".to_owned(), Value::to_string);
            let (published, replayed) = (told(published), told(replayed));
            lines.push(format!(
                "{at}: published {published}, the log says {replayed}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_figure_that_differs_is_named_with_both_values() {
        let log = json!({"cut_off": "9", "cut_off_recorded_at": "t", "requests": {"total": 3, "by_unit": {"a": 1, "b": 2}}});
        assert!(difference(&log, &log).is_empty());
        let published =
            json!({"cut_off": "9", "requests": {"total": 4, "by_unit": {"b": 2, "c": 1}}});
        assert_eq!(
            difference(&published, &log),
            [
                "requests.by_unit.a: published nothing, the log says 1",
                "requests.by_unit.c: published 1, the log says nothing",
                "requests.total: published 4, the log says 3",
            ]
        );
        let later =
            json!({"cut_off": "9", "cut_off_recorded_at": "u", "requests": log["requests"]});
        assert_eq!(difference(&later, &log).len(), 1);
        let lists = (json!([1, 2]), json!([1]));
        assert_eq!(
            difference(&lists.0, &lists.1),
            ["[1]: published 2, the log says nothing"]
        );
    }
}
