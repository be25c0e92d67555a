//! What stands around every page of the console: who is signed in, where they may go, in which language and light.

use vocabulary::Language;

use super::filters::Scope;
use crate::{
    access::{Action, Resource, Role},
    session::Signed,
    text::{self, Words},
};

/// What every page's frame shows.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) words: Words,
    /// Nobody on the pages before sign-in.
    pub(crate) signed: Option<Signed>,
    /// The page's own address, to come back to.
    pub(crate) here: String,
    /// The position that what is shown stands at; 0 where nothing of it moves.
    pub(crate) position: u64,
}

/// A way to go.
pub(crate) struct Tab {
    pub(crate) href: &'static str,
    pub(crate) label: String,
    pub(crate) here: bool,
}

impl Frame {
    /// The frame around a page of somebody who is signed in.
    pub(crate) fn of(signed: &Signed, here: &str) -> Self {
        Self {
            words: Words(signed.language()),
            signed: Some(signed.clone()),
            here: here.to_owned(),
            position: 0,
        }
    }

    /// The frame around a page for anybody.
    pub(crate) fn of_nobody(language: Language, here: &str) -> Self {
        Self {
            words: Words(language),
            signed: None,
            here: here.to_owned(),
            position: 0,
        }
    }

    /// The same, of what moves with the log.
    pub(crate) fn at(mut self, position: u64) -> Self {
        self.position = position;
        self
    }

    /// A text by its key.
    pub(crate) fn t(&self, key: &str) -> String {
        self.words.get(key)
    }

    /// The page's language, as HTML names it.
    pub(crate) fn code(&self) -> &'static str {
        self.words.0.code()
    }

    pub(crate) fn other_code(&self) -> &'static str {
        self.other().code()
    }

    /// This page in the other language, where nobody is signed in whose language it is.
    pub(crate) fn other_link(&self) -> String {
        format!("{}?lang={}", self.here, self.other_code())
    }

    /// The token that stands in each form.
    pub(crate) fn csrf(&self) -> &str {
        self.signed.as_ref().map_or("", Signed::csrf)
    }

    /// "light", "dark", or "" for what the browser likes.
    pub(crate) fn theme(&self) -> &'static str {
        self.signed.as_ref().map_or("", Signed::theme)
    }

    /// Where somebody may go.
    pub(crate) fn tabs(&self) -> Vec<Tab> {
        let tabs = [
            ("new", "/console/new", self.may(Action::File)),
            ("requests", "/console/requests", self.finds()),
            (
                "figures",
                "/console/figures",
                self.reaches(Action::SeeFigures),
            ),
            (
                "admin",
                "/console/admin",
                self.may(Action::Administer) || self.may(Action::Direct),
            ),
        ];
        let tabs = tabs.into_iter().filter(|(.., may)| *may);
        let tab = |(name, href, _): (&str, &'static str, bool)| Tab {
            href,
            label: self.words.get(&format!("console-tab-{name}")),
            here: self.here.starts_with(href),
        };
        tabs.map(tab).collect()
    }

    /// What an administrator keeps, part by part.
    pub(crate) fn parts(&self) -> Vec<Tab> {
        let parts = [
            ("/console/admin/staff", "admin-staff"),
            ("/console/admin/keys", "admin-keys"),
            ("/console/admin/units", "admin-units"),
            ("/console/admin/topics", "admin-topics"),
        ];
        let part = |(href, key): (&'static str, &str)| Tab {
            href,
            label: self.words.get(key),
            here: self.here.starts_with(href),
        };
        parts.map(part).into_iter().collect()
    }

    /// Whether there is anything to search.
    pub(crate) fn finds(&self) -> bool {
        self.reaches(Action::See)
    }

    fn may(&self, action: Action) -> bool {
        self.signed
            .as_ref()
            .is_some_and(|it| it.may(action, Resource::Centre))
    }

    fn reaches(&self, action: Action) -> bool {
        self.signed
            .as_ref()
            .is_some_and(|it| Scope::of(it.actor(), action).is_some())
    }

    /// What somebody is here, in words.
    pub(crate) fn roles(&self) -> String {
        let roles = self.signed.iter().flat_map(Signed::roles);
        let roles: Vec<String> = roles.map(|it| self.words.get(role_key(*it))).collect();
        roles.join(", ")
    }

    /// The first letter of who it is.
    pub(crate) fn initial(&self) -> String {
        let first: String = self
            .signed
            .iter()
            .flat_map(|it| it.code().chars().next())
            .collect();
        text::capital(&first, self.words.0)
    }

    fn other(&self) -> Language {
        match self.words.0 {
            Language::Tr => Language::En,
            Language::En => Language::Tr,
        }
    }
}

/// A role's name, by its text's key.
fn role_key(role: Role) -> &'static str {
    match role {
        Role::Operator => "console-role-operator",
        Role::Desk => "console-role-desk",
        Role::Unit => "console-role-unit",
        Role::Supervisor => "console-role-supervisor",
        Role::Auditor => "console-role-auditor",
        Role::Admin => "console-role-admin",
    }
}
