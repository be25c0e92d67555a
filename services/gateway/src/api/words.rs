//! The words of the field as the API writes them: by their codes, each a closed list in the document.

use std::{borrow::Cow, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::Schema,
        schema::{ObjectBuilder, Type},
    },
};
use vocabulary::{Channel, Language, RequestState, SubResult};

/// A closed list of words.
pub(super) trait List: Copy + FromStr + 'static {
    const NAME: &'static str;
    /// Those that can stand in the API.
    fn codes() -> Vec<&'static str>;
    fn code(self) -> &'static str;
}

macro_rules! lists {
    ($($name:ident),+) => {$(
        impl List for $name {
            const NAME: &'static str = stringify!($name);

            fn codes() -> Vec<&'static str> {
                Self::ALL.iter().map(|it| it.code()).collect()
            }

            fn code(self) -> &'static str {
                Self::code(self)
            }
        }
    )+};
}
lists!(Channel, Language, RequestState, SubResult);

/// One word of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<W>(pub(super) W);

impl<W: List> Serialize for Word<W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.code())
    }
}

impl<'de, W: List> Deserialize<'de> for Word<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        let unknown = || D::Error::custom("is no word of the list");
        code.parse().map(Self).map_err(|_| unknown())
    }
}

impl<W: List> PartialSchema for Word<W> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(W::codes()))
            .into()
    }
}

impl<W: List> ToSchema for Word<W> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(W::NAME)
    }
}

pub(super) type ChannelWord = Word<Channel>;
pub(super) type LanguageWord = Word<Language>;
pub(super) type StateWord = Word<RequestState>;
pub(super) type SubResultWord = Word<SubResult>;

/// A time as RFC 3339 writes it, from microseconds since 1970.
pub(super) fn time(micros: i64) -> String {
    crate::text::iso(micros)
}

/// A text that says something.
pub(super) fn something(text: impl Into<String>) -> Option<String> {
    let text = text.into();
    (!text.is_empty()).then_some(text)
}

/// A moment that somebody names. One that lies beyond the calendar is its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Moment(pub(super) jiff::Timestamp);

impl TryFrom<String> for Moment {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        moment(&text).map(Self).ok_or("is no date-time")
    }
}

/// RFC 3339 reaches a little further than our calendar, which ends with the year 9999 less one day.
pub(super) fn moment(text: &str) -> Option<jiff::Timestamp> {
    match text.parse() {
        Ok(at) => Some(at),
        Err(_) if text.starts_with("9999-12-3") && text.len() >= 20 => Some(jiff::Timestamp::MAX),
        Err(_) => None,
    }
}
