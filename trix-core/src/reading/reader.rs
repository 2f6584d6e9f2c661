//! Reads the frames of a source one after the other: demuxing, decoding and converting on one thread.
//!
//! Invariant: the frames are identical to those that an encode of the same source, cut and target receives.

use std::{collections::VecDeque, sync::Arc};

use trix_av::stream::StreamFacts;
use trix_model::{
    damage::{DamageLog, OnDamage},
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::{
    decode::video::{DecodedFrame, VideoDecoder},
    demux::{Demuxer, Needed, Others},
    filter::frames::FrameFilter,
    index::{self, FromStart},
    plan::{Cut, Filtering, Verdict},
    source::Source,
};

/// Shortens a frame that starts inside the cut so that it ends with the cut.
pub(crate) fn shorten(cut: &Cut, frame: &mut DecodedFrame, base: TimeBase) {
    if let (Some(end), Some(duration)) = (cut.end, frame.duration) {
        frame.duration = Some(duration.min(end.rescale(base).saturating_sub(frame.pts)).max(1));
    }
}

/// Cuts and filters the frames of a decoder.
pub(crate) struct Shaper {
    filter: Option<FrameFilter>,
    time_base: TimeBase,
    source_base: TimeBase,
    cut: Cut,
    kept: u64,
    is_over: bool,
}

impl Shaper {
    /// Prepares for frames of `facts`. With a `filtering`, the frames are filtered.
    pub(crate) fn new(facts: &StreamFacts, cut: Cut, filtering: Option<Filtering>) -> Self {
        let filter = filtering.map(|filtering| FrameFilter::new(filtering, facts.index, facts.time_base));
        let time_base = filter.as_ref().map_or(facts.time_base, FrameFilter::time_base);
        Shaper { filter, time_base, source_base: facts.time_base, cut, kept: 0, is_over: false }
    }

    /// Takes a frame, or `None` at the end, and returns the frames that are ready.
    ///
    /// # Errors
    /// Those of the filters.
    pub(crate) fn push(&mut self, frame: Option<DecodedFrame>) -> Result<Vec<DecodedFrame>> {
        let verdict = match &frame {
            _ if self.is_over => return Ok(Vec::new()),
            None => Verdict::After,
            Some(frame) => self.cut.judge(Timestamp::new(frame.pts, self.source_base), self.kept),
        };
        match (verdict, frame, &mut self.filter) {
            (Verdict::Keep, Some(mut frame), filter) => {
                self.kept += 1;
                shorten(&self.cut, &mut frame, self.source_base);
                match filter {
                    Some(filter) => filter.push(Some(frame)),
                    None => Ok(vec![frame]),
                }
            }
            (Verdict::After, _, filter) => {
                self.is_over = true;
                filter.as_mut().map_or(Ok(Vec::new()), |filter| filter.push(None))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// True if no more frames will come.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }
}

/// The frames of a source, in presentation order.
pub struct FrameReader {
    demuxer: Demuxer,
    decoder: VideoDecoder,
    shaper: Shaper,
    stream: usize,
    ready: VecDeque<DecodedFrame>,
    damage: Arc<DamageLog>,
    from_start: Option<FromStart>,
}

impl FrameReader {
    /// Reads the main video stream of `source` with `threads` decoder threads (0: one for each core). With a
    /// `filtering`, the frames are filtered.
    ///
    /// # Errors
    /// `Unsupported` if there is no video stream or no decoder for it.
    pub fn new(
        source: Source,
        on_damage: OnDamage,
        cut: Cut,
        filtering: Option<Filtering>,
        threads: u32,
    ) -> Result<Self> {
        let begin = match source.video().zip(cut.start) {
            Some((facts, start)) => Some(index::begin(&source, facts, start)?),
            None => None,
        };
        Self::beginning(source, on_damage, cut, filtering, threads, begin)
    }

    /// Starts at a known position, or at the start of the source if `begin` is `None`.
    pub(crate) fn beginning(
        source: Source,
        on_damage: OnDamage,
        cut: Cut,
        filtering: Option<Filtering>,
        threads: u32,
        begin: Option<index::SeekResult>,
    ) -> Result<Self> {
        let label = source.label();
        let Some(facts) = source.video().cloned() else {
            return Err(
                Error::new(ErrorKind::Unsupported, Stage::Decode, "the source has no video stream").in_file(&label)
            );
        };
        let damage = Arc::new(DamageLog::new(on_damage));
        let mut decoder = VideoDecoder::new(
            label,
            &facts,
            on_damage.decoder_threads(threads),
            source.limits().pixels,
            Arc::clone(&damage),
        )?;
        if let Some(Ok(begin)) = &begin {
            decoder = decoder.beginning_at(begin);
        }
        let mut demuxer = Demuxer::new(source, Arc::clone(&damage));
        if let Some(Ok(begin)) = &begin {
            demuxer = demuxer.beginning_at(facts.index, begin, Others::Unread, Needed::NOTHING)?;
        }
        Ok(FrameReader {
            demuxer,
            decoder,
            shaper: Shaper::new(&facts, cut, filtering),
            stream: facts.index,
            ready: VecDeque::new(),
            damage,
            from_start: begin.and_then(std::result::Result::err),
        })
    }

    /// The reason why all frames before the first requested one are decoded, if they are.
    pub fn from_start(&self) -> Option<FromStart> {
        self.from_start
    }

    /// Leaves out frames before `time`, in ticks, if no other frame refers to them. They count as if they had been decoded.
    pub(crate) fn skip_until(&mut self, time: i64) {
        self.decoder.skip_until(time);
    }

    /// True if frames may have been left out, so that an error of decoding may be no damage.
    pub(crate) fn skips(&self) -> bool {
        self.decoder.skips()
    }

    /// The next frame, or `None` after the last.
    ///
    /// # Errors
    /// Those of the stages: damage, limits, reading.
    pub fn next_frame(&mut self) -> Result<Option<DecodedFrame>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(Some(frame));
            }
            if self.shaper.is_over() {
                return Ok(None);
            }
            let packet = loop {
                match self.demuxer.next_packet()? {
                    Some(packet) if packet.stream() != self.stream => {}
                    other => break other,
                }
            };
            self.decoder.push(packet.as_ref())?;
            while !self.shaper.is_over()
                && let Some(frame) = self.decoder.receive()?
            {
                self.ready.extend(self.shaper.push(Some(frame))?);
            }
            if packet.is_none() {
                self.ready.extend(self.shaper.push(None)?);
            }
        }
    }

    /// The note on a time code in the bitstream of `frame`, the first frame, because no output carries it over.
    pub(crate) fn timecode_note(&self, frame: &DecodedFrame) -> Option<String> {
        self.decoder.timecode_note(&frame.frame)
    }

    /// The damage found so far.
    pub fn damage(&self) -> trix_model::damage::DamageReport {
        self.damage.report()
    }

    /// Notes on the source so far.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.damage.notes()
    }

    /// The duration of a tick of the frame times, in seconds.
    pub fn time_base(&self) -> TimeBase {
        self.shaper.time_base
    }
}
