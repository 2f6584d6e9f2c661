//! What the header of a file tells of its packets, without their content: of MP4 and MOV, everything.
//!
//! Invariant: of the file, no more is read than its header.

use std::sync::{Arc, atomic::Ordering};

use trix_av::{AvError, input::Input, io::IoState, log::Sink, packet::Packet};
use trix_model::error::Result;

use super::{
    Origin, Source, edits,
    open::{ALLOWED, limited, open_input},
};

/// Video codecs whose packets libavformat hands on from MP4 and MOV as they lie in the file.
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

/// The packets of one stream, all bytes of which are zero.
pub(crate) struct Listed<'a> {
    source: &'a Source,
    stream: usize,
    input: Input,
}

impl Source {
    /// Whether the packets of stream `index` can be read alone, and are all listed in the header: then nothing of the
    /// file has to be read to get from one to another.
    pub(crate) fn lists_packets(&self, index: usize) -> bool {
        let is_plain = self.streams.get(index).is_some_and(|facts| AS_THEY_LIE.contains(&facts.codec.as_str()));
        is_plain && self.input.demuxer().starts_with("mov,") && !self.is_fragmented() && !self.skips_samples
    }

    /// The packets of stream `index` as the header lists them; `None` where it does not.
    ///
    /// # Errors
    /// As when the source was opened.
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

    /// From now on, packets of stream `index` are left unread.
    pub(crate) fn discard(&mut self, index: usize) {
        self.input.discard(index);
    }

    /// From now on, packets of stream `index` alone are read.
    pub(crate) fn keep_only(&mut self, index: usize) {
        (0..self.input.stream_count()).filter(|other| *other != index).for_each(|other| self.input.discard(other));
    }
}

impl Listed<'_> {
    /// The next packet, with the times that it has when it is read; `None` after the last.
    pub(crate) fn next(&mut self) -> std::result::Result<Option<Packet>, AvError> {
        let Some(mut packet) = self.input.read()? else { return Ok(None) };
        if let Some((edits, facts)) = self.source.edits().zip(self.source.streams.get(self.stream)) {
            edits.place(facts, &mut packet);
        }
        Ok(Some(packet))
    }
}
