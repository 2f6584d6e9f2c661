//! Tests that lossless encodes return every sample, at every depth and chroma subsampling, when another decoder reads
//! them. The comparison by Trix confirms every frame.

use std::fs;

use trix_core::settings::{
    job::VerifyLevel,
    video::{EncodeSettings, Encoder, RateControl},
};
use trix_fixtures::{Clip, folder, program};

use crate::support::{done, planes, quick, video_job};

const FRAMES: u32 = 8;

fn every_sample_comes_back(encoder: Encoder, format: &'static str, extension: &str, preset: &str) {
    let clip = Clip { frames: FRAMES, ..Clip::of(format) };
    let folder = folder();
    let output = folder.path().join("lossless").with_extension(extension);
    let settings = EncodeSettings { rate: Some(RateControl::Lossless), preset: Some(preset.into()), ..quick("") };
    let mut job = video_job(&clip.y4m(), &output, encoder, settings);
    job.outputs[0].verify = VerifyLevel::Full;
    let report = done(&job);
    assert_eq!(report.outputs[0].verification.lossless_frames, Some(u64::from(FRAMES)), "{encoder} {format}");

    // FFmpeg's H.264 decoder adds flat chroma planes to 4:0:0, so only luma is compared.
    let luma = if format.starts_with("gray") { "-vf extractplanes=y" } else { "" };
    let line = format!("-i {} {luma} -fps_mode passthrough -f rawvideo -", output.display());
    let decoded = program::ffmpeg(&line).stdout;
    let source = fs::read(clip.raw()).expect("the source's planes");
    assert_eq!(decoded.len(), source.len(), "{encoder} {format}: bytes of all planes");
    let differ = decoded.iter().zip(&source).position(|(ours, theirs)| ours != theirs);
    assert_eq!(differ, None, "{encoder} {format}: first byte that differs");
}

#[test]
fn x264_gives_every_8_bit_sample_back() {
    for format in ["gray", "yuv420p", "yuv422p", "yuv444p"] {
        every_sample_comes_back(Encoder::X264, format, "mp4", "veryfast");
    }
}

#[test]
fn x264_gives_every_10_bit_sample_back() {
    for format in ["gray10le", "yuv420p10le", "yuv422p10le", "yuv444p10le"] {
        every_sample_comes_back(Encoder::X264, format, "mkv", "veryfast");
    }
}

#[test]
fn i_frames_between_keyframes_are_no_keyframes() {
    // Each frame of noise is a cut. x264 makes most of them I-frames that are no IDR, in a stream with one reference frame.
    let folder = folder();
    let noise = folder.path().join("noise.y4m");
    let source = "nullsrc=size=64x64:rate=25,geq=random(1)*255:128:128";
    program::ffmpeg(&format!("-f lavfi -i {source} -frames:v 30 {}", noise.display()));
    for extension in ["mp4", "mkv", "mov", "ts"] {
        let output = folder.path().join("cuts").with_extension(extension);
        let settings = EncodeSettings { rate: Some(RateControl::Lossless), ..quick("") };
        let settings = EncodeSettings { preset: Some("veryfast".into()), ..settings };
        let report = done(&video_job(&noise, &output, Encoder::X264, settings));
        let keyframes = report.outputs[0].tracks[0].keyframes;
        assert!((1..4).contains(&keyframes), "{extension}: {keyframes}");
        let frames = "-select_streams v -show_entries frame=pict_type -of csv=p=0";
        let kinds =
            program::text(&program::run("ffprobe", format!("-v error {frames} {}", output.display()).split(' ')));
        assert!(kinds.matches('I').count() > 10, "{extension}: {kinds}");
    }
}

#[test]
fn x265_gives_every_8_bit_sample_back() {
    for format in ["gray", "yuv420p", "yuv422p", "yuv444p"] {
        every_sample_comes_back(Encoder::X265, format, "mp4", "veryfast");
    }
}

#[test]
fn x265_gives_every_10_bit_sample_back() {
    for format in ["gray10le", "yuv420p10le", "yuv422p10le", "yuv444p10le"] {
        every_sample_comes_back(Encoder::X265, format, "mov", "veryfast");
    }
}

#[test]
fn x265_gives_every_12_bit_sample_back() {
    for format in ["gray12le", "yuv420p12le", "yuv422p12le", "yuv444p12le"] {
        every_sample_comes_back(Encoder::X265, format, "mkv", "veryfast");
    }
}

#[test]
fn the_slowest_presets_are_lossless_too() {
    every_sample_comes_back(Encoder::X264, "yuv422p10le", "mkv", "slower");
    every_sample_comes_back(Encoder::X265, "yuv422p10le", "mkv", "slower");
}

#[test]
fn a_lossy_encode_is_not_taken_for_a_lossless_one() {
    let clip = Clip { frames: FRAMES, ..Clip::default() };
    let folder = folder();
    let output = folder.path().join("lossy.mp4");
    let settings = EncodeSettings { rate: Some(RateControl::Crf { value: 30.0 }), ..quick("") };
    let mut job = video_job(&clip.y4m(), &output, Encoder::X264, settings);
    job.outputs[0].verify = VerifyLevel::Full;
    let report = done(&job);
    assert_eq!(report.outputs[0].verification.lossless_frames, None);
    let score = report.outputs[0].verification.score.as_ref().expect("a score");
    assert_eq!(score.frames, u64::from(FRAMES));
    assert_ne!(planes(&output), fs::read(clip.raw()).expect("the source's planes"));
}
