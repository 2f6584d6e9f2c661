//! The stages that make stills while a job decodes its source for everything else.
//!
//! A stage takes every decoded frame in presentation order. It converts only the few frames that it needs.

use trix_av::frame::Frame;
use trix_model::{
    error::{Error, Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::{
    decode::video::DecodedFrame,
    plan::{StillInput, StillPlan},
    settings::still::StillSettings,
    still::{
        files::StillFile,
        poster::{Poster, PosterReport},
        sprites::{SpriteReport, Sprites},
        waveform::{Waveform, WaveformReport},
    },
};

/// What is reported about a still.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum StillReport {
    /// A poster.
    Poster(PosterReport),
    /// Thumbnails.
    Sprites(SpriteReport),
    /// A waveform.
    Waveform(WaveformReport),
}

/// A finished still.
#[derive(Clone, Debug, PartialEq)]
pub struct Still {
    /// Its files. The WebVTT file of thumbnails is the last.
    pub files: Vec<StillFile>,
    /// What is reported about it.
    pub report: StillReport,
}

/// A stage that makes a still of frames.
pub(crate) struct FrameStill {
    kind: Kind,
    time_base: TimeBase,
    /// How long the last frame is shown.
    frame: Timestamp,
    last: Option<i64>,
}

enum Kind {
    Poster(Box<Poster>),
    Sprites(Box<Sprites>),
}

impl FrameStill {
    /// Opens the stage of a planned poster or set of thumbnails.
    ///
    /// # Errors
    /// `InvalidSpec` when the path has no extension of an image format, a sheet would be too high, or the thumbnails would
    /// take too much memory.
    pub fn open(plan: &StillPlan) -> Result<Self> {
        let StillInput::Frames(view) = &plan.input else {
            return Err(Error::bug(Stage::Plan, "a still of frames without a view"));
        };
        let kind = match &plan.settings {
            StillSettings::Poster(settings) => Kind::Poster(Box::new(Poster::new(settings, view, plan.span)?)),
            StillSettings::Sprites(settings) => Kind::Sprites(Box::new(Sprites::new(settings, view, plan.span)?)),
            StillSettings::Waveform(_) => return Err(Error::bug(Stage::Plan, "a waveform of frames")),
        };
        Ok(FrameStill { kind, time_base: view.time_base, frame: view.frame(), last: None })
    }

    /// True while another frame can change the still.
    pub fn wants_more(&self) -> bool {
        match &self.kind {
            Kind::Poster(poster) => poster.wants_more(),
            Kind::Sprites(_) => true,
        }
    }

    /// Takes the next decoded frame.
    ///
    /// # Errors
    /// The errors of the filter stage.
    pub fn push(&mut self, frame: &DecodedFrame) -> Result<()> {
        self.last = Some(frame.pts);
        match &mut self.kind {
            Kind::Poster(poster) => poster.push(frame),
            Kind::Sprites(sprites) => sprites.push(frame),
        }
    }

    /// Makes the files. The film ends at `end`, in source time; for `None`, when the last frame has been shown.
    ///
    /// # Errors
    /// `MalformedInput` when there was no frame; the errors of the filter stage and of the image encoder.
    pub fn finish(self, end: Option<Timestamp>) -> Result<Still> {
        let shown = self.last.map(|last| Timestamp::new(last, self.time_base).plus(self.frame));
        let (files, report) = match self.kind {
            Kind::Poster(poster) => {
                let (files, report) = poster.finish()?;
                (files, StillReport::Poster(report))
            }
            Kind::Sprites(sprites) => {
                let (files, report) = sprites.finish(end.or(shown))?;
                (files, StillReport::Sprites(report))
            }
        };
        Ok(Still { files, report })
    }
}

/// A stage that makes a still of audio.
pub(crate) struct AudioStill(Waveform);

impl AudioStill {
    /// Opens the stage of a planned waveform. With `until`, audio from that time on is left out; it is in the time of the
    /// audio.
    ///
    /// # Errors
    /// None but a bug: the plan is not one of a waveform.
    pub fn open(plan: &StillPlan, until: Option<Timestamp>) -> Result<Self> {
        let (StillSettings::Waveform(settings), StillInput::Audio { stream, time_base, span }) =
            (&plan.settings, &plan.input)
        else {
            return Err(Error::bug(Stage::Plan, "a waveform without an audio track"));
        };
        let mut waveform = Waveform::new(settings, stream.index(), *time_base, *span);
        if let Some(until) = until {
            waveform.end_at(until);
        }
        Ok(AudioStill(waveform))
    }

    /// Takes the next block of decoded audio. Returns false if no later block counts.
    pub fn push(&mut self, frame: &Frame) -> bool {
        self.0.push(frame)
    }

    /// Makes the files. The time line reaches to `end`, in the time of the audio, or to the end of the audio if that is later.
    ///
    /// # Errors
    /// `MalformedInput` when there was no audio; the errors of the image encoder.
    pub fn finish(self, end: Option<Timestamp>) -> Result<Still> {
        let (files, report) = self.0.finish(end)?;
        Ok(Still { files, report: StillReport::Waveform(report) })
    }
}
