//! Disagreements between a container and the bitstreams in it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A property for which the container and the bitstream state different values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Disagreement {
    /// The property.
    pub what: Subject,
    /// Index of the stream. Absent if the property is one of the whole file.
    pub stream: Option<usize>,
    /// The value in the container or its header.
    pub container: String,
    /// The value in the frames or packets.
    pub bitstream: String,
}

/// What a disagreement can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Width and height.
    Size,
    /// Width of a sample by its height.
    SampleAspect,
    /// Width of the frame by its height.
    DisplayAspect,
    /// Profile of the codec.
    Profile,
    /// Bits in a sample.
    BitDepth,
    /// Layout of samples.
    PixelFormat,
    /// Colour primaries.
    Primaries,
    /// Transfer characteristics.
    Transfer,
    /// Matrix coefficients.
    Matrix,
    /// Range of samples.
    Range,
    /// Progressive, or which field comes first.
    FieldOrder,
    /// Frames in a second.
    FrameRate,
    /// The display that it was graded on.
    MasteringDisplay,
    /// How bright it gets.
    ContentLight,
    /// The presence of Dolby Vision.
    DolbyVision,
    /// Samples of audio in a second.
    SampleRate,
    /// Channels of audio.
    Channels,
    /// The time code of the first frame.
    Timecode,
    /// How long it is.
    Duration,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Subject::Size => "size",
            Subject::SampleAspect => "sample aspect",
            Subject::DisplayAspect => "display aspect",
            Subject::Profile => "profile",
            Subject::BitDepth => "bit depth",
            Subject::PixelFormat => "pixel format",
            Subject::Primaries => "primaries",
            Subject::Transfer => "transfer",
            Subject::Matrix => "matrix",
            Subject::Range => "range",
            Subject::FieldOrder => "field order",
            Subject::FrameRate => "frame rate",
            Subject::MasteringDisplay => "mastering display",
            Subject::ContentLight => "content light",
            Subject::DolbyVision => "Dolby Vision",
            Subject::SampleRate => "sample rate",
            Subject::Channels => "channels",
            Subject::Timecode => "time code",
            Subject::Duration => "duration",
        })
    }
}
