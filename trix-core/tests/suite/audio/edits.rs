//! Tests of audio edits: offset, tempo, gain and exact length put every sample at its correct position. Stems are
//! combined without change.

use std::path::{Path, PathBuf};

use trix_core::{
    ErrorKind, OnDamage, Source,
    filter::resampler,
    media::time::{Rational, Timestamp},
    reading::{
        audio_reader::AudioReader,
        stems::{StemInput, Stems},
    },
    settings::audio_edit::{AudioEdit, ExactLength, Pitch, StemTarget},
};
use trix_fixtures::{TempDir, folder};

use crate::support::{
    samples,
    waves::{drain, edited, factor, noise, open, tone, write_wave},
};

const RATE: u32 = 48_000;

/// Length of a beep in samples.
const BEEP: usize = 960;

/// Makes silence with a beep at each of `places`. A beep is a tone of 2 kHz with soft edges, so that resampling does
/// not smear it.
fn beeps(places: &[usize], samples: usize, rate: u32) -> Vec<f64> {
    let mut audio = vec![0.0; samples];
    for place in places {
        for at in 0..BEEP.min(samples.saturating_sub(*place)) {
            let time = at as f64 / f64::from(rate);
            let fade = (std::f64::consts::PI * at as f64 / BEEP as f64).sin().powi(2);
            audio[place + at] = 0.5 * fade * (std::f64::consts::TAU * 2000.0 * time).sin();
        }
    }
    audio
}

/// Returns the centre of the energy of `audio` between `from` and `to`, in samples.
fn middle(audio: &[f64], from: usize, to: usize) -> f64 {
    let part = || audio.iter().enumerate().take(to).skip(from);
    let energy: f64 = part().map(|(_, sample)| sample * sample).sum();
    assert!(energy > 1.0, "nothing between {from} and {to}");
    part().map(|(at, sample)| at as f64 * sample * sample).sum::<f64>() / energy
}

fn file(folder: &TempDir, name: &str, channels: &[Vec<f64>], rate: u32, bits: u16) -> PathBuf {
    let path = folder.path().join(name);
    write_wave(&path, channels, rate, bits);
    path
}

fn offset(ticks: i64, den: i64) -> Timestamp {
    Timestamp::new(ticks, Rational::new(1, den))
}

fn at_tempo(num: i64, den: i64, pitch: Pitch) -> AudioEdit {
    AudioEdit { tempo: Rational::new(num, den), pitch, ..Default::default() }
}

/// Returns the frequency in Hz, counted from rising zero crossings.
fn frequency(audio: &[f64], rate: f64) -> f64 {
    let crossings: Vec<f64> = audio
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
        .map(|(at, pair)| at as f64 + pair[0] / (pair[0] - pair[1]))
        .collect();
    (crossings.len() - 1) as f64 * rate / (crossings[crossings.len() - 1] - crossings[0])
}

#[test]
fn an_offset_moves_every_sample_by_exactly_that_much() {
    let folder = folder();
    let audio = noise(1, 100_000);
    let path = file(&folder, "noise.wav", std::slice::from_ref(&audio), RATE, 24);
    let quantised = edited(&path, AudioEdit::default(), |target| target);
    for (time, moved) in [
        (offset(0, 1), 0i64),
        (offset(-40, 1000), -1920),
        (offset(40, 1000), 1920),
        (offset(1, 48_000), 1),
        (offset(-1, 48_000), -1),
        (offset(1, 30_000), 2),
        (offset(3, 1), 144_000),
        (offset(-2, 1), -96_000),
    ] {
        let found = edited(&path, AudioEdit { offset: time, ..Default::default() }, |target| target);
        let expected: Vec<f64> = match usize::try_from(moved) {
            Ok(later) => vec![0.0; later].into_iter().chain(quantised[0].iter().copied()).collect(),
            Err(_) => quantised[0][moved.unsigned_abs() as usize..].to_vec(),
        };
        assert!(found[0] == expected, "moved by {moved}: {} samples for {}", found[0].len(), expected.len());
    }
    assert_eq!(quantised[0].len(), audio.len());
    // An offset of -3 s moves all samples before the start, so nothing is left.
    let gone = edited(&path, AudioEdit { offset: offset(-3, 1), ..Default::default() }, |target| target);
    assert!(gone.iter().all(Vec::is_empty));
}

#[test]
fn an_offset_is_exact_at_another_rate_and_in_integers() {
    let folder = folder();
    let path = file(&folder, "beeps.wav", &[beeps(&[44_100, 88_200], 132_300, 44_100)], 44_100, 24);
    for (time, moved) in [(offset(-40, 1000), -1920.0), (offset(250, 1000), 12_000.0)] {
        let edit = AudioEdit { offset: time, ..Default::default() };
        let found =
            &edited(&path, edit, |target| target.at_rate(RATE, resampler::best).in_format("s32", Some(24), true))[0];
        let source = &edited(&path, AudioEdit::default(), |target| target)[0];
        for place in [44_100usize, 88_200] {
            let before = middle(source, place, place + BEEP) / 44_100.0 * 48_000.0;
            let near = (place * 48_000 / 44_100) as i64 + moved as i64;
            let after = middle(found, (near - 500) as usize, (near + 2000) as usize);
            assert!((after - before - moved).abs() < 0.01, "{before} became {after}");
        }
    }
}

#[test]
fn a_tempo_whose_pitch_follows_puts_every_beep_at_its_exact_place() {
    let folder = folder();
    // In three minutes, an error of one part in a thousand million would show.
    let places = [0, 480_000, 4_800_000, 9_600_000];
    for rate in [48_000, 44_100] {
        let samples = 9_700_000;
        let path = file(&folder, &format!("long-{rate}.wav"), &[beeps(&places, samples, rate)], rate, 16);
        let source = &edited(&path, AudioEdit::default(), |target| target)[0];
        let before: Vec<f64> = places.iter().map(|place| middle(source, *place, place + BEEP)).collect();
        // From 24 and from 24000/1001 to 25 frames per second, and from 24 to 24000/1001.
        for (num, den) in [(25, 24), (1001, 960), (1000, 1001)] {
            let found = &edited(&path, at_tempo(num, den, Pitch::Follow), |target| target)[0];
            let exact = |at: f64| at * den as f64 / num as f64;
            assert!((found.len() as f64 - exact(samples as f64)).abs() <= 1.0, "{} samples", found.len());
            for (place, before) in places.iter().zip(&before) {
                let near = exact(*place as f64) as usize;
                let after = middle(found, near.saturating_sub(200), near + 1400);
                let off = after - exact(*before);
                assert!(off.abs() < 0.01, "{rate} Hz, {num}/{den}: the beep at {place} is off by {off} samples");
            }
        }
    }
}

#[test]
fn a_tempo_whose_pitch_is_kept_puts_beeps_at_their_places() {
    let folder = folder();
    let places = [0, 480_000, 4_800_000, 9_600_000];
    let samples = 9_700_000;
    let path = file(&folder, "long.wav", &[beeps(&places, samples, RATE)], RATE, 16);
    for (num, den) in [(25, 24), (1001, 960), (1000, 1001)] {
        let found = &edited(&path, at_tempo(num, den, Pitch::Keep), |target| target)[0];
        let exact = |at: usize| at as f64 * den as f64 / num as f64;
        assert_eq!(found.len(), exact(samples).round() as usize);
        for place in places {
            // The beep begins within 10 ms of its expected position.
            let near = exact(place) as usize;
            let from = near.saturating_sub(2000);
            let begin = from + found[from..].iter().position(|sample| sample.abs() > 0.01).expect("a beep");
            let source = 29.0;
            let off = begin as f64 - near as f64 - source;
            assert!(off.abs() < 480.0, "{num}/{den}: the beep at {place} is off by {off} samples");
        }
    }
}

#[test]
fn a_tempo_changes_the_pitch_or_keeps_it() {
    let folder = folder();
    let path = file(&folder, "tone.wav", &[tone(1000.0, 0.5, RATE, 480_000)], RATE, 24);
    for (num, den) in [(25, 24), (1001, 960), (24, 25)] {
        let ratio = num as f64 / den as f64;
        for (pitch, expected, tolerance) in [(Pitch::Follow, 1000.0 * ratio, 1e-3), (Pitch::Keep, 1000.0, 0.5)] {
            for rate in [RATE, 44_100] {
                let found =
                    &edited(&path, at_tempo(num, den, pitch), |target| target.at_rate(rate, resampler::best))[0];
                let middle = &found[found.len() / 8..found.len() * 7 / 8];
                let measured = frequency(middle, f64::from(rate));
                let what = format!("{num}/{den}, {pitch:?}, at {rate} Hz: {measured} Hz for {expected}");
                assert!((measured - expected).abs() < tolerance, "{what}");
            }
        }
    }
}

#[test]
fn a_track_is_padded_and_cut_to_the_sample() {
    let folder = folder();
    let audio = noise(2, 100_000);
    let path = file(&folder, "noise.wav", &[audio.clone(), audio], RATE, 16);
    let whole = edited(&path, AudioEdit::default(), |target| target);
    for samples in [1, 99_999, 100_000, 100_001, 250_000] {
        for (pad, trim) in [(true, true), (true, false), (false, true)] {
            let length = Some(ExactLength { samples, pad, trim });
            let found = edited(&path, AudioEdit { length, ..Default::default() }, |target| target);
            let expected = match samples as usize {
                samples if samples > 100_000 && pad => samples,
                samples if samples < 100_000 && trim => samples,
                _ => 100_000,
            };
            for (found, whole) in found.iter().zip(&whole) {
                assert_eq!(found.len(), expected, "{samples}, pad {pad}, trim {trim}");
                let kept = expected.min(100_000);
                assert!(found[..kept] == whole[..kept] && found[kept..].iter().all(|sample| *sample == 0.0));
            }
        }
    }
    // With an offset and a tempo, `length` still means the length of the output. The block size of an encoder does not
    // change that.
    let length = Some(ExactLength { samples: 123_456, pad: true, trim: true });
    for pitch in [Pitch::Follow, Pitch::Keep] {
        let edit = AudioEdit { length, offset: offset(-7, 1000), ..at_tempo(25, 24, pitch) };
        let found = edited(&path, edit, |mut target| {
            target.block = 1024;
            target.at_rate(44_100, resampler::best).in_format("s16", Some(16), true)
        });
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [123_456, 123_456], "{pitch:?}");
    }
}

#[test]
fn a_reader_says_where_the_audio_ends() {
    let folder = folder();
    let path = file(&folder, "noise.wav", &[noise(3, 96_000)], RATE, 16);
    let edit = AudioEdit {
        length: Some(ExactLength { samples: 200_000, pad: true, trim: false }),
        offset: offset(1, 10),
        ..at_tempo(24, 25, Pitch::Follow)
    };
    let reader = open(&path);
    let target = reader.as_it_is();
    let mut reader = reader.converted(target, edit);
    assert_eq!(reader.reach(), None);
    assert_eq!(drain(&mut reader)[0].len(), 200_000);
    assert_eq!(reader.reach(), Some(4800 + 100_000));
}

#[test]
fn a_gain_is_exact_and_rounding_is_dithered() {
    let folder = folder();
    let path = file(&folder, "tone.wav", &[tone(997.0, 0.25, RATE, 96_000)], RATE, 24);
    let before = &edited(&path, AudioEdit::default(), |target| target)[0];
    for gain_db in [-12.5, -0.1, 3.0, 6.0] {
        let edit = AudioEdit { gain_db, ..Default::default() };
        let found = &edited(&path, edit, |target| target)[0];
        let worst = before.iter().zip(found).map(|(a, b)| (a * factor(gain_db) - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-12, "{gain_db} dB: {worst}");
        // With 16 bits, the rounding error is noise of less than two steps that does not depend on the sample.
        let rounded = &edited(&path, edit, |target| target.in_format("s16", Some(16), false))[0];
        let errors: Vec<f64> = found.iter().zip(rounded).map(|(a, b)| (b - a) * 32_768.0).collect();
        let power = errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64;
        assert!(errors.iter().all(|error| error.abs() < 2.0));
        assert!((power - 0.25).abs() < 0.02, "{gain_db} dB: triangular dither has a quarter of a square step: {power}");
    }
}

#[test]
fn a_limiter_does_not_shift_samples() {
    let folder = folder();
    let mut audio = beeps(&[48_000, 96_000], 150_000, RATE);
    audio[48_000..60_000].iter_mut().for_each(|sample| *sample *= 4.0);
    let path = file(&folder, "loud.wav", &[audio], RATE, 64);
    let before = &edited(&path, AudioEdit::default(), |target| target)[0];
    let edit = AudioEdit { limit_dbtp: Some(-1.0), ..Default::default() };
    let found = &edited(&path, edit, |target| target)[0];
    assert_eq!(found.len(), before.len());
    // The limiter leaves the quiet beep unchanged.
    let worst = (95_000..98_000).map(|at| (found[at] - before[at]).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-4, "{worst}");
    let peak = found.iter().fold(0.0f64, |peak, sample| peak.max(sample.abs()));
    assert!(peak <= factor(-1.0) && peak > factor(-3.0), "{peak}");
    let off = middle(found, 47_500, 50_000) - middle(before, 47_500, 50_000);
    assert!(off.abs() < 48.0, "within a millisecond: {off}");
}

fn stem(path: &Path, channel: Option<usize>) -> StemInput {
    StemInput { source: Source::open(path).expect("a source"), stream: None, channel }
}

fn target(layout: &str, order: &[usize]) -> StemTarget {
    StemTarget { layout: layout.into(), order: order.to_vec(), sample_rate: None }
}

#[test]
fn mono_stems_become_5_1_as_they_are() {
    let folder = folder();
    let names = ["FL", "FR", "FC", "LFE", "BL", "BR"];
    for (bits, format, significant) in [(16, "s16", 16), (24, "s32", 24), (32, "s32", 32)] {
        let paths: Vec<PathBuf> = names
            .iter()
            .enumerate()
            .map(|(seed, name)| {
                file(&folder, &format!("{name}-{bits}.wav"), &[noise(seed as u64 + 5, 70_001)], RATE, bits)
            })
            .collect();
        let inputs = paths.iter().map(|path| stem(path, None)).collect();
        let stems = Stems::open(inputs, &target("5.1", &[]), OnDamage::Fail).expect("stems");
        let reader = AudioReader::of_stems(stems);
        let form = reader.as_it_is().in_format(format, Some(significant), false);
        let mut reader = reader.converted(form, AudioEdit::default());
        let found = drain(&mut reader);
        assert_eq!(found.len(), 6);
        for (path, found) in paths.iter().zip(&found) {
            // The ffmpeg program reads the same samples from the stem.
            let bytes = samples(path, 0, "f64le");
            let stem: Vec<f64> = bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
            assert!(*found == stem, "{}: {} samples for {}", path.display(), found.len(), stem.len());
        }
        let report = reader.stems().expect("stems");
        assert_eq!((report.samples, report.sample_rate), (70_001, RATE));
        assert!(report.stems.iter().all(|stem| stem.padded == 0 && stem.resampled_from.is_none()));
    }
}

#[test]
fn channels_of_files_go_where_the_map_says_and_short_ones_end_in_silence() {
    let folder = folder();
    let (a, b, c) = (noise(21, 50_000), noise(22, 50_000), noise(23, 30_123));
    let pair = file(&folder, "pair.wav", &[a.clone(), b.clone()], RATE, 64);
    let mono = file(&folder, "mono.wav", std::slice::from_ref(&c), RATE, 64);
    // The channels of the pair are exchanged. The shorter mono stem is the centre channel.
    let inputs = vec![stem(&pair, None), stem(&mono, None)];
    let stems = Stems::open(inputs, &target("3.0", &[1, 0, 2]), OnDamage::Fail).expect("stems");
    let mut reader = AudioReader::of_stems(stems);
    let found = drain(&mut reader);
    assert!(found[0] == b && found[1] == a && found[2][..30_123] == c);
    assert!(found[2].len() == 50_000 && found[2][30_123..].iter().all(|sample| *sample == 0.0));
    assert_eq!(reader.stems().expect("stems").stems[1].padded, 50_000 - 30_123);
    // One channel of each stem, one of them twice.
    let inputs = vec![stem(&pair, Some(1)), stem(&mono, Some(0))];
    let stems = Stems::open(inputs, &target("3.0", &[0, 1, 0]), OnDamage::Fail).expect("stems");
    let found = drain(&mut AudioReader::of_stems(stems));
    assert!(found[0] == b && found[2] == b && found[1][..30_123] == c);
}

#[test]
fn stems_of_other_rates_are_resampled_to_the_highest() {
    let folder = folder();
    let low = file(&folder, "low.wav", &[beeps(&[22_050], 44_100, 44_100)], 44_100, 24);
    let high = file(&folder, "high.wav", &[beeps(&[24_000], 48_000, 48_000)], 48_000, 24);
    let stems = Stems::open(vec![stem(&low, None), stem(&high, None)], &target("stereo", &[]), OnDamage::Fail);
    let mut reader = AudioReader::of_stems(stems.expect("stems"));
    let found = drain(&mut reader);
    let report = reader.stems().expect("stems");
    assert_eq!(
        (report.sample_rate, report.stems[0].resampled_from, report.stems[1].resampled_from),
        (48_000, Some(44_100), None)
    );
    let [left, right] = [0, 1].map(|channel: usize| middle(&found[channel], 23_000, 26_000));
    // The beep of 44.1 kHz is longer by the ratio of the sample rates.
    let longer = (middle(&beeps(&[0], 2000, 44_100), 0, 2000) * 48_000.0 / 44_100.0)
        - middle(&beeps(&[0], 2000, 48_000), 0, 2000);
    assert!((left - right - longer).abs() < 0.05, "{left} and {right}");
    assert!(found[0].len().abs_diff(found[1].len()) == 0 && found[0].len().abs_diff(48_000) <= 1);
}

#[test]
fn channels_without_a_layout_are_resampled_and_named() {
    let folder = folder();
    let tones: Vec<Vec<f64>> = (1..=6).map(|channel| tone(f64::from(channel) * 200.0, 0.3, 44_100, 44_100)).collect();
    let path = file(&folder, "six.wav", &tones, 44_100, 24);
    let named = StemTarget { sample_rate: Some(RATE), ..target("5.1", &[5, 4, 3, 2, 1, 0]) };
    let found =
        drain(&mut AudioReader::of_stems(Stems::open(vec![stem(&path, None)], &named, OnDamage::Fail).expect("stems")));
    for (channel, audio) in found.iter().enumerate() {
        let expected = f64::from(6 - channel as u32) * 200.0;
        let measured = frequency(&audio[4800..43_200], f64::from(RATE));
        assert!((measured - expected).abs() < 0.01, "channel {channel}: {measured} Hz for {expected}");
    }
}

#[test]
fn channels_without_a_layout_are_edited_and_stay_without() {
    let folder = folder();
    let tones: Vec<Vec<f64>> = (1..=6).map(|channel| tone(f64::from(channel) * 200.0, 0.3, RATE, 96_000)).collect();
    let path = file(&folder, "six.wav", &tones, RATE, 24);
    for edit in [
        AudioEdit { gain_db: -6.0, offset: offset(1, 10), ..Default::default() },
        AudioEdit { limit_dbtp: Some(-1.0), ..Default::default() },
        at_tempo(25, 24, Pitch::Keep),
        at_tempo(25, 24, Pitch::Follow),
    ] {
        let reader = open(&path);
        assert_eq!(reader.layout(), "6 channels");
        let target = reader.as_it_is();
        let mut reader = reader.converted(target, edit);
        let first = reader.next_block().expect("audio").expect("a block");
        assert_eq!(first.layout(), "6 channels", "{edit:?}");
        let faster = if edit.pitch == Pitch::Follow { edit.tempo.to_f64() } else { 1.0 };
        let found = edited(&path, edit, |target| target);
        for (channel, audio) in found.iter().enumerate() {
            let measured = frequency(&audio[9600..86_400], f64::from(RATE));
            let expected = (channel + 1) as f64 * 200.0 * faster;
            assert!((measured - expected).abs() < 0.5, "{edit:?}, channel {channel}: {measured} Hz");
        }
    }
}

#[test]
fn stems_that_do_not_fit_are_refused() {
    let folder = folder();
    let mono = file(&folder, "mono.wav", &[noise(1, 100)], RATE, 16);
    for (channels, order, layout, hint) in [
        (&[None, None][..], &[][..], "5.1", "6 channels; the inputs make 2"),
        (&[None], &[], "nothing", "no channel layout"),
        (&[Some(1)], &[], "mono", "channel 1 was asked for"),
        (&[None], &[3], "mono", "3 was asked for"),
    ] {
        let inputs = channels.iter().map(|channel| stem(&mono, *channel)).collect();
        let error = Stems::open(inputs, &target(layout, order), OnDamage::Fail).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidSpec);
        assert!(error.to_string().contains(hint), "{error}");
    }
    let source = || Source::open(&mono).expect("a source");
    let error = AudioReader::new(source(), Some(4), OnDamage::Fail).err().expect("refused");
    assert!(error.to_string().contains("stream 4 is no audio stream; these are: 0"), "{error}");
}
