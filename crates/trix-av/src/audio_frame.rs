//! Reads and creates audio frames as 64-bit floating point.
//!
//! Invariant: samples of any format that are read and written back keep their values: 64 bits hold every sample of 8 to
//! 32 bits. Full scale is 1.

use std::ffi::c_int;

use ffmpeg_sys_next as av;

use super::{c_string, frame::Frame, layout::ChannelLayout, text};

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
        let mut frame = Frame::new();
        let name = c_string(layout);
        // SAFETY: the frame is ours and empty; the string lives during the call; the planes that libavutil allocates
        // hold `samples` doubles each, as many of them as the layout has channels.
        unsafe {
            let raw = &mut *frame.as_ptr();
            if av::av_channel_layout_from_string(&mut raw.ch_layout, name.as_ptr()) < 0
                || raw.ch_layout.nb_channels as usize != planes.len()
            {
                return None;
            }
            raw.format = PLANES_OF_DOUBLES;
            raw.sample_rate = c_int::try_from(sample_rate).ok()?;
            raw.nb_samples = c_int::try_from(samples).ok()?;
            assert!(av::av_frame_get_buffer(raw, 0) >= 0, "memory for a block of audio");
            for (channel, plane) in planes.iter().enumerate() {
                let to = (*raw.extended_data.add(channel)).cast::<f64>();
                std::ptr::copy_nonoverlapping(plane.as_ptr(), to, samples);
            }
        }
        frame.set_pts(pts);
        Some(frame)
    }

    /// An empty frame for `samples` samples of the same format, channels and rate.
    fn like_this(&self, samples: usize) -> Frame {
        let frame = Frame::new();
        // SAFETY: the new frame is ours and empty, this one is valid; libavutil allocates as many samples as said.
        unsafe {
            let (raw, own) = (&mut *frame.as_ptr(), &*self.as_ptr());
            (raw.format, raw.sample_rate) = (own.format, own.sample_rate);
            raw.nb_samples = c_int::try_from(samples).expect("a block of audio is below 2^31 samples");
            assert!(av::av_channel_layout_copy(&mut raw.ch_layout, &own.ch_layout) >= 0, "memory for a layout");
            assert!(av::av_frame_get_buffer(raw, 0) >= 0, "memory for a block of audio");
        }
        frame
    }

    /// `samples` samples of silence in the format of this frame, without a time.
    pub fn silence_like_this(&self, samples: usize) -> Frame {
        let frame = self.like_this(samples);
        let Some(format) = self.sample_format() else { return frame };
        // SAFETY: the frame is ours and has as many samples and channels as said, in this format.
        unsafe {
            let raw = &*frame.as_ptr();
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
            let (to, own) = (&*frame.as_ptr(), &*self.as_ptr());
            let (channels, count) = (own.ch_layout.nb_channels, samples as c_int);
            av::av_samples_copy(to.extended_data, own.extended_data, 0, from as c_int, count, channels, format);
        }
        frame
    }

    /// The sample format, if libavutil lists it.
    fn sample_format(&self) -> Option<av::AVSampleFormat> {
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
        let mut words = [0 as std::ffi::c_char; 128];
        // SAFETY: the frame is valid; the buffer is as long as said, and ends with a NUL after the call.
        unsafe {
            av::av_channel_layout_describe(&(*self.as_ptr()).ch_layout, words.as_mut_ptr(), words.len());
            text(words.as_ptr()).unwrap_or_default()
        }
    }

    /// Removes the channel layout, but keeps the number of channels.
    pub fn forget_layout(&mut self) {
        // SAFETY: we hold the only reference to the frame; what the layout may have allocated is freed, and a number
        // with the order "unspecified" is a whole layout.
        unsafe {
            let layout = &mut (*self.as_ptr()).ch_layout;
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn planes_that_are_not_a_layout_make_no_block() {
        assert!(Frame::of_audio(&[vec![0.0]], "stereo", 48_000, 0).is_none());
        assert!(Frame::of_audio(&[vec![0.0], vec![]], "stereo", 48_000, 0).is_none());
        assert!(Frame::of_audio(&[vec![]], "mono", 48_000, 0).is_none());
        assert!(Frame::of_audio(&[vec![0.0]], "nothing", 48_000, 0).is_none());
        assert!(Frame::of_audio(&[vec![0.0], vec![0.0], vec![0.0]], "3 channels", 48_000, 0).is_some());
    }
}
