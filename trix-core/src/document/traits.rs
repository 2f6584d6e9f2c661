//! The properties of a source that the conditions of a profile compare.
//!
//! Invariant: an invalid condition (an unknown trait, a number that cannot be read) is a mistake, and is never simply
//! false.

use serde::Serialize;
use trix_av::{pixel::PixelFormat, stream::StreamKind};
use trix_model::{color::Transfer, mistake::hint};

use crate::{
    decode::frame_rate::frame_rate,
    document::node::{Data, Node, Placed},
    planner::external_audio,
    settings::track::TrackSettings,
    source::Source,
};

/// The properties of a source that are known before any decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Traits {
    /// True if there is video.
    pub video: bool,
    /// True if there is audio, in the source or as external audio tracks.
    pub audio: bool,
    /// True if there are subtitles.
    pub subtitles: bool,
    /// True if the container flags frames as interlaced.
    pub interlaced: bool,
    /// True if frames have a high dynamic range (PQ or HLG).
    pub hdr: bool,
    /// Width in samples, as shown upright.
    pub width: f64,
    /// Height in rows, as shown upright.
    pub height: f64,
    /// Frames per second.
    pub fps: f64,
    /// Bits per sample of a frame.
    pub depth: f64,
    /// The largest number of channels of any audio track.
    pub channels: f64,
    /// Duration in seconds; 0 if unknown.
    pub duration: f64,
}

/// The value of a trait.
enum Own {
    Flag(bool),
    Number(f64),
}

impl Traits {
    /// The traits of `source` and of the external audio `tracks`.
    pub fn of(source: &Source, tracks: &[TrackSettings]) -> Self {
        let streams = source.streams();
        // The planner reports tracks that cannot be opened.
        let external = tracks.iter().filter_map(|track| external_audio::channels(track, source));
        let mut traits = Traits {
            audio: !tracks.is_empty() || source.chosen_audio().next().is_some(),
            subtitles: streams.iter().any(|stream| stream.kind == StreamKind::Subtitle),
            channels: source
                .chosen_audio()
                .map(|(_, stream)| stream.channels)
                .chain(external)
                .max()
                .unwrap_or(0)
                .into(),
            duration: source.duration().map_or(0.0, |micros| micros as f64 / 1e6),
            ..Traits::default()
        };
        let Some(video) = source.video() else { return traits };
        let declared = source.input.declared().get(video.index).map(|declared| declared.color).unwrap_or_default();
        let transfer = video.color.or(declared).transfer;
        let turned = video.display_matrix.as_ref().and_then(trix_model::orientation::Orientation::from_matrix);
        let (mut width, mut height) = (video.width as f64, video.height as f64);
        if turned.is_some_and(|turned| turned.is_sideways()) {
            (width, height) = (height, width);
        }
        traits.video = true;
        traits.interlaced = matches!(video.field_order, "tt" | "tb" | "bb" | "bt");
        traits.hdr = matches!(transfer, Transfer::PQ | Transfer::HLG);
        (traits.width, traits.height) = (width, height);
        traits.fps = frame_rate(video).to_f64();
        traits.depth = PixelFormat::from_raw(video.format).map_or(8.0, |pixel| pixel.depth().into());
        traits
    }

    /// All traits with their names.
    fn all(&self) -> [(&'static str, Own); 11] {
        [
            ("video", Own::Flag(self.video)),
            ("audio", Own::Flag(self.audio)),
            ("subtitles", Own::Flag(self.subtitles)),
            ("interlaced", Own::Flag(self.interlaced)),
            ("hdr", Own::Flag(self.hdr)),
            ("width", Own::Number(self.width)),
            ("height", Own::Number(self.height)),
            ("fps", Own::Number(self.fps)),
            ("depth", Own::Number(self.depth)),
            ("channels", Own::Number(self.channels)),
            ("duration", Own::Number(self.duration)),
        ]
    }

    fn get(&self, name: &str) -> Option<Own> {
        self.all().into_iter().find(|(known, _)| *known == name).map(|(_, own)| own)
    }

    /// True if everything in `condition` holds. [`check`] reports invalid conditions.
    pub(super) fn meet(&self, condition: &Node) -> bool {
        condition.entries().iter().all(|(name, wanted)| match (self.get(name), &wanted.data) {
            (Some(Own::Flag(own)), Data::Bool(wanted)) => own == *wanted,
            (Some(Own::Number(own)), Data::Number(wanted)) => wanted.as_f64() == Some(own),
            (Some(Own::Number(own)), Data::Text(text)) => {
                Comparison::read(text).is_some_and(|wanted| wanted.holds(own))
            }
            _ => false,
        })
    }
}

/// Returns the mistakes in a condition.
pub(super) fn check(condition: &Node) -> Vec<Placed> {
    let mut mistakes = Vec::new();
    if condition.is_out() {
        return mistakes;
    }
    if !matches!(condition.data, Data::Table(_)) {
        let problem = "is no condition; a table such as { hdr = true, height = \">=1080\" } is expected";
        return vec![condition.mistake("", problem)];
    }
    for (name, wanted) in condition.entries().iter().filter(|(_, wanted)| !wanted.is_out()) {
        let (fits, expected) = match (Traits::default().get(name), &wanted.data) {
            (None, _) => {
                let known = Traits::default().all().map(|(known, _)| known);
                let hint = hint(name, &known);
                let problem = format!("is no trait of a source; {hint}known are {}", known.join(", "));
                mistakes.push(wanted.mistake("", problem));
                continue;
            }
            (Some(Own::Flag(_)), data) => (matches!(data, Data::Bool(_)), "true or false"),
            (_, data) => {
                let compares = wanted.text().and_then(Comparison::read).is_some();
                (compares || matches!(data, Data::Number(_)), "a number or a comparison such as \">=1080\"")
            }
        };
        if !fits {
            mistakes.push(wanted.mistake(wanted.text().unwrap_or_default(), format!("{expected} is expected")));
        }
    }
    mistakes
}

/// A comparison such as `>=1080`, `<25` or `=6`.
struct Comparison {
    operator: &'static str,
    number: f64,
}

impl Comparison {
    fn read(text: &str) -> Option<Self> {
        let operator = [">=", "<=", "!=", ">", "<", "="].into_iter().find(|operator| text.starts_with(operator))?;
        let number: f64 = text[operator.len()..].trim().parse().ok()?;
        number.is_finite().then_some(Comparison { operator, number })
    }

    fn holds(&self, value: f64) -> bool {
        match self.operator {
            ">=" => value >= self.number,
            "<=" => value <= self.number,
            "!=" => value != self.number,
            ">" => value > self.number,
            "<" => value < self.number,
            _ => value == self.number,
        }
    }
}
