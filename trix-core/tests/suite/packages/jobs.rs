//! Tests of jobs with streaming packages: rungs, keyframes, metadata, audio and text of the renditions. If one part of
//! a job fails, the tests check which files are left.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use trix_core::{
    Control, ErrorKind, Job, Report,
    media::time::Rational,
    report::{PackageReport, RenditionReport},
    run_job,
    settings::{
        audio::AudioSettings,
        job::{OnOutputFailure, OutputSettings},
        package::{Layout, PackageJob, Rung},
        still::{PosterSettings, StillSettings},
        video::{EncodeSettings, RateControl, VideoSettings},
    },
};
use trix_fixtures::{TempDir, folder, program};

use crate::support::{self, done, ffprobe, made_by_ffmpeg, number, quick, text};

fn small(name: &str, size: &str, rate: &str, more: &str) -> PathBuf {
    made_by_ffmpeg(
        name,
        &format!(
            "-f lavfi -i testsrc2=size={size}:rate={rate} {more} -t 5 -c:v libx264 -preset ultrafast -crf 18 -g 250 -f matroska"
        ),
    )
}

/// Five seconds with audio and subtitles.
fn film() -> PathBuf {
    made_by_ffmpeg_with_text("packaging-film.mkv")
}

fn made_by_ffmpeg_with_text(name: &str) -> PathBuf {
    trix_fixtures::clip::made(name, |path| {
        let cues = path.with_extension("srt");
        fs::write(&cues, "1\n00:00:00,500 --> 00:00:01,500\nOne\n\n2\n00:00:02,500 --> 00:00:03,500\nTwo\n")
            .expect("text");
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=256x144:rate=25 -f lavfi -i sine=f=440:r=48000 -i {} -map 0 -map 1 -map 2 -t 5 -c:v libx264 \
             -preset ultrafast -g 250 -c:a flac -c:s subrip -metadata:s:a language=eng -metadata:s:s language=rus -f matroska {}",
            cues.display(),
            path.display()
        ));
        fs::remove_file(cues).expect("text that goes away");
    })
}

fn rung(height: u32) -> Rung {
    Rung { height, video: VideoSettings::X264(quick("")) }
}

fn package(path: PathBuf, ladder: Vec<Rung>) -> PackageJob {
    PackageJob { path, segment: Rational::new(2, 1), ladder, ..PackageJob::default() }
}

fn job(source: &Path, package: PackageJob) -> Job {
    let mut job = Job::new(source, "");
    job.outputs.clear();
    job.packages.push(package);
    job
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// Returns the video renditions.
fn rungs(report: &Report) -> Vec<&RenditionReport> {
    report.packages[0].renditions.iter().filter(|rendition| rendition.ledger.is_some()).collect()
}

/// Returns the display times of the frames of a rendition, each with its keyframe flag, as ffprobe reports them.
fn shown(package: &Path, id: &str) -> Vec<(f64, bool)> {
    let seen = ffprobe(
        &package.join(id).join("media.m3u8"),
        "-select_streams v:0 -show_packets -show_entries packet=pts_time,flags",
    );
    let packets = seen["packets"].as_array().expect("packets");
    let mut list: Vec<(f64, bool)> =
        packets.iter().map(|packet| (number(&packet["pts_time"]), text(&packet["flags"]).starts_with('K'))).collect();
    list.sort_by(|one, other| one.0.total_cmp(&other.0));
    list
}

fn size(package: &Path, id: &str) -> (u64, u64) {
    let seen = ffprobe(&package.join(id).join("media.m3u8"), "-select_streams v:0 -show_streams");
    (number(&seen["streams"][0]["width"]), number(&seen["streams"][0]["height"]))
}

/// Asserts that every rung has keyframes exactly at multiples of two seconds, and that its ledger balances.
fn holds(report: &Report, package: &Path, frames: u64, rate: f64) {
    for rendition in rungs(report) {
        let id = &rendition.record.id;
        let list = shown(package, id);
        assert_eq!(list.len() as u64, frames, "{id}");
        let start = list[0].0;
        for (at, (time, is_key)) in list.iter().enumerate() {
            assert!((time - start - at as f64 / rate).abs() < 0.001, "{id}: frame {at} at {time}");
            assert_eq!(*is_key, at % (2.0 * rate) as usize == 0, "{id}: frame {at}");
        }
        let ledger = rendition.ledger.expect("a ledger");
        assert_eq!((ledger.encoded, ledger.emitted, ledger.found), (frames, frames, Some(frames)), "{id}");
        ledger.balance().expect("sums");
    }
    assert!(report.packages[0].checks.iter().all(|check| check.ok));
}

#[test]
fn no_rung_is_larger_than_the_source_and_keyframes_lie_where_segments_begin() {
    let folder = folder();
    for (source, ladder, ids, sizes, rate, said) in [
        (
            film(),
            vec![288, 144, 72],
            vec!["video-144", "video-72"],
            vec![(256, 144), (128, 72)],
            25.0,
            "no rungs of 288 rows",
        ),
        (
            small("packaging-200.mkv", "356x200", "25", ""),
            vec![720, 360],
            vec!["video-200"],
            vec![(356, 200)],
            25.0,
            "one rung of 200 rows",
        ),
        (
            small("packaging-50.mkv", "192x108", "50", ""),
            vec![108, 54],
            vec!["video-108", "video-54"],
            vec![(192, 108), (96, 54)],
            50.0,
            "half as much again",
        ),
    ] {
        let target = folder.path().join(format!("package-{}", ids[0]));
        let mut asked = package(target.clone(), ladder.into_iter().map(rung).collect());
        for rung in &mut asked.ladder {
            if let VideoSettings::X264(settings) = &mut rung.video {
                (settings.maxrate, settings.bufsize) = (Some(400), Some(800));
            }
        }
        let report = done(&job(&source, asked));
        let made: Vec<&str> = rungs(&report).iter().map(|rendition| rendition.record.id.as_str()).collect();
        assert_eq!(made, ids);
        let found: Vec<(u64, u64)> = ids.iter().map(|id| size(&target, id)).collect();
        assert_eq!(found, sizes);
        let decisions = &report.packages[0].plan.decisions;
        assert!(decisions.iter().any(|decision| decision.what.contains(said)), "{said}: {decisions:?}");
        for rendition in rungs(&report) {
            let ran = format!("{:?}", rendition.plan.as_ref().and_then(|plan| plan.video.as_ref()));
            let most = if rate > 30.0 { "600" } else { "400" };
            assert!(ran.contains(&format!("(\"vbv-maxrate\", \"{most}\")")) || ran.contains(most), "{most}: {ran}");
        }
        holds(&report, &target, (5.0 * rate) as u64, rate);
    }
}

#[test]
fn a_rotated_source_has_rungs_of_its_upright_size() {
    let folder = folder();
    let lying = small("packaging-lying.mkv", "192x108", "25", "");
    let turned = trix_fixtures::clip::made("packaging-turned.mov", |path| {
        program::ffmpeg(&format!("-i {} -c copy -f mov {}", lying.display(), path.display()));
        trix_fixtures::clip::turn(path, [0, 1, -1, 0]);
    });
    let target = folder.path().join("package");
    let report = done(&job(&turned, package(target.clone(), vec![rung(360), rung(192), rung(96)])));
    let made: Vec<&str> = rungs(&report).iter().map(|rendition| rendition.record.id.as_str()).collect();
    assert_eq!(made, ["video-192", "video-96"], "{:?}", report.packages[0].plan.decisions);
    assert_eq!((size(&target, "video-192"), size(&target, "video-96")), ((108, 192), (54, 96)));
    holds(&report, &target, 125, 25.0);
}

#[test]
fn audio_and_text_without_video_are_packaged_with_a_cut() {
    let folder = folder();
    let audio = made_by_ffmpeg("packaging-audio.flac", "-f lavfi -i sine=f=440:r=48000:d=5 -f flac");
    let target = folder.path().join("sound");
    let report = done(&job(&audio, package(target.clone(), vec![rung(144)])));
    assert!(rungs(&report).is_empty() && report.packages[0].renditions.len() == 1);
    let heard = program::ffmpeg(&format!("-i {} -f s16le -", target.join("master.m3u8").display())).stdout;
    // The last audio frame is played whole: a playlist cannot express the end of the edit list.
    assert!((heard.len() as i64 / 2 - 240_000).abs() <= 2048, "{} samples", heard.len() / 2);

    let target = folder.path().join("cut");
    let mut job = job(&film(), package(target.clone(), vec![rung(144), rung(72)]));
    job.source.start = Some("0.4".parse().expect("a time"));
    job.source.duration = Some("4.4".parse().expect("a time"));
    let report = done(&job);
    holds(&report, &target, 110, 25.0);
    let ledger = rungs(&report)[0].ledger.expect("a ledger");
    assert_eq!((ledger.dropped_before_start, ledger.dropped_after_end > 0), (10, true), "{ledger:?}");
    let master = fs::read_to_string(target.join("master.m3u8")).expect("a playlist");
    let subtitles = master.lines().find(|line| line.contains("TYPE=SUBTITLES")).expect("text");
    assert!(subtitles.contains("LANGUAGE=\"ru\"") || subtitles.contains("LANGUAGE=\"rus\""), "{subtitles}");
    let cues: String = names(&target.join("text-1"))
        .iter()
        .filter(|name| name.ends_with(".vtt"))
        .map(|name| fs::read_to_string(target.join("text-1").join(name)).expect("text"))
        .collect();
    assert!(cues.contains("00:00.100 --> 00:00:01.100") || cues.contains("00:00:00.100 --> 00:00:01.100"), "{cues}");
    assert!(cues.contains("00:02.100 --> ") && cues.contains("Two"), "{cues}");
    let heard =
        program::ffmpeg(&format!("-i {} -f s16le -", target.join("audio-1").join("media.m3u8").display())).stdout;
    assert!((heard.len() as i64 / 2 - 211_200).abs() <= 2048, "{} samples", heard.len() / 2);
}

#[test]
fn rungs_of_two_passes_have_the_same_boundaries() {
    let folder = folder();
    let target = folder.path().join("package");
    let two = |height, kbps| {
        let rate = Some(RateControl::Bitrate { kbps, passes: 2 });
        Rung { height, video: VideoSettings::X264(EncodeSettings { rate, ..quick("") }) }
    };
    let mut job = job(&film(), package(target.clone(), vec![two(144, 300), rung(72)]));
    job.outputs.push(OutputSettings {
        path: folder.path().join("film.mkv"),
        video: VideoSettings::X264(quick("")),
        audio: AudioSettings::Flac,
        ..Default::default()
    });
    let report = done(&job);
    holds(&report, &target, 125, 25.0);
    let passes: Vec<u32> = rungs(&report)
        .iter()
        .map(|rendition| rendition.plan.as_ref().and_then(|plan| plan.video.as_ref()).map_or(0, |video| video.passes))
        .collect();
    assert_eq!(passes, [2, 1]);
    let bits = rungs(&report)[0].record.average_bit_rate;
    assert!((200_000..400_000).contains(&bits), "{bits} bits a second");
}

#[test]
fn every_rung_of_an_hdr10_ladder_keeps_the_hdr_metadata() {
    let folder = folder();
    let source = made_by_ffmpeg(
        "packaging-hdr10.mkv",
        "-f lavfi -i testsrc2=size=128x128:rate=25,format=yuv420p10le -t 3 -c:v libx265 -preset ultrafast -x265-params \
         log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=limited:hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400 -f matroska",
    );
    let target = folder.path().join("package");
    let hevc = |height| Rung { height, video: VideoSettings::X265(EncodeSettings { depth: Some(10), ..quick("") }) };
    let report = done(&job(&source, package(target.clone(), vec![hevc(128), hevc(64)])));
    holds(&report, &target, 75, 25.0);
    let master = fs::read_to_string(target.join("master.m3u8")).expect("a playlist");
    let streams: Vec<&str> = master.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF")).collect();
    assert!(
        streams.len() == 2 && streams.iter().all(|line| line.contains("VIDEO-RANGE=PQ") && line.contains("hvc1.2")),
        "{master}"
    );
    for id in ["video-128", "video-64"] {
        let seen = ffprobe(
            &target.join(id).join("media.m3u8"),
            "-select_streams v:0 -show_streams -show_frames -read_intervals %+#1",
        );
        let stream = &seen["streams"][0];
        assert_eq!(
            (text(&stream["color_transfer"]), text(&stream["color_primaries"])),
            ("smpte2084".into(), "bt2020".into()),
            "{id}"
        );
        let message = seen["frames"][0]["side_data_list"].to_string();
        assert!(message.contains("Mastering display") && message.contains("\"max_content\":1000"), "{id}: {message}");
        assert!(message.contains("34000/50000"), "{id}: {message}");
    }
}

/// A job with two files, a package and a poster from one decode.
fn all_kinds(folder: &TempDir) -> Job {
    let mut job = job(&film(), package(folder.path().join("package"), vec![rung(144), rung(72)]));
    for name in ["a.mkv", "b.mp4"] {
        let path = folder.path().join(name);
        job.outputs.push(OutputSettings {
            path,
            video: VideoSettings::X264(quick("")),
            audio: AudioSettings::Aac { kbps: None },
            ..Default::default()
        });
    }
    let path = folder.path().join("poster.jpg");
    job.stills.push(StillSettings::Poster(PosterSettings { path, ..Default::default() }));
    job
}

/// The package has exactly the files in its report, with their hashes.
fn has_its_hashes(package: &PackageReport) {
    let mut bytes = 0;
    for file in &package.files {
        let path = package.path.join(&file.name);
        let said = program::text(&program::run("sha256sum", [&path]));
        assert!(said.starts_with(&file.sha256) && file.sha256.len() == 64, "{}", file.name);
        assert_eq!(fs::metadata(&path).expect("a file").len(), file.bytes, "{}", file.name);
        bytes += file.bytes;
    }
    assert_eq!(bytes, package.bytes);
    let count = program::text(&program::run("find", [package.path.as_os_str(), "-type".as_ref(), "f".as_ref()]))
        .lines()
        .count();
    assert_eq!(count, package.files.len());
}

#[test]
fn a_package_of_single_files_has_their_hashes() {
    let folder = folder();
    let mut job = all_kinds(&folder);
    (job.hash, job.packages[0].layout) = (true, Layout::Single);
    has_its_hashes(&done(&job).packages[0]);
}

#[test]
fn files_packages_and_stills_come_from_one_decode() {
    let folder = folder();
    let mut job = all_kinds(&folder);
    job.hash = true;
    let report = done(&job);
    let expected = ["a.mkv", "b.mp4", "package", "poster.jpg"].map(str::to_owned);
    assert_eq!(names(folder.path()), BTreeSet::from(expected));
    let ledgers = report
        .outputs
        .iter()
        .map(|output| output.ledger)
        .chain(rungs(&report).into_iter().map(|rendition| rendition.ledger));
    for ledger in ledgers {
        let ledger = ledger.expect("a ledger");
        assert_eq!((ledger.decoded, ledger.encoded, ledger.found), (125, 125, Some(125)));
    }
    let fixity = report.fixity.as_ref().expect("a hash");
    assert_eq!(fixity.bytes, fixity.disk_bytes, "and from one reading");
    let served: usize = report.filters.iter().filter(|step| step.after.is_none()).map(|step| step.outputs.len()).sum();
    assert!(served >= 3 && report.filters.len() <= 2, "the full size is filtered once: {:?}", report.filters);
    has_its_hashes(&report.packages[0]);
}

#[test]
fn a_package_that_cannot_be_named_ends_the_job_before_anything_is_decoded() {
    let folder = folder();
    let taken = folder.path().join("package");
    fs::create_dir(&taken).expect("a folder");
    fs::write(taken.join("of-somebody"), "else").expect("a file");
    let control = Control {
        progress: Some(std::sync::Arc::new(|progress| panic!("nothing is to run: {progress:?}"))),
        ..Control::default()
    };
    let mut job = all_kinds(&folder);
    // With two passes, the first pass creates no folder.
    if let VideoSettings::X264(settings) = &mut job.packages[0].ladder[0].video {
        settings.rate = Some(RateControl::Bitrate { kbps: 200, passes: 2 });
    }
    let mut missing = job.clone();
    missing.packages[0].path = folder.path().join("nowhere").join("package");
    let mut overwriting = job.clone();
    overwriting.overwrite();
    for job in [job, missing, overwriting] {
        let error = run_job(&job, &control).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains("package"), "{error}");
        assert_eq!(names(folder.path()), BTreeSet::from(["package".to_owned()]), "{error}");
        assert_eq!(names(&taken), BTreeSet::from(["of-somebody".to_owned()]));
    }
}

/// Removes the hidden folder of a package while its job runs, as a full or broken disk could.
fn taking_away(folder: &TempDir) -> Control {
    let part = folder.path().join(".package.trix-package");
    Control {
        progress: Some(std::sync::Arc::new(move |_| {
            let _ = fs::remove_dir_all(&part);
        })),
        ..Control::default()
    }
}

#[test]
fn a_package_that_fails_fails_the_job_or_only_itself() {
    let folder = folder();
    let mut job = all_kinds(&folder);
    let error = run_job(&job, &taking_away(&folder)).expect_err("an error");
    assert!(error.to_string().contains("package"), "{error}");
    assert_eq!(names(folder.path()), BTreeSet::new(), "{error}");
    job.on_output_failure = OnOutputFailure::Continue;
    let report = run_job(&job, &taking_away(&folder)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.failed.len(), 1, "{:?}", report.failed);
    assert_eq!(report.failed[0].path, folder.path().join("package"));
    let expected = ["a.mkv", "b.mp4", "poster.jpg"].map(str::to_owned);
    assert_eq!(names(folder.path()), BTreeSet::from(expected));
    for output in &report.outputs {
        assert_eq!(
            number::<u64>(&support::video_stream(&output.path)["nb_read_frames"]),
            125,
            "{}",
            output.path.display()
        );
    }
}

#[test]
fn an_older_package_is_replaced_or_restored_when_a_later_rename_fails() {
    let folder = folder();
    let mut job = all_kinds(&folder);
    job.outputs.clear();
    done(&job);
    let target = folder.path().join("package");
    let before = fs::read(target.join("master.m3u8")).expect("a playlist");
    // The second package has another ladder.
    job.packages[0].ladder.pop();
    job.packages[0].overwrite = true;
    let poster = folder.path().join("later.jpg");
    job.stills = vec![StillSettings::Poster(PosterSettings { path: poster.clone(), ..Default::default() })];
    let taken = poster.clone();
    // Another program takes the name of the poster while the job runs.
    let control = Control {
        progress: Some(std::sync::Arc::new(move |_| {
            if !taken.exists() {
                fs::write(&taken, "taken").expect("a file");
            }
        })),
        ..Control::default()
    };
    let error = run_job(&job, &control).expect_err("an error");
    assert!(error.to_string().contains("later.jpg"), "{error}");
    assert_eq!(fs::read(target.join("master.m3u8")).expect("a playlist"), before, "the older package is back");
    assert!(target.join("video-72").exists());
    assert_eq!(fs::read(&poster).expect("a file"), b"taken");
    let expected = ["later.jpg", "package", "poster.jpg"].map(str::to_owned);
    assert_eq!(names(folder.path()), BTreeSet::from(expected));
    job.stills.clear();
    let report = done(&job);
    holds(&report, &target, 125, 25.0);
    assert!(!target.join("video-72").exists(), "nothing of the older package is left");
}

#[test]
fn a_cancelled_job_leaves_no_output() {
    let source = made_by_ffmpeg(
        "packaging-long.mkv",
        "-f lavfi -i testsrc2=size=640x360:rate=25 -t 20 -c:v libx264 -preset ultrafast -f matroska",
    );
    let folder = folder();
    let mut job = all_kinds(&folder);
    job.source.path = source;
    for output in &mut job.outputs {
        output.video = VideoSettings::X265(EncodeSettings { preset: Some("slow".into()), ..Default::default() });
    }
    let control = Control::default();
    let cancel = control.cancel.clone();
    let running = thread::spawn(move || run_job(&job, &control));
    thread::sleep(Duration::from_millis(1200));
    cancel.cancel();
    let error = running.join().expect("no panic").expect_err("a job that was cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    // Encoders that still run keep hidden folders a little longer.
    let visible = || names(folder.path()).into_iter().filter(|name| !name.starts_with('.')).count();
    assert_eq!(visible(), 0);
}
