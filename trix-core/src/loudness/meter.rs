//! Loudness and peaks of audio by EBU R 128: ITU-R BS.1770-5 for loudness and true peak, EBU Tech 3341 for the
//! measurement windows, EBU Tech 3342 for the loudness range.
//!
//! Invariant: the result does not depend on how the samples are divided into blocks, nor on their format.

use std::collections::VecDeque;

use ebur128::{Channel, EbuR128, Mode};
use trix_av::frame::Frame;
use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::plan::Loudness;

/// Power weight of a channel to the side of the listener, 1.5 dB (BS.1770-5, table 4).
const SIDE: f64 = 1.41;

/// Loudness at a power of 1: `-0.691 + 10 log10(power)` (BS.1770-5, equation 2).
const FULL_POWER: f64 = -0.691;

/// Number of 10 ms steps in the windows of momentary and short-term loudness (Tech 3341).
const MOMENTARY: usize = 40;
const SHORT_TERM: usize = 300;

/// Measures blocks of audio.
pub struct Meter {
    ebu: EbuR128,
    channels: usize,
    sample_rate: u32,
    weights: Vec<f64>,
    samples: u64,
    /// Samples of an incomplete step, by channel.
    ahead: Vec<Vec<f64>>,
    /// Samples per step.
    step: usize,
    /// Weighted power of the last steps.
    powers: VecDeque<f64>,
    max_momentary: f64,
    max_short_term: f64,
}

impl Meter {
    /// Creates a meter for audio in the format of `frame`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn for_audio_like(frame: &Frame) -> Result<Self> {
        Meter::new(frame.channels(), frame.sample_rate(), frame.loudspeakers().as_deref())
    }

    /// Creates a meter for this number of channels at `sample_rate` samples per second. `loudspeakers` holds FFmpeg's
    /// abbreviation for each channel, or `None` if they are unknown.
    ///
    /// # Errors
    /// `Unsupported` for more than 64 channels, or for fewer than 100 or more than 2 822 400 samples per second.
    pub fn new(channels: usize, sample_rate: u32, loudspeakers: Option<&[String]>) -> Result<Self> {
        let refused = || {
            let detail = format!("loudness of {channels} channels at {sample_rate} Hz cannot be measured");
            Error::new(ErrorKind::Unsupported, Stage::Filter, detail)
        };
        if !(1..=64).contains(&channels) || !(100..=2_822_400).contains(&sample_rate) {
            return Err(refused());
        }
        let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK;
        let mut ebu = EbuR128::new(channels as u32, sample_rate, mode).map_err(|_| refused())?;
        let places: Vec<Channel> = match loudspeakers.filter(|names| names.len() == channels) {
            Some(names) => names.iter().map(|name| place(name, names)).collect(),
            None => vec![Channel::Center; channels],
        };
        ebu.set_channel_map(&places).map_err(|_| refused())?;
        let weights = places.iter().map(|place| weight(*place)).collect();
        Ok(Meter {
            ebu,
            channels,
            sample_rate,
            weights,
            samples: 0,
            ahead: vec![Vec::new(); channels],
            step: (sample_rate / 100) as usize,
            powers: VecDeque::with_capacity(SHORT_TERM),
            max_momentary: 0.0,
            max_short_term: 0.0,
        })
    }

    /// Measures a block.
    ///
    /// # Errors
    /// `Unsupported` if the block has another rate or number of channels than the meter.
    pub fn push(&mut self, frame: &Frame) -> Result<()> {
        if (frame.channels(), frame.sample_rate()) != (self.channels, self.sample_rate) {
            let (channels, rate) = (frame.channels(), frame.sample_rate());
            let detail = format!("audio changes to {channels} channels at {rate} Hz while it is measured");
            return Err(Error::new(ErrorKind::Unsupported, Stage::Filter, detail));
        }
        let before = self.ahead.first().map_or(0, Vec::len);
        for (channel, ahead) in self.ahead.iter_mut().enumerate() {
            frame.read_channel(channel, ahead);
        }
        self.advance(before)
    }

    /// Measures samples: one list for each channel, all of the same length. Full scale is 1.
    ///
    /// # Errors
    /// `Unsupported` if the number of channels differs, or the lists have different lengths.
    pub fn push_samples(&mut self, channels: &[Vec<f64>]) -> Result<()> {
        let samples = channels.first().map_or(0, Vec::len);
        if channels.len() != self.channels || channels.iter().any(|channel| channel.len() != samples) {
            let detail = format!("{} channels of audio where {} are measured", channels.len(), self.channels);
            return Err(Error::new(ErrorKind::Unsupported, Stage::Filter, detail));
        }
        let before = self.ahead.first().map_or(0, Vec::len);
        self.ahead.iter_mut().zip(channels).for_each(|(ahead, channel)| ahead.extend_from_slice(channel));
        self.advance(before)
    }

    /// Measures all complete steps of `ahead`. The samples up to `before` were already counted.
    fn advance(&mut self, before: usize) -> Result<()> {
        for ahead in &mut self.ahead {
            // A sample that is not a number would spoil all later results.
            ahead[before..].iter_mut().filter(|sample| !sample.is_finite()).for_each(|sample| *sample = 0.0);
        }
        let ahead = self.ahead.first().map_or(0, Vec::len);
        self.samples += (ahead - before) as u64;
        let whole = ahead / self.step * self.step;
        for start in (0..whole).step_by(self.step) {
            self.measure(start, start + self.step)?;
            self.look();
        }
        self.ahead.iter_mut().for_each(|ahead| drop(ahead.drain(..whole)));
        Ok(())
    }

    /// Returns the result.
    pub fn finish(mut self) -> Loudness {
        let rest = self.ahead.first().map_or(0, Vec::len);
        // `push` has already checked the format of the blocks.
        let _checked = self.measure(0, rest);
        let known = |value: Result<f64, ebur128::Error>| value.ok().filter(|value| value.is_finite());
        let decibel = |value: f64| (value > 0.0).then(|| 20.0 * value.log10());
        let loudness = |power: f64| (power > 0.0).then(|| FULL_POWER + 10.0 * power.log10());
        let channels = 0..self.channels as u32;
        let true_peaks: Vec<f64> =
            channels.clone().map(|channel| self.ebu.true_peak(channel).unwrap_or_default()).collect();
        let sample_peak = channels.map(|channel| self.ebu.sample_peak(channel).unwrap_or_default());
        let highest = |all: &mut dyn Iterator<Item = f64>| decibel(all.fold(0.0, f64::max));
        let integrated_lufs = known(self.ebu.loudness_global());
        Loudness {
            integrated_lufs,
            range_lu: known(self.ebu.loudness_range())
                .filter(|_| integrated_lufs.is_some() && self.samples >= u64::from(self.sample_rate) * 3),
            true_peak_dbtp: highest(&mut true_peaks.iter().copied()),
            true_peaks_dbtp: true_peaks.iter().map(|peak| decibel(*peak)).collect(),
            sample_peak_dbfs: highest(&mut sample_peak.into_iter()),
            max_momentary_lufs: loudness(self.max_momentary),
            max_short_term_lufs: loudness(self.max_short_term),
            samples: self.samples,
            sample_rate: self.sample_rate,
            weights: self.weights,
        }
    }

    fn measure(&mut self, start: usize, end: usize) -> Result<()> {
        let planes: Vec<&[f64]> = self.ahead.iter().map(|ahead| &ahead[start..end]).collect();
        self.ebu
            .add_frames_planar_f64(&planes)
            .map_err(|error| Error::bug(Stage::Filter, format!("loudness cannot be measured: {error}")))
    }

    /// Adds the last measured step to the windows.
    fn look(&mut self) {
        // The crate rounds a window of 10 ms to samples in the same way as `step`.
        let loudness = self.ebu.loudness_window(10).unwrap_or(f64::NEG_INFINITY);
        if self.powers.len() == SHORT_TERM {
            self.powers.pop_front();
        }
        self.powers.push_back(10f64.powf((loudness - FULL_POWER) / 10.0));
        let mean = |steps: usize| self.powers.iter().rev().take(steps).sum::<f64>() / steps as f64;
        // As Tech 3341 defines, a window that is not full yet holds silence before the start.
        self.max_momentary = self.max_momentary.max(mean(MOMENTARY));
        self.max_short_term = self.max_short_term.max(mean(SHORT_TERM));
    }
}

/// Position of a loudspeaker (ITU-R BS.2051-3) in its layout.
fn place(name: &str, all: &[String]) -> Channel {
    let has_sides = all.iter().any(|name| matches!(name.as_str(), "SL" | "SR"));
    match name {
        "FL" | "DL" | "SDL" => Channel::Left,
        "FR" | "DR" | "SDR" => Channel::Right,
        "LFE" | "LFE2" => Channel::Unused,
        // 5.1 has one pair of surround channels, at 110 degrees, whatever their name. 7.1 has one pair at 90 and one at
        // 135 degrees.
        "BL" if !has_sides => Channel::LeftSurround,
        "BR" if !has_sides => Channel::RightSurround,
        "BL" => Channel::Mp135,
        "BR" => Channel::Mm135,
        "SL" if all.iter().any(|name| name == "BL") => Channel::Mp090,
        "SR" if all.iter().any(|name| name == "BR") => Channel::Mm090,
        "SL" => Channel::LeftSurround,
        "SR" => Channel::RightSurround,
        "WL" => Channel::Mp060,
        "WR" => Channel::Mm060,
        "BC" => Channel::Mp180,
        _ => Channel::Center,
    }
}

/// BS.1770-5, table 4: 1.41 from 60 to 120 degrees to the side at ear height, otherwise 1.
fn weight(place: Channel) -> f64 {
    match place {
        Channel::Unused => 0.0,
        Channel::LeftSurround
        | Channel::RightSurround
        | Channel::Mp060
        | Channel::Mm060
        | Channel::Mp090
        | Channel::Mm090 => SIDE,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn channels_weigh_what_the_standard_says() {
        for (layout, expected) in [
            ("FC", vec![1.0]),
            ("FL FR", vec![1.0, 1.0]),
            ("FL FR FC LFE BL BR", vec![1.0, 1.0, 1.0, 0.0, SIDE, SIDE]),
            ("FL FR FC LFE SL SR", vec![1.0, 1.0, 1.0, 0.0, SIDE, SIDE]),
            ("FL FR FC LFE BL BR SL SR", vec![1.0, 1.0, 1.0, 0.0, 1.0, 1.0, SIDE, SIDE]),
        ] {
            let names = names(layout);
            assert_eq!(Meter::new(names.len(), 48_000, Some(&names)).unwrap().weights, expected, "{layout}");
        }
        assert_eq!(Meter::new(3, 48_000, None).unwrap().weights, [1.0; 3]);
    }

    #[test]
    fn windows_are_those_of_the_crate() {
        let mut meter = Meter::new(2, 48_000, Some(&names("FL FR"))).unwrap();
        let wave = |at: usize, step: f64| (at as f64 * step).sin() * (0.2 + 0.1 * (at as f64 / 50_000.0).sin());
        let planes: Vec<Vec<f64>> =
            [0.13, 0.029].iter().map(|step| (0..240_000).map(|at| wave(at, *step)).collect()).collect();
        let frame = Frame::of_audio(&planes, "stereo", 48_000, 0).unwrap();
        meter.push(&frame).unwrap();
        let mean = |steps: usize| meter.powers.iter().rev().take(steps).sum::<f64>() / steps as f64;
        let ours = [MOMENTARY, SHORT_TERM].map(|steps| FULL_POWER + 10.0 * mean(steps).log10());
        let theirs = [meter.ebu.loudness_momentary().unwrap(), meter.ebu.loudness_shortterm().unwrap()];
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < 1e-9, "{ours} for {theirs}");
        }
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for (channels, rate) in [(0, 48_000), (65, 48_000), (2, 0), (2, 99), (2, u32::MAX)] {
            let error = Meter::new(channels, rate, None).err().expect("refused");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
    }
}
