//! Makes a package of tracks that lie encoded in files: the rungs of a ladder, sound, subtitles.
//!
//! Invariant: packets are copied as they are; the times of each file count from its own first moment, which all files
//! share.

use std::{path::Path, path::PathBuf, sync::Arc};

use trix_av::{
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_model::{
    control::cancel::Cancel,
    damage::{DamageLog, OnDamage},
    error::{Error, ErrorKind, Result, Stage},
    orientation::Orientation,
    picture::Display,
    time::{Rational, TimeBase, Timestamp},
};

use super::{PackageWriter, Rendition, WrittenPackage};
use crate::{
    demux::Demuxer,
    encode::subtitle::{Span, SubtitleTrack},
    mux::TrackSpec,
    plan::SubtitlePlan,
    source::Source,
    spec::{package::PackageSettings, source::Limits},
};

/// A track of a file.
#[derive(Clone, Debug)]
pub struct Input {
    /// The file.
    pub path: PathBuf,
    /// Index of the stream in it.
    pub stream: usize,
    /// Name of the rendition, as [`Rendition::id`].
    pub id: String,
}

/// One file that is read for one track.
struct Reader {
    demuxer: Demuxer,
    stream: usize,
    base: TimeBase,
    text: Option<SubtitleTrack>,
    /// When the packet that comes next is decoded.
    next: Option<Packet>,
}

impl Reader {
    fn open(input: &Input) -> Result<(Self, Rendition)> {
        let source = Source::open(&input.path, Limits::default())?;
        let Some(facts) = source.streams().get(input.stream).cloned() else {
            let detail = format!("has {} streams, and none of index {}", source.streams().len(), input.stream);
            return Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(&input.path));
        };
        let text = match facts.kind {
            StreamKind::Subtitle => {
                let copied = facts.codec == "webvtt";
                let plan = SubtitlePlan { stream: facts.index, codec: "webvtt".to_owned(), copied };
                let span = Span { origin: Timestamp::new(0, facts.time_base), end: None };
                Some(SubtitleTrack::open(input.path.clone(), &facts, &plan, span)?)
            }
            _ => None,
        };
        let parameters = text.as_ref().map_or_else(|| facts.parameters.clone(), |text| text.parameters().clone());
        let track = TrackSpec { parameters, ..track_of(&facts) };
        let demuxer = Demuxer::new(source, Arc::new(DamageLog::new(OnDamage::Fail)));
        let (stream, base) = (facts.index, facts.time_base);
        Ok((Reader { demuxer, stream, base, text, next: None }, Rendition { id: input.id.clone(), track }))
    }

    /// Reads up to the next packet of the track.
    fn advance(&mut self) -> Result<()> {
        self.next = loop {
            match self.demuxer.next_packet()? {
                Some(packet) if packet.stream() == self.stream => break Some(packet),
                Some(_) => {}
                None => break None,
            }
        };
        Ok(())
    }

    fn time(&self) -> Option<Timestamp> {
        let packet = self.next.as_ref()?;
        Some(Timestamp::new(packet.dts().or(packet.pts()).unwrap_or(i64::MIN), self.base))
    }
}

/// Pictures in a second. The average of times that a container rounds is near the rate of the grid on which they lie, and
/// not equal to it.
fn rate_of(average: Rational, grid: Rational) -> Option<Rational> {
    let is_near = (average.to_f64() - grid.to_f64()).abs() < 0.001 * average.to_f64();
    let rate = if is_near { grid } else { average };
    [rate, grid].into_iter().find(|rate| rate.is_positive())
}

/// A track that is copied as its file describes it.
fn track_of(facts: &StreamFacts) -> TrackSpec {
    let rate = rate_of(facts.average_rate, facts.base_rate);
    TrackSpec {
        parameters: facts.parameters.clone(),
        time_base: facts.time_base,
        rate: rate.filter(|_| facts.kind == StreamKind::Video),
        metadata: facts.metadata.clone(),
        disposition: facts.disposition.clone(),
        display: Display {
            orientation: facts.display_matrix.and_then(|matrix| Orientation::from_matrix(&matrix)).unwrap_or_default(),
            hdr: facts.hdr,
            dolby_vision: facts.dolby_vision,
        },
        hides_start: false,
    }
}

/// Writes a package of the tracks of `inputs`, in this order, that is to become the folder `target`. Text becomes
/// WebVTT. What comes back has no name yet: [`WrittenPackage::verify`] reads it again and [`WrittenPackage::commit`] names
/// it.
///
/// # Errors
/// Those of opening and reading the files, damage among them; those of [`PackageWriter`]; `Cancelled`.
pub fn assemble(
    inputs: &[Input],
    target: &Path,
    settings: &PackageSettings,
    overwrite: bool,
    cancel: &Cancel,
) -> Result<WrittenPackage> {
    let (mut readers, mut renditions) = (Vec::new(), Vec::new());
    for input in inputs {
        let (reader, rendition) = Reader::open(input)?;
        readers.push(reader);
        renditions.push(rendition);
    }
    let mut writer = PackageWriter::new(target, renditions, settings, overwrite)?;
    readers.iter_mut().try_for_each(Reader::advance)?;
    loop {
        if cancel.is_cancelled() {
            return Err(Error::cancelled(Stage::Mux));
        }
        // The track that is farthest behind: so that no other waits long for its segment to end.
        let times = readers.iter().enumerate().filter_map(|(index, reader)| Some((reader.time()?, index)));
        let Some((_, index)) = times.min() else { break };
        let reader = &mut readers[index];
        let Some(packet) = reader.next.take() else { break };
        match &mut reader.text {
            Some(text) => text.push(packet)?.into_iter().try_for_each(|packet| writer.write(index, packet))?,
            None => writer.write(index, packet)?,
        }
        reader.advance()?;
    }
    for (index, reader) in readers.iter_mut().enumerate() {
        if let Some(text) = &mut reader.text {
            text.finish()?.into_iter().try_for_each(|packet| writer.write(index, packet))?;
        }
    }
    writer.finish()
}
