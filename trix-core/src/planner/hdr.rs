//! Plans HDR metadata: what is carried over, and what a transform would make wrong.

use trix_model::hdr::{DolbyVision, StaticHdr};

use crate::{
    plan::Transform,
    planner::{diagnostics::Diagnostics, frame_request::FrameRequest, video_facts::VideoFacts},
    settings::{picture::DynamicHdr, video::Encoder},
};

/// The decisions about HDR metadata.
pub(super) struct HdrPlan {
    pub(super) hdr: StaticHdr,
    pub(super) dolby_vision: Option<DolbyVision>,
    pub(super) hdr10_plus: bool,
}

pub(super) fn plan(
    request: &FrameRequest<'_>,
    facts: &VideoFacts<'_>,
    transform: &Transform,
    diagnostics: &mut Diagnostics<'_>,
) -> HdrPlan {
    let source = StaticHdr {
        mastering: facts.bitstream_facts.hdr.mastering.or(facts.stream.hdr.mastering),
        light: facts.bitstream_facts.hdr.light.or(facts.stream.hdr.light),
    };
    let same_light = transform.from.transfer == transform.to.transfer
        && transform.from.primaries == transform.to.primaries
        && transform.tonemap.is_none();
    let hdr = if same_light { source } else { StaticHdr::default() };
    if !same_light && source != StaticHdr::default() {
        diagnostics
            .notes
            .push("mastering display and content light are left out: they do not describe what was made".into());
    }
    if facts.stream.is_spherical {
        diagnostics.notes.push("the video is a projection of a sphere; the output does not say so".into());
    }
    HdrPlan {
        hdr,
        dolby_vision: dolby_vision(request, facts, transform, same_light, diagnostics),
        hdr10_plus: hdr10_plus(request, facts, transform, same_light, diagnostics),
    }
}

fn dolby_vision(
    request: &FrameRequest<'_>,
    facts: &VideoFacts<'_>,
    transform: &Transform,
    same_light: bool,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<DolbyVision> {
    let config = facts.stream.dolby_vision;
    if config.is_none() && facts.bitstream_facts.dolby_vision == 0 {
        return None;
    }
    let name = config.map_or("Dolby Vision".to_owned(), |config| config.to_string());
    let size = transform.crop.map_or((facts.width, facts.height), |crop| (crop.width, crop.height));
    let obstacle = if config.is_some_and(|config| config.has_enhancement || config.profile == 7) {
        Some("its enhancement layer would be lost")
    } else if !request.target.is(Encoder::X265) {
        Some("only HEVC carries it")
    } else if facts.stream.codec != "hevc" {
        Some("it is only read from HEVC")
    } else if transform.format.depth != 10 {
        Some("it belongs to 10 bits")
    } else if !same_light || transform.from.range != transform.to.range {
        Some("colour is converted")
    } else if transform.crop.is_some()
        || transform.pad.is_some()
        || !transform.orientation.is_upright()
        || size != (transform.width, transform.height)
    {
        Some("it describes places of the frame, which move")
    } else if facts.bitstream_facts.frames > 0 && facts.bitstream_facts.dolby_vision == 0 {
        Some("the container states it, but the first frames have no units of it")
    } else {
        None
    };
    let policy = request.picture.dynamic_hdr;
    match (obstacle, policy) {
        (None, DynamicHdr::Carry | DynamicHdr::Require) => {
            // A stream without a configuration record has profile 8 if it plays on its own.
            return Some(config.unwrap_or(DolbyVision {
                version: (1, 0),
                profile: 8,
                level: 0,
                has_rpu: true,
                has_enhancement: false,
                has_base: true,
                compatibility: 1,
            }));
        }
        (None, DynamicHdr::Drop) => diagnostics.notes.push(format!("{name} is left out, as asked")),
        (Some(obstacle), DynamicHdr::Require) => {
            diagnostics.mistake("picture.dynamic_hdr", "require", format!("{name} cannot be carried: {obstacle}"));
        }
        (Some(obstacle), _) => diagnostics.notes.push(format!("{name} is left out: {obstacle}")),
    }
    if config.is_some_and(|config| config.compatibility == 0) && policy != DynamicHdr::Require {
        let why = obstacle.unwrap_or("it was asked for");
        let problem = format!("{name} cannot be left out ({why}): its frames have wrong colours without it");
        diagnostics.mistake("picture.dynamic_hdr", "", problem);
    }
    None
}

fn hdr10_plus(
    request: &FrameRequest<'_>,
    facts: &VideoFacts<'_>,
    transform: &Transform,
    same_light: bool,
    diagnostics: &mut Diagnostics<'_>,
) -> bool {
    let obstacle = if !request.target.is(Encoder::X265) {
        Some("only HEVC carries it")
    } else if facts.stream.codec != "hevc" {
        Some("it is only read from HEVC")
    } else if transform.format.depth < 10 {
        Some("it belongs to 10 bits and more")
    } else if !same_light {
        Some("colour is converted")
    } else if transform.crop.is_some() || transform.pad.is_some() || !transform.orientation.is_upright() {
        Some("it describes places of the frame, which move")
    } else {
        None
    };
    let policy = request.picture.dynamic_hdr;
    let is_kept = obstacle.is_none() && policy != DynamicHdr::Drop;
    if !is_kept && facts.bitstream_facts.hdr10_plus > 0 {
        match obstacle {
            Some(obstacle) if policy == DynamicHdr::Require => {
                diagnostics.mistake("picture.dynamic_hdr", "require", format!("HDR10+ cannot be carried: {obstacle}"));
            }
            Some(obstacle) => diagnostics.notes.push(format!("HDR10+ is left out: {obstacle}")),
            None => diagnostics.notes.push("HDR10+ is left out, as asked".into()),
        }
    }
    // Carry them even if none was seen yet: they may begin later.
    is_kept
}
