//! Counts the content of a source by decoding all of it.
//!
//! Invariant: every packet of every video and audio stream passes through its decoder, if there is one.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
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

/// What decoding all of a source found.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Census {
    /// By index of the stream.
    pub streams: BTreeMap<usize, StreamCensus>,
    /// What is wrong with the source.
    pub damage: DamageReport,
    /// What is not wrong with it and should be known all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What decoding all of a stream found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct StreamCensus {
    /// Compressed pictures or blocks of sound.
    pub packets: u64,
    /// Decoded pictures; `None` for sound.
    pub frames: Option<u64>,
    /// Decoded samples in each channel; `None` for pictures.
    pub samples: Option<u64>,
    /// When the first picture is shown.
    pub first: Option<Timestamp>,
    /// When the last picture is shown.
    pub last: Option<Timestamp>,
    /// Pictures in a second, from the times of the first and the last.
    pub measured_rate: Option<Rational>,
    /// Shortest and longest time from one picture to the next, in ticks; they differ when the rate varies.
    pub interval_ticks: Option<(i64, i64)>,
    /// How the pictures follow one another; `None` for sound.
    pub intervals: Option<Timing>,
    /// Sizes that pictures have, in order of appearance; more than one where they change. No more than
    /// [`SIZES`] are kept.
    pub sizes: Vec<FrameSize>,
    /// Pictures that are flagged as two fields.
    pub interlaced: u64,
    /// Pictures with captions in them.
    pub captions: u64,
    /// Pictures whose time was missing or did not increase.
    pub times_repaired: u64,
    /// Gaps and repeats in the times.
    pub timing: TimingReport,
}

/// From which picture on pictures have which size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct FrameSize {
    /// Number of the picture, from zero.
    pub first: u64,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
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
pub fn count(source: Source, on_damage: OnDamage, threads: u32, cancel: &Cancel) -> Result<Census> {
    let damage = Arc::new(DamageLog::new(on_damage));
    let label = source.label();
    let pixels = source.limits().pixels;
    let mut decoders = BTreeMap::new();
    let mut found: BTreeMap<usize, StreamCensus> = BTreeMap::new();
    for facts in source.streams().iter().filter(|facts| !facts.is_attached_picture) {
        // Counting does not fail on streams that cannot be decoded.
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
        found.insert(facts.index, StreamCensus::default());
    }
    let mut demuxer = Demuxer::new(source, Arc::clone(&damage));
    while let Some(packet) = demuxer.next_packet()? {
        if cancel.is_cancelled() {
            return Err(Error::cancelled(Stage::Decode));
        }
        let index = packet.stream();
        if let (Some((decoder, base)), Some(census)) = (decoders.get_mut(&index), found.get_mut(&index)) {
            census.packets += 1;
            match decoder {
                Decoder::Video(decoder, intervals) => {
                    decoder.push(Some(&packet))?;
                    pictures(decoder, *base, census, intervals)?;
                }
                Decoder::Audio(decoder) => {
                    decoder.push(Some(&packet))?;
                    while decoder.receive()?.is_some() {}
                }
            }
        }
    }
    for (index, (mut decoder, base)) in decoders {
        let Some(census) = found.get_mut(&index) else { continue };
        match &mut decoder {
            Decoder::Video(decoder, intervals) => {
                decoder.push(None)?;
                pictures(decoder, base, census, intervals)?;
                // Repaired times do not show the rate.
                census.intervals = intervals.timing().filter(|timing| decoder.repaired() < timing.pictures);
                census.frames = Some(decoder.decoded());
                census.times_repaired = decoder.repaired();
                census.timing = decoder.timing();
                census.measured_rate = measured_rate(census);
            }
            Decoder::Audio(decoder) => {
                decoder.push(None)?;
                while decoder.receive()?.is_some() {}
                census.samples = Some(decoder.samples());
                census.timing = decoder.timing();
            }
        }
    }
    let joints = demuxer.walked().discontinuities;
    let notes = damage.notes().into_iter().chain(joints.iter().map(ToString::to_string)).collect();
    Ok(Census { streams: found, damage: damage.report(), notes })
}

fn pictures(
    decoder: &mut VideoDecoder,
    base: Rational,
    census: &mut StreamCensus,
    intervals: &mut Intervals,
) -> Result<()> {
    while let Some(picture) = decoder.receive()? {
        intervals.push(picture.pts);
        let frame = &picture.frame;
        let size = FrameSize { first: picture.number, width: frame.width(), height: frame.height() };
        let is_new = census.sizes.last().is_none_or(|last| (last.width, last.height) != (size.width, size.height));
        if is_new && census.sizes.len() < SIZES {
            census.sizes.push(size);
        }
        census.interlaced += u64::from(frame.is_interlaced());
        census.captions += u64::from(frame.captions().is_some());
        let time = Timestamp::new(picture.pts, base);
        if let Some(last) = census.last {
            let step = picture.pts.saturating_sub(last.ticks);
            let (least, most) = census.interval_ticks.unwrap_or((step, step));
            census.interval_ticks = Some((least.min(step), most.max(step)));
        }
        census.first.get_or_insert(time);
        census.last = Some(time);
    }
    Ok(())
}

fn measured_rate(census: &StreamCensus) -> Option<Rational> {
    let (first, last) = (census.first?, census.last?);
    let frames = i64::try_from(census.frames?).ok()?;
    let span = last.ticks.checked_sub(first.ticks).filter(|span| *span > 0)?;
    let ticks_each_second = first.base.inverse();
    Some(Rational::new((frames - 1).checked_mul(ticks_each_second.num)?, span.checked_mul(ticks_each_second.den)?))
}
