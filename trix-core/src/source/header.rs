//! Reads what the header of a file states about its packets, without their content. The header of MP4 and MOV states
//! everything.
//!
//! Invariant: only the header of the file is read.

use std::sync::{Arc, atomic::Ordering};

use trix_av::{
    AvError,
    input::Input,
    io::IoState,
    log::Sink,
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_model::error::Result;

use super::{
    container::{ALLOWED, open_input},
    edits,
    opened::Source,
    origin::Origin,
    window::limited,
};

/// Video codecs whose packets libavformat delivers unchanged from MP4 and MOV.
const AS_THEY_LIE: [&str; 14] = [
    "h264",
    "hevc",
    "mpeg2video",
    "mpeg4",
    "prores",
    "dnxhd",
    "mjpeg",
    "png",
    "v210",
    "rawvideo",
    "dvvideo",
    "jpeg2000",
    "qtrle",
    "ffv1",
];

/// Audio codecs of which the same is true, besides PCM.
const AUDIO_AS_IT_LIES: [&str; 3] = ["aac", "alac", "flac"];

/// The packets of one stream. All bytes of these packets are zero.
pub(crate) struct Listed<'a> {
    source: &'a Source,
    stream: usize,
    input: Input,
}

impl Source {
    /// True if the packets of stream `index` can be read alone and are all listed in the header. Moving from one packet
    /// to another then requires no read of the file.
    pub(crate) fn lists_packets(&self, index: usize) -> bool {
        let is_plain = self.streams.get(index).is_some_and(|facts| AS_THEY_LIE.contains(&facts.codec.as_str()));
        is_plain && self.input.demuxer().starts_with("mov,") && !self.is_fragmented() && !self.skips_samples
    }

    /// True if the header describes all streams, so that opening the source once more requires no look at packets. That
    /// look decodes frames, and takes most of the time of opening.
    pub(super) fn has_all_in_header(&self) -> bool {
        let is_listed = |facts: &StreamFacts| match facts.kind {
            StreamKind::Video => self.lists_packets(facts.index),
            StreamKind::Audio => facts.codec.starts_with("pcm_") || AUDIO_AS_IT_LIES.contains(&facts.codec.as_str()),
            _ => true,
        };
        self.video().is_some()
            && self.input.declared().len() == self.streams.len()
            && self.streams.iter().all(is_listed)
    }

    /// The packets of stream `index` as the header lists them, or `None` if it does not list them.
    ///
    /// # Errors
    /// As for opening the source.
    pub(crate) fn listed(&self, index: usize) -> Result<Option<Listed<'_>>> {
        let Origin::File { store, content, edits, .. } = &self.origin else { return Ok(None) };
        if !self.lists_packets(index) {
            return Ok(None);
        }
        let state = Arc::new(IoState::default());
        let reader = edits::patched(limited(store.reader(Some(Arc::clone(&state))), *content), edits);
        let mut input = open_input(reader, &state, &Sink::new(), &self.origin, &self.reading, ALLOWED)?;
        if input.stream_count() <= index {
            return Ok(None);
        }
        input.forgo_content();
        (0..input.stream_count()).filter(|other| *other != index).for_each(|other| input.discard(other));
        state.blank.store(true, Ordering::Relaxed);
        Ok(Some(Listed { source: self, stream: index, input }))
    }

    /// Skips packets of stream `index` from now on.
    pub(crate) fn discard(&mut self, index: usize) {
        self.input.discard(index);
    }

    /// Reads only packets of stream `index` from now on.
    pub(crate) fn keep_only(&mut self, index: usize) {
        self.keep(|other| other == index);
    }

    /// Reads only packets of the streams that `is_kept` names from now on.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(usize) -> bool) {
        (0..self.input.stream_count()).filter(|other| !is_kept(*other)).for_each(|other| self.input.discard(other));
    }
}

impl Listed<'_> {
    /// The next packet with its final times, or `None` after the last.
    pub(crate) fn next(&mut self) -> std::result::Result<Option<Packet>, AvError> {
        let Some(mut packet) = self.input.read()? else { return Ok(None) };
        if let Some((edits, facts)) = self.source.edits().zip(self.source.streams.get(self.stream)) {
            edits.place(facts, &mut packet);
        }
        Ok(Some(packet))
    }
}
