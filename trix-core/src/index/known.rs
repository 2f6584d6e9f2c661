//! Reads a stream from the middle of a file of which every packet was read before.
//!
//! Invariant: the packets are those of a read from the start, and have the same times.

use std::sync::Arc;

use trix_av::packet::Packet;
use trix_model::{
    error::Result,
    time::{TimeBase, Timestamp},
};

use super::{
    frames::{Begin, Coded, FrameIndex},
    scan::next,
};
use crate::source::Source;

/// Packets before the one that is wanted at which reading of a transport stream starts: a frame is only cut off from the one before it
/// as in a read from the start if that was seen as a whole.
const BEFORE: usize = 2;

/// Seconds before a packet to which a container with an index is put. Some count their times from another frame.
const LEADS: [i64; 2] = [0, 10];

/// The packets of a stream from one of them on.
pub(crate) struct Known {
    index: Arc<FrameIndex>,
    next: usize,
}

impl Known {
    /// Gives the next packet the times that it has in a read from the start of the file. libavformat counts them from there, and does
    /// not know the decoding times of the first frames after another place.
    pub(crate) fn settle(&mut self, packet: &mut Packet) {
        let known = self.index.coded(self.next).filter(|known| is_same(known, packet));
        if let Some(known) = known {
            packet.set_times(known.pts, known.dts, known.duration);
        }
        self.next += 1;
    }
}

/// True if the packet has the place and the size of the known one.
fn is_same(known: &Coded, packet: &Packet) -> bool {
    known.position.is_some() && (known.position, known.bytes as usize) == (packet.position(), packet.data().len())
}

/// Opens a second reader of `source`, positioned after the packet at which `begin` starts, and returns it with that packet. `None` if
/// not all packets are known, if the container was not checked, or if the file cannot be entered there.
///
/// # Errors
/// As for opening the source; `Cancelled`.
pub(crate) fn reach_known(source: &Source, index: usize, begin: &Begin) -> Result<Option<(Source, Packet, Known)>> {
    let Some(known) = begin.known_packets().filter(|_| source.is_single_file()) else { return Ok(None) };
    let wanted = begin.packet();
    let (Some(position), Some(ticks)) = (wanted.position, wanted.dts.or(wanted.pts)) else { return Ok(None) };
    let Some(base) = source.streams().get(index).map(|facts| facts.time_base) else { return Ok(None) };
    let is_transport = match source.demuxer().as_str() {
        "mpegts" => true,
        "mxf" | "matroska,webm" => false,
        _ => return Ok(None),
    };
    let before = begin.packets_passed().checked_sub(BEFORE).and_then(|at| known.coded(at)?.position).unwrap_or(0);
    // A byte is found at once, or not at all.
    let leads = if is_transport { &LEADS[..1] } else { &LEADS[..] };
    for lead in leads {
        let mut again = source.reopen()?;
        let earlier = Timestamp::new(*lead, TimeBase::new(1, 1)).rescale(base);
        let is_there = match is_transport {
            true => again.seek_byte(before),
            false => again.seek(index, ticks.saturating_sub(earlier)),
        };
        if is_there.is_err() {
            continue;
        }
        again.keep_only(index);
        let mut known = Known { index: Arc::clone(known), next: begin.packets_passed() };
        while let Ok(Some(mut packet)) = next(&mut again)? {
            if is_same(&wanted, &packet) {
                known.settle(&mut packet);
                // What the demuxer reports about the place at which it was put is no damage.
                again.is_complained_of();
                return Ok(Some((again, packet, known)));
            }
            if packet.position().is_some_and(|found| found > position) {
                break;
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use trix_fixtures::Clip;

    use super::*;

    /// Times, size, and key flag of a packet.
    fn told(packet: &Packet) -> (Option<i64>, Option<i64>, i64, Vec<u8>, bool) {
        (packet.pts(), packet.dts(), packet.duration(), packet.data().to_vec(), packet.is_key())
    }

    #[test]
    fn packets_from_every_entry_are_those_of_a_read_from_the_start() {
        let clip = Clip { frames: 130, width: 640, height: 360, ..Clip::default() };
        let mpeg2 = "-c:v mpeg2video -g 12 -bf 2 -b:v 8M";
        let h264 = "-c:v libx264 -preset veryfast -qp 15 -g 24 -bf 3";
        let codings = [
            (mpeg2, "mxf"),
            // Every frame has the same size.
            ("-vf scale=1440:1080,format=yuv422p -c:v dnxhd -b:v 63M -frames:v 40", "mxf"),
            (h264, "mkv"),
            ("-c:v libx264 -preset veryfast -qp 15 -g 24 -x264-params open-gop=1 -f matroska -live 1", "mkv"),
            (mpeg2, "ts"),
            (h264, "ts"),
            ("-c:v libx265 -preset ultrafast -g 24 -qp 15 -x265-params log-level=none", "ts"),
        ];
        for (coding, ending) in codings {
            let source = Source::open(clip.encoded(coding, ending)).expect("a source");
            let film = source.video().expect("a stream");
            let index = super::super::of(&source, film, None).expect("an index");
            let mut whole = source.reopen().expect("a source");
            whole.keep_only(film.index);
            let mut straight = Vec::new();
            while let Some(packet) = whole.read().expect("a packet") {
                straight.push(told(&packet));
            }
            let mut entered = 0;
            for number in 0..index.len() {
                let Ok(begin) = index.begin(number) else { continue };
                if begin.first() != index.time(number).expect("a frame").ticks {
                    continue;
                }
                let begin = begin.in_checked_file();
                let found = reach_known(&source, film.index, &begin).expect("no error");
                let (mut again, first, mut known) =
                    found.unwrap_or_else(|| panic!("{coding} {ending}: frame {number}"));
                let mut packets = vec![told(&first)];
                while let Some(mut packet) = again.read().expect("a packet") {
                    known.settle(&mut packet);
                    packets.push(told(&packet));
                }
                assert!(packets == straight[begin.packets_passed()..], "{coding} {ending}: frame {number}");
                entered += 1;
            }
            assert!(entered > 3, "{coding} {ending}: {entered}");
        }
    }
}
