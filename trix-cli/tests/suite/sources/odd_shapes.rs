//! Tests of legal but unusual sources: without video, without audio, tiny, huge, or with wrong header values.

use std::{fs, path::PathBuf};

use serde_json::Value;
use trix_fixtures::{Clip, clip::made, folder, media, program::ffmpeg};

use crate::support::{Dice, Encoded, decodable, encode, file, places, trix};

const QUICK: &str = "--preset ultrafast";

/// A job needs about 60 MiB. A frame of the declared size would take gigabytes.
const MEMORY_KIB: u64 = 300 * 1024;

fn with_audio(name: &str, options: &str) -> PathBuf {
    made(name, |path| {
        let audio = "-f lavfi -i sine=frequency=440:sample_rate=48000";
        ffmpeg(&format!("{audio} {} -t 1.2 {options} {}", Clip::default().lavfi(), path.display()));
    })
}

/// Returns the bytes of `source` with every patch (old bytes, new bytes) applied at all positions.
fn patched(source: &PathBuf, patches: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = fs::read(source).expect("a fixture");
    for (old, new) in patches {
        let found = places(&bytes, old);
        assert!(!found.is_empty(), "{old:x?} is not in {}", source.display());
        for at in found {
            bytes[at..at + new.len()].copy_from_slice(new);
        }
    }
    bytes
}

/// Overwrites four bytes in every MP4 box `name`, at `distance` bytes from the name.
fn patch_boxes(bytes: &mut [u8], name: &[u8; 4], distance: usize, change: impl Fn(u32) -> u32) {
    let found = places(bytes, name);
    assert!(!found.is_empty(), "{name:?}");
    for at in found {
        let field = &mut bytes[at + distance..at + distance + 4];
        let old = u32::from_be_bytes(field.try_into().expect("four bytes"));
        field.copy_from_slice(&change(old).to_be_bytes());
    }
}

fn refused_within_memory(encoded: &Encoded, why: &str) {
    assert!(encoded.refused(3).contains(why), "{:?}", encoded.ran);
    assert!(encoded.ran.peak_kib < MEMORY_KIB, "{:?}", encoded.ran);
}

#[test]
fn audio_without_video_is_taken_alone_unless_an_encoder_of_video_is_asked_for() {
    let source = with_audio("audio-only.m4a", "-map 0:a -c:a aac");
    encode(&source, "--video x265").refused(3);
    for options in ["", "--video none"] {
        let report = encode(&source, options).done();
        assert_eq!(report["outputs"][0]["tracks"].as_array().map(Vec::len), Some(1));
        assert_eq!(report["outputs"][0]["ledger"], Value::Null);
        let decided = report["outputs"][0]["plan"]["decisions"].to_string();
        assert_eq!(decided.contains("the output has no video"), options.is_empty(), "{decided}");
    }
    encode(&Clip::default().y4m(), "--video none").refused(3);
}

#[test]
fn video_without_audio_needs_no_option() {
    let report = encode(&Clip::default().encoded("-c:v libx264", "mp4"), "--preset ultrafast --audio aac").holds(30);
    assert_eq!(report["outputs"][0]["tracks"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_source_without_a_single_frame_is_malformed() {
    let folder = folder();
    let y4m = fs::read(Clip::default().y4m()).expect("a fixture");
    let header = y4m.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
    encode(&file(&folder, "header.y4m", &y4m[..header]), QUICK).refused(3);
    let none = |extension: &str, codec: &str| {
        made(&format!("no-frames-{codec}.{extension}"), |path| {
            let size = "color=size=64x64:rate=25";
            ffmpeg(&format!("-f lavfi -i {size} -c:v {codec} -frames:v 0 {}", path.display()));
        })
    };
    for (extension, codec) in [("mp4", "libx264"), ("mkv", "ffv1"), ("mov", "mpeg4")] {
        let source = none(extension, codec);
        encode(&source, QUICK).refused(3);
        encode(&source, &format!("{QUICK} --on-damage conceal")).refused(3);
    }
}

#[test]
fn a_file_without_a_duration_keeps_all_of_its_frames() {
    let Some(source) = media::file("no_duration.webm") else { return };
    let frames = decodable(&source);
    assert!(frames > 0);
    encode(&source, "--preset ultrafast --audio none").holds(frames);
}

#[test]
fn wrong_durations_in_an_mp4_lose_no_frame() {
    let whole = fs::read(Clip::default().encoded("-c:v libx264", "mp4")).expect("a fixture");
    let folder = folder();
    // The sample tables are authoritative, and durations in headers can be wrong (version 0: ISO 14496-12, 8.2.2, 8.3.2
    // and 8.4.2).
    for (name, distance) in [(b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)] {
        for (factor, change) in [("ten", (|old| old * 10) as fn(u32) -> u32), ("tenth", |old| old / 10), ("0", |_| 0)] {
            let mut bytes = whole.clone();
            patch_boxes(&mut bytes, name, distance, change);
            let source = file(&folder, &format!("{}-{factor}.mp4", String::from_utf8_lossy(name)), bytes);
            let report = encode(&source, QUICK).holds(30);
            assert_eq!(report["outputs"][0]["tracks"][0]["end"]["seconds"], 1.2, "{}", source.display());
        }
    }
}

#[test]
fn a_wrong_duration_in_matroska_loses_no_frame_and_adds_none() {
    // Without checksums, which would detect the patch.
    let source = Clip::default().encoded("-c:v libx264 -write_crc32 0", "mkv");
    let folder = folder();
    // The element Duration: its identifier, its size (eight bytes), a number of milliseconds.
    let duration = |seconds: f64| [&[0x44, 0x89, 0x88][..], &(seconds * 1000.0).to_be_bytes()].concat();
    let short = patched(&source, &[(&duration(1.2), &duration(0.12))]);
    encode(&file(&folder, "short.mkv", short), QUICK).holds(30);
    // The file cannot show whether the stated duration is too long or the end is missing.
    let long = file(&folder, "long.mkv", patched(&source, &[(&duration(1.2), &duration(12.0))]));
    assert!(encode(&long, QUICK).refused(3).contains("cut short"));
    let report = encode(&long, &format!("{QUICK} --on-damage conceal")).holds(30);
    assert_eq!(report["damage"]["counts"]["truncated"], 1);
}

#[test]
fn a_frame_of_one_sample_is_encoded() {
    let clip = Clip { width: 1, height: 1, frames: 5, ..Clip::of("yuv444p") };
    let encoded = encode(&clip.y4m(), "--preset ultrafast --verify full");
    encoded.holds(5);
    let probed = trix("probe {} --json", &[&encoded.output]).done().json();
    assert_eq!(probed["streams"][0]["video"]["width"], 1, "{probed}");
}

#[test]
fn samples_above_their_depth_do_not_end_the_process() {
    // Ten-bit samples are stored in 16-bit words, so a raw file can hold larger values. x264 aborts on values above
    // 1023.
    let clip = Clip { frames: 10, ..Clip::of("yuv420p10le") };
    let mut bytes = fs::read(clip.y4m()).expect("a fixture");
    let header = bytes.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
    let mut dice = Dice(3);
    for frame in bytes[header..].chunks_mut(6 + 176 * 144 * 3) {
        frame[6..].fill_with(|| dice.roll() as u8);
    }
    let folder = folder();
    let source = file(&folder, "loud.y4m", bytes);
    for options in ["", "--depth 8", "--lossless --verify full", "--video x265", "--video x265 --depth 12 --lossless"] {
        for policy in ["fail", "conceal"] {
            let encoded = encode(&source, &format!("{QUICK} {options} --on-damage {policy}"));
            if encoded.ran.code == Some(0) {
                encoded.holds(10);
            } else {
                encoded.refused(3);
            }
        }
    }
}

#[test]
fn an_odd_size_is_kept_without_subsampling_and_refused_with_it() {
    let odd = Clip { width: 175, height: 143, frames: 5, ..Clip::of("yuv444p") };
    for codec in ["x264", "x265"] {
        let encoded = encode(&odd.y4m(), &format!("--video {codec} --preset ultrafast --verify full"));
        encoded.holds(5);
        let message = encode(&odd.y4m(), &format!("--video {codec} --chroma 420")).refused(2).to_owned();
        assert!(message.contains("174x142") || message.contains("176x144"), "no size that would do: {message}");
        let message = encode(&odd.y4m(), &format!("--video {codec} --chroma 422")).refused(2).to_owned();
        assert!(message.contains("174x143") || message.contains("176x143"), "no size that would do: {message}");
        encode(&odd.y4m(), &format!("--video {codec} --chroma 420 --size 174x142 {QUICK}")).holds(5);
    }
}

#[test]
fn an_odd_subsampled_source_loses_an_edge_and_can_be_converted() {
    // The test writes the file itself, because FFmpeg's 4:2:0 test sources have even sizes.
    let (width, height, chroma) = (175, 143, 88 * 72);
    let mut bytes = format!("YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg\n").into_bytes();
    for frame in 0..5 {
        bytes.extend_from_slice(b"FRAME\n");
        bytes.extend((0..width * height + 2 * chroma).map(|at| (at * 7 / 5 + frame) as u8));
    }
    let folder = folder();
    let source = file(&folder, "odd.y4m", bytes);
    let report = encode(&source, QUICK).holds(5);
    let notes = report["outputs"][0]["plan"]["notes"].to_string();
    assert!(notes.contains("174x142"), "{notes}");
    for options in ["--chroma 444", "--size 174x142", "--size 176x144", "--video x265 --size 174x142"] {
        encode(&source, &format!("{options} {QUICK}")).holds(5);
    }
}

#[test]
fn a_huge_size_in_a_header_is_over_the_limit_and_takes_no_memory() {
    let folder = folder();
    let y4m = fs::read(Clip::default().y4m()).expect("a fixture");
    let header = y4m.iter().position(|byte| *byte == b'\n').expect("a header");
    for size in ["W100000 H100000", "W16384 H16384", "W2000000000 H2", "W17000 H16", "W999999999999 H1"] {
        let head = String::from_utf8_lossy(&y4m[..header]).replace("W176 H144", size);
        let source = file(&folder, "huge.y4m", [head.as_bytes(), &y4m[header..]].concat());
        let encoded = encode(&source, QUICK);
        encoded.refused(3);
        assert!(encoded.ran.peak_kib < MEMORY_KIB, "{size}: {:?}", encoded.ran);
    }
    // PixelWidth and PixelHeight, one byte each, become two hundred times as large. FFV1 states no size in its
    // bitstream.
    let ffv1 = Clip::default().encoded("-c:v ffv1 -level 3", "mkv");
    let grown = patched(&ffv1, &[(&[0xb0, 0x81, 176, 0xba, 0x81, 144], &[0xb0, 0x82, 0xea, 0x60, 0xba, 0x80])]);
    refused_within_memory(&encode(&file(&folder, "huge.mkv", grown), QUICK), "");
}

#[test]
fn a_huge_size_in_a_sample_entry_is_over_the_limit_and_takes_no_memory() {
    // Width and height are 28 bytes after the name of the sample entry (ISO 14496-12, 12.1.3). FFV1 states no size.
    let folder = folder();
    let mut bytes = fs::read(Clip::default().encoded("-c:v ffv1 -level 3", "mov")).expect("a fixture");
    patch_boxes(&mut bytes, b"FFV1", 28, |_| 20_000 << 16 | 144);
    refused_within_memory(&encode(&file(&folder, "wide.mov", bytes.clone()), QUICK), "20000x144; the limit is 16384");
    patch_boxes(&mut bytes, b"FFV1", 28, |_| 16_000 << 16 | 16_000);
    refused_within_memory(&encode(&file(&folder, "large.mov", bytes.clone()), QUICK), "16000x16000");
    patch_boxes(&mut bytes, b"FFV1", 28, |_| u32::MAX);
    refused_within_memory(&encode(&file(&folder, "huge.mov", bytes), QUICK), "");
    // An H.264 stream states its own size, so Trix must not trust the sample entry alone.
    let mut bytes = fs::read(Clip::default().encoded("-c:v libx264", "mp4")).expect("a fixture");
    patch_boxes(&mut bytes, b"avc1", 28, |old| if old == (176 << 16 | 144) { 0xffff_ffff } else { old });
    let encoded = encode(&file(&folder, "huge.mp4", bytes), QUICK);
    if encoded.ran.code == Some(0) {
        encoded.holds(30);
    } else {
        encoded.refused(3);
    }
    assert!(encoded.ran.peak_kib < MEMORY_KIB, "{:?}", encoded.ran);
}
