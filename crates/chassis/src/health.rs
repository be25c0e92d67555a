use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, http::StatusCode, routing::get};
use prometheus::{Encoder as _, TextEncoder};

/// What a process needs before it can serve, each with its own word on why it cannot yet.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<String, String>>>);

impl Health {
    /// A part that is not ready, and why.
    pub fn not_ready(&self, part: impl Into<String>, reason: impl Into<String>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(part.into(), reason.into());
    }

    /// A part that met what this build cannot go on with, and waits for another build: it says so once, and stays not ready.
    pub fn stopped(&self, part: &str, error: &anyhow::Error) {
        tracing::error!(
            part,
            error = format!("{error:#}"),
            "{part} stopped: {error:#}"
        );
        self.not_ready(part, format!("stopped: {error:#}"));
    }

    /// A part that is ready.
    pub fn ready(&self, part: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(part);
    }

    /// The parts that are not ready, a line each; empty when all are.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts
            .iter()
            .map(|(part, reason)| format!("{part}: {reason}"))
            .collect()
    }

    /// `/livez`, `/readyz` and `/metrics`.
    pub fn routes(&self) -> Router {
        let health = self.clone();
        let ready = move || {
            let missing = health.missing();
            async move {
                if missing.is_empty() {
                    (StatusCode::OK, "ready\n".to_owned())
                } else {
                    (
                        StatusCode::SERVICE_UNAVAILABLE,
                        format!("{}\n", missing.join("\n")),
                    )
                }
            }
        };
        Router::new()
            .route("/livez", get(|| async { "alive\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
    }
}

async fn metrics() -> (StatusCode, [(&'static str, &'static str); 1], Vec<u8>) {
    let mut text = Vec::new();
    let encoder = TextEncoder::new();
    let status = match encoder.encode(&prometheus::gather(), &mut text) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, [("content-type", prometheus::TEXT_FORMAT)], text)
}
