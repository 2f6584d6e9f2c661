//! Aligns audio with the edit units of an MXF file. Each unit holds one frame and the audio samples beside it.
//!
//! Invariant: each audio track has exactly the samples of the written frames, counted from the first. libavformat's
//! muxer drops frames if an audio track ends early, and drops audio if it ends late.

use trix_av::packet::Packet;
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{Rational, TimeBase, Timestamp},
};

/// Audio to write: track index, time base, packet.
pub(super) type Ready = (usize, TimeBase, Packet);

/// Audio that waits for its frames.
pub(super) struct EditUnits {
    rate: Rational,
    frames: u64,
    last: i64,
    audio: Vec<PcmTrack>,
}

struct PcmTrack {
    track: usize,
    sample_rate: i64,
    /// Bytes of one sample of all channels.
    block: usize,
    waiting: Vec<u8>,
    /// Samples received, including silence, and samples output.
    taken: i64,
    given: i64,
}

impl EditUnits {
    /// Creates a buffer for `rate` frames a second.
    pub(super) fn new(rate: Rational) -> Self {
        EditUnits { rate, frames: 0, last: -1, audio: Vec::new() }
    }

    /// Adds a PCM track with `block` bytes for one sample of all channels.
    pub(super) fn add_audio(&mut self, track: usize, sample_rate: u32, block: usize) {
        let sample_rate = i64::from(sample_rate);
        let waiting = Vec::new();
        self.audio.push(PcmTrack { track, sample_rate, block: block.max(1), waiting, taken: 0, given: 0 });
    }

    /// Counts a frame with presentation number `place`.
    pub(super) fn frame(&mut self, place: i64) {
        self.frames += 1;
        self.last = self.last.max(place);
    }

    /// Takes audio of `track` with presentation time `time`. False for other tracks.
    pub(super) fn take(&mut self, track: usize, time: Option<Timestamp>, data: &[u8]) -> bool {
        let Some(audio) = self.audio.iter_mut().find(|audio| audio.track == track) else { return false };
        let at = time.map_or(audio.taken, |time| time.rescale(TimeBase::new(1, audio.sample_rate)));
        // A container that counts milliseconds is off by up to half a millisecond. That is not a gap.
        let slack = audio.sample_rate / 500;
        let gap = at - audio.taken;
        let mut data = data;
        if gap > slack {
            audio.waiting.resize(audio.waiting.len() + gap as usize * audio.block, 0);
            audio.taken += gap;
        } else if gap < -slack {
            let skipped = (-gap).min((data.len() / audio.block) as i64);
            data = &data[skipped as usize * audio.block..];
        }
        audio.taken += (data.len() / audio.block) as i64;
        audio.waiting.extend_from_slice(data);
        true
    }

    /// The audio of complete edit units whose frames are written. Times count audio samples.
    pub(super) fn ready(&mut self) -> Vec<Ready> {
        let (rate, frames) = (self.rate, self.frames);
        let mut list = Vec::new();
        for audio in &mut self.audio {
            let mut used = 0;
            let mut unit = Timestamp::new(audio.given, TimeBase::new(1, audio.sample_rate)).rescale(rate.inverse());
            while (unit as u64) < frames {
                let length = audio.samples(unit + 1, rate) - audio.given;
                let bytes = length as usize * audio.block;
                let Some(data) = audio.waiting.get(used..used + bytes) else { break };
                let mut packet = Packet::copy_of(data);
                packet.set_times(Some(audio.given), Some(audio.given), length);
                packet.set_key(true);
                list.push((audio.track, TimeBase::new(1, audio.sample_rate), packet));
                audio.given += length;
                used += bytes;
                unit += 1;
            }
            audio.waiting.drain(..used);
        }
        list
    }

    /// Returns the remaining audio after the last packet, filled with silence or cut to the end of the frames, and
    /// notes for the report.
    ///
    /// # Errors
    /// `Unsupported` if frames are missing between the written ones.
    pub(super) fn finish(&mut self) -> Result<(Vec<Ready>, Vec<String>)> {
        if self.last + 1 != self.frames as i64 {
            let detail = format!(
                "MXF holds one frame after the other at {} a second; of the {} places, {} are taken",
                self.rate,
                self.last + 1,
                self.frames
            );
            return Err(Error::new(ErrorKind::Unsupported, Stage::Mux, detail));
        }
        let mut notes = Vec::new();
        for audio in &mut self.audio {
            let end = audio.samples(self.frames as i64, self.rate);
            let millis = |samples: i64| Timestamp::new(samples, TimeBase::new(1, audio.sample_rate)).rescale(MILLI);
            match end - audio.taken {
                0 => {}
                missing if missing > 0 => {
                    let what = format!("track {}: {} ms of silence up to the end", audio.track, millis(missing));
                    notes.push(format!("{what} of the frames, because MXF keeps both of one length"));
                    audio.waiting.resize(audio.waiting.len() + missing as usize * audio.block, 0);
                    audio.taken = end;
                }
                late => {
                    let what = format!("track {}: {} ms of audio after the last frame", audio.track, millis(-late));
                    notes.push(format!("{what} are left out, because MXF keeps both of one length"));
                }
            }
        }
        let list = self.ready();
        Ok((list, notes))
    }
}

const MILLI: TimeBase = TimeBase { num: 1, den: 1000 };

impl PcmTrack {
    /// Number of samples of the first `units` frames, rounded to the nearest like in libavformat's `pcm_rechunk`.
    fn samples(&self, units: i64, rate: Rational) -> i64 {
        Timestamp::new(units, rate.inverse()).rescale(TimeBase::new(1, self.sample_rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(rate: Rational, frames: i64, samples: usize) -> (Vec<i64>, Vec<String>) {
        let mut units = EditUnits::new(rate);
        units.add_audio(1, 48_000, 2);
        for start in (0..samples).step_by(1024) {
            let time = Timestamp::new(start as i64, TimeBase::new(1, 48_000));
            assert!(units.take(1, Some(time), &vec![1; 2 * 1024.min(samples - start)]));
        }
        let mut lengths = Vec::new();
        let mut push = |list: Vec<Ready>| {
            lengths.extend(list.iter().map(|(_, _, packet)| packet.duration()));
        };
        for place in 0..frames {
            units.frame(place);
            push(units.ready());
        }
        let (list, notes) = units.finish().unwrap();
        push(list);
        (lengths, notes)
    }

    #[test]
    fn audio_has_the_length_of_the_frames() {
        let (lengths, notes) = filled(Rational::new(30_000, 1001), 5, 8008);
        assert_eq!((lengths.iter().sum::<i64>(), lengths.len(), notes.len()), (8008, 5, 0));
        let (lengths, notes) = filled(Rational::new(25, 1), 3, 4000);
        assert_eq!((lengths, notes.len()), (vec![1920; 3], 1));
        let (lengths, notes) = filled(Rational::new(25, 1), 3, 9600);
        assert_eq!((lengths, notes.len()), (vec![1920; 3], 1));
    }

    #[test]
    fn a_missing_frame_is_no_silent_shift() {
        let mut units = EditUnits::new(Rational::new(25, 1));
        units.frame(0);
        units.frame(2);
        assert_eq!(units.finish().err().map(|error| error.kind()), Some(ErrorKind::Unsupported));
    }
}
