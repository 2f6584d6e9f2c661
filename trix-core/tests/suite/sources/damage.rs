//! Tests that Trix finds deliberate damage, with its kind and its place, and finds nothing in intact files.

use std::{fs, path::Path};

use trix_core::{
    Cancel, ErrorKind, Limits, OnDamage, Source,
    damage::DamageKind,
    plan::Cut,
    reading::{
        full_decode_count::{self, FullDecodeCount},
        reader::FrameReader,
    },
};
use trix_fixtures::{Clip, media};

use crate::support::{self, ffprobe, made_by_ffmpeg};

fn full_decode_count(bytes: &[u8], on_damage: OnDamage) -> Result<FullDecodeCount, trix_core::Error> {
    full_decode_count::count(Source::from_bytes(bytes, Limits::default())?, on_damage, 0, &Cancel::default())
}

/// Returns what a full decode finds in a source that can be opened and read.
fn found(bytes: &[u8]) -> FullDecodeCount {
    full_decode_count(bytes, OnDamage::Conceal).unwrap_or_else(|error| panic!("{error}"))
}

fn count(full_decode_count: &FullDecodeCount, kind: DamageKind) -> u64 {
    full_decode_count.damage.counts.get(&kind).copied().unwrap_or(0)
}

/// Asserts that the strict policy rejects the damage that the lenient policy counts.
fn refused(bytes: &[u8]) {
    let error = full_decode_count(bytes, OnDamage::Fail).expect_err("damage");
    assert_eq!(error.kind(), ErrorKind::MalformedInput, "{error}");
}

/// Returns start and end of the content of the first element with identifier `id` after byte `from`.
fn element(bytes: &[u8], id: &[u8], from: usize) -> (usize, usize) {
    let at = from + bytes[from..].windows(id.len()).position(|window| window == id).expect("an element") + id.len();
    let length = bytes[at].leading_zeros() as usize + 1;
    let size = bytes[at..at + length].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let start = at + length;
    (start, start + (size & ((1 << (7 * length)) - 1)) as usize)
}

#[test]
fn a_changed_byte_in_any_element_of_matroska_is_found_by_its_checksum() {
    // FFmpeg writes a CRC-32 into every level-1 element. The file has two clusters of frames at 25 per second.
    let source = Clip { frames: 12, ..Clip::of("yuv420p10le") }
        .encoded("-c:v ffv1 -level 3 -slicecrc 1 -cluster_time_limit 200 -metadata title=Whole", "mkv");
    let whole = fs::read(source).expect("a fixture");
    assert!(found(&whole).damage.is_empty());
    let cluster = [0x1f, 0x43, 0xb6, 0x75];
    // The first level-1 element, SeekHead, contains the identifiers of the others.
    let seek = element(&whole, &[0x11, 0x4d, 0x9b, 0x74], 0);
    let (first, after_first) = element(&whole, &cluster, seek.1);
    let (second, after_second) = element(&whole, &cluster, after_first);
    let spans = [
        ("SeekHead", seek),
        ("Info", element(&whole, &[0x15, 0x49, 0xa9, 0x66], seek.1)),
        ("Tracks", element(&whole, &[0x16, 0x54, 0xae, 0x6b], seek.1)),
        ("Tags", element(&whole, &[0x12, 0x54, 0xc3, 0x67], seek.1)),
        ("Cluster", (first, after_first)),
        ("Cluster", (second, after_second)),
        ("Cues", element(&whole, &[0x1c, 0x53, 0xbb, 0x6b], after_second)),
    ];
    for (name, (start, end)) in spans {
        // After the checksum, in the checksum, in the middle, and at the end.
        for at in [start + 7, start + 3, (start + end) / 2, end - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x04;
            match full_decode_count(&bytes, OnDamage::Conceal) {
                Ok(full_decode_count) => {
                    let sign = full_decode_count
                        .damage
                        .first
                        .iter()
                        .find(|sign| sign.detail.contains(&format!("of a {name} ")));
                    let sign = sign.unwrap_or_else(|| panic!("byte {at} of {name}: {:?}", full_decode_count.damage));
                    assert_eq!(sign.kind, DamageKind::Checksum);
                    if name == "Cluster" {
                        let time = sign.time.expect("a time").micros();
                        // The timestamp of the cluster follows the checksum. It is in milliseconds.
                        let (from, to) = element(&whole, &[0xe7], start + 6);
                        let stamp = whole[from..to].iter().fold(0, |sum, byte| sum << 8 | i64::from(*byte));
                        let expected = stamp * 1000;
                        assert_eq!(expected > 0, start == second);
                        // The changed byte can be part of the timestamp.
                        let is_stamp = (start + 6..start + 10).contains(&at);
                        assert!(time == expected || is_stamp, "byte {at}: {time}");
                    }
                }
                // The change can make a track or the timescale invalid.
                Err(error) => {
                    assert!(matches!(name, "Info" | "Tracks"), "byte {at} of {name}: {error}");
                    assert_eq!(error.kind(), ErrorKind::MalformedInput, "{error}");
                }
            }
            refused(&bytes);
        }
    }
}

#[test]
fn a_live_recording_has_no_checksums_and_shows_no_damage() {
    let source = Clip { frames: 25, ..Clip::default() }
        .encoded("-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -f webm -live 1 -cluster_time_limit 200", "webm");
    let whole = fs::read(source).expect("a fixture");
    assert!(found(&whole).damage.is_empty(), "{:?}", found(&whole).damage);
    // The segment has no stated end, but the last cluster has.
    let live = found(&whole[..whole.len() - 10]);
    assert!(!live.damage.is_empty());
}

#[test]
fn a_flipped_bit_in_an_ffv1_slice_fails_its_checksum() {
    // AVI, because it has no checksums of its own.
    let source = Clip::of("yuv422p10le").encoded("-c:v ffv1 -level 3 -slicecrc 1 -slices 4", "avi");
    let whole = fs::read(&source).expect("a fixture");
    assert!(found(&whole).damage.is_empty());
    let packets = ffprobe(&source, "-select_streams v:0 -show_packets");
    let packet = |number: usize| {
        let field = |name: &str| support::number::<usize>(&packets["packets"][number][name]);
        (field("pos") + 8, field("size"))
    };
    for number in [0, 11, 29] {
        let (start, size) = packet(number);
        let mut bytes = whole.clone();
        bytes[start + size / 2] ^= 0x20;
        let full_decode_count = found(&bytes);
        assert_eq!(count(&full_decode_count, DamageKind::Checksum), 1, "{number}: {:?}", full_decode_count.damage);
        assert_eq!(full_decode_count.streams[&0].frames, Some(30));
        // Newer releases of libavcodec also report that the slice ends at another position than expected.
        let others = full_decode_count.damage.first.iter().filter(|damage| damage.kind != DamageKind::Checksum);
        assert!(
            others.clone().all(|damage| damage.detail.contains("bytestream end mismatching")),
            "{:?}",
            full_decode_count.damage
        );
        assert_eq!(
            full_decode_count.damage.total(),
            1 + others.count() as u64,
            "{number}: {:?}",
            full_decode_count.damage
        );
        // Decoder threads run ahead of their output, so the reported time is approximate.
        for damage in &full_decode_count.damage.first {
            let place = damage.time.expect("a time").ticks;
            assert!((place - number as i64).abs() <= 17, "{number} is reported at {place}");
        }
        refused(&bytes);
    }
}

#[test]
fn a_changed_bit_in_audio_with_checksums_is_found() {
    let source = made_by_ffmpeg("checked.flac", "-f lavfi -i sine=frequency=440:sample_rate=48000 -t 2 -c:a flac");
    let mut bytes = fs::read(source).expect("a fixture");
    assert!(found(&bytes).damage.is_empty());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let full_decode_count = found(&bytes);
    assert!(count(&full_decode_count, DamageKind::Checksum) > 0, "{:?}", full_decode_count.damage);
    refused(&bytes);
}

/// Returns the numbers of the 188-byte packets that carry payload of the first video stream.
fn frame_packets(stream: &[u8]) -> Vec<usize> {
    let number = |packet: &[u8]| u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
    // FFmpeg gives this identifier to the first stream.
    stream
        .chunks_exact(188)
        .enumerate()
        .filter(|(_, packet)| number(packet) == 0x100 && packet[3] & 0x10 != 0)
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn lost_and_broken_packets_of_a_transport_stream_are_counted_and_placed() {
    let source = Clip::default().encoded("-c:v mpeg2video -q:v 3 -g 10", "ts");
    let whole = fs::read(source).expect("a fixture");
    assert!(found(&whole).damage.is_empty(), "{:?}", found(&whole).damage);
    let packets = frame_packets(&whole);
    let victim = packets[packets.len() / 2] * 188;

    let lost = [&whole[..victim], &whole[victim + 188..]].concat();
    let full_decode_count = found(&lost);
    assert_eq!(count(&full_decode_count, DamageKind::Continuity), 1, "{:?}", full_decode_count.damage);
    let sign = full_decode_count.damage.first.iter().find(|sign| sign.kind == DamageKind::Continuity).expect("a sign");
    assert!(sign.detail.contains("PID 256") && sign.detail.contains(&format!("byte {victim}")), "{sign:?}");
    // FFmpeg starts streams at 1.44 s, of which 0.04 s are for reordering. The middle is 0.6 s later.
    let time = sign.time.expect("a time").to_f64();
    assert!((1.7..2.4).contains(&time), "{time}");
    refused(&lost);

    let mut broken = whole.clone();
    broken[victim + 1] |= 0x80;
    let full_decode_count = found(&broken);
    assert_eq!(count(&full_decode_count, DamageKind::Transport), 1, "{:?}", full_decode_count.damage);
    refused(&broken);

    // Stray bytes between packets, as in a capture that lost sync.
    let stuffed = [&whole[..victim], &[0x55; 100], &whole[victim..]].concat();
    let full_decode_count = found(&stuffed);
    assert_eq!(count(&full_decode_count, DamageKind::Container), 1, "{:?}", full_decode_count.damage);
    refused(&stuffed);

    // The program association table. libavformat drops it without a message.
    let table = whole.chunks_exact(188).position(|packet| packet[1] == 0x40 && packet[2] == 0).expect("a table");
    let mut wrong = whole.clone();
    wrong[table * 188 + 5 + 9] ^= 1;
    let full_decode_count = found(&wrong);
    assert_eq!(count(&full_decode_count, DamageKind::Checksum), 1, "{:?}", full_decode_count.damage);
    refused(&wrong);
}

#[test]
fn frames_with_missing_references_are_reported() {
    let clip = Clip { frames: 30, ..Clip::default() };
    for (codec, extension) in [
        ("libx264 -bf 0 -g 15", "mkv"),
        ("libx264 -bf 2 -g 15", "ts"),
        ("libx265 -preset ultrafast -x265-params log-level=none:bframes=0:keyint=15", "mkv"),
        ("libvpx-vp9 -deadline realtime -cpu-used 8 -g 15", "webm"),
    ] {
        // VP9 tolerates a missing frame in the middle. Without its first frame, no frame can be decoded.
        let dropped = if codec.starts_with("libvpx") { 0 } else { 5 };
        let whole = fs::read(clip.encoded(&format!("-c:v {codec}"), extension)).expect("a fixture");
        assert_eq!(count(&found(&whole), DamageKind::MissingReference), 0, "{codec}");
        let options = format!("-c:v {codec} -bsf:v noise=drop=eq(n\\,{dropped})");
        let bytes = fs::read(clip.encoded(&options, extension)).expect("a fixture");
        let full_decode_count = found(&bytes);
        assert!(count(&full_decode_count, DamageKind::MissingReference) > 0, "{codec}: {:?}", full_decode_count.damage);
        let sign = full_decode_count
            .damage
            .first
            .iter()
            .find(|sign| sign.kind == DamageKind::MissingReference)
            .expect("a sign");
        let late = if extension == "ts" { 1.44 } else { 0.0 };
        let time = sign.time.expect("a time").to_f64() - late;
        assert!((-0.1..0.7).contains(&time), "{codec}: {time}");
        refused(&bytes);
    }
}

#[test]
fn a_recording_that_begins_in_mid_stream_says_how_many_frames_it_leaves_out() {
    let clip = Clip { frames: 30, ..Clip::default() };
    let options = "-c:v mpeg2video -bf 0 -g 12 -bsf:v noise=drop=eq(n\\,0)";
    let full_decode_count = found(&fs::read(clip.encoded(options, "mkv")).expect("a fixture"));
    let stream = &full_decode_count.streams[&0];
    assert_eq!((stream.packets, stream.frames, stream.timing.skipped), (29, Some(18), 11));
}

#[test]
fn whole_files_of_many_origins_show_no_damage() {
    let known = ["corrupted.mp4", "no_timescale.mp4", "sample_with_invalid_nalu.mp4"];
    for file in media::files() {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        if name.ends_with(".yuv") {
            continue;
        }
        let source = open(&file);
        let full_decode_count =
            full_decode_count::count(source, OnDamage::Conceal, 0, &Cancel::default()).expect("a full count");
        assert_eq!(
            full_decode_count.damage.is_empty(),
            !known.contains(&name),
            "{name}: {:?}",
            full_decode_count.damage
        );
    }
}

fn open(path: &Path) -> Source {
    Source::open(path).unwrap_or_else(|error| panic!("{error}"))
}

/// A file with three seconds of video and audio.
fn three_seconds(extension: &str, codecs: &str) -> Vec<u8> {
    let source = made_by_ffmpeg(
        &format!("lost.{extension}"),
        &format!(
            "-f lavfi -i testsrc2=s=128x96:r=25:d=3 -f lavfi -i sine=r=48000:d=3 -pix_fmt yuv420p {codecs} -shortest"
        ),
    );
    fs::read(&source).expect("a fixture")
}

#[test]
fn bytes_lost_among_the_first_packets_are_found() {
    // Only the demuxer of ASF reports this loss, and only while the streams are identified.
    let whole = three_seconds("wmv", "-c:v wmv2 -c:a wmav2");
    for percent in [4, 11, 22] {
        let at = whole.len() * percent / 100;
        let lost = [&whole[..at], &whole[at + 3000..]].concat();
        refused(&lost);
        assert!(count(&found(&lost), DamageKind::Container) > 0, "at {percent} %: {:?}", found(&lost).damage);
    }
}

#[test]
fn bytes_outside_of_packets_are_found_in_containers_without_an_index() {
    for (extension, codecs) in [
        ("flv", "-c:v libx264 -c:a aac"),
        ("mxf", "-c:v mpeg2video -c:a pcm_s16le"),
        ("ogv", "-c:v libtheora -c:a libvorbis"),
        ("wmv", "-c:v wmv2 -c:a wmav2"),
        ("mpg", "-c:v mpeg2video -c:a mp2"),
        ("ts", "-c:v mpeg2video -c:a mp2"),
        ("mkv", "-c:v libx264 -c:a aac"),
        ("avi", "-c:v mpeg4 -c:a libmp3lame"),
    ] {
        let whole = three_seconds(extension, codecs);
        assert!(found(&whole).damage.is_empty(), "{extension}");
        for part in [0.35, 0.5, 0.65] {
            let at = (whole.len() as f64 * part) as usize;
            let mut zeros = whole.clone();
            zeros[at..at + 3000].fill(0);
            let lost = [&whole[..at], &whole[at + 3000..]].concat();
            // A zeroed packet of ASF is skipped, and only its size could show the damage.
            let cases =
                [("bytes lost", lost), ("zeros", zeros)].into_iter().take(if extension == "wmv" { 1 } else { 2 });
            for (what, bytes) in cases {
                refused(&bytes);
                assert!(!found(&bytes).damage.is_empty(), "{extension}: {what} at {part}");
            }
        }
    }
}

#[test]
fn a_raw_sample_above_the_bit_depth_is_damage_and_is_limited() {
    const PLACE: usize = 1000;
    let clip = Clip { frames: 3, ..Clip::of("yuv420p10le") };
    let raw = fs::read(clip.raw()).expect("a fixture");
    let last = &raw[raw.len() / 3 * 2..];
    for file in [clip.y4m(), clip.encoded("-c:v rawvideo", "nut")] {
        let mut bytes = fs::read(&file).expect("a fixture");
        assert!(found(&bytes).damage.is_empty(), "{}", file.display());
        let at = bytes.windows(last.len()).position(|part| part == last).expect("the last frame") + 2 * PLACE;
        // The lowest value that needs eleven bits.
        bytes[at..at + 2].copy_from_slice(&1024u16.to_le_bytes());
        let error = full_decode_count(&bytes, OnDamage::Fail).expect_err("damage");
        assert_eq!((error.kind(), error.time().map(|time| time.micros())), (ErrorKind::MalformedInput, Some(80_000)));
        assert!(error.to_string().contains("samples are higher than their depth allows"), "{error}");
        let full_decode_count = found(&bytes);
        assert_eq!(
            (count(&full_decode_count, DamageKind::Frame), full_decode_count.damage.counts.len()),
            (1, 1),
            "{}",
            file.display()
        );

        let source = Source::from_bytes(bytes, Limits::default()).expect("a source");
        let mut reader = FrameReader::new(source, OnDamage::Conceal, Cut::default(), None, 0).expect("a reader");
        let mut frames = Vec::new();
        while let Some(frame) = reader.next_frame().expect("a frame") {
            frames.extend(frame.frame.packed().expect("samples"));
        }
        let mut expected = raw.clone();
        let place = raw.len() / 3 * 2 + 2 * PLACE;
        expected[place..place + 2].copy_from_slice(&1023u16.to_le_bytes());
        assert!(frames == expected, "{}", file.display());
    }
}
