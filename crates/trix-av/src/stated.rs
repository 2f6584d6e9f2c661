//! Parameters of streams without a file: a program states the frames and the audio that it will give.

use std::ffi::c_int;

use ffmpeg_sys_next as av;
use trix_model::{
    color::Color,
    format::{SampleFormat, SampleType},
    frame_facts::FieldOrder,
    time::Rational,
};

use super::{
    audio_frame::number_of,
    layout,
    parameters::{CodecParameters, describe_video},
    pixel::PixelFormat,
    rational::rational,
};

/// What a program states about its frames.
#[derive(Clone, Copy, Debug)]
pub struct StatedVideo {
    /// Samples per row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// The pixel format.
    pub format: PixelFormat,
    /// Sample aspect ratio. Zero if unknown.
    pub sample_aspect: Rational,
    /// Colour.
    pub color: Color,
    /// Field order of interlaced frames.
    pub fields: Option<FieldOrder>,
}

/// What a program states about an audio track.
#[derive(Clone, Copy, Debug)]
pub struct StatedAudio<'a> {
    /// Samples per second.
    pub sample_rate: u32,
    /// FFmpeg's name of the channel layout.
    pub layout: &'a str,
    /// The format of samples.
    pub format: SampleFormat,
    /// Significant bits of an integer sample.
    pub bits: u32,
}

impl CodecParameters {
    /// Parameters of frames that are not coded. `None` if a side is too large.
    pub fn of_frames(stated: &StatedVideo) -> Option<Self> {
        let mut this = CodecParameters::new();
        let raw = this.raw_mut();
        raw.codec_type = av::AVMediaType::AVMEDIA_TYPE_VIDEO;
        raw.codec_id = av::AVCodecID::AV_CODEC_ID_RAWVIDEO;
        (raw.width, raw.height) = (c_int::try_from(stated.width).ok()?, c_int::try_from(stated.height).ok()?);
        raw.format = stated.format.0;
        raw.bits_per_raw_sample = stated.format.depth() as c_int;
        raw.sample_aspect_ratio = rational(stated.sample_aspect);
        describe_video(raw, stated.color, stated.fields);
        Some(this)
    }

    /// Parameters of audio that is not coded. `None` if libavutil does not know the layout, or if a number is too
    /// large.
    pub fn of_samples(stated: &StatedAudio<'_>) -> Option<Self> {
        use av::AVCodecID::*;
        let mut this = CodecParameters::new();
        let raw = this.raw_mut();
        raw.codec_type = av::AVMediaType::AVMEDIA_TYPE_AUDIO;
        raw.codec_id = match stated.format.sample {
            SampleType::U8 => AV_CODEC_ID_PCM_U8,
            SampleType::I16 => AV_CODEC_ID_PCM_S16LE,
            SampleType::I32 if stated.bits <= 24 => AV_CODEC_ID_PCM_S24LE,
            SampleType::I32 => AV_CODEC_ID_PCM_S32LE,
            SampleType::I64 => AV_CODEC_ID_PCM_S64LE,
            SampleType::F32 => AV_CODEC_ID_PCM_F32LE,
            SampleType::F64 => AV_CODEC_ID_PCM_F64LE,
        };
        raw.format = number_of(stated.format);
        raw.bits_per_raw_sample = c_int::try_from(stated.bits).ok()?;
        raw.sample_rate = c_int::try_from(stated.sample_rate).ok()?;
        layout::parse(stated.layout, &mut raw.ch_layout).ok()?;
        Some(this)
    }
}
