//! Aligns audio with the edit units of an MXF file. Each unit holds one frame and the audio samples beside it.
//!
//! Invariant: each audio track has exactly the samples of the written frames, counted from the first. libavformat's
//! muxer drops frames if an audio track ends early, and drops audio if it ends late. Audio waits in memory only while
//! its frames may still come.

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
    /// True if no more frames come.
    has_ended: bool,
    audio: Vec<PcmTrack>,
}

struct PcmTrack {
    track: usize,
    sample_rate: i64,
    /// Bytes of one sample of all channels.
    block: usize,
    waiting: Vec<u8>,
    /// Samples received, including silence between them, and samples output.
    taken: i64,
    given: i64,
    /// True if no more audio comes, and the silence after its end, in samples.
    has_ended: bool,
    filled: i64,
}

impl EditUnits {
    /// Creates a buffer for `rate` frames a second.
    pub(super) fn new(rate: Rational) -> Self {
        EditUnits { rate, frames: 0, last: -1, has_ended: false, audio: Vec::new() }
    }

    /// Adds a PCM track with `block` bytes for one sample of all channels.
    pub(super) fn add_audio(&mut self, track: usize, sample_rate: u32, block: usize) {
        let sample_rate = i64::from(sample_rate);
        let (waiting, block) = (Vec::new(), block.max(1));
        self.audio.push(PcmTrack {
            track,
            sample_rate,
            block,
            waiting,
            taken: 0,
            given: 0,
            has_ended: false,
            filled: 0,
        });
    }

    /// Notes that no more frames come.
    pub(super) fn end_frames(&mut self) {
        self.has_ended = true;
        let (frames, rate) = (self.frames as i64, self.rate);
        self.audio.iter_mut().for_each(|audio| audio.cut(audio.samples(frames, rate)));
    }

    /// Notes that no more audio of `track` comes.
    pub(super) fn end_audio(&mut self, track: usize) {
        self.audio.iter_mut().filter(|audio| audio.track == track).for_each(|audio| audio.has_ended = true);
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
        if self.has_ended {
            audio.cut(audio.samples(self.frames as i64, self.rate));
        }
        true
    }

    /// The audio of complete edit units whose frames are written. Times count audio samples.
    pub(super) fn ready(&mut self) -> Vec<Ready> {
        let (rate, frames) = (self.rate, self.frames);
        let mut list = Vec::new();
        for audio in &mut self.audio {
            if audio.has_ended {
                audio.fill(audio.samples(frames as i64, rate));
            }
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
                    audio.fill(end);
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

    /// Adds silence up to sample `end`.
    fn fill(&mut self, end: i64) {
        let missing = (end - self.taken - self.filled).max(0);
        self.waiting.resize(self.waiting.len() + missing as usize * self.block, 0);
        self.filled += missing;
    }

    /// Drops what waits from sample `end` on.
    fn cut(&mut self, end: i64) {
        let kept = usize::try_from(end - self.given).unwrap_or(0);
        self.waiting.truncate(kept * self.block);
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
    fn audio_that_has_ended_is_followed_by_silence_at_once_and_audio_without_frames_is_not_kept() {
        let mut units = EditUnits::new(Rational::new(25, 1));
        units.add_audio(1, 48_000, 2);
        let take = |units: &mut EditUnits, start: i64, samples: usize| {
            let time = Timestamp::new(start, TimeBase::new(1, 48_000));
            assert!(units.take(1, Some(time), &vec![1; 2 * samples]));
        };
        take(&mut units, 0, 2000);
        units.end_audio(1);
        for place in 0..100 {
            units.frame(place);
            let ready = units.ready();
            assert_eq!(ready.iter().map(|(_, _, packet)| packet.duration()).collect::<Vec<_>>(), [1920]);
            let loud = ready[0].2.data().iter().filter(|byte| **byte == 1).count();
            assert_eq!(loud, [3840, 160].get(place as usize).copied().unwrap_or(0), "unit {place}");
            // The rest of the audio waits for the second unit.
            assert_eq!(units.audio[0].waiting.len(), if place == 0 { 160 } else { 0 });
        }
        let (rest, notes) = units.finish().unwrap();
        assert!(rest.is_empty());
        assert!(notes.len() == 1 && notes[0].contains("3958 ms of silence"), "{notes:?}");

        let mut units = EditUnits::new(Rational::new(25, 1));
        units.add_audio(1, 48_000, 2);
        units.frame(0);
        take(&mut units, 0, 5000);
        assert_eq!(units.ready().len(), 1);
        units.end_frames();
        assert!(units.audio[0].waiting.is_empty());
        for block in 0..10 {
            take(&mut units, 5000 + 1000 * block, 1000);
            assert!(units.audio[0].waiting.is_empty());
        }
        let (rest, notes) = units.finish().unwrap();
        assert!(rest.is_empty());
        assert!(notes.len() == 1 && notes[0].contains("273 ms of audio after the last frame"), "{notes:?}");
    }

    #[test]
    fn a_missing_frame_is_no_silent_shift() {
        let mut units = EditUnits::new(Rational::new(25, 1));
        units.frame(0);
        units.frame(2);
        assert_eq!(units.finish().err().map(|error| error.kind()), Some(ErrorKind::Unsupported));
    }
}
