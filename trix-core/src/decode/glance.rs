//! A look at the first pictures of a stream: what the bitstream itself says, whatever its container claims.
//!
//! Invariant: a glance judges nothing and fails nothing; damage is the business of those who decode for good.

use serde::Serialize;

use crate::{
    ffi::{
        codec::{Decoder, Output},
        pixel::PixelFormat,
        stream::StreamFacts,
    },
    media::{color::Color, hdr::StaticHdr, time::Rational},
    source::Source,
};

/// What the first pictures of a stream say by themselves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Glance {
    /// How many pictures were looked at.
    pub pictures: u64,
    /// Samples in a row, of the first picture.
    pub width: usize,
    /// Rows, of the first picture.
    pub height: usize,
    /// Layout of samples in memory.
    pub pixel_format: Option<PixelFormat>,
    /// Width of a sample by its height; absent where the bitstream does not say.
    pub sample_aspect: Option<Rational>,
    /// How samples mean colour.
    pub color: Color,
    /// Static HDR metadata.
    pub hdr: StaticHdr,
    /// Pictures with dynamic metadata of HDR10+.
    pub hdr10_plus: u64,
    /// Pictures with a reference processing unit of Dolby Vision.
    pub dolby_vision: u64,
    /// Pictures with closed captions.
    pub captions: u64,
    /// Pictures that are flagged as two fields.
    pub interlaced: u64,
    /// Of these, pictures whose upper field is shown first.
    pub top_first: u64,
    /// Pictures with a repeated field, as film in 60 fields a second has.
    pub repeated_fields: u64,
}

/// Pictures that a glance decodes: more than a closed group of two seconds needs to show its metadata, few enough to
/// take no time.
pub const PICTURES: u64 = 24;

/// Decodes up to [`PICTURES`] pictures of stream `facts` of a second reading of `source`; `None` when there is no
/// decoder or nothing can be decoded.
pub(crate) fn glance(source: &Source, facts: &StreamFacts) -> Option<Glance> {
    at_most(source, facts, PICTURES)
}

/// The same for up to `pictures`.
pub(crate) fn at_most(source: &Source, facts: &StreamFacts, pictures: u64) -> Option<Glance> {
    let mut again = source.reopen().ok()?;
    let pixels = source.limits().pixels;
    let mut decoder = Decoder::open(&facts.parameters.without_claims(), facts.time_base, 0, pixels).ok()?;
    let mut found = Glance::default();
    let mut bytes = 0;
    // Beyond what was read to recognise the streams, a glance becomes a stare.
    let limit = source.limits().probe_bytes.saturating_mul(2);
    while found.pictures < pictures {
        let packet = again.read().ok().flatten().filter(|_| bytes < limit);
        if let Some(packet) = &packet {
            bytes += packet.data().len() as u64;
            if packet.stream() != facts.index {
                continue;
            }
        }
        let _ = decoder.send(packet.as_ref());
        while let Ok(Output::Item(frame)) = decoder.receive() {
            if found.pictures == 0 {
                (found.width, found.height) = (frame.width(), frame.height());
                found.pixel_format = frame.pixel_format();
                found.sample_aspect = Some(frame.sample_aspect()).filter(|aspect| aspect.is_positive());
                found.color = frame.color();
            }
            found.pictures += 1;
            let hdr = frame.hdr();
            found.hdr.mastering = found.hdr.mastering.or(hdr.mastering);
            found.hdr.light = found.hdr.light.or(hdr.light);
            found.hdr10_plus += u64::from(frame.has_hdr10_plus());
            found.dolby_vision += u64::from(frame.dolby_vision_rpu().is_some());
            found.captions += u64::from(frame.captions().is_some());
            found.interlaced += u64::from(frame.is_interlaced());
            found.top_first += u64::from(frame.is_interlaced() && frame.is_top_field_first());
            found.repeated_fields += u64::from(frame.repeated_fields() > 0);
        }
        if packet.is_none() {
            break;
        }
    }
    (found.pictures > 0).then_some(found)
}
