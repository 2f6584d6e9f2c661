//! Data that belongs to a frame in addition to its samples: captions and dynamic HDR metadata.
//!
//! Invariant: extras belong to a numbered frame of the source. They follow that frame when frames are reordered,
//! dropped or duplicated.

use std::sync::Arc;

/// The extras of one frame. An empty field means that the frame has none, or that Trix does not carry it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Closed captions: `cc_data` of CTA-708, three bytes for each construct.
    pub captions: Vec<u8>,
    /// A Dolby Vision reference processing unit (RPU) as the stream carries it, with its emulation prevention bytes.
    pub dolby_vision: Option<Arc<[u8]>>,
    /// An HDR10+ message: user data registered by ITU-T T.35, from the country code on.
    pub hdr10_plus: Option<Arc<[u8]>>,
}

impl Extras {
    /// True if the frame has no extras.
    pub fn is_empty(&self) -> bool {
        self.captions.is_empty() && self.dolby_vision.is_none() && self.hdr10_plus.is_none()
    }
}

/// Number of frames of a track with each kind of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct ExtrasCount {
    /// Frames with closed captions.
    pub captions: u64,
    /// Frames with a reference processing unit of Dolby Vision.
    pub dolby_vision: u64,
    /// Frames with a message of HDR10+.
    pub hdr10_plus: u64,
    /// Frames with a layer of opacity.
    pub alpha_layer: u64,
}

impl ExtrasCount {
    /// The sum of two counts.
    pub fn and(self, other: ExtrasCount) -> Self {
        ExtrasCount {
            captions: self.captions + other.captions,
            alpha_layer: self.alpha_layer + other.alpha_layer,
            dolby_vision: self.dolby_vision + other.dolby_vision,
            hdr10_plus: self.hdr10_plus + other.hdr10_plus,
        }
    }

    /// Counts one more frame.
    pub fn add(&mut self, extras: &Extras) {
        self.captions += u64::from(!extras.captions.is_empty());
        self.dolby_vision += u64::from(extras.dolby_vision.is_some());
        self.hdr10_plus += u64::from(extras.hdr10_plus.is_some());
    }
}
