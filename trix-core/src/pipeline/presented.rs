//! Checks presented time: the file must present each stream for as long as the source does.
//!
//! Invariant: a track ends where its stream ends in the source, or where the job cuts it, within one frame (audio: one
//! packet) or 40 ms. Otherwise the job fails, unless the job tolerates damage that explains the difference.

use trix_av::stream::StreamKind;
use trix_model::{
    check::Check,
    time::{Rational, Timestamp},
};

use crate::{
    demux::Walked,
    mux::record::TrackRecord,
    plan::OutputPlan,
    settings::{audio_edit::AudioEdit, container::Container},
};

/// Viewers do not notice a smaller error of synchronisation (EBU R 37).
const TOLERANCE: Timestamp = Timestamp::new(40, Rational::new(1, 1000));

/// Compares the ends of tracks with those of their streams. `tracks` are in the order in which they were written.
pub(super) fn checks(plan: &OutputPlan, tracks: &[TrackRecord], walked: &Walked) -> Vec<Check> {
    let mut checks = Vec::new();
    if plan.frames.is_some() {
        return checks;
    }
    let video = plan.video.as_ref().map(|video| video.stream).or(plan.video_copy.as_ref().map(|copy| copy.stream));
    let first_audio = usize::from(video.is_some());
    let frame = plan.video.as_ref().map(|video| Timestamp::new(1, video.rate.inverse()));
    for (index, track) in tracks.iter().enumerate() {
        let stream = match track.kind {
            StreamKind::Video => video,
            // External tracks, and tracks that are moved or stretched, have their own length. In MXF, audio is as long
            // as the video; the muxer reports what it filled or left out.
            StreamKind::Audio if plan.container == Container::Mxf => None,
            StreamKind::Audio => plan
                .audio
                .get(index.wrapping_sub(first_audio))
                .filter(|audio| keeps_time(&audio.edit))
                .and_then(|audio| audio.stream.source()),
            _ => None,
        };
        let Some((presented, found)) = stream.and_then(|stream| walked.streams.get(&stream)).zip(track.end) else {
            continue;
        };
        // A copy of video ends with a GOP, and not at the requested time.
        let asked = plan.end.filter(|_| plan.video_copy.is_none() || track.kind == StreamKind::Audio);
        if plan.end.is_some() && asked.is_none() {
            continue;
        }
        // A job with an end reads on until all its tracks have reached it.
        if !presented.is_whole && asked.is_none_or(|asked| presented.end < asked) {
            continue;
        }
        let end = asked.map_or(presented.end, |asked| asked.min(presented.end));
        let expected = end.plus(negative(plan.origin));
        let own = if track.kind == StreamKind::Video { frame } else { presented.grain };
        let tolerance = own.unwrap_or(TOLERANCE).max(TOLERANCE);
        let apart = expected.plus(negative(found));
        checks.push(Check {
            name: format!("track {index} presented time"),
            expected: expected.to_string(),
            found: found.to_string(),
            ok: apart <= tolerance && negative(apart) <= tolerance,
        });
    }
    checks
}

/// True if audio is played at the same times as in the source.
fn keeps_time(edit: &AudioEdit) -> bool {
    let usual = AudioEdit::default();
    edit.offset == usual.offset && edit.tempo == usual.tempo && edit.length.is_none()
}

fn negative(time: Timestamp) -> Timestamp {
    Timestamp::new(time.ticks.saturating_neg(), time.base)
}
