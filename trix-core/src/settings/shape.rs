//! The shape of frames and audio that a program gives to a session. No file states it.
//!
//! Invariant: a shape that passed [`Shape::check`] describes streams that a job can have.

use trix_av::{layout::ChannelLayout, pixel::PixelFormat};
use trix_model::{
    color::Color,
    format::{SampleFormat, SampleType},
    frame_facts::FieldOrder,
    hdr::StaticHdr,
    mistake::Mistake,
    settings::track::Disposition,
    time::{Rational, TimeBase, Timestamp},
};

/// The name in messages of a source that a program gives.
pub(crate) const NAME: &str = "(session)";

/// The frames and the audio that a program gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The frames; `None` for audio alone.
    pub video: Option<VideoShape>,
    /// The audio tracks, in the order of the output.
    pub audio: Vec<TrackShape>,
    /// The time that becomes time zero of the outputs. Default: 0.
    pub start: Timestamp,
}

impl Default for Shape {
    fn default() -> Self {
        Shape { video: None, audio: Vec::new(), start: Timestamp::new(0, Rational::new(1, 1)) }
    }
}

/// The frames that a program gives.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoShape {
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Layout of samples in memory. Any format that libavutil knows, if a job can convert it.
    pub format: PixelFormat,
    /// Frames in a second.
    pub rate: Rational,
    /// True if frames may be unevenly spaced. Their times count then, and the rate is a nominal one. Otherwise every
    /// frame is shown where the rate puts it, less than one unit of time beside it.
    pub uneven: bool,
    /// The unit of times in seconds, of which every frame time is a multiple. `None`: the duration of a frame.
    pub time_base: Option<TimeBase>,
    /// How samples mean colour. Default: unspecified, and the outputs say nothing either.
    pub color: Color,
    /// Which field is shown first, of interlaced frames. `None`: progressive.
    pub fields: Option<FieldOrder>,
    /// Width of a sample divided by its height. 0: unknown.
    pub sample_aspect: Rational,
    /// Static HDR metadata.
    pub hdr: StaticHdr,
}

impl VideoShape {
    /// Progressive frames of unspecified colour, with square samples.
    pub fn new(width: usize, height: usize, format: PixelFormat, rate: Rational) -> Self {
        VideoShape {
            width,
            height,
            format,
            rate,
            uneven: false,
            time_base: None,
            color: Color::default(),
            fields: None,
            sample_aspect: Rational::new(1, 1),
            hdr: StaticHdr::default(),
        }
    }

    /// The unit of times, in seconds.
    pub(crate) fn ticks(&self) -> TimeBase {
        self.time_base.unwrap_or(self.rate.inverse())
    }
}

/// An audio track that a program gives.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackShape {
    /// Samples in a second.
    pub sample_rate: u32,
    /// FFmpeg's name of the channel layout, such as `stereo`, or a number of channels, such as `3 channels`.
    pub layout: String,
    /// The type of samples. Blocks may be planar or not.
    pub sample: SampleType,
    /// Significant bits of integer samples; `None`: all bits of the type. 24 bits lie in the high bits of `i32`.
    pub bits: Option<u32>,
    /// The unit of times in seconds. `None`: the duration of a sample.
    pub time_base: Option<TimeBase>,
    /// Language of the track, as an ISO 639 code.
    pub language: Option<String>,
    /// Title of the track.
    pub title: Option<String>,
    /// What the track is for, such as the default track or one with comments.
    pub disposition: Vec<Disposition>,
}

impl TrackShape {
    /// A track without language and title.
    pub fn new(sample_rate: u32, layout: impl Into<String>, sample: SampleType) -> Self {
        TrackShape {
            sample_rate,
            layout: layout.into(),
            sample,
            bits: None,
            time_base: None,
            language: None,
            title: None,
            disposition: Vec::new(),
        }
    }

    /// The unit of times, in seconds.
    pub(crate) fn ticks(&self) -> TimeBase {
        self.time_base.unwrap_or(TimeBase::new(1, i64::from(self.sample_rate)))
    }

    /// The interleaved format of these samples.
    pub(crate) fn interleaved(&self) -> SampleFormat {
        SampleFormat { sample: self.sample, planar: false }
    }

    /// Significant bits of a sample.
    pub(crate) fn significant_bits(&self) -> u32 {
        self.bits.unwrap_or(8 * self.sample.bytes() as u32)
    }
}

/// The number of channels of FFmpeg's layout `layout`, which may be only a number: `3 channels`.
pub(crate) fn channels_of(layout: &str) -> Option<usize> {
    let number = layout.strip_suffix(" channels").and_then(|count| count.parse().ok());
    // No encoder takes more channels.
    let number = number.filter(|count| (1..=64).contains(count));
    number.or_else(|| ChannelLayout::from_name(layout).map(|layout| layout.channels as usize))
}

impl Shape {
    /// All mistakes of the shape.
    pub fn check(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.video.is_none() && self.audio.is_empty() {
            mistakes.push(Mistake::new("shape", "", "states neither frames nor audio"));
        }
        let base_of = |place: String, base: TimeBase, mistakes: &mut Vec<Mistake>| {
            let fits = i32::try_from(base.num).is_ok() && i32::try_from(base.den).is_ok();
            if !base.is_positive() || !fits {
                mistakes.push(Mistake::new(place, base, "must be above 0, in parts of 32 bits"));
            }
        };
        if let Some(video) = &self.video {
            let VideoShape { width, height, format, rate, .. } = video;
            if format.image_bytes(u32::try_from(*width).unwrap_or(0), u32::try_from(*height).unwrap_or(0)).is_none() {
                mistakes.push(Mistake::new(
                    "shape.video",
                    format!("{width}x{height} {format}"),
                    "is no size of a frame",
                ));
            }
            let fits = i32::try_from(rate.num).is_ok() && i32::try_from(rate.den).is_ok();
            if !rate.is_positive() || *rate > Rational::new(1000, 1) || !fits {
                mistakes.push(Mistake::new("shape.video.rate", rate, "must be above 0 and not above 1000"));
            } else {
                base_of("shape.video.time_base".to_owned(), video.ticks(), &mut mistakes);
            }
        }
        for (number, track) in self.audio.iter().enumerate() {
            let place = format!("shape.audio[{number}]");
            if !(1000..=768_000).contains(&track.sample_rate) {
                mistakes.push(Mistake::new(format!("{place}.sample_rate"), track.sample_rate, "1000 to 768000 Hz"));
            } else {
                base_of(format!("{place}.time_base"), track.ticks(), &mut mistakes);
            }
            if channels_of(&track.layout).is_none() {
                let problem = "is no channel layout that FFmpeg knows, and no number such as `3 channels`";
                mistakes.push(Mistake::new(format!("{place}.layout"), &track.layout, problem));
            }
            let most = 8 * track.sample.bytes() as u32;
            if let Some(bits) = track.bits.filter(|bits| !(1..=most).contains(bits)) {
                mistakes.push(Mistake::new(format!("{place}.bits"), bits, format!("1 to {most}")));
            }
        }
        mistakes
    }
}
