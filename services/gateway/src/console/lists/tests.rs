use std::collections::BTreeSet;

use proptest::prelude::*;
use vocabulary::{Channel, RequestState, SubResult};

use super::*;
use crate::{
    console::{
        figures::Figures,
        filters::{NO_UNIT, Where},
    },
    params::Params,
    register::tests::{Act, Folded, acts},
};

const NOW: i64 = 1_760_050_000_000_000;

fn asked<'a>(scope: &'a Scope, filters: &'a Filters) -> Asked<'a> {
    Asked {
        scope,
        filters,
        me: "ekip-7",
        now: NOW,
    }
}

/// Lists that people ask for.
fn lists() -> Vec<Filters> {
    let mut lists = vec![];
    for sort in Sort::ALL {
        for state in [
            Where::Open,
            Where::Everything,
            Where::In(RequestState::Accepted),
            Where::In(RequestState::Concluded),
        ] {
            let plain = Filters {
                state,
                sort,
                ..Filters::default()
            };
            lists.extend([
                Filters {
                    unit: "unit-1".to_owned(),
                    ..plain.clone()
                },
                Filters {
                    channel: Some(Channel::Phone),
                    ..plain.clone()
                },
                Filters {
                    sub_result: Some(SubResult::Solved),
                    ..plain.clone()
                },
                Filters {
                    mine: true,
                    ..plain.clone()
                },
                Filters {
                    overdue: true,
                    ..plain.clone()
                },
                plain,
            ]);
        }
    }
    lists
}

/// All pages one after the other.
async fn walked(register: &mut Folded, asked: &Asked<'_>, limit: usize) -> Vec<String> {
    let mut walked = vec![];
    let mut after = None;
    loop {
        let found = page(&mut register.connection, asked, after.as_ref(), limit)
            .await
            .unwrap();
        walked.extend(found.rows.iter().map(|it| it.number.clone()));
        match found.next {
            // As it comes back from an address.
            Some(next) => after = Some(Cursor::of(&next.text()).unwrap()),
            None => return walked,
        }
    }
}

async fn told(acts: &[Act]) -> Folded {
    let mut register = Folded::new().await;
    for act in acts {
        register.act(act).await;
    }
    register
}

fn run(test: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    runtime.block_on(test)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn pages_neither_skip_nor_repeat(acts in acts(12), limit in 1..5_usize) {
        run(async {
            let mut register = told(&acts).await;
            for scope in [Scope::All, Scope::Unit("unit-2".to_owned())] {
                for filters in lists() {
                    let asked = asked(&scope, &filters);
                    let whole = walked(&mut register, &asked, 1_000).await;
                    let paged = walked(&mut register, &asked, limit).await;
                    prop_assert_eq!(&paged, &whole);
                    let distinct: BTreeSet<&String> = whole.iter().collect();
                    prop_assert_eq!(distinct.len(), whole.len());
                    let counted = count(&mut register.connection, &asked).await.unwrap();
                    prop_assert_eq!(usize::try_from(counted).unwrap(), whole.len());
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn every_figure_is_the_length_of_the_list_behind_it(acts in acts(12)) {
        run(async {
            let mut register = told(&acts).await;
            for scope in [Scope::All, Scope::Unit("unit-1".to_owned())] {
                let figures = Figures::read(&mut register.connection, &scope, NOW).await.unwrap();
                prop_assert_eq!(figures.position, 7);
                let mut pairs = vec![
                    (figures.open(), Filters::default()),
                    (figures.all(), Filters::of(&Params::from([("state", "all")]))),
                    (figures.overdue(), Filters::of(&Params::from([("overdue", "1")]))),
                ];
                for state in RequestState::ALL {
                    let to = Filters { state: Where::In(*state), ..Filters::default() };
                    pairs.push((figures.in_state(*state), to.clone()));
                    for unit in ["", "unit-0", "unit-1"] {
                        let code = if unit.is_empty() { NO_UNIT } else { unit };
                        let of_unit = Filters { unit: code.to_owned(), ..to.clone() };
                        pairs.push((figures.of_unit(unit, *state), of_unit));
                    }
                    let by_phone = Filters { channel: Some(Channel::Phone), ..to };
                    pairs.push((figures.of_channel(Channel::Phone, *state), by_phone));
                }
                for (figure, list) in pairs {
                    let counted = count(&mut register.connection, &asked(&scope, &list)).await.unwrap();
                    prop_assert_eq!(figure, counted, "{:?}", list);
                }
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_units_list_shows_no_other_units_requests() {
    let acts: Vec<Act> = (0..9)
        .flat_map(|request| {
            let act = |what, unit| Act {
                request,
                what,
                unit,
                seconds: 1,
            };
            [act(0, 0), act(1, u8::try_from(request % 3).unwrap())]
        })
        .collect();
    let mut register = told(&acts).await;
    let scope = Scope::Unit("unit-1".to_owned());
    for query in ["", "unit=unit-2", "state=all", "unit=-"] {
        let filters = Filters::of(&Params::of_text(query));
        let found = page(&mut register.connection, &asked(&scope, &filters), None, 50)
            .await
            .unwrap();
        assert!(found.rows.iter().all(|it| it.unit == "unit-1"), "{query}");
    }
    let all: Vec<String> = (0..9)
        .map(|it| vocabulary::RequestNumber::new(2026, it).to_string())
        .collect();
    let rows = rows_of(&mut register.connection, &scope, &all)
        .await
        .unwrap();
    assert_eq!(rows.len(), 3, "what a search found is cut as well");
}

#[test]
fn filters_come_back_from_an_address_as_they_were() {
    for filters in lists() {
        assert_eq!(Filters::of(&Params::of_text(&filters.query())), filters);
    }
    let named = Filters {
        unit: "Fen İşleri & Yol/Yapım".to_owned(),
        topic: "pothole".to_owned(),
        district: "Çınarlı".to_owned(),
        ..Filters::default()
    };
    assert_eq!(Filters::of(&Params::of_text(&named.query())), named);
    let gone = Filters::of(&Params::of_text("state=x&sort=y&channel=z&overdue=yes"));
    assert_eq!(
        gone,
        Filters::default(),
        "an old link still leads somewhere"
    );
    assert_eq!(Cursor::of("1~2026-1"), None);
    assert_eq!(Cursor::of("x"), None);
}
