//! The list of all routes, each with what it needs. The router is built from this list and from nothing else, so that no
//! address answers about which nobody decided; `tests/access.rs` reads the same list.

use std::sync::Arc;

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{MethodFilter, on},
};

use crate::{Centre, access::Action, limits::Limit};

/// One method of one address.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) method: Method,
    /// As the router matches it: "/console/requests/{number}".
    pub(crate) path: String,
    pub(crate) entry: Entry,
    pub(crate) need: Need,
    pub(crate) limit: Option<Limit>,
}

/// How somebody shows who they are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Not at all, or by something in the form itself (a request's secret, an Open311 key, a password).
    Open,
    /// By a session's cookie; a form that changes something carries the session's token too.
    Console,
    /// By a key in `Authorization`.
    Api,
    /// The same, in gRPC's form.
    Grpc,
}

/// What somebody wants to do there, and about what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) action: Action,
    pub(crate) about: About,
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// The centre as a whole.
    Centre,
    /// Many requests; the handler cuts what it shows to [`crate::access::Actor::reach`].
    Reach,
    /// The request that `{number}` of the address, or the message, names.
    Request,
}

impl Action {
    /// Somebody wants to do this to the centre as a whole.
    pub(crate) const fn centre(self) -> Need {
        Need {
            action: self,
            about: About::Centre,
        }
    }

    /// Somebody wants to do this to all requests they may do it to.
    pub(crate) const fn reach(self) -> Need {
        Need {
            action: self,
            about: About::Reach,
        }
    }

    /// Somebody wants to do this to one request.
    pub(crate) const fn request(self) -> Need {
        Need {
            action: self,
            about: About::Request,
        }
    }
}

/// Routes and the list of them.
pub(crate) struct Doors {
    entry: Entry,
    pub(crate) router: Router<Arc<Centre>>,
    pub(crate) list: Vec<Door>,
}

impl Doors {
    /// None yet; the ones to come are entered like this.
    pub(crate) fn new(entry: Entry) -> Self {
        Self {
            entry,
            router: Router::new(),
            list: vec![],
        }
    }

    /// Answers GET.
    pub(crate) fn get<H, T>(self, path: &str, need: Need, handler: H) -> Self
    where
        H: Handler<T, Arc<Centre>>,
        T: 'static,
    {
        self.on(Method::GET, MethodFilter::GET, path, need, handler)
    }

    /// Answers POST.
    pub(crate) fn post<H, T>(self, path: &str, need: Need, handler: H) -> Self
    where
        H: Handler<T, Arc<Centre>>,
        T: 'static,
    {
        self.on(Method::POST, MethodFilter::POST, path, need, handler)
    }

    fn on<H, T>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &str,
        need: Need,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Arc<Centre>>,
        T: 'static,
    {
        self.router = self.router.route(path, on(filter, handler));
        self.list.push(Door {
            method,
            path: path.to_owned(),
            entry: self.entry,
            need,
            limit: None,
        });
        self
    }

    /// The door that was put up last may be used this often only.
    pub(crate) fn limited(mut self, limit: Limit) -> Self {
        if let Some(last) = self.list.last_mut() {
            last.limit = Some(limit);
        }
        self
    }

    /// Routes that were built elsewhere, with what each of them needs: those that `listed` leaves out stay closed.
    pub(crate) fn built(
        entry: Entry,
        router: Router<Arc<Centre>>,
        listed: impl IntoIterator<Item = (Method, String, Need)>,
    ) -> Self {
        let door = |(method, path, need)| Door {
            method,
            path,
            entry,
            need,
            limit: None,
        };
        Self {
            entry,
            router,
            list: listed.into_iter().map(door).collect(),
        }
    }

    /// All of these may be used this often only.
    pub(crate) fn all_limited(mut self, limit: Limit) -> Self {
        for door in &mut self.list {
            door.limit.get_or_insert(limit);
        }
        self
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.list.extend(other.list);
        self
    }

    /// The same doors below a path.
    pub(crate) fn nest(mut self, path: &str, other: Self) -> Self {
        self.router = self.router.nest(path, other.router);
        self.list.extend(other.list.into_iter().map(|door| Door {
            path: match door.path.as_str() {
                "/" => path.to_owned(),
                below => format!("{path}{below}"),
            },
            ..door
        }));
        self
    }
}
