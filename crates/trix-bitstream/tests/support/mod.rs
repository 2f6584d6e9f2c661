//! Arbitrary renditions.

use std::collections::BTreeSet;

use proptest::prelude::*;
use trix_bitstream::manifest::{
    Audio, Content, Description, Manifest, MediaRendition, Role, SegmentPlace, Storage, TextRendition, Video,
};
use trix_model::{
    color::{Matrix, Primaries, Transfer},
    hdr::DolbyVision,
    orientation::Orientation,
    time::{Rational, TimeBase, Timestamp},
};

const ROLES: [Role; 7] = [
    Role::Default,
    Role::Forced,
    Role::Comment,
    Role::Dub,
    Role::Captions,
    Role::HearingImpaired,
    Role::VisualImpaired,
];

/// Titles with everything that a playlist or XML gives a meaning to, and often equal to each other.
fn title() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("one".to_owned()),
        Just("one (b2)".to_owned()),
        Just("one (a2)".to_owned()),
        Just("a \"quoted\" title, with=comma & <tag>\r\n#EXT-X-ENDLIST".to_owned()),
        "[a-zA-Z\"'<>&=,#ä\u{4e2d}\t\n ]{0,12}[a-z]",
    ]
}

fn description(id: String) -> impl Strategy<Value = Description> {
    let language = prop::sample::select(vec!["en", "ru", "zh-Hant", "sr-Latn-RS"]);
    let roles = prop::collection::btree_set(prop::sample::select(ROLES.to_vec()), 0..4);
    let rates = (1u64..100_000_000, 0u64..1_000_000);
    (prop::option::of(title()), prop::option::of(language), roles, rates).prop_map(
        move |(title, language, roles, (average, more))| Description {
            id: id.clone(),
            title,
            language: language.map(str::to_owned),
            roles: roles.into_iter().collect::<BTreeSet<_>>(),
            peak_bit_rate: average + more,
            average_bit_rate: average,
        },
    )
}

/// Consecutive segments from `start` on: durations in ticks, sizes, and sizes up to the end of the keyframe.
fn segments() -> impl Strategy<Value = Vec<SegmentPlace>> {
    let one = (1u64..2_000_000, 100u64..5_000_000, 0u64..100);
    (0i64..1_000_000, prop::collection::vec(one, 1..12)).prop_map(|(start, list)| {
        let (mut start, mut at) = (start, 1000);
        let mut places = Vec::new();
        for (duration, bytes, less) in list {
            places.push(SegmentPlace { start, duration, at, bytes, key_bytes: bytes - less });
            start += duration as i64;
            at += bytes;
        }
        places
    })
}

pub fn video() -> impl Strategy<Value = Video> {
    let rate = prop::sample::select(vec![(25, 1), (30_000, 1001), (24_000, 1001), (120, 1)]);
    let aspect = prop::sample::select(vec![(1, 1), (16, 15), (4, 3), (0, 1)]);
    let turn = (0u16..4, any::<bool>()).prop_map(|(turns, mirrored)| Orientation { degrees: turns * 90, mirrored });
    let color = prop::sample::select(vec![(1, 1, 1), (9, 16, 9), (9, 18, 9), (2, 2, 2)]);
    let vision = prop::option::of(prop::sample::select(vec![(5, 0), (8, 1), (8, 2), (8, 4)]));
    (16u32..8192, 16u32..8192, aspect, turn, prop::option::of(rate), color, vision).prop_map(
        |(width, height, aspect, orientation, rate, (primaries, transfer, matrix), vision)| Video {
            width,
            height,
            sample_aspect: Rational::new(aspect.0, aspect.1),
            orientation,
            rate: rate.map(|(num, den)| Rational::new(num, den)),
            primaries: Primaries(primaries),
            transfer: Transfer(transfer),
            matrix: Matrix(matrix),
            dolby_vision: vision.map(|(profile, compatibility)| DolbyVision {
                version: (1, 0),
                profile,
                level: 6,
                has_rpu: true,
                has_enhancement: false,
                has_base: true,
                compatibility,
            }),
        },
    )
}

pub fn audio() -> impl Strategy<Value = Audio> {
    let rate = prop::sample::select(vec![48_000, 44_100, 96_000]);
    (rate, 1u32..9).prop_map(|(sample_rate, channels)| Audio { sample_rate, channels })
}

fn media(id: String, content: impl Strategy<Value = Content>) -> impl Strategy<Value = MediaRendition> {
    let timescale = prop::sample::select(vec![12_800u32, 24_000, 44_100, 48_000, 90_000]);
    (description(id), content, any::<bool>(), timescale, segments(), 0usize..2).prop_map(
        |(description, content, has_captions, timescale, segments, kind)| {
            let codecs: [&str; 2] = match content {
                Content::Video(_) => ["avc1.64001F", "hvc1.2.4.L120.90"],
                Content::Audio(_) => ["mp4a.40.2", "ec-3"],
            };
            let codecs = codecs[kind].to_owned();
            MediaRendition { description, content, codecs, has_captions, storage: Storage::Files, timescale, segments }
        },
    )
}

fn text(id: String) -> impl Strategy<Value = TextRendition> {
    let durations = prop::collection::vec(1i64..20_000, 1..8);
    (description(id), durations).prop_map(|(description, durations)| TextRendition {
        description,
        durations: durations.into_iter().map(|millis| Timestamp::new(millis, TimeBase::new(1, 1000))).collect(),
    })
}

/// A package with at least one rendition of video or audio, in files or in single files.
pub fn manifest() -> impl Strategy<Value = Manifest> {
    let video: Vec<_> = (0..3).map(|index| media(format!("v{index}"), video().prop_map(Content::Video))).collect();
    let audio: Vec<_> = (0..4).map(|index| media(format!("a{index}"), audio().prop_map(Content::Audio))).collect();
    let texts: Vec<_> = (0..3).map(|index| text(format!("b{index}"))).collect();
    let counts = (0usize..4, 0usize..5, 0usize..4).prop_filter("media", |(video, audio, _)| video + audio > 0);
    (video, audio, texts, counts, any::<bool>()).prop_map(|(mut video, mut audio, mut texts, counts, is_single)| {
        video.truncate(counts.0);
        audio.truncate(counts.1);
        texts.truncate(counts.2);
        video.extend(audio);
        if is_single {
            video.iter_mut().for_each(|one| one.storage = Storage::Single { header_bytes: 800 });
        }
        Manifest { media: video, texts }
    })
}
