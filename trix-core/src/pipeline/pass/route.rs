//! The stage that reads packets and sends each to its consumers.
//!
//! Invariant: copied packets keep their bytes. Their times are relative to the origin of the output.

use std::path::PathBuf;

use trix_av::{packet::Packet, stream::StreamKind};
use trix_model::{
    control::cancel::Token,
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::{audio_cut::AudioCut, copy_watch::CopyWatch};
use crate::{
    demux::{Demuxer, Walked},
    encode::subtitle::SubtitleTrack,
    pipeline::{
        channel::{Sender, Sent},
        failures,
        pass::{
            catch_up::CatchUp,
            pace::{Pacing, Reading},
            queued::{ForMuxer, Queued},
        },
    },
    planner::cut::{CopyGate, CopyPart},
};

/// A consumer of the packets of a stream.
pub(super) enum Route {
    /// To a stage that decodes them.
    Decoder(Sender<Queued<Packet>>),
    /// An output: packets are copied, or subtitles converted.
    Output(Box<IntoOutput>),
    /// Nobody: their frames are encoded already. They are read so that the account of the source is whole, and so that
    /// subtitles beside them are found.
    Encoded {
        /// The end of the frames that are used.
        end: Option<Timestamp>,
        /// Is set when the job stops.
        token: Token,
        /// Keep the frames in step with the subtitles beside them.
        readings: Vec<Reading>,
        /// The source time at time zero of the outputs.
        origin: Timestamp,
    },
}

/// The path of packets into an output.
pub(super) struct IntoOutput {
    /// The file that the packets come from.
    pub(super) label: PathBuf,
    pub(super) kind: Kind,
    /// Checks for changes of codec and format, if packets are copied.
    pub(super) watch: Option<CopyWatch>,
    /// Number of the track in the output.
    pub(super) track: usize,
    /// The source time at time zero of the output.
    pub(super) origin: Timestamp,
    pub(super) next: Sender<ForMuxer>,
    /// The end of the audio copied so far, in ticks of the source.
    pub(super) reached: Option<i64>,
    pub(super) pacing: Pacing,
}

/// What is written into an output.
pub(super) enum Kind {
    /// Video packets that belong to the copied part.
    Frames(CopyGate),
    /// Audio packets within a span.
    Audio(AudioCut),
    /// Subtitles, copied or converted.
    Subtitles(SubtitleTrack),
}

impl Route {
    /// Sends `packet` on. Its times are in `base`.
    fn take(&mut self, packet: Packet, base: TimeBase) -> Result<Sent> {
        match self {
            Route::Decoder(next) => next.send(Queued::packet(packet, base), Stage::Demux),
            Route::Output(own) => own.take(packet, base).or_else(|error| own.fail(error)),
            Route::Encoded { end, token, readings, origin } => {
                let time = packet.dts().map(|dts| Timestamp::new(dts, base));
                if let Some(time) = time {
                    let since = Timestamp::new(time.ticks.saturating_sub(origin.rescale(base)), base);
                    readings.iter().for_each(|reading| reading.wait(since, || token.is_set()));
                }
                let is_after = |end: Timestamp| time.is_some_and(|time| time >= end);
                Ok(if token.is_set() || end.is_some_and(is_after) { Sent::NotWanted } else { Sent::Yes })
            }
        }
    }

    /// Ends the route after the last packet.
    fn finish(&mut self) -> Result<Sent> {
        match self {
            Route::Decoder(_) | Route::Encoded { .. } => Ok(Sent::Yes),
            Route::Output(own) => own.finish().or_else(|error| own.fail(error)),
        }
    }

    /// True if the consumer still takes packets.
    pub(super) fn is_wanted(&self) -> bool {
        match self {
            Route::Decoder(next) => next.is_wanted(),
            Route::Output(own) => own.next.is_wanted(),
            Route::Encoded { token, .. } => !token.is_set(),
        }
    }

    /// True if packets long before the first that is kept make no difference.
    /// `is_decoded_late` says whether the decode of the stream can begin in mid-stream.
    pub(super) fn can_begin_late(&self, is_decoded_late: bool) -> bool {
        match self {
            Route::Decoder(_) => is_decoded_late,
            Route::Output(own) => matches!(own.kind, Kind::Audio(_)),
            Route::Encoded { .. } => true,
        }
    }

    /// True if this route alone is a reason to continue reading.
    fn leads(&self) -> bool {
        !matches!(self, Route::Output(own) if matches!(own.kind, Kind::Subtitles(_)))
    }
}

impl IntoOutput {
    fn take(&mut self, mut packet: Packet, base: TimeBase) -> Result<Sent> {
        let IntoOutput { kind, watch, next, reached, pacing, .. } = self;
        let (track, origin) = (self.track, self.origin);
        let start = packet.pts().or(packet.dts()).map(|ticks| Timestamp::new(ticks, base));
        if let Some(watch) = watch {
            watch.classify(&packet, start)?;
            packet.drop_new_extradata();
        }
        // An empty packet only signals a change.
        if packet.data().is_empty() && packet.change().is_some() {
            return Ok(Sent::Yes);
        }
        match kind {
            Kind::Frames(gate) => match gate.classify(&packet, base) {
                CopyPart::Inside => {}
                CopyPart::Outside | CopyPart::Leading => return Ok(Sent::Yes),
                CopyPart::After => return self.end(),
            },
            Kind::Audio(cut) => {
                let kept = cut.take(packet);
                for mut packet in kept.packets {
                    follow(&mut packet, reached);
                    shift(&mut packet, origin.rescale(cut.base()));
                    if let (Pacing::Follows(pace), Some(pts)) = (&*pacing, packet.pts()) {
                        pace.wait(Timestamp::new(pts, cut.base()), || next.must_stop());
                    }
                    if next.send(ForMuxer::packet(track, packet), Stage::Demux)? == Sent::NotWanted {
                        return Ok(Sent::NotWanted);
                    }
                }
                return if kept.goes_on { Ok(Sent::Yes) } else { self.end() };
            }
            Kind::Subtitles(subtitles) => {
                for packet in subtitles.push(packet)? {
                    next.send(ForMuxer::packet(track, packet), Stage::Demux)?;
                }
                return Ok(Sent::Yes);
            }
        }
        shift(&mut packet, origin.rescale(base));
        if let (Pacing::Leads(pace), Some(pts)) = (&*pacing, packet.pts()) {
            pace.lead(Timestamp::new(pts, base), || next.must_stop());
        }
        next.send(ForMuxer::packet(track, packet), Stage::Demux)
    }

    /// Sends what is left after the last packet.
    fn finish(&mut self) -> Result<Sent> {
        if let Kind::Subtitles(subtitles) = &mut self.kind {
            for packet in subtitles.finish()? {
                self.next.send(ForMuxer::packet(self.track, packet), Stage::Demux)?;
            }
        }
        self.end()
    }

    /// Tells the muxer that the track has ended, while others may go on. Returns that no more packets are wanted.
    fn end(&self) -> Result<Sent> {
        self.next.send(ForMuxer::end(self.track), Stage::Demux)?;
        Ok(Sent::NotWanted)
    }

    /// Ends only the stage that writes the output, with `error`. Damage of the input is an error of the job.
    fn fail(&self, error: Error) -> Result<Sent> {
        let error = failures::from_source(error, &self.label);
        if matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::MalformedInput) {
            return Err(error);
        }
        self.next.send(ForMuxer { track: self.track, packet: Err(error) }, Stage::Demux)?;
        Ok(Sent::NotWanted)
    }
}

/// Moves an audio packet to the end of the one before it, if they overlap by more than rounding explains.
fn follow(packet: &mut Packet, reached: &mut Option<i64>) {
    let (Some(pts), duration) = (packet.pts().or(packet.dts()), packet.duration()) else { return };
    let start = match *reached {
        Some(end) if end.saturating_sub(pts) > duration / 2 => end,
        _ => pts,
    };
    if start != pts {
        packet.set_times(Some(start), Some(start), duration);
    }
    *reached = Some(start.saturating_add(duration));
}

fn shift(packet: &mut Packet, origin: i64) {
    let (pts, dts) = (packet.pts().or(packet.dts()), packet.dts());
    let shifted = |ticks: i64| ticks.saturating_sub(origin);
    packet.set_times(pts.map(shifted), dts.map(shifted), packet.duration());
}

/// Reads until the end of the source, or until no route takes more packets. `routes` are indexed by stream. Returns a
/// record of what was read. Frames wait for `audio` that was read before them.
pub(super) fn demux(mut demuxer: Demuxer, mut routes: Vec<Vec<Route>>, mut audio: CatchUp) -> Result<Walked> {
    let streams = demuxer.streams().iter();
    let (bases, is_video): (Vec<TimeBase>, Vec<bool>) =
        streams.map(|facts| (facts.time_base, facts.kind == StreamKind::Video)).unzip();
    // Subtitles are cut to a span on their own. They are no reason to read the rest of the source.
    while routes.iter().flatten().any(Route::leads) {
        let packet = demuxer.next_packet()?;
        demuxer.check_breaks(|stream| routes.get(stream).is_some_and(|own| !own.is_empty()))?;
        let Some(packet) = packet else { break };
        let index = packet.stream();
        let Some(own) = routes.get_mut(index) else { continue };
        if let Some(ticks) = packet.dts().or(packet.pts()).filter(|_| is_video[index] && !own.is_empty()) {
            audio.wait(Timestamp::new(ticks, bases[index]));
        }
        let mut wanted = Vec::with_capacity(own.len());
        for mut route in own.drain(..) {
            if route.take(packet.clone(), bases[index])? == Sent::Yes {
                wanted.push(route);
            }
        }
        routes[index] = wanted;
    }
    routes.iter_mut().flatten().try_for_each(|route| route.finish().map(drop))?;
    Ok(demuxer.walked())
}
