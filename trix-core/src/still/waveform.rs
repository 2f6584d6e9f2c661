//! Draws the waveform of an audio track along the timeline.
//!
//! Invariant: each column shows the audio of its own interval, with a precision of an eighth of a column.

use std::fmt::Write;

use trix_av::frame::Frame;
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::{files::StillFile, image::Canvas, peaks::Peaks};
use crate::{
    plan::Span,
    settings::still::{StillFormat, WaveformChannels, WaveformSettings},
};

/// What became of a waveform.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct WaveformReport {
    /// Channels that were drawn; one where they are mixed.
    pub channels: usize,
    /// Samples in a second.
    pub sample_rate: u32,
    /// Samples on the time line.
    pub samples: u64,
    /// The highest absolute sample of each channel; 1 is full scale.
    pub peaks: Vec<f32>,
    /// The effective value of each channel.
    pub rms: Vec<f64>,
}

/// The waveform stage. It takes decoded audio blocks in any format.
pub(crate) struct Waveform {
    settings: WaveformSettings,
    peaks: Peaks,
    time_base: TimeBase,
    stream: usize,
}

impl Waveform {
    /// Creates a waveform of audio stream `stream`, with times in `time_base`. The film is `span`.
    pub fn new(settings: &WaveformSettings, stream: usize, time_base: TimeBase, span: Span) -> Self {
        // Eight buckets for each column, even directly after pairs were merged.
        let bound = (16 * settings.width as usize).next_power_of_two();
        let mixed = settings.channels == WaveformChannels::Mixed;
        let peaks = Peaks::new(span.origin, mixed, bound);
        Waveform { settings: settings.clone(), peaks, time_base, stream }
    }

    /// Ignores audio from `until` on, in the time of the audio.
    pub(super) fn end_at(&mut self, until: Timestamp) {
        self.peaks.end_at(until);
    }

    /// Takes the next block. Returns false if no later block counts.
    pub fn push(&mut self, frame: &Frame) -> bool {
        self.peaks.push(frame, self.time_base);
        !self.peaks.is_complete()
    }

    /// Makes the image of a film that ends at `end`, in the source's time, or at the end of the audio if that is later.
    /// With `None`, it ends at the end of the audio.
    ///
    /// # Errors
    /// `MalformedInput` if there was no audio; those of the encoder.
    pub fn finish(mut self, end: Option<Timestamp>) -> Result<(Vec<StillFile>, WaveformReport)> {
        if let Some(end) = end {
            self.peaks.reach(end);
        }
        if self.peaks.rate() == 0 || self.peaks.samples() == 0 {
            let detail = "there is no audio stream to draw a waveform of";
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Decode, detail).in_stream(self.stream));
        }
        let peaks = &self.peaks;
        let whole = |channel: usize| peaks.part(channel, 0, peaks.samples());
        let report = WaveformReport {
            channels: peaks.channels(),
            sample_rate: peaks.rate(),
            samples: peaks.samples(),
            peaks: (0..peaks.channels()).map(|channel| whole(channel).0).map(|all| all.high.max(-all.low)).collect(),
            rms: (0..peaks.channels()).map(|channel| whole(channel).1).collect(),
        };
        let png = self.draw().encode(StillFormat::Png, 100)?;
        let mut files = vec![StillFile { path: self.settings.path.clone(), bytes: png }];
        if let Some(path) = self.settings.peaks.clone() {
            self.peaks.coarsen(self.settings.width as usize);
            files.push(StillFile { path, bytes: self.json().into_bytes() });
        }
        Ok((files, report))
    }

    fn draw(&self) -> Canvas {
        let WaveformSettings { width, height, color, rms_color, background, .. } = &self.settings;
        let (width, height) = (*width as usize, *height as usize);
        let mut canvas = Canvas::new(width, height, background.0);
        let (channels, samples) = (self.peaks.channels(), self.peaks.samples());
        for channel in 0..channels {
            // Divide the height into equal lanes; remainders are distributed among them.
            let (top, bottom) = (channel * height / channels, (channel + 1) * height / channels);
            let lane = Lane { top, rows: (bottom - top).max(1) };
            for column in 0..width {
                let from = (samples as u128 * column as u128 / width as u128) as u64;
                let to = (samples as u128 * (column as u128 + 1)).div_ceil(width as u128) as u64;
                let (peak, rms) = self.peaks.part(channel, from, to);
                let (low, high) = (f64::from(peak.low), f64::from(peak.high));
                canvas.stroke(column, lane.row(high), lane.row(low) + 1, color.0);
                // The RMS value stays within the peaks, except for audio with a DC offset.
                let (inner_high, inner_low) = (rms.min(high), (-rms).max(low));
                if inner_high > inner_low {
                    canvas.stroke(column, lane.row(inner_high), lane.row(inner_low) + 1, rms_color.0);
                }
            }
        }
        canvas
    }

    /// The data of the program audiowaveform (its documentation of the data format, version 2): for each bucket the
    /// lowest and highest sample of each channel, in 16 bits.
    fn json(&self) -> String {
        let peaks = &self.peaks;
        let (channels, rate, size, length) = (peaks.channels(), peaks.rate(), peaks.bucket_samples(), peaks.buckets());
        let mut text = format!(
            "{{\"version\":2,\"channels\":{channels},\"sample_rate\":{rate},\"samples_per_pixel\":{size},\"bits\":16,\
             \"length\":{length},\"data\":["
        );
        for index in 0..length {
            for channel in 0..channels {
                let bucket = peaks.bucket(channel, index);
                let comma = if index == 0 && channel == 0 { "" } else { "," };
                // Writing to a string cannot fail.
                let _ = write!(text, "{comma}{},{}", whole(bucket.low), whole(bucket.high));
            }
        }
        text + "]}\n"
    }
}

/// Converts a sample to 16 bits.
fn whole(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// The rows of one channel.
struct Lane {
    top: usize,
    rows: usize,
}

impl Lane {
    /// The row of a sample: 1 is at the top, -1 at the bottom.
    fn row(&self, sample: f64) -> usize {
        let down = (1.0 - sample.clamp(-1.0, 1.0)) / 2.0 * (self.rows - 1) as f64;
        self.top + down.round() as usize
    }
}
