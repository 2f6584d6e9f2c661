//! Selects the frame that represents a film, while the film is decoded.
//!
//! Invariant: at most six decoded frames are held, whatever the duration.

use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

pub use super::poster_score::PosterScore;
use super::{
    files::{StillFile, format_of},
    image::Canvas,
    poster_score,
    render::{Moment, Renderer, Window},
};
use crate::{
    decode::video::DecodedFrame,
    plan::{Span, View},
    settings::still::{PosterSettings, StillFormat},
};

/// Which frame became the poster.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct PosterReport {
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// When the frame is shown, from the start of the film.
    pub time: Timestamp,
    /// Which frame of the decoder's output it is, from 0.
    pub number: u64,
    /// Why this one.
    pub why: String,
    /// What was measured of it, where frames were compared.
    #[serde(rename = "merit")]
    pub score: Option<PosterScore>,
    /// How many frames were compared.
    pub judged: u64,
}

/// The stage of a poster. It takes decoded frames in presentation order.
pub(crate) struct Poster {
    settings: PosterSettings,
    format: StillFormat,
    view: View,
    span: Span,
    window: Window,
    renderer: Renderer,
    best: Option<Candidate>,
    judged: u64,
    /// Earliest time of the next frame to rate, and the time between rated frames.
    next: Timestamp,
    step: Timestamp,
    chosen: bool,
}

struct Candidate {
    moment: Moment,
    score: Option<PosterScore>,
    inside: bool,
    weighed: u32,
}

/// Number of rated frames after which the time between them doubles. If the duration is known, about as many frames are
/// rated.
const JUDGED: u64 = 400;

impl Poster {
    /// Creates a poster of frames converted with `view`. The film is `span`.
    ///
    /// # Errors
    /// `InvalidSpec` if the file name has no extension of an image format.
    pub fn new(settings: &PosterSettings, view: &View, span: Span) -> Result<Self> {
        let format = format_of(&settings.path)?;
        let small = view.filtering_to(view.fitting(poster_score::SIDE, Some(poster_score::SIDE), false));
        let milli = TimeBase::new(1, 1000);
        // Often enough for clips of a few seconds, rarely enough to be cheap.
        let step = match span.expected {
            Some(expected) => (expected.rescale(milli) / JUDGED as i64).max(100),
            None => 500,
        };
        Ok(Poster {
            settings: settings.clone(),
            format,
            renderer: Renderer::new(small, view.stream, view.time_base),
            view: view.clone(),
            span,
            window: Window::default(),
            best: None,
            judged: 0,
            next: Timestamp::new(i64::MIN, milli),
            step: Timestamp::new(step, milli),
            chosen: false,
        })
    }

    /// True if another frame can change the result.
    pub fn wants_more(&self) -> bool {
        !self.chosen
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// Those of the filter stage.
    pub fn push(&mut self, decoded: &DecodedFrame) -> Result<()> {
        if self.chosen {
            return Ok(());
        }
        self.meet(Some(decoded))?;
        self.window.push(decoded);
        Ok(())
    }

    /// Makes the poster.
    ///
    /// # Errors
    /// `MalformedInput` if there was no frame; those of the filter stage and the encoder.
    pub fn finish(mut self) -> Result<(Vec<StillFile>, PosterReport)> {
        if !self.chosen {
            self.meet(None)?;
        }
        let Some(found) = self.best.take() else {
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Decode, "there is no frame to make a poster of")
                .in_stream(self.view.stream));
        };
        let size = self.view.fitting(self.settings.width, self.settings.height, false);
        let mut renderer = Renderer::new(self.view.filtering_to(size), self.view.stream, self.view.time_base);
        let canvas = renderer.render(&found.moment)?;
        let bytes = canvas.encode(self.format, self.settings.quality)?;
        let time = self.time(&found.moment.shown);
        let report = PosterReport {
            width: canvas.width(),
            height: canvas.height(),
            time,
            number: found.moment.shown.number,
            why: self.why(&found),
            score: found.score,
            judged: self.judged,
        };
        Ok((vec![StillFile { path: self.settings.path, bytes }], report))
    }

    fn time(&self, decoded: &DecodedFrame) -> Timestamp {
        self.span.since_origin(Timestamp::new(decoded.pts, self.view.time_base))
    }

    /// Rates the last frame, now that its successor or the end is known.
    fn meet(&mut self, after: Option<&DecodedFrame>) -> Result<()> {
        let Some(mut moment) = self.window.moment(after) else { return Ok(()) };
        if let Some(at) = self.settings.at {
            // A frame is shown until the next one.
            if after.is_none_or(|after| self.time(after) > at) {
                self.best = Some(Candidate { moment, score: None, inside: true, weighed: 0 });
                self.chosen = true;
            }
            return Ok(());
        }
        let time = self.time(&moment.shown);
        if time < self.next {
            return Ok(());
        }
        self.next = time.plus(self.step);
        self.judged += 1;
        if self.judged.is_multiple_of(JUDGED) {
            self.step.ticks = self.step.ticks.saturating_mul(2);
        }
        let score = self.score(&moment)?;
        let inside = self.is_inside(time);
        let weighed = if inside { score.score } else { score.score / 4 };
        // The earlier of two equal frames wins.
        if self.best.as_ref().is_none_or(|best| weighed > best.weighed) {
            if !self.renderer.looks_around() {
                (moment.before, moment.after) = (None, None);
            }
            self.best = Some(Candidate { moment, score: Some(score), inside, weighed });
        }
        Ok(())
    }

    fn score(&mut self, moment: &Moment) -> Result<PosterScore> {
        let canvas = self.renderer.render(moment)?;
        let mut neighbour = |decoded: &Option<DecodedFrame>| -> Result<Option<Canvas>> {
            let Some(decoded) = decoded.clone() else { return Ok(None) };
            self.renderer.render(&Moment { before: None, shown: decoded, after: None }).map(Some)
        };
        let (before, after) = (neighbour(&moment.before)?, neighbour(&moment.after)?);
        Ok(poster_score::score(&canvas, before.as_ref(), after.as_ref()))
    }

    /// True if a frame lies outside of the opening and closing titles. In a film of half a minute or more, they take a
    /// tenth at the start (3 to 60 seconds) and an eighth at the end. If the duration is unknown, they take 3 seconds
    /// at the start.
    fn is_inside(&self, time: Timestamp) -> bool {
        let milli = TimeBase::new(1, 1000);
        let time = time.rescale(milli);
        match self.span.expected.map(|expected| expected.rescale(milli)) {
            Some(expected) if expected < 30_000 => true,
            Some(expected) => time >= (expected / 10).clamp(3000, 60_000) && time <= expected - expected / 8,
            None => time >= 3000,
        }
    }

    fn why(&self, found: &Candidate) -> String {
        let Some(score) = found.score else {
            let at = self.settings.at.unwrap_or(Timestamp::new(0, TimeBase::new(1, 1)));
            return match found.moment.after.is_some() {
                true => format!("it is shown at {at}"),
                false => format!("it is the last frame, and {at} was asked for"),
            };
        };
        let place = if found.inside { "" } else { ", although it lies near an end of the film" };
        format!(
            "it has the highest score: {} of 1000 (contrast {}, brightness {}, change {:.1}) among {} frames{place}",
            score.score,
            score.contrast,
            score.brightness,
            f64::from(score.change) / 10.0,
            self.judged
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::still::plain_view;
    use trix_model::extras::Extras;

    #[test]
    fn hours_of_frames_are_not_all_judged_and_the_first_of_equals_wins() {
        let view = plain_view(16, 16, TimeBase::new(1, 5));
        let span = Span { origin: view.origin, expected: None };
        let settings = PosterSettings { path: "poster.png".into(), ..Default::default() };
        let mut poster = Poster::new(&settings, &view, span).unwrap();
        let frame = trix_av::frame::Frame::grey(16, 16);
        for number in 0..5 * 4 * 3600 {
            let decoded = DecodedFrame {
                frame: frame.clone(),
                number,
                pts: number as i64,
                duration: None,
                extras: Extras::default(),
            };
            poster.push(&decoded).unwrap();
        }
        let (files, report) = poster.finish().unwrap();
        // 400 for each halving of the two frames a second over four hours.
        assert!((1000..3200).contains(&report.judged), "{}", report.judged);
        assert_eq!((report.number, files.len()), (0, 1), "{}", report.why);
    }
}
