//! Plans the conversion of audio for a program that reads it without a job.
//!
//! Invariant: the samples of a rate and layout are those that a job encodes, before they are rounded to the format of a codec.

use trix_av::layout::ChannelLayout;
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    format::SampleType,
    mistake::Mistake,
};

use crate::{
    filter::resampler,
    plan::{AudioTarget, Remix},
    reading::{
        audio_reader::AudioReader,
        samples::{Samples, WantedAudio},
    },
};

impl Samples<'_> {
    /// Changes the sample rate, in Hz, with the best resampler of this build.
    ///
    /// With this method, [`Samples::layout`] or [`Samples::sample`], blocks follow each other without gaps: silence stands where
    /// the source has no audio. The first sample is that at the start of the file.
    ///
    /// ```
    /// # let master = trix_fixtures::clip::master();
    /// use trix_core::{Source, media::format::SampleType};
    ///
    /// let source = Source::open(&master)?;
    /// let mut samples = 0;
    /// for block in source.samples().rate(16_000).layout("mono").sample(SampleType::F32) {
    ///     let block = block?;
    ///     samples += block.channel::<f32>(0)?.len();
    /// }
    /// assert_eq!(samples, 2 * 16_000);
    /// # Ok::<(), trix_core::Error>(())
    /// ```
    pub fn rate(self, sample_rate: u32) -> Self {
        self.shaped(|wanted| wanted.sample_rate = Some(sample_rate), audio_target)
    }

    /// Mixes the channels to `layout`, FFmpeg's name of a channel layout such as `mono` or `5.1`, with the coefficients of
    /// ITU-R BS.775. See [`Samples::rate`].
    pub fn layout(self, layout: &str) -> Self {
        self.shaped(|wanted| wanted.layout = Some(layout.to_owned()), audio_target)
    }

    /// Converts samples to this type: `I16` and `I32` with all bits, `F32` or `F64`. Rounding to 16 bits is dithered. See
    /// [`Samples::rate`].
    pub fn sample(self, sample: SampleType) -> Self {
        self.shaped(|wanted| wanted.sample = Some(sample), audio_target)
    }
}

/// The target for audio that a program wants.
///
/// # Errors
/// `InvalidSpec` for a rate, layout or type that audio cannot have; `Unsupported` if channels without a layout would be mixed.
fn audio_target(reader: &AudioReader, wanted: &WantedAudio) -> Result<AudioTarget> {
    let own = reader.as_it_is();
    let mut mistakes = Vec::new();
    let sample_rate = wanted.sample_rate.unwrap_or(own.sample_rate);
    if !(1000..=768_000).contains(&sample_rate) {
        mistakes.push(Mistake::new("rate", sample_rate, "must be 1000 to 768000 Hz"));
    }
    let named = wanted.layout.as_deref().map(|name| (name, ChannelLayout::from_name(name)));
    if let Some((name, None)) = &named {
        mistakes.push(Mistake::new("layout", name, "is no channel layout, such as mono, stereo or 5.1"));
    }
    let (format, bits) = match wanted.sample.unwrap_or(SampleType::F64) {
        SampleType::I16 => ("s16p", Some(16)),
        SampleType::I32 => ("s32p", Some(32)),
        SampleType::F32 => ("fltp", None),
        SampleType::F64 => ("dblp", None),
        other => {
            mistakes.push(Mistake::new("sample", other, "is no type for audio here; i16, i32, f32 and f64 are"));
            ("dblp", None)
        }
    };
    if !mistakes.is_empty() {
        return Err(Error::of_mistakes(mistakes));
    }
    let target = own.at_rate(sample_rate, resampler::best).in_format(format, bits, bits == Some(16));
    let wanted = named.and_then(|(_, layout)| layout).filter(|layout| layout.name != target.layout);
    let Some(layout) = wanted else { return Ok(target) };
    if ChannelLayout::from_name(&target.layout).is_none() {
        let detail = format!("{} without a layout are not mixed to {}", target.layout, layout.name);
        return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_stream(reader.stream()));
    }
    Ok(AudioTarget { layout: layout.name, remix: Some(Remix::Standard), ..target })
}
