//! The sample description of a track, from libavformat.
//!
//! Its MP4 muxer writes the records of H.264, HEVC, AAC, AC-3, E-AC-3, Opus and FLAC, colour, static HDR metadata and
//! Dolby Vision for the packets of the first segment. The rest of the header comes from `trix_bitstream::cmaf`, because
//! libavformat makes its own decisions about times. It cannot write exact durations into a fragment before it has seen
//! the next one. Nor can it make the decode time of every segment equal to the time of its first frame.

use trix_av::{
    output::{self, NewStream},
    packet::Packet,
    side_data,
};
use trix_bitstream::boxes;
use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::mux::TrackSpec;

/// The stsd box of a file that libavformat makes from the first packets.
///
/// # Errors
/// `Unsupported` if libavformat has no sample description for the track.
pub(super) fn of(spec: &TrackSpec, first: &[Packet]) -> Result<Vec<u8>> {
    let codec = spec.parameters.codec_name();
    let mut parameters = spec.parameters.clone();
    parameters.set_tag(match codec.as_str() {
        "h264" => *b"avc1",
        "hevc" => *b"hvc1",
        // libavformat has exactly one code for each other codec.
        _ => [0; 4],
    });
    let stream = NewStream {
        parameters: &parameters,
        time_base: spec.time_base,
        rate: spec.rate,
        metadata: &[],
        disposition: &[],
        side_data: &side_data::of_display(&spec.display),
    };
    let file = output::in_memory("mp4", &stream, first).map_err(|code| {
        Error::new(ErrorKind::Unsupported, Stage::Mux, format!("{codec} cannot be described in MP4: {code}"))
            .caused_by(code)
    })?;
    let path: [&[u8; 4]; 6] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"];
    let found = boxes::at_path(&file, &path).map(|content| file[content.start - 8..content.end].to_vec());
    found.ok_or_else(|| Error::new(ErrorKind::Unsupported, Stage::Mux, format!("{codec} has no description in MP4")))
}
