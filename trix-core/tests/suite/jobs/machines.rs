//! Tests that a plan for a stated machine runs with its numbers of threads on every machine.

use std::{fs, path::Path};

use trix_core::{
    Control, Job, Machine, Plan, Source,
    control::events::{self, Event},
    encode, plan,
    plan::{EncodePlan, VideoPlan},
    plan_for, run,
    settings::{
        byte_size::ByteSize,
        job::OutputSettings,
        memory_limit::MemoryLimit,
        video::{EncodeSettings, Encoder},
    },
    this_machine,
};
use trix_fixtures::{Clip, folder};

use crate::support::{done, quick, slices, video_job};

fn cores(cores: u32) -> Machine {
    Machine { cores, memory: None }
}

/// Returns the plan of `job` for `machine`, after serialisation.
fn planned(job: &Job, machine: &Machine) -> Plan {
    let source = Source::open(&job.source.path).expect("a source");
    let plan = plan_for(job, &source, machine).unwrap_or_else(|error| panic!("{error}"));
    let text = serde_json::to_string(&plan).expect("JSON");
    let read: Plan = serde_json::from_str(&text).expect("a plan");
    assert_eq!(read.machine, *machine);
    assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
    read
}

/// Runs a plan on this machine. Returns the bytes of its first file, and the number of frame threads of its encoder.
fn ran(plan: &Plan) -> (Vec<u8>, Option<u32>) {
    let mut plan = plan.clone();
    plan.overwrite();
    let report = run(&plan, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    (fs::read(&report.outputs[0].path).expect("a file"), report.outputs[0].frame_threads)
}

/// The first video encode of a plan.
fn encode_of(plan: &Plan) -> (u32, &VideoPlan) {
    let own = plan.encodes.iter().find_map(EncodePlan::video).expect("an encode of video");
    (own.threads, &own.video)
}

/// The values of an encoder option.
fn option<'a>(video: &'a VideoPlan, name: &str) -> Vec<&'a str> {
    video.options.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
}

fn clip() -> Clip {
    Clip { width: 320, height: 448, frames: 20, ..Clip::default() }
}

#[test]
fn a_plan_runs_with_the_threads_of_the_machine_that_it_states() {
    let folder = folder();
    // 448 rows are 28 rows of macroblocks, for which x264 uses at most 14 threads.
    for (encoder, of_sixteen_cores, of_three_cores) in
        [(Encoder::X264, (14, 14), (4, 4)), (Encoder::X265, (16, 4), (3, 1))]
    {
        let job = video_job(&clip().y4m(), &folder.path().join(format!("{encoder}.mkv")), encoder, quick(""));
        let (name, params) = match encoder {
            Encoder::X264 => ("threads", "threads=4"),
            _ => ("pools", "pools=3 frame-threads=1"),
        };
        let mut files = Vec::new();
        for (machine, (threads, frames)) in [(cores(16), of_sixteen_cores), (cores(3), of_three_cores)] {
            let plan = planned(&job, &machine);
            let (own, video) = encode_of(&plan);
            assert_eq!(own, threads, "{encoder} {machine}");
            assert_eq!(option(video, name), [threads.to_string()]);
            assert_eq!((plan.threads, plan.check_threads), ((machine.cores + 1).min(16), machine.cores));
            let (first, with) = ran(&plan);
            assert_eq!(with, Some(frames), "{encoder} {machine}");
            let (second, again) = ran(&plan);
            assert_eq!(again, Some(frames));
            assert!(first == second, "{encoder} {machine}: the second run gives other bytes");
            files.push((first, slices(&job.outputs[0].path, encoder), plan));
        }
        let [(sixteen, _, larger), (three, of_three, smaller)] = files.try_into().expect("two");
        assert!(sixteen != three, "{encoder}: the file notes the numbers of threads");
        assert!(of_three.len() >= 20, "{encoder}: {} slices", of_three.len());
        assert!(larger.memory.estimate > smaller.memory.estimate, "{encoder}: more threads take more memory");

        // If the job sets the same numbers, the stream is the same for every machine.
        let path = folder.path().join(format!("set.{encoder}.mkv"));
        let set = video_job(&clip().y4m(), &path, encoder, quick(params));
        assert_eq!(encode_of(&planned(&set, &cores(64))).0, of_three_cores.0);
        done(&set);
        assert!(slices(&path, encoder) == of_three, "{encoder}: equal numbers give equal streams");
    }
}

/// Returns the threads in the plan of `job`, the frame threads with which its encoder opens here, and those without the
/// options `names`.
fn opened(job: &Job, names: &[&str]) -> (u32, Option<u32>, Option<u32>) {
    let plan = planned(job, &this_machine());
    let (threads, video) = encode_of(&plan);
    let mut video = video.clone();
    let open = |video: &VideoPlan| {
        encode::video::open(video, None, None).unwrap_or_else(|error| panic!("{error}")).frame_threads()
    };
    let stated = open(&video);
    video.options.retain(|(name, _)| !names.contains(&name.as_str()));
    (threads, stated, open(&video))
}

#[test]
fn the_numbers_for_this_machine_are_those_that_the_libraries_choose() {
    let folder = folder();
    let job = |encoder, (width, height): (u32, u32), params: &str| {
        let clip = Clip { width, height, frames: 1, ..Clip::default() };
        video_job(&clip.y4m(), &folder.path().join("a.mkv"), encoder, quick(params))
    };
    for size in [(64, 16), (64, 32), (64, 48), (64, 64), (64, 144), (320, 180), (320, 718)] {
        for params in ["", "sliced-threads=1", "threads=auto"] {
            let (threads, stated, own) = opened(&job(Encoder::X264, size, params), &["threads"]);
            assert_eq!((Some(threads), stated), (own, own), "x264 {size:?} {params}");
        }
        for params in ["threads=5", "sliced-threads=1 threads=9", "threads=500"] {
            let (threads, stated, _) = opened(&job(Encoder::X264, size, params), &[]);
            assert_eq!(Some(threads), stated, "x264 {size:?} {params}");
        }
    }
    for size in [(64, 64), (128, 720), (192, 64), (192, 128), (320, 180), (320, 2160)] {
        for params in [
            "",
            "ctu=64",
            "no-wpp=1",
            "no-wpp=1 lookahead-slices=0",
            "no-wpp=1 lookahead-slices=0 pmode=1",
            "no-wpp=1 lookahead-slices=0 pme=1",
            "pools=none",
        ] {
            let (_, stated, own) = opened(&job(Encoder::X265, size, params), &["pools", "frame-threads"]);
            assert_eq!(stated, own, "x265 {size:?} {params}");
            for pool in [1, 3, 4, 7, 8, 15, 16, 31, 32, 40] {
                let set = Job { threads: Some(pool), ..job(Encoder::X265, size, params) };
                let (_, stated, own) = opened(&set, &["frame-threads"]);
                assert_eq!(stated, own, "x265 {size:?} {params}, {pool} threads");
            }
        }
    }
}

#[test]
fn numbers_that_options_leave_open_are_settled_too() {
    let folder = folder();
    let video = |encoder, params: &str| {
        let plan = planned(&video_job(&clip().y4m(), &folder.path().join("a.mkv"), encoder, quick(params)), &cores(8));
        encode_of(&plan).1.clone()
    };
    for params in ["", "threads=auto", "threads=0"] {
        assert_eq!(option(&video(Encoder::X264, params), "threads"), ["12"], "{params}");
    }
    assert_eq!(option(&video(Encoder::X264, "threads=3"), "threads"), ["3"]);
    let of_x265 = |params: &str| {
        let video = video(Encoder::X265, params);
        ["pools", "frame-threads", "frame_threads"].map(|name| option(&video, name).concat())
    };
    for params in ["", "pools=*", "frame-threads=0", "frame_threads=0"] {
        assert_eq!(of_x265(params), ["8", "3", ""], "{params}");
    }
    assert_eq!(of_x265("pools=4"), ["4", "2", ""]);
    assert_eq!(of_x265("frame_threads=5"), ["8", "5", ""]);
    // Without a thread pool, x265 derives the number of frame threads from the cores of the machine.
    assert_eq!(of_x265("pools=none"), ["none", "3", ""]);
    for (encoder, threads) in [(Encoder::Ffv1, 9), (Encoder::Prores, 8)] {
        let mut job = video_job(&clip().y4m(), &folder.path().join("a.mkv"), encoder, EncodeSettings::default());
        assert_eq!(encode_of(&planned(&job, &cores(8))).0, threads, "{encoder}");
        job.threads = Some(5);
        assert_eq!(encode_of(&planned(&job, &cores(8))).0, 5, "{encoder}");
    }
}

#[test]
fn several_encoders_share_the_cores_of_the_stated_machine() {
    let folder = folder();
    let output = |encoder: Encoder| -> OutputSettings {
        video_job(&clip().y4m(), &folder.path().join(format!("{encoder}.mkv")), encoder, quick("")).outputs.remove(0)
    };
    let mut job = Job::new(clip().y4m(), folder.path());
    job.outputs = vec![output(Encoder::X264), output(Encoder::X265)];
    let threads = |machine: &Machine| {
        let plan = planned(&job, machine);
        assert!(
            plan.decisions[0].why.contains(&format!("the machine has {} cores", machine.cores)),
            "{:?}",
            plan.decisions
        );
        plan.encodes.iter().filter_map(EncodePlan::video).map(|own| own.threads).collect::<Vec<_>>()
    };
    assert_eq!(threads(&cores(16)), [5, 15]);
    assert_eq!(threads(&cores(3)), [2, 3]);
}

#[test]
fn too_little_memory_of_the_machine_shortens_queues_and_is_reported() {
    let folder = folder();
    let path = folder.path().join("a.mkv");
    let mut job = video_job(&clip().y4m(), &path, Encoder::X264, quick("threads=1"));
    let free = planned(&job, &cores(2));
    assert!(!free.memory.short_queues && free.decisions.is_empty());
    let whole = ran(&free).0;
    let with = |memory| planned(&job, &Machine { cores: 2, memory: Some(memory) });

    let enough = with(free.memory.estimate);
    assert!(!enough.memory.short_queues && enough.decisions.is_empty());
    let short = with(free.memory.estimate - 1);
    assert!(short.memory.short_queues && short.memory.bound.is_none() && short.decisions.is_empty());
    let least = short.memory.estimate;
    assert!(with(least).decisions.is_empty());
    let little = with(least - 1);
    let [doubt] = little.decisions.as_slice() else { panic!("one decision: {:?}", little.decisions) };
    assert!(doubt.what.starts_with("memory may not suffice on a machine with "), "{doubt:?}");
    for plan in [&short, &little] {
        assert!(ran(plan).0 == whole, "memory decides about no byte");
    }

    // A memory limit in the job applies whatever memory the machine has.
    job.memory = MemoryLimit::Bytes(ByteSize(least - 1));
    let error = plan_for(&job, &Source::open(&job.source.path).unwrap(), &cores(2)).expect_err("too low a bound");
    assert_eq!(error.mistakes()[0].place, "memory");
    job.memory = MemoryLimit::Auto;

    // A plan for a large machine that needs more memory than this one: a warning, and the same bytes.
    let mut large = free.clone();
    large.memory.estimate = u64::MAX;
    large.overwrite();
    let (sender, receiver) = events::channel();
    let control = Control { events: Some(sender), ..Control::default() };
    let report = run(&large, &control).unwrap_or_else(|error| panic!("{error}"));
    drop(control);
    let says = |text: &str| text.starts_with("memory may not suffice on a machine with ");
    assert!(report.decisions.iter().any(|decision| says(&decision.what)), "{:?}", report.decisions);
    let warned = receiver.iter().any(|event| matches!(event, Event::Warning { path: None, text } if says(&text)));
    assert!(warned, "an event");
    assert!(fs::read(&path).unwrap() == whole);
}

#[test]
fn a_plan_without_a_machine_is_one_for_this_machine() {
    let folder = folder();
    let job = video_job(&clip().y4m(), Path::new("a.mkv"), Encoder::X264, quick(""));
    let source = Source::open(&job.source.path).unwrap();
    let (plan, here) = (plan(&job, &source).unwrap(), this_machine());
    assert_eq!(plan.machine, here);
    let stated = plan_for(&job, &source, &here).unwrap();
    assert_eq!(serde_json::to_value(plan).unwrap(), serde_json::to_value(stated).unwrap());
    drop(folder);
}
