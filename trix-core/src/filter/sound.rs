//! Converts sound to an encoder's sample format and block length, cuts it, and fills gaps with silence.
//!
//! Invariant: sample `n` of the output is heard `n / rate` seconds after the origin, whatever gaps or overlaps the
//! source's times have.

use crate::{
    error::{Error, ErrorKind, Result, Stage},
    ffi::{AvError, codec::Output, graph::Graph},
    media::{
        frame::Frame,
        time::{TimeBase, Timestamp},
    },
};

/// What comes out.
#[derive(Clone, Debug)]
pub struct SoundTarget {
    /// FFmpeg's name of the sample format.
    pub sample_format: String,
    /// Samples in a second.
    pub sample_rate: u32,
    /// FFmpeg's description of the channel layout.
    pub layout: String,
    /// Samples in a block; 0 for any.
    pub block: usize,
    /// What is heard at the start of the output.
    pub origin: Timestamp,
    /// Where the output ends, if before the source does.
    pub end: Option<Timestamp>,
}

/// The filter stage of one sound track.
pub struct SoundConverter {
    target: SoundTarget,
    stream: usize,
    time_base: TimeBase,
    graph: Option<Graph>,
}

impl SoundConverter {
    /// A converter for sound of stream `stream`, whose times count `time_base`.
    pub(crate) fn new(target: SoundTarget, stream: usize, time_base: TimeBase) -> Self {
        SoundConverter { target, stream, time_base, graph: None }
    }

    /// Puts a block in; `None` announces the end. False says that the end of the cut is reached and no more is needed.
    ///
    /// # Errors
    /// `Unsupported` when the sound has a shape that cannot be converted, `Codec` when conversion fails.
    pub fn push(&mut self, frame: Option<&Frame>) -> Result<bool> {
        if self.graph.is_none() {
            let Some(frame) = frame else { return Ok(false) };
            self.graph = Some(self.build(frame)?);
        }
        let stream = self.stream;
        match self.graph.as_mut().map(|graph| graph.send(frame)) {
            None | Some(Err(AvError::EOF)) => Ok(false),
            Some(Ok(())) => Ok(true),
            Some(Err(code)) => Err(failed(stream, code)),
        }
    }

    /// Takes a block out, its time in samples since the origin; `None` when more has to be put in, or after the end.
    ///
    /// # Errors
    /// `Codec` when conversion fails.
    pub fn receive(&mut self) -> Result<Option<Frame>> {
        let Some(graph) = &mut self.graph else { return Ok(None) };
        match graph.receive() {
            Ok(Output::Item(frame)) => Ok(Some(frame)),
            Ok(Output::Hungry | Output::End) => Ok(None),
            Err(code) => Err(failed(self.stream, code)),
        }
    }

    fn build(&self, frame: &Frame) -> Result<Graph> {
        let SoundTarget { sample_format, sample_rate, layout, block, origin, end } = &self.target;
        let samples = |time: Timestamp| time.rescale(TimeBase::new(1, i64::from(*sample_rate)));
        let origin = samples(*origin);
        // Times become sample counts; gaps of over a tenth of a second are filled, overlaps cut; then the cut is made
        // at exact samples and time starts anew at the origin.
        let cut = match end {
            Some(end) => format!("atrim=start_pts={origin}:end_pts={}", samples(*end)),
            None => format!("atrim=start_pts={origin}"),
        };
        let chain = format!(
            "aresample=osr={sample_rate}:async=1:min_hard_comp=0.1,\
             aformat=sample_fmts={sample_format}:sample_rates={sample_rate}:channel_layouts={layout},\
             asettb=1/{sample_rate},{cut},asetpts=PTS-{origin}"
        );
        let mut graph = Graph::for_audio(frame, self.time_base, &chain).map_err(|(code, said)| {
            Error::new(ErrorKind::Unsupported, Stage::Filter, format!("sound cannot be converted: {code} ({said})"))
                .in_stream(self.stream)
                .caused_by(code)
        })?;
        if *block > 0 {
            graph.set_frame_samples(*block);
        }
        Ok(graph)
    }
}

fn failed(stream: usize, code: AvError) -> Error {
    Error::new(ErrorKind::Codec, Stage::Filter, format!("conversion of sound failed: {code}"))
        .in_stream(stream)
        .caused_by(code)
}
