//! Tests that Trix writes the same coded slices as the `x264` and `x265` programs from the same frames with the same
//! options, bit for bit.

use std::path::Path;

use trix_core::{
    media::format::Chroma,
    settings::video::{EncodeSettings, Encoder, RateControl},
};
use trix_fixtures::{Clip, folder, program};

use crate::support::{done, pair, slices, video_job};

/// One thread, so that the output of the programs depends only on the options.
const ONE_264: &str = "threads=1";
const ONE_265: &str = "pools=1 frame-threads=1";

/// FFmpeg's name of a format.
fn format(chroma: Chroma, depth: u32) -> &'static str {
    let names = match depth {
        8 => ["gray", "yuv420p", "yuv422p", "yuv444p"],
        10 => ["gray10le", "yuv420p10le", "yuv422p10le", "yuv444p10le"],
        _ => ["gray12le", "yuv420p12le", "yuv422p12le", "yuv444p12le"],
    };
    names[Chroma::ALL.iter().position(|other| *other == chroma).expect("one of all")]
}

/// A pixel format, with one set of options in the terms of Trix and of the program.
struct Case<'a> {
    chroma: Chroma,
    depth: u32,
    settings: EncodeSettings,
    /// Options that Trix passes to the encoder, `name=value`. The program gets them as `--name value`.
    params: &'a str,
    /// The command-line options that correspond to `settings`.
    words: &'a str,
}

impl<'a> Case<'a> {
    /// 4:2:0 with 8 bits, and defaults for the encoder.
    fn new(params: &'a str, words: &'a str, settings: EncodeSettings) -> Self {
        Case { chroma: Chroma::C420, depth: 8, settings, params, words }
    }
}

/// The width is 16 macroblocks. If the number is no multiple of 8, the AVX-512 code of the macroblock tree in x264
/// 0.164 reads uninitialised memory, and two runs of the program differ.
fn clip(case: &Case<'_>) -> Clip {
    Clip { width: 256, ..Clip::of(format(case.chroma, case.depth)) }
}

/// Runs the program for `case` and writes `output`.
///
/// x265 reads from a pipe. From a file, it learns the number of frames and uses it in its rate control.
fn foreign(encoder: Encoder, case: &Case<'_>, more: &str, output: &Path) {
    let clip = clip(case);
    let csp = format!("i{}", case.chroma.to_string().replace(':', ""));
    let params: String =
        case.params.split_whitespace().map(pair).map(|(name, value)| format!(" --{name} {value}")).collect();
    let (depth, words) = (case.depth, case.words);
    match encoder {
        Encoder::X264 => {
            let line = format!(
                "--demuxer y4m --output-csp {csp} --output-depth {depth} --quiet --no-progress {words}{params} {more} \
                 -o {} {}",
                output.display(),
                clip.y4m().display()
            );
            program::run("x264", line.split_whitespace());
        }
        Encoder::X265 => {
            // The YUV4MPEG2 reader of x265 mistakes 4:0:0 for 4:2:0, so 4:0:0 is given as raw planes.
            let (input, kind) = match case.chroma {
                Chroma::C400 => {
                    let size = format!("{}x{}", clip.width, clip.height);
                    (clip.raw(), format!("--input-csp {csp} --input-depth {depth} --input-res {size} --fps 25"))
                }
                _ => (clip.y4m(), "--y4m".to_owned()),
            };
            let line = format!(
                "--input - {kind} -D {depth} --log-level error --no-progress {words}{params} {more} -o {}",
                output.display()
            );
            program::fed("x265", &input, line.split_whitespace());
        }
        Encoder::Ffv1 | Encoder::Prores => panic!("{encoder} has no program of its own"),
    }
}

/// Asserts that Trix and the program write the same slices.
fn hold(encoder: Encoder, case: Case<'_>) {
    let clip = clip(&case);
    let folder = folder();
    let ours = folder.path().join("ours.mp4");
    let mut settings = case.settings.clone();
    settings.params = case.params.split_whitespace().map(pair).collect();
    let report = done(&video_job(&clip.y4m(), &ours, encoder, settings));
    assert_eq!(report.outputs[0].ledger.expect("a ledger").emitted, u64::from(clip.frames));

    // For a raw stream, x264 repeats its headers and counts them in its rate control. For a container, it does not.
    let theirs = folder.path().join(if encoder == Encoder::X264 { "theirs.mkv" } else { "theirs.hevc" });
    if report.outputs[0].plan.video.as_ref().expect("a plan").passes == 2 {
        let stats = folder.path().join("stats");
        let pass = |number: u32| format!("--pass {number} --stats {}", stats.display());
        foreign(encoder, &case, &pass(1), &theirs);
        foreign(encoder, &case, &pass(2), &theirs);
    } else {
        foreign(encoder, &case, "", &theirs);
    }
    let (ours, theirs) = (slices(&ours, encoder), slices(&theirs, encoder));
    assert!(theirs.len() >= clip.frames as usize, "{} slices of {} frames", theirs.len(), clip.frames);
    let what = || format!("{encoder} {} {} bits, {} {}", case.chroma, case.depth, case.words, case.params);
    assert_eq!(ours.len(), theirs.len(), "slices of {}", what());
    let differ = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
    assert_eq!(differ, None, "first slice that differs of {}", what());
}

fn preset(name: &str) -> EncodeSettings {
    EncodeSettings { preset: Some(name.into()), ..Default::default() }
}

fn rate(rate: RateControl) -> EncodeSettings {
    EncodeSettings { rate: Some(rate), ..preset("veryfast") }
}

fn every_format(encoder: Encoder, depths: &[u32], params: &str) {
    for &depth in depths {
        for chroma in Chroma::ALL {
            let settings = EncodeSettings { rate: Some(RateControl::Crf { value: 24.0 }), ..preset("veryfast") };
            let words = "--preset veryfast --crf 24";
            hold(encoder, Case { chroma, depth, settings, params, words });
        }
    }
}

#[test]
fn x264_in_every_format_equals_the_program() {
    every_format(Encoder::X264, &[8, 10], ONE_264);
}

#[test]
fn x265_in_every_8_and_10_bit_format_equals_the_program() {
    every_format(Encoder::X265, &[8, 10], ONE_265);
}

#[test]
fn x265_in_every_12_bit_format_equals_the_program() {
    every_format(Encoder::X265, &[12], ONE_265);
}

#[test]
fn every_preset_up_to_medium_equals_the_program() {
    for name in ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"] {
        let words = format!("--preset {name}");
        hold(Encoder::X264, Case::new(ONE_264, &words, preset(name)));
        hold(Encoder::X265, Case::new(ONE_265, &words, preset(name)));
    }
}

#[test]
fn tune_profile_and_level_equal_the_program() {
    let settings = EncodeSettings {
        tune: Some("grain".into()),
        profile: Some("main".into()),
        level: Some("4.1".into()),
        ..preset("veryfast")
    };
    let words = "--preset veryfast --tune grain --profile main";
    hold(Encoder::X264, Case::new(ONE_264, &format!("{words} --level 4.1"), settings.clone()));
    hold(Encoder::X265, Case::new(ONE_265, &format!("{words} --level-idc 4.1"), settings));
}

#[test]
fn every_rate_control_equals_the_program() {
    for (encoder, threads) in [(Encoder::X264, ONE_264), (Encoder::X265, ONE_265)] {
        let lossless = if encoder == Encoder::X264 { "--qp 0" } else { "--lossless" };
        for (words, control) in [
            ("--crf 18.5", RateControl::Crf { value: 18.5 }),
            ("--qp 30", RateControl::Qp { value: 30 }),
            ("--bitrate 150", RateControl::Bitrate { kbps: 150, passes: 1 }),
            (lossless, RateControl::Lossless),
        ] {
            hold(encoder, Case::new(threads, &format!("--preset veryfast {words}"), rate(control)));
        }
    }
}

#[test]
fn a_decoder_buffer_equals_the_program() {
    for (encoder, threads) in [(Encoder::X264, ONE_264), (Encoder::X265, ONE_265)] {
        let buffered = |control| EncodeSettings { maxrate: Some(250), bufsize: Some(200), ..rate(control) };
        let words = "--preset veryfast --vbv-maxrate 250 --vbv-bufsize 200";
        let crf = buffered(RateControl::Crf { value: 20.0 });
        hold(encoder, Case::new(threads, &format!("{words} --crf 20"), crf));
        let average = buffered(RateControl::Bitrate { kbps: 200, passes: 1 });
        hold(encoder, Case::new(threads, &format!("{words} --bitrate 200"), average));
    }
}

#[test]
fn two_passes_of_x264_equal_the_program() {
    let control = RateControl::Bitrate { kbps: 120, passes: 2 };
    let words = "--preset medium --bitrate 120";
    let settings = EncodeSettings { preset: Some("medium".into()), ..rate(control) };
    hold(Encoder::X264, Case::new(ONE_264, words, settings.clone()));
    hold(Encoder::X264, Case::new("threads=3", words, settings));
}

#[test]
fn two_passes_of_x265_equal_the_program() {
    let control = RateControl::Bitrate { kbps: 120, passes: 2 };
    hold(Encoder::X265, Case::new(ONE_265, "--preset veryfast --bitrate 120", rate(control)));
}

#[test]
fn two_passes_into_a_decoder_buffer_equal_the_program() {
    let control = RateControl::Bitrate { kbps: 150, passes: 2 };
    let settings = EncodeSettings { maxrate: Some(200), bufsize: Some(150), ..rate(control) };
    let words = "--preset veryfast --bitrate 150 --vbv-maxrate 200 --vbv-bufsize 150";
    hold(Encoder::X264, Case::new(ONE_264, words, settings.clone()));
    hold(Encoder::X265, Case::new(ONE_265, words, settings));
}

#[test]
fn open_and_closed_gops_equal_the_program() {
    for (encoder, threads) in [(Encoder::X264, ONE_264), (Encoder::X265, ONE_265)] {
        for (open, word) in [(true, "--open-gop"), (false, "--no-open-gop")] {
            // The x264 program has no option for its default.
            let word = if encoder == Encoder::X264 && !open { "" } else { word };
            let settings = EncodeSettings { gop: Some(8), open_gop: Some(open), ..preset("veryfast") };
            let words = format!("--preset veryfast --keyint 8 {word}");
            hold(encoder, Case::new(threads, &words, settings));
        }
    }
}

#[test]
fn options_of_the_encoders_own_equal_the_program() {
    let words = "--preset veryfast";
    for params in ["threads=1 bframes=5 b-adapt=2 aq-mode=3 me=umh subme=7 ref=4", "threads=1 slices=4 rc-lookahead=5"]
    {
        hold(Encoder::X264, Case::new(params, words, preset("veryfast")));
    }
    for params in [
        "pools=1 frame-threads=1 bframes=6 rd=4 aq-mode=3 ctu=32 max-merge=4",
        "pools=none frame-threads=1 rc-lookahead=10 psy-rd=1.5",
        "pools=1 frame-threads=1 slices=2",
    ] {
        hold(Encoder::X265, Case::new(params, words, preset("veryfast")));
    }
}

#[test]
fn several_threads_equal_the_program_with_as_many() {
    hold(Encoder::X264, Case::new("threads=3", "--preset fast", preset("fast")));
    hold_with_flag(Case::new("threads=2 sliced-threads=1", "--preset fast --sliced-threads", preset("fast")));
    hold(Encoder::X265, Case::new("pools=2 frame-threads=2", "--preset fast", preset("fast")));
}

/// As [`hold`], for an option that is only a flag in the x264 program.
fn hold_with_flag(case: Case<'_>) {
    let clip = clip(&case);
    let folder = folder();
    let (ours, theirs) = (folder.path().join("ours.mp4"), folder.path().join("theirs.mkv"));
    let mut settings = case.settings.clone();
    settings.params = case.params.split_whitespace().map(pair).collect();
    done(&video_job(&clip.y4m(), &ours, Encoder::X264, settings));
    foreign(Encoder::X264, &Case { params: "threads=2", ..case }, "", &theirs);
    assert_eq!(slices(&ours, Encoder::X264), slices(&theirs, Encoder::X264));
}

#[test]
fn encoder_defaults_equal_the_program() {
    // No options on either side: the encoders choose preset, rate control, GOP and threads.
    hold(Encoder::X264, Case::new("", "", EncodeSettings::default()));
    hold(Encoder::X265, Case::new("", "", EncodeSettings::default()));
}

#[test]
fn a_raw_stream_of_the_program_holds_the_same_slices() {
    let clip = Clip { width: 256, ..Clip::default() };
    let folder = folder();
    let (ours, theirs) = (folder.path().join("ours.mkv"), folder.path().join("theirs.264"));
    let mut settings = preset("fast");
    settings.params = [pair("threads=1")].into();
    done(&video_job(&clip.y4m(), &ours, Encoder::X264, settings));
    let line = format!("--preset fast --threads 1 --quiet -o {} {}", theirs.display(), clip.y4m().display());
    program::run("x264", line.split_whitespace());
    assert_eq!(slices(&ours, Encoder::X264), slices(&theirs, Encoder::X264));
}

#[test]
fn hevc_of_every_depth_decodes_to_the_frames_of_its_encoder_at_the_lowest_quality() {
    let clip = Clip { format: "yuv444p10le", width: 208, height: 120, frames: 30, rate: "25/1" };
    let copy = |depth: u32, chroma: Chroma, rate: RateControl, output: &Path| {
        let settings = EncodeSettings {
            rate: Some(rate),
            depth: Some(depth),
            chroma: Some(chroma),
            params: [("hash".to_owned(), "1".to_owned())].into(),
            ..preset("fast")
        };
        video_job(&clip.y4m(), output, Encoder::X265, settings)
    };
    let folder = folder();
    for (depth, chroma) in [8, 10, 12].into_iter().flat_map(|depth| Chroma::ALL.map(|chroma| (depth, chroma))) {
        let output = folder.path().join(format!("{depth}-{}.mkv", chroma.to_string().replace(':', "")));
        done(&copy(depth, chroma, RateControl::Crf { value: 51.0 }, &output));
        // Of frames with other checksums than x265 has written, libavcodec says so.
        let file = output.display().to_string();
        let said = program::run("ffmpeg", ["-err_detect", "crccheck", "-i", &file, "-f", "null", "-"]);
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(
            said.contains("frame=   30") && !said.contains("mismatching checksum"),
            "{depth} bits, {chroma}: {said}"
        );
    }
    let refused = copy(12, Chroma::C420, RateControl::Qp { value: 50 }, &folder.path().join("refused.mkv"));
    let error = trix_core::run_job(&refused, &trix_core::Control::default()).expect_err("grey frames");
    assert!(error.to_string().contains("qp must be 0 to 49 at 12 bits"), "{error}");
}
