//! Follows the stages of a pass from their start to their end: progress, failures, cancellation.
//!
//! Invariant: a pass ends when all its stages have ended, or soon after a cancellation.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel as crossbeam;
use trix_model::{
    control::{
        cancel::{self, Token},
        progress::{Counters, Expected, Phase, Watch},
    },
    error::{Error, Result, Stage},
};

use super::{
    control::{self, TICK},
    failures::{Failures, StageErrors, begins_anew},
    finish::PendingOutputs,
    host::{Host, Meters},
    pass::{self, Pass, PassMonitors, PassOutcome},
    stage::Outcome,
};
use crate::{
    plan::{PerSink, Plan, Product, Sink},
    planner::external_audio::ExternalAudio,
    preflight::{expected_frames, seconds},
    settings::job::OnOutputFailure,
    source::Source,
};

/// Time between two checks of whether the outputs can still get their names.
const PLACES: Duration = Duration::from_secs(1);

/// Time that stages get to end after a cancellation. Encoders may take longer inside one call into their library. Their
/// threads are left to [`Control::stages`](super::Control::stages), and own nothing that a caller could see.
pub(super) const GRACE: Duration = Duration::from_millis(120);

/// Runs the stages of one pass and waits for all of them. Returns the root cause if they fail.
pub(super) fn one_pass(
    plan: &Plan,
    external_audio: &[ExternalAudio],
    source: Source,
    pass: Pass<'_>,
    pending: &PendingOutputs,
    failures: &mut Failures,
    host: &Host<'_>,
) -> Result<PassOutcome> {
    let control = host.control;
    let token = Token::new(&control.cancel);
    let counters: PerSink<Arc<Counters>> = PerSink::new(plan, |_| Arc::default());
    let phase = if pass.is_first_of_two() { Phase::FirstPass } else { Phase::Encode };
    let taking: Vec<Sink> = plan.sinks().into_iter().filter(|sink| pass.includes(plan, *sink)).collect();
    let mut watch = watch_of(plan, &source, phase, taking.iter().map(|sink| (*sink, &counters[*sink])));
    let (names, mut meters) = (failures.names(), Meters::new(control));
    let products = plan.products();
    for (number, product) in products.iter().enumerate() {
        let own = taking.iter().filter(|sink| sink.product() == *product);
        let mut own = own.map(|sink| (*sink, &counters[*sink])).peekable();
        if own.peek().is_some() {
            meters.add(number, names[*product].clone(), Stage::Encode, watch_of(plan, &source, phase, own));
        }
    }
    let (done, outcomes) = crossbeam::unbounded();
    let mut found = StageErrors::new(names);
    let monitors = PassMonitors {
        token: &token,
        counters: &counters,
        watch: &mut watch,
        done: &done,
        found: &mut found,
        events: control.events.clone(),
    };
    let mut running = pass::start(plan, external_audio, source, pass, monitors)?;
    drop(done);
    let mut following = Following { plan, token: &token, counters: &counters, watch, meters, found };
    following.leave_out();

    let mut left = running.stages.len();
    let mut cancelled_at = None;
    let mut next_tick = Instant::now() + TICK;
    let mut next_look = Instant::now() + PLACES;
    let mut gone: Vec<Product> = Vec::new();
    // A program can end its streams long before it finishes the session.
    while left > 0 || (running.has_program() && !token.is_set()) {
        let wait = next_tick.saturating_duration_since(Instant::now()).min(cancel::LOOK);
        // A cancelled job does not wait longer than its stages may.
        let wait = cancelled_at.map_or(wait, |since: Instant| wait.min(GRACE.saturating_sub(since.elapsed())));
        let ended = match left {
            0 => {
                running.await_program(wait);
                Err(crossbeam::RecvTimeoutError::Timeout)
            }
            _ => outcomes.recv_timeout(wait),
        };
        match ended {
            Ok(Outcome { outputs, result }) => {
                left -= 1;
                if let Err(error) = result {
                    let concerned: Vec<Product> = outputs.iter().map(|number| products[*number]).collect();
                    following.fail(&concerned, error);
                }
            }
            Err(crossbeam::RecvTimeoutError::Timeout) => {}
            Err(crossbeam::RecvTimeoutError::Disconnected) => {
                control::join(running.stages);
                return Err(following.found.root().unwrap_or_else(|| Error::bug(Stage::Mux, "a stage vanished")));
            }
        }
        if token.is_set() {
            running.interrupt();
        }
        if control.cancel.is_cancelled() {
            let since = *cancelled_at.get_or_insert_with(Instant::now);
            if since.elapsed() >= GRACE {
                control.stages.leave(running.stages);
                return Err(Error::cancelled(Stage::Encode));
            }
        }
        if Instant::now() >= next_look && !token.is_set() {
            next_look = Instant::now() + PLACES;
            let is_watched = |product: Product| !gone.contains(&product) && !failures.has(product);
            if let Some((product, error)) = pending.gone(is_watched) {
                gone.push(product);
                running.stop(product);
                following.fail(&[product], error);
            }
        }
        if Instant::now() >= next_tick {
            next_tick = Instant::now() + TICK;
            host.show_progress(&mut following.watch, &mut following.meters);
        }
    }
    control::join(std::mem::take(&mut running.stages));
    let Following { mut watch, mut meters, mut found, .. } = following;
    if control.cancel.is_cancelled() {
        return Err(found.root().unwrap_or_else(|| Error::cancelled(Stage::Encode)));
    }
    found.settle(failures)?;
    host.show_progress(&mut watch, &mut meters);
    host.settle();
    Ok(running.outcome(plan))
}

/// The progress and the errors of a pass while it runs.
struct Following<'a> {
    plan: &'a Plan,
    token: &'a Token,
    counters: &'a PerSink<Arc<Counters>>,
    watch: Watch,
    meters: Meters,
    found: StageErrors,
}

impl Following<'_> {
    /// Records that `products` (empty: all) cannot be made, and stops the job if it does not go on without them.
    fn fail(&mut self, products: &[Product], error: Error) {
        match products {
            [first, ..] if begins_anew(self.plan, &error) => self.found.end(*first, error),
            _ => self.found.add(products, error),
        }
        self.leave_out();
        if self.plan.on_output_failure == OnOutputFailure::Fail || self.found.is_everything() {
            self.token.fail_job();
        }
    }

    /// Leaves products that failed out of the progress, which they would hold back.
    fn leave_out(&mut self) {
        let Following { plan, counters, watch, meters, found, .. } = self;
        let products = plan.products();
        let failed = |sink: &Sink| found.has(sink.product());
        plan.sinks().into_iter().filter(failed).for_each(|sink| watch.leave_out(&counters[sink]));
        meters.leave_out(|number| found.has(products[number]));
    }
}

/// Watches the counters of `sinks` as one. Audio progress says nothing about video progress, so audio is watched only
/// without video.
pub(super) fn watch_of<'a>(
    plan: &Plan,
    source: &Source,
    phase: Phase,
    sinks: impl Iterator<Item = (Sink, &'a Arc<Counters>)>,
) -> Watch {
    let (shown, heard): (Vec<_>, Vec<_>) = sinks.partition(|(sink, _)| plan.video(*sink).is_some());
    let watched = if shown.is_empty() { heard } else { shown };
    let expected = |sink: Sink| match plan.video(sink) {
        Some(video) => Expected::Frames(expected_frames(plan, sink, source), video.rate.to_f64()),
        None => Expected::Seconds(seconds(plan, source, sink)),
    };
    Watch::new(phase, watched.into_iter().map(|(sink, own)| (Arc::clone(own), expected(sink))).collect())
}
