//! Encodes the frames of one track: places forced keyframes, and carries what belongs to each frame.
//!
//! Invariant: the stream depends on the frames, their times and the plan. It does not depend on where the packets go.

use std::collections::BTreeMap;

use trix_av::packet::Packet;
use trix_bitstream::{
    nal::{self, NalCodec},
    sei,
};
use trix_model::{
    error::Result,
    extras::Extras,
    time::{TimeBase, Timestamp},
};

use super::encoder::{Coding, Encoded, Headers, VideoEncoder};
use crate::{
    decode::video::DecodedFrame,
    plan::{VideoEncode, VideoPlan},
};

/// The extras that are written into encoded frames.
#[derive(Clone, Copy, Default)]
pub(crate) struct Carries {
    pub(crate) codec: Option<NalCodec>,
    pub(crate) dolby_vision: bool,
    pub(crate) hdr10_plus: bool,
}

impl Carries {
    fn of(video: &VideoPlan, encoder: &dyn VideoEncoder) -> Self {
        Carries {
            codec: NalCodec::from_name(&encoder.codec().map_or_else(String::new, |codec| codec.to_string())),
            dolby_vision: video.dolby_vision.is_some(),
            hdr10_plus: video.hdr10_plus,
        }
    }
}

/// Forced keyframes: the first frame at or after each of these times, counted from the origin.
pub(crate) struct Forced {
    /// Sorted, with the next time at the end.
    times: Vec<Timestamp>,
    /// The interval between forced keyframes.
    interval: Option<Timestamp>,
    /// The number of the last multiple of the interval that has passed.
    passed: i64,
}

impl Forced {
    pub(crate) fn new(times: &[Timestamp], interval: Option<Timestamp>) -> Self {
        let mut times = times.to_vec();
        times.sort_by(|one, other| other.cmp(one));
        Forced { times, interval, passed: -1 }
    }

    /// True if the next frame, shown at `time`, must be a keyframe.
    fn at(&mut self, time: Timestamp) -> bool {
        let mut force = false;
        while self.times.last().is_some_and(|next| *next <= time) {
            self.times.pop();
            force = true;
        }
        if let Some(interval) = self.interval {
            let multiple = time.multiple_of(interval);
            force |= multiple > self.passed;
            self.passed = self.passed.max(multiple);
        }
        force
    }
}

/// The encoder of a track, with what it needs to know of its frames.
pub(crate) struct Coder {
    pub(crate) encoder: Box<dyn VideoEncoder>,
    pub(crate) origin: i64,
    /// Time base of the frames.
    pub(crate) time_base: TimeBase,
    pub(crate) forced: Forced,
    pub(crate) carries: Carries,
    /// True if the track description holds the parameter sets, so that frames must not carry them.
    pub(crate) sets_apart: bool,
    /// Extras of the frames inside the encoder, by frame number.
    pub(crate) extras: BTreeMap<i64, Extras>,
    pub(crate) pushed: u64,
}

impl Coder {
    /// Encodes frames with times in `time_base` by `plan`. `headers` are those of the encoder.
    pub(crate) fn new(
        plan: &VideoEncode,
        encoder: Box<dyn VideoEncoder>,
        headers: &Headers,
        time_base: TimeBase,
    ) -> Self {
        Coder {
            origin: plan.origin.rescale(time_base),
            time_base,
            forced: Forced::new(&plan.video.keyframes, plan.video.key_interval),
            carries: Carries::of(&plan.video, encoder.as_ref()),
            sets_apart: !headers.parameter_sets.is_empty(),
            extras: BTreeMap::new(),
            pushed: 0,
            encoder,
        }
    }

    /// The time of a frame of the filter, counted from the origin, in ticks.
    pub(crate) fn ticks(&self, frame: &DecodedFrame) -> i64 {
        frame.pts.saturating_sub(self.origin)
    }

    /// Number of frames that went in.
    pub(crate) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Encodes the next frame, and returns one that is ready. If `is_last`, no frame up to this one needs a later one.
    ///
    /// # Errors
    /// `Codec` if the encoder fails.
    pub(crate) fn push(&mut self, frame: DecodedFrame, is_last: bool) -> Result<Option<Encoded>> {
        let force = self.forced.at(Timestamp::new(self.ticks(&frame), self.time_base));
        let number = self.pushed;
        self.pushed += 1;
        if !frame.extras.is_empty() {
            self.extras.insert(number as i64, frame.extras);
        }
        let coding = match () {
            () if force => Coding::Key,
            () if is_last && number > 0 => Coding::Predicted,
            () => Coding::Auto,
        };
        let encoded = self.encoder.push(&frame.frame, number, coding)?;
        Ok(encoded.map(|encoded| self.complete(encoded)))
    }

    /// One of the frames inside the encoder after the last one went in; `None` if no more remain.
    ///
    /// # Errors
    /// `Codec` if the encoder fails.
    pub(crate) fn finish(&mut self) -> Result<Option<Encoded>> {
        let encoded = self.encoder.finish()?;
        Ok(encoded.map(|encoded| self.complete(encoded)))
    }

    /// As [`VideoEncoder::release_followers`].
    pub(crate) fn release_followers(&mut self) {
        self.encoder.release_followers();
    }

    /// The processor time of the encoder so far, in seconds, if it is known.
    pub(crate) fn cpu_seconds(&self) -> Option<f64> {
        self.encoder.cpu_seconds()
    }

    /// The warnings of the encoder.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.encoder.complaints()
    }

    /// Adds the extras of a frame to its coded bytes.
    fn complete(&mut self, mut encoded: Encoded) -> Encoded {
        if let (Some(mut extras), Some(codec)) = (self.extras.remove(&encoded.pts), self.carries.codec) {
            extras.dolby_vision = extras.dolby_vision.filter(|_| self.carries.dolby_vision);
            extras.hdr10_plus = extras.hdr10_plus.filter(|_| self.carries.hdr10_plus);
            if let Some(parts) = sei::with_extras(encoded.packet.data(), codec, &extras) {
                encoded.packet = Packet::joined(&parts);
            }
        }
        // x265 repeats parameter sets, despite its settings, when it writes HDR messages.
        if self.sets_apart
            && let Some(codec) = self.carries.codec
            && let Some(parts) = nal::without_parameter_sets(encoded.packet.data(), codec)
        {
            encoded.packet = Packet::joined(&parts);
        }
        encoded
    }
}
