//! Tests of sources as recorders, editors and segmenters leave them: edit lists with gaps, recordings that begin in
//! mid-GOP, preallocated files, sequences that grow.

use std::{
    fs,
    path::{Path, PathBuf},
};

use trix_core::{
    Cancel, Control, ErrorKind, Job, Report, Source,
    probe::probe_and_count,
    run_job,
    settings::{
        audio::AudioSettings,
        video::{EncodeSettings, Encoder, VideoSettings},
    },
};
use trix_fixtures::{Clip, folder, program};

use crate::support::{self, done, made_by_ffmpeg, planes, quick, times, video_job};

// --- edit lists ---------------------------------------------------------------------------------------------------------

/// An edit: duration in seconds, start in the media (`None` for an empty edit), and rate in 65536ths.
type Edit = (f64, Option<f64>, u32);

fn shown(seconds: f64, from: f64) -> Edit {
    (seconds, Some(from), 1 << 16)
}

fn empty(seconds: f64) -> Edit {
    (seconds, None, 1 << 16)
}

/// Returns the boxes between two positions: name, start, start of the content, end.
fn boxes(bytes: &[u8], from: usize, to: usize) -> Vec<(&[u8], usize, usize, usize)> {
    let (mut at, mut found) = (from, Vec::new());
    while at + 8 <= to {
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        found.push((&bytes[at + 4..at + 8], at, at + 8, at + size));
        at += size;
    }
    found
}

fn find(bytes: &[u8], within: (usize, usize), name: &[u8]) -> Option<(usize, usize, usize)> {
    let found = boxes(bytes, within.0, within.1).into_iter().find(|found| found.0 == name);
    found.map(|(_, head, start, end)| (head, start, end))
}

fn boxed(name: &[u8], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes()[..], name, content].concat()
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Writes `source`, a MOV file with its header at the end, with other edit lists, one per track in order. If `long`,
/// their entries have 64 bits.
fn edited(source: &Path, output: &Path, lists: &[&[Edit]], long: bool) {
    let bytes = fs::read(source).expect("a source");
    let (head, start, end) = find(&bytes, (0, bytes.len()), b"moov").expect("a header");
    assert_eq!(end, bytes.len(), "the header comes last");
    let scale = number(&bytes, find(&bytes, (start, end), b"mvhd").expect("mvhd").1 + 12);
    let mut moov = Vec::new();
    let mut lists = lists.iter();
    for (name, from, content, to) in boxes(&bytes, start, end) {
        let list = if name == b"trak" { lists.next() } else { None };
        let Some(list) = list else {
            moov.extend(&bytes[from..to]);
            continue;
        };
        let mdia = find(&bytes, (content, to), b"mdia").expect("mdia");
        let media = number(&bytes, find(&bytes, (mdia.1, mdia.2), b"mdhd").expect("mdhd").1 + 12);
        // Content that the original edit list hides before the first frame stays hidden.
        let old = find(&bytes, (content, to), b"edts").and_then(|edts| find(&bytes, (edts.1, edts.2), b"elst"));
        let base = old.map_or(0, |old| number(&bytes, old.1 + 12));
        let mut table = vec![u8::from(long), 0, 0, 0];
        table.extend((list.len() as u32).to_be_bytes());
        for (seconds, at, rate) in list.iter() {
            let duration = (seconds * f64::from(scale)).round() as u32;
            let at = at.map_or(-1, |at| i64::from(base) + (at * f64::from(media)).round() as i64);
            if long {
                table.extend(u64::from(duration).to_be_bytes());
                table.extend(at.to_be_bytes());
            } else {
                table.extend(duration.to_be_bytes());
                table.extend((at as i32).to_be_bytes());
            }
            table.extend(rate.to_be_bytes());
        }
        let edts = boxed(b"edts", &boxed(b"elst", &table));
        let mut trak = Vec::new();
        for (name, from, _, to) in boxes(&bytes, content, to) {
            if name != b"edts" {
                trak.extend(&bytes[from..to]);
            }
            if name == b"tkhd" {
                trak.extend(&edts);
            }
        }
        moov.extend(boxed(b"trak", &trak));
    }
    fs::write(output, [&bytes[..head], &boxed(b"moov", &moov)].concat()).expect("an edited source");
}

/// Makes four seconds at 25 frames per second, with B-frames and GOPs of two seconds. The frequency of the tone
/// identifies each second.
fn film(audio: &str, extension: &str) -> PathBuf {
    let tone = "aevalsrc=0.5*sin(2*PI*(400+200*floor(t))*t):s=48000:d=4";
    made_by_ffmpeg(
        &format!("edits-{}.{extension}", audio.replace(' ', "")),
        &format!(
            "-f lavfi -i testsrc2=s=128x96:r=25:d=4 -f lavfi -i {tone} -c:v libx264 -preset veryfast -bf 3 -g 50 \
             -pix_fmt yuv420p -qp 0 -c:a {audio} -ac 1"
        ),
    )
}

/// The frames of the video track of a file, which ffmpeg decodes without an edit list, as bytes.
fn frames_of(file: &Path) -> Vec<Vec<u8>> {
    let size = 128 * 96 * 3 / 2;
    planes(file).chunks_exact(size).map(<[u8]>::to_vec).collect()
}

/// Encodes to Matroska without loss. Returns the report, the display time of each frame in milliseconds, the frames,
/// and the audio as 16-bit samples.
fn encoded(source: &Path) -> (Report, Vec<i64>, Vec<Vec<u8>>, Vec<i16>) {
    let folder = folder();
    let output = folder.path().join("out.mkv");
    let mut job = Job::new(source, &output);
    job.outputs[0].video = VideoSettings::Ffv1(Default::default());
    job.outputs[0].audio = AudioSettings::Pcm16;
    let report = done(&job);
    let (times, base) = times(&output, "v:0");
    assert_eq!(base, (1, 1000));
    let samples = support::samples(&output, 0, "s16le");
    let samples = samples.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    (report, times, frames_of(&output), samples)
}

/// True if the audio is silent from one second to another, except for a packet at each edge.
fn is_silent(samples: &[i16], from: f64, to: f64) -> bool {
    let at = |seconds: f64| ((seconds * 48_000.0) as usize).min(samples.len());
    samples[at(from + 0.03)..at(to - 0.03)].iter().all(|sample| sample.abs() < 8)
}

/// Returns the frequency in Hz between two times, from zero crossings.
fn pitch(samples: &[i16], from: f64, to: f64) -> f64 {
    let at = |seconds: f64| ((seconds * 48_000.0) as usize).min(samples.len());
    let part = &samples[at(from + 0.05)..at(to - 0.05)];
    let crossings = part.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
    crossings as f64 / 2.0 / (to - from - 0.1)
}

#[test]
fn gaps_of_an_edit_list_are_gaps_of_what_is_written() {
    let (frames, folder) = (frames_of(&film("pcm_s16le", "mov")), folder());
    assert_eq!(frames.len(), 100);
    for (audio, extension) in [("pcm_s16le", "mov"), ("aac", "mp4"), ("aac", "mov")] {
        let film = film(audio, extension);
        for long in [false, true] {
            let source = folder.path().join(format!("gap-{audio}-{long}.{extension}"));
            let list = [shown(1.0, 0.0), empty(1.0), shown(2.0, 1.0), empty(0.6), shown(1.0, 3.0)];
            edited(&film, &source, &[&list, &list], long);
            let (report, times, found, samples) = encoded(&source);
            let what = source.display();
            let expected: Vec<i64> = (0..100)
                .map(|frame| frame * 40 + if frame < 25 { 0 } else { 1000 } + if frame < 75 { 0 } else { 600 })
                .collect();
            assert_eq!(times, expected, "{what}");
            assert!(found == frames, "{what}: other frames");
            assert!(is_silent(&samples, 1.0, 2.0) && is_silent(&samples, 4.0, 4.6), "{what}: no silence");
            for (from, to, expected) in [(0.0, 1.0, 400.0), (2.0, 3.0, 600.0), (3.0, 4.0, 800.0), (4.6, 5.6, 1000.0)] {
                let found = pitch(&samples, from, to);
                assert!((found - expected).abs() < 6.0, "{what}: {found} Hz from {from} s on");
            }
            let stated = report.notes.iter().filter(|note| note.contains("edit list presents nothing")).count();
            assert_eq!(stated, 4, "{what}: {:?}", report.notes);
        }
    }
}

#[test]
fn each_track_has_its_own_edit_list() {
    let (film, folder) = (film("pcm_s16le", "mov"), folder());
    let source = folder.path().join("own.mov");
    let gap = [shown(1.0, 0.0), empty(1.0), shown(3.0, 1.0)];
    edited(&film, &source, &[&[shown(4.0, 0.0)], &gap], false);
    let (_, times, _, samples) = encoded(&source);
    assert_eq!(times, (0..100).map(|frame| frame * 40).collect::<Vec<_>>());
    assert!(is_silent(&samples, 1.0, 2.0) && (pitch(&samples, 2.0, 3.0) - 600.0).abs() < 6.0);
    edited(&film, &source, &[&gap, &[shown(4.0, 0.0)]], false);
    let (_, times, _, samples) = encoded(&source);
    assert_eq!((times[24], times[25], times[99]), (960, 2000, 4960));
    assert!((pitch(&samples, 1.0, 2.0) - 600.0).abs() < 6.0);
}

#[test]
fn usual_edit_lists_and_those_that_cut_repeat_and_reorder_are_followed() {
    let (film, folder) = (film("pcm_s16le", "mov"), folder());
    let frames = frames_of(&film);
    for (name, list, parts) in [
        ("start", vec![empty(1.0), shown(4.0, 0.0)], vec![(0, 100)]),
        ("offset", vec![shown(3.0, 1.0)], vec![(25, 100)]),
        ("cut", vec![shown(1.0, 0.0), shown(2.0, 2.0)], vec![(0, 25), (50, 100)]),
        ("repeat", vec![shown(2.0, 0.0), shown(2.0, 0.0)], vec![(0, 50), (0, 50)]),
        ("reorder", vec![shown(2.0, 2.0), shown(2.0, 0.0)], vec![(50, 100), (0, 50)]),
    ] {
        let source = folder.path().join(format!("{name}.mov"));
        edited(&film, &source, &[&list, &list], false);
        let (_, times, found, samples) = encoded(&source);
        let expected: Vec<&Vec<u8>> = parts.into_iter().flat_map(|(from, to)| &frames[from..to]).collect();
        assert_eq!(found.len(), expected.len(), "{name}");
        assert!(found.iter().eq(expected.iter().copied()), "{name}: other frames");
        assert_eq!(times, (0..found.len() as i64).map(|frame| frame * 40).collect::<Vec<_>>(), "{name}");
        let lasts = samples.len() as f64 / 48_000.0;
        assert!((lasts - found.len() as f64 / 25.0).abs() < 0.03, "{name}: {lasts} s of audio");
    }
}

#[test]
fn edits_that_cannot_be_followed_are_refused_by_name_and_time() {
    let (film, folder) = (film("pcm_s16le", "mov"), folder());
    let plain: &[Edit] = &[shown(4.0, 0.0)];
    for (name, list, place, words) in [
        ("dwell", vec![shown(1.0, 0.0), (1.0, Some(1.0), 0), shown(3.0, 1.0)], "00:00:01.000", "media rate 0"),
        ("fast", vec![(2.0, Some(0.0), 2 << 16)], "00:00:00.000", "2 times"),
        ("slow", vec![shown(1.0, 0.0), (4.0, Some(1.0), 1 << 15)], "00:00:01.000", "0.5 times"),
    ] {
        for stream in [0, 1] {
            let source = folder.path().join(format!("{name}.mov"));
            let lists: [&[Edit]; 2] = if stream == 0 { [&list, plain] } else { [plain, &list] };
            edited(&film, &source, &lists, false);
            let job = Job::new(&source, folder.path().join("out.mkv"));
            let error = run_job(&job, &Control::default()).expect_err("refused").to_string();
            let stream = format!("stream {stream}");
            for word in [place, words, stream.as_str(), "edit list", "cannot be followed"] {
                assert!(error.contains(word), "{name}: {error}");
            }
            // A track that the job does not use is no reason to refuse.
            let mut job = video_job(&source, &folder.path().join("out.mkv"), Encoder::X264, quick(""));
            job.outputs[0].overwrite = true;
            assert_eq!(run_job(&job, &Control::default()).is_ok(), lists[0] == plain, "{name}");
        }
    }
}

#[test]
fn a_list_with_more_edits_than_are_examined_is_refused() {
    let (film, folder) = (film("pcm_s16le", "mov"), folder());
    let mut list = vec![shown(0.01, 0.0); 5000];
    list[4500] = empty(1.0);
    // Entries of 32 bits, and of 64 bits.
    for long in [false, true] {
        let source = folder.path().join(format!("many-{long}.mov"));
        edited(&film, &source, &[&list, &[shown(4.0, 0.0)]], long);
        let job = Job::new(&source, folder.path().join("out.mkv"));
        let error = run_job(&job, &Control::default()).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        for words in ["5000 edits", "stream 0", "cannot be followed"] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

#[test]
fn packets_of_a_composed_track_are_not_copied_as_if_they_were_all_of_it() {
    let (film, folder) = (film("pcm_s16le", "mov"), folder());
    let source = folder.path().join("gap.mov");
    let list = [shown(1.0, 0.0), empty(1.0), shown(3.0, 1.0)];
    edited(&film, &source, &[&list, &list], false);
    let mut job = Job::new(&source, folder.path().join("out.mkv"));
    job.outputs[0].video = VideoSettings::Copy;
    let error = run_job(&job, &Control::default()).expect_err("refused").to_string();
    assert!(error.contains("edit list") && error.contains("stream 0"), "{error}");
    // The default setting, which copies audio if possible, is no reason to refuse.
    job.outputs[0].video = VideoSettings::X264(quick(""));
    let report = done(&job);
    assert!(!report.outputs[0].plan.audio[0].copied);
    assert!(report.outputs[0].plan.decisions.iter().any(|decision| decision.why.contains("edit list")));
}

#[test]
fn an_edit_beyond_the_end_of_the_media_is_reported() {
    let (film, folder) = (film("pcm_s16le", "mov"), folder());
    let source = folder.path().join("beyond.mov");
    let list = [shown(2.0, 0.0), shown(4.0, 3.0)];
    edited(&film, &source, &[&list, &list], false);
    let (report, times, _, _) = encoded(&source);
    assert_eq!(times.len(), 75);
    let stated = report.notes.iter().filter(|note| note.contains("beyond the end of the media")).count();
    assert_eq!(stated, 2, "{:?}", report.notes);
}

// --- recordings that begin in mid-GOP
// ------------------------------------------------------------------------------------

/// Makes a transport stream of 100 frames in GOPs of 25.
fn broadcast(name: &str, options: &str) -> PathBuf {
    made_by_ffmpeg(
        &format!("start-{name}.ts"),
        &format!(
            "-f lavfi -i testsrc2=s=128x96:r=25:d=4 -f lavfi -i sine=440:d=4:r=48000 -pix_fmt yuv420p {options} -c:a mp2 \
             -f mpegts"
        ),
    )
}

/// Writes the stream from the packet where the PES packet of frame `frame` begins (in file order), or from `inside`
/// packets later.
fn from_frame(source: &Path, output: &Path, frame: usize, inside: usize) {
    let bytes = fs::read(source).expect("a stream");
    let packets: Vec<&[u8]> = bytes.chunks_exact(188).collect();
    let begins =
        |packet: &[u8]| packet[1] & 0x40 != 0 && (u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2])) == 256;
    let starts: Vec<usize> = (0..packets.len()).filter(|number| begins(packets[*number])).collect();
    fs::write(output, packets[starts[frame] + inside..].concat()).expect("a part");
}

const STREAMS: [(&str, &str); 6] = [
    ("closed", "-c:v libx264 -preset veryfast -g 25 -bf 3 -x264-params keyint=25:min-keyint=25:scenecut=0"),
    ("open", "-c:v libx264 -preset veryfast -bf 3 -x264-params keyint=25:min-keyint=25:scenecut=0:open-gop=1"),
    (
        "pyramid",
        "-c:v libx264 -preset veryfast -bf 5 -x264-params keyint=25:min-keyint=25:scenecut=0:open-gop=1:b-pyramid=normal:ref=5",
    ),
    (
        "hevc-closed",
        "-c:v libx265 -preset veryfast -x265-params keyint=25:min-keyint=25:scenecut=0:bframes=3:open-gop=0:log-level=none",
    ),
    (
        "hevc-open",
        "-c:v libx265 -preset veryfast -x265-params keyint=25:min-keyint=25:scenecut=0:bframes=3:open-gop=1:log-level=none",
    ),
    ("mpeg2", "-c:v mpeg2video -g 25 -bf 2 -sc_threshold 1000000000"),
];

/// Returns the first frame, in display order, of the first complete GOP of a stream that begins at `frame`. `found` is
/// the number of decoded frames. GOPs of ffmpeg's MPEG-2 encoder count in coding order.
fn first_whole(name: &str, frame: usize, found: usize) -> usize {
    let group = if frame < 25 { 25 } else { 50 };
    let first = 100 - found;
    if name == "mpeg2" && (group..group + 3).contains(&first) { first } else { group }
}

/// Encodes the frames without loss. Returns the report and the frames.
fn lossless(source: &Path) -> (Report, Vec<Vec<u8>>) {
    let folder = folder();
    let output = folder.path().join("out.mkv");
    let report = done(&video_job(source, &output, Encoder::Ffv1, EncodeSettings::default()));
    let frames = frames_of(&output);
    (report, frames)
}

#[test]
fn a_recording_that_begins_inside_a_gop_starts_at_the_first_clean_frame() {
    let folder = folder();
    for (name, options) in STREAMS {
        let whole = broadcast(name, options);
        let frames = frames_of(&whole);
        assert_eq!(frames.len(), 100, "{name}");
        for (frame, inside) in [(3, 0), (12, 0), (12, 1), (24, 0), (40, 0)] {
            let source = folder.path().join(format!("{name}-{frame}-{inside}.ts"));
            from_frame(&whole, &source, frame, inside);
            let (report, found) = lossless(&source);
            let first = first_whole(name, frame, found.len());
            assert_eq!(found.len(), 100 - first, "{name} from frame {frame}");
            assert!(found[..] == frames[first..], "{name} from frame {frame}: other frames");
            let ledger = report.outputs[0].ledger.expect("a ledger");
            // An incomplete frame does not count.
            let there = 100 - frame - inside.min(1);
            assert_eq!(ledger.left_out_at_start as usize + found.len(), there, "{name} from frame {frame}");
            assert!(report.damage.is_empty(), "{name}: {:?}", report.damage);
            let stated = report.notes.iter().filter(|note| note.contains("begins in mid-group")).count();
            assert_eq!(stated, 1, "{name} from frame {frame}: {:?}", report.notes);
            assert_eq!(report.timing_of_source[&0].skipped, ledger.left_out_at_start, "{name}");
            let counted = Source::open(&source).expect("a source");
            let full_decode_count =
                probe_and_count(counted, 0, &Cancel::default()).expect("a count").full_decode_count.expect("a count");
            assert!(full_decode_count.damage.is_empty(), "{name}: {:?}", full_decode_count.damage);
            assert_eq!(full_decode_count.streams[&0].frames, Some(found.len() as u64), "{name}");
        }
    }
}

#[test]
fn a_copy_of_a_recording_that_begins_inside_a_gop_is_whole() {
    let folder = folder();
    for (name, options) in STREAMS {
        let whole = broadcast(name, options);
        let frames = frames_of(&whole);
        let source = folder.path().join(format!("{name}.ts"));
        from_frame(&whole, &source, 12, 0);
        for container in ["mkv", "mp4", "ts"] {
            let copy = folder.path().join(format!("{name}-copy.{container}"));
            let mut job = Job::new(&source, &copy);
            job.outputs[0].audio = AudioSettings::None;
            job.outputs[0].video = VideoSettings::Copy;
            let report = done(&job);
            assert!(report.outputs[0].plan.notes.iter().any(|note| note.contains("left out")), "{name}");
            let (report, found) = lossless(&copy);
            assert!(report.damage.is_empty(), "{name} in {container}: {:?}", report.damage);
            let first = first_whole(name, 12, found.len());
            assert_eq!(found.len(), 100 - first, "{name} in {container}");
            assert!(found[..] == frames[first..], "{name} in {container}: other frames");
        }
    }
}

#[test]
fn h264_in_mp4_that_begins_at_a_recovery_point_is_no_damage() {
    let folder = folder();
    for (name, options) in [STREAMS[1], STREAMS[2]] {
        let whole = broadcast(name, options);
        let frames = frames_of(&whole);
        let part = folder.path().join(format!("{name}.ts"));
        from_frame(&whole, &part, 12, 0);
        // As segmenters write it: from the packet of the recovery point on, including frames that are shown before it.
        for container in ["mp4", "mkv", "mov"] {
            let source = folder.path().join(format!("{name}-segment.{container}"));
            program::ffmpeg(&format!("-i {} -map 0:v -c copy {}", part.display(), source.display()));
            let (report, found) = lossless(&source);
            assert!(report.damage.is_empty(), "{name} in {container}: {:?}", report.damage);
            assert!(found.len() >= 75 && found[found.len() - 75..] == frames[25..], "{name} in {container}");
            assert_eq!(found.len(), 75, "{name} in {container}");
        }
    }
}

#[test]
fn a_stream_without_keyframes_starts_after_its_recovery_point() {
    let whole =
        broadcast("refresh", "-c:v libx264 -preset veryfast -bf 0 -x264-params keyint=25:intra-refresh=1:scenecut=0");
    let frames = frames_of(&whole);
    let folder = folder();
    let source = folder.path().join("refresh.ts");
    from_frame(&whole, &source, 10, 0);
    let (report, found) = lossless(&source);
    assert!(report.damage.is_empty(), "{:?}", report.damage);
    let ledger = report.outputs[0].ledger.expect("a ledger");
    assert!(found.len() > 25 && found.len() < 75, "{} frames", found.len());
    assert_eq!(ledger.left_out_at_start as usize + found.len(), 90);
    let tail = &frames[100 - found.len()..];
    let far = |one: &[u8], other: &[u8]| {
        let sum: u64 = one.iter().zip(other).map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
        sum as f64 / one.len() as f64
    };
    let worst = found.iter().zip(tail).map(|(one, other)| far(one, other)).fold(0.0, f64::max);
    assert!(worst < 0.5, "a frame differs by {worst} on average");
}

#[test]
fn damage_at_the_start_is_still_damage() {
    let folder = folder();
    let whole = broadcast("closed", STREAMS[0].1);
    let bytes = fs::read(&whole).expect("a stream");
    // The slices of the first IDR frame get another type, although the film begins with an IDR frame.
    let mut broken = bytes.clone();
    let at = bytes.windows(4).position(|window| window == [0, 0, 1, 0x65]).expect("an IDR slice");
    broken[at + 3] = 0x61;
    let source = folder.path().join("broken.ts");
    fs::write(&source, broken).expect("a source");
    let job = video_job(&source, &folder.path().join("out.mkv"), Encoder::X264, quick(""));
    assert!(
        run_job(&job, &Control::default()).is_err(),
        "a film that lost its first keyframe is no recording from mid-group"
    );
}

// --- preallocated files, sequences
// ---------------------------------------------------------------------------------------

#[test]
fn zeros_behind_a_recording_are_noted_and_cost_nothing() {
    let folder = folder();
    let ts = broadcast("closed", STREAMS[0].1);
    // An unfinished recording: it states no sizes.
    let live = made_by_ffmpeg(
        "zeros-live.mkv",
        "-f lavfi -i testsrc2=s=128x96:r=25:d=4 -f lavfi -i anullsrc=r=48000:cl=mono -t 4 -pix_fmt yuv420p -c:v libx264 \
         -c:a pcm_s16le -f matroska -live 1",
    );
    let finished =
        made_by_ffmpeg("zeros-done.mkv", "-f lavfi -i testsrc2=s=128x96:r=25:d=4 -pix_fmt yuv420p -c:v libx264");
    let tags = made_by_ffmpeg("zeros.flv", "-f lavfi -i testsrc2=s=128x96:r=25:d=4 -pix_fmt yuv420p -c:v libx264");
    for source in [&ts, &live, &finished, &tags] {
        let bytes = fs::read(source).expect("a recording");
        let (_, expected) = lossless(source);
        for zeros in [4096, 65_537, 3 << 20] {
            let name = source.file_name().expect("a name").to_string_lossy().into_owned();
            let padded = folder.path().join(format!("{zeros}-{name}"));
            fs::write(&padded, [&bytes[..], &vec![0; zeros]].concat()).expect("a source");
            let (report, found) = lossless(&padded);
            assert!(found == expected, "{name}: {} frames", found.len());
            assert!(report.damage.is_empty());
            let stated = report.notes.iter().filter(|note| note.contains("zero bytes")).count();
            assert_eq!(stated, 1, "{name}: {:?}", report.notes);
        }
        // Zeros are damage if other data follow them.
        let broken = [&bytes[..bytes.len() / 2], &[0; 100_000], &bytes[bytes.len() / 2..]].concat();
        let name = folder.path().join(format!("broken-{}", source.file_name().expect("a name").to_string_lossy()));
        fs::write(&name, broken).expect("a source");
        let job = video_job(&name, &folder.path().join("out.mkv"), Encoder::X264, quick(""));
        assert!(run_job(&job, &Control::default()).is_err(), "{}", name.display());
    }
}

#[test]
fn a_sequence_that_grows_while_it_is_read_is_named() {
    let folder = folder();
    let clip = Clip { width: 32, height: 32, frames: 5, format: "rgb24", ..Clip::default() };
    program::ffmpeg(&format!("{} {}/s.%03d.png", clip.lavfi(), folder.path().display()));
    let source = Source::open(folder.path().join("s.%03d.png")).expect("a sequence");
    fs::copy(folder.path().join("s.005.png"), folder.path().join("s.006.png")).expect("a file more");
    fs::copy(folder.path().join("s.005.png"), folder.path().join("s.007.png")).expect("a file more");
    let full_decode_count =
        probe_and_count(source, 0, &Cancel::default()).expect("a count").full_decode_count.expect("a count");
    assert_eq!(full_decode_count.streams[&0].frames, Some(5));
    let [note] = &full_decode_count.notes[..] else { panic!("{:?}", full_decode_count.notes) };
    assert!(note.contains("grew") && note.contains("s.006.png to s.007.png") && note.contains('2'), "{note}");
}
