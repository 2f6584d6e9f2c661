//! Tests of every kind of product of a session. Its files equal the files of a job with the same frames and audio, byte
//! for byte. The session rejects or reports what it cannot know in advance.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use trix_core::{
    Control, ErrorKind, Job, Report, Session,
    media::format::SampleType,
    plan::Loudness,
    settings::shape::{Shape, TrackShape},
    still::StillReport,
};
use trix_fixtures::{TempDir, folder};

use crate::support::{
    done, made_by_ffmpeg, planes, samples,
    sessions::{given, grey, named, names, refused, without_source},
    waves::{noise, tone, write_wave},
};

/// Five seconds of frames, and audio in one language.
fn film() -> PathBuf {
    made_by_ffmpeg(
        "session-film.mkv",
        "-f lavfi -i testsrc2=size=256x144:rate=25,format=yuv420p -f lavfi -i sine=f=440:r=48000 -t 5 -c:v ffv1 \
         -c:a pcm_s24le -ac 2 -metadata:s:a language=eng -f matroska",
    )
}

/// Five seconds of 10-bit frames, and two audio tracks. The first one is the default track.
fn production() -> PathBuf {
    made_by_ffmpeg(
        "session-production.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25,format=yuv422p10le -f lavfi -i sine=f=440:r=48000 -f lavfi -i \
         sine=f=660:r=48000 -map 0 -map 1 -map 2 -t 5 -c:v ffv1 -c:a pcm_s24le -ac 2 -metadata:s:a:0 language=eng \
         -metadata:s:a:1 language=rus -f matroska",
    )
}

/// A job for `source` from JSON, with its files in `folder`.
fn job(source: &Path, folder: &Path, rest: Value) -> Job {
    let mut all = json!({ "source": { "path": source }, "hash": true });
    for (key, value) in rest.as_object().expect("an object") {
        all[key] = value.clone();
    }
    let mut job: Job = serde_json::from_value(all).expect("a job");
    job.write_into(folder);
    job
}

/// The files in a folder and below it, with paths relative to the folder.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for name in names(folder) {
        let path = folder.join(&name);
        match path.is_dir() {
            true => files.extend(tree(&path).into_iter().map(|(below, bytes)| (Path::new(&name).join(below), bytes))),
            false => drop(files.insert(name.into(), fs::read(&path).expect("a file"))),
        }
    }
    files
}

/// Runs a job for `source`, and a session with the same frames and the audio in these languages. Asserts that the files
/// are equal. Returns the report of the job, the report of the session, and the folder of the session.
fn compared(source: &Path, rest: &Value, languages: &[&str]) -> (Report, Report, TempDir) {
    let (read, fed) = (folder(), folder());
    let expected = done(&job(source, read.path(), rest.clone()));
    let found = given(&job(source, fed.path(), rest.clone()), languages);
    let (of_job, of_session) = (tree(read.path()), tree(fed.path()));
    assert!(!of_job.is_empty());
    assert_eq!(of_session.keys().collect::<Vec<_>>(), of_job.keys().collect::<Vec<_>>());
    for (name, bytes) in &of_job {
        let own = &of_session[name];
        let differs = own.iter().zip(bytes).position(|(own, other)| own != other);
        assert_eq!((own.len(), differs), (bytes.len(), None), "{}", name.display());
    }
    for (own, other) in found.outputs.iter().zip(&expected.outputs) {
        assert_eq!((own.ledger, &own.tracks), (other.ledger, &other.tracks), "{}", own.path.display());
        assert_eq!(own.audio_ledgers, other.audio_ledgers, "{}", own.path.display());
        assert!(own.sha256.is_some() && own.sha256 == other.sha256);
        assert!(own.verification.checks.iter().all(|check| check.ok));
    }
    (expected, found, fed)
}

#[test]
fn a_session_writes_the_packages_of_a_job() {
    let video = json!({ "type": "x264", "preset": "ultrafast", "depth": 8 });
    let ladder = json!([{ "height": 144, "video": video }, { "height": 72, "video": video }]);
    for layout in ["files", "single"] {
        let package = json!({ "path": "package", "segment": "2", "layout": layout, "ladder": ladder });
        let (expected, found, folder) = compared(&film(), &json!({ "packages": [package] }), &["eng"]);
        let (expected, found) = (&expected.packages[0], &found.packages[0]);
        assert_eq!((found.bytes, found.renditions.len()), (expected.bytes, 3));
        assert!(!found.checks.is_empty() && found.checks.iter().all(|check| check.ok));
        for (own, other) in found.renditions.iter().zip(&expected.renditions) {
            assert_eq!((own.ledger, &own.audio_ledgers), (other.ledger, &other.audio_ledgers), "{}", own.record.id);
        }
        for playlist in ["package/master.m3u8", "package/manifest.mpd"] {
            assert!(folder.path().join(playlist).is_file(), "{playlist}");
        }
    }
}

#[test]
fn a_package_of_a_session_can_be_of_audio_alone() {
    let package = json!({ "path": "package", "segment": "2" });
    let source = made_by_ffmpeg("session-tone.wav", "-f lavfi -i sine=f=440:r=48000 -t 5 -c:a pcm_s24le -ac 2 -f wav");
    let (read, fed) = (folder(), folder());
    done(&job(&source, read.path(), json!({ "packages": [package] })));
    let own = without_source(&job(&source, fed.path(), json!({ "packages": [package] })));
    let open = trix_core::Source::open(&source).unwrap();
    let mut blocks = open.samples().map(Result::unwrap).peekable();
    let track = TrackShape { bits: Some(24), ..TrackShape::of(blocks.peek().expect("audio")).unwrap() };
    let shape = Shape { audio: vec![track], ..Shape::default() };
    let mut session = Session::open(&own, &shape, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    blocks.for_each(|block| session.write_audio(block).unwrap());
    session.finish().unwrap();
    assert!(tree(fed.path()) == tree(read.path()));
}

#[test]
fn a_session_writes_several_files_of_one_giving_as_a_job_does() {
    let quick = |kind: &str, depth: u32| json!({ "type": kind, "preset": "ultrafast", "depth": depth });
    let outputs = json!([
        { "path": "a.mp4", "video": quick("x264", 8), "audio": { "type": "aac" } },
        { "path": "b.mkv", "video": quick("x265", 10), "audio": { "type": "flac" } },
        { "path": "c.mkv", "video": { "type": "ffv1" }, "audio": { "type": "pcm" }, "verify": "full" },
        { "path": "d.mov", "video": { "type": "prores" }, "audio": { "type": "pcm" }, "tracks": [1] },
        { "path": "e.mxf", "video": { "type": "prores" }, "audio": { "type": "pcm" } },
        { "path": "f.mkv", "video": quick("x264", 8), "picture": { "size": { "width": 160, "height": 90 } }, "audio": { "type": "opus" } },
        { "path": "g.mkv", "video": quick("x264", 8), "audio": { "type": "none" } },
        { "path": "h.ts", "video": quick("x264", 8), "audio": { "type": "ac3" } },
        { "path": "i.mkv", "video": { "type": "none" }, "audio": { "type": "flac" } },
    ]);
    let master = production();
    let (_, found, folder) = compared(&master, &json!({ "outputs": outputs }), &["eng", "rus"]);
    assert_eq!(found.outputs.len(), 9);
    assert!(planes(&folder.path().join("c.mkv")) == planes(&master));
    for (file, tracks) in [("c.mkv", 0..2), ("i.mkv", 0..2)] {
        for track in tracks {
            let own = samples(&folder.path().join(file), track, "s32le");
            assert!(own == samples(&master, track, "s32le"), "{file}, track {track}");
        }
    }
}

#[test]
fn a_session_makes_the_stills_of_a_job_where_their_length_does_not_matter() {
    let stills = json!([
        { "type": "poster", "path": "poster.png", "at": "1.5", "width": 128 },
        { "type": "sprites", "path": "sprites.jpg", "interval": "0.5", "width": 64 },
        { "type": "waveform", "path": "waveform.png", "width": 200, "height": 40, "peaks": "peaks.json" },
    ]);
    let output = json!({ "path": "a.mkv", "video": { "type": "ffv1" }, "audio": { "type": "flac" } });
    // With an output file, and without.
    for outputs in [json!([output]), json!([])] {
        let (expected, found, _folder) = compared(&film(), &json!({ "outputs": outputs, "stills": stills }), &["eng"]);
        assert_eq!((found.stills.len(), expected.stills.len()), (3, 3));
        for (own, other) in found.stills.iter().zip(&expected.stills) {
            assert_eq!(own.found, other.found);
        }
    }
}

#[test]
fn stills_that_depend_on_the_length_are_fitted_to_the_end_that_was_reached() {
    let stills = json!([
        { "type": "poster", "path": "poster.png" },
        { "type": "sprites", "path": "sprites.png", "count": 7, "width": 64 },
    ]);
    let folder = folder();
    let report = given(&job(&film(), folder.path(), json!({ "stills": stills })), &[]);
    let StillReport::Poster(poster) = &report.stills[0].found else { panic!("a poster") };
    // Two frames per second in five seconds.
    assert!((9..=11).contains(&poster.judged), "{poster:?}");
    let StillReport::Sprites(sprites) = &report.stills[1].found else { panic!("thumbnails") };
    // As many as requested in five seconds, or fewer.
    assert!((5..=7).contains(&sprites.count), "{sprites:?}");
    let span = sprites.count as f64 * sprites.interval_ms;
    assert!((4500.0..=6000.0).contains(&span), "{sprites:?}");
    assert_eq!(names(folder.path()), ["poster.png", "sprites.png", "sprites.vtt"]);
}

/// The loudness of each track of each output.
fn loudness(report: &Report) -> Vec<Vec<&Loudness>> {
    report.outputs.iter().map(|output| output.loudness.iter().map(|track| &track.loudness).collect()).collect()
}

#[test]
fn a_session_measures_the_loudness_of_what_it_encodes() {
    let outputs = json!([
        { "path": "a.mkv", "video": { "type": "ffv1" }, "audio": { "type": "flac" } },
        { "path": "b.mp4", "video": { "type": "x264", "preset": "ultrafast" }, "audio": { "type": "aac" } },
    ]);
    let rest = json!({ "outputs": outputs, "measure_loudness": true });
    let (expected, found, _folder) = compared(&production(), &rest, &["eng", "rus"]);
    let (expected, found) = (loudness(&expected), loudness(&found));
    assert_eq!(found, expected);
    assert!(found.iter().all(|tracks| tracks.len() == 2 && tracks[0].integrated_lufs.is_some()), "{found:?}");
}

#[test]
fn external_audio_of_a_session_is_that_of_a_job() {
    let elsewhere = folder();
    let [quiet, loud, exact, copied] =
        ["quiet.wav", "loud.wav", "exact.wav", "copied.flac"].map(|name| named(&elsewhere, name));
    let wave = |level: f64| vec![tone(440.0, level, 48_000, 240_000), tone(660.0, level, 48_000, 240_000)];
    write_wave(&quiet, &wave(0.02), 48_000, 24);
    write_wave(&loud, &[noise(5, 200_000)], 48_000, 16);
    write_wave(&exact, &[noise(6, 200_000)], 48_000, 64);
    let line = format!("-i {} -c:a flac {}", loud.display(), copied.display());
    trix_fixtures::program::ffmpeg(&line);
    let quick = json!({ "type": "x264", "preset": "ultrafast" });
    let tracks = json!([
        // This track is measured before the session begins, and normalised.
        { "path": quiet, "language": "rus", "loudness": { "integrated_lufs": -20.0 } },
        { "path": loud, "language": "deu", "offset": "250ms", "gain": -6.0 },
        { "path": copied, "language": "fra" },
        { "path": exact, "tempo": "25/24" },
    ]);
    let outputs = json!([
        { "path": "a.mkv", "video": quick, "audio": { "type": "flac" }, "tracks": [0, 1, 2, 3] },
        { "path": "b.mp4", "video": quick, "audio": { "type": "aac" } },
        { "path": "c.mkv", "video": quick, "audio": { "type": "auto" }, "tracks": [3] },
        { "path": "d.mkv", "video": quick, "audio": { "type": "pcm" }, "tracks": [1, 4] },
    ]);
    let rest = json!({ "tracks": tracks, "outputs": outputs, "measure_loudness": true });
    let (expected, found, folder) = compared(&film(), &rest, &["eng"]);
    assert_eq!(loudness(&found), loudness(&expected));
    // The first external track had -37 LUFS.
    let reached = found.outputs[0].loudness[1].loudness.integrated_lufs.expect("a loudness");
    assert!((reached + 20.0).abs() < 0.1, "{reached}");
    let audio = &found.outputs[0].plan.audio[1];
    assert!(audio.settled.as_ref().is_some_and(|settled| settled.normalisation.gain_db > 5.0), "{audio:?}");
    assert!(found.outputs[2].plan.audio[0].copied);
    assert!(samples(&folder.path().join("c.mkv"), 0, "s16le") == samples(&copied, 0, "s16le"));
    // A session with frames only, and external audio.
    let rest =
        json!({ "tracks": [{ "path": quiet }], "outputs": [{ "path": "d.mp4", "video": quick, "tracks": [0] }] });
    let silent = made_by_ffmpeg(
        "session-silent.mkv",
        "-f lavfi -i testsrc2=size=256x144:rate=25,format=yuv420p -t 5 -c:v ffv1 -f matroska",
    );
    compared(&silent, &rest, &[]);
}

#[test]
fn what_needs_the_length_or_the_loudness_before_the_first_frame_is_refused() {
    let elsewhere = folder();
    let wave = named(&elsewhere, "tone.wav");
    write_wave(&wave, &[tone(440.0, 0.1, 48_000, 48_000)], 48_000, 16);
    let folder = folder();
    let (job, mut shape) = grey(&named(&folder, "grey.mkv"));
    shape.audio.push(TrackShape::new(48_000, "stereo", SampleType::I16));
    for policy in ["pad", "trim", "fit", "fail"] {
        let tracks = vec![format!("{}:length={policy}", wave.display()).parse().expect("a track")];
        let job = Job { tracks, ..job.clone() };
        let stated = format!("tracks[0].length = {policy}: the length of the video is not known");
        refused(Session::open(&job, &shape, &Control::default()), ErrorKind::InvalidSpec, &stated);
    }
    // All mistakes in the job and in the shape are reported together.
    let tracks = vec![format!("{}:length=fit", wave.display()).parse().expect("a track")];
    let mut wrong = Job { tracks, ..job.clone() };
    wrong.source.path = "master.mov".into();
    shape.audio[0].sample_rate = 10;
    let error = Session::open(&wrong, &shape, &Control::default()).err().expect("mistakes");
    assert_eq!(error.mistakes().len(), 3, "{error}");
    assert_eq!(names(folder.path()), [""; 0]);
}
