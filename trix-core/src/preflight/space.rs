//! The space on disk that a plan needs.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trix_model::{amount::bytes, error::Result};

use crate::{
    machine::this_machine,
    plan::{AudioPlan, EncodePlan, Plan, Product, Sink, VideoPlan},
    planner::Draft,
    settings::{job::Job, shape::channels_of, video::Encoder},
    source::Source,
};

/// Space on a file system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Space {
    /// A folder on it.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub folder: PathBuf,
    /// Bytes that the outputs may take. It is near with a bit rate or ProRes. With a quality (CRF, QP) or without
    /// loss it depends on the content: a tenth or seven times as much was seen.
    pub estimate: u64,
    /// Bytes that are free for this user.
    pub free: u64,
}

impl Space {
    /// What is missing for `what`, as a sentence. `None` if the space suffices.
    pub fn shortage(&self, what: &str) -> Option<String> {
        let Space { folder, estimate, free } = self;
        (free < estimate).then(|| {
            format!("{}: {what} may take {}, and {} are free", folder.display(), bytes(*estimate), bytes(*free))
        })
    }

    /// The space of several products or jobs together, for each file system. A folder is that of the first.
    pub fn sum(spaces: impl IntoIterator<Item = Space>) -> Vec<Space> {
        let mut found: BTreeMap<u64, Space> = BTreeMap::new();
        for space in spaces {
            let Some(device) = existing(&space.folder).and_then(|folder| Some(fs::metadata(folder).ok()?.dev())) else {
                continue;
            };
            let estimate = space.estimate;
            let sum = found.entry(device).or_insert(Space { estimate: 0, ..space });
            sum.estimate = sum.estimate.saturating_add(estimate);
        }
        found.into_values().collect()
    }
}

/// The space that the products of a job may take, for each file system. Plans the job except for its loudness; that can decode some
/// frames, and read the source to its end.
///
/// # Errors
/// As [`crate::plan()`].
pub fn space_of(job: &Job, source: &Source) -> Result<Vec<Space>> {
    Ok(space(&Draft::new(job, source, &this_machine())?.plan, source))
}

/// The space for the outputs of a plan, by file system. Folders that are missing are on that of the nearest one around.
pub(super) fn space(plan: &Plan, source: &Source) -> Vec<Space> {
    let paths = plan.paths();
    Space::sum(paths.iter().filter_map(|(product, path)| {
        let folder = folder_of(path);
        let system = rustix::fs::statvfs(&existing(&folder)?).ok()?;
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        Some(Space { folder, estimate: size(plan, source, product), free })
    }))
}

/// The nearest folder around a folder, or itself, that exists.
fn existing(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(around).find(|folder| folder.is_dir())
}

pub(super) fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// A folder around a relative one: the current one in place of an empty name.
fn around(folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() }
}

/// The bytes that a product may take.
fn size(plan: &Plan, source: &Source, product: Product) -> u64 {
    /// Poster, thumbnails and waveform.
    const STILL: u64 = 2 << 20;
    match product {
        Product::Output(id) => file_size(plan, source, Sink::Output(id)),
        Product::Package(id) => {
            let count = plan.package(id).renditions.len();
            let sizes = (0..count).map(|rendition| file_size(plan, source, Sink::Rendition { package: id, rendition }));
            sizes.fold(0, u64::saturating_add)
        }
        Product::Still(_) => STILL,
    }
}

fn file_size(plan: &Plan, source: &Source, sink: Sink) -> u64 {
    let content = plan.content(sink);
    let seconds = seconds(plan, source, sink).unwrap_or(0.0);
    let encoded: f64 = content
        .encodes()
        .map(|id| match plan.encode(id) {
            EncodePlan::Video(own) => bits_per_second(&own.video, own.video.rate.to_f64()),
            EncodePlan::Audio(own) => audio_bits(&own.audio),
        })
        .sum();
    let copies = plan.sink(sink);
    let is_copied = copies.video_copy.is_some() || copies.audio.iter().any(|audio| audio.copied);
    // Copied streams are no larger than the source.
    let share =
        source.duration().filter(|whole| *whole > 0).map_or(1.0, |whole| (seconds * 1e6 / whole as f64).min(1.0));
    let copied = match (copies.video_copy.is_some(), is_copied) {
        (true, _) => source.extent().size as f64 * share,
        (false, true) => COPIED_AUDIO * seconds / 8.0,
        (false, false) => 0.0,
    };
    (encoded * seconds / 8.0 + copied) as u64
}

/// Bits per second of an audio track that is copied: two channels of PCM with 24 bits.
const COPIED_AUDIO: f64 = 2_304_000.0;

/// Seconds that a file plays, as far as plan and source tell.
pub(crate) fn seconds(plan: &Plan, source: &Source, sink: Sink) -> Option<f64> {
    match (expected_frames(plan, sink, source), plan.video(sink)) {
        (Some(frames), Some(video)) if video.rate.is_positive() => Some(frames as f64 / video.rate.to_f64()),
        _ => {
            let whole = source.duration().map(|micros| micros as f64 / 1e6);
            cut_length(plan, source, sink).into_iter().chain(whole).reduce(f64::min)
        }
    }
}

/// Seconds between the start and the end of a cut, as far as the source tells. `None` without a cut.
fn cut_length(plan: &Plan, source: &Source, sink: Sink) -> Option<f64> {
    let output = plan.content(sink);
    let micros = match (output.end, output.start) {
        (Some(end), _) => end.micros() - output.origin.micros(),
        (None, start) => source.duration()? - start?.micros(),
    };
    Some(micros.max(0) as f64 / 1e6)
}

/// The bit rate of a video encode. For a quality it is the upper quartile of ten clips of 50 frames, from 176x144 to 1920x1080,
/// at preset medium and the default CRF. Their rates went from 0.007 to 0.30 bits a sample of luma (x264) and from 0.004 to 0.18
/// (x265). A step of 6 in CRF or QP halves or doubles the rate.
fn bits_per_second(video: &VideoPlan, rate: f64) -> f64 {
    let samples = (video.width * video.height) as f64 * rate;
    let (across, down) = video.format.chroma.shift();
    let chroma = 1.0 + (video.format.chroma.planes() - 1) as f64 / f64::from(1 << (across + down));
    let option =
        |name: &str| video.options.iter().find(|(own, _)| own == name).and_then(|(_, value)| value.parse::<f64>().ok());
    let raw = samples * chroma * f64::from(video.format.depth);
    let by_quality = |at: f64, bits: f64| {
        let quality = option("crf").or_else(|| option("qp")).unwrap_or(at);
        samples * bits * 2f64.powf((at - quality) / 6.0)
    };
    match video.encoder {
        _ if video.lossless => raw * 0.5,
        Encoder::X264 | Encoder::X265 if option("bitrate").is_some() => option("bitrate").unwrap_or(0.0) * 1000.0,
        Encoder::X264 => by_quality(23.0, 0.043),
        Encoder::X265 => by_quality(28.0, 0.021),
        Encoder::Ffv1 => raw * 0.5,
        // Apple ProRes White Paper (2022), target rates for 1920x1080 at 29.97 frames per second.
        Encoder::Prores => {
            let megabits = match video.profile.as_deref() {
                Some("proxy") => 45.0,
                Some("lt") => 102.0,
                Some("standard") => 147.0,
                Some("4444") => 330.0,
                Some("4444xq") => 500.0,
                _ => 220.0,
            };
            samples * megabits * 1e6 / (1920.0 * 1080.0 * 29.97)
        }
    }
}

fn audio_bits(audio: &AudioPlan) -> f64 {
    let raw = f64::from(audio.sample_rate)
        * channels_of(&audio.layout).unwrap_or(2) as f64
        * f64::from(audio.bits.unwrap_or(32));
    match (audio.bit_rate, audio.codec.as_str()) {
        (Some(rate), _) => rate as f64,
        (None, "flac" | "alac") => raw * 0.6,
        (None, _) => raw,
    }
}

/// The number of frames that a file or rendition will have, as far as plan and source tell. For progress and estimates.
pub(crate) fn expected_frames(plan: &Plan, sink: Sink, source: &Source) -> Option<u64> {
    let facts = source.video()?;
    let video = plan.video(sink)?;
    let (output, rate) = (plan.content(sink), video.rate);
    let seconds = |micros: i64| micros as f64 / 1e6;
    // Field and rate conversion give another number of frames than the source declares.
    let declared = facts.declared_frames.filter(|_| rate == video.source_rate).or_else(|| {
        let duration = source.duration()?;
        Some((seconds(duration) * rate.to_f64()).round() as u64)
    });
    let cut = cut_length(plan, source, sink).map(|seconds| (seconds * rate.to_f64()).round() as u64);
    let asked = output.frames.map(|frames| (frames as f64 * rate.to_f64() / video.source_rate.to_f64()).round() as u64);
    [declared, cut, asked].into_iter().flatten().min()
}
