//! Tests of audio that changes its codec, rate or channels in mid-stream, of files that do not state their length, of
//! coded audio inside PCM, and of clocks that drift. The tests measure what the `ffmpeg` program decodes from the
//! outputs.

use std::path::{Path, PathBuf};

use trix_core::{
    Control, Error, ErrorKind, Job, Report, Source, probe, run_job,
    settings::{
        audio::{AudioDrift, AudioSettings, AudioShape},
        job::{OnOutputFailure, OutputSettings},
        track::TrackSettings,
        video::VideoSettings,
    },
};
use trix_fixtures::{clip::made, folder, program::ffmpeg};

use crate::support::{done, ffprobe, made_by_ffmpeg, quick, samples};

const RATE: usize = 48_000;

/// Input options for a tone of 1 kHz that lasts 40 ms at each full second.
fn beeps(seconds: f64, rate: usize) -> String {
    format!("-f lavfi -i aevalsrc=0.5*sin(2*PI*1000*t)*lt(mod(t\\,1)\\,0.04):s={rate}:d={seconds}")
}

fn job(source: &Path, output: &Path, codec: &str) -> Job {
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::None;
    job.outputs[0].audio = codec.parse().expect("a codec");
    job
}

/// Returns the decoded audio of a file. Each value is the sample with the largest magnitude among all channels.
fn heard(file: &Path) -> Vec<f64> {
    let channels =
        ffprobe(file, "-select_streams a:0 -show_streams")["streams"][0]["channels"].as_u64().expect("channels");
    let bytes = samples(file, 0, "f64le");
    let all: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let loudest = |most: f64, sample: &f64| if sample.abs() > most.abs() { *sample } else { most };
    all.chunks_exact(channels as usize).map(|samples| samples.iter().fold(0.0, loudest)).collect()
}

/// Returns the positions at which beeps begin, in samples.
fn onsets(samples: &[f64]) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for (at, _) in samples.iter().enumerate().filter(|(_, sample)| sample.abs() > 0.1) {
        match found.last() {
            Some(last) if at < last + RATE / 2 => {}
            _ => found.push(at),
        }
    }
    found
}

/// Asserts that the ledger of the first track balances. Returns the numbers of filled and cut samples.
fn ledger(report: &Report) -> (u64, u64) {
    let ledger = &report.outputs[0].audio_ledgers[0];
    ledger.balance().expect("a balance");
    (ledger.filled_gaps.samples, ledger.cut_overlaps.samples)
}

fn refused(job: &Job) -> Error {
    let error = run_job(job, &Control::default()).expect_err("a refusal");
    assert!(!job.outputs[0].path.exists(), "{error}");
    error
}

/// Makes a recording whose second half has other channels or another rate: frames of both formats, concatenated.
fn joined(name: &str, codec: &str, first: &str, second: &str, extension: &str) -> PathBuf {
    made(name, |path| {
        let parts = folder();
        let mut bytes = Vec::new();
        for (number, form) in [first, second].into_iter().enumerate() {
            let part = parts.path().join(format!("{number}.{extension}"));
            ffmpeg(&format!("{} {form} -c:a {codec} {}", beeps(2.0, RATE), part.display()));
            bytes.extend(std::fs::read(part).expect("a part"));
        }
        let whole = parts.path().join(format!("whole.{extension}"));
        std::fs::write(&whole, bytes).expect("a file");
        ffmpeg(&format!("-i {} -c copy {}", whole.display(), path.display()));
    })
}

const STEREO: &str = "-af pan=stereo|c0=c0|c1=c0";
const SURROUND: &str = "-af pan=5.1|FL=c0|FR=c0|FC=0*c0|LFE=0*c0|BL=0*c0|BR=0*c0";
const MONO: &str = "-ac 1";

#[test]
fn frames_that_change_their_channels_or_rate_are_converted_and_placed() {
    let cases = [
        ("change-ac3.mkv", "ac3", STEREO, SURROUND, "ac3"),
        ("change-ac3-back.mkv", "ac3", SURROUND, STEREO, "ac3"),
        ("change-eac3.mkv", "eac3", STEREO, SURROUND, "eac3"),
        ("change-mp2.mkv", "mp2", STEREO, MONO, "mp2"),
        ("change-mp2-rate.mkv", "mp2", "-ar 48000 -ac 2", "-ar 44100 -ac 1", "mp2"),
        ("change-ac3.ts", "ac3", STEREO, SURROUND, "ac3"),
        ("change-aac.ts", "aac", STEREO, SURROUND, "aac"),
        ("change-mp2.ts", "mp2", STEREO, MONO, "mp2"),
    ];
    for (name, codec, first, second, extension) in cases {
        let source = joined(name, codec, first, second, extension);
        let folder = folder();
        for (audio, layout) in [("flac", "stereo"), ("aac", "stereo"), ("flac", "5.1")] {
            let output = folder.path().join(format!("{audio}-{layout}.mkv"));
            let mut job = job(&source, &output, audio);
            job.outputs[0].audio_shape = AudioShape { layout: Some(layout.into()), ..Default::default() };
            let report = done(&job);
            let what = format!("{name} to {audio} {layout}");
            let changes = &report.outputs[0].audio_changes;
            // The MPEG audio decoder reports a new rate one frame after new channels.
            assert!((1..=2).contains(&changes.len()), "{what}: {changes:?}");
            let at = changes[0].time.to_f64() - report.outputs[0].plan.origin.to_f64();
            assert!((at - 2.0).abs() < 0.1, "{what}: {changes:?}");
            ledger(&report);
            let heard = onsets(&heard(&output));
            assert_eq!(heard.len(), 4, "{what}: {heard:?}");
            for (second, onset) in heard.iter().enumerate() {
                assert!(onset.abs_diff(second * RATE) < RATE / 12, "{what}: {heard:?}");
            }
        }
    }
}

#[test]
fn frames_that_describe_themselves_are_copied_where_the_container_can_hold_that() {
    let source = joined("change-ac3.mkv", "ac3", STEREO, SURROUND, "ac3");
    let folder = folder();
    for container in ["mkv", "ts"] {
        let output = folder.path().join(format!("copy.{container}"));
        let report = done(&job(&source, &output, "copy"));
        assert_eq!(report.outputs[0].audio_changes.len(), 1, "{container}");
        assert!(report.outputs[0].audio_changes[0].to.contains("5.1 channels"), "{container}");
        // Programs disagree about which of the two layouts is the layout of the track.
        let bytes = ffmpeg(&format!("-i {} -map 0:a -ac 1 -f f64le -", output.display())).stdout;
        let heard: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        assert_eq!(onsets(&heard).len(), 4, "{container}");
    }
    for container in ["mp4", "mov"] {
        let error = refused(&job(&source, &folder.path().join(format!("copy.{container}")), "copy"));
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.time().is_some_and(|time| (time.to_f64() - 2.0).abs() < 0.1), "{error}");
        assert!(error.to_string().contains("changes from ac3"), "{error}");
    }
    // In Matroska, the configuration of AAC is stored once. In a transport stream, every frame has it.
    let source = joined("change-aac.ts", "aac", STEREO, SURROUND, "aac");
    done(&job(&source, &folder.path().join("aac.ts"), "copy"));
    let error = refused(&job(&source, &folder.path().join("aac.mkv"), "copy"));
    assert!(error.time().is_some() && error.kind() == ErrorKind::Unsupported, "{error}");
}

#[test]
fn a_copy_that_its_container_cannot_hold_fails_alone_where_the_job_says_so() {
    let source = joined("change-ac3.mkv", "ac3", STEREO, SURROUND, "ac3");
    let folder = folder();
    let mut job = job(&source, &folder.path().join("a.mp4"), "copy");
    for (name, codec) in [("b.mkv", "copy"), ("c.mkv", "flac")] {
        let path = folder.path().join(name);
        job.outputs.push(OutputSettings { path, audio: codec.parse().expect("a codec"), ..job.outputs[0].clone() });
    }
    let error = refused(&job);
    job.on_output_failure = OnOutputFailure::Continue;
    let report = run_job(&job, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    let [failed] = report.failed.as_slice() else { panic!("{:?}", report.failed) };
    assert_eq!((&failed.path, failed.kind), (&job.outputs[0].path, ErrorKind::Unsupported));
    assert_eq!(failed.error, error.to_string(), "what is said of it is the same");
    assert!(error.to_string().starts_with(&format!("{}: demux, stream 0, at 00:00:0", source.display())), "{error}");
    assert_eq!((job.outputs[0].path.exists(), report.outputs.len()), (false, 2));
    for output in &report.outputs {
        assert_eq!(output.audio_changes.len(), 1, "{}", output.path.display());
        assert!(output.verification.checks.iter().all(|check| check.ok));
        let bytes = ffmpeg(&format!("-i {} -map 0:a -ac 1 -f f64le -", output.path.display())).stdout;
        let heard: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        assert_eq!(onsets(&heard).len(), 4, "{}", output.path.display());
    }
}

#[test]
fn audio_whose_format_changes_is_encoded_by_default_instead_of_copied() {
    let folder = folder();
    for (name, codec, second, container, is_copied) in [
        ("change-ac3.ts", "ac3", SURROUND, "mkv", true),
        ("change-ac3.ts", "ac3", SURROUND, "mp4", false),
        ("change-ac3.mkv", "ac3", SURROUND, "mov", false),
        ("change-mp2.ts", "mp2", MONO, "mp4", false),
        ("change-aac.ts", "aac", SURROUND, "ts", true),
        ("change-aac.ts", "aac", SURROUND, "mkv", false),
    ] {
        let source = joined(name, codec, STEREO, second, codec);
        let output = folder.path().join(format!("{name}.{container}"));
        let mut job = Job::new(&source, &output);
        job.outputs[0].video = VideoSettings::None;
        let report = done(&job);
        let what = format!("{name} to {container}");
        let plan = &report.outputs[0].plan;
        assert_eq!(plan.audio[0].copied, is_copied, "{what}");
        let stated = plan.decisions.iter().any(|decision| decision.why.contains("it changes at"));
        assert_eq!(stated, !is_copied, "{what}: {:?}", plan.decisions);
        assert_eq!(report.outputs[0].audio_changes.len(), 1, "{what}");
        if !is_copied {
            ledger(&report);
            assert_eq!(onsets(&heard(&output)).len(), 4, "{what}");
        }
    }
    // A cut that ends before the change is copied.
    let source = joined("change-ac3.ts", "ac3", STEREO, SURROUND, "ac3");
    let mut job = Job::new(&source, folder.path().join("part.mp4"));
    job.outputs[0].video = VideoSettings::None;
    job.source.duration = Some("1.5".parse().expect("a time"));
    assert!(done(&job).outputs[0].plan.audio[0].copied);
}

/// Concatenates transport streams and renumbers their continuity counters.
fn joined_ts(parts: &[PathBuf], to: &Path) {
    let (mut counters, mut whole) = (std::collections::BTreeMap::new(), Vec::new());
    for part in parts {
        let mut bytes = std::fs::read(part).expect("a part");
        for packet in bytes.chunks_exact_mut(188) {
            let pid = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
            let counter = counters.entry(pid).or_insert(15u8);
            if packet[3] & 0x10 != 0 {
                *counter = (*counter + 1) & 15;
            }
            packet[3] = packet[3] & 0xf0 | *counter;
        }
        whole.extend(bytes);
    }
    std::fs::write(to, whole).expect("a file");
}

/// Makes a transport stream with frames and audio. Each half has its own codecs on the same identifiers.
fn two_codecs(name: &str, first: &str, second: &str) -> PathBuf {
    made(name, |path| {
        let folder = folder();
        let parts = [(first, 100, 0), (second, 103, 1)].map(|(codecs, offset, version)| {
            let part = folder.path().join(format!("{version}.ts"));
            ffmpeg(&format!(
                "-f lavfi -i testsrc2=size=96x64:rate=25:duration=3 {} -g 25 {codecs} -ac 2 -tables_version {version} \
                 -output_ts_offset {offset} {}",
                beeps(3.0, RATE),
                part.display()
            ));
            part
        });
        joined_ts(&parts, path);
    })
}

#[test]
fn audio_of_another_codec_on_the_same_identifier_is_converted_and_never_copied() {
    let sources = [
        two_codecs("codec-audio.ts", "-c:v libx264 -c:a ac3", "-c:v libx264 -c:a aac"),
        two_codecs("codec-audio-back.ts", "-c:v libx264 -c:a aac", "-c:v libx264 -c:a mp2"),
    ];
    let is_there = |seconds: f64| (102.0..105.0).contains(&seconds);
    for source in sources {
        for audio in ["auto", "aac", "flac"] {
            let folder = folder();
            let output = folder.path().join("out.mkv");
            let mut job = Job::new(&source, &output);
            job.outputs[0].video = VideoSettings::X264(quick(""));
            job.outputs[0].audio = audio.parse().expect("a codec");
            let report = done(&job);
            ledger(&report);
            let changes = &report.outputs[0].audio_changes;
            assert!(changes.iter().any(|change| is_there(change.time.to_f64())), "{audio}: {changes:?}");
            assert_eq!(onsets(&heard(&output)).len(), 6, "{audio}");
        }
        let folder = folder();
        let mut job = Job::new(&source, folder.path().join("out.mkv"));
        job.outputs[0].video = VideoSettings::Copy;
        job.outputs[0].audio = AudioSettings::Copy;
        let error = refused(&job);
        assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error}");
        assert!(error.to_string().contains("codec of the audio changes"), "{error}");
        assert!(error.time().is_some_and(|time| is_there(time.to_f64())), "{error}");
    }
}

#[test]
fn video_of_another_codec_on_the_same_identifier_is_refused_with_its_place() {
    let source = two_codecs("codec-video.ts", "-c:v mpeg2video -c:a mp2", "-c:v libx264 -c:a mp2");
    for video in [VideoSettings::X264(quick("")), VideoSettings::Copy] {
        let folder = folder();
        let mut job = Job::new(&source, folder.path().join("out.mkv"));
        job.outputs[0].video = video;
        let error = refused(&job);
        assert!(error.to_string().contains("codec of the video changes") && error.time().is_some(), "{error}");
    }
}

#[test]
fn a_new_configuration_of_aac_in_flv_is_decoded_and_no_copy() {
    let source = made("change-aac.flv", |path| {
        let folder = folder();
        let mut bytes = Vec::new();
        for (number, form) in ["-ac 2 -ar 44100", "-ac 1 -ar 44100"].into_iter().enumerate() {
            let part = folder.path().join(format!("{number}.flv"));
            let offset = 2.09 * number as f64;
            ffmpeg(&format!(
                "{} {form} -c:a aac -flvflags no_duration_filesize -output_ts_offset {offset} {}",
                beeps(2.0, 44_100),
                part.display()
            ));
            let part = std::fs::read(part).expect("a part");
            // The file header has nine bytes, and the size field of an empty tag has four.
            bytes.extend_from_slice(if number == 0 { &part } else { &part[13..] });
        }
        std::fs::write(path, bytes).expect("a file");
    });
    let folder = folder();
    let output = folder.path().join("out.mkv");
    let report = done(&job(&source, &output, "flac"));
    ledger(&report);
    assert_eq!(report.outputs[0].audio_changes.len(), 1, "{:?}", report.outputs[0].audio_changes);
    assert_eq!(onsets(&heard(&output)).len(), 4);
    let error = refused(&job(&source, &folder.path().join("copy.mkv"), "copy"));
    assert!(error.to_string().contains("configuration of the audio") && error.time().is_some(), "{error}");
}

/// Writes `format` to a pipe with ffmpeg, which cannot go back to fill in the length.
fn piped(name: &str, codec: &str, format: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    made(name, |path| {
        let line = format!("{} -c:a {codec} -ac 2 {format} -", beeps(2.003, RATE));
        let mut bytes = ffmpeg(&line).stdout;
        change(&mut bytes);
        std::fs::write(path, bytes).expect("a file");
    })
}

#[test]
fn the_end_of_a_file_from_a_pipe_is_the_end_of_its_audio() {
    let sizes = |riff: u32, data: u32| {
        move |bytes: &mut Vec<u8>| {
            let at = bytes.windows(4).position(|four| four == b"data").expect("data") + 4;
            bytes[4..8].copy_from_slice(&riff.to_le_bytes());
            bytes[at..at + 4].copy_from_slice(&data.to_le_bytes());
        }
    };
    let files = [
        piped("pipe.wav", "pcm_s24le", "-f wav", |_| {}),
        piped("pipe-zero.wav", "pcm_s24le", "-f wav", sizes(0, 0)),
        piped("pipe-sox.wav", "pcm_s24le", "-f wav", sizes(0x7fff_f024, 0x7fff_f000)),
        piped("pipe-alsa.wav", "pcm_s24le", "-f wav", sizes(0x8000_0024, 0x8000_0000)),
        piped("pipe-part.wav", "pcm_s24le", "-f wav", |bytes| bytes.extend([1, 2, 3, 4])),
        piped("pipe-rf64.wav", "pcm_s24le", "-rf64 always -f wav", |_| {}),
        piped("pipe.w64", "pcm_s24le", "-f w64", |_| {}),
        piped("pipe.aiff", "pcm_s24be", "-f aiff", |_| {}),
        piped("pipe.caf", "pcm_s24le", "-f caf", |_| {}),
        piped("pipe.au", "pcm_s24be", "-f au", |_| {}),
    ];
    let whole = 2003 * RATE / 1000;
    let film = made_by_ffmpeg(
        "pipe-film.mov",
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -c:v libx264 -preset ultrafast",
    );
    for file in files {
        let folder = folder();
        let output = folder.path().join("out.mkv");
        done(&job(&file, &output, "pcm"));
        let samples = heard(&output);
        assert_eq!(samples.len(), whole, "{}", file.display());
        assert_eq!(onsets(&samples).len(), 3, "{}", file.display());
        // The same file as external audio of a film.
        let with_film = folder.path().join("with-film.mkv");
        let mut job = Job::new(&film, &with_film);
        job.tracks = vec![file.display().to_string().parse::<TrackSettings>().expect("a track")];
        job.outputs[0].video = VideoSettings::X264(quick(""));
        job.outputs[0].audio = AudioSettings::Pcm;
        done(&job);
        assert_eq!(heard(&with_film).len(), whole, "{}", file.display());
    }
}

#[test]
fn a_file_that_declares_more_data_than_it_has_is_truncated() {
    let source = made_by_ffmpeg("whole-for-cut.wav", &format!("{} -c:a pcm_s16le", beeps(2.0, RATE)));
    let folder = folder();
    let cut = folder.path().join("cut.wav");
    let bytes = std::fs::read(source).expect("a file");
    std::fs::write(&cut, &bytes[..bytes.len() - 20_000]).expect("a file");
    let error = refused(&job(&cut, &folder.path().join("out.mkv"), "pcm"));
    assert_eq!(error.kind(), ErrorKind::MalformedInput, "{error}");
}

/// Makes 16-bit PCM that carries AC-3 in bursts after `silence` seconds (IEC 61937, with the preamble of SMPTE 337).
fn bursts(name: &str, silence: f64, codec: &str, pan: &str) -> PathBuf {
    made(name, |path| {
        let folder = folder();
        let (raw, coded) = (folder.path().join("bursts.raw"), folder.path().join("a.ac3"));
        ffmpeg(&format!("{} -ac 2 -c:a ac3 {}", beeps(2.0, RATE), coded.display()));
        ffmpeg(&format!("-i {} -c copy -f spdif {}", coded.display(), raw.display()));
        let bytes = std::fs::read(&raw).expect("bursts");
        let quiet = vec![0; (silence * RATE as f64) as usize * 4];
        std::fs::write(&raw, [quiet, bytes].concat()).expect("bursts");
        ffmpeg(&format!("-f s16le -ar {RATE} -ac 2 -i {} {pan} -c:a {codec} {}", raw.display(), path.display()));
    })
}

#[test]
fn coded_audio_in_pcm_is_recognised_kept_and_never_encoded_as_noise() {
    let sources = [
        bursts("bursts-24.wav", 0.0, "pcm_s24le", ""),
        bursts("bursts.mov", 0.0, "pcm_s16be", ""),
        bursts("bursts-right.wav", 0.0, "pcm_s16le", "-af pan=5.1|c0=0*c0|c1=0*c0|c2=0*c0|c3=0*c0|c4=c0|c5=c1"),
        bursts("bursts.flac", 0.0, "flac", ""),
        bursts("bursts.ts", 0.0, "s302m -strict -2", ""),
        bursts("bursts-left.wav", 0.0, "pcm_s16le", "-af pan=mono|c0=c0"),
    ];
    for source in sources {
        let opened = Source::open(&source).expect("a source");
        let info = probe::probe(&opened);
        let audio = info.streams.iter().find_map(|stream| stream.audio.as_ref()).expect("audio");
        let found = audio.data_bursts.as_ref().unwrap_or_else(|| panic!("{}: no bursts", source.display()));
        assert_eq!((found.content.as_str(), found.bits), ("AC-3", 16), "{}", source.display());
        let folder = folder();
        let error = refused(&job(&source, &folder.path().join("out.mkv"), "aac"));
        assert!(error.to_string().contains("SMPTE 337") && error.time().is_some(), "{error}");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        // A lossless codec may keep the bursts, because every bit stays.
        let output = folder.path().join("out.mkv");
        let report = done(&job(&source, &output, "flac"));
        assert!(report.outputs[0].warnings.iter().any(|note| note.contains("SMPTE 337")), "{}", source.display());
        // The ffmpeg program drops such data in SMPTE 302M.
        if source.extension().is_some_and(|extension| extension != "ts") {
            assert_eq!(samples(&output, 0, "s32le"), samples(&source, 0, "s32le"), "{}", source.display());
        }
    }
    // These bursts begin after the samples that planning reads.
    let late = bursts("bursts-late.wav", 8.0, "pcm_s16le", "");
    let folder = folder();
    let error = refused(&job(&late, &folder.path().join("out.mkv"), "aac"));
    assert!(error.time().is_some_and(|time| (8.0..8.5).contains(&time.to_f64())), "{error}");
    // If a 16-bit WAVE file begins with bursts, libavformat extracts the coded audio.
    let decoded = bursts("bursts.wav", 0.0, "pcm_s16le", "");
    let output = folder.path().join("decoded.mkv");
    done(&job(&decoded, &output, "flac"));
    assert_eq!(onsets(&heard(&output)).len(), 2);
    // Noise and music contain no bursts.
    let music = made_by_ffmpeg("no-bursts.wav", "-f lavfi -i anoisesrc=d=3:r=48000:a=1 -ac 2 -c:a pcm_s16le");
    let info = probe::probe(&Source::open(&music).expect("a source"));
    assert_eq!(info.streams[0].audio.as_ref().expect("audio").data_bursts, None);
}

/// Makes forty seconds of beeps whose timestamps run faster or slower than the samples by `parts` per million.
fn drifting(name: &str, parts: i64, codec: &str) -> PathBuf {
    let factor = 1.0 + parts as f64 / 1e6;
    made_by_ffmpeg(name, &format!("{} -af asetpts=PTS*{factor} -c:a {codec}", beeps(40.0, RATE)))
}

#[test]
fn a_drift_is_reported_and_resampled_where_that_is_asked_for() {
    for (name, parts, codec) in [
        ("drift-slow.mkv", 2000, "aac"),
        ("drift-fast.mkv", -2000, "aac"),
        ("drift-slow.ts", 2000, "mp2"),
        ("drift-slow.flv", 2000, "aac"),
        ("drift-pcm.mkv", 2000, "pcm_s16le"),
    ] {
        let source = drifting(name, parts, codec);
        let folder = folder();
        let filled = folder.path().join("filled.mkv");
        let report = done(&job(&source, &filled, "flac"));
        let drift = report.timing_of_source.values().next().and_then(|timing| timing.drift);
        let drift = drift.unwrap_or_else(|| panic!("{name}: no drift in {:?}", report.timing_of_source));
        assert!((drift.parts_per_million - parts).abs() <= 20, "{name}: {drift:?}");
        let (gaps, overlaps) = ledger(&report);
        assert!(if parts > 0 { gaps > 0 } else { overlaps > 0 }, "{name}: {gaps} filled, {overlaps} cut");
        assert!(report.decisions.iter().any(|decision| decision.why.contains("--audio-drift stretch")), "{name}");

        let stretched = folder.path().join("stretched.mkv");
        let mut job = job(&source, &stretched, "flac");
        job.source.audio_drift = AudioDrift::Stretch;
        let report = done(&job);
        assert_eq!(ledger(&report), (0, 0), "{name}");
        let rate = report.outputs[0].plan.audio[0].sample_rate as f64;
        let heard = onsets(&heard(&stretched));
        let first = heard[0] as f64;
        assert_eq!(heard.len(), 40, "{name}: {heard:?}");
        for (second, onset) in heard.iter().enumerate() {
            let expected = first + second as f64 * rate * (1.0 + parts as f64 / 1e6);
            assert!(
                (*onset as f64 - expected).abs() < rate * 0.004,
                "{name}: beep {second} at {onset}, not {expected}"
            );
        }
    }
}

#[test]
fn a_single_missing_block_is_reported() {
    let whole = made_by_ffmpeg("block-whole.mkv", &format!("{} -c:a ac3 -ac 2", beeps(4.0, RATE)));
    let source =
        made_by_ffmpeg("block-missing.mkv", &format!("-i {} -c copy -bsf:a noise=drop=eq(n\\,40)", whole.display()));
    let folder = folder();
    let report = done(&job(&source, &folder.path().join("out.mkv"), "flac"));
    let timing = report.timing_of_source.values().next().expect("a gap");
    assert_eq!(timing.gaps, 1, "{timing:?}");
    ledger(&report);
}
