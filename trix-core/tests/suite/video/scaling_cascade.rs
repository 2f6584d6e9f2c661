//! Tests of scaling from one output size to the next smaller one: which sizes are chained, and that the frames equal
//! those of two separate scalings.

use std::path::{Path, PathBuf};

use trix_core::{
    Job, Report, Source,
    media::{format::Chroma, time::Rational},
    plan::{FilterPlan, Sink},
    settings::{
        job::{OutputSettings, VerifyLevel},
        picture::{Crop, Deinterlace, FrameRate, PictureSettings, Rectangle, Resampler, Tonemap},
        video::{EncodeSettings, Encoder, Ffv1Settings, RateControl, Size, VideoSettings},
    },
};
use trix_fixtures::{Clip, folder, program};

use crate::support::{done, number, planes, quick, times, video_job, video_stream};

const FRAMES: u32 = 9;
const LARGE: (i32, i32) = (256, 144);
const MIDDLE: (i32, i32) = (192, 108);
const SMALL: (i32, i32) = (128, 72);

fn clip(format: &'static str) -> PathBuf {
    Clip { width: 320, height: 180, frames: FRAMES, ..Clip::of(format) }.encoded("-c:v ffv1 -level 3", "mkv")
}

/// A lossless output with a size.
fn lossless(path: &Path, encoder: Encoder, size: (i32, i32)) -> OutputSettings {
    let mut settings = EncodeSettings::default();
    if encoder != Encoder::Ffv1 {
        settings.preset = Some("ultrafast".into());
        settings.rate = Some(RateControl::Lossless);
    }
    let mut job = video_job(Path::new(""), path, encoder, settings);
    job.outputs[0].verify = VerifyLevel::Full;
    job.outputs[0].picture.size = Some(Size { width: size.0, height: size.1 });
    job.outputs.remove(0)
}

/// A job that scales each size from a larger one.
fn cascade(source: &Path, outputs: Vec<OutputSettings>) -> Job {
    let mut job = Job { outputs, scale_from_larger: true, ..Job::default() };
    job.source.path = source.to_owned();
    job
}

/// The settings of the frames that the encoder of an output receives.
struct Frames<'a> {
    depth: &'a mut Option<u32>,
    chroma: &'a mut Option<Chroma>,
    size: &'a mut Option<Size>,
    resampler: &'a mut Resampler,
}

fn settings(output: &mut OutputSettings) -> Frames<'_> {
    let PictureSettings { size, resampler, .. } = &mut output.picture;
    match &mut output.video {
        VideoSettings::X264(EncodeSettings { depth, chroma, .. })
        | VideoSettings::Ffv1(Ffv1Settings { depth, chroma, .. }) => Frames { depth, chroma, size, resampler },
        _ => panic!("an encoder with settings"),
    }
}

/// A filter step: the step before it, its size, and the outputs that need it.
type Step = (Option<usize>, (usize, usize), Vec<usize>);

/// Returns the filter steps of a job.
fn steps(job: &Job) -> Vec<Step> {
    let source = Source::open(&job.source.path).unwrap_or_else(|error| panic!("{error}"));
    let plan = trix_core::plan(job, &source).unwrap_or_else(|error| panic!("{error}"));
    for (number, step) in plan.filters.iter().enumerate() {
        assert!(step.after.is_none_or(|after| after.0 < number), "step {number} comes after {:?}", step.after);
    }
    let file = |sink: &Sink| match sink {
        Sink::Output(id) => id.0,
        Sink::Rendition { .. } => panic!("{sink:?} in a job without packages"),
    };
    let stated = |step: &FilterPlan| {
        let outputs = step.outputs.iter().map(file).collect();
        (step.after.map(|after| after.0), step.filtering.transform.size(), outputs)
    };
    plan.filters.iter().map(stated).collect()
}

/// True if the frames of the second output are scaled from those of the first.
fn is_chained(job: &Job) -> bool {
    let steps = steps(job);
    let last = steps.iter().rev().find(|(.., outputs)| outputs.contains(&1)).expect("steps of the second output");
    last.0.is_some()
}

/// Asserts that a second decode proved every frame equal to the input of its encoder.
fn proved(report: &Report, frames: u64) {
    for output in &report.outputs {
        let name = output.path.display();
        assert_eq!(output.verification.lossless_frames, Some(frames), "{name}");
        let ledger = output.ledger.expect("a ledger");
        assert_eq!((ledger.encoded, ledger.emitted, ledger.found), (frames, frames, Some(frames)), "{name}");
    }
}

#[test]
fn each_size_comes_after_the_next_larger_one_whatever_their_order() {
    let folder = folder();
    let named = |name: &str| folder.path().join(name);
    let outputs = vec![
        lossless(&named("small.mkv"), Encoder::X264, SMALL),
        lossless(&named("whole.mkv"), Encoder::X264, (320, 180)),
        lossless(&named("middle.mkv"), Encoder::X264, MIDDLE),
        lossless(&named("large.mkv"), Encoder::X264, LARGE),
        lossless(&named("small-too.mkv"), Encoder::Ffv1, SMALL),
    ];
    let mut job = cascade(&clip("yuv420p"), outputs);
    assert_eq!(
        steps(&job),
        [
            (None, (320, 180), vec![0, 1, 2, 3, 4]),
            (Some(0), (256, 144), vec![0, 2, 3, 4]),
            (Some(1), (192, 108), vec![0, 2, 4]),
            (Some(2), (128, 72), vec![0, 4]),
        ]
    );
    let report = done(&job);
    proved(&report, FRAMES.into());
    let said = |number: usize| {
        let output: &trix_core::OutputReport = &report.outputs[number];
        output.plan.decisions.iter().map(|decision| decision.what.clone()).collect::<Vec<_>>().join("; ")
    };
    assert!(said(0).contains("scaled from the 192x108 frames of middle.mkv"), "{}", said(0));
    assert!(said(3).contains("scaled from the 320x180 frames of whole.mkv"), "{}", said(3));
    assert!(!said(1).contains("scaled from"), "{}", said(1));
    for (output, (width, height)) in job.outputs.iter().zip([SMALL, (320, 180), MIDDLE, LARGE, SMALL]) {
        let stream = video_stream(&output.path);
        let found = (number(&stream["width"]), number(&stream["height"]), number(&stream["nb_read_frames"]));
        assert_eq!(found, (width, height, FRAMES), "{}", output.path.display());
    }
    assert_eq!(planes(&named("small.mkv")), planes(&named("small-too.mkv")));

    job.scale_from_larger = false;
    let direct: Vec<_> = steps(&job).into_iter().map(|(after, ..)| after).collect();
    assert_eq!(direct, [None; 4], "two outputs of one size share a step");
}

/// Returns the frames of the smaller of two sizes, made by two consecutive jobs.
fn scaled_twice(folder: &Path, source: &Path, mut first: OutputSettings, mut second: OutputSettings) -> Vec<u8> {
    first.path = folder.join("reference-first.mkv");
    second.path = folder.join("reference-second.mkv");
    second.picture = PictureSettings { tonemap: Tonemap::Off, size: second.picture.size, ..PictureSettings::default() };
    (first.overwrite, second.overwrite) = (true, true);
    let (from, to) = (first.path.clone(), second.path.clone());
    done(&Job { scale_from_larger: false, ..cascade(source, vec![first]) });
    done(&Job { scale_from_larger: false, ..cascade(&from, vec![second]) });
    planes(&to)
}

/// Returns the frames of an output from its own job.
fn scaled_once(folder: &Path, source: &Path, output: &OutputSettings) -> Vec<u8> {
    let output = OutputSettings { path: folder.join("reference-alone.mkv"), overwrite: true, ..output.clone() };
    let path = output.path.clone();
    done(&Job { scale_from_larger: false, ..cascade(source, vec![output]) });
    planes(&path)
}

#[test]
fn chained_frames_equal_scaling_twice_and_by_default_scaling_once() {
    for (format, encoder, depths) in [
        ("yuv420p", Encoder::X264, [None, None]),
        ("yuv422p10le", Encoder::Ffv1, [None, None]),
        ("yuv420p10le", Encoder::Ffv1, [Some(10), Some(8)]),
        ("gbrp10le", Encoder::Ffv1, [None, None]),
    ] {
        let (folder, source) = (folder(), clip(format));
        let mut large = lossless(&folder.path().join("large.mkv"), encoder, LARGE);
        let mut small = lossless(&folder.path().join("small.mkv"), encoder, SMALL);
        *settings(&mut large).depth = depths[0];
        *settings(&mut small).depth = depths[1];
        let twice = scaled_twice(folder.path(), &source, large.clone(), small.clone());
        let once = scaled_once(folder.path(), &source, &small);
        assert_ne!(twice, once, "{format}: equal results would prove nothing");
        let bytes = twice.len();

        let mut job = cascade(&source, vec![small.clone(), large]);
        proved(&done(&job), FRAMES.into());
        let ours = planes(&small.path);
        assert_eq!(ours.len(), bytes, "{format}");
        assert!(ours == twice, "{format}: scaled from the larger size");

        job.scale_from_larger = false;
        job.outputs.iter_mut().for_each(|output| output.overwrite = true);
        proved(&done(&job), FRAMES.into());
        assert!(planes(&small.path) == once, "{format}: scaled from the source");
    }
}

#[test]
fn other_filters_run_once_before_the_first_scaling() {
    let folder = folder();
    let source = folder.path().join("fields.mkv");
    // Interlaced HDR video with a border.
    program::ffmpeg(&format!(
        "-f lavfi -i testsrc2=s=320x180:r=50 -vf scroll=h=0.04,tinterlace=interleave_top,format=yuv420p10le,setfield=tff,\
         setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv -frames:v {FRAMES} \
         -c:v ffv1 -level 3 {}",
        source.display()
    ));
    let picture = PictureSettings {
        deinterlace: Deinterlace::Fields,
        crop: Crop::Rectangle(Rectangle { width: 304, height: 172, left: 8, top: 4 }),
        tonemap: Tonemap::Mobius,
        rate: Some(FrameRate(Rational::new(30, 1))),
        ..Default::default()
    };
    let output = |name: &str, size, picture: &PictureSettings| {
        let mut output = lossless(&folder.path().join(name), Encoder::X264, size);
        *settings(&mut output).depth = Some(8);
        let picture = PictureSettings { size: output.picture.size, ..picture.clone() };
        OutputSettings { picture, ..output }
    };
    let kinds = [
        ("fields", PictureSettings { deinterlace: Deinterlace::Fields, tonemap: Tonemap::Off, ..Default::default() }),
        ("all", picture),
    ];
    for (kind, picture) in kinds {
        let name = |size: &str| format!("{kind}-{size}.mkv");
        let (large, small) = (output(&name("large"), LARGE, &picture), output(&name("small"), SMALL, &picture));
        let twice = scaled_twice(folder.path(), &source, large.clone(), small.clone());
        let middle = output(&name("middle"), MIDDLE, &picture);
        let job = cascade(&source, vec![large.clone(), small.clone()]);
        let chain: Vec<_> = steps(&job).into_iter().map(|(after, ..)| after).collect();
        assert_eq!(chain, [None, Some(0)], "{kind}: nobody else needs what is done to fields");
        let report = done(&job);
        let frames = report.outputs[0].ledger.expect("a ledger").emitted;
        proved(&report, frames);
        assert!(planes(&small.path) == twice, "{kind}: the frames");
        assert_eq!(times(&small.path, "v:0"), times(&large.path, "v:0"), "{kind}: the times");

        // A third output with another crop shares the deinterlacing.
        let mut other = middle;
        other.picture.crop = Crop::Rectangle(Rectangle { width: 300, height: 170, left: 8, top: 4 });
        let mut job = cascade(&source, vec![large, small, other]);
        job.outputs.iter_mut().for_each(|output| output.overwrite = true);
        let chain: Vec<_> = steps(&job).into_iter().map(|(after, _, outputs)| (after, outputs)).collect();
        let expected = [(None, vec![0, 1, 2]), (Some(0), vec![0, 1]), (Some(1), vec![1]), (Some(0), vec![2])];
        assert_eq!(chain, expected, "{kind}");
        proved(&done(&job), frames);
        assert!(planes(&job.outputs[1].path) == twice, "{kind}: the frames after a shared step");
    }
}

#[test]
fn a_cut_is_counted_once_for_chained_sizes() {
    let folder = folder();
    let large = lossless(&folder.path().join("large.mkv"), Encoder::X264, LARGE);
    let small = lossless(&folder.path().join("small.mkv"), Encoder::X264, SMALL);
    let mut job = cascade(&clip("yuv420p"), vec![large, small]);
    job.source.start = Some("0.08".parse().expect("a time"));
    job.source.frames = Some(4);
    assert!(is_chained(&job));
    let report = done(&job);
    proved(&report, 4);
    for output in &report.outputs {
        let ledger = output.ledger.expect("a ledger");
        assert_eq!((ledger.dropped_before_start, ledger.filter.taken), (2, 4), "{}", output.path.display());
    }
}

#[test]
fn sizes_with_other_filters_are_scaled_from_the_source() {
    let folder = folder();
    let source = clip("yuv444p10le");
    let pair = |change: &dyn Fn(&mut OutputSettings, &mut OutputSettings)| {
        let mut large = lossless(&folder.path().join("large.mkv"), Encoder::Ffv1, LARGE);
        let mut small = lossless(&folder.path().join("small.mkv"), Encoder::Ffv1, SMALL);
        change(&mut large, &mut small);
        is_chained(&cascade(&source, vec![large, small]))
    };
    let part = || Crop::Rectangle(Rectangle { width: 300, height: 160, left: 0, top: 0 });
    assert!(pair(&|_, _| ()), "the same frames");
    assert!(pair(&|_, small| *settings(small).depth = Some(8)), "fewer bits");
    assert!(
        pair(&|_, small| small.picture.pad = Some(Size { width: 160, height: 90 })),
        "black around the smaller one"
    );
    assert!(pair(&|large, small| (large.picture.crop, small.picture.crop) = (part(), part())), "the same part");
    assert!(!pair(&|large, _| *settings(large).depth = Some(8)), "more bits than the larger one has");
    assert!(!pair(&|_, small| *settings(small).chroma = Some(Chroma::C420)), "other chroma");
    assert!(
        !pair(&|large, _| large.picture.pad = Some(Size { width: 320, height: 180 })),
        "black around the larger one"
    );
    assert!(!pair(&|_, small| small.picture.crop = part()), "another part of the frame");
    assert!(!pair(&|_, small| *settings(small).resampler = Resampler::Bilinear), "another kernel");
    assert!(!pair(&|_, small| small.picture.rate = Some(FrameRate(Rational::new(50, 1)))), "another rate");
    assert!(!pair(&|large, _| *settings(large).size = Some(Size { width: 640, height: 360 })), "enlarged before");
    assert!(!pair(&|large, _| *settings(large).size = Some(Size { width: 256, height: 64 })), "fewer rows");
    assert!(!pair(&|large, small| *settings(large).size = *settings(small).size), "the same size");
}

#[test]
fn sizes_are_chained_only_where_the_job_allows_it() {
    assert!(!Job::default().scale_from_larger);
    let mut job = video_job(&clip("yuv420p"), Path::new("never-written.mp4"), Encoder::X264, quick(""));
    job.scale_from_larger = true;
    let text = serde_json::to_string(&job).expect("a job");
    assert!(serde_json::from_str::<Job>(&text).expect("the same job").scale_from_larger);
    assert_eq!(steps(&job).len(), 1, "one output has nothing to be scaled from");
}
