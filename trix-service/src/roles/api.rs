//! The API server.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    api::{App, router},
    catalogue::Catalogue,
    config::Config,
    engine::temporal::Temporal,
    error::{Error, Result},
};

/// Serves until `end`.
pub(super) async fn run(config: Config, end: &CancellationToken) -> Result<()> {
    let catalogue = Catalogue::open(&config.catalogue).await?;
    let listen = config.api.listen;
    let engine = Arc::new(Temporal::new(&config));
    let app = App::begin(config, catalogue, engine, end);
    let failed = |error: std::io::Error| Error::invalid(format!("api.listen: {listen}: {error}"));
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(failed)?;
    tracing::info!(%listen, "listens");
    let ending = end.clone();
    let serving = axum::serve(listener, router(app)).with_graceful_shutdown(async move { ending.cancelled().await });
    tokio::select! {
        served = serving.into_future() => served.map_err(|error| Error::Bug(error.to_string())),
        // Open sockets of pages do not hold the process up.
        () = async {
            end.cancelled().await;
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        } => Ok(()),
    }
}
