//! Converts sound to an encoder's samples, channels, rate and block length, edits and cuts it, and fills gaps with
//! silence.
//!
//! Invariant: sample `n` of the output is heard `n / rate` seconds after the origin, or where an edit's offset and tempo
//! put it, whatever gaps or overlaps the source's times have, and sample 0 is there: sound that begins later is preceded
//! by silence. So no track needs a start of its own, which Matroska could only tell to the millisecond and many players
//! do not read at all.

use serde::{Deserialize, Serialize};

use super::{sound_edit::SoundEdit, stretch::Stretch};
use crate::{
    error::{Error, ErrorKind, Result, Stage},
    ffi::{AvError, codec::Output, graph::Graph, layout::ChannelLayout, stream::StreamFacts},
    media::{
        frame::Frame,
        time::{TimeBase, Timestamp},
    },
};

/// What is done to channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Remix {
    /// The same samples under the names of other speakers.
    Relabel,
    /// Some channels, in another order or beside silent ones; their samples are the same.
    Pick {
        /// For each channel of the output, which channel of the source it is, counted from 0; `null` is silence.
        channels: Vec<Option<u32>>,
    },
    /// Mixed by libswresample with the coefficients of ITU-R BS.775 (annex 4): the centre and each surround channel go
    /// to left and right with a factor of one half's square root, low-frequency effects are left out. All factors are
    /// divided by the largest sum of a channel's factors, so that nothing clips.
    Standard,
    /// Mixed as the user says.
    Matrix {
        /// A row for each channel of the output, in it a factor for each channel of the source.
        rows: Vec<Vec<f64>>,
    },
}

/// What changes the sample rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resampler {
    /// libsoxr at 28 bits of precision, its highest quality.
    Soxr,
    /// libswresample's own filters, longer than by default.
    Swr,
}

impl Resampler {
    /// The best that this build of libswresample has.
    pub fn best() -> Self {
        let soxr = Resampler::Soxr;
        if Graph::takes_sound_chain(&format!("aresample=44100:{}", soxr.options())) { soxr } else { Resampler::Swr }
    }

    pub(super) fn options(self) -> &'static str {
        match self {
            Resampler::Soxr => "resampler=soxr:precision=28",
            // Four times the default's taps, and phases that are computed instead of looked up.
            Resampler::Swr => "resampler=swr:filter_size=128:phase_shift=12:exact_rational=1:cutoff=0.98",
        }
    }
}

/// What comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct SoundTarget {
    /// FFmpeg's name of the sample format.
    pub sample_format: String,
    /// Significant bits of integer samples.
    pub bits: Option<u32>,
    /// Whether rounding to them is spread by dither.
    pub dithered: bool,
    /// Samples in a second.
    pub sample_rate: u32,
    /// What makes it of another rate.
    pub resampler: Option<Resampler>,
    /// FFmpeg's description of the channel layout.
    pub layout: String,
    /// The layout that sound without one is taken for.
    pub assumed_layout: Option<String>,
    /// What makes it of another layout.
    pub remix: Option<Remix>,
    /// Samples in a block; 0 for any.
    pub block: usize,
    /// What is heard at the start of the output.
    pub origin: Timestamp,
    /// Where the output ends, if before the source does.
    pub end: Option<Timestamp>,
    /// Samples of silence before the origin; their times are negative.
    pub lead: usize,
    /// Samples of silence after the end.
    pub tail: usize,
}

impl SoundTarget {
    /// The sound of a stream as it is, as 64-bit floating point, in which nothing is lost.
    pub(crate) fn like(facts: &StreamFacts) -> Self {
        let named = ChannelLayout::from_name(&facts.layout).map(|layout| layout.name);
        // The usual meaning of one and two channels; more can mean anything.
        let usual = [(1, "mono"), (2, "stereo")].into_iter().find(|(count, _)| *count == facts.channels);
        let usual = usual.filter(|_| named.is_none()).map(|(_, name)| name.to_owned());
        let start = facts.start.unwrap_or(0);
        SoundTarget {
            sample_format: "dblp".to_owned(),
            bits: None,
            dithered: false,
            sample_rate: facts.sample_rate,
            resampler: None,
            layout: named.or_else(|| usual.clone()).unwrap_or_else(|| format!("{} channels", facts.channels)),
            assumed_layout: usual,
            remix: None,
            block: 0,
            origin: Timestamp::new(start, facts.time_base),
            end: None,
            lead: 0,
            tail: 0,
        }
    }
}

/// The filter stage of one sound track.
pub struct SoundConverter {
    target: SoundTarget,
    edit: SoundEdit,
    stream: usize,
    time_base: TimeBase,
    graph: Option<Graph>,
    /// What comes before it where the tempo changes and the pitch does not.
    front: Option<Front>,
    /// Where the sound that was put in begins and ends, in the source's time.
    first: Option<Timestamp>,
    reached: Option<Timestamp>,
}

/// Sound without gaps, made faster or slower.
struct Front {
    graph: Graph,
    stretch: Stretch,
    layout: String,
    sample_rate: u32,
    samples: i64,
}

/// Seconds by which sound may begin after the origin. Later ones are taken for a broken time, since the silence before
/// them would fill a disk.
const LATEST: i64 = 24 * 3600;

impl SoundConverter {
    /// A converter for sound of stream `stream`, whose times count `time_base`.
    pub(crate) fn new(target: SoundTarget, stream: usize, time_base: TimeBase) -> Self {
        SoundConverter {
            target,
            edit: SoundEdit::default(),
            stream,
            time_base,
            graph: None,
            front: None,
            first: None,
            reached: None,
        }
    }

    /// The same, with `edit` done to the sound; to be called before anything is put in.
    pub(crate) fn edited(mut self, edit: SoundEdit) -> Self {
        self.edit = edit;
        self
    }

    /// Puts a block in; `None` announces the end. False says that the end of the cut is reached and no more is needed.
    ///
    /// # Errors
    /// `Unsupported` when the sound has a shape that cannot be converted, `MalformedInput` when it begins more than a
    /// day after the origin, `Codec` when conversion fails.
    pub fn push(&mut self, frame: Option<&Frame>) -> Result<bool> {
        if let Some((frame, pts)) = frame.and_then(|frame| Some((frame, frame.pts()?))) {
            let length = Timestamp::new(frame.samples() as i64, TimeBase::new(1, i64::from(frame.sample_rate())));
            let start = Timestamp::new(pts, self.time_base);
            let end = start.plus(length);
            self.first.get_or_insert(start);
            self.reached = Some(self.reached.map_or(end, |reached| reached.max(end)));
        }
        if !self.edit.keeps_pitch() {
            return self.pass_on(frame, self.time_base);
        }
        if self.front.is_none() {
            let Some(frame) = frame else { return Ok(false) };
            let graph = self.build(frame, self.time_base, &format!("{FILL},aformat=sample_fmts=dblp"))?;
            let stretch = Stretch::new(self.edit.tempo, frame.channels(), frame.sample_rate());
            let (layout, sample_rate) = (String::new(), frame.sample_rate());
            self.front = Some(Front { graph, stretch, layout, sample_rate, samples: 0 });
        }
        let stretched = match &mut self.front {
            Some(front) => front.push(frame).map_err(|code| failed(self.stream, code))?,
            None => Vec::new(),
        };
        let mut wanted = true;
        for frame in &stretched {
            wanted &= self.pass_on(Some(frame), TimeBase::new(1, i64::from(frame.sample_rate())))?;
        }
        if frame.is_none() { self.pass_on(None, self.time_base) } else { Ok(wanted) }
    }

    /// Puts a block into the graph, which is made when the first comes.
    fn pass_on(&mut self, frame: Option<&Frame>, time_base: TimeBase) -> Result<bool> {
        if self.graph.is_none() {
            let Some(frame) = frame else { return Ok(false) };
            let mut graph = self.build(frame, time_base, &chain(&self.target, &self.edit, frame, self.place()?))?;
            if self.target.block > 0 {
                graph.set_frame_samples(self.target.block);
            }
            self.graph = Some(graph);
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
            Ok(Output::Item(mut frame)) => {
                if self.is_nameless() {
                    frame.forget_layout();
                }
                Ok(Some(frame))
            }
            Ok(Output::Hungry | Output::End) => Ok(None),
            Err(code) => Err(failed(self.stream, code)),
        }
    }

    /// Samples of silence that the output has after its end.
    pub fn tail(&self) -> usize {
        self.target.tail
    }

    /// Where the sound that was put in so far ends in the output, in samples, by the times of its blocks and before
    /// silence is added or an end cut. `None` before the first.
    pub fn reach(&self) -> Option<i64> {
        let SoundTarget { origin, sample_rate, .. } = self.target;
        self.reached.map(|time| self.edit.place(time, origin, sample_rate))
    }

    fn build(&self, frame: &Frame, time_base: TimeBase, chain: &str) -> Result<Graph> {
        // Most filters want to know what channels are, though it is all the same to them.
        let by_number = matches!(self.target.remix, Some(Remix::Pick { .. } | Remix::Matrix { .. }));
        let any = any_layout(frame.channels()).filter(|_| self.is_nameless() || by_number);
        let assumed = self.target.assumed_layout.as_deref().or(any.as_deref());
        Graph::for_audio(frame, time_base, assumed, chain).map_err(|(code, said)| {
            Error::new(ErrorKind::Unsupported, Stage::Filter, format!("sound cannot be converted: {code} ({said})"))
                .in_stream(self.stream)
                .caused_by(code)
        })
    }

    /// Whether what comes out has a number of channels and no layout.
    fn is_nameless(&self) -> bool {
        ChannelLayout::from_name(&self.target.layout).is_none()
    }

    /// Where the first sample of the source lies in the output; negative for one that is left out.
    fn place(&self) -> Result<i64> {
        let SoundTarget { origin, sample_rate, .. } = self.target;
        let first = self.first.unwrap_or(origin);
        let place = self.edit.place(first, origin, sample_rate);
        if place > LATEST * i64::from(sample_rate) {
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Filter, "sound begins more than a day late")
                .in_stream(self.stream)
                .at(Some(first)));
        }
        Ok(place)
    }
}

impl Front {
    /// Puts a block in, or with `None` announces the end; gives what is ready.
    fn push(&mut self, frame: Option<&Frame>) -> std::result::Result<Vec<Frame>, AvError> {
        match self.graph.send(frame) {
            Ok(()) | Err(AvError::EOF) => {}
            Err(code) => return Err(code),
        }
        while let Output::Item(block) = self.graph.receive()? {
            let mut planes = vec![Vec::new(); block.channels()];
            planes.iter_mut().enumerate().for_each(|(channel, plane)| block.read_channel(channel, plane));
            self.layout = block.layout();
            self.stretch.push(&planes);
        }
        if frame.is_none() {
            self.stretch.finish();
        }
        let mut ready = Vec::new();
        while let Some(planes) = self.stretch.take() {
            let frame = Frame::of_sound(&planes, &self.layout, self.sample_rate, self.samples);
            self.samples += planes.first().map_or(0, Vec::len) as i64;
            ready.extend(frame);
        }
        Ok(ready)
    }
}

/// Some layout of so many channels; `None` where libavutil has not as many loudspeakers.
fn any_layout(channels: usize) -> Option<String> {
    const LOUDSPEAKERS: [&str; 30] = [
        "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL", "TBC",
        "TBR", "DL", "DR", "WL", "WR", "SDL", "SDR", "LFE2", "TSL", "TSR", "BFC", "BFL", "BFR",
    ];
    match channels {
        1 => Some("mono".to_owned()),
        _ => LOUDSPEAKERS.get(..channels).map(|list| list.join("+")),
    }
}

/// Gaps are filled and overlaps cut where times and samples differ by more than 40 ms, beyond which EBU R 37 calls sound
/// out of step; containers that round their times, or tell them for chunks, stay below. From there on, the number of a
/// sample is its time.
const FILL: &str = "aresample=async=1:min_hard_comp=0.04,asetpts=N";

/// The filters, in the order in which samples pass through them. `first` begins at sample `place` of the output.
fn chain(target: &SoundTarget, edit: &SoundEdit, first: &Frame, place: i64) -> String {
    let SoundTarget { sample_format, sample_rate, layout, .. } = target;
    let mut chain = vec![FILL.to_owned()];
    match &target.remix {
        Some(Remix::Relabel) => {
            let same: Vec<String> = (0..first.channels()).map(|channel| channel.to_string()).collect();
            chain.push(format!("channelmap={}:{layout}", same.join("|")));
        }
        Some(Remix::Matrix { rows }) => {
            let rows = rows.iter().enumerate().map(|(to, row)| {
                let terms: Vec<String> =
                    row.iter().enumerate().map(|(from, factor)| format!("{factor:.12}*c{from}")).collect();
                format!("c{to}={}", terms.join("+"))
            });
            let rows: Vec<String> = rows.collect();
            chain.push(format!("aformat=sample_fmts=dblp,pan={layout}|{}", rows.join("|")));
        }
        Some(Remix::Pick { channels }) => {
            let channels = channels.iter().enumerate().map(|(to, from)| match from {
                Some(from) => format!("c{to}=c{from}"),
                None => format!("c{to}=0*c0"),
            });
            let channels: Vec<String> = channels.collect();
            // In floating point of 64 bits, where every integer sample is exact.
            chain.push(format!("aformat=sample_fmts=dblp,pan={layout}|{}", channels.join("|")));
        }
        Some(Remix::Standard) | None => {}
    }
    chain.extend(edit.amplify());
    let declared = edit.declared_rates(first.sample_rate(), *sample_rate);
    let resampler = match declared {
        Some((from, to)) if from != to => Some(target.resampler.unwrap_or_else(Resampler::best)),
        _ => target.resampler,
    };
    let dithered = target.dithered || (edit.changes_values() && target.bits.is_some_and(|bits| bits <= 24));
    let mix = match target.remix {
        Some(Remix::Standard) => format!(":ochl={layout}:rematrix_maxval=1"),
        _ => String::new(),
    };
    let resample = resampler.map_or_else(String::new, |resampler| format!(":{}", resampler.options()));
    let dither = match (dithered, target.bits) {
        (true, Some(24)) => ":dither_method=triangular:output_sample_bits=24",
        (true, _) => ":dither_method=triangular",
        (false, _) => "",
    };
    // One pass for channels, rate and depth, in floating point of 64 bits wherever a sample changes at all.
    let is_changed = dithered || resampler.is_some() || target.remix == Some(Remix::Standard) || edit.changes_values();
    let inner = if is_changed { ":isf=dblp" } else { "" };
    let osr = declared.map_or(i64::from(*sample_rate), |(_, to)| to);
    chain.extend(declared.map(|(from, _)| format!("asetrate={from}")));
    match edit.limiter(*sample_rate, resampler.unwrap_or_else(Resampler::best)) {
        // A limiter has to come before the rounding, and at the rate that is heard.
        Some(limiter) => {
            chain.push(format!("aresample=osr={osr}:osf=dblp{mix}{resample}{inner}"));
            chain.extend(declared.map(|_| format!("asetrate={sample_rate}")));
            chain.push(limiter);
            chain.push(format!("aresample=osr={sample_rate}:osf={sample_format}{dither}:isf=dblp"));
        }
        None => {
            chain.push(format!("aresample=osr={osr}:osf={sample_format}{mix}{resample}{dither}{inner}"));
            chain.extend(declared.map(|_| format!("asetrate={sample_rate}")));
        }
    }
    chain.push(format!("asettb=1/{sample_rate},asetpts=N"));
    if place < 0 {
        chain.push(format!("atrim=start_sample={},asetpts=N", place.unsigned_abs()));
    }
    let before = place.max(0) + target.lead as i64;
    if before > 0 {
        chain.push(format!("adelay={before}S:all=1,asetpts=N"));
    }
    if let Some(end) = target.end {
        let length = edit.place(end, target.origin, *sample_rate).max(0) + target.lead as i64;
        chain.push(format!("atrim=end_pts={length}"));
    }
    if let Some(length) = edit.length {
        let samples = length.samples.saturating_add(target.lead as u64);
        chain.extend(length.trim.then(|| format!("atrim=end_pts={samples}")));
        chain.extend(length.pad.then(|| format!("apad=whole_len={samples}")));
    }
    if target.tail > 0 {
        chain.push(format!("apad=pad_len={}", target.tail));
    }
    let mut last = format!("aformat=sample_fmts={sample_format}:sample_rates={sample_rate}");
    // A number of channels is no layout, and stays what it is.
    if ChannelLayout::from_name(layout).is_some() {
        last.push_str(&format!(":channel_layouts={layout}"));
    }
    chain.push(format!("{last},asetpts=N-{}", target.lead));
    chain.join(",")
}

fn failed(stream: usize, code: AvError) -> Error {
    Error::new(ErrorKind::Codec, Stage::Filter, format!("conversion of sound failed: {code}"))
        .in_stream(stream)
        .caused_by(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_resamplers_are_ones_that_libswresample_takes() {
        assert!(Graph::takes_sound_chain(&format!("aresample=44100:{}", Resampler::Swr.options())));
        assert!(!Graph::takes_sound_chain("aresample=44100:resampler=other"));
    }
}
