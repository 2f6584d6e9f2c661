//! Finds out what a source holds: container, streams, times, colour, and where the container and what is in it
//! disagree; on request by decoding all of it.
//!
//! Invariant: what a file does not say is absent, never filled in by custom. Without a count, no more is read than the
//! header, what the limits allow for probing, and as much once more ([`survey`]).

mod boxes;
mod compare;
mod dynamic_range;
mod survey;

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;

pub use self::{
    compare::{Disagreement, Subject},
    dynamic_range::{HdrFormat, HdrInfo},
    survey::Measured,
};
use crate::{
    decode::{
        census::{self, Census},
        damage::OnDamage,
        glance::Glance,
    },
    error::Result,
    ffi::{
        input::DurationMethod,
        pixel::PixelFormat,
        stream::{StreamFacts, StreamKind},
    },
    media::{
        chapter::Chapter,
        color::Color,
        format::Chroma,
        intervals::Timing,
        orientation::Orientation,
        time::{Rational, TimeBase, Timestamp},
        timecode::Timecode,
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
    /// Named parts of the programme.
    pub chapters: Vec<Chapter>,
    /// The programmes of a transport stream.
    pub programs: Vec<ProgramInfo>,
    /// Time codes of the first picture, from wherever one stands.
    pub timecodes: Vec<TimecodeInfo>,
    /// Where the container says one thing and what is in it another.
    pub disagreements: Vec<Disagreement>,
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
    /// How that was found.
    pub duration_method: Option<Method>,
    /// When presentation starts.
    pub start: Option<Timestamp>,
    /// Bits in a second over all streams.
    pub bit_rate: Option<u64>,
    /// Titles, encoders, dates: what the container says about itself.
    pub metadata: BTreeMap<String, String>,
}

/// How a duration was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The header of the stream says so.
    StreamHeader,
    /// The container says so, for all of its streams together.
    Container,
    /// The sum of the durations in the index.
    Index,
    /// The times of the first and the last packets.
    LastPackets,
    /// Estimated from the number of bytes and the bit rate: no more than a guess.
    BitRate,
    /// All packets were read.
    Measured,
}

/// A stream.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct StreamInfo {
    /// Position in the file, from zero.
    pub index: usize,
    /// What the container calls it: number of the track, identifier of its packets; zero where it has none.
    pub id: i32,
    /// Pictures, sound, or what else.
    pub kind: StreamKind,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// The codec in words.
    pub codec_description: String,
    /// The container's four characters for the codec.
    pub tag: Option<String>,
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
    /// How that was found.
    pub duration_method: Option<Method>,
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
    /// What it is for, in FFmpeg's names: `default`, `forced`, `hearing_impaired` and so on.
    pub disposition: Vec<String>,
    /// The edit list of MP4 and MOV, unless it shows all of the media from its start.
    pub edits: Vec<EditInfo>,
    /// The earliest presentation time in the index of MP4 and MOV, before the edit list: above zero where pictures are
    /// reordered.
    pub media_start: Option<Timestamp>,
    /// What its packets say, as far as they were read.
    pub measured: Option<Measured>,
    /// Everything else that the container says of it.
    pub metadata: BTreeMap<String, String>,
    /// For pictures.
    pub video: Option<VideoInfo>,
    /// For sound.
    pub audio: Option<AudioInfo>,
    /// For subtitles.
    pub subtitle: Option<SubtitleInfo>,
    /// For files inside the container.
    pub attachment: Option<AttachmentInfo>,
}

/// An entry of an edit list: a span of the media that is shown, or a span of nothing.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct EditInfo {
    /// How long it is presented; zero stands for "to the end".
    pub duration: Timestamp,
    /// Where in the media it starts; absent for an empty edit, which shows nothing.
    pub media_start: Option<Timestamp>,
    /// How fast the media plays; zero shows one picture for the whole span.
    pub speed: Rational,
}

impl EditInfo {
    /// The part of the media that it shows: its start, and its end where it has one.
    fn span(&self) -> Option<(Timestamp, Option<Timestamp>)> {
        let start = self.media_start?;
        let length = self.duration.rescale(start.base);
        let end = Timestamp::new(start.ticks.saturating_add(length), start.base);
        Some((start, (self.duration.ticks > 0).then_some(end)))
    }
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
    /// Width of the picture by its height as it is shown, before it is turned; samples without an aspect are square.
    pub display_aspect: Option<Rational>,
    /// How it is turned and mirrored before it is shown; absent where the container says nothing.
    pub orientation: Option<Orientation>,
    /// Whether a display matrix does something else than that: scale, shear, turn by odd angles.
    pub has_odd_matrix: bool,
    /// Width and height of the part that is meant to be seen (`clap`), in samples.
    pub clean_aperture: Option<(Rational, Rational)>,
    /// Progressive, or which field is coded and which shown first (t, b).
    pub field_order: String,
    /// Pictures in a second that the container declares: the base of which all times are multiples.
    pub declared_rate: Option<Rational>,
    /// Pictures in a second over the whole duration.
    pub average_rate: Option<Rational>,
    /// How the pictures follow one another, measured by their times.
    pub timing: Option<Timing>,
    /// Which pictures that is about.
    pub timing_extent: Option<TimingExtent>,
    /// How samples mean colour: as the bitstream says, else as the container does.
    pub color: Color,
    /// High dynamic range; absent for SDR.
    pub hdr: Option<HdrInfo>,
    /// Whether the picture is a projection of a sphere.
    pub is_spherical: bool,
    /// What the first pictures say by themselves; absent where none could be decoded.
    pub bitstream: Option<Glance>,
}

/// Which pictures were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimingExtent {
    /// All, by the container's index.
    Index,
    /// All, by reading all packets.
    AllPackets,
    /// Those of the first packets.
    FirstPackets,
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
    /// The loudspeaker of each channel, in order (FL, FR, FC, LFE); empty where the file does not say.
    pub channel_labels: Vec<String>,
    /// Bits in a sample, where the codec has such: containers state one for lossy codecs too, which means nothing.
    pub bit_depth: Option<u32>,
    /// Samples of a block, where all blocks have as many.
    pub block_samples: Option<u32>,
    /// Samples at the start that are decoded and not heard.
    pub priming: Option<u64>,
    /// Objects of E-AC-3 with joint object coding (Dolby Atmos), as the container says.
    pub joint_objects: Option<u8>,
}

/// A stream of subtitles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct SubtitleInfo {
    /// Text, or pictures of text.
    pub form: SubtitleForm,
    /// Whether it is shown without being asked for.
    pub is_forced: bool,
    /// Whether it also tells what is heard.
    pub is_for_hearing_impaired: bool,
}

/// What subtitles are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SubtitleForm {
    /// Text.
    Text,
    /// Pictures of text.
    Bitmap,
}

/// A file inside the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct AttachmentInfo {
    /// Its name.
    pub name: Option<String>,
    /// What it is, as a media type.
    pub media_type: Option<String>,
    /// Its bytes.
    pub bytes: u64,
}

/// A programme of a transport stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ProgramInfo {
    /// Its number.
    pub number: i32,
    /// Its name.
    pub name: Option<String>,
    /// Who provides it.
    pub provider: Option<String>,
    /// Indices of its streams.
    pub streams: Vec<usize>,
}

/// A time code, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct TimecodeInfo {
    /// Of the first picture.
    pub value: Timecode,
    /// Where it stands.
    pub origin: TimecodeOrigin,
    /// Index of the stream; absent for one of the whole container.
    pub stream: Option<usize>,
}

/// Where a time code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimecodeOrigin {
    /// In the container's metadata.
    Container,
    /// In a track of its own.
    Track,
    /// In the metadata of a stream.
    Stream,
    /// In the header of the first group of pictures.
    GroupOfPictures,
    /// In a message beside the first picture (SMPTE ST 12-1).
    Picture,
}

/// Describes `source`.
pub fn probe(source: &Source) -> MediaInfo {
    let micro = TimeBase::new(1, 1_000_000);
    let input = &source.input;
    let movie = input.demuxer().starts_with("mov,").then(|| boxes::read(&mut source.reader().ok()?)).flatten();
    let mut found = survey::survey(source);
    let streams: Vec<StreamInfo> = source
        .streams()
        .iter()
        .map(|facts| {
            let track = movie.as_ref().and_then(|movie| track(movie, facts));
            let index = track.filter(|_| movie.as_ref().is_some_and(|movie| !movie.is_fragmented));
            stream(source, facts, track, index, found.remove(&facts.index).unwrap_or_default())
        })
        .collect();
    let programs = input.programs().into_iter().map(|program| {
        let named = |key: &str| named(&program.metadata, key);
        ProgramInfo {
            number: program.number,
            name: named("service_name"),
            provider: named("service_provider"),
            streams: program.streams.clone(),
        }
    });
    let duration = source.duration().map(|ticks| Timestamp::new(ticks, micro));
    MediaInfo {
        file: source.path().map(ToOwned::to_owned),
        bytes: source.path().map(|_| source.extent().size),
        container: ContainerInfo {
            format: input.demuxer(),
            description: input.demuxer_description(),
            duration: duration.or_else(|| streams.iter().filter_map(|stream| stream.duration).max()),
            duration_method: match duration {
                Some(_) => Some(method(input.duration_method())),
                None => streams.iter().find_map(|stream| stream.duration_method),
            },
            start: source.start().map(|ticks| Timestamp::new(ticks, micro)),
            bit_rate: input.bit_rate(),
            metadata: input.metadata().into_iter().collect(),
        },
        chapters: input.chapters(),
        programs: programs.collect(),
        timecodes: timecodes(source, &streams),
        disagreements: compare::disagreements(source, movie.as_ref(), &streams),
        streams,
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

fn method(method: DurationMethod) -> Method {
    match method {
        DurationMethod::Times => Method::LastPackets,
        DurationMethod::Header => Method::Container,
        DurationMethod::BitRate => Method::BitRate,
    }
}

/// The track that a stream was made of: by its number, which a broken file may give to several.
fn track<'a>(movie: &'a boxes::Movie, facts: &StreamFacts) -> Option<&'a boxes::Track> {
    let id = u32::try_from(facts.id).ok()?;
    movie.tracks.iter().find(|track| track.id == id)
}

fn named(metadata: &[(String, String)], key: &str) -> Option<String> {
    let entry = metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    entry.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
}

fn stream(
    source: &Source,
    facts: &StreamFacts,
    track: Option<&boxes::Track>,
    index: Option<&boxes::Track>,
    found: survey::Found,
) -> StreamInfo {
    let time = |ticks: i64| Timestamp::new(ticks, facts.time_base);
    let (duration, duration_method) = duration(source, facts, track, found.measured.as_ref());
    let has = |name: &str| facts.disposition.iter().any(|known| known == name);
    StreamInfo {
        index: facts.index,
        id: facts.id,
        kind: facts.kind,
        codec: facts.codec.clone(),
        codec_description: facts.codec_description.clone(),
        tag: facts.tag.clone(),
        profile: facts.profile.clone(),
        level: facts.level,
        time_base: facts.time_base,
        start: facts.start.map(time),
        duration,
        duration_method,
        bit_rate: facts.bit_rate,
        declared_frames: facts.declared_frames,
        language: named(&facts.metadata, "language").filter(|language| language != "und"),
        title: named(&facts.metadata, "title"),
        is_default: facts.is_default,
        is_attached_picture: facts.is_attached_picture,
        disposition: facts.disposition.clone(),
        edits: track.filter(|track| !track.shows_all()).map(|track| track.edits.clone()).unwrap_or_default(),
        media_start: index.and_then(boxes::Track::earliest),
        metadata: facts.metadata.iter().cloned().collect(),
        audio: (facts.kind == StreamKind::Audio).then(|| audio(facts, track)),
        subtitle: (facts.kind == StreamKind::Subtitle).then(|| SubtitleInfo {
            form: if facts.is_text { SubtitleForm::Text } else { SubtitleForm::Bitmap },
            is_forced: has("forced"),
            is_for_hearing_impaired: has("hearing_impaired"),
        }),
        attachment: (facts.kind == StreamKind::Attachment).then(|| AttachmentInfo {
            name: named(&facts.metadata, "filename"),
            media_type: named(&facts.metadata, "mimetype"),
            bytes: facts.parameters.extradata().len() as u64,
        }),
        measured: found.measured.clone(),
        video: (facts.kind == StreamKind::Video)
            .then(|| video(facts, source.input.declared().get(facts.index), track, index, found)),
    }
}

/// How long a stream is, by the best word there is.
fn duration(
    source: &Source,
    facts: &StreamFacts,
    track: Option<&boxes::Track>,
    measured: Option<&Measured>,
) -> (Option<Timestamp>, Option<Method>) {
    let input = &source.input;
    let has_header = input.declared().get(facts.index).is_some_and(|declared| declared.duration.is_some());
    let own = facts.duration.map(|ticks| Timestamp::new(ticks, facts.time_base));
    let whole = measured.filter(|measured| measured.is_whole).and_then(Measured::duration);
    let container = input.duration().map(|ticks| Timestamp::new(ticks, TimeBase::new(1, 1_000_000)));
    let candidates = [
        (own.filter(|_| has_header && track.is_some_and(|track| track.media_duration.is_none())), Method::Index),
        (own.filter(|_| has_header), Method::StreamHeader),
        (whole, Method::Measured),
        (own, method(input.duration_method())),
        (container, method(input.duration_method())),
    ];
    let found = candidates.into_iter().find_map(|(duration, method)| Some((duration?, method)));
    // Cover pictures and attached files take no time.
    let found = found.filter(|_| !facts.is_attached_picture && facts.kind != StreamKind::Attachment);
    found.unzip()
}

fn video(
    facts: &StreamFacts,
    declared: Option<&StreamFacts>,
    track: Option<&boxes::Track>,
    index: Option<&boxes::Track>,
    found: survey::Found,
) -> VideoInfo {
    let format = PixelFormat::from_raw(facts.format);
    let positive = |ratio: Rational| ratio.is_positive().then_some(ratio);
    let orientation = facts.display_matrix.as_ref().map(Orientation::from_matrix);
    let is_whole = found.measured.as_ref().is_some_and(|measured| measured.is_whole);
    let by_packets = if is_whole { TimingExtent::AllPackets } else { TimingExtent::FirstPackets };
    // The index knows all pictures without reading them; packets tell more only when it is cut short.
    let indexed = index.filter(|_| !facts.is_attached_picture).and_then(boxes::Track::intervals);
    let indexed = indexed.and_then(|intervals| intervals.timing());
    let (timing, timing_extent) = match (indexed, found.timing) {
        (Some(timing), _) => (Some(timing), Some(TimingExtent::Index)),
        (None, Some(timing)) => (Some(timing), Some(by_packets)),
        (None, None) => (None, None),
    };
    // A decoder's silence (ProRes) overwrites in libavformat what the container said.
    let color = declared.map_or(facts.color, |declared| facts.color.or(declared.color));
    VideoInfo {
        width: facts.width,
        height: facts.height,
        pixel_format: format,
        bit_depth: format.map(PixelFormat::depth),
        chroma: format.and_then(PixelFormat::chroma),
        sample_aspect: positive(facts.sample_aspect),
        display_aspect: compare::display_aspect(facts.width, facts.height, positive(facts.sample_aspect)),
        orientation: orientation.flatten(),
        has_odd_matrix: orientation.is_some_and(|orientation| orientation.is_none()),
        clean_aperture: track.and_then(|track| track.clean_aperture),
        field_order: facts.field_order.to_owned(),
        declared_rate: positive(facts.base_rate),
        average_rate: positive(facts.average_rate),
        timing,
        timing_extent,
        color,
        hdr: dynamic_range::of(facts, found.glance.as_ref(), color),
        is_spherical: facts.is_spherical,
        bitstream: found.glance,
    }
}

fn audio(facts: &StreamFacts, track: Option<&boxes::Track>) -> AudioInfo {
    // In MP4, the edit list says how many samples are not heard.
    let edit = track.and_then(|track| track.edits.iter().find_map(|edit| edit.media_start));
    let edit = edit.map(|start| start.rescale(Rational::new(1, facts.sample_rate.into())));
    let priming = edit.and_then(|samples| u64::try_from(samples).ok()).unwrap_or(facts.padding.into());
    AudioInfo {
        sample_rate: facts.sample_rate,
        channels: facts.channels,
        layout: facts.layout.clone(),
        channel_labels: facts.channel_labels.clone(),
        bit_depth: Some(facts.raw_bits).filter(|bits| *bits > 0 && facts.is_lossless),
        block_samples: Some(facts.block_samples).filter(|samples| *samples > 0),
        priming: Some(priming).filter(|samples| *samples > 0),
        joint_objects: track.and_then(|track| track.joint_objects),
    }
}

/// Every time code of the first picture.
fn timecodes(source: &Source, streams: &[StreamInfo]) -> Vec<TimecodeInfo> {
    let read = |metadata: &[(String, String)]| named(metadata, "timecode")?.parse::<Timecode>().ok();
    let mut list = Vec::new();
    let mut add = |value: Option<Timecode>, origin, stream| {
        list.extend(value.map(|value| TimecodeInfo { value, origin, stream }));
    };
    add(read(&source.input.metadata()), TimecodeOrigin::Container, None);
    let has_track = source.streams().iter().any(|facts| facts.tag.as_deref() == Some("tmcd"));
    for (facts, info) in source.streams().iter().zip(streams) {
        let is_track = facts.tag.as_deref() == Some("tmcd");
        // libavformat copies the time code of a track to the streams that refer to it.
        if is_track || !has_track {
            let origin = if is_track { TimecodeOrigin::Track } else { TimecodeOrigin::Stream };
            add(read(&facts.metadata), origin, Some(facts.index));
        }
        if let Some(glance) = info.video.as_ref().and_then(|video| video.bitstream.as_ref()) {
            add(glance.smpte_timecode, TimecodeOrigin::Picture, Some(facts.index));
            add(glance.gop_timecode, TimecodeOrigin::GroupOfPictures, Some(facts.index));
        }
    }
    list
}
