//! Decodes the audio of the file and compares it with the input of the encoders.
//!
//! Invariant: a lossless codec must return every sample; a lossy codec must return every sample at its position.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use trix_model::{
    check::Check,
    control::cancel::Token,
    damage::{DamageLog, OnDamage},
    error::{Error, Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::{
    decode::audio::AudioDecoder,
    demux::Demuxer,
    encode::samples::{SampleRecord, SampleRecorder},
    plan::{AudioPlan, OutputPlan},
    source::Source,
    verify::structure::Clock,
};

/// A track during decoding.
struct ComparedTrack<'a> {
    decoder: AudioDecoder,
    plan: &'a AudioPlan,
    time_base: TimeBase,
    record: SampleRecorder,
    /// The time of the first sample, in samples.
    start: Option<i64>,
    /// The difference between the clock of the file and that of the output.
    clock: Clock,
}

impl ComparedTrack<'_> {
    fn enter(&mut self) -> Result<()> {
        while let Some(frame) = self.decoder.receive()? {
            let rate = TimeBase::new(1, i64::from(self.plan.sample_rate));
            let time = frame.pts().map(|pts| self.clock.apply(Timestamp::new(pts, self.time_base)).rescale(rate));
            self.start = self.start.or(time);
            self.record.enter(&frame);
        }
        Ok(())
    }

    /// Compares the decoded samples with the encoder input.
    fn checks(self, name: &str, expected: &SampleRecord) -> Vec<Check> {
        let is_lossless = self.plan.lossless;
        let start = self.start.unwrap_or(0);
        let found = self.record.close();
        // Samples before time zero are an encoder's priming. After the end, libavformat hides the padding of Matroska's
        // last packet, but not the samples that an edit list of MP4 and MOV cuts off.
        let end = start.saturating_add(found.samples);
        let samples = if is_lossless { end } else { end.min(expected.samples) };
        let mut list = vec![
            Check::equal(format!("{name} first sample"), 0, start.max(0)),
            Check::equal(format!("{name} samples"), expected.samples, samples),
        ];
        if is_lossless {
            list.push(Check::equal(
                format!("{name} samples by hash"),
                expected.channels.join(" "),
                found.channels.join(" "),
            ));
        }
        list
    }
}

/// Decodes every encoded track of `path`, and compares it with `written`, the input of its encoder. `clock` is the
/// difference between the clock of the file and that of the output.
///
/// # Errors
/// Errors of reading and decoding. A difference is no error, but a failed check.
pub(crate) fn compare(
    path: &Path,
    plan: &OutputPlan,
    written: &[EncodedAudio],
    clock: Clock,
    token: &Token,
) -> Result<Vec<Check>> {
    let source = Source::open(path)?;
    let damage = Arc::new(DamageLog::new(OnDamage::Fail));
    let mut tracks = BTreeMap::new();
    for EncodedAudio { track, number, .. } in written {
        let (Some(facts), Some(audio)) = (source.streams().get(*track), plan.audio.get(*number)) else {
            return Err(Error::bug(Stage::Verify, format!("track {track} is not in the file")));
        };
        let decoder = AudioDecoder::new(source.label(), facts, Arc::clone(&damage))?;
        let record = SampleRecorder::new(audio.bits);
        tracks.insert(
            *track,
            ComparedTrack { decoder, plan: audio, time_base: facts.time_base, record, start: None, clock },
        );
    }
    let mut demuxer = Demuxer::new(source, damage);
    while let Some(packet) = demuxer.next_packet()? {
        if token.is_set() {
            return Err(Error::cancelled(Stage::Verify));
        }
        if let Some(track) = tracks.get_mut(&packet.stream()) {
            track.decoder.push(Some(&packet))?;
            track.enter()?;
        }
    }
    let mut checks = Vec::new();
    for EncodedAudio { track, samples, .. } in written {
        let Some(mut decoded) = tracks.remove(track) else { continue };
        decoded.decoder.push(None)?;
        decoded.enter()?;
        checks.extend(decoded.checks(&format!("track {track}"), samples));
    }
    Ok(checks)
}

/// The input of the encoder of an audio track.
#[derive(Clone)]
pub(crate) struct EncodedAudio {
    /// Number of the track in the output.
    pub(crate) track: usize,
    /// Number of the track's plan.
    pub(crate) number: usize,
    pub(crate) samples: SampleRecord,
}
