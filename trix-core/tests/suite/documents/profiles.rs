//! Tests of variables and conditions, and of the profiles that come with Trix.

use std::{fs, path::Path};

use serde_json::json;
use trix_core::{
    Control, Error, ErrorKind, Job, Source,
    document::{Document, Language, PROFILES, Resolved, Traits, key_table},
    media::{frame_facts::FieldOrder, time::Rational},
    settings::video::Encoder,
};
use trix_fixtures::{
    Clip,
    clip::{made, master},
    folder, media, program,
};

use super::made::{BASE, file, holds, job, job_for, opened, pairs};

const VARIABLES: &str = r#"
threads = "${threads}"
[variables]
long = "${name}-${threads}-${yes}"
name = "film of ${stem}"
threads = 3
yes = true
crf = 18.5
[source]
path = "folder/shot.%04d.dpx"
[[outputs]]
path = "${stem}.${long}${crf}.mkv"
overwrite = "${yes}"
metadata = { title = "${name}", comment = "no $variable, {none}, $5 and }" }
video = { type = "x264", rate = { type = "crf", value = "${crf}" } }
"#;

#[test]
fn a_variable_keeps_its_type_alone_and_becomes_text_inside_text() {
    let document = Document::parse(VARIABLES, Language::Toml, &[]).expect("a document");
    holds(
        &job(&document),
        &json!({
            "threads": 3,
            "outputs": [ {
                "path": "shot.%04d.film of shot.%04d-3-true18.5.mkv", "overwrite": true,
                "metadata": { "title": "film of shot.%04d", "comment": "no $variable, {none}, $5 and }" },
                "video": { "type": "x264", "rate": { "type": "crf", "value": 18.5 } }
            } ]
        }),
    );
}

#[test]
fn cyclic_variables_and_growing_variables_are_refused() {
    let text =
        "[variables]\na = \"${b}\"\nb = \"x${c}\"\nc = \"${a}\"\nd = \"${d}\"\n[[outputs]]\npath = \"${a}.mkv\"\n";
    let message = Document::parse(text, Language::Toml, &[]).expect_err("a ring").to_string();
    assert!(message.contains("is made of itself") && message.contains("the job:5: variables.d"), "{message}");
    let mut text = "[variables]\nv0 = \"0123456789abcdef\"\n".to_owned();
    (1..40).for_each(|n| text.push_str(&format!("v{n} = \"${{v{0}}}${{v{0}}}\"\n", n - 1)));
    text.push_str("[[outputs]]\npath = \"a.mkv\"\nmetadata = { title = \"${v39}\" }\n");
    let error = Document::parse(&text, Language::Toml, &[]).expect_err("too long");
    assert!(error.to_string().contains("more than 1048576 bytes"), "{error}");
    assert!(error.to_string().len() < 20_000, "{}", error.to_string().len());
}

#[test]
fn variables_set_by_the_caller_win_over_every_document() {
    let folder = folder();
    file(&folder, "base.toml", BASE);
    let heir =
        file(&folder, "heir.toml", "inherits = \"base.toml\"\n[variables]\ncrf = 21\n[source]\npath = \"a.mov\"\n");
    let set = [
        ("crf", "30.5"),
        ("threads", "7"),
        ("source.path", "other/b.mov"),
        ("source.start", "00:00:01.5"),
        ("outputs[0].video.depth", "10"),
        ("outputs[0].metadata.title", "\"2001\""),
        ("outputs[0].metadata.\"com.example.key\"", "x=y"),
        ("outputs[1].overwrite", "true"),
        ("outputs[1].audio.type", "none"),
    ];
    holds(
        &job(&opened(&heir, &set)),
        &json!({
            "threads": 7, "source": { "path": "other/b.mov", "start": "1.500000000", "frames": 10 },
            "outputs": [
                { "path": "b.big.mkv", "metadata": { "title": "2001", "com.example.key": "x=y", "artist": "A" },
                  "video": { "depth": 10, "rate": { "type": "crf", "value": 30.5 } } },
                { "path": "b.unnamed.mkv", "overwrite": true, "audio": { "type": "none" } }
            ]
        }),
    );
}

#[test]
fn an_unknown_variable_is_refused_with_the_known_ones() {
    let refused = |set: &[(&str, &str)]| {
        let error = Document::parse(BASE, Language::Toml, &pairs(set)).expect_err("a mistake");
        assert_eq!(error.kind(), ErrorKind::InvalidSpec);
        error.to_string()
    };
    for (key, value, message) in [
        (
            "crff",
            "3",
            "--set crff = 3: is neither a variable of this job nor one of its keys; did you mean crf? known are crf, ",
        ),
        ("output.path", "a", "--set output.path = a: is neither a variable of this job nor one of its keys; "),
        ("outputs[7].path", "a", "--set outputs[7].path = a: is not a key of this job"),
        ("outputs[x].path", "a", "--set outputs[x].path = a: is not a key of this job"),
        ("threads.more", "1", "--set threads.more = 1: is not a key of this job"),
        (
            "outputs[0].video.dept",
            "10",
            "--set outputs[0].video.dept: outputs[0].video.dept: is not known; did you mean depth?",
        ),
        (
            "outputs[0].video.depth",
            "ten",
            "--set outputs[0].video.depth: outputs[0].video.depth = ten: is text; a whole number",
        ),
        ("crf", "good", "--set crf: outputs[0].video.rate.value = good: is text; a number is expected"),
        ("source.start", "soon", "--set source.start: source.start = soon: 'soon' is not a time"),
        (
            "outputs[0].path",
            "a.avi",
            "--set outputs[0].path: outputs[0].path = a.avi: the extension names no container",
        ),
    ] {
        // A second mistake, so that the mistakes of planning are reported too.
        let messages = refused(&[(key, value), ("source.rate", "x")]);
        assert!(messages.contains(message), "'{message}' in: {messages}");
        assert_eq!(messages.lines().count(), 2, "{messages}");
    }
}

#[test]
fn cases_are_applied_in_order_and_can_leave_outputs_out() {
    let text = r#"
[[outputs]]
path = "always.mkv"
video = { type = "x264", depth = 8 }
[[outputs.cases]]
when = { hdr = true }
video = { type = "x265", depth = 10 }
[[outputs.cases]]
when = { hdr = true, height = ">1080" }
video = { depth = 12 }
path = "large.mkv"
[[outputs]]
path = "fields.mkv"
when = { interlaced = true }
[[outputs]]
path = "surround.mkv"
when = { channels = ">=6", audio = true }
"#;
    let document = Document::parse(text, Language::Toml, &[]).expect("a document");
    let made = |traits: Traits| -> Vec<String> {
        let outputs = document.job(&traits).expect("a job").outputs;
        let names = outputs.iter().map(|own| {
            let video = serde_json::to_value(&own.video).expect("JSON");
            format!("{} {} {}", own.path.display(), video["type"].as_str().unwrap_or_default(), video["depth"])
        });
        names.collect()
    };
    let none = Traits::default();
    assert_eq!(made(none), ["always.mkv x264 8"]);
    assert_eq!(made(Traits { hdr: true, height: 1080.0, ..none }), ["always.mkv x265 10"]);
    assert_eq!(made(Traits { hdr: true, height: 2160.0, ..none }), ["large.mkv x265 12"]);
    assert_eq!(made(Traits { height: 2160.0, ..none }), ["always.mkv x264 8"]);
    let found = made(Traits { interlaced: true, channels: 6.0, audio: true, ..none });
    assert_eq!(found, ["always.mkv x264 8", "fields.mkv auto null", "surround.mkv auto null"]);
    assert_eq!(made(Traits { channels: 6.0, ..none }), ["always.mkv x264 8"]);
}

#[test]
fn mistakes_of_a_plan_have_places_though_outputs_were_left_out() {
    let text = "[[outputs]]\npath = \"a.mkv\"\nwhen = { hdr = true }\n[[outputs]]\npath = \"b.mkv\"\nvideo = { type = \"x264\",\ndepth = 12 }\n\
                [[outputs]]\npath = \"c.mkv\"\nvideo = { type = \"x264\" }\n[[outputs.cases]]\nwhen = { height = 144 }\nvideo = { preset = \"quick\" }\n";
    let document = Document::parse(text, Language::Toml, &[]).expect("a document");
    let source = Source::open_within(Clip::default().y4m(), Default::default()).expect("a source");
    let traits = Traits::of(&source, &[]);
    let mut job = document.job(&traits).expect("a job");
    job.source.path = Clip::default().y4m();
    let error = document.explain(&traits, trix_core::plan(&job, &source).expect_err("mistakes"));
    let places: Vec<String> =
        error.mistakes().iter().map(|own| format!("{} {}", own.line.as_deref().unwrap_or("-"), own.place)).collect();
    assert_eq!(places, ["the job:7 outputs[1].video.depth", "the job:13 outputs[2].video.preset"], "{error}");
}

#[test]
fn every_comparison_means_what_it_says() {
    for (condition, holds) in [
        ("\">=25\"", true),
        ("\">25\"", false),
        ("\"<=25\"", true),
        ("\"<25\"", false),
        ("\"=25\"", true),
        ("\"!=25\"", false),
        ("25", true),
        ("25.0", true),
        ("24.9", false),
        ("\"> 24.5\"", true),
        ("\"< 2.6e1\"", true),
        ("\">=-1\"", true),
    ] {
        let text = format!("[[outputs]]\npath = \"a.mkv\"\nwhen = {{ fps = {condition} }}\n");
        let document = Document::parse(&text, Language::Toml, &[]).unwrap_or_else(|error| panic!("{error}"));
        let job = document.job(&Traits { fps: 25.0, ..Traits::default() }).expect("a job");
        assert_eq!(!job.outputs.is_empty(), holds, "{condition}");
    }
    for wrong in ["\"25\"", "\"=>25\"", "\"\"", "\">\"", "\">nan\"", "\">inf\"", "true", "[25]", "\"==25\""] {
        let text = format!("[[outputs]]\npath = \"a.mkv\"\nwhen = {{ fps = {wrong} }}\n");
        let error = Document::parse(&text, Language::Toml, &[]).expect_err(wrong).to_string();
        assert!(error.contains("the job:3: outputs[0].when.fps") && error.contains("a comparison such as"), "{error}");
    }
}

/// Returns the conditions that are true for a source.
fn hold<'a>(source: &Path, conditions: &[&'a str]) -> Vec<&'a str> {
    let mut text = format!("[source]\npath = \"{}\"\n", source.display());
    for (number, condition) in conditions.iter().enumerate() {
        text.push_str(&format!("[[outputs]]\npath = \"{number}.mkv\"\nwhen = {{ {condition} }}\n"));
    }
    let document = Document::parse(&text, Language::Toml, &[]).unwrap_or_else(|error| panic!("{error}"));
    let job = document.resolve(None).unwrap_or_else(|error| panic!("{}: {error}", source.display())).job;
    let number = |path: &Path| path.file_stem()?.to_str()?.parse::<usize>().ok();
    job.outputs.iter().filter_map(|own| Some(conditions[number(&own.path)?])).collect()
}

#[test]
fn conditions_are_evaluated_against_real_sources() {
    let conditions = [
        "interlaced = true",
        "hdr = true",
        "audio = true",
        "subtitles = true",
        "video = false",
        "height = \">=720\"",
        "width = \"<320\"",
        "channels = \">2\"",
        "depth = \">8\"",
        "fps = \">30\"",
        "duration = \">10\"",
    ];
    let hold = |name: &str| media::file(name).map(|file| hold(&file, &conditions));
    for (name, expected) in [
        ("mpeg-imx-525-60.mov", vec!["interlaced = true"]),
        ("xdcam-ex-1080i50.mov", vec!["interlaced = true", "height = \">=720\""]),
        ("sample.mxf", vec!["interlaced = true", "audio = true", "channels = \">2\""]),
        (
            "hdr10-video-with-sdr-container.mp4",
            vec!["hdr = true", "audio = true", "height = \">=720\"", "depth = \">8\""],
        ),
        ("hlg10-color-test.mp4", vec!["hdr = true", "audio = true", "height = \">=720\"", "depth = \">8\""]),
        ("regular.mkv", vec!["hdr = true", "width = \"<320\"", "depth = \">8\"", "duration = \">10\""]),
        ("h265_10bits.mp4", vec!["width = \"<320\"", "depth = \">8\""]),
        ("nasa_13013.mp4", vec!["audio = true", "subtitles = true", "duration = \">10\""]),
        ("sample_eac3joc.mp4", vec!["audio = true", "video = false", "width = \"<320\"", "channels = \">2\""]),
        (
            "sample_with_ass_subtitles.mkv",
            vec!["audio = true", "subtitles = true", "height = \">=720\"", "fps = \">30\""],
        ),
        // Rotated: the coded size is 1080x720 and 568x320.
        ("sample_rotate_and_reflect.mp4", vec!["audio = true", "height = \">=720\""]),
        ("video_90.mov", vec![]),
        ("avts.mts", vec!["height = \">=720\"", "fps = \">30\""]),
    ] {
        if let Some(found) = hold(name) {
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[test]
fn conditions_are_evaluated_against_made_sources() {
    let audio_only = |channels: u32| {
        made(&format!("tone-{channels}.wav"), |path| {
            program::ffmpeg(&format!("-f lavfi -i sine=duration=1 -ac {channels} {}", path.display()));
        })
    };
    let conditions = ["channels = 1", "channels = 2", "channels = 6", "video = true", "audio = true"];
    assert_eq!(hold(&audio_only(1), &conditions), ["channels = 1", "audio = true"]);
    assert_eq!(hold(&audio_only(6), &conditions), ["channels = 6", "audio = true"]);
    let clip = Clip { format: "yuv422p12le", width: 320, height: 180, frames: 5, rate: "30000/1001" };
    let conditions =
        ["depth = 12", "width = 320", "height = 180", "fps = \">29.96\"", "fps = \">29.98\"", "duration = \"<1\""];
    let found = hold(&clip.encoded("-c:v ffv1 -level 3", "mkv"), &conditions);
    assert_eq!(found, ["depth = 12", "width = 320", "height = 180", "fps = \">29.96\"", "duration = \"<1\""]);
}

#[test]
fn every_profile_is_valid_and_says_what_it_is_for() {
    for profile in PROFILES {
        let document = Document::parse(profile.text, Language::Toml, &[]).unwrap_or_else(|error| panic!("{error}"));
        assert!(document.description().is_some_and(|about| about.len() > 10), "{}", profile.name);
        document.job(&Traits::default()).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Files that a profile rejects: the file, the profiles, a part of the reason.
const REFUSED: [(&str, &[&str], &str); 1] = [
    // Raw planes without a header need `source.raw`.
    (
        "sparks_ref_480x270.yuv42010le.yuv",
        &["archive", "archive-fast", "archive-lossless", "mezzanine", "preview", "vod"],
        "is rawvideo",
    ),
];

#[test]
fn every_profile_makes_something_of_every_source_or_says_why_not() {
    let (mut wrong, mut made) = (Vec::new(), 0);
    for file in media::files() {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        // Plan all profiles together. Plan them one by one only if that fails.
        let all = PROFILES.map(|profile| profile.name);
        let together = planned(&all, &file);
        if let (Ok(outputs), false) = (&together, REFUSED.iter().any(|(own, ..)| *own == name)) {
            made += outputs;
            continue;
        }
        for profile in PROFILES {
            let planned = planned(&[profile.name], &file).map_err(|error| error.to_string());
            let expected = REFUSED.iter().find(|(own, profiles, _)| *own == name && profiles.contains(&profile.name));
            let is_right = match (&planned, expected) {
                (Ok(outputs), None) => {
                    made += outputs;
                    true
                }
                (Err(message), Some((_, _, part))) => message.contains(part),
                _ => false,
            };
            if !is_right {
                wrong.push(format!("{name}, {}: {planned:?}", profile.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(media::files().is_empty() || made > 200, "only {made} outputs would be made");
}

/// Returns the number of outputs that profiles plan for a file.
fn planned(profiles: &[&str], file: &Path) -> Result<usize, Error> {
    let names: Vec<String> = profiles.iter().map(|name| (*name).to_owned()).collect();
    let document = Document::of_profiles(&names, file, &[], &[])?;
    let Resolved { job, traits, source } = document.resolve(None)?;
    if job.outputs.is_empty() {
        // The profile makes no output file.
        return Ok(0);
    }
    let plan = trix_core::plan(&job, &source).map_err(|error| document.explain(&traits, error))?;
    Ok(plan.outputs.len())
}

#[test]
fn an_archive_copy_keeps_fields_chroma_and_the_picture_of_d10() {
    let fields = made("archive-fields.mxf", |file| {
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=s=720x608:r=25,format=yuv422p -frames:v 6 -c:v mpeg2video -g 1 -b:v 30M \
             -flags +ildct+ilme -top 1 -aspect 4:3 {}",
            file.display()
        ));
    });
    let videos = |set: &[(&str, &str)]| {
        let document = Document::of_profiles(&["archive".to_owned()], &fields, &[], &pairs(set)).expect("a profile");
        let Resolved { job, source, .. } = document.resolve(None).expect("a job");
        let plan = trix_core::plan(&job, &source).expect("a plan");
        plan.sinks().into_iter().map(|sink| plan.sink(sink)).collect::<Vec<_>>()
    };
    let kept = videos(&[]);
    assert_eq!(kept.len(), 5);
    for output in &kept {
        let video = output.video.as_ref().expect("video");
        assert_eq!((video.width, video.height, video.format.chroma.to_string()), (720, 576, "4:2:2".to_owned()));
        assert_eq!(video.transform.crop.map(|crop| (crop.left, crop.top)), Some((0, 32)));
        // 4:3 of the picture, not of the picture with the lines above it.
        assert_eq!(video.sample_aspect, Rational::new(16, 15));
        assert!(video.fields == Some(FieldOrder::Top) && video.transform.deinterlace.is_none(), "{video:?}");
        let said = output.decisions.iter().any(|own| own.what == "the 32 VBI lines above the picture are cropped");
        assert!(said, "{:?}", output.decisions);
    }
    for output in ["on", "auto"].into_iter().flat_map(|value| videos(&[("deinterlace", value)])) {
        let video = output.video.expect("video");
        assert!(video.fields.is_none() && video.transform.deinterlace.is_some(), "{video:?}");
    }
}

#[test]
fn short_forms_can_be_set_from_the_command_line() {
    let document = |key: &str, value: &str| {
        let set = pairs(&[(key, value)]);
        Document::of_profiles(&["archive".to_owned()], Path::new("master.mov"), &[], &set).expect("a profile")
    };
    let traits = Traits { video: true, ..Traits::default() };
    let first = |key: &str, value: &str| job_for(&document(key, value), &traits)["outputs"][0].clone();
    holds(&first("outputs[0].video.crf", "21")["video"]["rate"], &json!({ "type": "crf", "value": 21 }));
    holds(&first("outputs[0].video.bitrate", "900")["video"]["rate"], &json!({ "type": "bitrate", "kbps": 900 }));
    holds(&first("outputs[0].picture.fps", "25")["picture"], &json!({ "rate": "25" }));
    holds(&first("outputs[0].audio", "aac:96k")["audio"], &json!({ "type": "aac", "kbps": 96 }));
}

#[test]
fn the_page_of_job_keys_is_that_of_this_program() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/job-keys.md");
    let written = fs::read_to_string(page).expect("a page");
    let table = written.split_once("\n\n## ").map_or("", |(_, table)| table);
    assert!(
        format!("## {table}") == key_table(),
        "run: trix schema job --table, and put it below the heading of the page"
    );
}

#[test]
fn the_planner_refuses_what_is_outside_of_the_ranges_in_the_table() {
    let clip = master();
    let source = Source::open(&clip).expect("a source");
    let (mut table, mut checked) = (String::new(), 0);
    for line in key_table().lines() {
        if let Some(heading) = line.strip_prefix("## `") {
            table = heading.trim_end_matches('`').replace("[]", "[0]") + ".";
        }
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, _, _, values, _] = cells[..] else { continue };
        let (key, types) = name.trim_matches('`').split_once("` (").unwrap_or((name.trim_matches('`'), ""));
        // The short form has another name in mistakes: `rate.kbps`.
        if key == "bitrate" {
            continue;
        }
        let types: Vec<&str> = types.trim_end_matches(')').split(", ").collect();
        let of_types = values.split("; ").flat_map(|values| match values.split_once(": ") {
            Some((kind, range)) => vec![(kind, range)],
            None => types.iter().map(|kind| (*kind, values)).collect(),
        });
        for (kind, range) in of_types {
            let (least, most) = match (range.split_once(" to "), range.strip_prefix("from ")) {
                (Some((least, most)), _) => (least.parse::<i64>(), most.parse::<i64>().ok()),
                (None, Some(least)) => (least.parse(), None),
                _ => continue,
            };
            let Ok(least) = least else { continue };
            let beyond = [(least != 0).then_some(least - 1), most.map(|most| most + 1)];
            for value in beyond.into_iter().flatten() {
                let place = format!("{table}{key}");
                let refused = refused(&source, &clip, &place, kind, value);
                // A rate is named by its type: `rate.crf = 52`.
                let is_named = [key, kind].iter().any(|name| refused.contains(&format!("{name} = {value}: ")));
                assert!(is_named, "{place} = {value} ({kind}): {refused}");
                checked += 1;
            }
        }
    }
    assert!(checked >= 100, "{checked} limits");
}

/// What the planner says of a job that sets the number at `place`, in a table of type `kind`.
fn refused(source: &Source, clip: &Path, place: &str, kind: &str, value: i64) -> String {
    let of_still = if place.starts_with("stills") && !kind.is_empty() { kind } else { "poster" };
    let path = match of_still {
        "waveform" => "path = \"x.png\"",
        _ => "path = \"x.jpg\"",
    };
    let text = format!(
        "[[outputs]]\npath = \"x.mkv\"\nvideo = \"x264\"\n[[packages]]\npath = \"x\"\nladder = [{{ height = 64, video = \"x264\" }}]\n\
         [[stills]]\ntype = \"{of_still}\"\n{path}\n[[tracks]]\ninputs = [{{ path = {clip:?} }}]\n[source]\npath = {clip:?}\n"
    );
    let table = place.rsplit_once('.').map_or("", |(table, _)| table);
    let mut set = Vec::new();
    if !kind.is_empty() && !place.starts_with("stills") {
        set.push((format!("{table}.type"), kind.to_owned()));
    }
    if let Some(other) = [("maxrate", "bufsize"), ("bufsize", "maxrate")].iter().find(|(own, _)| place.ends_with(own)) {
        set.push((format!("{table}.{}", other.1), "1000".to_owned()));
    }
    set.push((place.to_owned(), value.to_string()));
    if place.ends_with("passes") {
        let rate = if table.ends_with("video") { "bitrate" } else { "kbps" };
        set.push((format!("{table}.{rate}"), "1000".to_owned()));
    }
    let job = Document::parse(&text, Language::Toml, &set).and_then(|document| document.job(&Traits::of(source, &[])));
    match job.and_then(|job| trix_core::plan(&job, source)) {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_largest_quantisers_are_those_that_the_encoders_take() {
    let (folder, clip) = (folder(), Clip { frames: 2, ..Clip::default() }.encoded("-c:v ffv1", "mkv"));
    for (number, (encoder, depth)) in [("x264", 8), ("x264", 10), ("x265", 8), ("x265", 10)].into_iter().enumerate() {
        let kind: Encoder = Encoder::ALL.into_iter().find(|own| own.to_string() == encoder).expect("an encoder");
        let qp = kind.most_qp();
        let video =
            json!({ "type": encoder, "depth": depth, "preset": "ultrafast", "rate": { "type": "qp", "value": qp } });
        let mut job: Job = serde_json::from_value(json!({
            "source": { "path": clip }, "outputs": [{ "path": format!("{number}.mkv"), "video": video }]
        }))
        .expect("a job");
        job.write_into(folder.path());
        let report = trix_core::run_job(&job, &Control::default()).unwrap_or_else(|error| panic!("{encoder}: {error}"));
        let options = serde_json::to_string(&report.encodes).expect("JSON");
        assert!(options.contains(&format!("[\"qp\",\"{qp}\"]")), "{options}");
    }
}
