//! Tests of loudness in whole jobs. The report states the loudness that the ffmpeg program measures on each track. The
//! tests also measure normalised tracks with ffmpeg and compare the result with the target.

use std::path::{Path, PathBuf};

use trix_core::{
    Job,
    plan::Loudness,
    settings::{
        audio::AudioSettings,
        job::OutputSettings,
        track::{LoudnessMode, LoudnessTarget, TrackSettings},
        video::VideoSettings,
    },
};
use trix_fixtures::{TempDir, folder, program};

use crate::support::{
    self, done, made_by_ffmpeg, number, quick, samples,
    waves::{factor, tone, write_wave},
};

const RATE: u32 = 48_000;
const AAC: AudioSettings = AudioSettings::Aac { kbps: Some(256) };

/// Twelve seconds of chords in two channels, the second half quieter. With halves of this length, the loudness range is
/// the same for windows every second, as EBU Tech 3342 allows, and for windows every 100 ms. The signal consists of
/// tones, because lossy codecs reduce the power of noise.
fn programme(peak: f64) -> [Vec<f64>; 2] {
    [[311.0, 997.0, 2503.0], [401.0, 1201.0, 1999.0]].map(|chord| {
        let samples = 12 * RATE as usize;
        let tones = chord.map(|frequency| tone(frequency, peak / 3.0, RATE, samples));
        let level = |at: usize| if at < samples / 2 { 1.0 } else { 0.3 };
        (0..samples).map(|at| level(at) * tones.iter().map(|tone| tone[at]).sum::<f64>()).collect()
    })
}

/// A film that has a loud audio track.
fn film() -> PathBuf {
    made_by_ffmpeg(
        "loudness-film-of-tones.mov",
        "-f lavfi -i testsrc2=size=64x64:rate=25 -f lavfi -i aevalsrc=if(lt(t\\,6)\\,0.3\\,0.1)*sin(2*PI*997*t)|if(lt(t\\,6)\\,0.2\\,0.1)*sin(2*PI*440*t):s=48000 \
         -t 12 -c:v libx264 -preset ultrafast -g 25 -bf 0 -c:a pcm_s16le -f mov",
    )
}

/// Measures integrated loudness, range and true peak of audio track `track` with the filter of ffmpeg.
fn measured(file: &Path, track: usize) -> [Option<f64>; 3] {
    let line = format!("-hide_banner -nostdin -i {} -map 0:a:{track} -af ebur128=peak=true -f null -", file.display());
    let output = program::run("ffmpeg", line.split(' '));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = said.rsplit("Summary:").next().expect("a summary");
    ["I:", "LRA:", "Peak:"].map(|name| {
        let value = summary.split_whitespace().skip_while(|word| *word != name).nth(1)?;
        value.parse().ok().filter(|value: &f64| value.is_finite() && *value > -70.0)
    })
}

fn near(found: Option<f64>, expected: Option<f64>, most: f64, what: &str) {
    match (found, expected) {
        (Some(found), Some(expected)) => assert!((found - expected).abs() <= most, "{what}: {found} for {expected}"),
        (found, expected) => panic!("{what}: {found:?} for {expected:?}"),
    }
}

fn agrees(found: &Loudness, file: &Path, track: usize, most: [f64; 3]) {
    let [integrated, range, peak] = measured(file, track);
    let what = |of: &str| format!("{of} of track {track} of {}", file.display());
    // ffmpeg prints one decimal.
    near(found.integrated_lufs, integrated, most[0] + 0.05, &what("loudness"));
    near(found.range_lu, range, most[1] + 0.05, &what("range"));
    near(found.true_peak_dbtp, peak, most[2] + 0.05, &what("peak"));
}

fn job(folder: &TempDir, tracks: &[String], outputs: &[(&str, AudioSettings)]) -> Job {
    let mut job = Job::new(film(), "");
    job.tracks = tracks.iter().map(|text| text.parse::<TrackSettings>().expect("a track")).collect();
    let output = |(name, audio): &(&str, AudioSettings)| OutputSettings {
        path: folder.path().join(name),
        video: VideoSettings::X264(quick("bframes=0")),
        audio: *audio,
        ..Default::default()
    };
    job.outputs = outputs.iter().map(output).collect();
    job
}

#[test]
fn the_reported_loudness_of_every_track_is_what_ffmpeg_measures() {
    let folder = folder();
    let wave = folder.path().join("side.wav");
    write_wave(&wave, &programme(0.9), RATE, 24);
    let side = wave.display().to_string();
    let outputs = [("a.mkv", AudioSettings::Flac), ("b.mov", AudioSettings::Pcm), ("c.mp4", AAC)];
    let mut whole = job(&folder, std::slice::from_ref(&side), &outputs);
    whole.measure_loudness = true;
    let mut cut = job(&folder, std::slice::from_ref(&side), &[("d.mkv", AudioSettings::Flac), ("e.mp4", AAC)]);
    cut.measure_loudness = true;
    cut.source.start = Some("1".parse().expect("a time"));
    cut.source.duration = Some("10".parse().expect("a time"));
    let mut copied = job(&folder, &[side], &[("f.mkv", AudioSettings::Copy), ("g.mov", AudioSettings::Copy)]);
    copied.measure_loudness = true;
    for job in [whole, cut, copied] {
        for output in done(&job).outputs {
            assert_eq!(output.loudness.len(), 2, "{}", output.path.display());
            let is_lossy = output.path.extension().is_some_and(|extension| extension == "mp4");
            // ffmpeg also measures what the lossy codec changes, most of all where the level jumps.
            let most = if is_lossy { [0.1, 0.3, 1.5] } else { [0.1, 0.2, 0.2] };
            for (number, found) in output.loudness.iter().enumerate() {
                assert_eq!(found.track, number, "{}", output.path.display());
                agrees(&found.loudness, &output.path, number, most);
            }
        }
    }
}

#[test]
fn audio_of_the_source_and_of_side_files_reaches_its_target() {
    let folder = folder();
    let wave = folder.path().join("side.wav");
    // Quiet enough to keep its peaks below the limit at -16 LUFS.
    write_wave(&wave, &programme(0.3), RATE, 24);
    let tracks = [format!("{}:loudness=-16", wave.display()), wave.display().to_string()];
    for start in [None, Some("3.2")] {
        let mut job =
            job(&folder, &tracks, &[("a.mkv", AudioSettings::Flac), ("b.mp4", AAC), ("c.mov", AudioSettings::Pcm)]);
        job.source.start = start.map(|time| time.parse().expect("a time"));
        // The third output has no loudness target of its own. Only the settings of the external tracks apply.
        for output in &mut job.outputs[..2] {
            output.audio_shape.loudness = Some(LoudnessTarget::default());
        }
        job.measure_loudness = true;
        job.overwrite();
        let report = done(&job);
        for (output, targets) in report.outputs.iter().zip([
            [Some(-23.0), Some(-16.0), Some(-23.0)],
            [Some(-23.0), Some(-16.0), Some(-23.0)],
            [None, Some(-16.0), None],
        ]) {
            for (number, target) in targets.into_iter().enumerate() {
                let what = format!("track {number} of {}, from {start:?}", output.path.display());
                let plan = &output.plan.audio[number];
                let Some(target) = target else {
                    assert!(plan.settled.is_none(), "{what}");
                    continue;
                };
                near(measured(&output.path, number)[0], Some(target), 0.1 + 0.05, &what);
                near(output.loudness[number].loudness.integrated_lufs, Some(target), 0.05, &what);
                let settled = plan.settled.as_ref().unwrap_or_else(|| panic!("{what}: nothing was settled"));
                assert!(!settled.normalisation.limited && settled.limited.is_none(), "{what}: {settled:?}");
                near(settled.normalisation.expected_lufs, Some(target), 0.01, &what);
                assert!(plan.dithered || plan.bits.is_none(), "{what}: rounded again");
            }
        }
    }
}

#[test]
fn peaks_hold_a_linear_gain_back_and_the_report_says_so() {
    let folder = folder();
    let wave = folder.path().join("peaks.wav");
    // A quiet tone with one click of 10 ms.
    let mut audio = tone(997.0, factor(-30.0), RATE, 12 * RATE as usize);
    for (at, sample) in tone(400.0, 0.5, RATE, 480).into_iter().enumerate() {
        audio[240_000 + at] = sample * (std::f64::consts::PI * at as f64 / 480.0).sin();
    }
    write_wave(&wave, &[audio], RATE, 24);
    let text = |mode: &str| format!("{}:loudness=-16/-1{mode}", wave.display());
    let mut job = job(&folder, &[text(""), text("")], &[("a.mkv", AudioSettings::Flac)]);
    job.tracks[1].loudness =
        job.tracks[1].loudness.map(|target| LoudnessTarget { mode: LoudnessMode::Dynamic, ..target });
    job.outputs[0].tracks = Some(vec![1, 2]);
    job.measure_loudness = true;
    let report = done(&job);
    let output = &report.outputs[0];
    let settled = |number: usize| output.plan.audio[number].settled.as_ref().expect("a gain");
    let linear = settled(0).normalisation;
    assert!(
        linear.limited && linear.limit_dbtp.is_none() && linear.gain_db < linear.wanted_gain_db - 3.0,
        "{linear:?}"
    );
    let [loudness, _, peak] = measured(&output.path, 0);
    near(peak, Some(-1.0), 0.2, "the peak that held it");
    near(loudness, linear.expected_lufs, 0.15, "what was expected");
    let dynamic = settled(1);
    assert_eq!(dynamic.normalisation.limit_dbtp, Some(-1.0));
    near(measured(&output.path, 1)[0], Some(-16.0), 0.3, "a limiter lets it come to its target");
    assert!(measured(&output.path, 1)[2].expect("a peak") <= -0.9, "and keeps the peaks");
}

#[test]
fn silence_stays_silence() {
    let folder = folder();
    let wave = folder.path().join("silence.wav");
    write_wave(&wave, &[vec![0.0; 12 * RATE as usize]], RATE, 16);
    let mut job = job(&folder, &[format!("{}:loudness=-16", wave.display())], &[("a.mkv", AudioSettings::Flac)]);
    job.outputs[0].tracks = Some(vec![1]);
    job.measure_loudness = true;
    let report = done(&job);
    let output = &report.outputs[0];
    let settled = output.plan.audio[0].settled.as_ref().expect("what was measured");
    assert_eq!((settled.measured.integrated_lufs, settled.normalisation.gain_db), (None, 0.0));
    assert_eq!(output.loudness[0].loudness.integrated_lufs, None);
    // No gain was applied, so nothing was rounded and every sample is zero.
    let loudest = samples(&output.path, 0, "s16le")
        .chunks_exact(2)
        .map(|two| i16::from_le_bytes([two[0], two[1]]).unsigned_abs())
        .max();
    assert!(loudest <= Some(1), "{loudest:?}");
    let streams = support::ffprobe(&output.path, "-show_streams -select_streams a");
    assert!((number::<f64>(&streams["streams"][0]["sample_rate"]) - 48_000.0).abs() < 0.5);
}
