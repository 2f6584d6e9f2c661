//! The stages of pictures: decode, filter, encode.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use super::{ForMuxer, Queued, Shared, lock};
use crate::{
    decode::{
        dynamic::DynamicHdr,
        reader::{Cut, Verdict},
        video::{Picture, VideoDecoder},
    },
    encode::{
        nal::{self, NalCodec},
        sei,
        timeline::Timeline,
        video::{Encoded, VideoEncoder},
    },
    error::{Result, Stage},
    filter::pictures::PictureFilter,
    media::{
        extras::{Extras, ExtrasCount},
        packet::Packet,
        time::{TimeBase, Timestamp},
    },
    pipeline::{
        progress::Counters,
        stage::{Receiver, Sender},
    },
};

/// Decodes, and keeps the pictures of the cut.
pub(super) struct DecodeStage {
    pub(super) decoder: VideoDecoder,
    /// Finds dynamic HDR metadata, where the codec may have them.
    pub(super) dynamic: Option<DynamicHdr>,
    pub(super) cut: Cut,
    pub(super) time_base: TimeBase,
    pub(super) shared: Arc<Shared>,
}

impl DecodeStage {
    pub(super) fn run(mut self, input: Receiver<Queued>, output: Sender<Picture>) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let mut extras = ExtrasCount::default();
        let mut kept = 0;
        let mut finished = false;
        while !finished {
            let packet = input.receive(Stage::Decode)?.map(|queued| queued.packet);
            finished = packet.is_none();
            if let (Some(dynamic), Some(packet)) = (&mut self.dynamic, &packet) {
                dynamic.push(packet);
            }
            self.decoder.push(packet.as_ref())?;
            while let Some(mut picture) = self.decoder.receive()? {
                shared.decoded.fetch_add(1, Ordering::Relaxed);
                picture.extras = self.extras(&picture);
                match self.cut.judge(Timestamp::new(picture.pts, self.time_base), kept) {
                    Verdict::Before => {
                        shared.before.fetch_add(1, Ordering::Relaxed);
                    }
                    Verdict::After => {
                        shared.after.fetch_add(1, Ordering::Relaxed);
                        finished = true;
                        break;
                    }
                    Verdict::Keep => {
                        kept += 1;
                        extras.add(&picture.extras);
                        output.send(picture, Stage::Decode)?;
                    }
                }
            }
        }
        shared.repaired.store(self.decoder.repaired(), Ordering::Relaxed);
        shared.note_timing(self.decoder.stream(), self.decoder.timing());
        *lock(&shared.extras) = extras;
        Ok(())
    }

    fn extras(&mut self, picture: &Picture) -> Extras {
        Extras {
            captions: picture.frame.captions().map(<[u8]>::to_vec).unwrap_or_default(),
            ..self.dynamic.as_mut().map(|dynamic| dynamic.take(picture.pts)).unwrap_or_default()
        }
    }
}

/// Filters.
pub(super) fn filter_pictures(
    mut filter: PictureFilter,
    input: Receiver<Picture>,
    output: Sender<Picture>,
    shared: &Shared,
) -> Result<()> {
    let mut last = false;
    while !last {
        let picture = input.receive(Stage::Filter)?;
        last = picture.is_none();
        for picture in filter.push(picture)? {
            output.send(picture, Stage::Filter)?;
        }
    }
    *lock(&shared.filter) = filter.counts();
    *lock(&shared.changes) = filter.changes().to_vec();
    Ok(())
}

/// Which extras are put into coded pictures.
#[derive(Clone, Copy, Default)]
pub(super) struct Carries {
    pub(super) codec: Option<NalCodec>,
    pub(super) dolby_vision: bool,
    pub(super) hdr10_plus: bool,
}

/// Encodes, and puts the times back on.
pub(super) struct EncodeStage {
    pub(super) encoder: Box<dyn VideoEncoder>,
    pub(super) timeline: Timeline,
    pub(super) origin: i64,
    /// Seconds in a tick of the pictures' times.
    pub(super) time_base: TimeBase,
    /// Times from the origin at which keyframes are forced: at the first picture that is not before each.
    pub(super) keyframes: Vec<Timestamp>,
    /// Goes before the first picture.
    pub(super) info: Vec<u8>,
    /// Absent in a first pass.
    pub(super) output: Option<Sender<ForMuxer>>,
    pub(super) counters: Arc<Counters>,
    pub(super) shared: Arc<Shared>,
    pub(super) first_seen: bool,
    pub(super) carries: Carries,
    /// Whether parameter sets stand in the description of the track and must not come with pictures.
    pub(super) sets_apart: bool,
    /// Extras of pictures that are inside the encoder, by number.
    pub(super) extras: BTreeMap<i64, Extras>,
}

impl EncodeStage {
    pub(super) fn run(mut self, input: Receiver<Picture>) -> Result<()> {
        self.keyframes.sort();
        let mut forced = std::mem::take(&mut self.keyframes).into_iter().peekable();
        while let Some(picture) = input.receive(Stage::Encode)? {
            let pts = picture.pts.saturating_sub(self.origin);
            let mut force = false;
            let shown = Timestamp::new(pts, self.time_base);
            while forced.next_if(|time| *time <= shown).is_some() {
                force = true;
            }
            let number = self.timeline.push(pts);
            self.shared.encoded.fetch_add(1, Ordering::Relaxed);
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
        lock(&self.shared.warnings).extend(self.encoder.complaints());
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
        self.shared.emitted.fetch_add(1, Ordering::Relaxed);
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
        output.send(ForMuxer { track: 0, packet }, Stage::Encode).map(drop)
    }
}
