//! A block of decoded audio, or of audio that a program made.
//!
//! Invariant: a block owns its samples, or shares them with its clones. Nothing changes them.

use trix_av::frame::Frame;
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    format::{SampleFormat, SampleType},
    time::{TimeBase, Timestamp},
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::settings::shape::channels_of;

/// Decoded audio. Clones share the samples by reference count.
#[derive(Clone)]
pub struct AudioBlock {
    /// The samples, in the decoder's format.
    pub frame: Frame,
    /// The number of the first sample in its stream, from zero.
    pub first: u64,
    /// The presentation time of that sample, in the source's time.
    pub time: Timestamp,
}

const _: () = {
    const fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<AudioBlock>();
};

/// A type of audio samples: `u8`, `i16`, `i32`, `i64`, `f32` or `f64`.
pub trait Sample: Copy + FromBytes + IntoBytes + Immutable + 'static {
    /// The value for this type.
    const TYPE: SampleType;
}

macro_rules! samples {
    ($($type:ty => $value:ident),+) => {
        $(impl Sample for $type {
            const TYPE: SampleType = SampleType::$value;
        })+
    };
}

samples!(u8 => U8, i16 => I16, i32 => I32, i64 => I64, f32 => F32, f64 => F64);

impl AudioBlock {
    /// A block with a copy of `channels`, one slice for each channel, all of the same length. It starts at `time`.
    /// `layout` is FFmpeg's name of the loudspeakers, such as `mono`, `stereo` or `5.1`, or a number of channels
    /// without them, such as `3 channels`.
    ///
    /// ```
    /// use trix_core::{AudioBlock, media::time::{Rational, Timestamp}};
    ///
    /// let silence = [0_i16; 1024];
    /// let time = Timestamp::new(0, Rational::new(1, 48_000));
    /// let block = AudioBlock::from_samples(&[&silence, &silence], "stereo", 48_000, time)?;
    /// assert_eq!(block.channel::<i16>(1)?, silence);
    /// assert!(block.channel::<f32>(1).is_err());
    /// # Ok::<(), trix_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidSpec` if the layout is unknown or has another number of channels, if the slices are empty or differ in
    /// length, or if the sample rate is 0.
    pub fn from_samples<T: Sample>(channels: &[&[T]], layout: &str, sample_rate: u32, time: Timestamp) -> Result<Self> {
        let samples = channels.first().map_or(0, |channel| channel.len());
        if let Some(other) = channels.iter().find(|channel| channel.len() != samples) {
            let detail = format!("the channels of a block have {samples} and {} samples", other.len());
            return Err(Error::new(ErrorKind::InvalidSpec, Stage::Encode, detail).at(Some(time)));
        }
        let planes: Vec<&[u8]> = channels.iter().map(|channel| channel.as_bytes()).collect();
        let shape = Given { planar: true, channels: channels.len(), samples };
        Self::made::<T>(shape, &planes, layout, sample_rate, time)
    }

    /// As [`Self::from_samples`], with the samples of all channels in turn.
    ///
    /// # Errors
    /// As [`Self::from_samples`]; `InvalidSpec` if the number of samples is not a multiple of the number of channels.
    pub fn from_interleaved<T: Sample>(samples: &[T], layout: &str, sample_rate: u32, time: Timestamp) -> Result<Self> {
        let channels = channels_of(layout).unwrap_or(1).max(1);
        if !samples.len().is_multiple_of(channels) {
            let detail = format!("{} samples are no multiple of the {channels} channels of {layout}", samples.len());
            return Err(Error::new(ErrorKind::InvalidSpec, Stage::Encode, detail).at(Some(time)));
        }
        let shape = Given { planar: false, channels, samples: samples.len() / channels };
        Self::made::<T>(shape, &[samples.as_bytes()], layout, sample_rate, time)
    }

    fn made<T: Sample>(
        Given { planar, channels, samples }: Given,
        planes: &[&[u8]],
        layout: &str,
        sample_rate: u32,
        time: Timestamp,
    ) -> Result<Self> {
        let wrong = |detail: String| Err(Error::new(ErrorKind::InvalidSpec, Stage::Encode, detail).at(Some(time)));
        if samples == 0 {
            return wrong("a block of audio has no samples".to_owned());
        }
        if sample_rate == 0 {
            return wrong("a block of audio has a sample rate of 0".to_owned());
        }
        match channels_of(layout) {
            None => return wrong(format!("'{layout}' is no channel layout that FFmpeg knows")),
            Some(count) if count != channels => {
                return wrong(format!("the layout {layout} has {count} channels, and {channels} were given"));
            }
            Some(_) => {}
        }
        let format = SampleFormat { sample: T::TYPE, planar };
        let Some(mut frame) = Frame::of_samples(format, layout, sample_rate, samples, planes) else {
            return wrong(format!("a block of {samples} samples of {layout} at {sample_rate} Hz cannot be made"));
        };
        frame.set_time(time.ticks);
        Ok(AudioBlock { frame, first: 0, time })
    }

    /// The sample format. `None` if libavutil has none of this number.
    pub fn sample_format(&self) -> Option<SampleFormat> {
        self.frame.audio_format()
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        self.frame.sample_rate()
    }

    /// Samples per channel.
    pub fn samples(&self) -> usize {
        self.frame.samples()
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.frame.channels()
    }

    /// FFmpeg's name of the channel layout; a number of channels if the loudspeakers are unknown.
    pub fn layout(&self) -> String {
        self.frame.layout()
    }

    /// The time at which the block ends.
    pub fn end(&self) -> Timestamp {
        let rate = TimeBase::new(1, i64::from(self.sample_rate().max(1)));
        self.time.plus(Timestamp::new(self.samples() as i64, rate))
    }

    /// The samples of plane `index`, without a copy: those of one channel if the format is planar, otherwise those of
    /// all channels in turn, in plane 0.
    ///
    /// # Errors
    /// `InvalidSpec` if the samples have another type, or if there is no such plane.
    pub fn plane<T: Sample>(&self, index: usize) -> Result<&[T]> {
        let format = self.typed::<T>()?;
        let count = if format.planar { self.channels() } else { 1 };
        let bytes = self
            .frame
            .audio_plane(index)
            .ok_or_else(|| self.wrong(format!("the block has {count} planes, counted from 0, and no plane {index}")))?;
        <[T]>::ref_from_bytes(bytes).map_err(|_| self.wrong(format!("plane {index} is not aligned to {}", T::TYPE)))
    }

    /// A copy of the samples of channel `channel`, however they lie in memory.
    ///
    /// # Errors
    /// `InvalidSpec` if the samples have another type, or if there is no such channel.
    pub fn channel<T: Sample>(&self, channel: usize) -> Result<Vec<T>> {
        let (format, channels) = (self.typed::<T>()?, self.channels());
        if channel >= channels {
            return Err(
                self.wrong(format!("the block has {channels} channels, counted from 0, and no channel {channel}"))
            );
        }
        Ok(match format.planar {
            true => self.plane::<T>(channel)?.to_vec(),
            false => self.plane::<T>(0)?.iter().skip(channel).step_by(channels).copied().collect(),
        })
    }

    /// The sample format, if its samples are of type `T`.
    fn typed<T: Sample>(&self) -> Result<SampleFormat> {
        match self.sample_format() {
            Some(format) if format.sample == T::TYPE => Ok(format),
            Some(format) => Err(self.wrong(format!("the samples are {}, and not {}", format.sample, T::TYPE))),
            None => Err(self.wrong("the sample format is unknown".to_owned())),
        }
    }

    fn wrong(&self, detail: String) -> Error {
        Error::new(ErrorKind::InvalidSpec, Stage::Decode, detail).at(Some(self.time))
    }
}

/// The shape of the samples that a program gave.
struct Given {
    planar: bool,
    channels: usize,
    /// Samples per channel.
    samples: usize,
}
