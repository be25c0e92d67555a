//! Personal texts on their way from a call to their seal, each under the name of the field it will stand in.

use vault::Plain;

/// The texts of one event; only those that say something.
#[derive(Default)]
pub(crate) struct Texts(Vec<(&'static str, Plain)>);

impl Texts {
    /// Adds a text; an empty one is no text.
    pub(crate) fn put(&mut self, field: &'static str, text: Plain) {
        if !text.is_empty() {
            self.0.push((field, text));
        }
    }

    pub(crate) fn get(&self, field: &str) -> Option<&Plain> {
        self.0
            .iter()
            .find(|(name, _)| *name == field)
            .map(|(_, text)| text)
    }

    pub(crate) fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Plain)> {
        self.0.iter().map(|(field, text)| (*field, text))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
