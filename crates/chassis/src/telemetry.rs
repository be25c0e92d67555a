//! Spans, logs and metrics: JSON lines on stderr, OTLP traces where an endpoint is set, Prometheus on `/metrics`.
//!
//! One trace runs from the HTTP request through gRPC, the append, the relay and every reader: its W3C context travels in
//! call metadata, in the event itself and in message headers. A span that hands its context on is of level INFO; one that is
//! only looked at is of level DEBUG and of target [`WATCHED`], and is not made where nobody collects.

use anyhow::Context as _;
use opentelemetry::{
    Context, KeyValue,
    trace::{
        SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
        TracerProvider as _,
    },
};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider, trace::SdkTracerProvider};
use tonic::metadata::MetadataMap;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, LevelFilter, Targets, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::Role;

/// The target of spans that nothing but a trace's picture needs.
pub const WATCHED: &str = "watched";

/// Keeps telemetry running; flushes what is left when dropped.
#[derive(Debug)]
pub struct Telemetry {
    traces: SdkTracerProvider,
    _metrics: SdkMeterProvider,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // Nothing can be done about a collector that is gone at the very end.
        let _ = self.traces.shutdown();
    }
}

/// Starts telemetry for a process: `name` as in "cozum-intake", `level` as in `RUST_LOG`, `otlp` a collector's gRPC URL.
pub fn start(name: &'static str, level: &str, otlp: Option<&str>) -> anyhow::Result<Telemetry> {
    let resource = Resource::builder().with_service_name(name).build();
    let mut traces = SdkTracerProvider::builder().with_resource(resource.clone());
    if let Some(endpoint) = otlp {
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .build()
            .context("OTLP exporter")?;
        traces = traces.with_batch_exporter(exporter);
    }
    let traces = traces.build();
    let metrics = opentelemetry_prometheus::exporter()
        .with_registry(prometheus::default_registry().clone())
        .build()
        .context("Prometheus exporter")?;
    let metrics = SdkMeterProvider::builder()
        .with_resource(resource)
        .with_reader(metrics)
        .build();
    opentelemetry::global::set_meter_provider(metrics.clone());

    let filter = EnvFilter::try_new(level).context("log level")?;
    let logs = tracing_subscriber::fmt::layer()
        .json()
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        // A line says nothing of the spans around it, so their fields need not be written down for it.
        .with_filter(filter.and(filter_fn(|it| it.is_event())));
    let spans = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer("cozum"))
        .with_filter(spans_made(otlp.is_some()));
    tracing_subscriber::registry()
        .with(logs)
        .with(spans)
        .try_init()
        .context("telemetry was started before")?;
    Ok(Telemetry {
        traces,
        _metrics: metrics,
    })
}

/// Which spans are made, where a collector is set and where none is.
fn spans_made(collected: bool) -> Targets {
    let watched = if collected {
        LevelFilter::DEBUG
    } else {
        LevelFilter::OFF
    };
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target(WATCHED, watched)
}

/// The W3C trace context of the current span, or an empty text.
#[must_use]
pub fn current_traceparent() -> String {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return String::new();
    }
    format!(
        "00-{}-{}-{:02x}",
        span.trace_id(),
        span.span_id(),
        span.trace_flags().to_u8()
    )
}

/// Makes a span part of the trace that a W3C context names; leaves it alone where there is none.
pub fn continue_trace(span: &Span, traceparent: &str) {
    if span.is_disabled() {
        return;
    }
    if let Some(parent) = parse(traceparent) {
        // Fails only for a span that has begun, and ours have not.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-');
    let (_version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    context.is_valid().then_some(context)
}

/// What makes the span of one gRPC call, named by its path, in the caller's trace.
pub(crate) fn spans_of_calls(role: Role) -> fn(&http::Request<()>) -> Span {
    match role {
        // It calls nobody: what it records carries the caller's trace.
        Role::Ledger => |request| {
            let path = request.uri().path();
            let span = tracing::debug_span!(target: WATCHED, "grpc", otel.name = path, rpc.system = "grpc");
            in_callers_trace(span, request)
        },
        Role::Intake | Role::Routing | Role::Notification | Role::Analytics | Role::Gateway => {
            |request| {
                let path = request.uri().path();
                let span = tracing::info_span!("grpc", otel.name = path, rpc.system = "grpc");
                in_callers_trace(span, request)
            }
        }
    }
}

fn in_callers_trace(span: Span, request: &http::Request<()>) -> Span {
    let traceparent = request
        .headers()
        .get("traceparent")
        .and_then(|it| it.to_str().ok());
    continue_trace(&span, traceparent.unwrap_or_default());
    span
}

/// The W3C trace context that a call came with, or an empty text.
#[must_use]
pub fn traceparent_of(metadata: &MetadataMap) -> String {
    let given = metadata.get("traceparent").and_then(|it| it.to_str().ok());
    given.unwrap_or_default().to_owned()
}

/// A label of a metric.
#[must_use]
pub fn label(key: &'static str, value: impl Into<String>) -> KeyValue {
    KeyValue::new(key, value.into())
}
