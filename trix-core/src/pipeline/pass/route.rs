//! The stage that reads packets and hands each to where it is wanted.
//!
//! Invariant: what is copied keeps its bytes; its times are counted from the origin of the output.

use super::{ForMuxer, Queued};
use crate::{
    demux::Demuxer,
    encode::subtitle::{Span, SubtitleTrack},
    error::{Result, Stage},
    media::{
        packet::Packet,
        time::{TimeBase, Timestamp},
    },
    pipeline::stage::{Sender, Sent},
    spec::plan::{CopyGate, Place},
};

/// Where packets of a stream go.
pub(super) enum Route {
    /// To a stage that decodes them.
    Decoder(Sender<Queued>),
    /// Into the output, as far as they belong to the pictures that are copied.
    Pictures(CopyGate, usize, Sender<ForMuxer>),
    /// Into the output, those that begin within the span.
    Sound(Span, usize, Sender<ForMuxer>),
    /// Into the output, copied or as another form of text.
    Subtitles(Box<SubtitleTrack>, usize, Sender<ForMuxer>),
}

impl Route {
    /// Hands `packet` on; its times count `base` and the output begins at `origin`.
    fn take(&mut self, mut packet: Packet, base: TimeBase, origin: Timestamp) -> Result<Sent> {
        match self {
            Route::Decoder(next) => next.send(Queued::new(packet, base), Stage::Demux),
            Route::Pictures(gate, track, next) => match gate.judge(&packet, base) {
                Place::Inside => {
                    shift(&mut packet, origin.rescale(base));
                    next.send(ForMuxer { track: *track, packet }, Stage::Demux)
                }
                Place::Outside | Place::Leading => Ok(Sent::Yes),
                Place::After => Ok(Sent::NotWanted),
            },
            Route::Sound(span, track, next) => {
                let start = packet.pts().or(packet.dts()).map(|ticks| Timestamp::new(ticks, base));
                if start.is_some_and(|start| span.end.is_some_and(|end| start >= end)) {
                    return Ok(Sent::NotWanted);
                }
                if start.is_some_and(|start| start < span.origin) {
                    return Ok(Sent::Yes);
                }
                shift(&mut packet, origin.rescale(base));
                next.send(ForMuxer { track: *track, packet }, Stage::Demux)
            }
            Route::Subtitles(subtitles, track, next) => {
                for packet in subtitles.push(packet)? {
                    next.send(ForMuxer { track: *track, packet }, Stage::Demux)?;
                }
                Ok(Sent::Yes)
            }
        }
    }

    /// After the last packet.
    fn finish(&mut self) -> Result<()> {
        if let Route::Subtitles(subtitles, track, next) = self {
            for packet in subtitles.finish()? {
                next.send(ForMuxer { track: *track, packet }, Stage::Demux)?;
            }
        }
        Ok(())
    }

    /// Whether there is a reason to go on reading for this stream alone.
    fn leads(&self) -> bool {
        !matches!(self, Route::Subtitles(..))
    }
}

fn shift(packet: &mut Packet, origin: i64) {
    let (pts, dts) = (packet.pts().or(packet.dts()), packet.dts());
    let shifted = |ticks: i64| ticks.saturating_sub(origin);
    packet.set_times(pts.map(shifted), dts.map(shifted), packet.duration());
}

/// Reads until the end of the source, or until no route wants more.
pub(super) fn demux(mut demuxer: Demuxer, mut routes: Vec<Option<Route>>, origin: Timestamp) -> Result<()> {
    let bases: Vec<TimeBase> = demuxer.streams().iter().map(|facts| facts.time_base).collect();
    // Subtitles are cut to a span by themselves; nobody reads the rest of a film for them.
    while routes.iter().flatten().any(Route::leads) {
        let Some(packet) = demuxer.next_packet()? else { break };
        let index = packet.stream();
        let Some(route) = routes.get_mut(index).and_then(Option::as_mut) else { continue };
        if route.take(packet, bases[index], origin)? == Sent::NotWanted {
            routes[index] = None;
        }
    }
    routes.iter_mut().flatten().try_for_each(Route::finish)
}
