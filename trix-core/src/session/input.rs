//! Checks what a program gives, and turns it into what a decoder would give.
//!
//! Invariant: times strictly rise, and everything has the stated shape.

use trix_av::frame::Frame;
use trix_model::{
    color::{Color, Range},
    error::{ErrorKind, Result},
    time::{Rational, TimeBase, Timestamp},
};

use super::lead::mistake;
use crate::{
    decode::video::DecodedFrame,
    demux::{Presented, Walked},
    reading::{frames::VideoFrame, samples::AudioBlock},
    settings::shape::{Shape, TrackShape, VideoShape, channels_of},
};

/// What a program has given so far.
pub(super) struct Input {
    shape: Shape,
    /// Number of frames.
    frames: u64,
    /// The time of the first frame.
    first: Option<Timestamp>,
    /// The last frame: its time, and its duration if it states one, in ticks.
    last: Option<(i64, Option<i64>)>,
    tracks: Vec<Heard>,
}

/// The audio of a track so far.
#[derive(Clone, Copy, Default)]
struct Heard {
    /// The start of the last block, in ticks.
    last: Option<i64>,
    end: Option<Timestamp>,
    /// Samples of the longest block.
    longest: usize,
}

/// The longest time without frames or audio. A longer one is taken for a wrong time: the silence in place of audio would
/// fill memory.
const LONGEST: Timestamp = Timestamp::new(3600, Rational::new(1, 1));

/// Checks that what begins at `time` is within an hour of `before`, the end of what was given, or else of `start`.
fn check_leap(start: Timestamp, before: Option<Timestamp>, time: Timestamp) -> Result<(), String> {
    let is_far = |one: Timestamp, other: Timestamp| one > other.plus(LONGEST);
    match before {
        None if is_far(time, start) || is_far(start, time) => Err(format!(
            "the session starts at {start}, more than an hour from this time; `start` of the shape states another"
        )),
        Some(before) if is_far(time, before) => {
            Err(format!("nothing was given since {before}, for more than an hour; this time is taken for a mistake"))
        }
        _ => Ok(()),
    }
}

/// `time` in ticks of `base`, if it is a whole number of them.
fn exact(time: Timestamp, base: TimeBase) -> Option<i64> {
    Some(time.rescale(base)).filter(|ticks| Timestamp::new(*ticks, base) == time)
}

/// The first property of colour that `found` states and that differs from what `stated` states.
fn contradiction(found: Color, stated: Color) -> Option<(&'static str, String, String)> {
    let differ = |one: bool, other: bool, differ: bool| one && other && differ;
    let known = |range: Range| range != Range::Unspecified;
    if differ(found.primaries.is_specified(), stated.primaries.is_specified(), found.primaries != stated.primaries) {
        Some(("primaries", found.primaries.to_string(), stated.primaries.to_string()))
    } else if differ(found.transfer.is_specified(), stated.transfer.is_specified(), found.transfer != stated.transfer) {
        Some(("transfer", found.transfer.to_string(), stated.transfer.to_string()))
    } else if differ(found.matrix.is_specified(), stated.matrix.is_specified(), found.matrix != stated.matrix) {
        Some(("matrix", found.matrix.to_string(), stated.matrix.to_string()))
    } else if differ(known(found.range), known(stated.range), found.range != stated.range) {
        Some(("range", found.range.to_string(), stated.range.to_string()))
    } else {
        None
    }
}

impl Input {
    pub(super) fn new(shape: &Shape) -> Self {
        let tracks = vec![Heard::default(); shape.audio.len()];
        Input { shape: shape.clone(), frames: 0, first: None, last: None, tracks }
    }

    /// The next frame, as a decoder would give it.
    ///
    /// # Errors
    /// `InvalidSpec` if it does not have the stated shape, if its time is before the start, if its time does not rise, or
    /// if it leaps by more than an hour.
    pub(super) fn frame(&mut self, frame: VideoFrame) -> Result<DecodedFrame> {
        let time = frame.time;
        let stream = self.shape.video.as_ref().map(|_| 0);
        let wrong = |detail, time| mistake(ErrorKind::InvalidSpec, detail, stream, Some(time));
        let Some(stated) = &self.shape.video else {
            return Err(wrong("a frame was given, and the shape of the session states none".to_owned(), time));
        };
        let VideoShape { width, height, format, color, fields, .. } = *stated;
        let found = (frame.width(), frame.height(), frame.format());
        if found != (width, height, Some(format)) {
            let name = found.2.map_or_else(|| "an unknown format".into(), |format| format.name());
            let detail = format!(
                "the session expects frames of {width}x{height} {format}, and was given {}x{} {name}",
                found.0, found.1
            );
            return Err(wrong(detail, time));
        }
        if let Some((property, found, stated)) = contradiction(frame.color(), color) {
            return Err(wrong(format!("the session expects the {property} {stated}, and was given {found}"), time));
        }
        let base = stated.ticks();
        let Some(pts) = exact(time, base) else {
            return Err(wrong(
                format!("the time of a frame is no multiple of {base} s, the time base of the session"),
                time,
            ));
        };
        let last = self.last.map(|(last, _)| Timestamp::new(last, base));
        if let Some(last) = last.filter(|last| *last >= time) {
            return Err(wrong(format!("the frame before is shown at {last}, and times must rise"), time));
        }
        let start = self.shape.start;
        if time < start {
            return Err(wrong(format!("the session starts at {start}, and the frame is shown before that"), time));
        }
        check_leap(start, last, time).map_err(|detail| wrong(detail, time))?;
        if frame.duration.is_some_and(|duration| duration > LONGEST) {
            return Err(wrong("the frame lasts more than an hour; this is taken for a mistake".to_owned(), time));
        }
        let first = self.first.unwrap_or(time);
        let number = i64::try_from(self.frames).unwrap_or(i64::MAX);
        let even = first.plus(Timestamp::new(number, stated.rate.inverse()));
        let tick = Timestamp::new(1, base);
        if !stated.uneven && (time.plus(tick) <= even || even.plus(tick) <= time) {
            let rate = stated.rate;
            let detail = format!(
                "frame {number} of {rate} frames a second is shown at {even}; a shape with `uneven` lets frames have \
                 other times"
            );
            return Err(wrong(detail, time));
        }
        self.first = Some(first);
        let duration = frame.duration.map(|duration| duration.rescale(base)).filter(|ticks| *ticks > 0);
        let described = frame.frame.described(frame.color().or(color), fields, frame.frame.sample_aspect());
        let frame = DecodedFrame { frame: described, number: self.frames, pts, duration, extras: frame.extras };
        self.frames += 1;
        self.last = Some((pts, duration));
        Ok(frame)
    }

    /// The next block of a track, as a decoder would give it, with the index and the time base of its stream.
    ///
    /// # Errors
    /// `InvalidSpec` if it does not have the stated shape, if its time does not rise, or if it leaps by more than an hour.
    pub(super) fn block(&mut self, track: usize, block: AudioBlock) -> Result<(usize, TimeBase, Frame)> {
        let time = block.time;
        let (count, start) = (self.shape.audio.len(), self.shape.start);
        let stream = Some(self.stream_of(track)).filter(|_| track < count);
        let wrong = |detail, time| mistake(ErrorKind::InvalidSpec, detail, stream, Some(time));
        let Some((stated, heard)) = self.shape.audio.get(track).zip(self.tracks.get_mut(track)) else {
            let detail =
                format!("audio was given for track {track}, and the session has {count} tracks, counted from 0");
            return Err(wrong(detail, time));
        };
        check_block(stated, &block).map_err(|(expected, found)| {
            wrong(format!("audio track {track} of the session expects {expected}, and was given {found}"), time)
        })?;
        let pts = time.rescale(stated.ticks());
        if let Some(last) = heard.last.filter(|last| *last >= pts) {
            let last = Timestamp::new(last, stated.ticks());
            return Err(wrong(format!("the block before begins at {last}, and times must rise"), time));
        }
        check_leap(start, heard.end, time).map_err(|detail| wrong(detail, time))?;
        heard.last = Some(pts);
        // An overlap may end before what it overlaps.
        heard.end = heard.end.max(Some(block.end()));
        heard.longest = heard.longest.max(block.samples());
        let (mut frame, base) = (block.frame, stated.ticks());
        frame.set_time(pts);
        Ok((self.stream_of(track), base, frame))
    }

    /// True if frames were stated, and none was given.
    pub(super) fn lacks_frames(&self) -> bool {
        self.shape.video.is_some() && self.last.is_none()
    }

    /// True if `track` was stated, and no audio was given for it.
    pub(super) fn lacks_audio(&self, track: usize) -> bool {
        self.tracks.get(track).is_some_and(|own| own.last.is_none())
    }

    /// When the frame after one at `time` is shown, by the rate.
    pub(super) fn next_frame(&self, time: Timestamp) -> Timestamp {
        self.shape.video.as_ref().map_or(time, |stated| time.plus(Timestamp::new(1, stated.rate.inverse())))
    }

    /// Where the frames given so far end.
    pub(super) fn frames_end(&self) -> Option<Timestamp> {
        let (stated, (pts, duration)) = self.shape.video.as_ref().zip(self.last)?;
        let (base, frame) = (stated.ticks(), Timestamp::new(1, stated.rate.inverse()));
        let shown = duration.map_or(frame, |ticks| Timestamp::new(ticks, base));
        Some(Timestamp::new(pts, base).plus(shown))
    }

    /// Where each stream ends.
    pub(super) fn walked(&self) -> Walked {
        let video = self.frames_end().map(|end| (0, Presented { end, grain: None, is_whole: true }));
        let audio = self.tracks.iter().zip(&self.shape.audio).enumerate().filter_map(|(track, (heard, stated))| {
            let rate = TimeBase::new(1, i64::from(stated.sample_rate));
            let longest = heard.longest.min(second(stated.sample_rate));
            let grain = Timestamp::new(i64::try_from(longest).unwrap_or(i64::MAX), rate);
            Some((self.stream_of(track), Presented { end: heard.end?, grain: Some(grain), is_whole: true }))
        });
        Walked { discontinuities: Vec::new(), streams: video.into_iter().chain(audio).collect() }
    }

    /// The index of the stream of an audio track: frames come first.
    pub(super) fn stream_of(&self, track: usize) -> usize {
        track + usize::from(self.shape.video.is_some())
    }
}

/// Samples of the longest part in which a block goes to an encoder: those of a second.
fn second(sample_rate: u32) -> usize {
    sample_rate.max(1) as usize
}

/// The parts in which `block`, which begins at `pts` in ticks of `base`, goes to the encoders. So a queue that is limited
/// by time holds no more than that, however long the blocks of a program are.
pub(super) fn parts(block: Frame, base: TimeBase) -> impl Iterator<Item = Frame> {
    let (rate, samples, pts) = (block.sample_rate(), block.samples(), block.pts().unwrap_or(0));
    let length = second(rate);
    (0..samples).step_by(length).map(move |from| {
        if samples <= length {
            return block.clone();
        }
        let mut part = block.part(from, length);
        let later = Timestamp::new(from as i64, TimeBase::new(1, i64::from(rate)));
        part.set_time(pts.saturating_add(later.rescale(base)));
        part
    })
}

/// What is expected, and what `block` has instead, if it does not have the stated shape.
fn check_block(stated: &TrackShape, block: &AudioBlock) -> Result<(), (String, String)> {
    let (rate, layout) = (block.sample_rate(), block.layout());
    let found = block.sample_format();
    if rate != stated.sample_rate {
        return Err((format!("{} Hz", stated.sample_rate), format!("{rate} Hz")));
    }
    let is_layout = layout == stated.layout || TrackShape::of_layout(&stated.layout) == TrackShape::of_layout(&layout);
    if !is_layout || channels_of(&stated.layout) != Some(block.channels()) {
        return Err((format!("the layout {}", stated.layout), layout));
    }
    match found {
        Some(format) if format.sample == stated.sample => Ok(()),
        Some(format) => Err((format!("samples of {}", stated.sample), format!("samples of {}", format.sample))),
        None => Err((format!("samples of {}", stated.sample), "samples of an unknown type".to_owned())),
    }
}
