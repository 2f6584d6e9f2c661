//! Temporal as the engine: the workflow, the activity of a step, and the client.

// The macros of the SDK make constants without documentation.
#![allow(missing_docs)]

use std::{cell::Cell, future::Future, str::FromStr, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, Priority, UntypedWorkflow, Url, WorkflowCancelOptions,
    WorkflowIdReusePolicy, WorkflowSignalOptions, WorkflowStartOptions,
    errors::{WorkflowInteractionError, WorkflowStartError},
    grpc::WorkflowService,
    tonic,
};
use temporalio_common::{
    RetryPolicy,
    protos::temporal::api::{
        activity::v1::ActivityOptions as WaitingOptions,
        common::v1::{Priority as WaitingPriority, WorkflowExecution},
        workflowservice::v1::{
            GetSystemInfoRequest, UpdateActivityOptionsRequest, update_activity_options_request::Activity as Which,
        },
    },
};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityCancellationType, ActivityExecutionError, ActivityOptions, ContinueAsNewOptions, SyncWorkflowContext,
    WorkflowCancellationToken, WorkflowContext, WorkflowResult,
    activities::{ActivityContext, ActivityError},
    workflows::join_all,
};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use trix_core::{ErrorDetail, ErrorKind, Stage};

use super::{
    Engine, Run, Step, StepEnd,
    flow::{Host, Next, Position, ingest},
};
use crate::{
    catalogue::Catalogue,
    config::{self, Config},
    error::{Error, Result},
    hex,
    worker::{Again, Signs, Verdict, Worker, complete},
};

/// The longest wait for an answer of the server.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest that an attempt may take.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// The time between two heartbeats of a step. The catalogue tells of a cancellation sooner.
pub fn heartbeat(settings: &config::Engine) -> Duration {
    (config::lease(settings.lease) / 5).clamp(Duration::from_secs(1), Duration::from_secs(15))
}

/// The queue of the dispatchers.
pub fn control_queue(settings: &config::Engine) -> String {
    format!("{}-control", settings.queue)
}

/// A step of a run, as the input of its activity.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepInput {
    run: Run,
    step: Step,
}

/// The end of a run without copies, as the input of its activity.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndInput {
    run: Run,
    error: Option<Box<ErrorDetail>>,
}

/// A run, as the input of its workflow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunInput {
    run: Run,
    /// The queue of the workers.
    steps: String,
    /// Seconds without a sign after which a worker has lost its step.
    lease: f64,
    position: Position,
}

/// The activity of workers.
pub struct Steps {
    /// The worker.
    pub worker: Arc<Worker>,
    /// Ends the process.
    pub end: CancellationToken,
}

struct Beats(ActivityContext);

impl Signs for Beats {
    async fn beat(&self, frames: i64) {
        let _ = self.0.record_heartbeat(frames).await;
    }
}

#[activities]
impl Steps {
    /// Does a step once, and tells the engine how it ended.
    #[activity(name = "step")]
    pub async fn step(self: Arc<Self>, ctx: ActivityContext, input: StepInput) -> Result<StepEnd, ActivityError> {
        let cancel = self.end.child_token();
        let (watched, cancelled) = (ctx.clone(), cancel.clone());
        let watch = tokio::spawn(async move {
            watched.cancelled().await;
            cancelled.cancel();
        });
        let StepInput { run, step } = input;
        let signs = Beats(ctx.clone());
        let (attempt, mut verdict) = self.worker.attempt((&run.job, run.run), &step, &cancel, &signs).await;
        watch.abort();
        let leaves = self.end.is_cancelled() || self.worker.is_leaving.load(std::sync::atomic::Ordering::Relaxed);
        if leaves && matches!(verdict, Verdict::Cancelled) {
            verdict = Verdict::Again(Again::Leaving);
        }
        // Telling may take as long as an outage of the engine, and the process may end meanwhile.
        let never = CancellationToken::new();
        let end = if matches!(verdict, Verdict::Again(Again::Leaving)) { &self.end } else { &never };
        let told = complete::tell(&ctx.client(), &ctx.info().task_token, &verdict, &self.worker.config, end).await;
        if let (Some(attempt), Some(is_accepted)) = (&attempt, told) {
            self.worker.settle(attempt, &verdict, is_accepted).await;
        }
        if self.worker.is_fenced.load(std::sync::atomic::Ordering::Relaxed) {
            self.end.cancel();
        }
        Err(ActivityError::WillCompleteAsync)
    }
}

/// The activity of dispatchers.
pub struct Ends {
    /// The database.
    pub catalogue: Catalogue,
}

#[activities]
impl Ends {
    /// Ends a run that has no copies, in the catalogue.
    #[activity(name = "end")]
    pub async fn end(self: Arc<Self>, _ctx: ActivityContext, input: EndInput) -> Result<(), ActivityError> {
        let EndInput { run, error } = input;
        Ok(self.catalogue.run_ends(&run.job, run.run, error.as_deref(), "engine").await?)
    }
}

/// The workflow of a run.
#[workflow]
#[derive(Default)]
pub struct IngestWorkflow {
    /// The priority of the job, if it was changed.
    priority: Option<u32>,
}

/// The workflow as the host of its steps.
struct Here<'a> {
    ctx: &'a WorkflowContext<IngestWorkflow>,
    input: &'a RunInput,
    /// Once a step was cancelled, no other begins.
    is_cancelled: Cell<bool>,
    /// Cancels the steps.
    token: WorkflowCancellationToken,
}

/// The name of the failure of a step whose worker is lost: the workflow begins it again, the server does not.
const LOST: &str = "TemporalTimeout:Heartbeat";

fn retries() -> RetryPolicy {
    let retries = RetryPolicy::builder().initial_interval(Duration::from_secs(1));
    retries.maximum_interval(Duration::from_secs(30)).non_retryable_error_types(vec![LOST.to_owned()]).build()
}

/// The priority of a step for the server. Each priority of jobs has two of the server: a step whose worker was lost comes before those
/// that have waited longer.
fn priority(of_job: u32, is_lost: bool) -> i32 {
    2 * of_job.clamp(1, 5) as i32 - i32::from(is_lost)
}

/// The most bytes of the name under which a submitter has its share of the workers.
const SHARE: usize = 64;

/// The name under which a submitter has its share of the workers.
fn share_of(submitter: &str) -> String {
    match submitter.len() {
        0..=SHARE => submitter.to_owned(),
        _ => hex(&Sha256::digest(submitter.as_bytes())[..SHARE / 2]),
    }
}

impl Here<'_> {
    /// Has a step done, until it ends or its worker is lost.
    async fn once(&self, step: Step, is_lost: bool) -> Result<StepEnd, ActivityExecutionError> {
        let RunInput { run, steps, lease, .. } = self.input;
        // Copies get their names as a whole, or not at all.
        let is_publish = matches!(step, Step::Publish { .. });
        let of_job = self.ctx.state(|own| own.priority).unwrap_or(run.priority);
        let priority = Priority::builder().priority_key(priority(of_job, is_lost) as u32);
        let options = ActivityOptions::with_start_to_close_timeout(LONGEST)
            .heartbeat_timeout(config::lease(*lease))
            .task_queue(steps.clone())
            .retry_policy(retries())
            .priority(priority.fairness_key(share_of(&run.submitter)).build())
            .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
            .cancellation_token(if is_publish { WorkflowCancellationToken::new() } else { self.token.clone() })
            .do_not_eagerly_execute(true)
            .build();
        self.ctx.execute_activity(Steps::step, StepInput { run: run.clone(), step }, options).await
    }
}

impl Host for Here<'_> {
    async fn step(&self, step: Step) -> Option<StepEnd> {
        let mut is_lost = false;
        loop {
            if self.is_cancelled.get() {
                return None;
            }
            match self.once(step.clone(), is_lost).await {
                Ok(end) => return Some(end),
                Err(ActivityExecutionError::Cancelled(_)) => {
                    self.is_cancelled.set(true);
                    return None;
                }
                Err(error) if is_timeout(&error) => is_lost = true,
                Err(error) => {
                    let error = trix_core::Error::new(ErrorKind::Bug, Stage::Plan, format!("the engine: {error}"));
                    return Some(StepEnd::Failed { error: Box::new((&error).into()) });
                }
            }
        }
    }

    fn give_up(&self) {
        self.token.cancel();
    }

    async fn all<F: Future>(&self, futures: Vec<F>) -> Vec<F::Output> {
        join_all(futures).await
    }
}

#[workflow_methods]
impl IngestWorkflow {
    /// Changes the priority of the steps that begin from now on.
    #[signal]
    pub fn set_priority(&mut self, _ctx: &mut SyncWorkflowContext<Self>, priority: u32) {
        self.priority = Some(priority);
    }

    /// Does the steps of a run.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: RunInput) -> WorkflowResult<()> {
        let token = ctx.cancellation_token().child_token();
        let here = Here { ctx, input: &input, is_cancelled: Cell::new(false), token };
        let error = match ingest(&here, input.position).await {
            Next::Done => return Ok(()),
            Next::GoOn(position) => {
                let mut further = RunInput { position, ..input.clone() };
                further.run.priority = ctx.state(|own| own.priority).unwrap_or(input.run.priority);
                ctx.continue_as_new(further, ContinueAsNewOptions::default())?;
                return Ok(());
            }
            Next::Failed(error) => Some(error),
            Next::Cancelled => None,
        };
        let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(20))
            .retry_policy(retries())
            // The end of a cancelled run is not cancelled.
            .cancellation_token(WorkflowCancellationToken::new())
            .build();
        ctx.execute_activity(Ends::end, EndInput { run: input.run.clone(), error }, options).await?;
        Ok(())
    }
}

/// The client of a Temporal server.
pub struct Temporal {
    settings: config::Engine,
    /// The connection, while it works.
    client: Mutex<Option<Client>>,
}

impl Temporal {
    /// The client of the server of these settings.
    pub fn new(config: &Config) -> Self {
        Temporal { settings: config.engine.clone(), client: Mutex::default() }
    }

    /// Connects to the server.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn connect(settings: &config::Engine, identity: &str) -> Result<Client> {
        let url =
            Url::from_str(&settings.address).map_err(|error| Error::invalid(format!("engine.address: {error}")))?;
        let options = ConnectionOptions::new(url).identity(identity).connect_timeout(PATIENCE).build();
        let connection = tokio::time::timeout(PATIENCE, Connection::connect(options)).await;
        let connection = connection.map_err(|_| away("no answer"))?.map_err(unreachable)?;
        let options = ClientOptions::new(settings.namespace.clone()).build();
        Client::new(connection, options).map_err(|error| Error::Bug(format!("engine: {error}")))
    }

    async fn client(&self) -> Result<Client> {
        let mut client = self.client.lock().await;
        if client.is_none() {
            *client = Some(Self::connect(&self.settings, "dispatcher").await?);
        }
        client.clone().ok_or_else(|| Error::Bug("engine: no client".into()))
    }

    /// Waits for an answer. If none comes, the next call connects anew.
    async fn timed<T>(&self, answer: impl Future<Output = T>) -> Result<T> {
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => Ok(answer),
            Err(_) => {
                self.client.lock().await.take();
                Err(away("no answer"))
            }
        }
    }
}

/// True if a step has no end because its worker gave no sign.
fn is_timeout(error: &ActivityExecutionError) -> bool {
    matches!(error, ActivityExecutionError::Failed(failure) if failure.as_timeout().is_some())
}

fn away(why: impl ToString) -> Error {
    Error::Away { part: "engine", why: why.to_string() }
}

/// The engine does not answer because of `error`: what lies at its bottom is what an operator understands.
fn unreachable(error: impl std::error::Error) -> Error {
    let first: &dyn std::error::Error = &error;
    let chain = std::iter::successors(first.source(), |error| error.source());
    chain.last().map_or_else(|| away(&error), |cause| away(cause.to_string()))
}

fn id_of(job: &str, run: i64) -> String {
    format!("ingest-{job}-{run}")
}

#[async_trait]
impl Engine for Temporal {
    async fn start(&self, run: &Run) -> Result<()> {
        let options = WorkflowStartOptions::new(control_queue(&self.settings), id_of(&run.job, run.run))
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .priority(Priority::builder().priority_key(priority(run.priority, false) as u32).build())
            .build();
        let (steps, lease) = (self.settings.queue.clone(), self.settings.lease);
        let input = RunInput { run: run.clone(), steps, lease, position: Position::default() };
        let client = self.client().await?;
        match self.timed(client.start_workflow(IngestWorkflow::run, input, options)).await? {
            Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }

    async fn cancel(&self, job: &str, run: i64) -> Result<bool> {
        let handle = self.client().await?.get_workflow_handle::<UntypedWorkflow>(id_of(job, run));
        match self.timed(handle.cancel(WorkflowCancelOptions::default())).await? {
            Ok(()) => Ok(true),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
            Err(error) => Err(away(error)),
        }
    }

    async fn set_priority(&self, job: &str, run: i64, of_job: u32) -> Result<()> {
        let mut client = self.client().await?;
        let handle = client.get_workflow_handle::<IngestWorkflow>(id_of(job, run));
        let told = handle.signal(IngestWorkflow::set_priority, of_job, WorkflowSignalOptions::default());
        match self.timed(told).await? {
            Ok(()) => {}
            // It is over, or has not begun.
            Err(WorkflowInteractionError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(away(error)),
        }
        // Steps that wait for workers.
        let mut request = UpdateActivityOptionsRequest {
            namespace: self.settings.namespace.clone(),
            execution: Some(WorkflowExecution { workflow_id: id_of(job, run), run_id: String::new() }),
            identity: "dispatcher".into(),
            activity_options: Some(WaitingOptions {
                priority: Some(WaitingPriority { priority_key: priority(of_job, false), ..Default::default() }),
                ..Default::default()
            }),
            activity: Some(Which::MatchAll(true)),
            ..Default::default()
        };
        request.update_mask.get_or_insert_default().paths.push("priority.priority_key".into());
        match self.timed(WorkflowService::update_activity_options(&mut client, tonic::Request::new(request))).await? {
            Ok(_) => Ok(()),
            Err(status) if matches!(status.code(), tonic::Code::NotFound | tonic::Code::InvalidArgument) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }

    async fn check(&self) -> Result<()> {
        let mut client = self.client().await?;
        let request = tonic::Request::new(GetSystemInfoRequest::default());
        self.timed(WorkflowService::get_system_info(&mut client, request)).await?.map_err(away)?;
        Ok(())
    }
}
