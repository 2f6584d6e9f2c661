//! Identifies the dynamic range: SDR, or one of the HDR formats.
//!
//! Invariant: a format is named only if the file contains its metadata. PQ without metadata is not called HDR10.

use std::fmt;

use serde::{Deserialize, Serialize};
use trix_av::stream::StreamFacts;
use trix_model::{
    color::{Color, Transfer},
    hdr::{ContentLight, DolbyVision, MasteringDisplay},
};

use crate::reading::bitstream_facts::BitstreamFacts;

/// SMPTE ST 2084 (H.273 table 3).
const PQ: Transfer = Transfer(16);
/// ARIB STD-B67 (H.273 table 3).
const HLG: Transfer = Transfer(18);

/// A kind of high dynamic range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HdrFormat {
    /// Dolby Vision: reference processing units with the frames.
    DolbyVision,
    /// HDR10 with dynamic metadata (SMPTE ST 2094-40).
    Hdr10Plus,
    /// PQ with the mastering display or the content light level.
    Hdr10,
    /// PQ without either.
    Pq,
    /// Hybrid log-gamma.
    Hlg,
}

/// High dynamic range of a stream, from its container and its first frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HdrInfo {
    /// In words: `Dolby Vision profile 8.1, level 3, over HDR10`.
    pub summary: String,
    /// Every kind that a player can show it as, the richest first.
    pub formats: Vec<HdrFormat>,
    /// The display that it was graded on.
    pub mastering_display: Option<MasteringDisplay>,
    /// How bright it gets.
    pub content_light: Option<ContentLight>,
    /// The configuration record of Dolby Vision in the container; absent also where only the frames carry it.
    pub dolby_vision: Option<DolbyVision>,
}

impl fmt::Display for HdrFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HdrFormat::DolbyVision => "Dolby Vision",
            HdrFormat::Hdr10Plus => "HDR10+",
            HdrFormat::Hdr10 => "HDR10",
            HdrFormat::Pq => "PQ without static metadata",
            HdrFormat::Hlg => "HLG",
        })
    }
}

/// The HDR properties that `facts` and the first frames state. `None` for SDR. `color` is the colour that decoders use.
pub(super) fn of(facts: &StreamFacts, bitstream_facts: Option<&BitstreamFacts>, color: Color) -> Option<HdrInfo> {
    let seen = bitstream_facts.map(|bitstream_facts| bitstream_facts.hdr).unwrap_or_default();
    let (mastering, light) = (seen.mastering.or(facts.hdr.mastering), seen.light.or(facts.hdr.light));
    let mut formats = Vec::new();
    if facts.dolby_vision.is_some() || bitstream_facts.is_some_and(|bitstream_facts| bitstream_facts.dolby_vision > 0) {
        formats.push(HdrFormat::DolbyVision);
    }
    if color.transfer == PQ {
        if bitstream_facts.is_some_and(|bitstream_facts| bitstream_facts.hdr10_plus > 0) {
            formats.push(HdrFormat::Hdr10Plus);
        }
        formats.push(if mastering.is_some() || light.is_some() { HdrFormat::Hdr10 } else { HdrFormat::Pq });
    } else if color.transfer == HLG {
        formats.push(HdrFormat::Hlg);
    }
    let first = *formats.first()?;
    let mut summary = match (first, facts.dolby_vision) {
        (HdrFormat::DolbyVision, Some(config)) => config.to_string(),
        (HdrFormat::DolbyVision, None) => {
            match bitstream_facts.and_then(|bitstream_facts| bitstream_facts.dolby_vision_profile) {
                Some(profile) => format!("Dolby Vision profile {profile}, by its processing units alone"),
                None => "Dolby Vision of an unknown profile".to_owned(),
            }
        }
        (other, _) => other.to_string(),
    };
    if let (HdrFormat::DolbyVision, Some(base)) = (first, formats.get(1)) {
        summary = format!("{summary}, over {base}");
    }
    Some(HdrInfo {
        summary,
        formats,
        mastering_display: mastering,
        content_light: light,
        dolby_vision: facts.dolby_vision,
    })
}
