//! Films that are encoded in chunks: the same frames as in one piece, and the same bytes however the work went.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use trix_core::{
    Cancel, ChunkControl, ChunkDone, Control, ErrorKind, Job, Report, Source,
    document::{Document, Language},
    encode_chunk, encode_chunk_telling,
    media::time::{Rational, Timestamp},
    plan,
    plan::{ChunkPlan, FrameRange, Plan},
    plan_chunks, run,
    settings::{
        audio::AudioSettings,
        job::{Chunks, VerifyLevel},
        video::{EncodeSettings, Encoder, RateControl, VideoSettings},
    },
    stitch,
};
use trix_fixtures::{Clip, folder, media, program};

use crate::{
    sources::formats::paff,
    support::{ffprobe, made_by_ffmpeg, quick, video_job},
};

/// A film of 20 seconds with long groups of frames.
fn film() -> PathBuf {
    Clip { frames: 500, ..Clip::default() }.encoded("-c:v libx264 -preset ultrafast -bf 2 -g 60", "mp4")
}

/// Ranges of `length` frames.
pub fn divided(frames: u64, length: u64, lead: u64) -> ChunkPlan {
    let starts = (0..frames).step_by(usize::try_from(length).expect("a length"));
    let ranges = starts.map(|start| FrameRange { start, end: frames.min(start + length) }).collect();
    ChunkPlan { ranges, lead_in: lead }
}

pub fn planned(job: &Job) -> Plan {
    plan(job, &Source::of(&job.source).expect("a source")).unwrap_or_else(|error| panic!("{error}"))
}

pub fn ran(plan: &Plan) -> Report {
    run(plan, &Control::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The file of a job as a whole, and in chunks of `length` frames, with the reports.
pub(super) fn both(folder: &TempDir, mut job: Job, length: u64, lead: u64) -> [(Vec<u8>, Report); 2] {
    let frames = Source::of(&job.source).expect("a source").frame_index().expect("an index").len();
    job.chunks = Chunks::Off;
    job.outputs[0].path = folder.path().join("whole.mkv");
    let whole = planned(&job);
    let mut parts = whole.clone();
    parts.outputs[0].path = folder.path().join("parts.mkv");
    parts.chunks = Some(divided(frames, length, lead));
    [whole, parts].map(|plan| {
        let report = ran(&plan);
        (fs::read(&plan.outputs[0].path).expect("a file"), report)
    })
}

/// Asserts that intra-only encodes of `source` have the same bytes and the same account in one piece and in chunks.
fn same_in_chunks(source: &Path, length: u64) {
    let folder = folder();
    let job = video_job(source, Path::new(""), Encoder::Ffv1, EncodeSettings::default());
    let [(whole, one), (parts, other)] = both(&folder, job, length, 0);
    assert!(whole == parts, "{}: chunks of {length} frames have other bytes", source.display());
    assert_eq!(one.outputs[0].ledger, other.outputs[0].ledger, "{}", source.display());
    assert_eq!(one.damage, other.damage);
    assert_eq!(one.timing_of_source, other.timing_of_source, "{}", source.display());
    let checks = |report: &Report| report.outputs[0].verification.checks.len();
    assert_eq!(checks(&one), checks(&other), "{}: both were checked alike", source.display());
    // Neither chunks nor parts are left.
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["parts.mkv", "whole.mkv"]);
}

#[test]
fn chunks_hold_exactly_their_frames() {
    let clip = Clip { frames: 60, ..Clip::default() };
    for source in [
        clip.encoded("-c:v libx264 -bf 3 -g 25", "mp4"),
        clip.encoded("-c:v libx264 -x264-params open-gop=1:keyint=20:bframes=3", "mkv"),
        clip.encoded("-c:v libx265 -x265-params open-gop=1:keyint=20:log-level=none", "mp4"),
        clip.encoded("-c:v mpeg2video -bf 2 -g 15", "ts"),
        clip.encoded("-vf setpts=N*N*40 -vsync vfr -c:v libx264 -bf 2 -g 25", "mkv"),
        clip.encoded("-vf setfield=tff -flags +ildct+ilme -c:v libx264 -bf 2 -g 25", "mov"),
        clip.encoded("-c:v prores_ks", "mov"),
        // The edit list leaves frames out that the file has.
        made_by_ffmpeg(
            "edited.mp4",
            &format!("-ss 0.5 -i {} -c copy", clip.encoded("-c:v libx264 -bf 3 -g 25", "mp4").display()),
        ),
    ] {
        for length in [1, 7, 24] {
            same_in_chunks(&source, length);
        }
    }
}

/// Compares real files in one piece and in chunks of these lengths.
fn real_files_in_chunks(lengths: &[u64]) {
    let mut compared = 0;
    for source in media::files() {
        let Ok(open) = Source::open(&source) else { continue };
        let Ok(index) = open.frame_index() else { continue };
        // Damage ends the job either way.
        if index.trouble().is_some() || index.len() < 2 || open.frames().any(|frame| frame.is_err()) {
            continue;
        }
        for length in lengths {
            same_in_chunks(&source, *length);
        }
        compared += 1;
    }
    // Most of them can be decoded from anywhere.
    assert!(compared * 2 >= media::files().len(), "{compared} files");
}

#[test]
fn fields_in_packets_of_their_own_keep_a_film_in_one_piece() {
    let raw = trix_fixtures::clip::made("paff.h264", |path| fs::write(path, paff(60).0).expect("room"));
    for name in ["paff.ts", "paff.mp4"] {
        let source = made_by_ffmpeg(name, &format!("-r 25 -i {} -c copy", raw.display()));
        let folder = folder();
        let mut job = video_job(&source, &folder.path().join("a.mkv"), Encoder::X264, quick("threads=1"));
        job.chunks = Chunks::On;
        let plan = planned(&job);
        assert!(plan.chunks.is_none(), "{name}");
        assert!(
            plan.decisions.iter().any(|own| own.why.contains("fields in packets of their own")),
            "{:?}",
            plan.decisions
        );
        assert_eq!(ran(&plan).outputs[0].ledger.expect("video").found, Some(60), "{name}");
    }
}

#[test]
fn time_code_is_whole_in_chunks() {
    let clip = Clip { frames: 300, ..Clip::default() };
    let source = clip.encoded("-timecode 01:02:03:04 -c:v libx264 -preset ultrafast -g 50", "mov");
    let folder = folder();
    let shown = [Chunks::Off, Chunks::On].map(|chunks| {
        let output = folder.path().join(format!("{chunks:?}.mov"));
        let mut job = video_job(&source, &output, Encoder::X264, quick("threads=1"));
        job.chunks = chunks;
        let plan = planned(&job);
        assert_eq!(plan.chunks.is_some_and(|chunks| chunks.ranges.len() > 1), chunks == Chunks::On);
        ran(&planned(&job));
        let shown = ffprobe(&output, "-show_entries stream_tags=timecode");
        shown["streams"]
            .as_array()
            .expect("streams")
            .iter()
            .map(|own| own["tags"]["timecode"].clone())
            .collect::<Vec<_>>()
    });
    assert_eq!(shown[0], shown[1]);
    assert!(shown[1].iter().any(|own| own == "01:02:03:04"), "{shown:?}");
}

#[test]
fn real_files_have_the_same_frames_in_chunks() {
    real_files_in_chunks(&[7, 24]);
}

/// A long test, of `make test-media`.
#[test]
fn every_frame_of_real_files_is_a_chunk() {
    real_files_in_chunks(&[1]);
}

/// A job that encodes the film in chunks.
fn in_chunks(output: &Path, encoder: Encoder, preset: &str) -> Job {
    let settings = EncodeSettings {
        preset: Some(preset.to_owned()),
        rate: Some(RateControl::Crf { value: 24.0 }),
        ..EncodeSettings::default()
    };
    let mut job = video_job(&film(), output, encoder, settings);
    job.chunks = Chunks::On;
    job
}

#[test]
fn a_film_in_chunks_has_every_frame_and_passes_every_check() {
    for (encoder, name) in [(Encoder::X264, "a.mp4"), (Encoder::X265, "a.mkv"), (Encoder::X264, "b.ts")] {
        let folder = folder();
        let mut job = in_chunks(&folder.path().join(name), encoder, "ultrafast");
        job.outputs[0].verify = VerifyLevel::Full;
        let plan = planned(&job);
        let chunks = plan.chunks.as_ref().expect("chunks");
        assert_eq!(chunks.ranges.first().map(|range| range.start), Some(0));
        assert_eq!(chunks.ranges.last().map(|range| range.end), Some(500));
        assert!(chunks.ranges.len() > 1, "{chunks:?}");
        // The source has a keyframe every 60 frames at least.
        assert!(chunks.ranges.iter().skip(1).all(|range| range.start % 60 == 0), "{chunks:?}");
        let report = ran(&plan);
        let ledger = report.outputs[0].ledger.expect("video");
        assert_eq!((ledger.decoded, ledger.encoded, ledger.emitted, ledger.found), (500, 500, 500, Some(500)));
        assert!(report.outputs[0].verification.checks.iter().all(|check| check.ok));
    }
}

#[test]
fn a_film_is_divided_where_scenes_begin() {
    // Scenes begin at these frames, and there is a flash at frame 250.
    let scenes = "negate=enable='between(n,0,189)+between(n,470,700)+eq(n,250)'";
    let film = Clip { frames: 900, ..Clip::default() }
        .encoded(&format!("-vf {scenes} -c:v libx264 -qp 10 -g 60 -sc_threshold 0"), "mp4");
    let folder = folder();
    let job = |preset: &str, output: &str| {
        let settings = EncodeSettings { preset: Some(preset.to_owned()), ..EncodeSettings::default() };
        let mut job = video_job(&film, &folder.path().join(output), Encoder::X264, settings);
        job.chunks = Chunks::On;
        job
    };
    let starts = |job: &Job| -> Vec<u64> {
        planned(job).chunks.expect("chunks").ranges.iter().map(|range| range.start).collect()
    };
    assert_eq!(starts(&job("medium", "a.mkv")), [0, 190, 470, 701]);
    // A quick encode is not kept waiting: its parts begin at keyframes of the source.
    assert!(starts(&job("veryfast", "a.mkv")).iter().all(|start| start % 60 == 0));
    // Keyframes that the job wants are respected: one every two seconds.
    let mut forced = job("medium", "a.mkv");
    let VideoSettings::X264(video) = &mut forced.outputs[0].video else { panic!("x264") };
    video.key_interval = Some(Timestamp::new(2, Rational::new(1, 1)));
    // Parts are shorter near the end.
    assert_eq!(starts(&forced), [0, 250, 350, 450, 550, 650, 750, 850]);

    // A setting that chunks do not depend on leaves them as they are, and their keys.
    let store = folder.path().join("store");
    let control = || Control {
        chunks: ChunkControl { store: Some(store.clone()), ..ChunkControl::default() },
        ..Control::default()
    };
    let entries = || fs::read_dir(&store).expect("a store").flatten().filter(is_chunk).count();
    run(&planned(&job("medium", "a.mkv")), &control()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(entries(), 4);
    let mut other = job("medium", "b.mp4");
    other.outputs[0].metadata.insert("title".to_owned(), "Film".to_owned());
    other.outputs[0].verify = VerifyLevel::Full;
    run(&planned(&other), &control()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(entries(), 4);
    run(&planned(&job("slow", "c.mkv")), &control()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(entries(), 8);
}

/// True for the file of a chunk.
fn is_chunk(entry: &fs::DirEntry) -> bool {
    entry.path().extension().is_some_and(|end| end == "chunk")
}

/// A plan of chunks that are made one by one.
fn steps(folder: &Path, encoder: Encoder) -> Plan {
    let job = in_chunks(&folder.join("out.mkv"), encoder, "ultrafast");
    plan_chunks(&job, &Source::of(&job.source).expect("a source")).expect("a plan")
}

fn encoded(plan: &Plan, number: usize, store: &Path) -> ChunkDone {
    encode_chunk(plan, number, store, &Cancel::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_chunk_tells_each_of_its_frames() {
    let folder = folder();
    let plan = steps(folder.path(), Encoder::X264);
    let told = RefCell::new(Vec::new());
    let tell = |frames| told.borrow_mut().push(frames);
    let done = encode_chunk_telling(&plan, 1, &folder.path().join("store"), &Cancel::default(), &tell)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(told.take(), (1..=done.range.frames()).collect::<Vec<_>>());
    encode_chunk_telling(&plan, 1, &folder.path().join("store"), &Cancel::default(), &tell)
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(told.take().is_empty(), "it is in the store");
}

#[test]
fn chunks_made_one_by_one_in_a_store_that_moves_give_the_same_bytes() {
    let folder = folder();
    let plan = steps(folder.path(), Encoder::X265);
    let output = folder.path().join("out.mkv");
    run(&plan, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    let whole = fs::read(&output).expect("a file");
    fs::remove_file(&output).expect("the output");

    // As JSON, the plan goes to another machine. There, the last chunk is made first, and each of them twice.
    let count = plan.chunks.as_ref().expect("chunks").ranges.len();
    let sent: Plan = serde_json::from_str(&serde_json::to_string(&plan).expect("JSON")).expect("a plan");
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    for number in (1..count).rev() {
        assert!(encoded(&sent, number, &here).is_new);
        assert!(!encoded(&sent, number, &here).is_new);
    }
    let missing = stitch(&plan, &here, &Control::default()).expect_err("a chunk is missing");
    assert_eq!(missing.kind(), ErrorKind::MalformedInput);
    assert!(missing.to_string().contains("the chunk of frames 0..120: it is missing"), "{missing}");
    fs::rename(&here, &there).expect("the store moves");
    let entries = || -> Vec<PathBuf> {
        fs::read_dir(&there).expect("a store").flatten().filter(is_chunk).map(|entry| entry.path()).collect()
    };
    let before = entries();
    let done = encoded(&sent, 0, &there);
    assert_eq!((done.range, done.is_new), (FrameRange { start: 0, end: 120 }, true));
    stitch(&plan, &there, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    assert!(fs::read(&output).expect("a file") == whole);
    assert_eq!(
        encode_chunk(&plan, count, &there, &Cancel::default()).expect_err("no chunk").kind(),
        ErrorKind::InvalidSpec
    );

    // A chunk that was altered is named, and is not used.
    fs::remove_file(&output).expect("the output");
    let entry = entries().into_iter().find(|entry| !before.contains(entry)).expect("the first chunk");
    let mut bytes = fs::read(&entry).expect("a chunk");
    bytes[20] ^= 1;
    fs::write(&entry, bytes).expect("a chunk");
    let altered = stitch(&plan, &there, &Control::default()).expect_err("a chunk is altered");
    assert_eq!(altered.kind(), ErrorKind::MalformedInput);
    assert!(altered.to_string().contains("the chunk of frames 0..120"), "{altered}");
    assert!(!output.exists());
    // Entries of other films are left alone.
    encoded(&sent, 0, &there);
    fs::write(there.join(format!("{}.chunk", "0".repeat(64))), b"another film").expect("room");
    stitch(&plan, &there, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    assert!(fs::read(&output).expect("a file") == whole);
}

#[test]
fn a_job_that_needs_the_whole_film_has_no_chunks_and_the_error_says_why() {
    let folder = folder();
    let mut job = in_chunks(&folder.path().join("out.mkv"), Encoder::X264, "ultrafast");
    let VideoSettings::X264(video) = &mut job.outputs[0].video else { panic!("x264") };
    video.rate = Some(RateControl::Bitrate { kbps: 500, passes: 1 });
    let error = plan_chunks(&job, &Source::of(&job.source).expect("a source")).expect_err("no chunks");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("out.mkv has a bit rate in one pass"), "{error}");
}

#[test]
fn packages_and_stills_come_out_of_chunks_as_they_do_of_one_pass() {
    let folder = folder();
    let text = |chunks: &str| {
        format!(
            r#"
            source = {{ path = "{}" }}
            threads = 1
            chunks = "{chunks}"
            [[packages]]
            path = "{chunks}-stream"
            segment = "2"
            ladder = [ {{ height = 144, video = {{ type = "x264", preset = "veryfast" }} }}, {{ height = 90, video = {{ type = "x264", preset = "veryfast" }} }} ]
            [[stills]]
            type = "poster"
            path = "{chunks}.jpg"
            "#,
            film().display()
        )
    };
    let [whole, parts] = ["off", "on"].map(|chunks| {
        let document = Document::parse(&text(chunks), Language::Toml, &[]).unwrap_or_else(|error| panic!("{error}"));
        let job = document.resolve(Some(folder.path())).unwrap_or_else(|error| panic!("{error}")).job;
        let plan = planned(&job);
        let starts: Vec<u64> = plan.chunks.iter().flat_map(|own| own.ranges.iter().map(|range| range.start)).collect();
        // Chunks begin with segments.
        assert!(starts.iter().all(|start| start % 50 == 0), "{starts:?}");
        assert_eq!(starts.len() > 1, chunks == "on");
        ran(&plan)
    });
    assert!(
        fs::read(folder.path().join("off.jpg")).expect("a poster")
            == fs::read(folder.path().join("on.jpg")).expect("a poster")
    );
    for (one, other) in whole.packages[0].renditions.iter().zip(&parts.packages[0].renditions) {
        assert_eq!(one.ledger, other.ledger);
        assert_eq!(one.record.track.packets, other.record.track.packets);
        assert_eq!(
            (one.record.track.keyframes, one.record.track.times.clone()),
            (other.record.track.keyframes, other.record.track.times.clone())
        );
    }
    let segments = |name: &str| -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![folder.path().join(name)];
        while let Some(at) = folders.pop() {
            for entry in fs::read_dir(at).expect("a folder").flatten() {
                match entry.path().is_dir() {
                    true => folders.push(entry.path()),
                    false => found.push(entry.file_name().to_string_lossy().into_owned()),
                }
            }
        }
        found.sort();
        found
    };
    assert_eq!(segments("off-stream"), segments("on-stream"));
}

#[test]
fn the_index_of_a_source_without_a_list_of_packets_is_kept_in_the_store() {
    let folder = folder();
    let (source, store) = (folder.path().join("film.ts"), folder.path().join("store"));
    fs::copy(Clip { frames: 500, ..Clip::default() }.encoded("-c:v mpeg2video -g 15 -bf 2", "ts"), &source)
        .expect("a file");
    let mut job = video_job(&source, &folder.path().join("a.mkv"), Encoder::X264, quick("threads=1"));
    job.chunks = Chunks::On;
    let plan = plan_chunks(&job, &Source::of(&job.source).expect("a source")).expect("a plan");
    encoded(&plan, 0, &store);
    let others = || -> Vec<PathBuf> {
        let all = fs::read_dir(&store).expect("a store").flatten().map(|entry| entry.path());
        all.filter(|path| path.extension().is_none()).collect()
    };
    let [index] = others().try_into().expect("an index");
    let whole = fs::read(&index).expect("an index");
    assert!(whole.len() > 500 * 20, "{} bytes for 500 packets", whole.len());
    // One that was altered is made again.
    let mut altered = whole.clone();
    altered[100] ^= 1;
    fs::write(&index, altered).expect("an index");
    for number in 1..plan.chunks.as_ref().expect("chunks").ranges.len() {
        encoded(&plan, number, &store);
    }
    assert!(fs::read(&index).expect("an index") == whole);
    let report = stitch(&plan, &store, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.outputs[0].ledger.expect("video").found, Some(500));
}

#[test]
fn two_jobs_can_use_one_store_at_once() {
    let folder = folder();
    let store = folder.path().join("store");
    let made = || -> Vec<Vec<u8>> {
        std::thread::scope(|scope| {
            let job = |name: &str| {
                let mut job = in_chunks(&folder.path().join(name), Encoder::X264, "ultrafast");
                job.outputs[0].overwrite = true;
                let plan = planned(&job);
                let chunks = ChunkControl { store: Some(store.clone()), units: Some(2), ..ChunkControl::default() };
                let control = Control { chunks, ..Control::default() };
                move || {
                    run(&plan, &control).unwrap_or_else(|error| panic!("{error}"));
                    fs::read(&plan.outputs[0].path).expect("a file")
                }
            };
            let both = ["a.mkv", "b.mkv"].map(|name| scope.spawn(job(name)));
            both.into_iter().map(|job| job.join().expect("a job")).collect()
        })
    };
    let first = made();
    assert!(first[0] == first[1]);
    // Both find all entries damaged, and make them anew.
    for entry in fs::read_dir(&store).expect("a store").flatten().filter(is_chunk) {
        let mut bytes = fs::read(entry.path()).expect("a chunk");
        bytes[30] ^= 1;
        fs::write(entry.path(), bytes).expect("a chunk");
    }
    assert!(made() == first);
    let is_time = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|own| own == "cpu");
    let left = fs::read_dir(&store).expect("a store").flatten().filter(|entry| !is_chunk(entry) && !is_time(entry));
    let left: Vec<_> = left.collect();
    // The plan and the state of each job, and no part of a file.
    assert_eq!(left.len(), 4, "{left:?}");
}

#[test]
fn the_number_of_cores_and_the_place_of_the_store_change_no_byte() {
    let folder = folder();
    let mut made = Vec::new();
    for (encoder, workers) in
        [Encoder::X264, Encoder::X265].into_iter().flat_map(|own| [1, 2, 4].map(|workers| (own, workers)))
    {
        let output = folder.path().join(format!("{encoder}-{workers}.mkv"));
        let plan = planned(&in_chunks(&output, encoder, "ultrafast"));
        let store = folder.path().join(format!("store-{workers}"));
        let chunks = ChunkControl { units: Some(workers), store: Some(store), ..ChunkControl::default() };
        let control = Control { chunks, ..Control::default() };
        run(&plan, &control).unwrap_or_else(|error| panic!("{error}"));
        made.push(fs::read(&output).expect("a file"));
    }
    assert!(made.chunks(3).all(|own| own[0] == own[1] && own[1] == own[2]));
}

#[test]
fn audio_and_joined_chunks_are_interleaved_alike_every_time() {
    // More than ten seconds, for which a muxer waits, and audio that takes longer to encode than chunks take to read.
    let source = made_by_ffmpeg(
        "chunks-with-audio.mkv",
        "-f lavfi -i testsrc2=size=256x144:rate=25 -f lavfi -i sine=sample_rate=48000 -t 60 -c:v libx264 -preset ultrafast \
         -g 50 -c:a flac -f matroska",
    );
    let folder = folder();
    for name in ["a.mp4", "a.mkv", "a.ts"] {
        let mut made = Vec::new();
        for chunks in [Chunks::Off, Chunks::On, Chunks::On, Chunks::On] {
            let output = folder.path().join(name);
            let mut job = video_job(&source, &output, Encoder::X264, quick("threads=1"));
            job.outputs[0].audio = AudioSettings::Aac { kbps: None };
            job.outputs[0].overwrite = true;
            job.chunks = chunks;
            let report = ran(&planned(&job));
            let packets: Vec<u64> = report.outputs[0].tracks.iter().map(|track| track.packets).collect();
            let audio =
                ["-v", "error", "-i", &output.display().to_string(), "-map", "0:a", "-c", "copy", "-f", "md5", "-"];
            let audio = program::text(&program::run("ffmpeg", audio));
            made.push(((packets, audio), fs::read(&output).expect("a file")));
        }
        assert_eq!(made[0].0, made[1].0, "{name}: the audio is that of one piece");
        assert!(made[1].1 == made[2].1 && made[2].1 == made[3].1, "{name}: the order of packets differs");
    }
}

#[test]
fn subtitles_and_joined_chunks_are_interleaved_alike_every_time() {
    let folder = folder();
    let lines: String = (0..60)
        .map(|at| {
            format!(
                "{}\n00:{:02}:{:02},000 --> 00:{:02}:{:02},900\nline {at}\n\n",
                at + 1,
                at * 3 / 60,
                at * 3 % 60,
                at * 3 / 60,
                at * 3 % 60
            )
        })
        .collect();
    let text = folder.path().join("lines.srt");
    fs::write(&text, lines).expect("subtitles");
    let source = folder.path().join("film.mkv");
    let line = format!(
        "-f lavfi -i testsrc2=size=192x108:rate=25 -i {} -t 180 -c:v libx264 -preset ultrafast -g 50 -c:s srt -f matroska {}",
        text.display(),
        source.display()
    );
    program::ffmpeg(&line);
    for name in ["a.mp4", "a.mkv"] {
        let mut made = Vec::new();
        for _ in 0..3 {
            let output = folder.path().join(name);
            let mut job = video_job(&source, &output, Encoder::X264, quick("threads=1"));
            job.outputs[0].overwrite = true;
            job.chunks = Chunks::On;
            let report = ran(&planned(&job));
            assert_eq!(report.outputs[0].tracks.last().map(|track| track.packets >= 60), Some(true), "{name}");
            made.push(fs::read(&output).expect("a file"));
        }
        assert!(made[0] == made[1] && made[1] == made[2], "{name}: the order of packets differs");
    }
}

#[test]
fn chunks_that_were_damaged_are_made_again_and_all_others_are_kept() {
    let folder = folder();
    let (output, store) = (folder.path().join("a.mkv"), folder.path().join("store"));
    let control = || Control {
        chunks: ChunkControl { store: Some(store.clone()), ..ChunkControl::default() },
        ..Control::default()
    };
    let plan = planned(&in_chunks(&output, Encoder::X264, "ultrafast"));
    run(&plan, &control()).unwrap_or_else(|error| panic!("{error}"));
    let whole = fs::read(&output).expect("a file");
    let entries = || -> Vec<PathBuf> {
        let all = fs::read_dir(&store).expect("a store").map(|entry| entry.expect("an entry").path());
        let mut found: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|end| end == "chunk")).collect();
        found.sort();
        found
    };
    assert_eq!(entries().len(), plan.chunks.as_ref().expect("chunks").ranges.len());
    let again = || {
        fs::remove_file(&output).expect("the output");
        run(&plan, &control()).unwrap_or_else(|error| panic!("{error}"));
        assert!(fs::read(&output).expect("a file") == whole);
    };
    // A flipped bit, an end that is missing, an empty file, one entry under the name of another.
    let [first, second] = [&entries()[0], &entries()[1]].map(|path| fs::read(path).expect("an entry"));
    let mut flipped = first.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for bytes in [flipped, first[..first.len() - 1].to_vec(), Vec::new(), second] {
        fs::write(&entries()[0], bytes).expect("an entry");
        again();
        assert!(fs::read(&entries()[0]).expect("an entry") == first);
    }
    let times = |paths: Vec<PathBuf>| -> Vec<_> {
        paths.iter().map(|path| fs::metadata(path).expect("an entry").modified().expect("a time")).collect()
    };
    let before = times(entries());
    again();
    assert_eq!(times(entries()), before);
}
