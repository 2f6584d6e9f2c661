//! Opens decoders, and says why one cannot be opened.

use std::path::Path;

use trix_av::{
    codec::{Decoder, DecoderError},
    stream::{CodecParameters, StreamFacts},
};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

/// Opens a decoder, or returns the reason why there is none.
pub(crate) fn open(label: &Path, facts: &StreamFacts, threads: u32, pixels: u64) -> Result<Decoder> {
    open_parameters(&facts.parameters, facts.time_base, threads, pixels, facts.alpha_layer)
        .map_err(|error| error.in_file(label).in_stream(facts.index))
}

/// Opens a decoder for `parameters`, or returns the reason why there is none.
pub(crate) fn open_parameters(
    parameters: &CodecParameters,
    time_base: TimeBase,
    threads: u32,
    pixels: u64,
    alpha_layer: bool,
) -> Result<Decoder> {
    let codec = parameters.codec_or_tag();
    Decoder::open(parameters, time_base, threads, pixels, alpha_layer).map_err(|error| match error {
        DecoderError::Missing => Error::new(
            ErrorKind::Unsupported,
            Stage::Decode,
            format!("this build of libavcodec has no decoder for {codec}"),
        ),
        DecoderError::Refused(code) => Error::new(
            ErrorKind::MalformedInput,
            Stage::Decode,
            format!("the {codec} decoder refuses the stream: {code}"),
        )
        .caused_by(code),
    })
}

/// The error for a codec change in mid-stream that cannot be followed.
pub(crate) fn refuse_change(kind: &str, from: &str, to: &str, stage: Stage, place: Option<Timestamp>) -> Error {
    let detail = format!("the codec of the {kind} changes from {from} to {to} in mid-stream");
    Error::new(ErrorKind::Unsupported, stage, detail).at(place)
}
