//! Text renditions while they are written.
//!
//! Invariant: text segments lie between the start times of the video segments, and together contain every cue.

use std::{fs, path::PathBuf};

use trix_av::packet::{Packet, PacketSide};
use trix_bitstream::{
    cmaf::rates,
    manifest::{
        TextRendition,
        names::{self, TEXT_SEGMENT, WHOLE_TEXT},
    },
    webvtt::{self, Cue},
};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::{
    describe,
    rendition::{Rendition, RenditionRecord},
    track::unwritable,
};
use crate::mux::{TrackSpec, record::TrackRecorder};

/// Time base of WebVTT.
pub(super) const MILLIS: TimeBase = TimeBase::new(1, 1000);

/// The cue of a packet with times in `base`. `None` if nothing would be shown.
fn cue(packet: &Packet, base: TimeBase) -> Option<Cue> {
    let start = packet.pts().or(packet.dts())?;
    let millis = |ticks: i64| Timestamp::new(ticks, base).rescale(MILLIS).max(0);
    let (start, end) = (millis(start), millis(start.saturating_add(packet.duration())));
    let line = |kind| packet.side_text(kind).unwrap_or_default();
    let cue = Cue::new(start, end, &String::from_utf8_lossy(packet.data()))?;
    Some(
        cue.described(&line(PacketSide::AV_PKT_DATA_WEBVTT_IDENTIFIER), &line(PacketSide::AV_PKT_DATA_WEBVTT_SETTINGS)),
    )
}

/// A text rendition.
pub(super) struct TextTrack {
    id: String,
    spec: TrackSpec,
    path: PathBuf,
    cues: Vec<Cue>,
    /// The bytes of their texts.
    bytes: usize,
}

/// The largest number of bytes in the texts of a track. The subtitles of a film have less than one million.
const MOST_BYTES: usize = 64 << 20;

impl TextTrack {
    pub(super) fn new(rendition: Rendition, path: PathBuf) -> Self {
        TextTrack { id: rendition.id, spec: rendition.track, path, cues: Vec::new(), bytes: 0 }
    }

    /// Takes a packet. The cues stay in memory until the end, because they are written for each segment that shows them.
    ///
    /// # Errors
    /// `Limit` if there is too much text.
    pub(super) fn push(&mut self, packet: &Packet) -> Result<()> {
        self.bytes += packet.data().len();
        if self.bytes > MOST_BYTES {
            let detail = format!("rendition {}: the text has more than {MOST_BYTES} bytes", self.id);
            return Err(Error::new(ErrorKind::Limit, Stage::Mux, detail));
        }
        self.cues.extend(cue(packet, self.spec.time_base));
        Ok(())
    }

    /// Writes all files. Each segment lies between two consecutive `edges`.
    pub(super) fn finish(mut self, edges: &[Timestamp]) -> Result<(RenditionRecord, TextRendition)> {
        self.cues.sort_by_key(Cue::start);
        let mut record = TrackRecorder::new(&self.spec.parameters, MILLIS);
        for cue in &self.cues {
            let mut packet = Packet::copy_of(cue.text().as_bytes());
            packet.set_times(Some(cue.start()), Some(cue.start()), cue.end() - cue.start());
            packet.set_key(true);
            record.enter(&packet);
        }
        let write = |name: &str, text: &str| {
            let path = self.path.join(name);
            fs::write(&path, text).map_err(|error| unwritable(&path, error))
        };
        write(WHOLE_TEXT, &webvtt::whole(&self.cues))?;
        let (mut durations, mut weights) = (Vec::new(), Vec::new());
        let zero = Timestamp::new(0, MILLIS);
        // The first text segment begins at zero, like its playlist.
        let edges: Vec<Timestamp> = std::iter::once(zero).chain(edges.iter().skip(1).copied()).collect();
        for (index, pair) in edges.windows(2).enumerate() {
            let [start, end] = [pair[0], pair[1]].map(|edge| edge.rescale(MILLIS));
            // Cues after the end of the video belong to the last segment.
            let until = if index + 2 == edges.len() { i64::MAX } else { end };
            let text = webvtt::segment(&self.cues, start, until);
            write(&names::segment(index, TEXT_SEGMENT), &text)?;
            durations.push(Timestamp::new(end - start, MILLIS));
            weights.push((text.len() as u64, u64::try_from(end - start).unwrap_or(0)));
        }
        let end = edges.last().map_or(0, |edge| edge.rescale(MILLIS));
        let record = RenditionRecord {
            id: self.id,
            codecs: None,
            segments: durations.len() as u64,
            start: zero,
            duration: Timestamp::new(end, MILLIS),
            peak_bit_rate: rates::peak(&weights, 1000, 1),
            average_bit_rate: rates::average(&weights, 1000),
            track: record.close(),
        };
        let description = describe::description(&self.spec, &record);
        Ok((record, TextRendition { description, durations }))
    }
}
