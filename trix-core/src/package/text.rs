//! Renditions of text while they are written.
//!
//! Invariant: the segments of text lie between the times at which those of the pictures begin, and together hold every
//! cue.

use std::{fs, path::PathBuf};

use trix_av::packet::Packet;
use trix_model::{error::Result, time::Timestamp};

use super::{
    Rendition, RenditionRecord, language, rates,
    track::{segment_name, unwritable},
    webvtt,
};
use crate::mux::{TrackSpec, record::Bookkeeper};

/// All of a rendition.
pub(super) const WHOLE: &str = "all.vtt";

/// A rendition of text.
pub(super) struct TextTrack {
    id: String,
    spec: TrackSpec,
    path: PathBuf,
    cues: Vec<webvtt::Cue>,
}

/// A rendition of text that is written.
pub(super) struct TextRendition {
    pub(super) record: RenditionRecord,
    pub(super) spec: TrackSpec,
    pub(super) language: Option<String>,
    /// Of each segment: how long it lasts.
    pub(super) durations: Vec<Timestamp>,
}

impl TextTrack {
    pub(super) fn new(rendition: Rendition, path: PathBuf) -> Self {
        TextTrack { id: rendition.id, spec: rendition.track, path, cues: Vec::new() }
    }

    pub(super) fn push(&mut self, packet: &Packet) {
        self.cues.extend(webvtt::Cue::of(packet, self.spec.time_base));
    }

    /// Writes everything; a segment lies between two `edges`.
    pub(super) fn finish(mut self, edges: &[Timestamp]) -> Result<TextRendition> {
        self.cues.sort_by_key(|cue| cue.start);
        let mut books = Bookkeeper::new(&self.spec.parameters, webvtt::MILLIS);
        for cue in &self.cues {
            let mut packet = Packet::copy_of(cue.text.as_bytes());
            packet.set_times(Some(cue.start), Some(cue.start), cue.end - cue.start);
            packet.set_key(true);
            books.enter(&packet);
        }
        let write = |name: &str, text: &str| {
            let path = self.path.join(name);
            fs::write(&path, text).map_err(|error| unwritable(&path, error))
        };
        write(WHOLE, &webvtt::whole(&self.cues))?;
        let (mut durations, mut weights) = (Vec::new(), Vec::new());
        let zero = Timestamp::new(0, webvtt::MILLIS);
        // The first segment of text begins at zero, as its playlist does.
        let edges: Vec<Timestamp> = std::iter::once(zero).chain(edges.iter().skip(1).copied()).collect();
        for (index, pair) in edges.windows(2).enumerate() {
            let [start, end] = [pair[0], pair[1]].map(|edge| edge.rescale(webvtt::MILLIS));
            // What is shown after the end of the pictures belongs to the last segment.
            let until = if index + 2 == edges.len() { i64::MAX } else { end };
            let text = webvtt::segment(&self.cues, start, until);
            write(&segment_name(index, "vtt"), &text)?;
            durations.push(Timestamp::new(end - start, webvtt::MILLIS));
            weights.push((text.len() as u64, u64::try_from(end - start).unwrap_or(0)));
        }
        let end = edges.last().map_or(0, |edge| edge.rescale(webvtt::MILLIS));
        Ok(TextRendition {
            record: RenditionRecord {
                id: self.id,
                codecs: None,
                segments: durations.len() as u64,
                start: zero,
                duration: Timestamp::new(end, webvtt::MILLIS),
                peak_bit_rate: rates::peak(&weights, 1000, 1),
                average_bit_rate: rates::average(&weights, 1000),
                track: books.close(),
            },
            language: language::tag(&self.spec),
            spec: self.spec,
            durations,
        })
    }
}
