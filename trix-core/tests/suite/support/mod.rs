//! Helpers of the integration tests. They run jobs, parse streams and call other programs.

pub mod colorimetry;
pub mod ladder;
pub mod languages;
pub mod frames;
pub mod raw;
pub mod external_audio;
pub mod sessions;
pub mod stills;
pub mod waves;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use trix_core::{
    Control, Error, Job, Report, doctor, run_job,
    settings::{
        audio::AudioSettings,
        video::{EncodeSettings, Encoder, VideoSettings},
    },
};
use trix_fixtures::program;

/// True if the `ffmpeg` program is of the release that the libraries of this process are of.
pub fn program_is_of_this_release() -> bool {
    let libraries = doctor::examine().libraries;
    let ours = &libraries.iter().find(|library| library.name == "ffmpeg").expect("FFmpeg").version;
    let release = ours.split(['-', '+']).next().expect("a release");
    let theirs = program::text(&program::run("ffmpeg", ["-version"]));
    theirs.split([' ', '-', '+']).nth(2) == Some(release)
}

/// Runs a job that must succeed.
pub fn done(job: &Job) -> Report {
    run_job(job, &Control::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs an ignored test alone, in a process of its own with these environment variables. Returns its output. `module`
/// is the `module_path!()` of the test.
pub fn alone(module: &str, test: &str, environment: &[(&str, &Path)]) -> String {
    let (_, module) = module.split_once("::").expect("a module of this program");
    let output = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", &format!("{module}::{test}"), "--ignored", "--nocapture"])
        .envs(environment.iter().copied())
        .output()
        .expect("a process");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("test result: ok. 1 passed"), "{said}");
    said
}

/// Runs a job on another thread and cancels it after 700 ms. Returns its error and the time that it took to end.
pub fn cancelled(job: Job) -> (Error, Duration) {
    let control = Control::default();
    let cancel = control.cancel.clone();
    let running = thread::spawn(move || run_job(&job, &control));
    thread::sleep(Duration::from_millis(700));
    let asked = Instant::now();
    cancel.cancel();
    let error = running.join().expect("no panic").expect_err("a job that was cancelled");
    (error, asked.elapsed())
}

/// A job that encodes only the video of `source`. FFV1 and ProRes use the fields of `settings` that apply to them. The
/// other fields must not be set.
pub fn video_job(source: &Path, output: &Path, encoder: Encoder, settings: EncodeSettings) -> Job {
    let mut job = Job::new(source, output);
    job.outputs[0].audio = AudioSettings::None;
    let (video, lacking) = VideoSettings::of(encoder, settings);
    assert_eq!(lacking, []);
    job.outputs[0].video = video;
    job
}

/// Fast encoder settings, with options of the encoder itself as `name=value`, separated by spaces.
pub fn quick(params: &str) -> EncodeSettings {
    EncodeSettings {
        preset: Some("ultrafast".into()),
        params: params.split_whitespace().map(pair).collect(),
        ..Default::default()
    }
}

/// `name=value` as a pair.
pub fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').expect("name=value");
    (name.to_owned(), value.to_owned())
}

/// The coded slices of the first video stream of a file, whatever its container, as raw NAL units.
///
/// Parameter sets, SEI and delimiters are left out: a container may move, repeat or drop them.
pub fn slices(file: &Path, encoder: Encoder) -> Vec<Vec<u8>> {
    let raw = match file.extension().and_then(|extension| extension.to_str()) {
        Some("264" | "hevc") => std::fs::read(file).expect("a raw stream"),
        _ => {
            let (filter, format) = match encoder {
                Encoder::X264 => ("h264_mp4toannexb", "h264"),
                Encoder::X265 => ("hevc_mp4toannexb", "hevc"),
                Encoder::Ffv1 | Encoder::Prores => panic!("{encoder} has no NAL units"),
            };
            let line = format!("-i {} -map 0:v:0 -c copy -bsf:v {filter} -f {format} -", file.display());
            program::ffmpeg(&line).stdout
        }
    };
    let mut units = units(&raw);
    units.retain(|unit| match (encoder, unit.first()) {
        (_, None) => false,
        // H.264 table 7-1, H.265 table 7-1.
        (Encoder::X264, Some(header)) => (1..=5).contains(&(header & 0x1f)),
        (Encoder::X265, Some(header)) => (header >> 1) & 0x3f < 32,
        (Encoder::Ffv1 | Encoder::Prores, Some(_)) => unreachable!("refused above"),
    });
    units
}

/// NAL units between start codes (H.264 and H.265, annex B), without the zero bytes that may follow one.
fn units(stream: &[u8]) -> Vec<Vec<u8>> {
    let starts: Vec<usize> =
        stream.windows(3).enumerate().filter(|(_, window)| *window == [0, 0, 1]).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let mut units = Vec::new();
    for (start, end) in starts.iter().zip(ends) {
        let mut unit = &stream[start + 3..end];
        while let Some(rest) = unit.strip_suffix(&[0]) {
            unit = rest;
        }
        units.push(unit.to_vec());
    }
    units
}

/// The JSON output of `ffprobe` for a file, with `options`.
pub fn ffprobe(file: &Path, options: &str) -> Value {
    let line = format!("-v error -of json {options} {}", file.display());
    let output = program::run("ffprobe", line.split_whitespace());
    serde_json::from_slice(&output.stdout).expect("ffprobe prints JSON")
}

/// The first video stream, as `ffprobe` reports it, with its frames counted by decoding.
pub fn video_stream(file: &Path) -> Value {
    ffprobe(file, "-select_streams v:0 -count_frames -show_streams")["streams"][0].clone()
}

/// The tracks of one kind (`Video`, `Audio`), as `mediainfo` reports them.
pub fn mediainfo(file: &Path, kind: &str) -> Vec<Value> {
    let output = program::run("mediainfo", [Path::new("--Output=JSON"), file]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("mediainfo prints JSON");
    let tracks = json["media"]["track"].as_array().expect("tracks").clone();
    tracks.into_iter().filter(|track| track["@type"] == kind).collect()
}

/// Parses a number that a foreign program prints as text.
pub fn number<T: std::str::FromStr>(value: &Value) -> T {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().unwrap_or_else(|_| panic!("'{text}' is no number"))
}

/// The text of a JSON string, empty if there is none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Presentation times of the packets of a stream in ascending order, in ticks, and the ticks per second as (num, den).
pub fn times(file: &Path, stream: &str) -> (Vec<i64>, (i64, i64)) {
    let json = ffprobe(file, &format!("-select_streams {stream} -show_packets -show_streams"));
    let base = text(&json["streams"][0]["time_base"]);
    let (num, den) = base.split_once('/').expect("a time base");
    let packets = json["packets"].as_array().expect("packets");
    let mut times: Vec<i64> = packets.iter().map(|packet| packet["pts"].as_i64().expect("a time")).collect();
    times.sort_unstable();
    (times, (num.parse().expect("a number"), den.parse().expect("a number")))
}

/// The frames of a file as raw planes, decoded by the `ffmpeg` program in their own format.
pub fn planes(file: &Path) -> Vec<u8> {
    let line = format!("{} -i {} -map 0:v:0 -fps_mode passthrough -f rawvideo -", program::uncropped(), file.display());
    program::ffmpeg(&line).stdout
}

/// The samples of audio track `track`, decoded by the `ffmpeg` program to `format` (`s16le`, `s32le`, `f32le`).
pub fn samples(file: &Path, track: usize, format: &str) -> Vec<u8> {
    let line = format!("-i {} -map 0:a:{track} -f {format} -", file.display());
    program::ffmpeg(&line).stdout
}

/// [`planes`] and [`samples`] of a file with one call of `ffmpeg`.
pub fn planes_and_samples(file: &Path, track: usize, format: &str) -> (Vec<u8>, Vec<u8>) {
    let folder = trix_fixtures::folder();
    let raw = folder.path().join("samples");
    let line = format!(
        "{} -i {} -map 0:v:0 -fps_mode passthrough -f rawvideo - -map 0:a:{track} -f {format} {}",
        program::uncropped(),
        file.display(),
        raw.display()
    );
    (program::ffmpeg(&line).stdout, std::fs::read(raw).expect("samples"))
}

/// As [`samples`], for each of the first `tracks` audio tracks.
pub fn samples_of_tracks(file: &Path, tracks: usize, format: &str) -> Vec<Vec<u8>> {
    let folder = trix_fixtures::folder();
    let files: Vec<PathBuf> = (0..tracks).map(|track| folder.path().join(track.to_string())).collect();
    let outputs = files.iter().enumerate();
    let outputs: String =
        outputs.map(|(track, path)| format!(" -map 0:a:{track} -f {format} {}", path.display())).collect();
    program::ffmpeg(&format!("-i {}{outputs}", file.display()));
    files.iter().map(|path| std::fs::read(path).expect("samples")).collect()
}

/// Makes a fixture with an `ffmpeg` command line that ends with the name of the fixture.
pub fn made_by_ffmpeg(name: &str, line: &str) -> PathBuf {
    trix_fixtures::clip::made(name, |path| {
        program::ffmpeg(&format!("{line} {}", path.display()));
    })
}
