//! Tests of the settings of external audio tracks, on the command line and in a job, and of the mistakes in both.

use std::{collections::BTreeMap, path::PathBuf};

use proptest::prelude::*;
use trix_core::{
    media::time::{Rational, Timestamp},
    settings::{
        audio_edit::{ExactLength, Pitch},
        track::{Disposition, LengthPolicy, LoudnessMode, LoudnessTarget, Tempo, TrackInput, TrackSettings},
    },
};

fn track(text: &str) -> TrackSettings {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn millis(ticks: i64) -> Option<Timestamp> {
    Some(Timestamp::new(ticks, Rational::new(1, 1000)))
}

#[test]
fn a_typed_track_becomes_its_settings() {
    let found = track("rus.wav:lang=rus,offset=-40ms,tempo=25/24,map=5.1,title=Dub,default,dub");
    let expected = TrackSettings {
        path: Some("rus.wav".into()),
        language: Some("rus".into()),
        offset: millis(-40),
        tempo: Tempo(Rational::new(25, 24)),
        layout: Some("5.1".into()),
        title: Some("Dub".into()),
        disposition: vec![Disposition::Default, Disposition::Dub],
        ..Default::default()
    };
    assert_eq!(found, expected);
    assert_eq!(found.check("tracks[0]"), []);
    let found = track("L.wav+R.wav:map=FR+FL,pitch=keep,tempo=23.976->25,length=fit,gain=-3.5dB");
    assert_eq!(found.inputs.len(), 2);
    assert_eq!(found.map, BTreeMap::from([("FR".into(), 0), ("FL".into(), 1)]));
    assert_eq!((found.tempo, found.pitch, found.gain), (Tempo(Rational::new(1001, 960)), Pitch::Keep, -3.5));
    let stems = found.stems(2, "").expect("a map").expect("stems");
    assert_eq!((stems.layout.as_str(), stems.order), ("stereo", vec![1, 0]));
    let found = track("m.mxf:stream=2,channel=4+5,map=stereo,loudness=-16/-2/dynamic,comment");
    let input = |channel| TrackInput { path: "m.mxf".into(), stream: Some(2), channel: Some(channel) };
    assert_eq!(found.inputs, [input(4), input(5)]);
    let target = LoudnessTarget { integrated_lufs: -16.0, true_peak_dbtp: -2.0, mode: LoudnessMode::Dynamic };
    assert_eq!(found.loudness, Some(target));
}

#[test]
fn names_of_files_and_titles_hold_any_character() {
    for (text, path, title) in [
        ("a:b.wav", "a:b.wav", None),
        ("/x/12:30:00.wav:lang=en", "/x/12:30:00.wav", None),
        ("a\\+b.wav", "a+b.wav", None),
        ("a:language.wav", "a:language.wav", None),
        ("a\\:default", "a:default", None),
        ("a,b.wav:title=One\\, two: three", "a,b.wav", Some("One, two: three")),
        ("a.wav:title=1\\+1=2", "a.wav", Some("1+1=2")),
        ("c:\\dir\\a.wav:default", "c:\\dir\\a.wav", None),
    ] {
        let found = track(text);
        assert_eq!(found.path, Some(PathBuf::from(path)), "{text}");
        assert_eq!(found.title.as_deref(), title, "{text}");
        assert_eq!(track(&found.to_string()), found, "{text} became {found}");
    }
}

#[test]
fn all_mistakes_of_a_typed_track_are_reported() {
    let error = "a.wav:lang=en,tempo=fast,offset=soon,pitch=up,unknown,tilte=x,length=long,gain=1e3,default,default"
        .parse::<TrackSettings>()
        .expect_err("mistakes");
    for hint in ["fast", "soon", "pitch is follow or keep", "'unknown'", "title comes nearest", "as_is", "1e3", "twice"]
    {
        assert!(error.contains(hint), "{hint} in {error}");
    }
    for text in
        ["a.wav:map=FX+FL", "a.wav:map=FL+FL", "a+b:channel=1+2+3", "a:stream=x", "a:loudness=", "a:lang=en,lang=de"]
    {
        assert!(text.parse::<TrackSettings>().is_err(), "{text}");
    }
}

#[test]
fn all_mistakes_of_a_track_are_reported() {
    let wrong = TrackSettings {
        path: Some("a.wav".into()),
        inputs: vec![TrackInput::default()],
        layout: Some("6.9".into()),
        map: BTreeMap::from([("XX".into(), 0)]),
        language: Some("russian".into()),
        title: Some(String::new()),
        disposition: vec![Disposition::Forced, Disposition::Forced],
        offset: Some(Timestamp::new(-90_000, Rational::new(1, 1))),
        tempo: Tempo(Rational::new(5, 2)),
        pitch: Pitch::Keep,
        length: LengthPolicy::Fit,
        tolerance: millis(-1),
        gain: f64::NAN,
        loudness: Some(LoudnessTarget { integrated_lufs: 3.0, true_peak_dbtp: -99.0, mode: LoudnessMode::Linear }),
    };
    let places: Vec<String> = wrong.check("tracks[1]").into_iter().map(|mistake| mistake.place).collect();
    for key in [
        "path",
        "layout",
        "map",
        "language",
        "title",
        "disposition",
        "offset",
        "tempo",
        "tolerance",
        "gain",
        "loudness.integrated_lufs",
        "loudness.true_peak_dbtp",
    ] {
        assert!(places.contains(&format!("tracks[1].{key}")), "{key} in {places:?}");
    }
    let language = wrong.check("t").into_iter().find(|mistake| mistake.place == "t.language").expect("a mistake");
    assert!(language.problem.contains("rus (Russian)"), "{language:?}");
    assert_eq!(TrackSettings::default().check("t").len(), 1, "a path is missing");
    let keeps = TrackSettings { pitch: Pitch::Keep, ..track("a.wav") };
    assert_eq!(keeps.check("t")[0].place, "t.pitch");
    let huge = TrackSettings { map: BTreeMap::from([("FL".into(), usize::MAX)]), ..track("a.wav") };
    assert_eq!(huge.check("t")[0].place, "t.map");
    assert!(huge.to_string().len() < 10_000);
}

#[test]
fn jobs_refuse_unknown_keys() {
    for json in [
        r#"{ "path": "a", "speed": 1 }"#,
        r#"{ "inputs": [{ "path": "a", "track": 1 }] }"#,
        r#"{ "path": "a", "tempo": "0" }"#,
        r#"{ "path": "a", "tempo": 1.04 }"#,
        r#"{ "path": "a", "offset": "40 ms" }"#,
        r#"{ "path": "a", "disposition": ["loud"] }"#,
        r#"{ "path": "a", "loudness": { "lufs": -23 } }"#,
    ] {
        assert!(serde_json::from_str::<TrackSettings>(json).is_err(), "{json}");
    }
}

#[test]
fn a_channel_map_has_to_fit_its_layout() {
    let stems = |text: &str, channels| track(text).stems(channels, "t");
    assert_eq!(stems("a.wav", 6), Ok(None));
    assert_eq!(stems("a.wav:channel=2", 1).unwrap().unwrap().layout, "mono");
    assert_eq!(stems("a.wav+b.wav", 2).unwrap().unwrap().layout, "stereo");
    assert_eq!(stems("a.wav:map=5.1", 6).unwrap().unwrap().layout, "5.1");
    let map = stems("a+b+c+d+e+f:map=BR+FC+FL+LFE+FR+BL", 6).unwrap().unwrap();
    assert_eq!((map.layout.as_str(), map.order), ("5.1", vec![2, 4, 1, 3, 5, 0]));
    let twice = stems("a.wav:map=FL/FR", 1).unwrap().unwrap();
    assert_eq!((twice.layout.as_str(), twice.order), ("stereo", vec![0, 0]));
    for (text, channels, place) in
        [("a+b+c", 3, "t.layout"), ("a+b:map=5.1", 2, "t.layout"), ("a:map=FL+FR", 1, "t.map")]
    {
        assert_eq!(stems(text, channels).expect_err(text).place, place, "{text}");
    }
}

#[test]
fn a_track_has_the_length_of_its_policy() {
    let exact = |pad, trim| Some(ExactLength { samples: 100, pad, trim });
    let found = LengthPolicy::ALL.map(|policy| policy.towards(100));
    assert_eq!(found, [None, exact(true, false), exact(false, true), exact(true, true), None]);
    let tolerance = track("a.wav:length=fail").tolerance();
    for (end, broken) in [(48_000, false), (49_920, false), (49_921, true), (46_080, false), (46_079, true), (-5, true)]
    {
        assert_eq!(LengthPolicy::Fail.is_broken(end, 48_000, tolerance, 48_000), broken, "{end}");
        assert!(!LengthPolicy::AsIs.is_broken(end, 48_000, tolerance, 48_000));
    }
}

fn settings() -> impl Strategy<Value = TrackSettings> {
    let name = "[a-zA-Z0-9 .:+,\\\\=_é-]{1,24}";
    let number = || prop::option::of(0usize..40);
    let input = (name, number(), number()).prop_map(|(path, stream, channel)| TrackInput {
        path: path.into(),
        stream,
        channel,
    });
    let files = prop_oneof![
        name.prop_map(|path| (Some(PathBuf::from(path)), vec![])),
        prop::collection::vec(input, 2..5).prop_map(|inputs| (None, inputs)),
    ];
    let speakers = prop::sample::subsequence(vec!["FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR", "BC"], 1..=9);
    let map = (speakers, prop::collection::vec(0usize..12, 9))
        .prop_map(|(names, numbers)| names.into_iter().map(str::to_owned).zip(numbers).collect());
    let channels = prop_oneof![
        Just((None, BTreeMap::new())),
        prop::sample::select(vec!["mono", "stereo", "5.1", "5.1(side)", "7.1"])
            .prop_map(|name| (Some(name.to_owned()), BTreeMap::new())),
        map.prop_map(|map| (None, map)),
    ];
    let time = || {
        let base = prop_oneof![Just(1i64), Just(1000), Just(1_000_000), Just(48_000), Just(30_000)];
        prop::option::of(
            (-1_000_000i64..1_000_000, base).prop_map(|(ticks, den)| Timestamp::new(ticks, Rational::new(1, den))),
        )
    };
    let texts = (prop::option::of("[a-zA-Z-]{1,9}"), prop::option::of(name));
    let purposes = prop::sample::subsequence(Disposition::ALL.to_vec(), 0..=4);
    let tempo = (1i64..2000, 1i64..2000).prop_map(|(num, den)| Tempo(Rational::new(num, den)));
    let loudness =
        prop::option::of((-70i32..=0, -200i32..=0, any::<bool>()).prop_map(|(lufs, peak, dynamic)| LoudnessTarget {
            integrated_lufs: f64::from(lufs),
            true_peak_dbtp: f64::from(peak) / 10.0,
            mode: if dynamic { LoudnessMode::Dynamic } else { LoudnessMode::Linear },
        }));
    let rest = (any::<bool>(), prop::sample::select(LengthPolicy::ALL.to_vec()), -600i32..=600, loudness);
    (files, channels, texts, purposes, (time(), time()), tempo, rest).prop_map(
        |((path, inputs), (layout, map), (language, title), disposition, (offset, tolerance), tempo, rest)| {
            let (keeps, length, gain, loudness) = rest;
            let pitch = if keeps { Pitch::Keep } else { Pitch::Follow };
            let gain = f64::from(gain) / 10.0;
            TrackSettings {
                path,
                inputs,
                layout,
                map,
                language,
                title,
                disposition,
                offset,
                tempo,
                pitch,
                length,
                tolerance,
                gain,
                loudness,
            }
        },
    )
}

proptest! {
    #[test]
    fn every_track_survives_being_written(track in settings()) {
        let text = track.to_string();
        let read = text.parse::<TrackSettings>();
        prop_assert_eq!(read.as_ref(), Ok(&track), "{}", text);
        let json = serde_json::to_string(&track).unwrap();
        prop_assert_eq!(&serde_json::from_str::<TrackSettings>(&json).unwrap(), &track, "{}", json);
    }

    #[test]
    fn any_text_is_a_track_or_an_error(text in "[a-z0-9:+,=*/\\\\. é-]{0,60}") {
        if let Ok(track) = text.parse::<TrackSettings>() {
            let again: TrackSettings = track.to_string().parse().expect("what was written");
            prop_assert_eq!(&again, &track);
            track.check("t");
        }
    }
}
