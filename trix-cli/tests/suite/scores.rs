//! Tests that `trix compare` and `trix verify` give the scores of FFmpeg's filters, and notice differences and damage.

use std::{fs, path::Path};

use trix_fixtures::{Clip, folder, program};

use crate::support::{self, Dice, encode, file, trix};

/// Returns the results of filter `name` of the `ffmpeg` program, as (name, value). The test disables vector code: in
/// FFmpeg 5.1, it computes another SSIM for chroma planes whose width is no multiple of 16, and not the same each time.
fn filter(name: &str, distorted: &Path, reference: &Path) -> Vec<(String, f64)> {
    let graph = format!("[0:v][1:v]{name}");
    let arguments = ["-hide_banner", "-nostdin", "-cpuflags", "0", "-i"].map(std::ffi::OsStr::new).into_iter();
    let files = [distorted.as_os_str(), "-i".as_ref(), reference.as_os_str(), "-lavfi".as_ref()];
    let rest = [graph.as_ref(), "-f".as_ref(), "null".as_ref(), "-".as_ref()];
    let output = program::run("ffmpeg", arguments.chain(files).chain(rest));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().rfind(|line| line.contains("Parsed_")).expect("the filter speaks");
    let pairs = line.split_whitespace().filter_map(|word| word.split_once(':'));
    pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

fn named(pairs: &[(String, f64)], name: &str) -> f64 {
    pairs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).unwrap_or_else(|| panic!("{name} in {pairs:?}")).1
}

#[test]
fn scores_equal_those_of_ffmpeg() {
    for (format, encoder) in [
        ("yuv420p", "-c:v libx264 -crf 33"),
        ("yuv422p10le", "-c:v libx264 -crf 33"),
        ("yuv444p12le", "-c:v libx265 -crf 33 -x265-params log-level=none"),
        ("yuv420p10le", "-c:v libx265 -crf 20 -x265-params log-level=none"),
    ] {
        let clip = Clip::of(format);
        let (reference, distorted) = (clip.y4m(), clip.encoded(encoder, "mkv"));
        let score = &trix("compare {} {} --json", &[&reference, &distorted]).done().json()["score"];
        assert_eq!(score["frames"], 30);
        let (psnr, ssim) = (filter("psnr", &distorted, &reference), filter("ssim", &distorted, &reference));
        let number = |value: &serde_json::Value| value.as_f64().unwrap_or_else(|| panic!("no number in {score:#}"));
        let close = |ours: f64, theirs: f64, most: f64, what: &str| {
            assert!((ours - theirs).abs() <= most, "{format} {what}: {ours}, by ffmpeg {theirs}");
        };
        close(number(&score["psnr_db"]), named(&psnr, "average"), 1e-3, "PSNR");
        close(number(&score["ssim"]), named(&ssim, "All"), 1e-4, "SSIM");
        for (index, plane) in ["y", "u", "v"].into_iter().enumerate() {
            let ours = &score["planes"][index];
            close(number(&ours["psnr_db"]), named(&psnr, plane), 1e-3, plane);
            close(number(&ours["ssim"]), named(&ssim, plane), 1e-4, plane);
        }
    }
}

#[test]
fn comparing_a_file_with_itself_finds_no_difference() {
    let source = Clip::of("yuv422p10le").y4m();
    let score = &trix("compare {} {} --json", &[&source, &source]).done().json()["score"];
    assert_eq!((&score["frames"], &score["identical_frames"]), (&30.into(), &30.into()));
    assert_eq!(score["ssim"], 1.0);
}

#[test]
fn files_of_other_lengths_or_sizes_are_not_compared_frame_by_frame() {
    let whole = Clip::default().y4m();
    for other in [Clip { frames: 29, ..Clip::default() }, Clip { width: 352, height: 288, ..Clip::default() }] {
        for pair in [[&whole, &other.y4m()], [&other.y4m(), &whole]] {
            let ran = trix("compare {} {}", &[pair[0], pair[1]]);
            assert_eq!(ran.code, Some(4), "{ran:?}");
            let ran = trix("verify {} --against {}", &[pair[0], pair[1]]);
            assert_eq!(ran.code, Some(4), "{ran:?}");
        }
    }
}

#[test]
fn a_good_file_is_verified_and_a_broken_one_is_not() {
    let ffv1 = Clip::default().encoded("-c:v ffv1 -level 3 -slicecrc 1", "mkv");
    let h264 = Clip::default().encoded("-c:v libx264 -movflags +faststart", "mp4");
    let folder = folder();
    for source in [&ffv1, &h264] {
        trix("verify {}", &[source]).done();
        let bytes = fs::read(source).expect("a fixture");
        let extension = source.extension().expect("an extension").to_string_lossy();
        let cut = file(&folder, &format!("cut.{extension}"), &bytes[..bytes.len() * 3 / 5]);
        trix("verify {}", &[&cut]).refused(4, &cut);
    }
    let mut dice = Dice(4);
    let bytes = fs::read(&ffv1).expect("a fixture");
    for round in 0..6 {
        let mut changed = bytes.clone();
        // A byte between the header and the index. A change in the framing of a block is damage as well.
        changed[bytes.len() / 10 + dice.below(bytes.len() * 8 / 10)] ^= 0x10;
        let changed = file(&folder, &format!("changed-{round}.mkv"), changed);
        trix("verify {}", &[&changed]).refused(4, &changed);
    }
}

#[test]
fn a_lossless_encode_is_verified_against_its_source_sample_by_sample() {
    for options in ["--lossless", "--video x265 --lossless"] {
        let source = Clip::default().y4m();
        let encoded = encode(&source, &format!("{options} --preset ultrafast --verify full"));
        assert_eq!(encoded.holds(30)["outputs"][0]["verification"]["lossless_frames"], 30);
        let score = &trix("compare {} {} --json", &[&source, &encoded.output]).done().json()["score"];
        assert_eq!(score["identical_frames"], 30);
        let hash = |file: &Path| {
            let line = "-v error -i {} -map 0:v -pix_fmt yuv420p -f framemd5 -";
            let text = program::text(&program::run("ffmpeg", support::words(line, &[file])));
            let hash = |line: &str| line.rsplit(", ").next().map(str::to_owned);
            text.lines().filter(|line| !line.starts_with('#')).filter_map(hash).collect::<Vec<_>>()
        };
        assert_eq!(hash(&source), hash(&encoded.output), "by the word of another decoder");
    }
}

#[test]
fn a_remuxed_stream_keeps_its_packets_from_container_to_container() {
    // Packets have start codes or length prefixes, depending on the container. These three containers use the same
    // framing, so a hash of their packets must be equal.
    let hash = |file: &Path| {
        let line = "-v error -i {} -map 0 -c copy -f streamhash -hash sha256 -";
        program::text(&program::run("ffmpeg", support::words(line, &[file])))
    };
    for (codec, format) in [("libx264 -bf 2", "yuv420p"), ("libx265 -x265-params log-level=none", "yuv420p10le")] {
        let source = Clip::of(format).encoded(&format!("-c:v {codec}"), "mp4");
        let folder = folder();
        let mut before = source.clone();
        for extension in ["mkv", "mov", "mp4"] {
            let after = folder.path().join(format!("copy.{extension}"));
            trix("encode {} -o {} --video copy --json", &[&before, &after]).done();
            assert_eq!(hash(&after), hash(&source), "{codec} in {extension}");
            assert_eq!(support::decodable(&after), 30);
            before = after;
        }
    }
}
