//! Counts the content of a source by decoding all of it.
//!
//! Invariant: every packet of every video and audio stream passes through its decoder, if there is one.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use trix_av::stream::StreamKind;
use trix_model::{
    control::cancel::Cancel,
    damage::{DamageLog, DamageReport, OnDamage},
    error::{Error, Result, Stage},
    intervals::{Intervals, Timing},
    time::{Rational, Timestamp},
};

use crate::{
    decode::{audio::AudioDecoder, timing::TimingReport, video::VideoDecoder},
    demux::Demuxer,
    source::Source,
};

/// The results of decoding a whole source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FullDecodeCount {
    /// The counts by stream index.
    pub streams: BTreeMap<usize, StreamCount>,
    /// Damage of the source.
    pub damage: DamageReport,
    /// Other observations about the source that are no damage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The results of decoding a whole stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StreamCount {
    /// Compressed frames or blocks of audio.
    pub packets: u64,
    /// Decoded frames; `None` for audio.
    pub frames: Option<u64>,
    /// Decoded samples per channel; `None` for video.
    pub samples: Option<u64>,
    /// Display time of the first frame.
    pub first: Option<Timestamp>,
    /// Display time of the last frame.
    pub last: Option<Timestamp>,
    /// Frames per second, from the times of the first and the last frame.
    pub measured_rate: Option<Rational>,
    /// Shortest and longest time from one frame to the next, in ticks; they differ if the frame rate varies.
    pub interval_ticks: Option<(i64, i64)>,
    /// The intervals between frames; `None` for audio.
    pub intervals: Option<Timing>,
    /// Frame sizes, in order of appearance; more than one if the size changes. At most [`SIZES`] are kept.
    pub sizes: Vec<FrameSize>,
    /// Frames that are flagged as interlaced.
    pub interlaced: u64,
    /// Frames with captions.
    pub captions: u64,
    /// Frames whose time was missing or did not increase.
    pub times_repaired: u64,
    /// Gaps and repeats in the times.
    pub timing: TimingReport,
}

/// The first frame of a frame size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FrameSize {
    /// Number of the frame, from zero.
    pub first: u64,
    /// Width in samples.
    pub width: usize,
    /// Height in rows.
    pub height: usize,
}

/// Maximum number of sizes that are listed. A stream with more is broken.
pub const SIZES: usize = 16;

enum Decoder {
    Video(Box<VideoDecoder>, Intervals),
    Audio(Box<AudioDecoder>),
}

/// Decodes all video and audio of `source`, with `threads` threads (0: one for each core).
///
/// # Errors
/// Those of reading and decoding; damage only with [`OnDamage::Fail`].
pub fn count(source: Source, on_damage: OnDamage, threads: u32, cancel: &Cancel) -> Result<FullDecodeCount> {
    let damage = Arc::new(DamageLog::new(on_damage));
    let label = source.label();
    let pixels = source.limits().pixels;
    let mut decoders = BTreeMap::new();
    let mut found: BTreeMap<usize, StreamCount> = BTreeMap::new();
    for facts in source.streams().iter().filter(|facts| !facts.is_attached_picture) {
        // A full decode count does not fail on streams that cannot be decoded.
        if on_damage == OnDamage::Conceal && source.selection().lack(facts.index).is_some() {
            continue;
        }
        let damage = Arc::clone(&damage);
        let decoder = match facts.kind {
            StreamKind::Video => {
                let decoder = VideoDecoder::new(label.clone(), facts, threads, pixels, damage)?;
                Decoder::Video(Box::new(decoder), Intervals::new(facts.time_base))
            }
            StreamKind::Audio => Decoder::Audio(Box::new(AudioDecoder::new(label.clone(), facts, damage)?)),
            StreamKind::Subtitle | StreamKind::Data | StreamKind::Attachment => continue,
        };
        decoders.insert(facts.index, (decoder, facts.time_base));
        found.insert(facts.index, StreamCount::default());
    }
    let mut demuxer = Demuxer::new(source, Arc::clone(&damage));
    while let Some(packet) = demuxer.next_packet()? {
        if cancel.is_cancelled() {
            return Err(Error::cancelled(Stage::Decode));
        }
        let index = packet.stream();
        if let (Some((decoder, base)), Some(stream)) = (decoders.get_mut(&index), found.get_mut(&index)) {
            stream.packets += 1;
            match decoder {
                Decoder::Video(decoder, intervals) => {
                    decoder.push(Some(&packet))?;
                    frames(decoder, *base, stream, intervals)?;
                }
                Decoder::Audio(decoder) => {
                    decoder.push(Some(&packet))?;
                    while decoder.receive()?.is_some() {}
                }
            }
        }
    }
    for (index, (mut decoder, base)) in decoders {
        let Some(stream) = found.get_mut(&index) else { continue };
        match &mut decoder {
            Decoder::Video(decoder, intervals) => {
                decoder.push(None)?;
                frames(decoder, base, stream, intervals)?;
                // Repaired times do not show the rate.
                stream.intervals = intervals.timing().filter(|timing| decoder.repaired() < timing.frames);
                stream.frames = Some(decoder.decoded());
                stream.times_repaired = decoder.repaired();
                stream.timing = decoder.timing();
                stream.measured_rate = measured_rate(stream);
            }
            Decoder::Audio(decoder) => {
                decoder.push(None)?;
                while decoder.receive()?.is_some() {}
                stream.samples = Some(decoder.samples());
                stream.timing = decoder.timing();
            }
        }
    }
    let joints = demuxer.walked().discontinuities;
    let notes = damage.notes().into_iter().chain(joints.iter().map(ToString::to_string)).collect();
    Ok(FullDecodeCount { streams: found, damage: damage.report(), notes })
}

fn frames(
    decoder: &mut VideoDecoder,
    base: Rational,
    stream: &mut StreamCount,
    intervals: &mut Intervals,
) -> Result<()> {
    while let Some(decoded) = decoder.receive()? {
        intervals.push(decoded.pts);
        let frame = &decoded.frame;
        let size = FrameSize { first: decoded.number, width: frame.width(), height: frame.height() };
        let is_new = stream.sizes.last().is_none_or(|last| (last.width, last.height) != (size.width, size.height));
        if is_new && stream.sizes.len() < SIZES {
            stream.sizes.push(size);
        }
        stream.interlaced += u64::from(frame.is_interlaced());
        stream.captions += u64::from(frame.captions().is_some());
        let time = Timestamp::new(decoded.pts, base);
        if let Some(last) = stream.last {
            let step = decoded.pts.saturating_sub(last.ticks);
            let (least, most) = stream.interval_ticks.unwrap_or((step, step));
            stream.interval_ticks = Some((least.min(step), most.max(step)));
        }
        stream.first.get_or_insert(time);
        stream.last = Some(time);
    }
    Ok(())
}

fn measured_rate(stream: &StreamCount) -> Option<Rational> {
    let (first, last) = (stream.first?, stream.last?);
    let frames = i64::try_from(stream.frames?).ok()?;
    let span = last.ticks.checked_sub(first.ticks).filter(|span| *span > 0)?;
    let ticks_each_second = first.base.inverse();
    Some(Rational::new((frames - 1).checked_mul(ticks_each_second.num)?, span.checked_mul(ticks_each_second.den)?))
}
