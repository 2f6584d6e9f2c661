//! Tests of every media file with one changed byte, and with its end cut off. Trix must not crash or hang, and must not
//! accept a damaged file as intact.
//!
//! The tests accept some changes, because not every byte has a checksum or is read by a decoder:
//! - A changed byte can have no effect, or can change samples where no decoder can notice it. Then the encode succeeds,
//!   reports no damage, and has as many frames as the encode of the whole file.
//! - A changed byte in the tables of a container without checksums (MP4, MOV, AVI, MXF) can give another valid file,
//!   with another rate, another length, or without a track. Then the number of frames can change, if `ffprobe` decodes
//!   the same number.
//! - A cut can remove only parts without media, such as an index or tags. Then `ffprobe` decodes as many frames and
//!   reads as many audio packets as from the whole file.
//!
//! In every other case, the job ends with exit code 3 and a message. If damage is tolerated, the report counts it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use trix_fixtures::{folder, media, program};

use crate::support::{self, Dice, damage, encode, file, trix, words};

/// Quick settings that decode all audio.
const OPTIONS: &str = "--preset ultrafast --crf 40 --audio flac";

/// Returns the number of frames that `ffprobe` can decode and of audio packets that it can read, for each stream.
fn readable(file: &Path) -> Vec<(String, String)> {
    let line = "-v quiet -count_frames -count_packets -show_entries stream=codec_type,nb_read_frames,nb_read_packets \
                -of json {}";
    let said = program::text(&program::attempt("ffprobe", words(line, &[file])));
    let json: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("0").to_owned();
    let streams = json["streams"].as_array().cloned().unwrap_or_default().into_iter();
    let media = streams.filter(|stream| stream["codec_type"] == "video" || stream["codec_type"] == "audio");
    media.map(|stream| (text(&stream["nb_read_frames"]), text(&stream["nb_read_packets"]))).collect()
}

/// The result of an encode with the strict policy.
enum Outcome {
    /// No reported damage, and this number of frames.
    Whole(u64),
    Refused,
}

/// Uses `source` with every command. No run may crash or hang (`support` checks that) or end with an unexpected code.
fn read(source: &Path) -> Outcome {
    let probed = trix("probe {} --json", &[source]);
    assert!([Some(0), Some(3)].contains(&probed.code), "{}: {probed:?}", source.display());
    let verified = trix("verify {}", &[source]);
    assert!([Some(0), Some(3), Some(4)].contains(&verified.code), "{}: {verified:?}", source.display());
    let strict = encode(source, OPTIONS);
    if strict.ran.code == Some(0) {
        let report = strict.done();
        assert_eq!(damage(&report), 0, "{}", source.display());
        return Outcome::Whole(report["outputs"][0]["ledger"]["emitted"].as_u64().expect("a ledger"));
    }
    strict.refused(3);
    let lenient = encode(source, &format!("{OPTIONS} --on-damage conceal"));
    if lenient.ran.code == Some(0) {
        assert!(damage(&lenient.done()) > 0, "{}: nothing is said to be wrong", source.display());
    } else {
        lenient.refused(3);
    }
    Outcome::Refused
}

/// The intact media files with encodable frames, and their numbers of frames. Returns every fourth file from `first`
/// on, because tests run in parallel.
fn files(first: usize) -> impl Iterator<Item = (PathBuf, u64)> {
    let without = ["corrupted.mp4", "no_timescale.mp4", "sample_with_invalid_nalu.mp4", "sample_eac3joc.mp4"];
    let mut files = media::files();
    files.retain(|file| {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        !without.contains(&name) && !name.ends_with(".yuv")
    });
    files.into_iter().skip(first).step_by(4).map(|file| {
        let report = encode(&file, &format!("{OPTIONS} --verify off")).done();
        let frames = report["outputs"][0]["ledger"]["emitted"].as_u64().expect("a ledger");
        (file, frames)
    })
}

fn flip(first: usize) {
    let folder = folder();
    for (whole, frames) in files(first) {
        let bytes = fs::read(&whole).expect("a file");
        let name = whole.file_name().expect("a name").to_string_lossy().into_owned();
        let mut dice = Dice(bytes.len() as u64);
        // Anywhere in the file, in its headers, and at its end, where MP4 and MOV keep their tables.
        let ends = [0..bytes.len(), 0..bytes.len().min(2048), bytes.len().saturating_sub(8192)..bytes.len()];
        for range in ends {
            let at = range.start + dice.below(range.len());
            let mut changed = bytes.clone();
            changed[at] ^= 1 << dice.below(8);
            let changed = file(&folder, &format!("byte-{at}-of-{name}"), changed);
            if let Outcome::Whole(found) = read(&changed)
                && found != frames
            {
                let decodable = support::decodable(&changed);
                assert_eq!(found, decodable, "{}: {frames} frames before", changed.display());
            }
            fs::remove_file(changed).expect("a file");
        }
    }
}

fn cut(first: usize) {
    let folder = folder();
    for (whole, frames) in files(first) {
        let bytes = fs::read(&whole).expect("a file");
        let name = whole.file_name().expect("a name").to_string_lossy().into_owned();
        let mut dice = Dice(bytes.len() as u64);
        for left in [bytes.len() / 3 + dice.below(bytes.len() / 3), bytes.len() - 1 - dice.below(bytes.len() / 50)] {
            // A cut between two packets of a transport stream cannot be noticed, so move it by a byte.
            let left = if left.is_multiple_of(188) || left.is_multiple_of(192) { left - 1 } else { left };
            let cut = file(&folder, &format!("{left}-bytes-of-{name}"), &bytes[..left]);
            if let Outcome::Whole(found) = read(&cut) {
                assert_eq!(found, frames, "{} passes as whole", cut.display());
                assert_eq!(readable(&cut), readable(&whole), "{} passes as whole", cut.display());
            }
            fs::remove_file(cut).expect("a file");
        }
    }
}

#[test]
fn a_changed_byte_in_real_media_ends_with_an_error_a_count_or_the_same_frames_1() {
    flip(0);
}

#[test]
fn a_changed_byte_in_real_media_ends_with_an_error_a_count_or_the_same_frames_2() {
    flip(1);
}

#[test]
fn a_changed_byte_in_real_media_ends_with_an_error_a_count_or_the_same_frames_3() {
    flip(2);
}

#[test]
fn a_changed_byte_in_real_media_ends_with_an_error_a_count_or_the_same_frames_4() {
    flip(3);
}

#[test]
fn real_media_that_were_cut_short_never_pass_as_whole_1() {
    cut(0);
}

#[test]
fn real_media_that_were_cut_short_never_pass_as_whole_2() {
    cut(1);
}

#[test]
fn real_media_that_were_cut_short_never_pass_as_whole_3() {
    cut(2);
}

#[test]
fn real_media_that_were_cut_short_never_pass_as_whole_4() {
    cut(3);
}
