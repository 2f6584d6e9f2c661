//! `AVPixelFormat` as a value, with the properties that libavutil knows.

use std::{borrow::Cow, ffi::c_int, fmt};

use ffmpeg_sys_next as av;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use trix_model::format::{Chroma, FrameFormat};

use super::{c_string, check};

/// Any pixel format that libavutil has a name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PixelFormat(pub c_int);

impl PixelFormat {
    /// The format that FFmpeg calls `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        let format = named(name) as c_int;
        (format >= 0).then_some(PixelFormat(format))
    }

    /// This format as a value of libavutil's enumeration. `AV_PIX_FMT_NONE` if libavutil does not know it.
    pub(crate) fn to_av(self) -> av::AVPixelFormat {
        named(&self.name())
    }

    /// The format with this libav number. `None` if libavutil does not know it.
    pub fn from_raw(format: c_int) -> Option<Self> {
        let this = PixelFormat(format);
        this.descriptor().is_some().then_some(this)
    }

    pub(crate) fn descriptor(self) -> Option<&'static av::AVPixFmtDescriptor> {
        // Walk the table instead of transmuting: an unchecked integer from a file must not become a Rust enum.
        let mut descriptor = std::ptr::null();
        loop {
            // SAFETY: the call takes null or the previous descriptor. Descriptors are static.
            let found = unsafe {
                descriptor = av::av_pix_fmt_desc_next(descriptor);
                descriptor.as_ref()?
            };
            // SAFETY: the descriptor is in libavutil's table.
            if unsafe { av::av_pix_fmt_desc_get_id(descriptor) } as c_int == self.0 {
                return Some(found);
            }
        }
    }

    /// FFmpeg's name.
    pub fn name(self) -> Cow<'static, str> {
        match self.descriptor() {
            // SAFETY: descriptors hold static strings.
            Some(descriptor) => unsafe { super::text(descriptor.name) }.unwrap_or_default().into(),
            None => format!("unknown({})", self.0).into(),
        }
    }

    /// Size in bytes of a frame whose planes have no padding. `None` if it exceeds libavutil's limit.
    pub fn image_bytes(self, width: u32, height: u32) -> Option<u64> {
        let (width, height) = (c_int::try_from(width).ok()?, c_int::try_from(height).ok()?);
        // SAFETY: the call takes any format and any size, and rejects those that cannot exist.
        let bytes = check(unsafe { av::av_image_get_buffer_size(self.to_av(), width, height, 1) }).ok()?;
        u64::try_from(bytes).ok().filter(|bytes| *bytes > 0)
    }

    /// Bits per sample of the first component.
    pub fn depth(self) -> u32 {
        self.descriptor().map_or(0, |descriptor| descriptor.comp[0].depth.max(0) as u32)
    }

    fn has(self, flag: u32) -> bool {
        self.descriptor().is_some_and(|descriptor| descriptor.flags & u64::from(flag) != 0)
    }

    /// True if samples are red, green and blue, or indices into a palette of such colours.
    pub fn is_rgb(self) -> bool {
        self.has((av::AV_PIX_FMT_FLAG_RGB | av::AV_PIX_FMT_FLAG_PAL) as u32)
    }

    /// True if samples are indices into a palette.
    pub fn is_palette(self) -> bool {
        self.has(av::AV_PIX_FMT_FLAG_PAL as u32)
    }

    /// True if there is an alpha channel.
    pub fn has_alpha(self) -> bool {
        self.has(av::AV_PIX_FMT_FLAG_ALPHA as u32)
    }

    /// True if frames are stored in the memory of a device.
    pub fn is_hardware(self) -> bool {
        self.has(av::AV_PIX_FMT_FLAG_HWACCEL as u32)
    }

    /// True if libavutil's name implies full range (such as `yuvj420p`).
    pub fn is_full_range_variant(self) -> bool {
        self.name().starts_with("yuvj")
    }

    /// Binary logarithm of the horizontal and vertical subsampling of chroma.
    pub fn chroma_shift(self) -> (u32, u32) {
        self.descriptor().map_or((0, 0), |found| (found.log2_chroma_w.into(), found.log2_chroma_h.into()))
    }

    /// The chroma subsampling that keeps all chroma of this format, for YCbCr and grey formats. 4:1:1 counts as 4:2:2,
    /// 4:1:0 as 4:2:0 and 4:4:0 as 4:4:4.
    pub fn chroma(self) -> Option<Chroma> {
        let descriptor = self.descriptor()?;
        if self.is_rgb() || self.is_bayer() {
            return None;
        }
        // Grey has one component, and a second one for alpha.
        if descriptor.nb_components < 3 {
            return Some(Chroma::C400);
        }
        match self.chroma_shift() {
            (0, _) => Some(Chroma::C444),
            (_, 0) => Some(Chroma::C422),
            _ => Some(Chroma::C420),
        }
    }

    /// The usual name of a chroma subsampling that [`Chroma`] has no value for.
    pub fn odd_chroma(self) -> Option<&'static str> {
        match self.chroma_shift() {
            (2, 0) => Some("4:1:1"),
            (2, 2) => Some("4:1:0"),
            (0, 1) => Some("4:4:0"),
            _ => None,
        }
    }

    /// True if samples are X, Y and Z of digital cinema (SMPTE ST 428-1).
    pub fn is_xyz(self) -> bool {
        self.name().starts_with("xyz")
    }

    fn is_bayer(self) -> bool {
        self.has(av::AV_PIX_FMT_FLAG_BAYER as u32)
    }

    /// Why frames of this format cannot be converted. `None` if they can.
    pub fn obstacle(self) -> Option<&'static str> {
        if self.is_hardware() {
            Some("they live in the memory of a device")
        } else if self.is_bayer() {
            Some("each is what a sensor saw behind its colour filters, and has to be developed first")
        } else {
            None
        }
    }

    /// The samples of this format, however they are packed, as planes of 8 to 16 bits. Floating point counts as 16
    /// bits. A palette counts as opaque; the frames themselves state whether it is. `None` if there is an
    /// [`Self::obstacle`].
    pub fn samples(self) -> Option<FrameFormat> {
        if self.obstacle().is_some() {
            return None;
        }
        // Floating-point grey has no matching YCbCr planes. X, Y and Z become linear red, green and blue.
        let rgb = self.is_rgb() || self.is_float() || self.is_xyz();
        let chroma = if rgb { Chroma::C444 } else { self.chroma()? };
        let depth = if self.is_float() { 16 } else { self.depth().clamp(8, 16) };
        Some(FrameFormat { chroma, depth, rgb, alpha: self.has_alpha() && !self.is_palette() })
    }

    /// The planar format in native byte order that replaces this format in filters without loss. A palette becomes RGB,
    /// with alpha if `clear`. Grey gets chroma planes. X, Y and Z become linear light. Returns `self` if filters take
    /// the format as it is.
    pub fn planar(self, clear: bool) -> Option<PixelFormat> {
        let samples = self.samples()?;
        let alpha = samples.alpha || (clear && self.is_palette());
        if self.is_float() || self.is_xyz() {
            return PixelFormat::from_name(if alpha { "gbrapf32le" } else { "gbrpf32le" });
        }
        if samples.rgb {
            // zimg's filter takes RGB with alpha at 8 and 16 bits.
            let depth = if alpha && samples.depth > 8 { 16 } else { samples.depth };
            let planes = FrameFormat { depth, alpha, ..samples };
            return PixelFormat::from_name(&planes.name());
        }
        // It takes YCbCr with alpha at 8, 9, 10 and 16 bits.
        let depth = if alpha && samples.depth > 10 { 16 } else { samples.depth };
        let chroma = match self.chroma_shift() {
            _ if samples.chroma == Chroma::C400 => "444",
            (0, 0) => "444",
            (0, _) => "440",
            (1, 0) => "422",
            (_, 0) => "411",
            (1, _) => "420",
            _ => "410",
        };
        let alpha = if alpha { "a" } else { "" };
        let plain = match depth {
            8 => format!("yuv{alpha}{chroma}p"),
            _ => format!("yuv{alpha}{chroma}p{depth}le"),
        };
        let is_variant = self.is_full_range_variant() && self.name().replacen("yuvj", "yuv", 1) == plain;
        if is_variant { Some(self) } else { PixelFormat::from_name(&plain) }
    }

    /// [`Self::planar`] for frames that become `format`. zimg's filter converts alpha between depths like limited-range
    /// luma, which is exact only at 16 bits.
    pub fn planar_for(self, format: FrameFormat, clear: bool) -> Option<PixelFormat> {
        let planar = self.planar(clear)?;
        let same = !planar.is_float() && planar.depth() == format.depth;
        if !format.alpha || !planar.has_alpha() || same {
            return Some(planar);
        }
        let samples = planar.samples()?;
        PixelFormat::from_name(&FrameFormat { depth: 16, ..samples }.name())
    }

    /// This format as planes in native byte order, if it is one. Encoders and quality metrics take such frames as they
    /// are.
    pub fn frame(self) -> Option<FrameFormat> {
        let format = self.samples()?;
        let name = self.name();
        (name == format.name() || name.replacen("yuvj", "yuv", 1) == format.name()).then_some(format)
    }

    /// True if samples are floating-point numbers.
    pub fn is_float(self) -> bool {
        self.has(av::AV_PIX_FMT_FLAG_FLOAT as u32)
    }
}

/// The format that FFmpeg calls `name`. `AV_PIX_FMT_NONE` if there is none.
fn named(name: &str) -> av::AVPixelFormat {
    let name = c_string(name);
    // SAFETY: the string lives during the call.
    unsafe { av::av_get_pix_fmt(name.as_ptr()) }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl Serialize for PixelFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for PixelFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let unknown = || D::Error::custom(format_args!("libavutil knows no pixel format '{name}'"));
        PixelFormat::from_name(&name).ok_or_else(unknown)
    }
}

impl schemars::JsonSchema for PixelFormat {
    fn schema_name() -> Cow<'static, str> {
        "PixelFormat".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["yuv422p10le"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_format_is_one_that_libavutil_knows_the_same_way() {
        for chroma in Chroma::ALL {
            for depth in [8, 10, 12] {
                let format = FrameFormat::ycbcr(chroma, depth);
                let pixel = PixelFormat::from_name(&format.name()).expect("libavutil knows the name");
                assert_eq!(pixel.frame(), Some(format));
            }
        }
    }

    #[test]
    fn rgb_and_alpha_are_known_the_same_way_too() {
        for (rgb, alpha, depth) in [(true, false, 8), (true, true, 12), (false, true, 10), (true, false, 16)] {
            let format = FrameFormat { chroma: Chroma::C444, depth, rgb, alpha };
            let pixel = PixelFormat::from_name(&format.name()).expect("libavutil knows the name");
            assert_eq!(pixel.frame(), Some(format));
        }
        assert_eq!(PixelFormat::from_name("rgba").and_then(PixelFormat::frame), None);
    }
}
