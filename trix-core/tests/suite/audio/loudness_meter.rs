//! Tests of the loudness meter. It returns the values of EBU Tech 3341 and 3342 for their test signals, which this file
//! generates from their definitions. On other audio, it agrees with the ffmpeg program. Normalised audio has its target
//! loudness.

use std::path::Path;

use trix_core::{
    ErrorKind, OnDamage, Source,
    control::cancel::Cancel,
    loudness::{Meter, measure, measure_audio, settle},
    plan::Loudness,
    reading::audio_reader::AudioReader,
    settings::{
        audio_edit::AudioEdit,
        track::{LoudnessMode, LoudnessTarget},
    },
};
use trix_fixtures::{folder, media, program};

use crate::support::{
    number,
    waves::{factor, noise, open, tone, write_wave},
};

const RATE: u32 = 48_000;

/// Makes a sine of 1 kHz from pieces of (peak in dBFS, seconds) with continuous phase.
fn pieces(list: &[(f64, f64)]) -> Vec<f64> {
    let mut audio = Vec::new();
    for (level, seconds) in list {
        let amplitude = if level.is_finite() { factor(*level) } else { 0.0 };
        let start = audio.len();
        let samples = (seconds * f64::from(RATE)).round() as usize;
        let step = std::f64::consts::TAU * 1000.0 / f64::from(RATE);
        audio.extend((start..start + samples).map(|at| amplitude * (step * at as f64).sin()));
    }
    audio
}

fn measured(channels: &[Vec<f64>], loudspeakers: &str) -> Loudness {
    let names: Vec<String> = loudspeakers.split(' ').map(str::to_owned).collect();
    let mut meter = Meter::new(channels.len(), RATE, Some(&names)).expect("a meter");
    meter.push_samples(channels).expect("samples");
    meter.finish()
}

fn stereo(list: &[(f64, f64)]) -> Loudness {
    let audio = pieces(list);
    measured(&[audio.clone(), audio], "FL FR")
}

fn near(found: Option<f64>, expected: f64, tolerance: f64, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: nothing"));
    assert!((found - expected).abs() <= tolerance, "{what}: {found} for {expected}");
}

const SILENCE: f64 = f64::NEG_INFINITY;

#[test]
fn integrated_loudness_equals_tech_3341_cases_1_to_6() {
    for (number, list, expected) in [
        (1, &[(-23.0, 20.0)][..], -23.0),
        (2, &[(-33.0, 20.0)], -33.0),
        (3, &[(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
        (4, &[(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
        (5, &[(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
    ] {
        let found = stereo(list);
        near(found.integrated_lufs, expected, 0.1, &format!("signal {number}"));
        if number <= 2 {
            near(found.max_momentary_lufs, expected, 0.1, &format!("signal {number}, momentary"));
            near(found.max_short_term_lufs, expected, 0.1, &format!("signal {number}, short-term"));
        }
    }
    let [front, centre, surround] = [-28.0, -24.0, -30.0].map(|level| pieces(&[(level, 20.0)]));
    let channels = [front.clone(), front, centre, surround.clone(), surround];
    for loudspeakers in ["FL FR FC SL SR", "FL FR FC BL BR"] {
        near(measured(&channels, loudspeakers).integrated_lufs, -23.0, 0.1, "signal 6");
    }
}

#[test]
fn short_term_and_momentary_loudness_are_those_of_tech_3341_9_to_14() {
    let repeated = |list: &[(f64, f64)], times: usize| list.repeat(times);
    near(stereo(&repeated(&[(-20.0, 1.34), (-30.0, 1.66)], 5)).max_short_term_lufs, -23.0, 0.1, "signal 9");
    near(stereo(&repeated(&[(-20.0, 0.18), (-30.0, 0.22)], 25)).max_momentary_lufs, -23.0, 0.1, "signal 12");
    for step in 0..20 {
        let late = f64::from(step);
        let found = stereo(&[(SILENCE, late * 0.15), (-23.0, 3.0), (SILENCE, 1.0)]);
        near(found.max_short_term_lufs, -23.0, 0.1, &format!("signal 10, segment {step}"));
        let found = stereo(&[(SILENCE, late * 0.02), (-23.0, 0.4), (SILENCE, 1.0)]);
        near(found.max_momentary_lufs, -23.0, 0.1, &format!("signal 13, segment {step}"));
        // Signals 11 and 14 are the same, but each segment is 1 dB louder than the one before.
        let level = -38.0 + late;
        let found = stereo(&[(SILENCE, late * 0.15), (level, 3.0), (SILENCE, 3.0 - late * 0.15)]);
        near(found.max_short_term_lufs, level, 0.1, &format!("signal 11, segment {step}"));
        let found = stereo(&[(SILENCE, late * 0.02), (level, 0.4), (SILENCE, 0.4 - late * 0.02)]);
        near(found.max_momentary_lufs, level, 0.1, &format!("signal 14, segment {step}"));
    }
}

/// Makes a sine of `rate / divisor`. It fades in and out over 20 ms, so that its edges add no peaks.
fn faded(divisor: f64, amplitude: f64, degrees: f64) -> Vec<f64> {
    let samples = RATE as usize;
    let fade = |at: usize| (at.min(samples - 1 - at) as f64 / 960.0).min(1.0);
    let phase = |at: usize| std::f64::consts::TAU * at as f64 / divisor + degrees.to_radians();
    (0..samples).map(|at| amplitude * fade(at) * phase(at).sin()).collect()
}

#[test]
fn true_peaks_are_those_of_tech_3341_15_to_19() {
    for (number, divisor, amplitude, degrees, expected) in [
        (15, 4.0, 0.5, 0.0, -6.0),
        (16, 4.0, 0.5, 45.0, -6.0),
        (17, 6.0, 0.5, 60.0, -6.0),
        (18, 8.0, 0.5, 67.5, -6.0),
        (19, 4.0, 1.41, 45.0, 3.0),
    ] {
        let audio = faded(divisor, amplitude, degrees);
        let found = measured(&[audio.clone(), audio], "FL FR");
        let peak = found.true_peak_dbtp.expect("a peak");
        assert!((expected - 0.4..=expected + 0.2).contains(&peak), "signal {number}: {peak}");
        assert_eq!(found.true_peaks_dbtp, [Some(peak), Some(peak)]);
        // The true peak between samples is at least the sample peak.
        assert!(found.sample_peak_dbfs.expect("a peak") <= peak + 0.01, "signal {number}");
    }
}

#[test]
fn loudness_range_equals_tech_3342_cases_1_to_4() {
    for (number, list, expected) in [
        (1, &[(-20.0, 20.0), (-30.0, 20.0)][..], 10.0),
        (2, &[(-20.0, 20.0), (-15.0, 20.0)], 5.0),
        (3, &[(-40.0, 20.0), (-20.0, 20.0)], 20.0),
        (4, &[(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)], 15.0),
    ] {
        near(stereo(list).range_lu, expected, 1.0, &format!("signal {number}"));
    }
}

#[test]
fn silence_has_no_loudness() {
    let found = stereo(&[(SILENCE, 5.0)]);
    let none = [
        found.integrated_lufs,
        found.range_lu,
        found.true_peak_dbtp,
        found.sample_peak_dbfs,
        found.max_momentary_lufs,
        found.max_short_term_lufs,
    ];
    assert_eq!((none, found.samples), ([None; 6], 240_000));
    // Audio shorter than a block of 400 ms has peaks but no loudness.
    let short = stereo(&[(-20.0, 0.2)]);
    assert!(short.integrated_lufs.is_none() && short.range_lu.is_none() && short.true_peak_dbtp.is_some());
    let unknown = f64::NAN;
    let mut meter = Meter::new(1, RATE, None).expect("a meter");
    let mut audio = tone(1000.0, 0.1, RATE, 96_000);
    audio[4000] = unknown;
    meter.push_samples(&[audio]).expect("samples");
    near(meter.finish().integrated_lufs, -23.0, 0.1, "a sample that is no number");
}

#[test]
fn loudness_does_not_depend_on_sample_format_or_block_size() {
    let folder = folder();
    let audio = [noise(1, 200_000), noise(2, 200_000)].map(|noise| noise.iter().map(|sample| sample * 0.2).collect());
    let mut all = Vec::new();
    for bits in [16, 24, 32, 64] {
        let path = folder.path().join(format!("{bits}.wav"));
        write_wave(&path, &audio, RATE, bits);
        all.push(measure_file(&path));
    }
    all.push(measured(&audio, "FL FR"));
    for found in &all {
        near(found.integrated_lufs, all[4].integrated_lufs.unwrap(), 0.001, "integrated");
        near(found.true_peak_dbtp, all[4].true_peak_dbtp.unwrap(), 0.001, "true peak");
        assert_eq!(found.samples, 200_000);
    }
    assert_eq!(all[3], all[4], "64-bit floating point is what it is");
}

fn measure_file(path: &Path) -> Loudness {
    let source = Source::open(path).expect("a source");
    measure(source, None, OnDamage::Fail, &Cancel::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Measures with the ffmpeg filter ebur128: integrated loudness, range, true peak.
fn by_ebur128(path: &Path) -> [f64; 3] {
    let line = "-hide_banner -nostdin -map 0:a:0 -af ebur128=peak=true+sample:framelog=verbose -f null -";
    let arguments = ["-i", path.to_str().expect("a name")].into_iter().chain(line.split(' '));
    let output = program::run("ffmpeg", arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = text.rsplit("Summary:").next().expect("a summary");
    let value = |key: &str| {
        let section = summary.split(key).nth(1).unwrap_or_else(|| panic!("{key} in {summary}"));
        section.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(f64::NEG_INFINITY)
    };
    [
        value("I:"),
        value("LRA:"),
        summary.split("True peak:").nth(1).map_or(f64::NAN, |rest| {
            rest.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(f64::NEG_INFINITY)
        }),
    ]
}

/// Measures with the first pass of ffmpeg's loudnorm: integrated loudness, range, true peak.
fn by_loudnorm(path: &Path) -> [f64; 3] {
    let line = "-hide_banner -nostdin -map 0:a:0 -af loudnorm=print_format=json -f null -";
    let arguments = ["-i", path.to_str().expect("a name")].into_iter().chain(line.split(' '));
    let output = program::run("ffmpeg", arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let start = text.rfind('{').expect("JSON");
    let end = text.rfind('}').expect("JSON");
    let json: serde_json::Value = serde_json::from_str(&text[start..=end]).expect("JSON");
    ["input_i", "input_lra", "input_tp"].map(|key| number(&json[key]))
}

#[test]
fn ffmpeg_measures_the_same_on_made_audio() {
    let folder = folder();
    // A minute of changing level, and 4 seconds of silence. loudnorm ignores the last 3 seconds.
    let swelling = |seed: u64, rate: usize| -> Vec<f64> {
        let level = |at: usize| 0.05 + 0.3 * (at as f64 / (4 * rate) as f64).cos().powi(2);
        // A moving average removes frequencies near half the sample rate, where programs interpolate between samples
        // differently.
        let smooth = noise(seed, rate * 60 + 7);
        let audio = (0..rate * 60).map(|at| smooth[at..at + 8].iter().sum::<f64>() / 4.0 * level(at));
        audio.chain(std::iter::repeat_n(0.0, rate * 4)).collect()
    };
    for (name, channels, rate) in [
        ("mono", vec![swelling(1, 48_000)], 48_000),
        ("stereo", vec![swelling(2, 48_000), swelling(3, 48_000)], 48_000),
        ("stereo-44", vec![swelling(4, 44_100), swelling(5, 44_100)], 44_100),
        ("stereo-96", vec![swelling(6, 96_000), swelling(7, 96_000)], 96_000),
    ] {
        let path = folder.path().join(format!("{name}.wav"));
        write_wave(&path, &channels, rate, 24);
        let found = agrees(&path);
        let [integrated, range, _] = by_loudnorm(&path);
        near(found.integrated_lufs, integrated, 0.05, &format!("{name}, integrated by loudnorm"));
        near(found.range_lu, range, 0.1, &format!("{name}, range by loudnorm"));
    }
    let path = folder.path().join("surround.mov");
    let expressions: Vec<String> =
        (1..=6).map(|channel| format!("0.0{channel}*sin({channel}00*2*PI*t)*(1+sin(t))")).collect();
    program::ffmpeg(&format!(
        "-f lavfi -i aevalsrc={}:c=5.1:s=48000:d=60 -c:a pcm_s24le {}",
        expressions.join("|"),
        path.display()
    ));
    agrees(&path);
}

/// Asserts that the meter agrees with ebur128, which prints tenths. ebur128 computes the range from windows 10 times a
/// second and Trix once a second, and Tech 3342 allows a difference of 1 LU. True peaks of ebur128 are up to 0.4 dB too
/// low.
fn agrees(path: &Path) -> Loudness {
    let found = measure_file(path);
    let name = path.display();
    let [integrated, range, peak] = by_ebur128(path);
    if integrated < -69.0 || !integrated.is_finite() {
        // ebur128 prints this value if no block passes the gates.
        assert!(found.integrated_lufs.is_none_or(|loudness| loudness < -69.0), "{name}: {found:?}");
        return found;
    }
    near(found.integrated_lufs, integrated, 0.06, &format!("{name}, integrated"));
    near(found.true_peak_dbtp.map(|peak| peak + 0.2), peak, 0.25, &format!("{name}, true peak"));
    if found.samples >= u64::from(found.sample_rate) * 10 {
        near(found.range_lu, range, 1.0, &format!("{name}, range"));
    }
    found
}

#[test]
fn ffmpeg_measures_the_same_on_real_files() {
    let mut count = 0;
    for path in media::files() {
        let source = Source::open(&path);
        let Some(reader) = source.ok().and_then(|source| AudioReader::new(source, None, OnDamage::Fail).ok()) else {
            continue;
        };
        // Programs use different channel weights for other layouts.
        if !["mono", "stereo", "5.1", "5.1(side)"].contains(&reader.layout()) {
            continue;
        }
        agrees(&path);
        count += 1;
    }
    assert!(media::folder().is_none() || count >= 5, "{count} files with audio");
}

#[test]
fn normalised_audio_has_the_target_loudness() {
    let folder = folder();
    // Soft noise, and the same noise with peaks that leave no headroom.
    let soft: Vec<f64> = noise(1, 480_000).into_iter().map(|sample| sample * 0.03).collect();
    let mut peaky = soft.clone();
    (24_000..480_000).step_by(48_000).for_each(|at| {
        (0..48).for_each(|away| peaky[at + away] = 0.8 * (away as f64 / 48.0 * std::f64::consts::PI).sin());
    });
    let paths = [("soft.wav", soft), ("peaky.wav", peaky)].map(|(name, audio)| {
        let path = folder.path().join(name);
        write_wave(&path, &[audio.clone(), audio], RATE, 24);
        path
    });
    for (path, limited) in paths.iter().zip([false, true]) {
        for mode in [LoudnessMode::Linear, LoudnessMode::Dynamic] {
            let target = LoudnessTarget { integrated_lufs: -16.0, true_peak_dbtp: -1.0, mode };
            let audio = |edit| {
                let reader = open(path);
                let form = reader.as_it_is().in_format("s32", Some(24), true);
                Ok(reader.converted(form, edit))
            };
            let cancel = Cancel::default();
            let found = settle(audio, AudioEdit::default(), &target, &cancel).expect("audio");
            let normalisation = found.normalisation;
            assert_eq!(normalisation.limited, limited, "{normalisation:?}");
            let edit = normalisation.applied_to(AudioEdit::default());
            let after = measure_audio(&mut audio(edit).expect("a reader"), &cancel).expect("audio");
            let what = format!("{}, {mode:?}: {after:?}", path.display());
            assert_eq!(after.samples, 480_000, "{what}");
            assert!(after.true_peak_dbtp.expect("a peak") <= -1.0 + 0.05, "{what}");
            near(after.integrated_lufs, normalisation.expected_lufs.expect("a loudness"), 0.05, &what);
            if mode == LoudnessMode::Dynamic || !limited {
                near(after.integrated_lufs, -16.0, 0.1, &what);
            } else {
                near(after.true_peak_dbtp, -1.0, 0.05, &what);
                assert!(after.integrated_lufs < Some(-16.5), "{what}");
            }
            assert_eq!(found.limited.is_some(), limited && mode == LoudnessMode::Dynamic);
        }
    }
}

#[test]
fn loudness_of_a_source_without_audio_is_refused() {
    let folder = folder();
    let path = folder.path().join("empty.wav");
    write_wave(&path, &[Vec::new()], RATE, 16);
    let Ok(source) = Source::open(&path) else { return };
    let error = measure(source, None, OnDamage::Fail, &Cancel::default()).expect_err("no audio");
    assert!(matches!(error.kind(), ErrorKind::MalformedInput | ErrorKind::Unsupported), "{error}");
}
