//! What a plan needs before its first frame: names, folders, space on disk and memory.
//!
//! Invariant: nothing is written and nothing is decoded here.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trix_model::{
    amount::bytes,
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
};

use crate::{
    machine, package,
    plan::{AudioPlan, EncodePlan, Plan, Product, Sink, VideoPlan},
    settings::{shape::channels_of, video::Encoder},
    source::Source,
};

/// What a plan needs, and what there is of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preflight {
    /// Names that exist already and may not be replaced.
    #[serde(with = "trix_model::path_text::list")]
    #[schemars(with = "Vec<PathBuf>")]
    pub taken: Vec<PathBuf>,
    /// Folders that are missing.
    #[serde(with = "trix_model::path_text::list")]
    #[schemars(with = "Vec<PathBuf>")]
    pub missing_folders: Vec<PathBuf>,
    /// The space that the outputs may take, for each file system.
    pub space: Vec<Space>,
    /// The memory that the plan takes at most, in bytes.
    pub memory: u64,
    /// The memory that is free at this moment, in bytes; `None` if the system does not say.
    pub free_memory: Option<u64>,
    /// Why this machine is too small for the plan, if it is.
    pub doubt: Option<Decision>,
    /// Offsets of external audio that are probably wrong, one sentence each.
    pub offsets: Vec<String>,
}

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

impl Preflight {
    /// What may keep the job from its end, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let short = self.space.iter().filter(|space| space.free < space.estimate).map(|space| {
            let Space { folder, estimate, free } = space;
            format!("{}: the outputs may take {}, and {} are free", folder.display(), bytes(*estimate), bytes(*free))
        });
        let free = self.free_memory.filter(|free| *free < self.memory);
        let free = free
            .map(|free| format!("the job takes up to {} of memory, and {} are free", bytes(self.memory), bytes(free)));
        // A machine that is too small never has as much free.
        let doubt = self.doubt.as_ref().map(|Decision { what, why }| format!("{what}: {why}"));
        short.chain(doubt.or(free)).chain(self.offsets.iter().cloned()).collect()
    }
}

/// Compares what `plan` needs with what there is on this machine. `source` is that of the plan.
pub fn preflight(plan: &Plan, source: &Source) -> Preflight {
    let products = products(plan);
    let mut folders: Vec<PathBuf> = products.iter().map(|(path, _)| folder_of(path)).collect();
    folders.sort();
    folders.dedup();
    Preflight {
        taken: taken(&products),
        missing_folders: folders.into_iter().filter(|folder| !folder.is_dir()).collect(),
        space: space(plan, source),
        memory: plan.memory.estimate,
        free_memory: machine::free_memory(),
        doubt: plan.memory.doubt(&machine::this_machine()),
        offsets: plan.external_audio.iter().filter_map(|track| track.doubt.clone()).collect(),
    }
}

/// Refuses names that exist and may not be replaced, all of them at once. `products` are the names, and whether each may
/// replace what has it.
///
/// # Errors
/// `Io` with the first name; the others are in its text.
pub fn refuse_existing(products: &[(PathBuf, bool)]) -> Result<()> {
    // The job itself says why another folder or a device cannot be replaced.
    let is_package = |path: &Path| path.is_dir() && package::is_package(path).unwrap_or(false);
    let is_replaced = |path: &PathBuf| path.is_file() || path.is_symlink() || is_package(path);
    let taken: Vec<PathBuf> = taken(products).into_iter().filter(is_replaced).collect();
    let detail = match taken.as_slice() {
        [] => return Ok(()),
        [_] => "exists already; --overwrite replaces it".to_owned(),
        [_, other] => format!("exists already, and so does {}; --overwrite replaces both", other.display()),
        [_, others @ ..] => {
            let others: Vec<String> = others.iter().map(|path| path.display().to_string()).collect();
            format!("exists already, and so do {}; --overwrite replaces them", others.join(", "))
        }
    };
    let cause = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
    Err(Error::new(ErrorKind::Io, Stage::Mux, detail).in_file(&taken[0]).caused_by(cause))
}

/// The files and folders that a plan makes, and whether each may replace what has its name.
pub fn products(plan: &Plan) -> Vec<(PathBuf, bool)> {
    let stills =
        plan.stills.iter().flat_map(|still| still.settings.paths().into_iter().map(|path| (path, still.overwrite)));
    let files = plan.outputs.iter().map(|output| (output.path.clone(), output.overwrite));
    let packages = plan.packages.iter().map(|package| (package.path.clone(), package.overwrite));
    files.chain(packages).chain(stills).collect()
}

fn taken(products: &[(PathBuf, bool)]) -> Vec<PathBuf> {
    let is_taken = |(path, overwrite): &&(PathBuf, bool)| !overwrite && fs::symlink_metadata(path).is_ok();
    products.iter().filter(is_taken).map(|(path, _)| path.clone()).collect()
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// The space for the outputs of a plan, by file system. Folders that are missing are on that of the nearest one around.
fn space(plan: &Plan, source: &Source) -> Vec<Space> {
    let mut found: BTreeMap<u64, Space> = BTreeMap::new();
    for (product, path) in plan.paths().iter() {
        let folder = folder_of(path);
        let Some(there) = folder.ancestors().map(around).find(|folder| folder.is_dir()) else { continue };
        let Ok(device) = fs::metadata(&there).map(|metadata| metadata.dev()) else { continue };
        let Ok(system) = rustix::fs::statvfs(&there) else { continue };
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        let estimate = &mut found.entry(device).or_insert(Space { folder, estimate: 0, free }).estimate;
        *estimate = estimate.saturating_add(size(plan, source, product));
    }
    found.into_values().collect()
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
        _ => source.duration().map(|micros| micros as f64 / 1e6),
    }
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
    let length = match (output.end, output.start) {
        (Some(end), _) => Some(seconds(end.micros() - output.origin.micros())),
        (None, Some(start)) => source.duration().map(|duration| seconds(duration - start.micros())),
        (None, None) => None,
    };
    let cut = length.map(|seconds| (seconds * rate.to_f64()).round().max(0.0) as u64);
    let asked = output.frames.map(|frames| (frames as f64 * rate.to_f64() / video.source_rate.to_f64()).round() as u64);
    [declared, cut, asked].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_said_and_what_suffices_is_not() {
        let space = |folder: &str, estimate, free| Space { folder: folder.into(), estimate, free };
        let needs = Preflight {
            taken: Vec::new(),
            missing_folders: Vec::new(),
            space: vec![space("/full", 3 << 30, 1 << 30), space("/large", 3 << 30, 4 << 30)],
            memory: 2 << 30,
            free_memory: Some(1 << 30),
            doubt: None,
            offsets: Vec::new(),
        };
        let said = needs.warnings();
        assert_eq!(
            said,
            [
                "/full: the outputs may take 3.0 GiB, and 1.0 GiB are free",
                "the job takes up to 2.0 GiB of memory, and 1.0 GiB are free",
            ]
        );
        let doubt = Some(Decision::new("too small", "a reason"));
        let small = Preflight { space: Vec::new(), doubt, ..needs.clone() };
        assert_eq!(small.warnings(), ["too small: a reason"]);
        let enough = Preflight { space: Vec::new(), free_memory: Some(2 << 30), ..needs };
        assert_eq!(enough.warnings(), Vec::<String>::new());
        let far = Preflight { offsets: vec!["an offset".to_owned()], ..enough };
        assert_eq!(far.warnings(), ["an offset"]);
    }
}
