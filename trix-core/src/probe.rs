//! Finds out what a source holds: container, streams, times, colour; on request by decoding all of it.
//!
//! Invariant: what a file does not say is absent, never filled in by custom.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;

use crate::{
    decode::{
        census::{self, Census},
        damage::OnDamage,
    },
    error::Result,
    ffi::{
        pixel::PixelFormat,
        stream::{StreamFacts, StreamKind},
    },
    media::{
        color::Color,
        format::Chroma,
        time::{Rational, TimeBase, Timestamp},
    },
    pipeline::cancel::Cancel,
    source::Source,
};

/// What a source holds.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct MediaInfo {
    /// The file; absent when the source is a block of memory.
    pub file: Option<PathBuf>,
    /// Bytes of the file.
    pub bytes: Option<u64>,
    /// The container.
    pub container: ContainerInfo,
    /// The streams, in file order.
    pub streams: Vec<StreamInfo>,
    /// What decoding all of it found; absent unless it was asked for.
    pub census: Option<Census>,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ContainerInfo {
    /// FFmpeg's name, which may name several relatives (`mov,mp4,m4a,3gp,3g2,mj2`).
    pub format: String,
    /// In words.
    pub description: String,
    /// How long it is presented.
    pub duration: Option<Timestamp>,
    /// When presentation starts.
    pub start: Option<Timestamp>,
    /// Bits in a second over all streams.
    pub bit_rate: Option<u64>,
    /// Titles, encoders, dates: what the container says about itself.
    pub metadata: BTreeMap<String, String>,
}

/// A stream.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct StreamInfo {
    /// Position in the file, from zero.
    pub index: usize,
    /// Pictures, sound, or what else.
    pub kind: StreamKind,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// Profile in words.
    pub profile: Option<String>,
    /// Level as the codec counts it (H.264: 41 is 4.1; HEVC: 123 is 4.1).
    pub level: Option<i32>,
    /// Seconds in a tick.
    pub time_base: TimeBase,
    /// When it starts.
    pub start: Option<Timestamp>,
    /// How long it is.
    pub duration: Option<Timestamp>,
    /// Bits in a second.
    pub bit_rate: Option<u64>,
    /// Frames that the container declares.
    pub declared_frames: Option<u64>,
    /// ISO 639 code.
    pub language: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Whether players pick it by default.
    pub is_default: bool,
    /// Whether it is a cover picture.
    pub is_attached_picture: bool,
    /// For pictures.
    pub video: Option<VideoInfo>,
    /// For sound.
    pub audio: Option<AudioInfo>,
}

/// A stream of pictures.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct VideoInfo {
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Layout of samples in memory.
    pub pixel_format: Option<PixelFormat>,
    /// Bits in a sample.
    pub bit_depth: Option<u32>,
    /// Chroma subsampling; absent for RGB.
    pub chroma: Option<Chroma>,
    /// Width of a sample by its height.
    pub sample_aspect: Option<Rational>,
    /// Progressive, or which field is coded and which shown first (t, b).
    pub field_order: String,
    /// Pictures in a second that the container declares: the base of which all times are multiples.
    pub declared_rate: Option<Rational>,
    /// Pictures in a second over the whole duration.
    pub average_rate: Option<Rational>,
    /// How samples mean colour.
    pub color: Color,
}

/// A stream of sound.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct AudioInfo {
    /// Samples in a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u32,
    /// Which loudspeakers, as FFmpeg describes them.
    pub layout: String,
    /// Bits in a sample, where the codec has such.
    pub bit_depth: Option<u32>,
}

/// Describes `source`.
pub fn probe(source: &Source) -> MediaInfo {
    let micro = TimeBase::new(1, 1_000_000);
    let input = &source.input;
    MediaInfo {
        file: source.path().map(ToOwned::to_owned),
        bytes: source.path().map(|_| source.extent().size),
        container: ContainerInfo {
            format: input.demuxer(),
            description: input.demuxer_description(),
            duration: source.duration().map(|ticks| Timestamp::new(ticks, micro)),
            start: source.start().map(|ticks| Timestamp::new(ticks, micro)),
            bit_rate: input.bit_rate(),
            metadata: input.metadata().into_iter().collect(),
        },
        streams: source.streams().iter().map(stream).collect(),
        census: None,
    }
}

/// Describes `source` and decodes all of it, to count frames and samples and to find damage.
///
/// # Errors
/// Those of reading and of missing decoders; damage is counted, not an error.
///
/// ```no_run
/// use trix_core::{Cancel, Limits, Source, probe};
/// let source = Source::open("master.mov".as_ref(), Limits::default())?;
/// let info = probe::probe_and_count(source, 0, &Cancel::default())?;
/// println!("{}", serde_json::to_string_pretty(&info).expect("plain data"));
/// # Ok::<(), trix_core::Error>(())
/// ```
pub fn probe_and_count(source: Source, threads: u32, cancel: &Cancel) -> Result<MediaInfo> {
    let mut info = probe(&source);
    info.census = Some(census::count(source, OnDamage::Conceal, threads, cancel)?);
    Ok(info)
}

fn stream(facts: &StreamFacts) -> StreamInfo {
    let named = |key: &str| {
        let entry = facts.metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        entry.map(|(_, value)| value.clone()).filter(|value| !value.is_empty() && value != "und")
    };
    let time = |ticks: i64| Timestamp::new(ticks, facts.time_base);
    StreamInfo {
        index: facts.index,
        kind: facts.kind,
        codec: facts.codec.clone(),
        profile: facts.profile.clone(),
        level: facts.level,
        time_base: facts.time_base,
        start: facts.start.map(time),
        duration: facts.duration.map(time),
        bit_rate: facts.bit_rate,
        declared_frames: facts.declared_frames,
        language: named("language"),
        title: named("title"),
        is_default: facts.is_default,
        is_attached_picture: facts.is_attached_picture,
        video: (facts.kind == StreamKind::Video).then(|| video(facts)),
        audio: (facts.kind == StreamKind::Audio).then(|| AudioInfo {
            sample_rate: facts.sample_rate,
            channels: facts.channels,
            layout: facts.layout.clone(),
            bit_depth: Some(facts.raw_bits).filter(|bits| *bits > 0),
        }),
    }
}

fn video(facts: &StreamFacts) -> VideoInfo {
    let format = PixelFormat::from_raw(facts.format);
    let positive = |ratio: Rational| ratio.is_positive().then_some(ratio);
    VideoInfo {
        width: facts.width,
        height: facts.height,
        pixel_format: format,
        bit_depth: format.map(PixelFormat::depth),
        chroma: format.and_then(PixelFormat::chroma),
        sample_aspect: positive(facts.sample_aspect),
        field_order: facts.field_order.to_owned(),
        declared_rate: positive(facts.base_rate),
        average_rate: positive(facts.average_rate),
        color: facts.color,
    }
}
