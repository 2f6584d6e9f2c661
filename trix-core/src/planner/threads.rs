//! How the encoders of several outputs share the cores.
//!
//! Invariant: a number that the job names stays; a job with one encoder is left to the library, as its own program is.

use trix_model::decision::Decision;

use crate::{
    plan::OutputPlan,
    spec::{job::OutputSettings, video::Encoder},
};

/// Gives each encoder of a job with several of them a share of the machine's cores. Returns what was decided.
pub(super) fn share(asked: &[OutputSettings], outputs: &mut [OutputPlan]) -> Option<Decision> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let costs: Vec<f64> = outputs.iter().map(cost).collect();
    if costs.iter().filter(|cost| **cost > 0.0).count() < 2 {
        return None;
    }
    let mut given = Vec::new();
    let whole: f64 = costs.iter().sum();
    for ((output, asked), cost) in outputs.iter_mut().zip(asked).zip(costs) {
        let Some((encoder, settings)) = asked.video.encode().filter(|_| output.threads.is_none() && cost > 0.0) else {
            continue;
        };
        if ["threads", "pools", "frame-threads"].iter().any(|name| settings.params.contains_key(*name)) {
            continue;
        }
        let threads = threads(encoder, cores, cost / whole);
        given.push(format!("{threads} for {:.0} % of the work", 100.0 * cost / whole));
        output.threads = Some(threads);
    }
    let what = format!("threads of each encoder: {}", given.join(", "));
    (!given.is_empty())
        .then(|| Decision::new(what, format!("the machine has {cores} cores, and the job does not set threads")))
}

/// Threads for an encoder that has this share of the work. One more than its share of the cores: encoders wait for each
/// other's pictures, and a core that one of them leaves idle is taken by another. One thread alone would be slower by a
/// sixth (x264, four sizes of one film on two cores), since it can do nothing while it waits.
fn threads(encoder: Encoder, cores: u32, share: f64) -> u32 {
    // x264 wants one and a half frame threads for each core (its own default), x265 a pool of as many as cores.
    let (most, least) = match encoder {
        Encoder::X264 => ((cores * 3 / 2).clamp(1, 128), 2),
        _ => (cores.clamp(1, 64), 1),
    };
    let own = (f64::from(most) * share).ceil() as u32 + 1;
    own.clamp(least.min(most), most)
}

/// How much work an encode is, in units that only matter to each other: samples in a second, by the speed of its
/// preset. Factors are rounded from runs of both programs over 1080p material; zero for what has no threads to share.
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
