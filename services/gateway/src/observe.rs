//! What can be seen of each HTTP request: a span in the caller's trace, a count, a duration. Never its query, its body, or
//! anything of a person.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use chassis::telemetry::{continue_trace, current_traceparent, label};
use futures::FutureExt as _;
use opentelemetry::metrics::{Counter, Histogram};
use tonic::Status;
use tracing::{Instrument as _, field::Empty};

use crate::{api, console, open311, portal, proxy};

/// The gateway's counters.
#[derive(Clone)]
pub(crate) struct Meters {
    requests: Counter<u64>,
    duration: Histogram<f64>,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("cozum");
        Self {
            requests: meter
                .u64_counter("cozum_http_requests")
                .with_description("HTTP requests by route and status")
                .build(),
            duration: meter
                .f64_histogram("cozum_http_request_duration")
                .with_unit("s")
                .with_description("Time to answer an HTTP request, by route")
                .with_boundaries(vec![
                    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
                ])
                .build(),
        }
    }
}

/// Puts a span around a request, counts it, and answers for a handler that panicked.
pub(crate) async fn observe(
    State(meters): State<Meters>,
    request: Request,
    next: Next,
) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let path = request.uri().path().to_owned();
    let method = known_method(request.method());
    let span = tracing::info_span!(
        "http",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
    );
    let traceparent = request
        .headers()
        .get("traceparent")
        .and_then(|it| it.to_str().ok());
    continue_trace(&span, traceparent.unwrap_or_default());

    let started = Instant::now();
    let outcome = AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let mut response = outcome.unwrap_or_else(|_| {
        tracing::error!(route, "a handler panicked");
        after_panic(&path)
    });

    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    let labels = [
        label("method", method),
        label("route", route),
        label("status", status.to_string()),
    ];
    meters.requests.add(1, &labels);
    meters
        .duration
        .record(started.elapsed().as_secs_f64(), &labels[..2]);
    if let Ok(traceparent) = HeaderValue::try_from(span.in_scope(current_traceparent))
        && !traceparent.is_empty()
    {
        response.headers_mut().insert("traceparent", traceparent);
    }
    response
}

/// A label of few values, whatever is sent.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn after_panic(path: &str) -> Response {
    if path.starts_with("/open311/") {
        open311::failed(path)
    } else if path.starts_with("/api/") {
        api::failed()
    } else if proxy::is_grpc(path) {
        Status::internal("a mistake of ours")
            .into_http::<axum::body::Body>()
            .into_response()
    } else if path.starts_with("/console") {
        console::failed()
    } else {
        portal::failed()
    }
}
