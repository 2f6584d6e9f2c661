//! Tests that playlists and manifests agree with the segments, as other parsers and decoders read them.

use std::{fs, path::Path};

use mp4_atom::{Any, Codec, Decode, DecodeMaybe};
use trix_core::{
    media::time::Timestamp,
    settings::{
        audio::AudioSettings,
        package::{Layout, PackageSettings},
        video::Encoder,
    },
};
use trix_fixtures::{folder, media, program};

use crate::support::{
    self, done, ffprobe,
    ladder::{audio_file, input, ladder, packaged, rung, two_seconds},
    number, quick, samples, text, video_job,
};

const AAC: AudioSettings = AudioSettings::Aac { kbps: None };

/// Converts decimal seconds exactly to microseconds.
fn micros(decimals: &str) -> i64 {
    decimals.parse::<Timestamp>().expect("a number").micros()
}

/// Returns the segment durations of a playlist in microseconds.
fn durations(playlist: &Path) -> Vec<i64> {
    let text = fs::read_to_string(playlist).expect("a playlist");
    let of = |line: &str| line.strip_prefix("#EXTINF:").map(|rest| micros(rest.trim_end_matches(',')));
    text.lines().filter_map(of).collect()
}

/// Returns the starts of all segments, and the end of the last one.
fn edges(durations: &[i64]) -> Vec<i64> {
    let sums = durations.iter().scan(0, |sum, duration| {
        *sum += duration;
        Some(*sum)
    });
    std::iter::once(0).chain(sums).collect()
}

fn media_playlist(path: &Path) -> m3u8_rs::MediaPlaylist {
    m3u8_rs::parse_media_playlist_res(&fs::read(path).expect("a playlist")).expect("a playlist that can be parsed")
}

fn master_playlist(package: &Path) -> m3u8_rs::MasterPlaylist {
    let bytes = fs::read(package.join("master.m3u8")).expect("a playlist");
    m3u8_rs::parse_master_playlist_res(&bytes).expect("a playlist that can be parsed")
}

/// Concatenates the header and the segments of a rendition.
fn joined(rendition: &Path) -> Vec<u8> {
    let playlist = media_playlist(&rendition.join("media.m3u8"));
    let header = playlist.segments[0].map.as_ref().expect("a header").uri.clone();
    let names = std::iter::once(header).chain(playlist.segments.into_iter().map(|segment| segment.uri));
    names.flat_map(|name| fs::read(rendition.join(name)).expect("a segment")).collect()
}

fn atoms(bytes: &[u8]) -> Vec<Any> {
    let mut rest = bytes;
    let mut list = Vec::new();
    while !rest.is_empty() {
        list.push(Any::decode_maybe(&mut rest).expect("a box").expect("a whole box"));
    }
    list
}

/// Returns checksums of the decoded frames, from the `ffmpeg` program.
fn frame_checksums(file: &Path, stream: &str) -> Vec<String> {
    let is_manifest = file.extension().is_some_and(|extension| extension == "mpd");
    // Without this option, the demuxer rejects text files by their extension.
    let allowed = if is_manifest { "-allowed_extensions ALL " } else { "" };
    let line = format!("{allowed}-i {} -map 0:{stream} -fps_mode passthrough -f framemd5 -", file.display());
    let text = program::text(&program::ffmpeg(&line));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().expect("a checksum").trim().to_owned()).collect()
}

#[test]
fn playlists_keep_the_rules_of_hls() {
    let folder = folder();
    let target = folder.path().join("package");
    let records = packaged(&ladder(folder.path(), Encoder::X264, "bframes=3", AAC), &target, &two_seconds());
    let mut grids = Vec::new();
    for record in &records {
        let path = target.join(&record.id).join("media.m3u8");
        let playlist = media_playlist(&path);
        let id = &record.id;
        assert!(playlist.end_list && !playlist.i_frames_only && playlist.media_sequence == 0, "{id}");
        assert_eq!(playlist.playlist_type, Some(m3u8_rs::MediaPlaylistType::Vod), "{id}");
        assert_eq!(playlist.target_duration, 2, "{id}: all playlists have one target duration");
        assert_eq!(playlist.segments.len() as u64, record.segments, "{id}");
        assert!(playlist.version >= Some(6), "{id}: EXT-X-MAP needs version 6");
        let list = durations(&path);
        assert!(list.iter().all(|duration| (duration + 500_000) / 1_000_000 <= 2), "{id}: {list:?}");
        assert_eq!(list.iter().sum::<i64>(), record.duration.micros(), "{id}");
        assert!((record.duration.micros() - 12_520_000).abs() <= 1, "{id}: {}", record.duration);
        if id != "text" {
            assert!(playlist.independent_segments, "{id}");
            assert_eq!(playlist.segments[0].map.as_ref().map(|map| map.uri.as_str()), Some("init.mp4"), "{id}");
        }
        grids.push(edges(&list));
    }
    assert_eq!(
        grids[0],
        [0, 2, 4, 6, 8, 10, 12].map(|second| second * 1_000_000).into_iter().chain([12_520_000]).collect::<Vec<_>>()
    );
    assert_eq!(grids[0], grids[1], "all renditions have the same boundaries");
    assert_eq!(grids[0], grids[4], "text too");
    for (video, audio) in grids[0].iter().zip(&grids[2]) {
        // Half of an audio frame of 1024 samples at 48 kHz.
        assert!((video - audio).abs() <= 10_667, "{:?} and {:?}", grids[0], grids[2]);
    }
    assert_eq!(grids[2], grids[3]);
}

#[test]
fn the_master_playlist_states_what_was_measured() {
    let folder = folder();
    let target = folder.path().join("package");
    let records = packaged(&ladder(folder.path(), Encoder::X264, "bframes=3", AAC), &target, &two_seconds());
    let master = master_playlist(&target);
    assert!(master.independent_segments);
    let weights = |id: &str| -> Vec<(u64, i64)> {
        let playlist = media_playlist(&target.join(id).join("media.m3u8"));
        let sizes =
            playlist.segments.iter().map(|segment| fs::metadata(target.join(id).join(&segment.uri)).unwrap().len());
        sizes.zip(durations(&target.join(id).join("media.m3u8"))).collect()
    };
    let rate = |bytes: u64, micros: i64| bytes as f64 * 8e6 / micros as f64;
    // Only segments of at least half the target duration count.
    let densest = |id: &str| {
        let long = weights(id).into_iter().filter(|(_, micros)| *micros >= 1_000_000);
        long.map(|(bytes, micros)| rate(bytes, micros)).fold(0.0, f64::max)
    };
    let average = |id: &str| {
        let (bytes, micros) = weights(id).iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        rate(bytes, micros)
    };
    let (variants, keyframes): (Vec<_>, Vec<_>) = master.variants.iter().partition(|variant| !variant.is_i_frame);
    assert_eq!((variants.len(), keyframes.len()), (2, 2));
    for (variant, (id, size, name)) in
        variants.iter().zip([("high", (320, 180), "avc1.4D400C"), ("low", (160, 90), "avc1.4D400B")])
    {
        assert_eq!(variant.uri, format!("{id}/media.m3u8"));
        let resolution = variant.resolution.as_ref().expect("a size");
        assert_eq!((resolution.width, resolution.height), size);
        assert_eq!(variant.frame_rate, Some(25.0));
        assert_eq!(variant.codecs.as_deref(), Some(format!("{name},mp4a.40.2").as_str()));
        assert_eq!(variant.audio.as_deref(), Some("audio-mp4a402"));
        assert_eq!(variant.subtitles.as_deref(), Some("text"));
        let range = variant.other_attributes.as_ref().and_then(|list| list.get("VIDEO-RANGE"));
        assert_eq!(range.map(ToString::to_string).as_deref(), Some("SDR"));
        let stated = variant.bandwidth as f64;
        let audio = densest("english").max(densest("russian"));
        let needed = densest(id) + audio + densest("text");
        assert!(stated >= needed && stated < needed * 1.1 + 2000.0, "{id}: {stated} is stated, {needed} is needed");
        let exact = average(id) + average("english").max(average("russian")) + average("text");
        let stated = variant.average_bandwidth.expect("an average") as f64;
        assert!((stated - exact).abs() < 4.0, "{id}: {stated} is stated, {exact} is measured");
    }
    for (variant, id) in keyframes.iter().zip(["high", "low"]) {
        let list = media_playlist(&target.join(&variant.uri));
        assert!(list.i_frames_only);
        assert_eq!(list.segments.len(), 7);
        // The header and the byte range give one frame: the first of its segment.
        let third = &list.segments[2];
        let range = third.byte_range.as_ref().expect("a range");
        let bytes = fs::read(target.join(id).join(&third.uri)).unwrap();
        let header = fs::read(target.join(id).join("init.mp4")).unwrap();
        let file = folder.path().join("keyframe.mp4");
        fs::write(&file, [&header, &bytes[..range.length as usize]].concat()).unwrap();
        let line = format!("-v quiet -i {} -frames:v 1 -f framemd5 -", file.display());
        let found = program::text(&program::run("ffmpeg", line.split(' ')));
        let found = found.lines().last().and_then(|line| line.rsplit(',').next()).map(str::trim).unwrap().to_owned();
        assert_eq!(found, frame_checksums(&folder.path().join(id).with_extension("mp4"), "v:0")[100], "{id}");
    }
    let stated: Vec<_> = master
        .alternatives
        .iter()
        .map(|one| {
            (one.media_type.to_string(), one.name.as_str(), one.language.as_deref(), one.default, one.autoselect)
        })
        .collect();
    let expected = [
        ("AUDIO".to_owned(), "en", Some("en"), true, true),
        ("AUDIO".to_owned(), "ru", Some("ru"), false, true),
        ("SUBTITLES".to_owned(), "English", Some("en"), false, true),
    ];
    assert_eq!(stated, expected);
    assert_eq!(master.alternatives[0].channels.as_deref(), Some("2"));
    assert!(records.iter().all(|record| record.peak_bit_rate >= record.average_bit_rate));
}

/// Checks header and segments of a rendition with another parser. Returns the name of its codec by RFC 6381.
fn check_boxes(rendition: &Path, is_video: bool) -> String {
    let header = atoms(&fs::read(rendition.join("init.mp4")).expect("a header"));
    let [Any::Ftyp(ftyp), Any::Moov(moov)] = header.as_slice() else { panic!("{header:?}") };
    assert!(ftyp.compatible_brands.contains(&b"cmfc".into()), "{ftyp:?}");
    let [track] = moov.trak.as_slice() else { panic!("one track a file") };
    assert!(moov.mvex.is_some(), "fragments are announced");
    let table = &track.mdia.minf.stbl;
    assert!(table.stts.entries.is_empty() && table.stsz == Default::default(), "no samples outside of fragments");
    let edits = track.edts.as_ref().and_then(|edts| edts.elst.as_ref()).map_or(&[][..], |elst| &elst.entries);
    assert!(edits.len() <= 1);
    let shift = edits.first().map_or(0, |edit| edit.media_time.expect("no empty edit"));
    let segments = media_playlist(&rendition.join("media.m3u8")).segments;
    let lengths = durations(&rendition.join("media.m3u8"));
    let second = u64::from(track.mdia.mdhd.timescale);
    let mut next = 0;
    for (index, segment) in segments.iter().enumerate() {
        let bytes = fs::read(rendition.join(&segment.uri)).expect("a segment");
        let list = atoms(&bytes);
        let [Any::Styp(_), Any::Moof(moof), Any::Mdat(mdat)] = list.as_slice() else { panic!("{list:?}") };
        assert_eq!(moof.mfhd.sequence_number as usize, index + 1);
        let [run] = moof.traf.as_slice() else { panic!("one track") };
        assert!(run.tfhd.default_base_is_moof && run.tfhd.track_id == 1);
        let decoded = run.tfdt.as_ref().expect("a decode time").base_media_decode_time;
        assert_eq!(decoded, next, "segments follow each other");
        let [list] = run.trun.as_slice() else { panic!("one run") };
        let entries: Vec<_> = list.samples.iter().collect();
        let flags = entries[0].flags.expect("flags");
        assert_eq!((flags >> 24 & 3, flags >> 16 & 1), (2, 0), "the first sample needs no other");
        let keys = entries.iter().filter(|entry| entry.flags.is_some_and(|flags| flags >> 16 & 1 == 0)).count();
        assert_eq!(keys, if is_video { 1 } else { entries.len() });
        let size: u64 = entries.iter().map(|entry| u64::from(entry.size.expect("a size"))).sum();
        assert_eq!(size, mdat.data.len() as u64);
        let data = bytes.len() as u64 - size;
        let styp = 28;
        assert_eq!(list.data_offset, Some((data - styp) as i32), "data follow the fragment at once");
        let mut at = decoded;
        let mut shown = Vec::new();
        for entry in &entries {
            let offset = u64::try_from(entry.cts.expect("an offset")).expect("offsets of old players have no sign");
            shown.push(at + offset - if is_video { shift } else { 0 });
            at += u64::from(entry.duration.expect("a duration"));
        }
        assert_eq!(shown.iter().min(), Some(&decoded), "a segment shows its first sample when it begins");
        let hidden = if is_video || index > 0 { 0 } else { shift };
        let exact = (at - decoded - hidden) as f64 * 1e6 / second as f64;
        assert!((exact - lengths[index] as f64).abs() <= 1.0, "{exact} and {}", lengths[index]);
        next = at;
    }
    let [codec] = table.stsd.codecs.as_slice() else { panic!("one description") };
    match codec {
        Codec::Avc1(avc1) => {
            let avcc = &avc1.avcc;
            let [profile, flags, level] =
                [avcc.avc_profile_indication, avcc.profile_compatibility, avcc.avc_level_indication];
            format!("avc1.{profile:02X}{flags:02X}{level:02X}")
        }
        Codec::Hvc1(hvc1) => {
            let hvcc = &hvc1.hvcc;
            let flags = u32::from_be_bytes(hvcc.general_profile_compatibility_flags).reverse_bits();
            let constraints = hvcc.general_constraint_indicator_flags[0];
            let tier = if hvcc.general_tier_flag { 'H' } else { 'L' };
            format!("hvc1.{}.{flags:X}.{tier}{}.{constraints:X}", hvcc.general_profile_idc, hvcc.general_level_idc)
        }
        Codec::Mp4a(mp4a) => {
            let config = &mp4a.esds.es_desc.dec_config;
            format!(
                "mp4a.{:x}.{}",
                config.object_type_indication,
                config.dec_specific.as_ref().expect("a configuration").profile
            )
        }
        Codec::Opus(_) => "Opus".to_owned(),
        Codec::Flac(_) => "fLaC".to_owned(),
        Codec::Ac3(_) => "ac-3".to_owned(),
        Codec::Eac3(_) => "ec-3".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn segments_and_codec_names_hold_before_a_foreign_parser() {
    let folder = folder();
    for (name, encoder, params, audio) in [
        ("avc", Encoder::X264, "bframes=3", AAC),
        ("still-order", Encoder::X264, "bframes=0", AudioSettings::Opus { kbps: None }),
        ("hevc", Encoder::X265, "bframes=3", AudioSettings::Ac3 { kbps: None }),
    ] {
        let files = folder.path().join(name);
        fs::create_dir(&files).unwrap();
        let target = files.join("package");
        for record in packaged(&ladder(&files, encoder, params, audio), &target, &two_seconds()) {
            if let Some(codecs) = &record.codecs {
                let found = check_boxes(&target.join(&record.id), matches!(record.id.as_str(), "high" | "low"));
                assert_eq!(*codecs, found, "{name}: {}", record.id);
            }
        }
    }
}

#[test]
fn the_manifest_states_the_segments_to_the_tick() {
    let folder = folder();
    let target = folder.path().join("package");
    let records = packaged(&ladder(folder.path(), Encoder::X264, "bframes=3", AAC), &target, &two_seconds());
    let text = fs::read_to_string(target.join("manifest.mpd")).expect("a manifest");
    let mpd = dash_mpd_core::parse(&text).expect("a manifest that can be parsed");
    assert_eq!(mpd.mpdtype.as_deref(), Some("static"));
    assert_eq!(mpd.mediaPresentationDuration.map(|duration| duration.as_millis()), Some(12_520));
    assert!(mpd.minBufferTime.is_some());
    let [period] = mpd.periods.as_slice() else { panic!("one period") };
    let sets: Vec<_> = period
        .adaptations
        .iter()
        .map(|set| {
            let role = set.Role.first().and_then(|role| role.value.as_deref());
            (set.contentType.as_deref(), set.lang.as_deref(), role, set.representations.len())
        })
        .collect();
    let expected = [
        (Some("video"), None, Some("main"), 2),
        (Some("audio"), Some("en"), Some("main"), 1),
        (Some("audio"), Some("ru"), Some("alternate"), 1),
        (Some("text"), Some("en"), Some("subtitle"), 1),
    ];
    assert_eq!(sets, expected);
    let representations = period.adaptations.iter().flat_map(|set| &set.representations);
    for (representation, record) in representations.zip(&records) {
        assert_eq!(representation.id.as_deref(), Some(record.id.as_str()));
        if record.id == "text" {
            let address = &representation.BaseURL[0].base;
            assert!(fs::read_to_string(target.join(address)).unwrap().starts_with("WEBVTT"));
            continue;
        }
        assert_eq!(representation.codecs, record.codecs);
        assert_eq!(representation.bandwidth, Some(record.peak_bit_rate));
        let template = representation.SegmentTemplate.as_ref().expect("a template");
        let timeline = &template.SegmentTimeline.as_ref().expect("a timeline").segments;
        let scale = template.timescale.expect("ticks");
        let ticks = timeline.iter().flat_map(|one| vec![one.d; 1 + one.r.unwrap_or(0) as usize]);
        let found: Vec<i64> = edges(&ticks.map(|ticks| ticks as i64).collect::<Vec<_>>());
        let found: Vec<i64> = found.iter().map(|ticks| (*ticks as f64 * 1e6 / scale as f64).round() as i64).collect();
        assert_eq!(found, edges(&durations(&target.join(&record.id).join("media.m3u8"))), "{}", record.id);
        for number in 1..found.len() {
            let name = template.media.as_ref().expect("a name").replace("$Number%05d$", &format!("{number:05}"));
            assert!(target.join(name).is_file());
        }
    }
    let video = &period.adaptations[0].representations[0];
    assert_eq!((video.width, video.height, video.frameRate.as_deref()), (Some(320), Some(180), Some("25")));
    let audio = &period.adaptations[1].representations[0].AudioChannelConfiguration[0];
    assert_eq!(audio.value.as_deref(), Some("2"));
}

#[test]
fn joined_segments_decode_to_the_frames_of_the_encode() {
    let folder = folder();
    for (encoder, params, layout) in [
        (Encoder::X264, "bframes=3 b-pyramid=normal", Layout::Files),
        (Encoder::X264, "bframes=0", Layout::Single),
        (Encoder::X265, "bframes=4", Layout::Files),
    ] {
        let files = tempfile_in(folder.path(), &format!("{encoder}-{layout:?}"));
        let settings = PackageSettings { layout, ..two_seconds() };
        let target = files.join("package");
        packaged(&ladder(&files, encoder, params, AAC), &target, &settings);
        for (index, id) in ["high", "low"].iter().enumerate() {
            let encoded = files.join(id).with_extension("mp4");
            let expected = frame_checksums(&encoded, "v:0");
            assert_eq!(expected.len(), 313);
            let whole = match layout {
                Layout::Single => target.join(id).join("media.mp4"),
                Layout::Files => {
                    let file = files.join("joined.mp4");
                    fs::write(&file, joined(&target.join(id))).unwrap();
                    file
                }
            };
            assert!(frame_checksums(&whole, "v:0") == expected, "{encoder} {layout:?} {id}: joined");
            // Read the playlist, as a player does. The demuxers number renditions in the order of the playlist.
            let played = target.join("master.m3u8");
            assert!(frame_checksums(&played, &format!("v:{index}")) == expected, "{encoder} {layout:?} {id}: by HLS");
            let (times, base) = support::times(&whole, "v:0");
            let micros: Vec<i64> = times.iter().map(|ticks| ticks * base.0 * 1_000_000 / base.1).collect();
            let even: Vec<i64> = (0..313).map(|number| number * 40_000).collect();
            assert_eq!(micros, even, "{encoder} {layout:?} {id}");
        }
        let played = frame_checksums(&target.join("manifest.mpd"), "v:0");
        assert!(played == frame_checksums(&files.join("high.mp4"), "v:0"), "{encoder} {layout:?}: by DASH");
    }
}

fn tempfile_in(folder: &Path, name: &str) -> std::path::PathBuf {
    let path = folder.join(name.replace(['/', ' '], "-"));
    fs::create_dir(&path).unwrap();
    path
}

#[test]
fn audio_of_every_codec_gives_the_samples_of_its_encode() {
    let folder = folder();
    let video = rung(folder.path(), "pictures", Encoder::X264, 160, 50, "");
    for (name, audio, codecs, lead) in [
        ("aac", AAC, "mp4a.40.2", 1024),
        ("opus", AudioSettings::Opus { kbps: None }, "Opus", 312),
        ("ac3", AudioSettings::Ac3 { kbps: None }, "ac-3", 256),
        ("eac3", AudioSettings::Eac3 { kbps: None }, "ec-3", 256),
        ("flac", AudioSettings::Flac, "fLaC", 0),
    ] {
        let encoded = audio_file(folder.path(), name, audio);
        let target = folder.path().join(format!("{name}-package"));
        let records = packaged(&[input(&video, 0, "v"), input(&encoded, 0, "a")], &target, &two_seconds());
        assert_eq!(records[1].codecs.as_deref(), Some(codecs));
        let file = folder.path().join("joined.mp4");
        fs::write(&file, joined(&target.join("a"))).unwrap();
        let (ours, theirs) = (samples(&file, 0, "s16le"), samples(&encoded, 0, "s16le"));
        // In fragments, libavformat gives the priming negative times, and the player must drop it. A decoder of Opus
        // drops its priming by itself. The padding at the end stays as well.
        let before = ffprobe(&file, "-select_streams a:0 -show_streams")["streams"][0]["start_pts"].as_i64().unwrap();
        // Newer releases drop the priming and state a start of zero.
        let is_dropped = before == 0;
        assert!(is_dropped || before == -lead, "{name}: {before}");
        let heard = if name == "opus" || is_dropped { &ours[..] } else { &ours[4 * lead as usize..] };
        assert!(heard.len() >= theirs.len() && heard.len() - theirs.len() <= 2048 * 4, "{name}: {}", heard.len());
        assert!(theirs.len() >= 600_960 * 4, "{name}: {}", theirs.len());
        assert!(heard[..theirs.len()] == theirs[..], "{name}: the same samples at the same places");
    }
}

#[test]
fn audio_alone_is_packaged() {
    let folder = folder();
    let encoded = audio_file(folder.path(), "sound", AAC);
    let target = folder.path().join("package");
    let inputs = [input(&encoded, 0, "english"), input(&encoded, 1, "russian")];
    let records = packaged(&inputs, &target, &two_seconds());
    assert_eq!(records.iter().map(|record| record.segments).collect::<Vec<_>>(), [7, 7]);
    let master = master_playlist(&target);
    assert_eq!((master.variants.len(), master.alternatives.len()), (1, 2));
    assert_eq!(master.variants[0].codecs.as_deref(), Some("mp4a.40.2"));
    assert!(samples(&target.join("master.m3u8"), 0, "s16le").len() >= 12 * 48_000 * 4);
}

#[test]
fn an_index_of_a_single_file_names_every_segment() {
    let folder = folder();
    let file = rung(folder.path(), "v", Encoder::X264, 160, 50, "bframes=2");
    let target = folder.path().join("package");
    let settings = PackageSettings { layout: Layout::Single, ..two_seconds() };
    packaged(&[input(&file, 0, "v")], &target, &settings);
    let bytes = fs::read(target.join("v/media.mp4")).unwrap();
    let playlist = media_playlist(&target.join("v/media.m3u8"));
    let header = playlist.segments[0].map.as_ref().and_then(|map| map.byte_range.as_ref()).expect("a range").length;
    let index = mp4_atom::Sidx::decode(&mut &bytes[header as usize..]).expect("an index");
    let mut at = playlist.segments[0].byte_range.as_ref().and_then(|range| range.offset).expect("a place");
    let text = fs::read_to_string(target.join("manifest.mpd")).unwrap();
    let manifest = dash_mpd_core::parse(&text).expect("a manifest");
    let base = manifest.periods[0].adaptations[0].representations[0].SegmentBase.clone().expect("an index");
    assert_eq!(base.indexRange, Some(format!("{header}-{}", at - 1)));
    let lengths = durations(&target.join("v/media.m3u8"));
    assert_eq!(index.references.len(), playlist.segments.len());
    for ((reference, segment), micros) in index.references.iter().zip(&playlist.segments).zip(lengths) {
        let range = segment.byte_range.as_ref().expect("a range");
        assert_eq!((range.offset, range.length), (Some(at), u64::from(reference.referenced_size)));
        assert_eq!(i64::from(reference.subsegment_duration) * 1_000_000 / i64::from(index.timescale), micros);
        assert!(reference.starts_with_sap && reference.sap_type == 1);
        at += range.length;
    }
    assert_eq!(at, bytes.len() as u64);
}

#[test]
fn dynamic_metadata_of_hdr_go_through_a_package() {
    let Some(source) = media::file("regular.mkv") else { return };
    let folder = folder();
    let encoded = folder.path().join("vision.mp4");
    let mut settings = quick("bframes=3 b-adapt=0");
    (settings.gop, settings.open_gop) = (Some(48), Some(false));
    done(&video_job(&source, &encoded, Encoder::X265, settings));
    let target = folder.path().join("package");
    let records = packaged(&[input(&encoded, 0, "v")], &target, &two_seconds());
    let extras = records[0].track.extras;
    assert_eq!((extras.dolby_vision, records[0].track.packets), (259, 259));
    let master = fs::read_to_string(target.join("master.m3u8")).unwrap();
    assert!(master.contains(",VIDEO-RANGE=PQ,SUPPLEMENTAL-CODECS=\"dvh1.08."), "{master}");
    assert!(master.contains("/db1p\""), "{master}");
    assert!(master.contains("CODECS=\"hvc1.2.4."), "{master}");
    assert!(master.contains("FRAME-RATE=23.976"), "{master}");
    let file = folder.path().join("joined.mp4");
    fs::write(&file, joined(&target.join("v"))).unwrap();
    // The NAL units in the stream, byte by byte, and the configuration records in the container.
    assert!(support::slices(&file, Encoder::X265) == support::slices(&encoded, Encoder::X265));
    let raw = |file: &Path| {
        let line = format!("-i {} -map 0:v -c copy -bsf:v hevc_mp4toannexb -f hevc -", file.display());
        program::ffmpeg(&line).stdout
    };
    assert!(raw(&file) == raw(&encoded));
    let side = |file: &Path| {
        let json = ffprobe(file, "-select_streams v:0 -show_streams");
        let stream = &json["streams"][0];
        let list = stream["side_data_list"].as_array().cloned().unwrap_or_default();
        let mut kinds: Vec<String> = list.iter().map(ToString::to_string).collect();
        kinds.sort();
        (kinds, text(&stream["color_transfer"]), text(&stream["codec_tag_string"]))
    };
    assert_eq!(side(&file), side(&encoded));
    assert!(side(&file).0.iter().any(|kind| kind.contains("DOVI")), "{:?}", side(&file));
    assert_eq!(number::<u64>(&support::video_stream(&file)["nb_read_frames"]), 259);
}
