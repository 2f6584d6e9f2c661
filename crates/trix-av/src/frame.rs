//! Owner of an `AVFrame`.

use std::{ffi::c_int, ptr::NonNull};

use ffmpeg_sys_next as av;
use trix_model::{
    color::{ChromaLocation, Color, Matrix, Primaries, Range, Transfer},
    frame_facts::{FieldOrder, Plane},
    hdr::StaticHdr,
    time::Rational,
};

use super::{
    check, enum_field,
    pixel::PixelFormat,
    side_data::{self, FrameKind as Side},
};

/// A decoded video frame or block of audio. Its samples are immutable and shared by reference count.
pub struct Frame(NonNull<av::AVFrame>);

// SAFETY: a frame's buffers are reference-counted atomically by libavutil and the frame itself is not changed once the
// stage that made it let it go.
unsafe impl Send for Frame {}
// SAFETY: as above; `&Frame` only reads.
unsafe impl Sync for Frame {}

impl Frame {
    /// An empty frame.
    ///
    /// # Panics
    /// If the process is out of memory, like every allocation in Rust.
    pub(crate) fn new() -> Self {
        // SAFETY: no preconditions.
        Frame(NonNull::new(unsafe { av::av_frame_alloc() }).expect("memory for a frame"))
    }

    /// A uniform grey frame of 8 bits without chroma.
    pub fn grey(width: usize, height: usize) -> Self {
        let mut frame = Frame::new();
        let raw = frame.raw_mut();
        raw.format = PixelFormat::from_name("gray").expect("libavutil knows grey").0;
        (raw.width, raw.height) = (width as c_int, height as c_int);
        frame.allocate(0).expect("memory for a frame");
        let raw = frame.raw_mut();
        // SAFETY: the new frame has one plane, with `linesize` bytes for each of its rows.
        unsafe { std::ptr::write_bytes(raw.data[0], 128, raw.linesize[0] as usize * height) };
        frame
    }

    pub(crate) fn as_ptr(&self) -> *mut av::AVFrame {
        self.0.as_ptr()
    }

    pub(crate) fn raw(&self) -> &av::AVFrame {
        // SAFETY: the pointer is valid and only changed through `&mut self` or before it is shared.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn raw_mut(&mut self) -> &mut av::AVFrame {
        // SAFETY: as above, and we hold the only reference.
        unsafe { self.0.as_mut() }
    }

    /// Presentation time in ticks of the stage that made the frame, from the container or, failing that, from the
    /// decoder.
    pub fn pts(&self) -> Option<i64> {
        [self.raw().best_effort_timestamp, self.raw().pts].into_iter().find(|&ticks| ticks != av::AV_NOPTS_VALUE)
    }

    /// Sets the presentation time of the frame, as [`Self::set_time`] does.
    pub fn set_pts(&mut self, pts: i64) {
        let raw = self.raw_mut();
        (raw.pts, raw.best_effort_timestamp) = (pts, pts);
    }

    /// Removes the presentation time.
    pub fn clear_time(&mut self) {
        self.set_pts(av::AV_NOPTS_VALUE);
    }

    /// Makes the frame's own `pts` valid and ignores the decoder's estimate.
    pub(crate) fn adopt_pts(&mut self) {
        let raw = self.raw_mut();
        raw.best_effort_timestamp = raw.pts;
    }

    /// Samples per row.
    pub fn width(&self) -> usize {
        self.raw().width.max(0) as usize
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.raw().height.max(0) as usize
    }

    /// Samples per channel of an audio frame.
    pub fn samples(&self) -> usize {
        self.raw().nb_samples.max(0) as usize
    }

    /// Samples per second of audio.
    pub fn sample_rate(&self) -> u32 {
        self.raw().sample_rate.max(0) as u32
    }

    /// Number of audio channels.
    pub fn channels(&self) -> usize {
        self.raw().ch_layout.nb_channels.max(0) as usize
    }

    /// The samples of one audio channel, as bytes in native byte order. Empty if there is no such channel.
    pub fn channel(&self, channel: usize) -> Vec<u8> {
        let (samples, channels) = (self.samples(), self.channels());
        let Some(format) = self.sample_format() else { return Vec::new() };
        // SAFETY: the call takes any sample format.
        let bytes = unsafe { av::av_get_bytes_per_sample(format) }.max(0) as usize;
        // SAFETY: as above.
        let is_planar = unsafe { av::av_sample_fmt_is_planar(format) } != 0;
        if channel >= channels || samples == 0 {
            return Vec::new();
        }
        let mut copy = Vec::with_capacity(samples * bytes);
        // SAFETY: libavutil keeps one plane for each channel, or one for all, of as many bytes as the samples take.
        unsafe {
            let planes = self.raw().extended_data;
            if is_planar {
                copy.extend_from_slice(std::slice::from_raw_parts(*planes.add(channel), samples * bytes));
            } else {
                let plane = std::slice::from_raw_parts(*planes, samples * channels * bytes);
                for sample in plane.chunks_exact(channels * bytes) {
                    copy.extend_from_slice(&sample[channel * bytes..][..bytes]);
                }
            }
        }
        copy
    }

    /// libav's number of the pixel or sample format.
    pub fn format(&self) -> c_int {
        self.raw().format
    }

    /// The pixel format of a video frame, if libavutil knows it.
    pub fn pixel_format(&self) -> Option<PixelFormat> {
        PixelFormat::from_raw(self.raw().format)
    }

    /// Sample aspect ratio (width / height). Zero if unknown.
    pub fn sample_aspect(&self) -> Rational {
        let aspect = self.raw().sample_aspect_ratio;
        Rational::new(aspect.num.into(), aspect.den.into())
    }

    /// Colour description of this frame.
    pub fn color(&self) -> Color {
        let raw = self.raw();
        // SAFETY: the fields have the size of a C int and are initialised.
        unsafe {
            Color {
                primaries: Primaries(enum_field!(raw.color_primaries) as u8),
                transfer: Transfer(enum_field!(raw.color_trc) as u8),
                matrix: Matrix(enum_field!(raw.colorspace) as u8),
                range: range(enum_field!(raw.color_range)),
                chroma_location: chroma_location(enum_field!(raw.chroma_location)),
            }
        }
    }

    /// Matrix and range as libavutil's numbers.
    pub(crate) fn matrix_and_range(&self) -> (c_int, c_int) {
        let raw = self.raw();
        // SAFETY: the fields have the size of a C int and are initialised.
        unsafe { (enum_field!(raw.colorspace), enum_field!(raw.color_range)) }
    }

    /// A new reference to the same samples with this matrix and range. `None` if the frame already has both.
    pub(crate) fn with_matrix_and_range(&self, (matrix, range): (c_int, c_int)) -> Option<Self> {
        if self.matrix_and_range() == (matrix, range) {
            return None;
        }
        let mut copy = self.clone();
        // SAFETY: we hold the only reference to the copy. Enums of libavutil hold integers.
        unsafe {
            let raw = copy.raw_mut();
            (&raw mut raw.colorspace).cast::<c_int>().write(matrix);
            (&raw mut raw.color_range).cast::<c_int>().write(range);
        }
        Some(copy)
    }

    /// True if the frame is interlaced: it holds two fields of different times.
    pub fn is_interlaced(&self) -> bool {
        #[cfg(frame_flags_tell_fields)]
        return self.raw().flags & av::AV_FRAME_FLAG_INTERLACED != 0;
        #[cfg(not(frame_flags_tell_fields))]
        return self.raw().interlaced_frame != 0;
    }

    /// True if the top field is shown first.
    pub fn is_top_field_first(&self) -> bool {
        #[cfg(frame_flags_tell_fields)]
        return self.raw().flags & av::AV_FRAME_FLAG_TOP_FIELD_FIRST != 0;
        #[cfg(not(frame_flags_tell_fields))]
        return self.raw().top_field_first != 0;
    }

    /// Sets the field order. `None` means progressive.
    fn set_fields(&mut self, fields: Option<FieldOrder>) {
        let raw = self.raw_mut();
        #[cfg(frame_flags_tell_fields)]
        {
            raw.flags &= !(av::AV_FRAME_FLAG_INTERLACED | av::AV_FRAME_FLAG_TOP_FIELD_FIRST);
            raw.flags |= match fields {
                None => 0,
                Some(FieldOrder::Top) => av::AV_FRAME_FLAG_INTERLACED | av::AV_FRAME_FLAG_TOP_FIELD_FIRST,
                Some(FieldOrder::Bottom) => av::AV_FRAME_FLAG_INTERLACED,
            };
        }
        #[cfg(not(frame_flags_tell_fields))]
        {
            raw.interlaced_frame = fields.is_some().into();
            raw.top_field_first = (fields == Some(FieldOrder::Top)).into();
        }
    }

    /// Number of extra fields for which the frame is shown (MPEG-2's repeated fields).
    pub fn repeated_fields(&self) -> u32 {
        self.raw().repeat_pict.max(0) as u32
    }

    /// Static HDR metadata of this frame.
    pub fn hdr(&self) -> StaticHdr {
        StaticHdr {
            mastering: self.side_data(Side::AV_FRAME_DATA_MASTERING_DISPLAY_METADATA).and_then(side_data::mastering),
            light: self.side_data(Side::AV_FRAME_DATA_CONTENT_LIGHT_LEVEL).and_then(side_data::light),
        }
    }

    /// True if the frame has HDR10+ dynamic metadata (SMPTE ST 2094-40).
    pub fn has_hdr10_plus(&self) -> bool {
        self.side_data(Side::AV_FRAME_DATA_DYNAMIC_HDR_PLUS).is_some()
    }

    /// The Dolby Vision RPU of this frame as the stream carries it, with its emulation prevention bytes.
    pub fn dolby_vision_rpu(&self) -> Option<&[u8]> {
        self.side_data(Side::AV_FRAME_DATA_DOVI_RPU_BUFFER)
    }

    /// Closed captions of this frame: `cc_data` of CTA-708, three bytes for each construct.
    pub fn captions(&self) -> Option<&[u8]> {
        self.side_data(Side::AV_FRAME_DATA_A53_CC).filter(|data| !data.is_empty())
    }

    /// Text that the encoder wrote about itself into this frame (user data of H.264 and HEVC, after its 16-byte
    /// identifier).
    pub fn signature(&self) -> Option<String> {
        let text = self.side_data(Side::AV_FRAME_DATA_SEI_UNREGISTERED)?.get(16..)?;
        let text = text.split(|byte| *byte == 0).next()?;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    }

    /// Active format description of this frame (SMPTE ST 2016-1: which part of the frame matters), 0 to 15.
    pub fn active_format(&self) -> Option<u8> {
        self.side_data(Side::AV_FRAME_DATA_AFD).and_then(|data| data.first().copied())
    }

    /// The time code of a group of pictures (MPEG-2, ISO/IEC 13818-2, 6.3.8: 25 bits).
    pub fn gop_timecode(&self) -> Option<u32> {
        let data = self.side_data(Side::AV_FRAME_DATA_GOP_TIMECODE)?;
        Some(i64::from_ne_bytes(*data.first_chunk()?) as u32)
    }

    /// The first SMPTE ST 12-1 time code of this frame, in libavutil's 32 bits.
    pub fn smpte_timecode(&self) -> Option<u32> {
        let data = self.side_data(Side::AV_FRAME_DATA_S12M_TIMECODE)?;
        let count = u32::from_ne_bytes(*data.first_chunk()?);
        (count > 0).then_some(u32::from_ne_bytes(*data.get(4..)?.first_chunk()?))
    }

    fn side_data(&self, kind: Side) -> Option<&[u8]> {
        // SAFETY: the frame is valid and not changed while it is borrowed.
        unsafe { side_data::of_frame(self.raw(), kind) }
    }

    /// Sets the frame's time to `pts`, whatever the decoder or container stated.
    pub fn set_time(&mut self, pts: i64) {
        let raw = self.raw_mut();
        (raw.pts, raw.best_effort_timestamp) = (pts, pts);
    }

    /// A new reference to the same samples with its own time, colour and field order.
    pub(crate) fn stamped(&self, time: i64, color: Color, fields: Option<FieldOrder>) -> Self {
        let mut copy = self.clone();
        copy.set_time(time);
        // SAFETY: we hold the only reference to the copy. Enums of libavutil hold integers.
        unsafe {
            let raw = copy.raw_mut();
            (&raw mut raw.color_primaries).cast::<c_int>().write(color.primaries.0.into());
            (&raw mut raw.color_trc).cast::<c_int>().write(color.transfer.0.into());
            (&raw mut raw.colorspace).cast::<c_int>().write(color.matrix.0.into());
            (&raw mut raw.color_range).cast::<c_int>().write(color.range as c_int);
            (&raw mut raw.pict_type).cast::<c_int>().write(0);
        }
        copy.set_fields(fields);
        copy
    }

    /// A number that filters copy from their input frame to the frames that they make from it.
    pub fn tag(&self) -> usize {
        self.raw().opaque as usize
    }

    /// Sets the number that filters copy to their output.
    pub fn set_tag(&mut self, tag: usize) {
        // The pointer is a number and never followed.
        self.raw_mut().opaque = tag as *mut std::ffi::c_void;
    }

    /// The metadata that a filter or decoder attached to this frame under `key`.
    pub fn note(&self, key: &str) -> Option<String> {
        // SAFETY: the dictionary belongs to the frame.
        let entries = unsafe { super::entries(self.raw().metadata) };
        entries.into_iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Damage that the decoder reports for this frame. `None` if it reports none. Concealed parts are not included:
    /// decoders flag them too late or not at all, and [`crate::log`] collects their messages about it.
    pub fn damage(&self) -> Option<&'static str> {
        let raw = self.raw();
        let flags = raw.decode_error_flags;
        if flags & av::FF_DECODE_ERROR_MISSING_REFERENCE != 0 {
            Some("missing reference frame")
        } else if flags & av::FF_DECODE_ERROR_INVALID_BITSTREAM != 0 {
            Some("the bitstream of a frame is invalid")
        } else if raw.flags & av::AV_FRAME_FLAG_CORRUPT != 0 {
            Some("a frame is flagged as corrupt")
        } else {
            None
        }
    }

    /// The planes of a video frame in a planar format. Empty for any other format.
    pub fn planes(&self) -> Vec<Plane<'_>> {
        let Some(format) = self.pixel_format().and_then(PixelFormat::frame) else { return Vec::new() };
        let raw = self.raw();
        (0..format.planes())
            .filter_map(|index| {
                let (width, height) = format.plane_size(index, self.width(), self.height());
                let (data, stride) = (raw.data[index], raw.linesize[index]);
                // A bottom-up frame has a negative stride. No decoder of planar YCbCr yields one, and the filter stage
                // would have copied it.
                let stride = usize::try_from(stride).ok().filter(|_| !data.is_null())?;
                let row = width * if format.depth > 8 { 2 } else { 1 };
                let length = stride * height.checked_sub(1)? + row;
                // SAFETY: libavutil allocates `linesize` bytes for each of `height` rows of the plane.
                let data = unsafe { std::slice::from_raw_parts(data, length) };
                Some(Plane { data, stride, width, height, depth: format.depth })
            })
            .collect()
    }

    /// Bytes of memory that this frame keeps allocated.
    pub fn bytes(&self) -> usize {
        // SAFETY: `buf` entries are null or valid buffer references.
        self.raw().buf.iter().filter_map(|buffer| unsafe { buffer.as_ref() }).map(|buffer| buffer.size).sum()
    }
}

pub(crate) fn range(value: c_int) -> Range {
    match value {
        1 => Range::Limited,
        2 => Range::Full,
        _ => Range::Unspecified,
    }
}

/// libavutil counts from 1, H.273 from 0.
pub fn chroma_location(value: c_int) -> ChromaLocation {
    u8::try_from(value - 1).map(ChromaLocation::from_h273_type).unwrap_or_default()
}

impl Clone for Frame {
    /// Adds a reference to the same samples. Nothing is copied.
    fn clone(&self) -> Self {
        let copy = Frame::new();
        // SAFETY: both frames are valid; the copy is empty.
        check(unsafe { av::av_frame_ref(copy.as_ptr(), self.as_ptr()) }).expect("memory for a reference to a frame");
        copy
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut pointer = self.0.as_ptr();
        // SAFETY: we own the frame; the call frees it and drops its references.
        unsafe { av::av_frame_free(&mut pointer) };
    }
}

const _: () = {
    const fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Frame>();
};
