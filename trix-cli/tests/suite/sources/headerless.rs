//! Tests of raw planes and image sequences, which the user describes, with every command that reads a source.

use std::{fs, path::Path};

use trix_fixtures::{Clip, folder, program::ffmpeg};

use crate::support::{Encoded, encode, names, trix};

fn clip() -> Clip {
    Clip { width: 80, height: 48, frames: 12, rate: "24/1", ..Clip::of("yuv422p10le") }
}

#[test]
fn raw_planes_are_encoded_probed_verified_and_compared() {
    let raw = clip().raw();
    let shape = "--raw 80x48:yuv422p10le:24";
    let encoded = encode(&raw, &format!("{shape} --preset ultrafast --lossless --verify full"));
    let report = encoded.holds(12);
    assert_eq!(report["outputs"][0]["verification"]["lossless_frames"], 12);
    assert_eq!(report["outputs"][0]["tracks"][0]["end"]["seconds"], 0.5);
    let probed = trix(&format!("probe {{}} {shape} --count --json"), &[&raw]).done().json();
    assert_eq!(probed["census"]["streams"]["0"]["frames"], 12);
    trix(&format!("verify {{}} {shape}"), &[&raw]).done();
    // The reference of a comparison has its own description.
    let shape_of_reference = "--reference-raw 80x48:yuv422p10le:24";
    let verified = trix(&format!("verify {{}} --against {{}} {shape_of_reference}"), &[&encoded.output, &raw]);
    assert!(verified.done().out.contains("12 identical"), "{verified:?}");
    let compared = trix(&format!("compare {{}} {{}} {shape_of_reference} --json"), &[&raw, &encoded.output]);
    assert!(compared.done().json()["first_difference"].is_null(), "{compared:?}");
    let compared = trix(&format!("compare {{}} {{}} {shape} --json"), &[&encoded.output, &raw]);
    assert!(compared.done().json()["first_difference"].is_null(), "{compared:?}");
}

#[test]
fn raw_planes_of_another_size_are_a_cut_and_a_wrong_shape_is_refused() {
    let raw = clip().raw();
    let encoded = encode(&raw, "--raw 80x50:yuv422p10le:24 --preset ultrafast");
    assert!(encoded.refused(3).contains("cut short"), "{:?}", encoded.ran);
    trix("verify {} --raw 80x50:yuv422p10le:24", &[&raw]).refused(4, &raw);
    let refused = trix("probe {} --raw 0x48:yuv999:24", &[&raw]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("source.raw.width") && refused.err.contains("yuv999"), "{refused:?}");
    for wrong in ["80x48", "80x48:yuv422p", "80:yuv422p:24", "ax48:yuv422p:24", "80x48:yuv422p:x"] {
        assert_eq!(trix(&format!("probe {{}} --raw {wrong}"), &[&raw]).code, Some(2), "{wrong}");
    }
}

/// Makes an image sequence in `folder`. Returns its pattern.
fn sequence(folder: &Path) -> std::path::PathBuf {
    let pattern = folder.join("shot.%04d.tif");
    let clip = Clip { width: 64, height: 48, frames: 10, ..Clip::of("yuv420p") };
    ffmpeg(&format!("{} -c:v tiff -start_number 1001 {}", clip.lavfi(), pattern.display()));
    pattern
}

#[test]
fn image_sequences_are_encoded_probed_verified_and_compared() {
    let folder = folder();
    let pattern = sequence(folder.path());
    let encoded = encode(&pattern, "--source-rate 24000/1001 --preset ultrafast --lossless --verify full");
    let report = encoded.holds(10);
    assert_eq!(report["outputs"][0]["verification"]["lossless_frames"], 10);
    let probed = trix("probe {} --count --json", &[&pattern]).done().json();
    assert_eq!(probed["census"]["streams"]["0"]["frames"], 10);
    assert_eq!(probed["streams"][0]["video"]["average_rate"], "25/1");
    trix("verify {}", &[&pattern]).done();
    let compared = trix("compare {} {} --json", &[&pattern, &encoded.output]);
    assert!(compared.done().json()["first_difference"].is_null(), "{compared:?}");
    let stated = encode(&pattern, "--preset ultrafast");
    let decisions = stated.holds(10)["outputs"][0]["plan"]["decisions"].to_string();
    assert!(decisions.contains("25/1 frames a second") && decisions.contains("no rate"), "{decisions}");
    // The source is unchanged.
    assert_eq!(names(folder.path()).len(), 10);
}

#[test]
fn a_sequence_with_a_hole_is_refused_or_counted() {
    let folder = folder();
    let pattern = sequence(folder.path());
    fs::remove_file(folder.path().join("shot.1004.tif")).expect("a frame");
    let strict = encode(&pattern, "--preset ultrafast");
    assert!(strict.refused(3).contains("shot.1004.tif"), "{:?}", strict.ran);
    let lenient: Encoded = encode(&pattern, "--preset ultrafast --on-damage conceal");
    let report = lenient.holds(9);
    assert_eq!(report["damage"]["counts"]["missing_file"], 1);
    assert_eq!(report["timing_of_source"]["0"]["gaps"], 1);
    let text = trix("probe {} --count", &[&pattern]);
    assert!(text.done().out.contains("1 gap"), "{text:?}");
    let gone = folder.path().join("other.%04d.tif");
    let refused = trix("probe {}", &[&gone]);
    assert!(refused.refused(5, &gone).contains("No such file"), "{refused:?}");
}

#[test]
fn a_stated_rate_does_not_replace_the_rate_of_the_source() {
    let whole = Clip::default().encoded("-c:v libx264", "mp4");
    let refused = trix("probe {} --source-rate 30", &[&whole]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("source.rate"), "{refused:?}");
}
