//! HEVC outputs of several depths that share one analysis: each is a whole copy of its own, and decodes to what its encoder made.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use trix_core::{
    Cancel, Control, Job, Machine, OutputReport, Plan, Report, Source,
    control::progress::{Phase, Progress},
    encode_chunk,
    plan::{EncodeId, EncodePlan, FollowMode, Sharing},
    plan_for,
    report::SharedAnalysis,
    run_job,
    settings::{
        job::{ByteSize, Chunks, MemoryLimit, OnOutputFailure},
        video::Encoder,
    },
    stitch,
};
use trix_fixtures::{Clip, folder, program};

use crate::{
    jobs::chunks::{divided, planned, ran},
    support::{done, ffprobe, made_by_ffmpeg, slices},
};

/// A clip with motion, in which frames are worth reordering.
const CLIP: Clip = Clip { format: "yuv420p10le", width: 208, height: 120, frames: 40, rate: "25/1" };

/// A job with a copy at each depth, with these settings of the encoder beside its depth.
fn job(source: &Path, into: &Path, share: &str, depths: &[u32], video: &Value) -> Job {
    let output = |depth: &u32| {
        let mut own = in_full(video.clone());
        own["type"] = "x265".into();
        own["depth"] = (*depth).into();
        json!({ "path": format!("{depth}.mkv"), "video": own, "audio": { "type": "none" }, "verify": "full" })
    };
    let outputs: Vec<Value> = depths.iter().map(output).collect();
    let job = json!({ "source": { "path": source }, "outputs": outputs, "share_analysis": share });
    let mut job: Job = serde_json::from_value(job).expect("a job");
    job.write_into(into);
    job
}

/// Settings of video in the form of a job: `crf` and `qp` are rates.
fn in_full(mut video: Value) -> Value {
    for kind in ["crf", "qp"] {
        if let Some(value) = video.as_object_mut().and_then(|own| own.remove(kind)) {
            video["rate"] = json!({ "type": kind, "value": value });
        }
    }
    video
}

fn sharing(plan: &Plan) -> Vec<Option<Sharing>> {
    plan.encodes.iter().filter_map(EncodePlan::video).map(|own| own.sharing.clone()).collect()
}

/// What `ffprobe` says of each frame of a file: its kind, in the order in which frames are shown.
fn kinds(file: &Path) -> Vec<String> {
    let file = file.display().to_string();
    let entries = ["-v", "error", "-select_streams", "v", "-show_entries", "frame=pict_type", "-of", "csv=p=0", &file];
    let said = program::text(&program::run("ffprobe", entries));
    said.lines().map(|line| line.trim_matches(',').to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Asserts that each output has all frames, that followers decode to what their encoders made, and that all have the frame types of
/// the lead.
fn are_whole(report: &Report, frames: usize) {
    let lead = kinds(&report.outputs[0].path);
    assert_eq!(lead.len(), frames);
    for output in &report.outputs {
        // A decoder of another program finds no damage.
        program::ffmpeg(&format!("-xerror -err_detect explode -i {} -f null -", output.path.display()));
        assert_eq!(kinds(&output.path), lead, "{}", output.path.display());
        let check = output.verification.checks.iter().find(|check| check.name == "reconstructed frames");
        match output.sharing {
            Some(SharedAnalysis::Follower { .. }) => {
                assert!(check.is_some_and(|check| check.found.parse::<usize>().is_ok_and(|found| found >= frames / 8)));
            }
            _ => assert!(check.is_none(), "a lead is checked like any other"),
        }
    }
}

#[test]
fn the_copy_leads_that_decides_best_for_the_others() {
    let leads = |format, depths: &[u32]| {
        let source = Clip { format, ..CLIP }.encoded("-c:v ffv1 -level 3", "mkv");
        let folder = folder();
        let plan = planned(&job(&source, folder.path(), "fast", depths, &json!({ "preset": "fast", "crf": 22 })));
        let parts = sharing(&plan);
        depths[parts.iter().position(|part| matches!(part, Some(Sharing::Lead { .. }))).expect("a lead")]
    };
    assert_eq!(leads("yuv420p", &[12, 10, 8]), 8);
    assert_eq!(leads("yuv420p10le", &[12, 10, 8]), 10);
    assert_eq!(leads("yuv422p12le", &[8, 12, 10]), 10);
    assert_eq!(leads("yuv420p10le", &[8, 12]), 12);
    assert_eq!(leads("yuv420p", &[12, 10]), 10);
}

#[test]
fn copies_of_three_depths_follow_one_analysis() {
    let source = CLIP.encoded("-c:v libx264 -preset ultrafast -qp 8", "mkv");
    for (share, mode) in [("balanced", FollowMode::Balanced), ("fast", FollowMode::Fast)] {
        let folder = folder();
        let own = job(&source, folder.path(), share, &[12, 8, 10], &json!({ "preset": "slow", "crf": 22 }));
        let plan = planned(&own);
        let (lead, followers) = (EncodeId(2), vec![EncodeId(1), EncodeId(0)]);
        let follower = Some(Sharing::Follower { lead, mode });
        assert_eq!(sharing(&plan), [follower.clone(), follower, Some(Sharing::Lead { followers })]);
        let told = plan.decisions.iter().find(|decision| decision.why.contains("share_analysis")).expect("a decision");
        assert_eq!(told.what, "10.mkv is analysed, and 8.mkv and 12.mkv share its analysis");
        let mut report = ran(&plan);
        let other = trix_fixtures::folder();
        let alone = done(&job(&source, other.path(), "off", &[8, 10, 12], &json!({ "preset": "slow", "crf": 22 })));
        report.outputs.sort_by_key(|output| output.plan.video.as_ref().map(|video| video.format.depth));
        are_whole(&report, 40);
        for (shared, alone) in report.outputs.iter().zip(&alone.outputs) {
            let score =
                |report: &OutputReport| report.verification.score.as_ref().and_then(|own| own.psnr_db).expect("PSNR");
            assert!((score(shared) - score(alone)).abs() < 0.6, "{share}: {} and {}", score(shared), score(alone));
            let ratio = shared.bytes as f64 / alone.bytes as f64;
            assert!((0.9..1.15).contains(&ratio), "{share}: {ratio}");
        }
    }
}

#[test]
fn whatever_the_frames_and_options_are_followers_decode_to_what_their_encoders_made() {
    let odd = |format, width, height| Clip { format, width, height, frames: 24, ..CLIP };
    let quick = json!({ "preset": "fast", "crf": 24 });
    let with = |key: &str, value: Value| {
        let mut own = quick.clone();
        own[key] = value;
        own
    };
    let cases = [
        (odd("yuv420p", 210, 122), quick.clone()),
        (odd("yuv422p10le", 162, 90), quick.clone()),
        (odd("yuv444p", 161, 91), quick.clone()),
        (odd("gray", 160, 96), quick.clone()),
        (CLIP, with("maxrate", json!(300)).and("bufsize", json!(300))),
        (CLIP, json!({ "preset": "fast", "qp": 28 })),
        (CLIP, json!({ "preset": "fast", "rate": { "type": "bitrate", "kbps": 150 } })),
        (CLIP, json!({ "preset": "fast", "rate": { "type": "lossless" } })),
        (CLIP, with("open_gop", json!(true)).and("gop", json!(12))),
        (CLIP, with("key_interval", json!("0.4"))),
        (CLIP, with("params", json!({ "bframes": "0" }))),
        (CLIP, with("params", json!({ "weightb": "1", "b-intra": "1", "rd": "6" }))),
        (CLIP, with("params", json!({ "ctu": "32", "aq-mode": "0" }))),
        (CLIP, with("params", json!({ "frame-threads": "3" }))),
        (CLIP, with("params", json!({ "temporal-layers": "1", "intra-refresh": "0" }))),
    ];
    for (clip, video) in cases {
        let source = clip.encoded("-c:v ffv1 -level 3", "mkv");
        for share in ["balanced", "fast"] {
            let folder = folder();
            let plan = planned(&job(&source, folder.path(), share, &[8, 10, 12], &video));
            let known = sharing(&plan);
            assert!(known.iter().all(Option::is_some), "{video}: {:?}", plan.decisions);
            are_whole(&ran(&plan), clip.frames as usize);
        }
    }
}

#[test]
fn followers_state_the_hdr10_metadata_of_the_source_in_one_piece_and_in_chunks() {
    let hdr = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400";
    let colours = "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -color_range tv";
    let source = made_by_ffmpeg(
        "hdr10-60-frames.mp4",
        &format!(
            "-f lavfi -i testsrc2=s=208x120:r=25 -frames:v 60 -pix_fmt yuv420p10le -c:v libx265 -preset ultrafast {colours} \
             -x265-params {hdr}:log-level=none -f mp4"
        ),
    );
    let stated = |file: &Path| {
        let found = ffprobe(file, "-select_streams v:0 -read_intervals %+#1 -show_frames");
        let frame = &found["frames"][0];
        let of_kind = |kind: &str| {
            let all = frame["side_data_list"].as_array().expect("side data");
            all.iter()
                .find(|own| own["side_data_type"] == kind)
                .unwrap_or_else(|| panic!("{file:?}: no {kind}"))
                .clone()
        };
        let colours = ["color_primaries", "color_transfer", "color_space"].map(|name| frame[name].clone());
        (of_kind("Mastering display metadata"), of_kind("Content light level metadata"), colours)
    };
    for chunks in [Chunks::Off, Chunks::On] {
        let folder = folder();
        let mut job = job(&source, folder.path(), "balanced", &[10, 12], &json!({ "preset": "fast", "crf": 24 }));
        job.chunks = chunks;
        let mut plan = planned(&job);
        if chunks == Chunks::On {
            plan.chunks = Some(divided(60, 20, 0));
        }
        assert!(sharing(&plan).iter().all(Option::is_some), "{:?}", plan.decisions);
        let report = ran(&plan);
        are_whole(&report, 60);
        for output in &report.outputs {
            assert_eq!(stated(&output.path), stated(&source), "{}", output.path.display());
        }
    }
}

/// Adds a key to a table.
trait And {
    fn and(self, key: &str, value: Value) -> Self;
}

impl And for Value {
    fn and(mut self, key: &str, value: Value) -> Self {
        self[key] = value;
        self
    }
}

#[test]
fn the_bytes_are_the_same_in_every_run_and_do_not_depend_on_who_else_follows() {
    let source = CLIP.encoded("-c:v ffv1 -level 3", "mkv");
    let video = json!({ "preset": "fast", "crf": 24, "params": { "frame-threads": "1", "pools": "2" } });
    let bytes = |depths: &[u32]| {
        let folder = folder();
        let report = done(&job(&source, folder.path(), "fast", depths, &video));
        report.outputs.iter().map(|output| fs::read(&output.path).expect("a file")).collect::<Vec<_>>()
    };
    let all = bytes(&[8, 10, 12]);
    assert!(bytes(&[8, 10, 12]) == all, "another run");
    assert!(bytes(&[8, 10]) == all[..2], "without the copy of 12 bits");
}

#[test]
fn chunks_of_lead_and_followers_are_made_together_and_again_where_one_is_lost() {
    let clip = Clip { frames: 90, ..CLIP };
    let source = clip.encoded("-c:v libx264 -preset ultrafast -qp 8 -g 10", "mkv");
    let folder = folder();
    let mut job = job(&source, folder.path(), "fast", &[8, 10, 12], &json!({ "preset": "fast", "crf": 24 }));
    job.chunks = Chunks::On;
    let mut plan = planned(&job);
    plan.chunks = Some(divided(90, 30, 0));
    let store = folder.path().join("store");
    let chunk = |number| encode_chunk(&plan, number, &store, &Cancel::default()).expect("a chunk");
    (0..3).map(chunk).for_each(|_| ());
    let read = |store: &Path| {
        let mut files: Vec<_> = walk(store);
        files.retain(|file| file.extension().is_some_and(|own| own == "chunk"));
        files.sort();
        files.into_iter().map(|file| (file.clone(), fs::read(file).expect("a chunk"))).collect::<Vec<_>>()
    };
    let before = read(&store);
    assert!(before.len() >= 9, "{} entries", before.len());
    // The chunk of a lead is lost, and that of a follower, and each comes back with the same bytes.
    for (file, _) in &before {
        fs::remove_file(file).expect("a chunk is lost");
        (0..3).map(chunk).for_each(|_| ());
        let after = read(&store);
        let names = |files: &[(PathBuf, Vec<u8>)]| {
            files.iter().map(|(file, bytes)| (file.clone(), bytes.len())).collect::<Vec<_>>()
        };
        assert_eq!(names(&after), names(&before), "{}", file.display());
        assert!(after == before, "{}", file.display());
    }
    let report = stitch(&plan, &store, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    are_whole(&report, 90);
    for output in &report.outputs {
        assert_eq!(slices(&output.path, Encoder::X265).len(), 90);
    }
}

/// All files below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn outputs_that_cannot_share_are_analysed_for_themselves_and_the_plan_says_why() {
    let source = CLIP.encoded("-c:v ffv1 -level 3", "mkv");
    let folder = folder();
    let reasons = |outputs: Vec<Value>| {
        let outputs: Vec<Value> = outputs
            .into_iter()
            .enumerate()
            .map(|(number, video)| {
                let size = video.get("size").cloned();
                let mut own = in_full(video);
                own.as_object_mut().expect("a table").remove("size");
                own["type"] = "x265".into();
                let picture = size.map_or(json!({}), |size| json!({ "size": size }));
                json!({ "path": format!("{number}.mkv"), "video": own, "picture": picture, "audio": { "type": "none" } })
            })
            .collect();
        let job = json!({ "source": { "path": source }, "outputs": outputs, "share_analysis": "balanced" });
        let mut job: Job = serde_json::from_value(job).expect("a job");
        job.write_into(folder.path());
        let plan = planned(&job);
        assert_eq!(sharing(&plan).iter().flatten().count(), 0, "{:?}", plan.decisions);
        let told = plan.decisions.iter().filter(|decision| decision.what.contains("analysed for itself"));
        told.map(|decision| decision.why.clone()).collect::<Vec<_>>().join("; ")
    };
    let eight = |params: Value| json!({ "depth": 8, "preset": "fast", "params": params });
    let ten = |params: Value| json!({ "depth": 10, "preset": "fast", "params": params });
    for (one, other, reason) in [
        (eight(json!({ "ref": "2" })), ten(json!({ "ref": "3" })), "the option ref differs"),
        (eight(json!({ "keyint": "50" })), ten(json!({})), "the option keyint differs"),
        (eight(json!({})).and("preset", json!("slow")), ten(json!({})), "presets differ"),
        (eight(json!({})).and("key_interval", json!("1")), ten(json!({})), "forced keyframes differ"),
        (eight(json!({})).and("maxrate", json!(900)).and("bufsize", json!(900)), ten(json!({})), "the option vbv"),
        (eight(json!({})).and("crf", json!(20)), ten(json!({})).and("qp", json!(20)), "the option crf differs"),
        (eight(json!({ "cutree": "0" })), ten(json!({ "cutree": "0" })), "cutree: without it"),
        (eight(json!({ "hevc-aq": "1" })), ten(json!({ "hevc-aq": "1" })), "hevc-aq"),
        (eight(json!({ "hme": "1" })), ten(json!({ "hme": "1" })), "hme: it was not tried"),
        (eight(json!({ "frame-dup": "1" })), ten(json!({ "frame-dup": "1" })), "frame-dup"),
        (
            eight(json!({})).and("size", json!({ "width": 152, "height": 88 })),
            ten(json!({})),
            "sizes differ: 152x88 and 208x120",
        ),
    ] {
        let told = reasons(vec![one, other]);
        assert!(told.contains(reason), "{reason}: {told}");
    }
}

#[test]
fn the_others_go_on_where_the_file_of_a_lead_or_of_a_follower_fails() {
    let clip = Clip { frames: 120, ..CLIP };
    let source = clip.encoded("-c:v ffv1 -level 3", "mkv");
    let whole = folder();
    let settings = json!({ "preset": "fast", "crf": 24 });
    done(&job(&source, whole.path(), "fast", &[8, 10, 12], &settings));
    for lost in 0..2 {
        let folder = folder();
        let apart = folder.path().join("apart");
        fs::create_dir(&apart).expect("a folder");
        let mut own = job(&source, folder.path(), "fast", &[8, 10, 12], &settings);
        own.outputs[lost].path = apart.join("lost.mkv");
        own.on_output_failure = OnOutputFailure::Continue;
        let gone = AtomicBool::new(false);
        let watch = move |progress: &Progress| {
            if progress.phase == Phase::Encode && !gone.swap(true, Ordering::SeqCst) {
                fs::remove_dir_all(&apart).expect("its folder goes");
            }
        };
        let control = Control { progress: Some(Arc::new(watch)), ..Control::default() };
        let report = run_job(&own, &control).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.failed.len(), 1, "{:?}", report.failed);
        assert_eq!(report.failed[0].path, own.outputs[lost].path);
        assert_eq!(report.outputs.len(), 2);
        for output in &report.outputs {
            let name = output.path.file_name().expect("a name");
            assert!(fs::read(&output.path).expect("a file") == fs::read(whole.path().join(name)).expect("a file"));
        }
    }
}

#[test]
fn outputs_that_do_not_fit_into_memory_together_share_nothing_and_the_plan_says_so() {
    let clip = Clip { width: 640, height: 360, frames: 60, ..CLIP };
    let source = clip.encoded("-c:v libx264 -preset ultrafast -qp 8 -g 12", "mkv");
    let folder = folder();
    let mut own = job(&source, folder.path(), "fast", &[8, 10, 12], &json!({ "preset": "medium", "crf": 24 }));
    own.chunks = Chunks::On;
    let together = planned(&own).memory.unit.expect("units").least();
    let within = |bytes: u64| {
        let plan = planned(&Job { memory: MemoryLimit::Bytes(ByteSize(bytes)), ..own.clone() });
        (sharing(&plan).iter().flatten().count(), plan)
    };
    assert_eq!(within(together).0, 3);
    let (shared, plan) = within(together - 1);
    assert_eq!(shared, 0);
    assert!(plan.memory.estimate < together);
    let told = plan.decisions.iter().filter(|decision| decision.why.contains("together they take up to"));
    assert_eq!(told.count(), 3, "{:?}", plan.decisions);
    // A machine with less memory than that; what is free at the moment changes nothing.
    let machine = |bytes: u64| Machine { cores: 2, memory: Some(bytes) };
    let planned_for =
        |bytes| plan_for(&own, &Source::of(&own.source).expect("a source"), &machine(bytes)).expect("a plan");
    assert_eq!(sharing(&planned_for(together / 4 * 5 + 8)).iter().flatten().count(), 3);
    assert_eq!(sharing(&planned_for(together)).iter().flatten().count(), 0);
}
