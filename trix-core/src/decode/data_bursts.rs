//! Finds data in PCM: coded audio such as AC-3, E-AC-3 and Dolby E, in bursts with a preamble (SMPTE ST 337; IEC 61937
//! uses the same for 16 bits). Played as audio, it is noise.
//!
//! Invariant: a burst counts only if its complete preamble is present and recurs. The words are compared in full, in
//! 16, 20 or 24 bits.

use serde::{Deserialize, Serialize};
use trix_av::frame::Frame;
use trix_model::time::{TimeBase, Timestamp};

/// Coded audio that PCM carries as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DataBursts {
    /// What it is, as far as the preamble says.
    pub content: String,
    /// Bits of a word of the bursts: 16, 20 or 24.
    pub bits: u32,
    /// Numbers of the channels that carry them, from zero.
    pub channels: Vec<usize>,
    /// When the second burst begins.
    #[serde(skip)]
    pub(crate) time: Option<Timestamp>,
}

impl std::fmt::Display for DataBursts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let DataBursts { content, bits, channels, .. } = self;
        let numbers: Vec<String> = channels.iter().map(|channel| (channel + 1).to_string()).collect();
        let word = if numbers.len() == 1 { "channel" } else { "channels" };
        write!(f, "SMPTE 337 data ({content}, {bits} bits) in {word} {}", numbers.join(" and "))
    }
}

/// The first and second word of a preamble, in the most significant bits of 32, and their width (SMPTE ST 337, table
/// 6).
const PREAMBLES: [(u32, u32, u32); 3] =
    [(0xf872_0000, 0x4e1f_0000, 16), (0x6f87_2000, 0x54e1_f000, 20), (0x96f8_7200, 0xa54e_1f00, 24)];

/// Minimum number of zero samples before a burst, so that its words are credible.
const GUARD: u32 = 16;

/// Minimum and maximum distance between bursts, in samples: blocks of MPEG audio, Dolby E at 192 kHz.
const DISTANCES: std::ops::RangeInclusive<u64> = 64..=65_536;

/// Searches the blocks of one stream.
#[derive(Default)]
pub(crate) struct BurstFinder {
    channels: Vec<Channel>,
    samples: u64,
    words: Vec<Vec<u32>>,
}

/// The search state of one channel.
#[derive(Clone, Default)]
struct Channel {
    previous: u32,
    /// Number of zero samples before the previous sample.
    quiet_before: u32,
    quiet: u32,
    /// The word after the last preamble.
    info: Option<u32>,
    hits: [Hits; 4],
}

/// Occurrences of possible bursts.
#[derive(Clone, Copy, Default)]
struct Hits {
    last: Option<u64>,
    distance: u64,
    count: u32,
}

impl Hits {
    /// Records an occurrence at sample `at`. Returns how often it has occurred in a row at credible distances, or at
    /// equal distances if `is_even`.
    fn enter(&mut self, at: u64, is_even: bool) -> u32 {
        let distance = self.last.map_or(0, |last| at - last);
        // A preamble across two samples counts once.
        if self.last.is_some() && distance < *DISTANCES.start() {
            return self.count;
        }
        let follows = DISTANCES.contains(&distance) && (!is_even || self.count < 2 || distance == self.distance);
        self.count = if follows { self.count + 1 } else { 1 };
        (self.last, self.distance) = (Some(at), distance);
        self.count
    }
}

/// The layout of the words: across a pair of channels, consecutive in one channel, or split between two tracks, of
/// which this is the first or the second.
const PAIR: usize = 0;
const SINGLE: usize = 1;
const FIRST: usize = 2;
const SECOND: usize = 3;

impl BurstFinder {
    /// Searches a block whose time is in `base`. Returns the finding once it is certain.
    pub(crate) fn push(&mut self, frame: &Frame, base: TimeBase) -> Option<DataBursts> {
        let count = frame.channels();
        if self.channels.len() != count {
            self.channels = vec![Channel::default(); count];
        }
        self.words.resize(count, Vec::new());
        for (channel, words) in self.words.iter_mut().enumerate() {
            words_of(&frame.channel(channel), frame.format(), words);
        }
        let samples = self.words.first().map_or(0, Vec::len);
        for index in 0..samples {
            let at = self.samples + index as u64;
            if let Some(found) = self.look(at, index) {
                let rate = TimeBase::new(1, i64::from(frame.sample_rate().max(1)));
                let time = frame.pts().map(|pts| Timestamp::new(pts, base).plus(Timestamp::new(index as i64, rate)));
                return Some(DataBursts { time, ..found });
            }
        }
        self.samples += samples as u64;
        None
    }

    fn look(&mut self, at: u64, index: usize) -> Option<DataBursts> {
        let mut found = None;
        for number in 0..self.channels.len() {
            let word = self.words[number][index];
            let next_channel = self.words.get(number + 1).map(|words| words[index]);
            let channel = &mut self.channels[number];
            for (first, second, bits) in PREAMBLES {
                if word == first && next_channel == Some(second) && channel.hits[PAIR].enter(at, false) >= 2 {
                    found = found.or(Some((channel.info, bits, vec![number, number + 1])));
                }
                if channel.previous == first && word == second && channel.hits[SINGLE].enter(at, false) >= 2 {
                    found = found.or(Some((channel.info, bits, vec![number])));
                }
                if (channel.previous == first && word != second) || channel.previous == second {
                    channel.info = Some(word);
                }
                let is_guarded = channel.quiet_before >= GUARD;
                if channel.previous == first
                    && is_guarded
                    && content(word).is_some()
                    && channel.hits[FIRST].enter(at, false) >= 2
                {
                    found = found.or(Some((Some(word), bits, vec![number])));
                }
                if channel.previous == second && is_guarded && channel.hits[SECOND].enter(at, true) >= 3 {
                    found = found.or(Some((None, bits, vec![number])));
                }
            }
            channel.quiet_before = channel.quiet;
            channel.quiet = if word == 0 { channel.quiet.saturating_add(1) } else { 0 };
            channel.previous = word;
        }
        found.map(|(kind, bits, channels)| {
            let content = kind.and_then(content).unwrap_or("coded audio").to_owned();
            DataBursts { content, bits, channels, time: None }
        })
    }
}

/// The content of a burst according to the third word of its preamble (SMPTE ST 338, table 1; IEC 61937-2). Returns
/// `None` for words that are not valid. The data type is in the lowest five of the upper 16 bits.
fn content(word: u32) -> Option<&'static str> {
    let info = word >> 16;
    // Intact bursts do not have the error flag set.
    if info == 0 || info & 0x80 != 0 {
        return None;
    }
    match info & 0x1f {
        1 => Some("AC-3"),
        4..=6 | 8..=10 => Some("MPEG audio"),
        7 | 19 => Some("AAC"),
        11..=13 => Some("DTS"),
        16 | 21 => Some("E-AC-3"),
        22 => Some("TrueHD"),
        28 => Some("Dolby E"),
        _ => None,
    }
}

/// Converts the samples of a channel to words, in the most significant bits of 32. Yields nothing for formats other
/// than integers of 16 to 32 bits and floating point.
fn words_of(bytes: &[u8], format: std::ffi::c_int, to: &mut Vec<u32>) {
    to.clear();
    // The order of `AVSampleFormat`, interleaved or planar.
    match format {
        1 | 6 => {
            to.extend(bytes.as_chunks().0.iter().map(|sample| u32::from(u16::from_ne_bytes(*sample)) << 16));
        }
        2 | 7 => to.extend(bytes.as_chunks().0.iter().map(|sample| u32::from_ne_bytes(*sample))),
        // 32-bit floating point holds 24-bit words exactly.
        3 | 8 => to.extend(bytes.as_chunks().0.iter().map(|sample| {
            let value = f64::from(f32::from_ne_bytes(*sample)) * 2_147_483_648.0;
            value as i32 as u32
        })),
        4 | 9 => to.extend(
            bytes.as_chunks().0.iter().map(|sample| (f64::from_ne_bytes(*sample) * 2_147_483_648.0) as i32 as u32),
        ),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels with a burst every 1536 samples.
    fn bursts(first: u32, second: u32, info: u32, pairs: bool) -> Vec<Vec<f64>> {
        let mut channels = vec![vec![0.0; 1536 * 4]; 2];
        let value = |word: u32| f64::from(word as i32) / 2_147_483_648.0;
        for start in (100..1536 * 4 - 600).step_by(1536) {
            match pairs {
                true => {
                    (channels[0][start], channels[1][start]) = (value(first), value(second));
                    (channels[0][start + 1], channels[1][start + 1]) = (value(info), value(0x1234_0000));
                }
                false => {
                    (channels[0][start], channels[0][start + 1]) = (value(first), value(second));
                    channels[0][start + 2] = value(info);
                }
            }
            for at in 3..500 {
                channels[0][start + at] = value((at as u32).wrapping_mul(2_654_435_761) & 0xffff_0000);
            }
        }
        channels
    }

    fn found(planes: &[Vec<f64>], block: usize) -> Option<DataBursts> {
        let layout = if planes.len() == 2 { "stereo" } else { "mono" };
        let mut finder = BurstFinder::default();
        for start in (0..planes[0].len()).step_by(block) {
            let part: Vec<Vec<f64>> =
                planes.iter().map(|plane| plane[start..(start + block).min(plane.len())].to_vec()).collect();
            let frame = Frame::of_audio(&part, layout, 48_000, start as i64).expect("a block");
            if let Some(found) = finder.push(&frame, TimeBase::new(1, 48_000)) {
                return Some(found);
            }
        }
        None
    }

    #[test]
    fn bursts_are_found_in_every_width_and_arrangement() {
        for (first, second, bits) in PREAMBLES {
            for block in [1, 333, 1536, 10_000] {
                let pair = bursts(first, second, 0x001c_0000, true);
                let both = found(&pair, block).expect("bursts in a pair");
                assert_eq!((both.bits, both.channels.as_slice()), (bits, &[0, 1][..]));
                assert_eq!(both.time.map(|time| time.ticks), Some(100 + 1536));
                assert_eq!(both.content, "Dolby E");
                // Each of two mono tracks on its own.
                let left = found(&pair[..1], block).expect("bursts in the first of two tracks");
                assert_eq!((left.bits, left.content.as_str()), (bits, "Dolby E"));
                assert!(found(&pair[1..], block).is_some(), "bursts in the second of two tracks");
                let single = found(&bursts(first, second, 0x0001_0000, false)[..1], block).expect("one channel");
                assert_eq!((single.bits, single.channels.as_slice()), (bits, &[0][..]));
            }
        }
    }

    #[test]
    fn audio_is_no_data() {
        // All 16-bit values, as in tones and noise, and a single preamble.
        let noise = |seed: u32| {
            (0..200_000u32).map(move |at| {
                let word = (at ^ seed).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(0x9e37_79b9);
                f64::from((word & 0xffff_0000) as i32) / 2_147_483_648.0
            })
        };
        assert_eq!(found(&[noise(1).collect(), noise(77).collect()], 1024), None);
        let tone = |turn: f64| {
            (0..200_000).map(move |at| (((at % 48) as f64 / 48.0 + turn) * std::f64::consts::TAU).sin() * 0.9).collect()
        };
        assert_eq!(found(&[tone(0.0), tone(0.3)], 1024), None);
        let mut once = bursts(PREAMBLES[0].0, PREAMBLES[0].1, 0x0001_0000, true);
        once.iter_mut().for_each(|plane| plane[1000..].fill(0.0));
        assert_eq!(found(&once, 1024), None);
    }
}
