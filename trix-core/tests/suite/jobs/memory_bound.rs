//! Tests that a job takes less memory than its plan estimates. With a memory limit, the job shortens its queues and
//! gives the same output, or it is rejected.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use trix_core::{
    ErrorKind, Job, Source,
    plan::MemoryPlan,
    settings::{
        audio::AudioSettings,
        byte_size::ByteSize,
        job::{Chunks, OutputSettings},
        memory_limit::MemoryLimit,
        video::{EncodeSettings, Encoder, Size, VideoSettings},
    },
};
use trix_fixtures::{Clip, folder};

use crate::support::{alone, done, made_by_ffmpeg, quick, video_job};

/// Environment variable that names the job for the separate process.
const JOB: &str = "TRIX_TEST_MEMORY_JOB";

/// Runs the job in the environment variable. Prints the peak memory of this process.
#[test]
#[ignore = "the other tests run it in a process of its own"]
fn one_job_in_a_process() {
    let Some(path) = env::var_os(JOB) else { return };
    let job: Job = serde_json::from_slice(&fs::read(path).expect("a job")).expect("a job");
    done(&job);
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM"));
}

/// Runs a job in a separate process and returns its peak memory in bytes.
fn peak(folder: &Path, job: &Job) -> u64 {
    let file = folder.join("job.json");
    fs::write(&file, serde_json::to_vec(job).expect("a job")).expect("a file");
    let said = alone(module_path!(), "one_job_in_a_process", &[(JOB, &file)]);
    let kilobytes = said.lines().find_map(|line| line.split_once("VmHWM:")).expect("VmHWM").1;
    kilobytes.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

fn plan(job: &Job) -> Result<MemoryPlan, trix_core::Error> {
    let source = Source::open(&job.source.path).expect("a source");
    trix_core::plan(job, &source).map(|plan| plan.memory)
}

/// Returns the lowest memory limit with which a job runs.
fn least(job: &Job) -> u64 {
    let long = plan(job).expect("a plan").estimate;
    // First, filters convert fewer frames at once. Then queues get shorter.
    let below = |estimate| plan(&Job { memory: MemoryLimit::Bytes(ByteSize(estimate - 1)), ..job.clone() });
    let mut short = below(long).expect("less memory");
    if !short.short_queues {
        assert!(short.estimate < long, "{short:?}");
        short = below(short.estimate).expect("shorter queues");
    }
    assert!(short.short_queues && short.estimate < long, "{short:?}");
    assert_eq!(short.estimate, short.shares.iter().map(|share| share.bytes).sum::<u64>());
    short.estimate
}

fn source(frames: u32) -> PathBuf {
    Clip { width: 640, height: 360, frames, ..Clip::default() }.encoded("-c:v libx264 -preset ultrafast -crf 18", "mkv")
}

fn job(folder: &Path, outputs: &[(&str, Option<i32>, Encoder, EncodeSettings)]) -> Job {
    let source = source(70);
    let one = |(name, height, encoder, settings): &(&str, Option<i32>, Encoder, EncodeSettings)| -> OutputSettings {
        let mut output = video_job(&source, &folder.join(name), *encoder, settings.clone()).outputs.remove(0);
        output.picture.size = height.map(|height| Size { width: -2, height });
        output
    };
    let mut job = Job::new(&source, folder);
    job.outputs = outputs.iter().map(one).collect();
    job.outputs.iter_mut().for_each(|output| output.overwrite = true);
    job
}

fn preset(name: &str) -> EncodeSettings {
    EncodeSettings { preset: Some(name.into()), ..quick("") }
}

fn jobs(folder: &Path) -> [Job; 3] {
    [
        job(folder, &[("a.mp4", None, Encoder::X264, preset("medium"))]),
        job(folder, &[("b.mkv", None, Encoder::X265, EncodeSettings { depth: Some(10), ..preset("medium") })]),
        job(
            folder,
            &[
                ("c.mp4", Some(360), Encoder::X264, preset("veryfast")),
                ("d.mp4", Some(240), Encoder::X264, preset("veryfast")),
                ("e.mp4", Some(144), Encoder::X264, preset("veryfast")),
                ("f.mp4", Some(96), Encoder::X264, preset("veryfast")),
                ("g.mkv", None, Encoder::Ffv1, EncodeSettings::default()),
            ],
        ),
    ]
}

#[test]
fn a_job_stays_below_the_least_bound_under_which_it_runs() {
    let folder = folder();
    for job in jobs(folder.path()) {
        let name = job.outputs[0].path.display();
        let bound = least(&job);
        let peak = peak(folder.path(), &Job { memory: MemoryLimit::Bytes(ByteSize(bound)), ..job.clone() });
        assert!(peak <= bound, "{name}: took {peak} bytes, allowed are {bound}");
        assert!(bound < peak * 8 / 5, "{name}: took {peak} bytes, and {bound} were thought to be needed");
    }
}

#[test]
fn a_memory_bound_does_not_change_the_output() {
    let folder = folder();
    for job in jobs(folder.path()) {
        let made = |job: &Job| {
            done(job);
            job.outputs.iter().map(|output| fs::read(&output.path).expect("an output")).collect::<Vec<_>>()
        };
        let free = made(&job);
        let bound = Job { memory: MemoryLimit::Bytes(ByteSize(least(&job))), ..job.clone() };
        assert!(made(&bound) == free, "{}", job.outputs[0].path.display());
    }
}

#[test]
fn a_job_over_its_memory_bound_is_refused_with_the_figures() {
    let folder = folder();
    let [_, job, _] = jobs(folder.path());
    let least = least(&job);
    let refused = Job { memory: MemoryLimit::Bytes(ByteSize(least - 1)), ..job.clone() };
    let error = trix_core::run_job(&refused, &trix_core::Control::default()).expect_err("the bound is too low");
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    let [mistake] = error.mistakes() else { panic!("one mistake: {error}") };
    assert_eq!((mistake.place.as_str(), &mistake.value), ("memory", &ByteSize(least - 1).to_string()));
    let estimate = format!("up to {} MiB", least.div_ceil(1 << 20));
    for part in [estimate.as_str(), "b.mkv ", "decoder ", " MiB"] {
        assert!(mistake.problem.contains(part), "{part}: {}", mistake.problem);
    }
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert!(left.is_empty(), "nothing was begun: {left:?}");
}

/// The lowest memory limit with which a job runs in waves of its outputs.
fn least_in_waves(job: &Job) -> u64 {
    let waves = plan(&Job { memory: MemoryLimit::Bytes(ByteSize(1)), ..job.clone() }).expect_err("a bound of a byte");
    let needed = waves.mistakes()[0].problem.split_once("up to ").expect("a size").1;
    let mebibytes: u64 = needed.split_once(" MiB").expect("a size").0.parse().expect("a number");
    mebibytes << 20
}

#[test]
fn outputs_that_do_not_fit_at_once_are_encoded_in_waves_with_the_same_bytes() {
    let folder = folder();
    let wanted = EncodeSettings { depth: Some(10), ..preset("medium") };
    let names = [("a.mkv", 360, wanted.clone()), ("b.mkv", 240, wanted.clone()), ("c.mkv", 300, wanted)];
    let outputs: Vec<_> = names.map(|(name, height, own)| (name, Some(height), Encoder::X265, own)).into();
    for chunks in [Chunks::Off, Chunks::On] {
        let job = Job { chunks, ..job(folder.path(), &outputs) };
        let made = |job: &Job| {
            done(job);
            job.outputs.iter().map(|output| fs::read(&output.path).expect("an output")).collect::<Vec<_>>()
        };
        let free = made(&job);
        let all = plan(&Job { chunks: Chunks::Off, ..job.clone() }).expect("a plan").estimate;
        let bound = least_in_waves(&job);
        assert!(bound < all * 9 / 10, "{bound} bytes in waves, {all} for all at once");
        let bound = Job { memory: MemoryLimit::Bytes(ByteSize(bound)), ..job.clone() };
        let unit = plan(&bound).expect("a plan").unit.expect("units");
        assert!(unit.waves(bound.memory.bytes().expect("a bound").0, 2).groups.len() > 1, "{unit:?}");
        let peak = peak(folder.path(), &bound);
        let bytes = bound.memory.bytes().expect("a bound").0;
        // The system gets memory back late from one encoder after the other.
        assert!(peak <= bytes / 100 * 115, "took {peak} bytes, allowed are {bytes}");
        assert!(made(&bound) == free, "{chunks:?}");
    }
}

#[test]
fn the_estimate_grows_with_what_an_encoder_keeps() {
    let folder = folder();
    let of = |height, settings: EncodeSettings, encoder| {
        plan(&job(folder.path(), &[("a.mkv", height, encoder, settings)])).expect("a plan").estimate
    };
    let estimate = |settings, encoder| of(None, settings, encoder);
    let sized = |height, encoder| of(Some(height), preset("medium"), encoder);
    for encoder in [Encoder::X264, Encoder::X265] {
        let medium = estimate(preset("medium"), encoder);
        assert!(estimate(preset("ultrafast"), encoder) < medium, "{encoder}: no looking ahead");
        assert!(estimate(preset("slower"), encoder) > medium, "{encoder}: more references");
        assert!(sized(720, encoder) > 2 * sized(360, encoder) - (120 << 20), "{encoder}: more samples");
        let deep = EncodeSettings { depth: Some(10), ..preset("medium") };
        assert!(estimate(deep, encoder) > medium, "{encoder}: more bytes to a sample");
        let option = if encoder == Encoder::X264 { "rc-lookahead=200" } else { "rc-lookahead=100" };
        let far = EncodeSettings { preset: Some("medium".into()), ..quick(option) };
        assert!(estimate(far, encoder) > medium, "{encoder}: an option of the encoder's own");
    }
}

#[test]
fn frames_whose_audio_has_ended_take_no_more_memory() {
    let folder = folder();
    let of = |seconds_of_audio: u32| {
        let source = made_by_ffmpeg(
            &format!("audio-{seconds_of_audio}.mov"),
            &format!(
                "-f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=sample_rate=48000:duration={seconds_of_audio} \
                 -t 60 -c:v mpeg2video -b:v 12M -minrate 12M -maxrate 12M -bufsize 4M -g 1 -c:a pcm_s16le"
            ),
        );
        let mut job = Job::new(&source, folder.path().join(format!("{seconds_of_audio}.mxf")));
        job.outputs[0].video = VideoSettings::Copy;
        job.outputs[0].audio = AudioSettings::Pcm;
        let (estimate, peak) = (plan(&job).expect("a plan").estimate, peak(folder.path(), &job));
        assert!(peak < estimate, "{peak} bytes, and an estimate of {estimate}");
        (peak, fs::metadata(&job.outputs[0].path).expect("the output").len())
    };
    let ((short, bytes), (full, _)) = (of(1), of(60));
    assert!(bytes > 80 << 20, "{bytes}");
    assert!(short < full + (20 << 20), "{short} bytes with 1 second of audio, {full} with 60");
}

#[test]
fn a_memory_bound_is_written_with_a_unit() {
    let mut job = job(Path::new("nowhere"), &[]);
    job.memory = MemoryLimit::Bytes(ByteSize(768 << 20));
    let text = serde_json::to_string(&job).expect("a job");
    assert!(text.contains("\"memory\":\"768 MiB\""), "{text}");
    assert_eq!(serde_json::from_str::<Job>(&text).expect("the same job"), job);
    let read = |value: &str| serde_json::from_str::<Job>(&format!("{{\"memory\": {value}}}"));
    assert_eq!(read("1073741824").expect("a number").memory, MemoryLimit::Bytes(ByteSize(1 << 30)));
    assert_eq!(read("\"1 GiB\"").expect("text").memory, MemoryLimit::Bytes(ByteSize(1 << 30)));
    assert!(read("\"much\"").is_err());
}
