//! Estimates the memory of a video decoder or encoder.
//!
//! Invariant: the estimate is above what libx264 0.164, libx265 3.5 and libavcodec 59 take. It is computed from the
//! parameters that they are opened with, and changes none of them.

use trix_av::{stream::StreamFacts, x264::Kept};
use trix_model::format::FrameFormat;

use crate::{encode::options, plan::VideoPlan, settings::video::Encoder};

/// Bytes of a frame in libavcodec or libavfilter: rows are padded to 64 bytes, and planes have some extra rows.
pub(super) fn bytes(format: FrameFormat, width: usize, height: usize) -> u64 {
    format.frame_bytes(width.next_multiple_of(64), height.next_multiple_of(32) + 32) as u64
}

/// The number of reference frames that a decoder of the stream keeps: the maximum of its standard.
pub(super) fn references(facts: &StreamFacts) -> u64 {
    let samples = (facts.width.next_multiple_of(16) * facts.height.next_multiple_of(16)) as u64;
    match facts.codec.as_str() {
        "h264" => {
            // MaxDpbMbs by level number in the stream (H.264, table A-1).
            const BLOCKS: [(i32, u64); 11] = [
                (10, 396),
                (11, 900),
                (20, 2_376),
                (21, 4_752),
                (30, 8_100),
                (31, 18_000),
                (32, 20_480),
                (41, 32_768),
                (42, 34_816),
                (50, 110_400),
                (52, 184_320),
            ];
            let level = facts.level.and_then(|level| BLOCKS.iter().find(|(most, _)| level <= *most));
            level.map_or(16, |(_, blocks)| (blocks * 256 / samples.max(1)).clamp(1, 16))
        }
        "hevc" => {
            // MaxLumaPs by level number in the stream (H.265, table A.8). Smaller frames leave room for more of them
            // (A.4.2).
            const SAMPLES: [(i32, u64); 7] = [
                (30, 36_864),
                (60, 122_880),
                (63, 245_760),
                (90, 552_960),
                (93, 983_040),
                (123, 2_228_224),
                (156, 8_912_896),
            ];
            let level = facts.level.and_then(|level| SAMPLES.iter().find(|(most, _)| level <= *most));
            level.map_or(16, |(_, most)| match samples * 4 {
                quarters if quarters <= *most => 16,
                quarters if quarters <= 2 * most => 12,
                quarters if quarters <= 3 * most => 8,
                _ => 6,
            })
        }
        "vp8" => 4,
        // Eight references, and the frame that is decoded.
        "vp9" | "av1" => 9,
        "mpeg1video" | "mpeg2video" | "mpeg4" | "vc1" | "wmv3" => 3,
        _ => 1,
    }
}

/// Bytes of the encoder of `video` with `threads`, or with the number that the library chooses for `cores`.
pub(super) fn encoder(video: &VideoPlan, threads: Option<u32>, cores: u32) -> u64 {
    let frame = FrameSizes::of(video);
    match video.encoder {
        Encoder::X264 => options::x264_parameters(video, None)
            .map_or(0, |parameters| x264(&frame, parameters.kept(video.height, cores))),
        Encoder::X265 => options::x265_parameters(video, None).map_or(0, |parameters| {
            let (kept, workers) = parameters.kept(video.width, video.height, cores);
            x265(&frame, kept, workers)
        }),
        // For FFV1 version 3, libavcodec reserves 148 bytes for each sample of a frame, however small the packet gets.
        // Each slice also has its own context states.
        Encoder::Ffv1 => 148 * frame.luma + 4 * frame.all + (24 << 20),
        // Frames that are encoded in parallel, and compressed ones.
        Encoder::Prores => (4 + 2 * u64::from(threads.unwrap_or(cores + 1).min(64))) * frame.all,
    }
}

/// The sizes of a frame that count.
struct FrameSizes {
    /// Luma samples, with the border for motion vectors.
    luma: u64,
    /// Bytes of a sample.
    sample: u64,
    /// Bytes of all planes.
    all: u64,
    /// Blocks of 16 by 16.
    blocks: u64,
}

impl FrameSizes {
    fn of(video: &VideoPlan) -> Self {
        let (width, height) = (video.width.next_multiple_of(64), video.height.next_multiple_of(64));
        let sample = if video.format.depth > 8 { 2 } else { 1 };
        let luma = ((width + 96) * (height + 96)) as u64;
        let (x, y) = video.format.chroma.shift();
        let chroma = if video.format.chroma.planes() == 1 { 0 } else { (2 * luma) >> (x + y) };
        FrameSizes { luma, sample, all: (luma + chroma) * sample, blocks: (width * height / 256) as u64 }
    }
}

/// x264 stores each waiting frame with four planes of half width and half height, and with the costs of its blocks for
/// each pair of distances. It stores luma of each reference frame at three positions between samples, and chroma too if
/// it is not subsampled.
fn x264(frame: &FrameSizes, kept: Kept) -> u64 {
    let distances = u64::from(kept.bframes) + 2;
    let costs = frame.blocks * (distances * distances * 2 + distances * 24 + 80);
    let waiting = frame.all + frame.luma * frame.sample + costs;
    let between = if frame.all == 3 * frame.luma * frame.sample { frame.all } else { frame.luma * frame.sample };
    let referred = frame.all + 3 * between + frame.blocks * 100;
    let (threads, references) = (u64::from(kept.threads), u64::from(kept.references));
    (u64::from(kept.waiting) + threads + 2) * waiting
        + (references + threads + 2) * referred
        + threads * (frame.blocks * 600 + (2 << 20))
}

/// x265 stores frames in a similar way. Each frame in progress also has its coefficients (16 bits for each sample) and
/// the data of its smallest blocks. Each worker thread has its own candidates.
fn x265(frame: &FrameSizes, kept: Kept, workers: u32) -> u64 {
    let distances = u64::from(kept.bframes) + 2;
    let costs = frame.blocks * (distances * distances * 2 + distances * 32 + 160);
    let waiting = frame.all + frame.luma * frame.sample + costs;
    let encoded = waiting + frame.all + 2 * frame.all / frame.sample + frame.blocks * 640;
    let (threads, references) = (u64::from(kept.threads), u64::from(kept.references));
    let frames = u64::from(kept.waiting) * waiting + (references + threads + 2) * encoded;
    // The cost tables for motion vectors at each quantiser take 32 MiB.
    frames * 21 / 20 + u64::from(workers + kept.threads) * (8 << 20) + (32 << 20)
}
