//! Plans the threads of a job for the cores of a machine: shares of them for several encoders, and every number that the
//! job leaves to a library.
//!
//! Invariant: a number of threads that the job sets is kept. One encoder alone gets the number that its library would
//! choose on the machine. A plan has no number that depends on the machine that runs it.

use trix_model::decision::Decision;

use crate::{
    encode::options,
    plan::OutputPlan,
    planner::drafted::{self, Drafted},
    pool,
    settings::{job::Job, video::Encoder},
};

/// The largest number of threads that libavcodec chooses for work on one frame (`MAX_AUTO_THREADS`).
const MOST_AUTO: u32 = 16;

/// The largest number of frames that libavcodec encodes at the same time (`MAX_THREADS` of its frame threads).
const MOST_FRAMES: u32 = 64;

/// Threads of the decoder. With no number set, libavcodec takes one thread more than there are cores.
pub(super) fn of_decoder(job: &Job, cores: u32) -> u32 {
    match job.source.on_damage.decoder_threads(job.threads.unwrap_or(0)) {
        0 => one_more(cores),
        threads => threads,
    }
}

/// Threads that convert frames, at most eight. A frame is converted on one thread. More than eight frames at once would fill
/// memory with frames that no encoder takes yet.
pub(super) fn of_filters(job: &Job, cores: u32) -> u32 {
    job.threads.unwrap_or(cores).clamp(1, 8)
}

/// Threads that check finished outputs.
pub(super) fn of_checks(job: &Job, cores: u32) -> u32 {
    pool::threads(job.threads.unwrap_or(cores)) as u32
}

fn one_more(cores: u32) -> u32 {
    if cores > 1 { (cores + 1).min(MOST_AUTO) } else { 1 }
}

/// Settles the threads of every encoder of frames.
pub(super) fn settle(drafts: &mut [Drafted], cores: u32) {
    for Drafted { plan, .. } in drafts {
        let Some(video) = &mut plan.video else { continue };
        let of_library = options::settle_threads(video, cores);
        plan.threads = Some(match video.encoder {
            Encoder::X264 | Encoder::X265 => of_library,
            Encoder::Ffv1 => plan.threads.unwrap_or_else(|| one_more(cores)),
            Encoder::Prores => plan.threads.unwrap_or(cores.min(MOST_FRAMES)),
        });
    }
}

/// Gives each encoder a share of the cores, if the job has several encoders. Returns the decision.
pub(super) fn share(drafts: &mut [Drafted], cores: u32) -> Option<Decision> {
    // An encode that several outputs share runs once.
    let firsts = drafted::firsts(drafts);
    let costs = drafts.iter().zip(&firsts).enumerate();
    let costs = costs.map(|(at, (draft, first))| if *first == at { cost(&draft.plan) } else { 0.0 });
    let costs: Vec<f64> = costs.collect();
    if costs.iter().filter(|cost| **cost > 0.0).count() < 2 {
        return None;
    }
    let mut given = Vec::new();
    let whole: f64 = costs.iter().sum();
    for (draft, cost) in drafts.iter_mut().zip(costs) {
        let asked = draft.settings.video.encode().filter(|_| draft.plan.threads.is_none() && cost > 0.0);
        let Some((encoder, settings)) = asked else { continue };
        if ["threads", "pools", "frame-threads"].iter().any(|name| settings.params.contains_key(*name)) {
            continue;
        }
        let threads = threads(encoder, cores, cost / whole);
        given.push(format!("{threads} for {:.0} % of the work", 100.0 * cost / whole));
        draft.plan.threads = Some(threads);
    }
    for (at, first) in firsts.into_iter().enumerate() {
        drafts[at].plan.threads = drafts[first].plan.threads;
    }
    let what = format!("threads of each encoder: {}", given.join(", "));
    (!given.is_empty())
        .then(|| Decision::new(what, format!("the machine has {cores} cores, and the job does not set threads")))
}

/// Threads for an encoder with this share of the work: one more than its share of the cores. Encoders wait for each
/// other's frames, and another encoder uses the idle core. A single thread cannot work while it waits: it is slower by
/// a sixth (x264, four sizes of one source on two cores).
fn threads(encoder: Encoder, cores: u32, share: f64) -> u32 {
    // x264 uses one and a half frame threads for each core (its default); x265 uses a pool with a thread for each core.
    let (most, least) = match encoder {
        Encoder::X264 => ((cores * 3 / 2).clamp(1, 128), 2),
        _ => (cores.clamp(1, 64), 1),
    };
    let own = (f64::from(most) * share).ceil() as u32 + 1;
    own.clamp(least.min(most), most)
}

/// The relative work of an encode: samples a second, weighted by the speed of its preset. The factors are rounded from
/// runs of both programs on 1080p material. Zero for encoders without threads to share.
fn cost(output: &OutputPlan) -> f64 {
    let Some(video) = &output.video else { return 0.0 };
    let preset = match video.preset.as_str() {
        "ultrafast" => 0.25,
        "superfast" => 0.4,
        "veryfast" => 0.5,
        "faster" => 0.7,
        "fast" => 0.85,
        "slow" => 1.8,
        "slower" => 4.0,
        "veryslow" => 8.0,
        "placebo" => 16.0,
        _ => 1.0,
    };
    let encoder = match video.encoder {
        Encoder::X264 => 1.0,
        Encoder::X265 => 5.0,
        Encoder::Ffv1 | Encoder::Prores => return 0.0,
    };
    (video.width * video.height) as f64 * video.rate.to_f64() * preset * encoder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_lie_between_what_an_encoder_needs_and_what_it_can_use() {
        assert_eq!(threads(Encoder::X264, 2, 0.01), 2);
        assert_eq!(threads(Encoder::X264, 2, 1.0), 3);
        assert_eq!(threads(Encoder::X265, 2, 0.3), 2);
        assert_eq!(threads(Encoder::X265, 64, 0.3), 21);
        assert_eq!(threads(Encoder::X264, 16, 0.25), 7);
        assert_eq!(threads(Encoder::X264, 1, 0.5), 1);
    }
}
