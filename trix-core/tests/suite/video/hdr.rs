//! Tests of the metadata of frames. Other programs read static HDR metadata. HDR10+, Dolby Vision and captions are
//! compared with the source byte by byte, frame by frame in display order.

use std::path::{Path, PathBuf};

use dolby_vision::rpu::dovi_rpu::DoviRpu;
use serde_json::Value;
use trix_core::{
    Job, Report,
    media::time::{Rational, Timestamp},
    settings::{
        job::Chunks,
        picture::{Deinterlace, DynamicHdr, Tonemap},
        video::{EncodeSettings, Encoder},
    },
};
use trix_fixtures::{folder, media, program};

use super::coded_frames::{CAPTIONS, captions, coded, hdr10_plus, messages, rpus, units};
use crate::{
    jobs::chunks::{divided, planned, ran},
    support::{
        done, ffprobe,
        frames::{plan, refusal},
        made_by_ffmpeg, mediainfo, quick, text, video_job,
    },
};

fn seconds(num: i64, den: i64) -> Timestamp {
    Timestamp::new(num, Rational::new(1, den))
}

/// A 10-bit x265 job with B-frames.
fn x265(source: &Path, output: &Path) -> Job {
    video_job(source, output, Encoder::X265, quick("bframes=3 b-adapt=0"))
}

const MASTERING: &str = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,50)";

/// Asserts that `list` from `ffprobe` has the metadata above, with light levels of 1234 and 321.
fn check_static(list: &Value, place: &str) {
    let of = |kind: &str| {
        let list = list.as_array().unwrap_or_else(|| panic!("{place}: nothing"));
        let entry = list.iter().find(|entry| entry["side_data_type"] == kind);
        entry.unwrap_or_else(|| panic!("{place}: no {kind} in {list:?}")).clone()
    };
    let display = of("Mastering display metadata");
    for (key, exact) in [
        ("red_x", 34_000.0 / 50_000.0),
        ("red_y", 16_000.0 / 50_000.0),
        ("green_x", 13_250.0 / 50_000.0),
        ("green_y", 34_500.0 / 50_000.0),
        ("blue_x", 7_500.0 / 50_000.0),
        ("blue_y", 3_000.0 / 50_000.0),
        ("white_point_x", 15_635.0 / 50_000.0),
        ("white_point_y", 16_450.0 / 50_000.0),
        ("max_luminance", 4000.0),
        ("min_luminance", 0.005),
    ] {
        let ratio = text(&display[key]);
        let (num, den) = ratio.split_once('/').unwrap_or_else(|| panic!("{place}: {key}"));
        let found = num.parse::<f64>().unwrap() / den.parse::<f64>().unwrap();
        // Matroska stores floating-point numbers.
        assert!((found - exact).abs() <= exact * 1e-5, "{place}: {key} is {found} and should be {exact}");
    }
    let light = of("Content light level metadata");
    assert_eq!((light["max_content"].as_u64(), light["max_average"].as_u64()), (Some(1234), Some(321)), "{place}");
}

/// Makes copies of one master with static metadata in the bitstream, in the container, and in both.
fn with_static(folder: &Path) -> [(&'static str, PathBuf); 4] {
    let bitstream = folder.join("bitstream.hevc");
    program::ffmpeg(&format!(
        "-f lavfi -i testsrc2=s=128x96:r=25,format=yuv420p10le -frames:v 6 -c:v libx265 -preset ultrafast -x265-params \
         log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1:max-cll=1234,321:\
         master-display={MASTERING} {}",
        bitstream.display()
    ));
    // Trix writes both. A filter of ffmpeg removes the messages from the bitstream.
    let both = folder.join("both.mkv");
    done(&x265(&bitstream, &both));
    let container = folder.join("container.mkv");
    program::ffmpeg(&format!(
        "-i {} -c copy -bsf:v filter_units=remove_types=39 {}",
        both.display(),
        container.display()
    ));
    let avc = folder.join("bitstream.h264");
    program::ffmpeg(&format!(
        "-f lavfi -i testsrc2=s=128x96:r=25,format=yuv420p10le -frames:v 6 -c:v libx264 -preset ultrafast -x264-params \
         colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:cll=1234,321:mastering-display={MASTERING} {}",
        avc.display()
    ));
    [("bitstream", bitstream), ("bitstream of H.264", avc), ("container", container), ("both", both)]
}

#[test]
fn mastering_display_and_content_light_stand_in_container_and_bitstream() {
    let folder = folder();
    for (from, source) in with_static(folder.path()) {
        for encoder in [Encoder::X265, Encoder::X264] {
            let all: &[&str] = if from == "both" { &["mp4", "mov", "mkv"] } else { &["mp4"] };
            for extension in all {
                let place = format!("{from}, {encoder}, {extension}");
                let output = folder.path().join("copy").with_extension(extension);
                let mut job = video_job(&source, &output, encoder, quick(""));
                job.outputs[0].overwrite = true;
                let report = done(&job);
                assert_eq!(report.outputs[0].plan.video.as_ref().unwrap().format.depth, 10);
                let json = ffprobe(&output, "-select_streams v:0 -show_streams -show_frames -read_intervals %+#1");
                check_static(&json["streams"][0]["side_data_list"], &format!("{place}, stream"));
                match encoder {
                    Encoder::X265 => check_static(&json["frames"][0]["side_data_list"], &format!("{place}, frame")),
                    // libavcodec does not read them from H.264: mastering display and light levels (H.264 D.1.29,
                    // D.1.31).
                    _ => {
                        let found = messages(&coded(&output, false)[0], false);
                        let of = |wanted: usize| found.iter().find(|(kind, _)| *kind == wanted).map(|(_, bytes)| bytes);
                        let display = of(137).unwrap_or_else(|| panic!("{place}: no mastering display"));
                        let places: Vec<u16> =
                            display[..16].chunks(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect();
                        assert_eq!(places, [13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450], "{place}");
                        assert_eq!(
                            display[16..],
                            [40_000_000u32.to_be_bytes(), 50u32.to_be_bytes()].concat(),
                            "{place}"
                        );
                        assert_eq!(
                            of(144).unwrap()[..],
                            [1234u16.to_be_bytes(), 321u16.to_be_bytes()].concat(),
                            "{place}"
                        );
                    }
                }
                let track = mediainfo(&output, "Video").remove(0);
                // The container decides whether mediainfo prints the unit.
                let light = ["MaxCLL", "MaxFALL"].map(|key| text(&track[key]).trim_end_matches(" cd/m2").to_owned());
                assert_eq!(light, ["1234", "321"], "{place}");
                assert_eq!(text(&track["MasteringDisplay_ColorPrimaries"]), "Display P3", "{place}");
                let luminance = text(&track["MasteringDisplay_Luminance"]);
                assert!(luminance.contains("min: 0.0050") && luminance.contains("max: 4000"), "{place}: {luminance}");
            }
        }
    }
}

#[test]
fn a_tone_mapped_output_has_no_hdr_metadata() {
    let folder = folder();
    let [.., (_, source)] = with_static(folder.path());
    let output = folder.path().join("sdr.mp4");
    let settings = EncodeSettings { depth: Some(8), ..quick("") };
    let mut job = video_job(&source, &output, Encoder::X265, settings);
    job.outputs[0].picture.tonemap = Tonemap::Hable;
    let report = done(&job);
    let notes = report.outputs[0].plan.notes.join("\n");
    assert!(notes.contains("mastering display and content light are left out"), "{notes}");
    let json = ffprobe(&output, "-select_streams v:0 -show_streams -show_frames -read_intervals %+#1");
    assert!(json["streams"][0]["side_data_list"].is_null(), "{}", json["streams"][0]);
    assert!(!json["frames"][0]["side_data_list"].to_string().contains("ight"), "{}", json["frames"][0]);
}

fn small() -> EncodeSettings {
    quick("bframes=3 b-adapt=0")
}

/// A job that scales `source` to a small size.
fn small_job(source: &Path, output: &Path) -> Job {
    let mut job = video_job(source, output, Encoder::X265, small());
    job.outputs[0].picture.size = Some("128x72".parse().unwrap());
    job
}

#[test]
fn messages_of_hdr10_plus_stay_with_their_frames() {
    let Some(source) = media::file("hdr10-video-with-sdr-container.mp4") else { return };
    let theirs = hdr10_plus(&source);
    assert!(theirs.iter().all(|messages| messages.len() == 1), "one for each frame");
    let mut different = theirs.clone();
    different.dedup();
    assert!(different.len() > 1, "metadata that never change would prove nothing");
    let folder = folder();
    let output = folder.path().join("plus.mp4");
    let report = done(&small_job(&source, &output));
    assert_eq!(hdr10_plus(&output), theirs);
    assert_eq!(report.outputs[0].extras.hdr10_plus, theirs.len() as u64);
    // A cut from the middle.
    let output = folder.path().join("part.mp4");
    let mut job = small_job(&source, &output);
    job.source.start = Some(seconds(3, 10));
    job.source.frames = Some(7);
    let skipped = done(&job).outputs[0].ledger.unwrap().dropped_before_start as usize;
    assert!(skipped > 0);
    assert_eq!(hdr10_plus(&output), theirs[skipped..skipped + 7]);
}

/// Returns the source frame at each position of a rate of `to` per second: the last frame whose nearest position is not
/// later. Times are in milliseconds.
fn shown(times: &[i64], to: i64, count: usize) -> Vec<usize> {
    let position = |time: i64| (2 * (time - times[0]) * to + 1000).div_euclid(2000);
    (0..count as i64).map(|at| times.iter().rposition(|time| position(*time) <= at).unwrap()).collect()
}

#[test]
fn dynamic_metadata_follow_frames_through_another_rate() {
    let Some(source) = media::file("regular.mkv") else { return };
    let folder = folder();
    let theirs = rpus(&source);
    let times: Vec<i64> = coded(&source, true).iter().map(|frame| frame.pts).collect();
    for rate in [12, 40] {
        let output = folder.path().join("rate.mp4");
        let mut job = x265(&source, &output);
        job.source.frames = Some(48);
        job.outputs[0].picture.rate = Some(rate.to_string().parse().unwrap());
        job.outputs[0].overwrite = true;
        let count = done(&job).outputs[0].ledger.unwrap().encoded as usize;
        let ours = rpus(&output);
        assert_eq!(ours.len(), count);
        for (position, (ours, of)) in ours.iter().zip(shown(&times[..48], rate, count)).enumerate() {
            assert!(*ours == theirs[of], "{rate} frames a second: position {position} shows frame {of}");
        }
    }
}

#[test]
fn units_of_dolby_vision_stay_with_their_frames() {
    let Some(source) = media::file("regular.mkv") else { return };
    let theirs = rpus(&source);
    assert!(theirs.len() == 259 && theirs.iter().all(|units| units.len() == 1));
    let folder = folder();
    let output = folder.path().join("vision.mp4");
    let report = done(&x265(&source, &output));
    let ours = rpus(&output);
    assert_eq!(ours.len(), 259);
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert!(ours == theirs, "frame {number}");
    }
    assert_eq!(report.outputs[0].extras.dolby_vision, 259);
    // Another parser accepts the units. It verifies the checksum at their end.
    for unit in ours.iter().flatten() {
        let rpu = DoviRpu::parse_unspec62_nalu(&[&[0x7c, 0x01], unit.as_slice()].concat()).expect("a unit");
        assert_eq!(rpu.dovi_profile, 8);
    }
    let json = ffprobe(&output, "-select_streams v:0 -show_streams");
    let list = json["streams"][0]["side_data_list"].as_array().cloned().unwrap_or_default();
    let record = list.iter().find(|entry| text(&entry["side_data_type"]).starts_with("DOVI")).expect("a record");
    assert_eq!((record["dv_profile"].as_u64(), record["rpu_present_flag"].as_u64()), (Some(8), Some(1)));
    assert_eq!((record["bl_present_flag"].as_u64(), record["el_present_flag"].as_u64()), (Some(1), Some(0)));
    assert_eq!(record["dv_bl_signal_compatibility_id"].as_u64(), Some(1));
}

#[test]
fn dynamic_metadata_of_raw_streams_stay_with_their_frames() {
    let folder = folder();
    let raw = |source: &Path, name| made_by_ffmpeg(name, &format!("-i {} -map 0:v:0 -c copy", source.display()));
    if let Some(source) = media::file("regular.mkv") {
        let output = folder.path().join("vision.mp4");
        let report = done(&x265(&raw(&source, "dynamic-vision.hevc"), &output));
        assert!(rpus(&output) == rpus(&source), "units of Dolby Vision moved, or are missing");
        assert_eq!(report.outputs[0].extras.dolby_vision, 259);
    }
    if let Some(source) = media::file("hdr10-video-with-sdr-container.mp4") {
        let output = folder.path().join("plus.mp4");
        done(&small_job(&raw(&source, "dynamic-plus.hevc"), &output));
        assert_eq!(hdr10_plus(&output), hdr10_plus(&source));
    }
}

#[test]
fn a_part_has_the_units_of_its_own_frames() {
    let Some(source) = media::file("regular.mkv") else { return };
    let theirs = rpus(&source);
    let folder = folder();
    for start in [seconds(1, 2), seconds(31, 10)] {
        let output = folder.path().join("part.mkv");
        let mut job = x265(&source, &output);
        job.source.start = Some(start);
        job.source.frames = Some(20);
        job.outputs[0].overwrite = true;
        let skipped = done(&job).outputs[0].ledger.unwrap().dropped_before_start as usize;
        assert!(skipped > 10);
        assert_ne!(theirs[0], theirs[skipped], "units that do not change would prove nothing");
        assert!(rpus(&output) == theirs[skipped..skipped + 20], "{skipped} frames on");
    }
}

#[test]
fn dolby_vision_is_left_out_with_the_reason_or_refused() {
    let Some(source) = media::file("regular.mkv") else { return };
    let folder = folder();
    type Change = fn(&mut Job);
    let changes: [(Encoder, Change, &str); 6] = [
        (
            Encoder::X265,
            |job| job.outputs[0].picture.crop = "256x128+0+8".parse().unwrap(),
            "places of the frame, which move",
        ),
        (
            Encoder::X265,
            |job| job.outputs[0].picture.pad = Some("256x160".parse().unwrap()),
            "places of the frame, which move",
        ),
        (
            Encoder::X265,
            |job| {
                job.outputs[0].video = trix_core::settings::video::VideoSettings::X265(small());
                job.outputs[0].picture.size = Some("128x72".parse().unwrap());
            },
            "places of the frame, which move",
        ),
        (
            Encoder::X265,
            |job| {
                let settings = EncodeSettings { depth: Some(8), ..quick("") };
                job.outputs[0].video = trix_core::settings::video::VideoSettings::X265(settings);
            },
            "it belongs to 10 bits",
        ),
        (Encoder::X265, |job| job.outputs[0].picture.tonemap = Tonemap::Mobius, "colour is converted"),
        (Encoder::X264, |_| {}, "only HEVC carries it"),
    ];
    for (encoder, change, reason) in changes {
        let output = folder.path().join("plain.mp4");
        let mut job = video_job(&source, &output, encoder, quick(""));
        job.source.frames = Some(3);
        job.outputs[0].overwrite = true;
        change(&mut job);
        let report: Report = done(&job);
        let notes = report.outputs[0].plan.notes.join("\n");
        assert!(notes.contains("Dolby Vision profile 8.1") && notes.contains(reason), "{reason}: {notes}");
        if encoder == Encoder::X265 {
            assert!(rpus(&output).iter().all(Vec::is_empty), "{reason}");
        }
        let json = ffprobe(&output, "-select_streams v:0 -show_streams");
        assert!(!json.to_string().contains("DOVI"), "{reason}");
        job.outputs[0].picture.dynamic_hdr = DynamicHdr::Require;
        let said = refusal(&job);
        assert!(said.contains("picture.dynamic_hdr = require") && said.contains(reason), "{said}");
    }
    let mut job = x265(&source, &folder.path().join("dropped.mp4"));
    job.source.frames = Some(3);
    job.outputs[0].picture.dynamic_hdr = DynamicHdr::Drop;
    let report = done(&job);
    assert!(
        report.outputs[0].plan.notes.iter().any(|note| note.contains("left out, as asked")),
        "{:?}",
        report.outputs[0].plan.notes
    );
    assert!(rpus(&job.outputs[0].path).iter().all(Vec::is_empty));
    job.outputs[0].picture.dynamic_hdr = DynamicHdr::Require;
    plan(&job).unwrap();
}

/// Makes an H.264 stream with different captions for each frame, in display order.
fn with_captions(folder: &Path, count: usize, rate: &str) -> (PathBuf, Vec<Vec<u8>>) {
    let plain = folder.join("plain.h264");
    program::ffmpeg(&format!(
        "-f lavfi -i testsrc2=s=96x64:r={rate},format=yuv420p -frames:v {count} -y -c:v libx264 -preset ultrafast -bf 0 {}",
        plain.display()
    ));
    let (mut stream, mut number) = (Vec::new(), 0);
    let mut all = Vec::new();
    for unit in units(&std::fs::read(&plain).unwrap()) {
        if (1..=5).contains(&(unit[0] & 0x1f)) && unit[1] & 0x80 != 0 {
            // No triplets, a few, and more than one message can hold. Some bytes need emulation prevention.
            let triplets: Vec<u8> = (0..[2, 0, 20, 31, 1][number % 5])
                .flat_map(|at: usize| {
                    [0xfc + (at as u8 & 1), if at.is_multiple_of(3) { 0 } else { number as u8 }, at as u8 % 4]
                })
                .collect();
            if !triplets.is_empty() {
                let mut message = CAPTIONS.to_vec();
                message.extend([0x40 | (triplets.len() / 3) as u8, 0xff]);
                message.extend(&triplets);
                message.push(0xff);
                let mut body = vec![4, message.len() as u8];
                body.extend(message);
                stream.extend([0, 0, 0, 1, 6]);
                let mut zeros = 0;
                for byte in body {
                    if zeros >= 2 && byte <= 3 {
                        stream.push(3);
                        zeros = 0;
                    }
                    zeros = if byte == 0 { zeros + 1 } else { 0 };
                    stream.push(byte);
                }
                stream.push(0x80);
            }
            all.push(triplets);
            number += 1;
        }
        stream.extend([0, 0, 0, 1]);
        stream.extend(unit);
    }
    assert_eq!(all.len(), count);
    let raw = folder.join("captions.h264");
    std::fs::write(&raw, stream).unwrap();
    let file = folder.join("captions.mp4");
    program::ffmpeg(&format!("-r {rate} -i {} -c copy -y {}", raw.display(), file.display()));
    (file, all)
}

#[test]
fn captions_stay_with_their_frames() {
    let folder = folder();
    let (source, all) = with_captions(folder.path(), 24, "25");
    assert_eq!(captions(&source, false), all, "the source is what it should be");
    for (encoder, extension, options) in [
        (Encoder::X264, "mp4", "bframes=3 b-adapt=0"),
        (Encoder::X264, "mkv", "bframes=0"),
        (Encoder::X265, "mp4", "bframes=3 b-adapt=0"),
        (Encoder::X265, "mov", "bframes=0"),
    ] {
        let output = folder.path().join("copy").with_extension(extension);
        let mut job = video_job(&source, &output, encoder, quick(options));
        job.outputs[0].overwrite = true;
        let report = done(&job);
        assert_eq!(captions(&output, encoder == Encoder::X265), all, "{encoder} {extension}");
        let with = all.iter().filter(|triplets| !triplets.is_empty()).count() as u64;
        assert_eq!(report.outputs[0].extras.captions, with);
    }
}

#[test]
fn no_caption_is_lost_or_repeated_when_frames_are() {
    let folder = folder();
    for (count, from, to) in
        [(24, "50", "25"), (23, "50", "25"), (24, "25", "50"), (24, "30000/1001", "24"), (25, "25", "10")]
    {
        let (source, all) = with_captions(folder.path(), count, from);
        let output = folder.path().join("rate.mp4");
        let mut job = video_job(&source, &output, Encoder::X264, quick("bframes=3 b-adapt=0"));
        job.outputs[0].picture.rate = Some(to.parse().unwrap());
        job.outputs[0].overwrite = true;
        done(&job);
        let ours = captions(&output, false);
        assert_eq!(ours.concat(), all.concat(), "{count} frames, {from} to {to}");
    }
    // Deinterlacing to fields: each source frame becomes two frames. The first one gets its captions.
    let (source, all) = with_captions(folder.path(), 12, "25");
    let output = folder.path().join("fields.mp4");
    let mut job = video_job(&source, &output, Encoder::X265, quick("bframes=3 b-adapt=0"));
    job.outputs[0].picture.deinterlace = Deinterlace::Fields;
    done(&job);
    let ours = captions(&output, true);
    let expected: Vec<Vec<u8>> = all.iter().flat_map(|triplets| [triplets.clone(), Vec::new()]).collect();
    assert_eq!(ours, expected);
}

#[test]
fn a_part_has_the_captions_of_its_own_frames() {
    let folder = folder();
    let (source, all) = with_captions(folder.path(), 24, "25");
    let output = folder.path().join("part.mp4");
    let mut job = video_job(&source, &output, Encoder::X264, quick("bframes=3 b-adapt=0"));
    job.source.start = Some(seconds(8, 25));
    job.source.frames = Some(9);
    done(&job);
    assert_eq!(captions(&output, false), all[8..17]);
}

/// Runs `job` in chunks of seven frames.
fn in_chunks(mut job: Job) -> Report {
    job.chunks = Chunks::On;
    let mut plan = planned(&job);
    let chunks = plan.chunks.as_mut().expect("chunks");
    let frames = chunks.ranges.last().expect("a range").end;
    *chunks = divided(frames, 7, chunks.lead_in);
    assert!(chunks.ranges.len() > 1, "{chunks:?}");
    ran(&plan)
}

#[test]
fn metadata_of_frames_are_whole_in_chunks() {
    let folder = folder();
    let (source, all) = with_captions(folder.path(), 24, "25");
    for (encoder, name) in [(Encoder::X264, "captions.mp4"), (Encoder::X265, "captions.mkv")] {
        let output = folder.path().join("copy-of-".to_owned() + name);
        let report = in_chunks(video_job(&source, &output, encoder, quick("bframes=3 b-adapt=0")));
        assert_eq!(captions(&output, encoder == Encoder::X265), all, "{encoder}");
        let with = all.iter().filter(|triplets| !triplets.is_empty()).count() as u64;
        assert_eq!(report.outputs[0].extras.captions, with);
    }
    if let Some(source) = media::file("hdr10-video-with-sdr-container.mp4") {
        let (theirs, output) = (hdr10_plus(&source), folder.path().join("plus.mp4"));
        let report = in_chunks(small_job(&source, &output));
        assert_eq!(hdr10_plus(&output), theirs);
        assert_eq!(report.outputs[0].extras.hdr10_plus, theirs.len() as u64);
    }
    if let Some(source) = media::file("regular.mkv") {
        let (theirs, output) = (rpus(&source), folder.path().join("vision.mp4"));
        let report = in_chunks(x265(&source, &output));
        assert!(rpus(&output) == theirs, "units of Dolby Vision moved, or are missing");
        assert_eq!(report.outputs[0].extras.dolby_vision, theirs.len() as u64);
    }
}
