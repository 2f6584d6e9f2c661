//! What becomes of the sound tracks.

use serde::Serialize;

use super::{Mistake, is_cut};
use crate::{
    error::{Error, ErrorKind, Result, Stage},
    ffi::stream::StreamFacts,
    source::Source,
    spec::{
        audio::AudioSettings,
        job::{Container, Job},
        video::VideoSettings,
    },
};

/// How a sound track comes to be.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct AudioPlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// FFmpeg's name of the codec as written.
    pub codec: String,
    /// Whether compressed sound is copied.
    pub copied: bool,
    /// FFmpeg's name of the sample format that the encoder takes.
    pub sample_format: Option<String>,
    /// Samples in a second.
    pub sample_rate: u32,
    /// Channels, as FFmpeg describes them.
    pub layout: String,
    /// Bits in a second, for lossy codecs.
    pub bit_rate: Option<u64>,
    /// ISO 639 code from the source.
    pub language: Option<String>,
    /// Title from the source.
    pub title: Option<String>,
    /// Whether players pick it by default.
    pub is_default: bool,
}

pub(super) fn plan(
    job: &Job,
    source: &Source,
    container: Container,
    mistakes: &mut Vec<Mistake>,
) -> Result<Vec<AudioPlan>> {
    let settings = job.output.audio;
    if settings == AudioSettings::None {
        return Ok(Vec::new());
    }
    let mut list = Vec::new();
    for stream in source.audio() {
        let named = |key: &str| {
            let entry = stream.metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
            entry.map(|(_, value)| value.clone()).filter(|value| !value.is_empty() && value != "und")
        };
        let layout = if stream.layout.is_empty() || stream.layout.contains("channels") {
            format!("{}c", stream.channels)
        } else {
            stream.layout.clone()
        };
        let (codec, sample_format, bit_rate) = match settings {
            AudioSettings::None => continue,
            AudioSettings::Copy => {
                if is_cut(job) && job.output.video != VideoSettings::Copy {
                    let problem = "cannot be cut to --start, --duration or --frames at the sample; \
                                   use aac, flac, pcm or none";
                    mistakes.push(Mistake::new("audio", "copy", problem));
                }
                if let Err(problem) = container.holds(&stream.parameters, stream.time_base) {
                    let instead = if container == Container::Mov { "aac or pcm" } else { "aac or flac" };
                    mistakes.push(Mistake::new("audio", "copy", format!("{problem}; use {instead}")));
                }
                (stream.codec.clone(), None, stream.bit_rate)
            }
            AudioSettings::Aac { kbps } => {
                let rate = kbps.map_or(u64::from(stream.channels) * 64_000, |kbps| u64::from(kbps) * 1000);
                ("aac".to_owned(), Some("fltp"), Some(rate))
            }
            AudioSettings::Flac => {
                if container == Container::Mov {
                    mistakes.push(Mistake::new("audio", "flac", "mov cannot hold flac; use .mp4 or .mkv, or pcm"));
                }
                ("flac".to_owned(), Some(if bits(stream) > 16 { "s32" } else { "s16" }), None)
            }
            AudioSettings::Pcm => {
                if container == Container::Mp4 {
                    mistakes.push(Mistake::new("audio", "pcm", "mp4 cannot hold pcm; use .mov or .mkv, or flac"));
                }
                let (codec, format) = pcm(stream, container);
                (codec.to_owned(), Some(format), None)
            }
        };
        if settings != AudioSettings::Copy && !container.knows(&codec) {
            let problem = format!("{} cannot hold {codec}", container.name());
            mistakes.push(Mistake::new("audio", settings, problem));
        }
        if settings != AudioSettings::Copy && (stream.sample_rate == 0 || stream.channels == 0) {
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Plan, "a sound stream without rate or channels")
                .in_file(&source.label())
                .in_stream(stream.index));
        }
        list.push(AudioPlan {
            stream: stream.index,
            codec,
            copied: settings == AudioSettings::Copy,
            sample_format: sample_format.map(str::to_owned),
            sample_rate: stream.sample_rate,
            layout,
            bit_rate,
            language: named("language"),
            title: named("title"),
            is_default: stream.is_default,
        });
    }
    Ok(list)
}

fn is_float(stream: &StreamFacts) -> bool {
    // AV_SAMPLE_FMT_FLT, _DBL and their planar kin.
    stream.codec.contains("pcm_f") || stream.codec.contains("pcm_d")
}

/// Significant bits of a sample.
pub(crate) fn bits(stream: &StreamFacts) -> u32 {
    match stream.raw_bits {
        0 => {
            // A lossy codec has no depth of its own; what it decodes to carries 24 good bits.
            if matches!(stream.codec.as_str(), "mp1" | "mp2" | "mp3") { 16 } else { 24 }
        }
        bits => bits.min(32),
    }
}

fn pcm(stream: &StreamFacts, container: Container) -> (&'static str, &'static str) {
    match bits(stream) {
        // MXF holds 16 and 24 bits (SMPTE ST 382).
        bits if container == Container::Mxf && bits > 16 => ("pcm_s24le", "s32"),
        _ if is_float(stream) => ("pcm_f32le", "flt"),
        0..=16 => ("pcm_s16le", "s16"),
        17..=24 => ("pcm_s24le", "s32"),
        _ => ("pcm_s32le", "s32"),
    }
}
