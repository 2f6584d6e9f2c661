//! What playlists and manifests state, as plain values: renditions, their segments, languages and roles.
//!
//! [`crate::hls`] and [`crate::dash`] write text from these values, and [`crate::cmaf`] the files that the text names. HLS
//! puts audio renditions of one codec into a group. DASH puts renditions into an adaptation set if a player can switch
//! between them. Both derive this from the values.
//!
//! Invariant: times are counts of ticks of a rational clock. Only the text of a format rounds them.

pub mod names;

use std::collections::BTreeSet;

use trix_model::{
    color::{Matrix, Primaries, Transfer},
    hdr::DolbyVision,
    orientation::Orientation,
    time::{Rational, TimeBase, Timestamp},
};

/// All renditions of a package.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// Video and audio.
    pub media: Vec<MediaRendition>,
    /// Text, such as subtitles.
    pub texts: Vec<TextRendition>,
}

/// The properties by which a user or a player chooses a rendition.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// Name in addresses, and name of the folder: letters, digits, `-`, `_` and `.`. It is unique in a package.
    pub id: String,
    /// Title for people. It may hold any characters.
    pub title: Option<String>,
    /// Language as a tag of BCP 47.
    pub language: Option<String>,
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// Bits in a second of its densest run of segments.
    pub peak_bit_rate: u64,
    /// Bits in a second of all of its segments.
    pub average_bit_rate: u64,
}

impl Description {
    pub(crate) fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// What a rendition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A player uses it if nobody chooses another.
    Default,
    /// Text for parts in a foreign language, shown without being asked for.
    Forced,
    /// Commentary.
    Comment,
    /// Speech in a translation.
    Dub,
    /// Text that repeats what is heard.
    Captions,
    /// For people who hear little.
    HearingImpaired,
    /// For people who see little.
    VisualImpaired,
}

impl Role {
    /// The role of FFmpeg's disposition `name`. `None` for a disposition that playlists and manifests cannot express.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "default" => Role::Default,
            "forced" => Role::Forced,
            "comment" => Role::Comment,
            "dub" => Role::Dub,
            "captions" => Role::Captions,
            "hearing_impaired" => Role::HearingImpaired,
            "visual_impaired" => Role::VisualImpaired,
            _ => return None,
        })
    }
}

/// A video or audio rendition.
#[derive(Clone, Debug)]
pub struct MediaRendition {
    /// What it is chosen by.
    pub description: Description,
    /// What its samples are.
    pub content: Content,
    /// The name of its codec (RFC 6381).
    pub codecs: String,
    /// True if its frames hold captions (CTA-608 or CTA-708).
    pub has_captions: bool,
    /// How its segments are stored.
    pub storage: Storage,
    /// Ticks a second of the times of its segments.
    pub timescale: u32,
    /// Its segments. Each begins where the one before ends.
    pub segments: Vec<SegmentPlace>,
}

impl MediaRendition {
    /// The duration of each segment.
    pub fn durations(&self) -> impl Iterator<Item = Timestamp> + '_ {
        let base = self.base();
        self.segments.iter().map(move |segment| Timestamp::new(ticks(segment.duration), base))
    }

    /// The end of the last segment. Zero if there is none.
    pub fn end(&self) -> Timestamp {
        let end = self.segments.last().map_or(0, |last| last.start.saturating_add(ticks(last.duration)));
        Timestamp::new(end, self.base())
    }

    fn base(&self) -> TimeBase {
        TimeBase::new(1, self.timescale.into())
    }
}

fn ticks(duration: u64) -> i64 {
    i64::try_from(duration).unwrap_or(i64::MAX)
}

/// A text rendition in WebVTT.
#[derive(Clone, Debug)]
pub struct TextRendition {
    /// What it is chosen by.
    pub description: Description,
    /// Duration of each segment. The first begins at zero, and each other one where the one before ends.
    pub durations: Vec<Timestamp>,
}

/// What the samples of a rendition are.
#[derive(Clone, Debug)]
pub enum Content {
    /// Frames.
    Video(Video),
    /// Audio.
    Audio(Audio),
}

/// Frames of a rendition.
#[derive(Clone, Debug)]
pub struct Video {
    /// Coded samples in a row.
    pub width: u32,
    /// Coded rows.
    pub height: u32,
    /// Width of a sample divided by its height. Zero or less if unknown.
    pub sample_aspect: Rational,
    /// What a player does before it shows a frame.
    pub orientation: Orientation,
    /// Frames a second.
    pub rate: Option<Rational>,
    /// Which red, green and blue.
    pub primaries: Primaries,
    /// Which curve from light to value.
    pub transfer: Transfer,
    /// Which matrix from RGB to YCbCr.
    pub matrix: Matrix,
    /// Configuration of Dolby Vision.
    pub dolby_vision: Option<DolbyVision>,
}

impl Video {
    /// Width and height in square samples, before a player rotates the frame: 65,535 at the most.
    pub fn shown_size(&self) -> (u32, u32) {
        let Video { width, height, sample_aspect: aspect, .. } = *self;
        let shown = if aspect.is_positive() {
            let (num, den) = (i128::from(aspect.num), i128::from(aspect.den));
            u32::try_from((i128::from(width) * num + den / 2).checked_div(den).unwrap_or(0)).unwrap_or(width)
        } else {
            width
        };
        (shown.min(u16::MAX.into()), height.min(u16::MAX.into()))
    }
}

/// Audio of a rendition.
#[derive(Clone, Debug)]
pub struct Audio {
    /// Samples a second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
}

/// How the segments of a rendition are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Each segment in a file of its own, and the header in another.
    Files,
    /// The header, the index and all segments in one file.
    Single {
        /// Bytes of the header.
        header_bytes: u64,
    },
}

/// The place of a segment in a rendition and on disk.
#[derive(Clone, Copy, Debug)]
pub struct SegmentPlace {
    /// Presentation time of its first sample in ticks.
    pub start: i64,
    /// Presented duration in ticks.
    pub duration: u64,
    /// Offset in its file.
    pub at: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// Size of its start up to the end of the first sample.
    pub key_bytes: u64,
}
