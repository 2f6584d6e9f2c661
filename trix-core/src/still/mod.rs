//! Still images of a film: poster, thumbnails, waveform. Their stages share the one decoding of a job.
//!
//! Frames arrive in presentation order. Each stage selects the few frames that it needs. Only these are rotated, scaled
//! and converted.
//!
//! Invariant: memory does not grow with the duration, and the same film gives the same files.

pub mod image;
pub mod judge;
pub mod poster;
pub mod sprites;
pub mod view;
pub mod waveform;
mod make;
mod peaks;
mod render;
mod vtt;

use std::path::{Path, PathBuf};

use trix_av::{frame::Frame, stream::StreamFacts};
use trix_model::{
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
    time::{TimeBase, Timestamp},
};

pub use self::make::{Made, make};
use self::{
    poster::{Poster, PosterReport},
    sprites::{SpriteReport, Sprites},
    view::View,
    waveform::{Waveform, WaveformReport},
};
use crate::{
    decode::video::{Picture, frame_rate},
    plan::SideTrack,
    source::{Source, selection::unusable},
    spec::{
        picture::PictureSettings,
        still::{StillFormat, StillSettings, check_all},
    },
};

/// The part of a source that belongs to a film.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Time zero of the film, in the source's time.
    pub origin: Timestamp,
    /// Expected duration, if known. It may be wrong: stills use it only as an estimate.
    pub expected: Option<Timestamp>,
}

impl Span {
    /// The whole source. It begins at the origin of `view`, or else at the first audio, and ends at the declared end.
    pub fn whole(source: &Source, view: Option<&View>) -> Self {
        let micro = TimeBase::new(1, 1_000_000);
        let zero = Timestamp::new(0, micro);
        let first =
            source.decodable_audio().next().and_then(|(_, facts)| Some(Timestamp::new(facts.start?, facts.time_base)));
        let pictures = view.and_then(|view| source.streams().get(view.stream()));
        let own = pictures.and_then(|facts| {
            let ticks = facts.duration.filter(|ticks| *ticks > 0)?;
            Some(Timestamp::new(ticks, facts.time_base))
        });
        // For elementary streams and some recordings, the duration is an estimate from the bit rate. So it is only an
        // estimate here.
        let all = source.duration().filter(|duration| *duration > 0).map(|duration| Timestamp::new(duration, micro));
        Span { origin: view.map(View::origin).or(first).unwrap_or(zero), expected: own.or(all) }
    }

    /// Converts a time of the source to a time of the film.
    pub(crate) fn since_origin(&self, time: Timestamp) -> Timestamp {
        time.plus(Timestamp::new(self.origin.ticks.saturating_neg(), self.origin.base))
    }
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillFile {
    /// Path of the file.
    pub path: PathBuf,
    /// Complete content.
    pub bytes: Vec<u8>,
}

/// What became of a still.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum StillReport {
    /// Of a poster.
    Poster(PosterReport),
    /// Of thumbnails.
    Sprites(SpriteReport),
    /// Of a waveform.
    Waveform(WaveformReport),
}

/// A finished still.
#[derive(Clone, Debug, PartialEq)]
pub struct Still {
    /// The files. A WebVTT file comes after its sheets.
    pub files: Vec<StillFile>,
    /// The report of this still.
    pub report: StillReport,
}

/// The stages of all stills of one film.
pub struct Stills {
    stages: Vec<StillStage>,
    decisions: Vec<Decision>,
    /// Time base of the video, and the display duration of its last frame.
    picture_times: Option<(TimeBase, Timestamp)>,
    last: Option<i64>,
}

enum StillStage {
    Poster(Box<Poster>),
    Sprites(Box<Sprites>),
    Waveform(Box<Waveform>),
}

impl Stills {
    /// Prepares `stills` of `source`. `picture` matters only for reading and cropping the source. Without a `span`, the
    /// film is the whole source.
    ///
    /// # Errors
    /// `InvalidSpec` with every mistake of `stills`, or if colour must be converted and the source does not specify it.
    /// `Unsupported` without the video or audio that a still needs.
    pub fn new(
        stills: &[StillSettings],
        source: &Source,
        picture: &PictureSettings,
        span: Option<Span>,
    ) -> Result<Self> {
        Self::with_tracks(stills, source, &[], picture, span)
    }

    /// Like [`Self::new`], with side audio tracks, which are numbered after those of the source. Their blocks must have
    /// times in samples from the start of the output.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn with_tracks(
        stills: &[StillSettings],
        source: &Source,
        sides: &[SideTrack],
        picture: &PictureSettings,
        span: Option<Span>,
    ) -> Result<Self> {
        let mut mistakes = check_all(stills);
        let tracks = source.audio().count() + sides.len();
        for (index, still) in stills.iter().enumerate() {
            match still {
                StillSettings::Waveform(waveform) if waveform.track > 0 && waveform.track >= tracks => {
                    let place = format!("stills[{index}].track");
                    mistakes.push(Mistake::new(place, waveform.track, format!("there are {tracks} sound tracks")));
                }
                _ => {}
            }
        }
        if !mistakes.is_empty() {
            return Err(Error::of_mistakes(mistakes));
        }
        let shows = stills.iter().any(|still| !matches!(still, StillSettings::Waveform(_)));
        let view = if shows {
            Some(View::of(source, picture)?)
        } else {
            // Only needed for the start of the film. A source may have audio although its video cannot be shown.
            source.video().and_then(|_| View::of(source, picture).ok())
        };
        let span = span.unwrap_or_else(|| Span::whole(source, view.as_ref()));
        let mut stages = Vec::new();
        for still in stills {
            stages.push(match (still, &view) {
                (StillSettings::Poster(poster), Some(view)) => {
                    StillStage::Poster(Box::new(Poster::new(poster, view, span)?))
                }
                (StillSettings::Sprites(sprites), Some(view)) => {
                    StillStage::Sprites(Box::new(Sprites::new(sprites, view, span)?))
                }
                (StillSettings::Waveform(waveform), _) => {
                    let own = Self::own_track(source, waveform.track)?;
                    let side = match source.audio().count() {
                        // The source has no track to draw, so draw the first side track.
                        _ if own.is_none() && waveform.track == 0 => sides.first(),
                        count => sides.get(waveform.track.wrapping_sub(count)),
                    };
                    let waveform = match (own, side) {
                        (Some(facts), _) => Waveform::new(waveform, facts.index, facts.time_base, span),
                        (None, Some(SideTrack { facts, .. })) => {
                            let samples = TimeBase::new(1, i64::from(facts.sample_rate.max(1)));
                            let span = Span { origin: Timestamp::new(0, samples), ..span };
                            Waveform::new(waveform, facts.index, samples, span)
                        }
                        (None, None) => {
                            let detail = "there is no sound to draw a waveform of";
                            return Err(
                                Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&source.label())
                            );
                        }
                    };
                    StillStage::Waveform(Box::new(waveform))
                }
                (_, None) => return Err(Error::bug(Stage::Plan, "a picture without a view")),
            });
        }
        let decisions = view.as_ref().filter(|_| shows).map(|view| view.decisions().to_vec()).unwrap_or_default();
        let picture_times = source.video().map(|facts| {
            let frame = Timestamp::new(1, frame_rate(facts).inverse());
            (facts.time_base, frame)
        });
        Ok(Stills { stages, decisions, picture_times, last: None })
    }

    /// The audio stream of the source for track `number`. Track 0 means the first decodable stream.
    fn own_track(source: &Source, number: usize) -> Result<Option<&StreamFacts>> {
        let Some(own) = source.audio().nth(number) else { return Ok(None) };
        if number == 0 {
            return Ok(source.decodable_audio().next().map(|(_, facts)| facts));
        }
        match source.selection().lack(own.index) {
            Some(lack) => Err(unusable(own, lack).in_file(&source.label())),
            None => Ok(Some(own)),
        }
    }

    /// Ends the audio of the film at `until`, in the time of that audio.
    pub(crate) fn heard_until(mut self, until: Timestamp) -> Self {
        for stage in &mut self.stages {
            if let StillStage::Waveform(waveform) = stage {
                waveform.end_at(until);
            }
        }
        self
    }

    /// Decisions about the video that the settings left open.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// True if another frame can change the result.
    pub fn wants_pictures(&self) -> bool {
        self.stages.iter().any(|stage| match stage {
            StillStage::Poster(poster) => poster.wants_more(),
            StillStage::Sprites(_) => true,
            StillStage::Waveform(_) => false,
        })
    }

    /// Indices of the audio streams that are needed.
    pub fn sound_streams(&self) -> Vec<usize> {
        let mut streams: Vec<usize> = self.waveforms().map(Waveform::stream).collect();
        streams.sort_unstable();
        streams.dedup();
        streams
    }

    fn waveforms(&self) -> impl Iterator<Item = &Waveform> {
        self.stages.iter().filter_map(|stage| match stage {
            StillStage::Waveform(waveform) => Some(&**waveform),
            _ => None,
        })
    }

    /// Takes the next frame from the decoder.
    ///
    /// # Errors
    /// Those of the filter stage.
    pub fn push_picture(&mut self, picture: &Picture) -> Result<()> {
        self.last = Some(picture.pts);
        for stage in &mut self.stages {
            match stage {
                StillStage::Poster(poster) => poster.push(picture)?,
                StillStage::Sprites(sprites) => sprites.push(picture)?,
                StillStage::Waveform(_) => {}
            }
        }
        Ok(())
    }

    /// Takes the next audio block of stream `stream` from the decoder.
    pub fn push_sound(&mut self, stream: usize, frame: &Frame) {
        for stage in &mut self.stages {
            match stage {
                StillStage::Waveform(waveform) if waveform.stream() == stream => waveform.push(frame),
                _ => {}
            }
        }
    }

    /// Makes the files of a film that ends at `end`, in the source's time. With `None`, the film ends after the display
    /// duration of the last frame, at the rate of its stream. The timeline of a waveform extends to the end of the
    /// audio if that is later.
    ///
    /// # Errors
    /// `MalformedInput` if there was nothing to show; those of the filter stage and the encoders.
    pub fn finish(self, end: Option<Timestamp>) -> Result<Vec<Still>> {
        let shown =
            self.last.zip(self.picture_times).map(|(last, (base, frame))| Timestamp::new(last, base).plus(frame));
        let end = end.or(shown);
        let finished = self.stages.into_iter().map(|stage| {
            Ok(match stage {
                StillStage::Poster(poster) => {
                    let (files, report) = poster.finish()?;
                    Still { files, report: StillReport::Poster(report) }
                }
                StillStage::Sprites(sprites) => {
                    let (files, report) = sprites.finish(end)?;
                    Still { files, report: StillReport::Sprites(report) }
                }
                StillStage::Waveform(waveform) => {
                    let (files, report) = waveform.finish(end)?;
                    Still { files, report: StillReport::Waveform(report) }
                }
            })
        });
        finished.collect()
    }
}

/// The image format of a file name extension.
fn format_of(path: &Path) -> Result<StillFormat> {
    StillFormat::from_path(path).ok_or_else(|| {
        let problem = "a name that ends in .jpg, .jpeg, .png or .webp";
        Error::of_mistakes(vec![Mistake::new("path", path.display(), problem)])
    })
}
