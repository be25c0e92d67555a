use contracts::vocabulary::v1::ServiceStandard;

use super::*;

#[test]
fn a_topic_belongs_to_the_agency_that_answers_most_often() {
    let count = |pairs: &[(&str, u64)]| {
        pairs
            .iter()
            .map(|(word, times)| ((*word).to_owned(), *times))
            .collect()
    };
    let twice: BTreeMap<String, u64> = count(&[("DHS", 2), ("NYPD", 1)]);
    assert_eq!(most_often(&twice).unwrap(), "DHS");
    let even: BTreeMap<String, u64> = count(&[("NYPD", 1), ("DHS", 1)]);
    assert_eq!(most_often(&even).unwrap(), "DHS");
}

fn named() -> Directory {
    let answering = BTreeMap::from([("NYPD".to_owned(), 1)]);
    Directory {
        units: BTreeMap::from([("NYPD".to_owned(), "Police".to_owned())]),
        topics: BTreeMap::from([("Noise".to_owned(), answering)]),
    }
}

/// A directory that has been told a plan.
fn told(plan: Plan) -> Existing {
    let units = plan.new_units.into_iter().chain(plan.changed_units);
    let topics = plan.new_topics.into_iter().chain(plan.changed_topics);
    Existing {
        units: units.map(|it| (it.code.clone(), it)).collect(),
        topics: topics.map(|it| (it.code.clone(), it)).collect(),
    }
}

#[test]
fn what_stands_in_the_directory_is_not_written_again() {
    let plan = named().plan("x", &Existing::default());
    assert_eq!((plan.new_units.len(), plan.new_topics.len()), (1, 1));
    assert_eq!(plan.new_topics[0].unit, "NYPD");
    let again = named().plan("x", &told(plan));
    assert!(again.new_units.is_empty() && again.changed_units.is_empty());
    assert!(again.new_topics.is_empty() && again.changed_topics.is_empty());
}

#[test]
fn what_people_wrote_into_the_directory_stands() {
    let mut existing = told(named().plan("x", &Existing::default()));
    let standard = Some(ServiceStandard {
        days: 3,
        working_days: 0,
    });
    let topic = existing.topics.get_mut("x-noise").unwrap();
    (topic.standard, topic.public) = (standard, true);
    assert!(named().plan("x", &existing).changed_topics.is_empty());

    existing.topics.get_mut("x-noise").unwrap().unit = "elsewhere".to_owned();
    let changed = named().plan("x", &existing).changed_topics.remove(0);
    assert_eq!(changed.unit, "NYPD");
    assert_eq!((changed.standard, changed.public), (standard, true));
}
