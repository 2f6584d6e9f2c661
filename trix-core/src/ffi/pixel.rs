//! `AVPixelFormat` as a value, with what libavutil knows about it.

use std::{borrow::Cow, ffi::c_int, fmt};

use ffmpeg_sys_next as av;
use serde::{Serialize, Serializer};

use crate::media::format::{Chroma, PictureFormat};

/// Any layout of samples in memory that libavutil has a name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PixelFormat(pub(crate) c_int);

impl PixelFormat {
    /// The format that FFmpeg calls `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = super::c_string(name);
        // SAFETY: the string lives during the call.
        let format = unsafe { av::av_get_pix_fmt(name.as_ptr()) } as c_int;
        (format >= 0).then_some(PixelFormat(format))
    }

    pub(crate) fn from_raw(format: c_int) -> Option<Self> {
        let this = PixelFormat(format);
        this.descriptor().is_some().then_some(this)
    }

    fn descriptor(self) -> Option<&'static av::AVPixFmtDescriptor> {
        // Walks the table instead of transmuting: an integer from a file must not become a Rust enum unchecked.
        let mut descriptor = std::ptr::null();
        loop {
            // SAFETY: null or the previous descriptor, as the call asks for; descriptors are static.
            unsafe {
                descriptor = av::av_pix_fmt_desc_next(descriptor);
                let found = descriptor.as_ref()?;
                if av::av_pix_fmt_desc_get_id(descriptor) as c_int == self.0 {
                    return Some(found);
                }
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

    /// Bytes of a picture whose planes have no padding; `None` when it would be larger than libavutil allows.
    pub fn image_bytes(self, width: u32, height: u32) -> Option<u64> {
        let (width, height) = (c_int::try_from(width).ok()?, c_int::try_from(height).ok()?);
        let name = super::c_string(&self.name());
        // SAFETY: the string lives during the first call, whose result is one of the enum's values; the second takes
        // any size and says when it cannot be.
        let bytes = unsafe { av::av_image_get_buffer_size(av::av_get_pix_fmt(name.as_ptr()), width, height, 1) };
        u64::try_from(bytes).ok().filter(|bytes| *bytes > 0)
    }

    /// Bits in a sample of the first component.
    pub fn depth(self) -> u32 {
        self.descriptor().map_or(0, |descriptor| descriptor.comp[0].depth.max(0) as u32)
    }

    fn has(self, flag: u32) -> bool {
        self.descriptor().is_some_and(|descriptor| descriptor.flags & u64::from(flag) != 0)
    }

    /// Whether samples are red, green and blue.
    pub fn is_rgb(self) -> bool {
        self.has(av::AV_PIX_FMT_FLAG_RGB as u32)
    }

    /// Whether there is an alpha channel.
    pub fn has_alpha(self) -> bool {
        self.has(av::AV_PIX_FMT_FLAG_ALPHA as u32)
    }

    /// Whether frames live in a device's memory.
    pub fn is_hardware(self) -> bool {
        self.has(av::AV_PIX_FMT_FLAG_HWACCEL as u32)
    }

    /// Whether libavutil's name says that the range is full (`yuvj420p` and its like).
    pub fn is_full_range_variant(self) -> bool {
        self.name().starts_with("yuvj")
    }

    /// Chroma subsampling, for everything that has chroma or is grey.
    pub fn chroma(self) -> Option<Chroma> {
        let descriptor = self.descriptor()?;
        if self.is_rgb() || self.has((av::AV_PIX_FMT_FLAG_PAL | av::AV_PIX_FMT_FLAG_BAYER) as u32) {
            return None;
        }
        // Grey has one component, and a second one where there is alpha.
        if descriptor.nb_components < 3 {
            return Some(Chroma::C400);
        }
        match (descriptor.log2_chroma_w, descriptor.log2_chroma_h) {
            (0, 0) => Some(Chroma::C444),
            (1, 0) => Some(Chroma::C422),
            (1, 1) => Some(Chroma::C420),
            _ => None,
        }
    }

    /// The samples that this format holds, however they are packed; those of floating point count as 16 bits. `None` for
    /// palettes, sensor data and formats in a device's memory.
    pub fn samples(self) -> Option<PictureFormat> {
        let rgb = self.is_rgb();
        let unusual = av::AV_PIX_FMT_FLAG_PAL | av::AV_PIX_FMT_FLAG_BAYER;
        if self.is_hardware() || self.has(unusual as u32) {
            return None;
        }
        let chroma = if rgb { Chroma::C444 } else { self.chroma()? };
        let depth = if self.is_float() { 16 } else { self.depth() };
        Some(PictureFormat { chroma, depth, rgb, alpha: self.has_alpha() })
    }

    /// This format as planes with native sample order, where it is that: encoders and scores take such frames as they
    /// are.
    pub fn picture(self) -> Option<PictureFormat> {
        let format = self.samples()?;
        let name = self.name();
        (name == format.name() || name.replacen("yuvj", "yuv", 1) == format.name()).then_some(format)
    }

    /// Whether samples are floating-point numbers.
    pub fn is_float(self) -> bool {
        self.has(av::AV_PIX_FMT_FLAG_FLOAT as u32)
    }
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

impl schemars::JsonSchema for PixelFormat {
    fn schema_name() -> Cow<'static, str> {
        "PixelFormat".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["yuv422p10le"] })
    }
}
