//! Tells the engine how an attempt ended, until it answers.

use std::time::Duration;

use temporalio_client::{ActivityIdentifier, AsyncActivityHandle, Client, RpcOptions, errors::AsyncActivityError};
use temporalio_common::error::ApplicationFailure;
use tokio_util::sync::CancellationToken;

use super::Verdict;
use crate::{config::Config, engine::StepEnd};

/// Time between two attempts to reach the engine.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells the engine the end of the attempt that `token` names. Returns false if the engine refuses it: the step belongs to another
/// attempt, or its run is over. `None` if the worker ends before there is an answer.
pub async fn tell(
    client: &Client,
    token: &[u8],
    verdict: &Verdict,
    config: &Config,
    end: &CancellationToken,
) -> Option<bool> {
    let identifier = ActivityIdentifier::from_task_token(token.to_vec().into());
    let handle = AsyncActivityHandle::new(client.clone(), identifier);
    loop {
        let told = tokio::time::timeout(PATIENCE, once(&handle, verdict, config)).await;
        match told {
            Ok(Ok(())) => return Some(true),
            Ok(Err(AsyncActivityError::NotFound(_))) => return Some(false),
            Ok(Err(error)) => tracing::warn!(%error, "the engine has not accepted the result yet"),
            Err(_) => tracing::warn!("the engine does not answer"),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = end.cancelled() => return None,
        }
    }
}

async fn once(
    handle: &AsyncActivityHandle<Client>,
    verdict: &Verdict,
    config: &Config,
) -> Result<(), AsyncActivityError> {
    match verdict {
        Verdict::Done(end) => handle.complete(Some(end.clone()), RpcOptions::default()).await,
        Verdict::Again(again) => {
            let failure = ApplicationFailure::builder(again.message()).next_retry_delay(again.pause(config)).build();
            handle.fail(failure, None::<StepEnd>, RpcOptions::default()).await
        }
        Verdict::Cancelled => handle.report_cancelation(None::<StepEnd>, RpcOptions::default()).await,
    }
}
