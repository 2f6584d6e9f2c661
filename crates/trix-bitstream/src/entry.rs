//! Where decoding can begin in mid-stream, so that every frame that is shown from there on comes out as if decoding had
//! begun at the start of the stream.
//!
//! Invariant: a packet counts as an entry only if its own bytes show it.

use std::collections::BTreeSet;

use crate::{
    messages::each_message,
    nal::{self, Framing, NalCodec},
};

/// Recognises entries among the packets of one stream, which it is shown from the first on.
pub struct Entries {
    kind: Kind,
    /// Parameter sets that hold from the start, each as a whole unit.
    sets: BTreeSet<Vec<u8>>,
    /// True if a parameter set came that was not there at the start.
    varies: bool,
    /// Messages of the first packet that hold until others come.
    lasting: BTreeSet<usize>,
    begun: bool,
}

/// How the packets of a codec show where decoding can begin.
enum Kind {
    /// Every packet is whole in itself.
    Each,
    /// The container's mark counts: such a frame makes a decoder forget all that was before.
    Marked,
    Nal(NalCodec, Framing),
    Mpeg,
    Unknown,
}

/// `recovery_point` (H.264 D.1.8).
const RECOVERY: usize = 6;

/// `mastering_display_colour_volume` and `content_light_level_info` (H.265 D.2.28 and D.2.35),
/// `alternative_transfer_characteristics` (D.2.38), `ambient_viewing_environment` (D.2.39).
const LASTING: [usize; 4] = [137, 144, 147, 148];

impl Entries {
    /// For a stream of `codec` (FFmpeg's name) with this codec-specific data; `each` says that every packet of the codec
    /// is whole in itself.
    pub fn new(codec: &str, extradata: &[u8], each: bool) -> Self {
        let nal = NalCodec::from_name(codec);
        let kind = match (nal, codec) {
            (Some(nal), _) => Kind::Nal(nal, nal.framing(extradata)),
            (None, "mpeg1video" | "mpeg2video") => Kind::Mpeg,
            (None, "png") => Kind::Each,
            (None, _) if each => Kind::Each,
            (None, "ffv1" | "av1" | "vp8" | "vp9" | "mpeg4" | "h263" | "flv1" | "msmpeg4v3") => Kind::Marked,
            (None, _) => Kind::Unknown,
        };
        let sets = nal.map_or_else(Vec::new, |nal| nal.parameter_sets(extradata));
        Entries {
            kind,
            sets: sets.into_iter().map(<[u8]>::to_vec).collect(),
            varies: false,
            lasting: BTreeSet::new(),
            begun: false,
        }
    }

    /// True if entries of the codec can be recognised.
    pub fn are_known(&self) -> bool {
        !matches!(self.kind, Kind::Unknown)
    }

    /// True if decoding can begin with the next packet, `data`: every frame that is shown with its frame or later is
    /// whole. Frames that follow it in the stream and are shown before it may not be. `is_key` says that the container
    /// marks it as a keyframe.
    pub fn push(&mut self, data: &[u8], is_key: bool) -> bool {
        let begins = !std::mem::replace(&mut self.begun, true);
        match self.kind {
            Kind::Each => true,
            Kind::Marked => is_key,
            Kind::Unknown => false,
            Kind::Mpeg => is_whole_mpeg(data),
            Kind::Nal(codec, framing) => self.is_nal_entry(codec, &nal::units(data, framing), begins),
        }
    }

    fn is_nal_entry(&mut self, codec: NalCodec, units: &[&[u8]], begins: bool) -> bool {
        let mut has_sequence = false;
        for unit in units.iter().filter(|unit| codec.is_parameter_set(unit) && !is_of_second_layer(codec, unit)) {
            has_sequence |= codec.is_sequence_set(unit);
            if !self.sets.contains(*unit) {
                // Those of the first packet hold from the start as those beside the stream do.
                match begins {
                    true => drop(self.sets.insert(unit.to_vec())),
                    false => self.varies = true,
                }
            }
        }
        let (mut full, mut open, mut messages) = (false, false, BTreeSet::new());
        for unit in units {
            let Some(first) = unit.first() else { continue };
            match codec {
                NalCodec::H264 => match first & 0x1f {
                    5 => full = true,
                    6 => each_message(&unit[1..], |kind, body| {
                        // No frame to wait for, and an exact match: two bits that are set.
                        open |= kind == RECOVERY && body.first().is_some_and(|bits| bits & 0xc0 == 0xc0);
                    }),
                    _ => {}
                },
                NalCodec::Hevc if is_of_second_layer(codec, unit) => {}
                NalCodec::Hevc => match (first >> 1) & 0x3f {
                    16..=21 => full = true,
                    39 | 40 => each_message(unit.get(2..).unwrap_or_default(), |kind, _| {
                        messages.extend(LASTING.contains(&kind).then_some(kind));
                    }),
                    _ => {}
                },
            }
        }
        if begins {
            self.lasting.clone_from(&messages);
        }
        (full || open) && (has_sequence || !self.varies) && self.lasting.is_subset(&messages)
    }
}

/// True if a unit is of a second layer, whose parameter sets and messages mean nothing to a decoder of the first.
fn is_of_second_layer(codec: NalCodec, unit: &[u8]) -> bool {
    codec == NalCodec::Hevc && matches!(unit, [first, second, ..] if first & 1 != 0 || second >> 3 != 0)
}

/// True if a packet of MPEG-1 or MPEG-2 holds an intra-coded frame, or its first field, behind a sequence header
/// (ISO/IEC 13818-2, 6.2.2.1 and 6.2.3: `picture_coding_type` follows ten bits of `temporal_reference`).
fn is_whole_mpeg(data: &[u8]) -> bool {
    let mut has_sequence = false;
    let mut at = 0;
    while let Some(found) = data.get(at..).and_then(|rest| rest.windows(3).position(|three| three == [0, 0, 1])) {
        at += found + 3;
        match data.get(at) {
            Some(0xb3) => has_sequence = true,
            Some(0) => return has_sequence && data.get(at + 2).is_some_and(|byte| byte >> 3 & 7 == 1),
            // Slices: there is no frame header before them.
            Some(1..=0xaf) | None => return false,
            Some(_) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
    }

    #[test]
    fn entries_of_h264_are_idr_and_exact_recovery_points() {
        let (sps, pps): (&[u8], &[u8]) = (&[0x67, 1, 2, 3], &[0x68, 9]);
        let mut entries = Entries::new("h264", &[], false);
        assert!(entries.push(&packet(&[sps, pps, &[0x65, 1]]), true));
        assert!(!entries.push(&packet(&[&[0x41, 1]]), false));
        assert!(!entries.push(&packet(&[&[0x41, 1]]), true), "a mark alone");
        // recovery_frame_cnt 0 and exact_match_flag; frames to wait for; no exact match.
        assert!(entries.push(&packet(&[&[0x06, 6, 1, 0xc4, 0x80], &[0x41, 1]]), true));
        assert!(!entries.push(&packet(&[&[0x06, 6, 2, 0x04, 0x20, 0x80], &[0x41, 1]]), true));
        assert!(!entries.push(&packet(&[&[0x06, 6, 1, 0x84, 0x80], &[0x41, 1]]), true));
        // Another parameter set comes: from now on only packets that bring their own can be entries.
        assert!(!entries.push(&packet(&[&[0x68, 7], &[0x41, 1]]), false));
        assert!(!entries.push(&packet(&[&[0x65, 1]]), true));
        assert!(entries.push(&packet(&[sps, pps, &[0x65, 1]]), true));
    }

    #[test]
    fn entries_of_hevc_bring_the_messages_that_last() {
        let display: &[u8] = &[39 << 1, 1, 137, 2, 1, 1, 0x80];
        let mut entries = Entries::new("hevc", &[], false);
        assert!(entries.push(&packet(&[display, &[20 << 1, 1, 7]]), true));
        assert!(!entries.push(&packet(&[&[21 << 1, 1, 7]]), true), "without its mastering display");
        assert!(entries.push(&packet(&[display, &[21 << 1, 1, 7]]), true));
        assert!(!entries.push(&packet(&[display, &[1 << 1, 1, 7]]), true), "no random access point");
        assert!(!entries.push(&packet(&[display, &[21 << 1, 1 << 3 | 1, 7]]), true), "of another layer");
    }

    #[test]
    fn entries_of_mpeg2_are_intra_frames_behind_a_sequence_header() {
        let header = |kind: u8| [0, 0, 1, 0, 0, kind << 3, 0, 0, 0, 0, 1, 1, 9];
        let sequence = [0, 0, 1, 0xb3, 45, 2, 64, 0, 0, 1, 0xb8, 0, 0, 0, 0];
        let mut entries = Entries::new("mpeg2video", &[], false);
        assert!(entries.push(&[&sequence[..], &header(1)].concat(), true));
        assert!(!entries.push(&[&sequence[..], &header(2)].concat(), true));
        assert!(!entries.push(&header(1), true));
    }

    #[test]
    fn codecs_that_are_unknown_have_no_entries() {
        assert!(Entries::new("prores", &[], true).push(&[1], false));
        assert!(Entries::new("vp9", &[], false).push(&[1], true));
        let mut unknown = Entries::new("svq3", &[], false);
        assert!(!unknown.are_known() && !unknown.push(&[1], true));
    }
}
