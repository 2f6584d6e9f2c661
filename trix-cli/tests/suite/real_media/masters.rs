//! Encodes every real file to three copies. A table states the decisions, tracks, frames and scores.
//!
//! The table has the reason of every rejection. ffprobe and mediainfo check the outputs.

use std::{fmt::Write, path::Path};

use serde_json::Value;
use trix_fixtures::{media, program};

use crate::support::{self, Encoded, encode_as};

/// The settings of one of the three copies.
struct Copy {
    name: &'static str,
    output: &'static str,
    options: &'static str,
}

const HEVC: Copy =
    Copy { name: "hevc", output: "out.mp4", options: "--video x265 --depth 10 --preset ultrafast --audio aac" };
const H264: Copy =
    Copy { name: "h264", output: "out.mp4", options: "--video x264 --depth 8 --preset ultrafast --audio aac" };
const FFV1: Copy = Copy { name: "ffv1", output: "out.mkv", options: "--video ffv1 --audio flac" };

/// Options that a file needs.
fn hints(name: &str) -> &'static str {
    match name {
        // Raw samples. The file name states their format.
        "sparks_ref_480x270.yuv42010le.yuv" => "--raw 480x270:yuv420p10le:24",
        // Audio only.
        "sample_eac3joc.mp4" => "--video none --audio copy",
        _ => "",
    }
}

/// Options with which a rejected file is accepted.
fn after_refusal(name: &str) -> &'static str {
    match name {
        // Four channels without labels.
        "sample.mxf" => "--audio-layout 4.0",
        _ => "--on-damage conceal",
    }
}

fn table(copy: &Copy) -> String {
    let mut table = String::new();
    for file in media::files() {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        // The number of threads is fixed, because it changes bytes and scores.
        let options = match hints(&name) {
            alone if alone.contains("--video") => alone.to_owned(),
            hints => format!("{} {hints}", copy.options),
        };
        let options = format!("{options} --verify full --threads 2");
        let encoded = encode_as(&file, copy.output, &options);
        let _ = writeln!(table, "{name}");
        if encoded.ran.code == Some(0) {
            rows(&mut table, &encoded);
            continue;
        }
        refusal(&mut table, &encoded, &file);
        let more = after_refusal(&name);
        let encoded = encode_as(&file, copy.output, &format!("{options} {more}"));
        let _ = writeln!(table, "  with {more}");
        rows(&mut table, &encoded);
    }
    table
}

fn refusal(table: &mut String, encoded: &Encoded, file: &Path) {
    let code = encoded.ran.code.expect("no signal");
    let message = encoded.ran.said.trim_end().replace(&format!("trix: {}: ", file.display()), "");
    // The time and the number of messages depend on the threads of the decoder.
    let reason = message.split(" (and ").next().unwrap_or_default();
    let reason = match reason.split_once(", at ") {
        Some((before, after)) => format!("{before}: {}", after.split_once(": ").map_or("", |(_, reason)| reason)),
        None => reason.to_owned(),
    };
    let _ = writeln!(table, "  refused  {code}: {reason}");
}

/// Appends the rows of an output, after a check with other programs.
fn rows(table: &mut String, encoded: &Encoded) {
    let report = encoded.done_as();
    let plan = &report["outputs"][0]["plan"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for decision in list(&plan["decisions"]) {
        let _ = writeln!(table, "  decided  {}: {}", words(&decision["what"]), words(&decision["why"]));
    }
    let extras = |value: &Value| {
        let named = ["captions", "dolby_vision", "hdr10_plus"].map(|name| (name, value[name].as_u64().unwrap_or(0)));
        named.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} {count}")).collect()
    };
    let mut carried: Vec<String> = extras(&report["outputs"][0]["tracks"][0]["extras"]);
    let video = &plan["video"];
    for (name, value) in [("mastering display", &video["hdr"]["mastering"]), ("content light", &video["hdr"]["light"])]
    {
        carried.extend((!value.is_null()).then(|| name.to_owned()));
    }
    let kept = &plan["carried"];
    for subtitles in list(&kept["subtitles"]) {
        carried.push(format!("subtitles of stream {} as {}", subtitles["stream"], words(&subtitles["codec"])));
    }
    for (name, count) in ["chapters", "attachments", "covers"].map(|name| (name, list(&kept[name]).len())) {
        carried.extend((count > 0).then(|| format!("{name} {count}")));
    }
    carried.extend(kept["timecode"].as_str().map(|code| format!("time code {code}")));
    for what in carried {
        let _ = writeln!(table, "  carried  {what}");
    }
    for note in list(&plan["notes"]) {
        let _ = writeln!(table, "  note     {}", words(&note));
    }
    if !report["outputs"][0]["ledger"].is_null() {
        let ledger = &report["outputs"][0]["ledger"];
        let shape = format!("{}x{} {}", video["width"], video["height"], words(&video["format"]));
        let _ = writeln!(
            table,
            "  frames   {} decoded, {} encoded, {} found; {shape}",
            ledger["decoded"], ledger["encoded"], ledger["found"]
        );
        look(encoded, &report);
    }
    let verification = &report["outputs"][0]["verification"];
    if let Some(drift) = verification["drift_seconds"].as_f64() {
        let _ = writeln!(table, "  sync     audio ends {:+.0} ms from the video", drift * 1000.0);
    }
    if let Some(frames) = verification["lossless_frames"].as_u64() {
        let _ = writeln!(table, "  score    {frames} frames equal");
    } else if let Some(ssim) = verification["score"]["ssim"].as_f64().filter(|_| support::damage(&report) == 0) {
        // A score of concealed frames says nothing about the encoder.
        let _ = writeln!(table, "  score    SSIM {ssim:.3}");
    }
    if support::damage(&report) > 0 {
        let _ = writeln!(table, "  damage   counted and placed");
    }
}

fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Asserts that ffprobe and mediainfo find in a file what the report states.
fn look(encoded: &Encoded, report: &Value) {
    let (file, video) = (&encoded.output, &report["outputs"][0]["plan"]["video"]);
    let line = "-v error -of json -select_streams v:0 -count_packets -show_streams";
    let json = program::run("ffprobe", line.split(' ').map(Path::new).chain([file.as_path()]));
    let json: Value = serde_json::from_slice(&json.stdout).expect("ffprobe prints JSON");
    let stream = &json["streams"][0];
    let name = encoded.output.display();
    assert_eq!(words(&stream["nb_read_packets"]), report["outputs"][0]["ledger"]["emitted"].to_string(), "{name}");
    assert_eq!((&stream["width"], &stream["height"]), (&video["width"], &video["height"]), "{name}");
    for (seen, said) in [("color_primaries", "primaries"), ("color_transfer", "transfer"), ("color_space", "matrix")] {
        let said = words(&video["color"][said]);
        let seen = stream[seen].as_str().unwrap_or("unspecified");
        // FFmpeg prints `unknown` for unspecified values.
        let seen = if seen == "unknown" { "unspecified" } else { seen };
        assert_eq!(seen, said, "{name}: {seen}");
    }
    let sides = stream["side_data_list"].as_array().cloned().unwrap_or_default();
    let has = |kind: &str| sides.iter().any(|side| side["side_data_type"] == kind);
    assert!(!has("Display Matrix"), "{name}: frames are upright, and no player is asked to turn them");
    assert_eq!(has("Mastering display metadata"), !video["hdr"]["mastering"].is_null(), "{name}");
    assert_eq!(has("DOVI configuration record"), !video["dolby_vision"].is_null(), "{name}");
    // mediainfo has its own parsers for containers and bitstreams.
    let json = program::run("mediainfo", [Path::new("--Output=JSON"), file]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("mediainfo prints JSON");
    let tracks = json["media"]["track"].as_array().expect("tracks").clone();
    let track = tracks.iter().find(|track| track["@type"] == "Video").expect("a video track");
    assert_eq!(words(&track["Width"]), video["width"].to_string(), "{name}");
    assert_eq!(words(&track["Height"]), video["height"].to_string(), "{name}");
    // In Matroska, mediainfo multiplies duration and rate instead of counting.
    if let Some(count) = track["FrameCount"].as_str().filter(|_| file.extension().is_some_and(|end| end == "mp4")) {
        assert_eq!(count, report["outputs"][0]["ledger"]["emitted"].to_string(), "{name}");
    }
    assert!(track["Rotation"].as_str().is_none_or(|turn| turn == "0.000"), "{name}: {}", track["Rotation"]);
}

fn hold(copy: &Copy) {
    if media::folder().is_some() {
        insta::assert_snapshot!(copy.name, table(copy));
    }
}

#[test]
fn every_master_becomes_hevc_of_10_bits_in_mp4() {
    hold(&HEVC);
}

#[test]
fn every_master_becomes_h264_of_8_bits_in_mp4() {
    hold(&H264);
}

#[test]
fn every_master_becomes_ffv1_in_matroska() {
    hold(&FFV1);
}
