use super::*;

const OWN: &str = "parks";

/// What an actor may do: nothing, on requests of its own unit, everywhere.
pub(crate) fn cell(actor: &Actor, action: Action) -> &'static str {
    let asked = |resource| may(actor, action, resource);
    let found = (
        asked(Resource::Request { unit: OWN }),
        asked(Resource::Request { unit: "works" }),
        asked(Resource::Centre),
        asked(Resource::Reach),
    );
    match found {
        (true, true, true, true) => "all",
        (true, false, false, true) => "own",
        (false, false, false, false) => "-",
        odd => panic!("{action:?} for {actor:?}: {odd:?}"),
    }
}

pub(crate) fn staff(role: Role) -> Actor {
    Actor {
        municipality: "ova".parse().unwrap(),
        kind: Kind::Staff {
            code: "x".to_owned(),
            roles: [role].into(),
            unit: OWN.to_owned(),
        },
    }
}

pub(crate) fn program(scopes: &[Scope], unit: &str) -> Actor {
    Actor {
        municipality: "ova".parse().unwrap(),
        kind: Kind::Program {
            key: "x".to_owned(),
            scopes: scopes.iter().copied().collect(),
            unit: unit.to_owned(),
        },
    }
}

/// The whole decision, for people to read. One line per action, one column per role.
const ROLES: &str = "
                operator desk  unit  supervisor auditor admin
    Public      all      all   all   all        all     all
    Enter       all      all   all   all        all     all
    File        all      all   -     all        -       -
    FindCaller  all      all   -     all        -       -
    See         all      all   own   all        all     -
    SeePersonal all      all   own   all        all     -
    Work        -        -     own   all        -       -
    Steer       -        all   -     all        -       -
    Comment     all      all   own   all        -       -
    SeeFigures  -        -     -     all        all     -
    SeeEvents   -        -     -     -          all     -
    LookUp      all      all   all   all        all     all
    Direct      -        -     -     -          -       all
    Administer  -        -     -     -          -       all
    Import      -        -     -     -          -       -
    Hook        -        -     -     -          -       all
    Operate     -        -     -     -          -       all
    Erase       -        -     -     -          -       all
    Inside      -        -     -     -          -       -
";

/// The same for programs with one scope each, once for the whole centre, and with all scopes for one unit.
const SCOPES: &str = "
                file read read-personal work directory import webhooks all unit
    Public      all  all  all           all  all       all    all      all all
    Enter       -    -    -             -    -         -      -        -   -
    File        all  -    -             -    -         -      -        all all
    FindCaller  -    -    all           -    -         -      -        all -
    See         -    all  -             -    -         -      -        all own
    SeePersonal -    -    all           -    -         -      -        all own
    Work        -    -    -             all  -         -      -        all own
    Steer       -    -    -             all  -         -      -        all -
    Comment     -    -    -             all  -         -      -        all own
    SeeFigures  -    all  -             -    -         -      -        all -
    SeeEvents   -    all  -             -    -         -      -        all -
    LookUp      all  all  all           all  all       all    all      all all
    Direct      -    -    -             -    all       -      -        all -
    Administer  -    -    -             -    -         -      -        -   -
    Import      -    -    -             -    -         all    -        all -
    Hook        -    -    -             -    -         -      all      all all
    Operate     -    -    -             -    -         -      -        all -
    Erase       -    -    -             -    -         -      -        all -
    Inside      -    -    -             -    -         -      -        -   -
";

fn read(table: &str) -> Vec<Vec<&str>> {
    let lines = table.lines().map(|it| it.split_whitespace().collect());
    lines.filter(|it: &Vec<&str>| !it.is_empty()).collect()
}

fn agrees(table: &str, columns: &[(&str, Actor)]) {
    let rows = read(table);
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    assert_eq!(rows[0], names);
    assert_eq!(rows.len() - 1, Action::ALL.len(), "one line per action");
    for (row, action) in rows[1..].iter().zip(Action::ALL) {
        assert_eq!(row[0], format!("{action:?}"));
        let decided: Vec<&str> = columns
            .iter()
            .map(|(_, actor)| cell(actor, *action))
            .collect();
        assert_eq!(row[1..], decided, "{action:?} for {names:?}");
    }
}

#[test]
fn every_action_is_decided_for_every_role() {
    let columns = Role::ALL.iter().map(|role| (role.code(), staff(*role)));
    agrees(ROLES, &columns.collect::<Vec<_>>());
}

#[test]
fn every_action_is_decided_for_every_scope() {
    let one = Scope::ALL
        .iter()
        .map(|scope| (scope.code(), program(&[*scope], "")));
    let mut columns: Vec<_> = one.collect();
    columns.push(("all", program(Scope::ALL, "")));
    columns.push(("unit", program(Scope::ALL, OWN)));
    agrees(SCOPES, &columns);
}

#[test]
fn an_auditor_changes_nothing() {
    for action in Action::ALL {
        if action.changes() {
            assert_eq!(cell(&staff(Role::Auditor), *action), "-", "{action:?}");
        }
    }
}

#[test]
fn who_is_nobody_may_only_what_is_public() {
    let nobody = Actor::nobody("ova".parse().unwrap());
    for action in Action::ALL {
        let may = matches!(action, Action::Public | Action::File);
        assert_eq!(cell(&nobody, *action) == "all", may, "{action:?}");
    }
}

#[test]
fn a_list_is_cut_to_what_its_reader_may_see_one_by_one() {
    assert_eq!(staff(Role::Supervisor).reach(Action::See), Reach::All);
    assert_eq!(staff(Role::Unit).reach(Action::See), Reach::Unit(OWN));
    assert_eq!(staff(Role::Admin).reach(Action::See), Reach::Nothing);
    assert_eq!(program(&[Scope::Read], "").reach(Action::See), Reach::All);
    assert_eq!(
        program(&[Scope::Read], OWN).reach(Action::See),
        Reach::Unit(OWN)
    );
    // Nobody has a request that is with no unit yet, and nobody is in no unit.
    let nowhere = Actor {
        kind: Kind::Staff {
            code: "x".to_owned(),
            roles: [Role::Unit].into(),
            unit: String::new(),
        },
        ..staff(Role::Unit)
    };
    assert_eq!(nowhere.reach(Action::See), Reach::Nothing);
    assert!(!may(&nowhere, Action::See, Resource::Request { unit: "" }));
    // Several roles are all of them.
    let both = Actor {
        kind: Kind::Staff {
            code: "x".to_owned(),
            roles: [Role::Unit, Role::Auditor].into(),
            unit: OWN.to_owned(),
        },
        ..staff(Role::Unit)
    };
    assert_eq!(both.reach(Action::See), Reach::All);
    assert_eq!(both.reach(Action::Work), Reach::Unit(OWN));
}
