//! What is shown as it was: `as_of` names the moment, the answer says where it cuts the log. Who may see what is decided by
//! the rights and the units of today, what is shown is of then, and nothing can be done with it.

use std::borrow::Cow;

use chassis::AsOf;
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use super::{
    caller::Program,
    problem::{Fault, Kind, Problem},
};

/// A moment as it is written: a position, a time, or a day.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Moment(pub(super) String);

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(
                "^([0-9]{1,18}|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2}))?)$",
            ))
            .examples(["2026-01-31"])
            .into()
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("AsOf")
    }
}

/// For what takes no other parameter.
#[derive(Deserialize, IntoParams)]
pub(super) struct Then {
    /// As it was known then: a position of the log, a time, or a day, which means its end.
    #[param(inline)]
    pub(super) as_of: Option<Moment>,
}

/// Where a moment cuts the log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = CutOff)]
pub(super) struct CutOff {
    /// The position of the newest event that was known then; 0 for none.
    pub(super) position: u64,
    /// When that event was recorded.
    #[schema(format = DateTime)]
    recorded_at: Option<String>,
}

/// A moment to the microsecond, so that it can be asked for again; `None` for none.
pub(super) fn exact(micros: i64) -> Option<String> {
    (micros > 0).then(|| chassis::event::timestamp(micros).to_string())
}

impl Moment {
    /// Where it cuts the caller's log.
    pub(super) async fn cut_off(&self, program: &Program) -> Result<CutOff, Problem> {
        let malformed = |it: chassis::Invalid| {
            Problem::of(Kind::Invalid).naming([Fault::parameter("as_of", it.problem)])
        };
        let as_of = AsOf::read("as_of", &self.0, &crate::text::zone()).map_err(malformed)?;
        let ledger = program.centre.platform.ledger(program.municipality());
        let found = ledger.cut_off("as_of", as_of).await?;
        let recorded_at = i64::try_from(found.recorded_at).unwrap_or_default();
        Ok(CutOff {
            position: found.position,
            recorded_at: exact(recorded_at),
        })
    }
}
