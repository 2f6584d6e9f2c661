//! Property tests of times, ratios, sizes and jobs, with random values.

use std::cmp::Ordering;

use proptest::prelude::*;
use trix_core::{
    Job, OnDamage,
    media::{
        format::Chroma,
        time::{Rational, Timestamp},
    },
    settings::{
        audio::AudioSettings,
        job::VerifyLevel,
        picture::Resampler,
        video::{EncodeSettings, Encoder, RateControl, Size, VideoSettings},
    },
};

/// Time bases as files have them, down to ticks of one nanosecond.
fn base() -> impl Strategy<Value = Rational> {
    prop_oneof![
        (1i64..=1_000_000_000).prop_map(|den| Rational::new(1, den)),
        (1i64..=100_000, 1i64..=10_000_000).prop_map(|(num, den)| Rational::new(num, den)),
        Just(Rational::new(1001, 30_000)),
        Just(Rational::new(1001, 24_000)),
        Just(Rational::new(1, 90_000)),
        Just(Rational::new(1, 48_000)),
    ]
}

/// Compares two times exactly, without rounding.
fn exact(a: Timestamp, b: Timestamp) -> Ordering {
    let left = i128::from(a.ticks) * i128::from(a.base.num) * i128::from(b.base.den);
    left.cmp(&(i128::from(b.ticks) * i128::from(b.base.num) * i128::from(a.base.den)))
}

fn time() -> impl Strategy<Value = Timestamp> {
    // Up to thirty thousand years in ticks of a microsecond, so that the exact products above fit into 128 bits.
    (-1_000_000_000_000_000_000i64..=1_000_000_000_000_000_000, base())
        .prop_map(|(ticks, base)| Timestamp::new(ticks, base))
}

/// A time in a job, in whole nanoseconds as its text states them.
fn moment() -> impl Strategy<Value = Timestamp> {
    (0i64..1_000_000_000_000_000).prop_map(|nanos| Timestamp::new(nanos, Rational::new(1, 1_000_000_000)))
}

fn rate() -> impl Strategy<Value = RateControl> {
    prop_oneof![
        (0u32..=510).prop_map(|tenths| RateControl::Crf { value: f64::from(tenths) / 10.0 }),
        (0u32..=69).prop_map(|value| RateControl::Qp { value }),
        Just(RateControl::Lossless),
        (1u32..2_000_000, 1u32..=2).prop_map(|(kbps, passes)| RateControl::Bitrate { kbps, passes }),
    ]
}

fn settings() -> impl Strategy<Value = EncodeSettings> {
    let samples = (
        prop::option::of(prop::sample::select(vec![8u32, 10, 12])),
        prop::option::of(prop::sample::select(Chroma::ALL.to_vec())),
    );
    let quality = (
        prop::option::of("[a-z]{1,9}"),
        prop::option::of("[a-z]{1,9}"),
        prop::option::of(rate()),
        prop::option::of(1u32..100_000),
        prop::option::of(1u32..100_000),
    );
    let groups = (
        prop::option::of(1u32..1000),
        prop::option::of(any::<bool>()),
        prop::collection::vec(moment(), 0..4),
        prop::option::of(moment()),
        prop::collection::btree_map("[a-z-]{1,12}", "\\PC{0,12}", 0..4),
    );
    (samples, quality, groups).prop_map(|(samples, quality, groups)| {
        let (depth, chroma) = samples;
        let (preset, profile, rate, maxrate, bufsize) = quality;
        let (gop, open_gop, keyframes, key_interval, params) = groups;
        EncodeSettings {
            depth,
            chroma,
            preset,
            tune: None,
            profile,
            level: None,
            rate,
            maxrate,
            bufsize,
            gop,
            open_gop,
            keyframes,
            key_interval,
            params,
            chroma_is_fixed: false,
        }
    })
}

fn job() -> impl Strategy<Value = Job> {
    let video = prop_oneof![
        settings().prop_map(VideoSettings::X264),
        settings().prop_map(VideoSettings::X265),
        settings().prop_map(|settings| VideoSettings::of(Encoder::Ffv1, settings).0),
        settings().prop_map(|settings| VideoSettings::of(Encoder::Prores, settings).0),
        Just(VideoSettings::Copy),
        Just(VideoSettings::None),
    ];
    let audio = prop_oneof![
        Just(AudioSettings::Copy),
        Just(AudioSettings::None),
        prop::option::of(1u32..2000).prop_map(|kbps| AudioSettings::Aac { kbps }),
        prop::option::of(1u32..2000).prop_map(|kbps| AudioSettings::Opus { kbps }),
        prop::option::of(1u32..2000).prop_map(|kbps| AudioSettings::Ac3 { kbps }),
        Just(AudioSettings::Flac),
        Just(AudioSettings::Alac),
        Just(AudioSettings::Pcmf32),
    ];
    let source = (prop::option::of(moment()), prop::option::of(moment()), prop::option::of(any::<u64>()));
    let scaling = (
        prop::option::of((-2i32..5000, -2i32..5000).prop_map(|(width, height)| Size { width, height })),
        prop::sample::select(vec![Resampler::Lanczos, Resampler::Bicubic, Resampler::Bilinear]),
    );
    let rest = (prop::option::of(any::<u32>()), any::<bool>(), any::<bool>(), scaling);
    ("\\PC{1,20}", "\\PC{1,20}", video, audio, source, rest).prop_map(|(input, output, video, audio, source, rest)| {
        let mut job = Job::new(input, output);
        (job.source.start, job.source.duration, job.source.frames) = source;
        job.outputs[0].video = video;
        job.outputs[0].audio = audio;
        (job.outputs[0].picture.size, job.outputs[0].picture.resampler) = rest.3;
        (job.threads, job.outputs[0].overwrite) = (rest.0, rest.1);
        if rest.2 {
            job.source.on_damage = OnDamage::Conceal;
            job.outputs[0].verify = VerifyLevel::Full;
        }
        job
    })
}

proptest! {
    #[test]
    fn a_conversion_to_a_finer_time_base_and_back_is_exact(ticks in -1_000_000_000_000i64..1_000_000_000_000, base in base(), finer in 1i64..1000) {
        let fine = Rational::new(base.num, base.den * finer);
        let there = Timestamp::new(ticks, base).rescale(fine);
        prop_assert_eq!(Timestamp::new(there, fine).rescale(base), ticks);
    }

    #[test]
    fn rescaling_is_off_by_half_a_tick_at_the_most(ticks in -1_000_000_000_000i64..1_000_000_000_000, from in base(), to in base()) {
        let time = Timestamp::new(ticks, from);
        let there = time.rescale(to);
        // If a result does not fit, it saturates, and only then.
        let num = i128::from(ticks) * i128::from(from.num) * i128::from(to.den);
        let den = i128::from(from.den) * i128::from(to.num);
        if (num / den).abs() < i128::from(i64::MAX) {
            prop_assert!((2 * (i128::from(there) * den - num)).abs() <= den);
        } else {
            prop_assert_eq!(there, if num < 0 { i64::MIN } else { i64::MAX });
        }
    }

    #[test]
    fn times_are_ordered_as_exact_fractions(a in time(), b in time()) {
        prop_assert_eq!(a.cmp(&b), exact(a, b));
        prop_assert_eq!(b.cmp(&a), a.cmp(&b).reverse());
        prop_assert_eq!(a == b, exact(a, b) == Ordering::Equal);
    }

    #[test]
    fn rescaling_keeps_order(a in time(), b in time(), to in base()) {
        if a <= b {
            prop_assert!(a.rescale(to) <= b.rescale(to));
        }
    }

    #[test]
    fn rescaling_never_panics(ticks: i64, a: i64, b: i64, c: i64, d: i64) {
        let time = Timestamp::new(ticks, Rational::new(a, b));
        let _ = time.rescale(Rational::new(c, d));
        let _ = (time.to_string(), time.as_spec(), time.micros());
        let _ = time.cmp(&Timestamp::new(c, Rational::new(d, a)));
    }

    #[test]
    fn a_time_survives_its_text(nanos in -9_000_000_000_000_000_000i64..9_000_000_000_000_000_000) {
        let time = Timestamp::new(nanos, Rational::new(1, 1_000_000_000));
        prop_assert_eq!(time.as_spec().parse::<Timestamp>(), Ok(time));
    }

    #[test]
    fn any_text_is_a_time_or_an_error(text in "\\PC{0,24}", digits in "-?[0-9:./]{0,24}") {
        for text in [text, digits] {
            if let Ok(time) = text.parse::<Timestamp>() {
                prop_assert!(time.base.is_positive(), "{}", text);
            }
        }
    }

    #[test]
    fn a_ratio_survives_its_text_and_is_in_lowest_terms(num: i64, den in 1i64..) {
        let ratio = Rational::new(num, den);
        prop_assert_eq!(ratio.to_string().parse::<Rational>(), Ok(ratio));
        prop_assert_eq!(i128::from(ratio.num) * i128::from(den), i128::from(num) * i128::from(ratio.den));
        prop_assert_eq!((Rational::new(ratio.num, ratio.den).num, ratio.den > 0), (ratio.num, true));
    }

    #[test]
    fn a_resolved_size_is_even_and_keeps_the_ratio(side in 16i32..8192, width in 16usize..8192, height in 16usize..8192) {
        let (w, h) = Size { width: side, height: -2 }.resolve(width, height).expect("a size");
        prop_assert_eq!((w, h % 2), (side as usize, 0));
        // The nearest even number is within one row of the exact one, but never below two.
        let off = (h * width).abs_diff(side as usize * height);
        prop_assert!(h == 2 || off <= width, "{}x{} of {}x{}", w, h, width, height);
        let (turned, _) = Size { width: -2, height: side }.resolve(height, width).expect("a size");
        prop_assert_eq!(turned, h);
    }

    #[test]
    fn nonsense_sizes_do_not_resolve(a in -100i32..=0, b in -100i32..=0, width in 1usize..100, height in 1usize..100) {
        prop_assert_eq!(Size { width: a, height: b }.resolve(width, height), None);
    }

    #[test]
    fn a_job_is_unchanged_by_json(job in job()) {
        let text = serde_json::to_string(&job).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Job>(&text).expect("a job"), job);
    }

    #[test]
    fn an_unknown_key_anywhere_in_a_job_is_refused(job in job(), key in "[a-z]{3,8}x") {
        let mut json = serde_json::to_value(&job).expect("JSON");
        for place in ["", "/source", "/outputs/0", "/outputs/0/video", "/source/limits"] {
            let copy = json.clone();
            let object = json.pointer_mut(place).and_then(|value| value.as_object_mut()).expect("an object");
            object.insert(key.clone(), 1.into());
            // `copy` and `none` have no settings, and the tag of the enum tolerates unknown ones.
            let bare = matches!(job.outputs[0].video, VideoSettings::Copy | VideoSettings::None);
            if !(bare && place == "/outputs/0/video") {
                prop_assert!(serde_json::from_value::<Job>(json).is_err(), "{} in '{}'", key, place);
            }
            json = copy;
        }
    }
}
