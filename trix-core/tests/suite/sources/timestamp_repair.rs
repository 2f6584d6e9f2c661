//! Tests of the rules by which Trix repairs timestamps (docs/guide.md, "Times of a source"). Each rule has a source
//! that needs it. The tests compare the result with that of the `ffmpeg` programs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use trix_core::{
    Cancel, Job, OnDamage, Report, Source, StreamKind,
    decode::timing::IrregularityKind,
    plan::Cut,
    probe,
    reading::{
        full_decode_count::{self, FullDecodeCount},
        reader::FrameReader,
    },
    settings::{
        audio::AudioSettings,
        video::{EncodeSettings, RateControl, VideoSettings},
    },
};
use trix_fixtures::{Clip, folder};

use crate::support::{done, ffprobe, made_by_ffmpeg, planes, quick, samples, times};

fn open(path: &Path) -> Source {
    Source::open(path).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the times of all frames in ticks of the stream.
fn ours(path: &Path) -> Vec<i64> {
    let mut reader = FrameReader::new(open(path), OnDamage::Fail, Cut::default(), None, 0).expect("a reader");
    let mut times = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap_or_else(|error| panic!("{error}")) {
        times.push(frame.pts);
    }
    times
}

/// Returns the frame times from `ffprobe` in ticks of the stream.
fn theirs(path: &Path) -> Vec<i64> {
    let json = ffprobe(path, "-select_streams v:0 -show_frames -show_entries frame=best_effort_timestamp");
    let frames = json["frames"].as_array().expect("frames").iter();
    frames.map(|frame| frame["best_effort_timestamp"].as_i64().expect("a time")).collect()
}

fn full_decode_count(path: &Path) -> FullDecodeCount {
    full_decode_count::count(open(path), OnDamage::Fail, 0, &Cancel::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Encodes without loss, with audio as FLAC.
fn lossless(source: &Path, output: &Path) -> Report {
    let settings = EncodeSettings { rate: Some(RateControl::Lossless), ..quick("") };
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::X264(settings);
    job.outputs[0].audio = AudioSettings::Flac;
    done(&job)
}

/// Asserts that the output has the frames that `ffmpeg` finds in the source, with the same distances, from zero on.
/// Returns the report.
fn carried_over(source: &Path) -> Report {
    let name = source.display();
    let expected = theirs(source);
    assert_eq!(ours(source), expected, "{name}");
    let folder = folder();
    let output = folder.path().join("out.mkv");
    let report = lossless(source, &output);
    assert!(planes(&output) == planes(source), "{name}: frames");
    let base = probe::probe(&open(source)).streams.into_iter().find(|stream| stream.kind == StreamKind::Video);
    let base = base.expect("video").time_base;
    let (found, _) = times(&output, "v:0");
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, theirs) in found.iter().zip(&expected) {
        let millis = i128::from(theirs - expected[0]) * i128::from(base.num) * 1000;
        let off = i128::from(*found) * i128::from(base.den) - millis;
        assert!(off.abs() <= i128::from(base.den), "{name}: {found} ms for {theirs}");
    }
    report
}

#[test]
fn a_late_start_is_kept_in_the_source_and_taken_off_the_output() {
    for extension in ["mkv", "mp4", "ts", "mov"] {
        let source = Clip::default().encoded("-c:v libx264 -bf 2 -output_ts_offset 7.5", extension);
        let seconds = probe::probe(&open(&source)).streams[0].start.expect("a start").to_f64();
        assert!(seconds >= 7.4, "{extension}: {seconds}");
        let report = carried_over(&source);
        assert_eq!(report.outputs[0].ledger.map(|ledger| ledger.times_repaired), Some(0), "{extension}");
        assert!(report.timing_of_source.is_empty(), "{extension}: {:?}", report.timing_of_source);
    }
}

#[test]
fn a_negative_first_decoding_time_moves_nothing() {
    for (options, extension) in [
        ("-c:v libx264 -bf 3 -avoid_negative_ts disabled", "mp4"),
        ("-c:v libx264 -bf 3 -movflags +negative_cts_offsets", "mp4"),
        ("-c:v libx264 -bf 3 -use_editlist 0", "mp4"),
    ] {
        let source = Clip::default().encoded(options, extension);
        let packets = ffprobe(&source, "-select_streams v:0 -show_packets -show_entries packet=dts");
        let first = packets["packets"][0]["dts"].as_i64().unwrap_or(0);
        let is_negative = !options.contains("editlist") && !options.contains("cts");
        assert!(!is_negative || first < 0, "{options}: the first decoding time is {first}");
        assert_eq!(carried_over(&source).outputs[0].ledger.map(|ledger| ledger.times_repaired), Some(0), "{options}");
    }
}

#[test]
fn missing_presentation_times_are_those_that_ffmpeg_estimates_or_one_step_on() {
    let raw = Clip::default().encoded("-c:v libx264 -bf 3", "264");
    let found = full_decode_count(&raw);
    let stream = &found.streams[&0];
    assert_eq!((stream.frames, stream.times_repaired, stream.timing.missing), (Some(30), 30, 30));
    let step = ours(&raw)[1];
    assert_eq!(ours(&raw), (0..30).map(|number| number * step).collect::<Vec<_>>());
    assert_eq!(stream.measured_rate, Some(trix_core::media::time::Rational::new(25, 1)));

    let avi = Clip::default().encoded("-c:v libx264 -bf 3", "avi");
    let json = ffprobe(&avi, "-select_streams v:0 -show_frames -show_entries frame=best_effort_timestamp");
    let estimated: Vec<_> = json["frames"]
        .as_array()
        .expect("frames")
        .iter()
        .map(|frame| frame["best_effort_timestamp"].as_i64())
        .collect();
    let missing = estimated.iter().filter(|time| time.is_none()).count() as u64;
    assert!(missing > 0, "{estimated:?}");
    // The first frame is shown with the first sample, not when the decoder returns it.
    let late = estimated[0].expect("a time of the first frame");
    let mut last = -1;
    for (ours, theirs) in ours(&avi).into_iter().zip(estimated) {
        assert_eq!(ours, theirs.map_or(last + 1, |theirs| theirs - late));
        last = ours;
    }
    assert_eq!(full_decode_count(&avi).streams[&0].timing.missing, missing);
    let folder = folder();
    let report = lossless(&avi, &folder.path().join("out.mkv"));
    assert_eq!(report.outputs[0].ledger.map(|ledger| ledger.times_repaired), Some(missing));
    assert_eq!(report.timing_of_source[&0].first[0].kind, IrregularityKind::Missing);
}

#[test]
fn edit_lists_are_followed_as_ffmpeg_follows_them() {
    let whole = Clip { frames: 50, ..Clip::default() }.encoded("-c:v libx264 -g 25 -bf 2", "mp4");
    // A copy that starts between keyframes. The frames before the cut are decoded but not shown.
    let skipping = made_by_ffmpeg(
        "edit-list-that-skips.mp4",
        &format!("-ss 0.48 -i {} -c copy -avoid_negative_ts disabled", whole.display()),
    );
    let frames = theirs(&skipping).len();
    let packets = ffprobe(&skipping, "-select_streams v:0 -show_packets")["packets"].as_array().map_or(0, Vec::len);
    assert!(frames < packets, "{frames} of {packets} are shown");
    carried_over(&skipping);
    // An empty edit: frames begin 0.5 s after the audio.
    let late = made_by_ffmpeg(
        "edit-list-that-waits.mp4",
        &format!(
            "-f lavfi -i sine=frequency=440:sample_rate=48000 -itsoffset 0.5 -i {} -map 1:v -map 0:a -c:v copy -c:a aac -t 1.5",
            whole.display()
        ),
    );
    assert_eq!(ours(&late), theirs(&late));
    let start = probe::probe(&open(&late)).streams[0].start.expect("a start").to_f64();
    assert!((start - 0.5).abs() < 0.001, "{start}");
    let folder = folder();
    let output = folder.path().join("out.mkv");
    lossless(&late, &output);
    let (found, _) = times(&output, "v:0");
    assert_eq!(found[0], 500, "the frames wait for 0.5 s in the output too");
}

#[test]
fn the_clock_of_a_transport_stream_may_wrap_around() {
    // 2^33 ticks of 90 kHz are 95 443.717 s.
    for (name, start) in [("after-half-a-second", 95_441.8), ("after-a-second", 95_441.3), ("at-once", 95_442.3)] {
        let source = made_by_ffmpeg(
            &format!("wrap-{name}.ts"),
            &format!(
                "-f lavfi -i sine=frequency=440:sample_rate=48000 {} -t 2 -c:v libx264 -preset ultrafast -bf 2 -c:a mp2 \
                 -output_ts_offset {start}",
                Clip { frames: 50, ..Clip::default() }.lavfi()
            ),
        );
        let (low, high) = raw_times(&fs::read(&source).expect("a fixture"));
        assert!(low < 90_000 * 3 && high > (1 << 33) - 90_000 * 3, "{name}: from {low} to {high}: no wrap");
        let report = carried_over(&source);
        let ledger = report.outputs[0].ledger.expect("a ledger");
        assert_eq!((ledger.emitted, ledger.times_repaired), (50, 0), "{name}");
        assert!(report.timing_of_source.is_empty(), "{name}: {:?}", report.timing_of_source);
        assert!(report.damage.is_empty(), "{name}");
        // The audio before the first frame, 10 ms, is cut.
        let heard = samples(&source, 0, "s16le").len() as i64 / 2;
        let kept = report.outputs[0].tracks[1].end.expect("an end").to_f64();
        assert!((heard as f64 / 48_000.0 - kept - 0.010).abs() < 0.005, "{name}: {heard} samples became {kept} s");
    }
}

/// Returns the lowest and highest presentation time in the packets of a transport stream.
fn raw_times(stream: &[u8]) -> (u64, u64) {
    let mut times = Vec::new();
    for packet in stream.chunks_exact(188) {
        let start = if packet[3] & 0x20 != 0 { 5 + usize::from(packet[4]) } else { 4 };
        let Some(pes) = packet.get(start..).filter(|_| packet[1] & 0x40 != 0) else { continue };
        if pes.len() > 14 && pes[..3] == [0, 0, 1] && pes[7] & 0x80 != 0 {
            let bits = |at: usize, mask: u8, shift: u32| u64::from((pes[at] & mask) >> 1) << shift;
            times.push(
                bits(9, 0x0e, 30)
                    | u64::from(pes[10]) << 22
                    | bits(11, 0xfe, 15)
                    | u64::from(pes[12]) << 7
                    | bits(13, 0xfe, 0),
            );
        }
    }
    (times.iter().copied().min().expect("times"), times.iter().copied().max().expect("times"))
}

/// Makes a Matroska file of single frames with these times in milliseconds.
fn matroska(folder: &Path, times: &[i16]) -> (PathBuf, Vec<Vec<u8>>) {
    let clip = Clip { frames: times.len() as u32, width: 96, height: 64, ..Clip::of("yuvj420p") };
    trix_fixtures::program::ffmpeg(&format!("{} -q:v 2 {}/%d.jpg", clip.lavfi(), folder.display()));
    let frames: Vec<Vec<u8>> =
        (1..=times.len()).map(|number| fs::read(folder.join(format!("{number}.jpg"))).expect("a frame")).collect();
    let element = |id: &[u8], content: &[u8]| {
        let size = (content.len() as u32 | 0x1000_0000).to_be_bytes();
        [id, &size, content].concat()
    };
    let text = |id: &[u8], text: &str| element(id, text.as_bytes());
    let number = |id: &[u8], value: u8| element(id, &[value]);
    let header = element(&[0x1a, 0x45, 0xdf, 0xa3], &text(&[0x42, 0x82], "matroska"));
    let info = element(&[0x15, 0x49, 0xa9, 0x66], &element(&[0x2a, 0xd7, 0xb1], &1_000_000u32.to_be_bytes()));
    let video = element(&[0xe0], &[number(&[0xb0], 96), number(&[0xba], 64)].concat());
    let duration = element(&[0x23, 0xe3, 0x83], &40_000_000u32.to_be_bytes());
    let track =
        [number(&[0xd7], 1), number(&[0x73, 0xc5], 1), number(&[0x83], 1), text(&[0x86], "V_MJPEG"), duration, video];
    let tracks = element(&[0x16, 0x54, 0xae, 0x6b], &element(&[0xae], &track.concat()));
    let mut cluster = number(&[0xe7], 0);
    for (time, frame) in times.iter().zip(&frames) {
        let block = [&[0x81][..], &time.to_be_bytes(), &[0x80], frame].concat();
        cluster.extend(element(&[0xa3], &block));
    }
    let content = [info, tracks, element(&[0x1f, 0x43, 0xb6, 0x75], &cluster)].concat();
    let path = folder.join("times.mkv");
    fs::write(&path, [header, element(&[0x18, 0x53, 0x80, 0x67], &content)].concat()).expect("a file");
    (path, frames)
}

#[test]
fn repeated_and_backward_times_are_moved_forward_and_counted() {
    let folder = folder();
    let stated = [0, 40, 80, 80, 160, 200, 120, 280, 320, 360, 400, 440, 480, 520];
    let (source, _) = matroska(folder.path(), &stated);
    // Only the fourth and the seventh time change.
    let expected: Vec<i64> = vec![0, 40, 80, 120, 160, 200, 240, 280, 320, 360, 400, 440, 480, 520];
    assert_eq!(ours(&source), expected);
    let found = full_decode_count(&source);
    let stream = &found.streams[&0];
    assert_eq!((stream.frames, stream.times_repaired), (Some(14), 2));
    assert_eq!((stream.timing.repeats, stream.timing.missing), (2, 0), "{:?}", stream.timing);
    let places: Vec<_> = stream.timing.first.iter().map(|found| (found.kind, found.after.micros())).collect();
    assert!(places.contains(&(IrregularityKind::Repeat, 80_000)), "{places:?}");
    assert!(places.contains(&(IrregularityKind::Repeat, 200_000)), "{places:?}");
    let output = folder.path().join("out.mkv");
    let report = lossless(&source, &output);
    assert_eq!(report.outputs[0].ledger.map(|ledger| (ledger.emitted, ledger.times_repaired)), Some((14, 2)));
    assert_eq!(report.timing_of_source[&0], stream.timing);
    assert_eq!(times(&output, "v:0").0, expected);
    assert!(planes(&output) == planes(&source), "frames in the order of the file");
}

#[test]
fn gaps_are_counted_and_placed_and_left_as_they_are() {
    let folder = folder();
    let stated: Vec<i16> = (0..30).filter(|number| !(10..14).contains(number)).map(|number| number * 40).collect();
    let (source, _) = matroska(folder.path(), &stated);
    let found = full_decode_count(&source);
    let timing = &found.streams[&0].timing;
    assert_eq!((timing.gaps, timing.repeats, timing.variable), (1, 0, false));
    let gap = timing.first[0];
    assert_eq!((gap.after.micros(), gap.step.map(|step| step.micros())), (360_000, Some(200_000)));
    assert_eq!(ours(&source), stated.iter().map(|time| i64::from(*time)).collect::<Vec<_>>());
    carried_over(&source);
}

#[test]
fn a_gap_in_the_audio_is_filled_counted_and_placed() {
    let source = made_by_ffmpeg(
        "gap-in-the-audio.mkv",
        &format!(
            "-f lavfi -i sine=frequency=440:sample_rate=48000 {} -af aselect='not(between(t\\,0.5\\,0.8))' \
             -t 1.2 -c:v ffv1 -c:a pcm_s16le",
            Clip::default().lavfi()
        ),
    );
    let found = full_decode_count(&source);
    let (index, audio) = found.streams.iter().find(|(_, stream)| stream.samples.is_some()).expect("audio");
    assert_eq!((audio.timing.gaps, audio.timing.repeats), (1, 0), "{:?}", audio.timing);
    let gap = audio.timing.first[0];
    assert!((gap.after.to_f64() - 0.5).abs() < 0.05, "{gap:?}");
    let missing = gap.step.expect("a step").to_f64();
    assert!((missing - 0.3).abs() < 0.05, "{gap:?}");
    let folder = folder();
    let output = folder.path().join("out.mkv");
    let report = lossless(&source, &output);
    assert_eq!(report.timing_of_source.get(index), Some(&audio.timing));
    let (before, after) = (samples(&source, 0, "s16le").len() / 2, samples(&output, 0, "s16le").len() / 2);
    let filled = after.saturating_sub(before) as f64 / 48_000.0;
    assert!((filled - missing).abs() < 0.03, "{before} samples became {after}");
}
