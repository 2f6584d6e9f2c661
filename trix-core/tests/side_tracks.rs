//! Sound from beside a film, through whole jobs: it lies where it should in every container, is as long and called as
//! it was asked for, and what is wrong with it is told before anything is written.

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{
    done, ffprobe, made_by_ffmpeg, quick, samples, text,
    waves::{noise, tone, write_wave},
};
use trix_core::{
    Control, Error, ErrorKind, Job, OnDamage, run,
    spec::{
        audio::AudioSettings,
        job::OutputSettings,
        track::{Disposition, TrackSettings},
        video::VideoSettings,
    },
};
use trix_fixtures::{TempDir, folder, program};

const RATE: u32 = 48_000;
const AAC: AudioSettings = AudioSettings::Aac { kbps: Some(160) };

/// Two seconds of small pictures, 25 in each, without sound.
fn film() -> PathBuf {
    made_by_ffmpeg(
        "side-film.mov",
        "-f lavfi -i testsrc2=size=96x64:rate=25 -t 2 -c:v libx264 -preset ultrafast -g 10 -bf 0 -f mov",
    )
}

fn track(text: &str) -> TrackSettings {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A job of `film` with tracks beside it, into files of `folder`, each with its sound.
fn job(film: &Path, folder: &TempDir, tracks: &[String], outputs: &[(&str, AudioSettings)]) -> Job {
    let mut job = Job::new(film, "");
    job.tracks = tracks.iter().map(|text| track(text)).collect();
    job.outputs = outputs
        .iter()
        .map(|(name, audio)| OutputSettings {
            path: folder.path().join(name),
            video: VideoSettings::X264(quick("bframes=0")),
            audio: *audio,
            ..Default::default()
        })
        .collect();
    job
}

fn cut(mut job: Job, start: Option<&str>, duration: Option<&str>) -> Job {
    job.source.start = start.map(|time| time.parse().expect("a time"));
    job.source.duration = duration.map(|time| time.parse().expect("a time"));
    job
}

fn refused(job: &Job) -> Error {
    let error = run(job, &Control::default()).expect_err("an error");
    for output in &job.outputs {
        let folder = output.path.parent().expect("a folder");
        let left: Vec<_> =
            std::fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().file_name()).collect();
        let parts = left.iter().filter(|name| name.to_string_lossy().contains("trix-part")).count();
        assert!(
            parts == 0 && (!output.path.exists() || error.to_string().contains("the output is")),
            "{left:?}: {error}"
        );
    }
    error
}

/// The one mistake of a job: its place and what is said of it.
fn mistake(job: &Job) -> (String, String) {
    let error = refused(job);
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    let [mistake] = error.mistakes() else { panic!("{error}") };
    (mistake.place.clone(), mistake.problem.clone())
}

/// Samples of 16 bits of sound track `number`, as the `ffmpeg` program decodes them, channels in turn.
fn heard(file: &Path, number: usize) -> Vec<i16> {
    samples(file, number, "s16le").chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect()
}

/// The same from time zero on: of Matroska, `ffmpeg` plays what comes before, which CodecDelay says is no sound.
fn from_zero(file: &Path) -> Vec<i16> {
    let line = format!("-copyts -i {} -map 0:a:0 -af atrim=start=0 -f s16le -", file.display());
    let bytes = program::ffmpeg(&line).stdout;
    bytes.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect()
}

fn to_16_bits(sound: &[f64]) -> Vec<i16> {
    sound.iter().map(|sample| (sample * 32768.0).round().clamp(-32768.0, 32767.0) as i16).collect()
}

/// What lies at `from` of `sound` and the next `count` samples, silence where there is nothing.
fn part(sound: &[i16], from: i64, count: i64) -> Vec<i16> {
    (from..from + count).map(|at| usize::try_from(at).ok().and_then(|at| sound.get(at)).copied().unwrap_or(0)).collect()
}

/// The streams of sound as `ffprobe` sees them.
fn sounds(file: &Path) -> Vec<Value> {
    ffprobe(file, "-select_streams a -show_streams")["streams"].as_array().expect("streams").clone()
}

fn same(found: &[i16], expected: &[i16], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: samples");
    let first = found.iter().zip(expected).position(|(found, expected)| found != expected);
    assert_eq!(first, None, "{what}: the first sample that differs");
}

/// Samples of a beep.
const BEEP: usize = 960;

/// Silence with a beep of 20 ms at each of `places`: a tone of 2 kHz that begins and ends softly, so that neither
/// resampling nor a lossy codec moves its middle.
fn beeps(places: &[usize], samples: usize) -> Vec<f64> {
    let mut sound = vec![0.0; samples];
    for place in places {
        for at in 0..BEEP {
            let fade = (std::f64::consts::PI * at as f64 / BEEP as f64).sin().powi(2);
            sound[place + at] = 0.5 * fade * (std::f64::consts::TAU * 2000.0 * at as f64 / f64::from(RATE)).sin();
        }
    }
    sound
}

/// Where the energy of a beep that begins near `near` has its middle, less half of its length: where it begins.
fn begins(sound: &[i16], near: f64, length: f64, what: &str) -> f64 {
    let (from, to) = ((near - 960.0).max(0.0) as usize, ((near + length + 960.0) as usize).min(sound.len()));
    let squares = || (from..to).map(|at| (at as f64, f64::from(sound[at]).powi(2)));
    let energy: f64 = squares().map(|(_, square)| square).sum();
    assert!(energy > 1e8, "{what}: no beep near {near}");
    squares().map(|(at, square)| at * square).sum::<f64>() / energy - length / 2.0
}

/// By how many samples a beep lies after `near`: where the sound is most like it.
fn lag(sound: &[i16], near: usize) -> i64 {
    let beep = beeps(&[0], BEEP);
    let likeness = |lag: i64| -> f64 {
        let at = |sample: usize| usize::try_from((near + sample) as i64 + lag).ok().and_then(|at| sound.get(at));
        beep.iter().enumerate().map(|(sample, value)| value * f64::from(at(sample).copied().unwrap_or(0))).sum()
    };
    (-1200..=1200).max_by(|one, other| likeness(*one).total_cmp(&likeness(*other))).unwrap_or(0)
}

#[test]
fn a_track_lies_at_its_offset_to_the_sample_whatever_part_of_the_film_is_kept() {
    let folder = folder();
    let sound = noise(11, 72_000);
    let (wave, flac) = (folder.path().join("side.wav"), folder.path().join("side.flac"));
    write_wave(&wave, std::slice::from_ref(&sound), RATE, 16);
    program::ffmpeg(&format!("-i {} {}", wave.display(), flac.display()));
    let sound = to_16_bits(&sound);
    let outputs = [
        ("a.mkv", AudioSettings::Flac),
        ("b.mov", AudioSettings::Pcm),
        ("c.mkv", AudioSettings::Pcm),
        ("d.mp4", AudioSettings::Flac),
    ];
    for (file, offset, moved, start, duration) in [
        (&wave, "0s", 0i64, None, None),
        (&flac, "40ms", 1920, None, None),
        (&wave, "-40ms", -1920, None, None),
        (&flac, "-1/48000", -1, Some("0.4"), None),
        (&wave, "600ms", 28_800, Some("0.4"), Some("0.8")),
        (&wave, "-0.2", -9600, Some("0.52"), Some("0.4")),
        (&flac, "10ms", 480, None, Some("1.0")),
    ] {
        let whole = job(&film(), &folder, &[format!("{}:offset={offset}", file.display())], &outputs);
        let mut job = cut(whole, start, duration);
        job.overwrite();
        let report = done(&job);
        let samples = |time: Option<&str>| time.map(|time| (time.parse::<f64>().unwrap() * 48_000.0).round() as i64);
        let later = moved - samples(start).unwrap_or(0);
        // It keeps its length, up to where the film is cut.
        let length = samples(duration).map_or(72_000 + later, |most| most.min(72_000 + later));
        let expected = part(&sound, -later, length);
        for ((name, _), output) in outputs.iter().zip(&report.outputs) {
            let what = format!("{name}, {offset}, from {start:?} for {duration:?}");
            same(&heard(&output.path, 0), &expected, &what);
            assert!(output.plan.audio[0].lossless && !output.plan.audio[0].dithered, "{what}");
        }
    }
}

#[test]
fn a_beep_lies_at_its_place_behind_a_lossy_codec_and_its_priming() {
    let folder = folder();
    let places = [0, 24_000, 60_000];
    let wave = folder.path().join("beeps.wav");
    write_wave(&wave, &[beeps(&places, 72_000)], RATE, 24);
    let aac = folder.path().join("beeps.m4a");
    program::ffmpeg(&format!("-i {} -c:a aac -b:a 160k {}", wave.display(), aac.display()));
    let outputs = [
        ("a.mp4", AAC),
        ("b.mov", AAC),
        ("c.mkv", AAC),
        ("d.mkv", AudioSettings::Opus { kbps: Some(160) }),
        ("e.mkv", AudioSettings::Flac),
    ];
    for (file, offset, moved, start) in [
        (&wave, "40ms", 1920.0, None),
        (&wave, "-40ms", -1920.0, None),
        (&aac, "20ms", 960.0, None),
        (&wave, "1ms", 48.0, Some("0.4")),
    ] {
        let whole = job(&film(), &folder, &[format!("{}:offset={offset}", file.display())], &outputs);
        let mut job = cut(whole, start, None);
        job.overwrite();
        let report = done(&job);
        let later = moved - start.map_or(0.0, |_| 19_200.0);
        for output in &report.outputs {
            let sound = from_zero(&output.path);
            for place in places {
                let near = place as f64 + later;
                if near < 0.0 {
                    continue;
                }
                let what = format!("{}, {offset}, from {start:?}", output.path.display());
                // The noise of a codec can move the best match by one sample; a priming that is not told, or told
                // wrongly, moves it by hundreds.
                let off = lag(&sound, near as usize);
                assert!(off.abs() <= 1, "{what}: the beep at {place} is off by {off} samples");
            }
        }
    }
}

#[test]
fn a_track_of_another_tempo_keeps_step_with_the_film_also_from_its_middle() {
    let folder = folder();
    let places = [0, 31_250, 50_000];
    let wave = folder.path().join("beeps.wav");
    write_wave(&wave, &[beeps(&places, 100_000)], RATE, 24);
    for (pitch, most) in [("follow", 1.0), ("keep", 480.0)] {
        for (start, offset, later) in
            [(None, "0s", 0.0), (Some("0.4"), "0s", -19_200.0), (Some("0.4"), "20ms", 960.0 - 19_200.0)]
        {
            let track = format!("{}:tempo=25/24,pitch={pitch},offset={offset}", wave.display());
            let outputs = [("a.mkv", AudioSettings::Flac), ("b.mov", AudioSettings::Pcm24)];
            let mut job = cut(job(&film(), &folder, &[track], &outputs), start, None);
            job.overwrite();
            for output in done(&job).outputs {
                let sound = heard(&output.path, 0);
                for place in places {
                    let near = place as f64 * 24.0 / 25.0 + later;
                    if near < 0.0 {
                        continue;
                    }
                    let length = if pitch == "keep" { BEEP as f64 } else { BEEP as f64 * 24.0 / 25.0 };
                    let what = format!("{}, {pitch}, {start:?}, {offset}", output.path.display());
                    let off = begins(&sound, near, length, &what) - near;
                    assert!(off.abs() < most, "{what}: the beep at {place} is off by {off} samples");
                }
                let whole = 96_000.0 + later;
                assert!((sound.len() as f64 - whole).abs() <= 1.0, "{pitch}: {} samples for {whole}", sound.len());
            }
        }
    }
}

#[test]
fn stems_become_the_layout_that_is_asked_for_each_channel_in_its_place() {
    let folder = folder();
    let names: Vec<PathBuf> = (0..6).map(|number| folder.path().join(format!("{number}.wav"))).collect();
    let channels: Vec<Vec<f64>> = (0..6).map(|number| noise(20 + number, 48_000)).collect();
    for (name, channel) in names.iter().zip(&channels) {
        write_wave(name, std::slice::from_ref(channel), RATE, 16);
    }
    let stereo = folder.path().join("stereo.wav");
    write_wave(&stereo, &channels[..2], RATE, 16);
    let joined =
        |list: &[usize]| list.iter().map(|number| names[*number].display().to_string()).collect::<Vec<_>>().join("+");
    let all = joined(&[0, 1, 2, 3, 4, 5]);
    let stereo = stereo.display();
    for (text, layout, order) in [
        (format!("{all}:map=5.1"), "5.1", vec![0, 1, 2, 3, 4, 5]),
        // The third file is the left loudspeaker, and so on.
        (format!("{all}:map=BR+FC+FL+LFE+FR+BL"), "5.1", vec![2, 4, 1, 3, 5, 0]),
        (joined(&[3, 4]), "stereo", vec![3, 4]),
        (format!("{stereo}:map=FR+FL"), "stereo", vec![1, 0]),
        (format!("{stereo}:channel=1"), "mono", vec![1]),
    ] {
        let outputs = [("a.mkv", AudioSettings::Flac), ("b.mov", AudioSettings::Pcm), ("c.mp4", AudioSettings::Alac)];
        let mut job = job(&film(), &folder, std::slice::from_ref(&text), &outputs);
        job.overwrite();
        for output in done(&job).outputs {
            let seen = &sounds(&output.path)[0];
            let what = format!("{text} in {}", output.path.display());
            assert_eq!(seen["channels"], order.len(), "{what}");
            assert_eq!(seen["channel_layout"], layout, "{what}");
            let sound = heard(&output.path, 0);
            for (number, from) in order.iter().enumerate() {
                let found: Vec<i16> = sound.iter().skip(number).step_by(order.len()).copied().collect();
                same(&found, &to_16_bits(&channels[*from]), &format!("{what}, channel {number}"));
            }
        }
    }
}

#[test]
fn stems_of_different_depths_keep_all_of_their_bits() {
    let folder = folder();
    let (left, right) = (folder.path().join("L.wav"), folder.path().join("R.wav"));
    let sound = noise(31, 24_000);
    write_wave(&left, &[tone(500.0, 0.25, RATE, 24_000)], RATE, 16);
    write_wave(&right, std::slice::from_ref(&sound), RATE, 24);
    let outputs = [("a.mkv", AudioSettings::Flac), ("b.mov", AudioSettings::Pcm)];
    let report = done(&job(&film(), &folder, &[format!("{}+{}", left.display(), right.display())], &outputs));
    for output in report.outputs {
        let found = samples(&output.path, 0, "s32le");
        let right = found.chunks_exact(8).map(|both| i32::from_le_bytes([both[4], both[5], both[6], both[7]]) >> 8);
        let expected =
            sound.iter().map(|sample| (sample * 8_388_608.0).round().clamp(-8_388_608.0, 8_388_607.0) as i32);
        assert!(right.eq(expected), "{}", output.path.display());
    }
}

/// Where the pictures of a film end, and a film that says so: by its stream, or as a whole with sound that is longer.
fn films() -> [(PathBuf, f64); 3] {
    let longer = made_by_ffmpeg(
        "side-film-longer-sound.mkv",
        "-f lavfi -i testsrc2=size=96x64:rate=24000/1001 -f lavfi -i sine=r=48000 -frames:v 47 -t 3 -c:v libx264 \
         -preset ultrafast -bf 0 -c:a flac -f matroska",
    );
    let odd = made_by_ffmpeg(
        "side-film-23976.mkv",
        "-f lavfi -i testsrc2=size=96x64:rate=24000/1001 -frames:v 47 -c:v libx264 -preset ultrafast -bf 0 -f matroska",
    );
    [(film(), 96_000.0), (odd, 47.0 * 1001.0 / 24_000.0 * 48_000.0), (longer, 47.0 * 1001.0 / 24_000.0 * 48_000.0)]
}

#[test]
fn a_track_is_as_long_as_the_picture_where_that_is_asked_for() {
    let folder = folder();
    let sound = noise(41, 200_000);
    let (short, long) = (folder.path().join("short.wav"), folder.path().join("long.wav"));
    write_wave(&short, &[sound[..60_000].to_vec()], RATE, 16);
    write_wave(&long, std::slice::from_ref(&sound), RATE, 16);
    let sound = to_16_bits(&sound);
    for (film, end) in films() {
        let end = end.round() as i64;
        for (text, length) in [
            (format!("{}:length=pad", short.display()), end),
            (format!("{}:length=pad", long.display()), 200_000),
            (format!("{}:length=trim", long.display()), end),
            (format!("{}:length=fit,offset=10ms", short.display()), end),
            (format!("{}:length=fit", long.display()), end),
        ] {
            let mut job = job(&film, &folder, std::slice::from_ref(&text), &[("a.mkv", AudioSettings::Flac)]);
            job.overwrite();
            let report = done(&job);
            let number = report.outputs[0].plan.audio.len() - 1;
            let what = format!("{text} beside {}", film.display());
            let later = if text.contains("offset") { 480 } else { 0 };
            let of_file = if text.contains("short") { &sound[..60_000] } else { &sound };
            same(&heard(&report.outputs[0].path, number), &part(of_file, -later, length), &what);
        }
    }
}

#[test]
fn a_cut_ends_a_track_where_the_pictures_of_the_cut_end() {
    let folder = folder();
    let sound = noise(42, 200_000);
    let long = folder.path().join("long.wav");
    write_wave(&long, std::slice::from_ref(&sound), RATE, 16);
    let sound = to_16_bits(&sound);
    for (start, duration, frames, from, length) in [
        (Some("1"), None, None, 48_000, 48_000),
        // Longer than the film, and both ways of saying how much.
        (None, Some("10"), None, 0, 96_000),
        (Some("0.4"), Some("10"), None, 19_200, 76_800),
        (Some("0.4"), Some("1"), Some(10), 19_200, 19_200),
        (None, Some("0.4"), Some(40), 0, 19_200),
        (None, None, Some(10), 0, 19_200),
    ] {
        let text = format!("{}:length=fit", long.display());
        let whole = job(&film(), &folder, &[text], &[("a.mkv", AudioSettings::Flac), ("b.mov", AudioSettings::Pcm)]);
        let mut job = cut(whole, start, duration);
        job.source.frames = frames;
        job.overwrite();
        for output in done(&job).outputs {
            let what = format!("{}, from {start:?}, {duration:?}, {frames:?}", output.path.display());
            same(&heard(&output.path, 0), &part(&sound, from, length), &what);
        }
    }
}

#[test]
fn a_track_that_must_be_as_long_as_the_picture_and_is_not_fails_the_job_by_name() {
    let folder = folder();
    let (wave, aac) = (folder.path().join("short.wav"), folder.path().join("short.m4a"));
    write_wave(&wave, &[noise(43, 60_000)], RATE, 16);
    program::ffmpeg(&format!("-i {} -c:a aac {}", wave.display(), aac.display()));
    let out = trix_fixtures::folder();
    for (file, audio) in [(&wave, AudioSettings::Flac), (&wave, AAC), (&aac, AudioSettings::Copy)] {
        let job = job(&film(), &out, &[format!("{}:length=fail", file.display())], &[("a.mkv", audio)]);
        let error = refused(&job);
        let told = error.to_string();
        assert_eq!(error.kind(), ErrorKind::MalformedInput, "{told}");
        assert!(told.contains(&file.display().to_string()), "{told}");
        assert!(told.contains("after 1.250 s") && told.contains("after 2.000 s"), "both durations: {told}");
        assert!(!told.contains("a.mkv"), "the output is not to blame: {told}");
        assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0, "{told}");
    }
    // Within a tolerance that is given, it is well.
    for (file, audio) in [(&wave, AudioSettings::Flac), (&aac, AudioSettings::Copy)] {
        let mut job =
            job(&film(), &out, &[format!("{}:length=fail,tolerance=760ms", file.display())], &[("a.mkv", audio)]);
        job.overwrite();
        done(&job);
    }
}

#[test]
fn language_title_and_purpose_are_those_that_were_asked_for() {
    let folder = folder();
    let wave = folder.path().join("side.wav");
    write_wave(&wave, &[noise(51, 24_000)], RATE, 16);
    let tracks =
        [format!("{}:lang=ru,title=Перевод", wave.display()), format!("{}:lang=eng,title=Comments", wave.display())];
    let outputs = [("a.mp4", AAC), ("b.mkv", AudioSettings::Flac), ("c.mov", AudioSettings::Pcm)];
    let mut job = job(&film(), &folder, &tracks, &outputs);
    job.tracks[0].disposition = vec![Disposition::Default, Disposition::Dub];
    job.tracks[1].disposition = vec![Disposition::Comment];
    for output in done(&job).outputs {
        let seen = sounds(&output.path);
        let what = output.path.display();
        assert_eq!(seen.len(), 2, "{what}");
        assert_eq!(
            (text(&seen[0]["tags"]["language"]), text(&seen[1]["tags"]["language"])),
            ("rus".into(), "eng".into())
        );
        let is_matroska = output.path.extension().is_some_and(|extension| extension == "mkv");
        // Of MP4 and MOV, ffprobe tells the name of a track as that of its handler, or as its title.
        let title = |seen: &Value| {
            ["title", "name", "handler_name"].map(|key| text(&seen["tags"][key])).into_iter().collect::<Vec<_>>()
        };
        assert!(title(&seen[0]).contains(&"Перевод".to_owned()), "{what}: {}", seen[0]["tags"]);
        assert!(title(&seen[1]).contains(&"Comments".to_owned()), "{what}: {}", seen[1]["tags"]);
        assert_eq!(
            (&seen[0]["disposition"]["default"], &seen[1]["disposition"]["default"]),
            (&1.into(), &0.into()),
            "{what}"
        );
        if is_matroska {
            assert_eq!(seen[1]["disposition"]["comment"], 1, "{what}");
        }
    }
    for wrong in ["xx", "russian", "e", "rus!"] {
        let job = self::job(&film(), &folder, &[format!("{}:lang={wrong}", wave.display())], &[("wrong.mkv", AAC)]);
        let (place, problem) = mistake(&job);
        assert_eq!(place, "tracks[0].language", "{problem}");
    }
}

/// Checksums of the packets of the first sound track, without what the container says beside them.
fn packets(file: &Path) -> Vec<String> {
    let line = format!("-i {} -map 0:a:0 -c copy -f framehash -hash md5 -", file.display());
    let said = program::text(&program::ffmpeg(&line));
    let lines = said.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(',').nth(5).expect("a checksum").trim().to_owned()).collect()
}

#[test]
fn what_is_not_changed_is_copied_and_what_is_changed_loses_nothing() {
    let folder = folder();
    let (wave, aac) = (folder.path().join("side.wav"), folder.path().join("side.m4a"));
    let sound = noise(52, 72_000);
    write_wave(&wave, std::slice::from_ref(&sound), RATE, 16);
    program::ffmpeg(&format!("-i {} -c:a aac {}", wave.display(), aac.display()));
    let copies = [("a.mkv", AudioSettings::Copy), ("b.mp4", AudioSettings::Copy), ("c.mov", AudioSettings::Copy)];
    for output in done(&job(&film(), &folder, &[format!("{}:lang=de", aac.display())], &copies)).outputs {
        assert!(output.plan.audio[0].copied, "{}", output.path.display());
        assert_eq!(packets(&output.path), packets(&aac), "{}", output.path.display());
        let language = text(&sounds(&output.path)[0]["tags"]["language"]);
        // MOV knows German by its older code alone.
        let is_mov = output.path.extension().is_some_and(|extension| extension == "mov");
        assert_eq!(language, if is_mov { "ger" } else { "deu" }, "{}", output.path.display());
    }
    let copies = [("d.mkv", AudioSettings::Copy), ("e.mov", AudioSettings::Copy)];
    let moved = format!("{}:offset=10ms", wave.display());
    for output in done(&job(&film(), &folder, std::slice::from_ref(&moved), &copies)).outputs {
        let plan = &output.plan;
        assert!(!plan.audio[0].copied && plan.audio[0].lossless, "{}", output.path.display());
        assert!(plan.decisions.iter().any(|decision| decision.what.contains("encoded without loss")));
        same(&heard(&output.path, 0), &part(&to_16_bits(&sound), -480, 72_480), &output.path.display().to_string());
    }
    // With copied pictures, sound is copied as far as they reach.
    let mut job = cut(
        job(&film(), &folder, &[wave.display().to_string()], &[("f.mkv", AudioSettings::Copy)]),
        Some("0.4"),
        Some("0.8"),
    );
    job.outputs[0].video = VideoSettings::Copy;
    let report = done(&job);
    let found = heard(&report.outputs[0].path, 0);
    let whole = to_16_bits(&sound);
    // Packets are copied whole; so it begins and ends up to one of them off.
    let at = whole.windows(64).position(|window| window == &found[..64]).expect("the sound of the file");
    let first = ffprobe(&report.outputs[0].path, "-select_streams a -show_packets")["packets"][0]["pts_time"].clone();
    let first: f64 = support::number(&first);
    assert!((at as f64 - 19_200.0 - first * 48_000.0).abs() <= 48.0, "sample {at} lies at {first} s");
    assert!((38_400 - found.len() as i64).abs() <= 4096, "{} samples", found.len());
}

#[test]
fn outputs_of_several_codecs_have_the_same_sound_and_take_the_tracks_that_they_name() {
    let folder = folder();
    let waves: Vec<PathBuf> = (0..2).map(|number| folder.path().join(format!("{number}.wav"))).collect();
    let list: Vec<Vec<f64>> = (0..2).map(|number| noise(60 + number, 48_000)).collect();
    for (wave, sound) in waves.iter().zip(&list) {
        write_wave(wave, std::slice::from_ref(sound), RATE, 16);
    }
    let own = to_16_bits(&tone(440.0, 0.125, RATE, 96_000));
    let film = made_by_ffmpeg(
        "side-film-own-sound.mov",
        "-f lavfi -i testsrc2=size=96x64:rate=25 -f lavfi -i sine=f=440:r=48000 -t 2 -c:v libx264 -preset ultrafast -bf 0 \
         -c:a pcm_s16le -f mov",
    );
    let tracks: Vec<String> = waves.iter().map(|wave| wave.display().to_string()).collect();
    let outputs = [
        ("a.mkv", AudioSettings::Flac),
        ("b.mov", AudioSettings::Pcm),
        ("c.mkv", AudioSettings::Pcm24),
        ("d.mp4", AudioSettings::Alac),
    ];
    let mut job = job(&film, &folder, &tracks, &outputs);
    job.outputs[1].tracks = Some(vec![2]);
    job.outputs[2].tracks = Some(vec![0, 1]);
    let report = done(&job);
    for (output, kept) in report.outputs.iter().zip([vec![0, 1, 2], vec![2], vec![0, 1], vec![0, 1, 2]]) {
        assert_eq!(sounds(&output.path).len(), kept.len(), "{}", output.path.display());
        for (at, number) in kept.iter().enumerate() {
            let found = heard(&output.path, at);
            let what = format!("{}, track {at}", output.path.display());
            match number {
                0 => assert_eq!(found.len(), own.len(), "{what}"),
                _ => same(&found, &to_16_bits(&list[number - 1]), &what),
            }
        }
    }
    assert_eq!(report.tracks.len(), 2);
    job.outputs[1].tracks = Some(vec![3]);
    job.outputs.iter_mut().for_each(|output| output.overwrite = true);
    let error = run(&job, &Control::default()).expect_err("an error");
    let [mistake] = error.mistakes() else { panic!("{error}") };
    assert_eq!((mistake.place.as_str(), mistake.value.as_str()), ("outputs[1].tracks", "3"), "{error}");
}

#[test]
fn a_track_that_cannot_be_had_is_told_by_the_name_of_its_file() {
    let (folder, out) = (folder(), trix_fixtures::folder());
    let good = folder.path().join("good.wav");
    write_wave(&good, &[noise(71, 96_000)], RATE, 16);
    let flac = folder.path().join("damaged.flac");
    program::ffmpeg(&format!("-i {} {}", good.display(), flac.display()));
    let mut bytes = std::fs::read(&flac).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0x55);
    std::fs::write(&flac, bytes).unwrap();
    let (empty, text, none) = ["empty.wav", "text.wav", "none.wav"].map(|name| folder.path().join(name)).into();
    std::fs::write(&empty, b"").unwrap();
    std::fs::write(&text, "no sound at all, but words ".repeat(40)).unwrap();
    let good = good.display();
    let named = |path: &Path| path.display().to_string();
    for (text, file) in [
        (named(&none), named(&none)),
        (named(&empty), named(&empty)),
        (named(&text), named(&text)),
        (named(&film()), named(&film())),
        (named(&flac), named(&flac)),
        (format!("{good}+{}", flac.display()), named(&flac)),
        (format!("{good}+{}", empty.display()), named(&empty)),
    ] {
        let error = refused(&job(&film(), &out, std::slice::from_ref(&text), &[("a.mkv", AudioSettings::Flac)]));
        let told = error.to_string();
        assert!(told.contains(&file) && !told.contains("a.mkv"), "{text}: {told}");
        assert!(!told.contains("good.wav"), "what is well is not blamed: {told}");
    }
    // Damage that is tolerated stands in the report, of each file.
    let mut job = job(
        &film(),
        &out,
        &[flac.display().to_string(), format!("{good}+{}", flac.display())],
        &[("a.mkv", AudioSettings::Flac)],
    );
    job.source.on_damage = OnDamage::Conceal;
    let report = done(&job);
    assert!(report.damage.is_empty());
    assert_eq!(report.tracks[0].files, std::slice::from_ref(&flac));
    assert!(report.tracks[0].damage.len() == 1 && !report.tracks[0].damage[0].is_empty(), "{:?}", report.tracks[0]);
    let whole: Vec<bool> = report.tracks[1].damage.iter().map(|damage| damage.is_empty()).collect();
    assert_eq!(whole, [true, false]);
    assert_eq!(
        heard(&report.outputs[0].path, 0).len(),
        96_000,
        "what is lost is silent, and the rest lies where it lay"
    );
}

#[test]
fn channels_that_do_not_fit_and_outputs_that_are_inputs_are_mistakes() {
    let folder = folder();
    let wave = folder.path().join("mono.mkv");
    program::ffmpeg(&format!("-f lavfi -i sine=d=1:r=48000 -c:a flac {}", wave.display()));
    for text in ["map=5.1", "map=FL+FR"] {
        let track = track(&format!("{}:{text}", wave.display()));
        let mut job = job(&film(), &folder, &[], &[("a.mkv", AudioSettings::Flac)]);
        job.tracks = vec![track];
        let (place, problem) = mistake(&job);
        assert!(place == "tracks[0].layout" || place == "tracks[0].map", "{place}: {problem}");
    }
    let before = std::fs::read(&wave).unwrap();
    let mut job = job(&film(), &folder, &[wave.display().to_string()], &[("mono.mkv", AudioSettings::Flac)]);
    job.overwrite();
    let error = run(&job, &Control::default()).expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    assert!(error.to_string().contains("mono.mkv"), "{error}");
    assert!(std::fs::read(&wave).unwrap() == before, "the file is as it was");
}
