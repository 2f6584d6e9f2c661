//! Reads and creates audio frames as 64-bit floating point.
//!
//! Invariant: samples of any format that are read and written back keep their values: 64 bits hold every sample of 8 to
//! 32 bits. Full scale is 1.

use std::ffi::c_int;

use ffmpeg_sys_next as av;

use trix_model::format::{SampleFormat, SampleType};

use super::{
    check,
    frame::Frame,
    layout::{self, ChannelLayout},
    text,
};

/// `AV_SAMPLE_FMT_DBLP`.
const PLANES_OF_DOUBLES: c_int = av::AVSampleFormat::AV_SAMPLE_FMT_DBLP as c_int;

impl Frame {
    /// Creates an audio frame from `planes`, one for each channel, all of the same length. `None` if the planes are
    /// empty or differ in length, if their number does not match `layout`, or if libavutil does not know the layout.
    /// The frame starts at `pts`.
    pub fn of_audio(planes: &[Vec<f64>], layout: &str, sample_rate: u32, pts: i64) -> Option<Frame> {
        let samples = planes.first()?.len();
        if samples == 0 || planes.iter().any(|plane| plane.len() != samples) {
            return None;
        }
        let mut frame = Frame::with_layout(layout)?;
        if frame.channels() != planes.len() {
            return None;
        }
        let raw = frame.raw_mut();
        raw.format = PLANES_OF_DOUBLES;
        raw.sample_rate = c_int::try_from(sample_rate).ok()?;
        raw.nb_samples = c_int::try_from(samples).ok()?;
        frame.allocate(0).expect("memory for a block of audio");
        for (channel, plane) in planes.iter().enumerate() {
            // SAFETY: the new frame has a plane of `samples` doubles for each channel of the layout.
            unsafe {
                let to = (*frame.raw().extended_data.add(channel)).cast::<f64>();
                std::ptr::copy_nonoverlapping(plane.as_ptr(), to, samples);
            }
        }
        frame.set_pts(pts);
        Some(frame)
    }

    /// Creates an audio frame of `samples` samples per channel with a copy of the bytes of each plane: one plane for
    /// each channel, or a single one where the channels take turns. `None` if the number or the length of the planes
    /// does not match, or if libavutil does not know the layout. The frame has no time.
    pub fn of_samples(
        format: SampleFormat,
        layout: &str,
        sample_rate: u32,
        samples: usize,
        planes: &[&[u8]],
    ) -> Option<Frame> {
        let mut frame = Frame::with_layout(layout)?;
        let channels = frame.channels();
        let (count, in_turn) = if format.planar { (channels, 1) } else { (1, channels) };
        let bytes = format.sample.bytes().checked_mul(in_turn)?.checked_mul(samples)?;
        if bytes == 0 || planes.len() != count || planes.iter().any(|plane| plane.len() != bytes) {
            return None;
        }
        let raw = frame.raw_mut();
        raw.format = number_of(format);
        raw.sample_rate = c_int::try_from(sample_rate).ok()?;
        raw.nb_samples = c_int::try_from(samples).ok()?;
        frame.allocate(0).ok()?;
        for (index, plane) in planes.iter().enumerate() {
            // SAFETY: each plane of the new frame holds `samples` samples, of one channel or of all channels. Each plane
            // of the caller has as many bytes.
            unsafe { (*frame.raw().extended_data.add(index)).copy_from_nonoverlapping(plane.as_ptr(), bytes) };
        }
        Some(frame)
    }

    /// An empty frame with this channel layout. `None` if libavutil does not know the layout.
    fn with_layout(name: &str) -> Option<Frame> {
        let mut frame = Frame::new();
        layout::parse(name, &mut frame.raw_mut().ch_layout).ok()?;
        Some(frame)
    }

    /// The sample format of an audio frame. `None` if libavutil does not list it.
    pub fn audio_format(&self) -> Option<SampleFormat> {
        let all = SampleType::ALL.into_iter().flat_map(|sample| [(sample, false), (sample, true)]);
        let mut all = all.map(|(sample, planar)| SampleFormat { sample, planar });
        all.find(|format| number_of(*format) == self.format())
    }

    /// The bytes of one plane of an audio frame, in native byte order: those of a channel, or of all channels in turn.
    /// `None` if there is no such plane.
    pub fn audio_plane(&self, plane: usize) -> Option<&[u8]> {
        let format = self.audio_format()?;
        let (count, in_turn) = if format.planar { (self.channels(), 1) } else { (1, self.channels()) };
        if plane >= count {
            return None;
        }
        let bytes = format.sample.bytes() * in_turn * self.samples();
        // SAFETY: libavutil keeps one plane for each channel, or one for all, of as many bytes as the samples take; the
        // frame is not changed while it is borrowed.
        unsafe {
            let start = *(*self.as_ptr()).extended_data.add(plane);
            (!start.is_null()).then(|| std::slice::from_raw_parts(start, bytes))
        }
    }

    /// An empty frame for `samples` samples of the same format, channels and rate.
    fn like_this(&self, samples: usize) -> Frame {
        let mut frame = Frame::new();
        let (raw, own) = (frame.raw_mut(), self.raw());
        (raw.format, raw.sample_rate) = (own.format, own.sample_rate);
        raw.nb_samples = c_int::try_from(samples).expect("a block of audio is below 2^31 samples");
        // SAFETY: both frames are valid, and the new one is ours.
        check(unsafe { av::av_channel_layout_copy(&mut raw.ch_layout, &own.ch_layout) }).expect("memory for a layout");
        frame.allocate(0).expect("memory for a block of audio");
        frame
    }

    /// `samples` samples of silence in the format of this frame, without a time.
    pub fn silence_like_this(&self, samples: usize) -> Frame {
        let frame = self.like_this(samples);
        let Some(format) = self.sample_format() else { return frame };
        // SAFETY: the frame is ours and has as many samples and channels as said, in this format.
        unsafe {
            let raw = frame.raw();
            av::av_samples_set_silence(raw.extended_data, 0, raw.nb_samples, raw.ch_layout.nb_channels, format);
        }
        frame
    }

    /// Up to `samples` samples of this frame from sample `from` on, without a time.
    pub fn part(&self, from: usize, samples: usize) -> Frame {
        let from = from.min(self.samples());
        let samples = samples.min(self.samples() - from);
        let frame = self.like_this(samples);
        let Some(format) = self.sample_format() else { return frame };
        // SAFETY: both frames are valid and of one format; the part lies within this one, and fills the new one.
        unsafe {
            let (to, own) = (frame.raw(), self.raw());
            let (channels, count) = (own.ch_layout.nb_channels, samples as c_int);
            av::av_samples_copy(to.extended_data, own.extended_data, 0, from as c_int, count, channels, format);
        }
        frame
    }

    /// The sample format, if libavutil lists it.
    pub(crate) fn sample_format(&self) -> Option<av::AVSampleFormat> {
        // SAFETY: these are the values of the enumeration.
        (0..=11).contains(&self.format()).then(|| unsafe { std::mem::transmute(self.format()) })
    }

    /// FFmpeg's name of the sample format.
    pub fn sample_format_name(&self) -> String {
        // SAFETY: the names are static.
        self.sample_format().and_then(|format| unsafe { text(av::av_get_sample_fmt_name(format)) }).unwrap_or_default()
    }

    /// Appends the samples of one channel to `to`; full scale is 1. Appends nothing if there is no such channel.
    pub fn read_channel(&self, channel: usize, to: &mut Vec<f64>) {
        let bytes = self.channel(channel);
        // The order of `AVSampleFormat`: interleaved and planar variants.
        match self.format() {
            0 | 5 => to.extend(bytes.iter().map(|sample| (f64::from(*sample) - 128.0) / 128.0)),
            1 | 6 => to.extend(
                bytes.as_chunks().0.iter().map(|sample| f64::from(i16::from_ne_bytes(*sample)) / -f64::from(i16::MIN)),
            ),
            2 | 7 => to.extend(
                bytes.as_chunks().0.iter().map(|sample| f64::from(i32::from_ne_bytes(*sample)) / -f64::from(i32::MIN)),
            ),
            3 | 8 => to.extend(bytes.as_chunks().0.iter().map(|sample| f64::from(f32::from_ne_bytes(*sample)))),
            4 | 9 => to.extend(bytes.as_chunks().0.iter().map(|sample| f64::from_ne_bytes(*sample))),
            10 | 11 => to.extend(
                bytes.as_chunks().0.iter().map(|sample| i64::from_ne_bytes(*sample) as f64 / -(i64::MIN as f64)),
            ),
            _ => {}
        }
    }

    /// FFmpeg's description of the channel layout.
    pub fn layout(&self) -> String {
        // SAFETY: the layout of a frame is valid.
        unsafe { layout::described(&self.raw().ch_layout) }
    }

    /// The block with its channels in libavutil's own order of their loudspeakers. Newer releases of FFmpeg keep the order of a file.
    pub fn with_channels_in_order(self) -> Frame {
        // SAFETY: the layout of a frame is valid.
        let Some((usual, places)) = (unsafe { layout::in_usual_order(&self.raw().ch_layout) }) else { return self };
        let Some(format) = self.audio_format() else { return self };
        let planes: Vec<&[u8]> = (0..self.channels()).map_while(|plane| self.audio_plane(plane)).collect();
        let planes: Vec<Vec<u8>> = if format.planar {
            places.iter().filter_map(|place| planes.get(*place).map(|plane| plane.to_vec())).collect()
        } else {
            planes.iter().map(|plane| in_order(plane, format.sample.bytes(), &places)).collect()
        };
        let planes: Vec<&[u8]> = planes.iter().map(Vec::as_slice).collect();
        // SAFETY: the layout is valid.
        let layout = unsafe { layout::described(&usual.0) };
        match Frame::of_samples(format, &layout, self.sample_rate(), self.samples(), &planes) {
            Some(mut frame) => {
                // SAFETY: both frames are valid, and the new one is ours.
                check(unsafe { av::av_frame_copy_props(frame.raw_mut(), self.raw()) }).expect("memory for properties");
                frame
            }
            None => self,
        }
    }

    /// Removes the channel layout, but keeps the number of channels.
    pub fn forget_layout(&mut self) {
        // SAFETY: we hold the only reference to the frame; what the layout may have allocated is freed, and a number
        // with the order "unspecified" is a whole layout.
        unsafe {
            let layout = &mut self.raw_mut().ch_layout;
            let channels = layout.nb_channels;
            av::av_channel_layout_uninit(layout);
            layout.order = av::AVChannelOrder::AV_CHANNEL_ORDER_UNSPEC;
            layout.nb_channels = channels;
        }
    }

    /// The loudspeakers of the channels in FFmpeg's abbreviations. `None` for channels without a layout.
    pub fn loudspeakers(&self) -> Option<Vec<String>> {
        ChannelLayout::from_name(&self.layout()).map(|layout| layout.loudspeakers())
    }
}

/// Samples of several channels in turn, each of `bytes` bytes, with the channels that are at `places`.
fn in_order(samples: &[u8], bytes: usize, places: &[usize]) -> Vec<u8> {
    let moments = samples.chunks_exact(bytes * places.len());
    moments.flat_map(|moment| places.iter().flat_map(move |place| &moment[place * bytes..][..bytes])).copied().collect()
}

/// `AVSampleFormat` as a number.
pub(crate) fn number_of(format: SampleFormat) -> c_int {
    use av::AVSampleFormat::*;
    let number = match (format.sample, format.planar) {
        (SampleType::U8, false) => AV_SAMPLE_FMT_U8,
        (SampleType::U8, true) => AV_SAMPLE_FMT_U8P,
        (SampleType::I16, false) => AV_SAMPLE_FMT_S16,
        (SampleType::I16, true) => AV_SAMPLE_FMT_S16P,
        (SampleType::I32, false) => AV_SAMPLE_FMT_S32,
        (SampleType::I32, true) => AV_SAMPLE_FMT_S32P,
        (SampleType::I64, false) => AV_SAMPLE_FMT_S64,
        (SampleType::I64, true) => AV_SAMPLE_FMT_S64P,
        (SampleType::F32, false) => AV_SAMPLE_FMT_FLT,
        (SampleType::F32, true) => AV_SAMPLE_FMT_FLTP,
        (SampleType::F64, false) => AV_SAMPLE_FMT_DBL,
        (SampleType::F64, true) => AV_SAMPLE_FMT_DBLP,
    };
    number as c_int
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_format_is_one_that_libavutil_knows_the_same_way() {
        for (sample, planar) in SampleType::ALL.into_iter().flat_map(|sample| [(sample, false), (sample, true)]) {
            let format = SampleFormat { sample, planar };
            let bytes: Vec<u8> = (0..6 * sample.bytes() as u8).collect();
            let (left, right) = bytes.split_at(3 * sample.bytes());
            let planes = if planar { vec![left, right] } else { vec![bytes.as_slice()] };
            let frame = Frame::of_samples(format, "stereo", 8000, 3, &planes).expect("a block");
            assert_eq!((frame.audio_format(), frame.sample_format_name()), (Some(format), format.to_string()));
            assert_eq!((0..3).map_while(|plane| frame.audio_plane(plane)).collect::<Vec<_>>(), planes, "{format}");
            assert_eq!((frame.samples(), frame.channels(), frame.sample_rate()), (3, 2, 8000));
            assert!(Frame::of_samples(format, "mono", 8000, 3, &planes).is_none());
            assert!(Frame::of_samples(format, "stereo", 8000, 4, &planes).is_none());
            assert!(Frame::of_samples(format, "nothing", 8000, 3, &planes).is_none());
        }
    }

    #[test]
    fn samples_that_are_put_into_a_block_are_read_from_it() {
        let planes = [vec![0.0, 1.0, -1.0, 0.25], vec![1e-9, -0.5, f64::MIN_POSITIVE, 2.0]];
        let mut frame = Frame::of_audio(&planes, "stereo", 48_000, 7).expect("a block");
        assert_eq!((frame.samples(), frame.channels(), frame.sample_rate(), frame.pts()), (4, 2, 48_000, Some(7)));
        assert_eq!(frame.loudspeakers(), Some(vec!["FL".to_owned(), "FR".to_owned()]));
        for (channel, plane) in planes.iter().enumerate() {
            let mut found = Vec::new();
            frame.read_channel(channel, &mut found);
            assert_eq!(&found, plane);
        }
        frame.forget_layout();
        assert_eq!((frame.layout(), frame.loudspeakers(), frame.channels()), ("2 channels".into(), None, 2));
    }

    #[test]
    fn parts_and_silence_have_the_form_of_the_block() {
        let frame = Frame::of_audio(&[vec![0.1, 0.2, 0.3], vec![-0.1, -0.2, -0.3]], "stereo", 44_100, 0).unwrap();
        let read = |frame: &Frame, channel: usize| {
            let mut to = Vec::new();
            frame.read_channel(channel, &mut to);
            to
        };
        let part = frame.part(1, 5);
        assert_eq!((read(&part, 0), read(&part, 1)), (vec![0.2, 0.3], vec![-0.2, -0.3]));
        assert_eq!(
            (part.layout(), part.sample_rate(), part.sample_format_name()),
            ("stereo".into(), 44_100, "dblp".into())
        );
        let silence = frame.silence_like_this(2);
        assert_eq!((read(&silence, 1), silence.layout()), (vec![0.0, 0.0], "stereo".into()));
    }

    #[test]
    fn channels_in_another_order_are_put_in_order() {
        let bytes = |numbers: &[u8]| numbers.iter().flat_map(|number| [0, *number]).collect::<Vec<u8>>();
        for planar in [false, true] {
            let format = SampleFormat { sample: SampleType::I16, planar };
            // Two samples of each channel: FL, FR, FC, LFE, SL, SR, BL, BR.
            let channels: Vec<Vec<u8>> = (0..8).map(|number| bytes(&[number, 10 + number])).collect();
            let in_turn = bytes(&[0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17]);
            let planes: Vec<&[u8]> = if planar { channels.iter().map(Vec::as_slice).collect() } else { vec![&in_turn] };
            let Some(mut frame) = Frame::of_samples(format, "FL+FR+FC+LFE+SL+SR+BL+BR", 8000, 2, &planes) else {
                panic!("a block");
            };
            frame.set_pts(7);
            let frame = frame.with_channels_in_order();
            assert_eq!((frame.layout().as_str(), frame.pts()), ("7.1", Some(7)));
            for (channel, number) in [0, 1, 2, 3, 6, 7, 4, 5].into_iter().enumerate() {
                let mut found = Vec::new();
                frame.read_channel(channel, &mut found);
                let expected =
                    [number, 10 + number].map(|number| f64::from(i16::from_ne_bytes([0, number])) / 32_768.0);
                assert_eq!(found, expected, "{planar}: {channel}");
            }
        }
    }

    #[test]
    fn planes_that_are_not_a_layout_make_no_block() {
        assert!(Frame::of_audio(&[vec![0.0]], "stereo", 48_000, 0).is_none());
        assert!(Frame::of_audio(&[vec![0.0], vec![]], "stereo", 48_000, 0).is_none());
        assert!(Frame::of_audio(&[vec![]], "mono", 48_000, 0).is_none());
        assert!(Frame::of_audio(&[vec![0.0]], "nothing", 48_000, 0).is_none());
        assert!(Frame::of_audio(&[vec![0.0], vec![0.0], vec![0.0]], "3 channels", 48_000, 0).is_some());
    }
}
