//! Tests of stills and hashes in jobs. Stills show the part of the film that the job selects, and every hash equals
//! that of sha256sum.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use trix_core::{
    Control, ErrorKind, Job, run_job,
    settings::{
        audio::AudioSettings,
        job::{OutputSettings, VerifyLevel},
        still::{PosterSettings, SpriteSettings, StillSettings, WaveformSettings},
        video::VideoSettings,
    },
    still::StillReport,
};
use trix_fixtures::{TempDir, folder, program};

use crate::support::{
    done, made_by_ffmpeg, quick,
    stills::{SWS, all_shown, film, psnr, seconds, shown},
    waves::write_wave,
};

/// A job with stills only.
fn job(source: &Path, stills: Vec<StillSettings>) -> Job {
    let mut job = Job::new(source, "");
    job.outputs.clear();
    job.stills = stills;
    job
}

fn cut(job: &mut Job, start: Option<&str>, duration: Option<&str>) {
    job.source.start = start.map(seconds);
    job.source.duration = duration.map(seconds);
}

fn with_film(job: &mut Job, path: PathBuf) {
    job.outputs.push(OutputSettings {
        path,
        video: VideoSettings::X264(quick("bframes=0")),
        audio: AudioSettings::Flac,
        ..Default::default()
    });
}

fn sprites(folder: &TempDir) -> SpriteSettings {
    SpriteSettings { path: folder.path().join("sprites.jpg"), interval: Some(seconds("1")), ..Default::default() }
}

/// Returns start and end of each cue of a WebVTT file, in milliseconds.
fn cues(file: &Path) -> Vec<(i64, i64)> {
    let text = fs::read_to_string(file).expect("cues");
    let millis = |time: &str| time.parse::<trix_core::media::time::Timestamp>().expect("a time").micros() / 1000;
    let lines = text.lines().filter_map(|line| line.split_once(" --> "));
    lines.map(|(from, to)| (millis(from.trim()), millis(to.split_whitespace().next().expect("an end")))).collect()
}

#[test]
fn a_poster_of_a_cut_shows_that_frame_of_the_cut() {
    for (start, duration, at, number) in [
        (None, None, "1", 25),
        (Some("2"), None, "1", 75),
        (Some("2"), Some("3"), "2.5", 112),
        (Some("4.02"), Some("2"), "0", 101),
    ] {
        // With stills only, and with an output file as well.
        for film_too in [false, true] {
            if film_too && duration.is_none() {
                continue;
            }
            let folder = folder();
            let path = folder.path().join("poster.png");
            let settings = PosterSettings { path: path.clone(), at: Some(seconds(at)), ..Default::default() };
            let mut job = job(&film(), vec![StillSettings::Poster(settings)]);
            cut(&mut job, start, duration);
            if film_too {
                with_film(&mut job, folder.path().join("film.mkv"));
            }
            let report = done(&job);
            let what = format!("from {start:?} for {duration:?} at {at}, with a film: {film_too}");
            let StillReport::Poster(found) = &report.stills[0].found else { panic!("{what}") };
            assert!((found.time.micros() - seconds(at).micros()).abs() < 40_000, "{what}: {}", found.time);
            let chain = format!(
                "select=between(n\\,{}\\,{number}),scale=640:360:in_color_matrix=bt709:{SWS},format=rgb24",
                number - 1
            );
            let images = all_shown(&film(), &chain, 2);
            let [before, own] = &images[..] else { panic!("{what}") };
            let poster = shown(&path, "");
            let (own, before) = (psnr(&poster, own), psnr(&poster, before));
            assert!(own > 38.0 && own > before + 6.0, "{what}: {own} dB, and {before} dB to the frame before");
        }
    }
}

#[test]
fn thumbnails_end_where_the_cut_ends() {
    for (start, duration, frames, length, count) in [
        (None, None, None, 12_000, 12),
        (Some("3"), None, None, 9000, 9),
        (Some("3"), Some("4.4"), None, 4400, 5),
        // Longer than the rest of the film.
        (Some("3"), Some("60"), None, 9000, 9),
        (Some("3"), None, Some(60), 2400, 3),
    ] {
        for film_too in [false, true] {
            if film_too && duration != Some("4.4") && frames.is_none() {
                continue;
            }
            let folder = folder();
            let settings = sprites(&folder);
            let vtt = settings.vtt();
            let mut job = job(&film(), vec![StillSettings::Sprites(settings)]);
            cut(&mut job, start, duration);
            job.source.frames = frames;
            if film_too {
                with_film(&mut job, folder.path().join("film.mkv"));
            }
            done(&job);
            let found = cues(&vtt);
            let what =
                format!("from {start:?} for {duration:?}, {frames:?} frames, with a film: {film_too}: {found:?}");
            assert_eq!(found.len(), count, "{what}");
            assert_eq!((found[0].0, found[count - 1].1), (0, length), "{what}");
            assert!(found.windows(2).all(|pair| pair[0].1 == pair[1].0), "{what}");
        }
    }
}

/// Returns the highest peak of each column in the JSON of a waveform, the samples per column, and the sample rate.
fn peaks(file: &Path) -> (Vec<i64>, f64, f64) {
    let json: Value = serde_json::from_slice(&fs::read(file).expect("peaks")).expect("JSON");
    let data = json["data"].as_array().expect("numbers");
    let highest = data.iter().skip(1).step_by(2).map(|value| value.as_i64().expect("a number")).collect();
    let number = |key: &str| json[key].as_f64().expect("a number");
    (highest, number("samples_per_pixel"), number("sample_rate"))
}

#[test]
fn a_waveform_shows_the_cut_of_the_film_and_of_an_external_track() {
    let rate = 48_000;
    // Loud from second 5 to second 6, silent otherwise.
    let audio: Vec<f64> =
        (0..12 * rate).map(|at| if at / rate == 5 { 0.5 * (at as f64 * 0.2).sin() } else { 0.0 }).collect();
    let scratch = folder();
    let wave = scratch.path().join("side.wav");
    write_wave(&wave, std::slice::from_ref(&audio), rate as u32, 16);
    let own = scratch.path().join("own.mkv");
    program::ffmpeg(&format!(
        "-i {} -i {} -map 0:v -map 1:a -c:v copy -c:a flac {}",
        film().display(),
        wave.display(),
        own.display()
    ));
    for (offset, moved) in [("", 0.0), (":offset=-500ms", -0.5), (":tempo=25/24", 0.0)] {
        for (start, duration, frames, length) in [
            (None, None, None, 12.0),
            (Some("4"), None, None, 8.0),
            (Some("4"), Some("3"), None, 3.0),
            (Some("4"), Some("60"), None, 8.0),
            (Some("4"), None, Some(100), 4.0),
        ] {
            for side in [true, false] {
                if !side && !offset.is_empty() {
                    continue;
                }
                let folder = folder();
                let json = folder.path().join("wave.json");
                let settings = WaveformSettings {
                    path: folder.path().join("wave.png"),
                    peaks: Some(json.clone()),
                    width: 400,
                    ..Default::default()
                };
                let mut job = job(if side { Path::new("") } else { &own }, vec![StillSettings::Waveform(settings)]);
                if side {
                    job.source.path = film();
                    job.tracks = vec![format!("{}{offset}", wave.display()).parse().expect("a track")];
                }
                cut(&mut job, start, duration);
                job.source.frames = frames;
                done(&job);
                let tempo = if offset.contains("tempo") { 25.0 / 24.0 } else { 1.0 };
                let at = |second: f64| {
                    second / tempo + moved - start.map_or(0.0, |start| start.parse::<f64>().expect("a time"))
                };
                let (list, per_column, rate) = peaks(&json);
                let second = |column: usize| column as f64 * per_column / rate;
                let loud: Vec<usize> = (0..list.len()).filter(|column| list[*column] > 3000).collect();
                let what = format!("{offset}, from {start:?} for {duration:?}, {frames:?} frames, external: {side}");
                let (first, last) = (second(loud[0]), second(loud[loud.len() - 1] + 1));
                assert!((first - at(5.0)).abs() < 0.05, "{what}: loud from {first} on");
                assert!((last - at(6.0)).abs() < 0.05, "{what}: loud until {last}");
                let whole = if offset.is_empty() || duration.is_some() && length < 8.0 || frames.is_some() {
                    length
                } else {
                    at(12.0)
                };
                let end = second(list.len());
                assert!((end - whole).abs() < 0.1 || (end - length).abs() < 0.1, "{what}: {end} s for {whole} s");
            }
        }
    }
}

#[test]
fn names_of_stills_that_are_taken_are_refused_before_anything_is_decoded() {
    let folder = folder();
    let settings = sprites(&folder);
    let (sheet, vtt) = (settings.path.clone(), settings.vtt());
    let control = Control {
        progress: Some(Arc::new(|progress| panic!("nothing is to run: {progress:?}"))),
        ..Control::default()
    };
    let mut job = job(&film(), vec![StillSettings::Sprites(settings)]);
    with_film(&mut job, folder.path().join("film.mkv"));
    for taken in [&sheet, &vtt] {
        fs::write(taken, "taken").expect("a file");
        let error = run_job(&job, &control).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains(&taken.display().to_string()), "{error}");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "{error}");
        fs::remove_file(taken).expect("a file");
    }
    fs::write(&sheet, "taken").expect("a file");
    job.overwrite();
    done(&job);
    assert!(fs::metadata(&sheet).expect("a sheet").len() > 1000);
}

#[test]
fn every_hash_is_that_of_sha256sum_and_the_source_is_read_from_the_disk_once() {
    let source = made_by_ffmpeg(
        "stills-jobs-master.mov",
        "-f lavfi -i testsrc2=size=320x180:rate=25,noise=alls=12:allf=t:all_seed=7,format=yuv422p10le -f lavfi -i \
         sine=f=440:r=48000 -t 3 -c:v prores_ks -profile:v 3 -c:a pcm_s24le -f mov",
    );
    let bytes = fs::read(&source).expect("a master");
    let at = |name: &[u8]| bytes.windows(4).position(|four| four == name).expect("a box");
    assert!(at(b"mdat") < at(b"moov"), "the index lies at the end");
    let folder = folder();
    let mut job = Job::new(&source, "");
    job.hash = true;
    job.outputs = ["archive.mkv", "copy.mov", "film.mp4"]
        .into_iter()
        .map(|name| OutputSettings { path: folder.path().join(name), verify: VerifyLevel::Full, ..Default::default() })
        .collect();
    job.outputs[0].video = VideoSettings::Ffv1(Default::default());
    job.outputs[0].audio = AudioSettings::Flac;
    job.outputs[1].video = VideoSettings::Copy;
    job.outputs[2].video = VideoSettings::X264(quick(""));
    job.outputs[2].audio = AudioSettings::Aac { kbps: None };
    let path = folder.path().join("poster.jpg");
    job.stills = vec![
        StillSettings::Poster(PosterSettings { path, ..Default::default() }),
        StillSettings::Sprites(sprites(&folder)),
        StillSettings::Waveform(WaveformSettings { path: folder.path().join("wave.png"), ..Default::default() }),
    ];
    let report = done(&job);
    let sum = |file: &Path| program::text(&program::run("sha256sum", [file]))[..64].to_owned();
    let fixity = report.fixity.as_ref().expect("a hash");
    assert_eq!((fixity.sha256.clone(), fixity.bytes), (sum(&source), bytes.len() as u64));
    assert_eq!(fixity.disk_bytes, fixity.bytes);
    for output in &report.outputs {
        assert_eq!(output.sha256.as_deref(), Some(sum(&output.path).as_str()), "{}", output.path.display());
        assert_eq!(output.bytes, fs::metadata(&output.path).expect("a file").len());
    }
    assert_eq!(report.outputs[0].verification.lossless_frames, Some(75));
    let mut files = 0;
    for still in &report.stills {
        for file in &still.files {
            assert_eq!(file.sha256, sum(&folder.path().join(&file.name)), "{}", file.name);
            files += 1;
        }
    }
    assert_eq!(files + 3, fs::read_dir(folder.path()).expect("a folder").count(), "nothing else is there");
}
