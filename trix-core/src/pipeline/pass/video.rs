//! The stages of pictures: decode, filter, encode.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use trix_av::packet::Packet;
use trix_bitstream::{
    nal::{self, NalCodec},
    sei,
};
use trix_model::{
    control::progress::Counters,
    error::{Result, Stage},
    extras::Extras,
    time::{TimeBase, Timestamp},
};

use super::{ForMuxer, Queued, Shared, StepBooks, lock};
use crate::{
    decode::{
        dynamic::{self, DynamicHdr},
        video::{Picture, VideoDecoder},
    },
    encode::{
        timeline::Timeline,
        video::{Encoded, VideoEncoder},
    },
    filter::pictures::PictureFilter,
    pipeline::stage::{Fan, Receiver, Sender, Sent},
    plan::{Cut, Verdict},
    still::Stills,
};

/// Decodes pictures for all who need them.
pub(super) struct DecodeStage {
    pub(super) decoder: VideoDecoder,
    /// Whether a time code in the bitstream is told, because no output has one.
    pub(super) names_timecode: bool,
    /// Finds dynamic HDR metadata, where the codec may have them.
    pub(super) dynamic: Option<DynamicHdr>,
    pub(super) shared: Arc<Shared>,
}

impl DecodeStage {
    pub(super) fn run(mut self, input: Receiver<Queued<Packet>>, mut output: Fan<Picture>) -> Result<()> {
        let (mut wanted, mut ended) = (true, false);
        while wanted && !ended {
            let packet = input.receive(Stage::Decode)?.map(|queued| queued.item);
            ended = packet.is_none();
            if let (Some(dynamic), Some(packet)) = (&mut self.dynamic, &packet) {
                dynamic.push(packet);
            }
            self.decoder.push(packet.as_ref())?;
            while wanted && let Some(mut picture) = self.decoder.receive()? {
                picture.extras = dynamic::extras(self.dynamic.as_mut(), &picture);
                if self.names_timecode && picture.number == 0 {
                    self.decoder.name_timecode(&picture.frame);
                }
                wanted = output.send(picture, Stage::Decode)? == Sent::Yes;
            }
        }
        self.shared.repaired.store(self.decoder.repaired(), Ordering::Relaxed);
        self.shared.left_out.store(self.decoder.left_out(), Ordering::Relaxed);
        self.shared.note_timing(self.decoder.stream(), self.decoder.timing());
        Ok(())
    }
}

/// Keeps the pictures of its cut, and filters them.
pub(super) struct FilterStage {
    /// Number of the step.
    pub(super) step: usize,
    pub(super) cut: Cut,
    /// Seconds in a tick of the times of pictures that come in.
    pub(super) time_base: TimeBase,
    pub(super) filter: PictureFilter,
    pub(super) shared: Arc<Shared>,
}

impl FilterStage {
    pub(super) fn run(mut self, input: Receiver<Picture>, mut output: Fan<Picture>) -> Result<()> {
        let mut books = StepBooks::default();
        let (mut wanted, mut kept) = (true, 0);
        while wanted {
            let Some(mut picture) = input.receive(Stage::Filter)? else { break };
            books.decoded += 1;
            match self.cut.judge(Timestamp::new(picture.pts, self.time_base), kept) {
                Verdict::Before => {
                    books.before += 1;
                    continue;
                }
                Verdict::After => {
                    books.after += 1;
                    break;
                }
                Verdict::Keep => {}
            }
            kept += 1;
            self.cut.shorten(&mut picture, self.time_base);
            books.extras.add(&picture.extras);
            wanted = self.pass_on(Some(picture), &mut output)?;
        }
        drop(input);
        if wanted {
            self.pass_on(None, &mut output)?;
        }
        books.counts = self.filter.counts();
        books.changes = self.filter.changes().to_vec();
        *lock(&self.shared.steps[self.step]) = books;
        Ok(())
    }

    /// False when nobody wants more.
    fn pass_on(&mut self, picture: Option<Picture>, output: &mut Fan<Picture>) -> Result<bool> {
        for picture in self.filter.push(picture)? {
            if output.send(picture, Stage::Filter)? == Sent::NotWanted {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Makes a still of the pictures of its cut.
pub(super) struct StillStage {
    /// Number of the still.
    pub(super) number: usize,
    pub(super) stills: Stills,
    pub(super) cut: Cut,
    /// Seconds in a tick of the pictures' times.
    pub(super) time_base: TimeBase,
    pub(super) shared: Arc<Shared>,
}

impl StillStage {
    pub(super) fn run(mut self, input: Receiver<Picture>) -> Result<()> {
        let mut kept = 0;
        // A cut can be longer than the film, which then ends with its last picture.
        let mut end = None;
        while self.stills.wants_pictures()
            && let Some(picture) = input.receive(Stage::Filter)?
        {
            match self.cut.judge(Timestamp::new(picture.pts, self.time_base), kept) {
                Verdict::Before => continue,
                Verdict::After => {
                    end = self.cut.end;
                    break;
                }
                Verdict::Keep => {}
            }
            kept += 1;
            self.stills.push_picture(&picture)?;
        }
        drop(input);
        let still = self.stills.finish(end)?.pop();
        *lock(&self.shared.stills[self.number]) = still;
        Ok(())
    }
}

/// Which extras are put into coded pictures.
#[derive(Clone, Copy, Default)]
pub(super) struct Carries {
    pub(super) codec: Option<NalCodec>,
    pub(super) dolby_vision: bool,
    pub(super) hdr10_plus: bool,
}

/// Where keyframes are forced: at the first picture that is not before each of some times, counted from the origin.
pub(super) struct Forced {
    /// The next of them comes last.
    times: Vec<Timestamp>,
    /// Every so often.
    interval: Option<Timestamp>,
    /// Multiples of it that have passed.
    passed: i64,
}

impl Forced {
    pub(super) fn new(times: &[Timestamp], interval: Option<Timestamp>) -> Self {
        let mut times = times.to_vec();
        times.sort_by(|one, other| other.cmp(one));
        Forced { times, interval, passed: -1 }
    }

    /// Whether the picture that is shown at `time`, the next in order, has to be one.
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

/// Encodes, and puts the times back on.
pub(super) struct EncodeStage {
    pub(super) encoder: Box<dyn VideoEncoder>,
    pub(super) timeline: Timeline,
    pub(super) origin: i64,
    /// Seconds in a tick of the pictures' times.
    pub(super) time_base: TimeBase,
    pub(super) forced: Forced,
    /// Goes before the first picture.
    pub(super) info: Vec<u8>,
    /// Absent in a first pass.
    pub(super) output: Option<Sender<ForMuxer>>,
    pub(super) counters: Arc<Counters>,
    pub(super) shared: Arc<Shared>,
    /// Number of the output.
    pub(super) number: usize,
    /// Number of the track in it.
    pub(super) track: usize,
    pub(super) first_seen: bool,
    pub(super) carries: Carries,
    /// Whether parameter sets stand in the description of the track and must not come with pictures.
    pub(super) sets_apart: bool,
    /// Extras of pictures that are inside the encoder, by number.
    pub(super) extras: BTreeMap<i64, Extras>,
}

impl EncodeStage {
    pub(super) fn run(mut self, input: Receiver<Picture>) -> Result<()> {
        while let Some(picture) = input.receive(Stage::Encode)? {
            let pts = picture.pts.saturating_sub(self.origin);
            let force = self.forced.at(Timestamp::new(pts, self.time_base));
            let number = self.timeline.push(pts, picture.duration);
            self.shared.outputs[self.number].encoded.fetch_add(1, Ordering::Relaxed);
            if !picture.extras.is_empty() {
                self.extras.insert(number as i64, picture.extras);
            }
            if let Some(encoded) = self.encoder.push(&picture.frame, number, force)? {
                self.emit(encoded)?;
            }
        }
        while let Some(encoded) = self.encoder.finish()? {
            self.emit(encoded)?;
        }
        lock(&self.shared.outputs[self.number].done).warnings.extend(self.encoder.complaints());
        Ok(())
    }

    fn emit(&mut self, mut encoded: Encoded) -> Result<()> {
        if let (Some(mut extras), Some(codec)) = (self.extras.remove(&encoded.pts), self.carries.codec) {
            extras.dolby_vision = extras.dolby_vision.filter(|_| self.carries.dolby_vision);
            extras.hdr10_plus = extras.hdr10_plus.filter(|_| self.carries.hdr10_plus);
            encoded.data = sei::with_extras(encoded.data, codec, &extras);
        }
        if self.sets_apart {
            // x265 repeats them whatever it is told when it writes HDR messages.
            encoded.data = nal::without_parameter_sets(encoded.data, self.carries.codec);
        }
        let times = self.timeline.pop(&encoded)?;
        self.shared.outputs[self.number].emitted.fetch_add(1, Ordering::Relaxed);
        self.counters.add_frame();
        let Some(output) = &self.output else { return Ok(()) };
        let mut packet = if self.first_seen || self.info.is_empty() {
            Packet::copy_of(&encoded.data)
        } else {
            Packet::copy_of(&[self.info.as_slice(), &encoded.data].concat())
        };
        self.first_seen = true;
        packet.set_times(Some(times.pts), Some(times.dts), times.duration);
        packet.set_key(encoded.key);
        output.send(ForMuxer { track: self.track, packet }, Stage::Encode).map(drop)
    }
}
