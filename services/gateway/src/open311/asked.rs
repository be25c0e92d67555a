//! Whom a call is about, in which language, and by whose key.

use axum::http::{HeaderMap, StatusCode, header};
use vocabulary::{Language, Municipality};

use super::Problems;
use crate::{
    Centre,
    access::{Action, Resource, may},
    keys::Holder,
    limits::{Limit, Wait, Whom},
    params::Params,
    text,
};

const MISSING: &str = "jurisdiction_id: is missing, and several are served here";

/// Whom a call is about, and in which language.
pub(super) struct Asked<'a> {
    pub(super) municipality: &'a Municipality,
    pub(super) language: Language,
}

/// Why nothing was taken.
pub(super) enum Refused {
    TooOften(Wait),
    Problems(Problems),
}

impl<P: Into<Problems>> From<P> for Refused {
    fn from(problems: P) -> Self {
        Self::Problems(problems.into())
    }
}

impl Holder {
    /// As whom its calls are recorded.
    pub(super) fn recorded_as(&self) -> String {
        format!("open311:{}", self.name)
    }

    /// Tells its own keys and ids from those of others.
    pub(super) fn principal(&self) -> String {
        format!("open311:{}:{}", self.actor.municipality, self.fingerprint)
    }
}

impl<'a> Asked<'a> {
    /// What is not about one municipality may leave it unsaid.
    pub(super) fn of_anybody(
        centre: &'a Centre,
        params: &Params,
        headers: &HeaderMap,
    ) -> Result<Self, Problems> {
        let named = Self::named(centre, params)?;
        let municipality = named.unwrap_or_else(|| centre.default_municipality());
        Ok(Self::of(municipality, params, headers))
    }

    pub(super) fn read(
        centre: &'a Centre,
        params: &Params,
        headers: &HeaderMap,
    ) -> Result<Self, Problems> {
        let missing = || Problems::one(StatusCode::BAD_REQUEST, MISSING);
        let municipality = match Self::named(centre, params)? {
            Some(municipality) => municipality,
            None if centre.platform.municipalities.len() == 1 => centre.default_municipality(),
            None => return Err(missing()),
        };
        Ok(Self::of(municipality, params, headers))
    }

    /// A call that brings something. Calls are counted by key, and those without a valid one by the address they come from.
    pub(super) async fn counted(
        centre: &'a Centre,
        from: Whom,
        params: &Params,
        headers: &HeaderMap,
    ) -> Result<(Self, Holder), Refused> {
        let keyed = Self::by_key(centre, params, headers).await;
        let (limit, whom) = match &keyed {
            Ok((_, key)) => (Limit::Keys, key.whom()),
            Err(_) => (Limit::Public, from),
        };
        let count = centre.limits.count(limit, &whom);
        count.map_err(Refused::TooOften)?;
        Ok(keyed?)
    }

    /// The same for a call that files something: nothing is filed with a municipality that nobody meant.
    async fn by_key(
        centre: &'a Centre,
        params: &Params,
        headers: &HeaderMap,
    ) -> Result<(Self, Holder), Problems> {
        let secret = params.trimmed("api_key");
        let named = Self::named(centre, params)?;
        let served = &centre.platform.municipalities;
        let mut holders = vec![];
        for municipality in served
            .iter()
            .filter(|it| named.is_none_or(|named| named == *it))
        {
            holders.extend(holder(centre, municipality, secret).await?);
        }
        let Some(holder) = holders.pop() else {
            return Err(Problems::one(
                StatusCode::FORBIDDEN,
                "api_key: is missing or not valid here",
            ));
        };
        if !holders.is_empty() {
            return Err(Problems::one(StatusCode::BAD_REQUEST, MISSING));
        }
        if !may(&holder.actor, Action::File, Resource::Centre) {
            let problem = "api_key: does not allow to file requests";
            return Err(Problems::one(StatusCode::FORBIDDEN, problem));
        }
        let municipality = centre.municipality(holder.actor.municipality.as_str());
        let municipality = municipality.unwrap_or_else(|| centre.default_municipality());
        Ok((Self::of(municipality, params, headers), holder))
    }

    fn named(centre: &'a Centre, params: &Params) -> Result<Option<&'a Municipality>, Problems> {
        let slug = params.trimmed("jurisdiction_id");
        if slug.is_empty() {
            return Ok(None);
        }
        let unknown = || {
            Problems::one(
                StatusCode::NOT_FOUND,
                "jurisdiction_id: no such jurisdiction here",
            )
        };
        centre.municipality(slug).map(Some).ok_or_else(unknown)
    }

    fn of(municipality: &'a Municipality, params: &Params, headers: &HeaderMap) -> Self {
        let accept = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        let language =
            text::named(params.trimmed("lang")).unwrap_or_else(|| text::preferred(accept));
        Self {
            municipality,
            language,
        }
    }
}

/// Whose key this is in a municipality: one of the configuration's, or one that was issued.
async fn holder(
    centre: &Centre,
    municipality: &Municipality,
    secret: &str,
) -> Result<Option<Holder>, Problems> {
    match centre.keys.holder_in(municipality, secret) {
        Some(key) => Ok(Some(Holder::of_open311_key(key))),
        None => Ok(centre.issued(municipality, secret).await?),
    }
}
