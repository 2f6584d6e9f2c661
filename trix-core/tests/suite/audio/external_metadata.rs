//! Tests that external audio has the language and title that the job states, is copied if nothing changes, and is
//! shared by outputs. Trix reports mistakes in its settings before it writes anything.

use std::path::{Path, PathBuf};

use serde_json::Value;
use trix_core::{
    Control, ErrorKind, OnDamage, run_job,
    settings::{audio::AudioSettings, track::Disposition, video::VideoSettings},
};
use trix_fixtures::{folder, program};

use crate::support::{
    self, done,
    external_audio::{
        AAC, RATE, audio_streams, cut, film, heard, job, mistake, part, refused, same, to_16_bits, track,
    },
    ffprobe, made_by_ffmpeg, text,
    waves::{noise, tone, write_wave},
};

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
        let seen = audio_streams(&output.path);
        let what = output.path.display();
        assert_eq!(seen.len(), 2, "{what}");
        assert_eq!(
            (text(&seen[0]["tags"]["language"]), text(&seen[1]["tags"]["language"])),
            ("rus".into(), "eng".into())
        );
        let is_matroska = output.path.extension().is_some_and(|extension| extension == "mkv");
        // For MP4 and MOV, ffprobe returns the name of a track as the name of its handler or as its title.
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

/// Returns checksums of the packets of the first audio track, without metadata of the container.
fn packets(file: &Path) -> Vec<String> {
    let line = format!("-i {} -map 0:a:0 -c copy -f framehash -hash md5 -", file.display());
    let said = program::text(&program::ffmpeg(&line));
    let lines = said.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(',').nth(5).expect("a checksum").trim().to_owned()).collect()
}

#[test]
fn unchanged_side_audio_is_copied_and_changed_side_audio_stays_lossless() {
    let folder = folder();
    let (wave, aac) = (folder.path().join("side.wav"), folder.path().join("side.m4a"));
    let audio = noise(52, 72_000);
    write_wave(&wave, std::slice::from_ref(&audio), RATE, 16);
    program::ffmpeg(&format!("-i {} -c:a aac {}", wave.display(), aac.display()));
    let copies = [("a.mkv", AudioSettings::Copy), ("b.mp4", AudioSettings::Copy), ("c.mov", AudioSettings::Copy)];
    for output in done(&job(&film(), &folder, &[format!("{}:lang=de", aac.display())], &copies)).outputs {
        assert!(output.plan.audio[0].copied, "{}", output.path.display());
        assert_eq!(packets(&output.path), packets(&aac), "{}", output.path.display());
        let language = text(&audio_streams(&output.path)[0]["tags"]["language"]);
        // MOV has only the older code for German.
        let is_mov = output.path.extension().is_some_and(|extension| extension == "mov");
        assert_eq!(language, if is_mov { "ger" } else { "deu" }, "{}", output.path.display());
    }
    let copies = [("d.mkv", AudioSettings::Copy), ("e.mov", AudioSettings::Copy)];
    let moved = format!("{}:offset=10ms", wave.display());
    for output in done(&job(&film(), &folder, std::slice::from_ref(&moved), &copies)).outputs {
        let plan = &output.plan;
        assert!(!plan.audio[0].copied && plan.audio[0].lossless, "{}", output.path.display());
        assert!(plan.decisions.iter().any(|decision| decision.what.contains("encoded without loss")));
        same(&heard(&output.path, 0), &part(&to_16_bits(&audio), -480, 72_480), &output.path.display().to_string());
    }
    // If frames are copied, external audio is copied up to the end of the last frame.
    let mut job = cut(
        job(&film(), &folder, &[wave.display().to_string()], &[("f.mkv", AudioSettings::Copy)]),
        Some("0.4"),
        Some("0.8"),
    );
    job.outputs[0].video = VideoSettings::Copy;
    let report = done(&job);
    let found = heard(&report.outputs[0].path, 0);
    let whole = to_16_bits(&audio);
    // Only whole packets are copied, so both ends can differ by up to one packet.
    let at = whole.windows(64).position(|window| window == &found[..64]).expect("the audio of the file");
    let first = ffprobe(&report.outputs[0].path, "-select_streams a -show_packets")["packets"][0]["pts_time"].clone();
    let first: f64 = support::number(&first);
    assert!((at as f64 - 19_200.0 - first * 48_000.0).abs() <= 48.0, "sample {at} lies at {first} s");
    assert!((38_400 - found.len() as i64).abs() <= 4096, "{} samples", found.len());
}

#[test]
fn outputs_of_several_codecs_have_the_same_audio_and_take_the_tracks_that_they_name() {
    let folder = folder();
    let waves: Vec<PathBuf> = (0..2).map(|number| folder.path().join(format!("{number}.wav"))).collect();
    let list: Vec<Vec<f64>> = (0..2).map(|number| noise(60 + number, 48_000)).collect();
    for (wave, audio) in waves.iter().zip(&list) {
        write_wave(wave, std::slice::from_ref(audio), RATE, 16);
    }
    let own = to_16_bits(&tone(440.0, 0.125, RATE, 96_000));
    let film = made_by_ffmpeg(
        "side-film-own-audio.mov",
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
        assert_eq!(audio_streams(&output.path).len(), kept.len(), "{}", output.path.display());
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
    let error = run_job(&job, &Control::default()).expect_err("an error");
    let [mistake] = error.mistakes() else { panic!("{error}") };
    assert_eq!((mistake.place.as_str(), mistake.value.as_str()), ("outputs[1].tracks", "3"), "{error}");
}

#[test]
fn a_missing_side_track_is_reported_with_the_name_of_its_file() {
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
    std::fs::write(&text, "no audio at all, but words ".repeat(40)).unwrap();
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
        let message = error.to_string();
        assert!(message.contains(&file) && !message.contains("a.mkv"), "{text}: {message}");
        assert!(!message.contains("good.wav"), "what is well is not blamed: {message}");
    }
    // The report lists tolerated damage separately for each file.
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
    let error = run_job(&job, &Control::default()).expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    assert!(error.to_string().contains("mono.mkv"), "{error}");
    assert!(std::fs::read(&wave).unwrap() == before, "the file is as it was");
}
