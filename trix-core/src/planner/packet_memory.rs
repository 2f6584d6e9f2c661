//! Memory of the encoded packets that wait in muxers, for the estimate of memory.

use trix_av::stream::{StreamFacts, StreamKind};
use trix_model::time::{Rational, Timestamp};

use crate::{
    mux::patience::{Arrival, Patience},
    plan::{AudioPlan, OutputPlan, PackagePlan, VideoPlan},
    planner::{codec_memory::bytes, drafted::Drafted, external_audio::ExternalAudio},
    settings::{
        shape::channels_of,
        video::{Encoder, RateControl},
    },
    source::Source,
};

/// The input of a job, from which packets come.
pub(super) struct PacketMemory<'a> {
    pub(super) source: &'a Source,
    pub(super) external_audio: &'a [ExternalAudio],
    /// The time by which a program may give one stream ahead of another; `None` for a source that is read.
    pub(super) lead: Option<Timestamp>,
}

impl PacketMemory<'_> {
    /// Memory of the coded packets that wait in the muxer of a file for those of another stream: if a program gives one
    /// stream ahead of another, or if the streams of the source do not end together.
    pub(super) fn of_file(&self, draft: &Drafted) -> u64 {
        let OutputPlan { video, video_copy, audio, .. } = &draft.plan;
        let tracks = usize::from(video.is_some() || video_copy.is_some()) + audio.len();
        if tracks < 2 {
            return 0;
        }
        let patience = Patience::new(Arrival::of(&draft.plan, self.lead), tracks, held_back(video.as_ref()));
        // Audio also waits for frames that their encoder holds back.
        let (frames, audio) = match self.lead {
            Some(_) => (patience.longest().to_f64(), patience.longest_of_audio().to_f64()),
            None => {
                let (apart, longest) = (self.apart(), patience.longest().to_f64());
                (apart.min(longest), (apart + patience.held().to_f64()).min(longest))
            }
        };
        let (of_video, of_audio) = (of_video(draft, self.source), of_audio(draft));
        (frames * of_video + audio * of_audio) as u64
    }

    /// The difference between the longest and the shortest of all streams, in seconds, as far as durations are stated. The
    /// muxer learns that a stream has ended when the source ends.
    fn apart(&self) -> f64 {
        let streams = self.source.streams().iter();
        let streams = streams.filter(|facts| matches!(facts.kind, StreamKind::Video | StreamKind::Audio));
        let external = self.external_audio.iter().filter_map(|track| track.length);
        let seconds = streams.filter_map(duration).chain(external).map(Timestamp::to_f64);
        let (least, most) = seconds.fold((f64::MAX, 0.0_f64), |(least, most), own| (least.min(own), most.max(own)));
        (most - least).max(0.0)
    }

    /// Memory of a package: each of its renditions keeps a segment until it is complete. Other renditions wait for frames
    /// that the encoder of the first holds back, and for a program that gives one stream ahead of another.
    pub(super) fn of_package(&self, package: &PackagePlan, renditions: &[&Drafted]) -> u64 {
        let video = renditions.iter().find_map(|draft| draft.plan.video.as_ref());
        let arrival = self.lead.map_or(Arrival::Source, Arrival::Program);
        let patience = Patience::new(arrival, 2, held_back(video));
        let apart = if self.lead.is_some() { patience.longest_of_audio() } else { patience.held() };
        // The packets of the segment, and as much again for later packets, which wait until the first rendition has ended
        // its segment.
        let seconds = 2.0 * package.settings.segment.to_f64() + apart.to_f64();
        let rate = |draft: &&Drafted| of_video(draft, self.source) + of_audio(draft);
        renditions.iter().map(|draft| (seconds * rate(draft)) as u64).sum()
    }
}

/// The stated duration of a stream. Matroska states one for the whole file, and its writers add a tag to each track.
fn duration(facts: &StreamFacts) -> Option<Timestamp> {
    let tag = facts.metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case("DURATION"));
    let stated = || Some(Timestamp::new(facts.duration?, facts.time_base));
    tag.and_then(|(_, text)| text.parse().ok()).or_else(stated)
}

/// The frame rate of `video`, and true if its encoder looks ahead.
fn held_back(video: Option<&VideoPlan>) -> impl Iterator<Item = (Rational, bool)> {
    video.map(|video| (video.rate, !video.encoder.is_mezzanine())).into_iter()
}

/// The quantiser below which packets can be larger than raw frames: white noise of 8 bits takes 8.6 bits for each sample at 18,
/// and 11.4 at 10 (measured with x264, keyframes alone).
const FINE: u32 = 18;

/// The highest rate of the video of `draft`, in bytes a second.
fn of_video(draft: &Drafted, source: &Source) -> f64 {
    match &draft.plan.video {
        Some(video) => of_encode(video, draft),
        None if draft.plan.video_copy.is_some() => of_copy(source),
        None => 0.0,
    }
}

/// The highest rate of the audio of `draft`, in bytes a second. No lossless codec takes more than 32 bits for a sample, and
/// no encoder of another more than 8.
fn of_audio(draft: &Drafted) -> f64 {
    let bytes = |audio: &AudioPlan| {
        let samples = audio.sample_rate as usize * channels_of(&audio.layout).unwrap_or(64);
        if audio.lossless || audio.copied { 4 * samples } else { samples }
    };
    draft.plan.audio.iter().map(bytes).sum::<usize>() as f64
}

/// Twice the mean rate of the file.
fn of_copy(source: &Source) -> f64 {
    let size = source.extent().size as f64;
    let seconds = source.duration().map_or(0.0, |micros| micros as f64 / 1e6);
    2.0 * size / seconds.max(1.0)
}

fn of_encode(video: &VideoPlan, draft: &Drafted) -> f64 {
    let raw = bytes(video.format, video.width, video.height) as f64 * video.rate.to_f64();
    match video.encoder {
        Encoder::Ffv1 => return raw,
        // The highest profile has 500 Mbit/s at 1920x1080 and 29.97 frames a second (Apple ProRes white paper), an eighth
        // of its raw frames.
        Encoder::Prores => return raw / 4.0,
        Encoder::X264 | Encoder::X265 => {}
    }
    let settings = draft.settings.video.encode().map(|(_, settings)| (settings.maxrate, settings.rate));
    let kbps = match settings.unwrap_or_default() {
        (Some(kbps), _) => kbps,
        (None, Some(RateControl::Bitrate { kbps, .. })) => 2 * kbps,
        // Film grain takes half a bit for each sample at usual quality. Lossless, it takes as much as raw frames.
        (None, Some(RateControl::Lossless)) => return raw,
        (None, Some(RateControl::Qp { value })) if value < FINE => return 1.5 * raw,
        (None, Some(RateControl::Crf { value })) if value < f64::from(FINE) => return 1.5 * raw,
        _ => return (video.width * video.height) as f64 / 16.0 * video.rate.to_f64(),
    };
    f64::from(kbps) * 125.0
}
