//! Tests that audio and video stay in sync to the sample. The sources flash and beep. In every output, as the `ffmpeg`
//! program decodes it, the distance between each flash and its beep is that of the source.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use trix_core::{
    Job,
    settings::{audio::AudioSettings, video::VideoSettings},
};
use trix_fixtures::{folder, program};

use crate::support::{done, ffprobe, made_by_ffmpeg, number, program_is_of_this_release, quick, text};

/// Every audio codec, and the containers that hold it.
const TARGETS: [(&str, &[&str]); 7] = [
    ("aac", &["mp4", "mov", "mkv"]),
    ("opus", &["mp4", "mkv"]),
    ("ac3", &["mp4", "mov", "mkv"]),
    ("eac3", &["mp4", "mov", "mkv"]),
    ("flac", &["mp4", "mkv"]),
    ("alac", &["mp4", "mov", "mkv"]),
    ("pcm", &["mov", "mkv"]),
];

/// Length of a beep in seconds.
const BEEP: f64 = 0.04;

/// Returns the beep at `time` seconds after its begin. The frequency of the tone rises, so that it matches itself only
/// at one position.
fn beep(time: f64) -> f64 {
    (std::f64::consts::TAU * (500.0 * time + 50_000.0 * time * time)).sin()
}

/// Input options for frames at `rate`, with a flash in each `every`th frame, and for audio that beeps with every flash.
/// Flashes are a whole number of milliseconds apart, so that Matroska states their times exactly.
fn lavfi(rate: &str, every: u32, sample_rate: u32, times: &str) -> [String; 2] {
    let (num, den) = rate.split_once('/').unwrap_or((rate, "1"));
    let video_input = format!(
        "-f lavfi -i color=black:size=64x64:rate={rate},drawbox=color=white:t=fill:enable=eq(mod(n\\,{every})\\,0){times}"
    );
    let audio_input = format!(
        "-f lavfi -i aevalsrc=if(lt(mod(t\\,{every}*{den}/{num})\\,{BEEP})\\,0.5*sin(2*PI*(500*mod(t\\,{every}*{den}/{num})\
         +50000*pow(mod(t\\,{every}*{den}/{num})\\,2)))\\,0):s={sample_rate}"
    );
    [video_input, audio_input]
}

/// A file, as ffprobe and ffmpeg decode it.
struct Decoded {
    file: PathBuf,
    /// Time in seconds and mean level of each video frame.
    video: Vec<(f64, u8)>,
    /// Time of the first audio frame in seconds.
    audio_start: f64,
    rate: f64,
    channels: usize,
    /// Interleaved samples.
    samples: Vec<i16>,
}

fn decoded(file: &Path) -> Decoded {
    let json = ffprobe(file, "-show_streams -show_frames");
    let list = |name: &str| json[name].as_array().expect("a list").clone();
    let (streams, frames) = (list("streams"), list("frames"));
    let first = |kind: &str| streams.iter().find(|stream| stream["codec_type"] == kind).expect("a stream").clone();
    let (video, audio) = (first("video"), first("audio"));
    // Times in seconds.
    let times = |stream: &Value| -> Vec<f64> {
        let base = text(&stream["time_base"]);
        let (num, den): (f64, f64) =
            base.split_once('/').map(|(n, d)| (n.parse().unwrap(), d.parse().unwrap())).unwrap();
        let own = frames.iter().filter(|frame| frame["stream_index"] == stream["index"]);
        own.map(|frame| number::<f64>(&frame["pts"]) * num / den).collect()
    };
    let folder = folder();
    let [levels, samples] = ["levels", "samples"].map(|name| folder.path().join(name));
    program::ffmpeg(&format!(
        "-i {} -map 0:v -fps_mode passthrough -vf scale=1:1:flags=area,format=gray -f rawvideo {} \
         -map 0:a:0 -f s16le {}",
        file.display(),
        levels.display(),
        samples.display()
    ));
    let [levels, samples] = [levels, samples].map(|path| fs::read(path).expect("what ffmpeg decodes"));
    let shown = times(&video);
    assert_eq!(shown.len(), levels.len(), "{}", file.display());
    Decoded {
        file: file.to_owned(),
        video: shown.into_iter().zip(levels).collect(),
        audio_start: times(&audio)[0],
        rate: number(&audio["sample_rate"]),
        channels: number(&audio["channels"]),
        samples: samples.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect(),
    }
}

/// Returns how many samples after each flash its beep begins. Incomplete beeps are skipped. `near` is the expected
/// distance in seconds.
fn distances(decoded: &Decoded, near: f64) -> Vec<i64> {
    let Decoded { rate, audio_start: start, .. } = *decoded;
    let file = decoded.file.display();
    let audio: Vec<f64> = decoded.samples.iter().map(|sample| f64::from(*sample)).collect();
    let template: Vec<f64> = (0..(BEEP * rate) as usize).map(|at| beep(at as f64 / rate)).collect();
    let likeness = |at: i64| -> f64 {
        let from = usize::try_from(at).unwrap_or(usize::MAX);
        audio.get(from..).map_or(0.0, |audio| audio.iter().zip(&template).map(|(a, b)| a * b).sum())
    };
    let mut list = Vec::new();
    for flash in decoded.video.iter().filter(|(_, level)| *level > 128).map(|(time, _)| *time) {
        let place = (flash + near - start) * rate;
        let window = (0.02 * rate) as i64;
        let middle = place.round() as i64;
        if middle - window < 0 || middle + window + template.len() as i64 > audio.len() as i64 {
            continue;
        }
        let places = (middle - window..=middle + window).map(|at| (at, likeness(at)));
        let (best, most) = places.max_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap();
        assert!(most > 1e6, "{file}: no beep at {flash}");
        list.push((start * rate + best as f64 - flash * rate).round() as i64);
    }
    assert!(list.len() >= 3, "{file}: {} beeps", list.len());
    list
}

/// Encodes `source` to every codec in every container and compares distances. `near`: seconds from flash to beep.
fn stays_in_step(name: &str, source: &Path, near: f64) {
    let source_decoded = decoded(source);
    let (before, rate) = (distances(&source_decoded, near), source_decoded.rate);
    let spread = before.iter().max().unwrap() - before.iter().min().unwrap();
    assert!(spread <= 1, "{name}: a source whose distances vary: {before:?}");
    let folder = folder();
    for (codec, containers) in TARGETS {
        for extension in containers {
            let output = folder.path().join(format!("{name}-{codec}")).with_extension(extension);
            let mut job = Job::new(source, &output);
            job.outputs[0].video = VideoSettings::X264(quick("threads=1"));
            job.outputs[0].audio = codec.parse::<AudioSettings>().unwrap();
            done(&job);
            let output_decoded = decoded(&output);
            let (after, output_rate) = (distances(&output_decoded, near), output_decoded.rate);
            let what = format!("{name}, {codec} in {extension}: {after:?} for {before:?}");
            assert!(after.len() >= before.len() - 1, "{what}");
            // One sample of tolerance, if the sample rate changes or beeps begin between two samples.
            let rounding = if rate == output_rate && spread == 0 { 0.0 } else { 1.0 };
            for distance in &after {
                let expected = before[0] as f64 * output_rate / rate;
                let off = (*distance as f64 - expected).abs();
                assert!(off <= rounding, "{what}");
            }
        }
    }
}

fn source(name: &str, line: &str) -> PathBuf {
    made_by_ffmpeg(name, line)
}

#[test]
fn audio_that_begins_with_the_video_stays_in_step() {
    let [video_input, audio_input] = lavfi("25", 25, 48_000, "");
    let source = source(
        "flash-together.mov",
        &format!("{video_input} {audio_input} -t 4.3 -c:v libx264 -preset ultrafast -c:a pcm_s16le"),
    );
    stays_in_step("together", &source, 0.0);
}

#[test]
fn audio_that_begins_late_stays_in_step() {
    let [video_input, audio_input] = lavfi("25", 25, 48_000, "");
    let line =
        format!("{video_input} -itsoffset 0.32 {audio_input} -t 4.3 -c:v libx264 -preset ultrafast -c:a pcm_s24le");
    stays_in_step("late-audio", &source("flash-late-audio.mov", &line), 0.32);
}

#[test]
fn audio_that_begins_early_stays_in_step() {
    let [video_input, audio_input] = lavfi("25", 25, 48_000, "");
    let line = format!(
        "-itsoffset 0.52 {video_input} {audio_input} -t 4.3 -fps_mode passthrough -c:v libx264 -preset ultrafast -c:a pcm_s16le"
    );
    stays_in_step("late-video", &source("flash-late-video.mov", &line), 1.0 - 0.52);
}

#[test]
fn audio_that_begins_slightly_before_the_video_stays_in_step() {
    // The audio starts too little earlier to move the origin, so it is cut at the first frame.
    let [video_input, audio_input] = lavfi("25", 25, 48_000, "");
    let line = format!(
        "-itsoffset 0.04 {video_input} {audio_input} -t 4.3 -fps_mode passthrough -c:v libx264 -preset ultrafast -c:a pcm_s16le"
    );
    stays_in_step("little", &source("flash-little.mov", &line), -0.04);
}

#[test]
fn a_source_with_edit_lists_stays_in_step() {
    let [video_input, audio_input] = lavfi("25", 25, 48_000, "");
    let whole = source(
        "flash-whole.mp4",
        &format!("{video_input} {audio_input} -t 6 -c:v libx264 -preset fast -g 50 -c:a aac -b:a 192k"),
    );
    let cut = source("flash-cut.mp4", &format!("-ss 1.33 -i {} -c copy", whole.display()));
    let stream = ffprobe(&cut, "-select_streams v:0 -show_packets")["packets"].clone();
    let hidden = stream.as_array().unwrap().iter().filter(|packet| text(&packet["flags"]).contains('D')).count();
    assert!(hidden > 0, "an edit list that hides frames");
    // ffmpeg cuts audio and video at their own packets, so they start at different times.
    stays_in_step("edit-list", &cut, 0.03);
}

#[test]
fn frames_of_uneven_length_stay_in_step() {
    // Every other frame is shown twice as long.
    let [video_input, audio_input] = lavfi("25", 24, 48_000, ",settb=1/75,setpts=3*N-mod(N\\,2)");
    let line = format!(
        "{video_input} {audio_input} -t 4.3 -fps_mode passthrough -enc_time_base:v 1/75 -c:v libx264 -preset ultrafast \
         -video_track_timescale 75 -c:a pcm_s16le"
    );
    stays_in_step("uneven", &source("flash-uneven.mov", &line), 0.0);
}

#[test]
fn film_rate_with_audio_at_44_1_khz_stays_in_step() {
    let [video_input, audio_input] = lavfi("24000/1001", 24, 44_100, "");
    let line = format!("{video_input} {audio_input} -t 4.3 -c:v libx264 -preset ultrafast -c:a pcm_s16le");
    stays_in_step("film", &source("flash-film.mov", &line), 0.0);
}

#[test]
fn a_transport_stream_stays_in_step() {
    let [video_input, audio_input] = lavfi("25", 25, 48_000, "");
    let line =
        format!("{video_input} -itsoffset 0.1 {audio_input} -t 4.3 -c:v libx264 -preset fast -c:a ac3 -b:a 192k");
    stays_in_step("transport-stream", &source("flash.ts", &line), 0.1);
}

/// Cuts `source` without settings for audio and compares distances. `copied` states whether the audio must be copied.
/// `rounding` is the precision of the container in samples.
fn is_cut_in_step(source: &Path, extension: &str, copied: bool, rounding: i64) {
    let folder = folder();
    let source_decoded = decoded(source);
    let (before, rate) = (distances(&source_decoded, 0.0), source_decoded.rate);
    for (start, frames) in [(None, 90), (Some("0.62"), 85)] {
        let output = folder.path().join("cut").with_extension(extension);
        let mut job = Job::new(source, &output);
        job.source.start = start.map(|start| start.parse().expect("a time"));
        job.source.frames = Some(frames);
        job.outputs[0].overwrite = true;
        job.outputs[0].video = VideoSettings::X264(quick("threads=1"));
        let report = done(&job);
        let what = format!("{} from {start:?} in {extension}", source.display());
        let audio = &report.outputs[0].plan.audio[0];
        assert_eq!(audio.copied, copied, "{what}: {}", audio.codec);
        let output_decoded = decoded(&output);
        let after = distances(&output_decoded, 0.0);
        assert_eq!(output_decoded.rate, rate, "{what}");
        let off: Vec<i64> = after.iter().map(|distance| distance - before[0]).collect();
        assert!(off.iter().all(|off| off.abs() <= rounding), "{what}: {off:?}");
        // No audio is missing after the cut, and a decoder returns at most the rest of one packet after the end.
        let first = output_decoded.audio_start;
        let length = (output_decoded.samples.len() / output_decoded.channels) as f64 / rate;
        let shown = if extension == "ts" {
            // The cut begins between two frames. The second one is shown 20 ms later.
            let later = if start.is_some() { 0.02 } else { 0.0 };
            output_decoded.video[0].0 - later
        } else {
            0.0
        };
        let end = first - shown + length - frames as f64 / 25.0;
        assert!(first - shown < 0.001, "{what}: audio begins at {first}");
        assert!((-0.001..0.09).contains(&end), "{what}: audio ends {end} s after the cut");
    }
}

fn flashing(name: &str, audio: &str) -> PathBuf {
    let [video_input, audio_input] = lavfi("25", 25, 48_000, "");
    source(
        name,
        &format!("{video_input} {audio_input} -t 4.3 -c:v libx264 -preset ultrafast -bf 0 -c:a {audio} -strict -2"),
    )
}

#[test]
fn a_copy_of_audio_is_cut_to_the_sample() {
    for (name, audio) in [
        ("cut-aac.mp4", "aac"),
        ("cut-mp3.mp4", "libmp3lame"),
        ("cut-ac3.mp4", "ac3"),
        ("cut-eac3.mov", "eac3"),
        ("cut-opus.mp4", "libopus"),
        ("cut-pcm.mov", "pcm_s24be"),
        ("cut-mp2.ts", "mp2"),
    ] {
        let source = flashing(name, audio);
        if !audio.starts_with("pcm") {
            is_cut_in_step(&source, "mp4", true, 1);
        }
        // Half a millisecond, because Matroska rounds to milliseconds.
        is_cut_in_step(&source, "mkv", true, if audio.starts_with("pcm") { 0 } else { 25 });
    }
}

#[test]
fn a_copy_of_audio_out_of_matroska_is_cut_to_the_sample() {
    for (name, audio, extension) in [
        ("cut-aac.mkv", "aac", "mov"),
        ("cut-opus.mkv", "libopus", "mkv"),
        ("cut-vorbis.mkv", "libvorbis", "mkv"),
        ("cut-dts.mkv", "dca", "mkv"),
        ("cut-pcm.mkv", "pcm_s16le", "mov"),
    ] {
        // The delay of Opus is 6.5 ms. Matroska rounds it, and releases of libavformat round it differently.
        let rounded_twice = audio == "libopus" && !program_is_of_this_release();
        is_cut_in_step(&flashing(name, audio), extension, true, if rounded_twice { 49 } else { 25 });
    }
}

#[test]
fn audio_that_cannot_be_cut_as_it_is_is_encoded_again_in_step() {
    for (name, audio, extension) in [
        ("cut-aac.mp4", "aac", "ts"),
        ("cut-ac3.mp4", "ac3", "ts"),
        ("cut-flac.mkv", "flac", "mkv"),
        ("cut-alac.mov", "alac", "mov"),
        ("cut-vorbis.mkv", "libvorbis", "mp4"),
        ("cut-pcm.mov", "pcm_s24be", "mp4"),
    ] {
        is_cut_in_step(&flashing(name, audio), extension, false, 1);
    }
}
