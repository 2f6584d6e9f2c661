//! Tests of audio conversion. Lossless codecs return the samples of the source, and every codec keeps channels apart.
//! Changes of rate, depth and layout agree with an independent computation.

use std::path::{Path, PathBuf};

use trix_core::{
    Control, ErrorKind, Job, Report,
    plan::Resampler,
    run_job,
    settings::{
        audio::{AudioSettings, AudioShape},
        job::VerifyLevel,
        video::VideoSettings,
    },
};
use trix_fixtures::{folder, program};

use crate::support::{self, done, ffprobe, made_by_ffmpeg, quick, samples, text};

/// Every audio codec, and the containers that hold it.
const TARGETS: [(&str, &[&str]); 7] = [
    ("aac", &["mp4", "mov", "mkv"]),
    ("opus", &["mp4", "mkv"]),
    ("ac3", &["mp4", "mov", "mkv"]),
    ("eac3", &["mp4", "mov", "mkv"]),
    ("flac", &["mp4", "mkv"]),
    ("alac", &["mp4", "mov", "mkv"]),
    ("pcm", &["mov", "mkv"]),
];

fn settings(codec: &str) -> AudioSettings {
    codec.parse().expect("a codec")
}

/// A job with full verification that encodes only the audio of `source`.
fn job(source: &Path, output: &Path, codec: &str) -> Job {
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::None;
    job.outputs[0].audio = settings(codec);
    job.outputs[0].verify = VerifyLevel::Full;
    job
}

fn shaped(source: &Path, output: &Path, codec: &str, shape: AudioShape) -> Job {
    let mut job = job(source, output, codec);
    job.outputs[0].audio_shape = shape;
    job
}

fn layout(name: &str) -> AudioShape {
    AudioShape { layout: Some(name.into()), ..Default::default() }
}

fn rate(hertz: u32) -> AudioShape {
    AudioShape { sample_rate: Some(hertz), ..Default::default() }
}

/// Returns the floating-point samples of the first audio track, by channel.
fn channels(file: &Path) -> Vec<Vec<f64>> {
    let json = ffprobe(file, "-select_streams a:0 -show_streams");
    let count = json["streams"][0]["channels"].as_u64().expect("channels") as usize;
    let bytes = samples(file, 0, "f64le");
    let all: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    (0..count).map(|channel| all.iter().skip(channel).step_by(count).copied().collect()).collect()
}

/// Makes one second of audio with one expression for each channel.
fn source(name: &str, expressions: &[String], layout: &str, sample_rate: u32, codec: &str) -> PathBuf {
    let expressions = expressions.join("|");
    made_by_ffmpeg(name, &format!("-f lavfi -i aevalsrc={expressions}:c={layout}:s={sample_rate}:d=1 -c:a {codec}"))
}

fn tone(frequency: u32) -> String {
    format!("0.3*sin({frequency}*2*PI*t)")
}

/// Returns the amplitude of a tone (Goertzel).
fn strength(samples: &[f64], frequency: f64, sample_rate: f64) -> f64 {
    let (sin, cos) = (std::f64::consts::TAU * frequency / sample_rate).sin_cos();
    let (mut re, mut im, mut s, mut c) = (0.0, 0.0, 0.0, 1.0);
    for sample in samples {
        (re, im) = (re + sample * c, im + sample * s);
        (s, c) = (s * cos + c * sin, c * cos - s * sin);
    }
    2.0 * f64::hypot(re, im) / samples.len() as f64
}

#[test]
fn every_codec_keeps_its_channels_apart_and_in_order() {
    let folder = folder();
    // The LFE channel carries nothing above 120 Hz.
    for (name, tones) in [
        ("mono", &[300][..]),
        ("stereo", &[300, 600]),
        ("5.1(side)", &[300, 600, 900, 80, 1500, 1800]),
        ("7.1", &[300, 600, 900, 80, 1500, 1800, 2100, 2400]),
    ] {
        let expressions: Vec<String> = tones.iter().map(|frequency| tone(*frequency)).collect();
        // For 7.1, MOV has another order, which old programs do not keep to.
        let file = format!("tones-{}.wav", name.replace(['(', ')'], "-"));
        let source = source(&file, &expressions, name, 48_000, "pcm_s24le");
        for (codec, containers) in TARGETS {
            if name == "7.1" && matches!(codec, "ac3" | "eac3" | "alac") {
                continue;
            }
            for extension in containers {
                let output = folder.path().join(format!("{name}-{codec}.{extension}"));
                done(&job(&source, &output, codec));
                let found = channels(&output);
                assert_eq!(found.len(), tones.len(), "{name}, {codec} in {extension}");
                for (index, samples) in found.iter().enumerate() {
                    let middle = &samples[12_000..36_000];
                    for (other, frequency) in tones.iter().enumerate() {
                        let level = strength(middle, f64::from(*frequency), 48_000.0);
                        let what = format!("{name}, {codec} in {extension}: {frequency} Hz in {index} is {level}");
                        if other == index {
                            assert!((0.27..0.33).contains(&level), "{what}");
                        } else {
                            assert!(level < 0.01, "{what}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn lossless_codecs_give_back_5_1_at_every_depth() {
    let folder = folder();
    for (name, codec, format) in [
        ("16", "pcm_s16le", "s16le"),
        ("24", "pcm_s24le", "s32le"),
        ("32", "pcm_s32le", "s32le"),
        ("float", "pcm_f32le", "f32le"),
    ] {
        let expressions: Vec<String> = (0..6).map(|_| "0.9*(random(0)-0.5)".to_owned()).collect();
        let source = source(&format!("noise-5.1-{name}.mov"), &expressions, "5.1", 48_000, codec);
        for (codec, containers) in [
            ("flac", &["mp4", "mkv"][..]),
            ("alac", &["mp4", "mov", "mkv"]),
            ("pcm", &["mov", "mkv"]),
            (&format!("pcm{}", name.replace("float", "f32")), &["mov", "mkv"]),
        ] {
            // Neither codec has more than 24 bits.
            if matches!(codec, "flac" | "alac") && matches!(name, "32" | "float") {
                continue;
            }
            for extension in containers {
                let output = folder.path().join(format!("{name}-{codec}.{extension}"));
                let report = done(&job(&source, &output, codec));
                let (ours, theirs) = (samples(&output, 0, format), samples(&source, 0, format));
                assert_eq!(ours.len(), theirs.len(), "{name} bits, {codec} in {extension}");
                assert!(ours == theirs, "{name} bits, {codec} in {extension}: samples differ");
                let proved =
                    report.outputs[0].verification.checks.iter().any(|check| check.name == "track 0 samples by hash");
                assert!(proved, "{:?}", report.outputs[0].verification.checks);
                assert_eq!(report.outputs[0].plan.decisions, [], "nothing is decided where nothing changes");
            }
        }
    }
}

/// Returns one sample per element, in the raw ffmpeg format `format`.
fn column(file: &Path, format: &str) -> Vec<f64> {
    let bytes = samples(file, 0, format);
    match format {
        "s16le" => bytes.as_chunks::<2>().0.iter().map(|bytes| f64::from(i16::from_le_bytes(*bytes))).collect(),
        _ => bytes.as_chunks::<4>().0.iter().map(|bytes| f64::from(i32::from_le_bytes(*bytes))).collect(),
    }
}

#[test]
fn fewer_bits_are_dithered_and_not_cut() {
    // Three tenths of a 16-bit step: truncation or rounding would give silence.
    let source = source("quiet.mov", &["0.3/32768".to_owned()], "mono", 48_000, "pcm_s24le");
    let folder = folder();
    let output = folder.path().join("quiet.mov");
    let report = done(&job(&source, &output, "pcm16"));
    assert!(report.outputs[0].plan.audio[0].dithered);
    assert_eq!(report.outputs[0].plan.decisions.len(), 1, "{:?}", report.outputs[0].plan.decisions);
    let steps = column(&output, "s16le");
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    assert!((mean - 0.3).abs() < 0.02, "the mean is {mean} steps");
    // Dither is triangular noise of one step to either side. The rounding adds its own noise.
    let variance = steps.iter().map(|step| (step - mean).powi(2)).sum::<f64>() / steps.len() as f64;
    assert!(steps.iter().all(|step| step.abs() <= 2.0));
    assert!((variance - 0.25).abs() < 0.03, "the variance is {variance} square steps");
    // A conversion to more bits appends zeros.
    let wide = folder.path().join("wide.mov");
    assert!(!done(&job(&source, &wide, "pcm32")).outputs[0].plan.audio[0].dithered);
    assert_eq!(column(&wide, "s32le"), column(&source, "s32le"));
}

#[test]
fn a_resampled_tone_keeps_frequency_level_and_place() {
    let folder = folder();
    for (from, to) in [(44_100, 48_000), (48_000, 44_100), (96_000, 48_000), (48_000, 96_000)] {
        // Double precision, so that the error of the source is 60 dB below the error that the test measures.
        let source = source(&format!("tone-{from}.mkv"), &["0.5*sin(997*2*PI*t)".into()], "mono", from, "pcm_f64le");
        let output = folder.path().join(format!("{from}-{to}.mkv"));
        let report = done(&shaped(&source, &output, "pcmf32", rate(to)));
        let resampler = report.outputs[0].plan.audio[0].resampler.expect("a resampler");
        let found = &channels(&output)[0];
        assert_eq!(found.len(), to as usize, "a second at {to} Hz");
        // Skip the edges, where the filter lacks neighbouring samples.
        let (first, last) = (found.len() / 8, found.len() * 7 / 8);
        let ideal = |at: usize| 0.5 * (997.0 * std::f64::consts::TAU * at as f64 / f64::from(to)).sin();
        let worst = (first..last).map(|at| (found[at] - ideal(at)).abs()).fold(0.0, f64::max);
        let decibel = 20.0 * (worst / 0.5).log10();
        let most = if resampler == Resampler::Soxr { -140.0 } else { -100.0 };
        assert!(decibel < most, "{from} to {to} by {resampler:?}: the largest error is {decibel} dB");
    }
}

#[test]
fn resampled_and_mixed_audio_is_the_same_every_time() {
    let folder = folder();
    for (codec, bits) in [("pcm_s16le", 16), ("pcm_s24le", 24), ("pcm_s32le", 32)] {
        let name = format!("resampled-{bits}-bits.wav");
        let source = source(&name, &[tone(440), tone(660)], "stereo", 44_100, codec);
        for (turn, shape) in [rate(48_000), layout("mono"), rate(8000)].into_iter().enumerate() {
            let made = |number: usize| {
                let output = folder.path().join(format!("{bits}-{turn}-{number}.mkv"));
                let report = done(&shaped(&source, &output, "pcm", shape.clone()));
                let plan = &report.outputs[0].plan.audio[0];
                assert_eq!((plan.codec.as_str(), plan.dithered), (codec, bits < 32));
                std::fs::read(output).expect("the output")
            };
            let first = made(0);
            assert!((1..4).all(|number| made(number) == first), "{codec}, turn {turn}");
        }
    }
}

#[test]
fn audio_of_32_bits_is_resampled_with_more_than_24() {
    let folder = folder();
    // At this level, a 24-bit step is a sixteenth of the amplitude.
    let quiet = ["1e-6*sin(440*2*PI*t)".to_owned()];
    let source = source("resampled-quiet.wav", &quiet, "mono", 44_100, "pcm_s32le");
    let output = folder.path().join("quiet.mkv");
    done(&shaped(&source, &output, "pcm", rate(48_000)));
    let found = &channels(&output)[0];
    for (number, sample) in found.iter().enumerate().skip(4800).take(38_400) {
        let expected = 1e-6 * (440.0 * std::f64::consts::TAU * number as f64 / 48_000.0).sin();
        assert!((sample - expected).abs() < 2e-9, "sample {number}: {sample} and not {expected}");
    }
}

#[test]
fn the_standard_downmix_has_the_factors_of_bs_775_and_does_not_clip() {
    let half = 0.5f64.sqrt();
    // From FL FR FC LFE SL SR to left and right by ITU-R BS.775-4, annex 4, without LFE. The sum of the factors scales
    // the result.
    let stereo = [[1.0, 0.0, half, 0.0, half, 0.0], [0.0, 1.0, half, 0.0, 0.0, half]];
    let scale = 1.0 / (1.0 + 2.0 * half);
    let folder = folder();
    let noise: Vec<String> = (0..6).map(|_| "1.8*(random(0)-0.5)".to_owned()).collect();
    for name in ["5.1", "5.1(side)"] {
        let file = format!("noise-{}.mov", name.replace(['(', ')'], "-"));
        let source = source(&file, &noise, name, 48_000, "pcm_s24le");
        let output = folder.path().join(&file);
        let report = done(&shaped(&source, &output, "pcmf32", layout("stereo")));
        assert!(report.outputs[0].plan.decisions[0].what.contains("BS.775"), "{:?}", report.outputs[0].plan.decisions);
        let (before, after) = (channels(&source), channels(&output));
        assert_eq!((after.len(), after[0].len()), (2, before[0].len()));
        for (row, channel) in stereo.iter().zip(&after) {
            for (at, found) in channel.iter().enumerate() {
                let expected: f64 = row.iter().zip(&before).map(|(factor, from)| factor * scale * from[at]).sum();
                assert!((found - expected).abs() < 1.0 / 32768.0, "{name}: {found} at {at} for {expected}");
            }
        }
    }
    // Full scale in every channel gives full scale in the mix, and no more.
    let loud: Vec<String> = (0..6).map(|_| "0.999".to_owned()).collect();
    let source = source("loud-5.1.mov", &loud, "5.1", 48_000, "pcm_s24le");
    let output = folder.path().join("loud.mov");
    done(&shaped(&source, &output, "pcmf32", layout("stereo")));
    for channel in channels(&output) {
        assert!(channel[24_000] <= 1.0 && (channel[24_000] - 0.999).abs() < 1e-4, "{}", channel[24_000]);
    }
}

#[test]
fn a_matrix_is_applied_as_it_is_and_clips() {
    let noise: Vec<String> = (0..3).map(|_| "0.9*(random(0)-0.5)".to_owned()).collect();
    let source = source("noise-3.0.mov", &noise, "3.0", 48_000, "pcm_s24le");
    let rows = vec![vec![1.0, 0.0, 0.7], vec![-0.25, 2.0, 1.5]];
    let folder = folder();
    let output = folder.path().join("matrix.mov");
    let shape = AudioShape { matrix: rows.clone(), ..Default::default() };
    let report = done(&shaped(&source, &output, "pcm24", shape));
    assert_eq!(report.outputs[0].plan.audio[0].layout, "stereo", "two rows are stereo");
    let (before, after) = (channels(&source), channels(&output));
    let mut clipped = 0;
    for (row, channel) in rows.iter().zip(&after) {
        for (at, found) in channel.iter().enumerate() {
            let expected: f64 = row.iter().zip(&before).map(|(factor, from)| factor * from[at]).sum();
            clipped += usize::from(expected.abs() > 1.0);
            assert!((found - expected.clamp(-1.0, 1.0)).abs() < 1.0 / 32768.0, "{found} at {at} for {expected}");
        }
    }
    assert!(clipped > 100, "{clipped} samples are out of range");
}

#[test]
fn every_codec_plays_as_many_samples_as_went_in() {
    // The first length is a multiple of no codec's block size. The second is a multiple of AC-3's, whose encoder holds
    // samples back. The video is longer, because GStreamer's demuxer stops at the end of the movie and counts the
    // priming as a part of it.
    for length in [50_001, 1536 * 30] {
        let source = made_by_ffmpeg(
            &format!("length-{length}-with-video.mov"),
            &format!(
                "-f lavfi -i color=size=64x64:rate=25:d=1.4 -f lavfi -i \
                 anoisesrc=r=48000:seed=5:a=0.3,atrim=end_sample={length} -c:v libx264 -preset ultrafast -c:a pcm_s16le"
            ),
        );
        let folder = folder();
        for (codec, containers) in TARGETS {
            for extension in containers {
                let what = format!("{length} samples, {codec} in {extension}");
                let output = folder.path().join(format!("{length}-{codec}")).with_extension(extension);
                let mut job = job(&source, &output, codec);
                job.outputs[0].video = VideoSettings::Copy;
                done(&job);
                let json = ffprobe(&output, "-select_streams a:0 -show_frames");
                let frames = json["frames"].as_array().expect("frames");
                let start: f64 = support::number(&frames[0]["pts_time"]);
                let count: i64 = frames.iter().map(|frame| frame["nb_samples"].as_i64().expect("samples")).sum();
                // In Matroska, ffmpeg puts the priming before time zero and plays it.
                let before = (-start * 48_000.0).round() as i64;
                assert!(before >= 0, "{what}: begins at {start}");
                if *extension == "mkv" || matches!(codec, "flac" | "alac" | "pcm") {
                    assert_eq!(count - before, length, "{what}, by ffmpeg");
                } else {
                    // ffmpeg 5 and 6 do not trim a packet when an edit list of MP4 ends inside it. GStreamer does. Its
                    // times are in nanoseconds, so rounding can add a sample.
                    assert_eq!(before, 0, "{what}");
                    let found = by_gstreamer(&output);
                    assert!((length..=length + 1).contains(&found), "{what}: {found} by GStreamer");
                }
            }
        }
    }
}

/// Counts the samples of the first track that GStreamer plays.
fn by_gstreamer(file: &Path) -> i64 {
    let raw = file.with_extension("raw");
    let line = format!(
        "-q filesrc location={} ! qtdemux name=demux demux.audio_0 ! decodebin ! audioconvert ! audio/x-raw,format=S16LE ! filesink location={}",
        file.display(),
        raw.display()
    );
    program::run("gst-launch-1.0", line.split_whitespace());
    std::fs::metadata(&raw).expect("samples").len() as i64 / 2
}

#[test]
fn matroska_states_the_priming_of_every_codec() {
    let source = source("tone.mov", &[tone(440)], "mono", 48_000, "pcm_s16le");
    let folder = folder();
    for (codec, nanoseconds) in [("aac", 22_000_000u32), ("ac3", 6_000_000), ("eac3", 6_000_000), ("opus", 6_500_000)] {
        let output = folder.path().join(codec).with_extension("mkv");
        done(&job(&source, &output, codec));
        let bytes = std::fs::read(&output).expect("the file");
        let at = bytes.windows(2).position(|id| id == [0x56, 0xaa]).expect("CodecDelay");
        let size = usize::from(bytes[at + 2] & 0x7f);
        let found = bytes[at + 3..at + 3 + size].iter().fold(0u32, |value, byte| value << 8 | u32::from(*byte));
        assert_eq!(found, nanoseconds, "{codec}");
        // All checksums are correct, and no placeholder for the element is left.
        let checked = program::attempt(
            "ffmpeg",
            ["-v", "warning", "-err_detect", "crccheck+explode", "-i"].map(String::from).into_iter().chain([
                output.display().to_string(),
                "-f".into(),
                "null".into(),
                "-".into(),
            ]),
        );
        assert!(checked.status.success() && checked.stderr.is_empty(), "{}", String::from_utf8_lossy(&checked.stderr));
        let stream = &ffprobe(&output, "-show_streams")["streams"][0];
        assert_eq!(text(&stream["tags"]["title"]), "", "{codec}");
    }
}

#[test]
fn titles_and_priming_survive_together() {
    let source = made_by_ffmpeg(
        "titles.mkv",
        &format!(
            "-f lavfi -i sine=d=1 -f lavfi -i sine=d=1 -map 0 -map 1 -c:a pcm_s16le -metadata:s:a:0 title=Stereo \
             -metadata:s:a:1 title={} -metadata:s:a:1 language=ger",
            "Kommentar-".repeat(13)
        ),
    );
    let folder = folder();
    let output = folder.path().join("titles.mkv");
    done(&job(&source, &output, "aac"));
    let json = ffprobe(&output, "-show_streams");
    let titles: Vec<String> = (0..2).map(|track| text(&json["streams"][track]["tags"]["title"])).collect();
    assert_eq!(titles, ["Stereo".to_owned(), "Kommentar-".repeat(13)]);
    assert_eq!(text(&json["streams"][1]["tags"]["language"]), "ger");
}

#[test]
fn a_rate_that_a_codec_lacks_is_changed_and_said() {
    let folder = folder();
    for (codec, from, to) in
        [("opus", 44_100, 48_000), ("ac3", 96_000, 48_000), ("aac", 37_800, 44_100), ("flac", 37_800, 37_800)]
    {
        let source = source(&format!("rate-{from}.mkv"), &[tone(1000)], "mono", from, "pcm_s16le");
        let output = folder.path().join(codec).with_extension("mkv");
        let report = done(&job(&source, &output, codec));
        let stream = &ffprobe(&output, "-show_streams")["streams"][0];
        assert_eq!(text(&stream["sample_rate"]), to.to_string(), "{codec}");
        let said = report.outputs[0]
            .plan
            .decisions
            .iter()
            .any(|decision| decision.what.contains(&format!("{from} Hz become {to} Hz")));
        assert_eq!(said, from != to, "{codec}: {:?}", report.outputs[0].plan.decisions);
        let level = strength(&channels(&output)[0][to as usize / 4..to as usize * 3 / 4], 1000.0, f64::from(to));
        assert!((0.28..0.32).contains(&level), "{codec}: {level}");
    }
}

fn refused(source: &Path, output: &str, codec: &str, shape: AudioShape, words: &[&str]) {
    let folder = folder();
    let error = run_job(&shaped(source, &folder.path().join(output), codec, shape), &Control::default())
        .err()
        .unwrap_or_else(|| panic!("{codec} in {output} is not refused"));
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{error}: lacks {word}");
    }
}

#[test]
fn what_a_codec_or_container_cannot_hold_is_refused_with_what_it_can() {
    let expressions: Vec<String> = (0..8).map(|index| tone(300 + index)).collect();
    let wide = source("refused-7.1.mov", &expressions, "7.1", 48_000, "pcm_s16le");
    let none = AudioShape::default;
    refused(&wide, "x.mkv", "alac", none(), &["stream 0", "7.1", "5.1", "--audio-layout"]);
    refused(&wide, "x.mov", "opus", none(), &["mov", "opus", "aac", "pcm"]);
    refused(&wide, "x.mov", "flac", none(), &["mov", "flac", "alac"]);
    refused(&wide, "x.mp4", "pcm24", none(), &["mp4", "pcm", "alac"]);
    refused(&wide, "x.mkv", "ac3:200", layout("stereo"), &["200", "192", "640"]);
    refused(&wide, "x.mkv", "aac:900", layout("stereo"), &["900", "576"]);
    refused(&wide, "x.mkv", "opus:5", none(), &["audio.kbps", "6 to"]);
    refused(&wide, "x.mkv", "opus", rate(44_100), &["44100", "48000"]);
    refused(&wide, "x.mkv", "eac3", rate(96_000), &["96000", "48000"]);
    refused(&wide, "x.mkv", "flac", rate(1), &["sample_rate", "1000"]);
    refused(&wide, "x.mkv", "flac", layout("quadro"), &["quadro", "stereo", "5.1"]);
    refused(&wide, "x.mkv", "copy", layout("stereo"), &["audio_shape", "codec"]);
    let matrix = |rows: &[&[f64]]| AudioShape { matrix: rows.iter().map(|row| row.to_vec()).collect(), ..none() };
    refused(&wide, "x.mkv", "flac", matrix(&[&[1.0], &[1.0, 2.0]]), &["matrix", "row"]);
    refused(&wide, "x.mkv", "flac", matrix(&[&[1.0], &[1.0]]), &["matrix", "stream 0", "8 channels"]);
    refused(&wide, "x.mkv", "flac", matrix(&[&[0.5; 8], &[99.0; 8]]), &["matrix", "99", "16"]);
    refused(&wide, "x.mkv", "flac", matrix(&[&[0.5; 8], &[0.5; 8], &[0.5; 8]]), &["matrix", "layout"]);
    let stereo = AudioShape { layout: Some("mono".into()), ..matrix(&[&[0.5; 8], &[0.5; 8]]) };
    refused(&wide, "x.mkv", "flac", stereo, &["mono", "1 channels", "rows"]);
}

#[test]
fn channels_without_a_layout_are_kept_or_named_and_never_guessed() {
    // Matroska does not state the layout of PCM.
    let expressions: Vec<String> = [300, 600, 900, 80, 1500, 1800].iter().map(|frequency| tone(*frequency)).collect();
    let source = source("unknown-6.mkv", &expressions, "5.1", 48_000, "pcm_s16le");
    let folder = folder();
    let kept = folder.path().join("kept.mov");
    done(&job(&source, &kept, "pcm"));
    assert_eq!(samples(&kept, 0, "s16le"), samples(&source, 0, "s16le"));
    assert_eq!(text(&ffprobe(&kept, "-show_streams")["streams"][0]["channel_layout"]), "");
    refused(&source, "x.mkv", "aac", layout("3.0"), &["6 channels", "matrix"]);
    let named = folder.path().join("named.mp4");
    done(&shaped(&source, &named, "alac", layout("5.1")));
    assert_eq!(samples(&named, 0, "s16le"), samples(&source, 0, "s16le"));
    assert_eq!(text(&ffprobe(&named, "-show_streams")["streams"][0]["channel_layout"]), "5.1");
}

#[test]
fn audio_that_begins_late_is_preceded_by_silence() {
    let source = made_by_ffmpeg(
        "late.mov",
        "-f lavfi -i testsrc2=size=64x64:rate=25:d=1 -itsoffset 0.3 -f lavfi -i anoisesrc=r=48000:seed=8:d=0.5:a=0.5 \
         -map 0 -map 1 -c:v libx264 -preset ultrafast -c:a pcm_s16le",
    );
    let folder = folder();
    for extension in ["mp4", "mkv"] {
        let output = folder.path().join("late").with_extension(extension);
        let mut job = job(&source, &output, "flac");
        job.outputs[0].video = VideoSettings::X264(quick("threads=1"));
        let report: Report = done(&job);
        assert!(report.outputs[0].verification.checks.iter().all(|check| check.ok));
        assert_eq!(report.outputs[0].plan.decisions[0].what, "stream 1: 300.000 ms of silence come first");
        let (ours, theirs) = (samples(&output, 0, "s16le"), samples(&source, 0, "s16le"));
        let silence = 48_000 * 3 / 10 * 2;
        assert_eq!(ours.len(), silence + theirs.len(), "{extension}");
        assert!(ours[..silence].iter().all(|byte| *byte == 0), "{extension}");
        assert!(ours[silence..] == theirs, "{extension}");
    }
}

#[test]
fn the_priming_of_a_source_is_not_in_its_outputs() {
    let source = source("tone.mov", &[tone(440)], "mono", 48_000, "pcm_s16le");
    let folder = folder();
    for (codec, extension) in [("aac", "mp4"), ("aac", "mkv"), ("opus", "mkv"), ("ac3", "mov")] {
        let first = folder.path().join(format!("{codec}-first.{extension}"));
        let second = folder.path().join(format!("{codec}-{extension}-second.mkv"));
        done(&job(&source, &first, codec));
        done(&job(&first, &second, "pcm16"));
        let (before, after) = (&channels(&source)[0], &channels(&second)[0]);
        // The tone must have the same phase: half a period later, the error would be twice its amplitude.
        let error = |at: usize| (before[at] - after[at]).abs();
        let worst = (4800..43_200).map(error).fold(0.0, f64::max);
        assert!(worst < 0.02, "{codec} in {extension}: off by {worst}");
    }
}

#[test]
fn copied_audio_keeps_its_priming_from_container_to_container() {
    let source = source("tone.mov", &[tone(440)], "mono", 48_000, "pcm_s16le");
    let folder = folder();
    let [first, second, third] = ["first.mp4", "second.mkv", "third.mp4"].map(|name| folder.path().join(name));
    done(&job(&source, &first, "aac"));
    done(&job(&first, &second, "copy"));
    done(&job(&second, &third, "copy"));
    let starts = |file: &Path| {
        let json = ffprobe(file, "-select_streams a:0 -show_packets");
        (text(&json["packets"][0]["pts_time"]), json["packets"].as_array().expect("packets").len())
    };
    let (start, packets) = starts(&first);
    assert_eq!(start, "-0.021333");
    assert_eq!(starts(&second), ("-0.021000".into(), packets), "Matroska counts milliseconds");
    // Back in MP4, the samples are those of the first file: CodecDelay states their position exactly.
    assert_eq!(starts(&third), ("-0.021333".into(), packets));
    // The second file states 1024 samples of 48 kHz in nanoseconds, so its first block lies at zero.
    let bytes = std::fs::read(&second).expect("the file");
    assert!(bytes.windows(7).any(|element| element == [0x56, 0xaa, 0x84, 0x01, 0x45, 0x85, 0x55]), "CodecDelay");
}

#[test]
fn full_verification_uses_the_clock_of_the_container() {
    // A transport stream begins at 1.4 s, when the buffer of a receiver is full.
    let source = made_by_ffmpeg(
        "clocked.mov",
        "-f lavfi -i testsrc2=s=96x64:r=25:d=2 -f lavfi -i sine=r=48000:d=2 -c:v prores_ks -c:a pcm_s16le",
    );
    let folder = folder();
    for (extension, codec) in
        [("ts", "aac"), ("ts", "ac3"), ("ts", "eac3"), ("m2ts", "ac3"), ("mxf", "pcm"), ("mp4", "aac"), ("mkv", "opus")]
    {
        let mut job = job(&source, &folder.path().join(format!("{codec}.{extension}")), codec);
        job.outputs[0].video = match extension {
            "mxf" => VideoSettings::Copy,
            _ => VideoSettings::X264(quick("")),
        };
        let report = done(&job);
        let checks = &report.outputs[0].verification.checks;
        assert!(checks.iter().any(|check| check.name == "track 1 first sample" && check.ok), "{extension} {codec}");
    }
}
