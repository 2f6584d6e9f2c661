//! The cost of each stage alone, on short 1080p clips.
//!
//! Some stages cannot run alone. If a stage needs another one before it, its name says so, and the line of the other
//! stage gives the amount to subtract. The program `peers` measures whole jobs.

use std::{fs, hint::black_box, path::Path, sync::Arc, time::Duration};

use criterion::{
    BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use trix_benches::{Clip, Kind};
use trix_core::{
    Control, FrameConverter, Job, Limits, OnDamage, Source,
    damage::DamageLog,
    decode::video::DecodedFrame,
    demux::Demuxer,
    encode::video::{self, Coding},
    media::{
        PixelFormat,
        color::{Color, Matrix},
        format::{Chroma, FrameFormat},
    },
    plan::{Cut, Filtering, Transform},
    quality::{psnr, ssim},
    reading::reader::FrameReader,
    settings::{
        audio::AudioSettings,
        job::VerifyLevel,
        picture::{ColorOverride, Resampler},
        video::{EncodeSettings, RateControl, VideoSettings},
    },
};

fn hd() -> Filtering {
    filtering(1280, 720, 8)
}

fn filtering(width: usize, height: usize, depth: u32) -> Filtering {
    let format = FrameFormat::ycbcr(Chroma::C420, depth);
    Filtering::by(Transform::to(width, height, format, Resampler::Lanczos, Color::default()))
}

/// The bytes of a clip in memory, so that the benchmark of a stage does not measure the disk.
fn bytes(kind: Kind, frames: u32) -> Arc<[u8]> {
    let path = Clip { kind, frames }.file().expect("ffmpeg makes the clip");
    fs::read(path).expect("the clip can be read").into()
}

fn open(bytes: &Arc<[u8]>) -> Source {
    Source::from_bytes(Arc::clone(bytes), Limits::default()).expect("the clip can be opened")
}

fn reader(bytes: &Arc<[u8]>, filtering: Option<Filtering>) -> FrameReader {
    FrameReader::new(open(bytes), OnDamage::Fail, Cut::default(), filtering, 0).expect("the clip can be decoded")
}

fn read_all(mut reader: FrameReader) -> Vec<DecodedFrame> {
    let mut decoded = Vec::new();
    while let Some(frame) = reader.next_frame().expect("a whole clip") {
        decoded.push(frame);
    }
    decoded
}

fn count(mut reader: FrameReader) -> u64 {
    let mut decoded = 0;
    while let Some(frame) = reader.next_frame().expect("a whole clip") {
        black_box(&frame);
        decoded += 1;
    }
    decoded
}

/// A group of benchmarks that each process `frames` frames.
fn group<'a>(criterion: &'a mut Criterion, name: &str, frames: usize) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    // Runs take a tenth of a second and more, so use the same number of runs in every sample.
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(frames as u64));
    group
}

fn demux(criterion: &mut Criterion) {
    let bytes = bytes(Kind::H264, 25);
    let mut group = group(criterion, "demux", 25);
    group.bench_function("H.264 in MP4, opened and read", |bencher| {
        bencher.iter(|| {
            let damage = Arc::new(DamageLog::new(OnDamage::Fail));
            let mut demuxer = Demuxer::new(open(&bytes), damage);
            let mut total = 0;
            while let Some(packet) = demuxer.next_packet().expect("a whole clip") {
                total += packet.data().len();
            }
            total
        });
    });
}

fn decode(criterion: &mut Criterion) {
    let mut group = group(criterion, "decode", 25);
    for (name, kind) in [("ProRes", Kind::ProRes), ("H.264", Kind::H264), ("HEVC 10-bit", Kind::Hevc)] {
        let bytes = bytes(kind, 25);
        group.bench_function(name, |bencher| bencher.iter(|| count(reader(&bytes, None))));
    }
}

fn convert(criterion: &mut Criterion) {
    let mut group = group(criterion, "convert", 5);
    // Uncompressed, so that reading is cheap compared to conversion. The first line of each group shows the cost of
    // reading.
    for (kind, name, targets) in [
        (Kind::Raw8, "8-bit 4:2:0", [None, Some(("to 720p", hd()))]),
        (Kind::Raw10, "10-bit 4:2:2", [None, Some(("to 8-bit 4:2:0, dithered", filtering(1920, 1080, 8)))]),
    ] {
        let bytes = bytes(kind, 5);
        for filtering in targets {
            let what = filtering.as_ref().map_or("read only", |(what, _)| *what);
            let filtering = filtering.map(|(_, filtering)| filtering);
            let id = format!("{name}, {what}");
            group.bench_function(id, |bencher| bencher.iter(|| count(reader(&bytes, filtering.clone()))));
        }
    }
}

fn to_rgb(criterion: &mut Criterion) {
    let mut group = group(criterion, "convert", 5);
    let format = PixelFormat::from_name("rgb24").expect("a format of libavutil");
    for (kind, name) in [(Kind::Raw8, "8-bit 4:2:0"), (Kind::Raw10, "10-bit 4:2:2")] {
        let source = open(&bytes(kind, 5));
        let frames: Vec<_> = source.frames().collect::<trix_core::Result<_>>().expect("a whole clip");
        let color = ColorOverride { matrix: Some(Matrix(1)), ..ColorOverride::default() };
        let mut converter = FrameConverter::new().format(format).source_color(color);
        group.bench_function(format!("{name}, to packed RGB"), |bencher| {
            bencher.iter(|| {
                frames.iter().map(|frame| converter.convert(frame.clone()).expect("RGB").width()).sum::<usize>()
            });
        });
    }
}

fn encode(criterion: &mut Criterion) {
    type Choice = fn(EncodeSettings) -> VideoSettings;
    let source = Clip { kind: Kind::H264, frames: 25 }.file().expect("ffmpeg makes the clip");
    let choices: [(&str, Choice, &str, usize); 2] = [
        ("x264 veryfast, 720p", VideoSettings::X264, "veryfast", 16),
        ("x265 ultrafast, 720p", VideoSettings::X265, "ultrafast", 8),
    ];
    for (name, choice, preset, frames) in choices {
        let settings = EncodeSettings {
            preset: Some(preset.to_owned()),
            rate: Some(RateControl::Crf { value: 22.0 }),
            ..Default::default()
        };
        let mut job = Job::new(&source, "unused.mp4");
        job.outputs[0].video = choice(settings.clone());
        job.outputs[0].picture.size = Some(trix_core::settings::video::Size { width: 1280, height: 720 });
        let plan = trix_core::plan(&job, &Source::open(&source).expect("a clip")).expect("a valid job");
        let first = trix_core::plan::Sink::Output(trix_core::plan::OutputId(0));
        let plan = plan.sink(first).video.expect("frames");
        let mut decoded = read_all(reader(&fs::read(&source).expect("a clip").into(), Some(hd())));
        decoded.truncate(frames);
        let mut group = group(criterion, "encode", frames);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut encoder = video::open(&plan, None, None).expect("an encoder");
                let mut total = encoder.headers().expect("headers").parameter_sets.len();
                for (number, frame) in decoded.iter().enumerate() {
                    let encoded = encoder.push(&frame.frame, number as u64, Coding::Auto).expect("an encode");
                    total += encoded.map_or(0, |encoded| encoded.packet.data().len());
                }
                while let Some(encoded) = encoder.finish().expect("an encode") {
                    total += encoded.packet.data().len();
                }
                total
            });
        });
    }
}

/// A copy job, which leaves only reading, the records, writing and the final sync. The disk's part varies most.
fn mux(criterion: &mut Criterion) {
    let source = Clip { kind: Kind::H264, frames: 25 }.file().expect("ffmpeg makes the clip");
    let output = trix_benches::folder().expect("a folder").join("stages-mux.mp4");
    for (name, verify) in [("copied, with ledger", VerifyLevel::Off), ("the same, read back", VerifyLevel::Structure)] {
        let job = copy_job(&source, &output, verify);
        let mut group = group(criterion, "mux", 25);
        group.bench_function(name, |bencher| {
            bencher.iter(|| trix_core::run_job(&job, &Control::default()).expect("a copy").outputs[0].bytes);
        });
    }
}

fn copy_job(source: &Path, output: &Path, verify: VerifyLevel) -> Job {
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::Copy;
    job.outputs[0].audio = AudioSettings::None;
    job.outputs[0].verify = verify;
    job.outputs[0].overwrite = true;
    job
}

fn score(criterion: &mut Criterion) {
    let mut group = group(criterion, "score", 1);
    for (name, kind) in [("8-bit", Kind::Raw8), ("10-bit", Kind::Raw10)] {
        let decoded = read_all(reader(&bytes(kind, 5), None));
        let [one, two] = [&decoded[0], &decoded[1]].map(|frame| frame.frame.planes()[0]);
        group.bench_function(format!("PSNR of luma, {name}"), |bencher| {
            bencher.iter(|| psnr::sse(black_box(one), black_box(two)));
        });
        group.bench_function(format!("SSIM of luma, {name}"), |bencher| {
            bencher.iter(|| ssim::ssim(black_box(one), black_box(two)));
        });
    }
}

fn brief() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = stages;
    config = brief();
    targets = demux, decode, convert, to_rgb, encode, mux, score
}
criterion_main!(stages);
