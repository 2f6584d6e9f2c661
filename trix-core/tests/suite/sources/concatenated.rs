//! Tests of recordings concatenated in one file, of last frames with a long duration, and of the ledger of presented
//! time. In each recording, frames flash and audio beeps at every full second. The tests measure what the `ffmpeg`
//! program decodes from the outputs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use trix_core::{
    Control, ErrorKind, Job, OnDamage, Report,
    media::time::{Rational, Timestamp},
    run_job,
    settings::{audio::AudioSettings, video::VideoSettings},
};
use trix_fixtures::{clip::made, folder, program};

use crate::support::{done, ffprobe, made_by_ffmpeg, number, quick, text};

const H264: &str = "-c:v libx264 -preset fast -bf 3 -g 25 -c:a aac";
const MPEG2: &str = "-c:v mpeg2video -q:v 3 -bf 2 -g 12 -c:a mp2";

/// Makes frames at 25 per second with a white frame at every full second, and a beep of 40 ms at the same times.
fn recording(path: &Path, seconds: u32, options: &str) {
    program::ffmpeg(&format!(
        "-f lavfi -i color=gray:size=96x64:rate=25,noise=alls=9:allf=t:all_seed=3,\
         drawbox=color=white:t=fill:enable=eq(mod(n\\,25)\\,0),format=yuv420p \
         -f lavfi -i aevalsrc=0.5*sin(2*PI*1000*t)*lt(mod(t\\,1)\\,0.04):s=48000 -t {seconds} {options} {}",
        path.display()
    ));
}

/// Makes a file of concatenated recordings of two seconds, each with its own options.
fn joined(name: &str, extension: &str, parts: &[String], join: fn(&[Vec<u8>]) -> Vec<u8>) -> PathBuf {
    made(&format!("joined-{name}.{extension}"), |path| {
        let scratch = folder();
        let parts: Vec<Vec<u8>> = parts
            .iter()
            .enumerate()
            .map(|(number, options)| {
                let part = scratch.path().join(format!("{number}.{extension}"));
                recording(&part, 2, options);
                fs::read(part).expect("a recording")
            })
            .collect();
        fs::write(path, join(&parts)).expect("a file");
    })
}

fn concatenated(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}

/// Concatenates transport streams with continuous counters, so that only their clocks show where a recording ends.
fn streamed(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = parts.concat();
    let mut counters = [15u8; 8192];
    for packet in bytes.as_chunks_mut::<188>().0 {
        let pid = usize::from(packet[1] & 31) << 8 | usize::from(packet[2]);
        if packet[3] & 0x10 != 0 {
            counters[pid] = (counters[pid] + 1) & 15;
        }
        packet[3] = packet[3] & 0xf0 | counters[pid];
    }
    bytes
}

/// Appends the second FLV recording without its file header, as tags only.
fn tags(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = parts[0].clone();
    parts[1..].iter().for_each(|part| bytes.extend(&part[13..]));
    bytes
}

/// Returns the number of frames, and the times of the white frames in seconds.
fn flashes(file: &Path) -> (usize, Vec<f64>) {
    let line = format!("-i {} -map 0:v -fps_mode passthrough -vf scale=1:1,format=gray -f rawvideo -", file.display());
    let levels = program::ffmpeg(&line).stdout;
    let frames = ffprobe(file, "-select_streams v:0 -show_frames -show_entries frame=pts_time");
    let times: Vec<f64> = frames["frames"].as_array().expect("frames").iter().map(|f| number(&f["pts_time"])).collect();
    assert_eq!(times.len(), levels.len(), "{}", file.display());
    (times.len(), times.iter().zip(&levels).filter(|(_, level)| **level > 190).map(|(time, _)| *time).collect())
}

/// Returns the length of the audio, and the time at which each beep begins, in seconds. Times come from the audio
/// frames.
fn beeps(file: &Path) -> (f64, Vec<f64>) {
    let line = format!("-i {} -map 0:a -f s16le -ac 1 -", file.display());
    let bytes = program::ffmpeg(&line).stdout;
    let samples: Vec<i16> = bytes.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
    let frames = ffprobe(file, "-select_streams a:0 -show_frames -show_entries frame=pts_time,nb_samples");
    let (mut at, mut last, mut found) = (0, f64::MIN, Vec::new());
    for frame in frames["frames"].as_array().expect("blocks") {
        let (time, count): (f64, usize) = (number(&frame["pts_time"]), number(&frame["nb_samples"]));
        for (place, sample) in samples.iter().skip(at).take(count).enumerate() {
            let time = time + place as f64 / 48_000.0;
            if sample.unsigned_abs() > 3000 {
                if time > last + 0.1 {
                    found.push(time);
                }
                last = time;
            }
        }
        at += count;
    }
    (samples.len() as f64 / 48_000.0, found)
}

/// Asserts that `file` contains all frames and beeps of `recordings` of two seconds, each beep within 25 ms of its
/// flash.
fn is_whole(file: &Path, recordings: usize, what: &str) {
    let ((frames, flashes), (seconds, beeps)) = (flashes(file), beeps(file));
    assert_eq!((frames, flashes.len(), beeps.len()), (50 * recordings, 2 * recordings, 2 * recordings), "{what}");
    for (flash, beep) in flashes.iter().zip(&beeps) {
        assert!((flash - beep).abs() < 0.025, "{what}: flashes {flashes:?}, beeps {beeps:?}");
    }
    // Each recording can end with a partial audio frame, and the next one begins after it.
    let least = 2.0 * recordings as f64;
    assert!((least - 0.01..least + 0.05 * recordings as f64).contains(&seconds), "{what}: {seconds} s");
}

fn encode(source: &Path, output: &Path) -> Report {
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::X264(quick(""));
    let holds_flac = output.extension().is_some_and(|extension| extension == "mkv");
    job.outputs[0].audio = if holds_flac { AudioSettings::Flac } else { AudioSettings::Alac };
    done(&job)
}

fn copy(source: &Path, output: &Path) -> Report {
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::Copy;
    job.outputs[0].audio = AudioSettings::Copy;
    done(&job)
}

/// Encodes and copies `source`, which contains `recordings` recordings. Returns the number of discontinuities of its
/// clock.
fn stays_whole(source: &Path, recordings: usize) -> usize {
    let folder = folder();
    let what = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let encoded = folder.path().join("encoded.mkv");
    let report = encode(source, &encoded);
    is_whole(&encoded, recordings, &format!("{what}, encoded"));
    let copied = folder.path().join("copied.mkv");
    copy(source, &copied);
    is_whole(&copied, recordings, &format!("{what}, copied"));
    report.discontinuities.len()
}

#[test]
fn recordings_behind_each_other_are_kept_whole_and_in_step() {
    let [h264, mpeg2] = [H264, MPEG2].map(str::to_owned);
    for (name, extension, options, join) in [
        ("program-stream", "mpg", &mpeg2, concatenated as fn(&[Vec<u8>]) -> Vec<u8>),
        ("disc", "vob", &"-c:v mpeg2video -q:v 3 -bf 2 -c:a ac3".to_owned(), concatenated),
        ("matroska", "mkv", &h264, concatenated),
        ("flash", "flv", &h264, tags),
        ("stream", "ts", &h264, streamed),
        ("flash-with-headers", "flv", &h264, concatenated),
        ("windows-media", "asf", &"-c:v wmv2 -q:v 3 -c:a libmp3lame".to_owned(), concatenated),
    ] {
        let source = joined(name, extension, &[options.clone(), options.clone()], join);
        assert_eq!(stays_whole(&source, 2), 1, "{name}");
    }
}

#[test]
fn three_recordings_with_headers_of_their_own_are_read() {
    for (extension, options) in [("flv", H264), ("mkv", H264), ("mkv", "-c:v mpeg4 -q:v 3 -c:a ac3")] {
        let name = format!("three-{}", if options == H264 { "h264" } else { "mpeg4" });
        let source = joined(&name, extension, &[options; 3].map(str::to_owned), concatenated);
        assert_eq!(stays_whole(&source, 3), 2, "{name}.{extension}");
    }
}

#[test]
fn a_recording_of_another_size_is_scaled_and_no_copy() {
    for extension in ["flv", "mkv"] {
        let parts = [H264, &format!("{H264} -s 64x48"), H264].map(str::to_owned);
        let source = joined("sizes-and-back", extension, &parts, concatenated);
        let folder = folder();
        let output = folder.path().join("encoded.mkv");
        let report = encode(&source, &output);
        is_whole(&output, 3, &format!("sizes, {extension}"));
        assert_eq!(report.outputs[0].changes.len(), 2, "{extension}: {:?}", report.outputs[0].changes);
        let mut job = Job::new(&source, folder.path().join("copied.mkv"));
        job.outputs[0].video = VideoSettings::Copy;
        let error = run_job(&job, &Control::default()).expect_err("a copy has one configuration");
        assert!(error.to_string().contains("configuration") && error.time().is_some(), "{extension}: {error}");
    }
}

#[test]
fn a_recording_of_other_streams_is_named_with_its_byte() {
    for (extension, first, second) in [
        ("flv", H264, "-c:v libx264 -an"),
        ("flv", H264, "-c:v flv1 -c:a mp3 -ar 44100"),
        ("mkv", H264, MPEG2),
        ("mkv", "-c:v ffv1 -c:a pcm_s16le", "-c:v ffv1 -c:a pcm_s16le -ar 44100"),
        ("mkv", "-c:v ffv1 -c:a pcm_s24le", "-c:v ffv1 -c:a pcm_s24le -ac 2"),
    ] {
        let source = made(&format!("joined-other-{}-{}.{extension}", first.len(), second.len()), |path| {
            let scratch = folder();
            let parts = [first, second].map(|options| {
                let part = scratch.path().join(format!("{}.{extension}", options.len()));
                recording(&part, 2, options);
                fs::read(part).expect("a recording")
            });
            fs::write(path, parts.concat()).expect("a file");
        });
        let folder = folder();
        let output = folder.path().join("out.mkv");
        let error = run_job(&Job::new(&source, &output), &Control::default()).expect_err("streams of another kind");
        assert!(error.to_string().contains("another recording begins at byte"), "{extension}, {second}: {error}");
        assert!(!output.exists(), "{extension}, {second}");
    }
}

#[test]
fn clocks_that_jump_and_overlap_move_all_streams_by_one_span() {
    let at = |offset: f64| format!("{H264} -output_ts_offset {offset}");
    for (name, offsets, joints) in [
        ("overlap-of-a-second", vec![10.0, 11.0], 1),
        ("overlap-of-100-ms", vec![10.0, 11.9], 1),
        ("overlap-of-30-ms", vec![10.0, 11.97], 1),
        ("back-for-an-hour", vec![5000.0, 100.0], 1),
        ("forward-and-back", vec![10.0, 1000.0, 50.0], 2),
        ("four-times-the-same", vec![10.0; 4], 3),
    ] {
        let parts: Vec<String> = offsets.iter().map(|offset| at(*offset)).collect();
        let source = joined(name, "ts", &parts, streamed);
        assert_eq!(stays_whole(&source, parts.len()), joints, "{name}");
    }
}

#[test]
fn a_wrap_of_the_33_bit_clock_does_not_begin_a_new_recording() {
    // The clock wraps 1.3 s after the start: at 2^33 / 90 000 s.
    let source = joined("wrap", "ts", &[format!("{H264} -output_ts_offset 95442.4")], streamed);
    let folder = folder();
    let output = folder.path().join("wrap.mkv");
    let report = encode(&source, &output);
    assert_eq!(report.discontinuities, []);
    is_whole(&output, 1, "wrap");
}

#[test]
fn reordered_frames_of_avi_are_in_step() {
    // AVI has no presentation times: the first frame is shown with the first sample.
    for (name, codec) in [("h264", "libx264 -bf 3"), ("mpeg4", "mpeg4 -bf 2 -q:v 3"), ("plain", "libx264 -bf 0")] {
        let source =
            joined(&format!("avi-{name}"), "avi", &[format!("-c:v {codec} -g 25 -c:a pcm_s16le")], concatenated);
        let folder = folder();
        let output = folder.path().join("out.mkv");
        encode(&source, &output);
        is_whole(&output, 1, name);
    }
}

#[test]
fn a_pause_of_seconds_is_kept_and_filled() {
    let parts = [10.0, 15.0].map(|offset| format!("{H264} -output_ts_offset {offset}"));
    let source = joined("pause", "ts", &parts, streamed);
    let folder = folder();
    let output = folder.path().join("pause.mkv");
    let report = encode(&source, &output);
    assert_eq!(report.discontinuities, []);
    let ((_, flashes), (seconds, beeps)) = (flashes(&output), beeps(&output));
    for (found, expected) in flashes.iter().zip(&beeps).map(|(a, b)| (*a, *b)).zip([0.0, 1.0, 5.0, 6.0]) {
        assert!((found.0 - expected).abs() < 0.05 && (found.1 - expected).abs() < 0.05, "{flashes:?} {beeps:?}");
    }
    assert!((seconds - 7.0).abs() < 0.05, "{seconds} s");
}

#[test]
fn a_recording_that_the_demuxer_leaves_unread_is_named() {
    let options = [H264.to_owned(), H264.to_owned()];
    for extension in ["mp4", "mov"] {
        let source = joined("unread", extension, &options, concatenated);
        let folder = folder();
        let output = folder.path().join("unread.mkv");
        let mut job = Job::new(&source, &output);
        let error = run_job(&job, &Control::default()).expect_err("half of the source is not read");
        assert_eq!(error.kind(), ErrorKind::MalformedInput, "{extension}: {error}");
        let message = error.to_string();
        assert!(message.contains("another recording begins at byte") && message.contains("at 00:00:02"), "{message}");
        assert!(!output.exists(), "{extension}");
        job.source.on_damage = OnDamage::Conceal;
        let report = done(&job);
        assert_eq!(report.damage.total(), 1, "{extension}");
        assert!(report.damage.first[0].detail.contains("another recording"), "{:?}", report.damage);
    }
}

/// Makes five frames and audio of the same length. The last frame lasts `last` seconds.
fn slides(last: f64, extension: &str) -> PathBuf {
    let end = 0.4 + last;
    made(&format!("slides-{last}.{extension}"), |path| {
        let scratch = folder();
        let even = scratch.path().join("even.mp4");
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=96x64:rate=10:duration=0.5 -f lavfi -i sine=440:duration={end}:sample_rate=48000 \
             -c:v libx264 -preset ultrafast -bf 0 -c:a aac -video_track_timescale 10000 {}",
            even.display()
        ));
        program::ffmpeg(&format!(
            "-i {} -c copy -bsf:v setts=duration='if(eq(N,4),{last}/TB,DURATION)' -video_track_timescale 10000 {}",
            even.display(),
            path.display()
        ));
    })
}

/// Returns the seconds from the first frame to the end of the last one.
fn shown(file: &Path) -> f64 {
    let json = ffprobe(file, "-select_streams v:0 -show_packets -show_streams");
    let packets = json["packets"].as_array().expect("packets");
    let starts: Vec<f64> = packets.iter().map(|packet| number(&packet["pts_time"])).collect();
    let start = starts.iter().copied().fold(f64::MAX, f64::min);
    if file.extension().is_some_and(|extension| extension == "mkv") {
        let message = text(&json["streams"][0]["tags"]["DURATION"]).to_owned();
        let parts: Vec<f64> = message.split(':').map(|part| part.parse().expect("a number")).collect();
        return parts[0] * 3600.0 + parts[1] * 60.0 + parts[2] - start;
    }
    let ends = packets.iter().zip(&starts).map(|(packet, start)| start + number::<f64>(&packet["duration_time"]));
    ends.fold(f64::MIN, f64::max) - start
}

#[test]
fn the_last_frame_is_shown_as_long_as_the_container_says() {
    let folder = folder();
    for (last, from) in [(5.6, "mp4"), (0.013, "mov"), (2.5, "mp4")] {
        let source = slides(last, from);
        for to in ["mp4", "mov", "mkv"] {
            let output = folder.path().join(format!("{last}-{from}")).with_extension(to);
            encode(&source, &output);
            let found = shown(&output);
            assert!((found - 0.4 - last).abs() < 0.0015, "{last} s from {from} to {to}: {found} s");
        }
        let output = folder.path().join(format!("{last}-{from}-even.mp4"));
        let mut job = Job::new(&source, &output);
        job.outputs[0].video = VideoSettings::X264(quick(""));
        job.outputs[0].picture.rate = Some("10".parse().expect("a rate"));
        let report = done(&job);
        let frames = report.outputs[0].ledger.expect("a ledger").emitted;
        assert_eq!(frames, ((0.4 + last) * 10.0).round() as u64, "{last} s");
    }
}

#[test]
fn a_cut_shortens_a_long_last_frame() {
    let folder = folder();
    let output = folder.path().join("cut.mp4");
    let mut job = Job::new(slides(5.6, "mp4"), &output);
    job.outputs[0].video = VideoSettings::X264(quick(""));
    job.source.duration = Some(Timestamp::new(3, Rational::new(1, 1)));
    done(&job);
    let found = shown(&output);
    assert!((found - 3.0).abs() < 0.0015, "{found} s");
}

#[test]
fn presented_time_is_checked_for_every_track() {
    let source = made_by_ffmpeg(
        "presented.mkv",
        "-f lavfi -i testsrc2=size=96x64:rate=25 -f lavfi -i sine=440:sample_rate=48000 -t 2 -c:v libx264 \
         -preset ultrafast -c:a ac3",
    );
    let folder = folder();
    let report = encode(&source, &folder.path().join("presented.mkv"));
    let checks = &report.outputs[0].verification.checks;
    for track in 0..2 {
        let name = format!("track {track} presented time");
        let check = checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("{checks:?}"));
        let seconds: Timestamp = check.found.parse().expect("a time");
        assert!((seconds.micros() - 2_000_000).abs() <= 40_000, "{check:?}");
    }
}
