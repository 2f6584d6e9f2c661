//! Which jobs are divided into chunks, and what the keys of their chunks depend on.

use std::{collections::BTreeSet, fs, os::unix::fs::MetadataExt, path::PathBuf};

use trix_core::{
    ChunkControl, Control, ErrorKind, Job, Plan, Source,
    control::events::Event,
    error::Stage,
    media::time::{Rational, Timestamp},
    plan_chunks, run, run_job,
    settings::{
        job::{Chunks, OutputSettings, VerifyLevel},
        picture::{Deinterlace, OnChange},
        video::{Encoder, RateControl, VideoSettings},
    },
};
use trix_fixtures::{Clip, folder, program};

use super::chunks::planned;
use crate::support::{made_by_ffmpeg, quick, video_job};

/// A film of a little more than ten minutes, of few frames.
fn long(size: (u32, u32), frames: u32, options: &str, extension: &str) -> PathBuf {
    Clip { frames, width: size.0, height: size.1, rate: "5/1", ..Clip::default() }
        .encoded(&format!("-c:v libx264 -preset ultrafast -g 50 {options}"), extension)
}

/// A film of 3103 frames, of which the first 1503 are smaller than the others.
fn long_with_change_of_size() -> PathBuf {
    let parts = [long((64, 48), 1_503, "-bf 0", "ts"), long((96, 80), 1_600, "-bf 0", "ts")];
    made_by_ffmpeg(
        "sizes-of-a-long-film-1503.ts",
        &format!("-i concat:{}|{} -c copy -f mpegts", parts[0].display(), parts[1].display()),
    )
}

/// A change to a job, and its name.
type Change<'a> = (&'a str, &'a dyn Fn(&mut Job));

fn seconds(count: i64) -> Timestamp {
    Timestamp::new(count, Rational::new(1, 1))
}

#[test]
fn a_job_of_more_than_ten_minutes_is_divided_by_itself() {
    let file = long((64, 48), 3_050, "", "mp4");
    // Matroska that goes through a pipe does not state its length.
    let live = trix_fixtures::clip::made("live.mkv", |path| {
        let piped = program::ffmpeg(&format!("-i {} -c copy -f matroska pipe:1", file.display())).stdout;
        fs::write(path, piped).expect("room");
    });
    for source in [file, live] {
        let is_divided = |change: &dyn Fn(&mut Job)| {
            let mut job = video_job(&source, &folder().path().join("a.mkv"), Encoder::X264, quick(""));
            job.chunks = Chunks::Auto;
            change(&mut job);
            planned(&job).chunks.is_some()
        };
        assert!(is_divided(&|_| ()), "{}", source.display());
        assert!(is_divided(&|job| job.source.start = Some(seconds(5))));
        assert!(!is_divided(&|job| job.source.start = Some(seconds(60))));
        assert!(!is_divided(&|job| job.source.duration = Some(seconds(30))));
        assert!(!is_divided(&|job| job.source.frames = Some(150)));
        assert!(!is_divided(&|job| job.chunks = Chunks::Off));
    }
}

#[test]
fn keys_of_chunks_do_not_depend_on_what_does_not_change_them() {
    let folder = folder();
    let film = folder.path().join("film.mp4");
    fs::copy(long((64, 48), 3_050, "", "mp4"), &film).expect("a file");
    let store = folder.path().join("store");
    let entries = || {
        let all = fs::read_dir(&store).expect("a store").flatten();
        all.filter(|entry| entry.path().extension().is_some_and(|end| end == "chunk")).count()
    };
    let encoded = |name: &str, change: &dyn Fn(&mut Job)| {
        let mut job = video_job(&film, &folder.path().join(name), Encoder::X264, quick("threads=1"));
        job.chunks = Chunks::On;
        change(&mut job);
        let chunks = ChunkControl { store: Some(store.clone()), ..ChunkControl::default() };
        run(&planned(&job), &Control { chunks, ..Control::default() }).unwrap_or_else(|error| panic!("{error}"));
        entries()
    };
    let all = encoded("a.mkv", &|_| ());
    assert!(all > 8, "{all} chunks");
    let same: [Change<'_>; 4] = [
        ("title", &|job| _ = job.outputs[0].metadata.insert("title".to_owned(), "Film".to_owned())),
        ("verify", &|job| job.outputs[0].verify = VerifyLevel::Full),
        ("audio", &|job| job.source.audio_tracks = Some("none".parse().expect("no tracks"))),
        ("limits", &|job| job.source.limits.side = 4096),
    ];
    for (name, change) in same {
        assert_eq!(encoded(&format!("{name}.mkv"), change), all, "{name}");
    }
    let moved = folder.path().join("renamed.mp4");
    fs::rename(&film, &moved).expect("the film");
    let is_same = encoded("renamed.mkv", &|job| job.source.path.clone_from(&moved));
    fs::rename(&moved, &film).expect("the film");
    assert_eq!(is_same, all, "another name of the source");
    // Another output has chunks of its own, and what its filters look at changes nothing of the first one's.
    let both = encoded("two.mkv", &|job| {
        let mut other = OutputSettings { path: folder.path().join("other.mkv"), ..job.outputs[0].clone() };
        other.picture.deinterlace = Deinterlace::On;
        job.outputs.push(other);
    });
    assert_eq!(both, 2 * all);
    // The end of the film changes only chunks near it.
    let shorter = encoded("shorter.mkv", &|job| job.source.frames = Some(2_800)) - both;
    assert!((1..=all / 2).contains(&shorter), "{shorter} of {all} chunks");
    let other = encoded("quality.mkv", &|job| {
        let VideoSettings::X264(video) = &mut job.outputs[0].video else { panic!("x264") };
        video.rate = Some(RateControl::Crf { value: 30.0 });
    });
    assert_eq!(other, both + shorter + all, "another quality has chunks of its own");
}

#[test]
fn what_chunks_do_not_support_is_encoded_in_one_piece() {
    // Inverse telecine works on groups of frames, which begin anew where the size changes.
    let source = long_with_change_of_size();
    let folder = folder();
    let mut job = video_job(&source, &folder.path().join("a.mkv"), Encoder::X264, quick(""));
    job.outputs[0].picture.inverse_telecine = true;
    job.chunks = Chunks::Auto;
    let (control, events) = Control::with_events();
    let report = run_job(&job, &control).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.outputs[0].ledger.expect("video").decoded, 3_103);
    drop(control);
    let warned: Vec<String> = std::iter::from_fn(|| events.recv())
        .filter_map(|event| match event {
            Event::Warning { text, .. } => Some(text),
            _ => None,
        })
        .collect();
    let decided = report.decisions.iter().any(|own| own.what == "the film is not encoded in chunks");
    assert!(decided, "{:?}", report.decisions);
    assert!(warned.iter().any(|text| text.contains("the film is encoded again, in one piece")), "{warned:?}");
    let left: Vec<_> =
        fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["a.mkv"]);
    // A job that asks for chunks gets them, or an error that says what to do.
    job.chunks = Chunks::On;
    job.outputs[0].overwrite = true;
    let error = run_job(&job, &Control::default()).expect_err("no chunks");
    assert!(error.to_string().contains("encode the film in one piece"), "{error}");
}

#[test]
fn a_fault_that_chunks_have_nothing_to_do_with_ends_a_job_at_once() {
    // A change of size is refused by the job, in one piece and in chunks.
    let folder = folder();
    for source in [long_with_change_of_size(), super::chunk_filters::with_change_of_size(folder.path())] {
        let mut job = video_job(&source, &folder.path().join("a.mkv"), Encoder::X264, quick(""));
        job.outputs[0].picture.on_change = OnChange::Refuse;
        job.chunks = Chunks::Auto;
        let (control, events) = Control::with_events();
        let error = run_job(&job, &control).expect_err("a change of size");
        assert!(error.to_string().contains("in mid-stream"), "{error}");
        drop(control);
        let plans = std::iter::from_fn(|| events.recv())
            .filter(|event| matches!(event, Event::StageBegan { stage: Stage::Plan, .. }))
            .count();
        assert_eq!(plans, 1, "{}", source.display());
    }
}

#[test]
fn inverse_telecine_through_a_change_of_size_works_in_waves() {
    let folder = folder();
    let source = super::chunk_filters::with_change_of_size(folder.path());
    let made = [None, Some(70 << 20)].map(|memory: Option<u64>| {
        let mut job = video_job(&source, &folder.path().join("a.mkv"), Encoder::X264, quick("threads=1"));
        job.outputs[0].picture.inverse_telecine = true;
        job.outputs[0].overwrite = true;
        job.outputs.push(OutputSettings { path: folder.path().join("b.mkv"), ..job.outputs[0].clone() });
        let VideoSettings::X264(video) = &mut job.outputs[1].video else { panic!("x264") };
        video.rate = Some(RateControl::Crf { value: 30.0 });
        job.memory = memory.map_or_else(Default::default, |bytes| format!("{bytes}B").parse().expect("a limit"));
        job.chunks = Chunks::Off;
        let plan = planned(&job);
        run(&plan, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
        let bytes = ["a.mkv", "b.mkv"].map(|name| fs::read(folder.path().join(name)).expect("a file"));
        (plan.chunks.map(|chunks| chunks.ranges.len()), bytes)
    });
    assert_eq!((made[0].0, made[1].0), (None, Some(1)));
    assert!(made[0].1 == made[1].1);
}

#[test]
fn a_search_for_scenes_goes_on_with_what_was_found() {
    // Preset medium, and a film of several stretches.
    let film = long((64, 48), 9_000, "", "mp4");
    let folder = folder();
    let mut job = video_job(&film, &folder.path().join("a.mkv"), Encoder::X264, quick("threads=1"));
    let VideoSettings::X264(video) = &mut job.outputs[0].video else { panic!("x264") };
    video.preset = Some("medium".to_owned());
    job.chunks = Chunks::On;
    let alone = plan_chunks(&job, &Source::of(&job.source).expect("a source")).expect("a plan");
    let store = folder.path().join("store");
    // The files of what was found, with their inodes.
    let found = || -> BTreeSet<(PathBuf, u64)> {
        let all = fs::read_dir(&store).into_iter().flatten().flatten();
        let all = all.filter(|entry| entry.path().extension().is_none());
        all.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.ino()))).collect()
    };
    // The search ends before the first frame is encoded.
    let chunks = || ChunkControl { store: Some(store.clone()), ..ChunkControl::default() };
    let control = Control { chunks: chunks(), ..Control::default() };
    let cancel = control.cancel.clone();
    let searching = std::thread::spawn({
        let job = job.clone();
        move || run_job(&job, &control)
    });
    while found().len() < 2 && !searching.is_finished() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    cancel.cancel();
    let ended = searching.join().expect("a job").err().map(|error| error.kind());
    assert_eq!(ended, Some(ErrorKind::Cancelled));
    let kept = found();
    assert!(kept.len() >= 2, "{kept:?}");
    let control = Control { chunks: chunks(), ..Control::default() };
    let report = run_job(&job, &control).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.outputs[0].ledger.expect("video").found, Some(9_000));
    assert!(kept.is_subset(&found()), "what was found is searched again");
    // The chunks are those of a plan that was made in one go.
    let plan = fs::read_dir(&store).expect("a store").flatten().map(|entry| entry.path());
    let plan = plan.into_iter().find(|path| path.extension().is_some_and(|end| end == "plan")).expect("a plan");
    let plan: Plan = serde_json::from_slice(&fs::read(plan).expect("a plan")).expect("a plan");
    assert_eq!(plan.chunks, alone.chunks);
}
