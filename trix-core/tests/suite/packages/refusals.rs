//! Tests that Trix rejects renditions that would not play, finds changes in a package, and gives its name only to a
//! complete package.

use std::{fs, path::Path};

use trix_core::{
    Error, ErrorKind,
    control::cancel::{Cancel, Token},
    media::time::Timestamp,
    package::{Input, RenditionRecord, assemble, verify},
    settings::{audio::AudioSettings, package::PackageSettings, video::Encoder},
};
use trix_fixtures::folder;

use crate::support::{
    done,
    ladder::{input, ladder, packaged, rung, source, two_seconds},
    quick, video_job,
};

const AAC: AudioSettings = AudioSettings::Aac { kbps: None };

fn refusal(inputs: &[Input], target: &Path, settings: &PackageSettings) -> Error {
    let error = assemble(inputs, target, settings, false, &Cancel::default()).err().expect("a refusal");
    assert!(!target.exists(), "nothing has the name");
    let left = fs::read_dir(target.parent().unwrap()).unwrap().flatten();
    assert!(!left.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with('.')), "nothing is left");
    error
}

#[test]
fn rungs_without_common_keyframes_are_refused_by_name_and_time() {
    let folder = folder();
    let high = rung(folder.path(), "high", Encoder::X264, 320, 50, "");
    let low = rung(folder.path(), "low", Encoder::X264, 160, 40, "");
    let target = folder.path().join("package");
    let error = refusal(&[input(&high, 0, "high"), input(&low, 0, "low")], &target, &two_seconds());
    assert_eq!(error.kind(), ErrorKind::Verification);
    assert_eq!(error.time().map(Timestamp::micros), Some(2_000_000), "{error}");
    assert!(error.to_string().contains("rendition low has no keyframe at 00:00:02.000"), "{error}");
    // Keyframes at multiples of 80 frames exist in both renditions.
    let settings = PackageSettings { segment: trix_core::media::time::Rational::new(8, 1), ..two_seconds() };
    let high = rung(folder.path(), "other", Encoder::X264, 320, 80, "");
    packaged(&[input(&high, 0, "high"), input(&low, 0, "low")], &target, &settings);
}

#[test]
fn frames_that_refer_across_keyframes_are_refused() {
    let folder = folder();
    let output = folder.path().join("open.mp4");
    let mut settings = quick("bframes=3 b-adapt=0");
    (settings.gop, settings.open_gop) = (Some(50), Some(true));
    let mut job = video_job(&source(), &output, Encoder::X265, settings);
    job.outputs[0].subtitles = trix_core::settings::subtitle::SubtitleSettings::None;
    done(&job);
    let error = refusal(&[input(&output, 0, "v")], &folder.path().join("package"), &two_seconds());
    assert_eq!(error.kind(), ErrorKind::Verification);
    assert!(error.to_string().contains("closed groups of pictures"), "{error}");
}

#[test]
fn a_rung_that_ends_earlier_is_refused() {
    let folder = folder();
    let high = rung(folder.path(), "high", Encoder::X264, 320, 50, "");
    let low = folder.path().join("short.mp4");
    let mut settings = quick("");
    settings.gop = Some(50);
    let mut job = video_job(&source(), &low, Encoder::X264, settings);
    job.outputs[0].subtitles = trix_core::settings::subtitle::SubtitleSettings::None;
    job.source.frames = Some(312);
    done(&job);
    let error =
        refusal(&[input(&high, 0, "high"), input(&low, 0, "low")], &folder.path().join("package"), &two_seconds());
    assert_eq!(error.kind(), ErrorKind::Verification);
    assert!(error.to_string().contains("low has 00:00:12.480 where high has 00:00:12.520"), "{error}");
}

#[test]
fn names_and_settings_that_make_no_sense_are_refused() {
    let folder = folder();
    let file = rung(folder.path(), "v", Encoder::X264, 160, 50, "");
    let target = folder.path().join("package");
    let settings = two_seconds();
    for (ids, said) in
        [(["a", "A"], "two renditions"), (["../a", "b"], "is not made of"), (["a", ""], "is not made of")]
    {
        let error = refusal(&ids.map(|id| input(&file, 0, id)), &target, &settings);
        assert_eq!(error.kind(), ErrorKind::InvalidSpec);
        assert!(error.to_string().contains(said), "{error}");
    }
    let long = PackageSettings { segment: trix_core::media::time::Rational::new(61, 1), ..settings };
    assert_eq!(refusal(&[input(&file, 0, "v")], &target, &long).kind(), ErrorKind::InvalidSpec);
    assert_eq!(refusal(&[input(&source(), 0, "v")], &target, &settings).kind(), ErrorKind::Unsupported);
    assert_eq!(refusal(&[input(&source(), 3, "t")], &target, &settings).kind(), ErrorKind::InvalidSpec);
}

/// Returns the error of reading a changed package.
fn damage(target: &Path, records: &[RenditionRecord]) -> String {
    match verify(target, records, false, &Token::new(&Cancel::default())).map(|verified| verified.checks) {
        Err(error) => error.to_string(),
        Ok(checks) => {
            checks.iter().filter(|check| !check.ok).map(|check| check.name.clone()).collect::<Vec<_>>().join("; ")
        }
    }
}

#[test]
fn verification_finds_what_was_changed_lost_or_exchanged() {
    let folder = folder();
    let inputs = ladder(folder.path(), Encoder::X264, "bframes=3", AAC);
    let target = folder.path().join("package");
    let records = packaged(&inputs, &target, &two_seconds());
    assert_eq!(damage(&target, &records), "");
    let segment = target.join("high/00003.m4s");
    let bytes = fs::read(&segment).unwrap();
    let with = |changed: &[u8]| {
        fs::write(&segment, changed).unwrap();
        let found = damage(&target, &records);
        fs::write(&segment, &bytes).unwrap();
        found
    };
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(with(&flipped), "high: essence");
    assert!(with(&bytes[..bytes.len() - 1]).contains("is no whole segment"));
    assert!(with(&fs::read(target.join("high/00004.m4s")).unwrap()).contains("is segment 4, not 3"));
    let text = target.join("text/00002.vtt");
    let cues = fs::read_to_string(&text).unwrap();
    assert!(cues.contains("00:00:01.700 --> 00:00:04.300\nTwo, over\na boundary"), "{cues}");
    fs::write(&text, cues.replace("Two", "Too")).unwrap();
    assert!(damage(&target, &records).starts_with("text: cues in segments"));
    fs::write(&text, &cues).unwrap();
    fs::remove_file(&segment).unwrap();
    assert!(damage(&target, &records).contains("00003.m4s"));
}

#[test]
fn a_package_gets_its_name_when_it_is_committed() {
    let folder = folder();
    let file = rung(folder.path(), "v", Encoder::X264, 160, 50, "");
    let target = folder.path().join("package");
    let make = |overwrite| assemble(&[input(&file, 0, "v")], &target, &two_seconds(), overwrite, &Cancel::default());
    let package = make(false).unwrap();
    assert!(package.path().join("master.m3u8").is_file() && !target.exists());
    drop(package);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the source is left");
    make(false).unwrap().commit().unwrap();
    let first = fs::read(target.join("v/00001.m4s")).unwrap();
    assert_eq!(make(false).err().map(|error| error.kind()), Some(ErrorKind::Io));
    make(true).unwrap().commit().unwrap();
    assert_eq!(fs::read(target.join("v/00001.m4s")).unwrap(), first, "equal inputs, equal bytes");
    let cancel = Cancel::default();
    cancel.cancel();
    let error = assemble(&[input(&file, 0, "v")], &target, &two_seconds(), true, &cancel).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(fs::read(target.join("v/00001.m4s")).unwrap(), first);
}
