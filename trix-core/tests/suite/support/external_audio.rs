//! Films with external audio tracks, and the audio of their outputs.

use std::path::{Path, PathBuf};

use serde_json::Value;
use trix_core::{
    Control, Error, ErrorKind, Job, run_job,
    settings::{audio::AudioSettings, job::OutputSettings, track::TrackSettings, video::VideoSettings},
};
use trix_fixtures::TempDir;

use super::{ffprobe, made_by_ffmpeg, quick, samples};

pub const RATE: u32 = 48_000;
pub const AAC: AudioSettings = AudioSettings::Aac { kbps: Some(160) };

/// Two seconds of small frames, at 25 frames per second, without audio.
pub fn film() -> PathBuf {
    made_by_ffmpeg(
        "side-film.mov",
        "-f lavfi -i testsrc2=size=96x64:rate=25 -t 2 -c:v libx264 -preset ultrafast -g 10 -bf 0 -f mov",
    )
}

pub fn track(text: &str) -> TrackSettings {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A job of `film` with external audio tracks and output files in `folder`, each with its audio settings.
pub fn job(film: &Path, folder: &TempDir, tracks: &[String], outputs: &[(&str, AudioSettings)]) -> Job {
    let mut job = Job::new(film, "");
    job.tracks = tracks.iter().map(|text| track(text)).collect();
    job.outputs = outputs
        .iter()
        .map(|(name, audio)| OutputSettings {
            path: folder.path().join(name),
            video: VideoSettings::X264(quick("bframes=0")),
            audio: *audio,
            ..Default::default()
        })
        .collect();
    job
}

pub fn cut(mut job: Job, start: Option<&str>, duration: Option<&str>) -> Job {
    job.source.start = start.map(|time| time.parse().expect("a time"));
    job.source.duration = duration.map(|time| time.parse().expect("a time"));
    job
}

pub fn refused(job: &Job) -> Error {
    let error = run_job(job, &Control::default()).expect_err("an error");
    for output in &job.outputs {
        let folder = output.path.parent().expect("a folder");
        let left: Vec<_> =
            std::fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().file_name()).collect();
        let parts = left.iter().filter(|name| name.to_string_lossy().contains("trix-part")).count();
        assert!(
            parts == 0 && (!output.path.exists() || error.to_string().contains("the output is")),
            "{left:?}: {error}"
        );
    }
    error
}

/// Returns the only mistake of a job: its place and its problem.
pub fn mistake(job: &Job) -> (String, String) {
    let error = refused(job);
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    let [mistake] = error.mistakes() else { panic!("{error}") };
    (mistake.place.clone(), mistake.problem.clone())
}

/// The 16-bit interleaved samples of audio track `number`, as the `ffmpeg` program decodes them.
pub fn heard(file: &Path, number: usize) -> Vec<i16> {
    samples(file, number, "s16le").chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect()
}

pub fn to_16_bits(audio: &[f64]) -> Vec<i16> {
    audio.iter().map(|sample| (sample * 32768.0).round().clamp(-32768.0, 32767.0) as i16).collect()
}

/// The samples `from` to `from + count`, with silence before the first and after the last sample.
pub fn part(audio: &[i16], from: i64, count: i64) -> Vec<i16> {
    (from..from + count).map(|at| usize::try_from(at).ok().and_then(|at| audio.get(at)).copied().unwrap_or(0)).collect()
}

/// The audio streams, as `ffprobe` reports them.
pub fn audio_streams(file: &Path) -> Vec<Value> {
    ffprobe(file, "-select_streams a -show_streams")["streams"].as_array().expect("streams").clone()
}

pub fn same(found: &[i16], expected: &[i16], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: samples");
    let first = found.iter().zip(expected).position(|(found, expected)| found != expected);
    assert_eq!(first, None, "{what}: the first sample that differs");
}
