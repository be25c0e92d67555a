use anyhow::Context as _;
use futures::future::{BoxFuture, Either};
use tonic::{service::Routes, transport::Server};

use crate::{
    Platform,
    network::{Listener, WINDOW},
    telemetry,
};

/// A service at work: boxed, so that its code is compiled in its own crate and not once more in whoever starts it.
pub type Serving = futures::future::BoxFuture<'static, anyhow::Result<()>>;

impl Platform {
    /// Serves gRPC with health and reflection (v1 and v1alpha) until the process stops.
    pub fn serve_grpc<'a>(
        &'a self,
        routes: Routes,
        services: &'a [&'static str],
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(self.serve_routes(routes, services))
    }

    async fn serve_routes(&self, routes: Routes, services: &[&'static str]) -> anyhow::Result<()> {
        let listener = self
            .take_listener()
            .context("this role has no address to listen on")?;
        let (health, health_service) = tonic_health::server::health_reporter();
        for service in services {
            health
                .set_service_status(*service, tonic_health::ServingStatus::Serving)
                .await;
        }
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(contracts::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let routes = routes
            .add_service(health_service)
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?);

        let tasks = self.tasks.clone();
        let stopping = async move { tasks.stopping().await };
        let server = Server::builder()
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .trace_fn(telemetry::spans_of_calls(self.role))
            .add_routes(routes);
        match Listener::incoming(listener) {
            Either::Left(ports) => server.serve_with_incoming_shutdown(ports, stopping).await,
            Either::Right(door) => server.serve_with_incoming_shutdown(door, stopping).await,
        }
        .context("gRPC server")
    }
}
