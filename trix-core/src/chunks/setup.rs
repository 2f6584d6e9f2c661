//! How the encoder of one chunk is set up, apart from what the plan says.
//!
//! Invariant: the streams of all chunks of an encode have equal parameter sets.

use serde::{Deserialize, Serialize};
use trix_model::{
    error::Result,
    plan::{EncodeId, VideoPlan},
    settings::video::Encoder,
};

use super::store::ChunkKey;
use crate::encode::video;

/// How the encoder of one chunk is set up, apart from what the plan says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setup {
    /// Which of two passes it is; `None` for an encode with one.
    pub(super) pass: Option<ChunkPass>,
    /// How full the buffer of a decoder is when the chunk begins, in thousandths; `None` if it is as full as at the start of a film.
    pub(super) fullness: Option<u32>,
}

/// One of two passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChunkPass {
    /// Finds out how many bits the frames need at a constant quality.
    First,
    /// Gives the chunk its share of the bits of the film.
    Second {
        /// The bit rate.
        kbps: u32,
    },
}

/// A chunk of an encode that has to be made.
#[derive(Clone, Debug)]
pub(crate) struct ChunkTask {
    pub(crate) id: EncodeId,
    pub(crate) setup: Setup,
    /// The entry that it becomes.
    pub(super) key: ChunkKey,
    /// The entry of the first of two passes.
    pub(super) first_pass: Option<ChunkKey>,
}

/// Options of the buffer of a decoder.
const BUFFER: [&str; 3] = ["vbv-maxrate", "vbv-bufsize", "vbv-init"];

impl Setup {
    /// The first of two passes.
    pub(super) fn first_pass() -> Self {
        Setup { pass: Some(ChunkPass::First), fullness: None }
    }

    /// The second of two passes.
    pub(super) fn second_pass(kbps: u32) -> Self {
        Setup { pass: Some(ChunkPass::Second { kbps }), fullness: None }
    }

    /// The bit rate of the second of two passes.
    pub(super) fn kbps(self) -> Option<u32> {
        match self.pass {
            Some(ChunkPass::Second { kbps }) => Some(kbps),
            _ => None,
        }
    }

    /// True for the first of two passes.
    pub(super) fn is_first_pass(self) -> bool {
        self.pass == Some(ChunkPass::First)
    }

    /// The plan of the encoder of the chunk.
    ///
    /// # Errors
    /// Those of opening an encoder.
    pub(super) fn video(self, plan: &VideoPlan) -> Result<VideoPlan> {
        let mut own = plan.clone();
        match self.pass {
            None => {}
            Some(ChunkPass::First) => {
                let crf = likely_crf(plan);
                own.options.retain(|(name, _)| name != "bitrate" && !BUFFER.contains(&name.as_str()));
                own.options.push(("crf".to_owned(), format!("{crf:.1}")));
            }
            Some(ChunkPass::Second { kbps }) => {
                video::settle_parameter_sets(&mut own)?;
                own.options.iter_mut().filter(|(name, _)| name == "bitrate").for_each(|own| own.1 = kbps.to_string());
            }
        }
        if let Some(fullness) = self.fullness {
            own.options.retain(|(name, _)| name != "vbv-init");
            own.options.push(("vbv-init".to_owned(), format!("{:.3}", f64::from(fullness) / 1000.0)));
        }
        Ok(own)
    }
}

/// The bit rate that an encode is to have, in kbit/s, if it is to have one.
pub(super) fn wanted_kbps(plan: &VideoPlan) -> Option<f64> {
    let own = plan.options.iter().rev().find(|(name, _)| name == "bitrate");
    own.and_then(|(_, value)| value.parse().ok())
}

/// A constant quality with which usual films have about the bit rate of `plan`. The first pass needs no more: its statistics are
/// converted to the right one.
fn likely_crf(plan: &VideoPlan) -> f64 {
    // The default quality, and a rough guess at the bits for each pixel that a film takes at it.
    let (usual, bits) = if plan.encoder == Encoder::X265 { (28.0, 0.04) } else { (23.0, 0.09) };
    let pixels = (plan.width * plan.height) as f64 * plan.rate.num as f64 / plan.rate.den as f64;
    let own = wanted_kbps(plan).unwrap_or(0.0).max(1.0) * 1000.0 / pixels.max(1.0);
    // Six steps halve the bit rate.
    (usual - 6.0 * (own / bits).log2()).clamp(10.0, 40.0)
}
