//! A worker: one step at a time. Its supervisor starts it anew when it ends.

use std::{sync::Arc, time::Duration};

use temporalio_sdk::{
    Runtime, Worker as Poller, WorkerOptions,
    runtime::{
        PollerBehavior,
        worker_tuner::{FixedSizeSlotSupplier, TunerHolder},
    },
};
use tokio_util::sync::CancellationToken;

use super::pause;
use crate::{
    catalogue::Catalogue,
    config::Config,
    engine::temporal::{Steps, Temporal, heartbeat},
    error::{Error, Result},
    worker::Worker,
};

/// The exit code of a worker whose attempt was refused.
const FENCED: u8 = 75;

/// Runs a worker until `end`, or until an attempt of it was refused. Returns the exit code.
pub(super) async fn run(mut config: Config, end: &CancellationToken) -> Result<u8> {
    // It does one thing at a time, and tells how far it is.
    config.catalogue.connections = config.catalogue.connections.min(2);
    let catalogue = Catalogue::open(&config.catalogue).await?;
    let worker = Arc::new(Worker::new(config.clone(), catalogue));
    let runtime = Runtime::from_current_tokio(Default::default()).map_err(|error| Error::Bug(error.to_string()))?;
    while !end.is_cancelled() {
        // A worker that drains waits here.
        if worker.drains().await {
            pause(2.0, end).await;
            continue;
        }
        let client = match Temporal::connect(&config.engine, &worker.name).await {
            Ok(client) => client,
            Err(error) => {
                tracing::warn!(%error, "waits for the engine");
                pause(1.0, end).await;
                continue;
            }
        };
        // A frozen worker with free slots would take steps and not do them.
        let one = || FixedSizeSlotSupplier::new(1);
        let tuner = TunerHolder::builder()
            .workflow_task_slot_supplier(FixedSizeSlotSupplier::new(2))
            .activity_task_slot_supplier(one())
            .local_activity_task_slot_supplier(one())
            .nexus_task_slot_supplier(one())
            .build();
        let options = WorkerOptions::new(config.engine.queue.clone())
            .register_activities(Steps { worker: Arc::clone(&worker), end: end.clone() })
            .tuner(tuner)
            .activity_task_poller_behavior(PollerBehavior::SimpleMaximum(1))
            .max_heartbeat_throttle_interval(heartbeat(&config.engine))
            .graceful_shutdown_period(Duration::from_secs(2))
            .build();
        let mut poller = Poller::new(&runtime, client, options).map_err(|error| Error::Bug(error.to_string()))?;
        let shutdown = poller.shutdown_handle();
        let leaves = end.child_token();
        let (ending, own) = (leaves.clone(), Arc::clone(&worker));
        let watch = tokio::spawn(async move {
            own.live(&ending).await;
            shutdown();
        });
        if let Err(error) = poller.run().await {
            tracing::warn!(%error, "the engine is away");
            pause(1.0, end).await;
        }
        leaves.cancel();
        let _ = watch.await;
    }
    Ok(if worker.is_fenced.load(std::sync::atomic::Ordering::Relaxed) { FENCED } else { 0 })
}
