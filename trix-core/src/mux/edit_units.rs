//! Aligns audio with the edit units of an MXF file. Each unit holds one frame and the audio samples beside it.
//!
//! Invariant: each audio track has exactly the samples of the written frames, counted from the first. libavformat's
//! muxer drops frames if an audio track ends early, and drops audio if it ends late.
//!
//! Frames and audio of a source wait for each other for a limited time. Frames that waited longer get silence, and audio
//! that comes even later is an error. Audio that waited longer is left out, and frames that come even later are an error.

use std::ops::Range;

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
    /// The largest number of frames that wait for audio. Audio waits for twice as many frames, because encoders hold
    /// frames back. `None`: all wait.
    most: Option<u64>,
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
    /// The last silence that took the place of audio that may still come, as positions of samples.
    replaced: Range<i64>,
    /// True if such audio came, and was not silent.
    is_late: bool,
    /// True if frames came whose audio was left out before.
    is_early: bool,
}

impl EditUnits {
    /// Creates a buffer for `rate` frames a second. Frames wait `most_apart` for their audio.
    pub(super) fn new(rate: Rational, most_apart: Option<Timestamp>) -> Self {
        let most = most_apart.map(|time| u64::try_from(time.rescale(rate.inverse())).unwrap_or(0));
        EditUnits { rate, frames: 0, last: -1, has_ended: false, most, audio: Vec::new() }
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
            replaced: 0..0,
            is_late: false,
            is_early: false,
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
        let (frames, rate) = (self.frames, self.rate);
        let most = self.most.map(|most| frames.saturating_add(2 * most) as i64);
        let Some(audio) = self.audio.iter_mut().find(|audio| audio.track == track) else { return false };
        let limit = most.map_or(i64::MAX, |most| audio.samples(most, rate));
        let at = time.map_or(audio.taken, |time| time.rescale(TimeBase::new(1, audio.sample_rate)));
        // A container that counts milliseconds is off by up to half a millisecond. That is not a gap.
        let slack = audio.sample_rate / 500;
        let gap = at.saturating_sub(audio.taken);
        let mut data = data;
        if gap > slack {
            let silence = audio.count(gap, limit) * audio.block;
            audio.waiting.resize(audio.waiting.len() + silence, 0);
        } else if gap < -slack {
            let skipped = (-gap).min((data.len() / audio.block) as i64);
            audio.is_late |= audio.is_replaced(at, &data[..skipped as usize * audio.block]);
            data = &data[skipped as usize * audio.block..];
        }
        let kept = audio.count((data.len() / audio.block) as i64, limit) * audio.block;
        audio.waiting.extend_from_slice(&data[..kept]);
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
            } else if let Some(most) = self.most {
                audio.replace(audio.samples(frames.saturating_sub(most) as i64, rate));
            }
            let was_left_out = audio.kept() < audio.taken;
            let mut used = 0;
            let mut unit = Timestamp::new(audio.given, TimeBase::new(1, audio.sample_rate)).rescale(rate.inverse());
            while (unit as u64) < frames {
                let length = audio.samples(unit + 1, rate) - audio.given;
                let bytes = length as usize * audio.block;
                let Some(data) = audio.waiting.get(used..used + bytes) else {
                    audio.is_early |= was_left_out;
                    break;
                };
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
    /// `Unsupported` if frames are missing between the written ones, or audio came too late.
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
        let (mut list, mut notes) = (self.ready(), Vec::new());
        for audio in &mut self.audio {
            let end = audio.samples(self.frames as i64, self.rate);
            let millis = |samples: i64| Timestamp::new(samples, TimeBase::new(1, audio.sample_rate)).rescale(MILLI);
            if audio.is_late || audio.is_early {
                let (factor, side) = if audio.is_late { (1, "behind") } else { (2, "ahead of") };
                let apart = Timestamp::new(factor * self.most.unwrap_or(0) as i64, self.rate.inverse());
                let detail = format!(
                    "MXF holds audio beside its frames; in the source, audio of track {} lies more than {apart} {side} them",
                    audio.track
                );
                return Err(Error::new(ErrorKind::Unsupported, Stage::Mux, detail));
            }
            // Silence in the place of audio that never came is missing audio.
            let came = if audio.replaced.end == audio.taken { audio.replaced.start } else { audio.taken };
            match end - came {
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
        list.extend(self.ready());
        Ok((list, notes))
    }
}

const MILLI: TimeBase = TimeBase { num: 1, den: 1000 };

impl PcmTrack {
    /// Number of samples of the first `units` frames, rounded to the nearest like in libavformat's `pcm_rechunk`.
    fn samples(&self, units: i64, rate: Rational) -> i64 {
        Timestamp::new(units, rate.inverse()).rescale(TimeBase::new(1, self.sample_rate))
    }

    /// The position after the last sample that waits or was output.
    fn kept(&self) -> i64 {
        self.given + (self.waiting.len() / self.block) as i64
    }

    /// Counts the next `samples` samples. Returns how many of them wait for their frames: none from sample `limit` on, and
    /// none behind a sample that was left out.
    fn count(&mut self, samples: i64, limit: i64) -> usize {
        let is_whole = self.kept() >= self.taken;
        let kept = if is_whole { limit.saturating_sub(self.taken).clamp(0, samples) } else { 0 };
        self.taken = self.taken.saturating_add(samples);
        kept as usize
    }

    /// Adds silence up to sample `end`.
    fn fill(&mut self, end: i64) {
        let missing = (end - self.taken - self.filled).max(0);
        self.waiting.resize(self.waiting.len() + missing as usize * self.block, 0);
        self.filled += missing;
    }

    /// Puts silence in the place of audio up to sample `end`, which has not come.
    fn replace(&mut self, end: i64) {
        let missing = (end - self.taken).max(0);
        if missing == 0 {
            return;
        }
        if self.replaced.end != self.taken {
            // What came after the last silence was in time.
            self.replaced = self.taken..self.taken;
        }
        self.waiting.resize(self.waiting.len() + missing as usize * self.block, 0);
        self.taken += missing;
        self.replaced.end = self.taken;
    }

    /// True if `data`, which begins at sample `at`, has sound where silence took its place.
    fn is_replaced(&self, at: i64, data: &[u8]) -> bool {
        let within = |sample: i64| usize::try_from((sample - at).max(0)).unwrap_or(0).saturating_mul(self.block);
        let (from, to) = (within(self.replaced.start), within(self.replaced.end).min(data.len()));
        data.get(from..to).is_some_and(|data| data.iter().any(|byte| *byte != 0))
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
        let mut units = EditUnits::new(rate, None);
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
        let mut units = EditUnits::new(Rational::new(25, 1), None);
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

        let mut units = EditUnits::new(Rational::new(25, 1), None);
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

    /// A track of 25 frames a second and 48 kHz, in which audio of half a second was given, and then 100 frames. Frames wait
    /// for 2 seconds.
    fn with_frames_ahead() -> EditUnits {
        let mut units = EditUnits::new(Rational::new(25, 1), Some(Timestamp::new(2, Rational::new(1, 1))));
        units.add_audio(1, 48_000, 2);
        assert!(units.take(1, None, &vec![1; 2 * 24_000]));
        let mut given = 0;
        for place in 0..100 {
            units.frame(place);
            given += units.ready().len() as i64;
            // Units without audio wait for 50 more frames.
            assert_eq!(given, (place + 1).min(12.max(place + 1 - 50)), "{place}");
        }
        units
    }

    fn take_at(units: &mut EditUnits, start: i64, samples: usize, value: u8) {
        let time = Timestamp::new(start, TimeBase::new(1, 48_000));
        assert!(units.take(1, Some(time), &vec![value; 2 * samples]));
    }

    #[test]
    fn frames_far_ahead_of_audio_do_not_wait_for_it() {
        // No more audio comes.
        let (rest, notes) = with_frames_ahead().finish().unwrap();
        assert_eq!(rest.len(), 50);
        assert!(notes.len() == 1 && notes[0].contains("3500 ms of silence"), "{notes:?}");

        // The audio goes on later, and what lies between was silent.
        let mut units = with_frames_ahead();
        take_at(&mut units, 24_000, 72_000, 0);
        take_at(&mut units, 96_000, 96_000, 1);
        let (rest, notes) = units.finish().unwrap();
        assert_eq!((rest.len(), notes), (50, Vec::new()));
        assert!(rest.iter().all(|(_, _, packet)| packet.data().iter().all(|byte| *byte == 1)));

        // The audio was late.
        let mut units = with_frames_ahead();
        take_at(&mut units, 24_000, 168_000, 1);
        let error = units.finish().err().expect("an error");
        assert!(error.to_string().contains("audio of track 1 lies more than 00:00:02.000 behind"), "{error}");
    }

    #[test]
    fn audio_far_ahead_of_frames_does_not_wait_for_them() {
        let ahead = || {
            let mut units = EditUnits::new(Rational::new(25, 1), Some(Timestamp::new(2, Rational::new(1, 1))));
            units.add_audio(1, 48_000, 2);
            units.frame(0);
            for second in 0..3600 {
                take_at(&mut units, 48_000 * second, 48_000, 1);
                units.ready();
                assert!(units.audio[0].waiting.len() <= 2 * 48_000 * 5);
            }
            units
        };
        // No more frames come.
        let (rest, notes) = ahead().finish().unwrap();
        assert_eq!(rest.len(), 0);
        assert!(notes.len() == 1 && notes[0].contains("3599960 ms of audio after the last frame"), "{notes:?}");
        // Frames for all audio that waited.
        let mut units = ahead();
        (1..101).for_each(|place| units.frame(place));
        assert_eq!(units.finish().unwrap().0.len(), 100);
        // One frame more.
        let mut units = ahead();
        (1..102).for_each(|place| units.frame(place));
        let error = units.finish().err().expect("an error");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("audio of track 1 lies more than 00:00:04.000 ahead of them"), "{error}");
    }

    #[test]
    fn a_wrong_time_allocates_no_silence_without_limit() {
        let mut units = EditUnits::new(Rational::new(25, 1), Some(Timestamp::new(2, Rational::new(1, 1))));
        units.add_audio(1, 48_000, 2);
        for start in [0, 48_000 * 86_400 * 365, i64::MAX - 4] {
            take_at(&mut units, start, 4800, 1);
            assert!(units.audio[0].waiting.len() <= 2 * 48_000 * 4);
        }
        units.frame(0);
        assert_eq!(units.finish().unwrap().0.len(), 1);
    }

    #[test]
    fn a_missing_frame_is_no_silent_shift() {
        let mut units = EditUnits::new(Rational::new(25, 1), None);
        units.frame(0);
        units.frame(2);
        assert_eq!(units.finish().err().map(|error| error.kind()), Some(ErrorKind::Unsupported));
    }
}
