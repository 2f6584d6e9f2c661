//! Tests of external audio in whole jobs: it begins at the right sample in every container, and every channel has its
//! place.

use std::path::{Path, PathBuf};

use trix_core::{
    Source,
    plan::{OutputId, Sink},
    settings::{
        audio::AudioSettings,
        video::{EncodeSettings, VideoSettings},
    },
};
use trix_fixtures::{folder, program};

use crate::support::{
    done,
    external_audio::{AAC, RATE, audio_streams, cut, film, heard, job, part, same, to_16_bits},
    ffprobe, made_by_ffmpeg, number, quick, samples,
    waves::{noise, tone, write_wave},
};

/// Returns the samples from time zero on. In Matroska, `ffmpeg` also plays the samples before zero, which CodecDelay
/// marks as priming.
fn from_zero(file: &Path) -> Vec<i16> {
    let line = format!("-copyts -i {} -map 0:a:0 -af atrim=start=0 -f s16le -", file.display());
    let bytes = program::ffmpeg(&line).stdout;
    bytes.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect()
}

/// Length of a beep in samples.
const BEEP: usize = 960;

/// Makes silence with a beep of 20 ms at each of `places`. A beep is a tone of 2 kHz with soft edges, so that neither
/// resampling nor a lossy codec moves its centre.
fn beeps(places: &[usize], samples: usize) -> Vec<f64> {
    let mut audio = vec![0.0; samples];
    for place in places {
        for at in 0..BEEP {
            let fade = (std::f64::consts::PI * at as f64 / BEEP as f64).sin().powi(2);
            audio[place + at] = 0.5 * fade * (std::f64::consts::TAU * 2000.0 * at as f64 / f64::from(RATE)).sin();
        }
    }
    audio
}

/// Returns the begin of the beep near `near`: the centre of its energy minus half of its length.
fn begins(audio: &[i16], near: f64, length: f64, what: &str) -> f64 {
    let (from, to) = ((near - 960.0).max(0.0) as usize, ((near + length + 960.0) as usize).min(audio.len()));
    let squares = || (from..to).map(|at| (at as f64, f64::from(audio[at]).powi(2)));
    let energy: f64 = squares().map(|(_, square)| square).sum();
    assert!(energy > 1e8, "{what}: no beep near {near}");
    squares().map(|(at, square)| at * square).sum::<f64>() / energy - length / 2.0
}

/// Returns by how many samples the beep lies after `near`: the shift with the highest correlation.
fn lag(audio: &[i16], near: usize) -> i64 {
    let beep = beeps(&[0], BEEP);
    let likeness = |lag: i64| -> f64 {
        let at = |sample: usize| usize::try_from((near + sample) as i64 + lag).ok().and_then(|at| audio.get(at));
        beep.iter().enumerate().map(|(sample, value)| value * f64::from(at(sample).copied().unwrap_or(0))).sum()
    };
    (-1200..=1200).max_by(|one, other| likeness(*one).total_cmp(&likeness(*other))).unwrap_or(0)
}

#[test]
fn a_track_lies_at_its_offset_to_the_sample_whatever_part_of_the_film_is_kept() {
    let folder = folder();
    let audio = noise(11, 72_000);
    let (wave, flac) = (folder.path().join("side.wav"), folder.path().join("side.flac"));
    write_wave(&wave, std::slice::from_ref(&audio), RATE, 16);
    program::ffmpeg(&format!("-i {} {}", wave.display(), flac.display()));
    let audio = to_16_bits(&audio);
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
        (&wave, "-0.2s", -9600, Some("0.52"), Some("0.4")),
        (&flac, "10ms", 480, None, Some("1.0")),
    ] {
        let whole = job(&film(), &folder, &[format!("{}:offset={offset}", file.display())], &outputs);
        let mut job = cut(whole, start, duration);
        job.overwrite();
        let report = done(&job);
        let samples = |time: Option<&str>| time.map(|time| (time.parse::<f64>().unwrap() * 48_000.0).round() as i64);
        let later = moved - samples(start).unwrap_or(0);
        // The audio keeps its length, unless the cut of the film ends it earlier.
        let length = samples(duration).map_or(72_000 + later, |most| most.min(72_000 + later));
        let expected = part(&audio, -later, length);
        for ((name, _), output) in outputs.iter().zip(&report.outputs) {
            let what = format!("{name}, {offset}, from {start:?} for {duration:?}");
            same(&heard(&output.path, 0), &expected, &what);
            assert!(output.plan.audio[0].lossless && !output.plan.audio[0].dithered, "{what}");
        }
    }
}

#[test]
fn an_offset_that_is_probably_wrong_is_noted() {
    let folder = folder();
    let (short, long) = (folder.path().join("short.wav"), folder.path().join("long.wav"));
    write_wave(&short, &[noise(5, 72_000)], RATE, 16);
    write_wave(&long, &[noise(5, 20 * 48_000)], RATE, 16);
    for (file, offset, expected) in [
        (&short, "2s", Some("the offset of 00:00:02.000 is longer than the file, which lasts 00:00:01.500")),
        (&short, "-40s", Some("the offset of -00:00:40.000 is longer than the file, which lasts 00:00:01.500")),
        (&long, "11s", Some("an offset of 00:00:11.000 is long; 40ms are milliseconds")),
        (&long, "-10001ms", Some("an offset of -00:00:10.001 is long; 40ms are milliseconds")),
        (&long, "10s", None),
        (&long, "-40ms", None),
        (&short, "1500ms", None),
    ] {
        let text = format!("{}:offset={offset}", file.display());
        let job = job(&film(), &folder, &[text], &[("a.mkv", AudioSettings::Flac)]);
        let source = Source::of(&job.source).expect("a source");
        let plan = trix_core::plan(&job, &source).expect("a plan");
        let notes = &plan.content(Sink::Output(OutputId(0))).notes;
        let found: Vec<&String> = notes.iter().filter(|note| note.contains("offset")).collect();
        let expected: Vec<String> = expected.iter().map(|expected| format!("{}: {expected}", file.display())).collect();
        assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{offset}");
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
            let audio = from_zero(&output.path);
            for place in places {
                let near = place as f64 + later;
                if near < 0.0 {
                    continue;
                }
                let what = format!("{}, {offset}, from {start:?}", output.path.display());
                // The noise of a lossy codec can move the best match by one sample. A missing or wrong priming moves it
                // by hundreds.
                let off = lag(&audio, near as usize);
                assert!(off.abs() <= 1, "{what}: the beep at {place} is off by {off} samples");
            }
        }
    }
}

#[test]
fn a_track_that_is_longer_by_less_than_a_frame_ends_with_the_film_in_a_lossy_codec() {
    let folder = folder();
    let seconds = |file: &Path| heard(file, 0).len() as f64 / f64::from(RATE);
    for (more, is_cut) in [(0, false), (150, true), (1919, true), (1921, false), (9600, false)] {
        let wave = folder.path().join("long.wav");
        write_wave(&wave, &[tone(440.0, 0.5, RATE, 2 * RATE as usize + more)], RATE, 16);
        let outputs = [("a.mp4", AAC), ("b.mkv", AudioSettings::Flac)];
        let mut job = job(&film(), &folder, &[wave.display().to_string()], &outputs);
        job.overwrite();
        let report = done(&job);
        let length = 2.0 + more as f64 / f64::from(RATE);
        let stated = |output: usize| {
            let decisions = &report.outputs[output].plan.decisions;
            decisions.iter().any(|decision| decision.why.contains("by less than a frame"))
        };
        assert_eq!((stated(0), stated(1)), (is_cut, false), "{more}");
        // AAC ends with a whole block.
        let expected = if is_cut { 2.0 } else { length };
        let found = seconds(&report.outputs[0].path);
        assert!((expected - 0.0005..expected + 0.022).contains(&found), "{more}: {found}");
        assert!((seconds(&report.outputs[1].path) - length).abs() < 1e-9, "{more}");
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
                let audio = heard(&output.path, 0);
                for place in places {
                    let near = place as f64 * 24.0 / 25.0 + later;
                    if near < 0.0 {
                        continue;
                    }
                    let length = if pitch == "keep" { BEEP as f64 } else { BEEP as f64 * 24.0 / 25.0 };
                    let what = format!("{}, {pitch}, {start:?}, {offset}", output.path.display());
                    let off = begins(&audio, near, length, &what) - near;
                    assert!(off.abs() < most, "{what}: the beep at {place} is off by {off} samples");
                }
                let whole = 96_000.0 + later;
                assert!((audio.len() as f64 - whole).abs() <= 1.0, "{pitch}: {} samples for {whole}", audio.len());
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
        // The third file is the left front channel, and so on.
        (format!("{all}:map=BR+FC+FL+LFE+FR+BL"), "5.1", vec![2, 4, 1, 3, 5, 0]),
        (joined(&[3, 4]), "stereo", vec![3, 4]),
        (format!("{stereo}:map=FR+FL"), "stereo", vec![1, 0]),
        (format!("{stereo}:channel=1"), "mono", vec![1]),
    ] {
        let outputs = [("a.mkv", AudioSettings::Flac), ("b.mov", AudioSettings::Pcm), ("c.mp4", AudioSettings::Alac)];
        let mut job = job(&film(), &folder, std::slice::from_ref(&text), &outputs);
        job.overwrite();
        for output in done(&job).outputs {
            let seen = &audio_streams(&output.path)[0];
            let what = format!("{text} in {}", output.path.display());
            assert_eq!(seen["channels"], order.len(), "{what}");
            assert_eq!(seen["channel_layout"], layout, "{what}");
            let audio = heard(&output.path, 0);
            for (number, from) in order.iter().enumerate() {
                let found: Vec<i16> = audio.iter().skip(number).step_by(order.len()).copied().collect();
                same(&found, &to_16_bits(&channels[*from]), &format!("{what}, channel {number}"));
            }
        }
    }
}

#[test]
fn stems_of_different_depths_keep_all_of_their_bits() {
    let folder = folder();
    let (left, right) = (folder.path().join("L.wav"), folder.path().join("R.wav"));
    let audio = noise(31, 24_000);
    write_wave(&left, &[tone(500.0, 0.25, RATE, 24_000)], RATE, 16);
    write_wave(&right, std::slice::from_ref(&audio), RATE, 24);
    let outputs = [("a.mkv", AudioSettings::Flac), ("b.mov", AudioSettings::Pcm)];
    let report = done(&job(&film(), &folder, &[format!("{}+{}", left.display(), right.display())], &outputs));
    for output in report.outputs {
        let found = samples(&output.path, 0, "s32le");
        let right = found.chunks_exact(8).map(|both| i32::from_le_bytes([both[4], both[5], both[6], both[7]]) >> 8);
        let expected =
            audio.iter().map(|sample| (sample * 8_388_608.0).round().clamp(-8_388_608.0, 8_388_607.0) as i32);
        assert!(right.eq(expected), "{}", output.path.display());
    }
}

/// Returns the longest time in seconds by which a packet is late in the file: a packet of another stream with a later
/// time lies before it.
fn disorder(file: &Path) -> f64 {
    let json = ffprobe(file, "-show_packets -show_entries packet=pts_time");
    let times = json["packets"].as_array().expect("packets").iter().map(|packet| number::<f64>(&packet["pts_time"]));
    let (mut last, mut most) = (f64::MIN, 0.0_f64);
    for time in times {
        most = most.max(last - time);
        last = last.max(time);
    }
    most
}

#[test]
fn external_audio_is_interleaved_with_slow_frames() {
    let film = made_by_ffmpeg(
        "side-film-long.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25 -t 60 -c:v libx264 -preset ultrafast -g 25 -bf 0 -f matroska",
    );
    let folder = folder();
    let wave = folder.path().join("long.wav");
    write_wave(&wave, &[noise(43, 60 * RATE as usize)], RATE, 16);
    let tracks = [wave.display().to_string()];
    // Matroska states only display times, so no B-frames are used.
    let settings = EncodeSettings { preset: Some("slower".into()), ..quick("bframes=0") };
    for (name, video, audio) in [
        ("encoded.mkv", VideoSettings::X264(settings), AAC),
        ("copied.mkv", VideoSettings::Copy, AAC),
        ("both.mkv", VideoSettings::Copy, AudioSettings::Copy),
    ] {
        let mut job = job(&film, &folder, &tracks, &[(name, audio)]);
        job.outputs[0].video = video;
        done(&job);
        // The priming of the codec moves its packets by less than the length of one.
        let found = disorder(&job.outputs[0].path);
        assert!(found < 0.1, "{name}: packets are {found} s late");
    }
}

#[test]
fn audio_without_frames_lies_beside_external_audio_in_every_run() {
    let folder = folder();
    let [film, wave] = ["film.flac", "long.wav"].map(|name| folder.path().join(name));
    let own = folder.path().join("own.wav");
    for (number, file) in [(45, &own), (46, &wave)] {
        write_wave(file, &[noise(number, 120 * RATE as usize)], RATE, 16);
    }
    program::ffmpeg(&format!("-i {} {}", own.display(), film.display()));
    for audio in [AudioSettings::Flac, AudioSettings::Copy] {
        let made = |_: usize| {
            let mut job = job(&film, &folder, &[wave.display().to_string()], &[("out.mkv", audio)]);
            (job.outputs[0].video, job.outputs[0].overwrite) = (VideoSettings::None, true);
            done(&job);
            let output = &job.outputs[0].path;
            let found = disorder(output);
            assert!(found < 0.2, "{audio:?}: packets are {found} s late");
            std::fs::read(output).expect("the output")
        };
        let first = made(0);
        assert!((1..3).all(|run| made(run) == first), "{audio:?}");
    }
}
