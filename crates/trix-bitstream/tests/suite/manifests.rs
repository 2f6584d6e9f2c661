//! Playlists of HLS and the manifest of DASH.

use std::collections::BTreeSet;

use m3u8_rs::{AlternativeMediaType, MasterPlaylist, MediaPlaylist};
use proptest::prelude::*;
use trix_bitstream::{
    dash,
    hls::{
        self,
        read::{ByteRange, Part, Playlist},
    },
    manifest::{Content, Description, Manifest, Role, Storage, TextRendition, names},
};
use trix_model::time::{TimeBase, Timestamp};

use crate::support::manifest;

const MICROS: TimeBase = TimeBase::new(1, 1_000_000);

fn of_media(text: &str) -> MediaPlaylist {
    m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("a playlist")
}

fn of_all(text: &str) -> MasterPlaylist {
    m3u8_rs::parse_master_playlist_res(text.as_bytes()).expect("a playlist")
}

fn parts<'a>(playlist: &Playlist<'a>) -> Vec<Part<'a>> {
    playlist.segments.iter().map(|(part, _)| *part).collect()
}

/// The sum of all durations in microseconds.
fn sum(playlist: &Playlist<'_>) -> i64 {
    playlist.segments.iter().map(|(_, duration)| duration.rescale(MICROS)).sum()
}

proptest! {
    #[test]
    fn playlists_of_renditions_are_read_with_the_times_of_the_segments(manifest in manifest()) {
        let Manifest { media, texts } = &manifest;
        let all = media.iter().flat_map(|one| one.durations());
        let target = hls::media::target_duration(all.chain(texts.iter().flat_map(|one| one.durations.iter().copied())));
        for rendition in media {
            let text = hls::media::playlist(rendition, target);
            let own = hls::read::playlist(&text).expect("a playlist");
            // The sum is exact, although each duration is rounded.
            let ticks: u64 = rendition.segments.iter().map(|segment| segment.duration).sum();
            let base = TimeBase::new(1, rendition.timescale.into());
            prop_assert_eq!(sum(&own), Timestamp::new(ticks as i64, base).rescale(MICROS));
            for ((_, found), exact) in own.segments.iter().zip(rendition.durations()) {
                prop_assert!((found.rescale(MICROS) - exact.rescale(MICROS)).abs() <= 1);
                prop_assert!(found.rescale(TimeBase::new(1, 1)) <= own.target);
            }
            prop_assert_eq!((own.target, own.is_ended), (target as i64, true));
            let range = |length, from| Some(ByteRange { length, from });
            let expected: Vec<Part<'_>> = match rendition.storage {
                Storage::Files => Vec::new(),
                Storage::Single { .. } => {
                    let part = |one: &trix_bitstream::manifest::SegmentPlace| Part { name: names::SINGLE, range: range(one.bytes, one.at) };
                    rendition.segments.iter().map(part).collect()
                }
            };
            match rendition.storage {
                Storage::Files => {
                    prop_assert_eq!(own.header, Some(Part { name: names::HEADER, range: None }));
                    for (index, part) in parts(&own).into_iter().enumerate() {
                        let name = names::segment(index, names::MEDIA_SEGMENT);
                        prop_assert_eq!((part.name, part.range), (name.as_str(), None));
                    }
                }
                Storage::Single { header_bytes } => {
                    prop_assert_eq!(own.header, Some(Part { name: names::SINGLE, range: range(header_bytes, 0) }));
                    prop_assert_eq!(parts(&own), expected);
                }
            }
            let foreign = of_media(&text);
            prop_assert!(foreign.end_list && foreign.independent_segments && !foreign.i_frames_only);
            prop_assert_eq!(foreign.target_duration, target);
            prop_assert_eq!(foreign.segments.len(), rendition.segments.len());
            for (found, (part, _)) in foreign.segments.iter().zip(&own.segments) {
                prop_assert_eq!(&found.uri, part.name);
                let stated = found.byte_range.as_ref().and_then(|range| Some((range.length, range.offset?)));
                prop_assert_eq!(stated, part.range.map(|range| (range.length, range.from)));
            }

            let text = hls::media::keyframes(rendition, target);
            let foreign = of_media(&text);
            prop_assert!(foreign.i_frames_only && foreign.end_list);
            let own = hls::read::playlist(&text).expect("a playlist");
            let from = |place: &trix_bitstream::manifest::SegmentPlace| match rendition.storage {
                Storage::Files => 0,
                Storage::Single { .. } => place.at,
            };
            let expected: Vec<_> = rendition.segments.iter().map(|one| range(one.key_bytes, from(one))).collect();
            prop_assert_eq!(parts(&own).iter().map(|part| part.range).collect::<Vec<_>>(), expected);
        }
        for rendition in texts {
            let text = hls::media::texts(rendition, target);
            let own = hls::read::playlist(&text).expect("a playlist");
            let found: Vec<Timestamp> = own.segments.iter().map(|(_, duration)| *duration).collect();
            prop_assert_eq!(&found, &rendition.durations);
            prop_assert_eq!((own.header, of_media(&text).segments.len()), (None, found.len()));
        }
    }

    #[test]
    fn the_master_playlist_names_every_rendition(manifest in manifest()) {
        let text = hls::master::playlist(&manifest);
        let found = of_all(&text);
        let is_video = |content: &Content| matches!(content, Content::Video(_));
        let (frames, audio): (Vec<_>, Vec<_>) = manifest.media.iter().partition(|one| is_video(&one.content));
        let groups: BTreeSet<&str> = audio.iter().map(|one| one.codecs.as_str()).collect();

        // Each audio and text rendition stands once in a group, under a name of its own.
        let mut names = BTreeSet::new();
        let mut uris = Vec::new();
        for one in found.alternatives.iter().filter(|one| one.uri.is_some()) {
            prop_assert!(names.insert((one.group_id.clone(), one.name.clone())), "{:?}", one.name);
            uris.push(one.uri.clone().expect("an address"));
        }
        uris.sort();
        let addresses = audio.iter().map(|one| &one.description).chain(manifest.texts.iter().map(|one| &one.description));
        let expected: Vec<String> = addresses.map(|one| format!("{}/{}", one.id, names::PLAYLIST)).collect();
        prop_assert_eq!(uris, expected);
        for kind in [AlternativeMediaType::Audio, AlternativeMediaType::Subtitles] {
            let of_kind: Vec<_> = found.alternatives.iter().filter(|one| one.media_type == kind).collect();
            for group in of_kind.iter().map(|one| &one.group_id).collect::<BTreeSet<_>>() {
                let defaults = of_kind.iter().filter(|one| one.group_id == *group && one.default);
                prop_assert!(defaults.clone().count() <= 1);
                prop_assert!(defaults.clone().all(|one| one.autoselect), "a default is selected automatically");
            }
        }

        // Each combination stands there, with the rates of its parts.
        let (keyframes, variants): (Vec<_>, Vec<_>) = found.variants.iter().partition(|one| one.is_i_frame);
        prop_assert_eq!(keyframes.len(), frames.len());
        prop_assert_eq!(variants.len(), if frames.is_empty() { groups.len() } else { frames.len() * groups.len().max(1) });
        let most_text = manifest.texts.iter().map(|one| one.description.peak_bit_rate).max().unwrap_or(0);
        for variant in variants {
            let is_of = |id: &str| variant.uri == format!("{id}/{}", names::PLAYLIST);
            let rendition = manifest.media.iter().find(|one| is_of(&one.description.id)).expect("a rendition");
            let group: Vec<_> = found.alternatives.iter().filter(|one| Some(&one.group_id) == variant.audio.as_ref()).collect();
            prop_assert_eq!(group.is_empty(), groups.is_empty());
            let member = |id: &str| group.iter().any(|one| one.uri == Some(format!("{id}/{}", names::PLAYLIST)));
            let most = audio.iter().filter(|one| member(&one.description.id)).map(|one| one.description.peak_bit_rate).max();
            let other = if is_video(&rendition.content) { most.unwrap_or(0) } else { 0 };
            prop_assert_eq!(variant.bandwidth, rendition.description.peak_bit_rate + other + most_text);
            prop_assert!(variant.average_bandwidth <= Some(variant.bandwidth));
            prop_assert_eq!(variant.subtitles.is_some(), !manifest.texts.is_empty());
            if let Content::Video(video) = &rendition.content {
                let (width, height) = video.shown_size();
                let turned = video.orientation.is_sideways();
                let (width, height) = if turned { (height, width) } else { (width, height) };
                let stated = variant.resolution.as_ref().map(|size| (size.width, size.height));
                prop_assert_eq!(stated, Some((u64::from(width), u64::from(height))));
            }
        }
        for variant in keyframes {
            prop_assert!(variant.uri.ends_with(names::KEYFRAMES));
        }
    }

    #[test]
    fn the_manifest_of_dash_states_segments_to_the_tick(manifest in manifest()) {
        let text = dash::manifest(&manifest);
        let found = dash_mpd_core::parse(&text).expect("a manifest");
        let end = manifest.media.iter().map(|one| one.end()).max().expect("media");
        // Milliseconds, rounded up.
        let stated = found.mediaPresentationDuration.expect("a duration").as_millis() as i64;
        prop_assert!((0..=1001).contains(&(stated * 1000 - end.micros())), "{} and {}", stated, end);
        let sets = &found.periods[0].adaptations;
        let ids: BTreeSet<_> = sets.iter().map(|set| set.id.clone()).collect();
        prop_assert_eq!(ids.len(), sets.len());
        let mut seen = 0;
        for set in sets {
            for one in &set.representations {
                seen += 1;
                let id = one.id.as_deref().expect("a name");
                if let Some(text) = manifest.texts.iter().find(|text| text.description.id == id) {
                    prop_assert_eq!(&one.BaseURL[0].base, &format!("{id}/{}", names::WHOLE_TEXT));
                    prop_assert_eq!(set.lang.as_deref(), text.description.language.as_deref());
                    continue;
                }
                let rendition = manifest.media.iter().find(|one| one.description.id == id).expect("a rendition");
                prop_assert_eq!(one.codecs.as_deref(), Some(rendition.codecs.as_str()));
                prop_assert_eq!(one.bandwidth, Some(rendition.description.peak_bit_rate));
                if let Content::Audio(_) = rendition.content {
                    prop_assert_eq!(set.lang.as_deref(), rendition.description.language.as_deref());
                }
                match rendition.storage {
                    Storage::Files => {
                        let template = one.SegmentTemplate.as_ref().expect("a template");
                        prop_assert_eq!(template.timescale, Some(u64::from(rendition.timescale)));
                        let timeline = &template.SegmentTimeline.as_ref().expect("a timeline").segments;
                        prop_assert_eq!(timeline[0].t, Some(rendition.segments[0].start as u64));
                        let durations = timeline.iter().flat_map(|one| vec![one.d; 1 + one.r.unwrap_or(0) as usize]);
                        let expected: Vec<u64> = rendition.segments.iter().map(|segment| segment.duration).collect();
                        prop_assert_eq!(durations.collect::<Vec<_>>(), expected);
                    }
                    Storage::Single { header_bytes } => {
                        let base = one.SegmentBase.as_ref().expect("an index");
                        let range = format!("{header_bytes}-{}", rendition.segments[0].at - 1);
                        prop_assert_eq!(base.indexRange.as_deref(), Some(range.as_str()));
                    }
                }
            }
        }
        prop_assert_eq!(seen, manifest.media.len() + manifest.texts.len());
        // Titles come back, apart from characters that XML has no place for.
        let plain = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        for text in &manifest.texts {
            let is_it = |set: &&dash_mpd_core::AdaptationSet| {
                set.representations.iter().any(|one| one.id.as_deref() == Some(text.description.id.as_str()))
            };
            let set = sets.iter().find(is_it).expect("a set");
            let stated = set.Label.first().map(|label| label.content.trim().to_owned());
            prop_assert_eq!(stated, text.description.title.as_deref().map(|title| plain(title).trim().to_owned()));
            let forced = set.Role.iter().any(|role| role.value.as_deref() == Some("forced-subtitle"));
            prop_assert_eq!(forced, text.description.roles.contains(&Role::Forced));
        }
    }

    #[test]
    fn no_text_is_trouble_for_the_reader_of_playlists(text in "(#EXT[A-Z-]{0,12}|[:@\",.0-9a-zA-Z=]{0,9}|\n|URI=\"|#EXTINF:){0,40}") {
        if let Ok(playlist) = hls::read::playlist(&text) {
            prop_assert!(playlist.segments.iter().all(|(part, _)| !part.name.is_empty()));
        }
    }
}

#[test]
fn what_makes_no_sense_is_named() {
    for (text, wrong) in [
        ("#EXT-X-TARGETDURATION:x", "#EXT-X-TARGETDURATION:x"),
        ("#EXTM3U\na.mp4", "a.mp4"),
        ("#EXTINF:1,\na.mp4\nb.mp4", "b.mp4"),
        ("#EXTINF:x,\na.mp4", "a.mp4"),
        ("#EXT-X-MAP:BYTERANGE=\"1@0\"", "#EXT-X-MAP:BYTERANGE=\"1@0\""),
        ("#EXT-X-MAP:URI=\"a\",BYTERANGE=\"1\"", "1"),
        ("#EXTINF:1,\n#EXT-X-BYTERANGE:5@x\na.mp4", "5@x"),
    ] {
        assert_eq!(hls::read::playlist(text), Err(wrong), "{text}");
    }
    let range = ByteRange { length: 2, from: u64::MAX - 1 };
    let text = format!("#EXTINF:1,\n#EXT-X-BYTERANGE:2@{}\na.mp4", range.from);
    let playlist = hls::read::playlist(&text).expect("a playlist");
    assert_eq!((parts(&playlist)[0].range, range.end()), (Some(range), None));
}

#[test]
fn a_title_that_looks_like_another_name_is_no_second_rendition_of_that_name() {
    let text = |id: &str, title: &str| TextRendition {
        description: Description { id: id.to_owned(), title: Some(title.to_owned()), ..Description::default() },
        durations: vec![Timestamp::new(1, TimeBase::new(1, 1))],
    };
    let texts = vec![text("a", "One"), text("b", "One (c)"), text("c", "One")];
    let playlist = of_all(&hls::master::playlist(&Manifest { media: Vec::new(), texts }));
    let names: Vec<&str> = playlist.alternatives.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["One", "One (c)", "One (c) (c)"]);
}

#[test]
fn both_formats_name_the_same_segments() {
    for index in [0, 8, 99_998] {
        let number = format!("{:05}", index + 1);
        let name = names::SEGMENT_TEMPLATE.replace("$Number%05d$", &number);
        assert_eq!(name, names::segment(index, names::MEDIA_SEGMENT));
    }
}
