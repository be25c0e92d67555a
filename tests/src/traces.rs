//! A collector of traces: takes over OTLP what the processes export, and shows it to the tests.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use anyhow::Context as _;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
};
use prost::Message as _;
use tokio::sync::oneshot;
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

use crate::port;

/// A span, as far as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The process it came from: its `service.name`, e.g. "cozum-intake".
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its trace, as 32 hexadecimal digits.
    pub trace: String,
}

/// A running collector; it runs in a thread of its own, so that it outlives the runtime of the test that started it.
#[derive(Debug)]
pub struct Collector {
    port: u16,
    received: Received,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

#[derive(Debug, Clone, Default)]
struct Received(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    spans: Vec<Span>,
    bytes: Vec<u8>,
    /// Nothing is kept any more.
    forgets: bool,
}

impl Collector {
    /// Starts it on a free port.
    pub fn start() -> anyhow::Result<Self> {
        let port = port::free()?;
        let socket = std::net::TcpListener::bind(("127.0.0.1", port))?;
        socket.set_nonblocking(true)?;
        let received = Received::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let service = TraceServiceServer::new(received.clone());
        let named = std::thread::Builder::new().name("collector".to_owned());
        let thread = named.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async move {
                let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(socket)?);
                let server = tonic::transport::Server::builder()
                    .add_service(service)
                    .serve_with_incoming(incoming);
                tokio::select! {
                    outcome = server => outcome.context("the collector"),
                    _ = stopped => Ok(()),
                }
            })
        })?;
        Ok(Self {
            port,
            received,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where a process exports to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every span of a trace that has arrived so far.
    #[must_use]
    pub fn of(&self, trace: &str) -> Vec<Span> {
        let spans = &self.received.lock().spans;
        spans
            .iter()
            .filter(|it| it.trace == trace)
            .cloned()
            .collect()
    }

    /// The processes that have sent anything.
    #[must_use]
    pub fn services(&self) -> BTreeSet<String> {
        let spans = &self.received.lock().spans;
        spans.iter().map(|it| it.service.clone()).collect()
    }

    /// Every byte that was exported: names, attributes, events, all of it.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.received.lock().bytes.clone()
    }

    /// Takes what is exported from now on without keeping it, for those who export for hours.
    pub fn forget(&self) {
        self.received.lock().forgets = true;
    }

    /// What a process needs in its environment to export soon and to drop nothing.
    pub(crate) fn environment() -> [(&'static str, &'static str); 2] {
        [
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "65536"),
        ]
    }

    /// How long it may take from the end of a span until it is here.
    pub const SOON: Duration = Duration::from_secs(20);
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // An error means that the thread has ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Received {
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let request = request.into_inner();
        let mut kept = self.lock();
        if kept.forgets {
            return Ok(Response::new(ExportTraceServiceResponse::default()));
        }
        kept.bytes.extend(request.encode_to_vec());
        for of_process in &request.resource_spans {
            let attributes = of_process.resource.iter().flat_map(|it| &it.attributes);
            let service = text_of(attributes, "service.name");
            for span in of_process.scope_spans.iter().flat_map(|it| &it.spans) {
                kept.spans.push(Span {
                    service: service.clone(),
                    name: span.name.clone(),
                    trace: span.trace_id.iter().map(|it| format!("{it:02x}")).collect(),
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn text_of<'a>(mut attributes: impl Iterator<Item = &'a KeyValue>, key: &str) -> String {
    let value = attributes.find(|it| it.key == key);
    match value
        .and_then(|it| it.value.as_ref())
        .and_then(|it| it.value.as_ref())
    {
        Some(Value::StringValue(text)) => text.clone(),
        Some(_) | None => String::new(),
    }
}
