//! Checks the metadata of video besides its samples: orientation, HDR, fields.
//!
//! Invariant: metadata of the container is read from the container. Metadata of the bitstream is parsed there, or read
//! by a decoder that has no data from the container.

use trix_av::{packet::Packet, stream::StreamFacts};
use trix_bitstream::{
    nal::{self, NalCodec},
    sei,
};
use trix_model::{frame_facts::FieldOrder, orientation::Orientation, time::Rational};

use super::checks::Checks;
use crate::{
    plan::VideoPlan,
    reading::bitstream_facts,
    settings::{job::Container, video::Encoder},
    source::Source,
};

/// Compares the video track `facts` of `file` with `plan`. `name` builds the name of a check of this track.
pub(super) fn check(
    checks: &mut Checks,
    name: &dyn Fn(&str) -> String,
    plan: &VideoPlan,
    container: Container,
    file: &Source,
    facts: &StreamFacts,
) {
    let words = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    let found = facts.display_matrix.as_ref().map_or(Some(Orientation::default()), Orientation::from_matrix);
    checks.equal(&name("orientation"), plan.orientation.to_string(), words(found.map(|found| found.to_string())));
    // In the units in which they are written.
    let mastering = plan.hdr.mastering.map(|display| display.as_option());
    let light = plan.hdr.light.map(|light| light.to_string());
    if holds_hdr(container) {
        let found = facts.hdr.mastering.map(|display| display.as_option());
        checks.equal(&name("mastering display"), words(mastering.clone()), words(found));
        let found = facts.hdr.light.map(|light| light.to_string());
        checks.equal(&name("content light"), words(light.clone()), words(found));
    }
    if let Some(config) = plan.dolby_vision.filter(|_| matches!(container, Container::Mp4 | Container::Matroska)) {
        let found = facts.dolby_vision.map(|found| found.to_string());
        checks.equal(&name("Dolby Vision"), config.to_string(), words(found));
    }
    if let Some(codec) = NalCodec::from_name(&facts.codec) {
        let framing = codec.framing(facts.parameters.extradata());
        let first = first_packet(file, facts.index);
        let (found_mastering, found_light) =
            first.map_or((None, None), |packet| sei::static_hdr(&nal::units(packet.data(), framing), codec));
        let list = |steps: &[u32]| steps.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        let expected = plan.hdr.mastering.map(|display| list(&display.in_steps()));
        let found = found_mastering.map(|steps| list(&steps));
        checks.equal(&name("mastering display in the bitstream"), words(expected), words(found));
        // Zero means unknown (CTA-861.3, annex A). x265 writes it with a mastering display.
        let is_set = |levels: &[u32; 2]| *levels != [0, 0];
        let expected = plan.hdr.light.map(|light| [light.max, light.max_average]).filter(is_set);
        let (expected, found) =
            (expected.map(|levels| list(&levels)), found_light.filter(is_set).map(|found| list(&found)));
        checks.equal(&name("content light in the bitstream"), words(expected), words(found));
    }
    // Two frames are needed for interlaced streams whose first packet is a single field.
    let Some(bitstream_facts) = bitstream_facts::at_most(file, facts, 2) else { return };
    if NalCodec::from_name(&facts.codec).is_some() {
        let square = Rational::new(1, 1);
        let expected = Some(plan.sample_aspect).filter(|aspect| aspect.is_positive()).unwrap_or(square);
        checks.equal(
            &name("sample aspect in the bitstream"),
            expected,
            bitstream_facts.sample_aspect.unwrap_or(square),
        );
    }
    // No decoder of libavcodec 59 reports the fields of HEVC, which stand in an SEI message.
    if plan.encoder != Encoder::X265 {
        let order = |order| if order == FieldOrder::Top { "upper field first" } else { "lower field first" };
        let found = match (bitstream_facts.interlaced, bitstream_facts.top_first, facts.field_order) {
            (0, _, "tt" | "bt") => "upper field first",
            (0, _, "bb" | "tb") => "lower field first",
            (0, _, _) => "none",
            (interlaced, top, _) if top == interlaced => "upper field first",
            (_, 0, _) => "lower field first",
            _ => "both orders",
        };
        checks.equal(&name("fields"), plan.fields.map_or("none", order), found);
    }
}

fn first_packet(file: &Source, stream: usize) -> Option<Packet> {
    let mut again = file.reopen().ok()?;
    loop {
        let packet = again.read().ok()??;
        if packet.stream() == stream {
            return Some(packet);
        }
    }
}

/// True if libavformat writes static HDR metadata into the container.
fn holds_hdr(container: Container) -> bool {
    matches!(container, Container::Mp4 | Container::Mov | Container::Matroska)
}
