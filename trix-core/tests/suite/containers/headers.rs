//! Tests of the headers of MP4, QuickTime and Matroska, as `ffprobe`, `mediainfo` and a walk over the boxes read them.

use std::{fs, path::Path};

use trix_core::{
    Job,
    media::time::{Rational, Timestamp},
    settings::video::{EncodeSettings, Encoder, VideoSettings},
};
use trix_fixtures::{Clip, folder, master};

use crate::support::{done, ffprobe, mediainfo, number, quick, text, video_job, video_stream};

const CONTAINERS: [&str; 3] = ["mp4", "mov", "mkv"];
const FRAMES: u32 = 20;

/// A clip with HDR: BT.2020, PQ, chroma sited top left, samples wider than high.
fn hdr() -> std::path::PathBuf {
    Clip { frames: FRAMES, ..Clip::of("yuv420p10le") }.encoded(
        "-c:v ffv1 -vf zscale=chromalin=topleft:chromal=topleft,\
         setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv \
         -chroma_sample_location topleft -aspect 4:3",
        "mkv",
    )
}

/// Returns types and sizes of the top-level boxes of an ISO base media file (ISO/IEC 14496-12, 4.2).
fn boxes(file: &Path) -> Vec<String> {
    let bytes = fs::read(file).expect("the output");
    let (mut at, mut found) = (0, Vec::new());
    while at < bytes.len() {
        let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let size = match word(at) {
            0 => bytes.len() - at,
            1 => usize::try_from((u64::from(word(at + 8)) << 32) | u64::from(word(at + 12))).expect("a size"),
            size => size as usize,
        };
        assert!(size >= 8 && at + size <= bytes.len(), "a box of {size} bytes at {at} of {}", bytes.len());
        found.push(String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned());
        at += size;
    }
    found
}

/// Returns the positions of keyframes in display order.
fn keyframes(file: &Path) -> Vec<usize> {
    let json = ffprobe(file, "-select_streams v:0 -show_packets");
    let mut packets: Vec<(i64, bool)> = json["packets"]
        .as_array()
        .expect("packets")
        .iter()
        .map(|packet| (packet["pts"].as_i64().expect("a time"), text(&packet["flags"]).starts_with('K')))
        .collect();
    packets.sort_unstable();
    packets.iter().enumerate().filter(|(_, (_, key))| *key).map(|(at, _)| at).collect()
}

#[test]
fn other_programs_read_codec_format_colour_and_shape() {
    let folder = folder();
    for extension in CONTAINERS {
        for (encoder, codec, profile, tag) in
            [(Encoder::X264, "h264", "High 10", "avc1"), (Encoder::X265, "hevc", "Main 10", "hvc1")]
        {
            let output = folder.path().join(codec).with_extension(extension);
            done(&video_job(&hdr(), &output, encoder, quick("")));
            let stream = video_stream(&output);
            let what = format!("{codec} in {extension}");
            for (key, expected) in [
                ("codec_name", codec),
                ("profile", profile),
                ("pix_fmt", "yuv420p10le"),
                ("color_primaries", "bt2020"),
                ("color_transfer", "smpte2084"),
                ("color_space", "bt2020nc"),
                ("color_range", "tv"),
                ("chroma_location", "topleft"),
                ("sample_aspect_ratio", "12:11"),
                ("display_aspect_ratio", "4:3"),
                ("r_frame_rate", "25/1"),
                ("avg_frame_rate", "25/1"),
            ] {
                assert_eq!(text(&stream[key]), expected, "{key} of {what}");
            }
            assert_eq!((stream["width"].as_u64(), stream["height"].as_u64()), (Some(176), Some(144)), "{what}");
            assert_eq!(number::<u32>(&stream["nb_read_frames"]), FRAMES, "{what}");
            if extension != "mkv" {
                assert_eq!(text(&stream["codec_tag_string"]), tag, "{what}");
            }

            let tracks = mediainfo(&output, "Video");
            assert_eq!(tracks.len(), 1, "{what}");
            let track = &tracks[0];
            let format = if codec == "h264" { "AVC" } else { "HEVC" };
            for (key, expected) in [
                ("Format", format),
                ("BitDepth", "10"),
                ("ChromaSubsampling", "4:2:0"),
                ("colour_primaries", "BT.2020"),
                ("transfer_characteristics", "PQ"),
                ("matrix_coefficients", "BT.2020 non-constant"),
                ("colour_range", "Limited"),
            ] {
                assert_eq!(text(&track[key]), expected, "{key} of {what} by mediainfo");
            }
            assert_eq!(number::<u32>(&track["FrameCount"]), FRAMES, "{what} by mediainfo");
            let duration: f64 = number(&track["Duration"]);
            assert!((duration - 0.8).abs() < 0.0015, "{what} lasts {duration} s by mediainfo");
        }
    }
}

#[test]
fn other_programs_read_full_range() {
    let source = Clip { frames: 5, ..Clip::of("yuv420p") }
        .encoded("-c:v ffv1 -vf setparams=range=pc:colorspace=smpte170m -color_range pc", "mkv");
    let folder = folder();
    for extension in CONTAINERS {
        for encoder in [Encoder::X264, Encoder::X265] {
            let output = folder.path().join(encoder.to_string()).with_extension(extension);
            done(&video_job(&source, &output, encoder, quick("")));
            let stream = video_stream(&output);
            let stated = (text(&stream["color_range"]), text(&stream["color_space"]));
            assert_eq!(stated, ("pc".into(), "smpte170m".into()), "{encoder} in {extension}");
        }
    }
}

#[test]
fn profile_and_format_state_every_depth_and_chroma() {
    let folder = folder();
    for (encoder, format, profile) in [
        (Encoder::X264, "yuv420p", "Constrained Baseline"),
        (Encoder::X264, "yuv422p10le", "High 4:2:2"),
        (Encoder::X264, "yuv444p", "High 4:4:4 Predictive"),
        (Encoder::X265, "yuv420p", "Main"),
        (Encoder::X265, "yuv420p12le", "Rext"),
        (Encoder::X265, "yuv422p10le", "Rext"),
        (Encoder::X265, "gray10le", "Rext"),
    ] {
        let clip = Clip { frames: 3, ..Clip::of(format) };
        let output = folder.path().join(format!("{encoder}-{format}.mp4"));
        done(&video_job(&clip.y4m(), &output, encoder, quick("")));
        let stream = video_stream(&output);
        assert_eq!((text(&stream["pix_fmt"]), text(&stream["profile"])), (format.into(), profile.into()), "{encoder}");
    }
}

#[test]
fn the_index_comes_before_the_media() {
    let folder = folder();
    for extension in ["mp4", "m4v", "mov"] {
        let output = folder.path().join("fast").with_extension(extension);
        done(&Job::new(master(), &output).with_quick_frames());
        let boxes = boxes(&output);
        let place = |name: &str| boxes.iter().position(|found| found == name);
        assert_eq!(place("ftyp"), Some(0), "{extension}: {boxes:?}");
        let (index, media) = (place("moov").expect("moov"), place("mdat").expect("mdat"));
        assert!(index < media, "{extension}: {boxes:?}");
        assert_eq!(boxes.iter().filter(|name| *name == "mdat").count(), 1, "{extension}: {boxes:?}");
    }
}

trait WithQuickFrames {
    fn with_quick_frames(self) -> Self;
}

impl WithQuickFrames for Job {
    fn with_quick_frames(mut self) -> Self {
        self.outputs[0].video = VideoSettings::X264(quick(""));
        self.outputs[0].audio = trix_core::settings::audio::AudioSettings::Aac { kbps: None };
        self
    }
}

#[test]
fn keyframes_stand_where_they_were_asked_for() {
    let at = |millis: i64| Timestamp::new(millis, Rational::new(1, 1000));
    let folder = folder();
    for extension in CONTAINERS {
        for encoder in [Encoder::X264, Encoder::X265] {
            let output = folder.path().join(format!("{encoder}")).with_extension(extension);
            // 0.41 s lies between two frames. The keyframe is the first frame at or after this time.
            let settings = EncodeSettings {
                gop: Some(250),
                keyframes: vec![at(200), at(410), at(800)],
                ..quick("scenecut=0 bframes=3")
            };
            done(&video_job(&Clip::default().y4m(), &output, encoder, settings));
            assert_eq!(keyframes(&output), [0, 5, 11, 20], "{encoder} in {extension}");
        }
    }
}

#[test]
fn no_gop_is_longer_than_asked_for() {
    let folder = folder();
    for (encoder, open) in
        [(Encoder::X264, false), (Encoder::X264, true), (Encoder::X265, false), (Encoder::X265, true)]
    {
        let output = folder.path().join(format!("{encoder}-{open}.mp4"));
        let settings = EncodeSettings { gop: Some(7), open_gop: Some(open), ..quick("scenecut=0 bframes=3") };
        done(&video_job(&Clip::default().y4m(), &output, encoder, settings));
        let keys = keyframes(&output);
        assert!(keys.windows(2).all(|pair| pair[1] - pair[0] <= 7), "{encoder}, open {open}: {keys:?}");
        assert_eq!(keys[0], 0);
        assert!(keys.len() >= 5, "{encoder}, open {open}: {keys:?}");
    }
}
