//! Audio for tests: computed by formula, written as WAVE without another program, and read back from blocks.

use std::path::Path;

use trix_core::{
    OnDamage, Source, plan::AudioTarget, reading::audio_reader::AudioReader, settings::audio_edit::AudioEdit,
};

/// Writes channels as a WAVE file: `bits` 16, 24 or 32 as integers, 64 as floating point.
pub fn write_wave(path: &Path, channels: &[Vec<f64>], rate: u32, bits: u16) {
    let count = channels.len() as u16;
    let block = count * bits / 8;
    let samples = channels[0].len();
    let size = samples as u32 * u32::from(block);
    let mut bytes = Vec::with_capacity(size as usize + 44);
    let format: u16 = if bits == 64 { 3 } else { 1 };
    bytes.extend(b"RIFF");
    bytes.extend((36 + size).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend(format.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(block)).to_le_bytes());
    bytes.extend(block.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(size.to_le_bytes());
    for at in 0..samples {
        for channel in channels {
            if bits == 64 {
                bytes.extend(channel[at].to_le_bytes());
            } else {
                let full = 2f64.powi(i32::from(bits) - 1);
                let whole = (channel[at] * full).round().clamp(-full, full - 1.0) as i64;
                bytes.extend(&whole.to_le_bytes()[..usize::from(bits) / 8]);
            }
        }
    }
    std::fs::write(path, bytes).expect("a wave file");
}

/// Opens a reader of the first audio stream of a file.
pub fn open(path: &Path) -> AudioReader {
    let source = Source::open(path).expect("a source");
    AudioReader::new(source, None, OnDamage::Fail).expect("a reader")
}

/// Returns all samples of a reader, by channel. The time of each block must be the number of its first sample.
pub fn drain(reader: &mut AudioReader) -> Vec<Vec<f64>> {
    let mut channels: Vec<Vec<f64>> = Vec::new();
    while let Some(block) = reader.next_block().expect("audio") {
        channels.resize(block.channels(), Vec::new());
        assert_eq!(block.pts(), Some(channels[0].len() as i64), "blocks follow one another");
        channels.iter_mut().enumerate().for_each(|(channel, to)| block.read_channel(channel, to));
    }
    channels
}

/// Applies `edit` to a file, with its target changed by `change`.
pub fn edited(path: &Path, edit: AudioEdit, change: impl FnOnce(AudioTarget) -> AudioTarget) -> Vec<Vec<f64>> {
    let reader = open(path);
    let target = change(reader.as_it_is());
    drain(&mut reader.converted(target, edit))
}

/// A sine wave.
pub fn tone(frequency: f64, amplitude: f64, rate: u32, samples: usize) -> Vec<f64> {
    let step = std::f64::consts::TAU * frequency / f64::from(rate);
    (0..samples).map(|at| amplitude * (step * at as f64).sin()).collect()
}

/// Noise from -1 to 1 that is the same every time (xorshift).
pub fn noise(seed: u64, samples: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..samples)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// Converts decibels to a factor.
pub fn factor(decibel: f64) -> f64 {
    10f64.powf(decibel / 20.0)
}
