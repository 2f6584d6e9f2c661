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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use trix_fixtures::{clip, media, program};

    use super::*;

    /// Times, duration, size and key flag of every packet.
    type Packets = Vec<(usize, Option<i64>, Option<i64>, i64, usize, bool)>;

    fn packets(mut source: Source) -> Packets {
        let mut found = Vec::new();
        while let Some(packet) = source.read().ok().flatten() {
            let (times, size) = ((packet.pts(), packet.dts(), packet.duration()), packet.data().len());
            found.push((packet.stream(), times.0, times.1, times.2, size, packet.is_key()));
        }
        found
    }

    /// A movie of half a second with these options of the ffmpeg program.
    fn movie(options: &str) -> std::path::PathBuf {
        let make = |path: &Path| {
            let inputs = "-f lavfi -i testsrc2=size=64x48:rate=25:duration=0.52 -f lavfi -i sine=duration=0.53";
            program::ffmpeg(&format!("{inputs} {options} {}", path.display()));
        };
        clip::made(&format!("{}.mov", options.replace(['/', ' '], "_")), make)
    }

    #[test]
    fn another_opening_without_a_look_at_packets_reads_the_same_packets() {
        let made = [
            "-c:v libx264 -bf 2 -pix_fmt yuv420p -c:a aac",
            "-c:v libx264 -bf 0 -pix_fmt yuv420p -c:a alac",
            "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a pcm_s24le",
            "-c:v prores_ks -c:a pcm_s16le",
            // Uneven distances, and a last frame without a duration of its own.
            "-vf setpts=N*N*N -vsync vfr -c:v libx264 -bf 2 -pix_fmt yuv420p -c:a aac",
        ];
        let made: Vec<_> = made.iter().map(|options| movie(options)).collect();
        let is_made = |path: &Path| made.iter().any(|own| own == path);
        for path in made.iter().cloned().chain(media::files()) {
            let Ok(source) = Source::open(&path) else {
                assert!(!is_made(&path), "{}", path.display());
                continue;
            };
            let again = source.reopen().expect("another opening");
            assert!(source.has_all_in_header() || !is_made(&path), "{}", path.display());
            assert_eq!(source.duration(), again.duration(), "{}", path.display());
            assert_eq!(source.start(), again.start(), "{}", path.display());
            let (first, second) = (packets(source), packets(again));
            let differs = first.iter().zip(&second).position(|(one, other)| one != other);
            assert_eq!(differs.map(|at| (first[at], second[at])), None, "{}", path.display());
            assert_eq!(first.len(), second.len(), "{}", path.display());
        }
    }
}
