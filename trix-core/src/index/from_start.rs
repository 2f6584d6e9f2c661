//! Why a decode begins at the start of a source.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a decode does not begin near the frame that is wanted, but at the start of the source: what comes out is the same,
/// and takes longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FromStart {
    /// It is unknown where decoding of the codec can begin.
    Codec,
    /// Frames carry no times, or two carry the same.
    Times,
    /// The source is damaged in front of the frame.
    Damaged,
    /// The source begins in mid-group, so that what comes out first is only known when it is decoded.
    MidGroup,
    /// Between the start and the frame there is no other place at which decoding can begin: the frame is in the first
    /// group, or the stream renews its frames piece by piece (intra refresh).
    NoEntry,
    /// The stream changes its configuration in front of the frame.
    Reconfigured,
    /// The source is planes without a header, or several files.
    Plain,
}

impl fmt::Display for FromStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FromStart::Codec => "it is unknown where decoding of this codec can begin",
            FromStart::Times => "its frames carry no times of their own",
            FromStart::Damaged => "the source is damaged before that",
            FromStart::MidGroup => "the source begins in mid-group",
            FromStart::NoEntry => "that is the last place before it at which decoding can begin",
            FromStart::Reconfigured => "the stream changes its configuration before that",
            FromStart::Plain => "the source is no container",
        })
    }
}
