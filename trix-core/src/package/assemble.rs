//! Assembles a package from encoded tracks in files: the renditions of a ladder, audio, subtitles.
//!
//! Invariant: packets are copied unchanged. The times of each file count from a zero that all files share.

use std::{path::Path, path::PathBuf, sync::Arc};

use trix_av::{
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_model::{
    control::cancel::Cancel,
    damage::{DamageLog, OnDamage},
    error::{Error, ErrorKind, Result, Stage},
    frame_facts::Display,
    orientation::Orientation,
    time::{Rational, TimeBase, Timestamp},
};

use super::{
    rendition::Rendition,
    writer::{PackageWriter, WrittenPackage},
};
use crate::{
    demux::Demuxer,
    encode::subtitle::{Span, SubtitleTrack},
    mux::TrackSpec,
    plan::SubtitlePlan,
    settings::package::PackageSettings,
    source::Source,
};

/// A track of a file.
#[derive(Clone, Debug)]
pub struct Input {
    /// The file.
    pub path: PathBuf,
    /// Index of the stream in the file.
    pub stream: usize,
    /// Name of the rendition: its folder in the package.
    pub id: String,
}

/// A file that is read for one track.
struct Reader {
    demuxer: Demuxer,
    stream: usize,
    base: TimeBase,
    text: Option<SubtitleTrack>,
    /// The next packet of the track.
    next: Option<Packet>,
}

impl Reader {
    fn open(input: &Input) -> Result<(Self, Rendition)> {
        let source = Source::open(&input.path)?;
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

    /// Reads the next packet of the track.
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

/// Frame rate of a track. If a container rounds its times, their average rate is close to the exact rate of the time
/// grid, but not equal to it.
fn rate_of(average: Rational, grid: Rational) -> Option<Rational> {
    let is_near = (average.to_f64() - grid.to_f64()).abs() < 0.001 * average.to_f64();
    let rate = if is_near { grid } else { average };
    [rate, grid].into_iter().find(|rate| rate.is_positive())
}

/// The specification of a track that is copied from a file.
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
        looks_ahead: false,
        hides_start: false,
    }
}

/// Writes a package with the tracks of `inputs`, in this order, for the folder `target`. Text is converted to WebVTT.
/// The result does not have its final name yet: [`WrittenPackage::verify`] reads it again and
/// [`WrittenPackage::commit`] gives it its name.
///
/// # Errors
/// Those of opening and reading the files, including damage; those of writing a package; `Cancelled`.
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
        // Continue with the track that is furthest behind, so that no other track waits long for the end of its
        // segment.
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
