//! Tests of mezzanine codecs. FFV1 returns every sample and detects damage. ProRes has the requested profile, tags and
//! quality.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use trix_core::{
    ErrorKind, Job, OnDamage, Source,
    document::{Document, Language, Traits},
    mistake::Mistake,
    plan::Cut,
    reading::reader::FrameReader,
    settings::{
        job::VerifyLevel,
        picture::Alpha,
        video::{EncodeSettings, Encoder, Ffv1Rate, Ffv1Settings, RateControl, VideoSettings},
    },
};
use trix_fixtures::{folder, media, program};

use crate::support::{
    self, done, ffprobe,
    frames::{
        Dice, Grid, Planes, assert_equal, colored, decisions, decoded, ffv1_job, filtered, format, joined, plan, psnr,
        refusal, split, through, written,
    },
    text, video_job, video_stream,
};

/// Makes two frames of noise.
fn noise(name: &str, (width, height): (usize, usize)) -> Vec<Planes> {
    let format = format(name);
    let mut dice = Dice::new(width as u64);
    (0..2)
        .map(|_| {
            (0..format.planes())
                .map(|plane| {
                    let (width, height) = format.plane_size(plane, width, height);
                    let samples = (0..width * height).map(|_| dice.below(1 << format.depth) as u16).collect();
                    Grid { width, height, samples }
                })
                .collect()
        })
        .collect()
}

fn run_ffv1(source: &Path, output: &Path) -> trix_core::Report {
    let mut job = video_job(source, output, Encoder::Ffv1, EncodeSettings::default());
    job.outputs[0].verify = VerifyLevel::Full;
    done(&job)
}

fn every_sample_comes_back(names: &[&str]) {
    for &name in names {
        let folder = folder();
        let frames = noise(name, (48, 32));
        let source = folder.path().join("source.mkv");
        written(&source, &joined(&frames, name), name, (48, 32), "-c:v ffv1 -level 3");
        let output = folder.path().join("copy.mkv");
        let report = run_ffv1(&source, &output);
        assert!(!report.outputs[0].plan.video.as_ref().unwrap().converted, "{name} is converted");
        assert_eq!(report.outputs[0].verification.lossless_frames, Some(2), "{name}");
        // The output has the format of the file. Another format would give another size.
        let line = format!("-i {} -f rawvideo -", output.display());
        assert!(program::ffmpeg(&line).stdout == joined(&frames, name), "{name}");
    }
}

#[test]
fn ffv1_gives_every_sample_of_grey_and_halved_chroma_back() {
    every_sample_comes_back(&["gray", "gray10le", "gray12le", "gray16le"]);
    every_sample_comes_back(&["yuv420p", "yuv420p10le", "yuv420p12le", "yuv420p16le"]);
    every_sample_comes_back(&["yuv422p", "yuv422p10le", "yuv422p12le", "yuv422p16le"]);
}

#[test]
fn ffv1_gives_every_sample_of_full_chroma_and_rgb_back() {
    every_sample_comes_back(&["yuv444p", "yuv444p10le", "yuv444p12le", "yuv444p16le"]);
    every_sample_comes_back(&["gbrp10le", "gbrp12le", "gbrp16le"]);
}

#[test]
fn ffv1_gives_every_sample_of_alpha_back() {
    every_sample_comes_back(&["yuva420p", "yuva422p", "yuva444p", "yuva420p10le", "yuva422p10le", "yuva444p10le"]);
    every_sample_comes_back(&["yuva444p16le", "gbrap10le", "gbrap12le", "gbrap16le"]);
}

#[test]
fn ffv1_gives_8_bit_rgb_back() {
    for (name, channels, encoder) in [("bgr0", 3, "ffv1"), ("bgra", 4, "ffv1"), ("rgb24", 3, "png"), ("rgba", 4, "png")]
    {
        let folder = folder();
        let mut dice = Dice::new(3);
        let bytes_each = if name == "rgb24" { 3 } else { 4 };
        let bytes: Vec<u8> = (0..48 * 32 * 2 * bytes_each).map(|_| dice.below(256) as u8).collect();
        let source = folder.path().join("source.mkv");
        written(&source, &bytes, name, (48, 32), &format!("-c:v {encoder}"));
        let output = folder.path().join(format!("copy-{name}.mkv"));
        run_ffv1(&source, &output);
        let line = |file: &Path| format!("-i {} -pix_fmt {name} -f rawvideo -", file.display());
        let found = program::ffmpeg(&line(&output)).stdout;
        assert_eq!(found.len(), bytes.len());
        for (at, (found, source)) in found.chunks(bytes_each).zip(bytes.chunks(bytes_each)).enumerate() {
            assert_eq!(found[..channels], source[..channels], "{name}: pixel {at}");
        }
    }
}

#[test]
fn ffv1_holds_odd_sizes_and_depths_that_it_has_no_name_for() {
    for (name, size, becomes, shift) in [
        ("yuv420p", (47, 31), "yuv420p", 0),
        ("yuv422p10le", (47, 31), "yuv422p10le", 0),
        ("yuv444p12le", (17, 9), "yuv444p12le", 0),
        ("yuv420p", (5, 3), "yuv420p", 0),
        ("yuv420p", (719, 575), "yuv420p", 0),
        ("gbrap12le", (47, 31), "gbrap12le", 0),
        // Limited range, where more bits multiply every value by a power of two.
        ("yuv420p9le", (48, 32), "yuv420p10le", 1),
        ("yuv422p14le", (48, 32), "yuv422p16le", 2),
        ("yuv444p14le", (48, 32), "yuv444p16le", 2),
    ] {
        let folder = folder();
        let frames = noise(name, size);
        let (file, options) = match name {
            "yuv420p" => ("source.y4m", ""),
            _ if name.starts_with("gb") => ("source.mkv", "-c:v ffv1 -level 3"),
            _ => ("source.mkv", "-c:v ffv1 -level 3 -vf setparams=range=tv"),
        };
        let source = folder.path().join(file);
        written(&source, &joined(&frames, name), name, size, options);
        let output = folder.path().join("copy.mkv");
        run_ffv1(&source, &output);
        assert_eq!(text(&video_stream(&output)["pix_fmt"]), becomes);
        for (found, source) in decoded(&output, becomes, size, "").iter().zip(&frames) {
            let expected: Planes = source
                .iter()
                .map(|plane| Grid::new(plane.width, plane.height, |x, y| plane.at(x, y) << shift))
                .collect();
            assert_equal(found, &expected, name);
        }
    }
}

/// Makes a source of ProRes 4444 with alpha, which libavcodec decodes to 12 bits. Its alpha has 10 bits.
fn with_opacity(folder: &Path) -> (PathBuf, Vec<Planes>) {
    let name = "yuva444p10le";
    let (width, height) = (64, 48);
    let planes: Planes = (0..4)
        .map(|plane| {
            Grid::new(width, height, |x, y| match plane {
                0 => (200 + 8 * x + y) as u16,
                3 if x < 16 => 1023,
                3 if x >= 48 => 0,
                3 => (31 * (x - 16) + y) as u16,
                _ => (400 + 3 * x + y * plane) as u16,
            })
        })
        .collect();
    let file = folder.join("opacity.mov");
    let options = "-c:v prores_ks -profile:v 4444 -alpha_bits 16 \
                   -vf setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709";
    written(&file, &joined(&[planes.clone(), planes.clone()], name), name, (width, height), options);
    (file.clone(), through(&file, None).into_iter().map(|shot| shot.planes).collect())
}

#[test]
fn twelve_bit_alpha_is_stored_in_16_bit_ffv1() {
    let folder = folder();
    let (source, frames) = with_opacity(folder.path());
    let output = folder.path().join("copy.mkv");
    run_ffv1(&source, &output);
    assert_eq!(text(&video_stream(&output)["pix_fmt"]), "yuva444p16le");
    for (found, source) in decoded(&output, "yuva444p16le", (64, 48), "").iter().zip(&frames) {
        for plane in 0..3 {
            let expected = Grid::new(64, 48, |x, y| source[plane].at(x, y) << 4);
            assert_equal(&vec![found[plane].clone()], &vec![expected], "colour");
        }
        for (found, source) in found[3].samples.iter().zip(&source[3].samples) {
            // Opaque pixels stay opaque, and no precision is lost.
            let exact = f64::from(*source) / 4095.0 * 65535.0;
            assert!((f64::from(*found) - exact).abs() <= 1.0, "opacity {source} is {found}");
        }
    }
    let mut job = ffv1_job(&source);
    job.outputs[0].video = VideoSettings::Ffv1(Ffv1Settings { depth: Some(12), ..Default::default() });
    let said = refusal(&job);
    assert!(said.contains("video.depth = 12"), "{said}");
}

#[test]
fn ffv1_is_version_3_with_checksums_and_whole_frames() {
    let folder = folder();
    let clip = trix_fixtures::Clip { frames: 5, ..trix_fixtures::Clip::default() };
    let output = folder.path().join("copy.mkv");
    let report = run_ffv1(&clip.y4m(), &output);
    let options = &report.outputs[0].plan.video.as_ref().unwrap().options;
    for (name, value) in [("level", "3"), ("slicecrc", "1")] {
        assert!(options.contains(&(name.into(), value.into())), "{options:?}");
    }
    let track = support::mediainfo(&output, "Video").remove(0);
    assert!(text(&track["Format_Version"]).starts_with("3."), "{}", track["Format_Version"]);
    let extra = &track["extra"];
    assert_eq!(text(&extra["ErrorDetectionType"]), "Per slice", "{track}");
    assert_eq!(text(&track["Format_Settings_GOP"]), "N=1", "{track}");
    let json = ffprobe(&output, "-show_packets");
    let packets = json["packets"].as_array().unwrap();
    assert_eq!(packets.len(), 5);
    assert!(packets.iter().all(|packet| text(&packet["flags"]).starts_with('K')), "every frame is a keyframe");
}

#[test]
fn a_flipped_byte_of_ffv1_is_noticed_wherever_it_is() {
    let folder = folder();
    let clip = trix_fixtures::Clip { frames: 3, ..trix_fixtures::Clip::default() };
    let output = folder.path().join("copy.mkv");
    run_ffv1(&clip.y4m(), &output);
    let whole = std::fs::read(&output).unwrap();
    let json = ffprobe(&output, "-show_packets");
    for packet in json["packets"].as_array().unwrap() {
        let (pos, size): (usize, usize) = (support::number(&packet["pos"]), support::number(&packet["size"]));
        // `pos` is the position of the Matroska block. The block header is shorter than 16 bytes.
        for at in [pos + 20, pos + size / 3, pos + size / 2, pos + size * 2 / 3, pos + size - 9] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let damaged = folder.path().join("damaged.mkv");
            std::fs::write(&damaged, &bytes).unwrap();
            let source = Source::open(&damaged).unwrap();
            let mut reader = FrameReader::new(source, OnDamage::Fail, Cut::default(), None, 1).unwrap();
            let mut ended = Ok(());
            while ended.is_ok() {
                match reader.next_frame() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => ended = Err(error),
                }
            }
            let error = ended.expect_err("a flipped byte");
            // This kind gives exit code 3 of the command line.
            assert_eq!(error.kind(), ErrorKind::MalformedInput, "byte {at}: {error}");
        }
    }
}

/// Profiles with their codec tag, the decoded format in libavcodec, and the lowest PSNR for this clip.
const PROFILES: [(&str, &str, &str, f64); 6] = [
    ("proxy", "apco", "yuv422p10le", 31.0),
    ("lt", "apcs", "yuv422p10le", 38.0),
    ("standard", "apcn", "yuv422p10le", 42.0),
    ("hq", "apch", "yuv422p10le", 47.0),
    ("4444", "ap4h", "yuv444p12le", 48.0),
    ("4444xq", "ap4x", "yuv444p12le", 55.0),
];

/// Makes moving 10-bit 4:4:4 frames with colour tags.
fn master(folder: &Path, frames: u32) -> PathBuf {
    let file = folder.join("master.mkv");
    program::ffmpeg(&format!(
        "-f lavfi -i testsrc2=s=320x192:r=25,format=yuv444p10le -frames:v {frames} -vf {} -c:v ffv1 -level 3 {}",
        colored("bt2020", "arib-std-b67", "bt2020nc", "tv"),
        file.display()
    ));
    file
}

#[test]
fn every_profile_of_prores_has_its_name_its_tags_and_its_quality() {
    let folder = folder();
    let source = master(folder.path(), 4);
    for (profile, fourcc, decodes_to, least) in PROFILES {
        let output = folder.path().join(format!("{profile}.mov"));
        let settings = EncodeSettings { profile: Some(profile.into()), ..Default::default() };
        let job = video_job(&source, &output, Encoder::Prores, settings);
        done(&job);
        let stream = video_stream(&output);
        assert_eq!(text(&stream["codec_tag_string"]), fourcc);
        assert_eq!(text(&stream["pix_fmt"]), decodes_to);
        assert_eq!(text(&stream["nb_read_frames"]), "4");
        for (key, value) in
            [("color_primaries", "bt2020"), ("color_transfer", "arib-std-b67"), ("color_space", "bt2020nc")]
        {
            assert_eq!(text(&stream[key]), value, "{profile}");
        }
        // The frame header (SMPTE RDD 36, 5.1.1) has the same values as the tags of the container.
        let raw = program::ffmpeg(&format!("-i {} -c copy -f rawvideo -", output.display())).stdout;
        assert_eq!(&raw[4..8], b"icpf");
        assert_eq!(raw[22..25], [9, 18, 9], "{profile}: primaries, transfer and matrix");
        assert_eq!(raw[20] >> 6, if decodes_to.contains("422") { 2 } else { 3 }, "{profile}: chroma");
        let chroma = &decodes_to[..7];
        let name = format!("{chroma}10le");
        let expected = filtered(&job);
        let found = decoded(&output, &name, (320, 192), "-sws_flags accurate_rnd");
        let scores: Vec<f64> =
            found.iter().zip(&expected).map(|(found, expected)| psnr(found, &expected.planes, 10)).collect();
        assert!(scores.iter().all(|score| *score >= least), "{profile}: {scores:?}");
    }
}

#[test]
fn the_profile_follows_from_the_source_where_none_is_asked_for() {
    let folder = folder();
    for (name, profile, decided) in [
        ("yuv420p", "hq", Some("ProRes hq: the source is 4:2:0 8 bits")),
        ("yuv422p10le", "hq", None),
        ("yuv444p12le", "4444", None),
        ("gbrp10le", "4444", None),
        ("gray", "hq", Some("ProRes hq: the source is 4:0:0 8 bits")),
        ("yuva420p", "4444", Some("ProRes 4444: the source is 4:2:0 with alpha 8 bits")),
    ] {
        let source = folder.path().join("source.mkv");
        written(&source, &joined(&noise(name, (48, 32)), name), name, (48, 32), "-y -c:v ffv1 -level 3");
        let output = folder.path().join("copy.mov");
        let mut job = video_job(&source, &output, Encoder::Prores, EncodeSettings::default());
        job.outputs[0].overwrite = true;
        let report = done(&job);
        assert_eq!(report.outputs[0].plan.video.as_ref().unwrap().profile.as_deref(), Some(profile), "{name}");
        let said = decisions(&report.outputs[0].plan);
        match decided {
            Some(words) => assert!(said.contains(words), "{name}: {said}"),
            None => assert!(!said.contains("ProRes"), "{name}: {said}"),
        }
        assert_eq!(text(&video_stream(&output)["nb_read_frames"]), "2", "{name}");
    }
}

#[test]
fn prores_4444_keeps_alpha_or_lays_it_on_black() {
    let folder = folder();
    let (source, frames) = with_opacity(folder.path());
    let name = "yuva444p12le";
    for profile in ["4444", "4444xq"] {
        let output = folder.path().join(format!("{profile}.mov"));
        let settings = EncodeSettings { profile: Some(profile.into()), ..Default::default() };
        done(&video_job(&source, &output, Encoder::Prores, settings));
        assert_eq!(text(&video_stream(&output)["pix_fmt"]), name);
        for (found, source) in decoded(&output, name, (64, 48), "").iter().zip(&frames) {
            for (found, source) in found[3].samples.iter().zip(&source[3].samples) {
                // The encoder gets ten bits. One 10-bit code is four 12-bit codes, and decoding rounds once more.
                assert!(found.abs_diff(*source) <= 5, "opacity {source} is {found}");
                assert!(
                    (*source == 4095) == (*found == 4095) && (*source == 0) == (*found == 0),
                    "{source} is {found}"
                );
            }
            let score = psnr(&found[..3].to_vec(), &source[..3].to_vec(), 12);
            assert!(score > 40.0, "{profile}: {score} dB");
        }
    }
    for (profile, alpha, decodes_to) in
        [("4444", Alpha::Black, "yuv444p12le"), ("hq", Alpha::Auto, "yuv422p10le"), ("hq", Alpha::Black, "yuv422p10le")]
    {
        let output = folder.path().join("black.mov");
        let settings = EncodeSettings { profile: Some(profile.into()), ..Default::default() };
        let mut job = video_job(&source, &output, Encoder::Prores, settings);
        job.outputs[0].picture.alpha = alpha;
        job.outputs[0].overwrite = true;
        let report = done(&job);
        assert_eq!(text(&video_stream(&output)["pix_fmt"]), decodes_to);
        assert_eq!(decisions(&report.outputs[0].plan).contains("laid on black"), alpha == Alpha::Auto);
        let luma = decoded(&output, "yuv444p12le", (64, 48), "").remove(0).remove(0);
        let expected = Grid::new(64, 48, |x, y| {
            let (value, opacity) = (f64::from(frames[0][0].at(x, y)), f64::from(frames[0][3].at(x, y)) / 4095.0);
            (256.0 + (value - 256.0) * opacity).round() as u16
        });
        let score = psnr(&vec![luma], &vec![expected], 12);
        assert!(score > 40.0, "{profile} {alpha:?}: {score} dB");
    }
}

/// Returns the job of a document with one output and these video settings, or its only mistake.
fn document(encoder: &str, path: &str, settings: Value) -> Result<Job, Mistake> {
    let mut video = json!({ "type": encoder });
    video.as_object_mut().expect("a table").extend(settings.as_object().expect("a table").clone());
    let job = json!({ "source": { "path": "master.mov" }, "outputs": [{ "path": path, "video": video }] });
    match Document::parse(&job.to_string(), Language::Json, &[]) {
        Ok(document) => Ok(document.job(&Traits::default()).expect("a job")),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidSpec);
            assert_eq!(error.mistakes().len(), 1, "{encoder} {settings}: {error}");
            Err(error.mistakes()[0].clone())
        }
    }
}

#[test]
fn settings_that_ffv1_and_prores_lack_are_refused_with_the_reason() {
    let both = [
        (json!({ "rate": { "type": "crf", "value": 20 } }), "video.rate", "has no rate control"),
        (json!({ "rate": { "type": "bitrate", "kbps": 100, "passes": 2 } }), "video.rate", "has no rate control"),
        (json!({ "maxrate": 1000 }), "video.maxrate = 1000", "has no rate control"),
        (json!({ "bufsize": 1000 }), "video.bufsize = 1000", "has no rate control"),
        (json!({ "preset": "slow" }), "video.preset = slow", "has no presets"),
        (json!({ "tune": "film" }), "video.tune = film", "has no tunes"),
        (json!({ "level": "4.1" }), "video.level = 4.1", "has no levels"),
        (json!({ "gop": 25 }), "video.gop = 25", "codes every frame by itself"),
        (json!({ "open_gop": true }), "video.open_gop = true", "codes every frame by itself"),
        (json!({ "keyframes": ["1.5"] }), "video.keyframes", "codes every frame by itself"),
    ];
    let prores = [(json!({ "rate": { "type": "lossless" } }), "video.rate", "has no rate control")];
    let ffv1 = [(
        json!({ "profile": "hq" }),
        "video.profile = hq",
        "has no profiles; profile is a setting of x264, x265, prores",
    )];
    let check = |encoder: &str, (settings, place, problem): &(Value, &str, &str)| {
        let mistake = document(encoder, "a.mkv", settings.clone()).expect_err("a mistake");
        let said = mistake.to_string();
        assert!(
            said.contains(&format!("outputs[0].{place}")) && said.contains(problem),
            "{encoder} {settings}: {said}"
        );
        mistake.problem
    };
    for (encoder, own, keys) in [
        ("ffv1", &ffv1, "chroma, depth, params, rate, type"),
        ("prores", &prores, "chroma, depth, params, profile, type"),
    ] {
        for case in own {
            assert!(check(encoder, case).ends_with(&format!("; known are {keys}")));
        }
        for case in &both {
            let problem = check(encoder, case);
            let is_rate = case.1 == "video.rate" && encoder == "ffv1";
            let legal = if is_rate { "legal is the type lossless".to_owned() } else { format!("known are {keys}") };
            assert!(problem.contains("is a setting of x264, x265; ") && problem.ends_with(&legal), "{problem}");
        }
    }
    // A job without a document has the same mistakes, one for each setting.
    let settings = EncodeSettings {
        rate: Some(RateControl::Qp { value: 20 }),
        preset: Some("slow".into()),
        profile: Some("hq".into()),
        open_gop: Some(false),
        depth: Some(10),
        ..Default::default()
    };
    for (encoder, expected) in [
        (Encoder::Ffv1, &["rate", "preset", "profile", "open_gop"][..]),
        (Encoder::Prores, &["rate", "preset", "open_gop"]),
    ] {
        let (video, lacking) = VideoSettings::of(encoder, settings.clone());
        let places: Vec<&str> = lacking.iter().filter_map(|mistake| mistake.place.strip_prefix("video.")).collect();
        assert_eq!(places, expected);
        let stated =
            |mistake: &Mistake| Some(&mistake.problem) == encoder.lacks(&mistake.place["video.".len()..]).as_ref();
        assert!(lacking.iter().all(stated), "{lacking:?}");
        assert_eq!((video.encoder(), video.frames().unwrap().depth), (Some(encoder), Some(10)));
    }
    let folder = folder();
    let source = master(folder.path(), 1);
    for (encoder, remedy) in [(Encoder::Ffv1, "use .mkv"), (Encoder::Prores, "use .mov")] {
        let said = refusal(&video_job(&source, Path::new("a.mp4"), encoder, EncodeSettings::default()));
        assert!(said.contains("output.path = a.mp4") && said.contains(remedy), "{said}");
    }
}

#[test]
fn values_that_ffv1_and_prores_do_not_take_are_refused_with_the_legal_ones() {
    let folder = folder();
    let source = master(folder.path(), 1);
    type Change = fn(&mut EncodeSettings);
    let prores: [(Change, &str, &str); 4] = [
        (|s| s.profile = Some("422".into()), "video.profile = 422", "proxy, lt, standard, hq, 4444, 4444xq"),
        (|s| s.depth = Some(8), "video.depth = 8", "prores encodes 10 bits"),
        (|s| s.chroma = Some("420".parse().unwrap()), "video.chroma", "4:2:2 or 4:4:4"),
        (|s| drop(s.params.insert("level".into(), "3".into())), "video.params.level = 3", "prores takes"),
    ];
    let ffv1: [(Change, &str, &str); 4] = [
        (|s| s.depth = Some(9), "video.depth = 9", "8, 10, 12, 16"),
        (
            |s| drop(s.params.insert("level".into(), "1".into())),
            "video.params.level = 1",
            "ffv1 takes coder, context, slices",
        ),
        (|s| drop(s.params.insert("slicecrc".into(), "0".into())), "video.params.slicecrc = 0", "ffv1 takes"),
        (|s| drop(s.params.insert("slices".into(), "0".into())), "video.params.slices = 0", "not a value"),
    ];
    for (encoder, cases) in [(Encoder::Prores, prores), (Encoder::Ffv1, ffv1)] {
        for (change, place, problem) in cases {
            let mut settings = EncodeSettings::default();
            change(&mut settings);
            let said = refusal(&video_job(&source, Path::new("a.mkv"), encoder, settings));
            assert!(said.contains(place) && said.contains(problem), "{place}: {said}");
        }
    }
}

#[test]
fn settings_that_ask_ffv1_and_prores_for_nothing_change_nothing() {
    let nothing = json!({
        "rate": null, "maxrate": null, "preset": null, "tune": null, "level": null, "gop": null, "open_gop": null,
        "keyframes": [], "key_interval": "2", "params": {}
    });
    for encoder in ["ffv1", "prores"] {
        let plain = document(encoder, "a.mkv", json!({})).expect("a job");
        assert_eq!(document(encoder, "a.mkv", nothing.clone()).expect("the same job"), plain);
        for value in [json!("banana"), json!({}), json!([])] {
            let refused = document(encoder, "a.mkv", json!({ "key_interval": value })).is_err();
            assert_eq!(refused, value != json!([]), "{encoder}: {value}");
        }
    }
    // FFV1 is lossless, so a job can ask for it.
    let job = document("ffv1", "a.mkv", json!({ "rate": { "type": "lossless" } })).expect("a job");
    assert_eq!(
        job.outputs[0].video,
        VideoSettings::Ffv1(Ffv1Settings { rate: Some(Ffv1Rate::Lossless), ..Default::default() })
    );
    let folder = folder();
    let source = master(folder.path(), 1);
    let settings = EncodeSettings { rate: Some(RateControl::Lossless), ..Default::default() };
    plan(&video_job(&source, Path::new("a.mkv"), Encoder::Ffv1, settings)).unwrap();
}

#[test]
fn threads_do_not_change_a_byte() {
    let folder = folder();
    let source = master(folder.path(), 6);
    for (encoder, extension) in [(Encoder::Ffv1, "mkv"), (Encoder::Prores, "mov")] {
        let files: Vec<Vec<u8>> = [Some(1), Some(4), None]
            .into_iter()
            .map(|threads| {
                let output = folder.path().join("copy").with_extension(extension);
                let mut job = video_job(&source, &output, encoder, EncodeSettings::default());
                job.threads = threads;
                job.outputs[0].overwrite = true;
                done(&job);
                std::fs::read(output).unwrap()
            })
            .collect();
        assert!(files[0] == files[1] && files[0] == files[2], "{encoder}");
    }
}

#[test]
fn a_real_master_becomes_a_lossless_copy() {
    let Some(file) = media::file("apple-prores-422-hq.mov") else { return };
    let folder = folder();
    let output = folder.path().join("copy.mkv");
    let report = run_ffv1(&file, &output);
    let (format, width, height) = {
        let video = report.outputs[0].plan.video.as_ref().unwrap();
        (video.format.name().into_owned(), video.width, video.height)
    };
    let line = format!("-i {} -map 0:v:0 -fps_mode passthrough -f rawvideo -", file.display());
    let expected = split(&program::ffmpeg(&line).stdout, &format, width, height);
    let found = decoded(&output, &format, (width, height), "");
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_equal(found, expected, "apple-prores-422-hq.mov");
    }
}

#[test]
fn every_profile_of_prores_stands_in_mxf_as_in_quicktime() {
    let folder = folder();
    let source = trix_fixtures::Clip { width: 128, height: 96, frames: 5, ..Default::default() }.y4m();
    for (profile, name) in [("proxy", "422 Proxy"), ("lt", "422 LT"), ("standard", "422"), ("hq", "422 HQ")] {
        let settings = EncodeSettings { profile: Some(profile.into()), ..Default::default() };
        let [mxf, mov] = ["mxf", "mov"].map(|extension| {
            let output = folder.path().join(format!("{profile}.{extension}"));
            done(&video_job(&source, &output, Encoder::Prores, settings.clone()));
            output
        });
        assert_eq!(text(&support::mediainfo(&mxf, "Video")[0]["Format_Profile"]), name);
        assert_eq!(support::planes(&mxf), support::planes(&mov), "{profile}");
    }
}
