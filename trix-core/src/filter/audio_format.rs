//! Converts blocks to the format of a track. A source that changes its format in mid-stream has one conversion for each.

use trix_av::{AvError, codec::Output, frame::Frame, graph::Graph, layout::ChannelLayout};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::Timestamp,
};

use super::{
    audio,
    audio_ledger::{AudioLedger, Conversion},
    audio_track::AudioTrack,
    continuity::Shape,
};
use crate::plan::Remix;

/// The step that changes channels, rate, depth and level.
#[derive(Default)]
pub(super) struct FormatStage {
    current: Option<Current>,
    /// Conversions that have ended.
    converted: Vec<Conversion>,
}

/// The conversion of blocks of one format.
struct Current {
    graph: Graph,
    shape: Shape,
    record: Conversion,
    is_closing: bool,
}

impl FormatStage {
    /// Takes a block. Returns it if its format is another than that of the block before: the conversion of that one
    /// ends first. `changed` is the time of the last change of format.
    pub(super) fn push(
        &mut self,
        frame: Frame,
        track: &mut AudioTrack,
        changed: Option<Timestamp>,
    ) -> Result<Option<Frame>> {
        let shape = Shape::of(&frame);
        track.first_shape.get_or_insert_with(|| shape.clone());
        if self.current.as_ref().is_some_and(|current| current.shape != shape) {
            self.close(track)?;
            return Ok(Some(frame));
        }
        let current = match self.current.take() {
            Some(current) => current,
            None => Current::new(&frame, shape, track, changed)?,
        };
        let current = self.current.insert(current);
        current.record.taken += frame.samples() as u64;
        current.graph.send(Some(&frame)).map_err(|code| track.failed(code))?;
        Ok(None)
    }

    /// Returns a converted block. `Hungry` if there is no conversion.
    pub(super) fn receive(&mut self, track: &AudioTrack) -> Result<Output<Frame>> {
        let Some(current) = &mut self.current else { return Ok(Output::Hungry) };
        let output = current.graph.receive().map_err(|code| track.failed(code))?;
        match &output {
            Output::Item(frame) => current.record.given += frame.samples() as u64,
            Output::Hungry => {}
            Output::End => self.converted.extend(self.current.take().map(|current| current.record)),
        }
        Ok(output)
    }

    /// Lets the conversion return the samples that it still holds. Returns false if there is none.
    pub(super) fn close(&mut self, track: &AudioTrack) -> Result<bool> {
        let Some(current) = &mut self.current else { return Ok(false) };
        if !std::mem::replace(&mut current.is_closing, true) {
            match current.graph.send(None) {
                Ok(()) | Err(AvError::EOF) => {}
                Err(code) => return Err(track.failed(code)),
            }
        }
        Ok(true)
    }

    pub(super) fn record(&self, ledger: &mut AudioLedger) {
        ledger.converted.clone_from(&self.converted);
    }
}

impl Current {
    fn new(frame: &Frame, shape: Shape, track: &AudioTrack, changed: Option<Timestamp>) -> Result<Self> {
        let (remix, first) = remix_of(&shape, track, changed)?;
        let chain = audio::chain(&track.target, &track.edit, frame, remix.as_ref(), first.as_deref());
        let ratio = audio::ratio(&track.target, &track.edit, shape.rate);
        let record = Conversion { taken: 0, given: 0, ratio };
        Ok(Current { graph: track.graph(frame, &chain)?, shape, record, is_closing: false })
    }
}

/// The change of channels for blocks of this format, and the layout that they must be converted to first.
fn remix_of(shape: &Shape, track: &AudioTrack, changed: Option<Timestamp>) -> Result<(Option<Remix>, Option<String>)> {
    let remix = &track.target.remix;
    let Some(first) = track.first_shape.as_ref().filter(|first| first.layout != shape.layout) else {
        return Ok((remix.clone(), None));
    };
    let refuse = |layout: &str| {
        let (from, to) = (&first.layout, &shape.layout);
        let detail = format!("the audio changes from {from} to {to}, which cannot be brought to {layout}");
        Error::new(ErrorKind::Unsupported, Stage::Filter, detail).in_stream(track.stream).at(changed)
    };
    // One and two channels have a usual meaning and need no layout name.
    let own = ChannelLayout::from_name(&shape.layout).map(|layout| layout.name);
    let usual = [(1, "mono"), (2, "stereo")].into_iter().find(|(count, _)| *count == shape.channels);
    let own = own.or_else(|| usual.map(|(_, name)| name.to_owned()));
    let to = &track.target.layout;
    let Some(own) = own.filter(|_| !track.is_nameless()) else { return Err(refuse(to)) };
    match remix {
        Some(Remix::Matrix { .. } | Remix::Pick { .. }) => {
            let named = ChannelLayout::from_name(&first.layout).map(|layout| layout.name);
            let named = named.or_else(|| track.target.assumed_layout.clone());
            let first = named.ok_or_else(|| refuse("the channels of the matrix"))?;
            Ok((remix.clone(), Some(first)))
        }
        _ if own == *to => Ok((None, None)),
        _ => Ok((Some(Remix::Standard), None)),
    }
}
