//! Still pictures beside a film: poster, thumbnails, waveform. Stages that take in what is decoded once for everything else.
//!
//! Pictures go in as the decoder yields them, in the order in which they are shown; each stage picks the few that it needs,
//! and only these are turned, scaled and converted.
//!
//! Invariant: memory does not grow with the length of the film, and the same film gives the same files.

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

/// The part of a source that is a film's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// What is time zero of the film, in the source's time.
    pub origin: Timestamp,
    /// How long it is, as far as that is known beforehand. Stills only lean on it: it may be wrong.
    pub expected: Option<Timestamp>,
}

impl Span {
    /// All of a source: from what `view` says is its start, or else its first sound, to the end that it declares.
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
        // Elementary streams and some recordings say a duration that was guessed from a rate of bits; so it is only leant on.
        let all = source.duration().filter(|duration| *duration > 0).map(|duration| Timestamp::new(duration, micro));
        Span { origin: view.map(View::origin).or(first).unwrap_or(zero), expected: own.or(all) }
    }

    /// A time of the source as one of the film.
    pub(crate) fn since_origin(&self, time: Timestamp) -> Timestamp {
        time.plus(Timestamp::new(self.origin.ticks.saturating_neg(), self.origin.base))
    }
}

/// A file as it is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillFile {
    /// Its name.
    pub path: PathBuf,
    /// All that is in it.
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

/// A still that is finished.
#[derive(Clone, Debug, PartialEq)]
pub struct Still {
    /// Its files; of sheets and their WebVTT file, the latter is the last.
    pub files: Vec<StillFile>,
    /// What became of it.
    pub report: StillReport,
}

/// The stages of all stills of one film.
pub struct Stills {
    stages: Vec<StillStage>,
    decisions: Vec<Decision>,
    /// Seconds in a tick of the pictures' times, and how long the last one is shown.
    picture_times: Option<(TimeBase, Timestamp)>,
    last: Option<i64>,
}

enum StillStage {
    Poster(Box<Poster>),
    Sprites(Box<Sprites>),
    Waveform(Box<Waveform>),
}

impl Stills {
    /// Prepares `stills` of `source`. Of `picture`, what says how the source is to be read and cropped counts. Without a
    /// `span`, the film is all of the source.
    ///
    /// # Errors
    /// `InvalidSpec` with every mistake of `stills`, or where colour has to be converted and the source does not say what it
    /// means; `Unsupported` without the pictures or the sound that they are to show.
    pub fn new(
        stills: &[StillSettings],
        source: &Source,
        picture: &PictureSettings,
        span: Option<Span>,
    ) -> Result<Self> {
        Self::with_tracks(stills, source, &[], picture, span)
    }

    /// The same with sound tracks from beside the source, which are counted after those of the source. Their sound
    /// comes in as an output has it: counted in samples from its start.
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
            // Only for the start of the film: a source whose pictures cannot be shown may still be heard.
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
                        // The source has no track to draw: the first from beside it is drawn.
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

    /// The audio stream of the source that track `number` is. The first that is taken stands in for the first of all.
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

    /// The same, with a film whose sound ends at `until`, in the time of that sound, whatever comes after.
    pub(crate) fn heard_until(mut self, until: Timestamp) -> Self {
        for stage in &mut self.stages {
            if let StillStage::Waveform(waveform) = stage {
                waveform.end_at(until);
            }
        }
        self
    }

    /// What was decided about pictures without being asked for.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Whether another picture can change anything.
    pub fn wants_pictures(&self) -> bool {
        self.stages.iter().any(|stage| match stage {
            StillStage::Poster(poster) => poster.wants_more(),
            StillStage::Sprites(_) => true,
            StillStage::Waveform(_) => false,
        })
    }

    /// Indices of the sound streams whose sound is wanted.
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

    /// Takes in the next picture as the decoder yields it.
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

    /// Takes in the next block of sound of stream `stream` as the decoder yields it.
    pub fn push_sound(&mut self, stream: usize, frame: &Frame) {
        for stage in &mut self.stages {
            match stage {
                StillStage::Waveform(waveform) if waveform.stream() == stream => waveform.push(frame),
                _ => {}
            }
        }
    }

    /// Makes the files of a film that ends at `end`, in the source's time. `None`: when the last picture was shown for one
    /// frame at the rate of its stream; the time line of a waveform reaches to the end of the sound, if that is later.
    ///
    /// # Errors
    /// `MalformedInput` when there was nothing to show; those of filter stage and encoders.
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

/// The format that the extension of a name stands for.
fn format_of(path: &Path) -> Result<StillFormat> {
    StillFormat::from_path(path).ok_or_else(|| {
        let problem = "a name that ends in .jpg, .jpeg, .png or .webp";
        Error::of_mistakes(vec![Mistake::new("path", path.display(), problem)])
    })
}
