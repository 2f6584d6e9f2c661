//! Reports progress to the caller of a job: by events, and by the progress callback on a thread of its own.
//!
//! Invariant: no caller can delay a stage or a cancellation.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use trix_model::{
    control::{
        cancel::{Cancel, LOOK},
        events::{Event, EventSender},
        progress::{Progress, Watch},
    },
    error::{Result, Stage},
};

use super::{
    control::{self, Control, OnProgress, Stages},
    pass::PassOutcome,
    stage::{no_thread, thread},
};
use crate::{
    plan::{Plan, Sink},
    report::{OutputReport, PackageReport, StillReport},
};

/// The caller of a job.
pub(super) struct Host<'a> {
    pub(super) control: &'a Control,
    callback: CallbackThread,
}

impl<'a> Host<'a> {
    /// # Errors
    /// `Io` if the thread of the callback cannot be started.
    pub(super) fn of(control: &'a Control) -> Result<Self> {
        Ok(Host { control, callback: CallbackThread::start(control)? })
    }

    /// True if the caller wants progress.
    pub(super) fn wants_progress(&self) -> bool {
        self.control.progress.is_some() || self.control.events.is_some()
    }

    /// Reports the progress of all outputs together, and of each. Returns at once.
    pub(super) fn show_progress(&self, watch: &mut Watch, meters: &mut Meters) {
        self.callback.offer(|| watch.look());
        meters.emit();
    }

    /// Waits until the callback has returned from the last progress, or the caller cancels.
    pub(super) fn settle(&self) {
        self.callback.settle(&self.control.cancel);
    }

    /// Sends the warnings of the pass that wrote the outputs, and the damage of external audio tracks.
    pub(super) fn warn(&self, plan: &Plan, outcome: &PassOutcome) {
        let Some(events) = &self.control.events else { return };
        for text in &outcome.appeared {
            events.send(Event::Warning { path: None, text: text.clone() });
        }
        for sink in plan.sinks() {
            let path = match sink {
                Sink::Output(id) => &plan.output(id).path,
                Sink::Rendition { package, .. } => &plan.package(package).path,
            };
            for text in &outcome.outputs[sink].warnings {
                events.send(Event::Warning { path: Some(path.clone()), text: text.clone() });
            }
        }
        for (track, reports) in &outcome.damage_of_tracks {
            for damage in reports.iter().flat_map(|report| &report.first) {
                events.send(Event::DamageFound { track: Some(*track), damage: damage.clone() });
            }
        }
    }

    /// Sends that all products have their names.
    pub(super) fn done(&self, outputs: &[OutputReport], packages: &[PackageReport], stills: &[StillReport]) {
        let Some(events) = &self.control.events else { return };
        let outputs = outputs.iter().map(|output| (&output.path, output.bytes));
        let packages = packages.iter().map(|package| (&package.path, package.bytes));
        let stills = stills.iter().map(|still| (&still.path, still.files.iter().map(|file| file.bytes).sum()));
        for (path, bytes) in outputs.chain(packages).chain(stills) {
            events.send(Event::OutputDone { path: path.clone(), bytes });
        }
    }
}

/// Calls the progress callback of a job on a thread of its own.
///
/// A progress that comes while the callback runs waits, and replaces the one that waited before.
struct CallbackThread(Option<Callback>);

struct Callback {
    mailbox: Arc<Mailbox>,
    /// `None` after its end.
    thread: Option<JoinHandle<()>>,
    /// Receives the thread if the callback still runs at the end of the job.
    stages: Stages,
}

/// Holds a progress until the callback takes it.
#[derive(Default)]
struct Mailbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Option<Progress>,
    /// True while the callback runs.
    is_busy: bool,
    /// True when there will be no more progress.
    is_over: bool,
    /// What the callback panicked with. It is not called again.
    panic: Option<Box<dyn Any + Send>>,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `callback` with each progress until the job is over.
    fn serve(&self, callback: &OnProgress) {
        let mut state = self.lock();
        while !state.is_over {
            let Some(progress) = state.waiting.take() else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.is_busy = true;
            drop(state);
            let panic = catch_unwind(AssertUnwindSafe(|| callback(&progress))).err();
            state = self.lock();
            state.is_busy = false;
            state.is_over |= panic.is_some();
            state.panic = panic;
            self.changed.notify_all();
        }
    }
}

impl CallbackThread {
    /// Starts the thread, if `control` has a callback.
    ///
    /// # Errors
    /// `Io` if the thread cannot be started.
    fn start(control: &Control) -> Result<Self> {
        let Some(callback) = control.progress.clone() else { return Ok(CallbackThread(None)) };
        let mailbox = Arc::<Mailbox>::default();
        let own = Arc::clone(&mailbox);
        let name = "trix-progress";
        let thread = thread(name.to_owned(), Box::new(move || own.serve(&callback)))
            .map_err(|error| no_thread(name, Stage::Plan, error))?;
        Ok(CallbackThread(Some(Callback { mailbox, thread: Some(thread), stages: control.stages.clone() })))
    }

    /// Hands a progress to the callback. Returns at once.
    fn offer(&self, progress: impl FnOnce() -> Progress) {
        if let Some(Callback { mailbox, .. }) = &self.0 {
            let progress = progress();
            mailbox.lock().waiting = Some(progress);
            mailbox.changed.notify_all();
        }
    }

    /// Waits until the callback has returned from the last progress, or the caller cancels.
    ///
    /// # Panics
    /// With the panic of the callback.
    fn settle(&self, cancel: &Cancel) {
        let Some(Callback { mailbox, .. }) = &self.0 else { return };
        let mut state = mailbox.lock();
        while !state.is_over && (state.is_busy || state.waiting.is_some()) && !cancel.is_cancelled() {
            state = mailbox.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(panic) = state.panic.take() {
            drop(state);
            resume_unwind(panic);
        }
    }
}

impl Drop for CallbackThread {
    fn drop(&mut self) {
        let Some(Callback { mailbox, thread, stages }) = &mut self.0 else { return };
        // A call that has begun goes on; no other begins.
        let is_busy = {
            let mut state = mailbox.lock();
            state.is_over = true;
            mailbox.changed.notify_all();
            state.is_busy
        };
        match is_busy {
            true => stages.leave(thread.take().into_iter().collect()),
            false => control::join(thread.take()),
        }
    }
}

/// Sends the progress of each output as events.
#[derive(Default)]
pub(super) struct Meters {
    events: Option<EventSender>,
    meters: Vec<Meter>,
}

struct Meter {
    /// Number of the product.
    output: usize,
    path: PathBuf,
    stage: Stage,
    watch: Watch,
}

impl Meters {
    pub(super) fn new(control: &Control) -> Self {
        Meters { events: control.events.clone(), meters: Vec::new() }
    }

    /// Adds product `output`, whose frames `watch` counts.
    pub(super) fn add(&mut self, output: usize, path: PathBuf, stage: Stage, watch: Watch) {
        self.meters.push(Meter { output, path, stage, watch });
    }

    /// Sends no more about the products for which `failed` holds.
    pub(super) fn leave_out(&mut self, failed: impl Fn(usize) -> bool) {
        self.meters.retain(|meter| !failed(meter.output));
    }

    /// Sends an event for each output.
    pub(super) fn emit(&mut self) {
        let Some(events) = &self.events else { return };
        for Meter { output, path, stage, watch } in &mut self.meters {
            let now = watch.look();
            events.send(Event::Progress {
                output: *output,
                path: path.clone(),
                stage: *stage,
                frames: now.frame,
                frames_expected: now.frames_expected,
                seconds: now.seconds,
                seconds_expected: now.seconds_expected,
                fps: now.fps,
                speed: now.speed,
                eta_seconds: now.eta_seconds,
                bytes: now.bytes,
                bitrate_kbps: now.bitrate_kbps,
            });
        }
    }
}
